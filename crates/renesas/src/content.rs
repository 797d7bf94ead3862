//! What a ROM holds, what an update will write, and what is read back afterwards.

use alloc::vec::Vec;

use renesas_spec::image::MAGIC;

use crate::image::word;
use crate::{Error, Image, ImageError, RomRow, Vscd};

/// A ROM's bytes, seen as two image blocks. R19UH0078EJ §6.3.2.3 (unchecked).
#[derive(Clone, Debug)]
pub struct RomContent<'a> {
    bytes: &'a [u8],
    block_bytes: usize,
}

/// What one block holds.
#[derive(Clone, Debug)]
pub enum Block<'a> {
    /// Nothing: all ones.
    Blank,
    /// An image that starts, and the VSCD in front of it, if any.
    Good {
        /// The vendor's settings.
        vscd: Option<Vscd>,
        /// The firmware.
        image: Image<'a>,
    },
    /// Something else. A VSCD may have survived.
    Bad {
        /// The vendor's settings.
        vscd: Option<Vscd>,
        /// What is wrong with the rest.
        why: ImageError,
    },
}

impl Block<'_> {
    /// Its VSCD.
    #[must_use]
    pub const fn vscd(&self) -> Option<&Vscd> {
        match self {
            Self::Good { vscd, .. } | Self::Bad { vscd, .. } => vscd.as_ref(),
            Self::Blank => None,
        }
    }

    /// Whether the card starts from it.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Good { .. })
    }
}

impl<'a> RomContent<'a> {
    /// A ROM whose blocks have this many bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8], block_bytes: usize) -> Self {
        Self { bytes, block_bytes }
    }

    /// The first block, which only a chip erase makes room in, or the second, which updates write.
    #[must_use]
    pub fn block(&self, index: usize) -> Block<'a> {
        let start = index.saturating_mul(self.block_bytes).min(self.bytes.len());
        let end = start.saturating_add(self.block_bytes).min(self.bytes.len());
        let bytes = self.bytes.get(start..end).unwrap_or(&[]);
        if bytes.iter().all(|byte| *byte == 0xff) {
            return Block::Blank;
        }
        let vscd = match word(bytes, 0) {
            Some(MAGIC) => None,
            _ => Vscd::parse(bytes).ok(),
        };
        let after = vscd.as_ref().map_or(0, Vscd::bytes);
        match Image::parse(bytes.get(after..).unwrap_or(&[])) {
            Ok(image) => Block::Good { vscd, image },
            Err(why) => Block::Bad { vscd, why },
        }
    }
}

/// A ROM's bytes as they were read, before anything was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    rom: RomRow,
    bytes: Vec<u8>,
}

impl Backup {
    pub(crate) const fn new(rom: RomRow, bytes: Vec<u8>) -> Self {
        Self { rom, bytes }
    }

    /// The bytes, to be stored.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The part they came from.
    #[must_use]
    pub const fn rom(&self) -> &RomRow {
        &self.rom
    }

    /// What they mean.
    #[must_use]
    pub fn content(&self) -> RomContent<'_> {
        RomContent::new(&self.bytes, self.rom.block_bytes())
    }

    /// The caller has stored the bytes where a power cut does not reach them.
    #[must_use]
    pub const fn saved(self) -> SavedBackup {
        SavedBackup(self)
    }
}

/// A backup that is stored; an update needs one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedBackup(Backup);

impl SavedBackup {
    /// What was stored.
    #[must_use]
    pub const fn backup(&self) -> &Backup {
        &self.0
    }
}

/// Which VSCD goes in front of the new image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VscdChoice {
    /// The one that the ROM holds: the second block's, else the first's.
    #[default]
    Keep,
    /// This one.
    Given(Vscd),
    /// None. Whether a card starts from a ROM without one is disputed.
    None,
}

/// What an update will write, and where that will be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdatePlan {
    backup: Backup,
    bytes: Vec<u8>,
    /// Offset of the block that the chip will write.
    target: usize,
}

impl UpdatePlan {
    /// Plans an update: the chip writes the second block, or the first when that is blank.
    ///
    /// # Errors
    /// [`Error::NoVscd`], [`Error::TooLarge`]; [`Error::NoFallback`] when a power cut would leave no good block, unless that is
    /// accepted (the way back is then a download into RAM and the backup).
    pub fn new(
        saved: SavedBackup,
        image: &Image<'_>,
        vscd: VscdChoice,
        accept_no_fallback: bool,
    ) -> Result<Self, Error> {
        let SavedBackup(backup) = saved;
        let room = backup.rom.block_bytes();
        let (bytes, target) = {
            let content = backup.content();
            let (first, second) = (content.block(0), content.block(1));
            let vscd = match vscd {
                VscdChoice::Given(vscd) => Some(vscd),
                VscdChoice::None => None,
                VscdChoice::Keep => {
                    Some(second.vscd().or(first.vscd()).ok_or(Error::NoVscd)?.clone())
                }
            };
            let blank = matches!(first, Block::Blank);
            if !blank && !first.is_good() && second.is_good() && !accept_no_fallback {
                return Err(Error::NoFallback);
            }
            let mut bytes = vscd.map_or_else(Vec::new, |vscd| vscd.emit());
            bytes.extend_from_slice(image.bytes());
            (bytes, if blank { 0 } else { room })
        };
        if bytes.len() > room {
            return Err(Error::TooLarge {
                bytes: bytes.len(),
                room,
            });
        }
        Ok(Self {
            backup,
            bytes,
            target,
        })
    }

    /// What will be written: VSCD and image.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where in the ROM it will be found.
    #[must_use]
    pub const fn target(&self) -> usize {
        self.target
    }

    /// The part.
    #[must_use]
    pub const fn rom(&self) -> &RomRow {
        &self.backup.rom
    }

    /// How many bytes are read back: as many as the backup has.
    pub(crate) fn read_back(&self) -> usize {
        self.backup.bytes.len()
    }

    /// Compares what was read back: the target holds the new bytes and blank room after them, all else is as it was.
    ///
    /// # Errors
    /// [`Error::Verify`] with the first byte that differs.
    pub fn verify(&self, read: &[u8]) -> Result<(), Error> {
        let block = self.target..self.target + self.backup.rom.block_bytes();
        let expected = self.backup.bytes.iter().enumerate().map(|(at, old)| {
            if block.contains(&at) {
                // The last word is filled up with zeros.
                let filled = self.bytes.len().next_multiple_of(4);
                match self.bytes.get(at - block.start) {
                    Some(new) => *new,
                    None if at - block.start < filled => 0,
                    None => 0xff,
                }
            } else {
                *old
            }
        });
        let found = read
            .iter()
            .copied()
            .map(Some)
            .chain(core::iter::repeat(None));
        for (at, (expected, found)) in expected.zip(found).enumerate() {
            if found != Some(expected) {
                return Err(Error::Verify {
                    at,
                    expected,
                    found: found.unwrap_or(0xff),
                });
            }
        }
        Ok(())
    }
}
