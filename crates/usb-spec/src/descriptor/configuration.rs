//! A configuration: its descriptor, and a walk over interfaces, alternate settings and endpoints. USB 2.0 §9.6.3.

use super::error::body;
use super::{
    DescriptorError, DescriptorKind, Descriptors, Endpoint, Hid, Interface, InterfaceAssociation,
    RawDescriptor, ServiceInterval, SuperSpeedEndpointCompanion, SuperSpeedPlusIsochCompanion,
    max_bytes_per_service_interval,
};
use crate::Speed;
use crate::wire::{le16, u8_at};

/// The nine bytes that head a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// `wTotalLength`: bytes of this and all descriptors that belong to it.
    #[doc(alias = "wTotalLength")]
    pub total_length: u16,
    /// `bNumInterfaces`.
    #[doc(alias = "bNumInterfaces")]
    pub interfaces: u8,
    /// `bConfigurationValue`: the argument of SET_CONFIGURATION.
    #[doc(alias = "bConfigurationValue")]
    pub value: u8,
    /// `iConfiguration`; 0 means none.
    #[doc(alias = "iConfiguration")]
    pub string: u8,
    /// `bmAttributes` as it stands.
    #[doc(alias = "bmAttributes")]
    pub attributes: u8,
    /// `bMaxPower` as it stands; see [`Configuration::max_power_ma`].
    #[doc(alias = "bMaxPower")]
    pub max_power: u8,
}

impl Configuration {
    /// The size of the descriptor.
    pub const LENGTH: usize = 9;
    /// Bit 7 of `bmAttributes`, which must be set.
    pub const ATTRIBUTE_RESERVED_ONE: u8 = 0x80;
    /// Bit 6 of `bmAttributes`: the device has power of its own.
    pub const ATTRIBUTE_SELF_POWERED: u8 = 0x40;
    /// Bit 5 of `bmAttributes`: the device can wake the host.
    pub const ATTRIBUTE_REMOTE_WAKEUP: u8 = 0x20;

    /// Reads the descriptor at the start of `bytes`; what follows it is not looked at.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::CONFIGURATION, 9)?;
        Ok(Self {
            total_length: le16(b, 2),
            interfaces: u8_at(b, 4),
            value: u8_at(b, 5),
            string: u8_at(b, 6),
            attributes: u8_at(b, 7),
            max_power: u8_at(b, 8),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn emit(&self) -> [u8; Self::LENGTH] {
        let [t0, t1] = self.total_length.to_le_bytes();
        [
            9,
            DescriptorKind::CONFIGURATION.0,
            t0,
            t1,
            self.interfaces,
            self.value,
            self.string,
            self.attributes,
            self.max_power,
        ]
    }

    /// Whether the device has power of its own.
    #[must_use]
    pub const fn is_self_powered(&self) -> bool {
        self.attributes & Self::ATTRIBUTE_SELF_POWERED != 0
    }

    /// Whether the device can wake the host.
    #[must_use]
    pub const fn has_remote_wakeup(&self) -> bool {
        self.attributes & Self::ATTRIBUTE_REMOTE_WAKEUP != 0
    }

    /// The most current drawn from the bus, in mA: units of 2 mA, from SuperSpeed on 8 mA. USB 3.2 §9.6.3.
    #[must_use]
    pub const fn max_power_ma(&self, speed: Speed) -> u16 {
        let unit_ma = if speed.is_super() { 8 } else { 2 };
        self.max_power as u16 * unit_ma
    }
}

/// A configuration with all that belongs to it, borrowed.
///
/// The views below it read what can be read and pass over what cannot; [`ConfigurationView::check`] says what is wrong.
#[derive(Debug, Clone, Copy)]
pub struct ConfigurationView<'a> {
    bytes: &'a [u8],
    header: Configuration,
}

impl<'a> ConfigurationView<'a> {
    /// Looks at `bytes`, which begin with a configuration descriptor and are cut to its `wTotalLength`.
    ///
    /// # Errors
    /// The bytes do not begin with a configuration descriptor.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DescriptorError> {
        let header = Configuration::parse(bytes)?;
        let bytes = bytes
            .get(..usize::from(header.total_length))
            .unwrap_or(bytes);
        Ok(Self { bytes, header })
    }

    /// The configuration's own descriptor.
    #[must_use]
    pub const fn header(&self) -> Configuration {
        self.header
    }

