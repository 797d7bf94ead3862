//! How the chip judges an image: it takes it or not, and gives no reasons.

use renesas_spec::image::{
    HEADER_BYTES, HEADER_CRC, MAGIC, SECTION_ENTRY_BYTES, SECTION_TABLE, SECTIONS, SUB_VERSION,
    VERSION,
};
use renesas_spec::registers::{FwVersion, Version};
use renesas_spec::{crc16, vscd};

/// The version of the image at the front of `bytes`, if every check sum is right.
pub(super) fn judge(bytes: &[u8]) -> Option<FwVersion> {
    let header = bytes.get(..HEADER_BYTES)?;
    if word(header, 0)? != MAGIC || word(header, HEADER_CRC)? != crc16(header.get(SECTION_TABLE..)?)
    {
        return None;
    }
    let section = |number: usize| -> Option<&[u8]> {
        let entry = SECTION_TABLE + number * SECTION_ENTRY_BYTES;
        let start = usize::from(word(header, entry)?);
        let end = start + usize::from(word(header, entry + 2)?);
        let section = bytes.get(start..end)?;
        (word(bytes, end)? == crc16(section)).then_some(section)
    };
    if (0..SECTIONS).any(|number| section(number).is_none()) {
        return None;
    }
    let version = word(section(0)?, VERSION)?;
    let sub = section(1)?.get(SUB_VERSION).copied().unwrap_or(0);
    Some(
        FwVersion::default()
            .with_version(Version(version))
            .with_sub_version(sub),
    )
}

/// What a ROM block brings.
pub(super) struct Block<'a> {
    pub(super) version: FwVersion,
    /// The VSCD's pairs, if the block begins with one.
    pub(super) pairs: &'a [u8],
}

/// Judges a block of the ROM: a VSCD and an image, or, unless `strict`, an image alone.
pub(super) fn judge_block(block: &[u8], strict: bool) -> Option<Block<'_>> {
    if word(block, 0)? == MAGIC {
        let version = judge(block)?;
        return (!strict).then_some(Block {
            version,
            pairs: &[],
        });
    }
    let length = usize::from(word(block, 0)?);
    if length == 0
        || !length.is_multiple_of(vscd::PAIR_BYTES)
        || length > vscd::PAIRS_MAX * vscd::PAIR_BYTES
    {
        return None;
    }
    let end = vscd::LENGTH_BYTES + length;
    if word(block, end)? != crc16(block.get(..end)?) {
        return None;
    }
    Some(Block {
        version: judge(block.get(end + vscd::CRC_BYTES..)?)?,
        pairs: block.get(vscd::LENGTH_BYTES..end)?,
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(pair.try_into().ok()?))
}
