//! The binary object store: device capabilities. USB 3.2 §9.6.2.

use super::error::body;
use super::{DescriptorError, DescriptorKind, Descriptors};
use crate::open::open_number;
use crate::wire::{Emitted, le16, le32, put, take, u8_at};

open_number! {
    /// `bDevCapabilityType`. USB 3.2 table 9-14 (unchecked).
    pub struct CapabilityKind(u8) {
        WIRELESS_USB = 0x01 => "wireless USB",
        USB2_EXTENSION = 0x02 => "USB 2.0 extension",
        SUPER_SPEED = 0x03 => "SuperSpeed",
        CONTAINER_ID = 0x04 => "container id",
        PLATFORM = 0x05 => "platform",
        POWER_DELIVERY = 0x06 => "power delivery",
        BATTERY_INFO = 0x07 => "battery info",
        PD_CONSUMER_PORT = 0x08 => "PD consumer port",
        PD_PROVIDER_PORT = 0x09 => "PD provider port",
        SUPER_SPEED_PLUS = 0x0a => "SuperSpeedPlus",
        PRECISION_TIME = 0x0b => "precision time measurement",
        BILLBOARD = 0x0d => "billboard",
        CONFIGURATION_SUMMARY = 0x10 => "configuration summary",
    }
}

/// The five bytes that head a binary object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bos {
    /// `wTotalLength`.
    pub total_length: u16,
    /// `bNumDeviceCaps`.
    pub capabilities: u8,
}

impl Bos {
    /// The size of the descriptor.
    pub const LENGTH: usize = 5;

    /// Reads the descriptor at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::BOS, 5)?;
        Ok(Self {
            total_length: le16(b, 2),
            capabilities: u8_at(b, 4),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn emit(&self) -> [u8; Self::LENGTH] {
        let [t0, t1] = self.total_length.to_le_bytes();
        [5, DescriptorKind::BOS.0, t0, t1, self.capabilities]
    }
}

/// A binary object store with its capabilities, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct BosView<'a> {
    bytes: &'a [u8],
    header: Bos,
}

impl<'a> BosView<'a> {
    /// Looks at `bytes`, cut to their `wTotalLength`.
    ///
    /// # Errors
    /// The bytes do not begin with a BOS descriptor.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DescriptorError> {
        let header = Bos::parse(bytes)?;
        Ok(Self {
            bytes: bytes
                .get(..usize::from(header.total_length))
                .unwrap_or(bytes),
            header,
        })
    }

    /// The store's own descriptor.
    #[must_use]
    pub const fn header(&self) -> Bos {
        self.header
    }

    /// The capabilities; descriptors of other kinds are passed over, malformed ones are items.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities<'a> {
        Capabilities {
            walk: Descriptors::from_offset(self.bytes, usize::from(u8_at(self.bytes, 0))),
        }
    }
}

/// Iterates over device capabilities.
#[derive(Debug, Clone)]
pub struct Capabilities<'a> {
    walk: Descriptors<'a>,
}

impl<'a> Iterator for Capabilities<'a> {
    type Item = Result<Capability<'a>, DescriptorError>;

    fn next(&mut self) -> Option<Self::Item> {
        for raw in self.walk.by_ref() {
            match raw {
                Err(error) => return Some(Err(error)),
                Ok(raw) if raw.kind == DescriptorKind::DEVICE_CAPABILITY => {
                    return Some(Capability::parse(raw.bytes));
                }
                Ok(_) => {}
            }
        }
        None
    }
}

/// A device capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability<'a> {
    /// Link power management of the USB 2.0 half.
    Usb2Extension(Usb2Extension),
    /// Speeds and exit latencies.
    SuperSpeed(SuperSpeed),
    /// Lanes and sublink speeds.
    SuperSpeedPlus(SuperSpeedPlus<'a>),
    /// The same number for all functions in one box.
    ContainerId(ContainerId),
    /// A capability that is not taken apart here.
    Unknown {
        /// `bDevCapabilityType`.
        kind: CapabilityKind,
        /// All of the descriptor.
        bytes: &'a [u8],
    },
}

