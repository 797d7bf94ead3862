//! A range of bytes as commands that a disk can take.

use core::ops::Range;

use super::Error;

/// The most blocks in one piece: what a ten-byte command can say.
const BLOCKS_MAX: u32 = 0xffff;

/// How a medium is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// How many blocks there are.
    pub blocks: u64,
    /// How many bytes a block has: 512 or 4096.
    pub block_size: u32,
}

impl Geometry {
    /// How many bytes there are.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.blocks.saturating_mul(self.block_size as u64)
    }

    /// Divides a range of bytes into pieces of at most `max_transfer` bytes, in order, without gaps.
    ///
    /// ```
    /// use usb_class::scsi::{Geometry, Piece};
    ///
    /// let disk = Geometry { blocks: 2048, block_size: 512 };
    /// let mut pieces = disk.split(0..1536, 1024).unwrap();
    /// assert_eq!(pieces.next(), Some(Piece { lba: 0, blocks: 2, offset: 0, bytes: 1024 }));
    /// assert_eq!(pieces.next(), Some(Piece { lba: 2, blocks: 1, offset: 1024, bytes: 512 }));
    /// assert_eq!(pieces.next(), None);
    /// ```
    ///
    /// # Errors
    /// [`Error::Misaligned`] when the range does not begin and end at blocks, [`Error::OutOfRange`] when it leaves the medium.
    pub fn split(&self, bytes: Range<u64>, max_transfer: u32) -> Result<Pieces, Error> {
        let block = u64::from(self.block_size);
        let aligned = |at: u64| at.checked_rem(block) == Some(0);
        if !aligned(bytes.start) || !aligned(bytes.end) {
            return Err(Error::Misaligned {
                start: bytes.start,
                end: bytes.end,
                block_size: self.block_size,
            });
        }
        let (start, end) = (
            bytes.start / block,
            (bytes.end / block).max(bytes.start / block),
        );
        self.split_blocks(start, end - start, max_transfer)
    }

    /// The same for a count of blocks.
    pub(super) fn split_blocks(
        &self,
        lba: u64,
        blocks: u64,
        max_transfer: u32,
    ) -> Result<Pieces, Error> {
        if lba.checked_add(blocks).is_none_or(|end| end > self.blocks) {
            return Err(Error::OutOfRange {
                lba,
                blocks,
                capacity: self.blocks,
            });
        }
        let most = max_transfer
            .checked_div(self.block_size)
            .unwrap_or(0)
            .clamp(1, BLOCKS_MAX);
        Ok(Pieces {
            lba,
            left: blocks,
            offset: 0,
            most,
            block_size: self.block_size,
        })
    }
}

/// What one command moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The first block.
    pub lba: u64,
    /// How many blocks, at least 1.
    pub blocks: u32,
    /// Where the piece begins in the user's buffer.
    pub offset: u64,
    /// How many bytes that is.
    pub bytes: u32,
}

/// The pieces of a range that are still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pieces {
    lba: u64,
    left: u64,
    offset: u64,
    most: u32,
    block_size: u32,
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let blocks = u32::try_from(self.left).map_or(self.most, |left| left.min(self.most));
        if blocks == 0 {
            return None;
        }
        let bytes = blocks.saturating_mul(self.block_size);
        let piece = Piece {
            lba: self.lba,
            blocks,
            offset: self.offset,
            bytes,
        };
        self.lba += u64::from(blocks);
        self.left -= u64::from(blocks);
        self.offset += u64::from(bytes);
        Some(piece)
    }
}
