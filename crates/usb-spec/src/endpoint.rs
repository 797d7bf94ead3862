//! Endpoint addresses, directions and kinds of transfer.

/// Which way data goes, seen from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Host to device.
    Out,
    /// Device to host.
    In,
}

impl Direction {
    /// From the top bit of an endpoint address or of `bmRequestType`.
    #[must_use]
    pub const fn from_bit7(byte: u8) -> Self {
        if byte & 0x80 == 0 {
            Self::Out
        } else {
            Self::In
        }
    }

    /// The top bit of an endpoint address or of `bmRequestType`.
    #[must_use]
    pub const fn bit7(self) -> u8 {
        match self {
            Self::Out => 0,
            Self::In => 0x80,
        }
    }

    /// Whether data comes from the device.
    #[must_use]
    pub const fn is_in(self) -> bool {
        matches!(self, Self::In)
    }

    /// `IN` or `OUT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Out => "OUT",
            Self::In => "IN",
        }
    }
}

impl core::fmt::Display for Direction {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// The kind of transfers an endpoint makes, `bmAttributes` bits 1:0. USB 2.0 §9.6.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransferKind {
    /// Requests with a setup stage.
    Control,
    /// Reserved bandwidth without retries.
    Isochronous,
    /// Whatever bandwidth is left, with retries.
    Bulk,
    /// A bounded latency, with retries.
    Interrupt,
}

impl TransferKind {
    /// From `bmAttributes`; the other bits are not looked at.
    #[must_use]
    pub const fn from_attributes(attributes: u8) -> Self {
        match attributes & 3 {
            0 => Self::Control,
            1 => Self::Isochronous,
            2 => Self::Bulk,
            _ => Self::Interrupt,
        }
    }

    /// Bits 1:0 of `bmAttributes`.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Control => 0,
            Self::Isochronous => 1,
            Self::Bulk => 2,
            Self::Interrupt => 3,
        }
    }

    /// Whether bandwidth is reserved for the endpoint (isochronous and interrupt).
    #[must_use]
    pub const fn is_periodic(self) -> bool {
        matches!(self, Self::Isochronous | Self::Interrupt)
    }

    /// The name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Isochronous => "isochronous",
            Self::Bulk => "bulk",
            Self::Interrupt => "interrupt",
        }
    }
}

impl core::fmt::Display for TransferKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// An endpoint's number and direction in one byte, `bEndpointAddress`. USB 2.0 §9.6.6.
///
/// Bits 6:4 are reserved and survive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointAddress(pub u8);

impl EndpointAddress {
    /// Endpoint 0, which all devices have; one address stands for both directions.
    pub const ZERO: Self = Self(0);

    /// The address of endpoint `number` (its low four bits).
    #[must_use]
    pub const fn new(number: u8, direction: Direction) -> Self {
        Self((number & 0x0f) | direction.bit7())
    }

    /// The endpoint's number, 0 to 15.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0 & 0x0f
    }

    /// The endpoint's direction; of no meaning for endpoint 0.
    #[must_use]
    pub const fn direction(self) -> Direction {
        Direction::from_bit7(self.0)
    }

    /// Whether this is the default control endpoint.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.number() == 0
    }
}

impl core::fmt::Debug for EndpointAddress {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "EndpointAddress({:#04x})", self.0)
    }
}

impl core::fmt::Display for EndpointAddress {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.is_zero() {
            f.pad("endpoint 0")
        } else {
            write!(f, "endpoint {} {}", self.number(), self.direction())
        }
    }
}
