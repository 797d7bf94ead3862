//! Why a raw TRB has no meaning.

use core::fmt;

use super::{CompletionCode, Trb};

/// A TRB that does not mean anything in the family that tried to parse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseTrbError {
    /// What is wrong.
    pub kind: ParseTrbErrorKind,
    /// The TRB as it was found.
    pub trb: Trb,
}

/// What is wrong with a TRB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseTrbErrorKind {
    /// The type is unknown, or belongs to another family (a transfer on the command ring, a Link anywhere).
    UnknownType,
    /// A field holds a value that the specification forbids.
    ReservedField {
        /// The field's name, as in [`super::layout`].
        field: &'static str,
        /// What it holds.
        value: u32,
    },
    /// A command for a slot names slot 0.
    ZeroSlot,
    /// A command for an endpoint names DCI 0.
    BadEndpoint,
}

impl ParseTrbError {
    /// What a controller answers: TRB Error in every case (xHCI 1.2 §6.4.5).
    #[must_use]
    pub const fn completion_code(&self) -> CompletionCode {
        CompletionCode::TRB_ERROR
    }
}

impl fmt::Display for ParseTrbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.trb.trb_type();
        match self.kind {
            ParseTrbErrorKind::UnknownType => write!(f, "{name} TRB has no place here")?,
            ParseTrbErrorKind::ReservedField { field, value } => {
                write!(
                    f,
                    "{name} TRB holds the forbidden value {value} in its field {field}"
                )?;
            }
            ParseTrbErrorKind::ZeroSlot => write!(f, "{name} TRB names slot 0")?,
            ParseTrbErrorKind::BadEndpoint => write!(f, "{name} TRB names endpoint index 0")?,
        }
        write!(f, " (dwords {:08x?})", self.trb.0)
    }
}

impl core::error::Error for ParseTrbError {}