    /// The bytes of all of it.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether fewer bytes are here than `wTotalLength` says.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.bytes.len() < usize::from(self.header.total_length)
    }

    /// All descriptors behind the configuration's own; a malformed length is an item too, the last.
    #[must_use]
    pub fn descriptors(&self) -> Descriptors<'a> {
        Descriptors::from_offset(self.bytes, usize::from(u8_at(self.bytes, 0)))
    }

    /// The first descriptor whose length is malformed or too small for its kind.
    ///
    /// # Errors
    /// That one.
    pub fn check(&self) -> Result<(), DescriptorError> {
        for descriptor in self.descriptors() {
            let RawDescriptor { at, kind, bytes } = descriptor?;
            let parsed = match kind {
                DescriptorKind::INTERFACE => Interface::parse(bytes).map(drop),
                DescriptorKind::INTERFACE_ASSOCIATION => {
                    InterfaceAssociation::parse(bytes).map(drop)
                }
                DescriptorKind::ENDPOINT => Endpoint::parse(bytes).map(drop),
                DescriptorKind::SUPER_SPEED_ENDPOINT_COMPANION => {
                    SuperSpeedEndpointCompanion::parse(bytes).map(drop)
                }
                DescriptorKind::SUPER_SPEED_PLUS_ISOCH_COMPANION => {
                    SuperSpeedPlusIsochCompanion::parse(bytes).map(drop)
                }
                _ => Ok(()),
            };
            parsed.map_err(|error| match error {
                DescriptorError::LengthTooSmall { length, needed, .. } => {
                    DescriptorError::LengthTooSmall { at, length, needed }
                }
                other => other,
            })?;
        }
        Ok(())
    }

    /// The interfaces, one for each number, in the order of their first descriptor.
    #[must_use]
    pub fn interfaces(&self) -> Interfaces<'a> {
        Interfaces {
            configuration: *self,
            walk: self.descriptors(),
            seen: [0; 4],
        }
    }

    /// The interface with this number.
    #[must_use]
    pub fn interface(&self, number: u8) -> Option<InterfaceView<'a>> {
        self.interfaces()
            .find(|interface| interface.number == number)
    }

    /// The interface associations.
    pub fn associations(&self) -> impl Iterator<Item = InterfaceAssociation> + use<'a> {
        self.descriptors()
            .flatten()
            .filter_map(|raw| InterfaceAssociation::parse(raw.bytes).ok())
    }
}

/// Iterates over the interfaces of a configuration.
#[derive(Debug, Clone)]
pub struct Interfaces<'a> {
    configuration: ConfigurationView<'a>,
    walk: Descriptors<'a>,
    seen: [u64; 4],
}

impl<'a> Iterator for Interfaces<'a> {
    type Item = InterfaceView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        for raw in self.walk.by_ref().flatten() {
            let Ok(Interface { number, .. }) = Interface::parse(raw.bytes) else {
                continue;
            };
            let Some(word) = self.seen.get_mut(usize::from(number / 64)) else {
                continue;
            };
            let bit = 1u64 << (number % 64);
            if *word & bit == 0 {
                *word |= bit;
                return Some(InterfaceView {
                    configuration: self.configuration,
                    number,
                });
            }
        }
        None
    }
}

/// An interface: all alternate settings with one number.
#[derive(Debug, Clone, Copy)]
pub struct InterfaceView<'a> {
    configuration: ConfigurationView<'a>,
    /// `bInterfaceNumber`.
    pub number: u8,
}

impl<'a> InterfaceView<'a> {
    /// The alternate settings, in the order in which they lie.
    #[must_use]
    pub fn alternates(&self) -> Alternates<'a> {
        Alternates {
            bytes: self.configuration.bytes,
            walk: self.configuration.descriptors(),
            number: self.number,
        }
    }

    /// The alternate setting with this `bAlternateSetting`.
    #[must_use]
    pub fn alternate(&self, setting: u8) -> Option<AlternateView<'a>> {
        self.alternates()
            .find(|alternate| alternate.descriptor.alternate == setting)
    }

    /// The setting in force after SET_CONFIGURATION: number 0, or the first where a device has none (USB 2.0 §9.6.5 wants one).
    #[must_use]
    pub fn default_alternate(&self) -> Option<AlternateView<'a>> {
        self.alternate(0).or_else(|| self.alternates().next())
    }
}

/// Iterates over the alternate settings of an interface.
#[derive(Debug, Clone)]
pub struct Alternates<'a> {
    bytes: &'a [u8],
    walk: Descriptors<'a>,
    number: u8,
}

