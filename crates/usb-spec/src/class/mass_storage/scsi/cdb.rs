//! A command block as bytes, and what can be wrong with one.

use super::Opcode;

/// A command block as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cdb {
    /// The bytes; those from `length` on are zero and not part of it.
    pub bytes: [u8; 16],
    /// 6, 10, 12 or 16.
    pub length: u8,
}

impl Cdb {
    /// The bytes that count.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or(&self.bytes)
    }
}

/// Why a command block is none of [`super::Command`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CdbError {
    /// There is not one byte.
    Empty,
    /// The operation code is none of those. A device answers INVALID COMMAND OPERATION CODE.
    UnknownOpcode {
        /// The code.
        opcode: Opcode,
    },
    /// Fewer bytes than the operation needs.
    TooShort {
        /// The code.
        opcode: Opcode,
        /// The bytes it needs.
        needed: u8,
        /// The bytes that are there.
        found: usize,
    },
    /// A field asks for something that is not here. A device answers INVALID FIELD IN CDB.
    InvalidField {
        /// The code.
        opcode: Opcode,
        /// The byte of the field.
        at: u8,
    },
}

impl core::fmt::Display for CdbError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => f.write_str("a command block without a byte"),
            Self::UnknownOpcode { opcode } => write!(f, "operation {opcode} is not known"),
            Self::TooShort {
                opcode,
                needed,
                found,
            } => write!(f, "{opcode} needs {needed} bytes, {found} are there"),
            Self::InvalidField { opcode, at } => {
                write!(f, "{opcode} has an invalid field in byte {at}")
            }
        }
    }
}

impl core::error::Error for CdbError {}
