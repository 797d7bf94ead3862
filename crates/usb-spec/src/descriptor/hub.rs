//! Hub descriptors of both halves of the cable. USB 2.0 §11.23.2.1, USB 3.2 §10.15.2.1.

use super::error::body;
use super::{DescriptorError, DescriptorKind};
use crate::wire::{Emitted, le16, put, u8_at};

/// `wHubCharacteristics`. USB 2.0 table 11-13, USB 3.2 table 10-3 (unchecked).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HubCharacteristics(pub u16);

impl HubCharacteristics {
    /// Power of each port is switched on its own, not of all together.
    #[must_use]
    pub const fn has_individual_power_switching(self) -> bool {
        self.0 & 3 == 1
    }

    /// Ports have no power switches.
    #[must_use]
    pub const fn has_no_power_switching(self) -> bool {
        self.0 & 2 != 0
    }

    /// The hub is part of a device with others that cannot be removed.
    #[must_use]
    pub const fn is_compound(self) -> bool {
        self.0 & 4 != 0
    }

    /// Over-current is reported for each port, not for all together.
    #[must_use]
    pub const fn has_individual_over_current(self) -> bool {
        (self.0 >> 3) & 3 == 1
    }

    /// The think time of the transaction translators in full-speed bit times: 8, 16, 24 or 32. USB 2.0 hubs only.
    #[must_use]
    pub const fn tt_think_time_bits(self) -> u8 {
        ((((self.0 >> 5) & 3) as u8) + 1) * 8
    }

    /// The ports have indicators. USB 2.0 hubs only.
    #[must_use]
    pub const fn has_port_indicators(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// One bit for each port of a hub; bit 0 is reserved, port 1 is bit 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PortMap([u8; 32]);

impl PortMap {
    /// No port.
    pub const EMPTY: Self = Self([0; 32]);

    /// From the bytes on the wire, of which 32 have a meaning.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(crate::wire::take(bytes, 0))
    }

    /// Whether the port's bit is set.
    #[must_use]
    pub fn contains(&self, port: u8) -> bool {
        u8_at(&self.0, usize::from(port / 8)) & (1 << (port % 8)) != 0
    }

    /// With the port's bit set.
    #[must_use]
    pub fn with(mut self, port: u8) -> Self {
        if let Some(byte) = self.0.get_mut(usize::from(port / 8)) {
            *byte |= 1 << (port % 8);
        }
        self
    }

    /// The bytes on the wire for a hub with so many ports.
    #[must_use]
    pub fn as_bytes(&self, ports: u8) -> &[u8] {
        self.0.get(..Self::length(ports)).unwrap_or(&self.0)
    }

    /// Bytes on the wire for a hub with so many ports: one bit more than ports, rounded up.
    #[must_use]
    pub const fn length(ports: u8) -> usize {
        ports as usize / 8 + 1
    }
}

/// The descriptor of a USB 2.0 hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hub {
    /// `bNbrPorts`.
    #[doc(alias = "bNbrPorts")]
    pub ports: u8,
    /// `wHubCharacteristics`.
    #[doc(alias = "wHubCharacteristics")]
    pub characteristics: HubCharacteristics,
    /// `bPwrOn2PwrGood`, in units of 2 ms.
    #[doc(alias = "bPwrOn2PwrGood")]
    pub power_on_to_good_2ms: u8,
    /// `bHubContrCurrent`, in mA.
    #[doc(alias = "bHubContrCurrent")]
    pub controller_current_ma: u8,
    /// `DeviceRemovable`: a set bit means that the device on the port can *not* be removed.
    #[doc(alias = "DeviceRemovable")]
    pub not_removable: PortMap,
}

impl Hub {
    /// The size of the largest descriptor, with 255 ports.
    pub const LENGTH_MAX: usize = 7 + 2 * 32;

    /// Reads the descriptor at the start of `bytes`; a map that is cut short counts as zero.
    ///
    /// # Errors
    /// Another kind, or fewer than the seven fixed bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::HUB, 7)?;
        let ports = u8_at(b, 2);
        let map = b.get(7..).unwrap_or(&[]);
        Ok(Self {
            ports,
            characteristics: HubCharacteristics(le16(b, 3)),
            power_on_to_good_2ms: u8_at(b, 5),
            controller_current_ma: u8_at(b, 6),
            not_removable: PortMap::from_bytes(map.get(..PortMap::length(ports)).unwrap_or(map)),
        })
    }

    /// The bytes on the wire; `PortPwrCtrlMask` is all ones, as USB 2.0 wants it.
    #[must_use]
    pub fn emit(&self) -> Emitted<{ Self::LENGTH_MAX }> {
        let mut out = Emitted::new();
        let [c0, c1] = self.characteristics.0.to_le_bytes();
        out.push(&[
            0,
            DescriptorKind::HUB.0,
            self.ports,
            c0,
            c1,
            self.power_on_to_good_2ms,
            self.controller_current_ma,
        ]);
        out.push(self.not_removable.as_bytes(self.ports));
        for _ in 0..PortMap::length(self.ports) {
            out.push(&[0xff]);
        }
        let length = u8::try_from(out.len()).unwrap_or(u8::MAX);
        out.set(0, length);
        out
    }
}

/// The descriptor of a SuperSpeed hub, which has at most 15 ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SuperSpeedHub {
    /// `bNbrPorts`.
    #[doc(alias = "bNbrPorts")]
    pub ports: u8,
    /// `wHubCharacteristics`.
    #[doc(alias = "wHubCharacteristics")]
    pub characteristics: HubCharacteristics,
    /// `bPwrOn2PwrGood`, in units of 2 ms.
    #[doc(alias = "bPwrOn2PwrGood")]
    pub power_on_to_good_2ms: u8,
    /// `bHubContrCurrent`, in units of 4 mA.
    #[doc(alias = "bHubContrCurrent")]
    pub controller_current_4ma: u8,
    /// `bHubHdrDecLat`, in units of 0.1 µs.
    #[doc(alias = "bHubHdrDecLat")]
    pub header_decode_latency_100ns: u8,
    /// `wHubDelay`, in nanoseconds.
    #[doc(alias = "wHubDelay")]
    pub delay_ns: u16,
    /// `DeviceRemovable`: bit n set means that the device on port n can *not* be removed.
    #[doc(alias = "DeviceRemovable")]
    pub not_removable: u16,
}

impl SuperSpeedHub {
    /// The size of the descriptor.
    pub const LENGTH: usize = 12;

    /// Reads the descriptor at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::SUPER_SPEED_HUB, 12)?;
        Ok(Self {
            ports: u8_at(b, 2),
            characteristics: HubCharacteristics(le16(b, 3)),
            power_on_to_good_2ms: u8_at(b, 5),
            controller_current_4ma: u8_at(b, 6),
            header_decode_latency_100ns: u8_at(b, 7),
            delay_ns: le16(b, 8),
            not_removable: le16(b, 10),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(
            &mut out,
            0,
            &[12, DescriptorKind::SUPER_SPEED_HUB.0, self.ports],
        );
        put(&mut out, 3, &self.characteristics.0.to_le_bytes());
        put(
            &mut out,
            5,
            &[
                self.power_on_to_good_2ms,
                self.controller_current_4ma,
                self.header_decode_latency_100ns,
            ],
        );
        put(&mut out, 8, &self.delay_ns.to_le_bytes());
        put(&mut out, 10, &self.not_removable.to_le_bytes());
        out
    }
}
