use alloc::string::{String, ToString};
use alloc::vec::Vec;

use renesas_spec::registers::RomConfiguration;
use renesas_spec::rom_part::{ROM_PARTS, RomPart, WorstTimes};

/// The ROM parts that a loader knows: those of `renesas-spec`, and what a file adds or corrects.
#[derive(Clone, Debug)]
pub struct RomTable {
    rows: Vec<RomRow>,
}

/// A part and how to treat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RomRow {
    /// The maker's name.
    pub name: String,
    /// What the part says of itself, as External ROM Information shows it.
    pub id: u32,
    /// What External ROM Configuration has to say.
    pub parameter: RomConfiguration,
    /// When waiting becomes pointless.
    pub worst: WorstTimes,
}

/// A table has at most so many rows more than those built in.
const ROWS_MAX: usize = 4096;

impl RomTable {
    /// The parts that are built in.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rows: ROM_PARTS.iter().map(RomRow::from).collect(),
        }
    }

    /// The row of this id. A row added later counts more.
    #[must_use]
    pub fn find(&self, id: u32) -> Option<&RomRow> {
        self.rows.iter().rev().find(|row| row.id == id)
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> &[RomRow] {
        &self.rows
    }

    /// Adds the rows of a file: per line an id, a parameter, a name, and, if wanted, three times at worst (one programme command in
    /// µs, one erase command in ms, the whole part in ms). `#` begins a comment. Numbers of ids and parameters are hexadecimal.
    ///
    /// ```
    /// let mut table = renesas::RomTable::new();
    /// table.extend("# id       parameter  name     program erase chip\n00854012  700  P25D21H  5000 400 3000\n")?;
    /// assert_eq!(table.find(0x0085_4012).map(|row| row.parameter.bits()), Some(0x700));
    /// # Ok::<(), renesas::RomTableError>(())
    /// ```
    ///
    /// # Errors
    /// [`RomTableError`] names the first line that makes no sense; the table is as before then.
    pub fn extend(&mut self, text: &str) -> Result<(), RomTableError> {
        let mut more = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let bad = || RomTableError {
                line: index + 1,
                text: line.to_string(),
            };
            if more.len() == ROWS_MAX {
                return Err(bad());
            }
            more.push(row(line).ok_or_else(bad)?);
        }
        self.rows.append(&mut more);
        Ok(())
    }
}

impl Default for RomTable {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&RomPart> for RomRow {
    fn from(part: &RomPart) -> Self {
        Self {
            name: part.name.to_string(),
            id: part.id,
            parameter: part.configuration(),
            worst: part.worst,
        }
    }
}

impl RomRow {
    /// Bytes of an image block in this part: 16 KiB, or a whole sector where sectors are larger (inferred).
    #[must_use]
    pub fn block_bytes(&self) -> usize {
        let unit = self.parameter.erase_unit().bytes().unwrap_or(0);
        usize::try_from(unit.max(0x4000)).unwrap_or(0x4000)
    }
}

fn row(line: &str) -> Option<RomRow> {
    let mut words = line.split_ascii_whitespace();
    let id = hex(words.next()?)?;
    let parameter = RomConfiguration::from_bits(hex(words.next()?)?);
    let name = words.next()?.to_string();
    let large = parameter.erase_unit().bytes()? > 0x1000;
    let mut worst = if large {
        WorstTimes::LARGE_SECTORS
    } else {
        WorstTimes::SMALL_SECTORS
    };
    if let Some(program) = words.next() {
        worst = WorstTimes {
            program_us: program.parse().ok()?,
            erase_unit_ms: words.next()?.parse().ok()?,
            erase_chip_ms: words.next()?.parse().ok()?,
        };
    }
    words.next().is_none().then_some(RomRow {
        name,
        id,
        parameter,
        worst,
    })
}

fn hex(word: &str) -> Option<u32> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let digits = digits.strip_suffix('h').unwrap_or(digits);
    u32::from_str_radix(digits, 16).ok()
}

/// A line of a ROM table that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line} of the ROM table, \"{text}\", is not: id, parameter, name, and three times or none (00856013 700 P25Q40H 5000 400 10000)"
)]
pub struct RomTableError {
    /// Which line, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
}