impl<'a> Iterator for Alternates<'a> {
    type Item = AlternateView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        for raw in self.walk.by_ref().flatten() {
            let Ok(descriptor) = Interface::parse(raw.bytes) else {
                continue;
            };
            if descriptor.number == self.number {
                let at = raw.at.saturating_add(raw.bytes.len());
                return Some(AlternateView {
                    descriptor,
                    rest: self.bytes.get(at..).unwrap_or(&[]),
                });
            }
        }
        None
    }
}

/// One alternate setting of an interface.
#[derive(Debug, Clone, Copy)]
pub struct AlternateView<'a> {
    /// Its interface descriptor.
    pub descriptor: Interface,
    rest: &'a [u8],
}

impl<'a> AlternateView<'a> {
    /// What lies between this interface descriptor and the next interface or association, whole descriptors only.
    pub fn descriptors(&self) -> impl Iterator<Item = RawDescriptor<'a>> + Clone + use<'a> {
        Descriptors::new(self.rest)
            .map_while(Result::ok)
            .take_while(|raw| !ends_alternate(raw.kind))
    }

    /// The class's own descriptors: those before the first endpoint.
    pub fn class_descriptors(&self) -> impl Iterator<Item = RawDescriptor<'a>> + Clone + use<'a> {
        self.descriptors()
            .take_while(|raw| raw.kind != DescriptorKind::ENDPOINT)
    }

    /// The HID descriptor, if there is one. Some devices put it behind the endpoint, so it is looked for everywhere.
    #[must_use]
    pub fn hid(&self) -> Option<Hid> {
        self.descriptors()
            .find_map(|raw| Hid::parse(raw.bytes).ok())
    }

    /// The endpoints, in the order in which they lie.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints<'a> {
        Endpoints {
            bytes: self.rest,
            walk: Descriptors::new(self.rest),
        }
    }
}

const fn ends_alternate(kind: DescriptorKind) -> bool {
    matches!(
        kind,
        DescriptorKind::INTERFACE
            | DescriptorKind::INTERFACE_ASSOCIATION
            | DescriptorKind::CONFIGURATION
    )
}

/// Iterates over the endpoints of an alternate setting.
#[derive(Debug, Clone)]
pub struct Endpoints<'a> {
    bytes: &'a [u8],
    walk: Descriptors<'a>,
}

impl<'a> Iterator for Endpoints<'a> {
    type Item = EndpointView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        for raw in self.walk.by_ref().map_while(Result::ok) {
            if ends_alternate(raw.kind) {
                self.walk = Descriptors::new(&[]);
                return None;
            }
            let Ok(descriptor) = Endpoint::parse(raw.bytes) else {
                continue;
            };
            let at = raw.at.saturating_add(raw.bytes.len());
            return Some(EndpointView {
                descriptor,
                rest: self.bytes.get(at..).unwrap_or(&[]),
            });
        }
        None
    }
}

/// An endpoint with what follows it.
#[derive(Debug, Clone, Copy)]
pub struct EndpointView<'a> {
    /// Its endpoint descriptor.
    pub descriptor: Endpoint,
    rest: &'a [u8],
}

impl<'a> EndpointView<'a> {
    /// The descriptors between this endpoint and the next endpoint or interface.
    pub fn descriptors(&self) -> impl Iterator<Item = RawDescriptor<'a>> + Clone + use<'a> {
        Descriptors::new(self.rest)
            .map_while(Result::ok)
            .take_while(|raw| raw.kind != DescriptorKind::ENDPOINT && !ends_alternate(raw.kind))
    }

    /// The SuperSpeed companion. It should follow at once; it is found behind class descriptors too.
    #[must_use]
    pub fn companion(&self) -> Option<SuperSpeedEndpointCompanion> {
        self.descriptors()
            .find_map(|raw| SuperSpeedEndpointCompanion::parse(raw.bytes).ok())
    }

    /// The SuperSpeedPlus isochronous companion.
    #[must_use]
    pub fn isoch_companion(&self) -> Option<SuperSpeedPlusIsochCompanion> {
        self.descriptors()
            .find_map(|raw| SuperSpeedPlusIsochCompanion::parse(raw.bytes).ok())
    }

    /// How often the endpoint is served.
    #[must_use]
    pub const fn service_interval(&self, speed: Speed) -> ServiceInterval {
        self.descriptor.service_interval(speed)
    }

    /// The most bytes per service interval; see [`max_bytes_per_service_interval`].
    #[must_use]
    pub fn max_bytes_per_service_interval(&self, speed: Speed) -> u32 {
        let (companion, isoch) = (self.companion(), self.isoch_companion());
        max_bytes_per_service_interval(&self.descriptor, speed, companion.as_ref(), isoch.as_ref())
    }
}
