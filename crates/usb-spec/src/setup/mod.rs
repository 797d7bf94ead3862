//! Setup packets: the eight bytes that begin each control transfer. USB 2.0 §9.3.

mod class;
mod standard;

pub use standard::{Feature, TestMode};

use crate::Direction;
use crate::open::open_number;

/// A setup packet. Every pattern of eight bytes is one, and survives [`Setup::from_bytes`] and [`Setup::to_bytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Setup {
    /// `bmRequestType`: direction of the data stage, whose request it is, whom it addresses.
    #[doc(alias = "bmRequestType")]
    pub request_type: RequestType,
    /// `bRequest`; what it means depends on [`RequestType::kind`].
    #[doc(alias = "bRequest")]
    pub request: Request,
    /// `wValue`.
    #[doc(alias = "wValue")]
    pub value: u16,
    /// `wIndex`: an interface, an endpoint, a port, a language.
    #[doc(alias = "wIndex")]
    pub index: u16,
    /// `wLength`: the most bytes that the data stage may carry; 0 means no data stage.
    #[doc(alias = "wLength")]
    pub length: u16,
}

impl Setup {
    /// The size of a setup packet.
    pub const LENGTH: usize = 8;

    /// From the bytes on the wire.
    #[must_use]
    pub const fn from_bytes(b: [u8; 8]) -> Self {
        Self {
            request_type: RequestType::from_bits(b[0]),
            request: Request(b[1]),
            value: u16::from_le_bytes([b[2], b[3]]),
            index: u16::from_le_bytes([b[4], b[5]]),
            length: u16::from_le_bytes([b[6], b[7]]),
        }
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        let [v0, v1] = self.value.to_le_bytes();
        let [i0, i1] = self.index.to_le_bytes();
        let [l0, l1] = self.length.to_le_bytes();
        [
            self.request_type.bits(),
            self.request.0,
            v0,
            v1,
            i0,
            i1,
            l0,
            l1,
        ]
    }

    /// Which way the data stage goes; a request without one is answered by an IN status stage.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.request_type.direction
    }

    /// Whether there is a data stage.
    #[must_use]
    pub const fn has_data(&self) -> bool {
        self.length != 0
    }

    /// The high byte of `wValue`: a descriptor's kind, a report's kind.
    #[must_use]
    pub const fn value_high(&self) -> u8 {
        self.value.to_be_bytes()[0]
    }

    /// The low byte of `wValue`: a descriptor's index, a report's id.
    #[must_use]
    pub const fn value_low(&self) -> u8 {
        self.value.to_be_bytes()[1]
    }

    /// The low byte of `wIndex`: an interface's number, an endpoint's address, a hub's port.
    #[must_use]
    pub const fn index_low(&self) -> u8 {
        self.index.to_be_bytes()[1]
    }

    /// The high byte of `wIndex`: a port's timeout, indicator or link state.
    #[must_use]
    pub const fn index_high(&self) -> u8 {
        self.index.to_be_bytes()[0]
    }

    /// The request's name if it is a standard one; class requests need the interface's class to be named.
    #[must_use]
    pub const fn standard_name(&self) -> Option<&'static str> {
        match self.request_type.kind {
            RequestKind::Standard => self.request.name(),
            RequestKind::Class | RequestKind::Vendor | RequestKind::Reserved => None,
        }
    }
}

/// `bmRequestType`, taken apart. USB 2.0 §9.3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestType {
    /// Which way the data stage goes.
    pub direction: Direction,
    /// Who defines the request.
    pub kind: RequestKind,
    /// Whom the request addresses.
    pub recipient: Recipient,
}

impl RequestType {
    /// From its three parts.
    #[must_use]
    pub const fn new(direction: Direction, kind: RequestKind, recipient: Recipient) -> Self {
        Self {
            direction,
            kind,
            recipient,
        }
    }

    /// From the byte on the wire.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        let kind = match (bits >> 5) & 3 {
            0 => RequestKind::Standard,
            1 => RequestKind::Class,
            2 => RequestKind::Vendor,
            _ => RequestKind::Reserved,
        };
        Self {
            direction: Direction::from_bit7(bits),
            kind,
            recipient: Recipient::from_bits(bits),
        }
    }

    /// The byte on the wire.
    #[must_use]
    pub const fn bits(self) -> u8 {
        let kind = match self.kind {
            RequestKind::Standard => 0,
            RequestKind::Class => 1,
            RequestKind::Vendor => 2,
            RequestKind::Reserved => 3,
        };
        self.direction.bit7() | (kind << 5) | self.recipient.bits()
    }
}

