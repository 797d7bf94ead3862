use core::time::Duration;

use alloc::vec;
use alloc::vec::Vec;

use renesas_spec::registers::EraseUnit;
use renesas_spec::rom_part::{self, RomPart};

/// A serial ROM: what it says of itself, how it wants to be treated, and how long it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The maker's name.
    pub name: &'static str,
    /// What it answers when asked for its id.
    pub id: u32,
    /// The parameter with which the ROM engine treats it rightly; `None` when nobody knows one.
    pub parameter: Option<u32>,
    /// Bytes.
    pub bytes: u32,
    /// Bytes of a page: a programme command that runs past its end goes on at its start.
    pub page_bytes: u32,
    /// What an erase command erases, and whether it has the smaller and larger ones, too.
    pub erase_unit: EraseUnit,
    /// One programme command, however many bytes it brings.
    pub program: Duration,
    /// Erasing one image block.
    pub erase_block: Duration,
    /// Erasing all of it.
    pub erase_chip: Duration,
}

impl Part {
    /// The part of this name, with its own times where they are known and usual ones where not.
    ///
    /// Times of the P25Q40H are those of a reported log, those of MX25L5121E and M25P40 are datasheet figures; W25X40BV, XT25F04B
    /// and T25S40 are as slow as the reports that name them need them to be. All else is a usual part.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let usual = rom_part::find_name(name).map(Self::usual);
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let slow = |part: Self, ms| Self {
            erase_block: Duration::from_millis(ms),
            ..part
        };
        match usual {
            Some(part) if is("P25Q40H") => Some(Self {
                program: Duration::from_micros(2_110),
                erase_block: Duration::from_millis(60),
                erase_chip: Duration::from_millis(15),
                ..part
            }),
            Some(part) if is("MX25L5121E") => Some(Self {
                program: Duration::from_micros(1_400),
                erase_block: Duration::from_millis(300),
                erase_chip: Duration::from_secs(2),
                ..part
            }),
            Some(part) if is("W25X40BV") => Some(slow(part, 200)),
            Some(part) if is("XT25F04B") => Some(slow(part, 250)),
            Some(part) if is("T25S40") => Some(slow(part, 150)),
            Some(part) => Some(part),
            None => Self::unsupported(name),
        }
    }

    /// A part of the table, with times that are usual for its kind.
    #[must_use]
    pub fn usual(part: &RomPart) -> Self {
        let configuration = part.configuration();
        let large = matches!(
            configuration.erase_unit(),
            EraseUnit::KIB_32 | EraseUnit::KIB_64
        );
        let (program_us, erase_block_ms, erase_chip_ms) = if large {
            (800, 600, 4_500)
        } else {
            (1_000, 50, 500)
        };
        Self {
            name: part.name,
            id: part.id,
            parameter: Some(part.parameter),
            bytes: rom_part::capacity(part.id).unwrap_or(0x1_0000),
            page_bytes: if configuration.program_bytes() < 128 {
                configuration.program_bytes().into()
            } else {
                256
            },
            erase_unit: configuration.erase_unit(),
            program: Duration::from_micros(program_us),
            erase_block: Duration::from_millis(erase_block_ms),
            erase_chip: Duration::from_millis(erase_chip_ms),
        }
    }

    /// Parts that were seen on cards and for which no parameter is known to work.
    fn unsupported(name: &str) -> Option<Self> {
        let seen = [("P25D21H", 0x0085_4012), ("T25S40-5E3213", 0x005e_3213)];
        let (name, id) = seen
            .into_iter()
            .find(|(seen, _)| seen.eq_ignore_ascii_case(name))?;
        let like = rom_part::find_name("P25Q40H")?;
        Some(Self {
            name,
            id,
            parameter: None,
            bytes: rom_part::capacity(id).unwrap_or(0x1_0000),
            ..Self::usual(like)
        })
    }

    /// Whether it knows the erase command of this unit.
    #[must_use]
    pub fn erases(&self, unit: EraseUnit) -> bool {
        let small = |unit| matches!(unit, EraseUnit::KIB_4 | EraseUnit::SST);
        // Parts that erase 4 KiB also erase 32 and 64; the older ones have sectors of one size.
        unit.bytes().is_some() && (unit == self.erase_unit || small(self.erase_unit))
    }

    /// Bytes of an image block: 16 KiB, or a whole sector where sectors are larger (inferred).
    #[must_use]
    pub fn block_bytes(&self) -> u32 {
        self.erase_unit.bytes().unwrap_or(0).max(0x4000)
    }
}

/// A part with what is in it.
#[derive(Clone, Debug)]
pub struct Flash {
    part: Part,
    bytes: Vec<u8>,
}

impl Flash {
    /// A blank part.
    #[must_use]
    pub fn blank(part: Part) -> Self {
        let bytes = vec![0xff; usize::try_from(part.bytes).unwrap_or(0)];
        Self { part, bytes }
    }

    /// Puts bytes in with a programmer, not through the chip; what lies beyond the end is dropped.
    #[must_use]
    pub fn holding(mut self, at: usize, bytes: &[u8]) -> Self {
        for (place, byte) in self.bytes.iter_mut().skip(at).zip(bytes) {
            *place = *byte;
        }
        self
    }

    /// Which part it is.
    #[must_use]
    pub const fn part(&self) -> &Part {
        &self.part
    }

    /// What is in it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The word at `at`; beyond the end it begins anew, as the address counter does.
    pub(super) fn word(&self, at: usize) -> u32 {
        let size = self.bytes.len().max(1);
        let byte = |n| self.bytes.get((at + n) % size).copied().unwrap_or(0xff);
        u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)])
    }

    /// One programme command: bits go from 1 to 0 only, and what runs past the end of the page goes on at its start.
    pub(super) fn program(&mut self, at: usize, bytes: &[u8]) {
        let page = usize::try_from(self.part.page_bytes).unwrap_or(1).max(1);
        for (n, byte) in bytes.iter().enumerate() {
            let place = at / page * page + (at + n) % page;
            if let Some(place) = self.bytes.get_mut(place) {
                *place &= byte;
            }
        }
    }

    /// Erases `len` bytes at `at`.
    pub(super) fn erase(&mut self, at: usize, len: usize) {
        for place in self.bytes.iter_mut().skip(at).take(len) {
            *place = 0xff;
        }
    }

    /// Erases all of it.
    pub(super) fn erase_all(&mut self) {
        self.bytes.fill(0xff);
    }

    /// Whether nothing is in these bytes.
    pub(super) fn is_blank(&self, at: usize, len: usize) -> bool {
        self.bytes
            .iter()
            .skip(at)
            .take(len)
            .all(|byte| *byte == 0xff)
    }

    /// `len` bytes at `at`, or fewer at the end.
    pub(super) fn range(&self, at: usize, len: usize) -> &[u8] {
        let end = at.saturating_add(len).min(self.bytes.len());
        self.bytes.get(at..end).unwrap_or(&[])
    }
}
