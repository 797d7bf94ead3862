use core::fmt;
use core::str::FromStr;

use crate::{ConfigError, Width};

/// Which way an access goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The driver read.
    Read,
    /// The driver wrote.
    Write,
}

/// One access to the register space.
///
/// As text it is a line of a golden log: `r 0x0024 0x00000001` or `w 0x0020 0x00000002`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MmioAccess {
    /// Which way.
    pub side: Side,
    /// The offset in bytes.
    pub at: u32,
    /// What was read or written.
    pub value: u32,
}

impl MmioAccess {
    /// A read that was answered with `value`.
    #[must_use]
    pub const fn read(at: u32, value: u32) -> Self {
        Self {
            side: Side::Read,
            at,
            value,
        }
    }

    /// A write of `value`.
    #[must_use]
    pub const fn write(at: u32, value: u32) -> Self {
        Self {
            side: Side::Write,
            at,
            value,
        }
    }
}

impl fmt::Display for MmioAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Read => 'r',
            Side::Write => 'w',
        };
        write!(f, "{side} {:#06x} {:#010x}", self.at, self.value)
    }
}

impl FromStr for MmioAccess {
    type Err = ParseAccessError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let mut words = line.split_ascii_whitespace();
        let side = match words.next() {
            Some("r") => Side::Read,
            Some("w") => Side::Write,
            _ => return Err(ParseAccessError),
        };
        let at = number(words.next())?;
        let value = number(words.next())?;
        if words.next().is_some() {
            return Err(ParseAccessError);
        }
        Ok(Self { side, at, value })
    }
}

fn number(word: Option<&str>) -> Result<u32, ParseAccessError> {
    let digits = word.and_then(|word| word.strip_prefix("0x"));
    let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    number.ok_or(ParseAccessError)
}

/// A line that is no access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseAccessError;

impl fmt::Display for ParseAccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an access is a line like `r 0x0024 0x00000001` or `w 0x0020 0x00000002`"
        )
    }
}

impl core::error::Error for ParseAccessError {}

/// One access to PCI configuration space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigAccess {
    /// Which way.
    pub side: Side,
    /// The offset in bytes.
    pub at: u16,
    /// How wide.
    pub width: Width,
    /// What was read, or was to be written; or why not.
    pub value: Result<u32, ConfigError>,
}
