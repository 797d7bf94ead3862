//! Communications devices: numbers, names, and the line coding of a serial port. CDC 1.2, PSTN 1.2.

use crate::open::open_number;
use crate::wire::{le32, u8_at};

open_number! {
    /// `bInterfaceSubClass` of a communications interface. CDC 1.2 table 4.
    pub struct Subclass(u8) {
        DIRECT_LINE = 0x01 => "direct line",
        ABSTRACT_CONTROL = 0x02 => "abstract control (serial port)",
        TELEPHONE = 0x03 => "telephone",
        ETHERNET = 0x06 => "Ethernet",
        NETWORK_CONTROL = 0x0d => "network control",
        MOBILE_BROADBAND = 0x0e => "mobile broadband",
    }
}

open_number! {
    /// `bDescriptorSubtype` of a functional descriptor. CDC 1.2 table 13.
    pub struct FunctionalKind(u8) {
        HEADER = 0x00 => "header",
        CALL_MANAGEMENT = 0x01 => "call management",
        ABSTRACT_CONTROL = 0x02 => "abstract control management",
        UNION = 0x06 => "union",
        COUNTRY = 0x07 => "country selection",
        ETHERNET = 0x0f => "Ethernet networking",
        NETWORK_CONTROL = 0x1a => "network control",
        MOBILE_BROADBAND = 0x1b => "mobile broadband",
    }
}

open_number! {
    /// `bRequest` of the class. CDC 1.2 table 19, PSTN 1.2 table 13.
    pub struct CdcRequest(u8) {
        SEND_ENCAPSULATED_COMMAND = 0x00 => "SEND_ENCAPSULATED_COMMAND",
        GET_ENCAPSULATED_RESPONSE = 0x01 => "GET_ENCAPSULATED_RESPONSE",
        SET_LINE_CODING = 0x20 => "SET_LINE_CODING",
        GET_LINE_CODING = 0x21 => "GET_LINE_CODING",
        SET_CONTROL_LINE_STATE = 0x22 => "SET_CONTROL_LINE_STATE",
        SEND_BREAK = 0x23 => "SEND_BREAK",
        SET_ETHERNET_PACKET_FILTER = 0x43 => "SET_ETHERNET_PACKET_FILTER",
    }
}

/// The settings of a serial line. PSTN 1.2 §6.3.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineCoding {
    /// `dwDTERate`, bits per second.
    pub bits_per_second: u32,
    /// `bCharFormat`: 0 for 1 stop bit, 1 for 1.5, 2 for 2.
    pub stop_bits: u8,
    /// `bParityType`: none, odd, even, mark, space.
    pub parity: u8,
    /// `bDataBits`: 5, 6, 7, 8 or 16.
    pub data_bits: u8,
}

impl LineCoding {
    /// The size on the wire.
    pub const LENGTH: usize = 7;

    /// Reads a line coding; `None` if there are fewer than seven bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= Self::LENGTH).then(|| Self {
            bits_per_second: le32(bytes, 0),
            stop_bits: u8_at(bytes, 4),
            parity: u8_at(bytes, 5),
            data_bits: u8_at(bytes, 6),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn emit(&self) -> [u8; Self::LENGTH] {
        let [r0, r1, r2, r3] = self.bits_per_second.to_le_bytes();
        [r0, r1, r2, r3, self.stop_bits, self.parity, self.data_bits]
    }
}
