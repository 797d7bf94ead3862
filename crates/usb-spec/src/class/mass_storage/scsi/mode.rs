//! Mode parameters: the headers and the caching page. SPC-4 §7.5, SBC-3 §6.5.5 (unchecked).

use crate::open::open_number;
use crate::wire::{be16, put, u8_at};

open_number! {
    /// A mode page, six bits.
    pub struct ModePage(u8) {
        VENDOR = 0x00 => "vendor specific",
        ERROR_RECOVERY = 0x01 => "read-write error recovery",
        FLEXIBLE_DISK = 0x05 => "flexible disk",
        CACHING = 0x08 => "caching",
        CONTROL = 0x0a => "control",
        POWER_CONDITION = 0x1a => "power condition",
        EXCEPTIONS = 0x1c => "informational exceptions control",
        ALL = 0x3f => "all pages",
    }
}

open_number! {
    /// Which values of a page, two bits.
    pub struct PageControl(u8) {
        CURRENT = 0 => "current",
        CHANGEABLE = 1 => "changeable",
        DEFAULT = 2 => "default",
        SAVED = 3 => "saved",
    }
}

/// The head of what MODE SENSE answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModeHeader {
    /// `MODE DATA LENGTH`: bytes that follow the length's own field.
    pub data_length: u16,
    /// The kind of medium; 0 for disks.
    pub medium: u8,
    /// `WP`: the medium cannot be written.
    pub write_protected: bool,
    /// `DPOFUA`: the bits DPO and FUA are understood.
    pub dpo_fua: bool,
    /// Bytes of block descriptors between head and pages.
    pub block_descriptor_length: u16,
}

impl ModeHeader {
    /// The size of MODE SENSE(6)'s head.
    pub const LENGTH_6: usize = 4;
    /// The size of MODE SENSE(10)'s head.
    pub const LENGTH_10: usize = 8;

    /// Reads the head of MODE SENSE(6); `None` without its first three bytes, of which sticks are known to answer no more.
    #[must_use]
    pub fn parse_6(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= 3).then(|| Self {
            data_length: u16::from(u8_at(bytes, 0)),
            medium: u8_at(bytes, 1),
            write_protected: u8_at(bytes, 2) & 0x80 != 0,
            dpo_fua: u8_at(bytes, 2) & 0x10 != 0,
            block_descriptor_length: u16::from(u8_at(bytes, 3)),
        })
    }

    /// Reads the head of MODE SENSE(10); `None` if it is short.
    #[must_use]
    pub fn parse_10(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= Self::LENGTH_10).then(|| Self {
            data_length: be16(bytes, 0),
            medium: u8_at(bytes, 2),
            write_protected: u8_at(bytes, 3) & 0x80 != 0,
            dpo_fua: u8_at(bytes, 3) & 0x10 != 0,
            block_descriptor_length: be16(bytes, 6),
        })
    }

    /// The head for MODE SENSE(6); lengths above 255 become 255.
    #[must_use]
    pub fn emit_6(&self) -> [u8; Self::LENGTH_6] {
        let byte = |length: u16| u8::try_from(length).unwrap_or(u8::MAX);
        [
            byte(self.data_length),
            self.medium,
            self.flags(),
            byte(self.block_descriptor_length),
        ]
    }

    /// The head for MODE SENSE(10).
    #[must_use]
    pub fn emit_10(&self) -> [u8; Self::LENGTH_10] {
        let mut out = [0; Self::LENGTH_10];
        put(&mut out, 0, &self.data_length.to_be_bytes());
        put(&mut out, 2, &[self.medium, self.flags()]);
        put(&mut out, 6, &self.block_descriptor_length.to_be_bytes());
        out
    }

    fn flags(&self) -> u8 {
        (u8::from(self.write_protected) << 7) | (u8::from(self.dpo_fua) << 4)
    }
}

/// The caching page, as far as hosts look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CachingPage {
    /// `WCE`: writes may be answered before they are on the medium.
    pub write_cache: bool,
    /// `RCD`: reads may not come from the cache.
    pub read_cache_disabled: bool,
}

impl CachingPage {
    /// The size of the page.
    pub const LENGTH: usize = 20;

    /// Reads the page at the start of `bytes`; `None` if it is another or short.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= 3 && u8_at(bytes, 0) & 0x3f == ModePage::CACHING.0).then(|| Self {
            write_cache: u8_at(bytes, 2) & 4 != 0,
            read_cache_disabled: u8_at(bytes, 2) & 1 != 0,
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        let flags = (u8::from(self.write_cache) << 2) | u8::from(self.read_cache_disabled);
        put(&mut out, 0, &[ModePage::CACHING.0, 18, flags]);
        out
    }
}
