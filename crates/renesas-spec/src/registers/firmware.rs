//! The interface through which firmware comes in: version, two control registers, two words of data. §7.1 (unchecked).

use core::fmt;
use core::str::FromStr;

use xhci_spec::registers::{Access, Block, Field, FieldValue, Register, Show};

use super::declare::register;

/// Stands in DATA0 when External ROM Access Enable is set: "SROM".
pub const MAGIC_ROM: u32 = 0x5352_4f4d;
/// Stands in DATA0 when External ROM Erase is set: "Zero".
pub const MAGIC_ERASE: u32 = 0x5a65_726f;

/// A firmware version in the vendor's counting: 2026h is 2.0.2.6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u16);

impl Version {
    /// What the register shows while no firmware runs.
    pub const NONE: Self = Self(0x2000);
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = [12, 8, 4, 0].map(|low| self.0 >> low & 0xf);
        write!(f, "{a:x}.{b:x}.{c:x}.{d:x}")
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    /// Reads `2.0.2.6`.
    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let mut digits = text.split('.');
        let mut version = 0;
        for _ in 0..4 {
            let digit = digits.next().ok_or(ParseVersionError)?;
            let digit = match digit.len() {
                1 => u16::from_str_radix(digit, 16).map_err(|_| ParseVersionError)?,
                _ => return Err(ParseVersionError),
            };
            version = version << 4 | digit;
        }
        match digits.next() {
            None => Ok(Self(version)),
            Some(_) => Err(ParseVersionError),
        }
    }
}

/// A text that is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseVersionError;

impl fmt::Display for ParseVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a firmware version has four digits, as 2.0.2.6")
    }
}

impl core::error::Error for ParseVersionError {}

impl FieldValue for Version {
    const SHOW: Show = Show::Hex;
    fn from_raw(raw: u64) -> Self {
        Self(u16::from_raw(raw))
    }
    fn to_raw(self) -> u64 {
        self.0.to_raw()
    }
}

/// How a download or a ROM access ended; values that nobody named survive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResultCode(pub u8);

impl ResultCode {
    /// Nothing to tell yet. A chip that started from its ROM shows this, too.
    pub const NONE: Self = Self(0);
    /// The firmware was taken.
    pub const SUCCESS: Self = Self(1);
    /// It was not.
    pub const ERROR: Self = Self(2);

    /// The code's name, if it has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            0 => Some("none"),
            1 => Some("success"),
            2 => Some("error"),
            _ => None,
        }
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "result {} (reserved)", self.0),
        }
    }
}

impl FieldValue for ResultCode {
    const SHOW: Show = Show::Named(|raw| Self::from_raw(raw).name());
    fn from_raw(raw: u64) -> Self {
        Self(u8::from_raw(raw))
    }
    fn to_raw(self) -> u64 {
        self.0.to_raw()
    }
}

register! {
    /// Which firmware runs.
    FwVersion(u32): "FWVER", "Firmware Version", 0x6c, "7.1";
    /// 08h with 2.0.1.3, 09h with 2.0.1.8 and later.
    sub_version / with_sub_version: u8 = [0; 8], Ro, "SUB";
    /// The version; [`Version::NONE`] while none runs.
    version / with_version: Version = [8; 16], Ro, "VERSION";
    .. reserved [24; 8];
}

impl FwVersion {
    /// What stands here while no firmware runs.
    pub const NONE: Self = Self(0x0020_0000);

    /// The version that runs, if one does. All ones (a card that has gone) is none.
    #[must_use]
    pub fn running(self) -> Option<Version> {
        (self.version() != Version::NONE && self.bits() >> 24 == 0 && self.bits() != 0)
            .then(|| self.version())
    }
}