/// Who defines a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// USB itself, chapter 9.
    Standard,
    /// The class of the interface or device.
    Class,
    /// The vendor of the device.
    Vendor,
    /// Nobody.
    Reserved,
}

/// Whom a request addresses: five bits, most of whose values are reserved and survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Recipient(u8);

impl Recipient {
    /// The device as a whole.
    pub const DEVICE: Self = Self(0);
    /// The interface in the low byte of `wIndex`.
    pub const INTERFACE: Self = Self(1);
    /// The endpoint in the low byte of `wIndex`.
    pub const ENDPOINT: Self = Self(2);
    /// Something else: a hub's port.
    pub const OTHER: Self = Self(3);

    /// From the low five bits of `bmRequestType`.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0x1f)
    }

    /// The five bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

open_number! {
    /// `bRequest`. The constants without prefix are standard requests (USB 2.0 §9.4, USB 3.2 §9.4); those with one
    /// belong to a class and share numbers with them. [`Request::name`] names standard requests.
    pub struct Request(u8) {
        GET_STATUS = 0 => "GET_STATUS",
        CLEAR_FEATURE = 1 => "CLEAR_FEATURE",
        SET_FEATURE = 3 => "SET_FEATURE",
        SET_ADDRESS = 5 => "SET_ADDRESS",
        GET_DESCRIPTOR = 6 => "GET_DESCRIPTOR",
        SET_DESCRIPTOR = 7 => "SET_DESCRIPTOR",
        GET_CONFIGURATION = 8 => "GET_CONFIGURATION",
        SET_CONFIGURATION = 9 => "SET_CONFIGURATION",
        GET_INTERFACE = 10 => "GET_INTERFACE",
        SET_INTERFACE = 11 => "SET_INTERFACE",
        SYNCH_FRAME = 12 => "SYNCH_FRAME",
        SET_SEL = 48 => "SET_SEL",
        SET_ISOCH_DELAY = 49 => "SET_ISOCH_DELAY",
    }
}

impl Request {
    /// Hub: clear a transaction translator's buffer. USB 2.0 §11.24.2.3 (unchecked).
    pub const HUB_CLEAR_TT_BUFFER: Self = Self(8);
    /// Hub: reset a transaction translator. USB 2.0 §11.24.2.9 (unchecked).
    pub const HUB_RESET_TT: Self = Self(9);
    /// Hub: read a transaction translator's state. USB 2.0 §11.24.2.8 (unchecked).
    pub const HUB_GET_TT_STATE: Self = Self(10);
    /// Hub: stop a transaction translator. USB 2.0 §11.24.2.11 (unchecked).
    pub const HUB_STOP_TT: Self = Self(11);
    /// SuperSpeed hub: tell it its depth. USB 3.2 §10.16.2.9.
    pub const HUB_SET_DEPTH: Self = Self(12);
    /// SuperSpeed hub: count of link errors. USB 3.2 §10.16.2.5.
    pub const HUB_GET_PORT_ERROR_COUNT: Self = Self(13);

    /// HID 1.11 §7.2.1.
    pub const HID_GET_REPORT: Self = Self(1);
    /// HID 1.11 §7.2.3.
    pub const HID_GET_IDLE: Self = Self(2);
    /// HID 1.11 §7.2.5.
    pub const HID_GET_PROTOCOL: Self = Self(3);
    /// HID 1.11 §7.2.2.
    pub const HID_SET_REPORT: Self = Self(9);
    /// HID 1.11 §7.2.4.
    pub const HID_SET_IDLE: Self = Self(10);
    /// HID 1.11 §7.2.6.
    pub const HID_SET_PROTOCOL: Self = Self(11);

    /// Bulk-Only Transport 1.0 §3.2.
    pub const BOT_GET_MAX_LUN: Self = Self(0xfe);
    /// Bulk-Only Mass Storage Reset, Bulk-Only Transport 1.0 §3.1.
    pub const BOT_RESET: Self = Self(0xff);
}
