//! What a register tells people: its fields, and which rules a write broke.

use core::fmt;

use super::field::{Field, Show};

/// Which rule a write broke. xHCI 1.2 §5.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breach {
    /// Software must write back what it read.
    RsvdPChanged,
    /// Software must write zero.
    RsvdZNotZero,
    /// Software wrote something else than it read; hardware ignores it.
    ReadOnlyChanged,
}

/// A field that a write treated wrongly.
#[derive(Clone, Copy, Debug)]
pub struct BrokenField {
    /// The field.
    pub field: &'static Field,
    /// The rule.
    pub breach: Breach,
    /// The field's value before the write.
    pub current: u64,
    /// The field's value in the write.
    pub written: u64,
}

impl fmt::Display for BrokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Field {
            mnemonic,
            low,
            width,
            section,
            ..
        } = self.field;
        let high = u32::from(*low) + u32::from(*width).saturating_sub(1);
        let (current, written) = (self.current, self.written);
        write!(f, "bits {high}:{low} ({mnemonic}, §{section}): ")?;
        match self.breach {
            Breach::RsvdPChanged => write!(f, "write back {current:#x} as read, not {written:#x}"),
            Breach::RsvdZNotZero => write!(f, "write zero, not {written:#x}"),
            Breach::ReadOnlyChanged => write!(f, "read only {current:#x}, written {written:#x}"),
        }
    }
}

/// Writes a register for people; see [`Register::describe`](super::Register::describe).
#[derive(Clone, Copy, Debug)]
pub struct Describe {
    pub(super) mnemonic: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) bits: u64,
}

impl fmt::Display for Describe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mnemonic)?;
        for field in self.fields {
            let (mnemonic, value) = (field.mnemonic, field.get(self.bits));
            match (field.show, value) {
                (Show::Named(name_of), _) => match name_of(value) {
                    Some(name) => write!(f, " {mnemonic}={name}")?,
                    None => write!(f, " {mnemonic}={value}")?,
                },
                (_, 0) => {}
                (Show::Flag, _) => write!(f, " {mnemonic}")?,
                (Show::Number, _) => write!(f, " {mnemonic}={value}")?,
                (Show::Hex, _) => write!(f, " {mnemonic}={value:#x}")?,
            }
        }
        Ok(())
    }
}
