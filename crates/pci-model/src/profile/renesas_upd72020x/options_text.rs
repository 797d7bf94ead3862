use core::fmt;
use core::time::Duration;

use alloc::string::{String, ToString};

use super::options::{Faults, Model, Options, Times};
use super::part::{Flash, Part};

/// Reads a set-up such as `renesas-upd720201,rom=P25Q40H,block-erase=200ms,aux-power`.
///
/// The first word names the chip; the others, in any order, are knobs. Times are numbers with `us`, `ms` or `s`.
///
/// # Errors
/// [`OptionsError`] names the word that makes no sense, and the words that do.
pub fn parse_options(text: &str) -> Result<Options, OptionsError> {
    let mut words = text.split(',').map(str::trim);
    let name = words.next().unwrap_or("");
    let model = match name {
        "renesas-upd720201" => Model::Upd720201,
        "renesas-upd720202" => Model::Upd720202,
        _ => return Err(OptionsError::Chip(name.to_string())),
    };
    let mut draft = Draft {
        options: Options {
            model,
            ..Options::default()
        },
        part: None,
    };
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        draft.knob(key, value).ok_or_else(|| OptionsError::Word {
            word: word.to_string(),
        })??;
    }
    draft.options.rom = draft.part.map(Flash::blank);
    Ok(draft.options)
}

/// Knobs so far.
struct Draft {
    options: Options,
    part: Option<Part>,
}

type Known = Option<Result<(), OptionsError>>;

impl Draft {
    /// Turns a knob. `None` when there is none of this name, or the value is no value of it.
    fn knob(&mut self, key: &str, value: &str) -> Known {
        if let Some(turned) = self.fault(key, value) {
            return turned.then_some(Ok(()));
        }
        let Times {
            word,
            check_rom,
            boot,
            ..
        } = &mut self.options.times;
        match (key, &mut self.part) {
            ("rom", _) => {
                return Some(match Part::named(value) {
                    Some(part) => {
                        self.part = Some(part);
                        Ok(())
                    }
                    None => Err(OptionsError::Part(value.to_string())),
                });
            }
            ("block-erase", Some(part)) => part.erase_block = duration(value)?,
            ("chip-erase", Some(part)) => part.erase_chip = duration(value)?,
            ("program", Some(part)) => part.program = duration(value)?,
            ("block-erase" | "chip-erase" | "program", None) => {
                return Some(Err(OptionsError::NoPart {
                    word: key.to_string(),
                }));
            }
            ("word", _) => *word = duration(value)?,
            ("check", _) => *check_rom = duration(value)?,
            ("boot", _) => *boot = duration(value)?,
            ("aux-power", _) => self.options.aux_power = true,
            ("no-rom-support", _) => self.options.supports_rom = false,
            _ => return None,
        }
        Some(Ok(()))
    }

    /// Turns a fault on: `Some(false)` when the value is no value of it, `None` when there is no such fault.
    fn fault(&mut self, key: &str, value: &str) -> Option<bool> {
        let faults: &mut Faults = &mut self.options.faults;
        match key {
            "lock" => faults.lock = true,
            "stale-result" => faults.stale_result = true,
            "reload-never" => faults.reload_never = true,
            "erase-never" => faults.erase_never = true,
            "vscd-required" => faults.vscd_required = true,
            "bus-reset-kills" => faults.bus_reset_kills = true,
            "parameter-stuck" => faults.parameter_stuck = true,
            "parameter" => match number(value) {
                Some(value) => faults.first_parameter = value,
                None => return Some(false),
            },
            "wedge-after-sleeps" => match value.parse() {
                Ok(count) => faults.wedge_after_sleeps = Some(count),
                Err(_) => return Some(false),
            },
            _ => return None,
        }
        Some(true)
    }
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u32 = digits.parse().ok()?;
    let unit = text.get(digits.len()..)?;
    let one = match unit {
        "us" => Duration::from_micros(1),
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        _ => return None,
    };
    one.checked_mul(number)
}

/// Why a set-up makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionsError {
    /// No such chip.
    Chip(String),
    /// No such knob, or not with this value.
    Word {
        /// What was written.
        word: String,
    },
    /// No such ROM part.
    Part(String),
    /// A time of a ROM that has not been named yet.
    NoPart {
        /// The knob.
        word: String,
    },
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chip(name) => write!(
                f,
                "there is no chip \"{name}\" here; write renesas-upd720201 or renesas-upd720202"
            ),
            Self::Word { word } => write!(
                f,
                "\"{word}\" is no knob of this chip; there are rom=PART, then block-erase=, chip-erase=, program= with a time; word=, \
                 check=, boot= with a time; aux-power, no-rom-support, lock, stale-result, reload-never, erase-never, vscd-required, \
                 bus-reset-kills, parameter-stuck, parameter=0x700, wedge-after-sleeps=2"
            ),
            Self::Part(name) => write!(
                f,
                "the ROM part \"{name}\" is not known; P25Q40H, MX25L5121E, W25X40BV and M25P40 are, among others"
            ),
            Self::NoPart { word } => write!(f, "name the ROM with rom= before {word}="),
        }
    }
}

impl core::error::Error for OptionsError {}