impl<'a> Capability<'a> {
    /// Reads the capability at the start of `bytes`.
    ///
    /// # Errors
    /// Not a device capability, or fewer bytes than its kind needs.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::DEVICE_CAPABILITY, 3)?;
        match CapabilityKind(u8_at(b, 2)) {
            CapabilityKind::USB2_EXTENSION => Usb2Extension::parse(b).map(Self::Usb2Extension),
            CapabilityKind::SUPER_SPEED => SuperSpeed::parse(b).map(Self::SuperSpeed),
            CapabilityKind::SUPER_SPEED_PLUS => SuperSpeedPlus::parse(b).map(Self::SuperSpeedPlus),
            CapabilityKind::CONTAINER_ID => ContainerId::parse(b).map(Self::ContainerId),
            kind => Ok(Self::Unknown { kind, bytes: b }),
        }
    }
}

fn capability(bytes: &[u8], kind: CapabilityKind, needed: u8) -> Result<&[u8], DescriptorError> {
    let b = body(bytes, DescriptorKind::DEVICE_CAPABILITY, needed)?;
    let found = u8_at(b, 2);
    if found == kind.0 {
        Ok(b)
    } else {
        Err(DescriptorError::WrongCapability { found })
    }
}

/// USB 2.0 extension. USB 3.2 §9.6.2.1 and the USB 2.0 LPM addendum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Usb2Extension {
    /// `bmAttributes`: bit 1 LPM, bit 2 BESL, bits 3 and 4 baseline and deep BESL valid, then their values.
    pub attributes: u32,
}

impl Usb2Extension {
    /// The size of the descriptor.
    pub const LENGTH: usize = 7;

    /// Reads the capability at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        Ok(Self {
            attributes: le32(capability(bytes, CapabilityKind::USB2_EXTENSION, 7)?, 3),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn emit(&self) -> [u8; Self::LENGTH] {
        let [a0, a1, a2, a3] = self.attributes.to_le_bytes();
        [
            7,
            DescriptorKind::DEVICE_CAPABILITY.0,
            CapabilityKind::USB2_EXTENSION.0,
            a0,
            a1,
            a2,
            a3,
        ]
    }

    /// Whether the device can do link power management (L1).
    #[must_use]
    pub const fn has_lpm(&self) -> bool {
        self.attributes & 2 != 0
    }

    /// Whether the device counts in best-effort service latency, not in host-initiated resume duration.
    #[must_use]
    pub const fn has_besl(&self) -> bool {
        self.attributes & 4 != 0
    }
}

/// SuperSpeed capability. USB 3.2 §9.6.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SuperSpeed {
    /// `bmAttributes`: bit 1 latency tolerance messages.
    pub attributes: u8,
    /// `wSpeedsSupported`: bit 0 low, 1 full, 2 high, 3 Gen 1.
    pub speeds: u16,
    /// `bFunctionalitySupport`: the lowest speed at which all works, in the order of `speeds`.
    pub lowest_full_function: u8,
    /// `bU1DevExitLat`, in microseconds.
    pub u1_exit_latency_us: u8,
    /// `wU2DevExitLat`, in microseconds.
    pub u2_exit_latency_us: u16,
}

impl SuperSpeed {
    /// The size of the descriptor.
    pub const LENGTH: usize = 10;

