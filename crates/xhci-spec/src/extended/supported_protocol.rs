//! Supported Protocol: which ports speak which USB, and what their speed ids mean. xHCI 1.2 §7.2.

use core::fmt;

use super::CapabilityId;
use crate::number::SpeedId;
use crate::registers::{Access, FieldValue, Show, register};

register! {
    /// Supported protocol, first dword: the protocol's revision.
    ProtocolRevision(u32): "SPC0", "Supported Protocol: Revision", Extended + 0x00, "7.2.1";
    /// [`CapabilityId::SUPPORTED_PROTOCOL`].
    id / with_id: CapabilityId = [0; 8], Access::Ro, "CapID";
    /// Bytes to the next capability; zero if this is the last.
    next / with_next: u32 = [8; 8] << 2, Access::Ro, "Next";
    /// Minor revision in BCD as the controller wrote it; see [`SupportedProtocol::minor`].
    minor / with_minor: u8 = [16; 8], Access::Ro, "Minor";
    /// Major revision in BCD: 2 or 3.
    major / with_major: u8 = [24; 8], Access::Ro, "Major";
    .. reserved;
}

register! {
    /// Supported protocol, second dword: four letters, `USB ` in practice.
    ProtocolName(u32): "SPC1", "Supported Protocol: Name", Extended + 0x04, "7.2.2";
    /// Four letters, the first in the lowest byte.
    name / with_name: u32 = [0; 32], Access::Ro, "Name";
    .. reserved;
}

impl ProtocolName {
    /// The name `USB `, the only one that the specification knows.
    pub const USB: Self = Self::from_bits(u32::from_le_bytes(*b"USB "));
}

register! {
    /// Supported protocol, third dword: the ports.
    ProtocolPorts(u32): "SPC2", "Supported Protocol: Ports", Extended + 0x08, "7.2.2 (unchecked)";
    /// Number of the first port.
    port_offset / with_port_offset: u8 = [0; 8], Access::Ro, "PortOffset";
    /// Number of ports.
    port_count / with_port_count: u8 = [8; 8], Access::Ro, "PortCount";
    /// What the protocol makes of it; the named bits of [`SupportedProtocol`] read it.
    protocol_defined / with_protocol_defined: u16 = [16; 12], Access::Ro, "ProtocolDefined";
    /// Number of speed id dwords that follow the fourth dword.
    speed_id_count / with_speed_id_count: u8 = [28; 4], Access::Ro, "PSIC";
    .. reserved;
}

register! {
    /// Supported protocol, fourth dword: the slot type.
    ProtocolSlotType(u32): "SPC3", "Supported Protocol: Slot Type", Extended + 0x0c, "7.2.2.1.4 (unchecked)";
    /// The slot type that Enable Slot takes for devices on these ports; 0 for USB.
    slot_type / with_slot_type: u8 = [0; 5], Access::Ro, "ProtocolSlotType";
    .. reserved [5; 27] RsvdZ;
}

/// Most speed id dwords that a capability can have: PSIC has four bits.
pub const SPEED_IDS_MAX: u8 = 15;
/// Bytes from the capability to its first speed id dword.
pub const SPEED_IDS: u32 = 0x10;

/// Direction of a speed id. xHCI 1.2 §7.2.1, PLT (unchecked).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpeedType(pub u8);

impl SpeedType {
    /// The same rate both ways; one dword stands for both.
    pub const SYMMETRIC: Self = Self(0);
    /// The rate to the host.
    pub const ASYMMETRIC_RX: Self = Self(2);
    /// The rate from the host; follows the dword of the other direction.
    pub const ASYMMETRIC_TX: Self = Self(3);
}

impl FieldValue for SpeedType {
    const SHOW: Show = Show::Named(|raw| match raw {
        0 => Some("Symmetric"),
        2 => Some("Rx"),
        3 => Some("Tx"),
        _ => None,
    });
    fn from_raw(raw: u64) -> Self {
        Self(u8::from_raw(raw))
    }
    fn to_raw(self) -> u64 {
        self.0.to_raw()
    }
}

/// Kind of a SuperSpeed link. xHCI 1.2 §7.2.1, LP (unchecked).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkProtocol(pub u8);

impl LinkProtocol {
    /// SuperSpeed.
    pub const SUPER_SPEED: Self = Self(0);
    /// SuperSpeedPlus.
    pub const SUPER_SPEED_PLUS: Self = Self(1);
}

impl FieldValue for LinkProtocol {
    const SHOW: Show = Show::Number;
    fn from_raw(raw: u64) -> Self {
        Self(u8::from_raw(raw))
    }
    fn to_raw(self) -> u64 {
        self.0.to_raw()
    }
}

