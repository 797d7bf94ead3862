//! Numbers that must not be mixed up: slots, ports, endpoints, addresses on the bus, streams, interrupters, routes, speeds.

use core::fmt;
use core::num::NonZeroU8;

use crate::field::value;

/// A number from 1 to 255; zero means "none" on the wire and is `None` here.
macro_rules! one_based {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU8);

        impl $name {
            /// The number, unless it is 0.
            #[must_use]
            pub const fn new(number: u8) -> Option<Self> {
                match NonZeroU8::new(number) {
                    Some(number) => Some(Self(number)),
                    None => None,
                }
            }

            /// The number as it stands on the wire, 1 to 255.
            #[must_use]
            pub const fn get(self) -> u8 {
                self.0.get()
            }

            /// The number as an index into an array whose entry 0 is not a member.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0.get() as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        value! { Option<$name>, u8: $name::new, |number: Option<$name>| number.map_or(0, $name::get); }
    };
}

one_based! {
    /// Number of a device slot, 1 to 255 (xHCI 1.2 §4.5.3).
    SlotId
}

one_based! {
    /// Number of a root hub port, 1 to 255 (xHCI 1.2 §4.19.7, unchecked).
    PortId
}

/// Device Context Index: names an endpoint within a device, 1 to 31 (xHCI 1.2 §4.5.1).
///
/// DCI 1 is the default control endpoint, in both directions; endpoint *n* is `2n` OUT and `2n + 1` IN.
#[doc(alias = "DCI")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dci(NonZeroU8);

impl Dci {
    /// The default control endpoint.
    pub const CONTROL: Self = Self(NonZeroU8::MIN);

    /// The greatest index, endpoint 15 IN.
    pub const MAX: u8 = 31;

    /// The index, if it is 1 to 31.
    #[must_use]
    pub const fn new(index: u8) -> Option<Self> {
        match NonZeroU8::new(index) {
            Some(index) if index.get() <= Self::MAX => Some(Self(index)),
            _ => None,
        }
    }

    /// The index of endpoint `number` (0 to 15) in one direction; endpoint 0 is [`Dci::CONTROL`] whatever the direction.
    #[must_use]
    pub const fn from_endpoint(number: u8, is_in: bool) -> Option<Self> {
        match number {
            0 => Some(Self::CONTROL),
            1..=15 => Self::new(2 * number + is_in as u8),
            _ => None,
        }
    }

    /// The index of the endpoint with this `bEndpointAddress` (USB 2.0 §9.6.6); bits 6:4 are ignored.
    #[must_use]
    pub const fn from_address(address: u8) -> Self {
        match Self::from_endpoint(address & 0xf, address & 0x80 != 0) {
            Some(dci) => dci,
            None => Self::CONTROL,
        }
    }

    /// The endpoint's number, 0 to 15.
    #[must_use]
    pub const fn endpoint_number(self) -> u8 {
        self.0.get() / 2
    }

    /// Whether data flows to the host; true for the control endpoint, whose contexts stand in the IN place.
    #[must_use]
    pub const fn is_in(self) -> bool {
        self.0.get() % 2 == 1
    }

    /// The index, 1 to 31; also the doorbell target (xHCI 1.2 §5.6).
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }

    /// The index for an array whose entry 0 is the slot context.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0.get() as usize
    }

    /// The endpoint's bit in the add and drop flags of an input control context (xHCI 1.2 §6.2.5.1).
    #[must_use]
    pub const fn flag(self) -> u32 {
        1 << self.0.get()
    }

    /// All indices in order.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (1..=Self::MAX).filter_map(Self::new)
    }
}

impl fmt::Display for Dci {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Five-bit field: every number but 0 is a member.
impl crate::field::Value for Option<Dci> {
    fn from_bits(bits: u64) -> Self {
        Dci::new((bits & 0x1f) as u8)
    }
    fn into_bits(self) -> u64 {
        self.map_or(0, |dci| u64::from(dci.get()))
    }
}

/// An address as the controller sees it: it may be translated, and is never a pointer of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Iova(pub u64);

impl Iova {
    /// The address `by` bytes on, unless it lies beyond the 64-bit space.
    #[must_use]
    pub const fn checked_add(self, by: u64) -> Option<Self> {
        match self.0.checked_add(by) {
            Some(at) => Some(Self(at)),
            None => None,
        }
    }

