//! The wrappers around a command and its status. Bulk-Only Transport 1.0 §5.

use super::scsi::Cdb;
use crate::Direction;
use crate::open::open_number;
use crate::wire::{le32, put, take, u8_at};

/// A command block wrapper: 31 bytes that begin a command. §5.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cbw {
    /// `dCBWTag`, which the status repeats.
    #[doc(alias = "dCBWTag")]
    pub tag: u32,
    /// `dCBWDataTransferLength`: bytes that the host expects to move.
    #[doc(alias = "dCBWDataTransferLength")]
    pub data_length: u32,
    /// Which way they move; of no meaning if there are none.
    pub direction: Direction,
    /// `bCBWLUN`, 0 to 15.
    #[doc(alias = "bCBWLUN")]
    pub lun: u8,
    /// `CBWCB`: the command block; bytes from `cdb_length` on are not part of it.
    #[doc(alias = "CBWCB")]
    pub cdb: [u8; 16],
    /// `bCBWCBLength`, 1 to 16.
    #[doc(alias = "bCBWCBLength")]
    pub cdb_length: u8,
}

impl Cbw {
    /// The size of the wrapper; a packet of another size is none.
    pub const LENGTH: usize = 31;
    /// `dCBWSignature`, "USBC".
    pub const SIGNATURE: u32 = 0x4342_5355;

    /// The wrapper of a command block.
    #[must_use]
    pub const fn new(tag: u32, data_length: u32, direction: Direction, lun: u8, cdb: Cdb) -> Self {
        Self {
            tag,
            data_length,
            direction,
            lun,
            cdb: cdb.bytes,
            cdb_length: cdb.length,
        }
    }

    /// Reads a wrapper, with the tests for *valid* (§6.2.1) and for *meaningful* (§6.2.2) that need no knowledge of the device.
    ///
    /// # Errors
    /// Not 31 bytes or another signature: not valid. A reserved bit, or a command length of 0 or above 16: not meaningful.
    pub fn parse(bytes: &[u8]) -> Result<Self, WrapperError> {
        check(bytes, Self::LENGTH, Self::SIGNATURE)?;
        let (flags, lun, cdb_length) = (u8_at(bytes, 12), u8_at(bytes, 13), u8_at(bytes, 14));
        if flags & 0x7f != 0 {
            return Err(WrapperError::Reserved {
                at: 12,
                byte: flags,
            });
        }
        if lun & 0xf0 != 0 {
            return Err(WrapperError::Reserved { at: 13, byte: lun });
        }
        if !(1..=16).contains(&cdb_length) {
            return Err(WrapperError::CommandLength { length: cdb_length });
        }
        Ok(Self {
            tag: le32(bytes, 4),
            data_length: le32(bytes, 8),
            direction: Direction::from_bit7(flags),
            lun,
            cdb: take(bytes, 15),
            cdb_length,
        })
    }

    /// The bytes on the wire; the LUN is cut to four bits, the command's length is brought to 1 to 16.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(&mut out, 0, &Self::SIGNATURE.to_le_bytes());
        put(&mut out, 4, &self.tag.to_le_bytes());
        put(&mut out, 8, &self.data_length.to_le_bytes());
        put(
            &mut out,
            12,
            &[
                self.direction.bit7(),
                self.lun & 0x0f,
                self.cdb_length.clamp(1, 16),
            ],
        );
        put(&mut out, 15, &self.cdb);
        out
    }

    /// The command block without the bytes behind its end.
    #[must_use]
    pub fn command_block(&self) -> &[u8] {
        self.cdb
            .get(..usize::from(self.cdb_length))
            .unwrap_or(&self.cdb)
    }
}

/// A command status wrapper: 13 bytes that end a command. §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Csw {
    /// `dCSWTag`: the command's tag.
    #[doc(alias = "dCSWTag")]
    pub tag: u32,
    /// `dCSWDataResidue`: bytes that the host expected and the device did not process.
    #[doc(alias = "dCSWDataResidue")]
    pub residue: u32,
    /// `bCSWStatus`.
    #[doc(alias = "bCSWStatus")]
    pub status: CswStatus,
}

impl Csw {
    /// The size of the wrapper; a packet of another size is none.
    pub const LENGTH: usize = 13;
    /// `dCSWSignature`, "USBS".
    pub const SIGNATURE: u32 = 0x5342_5355;

    /// Reads a wrapper; whether its tag and residue fit the command is for the reader to say (§6.3).
    ///
    /// # Errors
    /// Not 13 bytes, or another signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, WrapperError> {
        check(bytes, Self::LENGTH, Self::SIGNATURE)?;
        Ok(Self {
            tag: le32(bytes, 4),
            residue: le32(bytes, 8),
            status: CswStatus(u8_at(bytes, 12)),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(&mut out, 0, &Self::SIGNATURE.to_le_bytes());
        put(&mut out, 4, &self.tag.to_le_bytes());
        put(&mut out, 8, &self.residue.to_le_bytes());
        put(&mut out, 12, &[self.status.0]);
        out
    }
}

open_number! {
    /// `bCSWStatus`. §5.2 table 5.3.
    pub struct CswStatus(u8) {
        PASSED = 0 => "passed",
        FAILED = 1 => "failed",
        PHASE_ERROR = 2 => "phase error",
    }
}

/// Why bytes are not a wrapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrapperError {
    /// Another number of bytes than the wrapper has.
    Length {
        /// What the wrapper has.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// The first four bytes are not the signature.
    Signature {
        /// What they are.
        found: u32,
    },
    /// A reserved bit is set.
    Reserved {
        /// The byte's offset.
        at: usize,
        /// The byte.
        byte: u8,
    },
    /// `bCBWCBLength` is not 1 to 16.
    CommandLength {
        /// What it is.
        length: u8,
    },
}

impl core::fmt::Display for WrapperError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Length { expected, found } => {
                write!(f, "a wrapper has {expected} bytes, these are {found}")
            }
            Self::Signature { found } => write!(f, "{found:#010x} is not the wrapper's signature"),
            Self::Reserved { at, byte } => write!(
                f,
                "byte {at} of the wrapper is {byte:#04x}, with reserved bits set"
            ),
            Self::CommandLength { length } => {
                write!(f, "a command block has 1 to 16 bytes, not {length}")
            }
        }
    }
}

impl core::error::Error for WrapperError {}

fn check(bytes: &[u8], expected: usize, signature: u32) -> Result<(), WrapperError> {
    if bytes.len() != expected {
        return Err(WrapperError::Length {
            expected,
            found: bytes.len(),
        });
    }
    match le32(bytes, 0) {
        found if found == signature => Ok(()),
        found => Err(WrapperError::Signature { found }),
    }
}