register! {
    /// One speed id dword: what a value of PORTSC's Speed means on these ports.
    ProtocolSpeed(u32): "PSI", "Protocol Speed ID", Extended + 0x10, "7.2.1";
    /// The value that PORTSC and slot contexts carry, 1 to 15.
    speed_id / with_speed_id: SpeedId = [0; 4], Access::Ro, "PSIV";
    /// Unit of the mantissa: 0 b/s, 1 kb/s, 2 Mb/s, 3 Gb/s.
    exponent / with_exponent: u8 = [4; 2], Access::Ro, "PSIE";
    /// Direction.
    speed_type / with_speed_type: SpeedType = [6; 2], Access::Ro, "PLT";
    /// The link is full duplex.
    full_duplex / with_full_duplex: bool = [8; 1], Access::Ro, "PFD";
    /// Kind of the link.
    link_protocol / with_link_protocol: LinkProtocol = [14; 2], Access::Ro, "LP";
    /// The rate in units of the exponent.
    mantissa / with_mantissa: u16 = [16; 16], Access::Ro, "PSIM";
    .. reserved [9; 5] RsvdZ;
}

impl ProtocolSpeed {
    /// Bits per second in one direction, all lanes together. xHCI 1.2 §7.2.1.
    #[must_use]
    pub fn bits_per_second(self) -> u64 {
        u64::from(self.mantissa()) * 1000_u64.pow(u32::from(self.exponent()))
    }
}

/// Which USB a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// USB 2: low, full and high speed.
    Usb2,
    /// USB 3: SuperSpeed and above.
    Usb3,
}

/// A Supported Protocol capability, as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SupportedProtocol {
    /// First dword.
    pub revision: ProtocolRevision,
    /// Second dword.
    pub name: ProtocolName,
    /// Third dword.
    pub ports: ProtocolPorts,
    /// Fourth dword.
    pub slot_type: ProtocolSlotType,
    speeds: [ProtocolSpeed; SPEED_IDS_MAX as usize],
}

/// Why a Supported Protocol capability cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProtocolError {
    /// Not a Supported Protocol capability.
    NotAProtocol {
        /// What it is instead.
        id: CapabilityId,
    },
    /// Neither USB 2 nor USB 3.
    Unknown {
        /// The four letters.
        name: [u8; 4],
        /// Major revision in BCD.
        major: u8,
    },
    /// The ports are zero, or reach beyond port 255.
    BadPorts {
        /// Number of the first port.
        offset: u8,
        /// Number of ports.
        count: u8,
    },
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAProtocol { id } => {
                write!(
                    f,
                    "extended capability {} is not a Supported Protocol",
                    id.0
                )
            }
            Self::Unknown { name, major } => {
                write!(
                    f,
                    "protocol {:?} {major:x} is neither USB 2 nor USB 3",
                    name.escape_ascii()
                )
            }
            Self::BadPorts { offset, count } => {
                write!(
                    f,
                    "a Supported Protocol claims {count} ports from port {offset}"
                )
            }
        }
    }
}

impl core::error::Error for ProtocolError {}

impl SupportedProtocol {
    /// Reads the capability at `offset` bytes from the start of BAR0.
    ///
    /// # Errors
    ///
    /// When the capability is another one, speaks no known protocol, or names ports that cannot be. A caller should
    /// skip such a capability and go on: other protocols' ports work without it.
    pub fn read(offset: u32, mut read: impl FnMut(u32) -> u32) -> Result<Self, ProtocolError> {
        let mut dword = |at: u32| read(offset.saturating_add(at));
        let mut protocol = Self {
            revision: ProtocolRevision::from_bits(dword(0)),
            name: ProtocolName::from_bits(dword(4)),
            ports: ProtocolPorts::from_bits(dword(8)),
            slot_type: ProtocolSlotType::from_bits(dword(0xc)),
            speeds: [ProtocolSpeed::default(); SPEED_IDS_MAX as usize],
        };
        let id = protocol.revision.id();
        if id != CapabilityId::SUPPORTED_PROTOCOL {
            return Err(ProtocolError::NotAProtocol { id });
        }
        let count = usize::from(protocol.ports.speed_id_count());
        let mut at = SPEED_IDS;
        for speed in protocol.speeds.iter_mut().take(count) {
            *speed = ProtocolSpeed::from_bits(dword(at));
            at += 4;
        }
        protocol.protocol()?;
        protocol.port_numbers()?;
        Ok(protocol)
    }

