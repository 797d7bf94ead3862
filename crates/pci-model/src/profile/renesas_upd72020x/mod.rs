//! The Renesas uPD720201 and uPD720202: the chip that needs firmware, with its ROM and with what was ever seen to go wrong.
//!
//! [`Chip`] is the part of the chip that configuration space and a bare BAR show: ids and capabilities, the download interface,
//! the ROM engine, starting from RAM or ROM, power. [`Options`] say what is wired to it, how fast it is and what is wrong with it.
//!
//! The manual is not public. What the chip does here is *inferred* from loaders, logs and dumps, and explains the positions and
//! times in them, above all this: with External ROM Configuration left at 0 every byte costs a programme command of its own. No
//! card was tried.
//!
//! The USB controller proper is not here: once [`Chip::firmware`] names a version, whoever owns the chip may let one answer BAR 0.

mod chip;
mod download;
mod identity;
mod image;
mod mailbox;
mod options;
mod options_text;
mod part;
mod power;
mod rom_engine;

pub use chip::Chip;
pub use options::{Faults, ForcedResult, Model, Options, Times, WrongMagic};
pub use options_text::{OptionsError, parse_options};
pub use part::{Flash, Part};
