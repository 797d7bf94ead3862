//! Capacities and lists of units. SBC-3 §5.15, §5.16; SPC-4 §6.33; UFI 1.0 §4.10 (all unchecked).

use crate::open::open_number;
use crate::wire::{Emitted, be32, be64, put, take, u8_at};

/// What READ CAPACITY(10) answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReadCapacity10 {
    /// The last block, or `0xffff_ffff` if READ CAPACITY(16) must be asked.
    pub last_lba: u32,
    /// Bytes in a block.
    pub block_length: u32,
}

impl ReadCapacity10 {
    /// The size of the data.
    pub const LENGTH: usize = 8;

    /// Reads the data; `None` if it is short.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= Self::LENGTH).then(|| Self {
            last_lba: be32(bytes, 0),
            block_length: be32(bytes, 4),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(&mut out, 0, &self.last_lba.to_be_bytes());
        put(&mut out, 4, &self.block_length.to_be_bytes());
        out
    }

    /// Whether the disk is too large for this answer.
    #[must_use]
    pub const fn needs_16(&self) -> bool {
        self.last_lba == u32::MAX
    }

    /// The answer of a disk of so many blocks; an empty one cannot be told from one of a single block.
    #[must_use]
    pub fn of(blocks: u64, block_length: u32) -> Self {
        Self {
            last_lba: u32::try_from(blocks.saturating_sub(1)).unwrap_or(u32::MAX),
            block_length,
        }
    }
}

/// What READ CAPACITY(16) answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReadCapacity16 {
    /// The last block.
    pub last_lba: u64,
    /// Bytes in a block.
    pub block_length: u32,
    /// Exponent of the number of blocks in a physical block, 0 to 15.
    pub physical_block_exponent: u8,
    /// `LBPME`: blocks can be unmapped.
    pub thin: bool,
    /// The first block that begins a physical block, 0 to 16383.
    pub lowest_aligned_lba: u16,
}

impl ReadCapacity16 {
    /// The size of the data.
    pub const LENGTH: usize = 32;

    /// Reads the data; `None` without its first twelve bytes, the rest counts as 0.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= 12).then(|| Self {
            last_lba: be64(bytes, 0),
            block_length: be32(bytes, 8),
            physical_block_exponent: u8_at(bytes, 13) & 0x0f,
            thin: u8_at(bytes, 14) & 0x80 != 0,
            lowest_aligned_lba: u16::from_be_bytes(take(bytes, 14)) & 0x3fff,
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(&mut out, 0, &self.last_lba.to_be_bytes());
        put(&mut out, 8, &self.block_length.to_be_bytes());
        put(&mut out, 13, &[self.physical_block_exponent & 0x0f]);
        let aligned = (self.lowest_aligned_lba & 0x3fff) | (u16::from(self.thin) << 15);
        put(&mut out, 14, &aligned.to_be_bytes());
        out
    }
}

open_number! {
    /// What the first capacity of READ FORMAT CAPACITIES is.
    pub struct FormatDescriptorCode(u8) {
        UNFORMATTED = 1 => "unformatted medium, greatest capacity",
        FORMATTED = 2 => "formatted medium, its capacity",
        NO_MEDIUM = 3 => "no medium, greatest capacity",
    }
}

/// What READ FORMAT CAPACITIES answers, with the current capacity alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FormatCapacities {
    /// Blocks.
    pub blocks: u32,
    /// What they are.
    pub code: FormatDescriptorCode,
    /// Bytes in a block, 24 bits.
    pub block_length: u32,
}

impl FormatCapacities {
    /// The size of the data with one descriptor.
    pub const LENGTH: usize = 12;

    /// Reads the first descriptor; `None` if it is not there.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= Self::LENGTH && u8_at(bytes, 3) >= 8).then(|| Self {
            blocks: be32(bytes, 4),
            code: FormatDescriptorCode(u8_at(bytes, 8) & 3),
            block_length: be32(bytes, 8) & 0x00ff_ffff,
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(&mut out, 3, &[8]);
        put(&mut out, 4, &self.blocks.to_be_bytes());
        put(
            &mut out,
            8,
            &(self.block_length & 0x00ff_ffff).to_be_bytes(),
        );
        put(&mut out, 8, &[self.code.0 & 3]);
        out
    }
}

/// What REPORT LUNS answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportLuns<'a> {
    entries: &'a [u8],
}

impl<'a> ReportLuns<'a> {
    /// Reads the list; `None` without its eight bytes of head.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let entries = bytes.get(8..)?;
        let length = usize::try_from(be32(bytes, 0)).unwrap_or(usize::MAX);
        Some(Self {
            entries: entries.get(..length).unwrap_or(entries),
        })
    }

    /// The units, eight bytes each.
    pub fn iter(&self) -> impl Iterator<Item = u64> + use<'a> {
        self.entries.chunks_exact(8).map(|entry| be64(entry, 0))
    }

    /// The bytes of a list of the units 0 to `count - 1`, at most 16 as Bulk-Only has.
    #[must_use]
    pub fn emit(count: u8) -> Emitted<136> {
        let count = count.min(16);
        let mut out = Emitted::new();
        out.push(&(u32::from(count) * 8).to_be_bytes());
        out.push(&[0; 4]);
        for lun in 0..count {
            out.push(&[0, lun, 0, 0, 0, 0, 0, 0]);
        }
        out
    }
}