    /// Which USB these ports speak.
    ///
    /// # Errors
    ///
    /// When the name or the major revision is unknown.
    pub fn protocol(&self) -> Result<Protocol, ProtocolError> {
        match (self.name, self.revision.major()) {
            (ProtocolName::USB, 2) => Ok(Protocol::Usb2),
            (ProtocolName::USB, 3) => Ok(Protocol::Usb3),
            (name, major) => Err(ProtocolError::Unknown {
                name: name.bits().to_le_bytes(),
                major,
            }),
        }
    }

    /// Numbers of the ports, from one.
    ///
    /// # Errors
    ///
    /// When there are none, or they are zero or reach beyond 255.
    pub fn port_numbers(&self) -> Result<core::ops::RangeInclusive<u8>, ProtocolError> {
        let (offset, count) = (self.ports.port_offset(), self.ports.port_count());
        let bad = ProtocolError::BadPorts { offset, count };
        if offset == 0 {
            return Err(bad);
        }
        let last = count
            .checked_sub(1)
            .and_then(|more| offset.checked_add(more));
        last.map(|last| offset..=last).ok_or(bad)
    }

    /// Minor revision as one digit: 1 for USB 3.1, 2 for USB 3.2.
    ///
    /// The field is BCD with two digits, so that 3.1 is 0x10; some controllers write 0x01. Either is read as 1, since
    /// no USB revision has a second digit.
    #[must_use]
    pub fn minor(&self) -> u8 {
        let minor = self.revision.minor();
        match minor >> 4 {
            0 => minor,
            digit => digit,
        }
    }

    /// The speed id dwords; empty when the default speed ids hold.
    #[must_use]
    pub fn speeds(&self) -> &[ProtocolSpeed] {
        let count = usize::from(self.ports.speed_id_count());
        self.speeds.get(..count).unwrap_or_default()
    }

    /// Bits per second from the host that a speed id stands for on these ports, all lanes together; by the default
    /// ids if the capability has no table. `None` if the id means nothing here.
    #[must_use]
    pub fn bits_per_second(&self, speed: SpeedId) -> Option<u64> {
        if self.speeds().is_empty() {
            return default_bits_per_second(speed);
        }
        self.speeds()
            .iter()
            .rfind(|entry| entry.speed_id() == speed)
            .map(|entry| entry.bits_per_second())
    }

    /// USB2: the ports support Link PM, as xHCI 0.96 had it.
    #[doc(alias = "L1C")]
    #[must_use]
    pub fn l1_capability(&self) -> bool {
        self.protocol_bit(0)
    }

    /// USB2: the ports do high speed only.
    #[doc(alias = "HSO")]
    #[must_use]
    pub fn high_speed_only(&self) -> bool {
        self.protocol_bit(1)
    }

    /// USB2: a hub is built in behind the ports.
    #[doc(alias = "IHI")]
    #[must_use]
    pub fn integrated_hub(&self) -> bool {
        self.protocol_bit(2)
    }

    /// USB2: hardware controls link power.
    #[doc(alias = "HLC")]
    #[must_use]
    pub fn hardware_lpm(&self) -> bool {
        self.protocol_bit(3)
    }

    /// USB2: PORTPMSC takes BESL, else HIRD.
    #[doc(alias = "BLC")]
    #[must_use]
    pub fn besl_lpm(&self) -> bool {
        self.protocol_bit(4)
    }

    /// USB3: PORTHLPMC counts soft errors of the link.
    #[doc(alias = "LSECC")]
    #[must_use]
    pub fn link_soft_error_count(&self) -> bool {
        self.protocol_bit(8)
    }

    /// How many hubs deep devices may sit; zero is the protocol's own limit.
    #[doc(alias = "MHD")]
    #[must_use]
    pub fn max_hub_depth(&self) -> u8 {
        let [low, high] = (self.ports.protocol_defined() >> 9).to_le_bytes();
        debug_assert_eq!(high, 0, "the field has twelve bits");
        low
    }

    fn protocol_bit(&self, number: u8) -> bool {
        self.ports.protocol_defined() >> number & 1 == 1
    }
}

/// Bits per second that the default speed ids stand for, all lanes together. xHCI 1.2 §7.2.2.1.1.
#[must_use]
pub const fn default_bits_per_second(speed: SpeedId) -> Option<u64> {
    Some(match speed.0 {
        1 => 12_000_000,
        2 => 1_500_000,
        3 => 480_000_000,
        4 => 5_000_000_000,
        5 | 6 => 10_000_000_000,
        7 => 20_000_000_000,
        _ => return None,
    })
}