register! {
    /// Download of firmware into the chip's RAM.
    DownloadControl(u16): "FWDL", "Firmware Download Control and Status", 0xf4, "7.1";
    /// The download interface listens. Not to be set while USBCMD.R/S is 1 (§7.1.3, note 3).
    enable / with_enable: bool = [0; 1], Rw, "EN";
    /// No download until the next power-on reset.
    lock / with_lock: bool = [1; 1], Rw1s, "LOCK";
    /// How the last download ended.
    result / with_result: ResultCode = [4; 3], Ro, "RESULT";
    /// Hands DATA0 over; hardware clears it when the word was taken.
    set_data0 / with_set_data0: bool = [8; 1], Rw1s, "SET0";
    /// Hands DATA1 over; hardware clears it when the word was taken.
    set_data1 / with_set_data1: bool = [9; 1], Rw1s, "SET1";
    .. reserved [2; 2] [7; 1] [10; 6];
}

register! {
    /// Access to the external ROM.
    RomControl(u16): "EXTROM", "External ROM Access Control and Status", 0xf6, "7.1";
    /// The ROM can be read and written; set only with [`MAGIC_ROM`] in DATA0.
    access / with_access: bool = [0; 1], Rw, "ACC";
    /// Erases the whole ROM, with [`MAGIC_ERASE`] in DATA0; hardware clears it when done.
    erase / with_erase: bool = [1; 1], Rw1s, "ERASE";
    /// Loads the firmware out of the ROM again; hardware clears it when done.
    reload / with_reload: bool = [2; 1], Rw1s, "RELOAD";
    /// How the last ROM access ended.
    result / with_result: ResultCode = [4; 3], Ro, "RESULT";
    /// Hands DATA0 over; hardware clears it when the word was taken.
    set_data0 / with_set_data0: bool = [8; 1], Rw1s, "SET0";
    /// Hands DATA1 over; hardware clears it when the word was taken.
    set_data1 / with_set_data1: bool = [9; 1], Rw1s, "SET1";
    /// Asks for the next word in DATA0; hardware clears it when the word is there.
    get_data0 / with_get_data0: bool = [10; 1], Rw1s, "GET0";
    /// Asks for the next word in DATA1; hardware clears it when the word is there.
    get_data1 / with_get_data1: bool = [11; 1], Rw1s, "GET1";
    /// There is a ROM.
    exists / with_exists: bool = [15; 1], Ro, "EXISTS";
    .. reserved [3; 1] [7; 1] [12; 3];
}

impl RomControl {
    /// Whether anything is under way: an erase, a reload, a word.
    #[must_use]
    pub fn busy(self) -> bool {
        let waiting = Self::default()
            .with_erase(true)
            .with_reload(true)
            .with_set_data0(true)
            .with_set_data1(true)
            .with_get_data0(true)
            .with_get_data1(true);
        self.bits() & waiting.bits() != 0
    }
}

register! {
    /// Even words of data, and the magic numbers.
    Data0(u32): "DATA0", "Data 0", 0xf8, "7.1";
    /// The word.
    word / with_word: u32 = [0; 32], Rw, "WORD";
    .. reserved;
}

register! {
    /// Odd words of data.
    Data1(u32): "DATA1", "Data 1", 0xfc, "7.1";
    /// The word.
    word / with_word: u32 = [0; 32], Rw, "WORD";
    .. reserved;
}

/// One of the two words through which all data goes, in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mailbox {
    /// DATA0: words 0, 2, 4 and so on.
    Zero,
    /// DATA1: words 1, 3, 5 and so on.
    One,
}

impl Mailbox {
    /// The mailbox of word `index`.
    #[must_use]
    pub const fn of_word(index: usize) -> Self {
        if index.is_multiple_of(2) {
            Self::Zero
        } else {
            Self::One
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Zero => Self::One,
            Self::One => Self::Zero,
        }
    }

    /// Offset of its data register.
    #[must_use]
    pub const fn data_offset(self) -> u32 {
        match self {
            Self::Zero => Data0::OFFSET,
            Self::One => Data1::OFFSET,
        }
    }
}