    /// The address `by` bytes on, wrapping at the end of the 64-bit space.
    #[must_use]
    pub const fn offset(self, by: u64) -> Self {
        Self(self.0.wrapping_add(by))
    }

    /// Whether the address is a multiple of `alignment`; every address is a multiple of 0 and 1.
    #[must_use]
    pub const fn is_aligned(self, alignment: u64) -> bool {
        alignment == 0 || self.0.is_multiple_of(alignment)
    }

    /// Whether `len` bytes from here reach over a multiple of `boundary`; false for no bytes and for boundary 0.
    #[must_use]
    pub const fn crosses(self, len: u64, boundary: u64) -> bool {
        if len == 0 || boundary == 0 {
            return false;
        }
        let room = boundary - self.0 % boundary;
        len > room
    }
}

impl fmt::Display for Iova {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::LowerHex for Iova {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a stream of a bulk endpoint; 0 where the endpoint has no streams (xHCI 1.2 §4.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StreamId(pub u16);

/// Number of an interrupter, 0 to 1023 (xHCI 1.2 §4.17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct InterrupterId(pub u16);

/// Protocol Speed ID as in PORTSC and the slot context (xHCI 1.2 §7.2.2.1.1).
///
/// The names hold for the default IDs; a supported protocol capability may give an ID another meaning.
#[doc(alias = "PSIV")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpeedId(pub u8);

impl SpeedId {
    /// Full speed, 12 Mb/s.
    pub const FULL: Self = Self(1);
    /// Low speed, 1.5 Mb/s.
    pub const LOW: Self = Self(2);
    /// High speed, 480 Mb/s.
    pub const HIGH: Self = Self(3);
    /// SuperSpeed Gen1 x1, 5 Gb/s.
    pub const SUPER: Self = Self(4);
    /// SuperSpeedPlus Gen2 x1, 10 Gb/s.
    pub const SUPER_PLUS: Self = Self(5);
}

/// The hub ports between the root port and a device, 4 bits a tier, nearest tier lowest (USB 3.2 §8.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RouteString(u32);

impl RouteString {
    /// The empty route: a device at a root port.
    pub const ROOT: Self = Self(0);
    /// How many hubs a route can pass.
    pub const TIERS: u8 = 5;

    /// The route with these 20 bits; higher bits are dropped.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self(bits & 0xf_ffff)
    }

    /// The 20 bits.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The port taken at hub `tier` (1 is the hub at the root port), or `None` where the route has ended.
    #[must_use]
    pub const fn tier(self, tier: u8) -> Option<u8> {
        if tier == 0 || tier > self.depth() {
            return None;
        }
        Some(self.nibble(tier - 1))
    }

    /// The route one hub further, through its port `port`; a port above 15 is written as 15, as there are only 4 bits.
    ///
    /// `None` for port 0 and when all five tiers are taken.
    #[must_use]
    pub const fn push(self, port: u8) -> Option<Self> {
        let depth = self.depth();
        if port == 0 || depth >= Self::TIERS {
            return None;
        }
        let port = if port > 15 { 15 } else { port };
        Some(Self(self.0 | (port as u32) << (4 * depth)))
    }

    /// Number of hubs passed: up to the first tier that names no port.
    #[must_use]
    pub const fn depth(self) -> u8 {
        let mut depth = 0;
        while depth < Self::TIERS && self.nibble(depth) != 0 {
            depth += 1;
        }
        depth
    }

    const fn nibble(self, index: u8) -> u8 {
        (self.0 >> (4 * index) & 0xf) as u8
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for InterrupterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SpeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::FULL => f.write_str("full"),
            Self::LOW => f.write_str("low"),
            Self::HIGH => f.write_str("high"),
            Self::SUPER => f.write_str("super"),
            Self::SUPER_PLUS => f.write_str("super plus"),
            Self(other) => write!(f, "speed id {other}"),
        }
    }
}

/// Ports joined by dots (`2.4`); nothing for the empty route.
impl fmt::Display for RouteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for index in 0..self.depth() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{}", self.nibble(index))?;
        }
        Ok(())
    }
}

value! {
    StreamId, u16: StreamId, |id: StreamId| id.0;
    InterrupterId, u16: InterrupterId, |id: InterrupterId| id.0;
    SpeedId, u8: SpeedId, |id: SpeedId| id.0;
    RouteString, u32: RouteString::new, RouteString::get;
}