    /// Reads the capability at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = capability(bytes, CapabilityKind::SUPER_SPEED, 10)?;
        Ok(Self {
            attributes: u8_at(b, 3),
            speeds: le16(b, 4),
            lowest_full_function: u8_at(b, 6),
            u1_exit_latency_us: u8_at(b, 7),
            u2_exit_latency_us: le16(b, 8),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(
            &mut out,
            0,
            &[
                10,
                DescriptorKind::DEVICE_CAPABILITY.0,
                CapabilityKind::SUPER_SPEED.0,
                self.attributes,
            ],
        );
        put(&mut out, 4, &self.speeds.to_le_bytes());
        put(
            &mut out,
            6,
            &[self.lowest_full_function, self.u1_exit_latency_us],
        );
        put(&mut out, 8, &self.u2_exit_latency_us.to_le_bytes());
        out
    }
}

/// SuperSpeedPlus capability. USB 3.2 §9.6.2.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SuperSpeedPlus<'a> {
    /// `bmAttributes`: bits 4:0 count of sublink speeds less one, bits 8:5 count of their ids less one.
    pub attributes: u32,
    /// `wFunctionalitySupport`: the least speed id and lanes at which all works.
    pub functionality: u16,
    sublinks: &'a [u8],
}

impl<'a> SuperSpeedPlus<'a> {
    /// The size of the largest descriptor, with 32 sublink speeds.
    pub const LENGTH_MAX: usize = 12 + 32 * 4;

    /// Reads the capability at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer than the 16 bytes of a capability with one sublink speed.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DescriptorError> {
        let b = capability(bytes, CapabilityKind::SUPER_SPEED_PLUS, 16)?;
        let attributes = le32(b, 4);
        let sublinks = b.get(12..).unwrap_or(&[]);
        let wanted = (usize::from(attributes.to_le_bytes()[0] & 0x1f) + 1) * 4;
        Ok(Self {
            attributes,
            functionality: le16(b, 8),
            sublinks: sublinks.get(..wanted).unwrap_or(sublinks),
        })
    }

    /// `bmSublinkSpeedAttr`: bits 3:0 id, 5:4 exponent (0 bit/s, 3 Gbit/s), 7:6 kind, 15:14 link protocol, 31:16 mantissa.
    pub fn sublink_speeds(&self) -> impl Iterator<Item = u32> + Clone + use<'a> {
        self.sublinks
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes(take(word, 0)))
    }

    /// The bytes of a capability with these sublink speeds, at least one and at most 32 of them; the count's bits are set from them.
    #[must_use]
    pub fn emit(
        attributes: u32,
        functionality: u16,
        sublink_speeds: &[u32],
    ) -> Emitted<{ 12 + 32 * 4 }> {
        let speeds = sublink_speeds.get(..32).unwrap_or(sublink_speeds);
        let count_z = u8::try_from(speeds.len().saturating_sub(1)).unwrap_or(31);
        let [a0, a1, a2, a3] = ((attributes & !0x1f) | u32::from(count_z)).to_le_bytes();
        let [f0, f1] = functionality.to_le_bytes();
        let mut out = Emitted::new();
        let kind = CapabilityKind::SUPER_SPEED_PLUS.0;
        out.push(&[
            0,
            DescriptorKind::DEVICE_CAPABILITY.0,
            kind,
            0,
            a0,
            a1,
            a2,
            a3,
            f0,
            f1,
            0,
            0,
        ]);
        for speed in speeds {
            out.push(&speed.to_le_bytes());
        }
        let length = u8::try_from(out.len()).unwrap_or(u8::MAX);
        out.set(0, length);
        out
    }
}

/// Container id. USB 3.2 §9.6.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContainerId {
    /// The UUID, in the order of the bytes on the wire.
    pub uuid: [u8; 16],
}

impl ContainerId {
    /// The size of the descriptor.
    pub const LENGTH: usize = 20;

    /// Reads the capability at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        Ok(Self {
            uuid: take(capability(bytes, CapabilityKind::CONTAINER_ID, 20)?, 4),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(
            &mut out,
            0,
            &[
                20,
                DescriptorKind::DEVICE_CAPABILITY.0,
                CapabilityKind::CONTAINER_ID.0,
            ],
        );
        put(&mut out, 4, &self.uuid);
        out
    }
}
