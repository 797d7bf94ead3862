//! Layout of the VSCD, the vendor's configuration in front of a firmware image in ROM. R19UH0078EJ §6.3.2 (unchecked).
//!
//! A length, then pairs of a tag and a value, then the check sum over all of that. A tag names a byte of configuration space.

use crate::registers::{HcConfiguration, PhyControl0};
use xhci_spec::registers::Register;

/// Bytes of the length in front; it counts the pairs' bytes alone.
pub const LENGTH_BYTES: usize = 2;
/// Bytes of a pair.
pub const PAIR_BYTES: usize = 2;
/// Bytes of the check sum at the end.
pub const CRC_BYTES: usize = 2;
/// The pairs of a VSCD that sets everything: subsystem ids, three PHY registers, the host controller configuration.
pub const PAIRS: usize = 20;
/// No VSCD has more pairs: a tag has eight bits.
pub const PAIRS_MAX: usize = 256;
/// Offset in configuration space of the subsystem vendor id. PCI 3.0 §6.2.4 (unchecked).
pub const SUBSYSTEM: u16 = 0x2c;

/// What a tag may set: the first tag, how many, and the offset in configuration space of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagRange {
    /// The lowest tag.
    pub first: u8,
    /// How many tags.
    pub count: u8,
    /// The byte of configuration space that the lowest tag sets.
    pub offset: u16,
}

/// All tags that were seen. That they count configuration space from D0h is inferred.
pub const TAGS: [TagRange; 2] = [
    TagRange {
        first: 0x00,
        count: 4,
        offset: SUBSYSTEM,
    },
    TagRange {
        first: 0x0c,
        count: 16,
        offset: 0xdc,
    },
];

const _: () = assert!(
    PhyControl0::OFFSET == 0xdc && HcConfiguration::OFFSET == 0xdc + 12,
    "the second range covers the three PHY registers and HCConfiguration"
);

/// The byte of configuration space that `tag` sets.
#[must_use]
pub fn offset_of(tag: u8) -> Option<u16> {
    let range = TAGS.iter().find(|range| {
        tag.checked_sub(range.first)
            .is_some_and(|n| n < range.count)
    })?;
    Some(range.offset + u16::from(tag - range.first))
}

/// The tag that sets this byte of configuration space.
#[must_use]
pub fn tag_of(offset: u16) -> Option<u8> {
    let range = TAGS.iter().find(|range| {
        offset
            .checked_sub(range.offset)
            .is_some_and(|n| n < u16::from(range.count))
    })?;
    u8::try_from(offset - range.offset)
        .ok()
        .map(|n| range.first + n)
}
