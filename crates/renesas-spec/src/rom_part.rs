//! Which ROM parts there are, and how the ROM engine has to be told of them.
//!
//! The parameters stand in the manual's table or were found to work in the field; the times come from datasheets and reports and
//! say when waiting becomes pointless, not how long a part takes.

use crate::registers::RomConfiguration;

/// On whose word a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The manual's table, as an open loader carries it.
    Manual,
    /// Somebody's card works so.
    Field,
}

/// How long a part may take at worst. Microseconds and milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstTimes {
    /// One page-program command, in microseconds.
    pub program_us: u32,
    /// One erase command, in milliseconds.
    pub erase_unit_ms: u32,
    /// Erasing the whole part, in milliseconds.
    pub erase_chip_ms: u32,
}

impl WorstTimes {
    /// For parts that erase 4 KiB and have no row of their own. From the slowest such part whose figures were read: MX25V5126F,
    /// 400 ms and 3.2 s; a page program of 5 ms is the rule of such parts (unchecked).
    pub const SMALL_SECTORS: Self = Self {
        program_us: 5_000,
        erase_unit_ms: 400,
        erase_chip_ms: 10_000,
    };
    /// For parts of the M25P kind: sectors of 32 or 64 KiB. Typical are 0.8 ms, 0.6 s, 4.5 s; worst 5 ms, 3 s, 10 s (unchecked).
    pub const LARGE_SECTORS: Self = Self {
        program_us: 5_000,
        erase_unit_ms: 3_000,
        erase_chip_ms: 10_000,
    };
}

/// One part: how it names itself and what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RomPart {
    /// The maker's name.
    pub name: &'static str,
    /// What the part answers, as it stands in External ROM Information.
    pub id: u32,
    /// What External ROM Configuration has to say.
    pub parameter: u32,
    /// On whose word.
    pub word: Word,
    /// When waiting becomes pointless.
    pub worst: WorstTimes,
}

impl RomPart {
    /// The parameter with its fields.
    #[must_use]
    pub const fn configuration(&self) -> RomConfiguration {
        RomConfiguration::from_bits(self.parameter)
    }
}

const fn part(name: &'static str, id: u32, parameter: u32) -> RomPart {
    let worst = match parameter >> 4 & 0xf {
        5 | 6 => WorstTimes::LARGE_SECTORS,
        _ => WorstTimes::SMALL_SECTORS,
    };
    RomPart {
        name,
        id,
        parameter,
        word: Word::Manual,
        worst,
    }
}

const fn field(name: &'static str, id: u32, parameter: u32) -> RomPart {
    RomPart {
        word: Word::Field,
        ..part(name, id, parameter)
    }
}

/// All parts whose parameter is known. A loader may be told more.
pub const ROM_PARTS: &[RomPart] = &[
    part("MX25L512E", 0x00c2_2010, 0x700),
    part("MX25L1006E", 0x00c2_2011, 0x700),
    part("MX25L2006E", 0x00c2_2012, 0x700),
    part("MX25L4006E", 0x00c2_2013, 0x700),
    part("MX25L5121E", 0x00c2_2210, 0x500),
    part("MX25L1021E", 0x00c2_2211, 0x500),
    part("W25X10BV", 0x00ef_3011, 0x700),
    part("W25X20BV", 0x00ef_3012, 0x700),
    part("W25X40BV", 0x00ef_3013, 0x700),
    part("M25P05-A", 0x0020_2010, 0x750),
    part("M25P10-A", 0x0020_2011, 0x750),
    part("M25P20", 0x0020_2012, 0x760),
    part("M25P40", 0x0020_2013, 0x760),
    part("Pm25LD512C", 0x019d_20ff, 0x700),
    part("Pm25LD512C2", 0x019d_207f, 0x700),
    part("AT25F512B", 0x001f_6500, 0x700),
    part("EN25F05", 0x001c_3110, 0x700),
    part("EN25F10", 0x001c_3111, 0x700),
    part("EN25F20", 0x001c_3112, 0x700),
    part("EN25F40", 0x001c_3113, 0x700),
    part("A25L512", 0x0037_3010, 0x700),
    part("A25L010", 0x0037_3011, 0x700),
    part("A25L020", 0x0037_3012, 0x700),
    part("A25L040", 0x0037_3013, 0x700),
    part("SST25VF512A", 0x00bf_0048, 0x1_0791),
    part("SST25VF010A", 0x00bf_0049, 0x1_0791),
    field("MX25L3233F", 0x00c2_2016, 0x700),
    field("T25S40", 0x005e_2013, 0x700),
    field("P25Q40H", 0x0085_6013, 0x700),
    field("XT25F04B", 0x000b_4013, 0x700),
];

/// The row of this id.
#[must_use]
pub fn find(id: u32) -> Option<&'static RomPart> {
    ROM_PARTS.iter().find(|part| part.id == id)
}

/// The row of this name, in any case.
#[must_use]
pub fn find_name(name: &str) -> Option<&'static RomPart> {
    ROM_PARTS
        .iter()
        .find(|part| part.name.eq_ignore_ascii_case(name))
}

/// Bytes of a part that answers RDID in the usual form `00 MM TT CC`: the last byte is the size as a power of two.
#[must_use]
pub const fn capacity(id: u32) -> Option<u32> {
    let code = id & 0xff;
    if id >> 24 == 0 && code >= 0x0f && code <= 0x18 {
        Some(1 << code)
    } else {
        None
    }
}
