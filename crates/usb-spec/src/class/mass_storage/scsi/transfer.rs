//! READ and WRITE in the short and the middle form, which few hosts use. SBC-3 §5.10, §5.12, §5.31, §5.33 (unchecked).

use super::{Cdb, Opcode};
use crate::wire::put;

/// 0 blocks in the short form mean that many. SBC-3 §5.10 (unchecked).
const BLOCKS_OF_ZERO_6: u16 = 256;

/// The first block in the short form has 21 bits.
const LBA_MAX_6: u32 = 0x1f_ffff;

/// A command of 6 or 12 bytes that moves blocks. [`Command`](super::Command) has those of 10 and 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OldTransfer {
    /// READ(6) or WRITE(6).
    Six {
        /// Onto the medium.
        write: bool,
        /// The first block, 21 bits.
        lba: u32,
        /// How many, 1 to 256.
        blocks: u16,
    },
    /// READ(12) or WRITE(12).
    Twelve {
        /// Onto the medium.
        write: bool,
        /// The first block.
        lba: u32,
        /// How many; 0 means none.
        blocks: u32,
        /// Past the cache: straight from the medium, or through to it.
        fua: bool,
    },
}

impl OldTransfer {
    /// Reads a command block; `None` if it is another command or too short. Bytes behind its end are not looked at.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let opcode = Opcode(*bytes.first()?);
        match (opcode, bytes) {
            (Opcode::READ_6 | Opcode::WRITE_6, &[_, high, b2, b3, count, _, ..]) => {
                Some(Self::Six {
                    write: opcode == Opcode::WRITE_6,
                    lba: u32::from_be_bytes([0, high, b2, b3]) & LBA_MAX_6,
                    blocks: if count == 0 {
                        BLOCKS_OF_ZERO_6
                    } else {
                        u16::from(count)
                    },
                })
            }
            (
                Opcode::READ_12 | Opcode::WRITE_12,
                &[_, flags, b2, b3, b4, b5, b6, b7, b8, b9, _, _, ..],
            ) => Some(Self::Twelve {
                write: opcode == Opcode::WRITE_12,
                lba: u32::from_be_bytes([b2, b3, b4, b5]),
                blocks: u32::from_be_bytes([b6, b7, b8, b9]),
                fua: flags & 8 != 0,
            }),
            _ => None,
        }
    }

    /// The command block. What the short form cannot say is cut: the block number's high bits, and counts above 256.
    #[must_use]
    pub fn emit(&self) -> Cdb {
        let mut bytes = [0; 16];
        let opcode = match *self {
            Self::Six { write, lba, blocks } => {
                put(&mut bytes, 0, &(lba & LBA_MAX_6).to_be_bytes());
                let count = u8::try_from(blocks).unwrap_or(0);
                put(&mut bytes, 4, &[count]);
                if write {
                    Opcode::WRITE_6
                } else {
                    Opcode::READ_6
                }
            }
            Self::Twelve {
                write,
                lba,
                blocks,
                fua,
            } => {
                put(&mut bytes, 1, &[u8::from(fua) << 3]);
                put(&mut bytes, 2, &lba.to_be_bytes());
                put(&mut bytes, 6, &blocks.to_be_bytes());
                if write {
                    Opcode::WRITE_12
                } else {
                    Opcode::READ_12
                }
            }
        };
        put(&mut bytes, 0, &[opcode.0]);
        Cdb {
            bytes,
            length: opcode.cdb_length().unwrap_or(12),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_emitted_is_parsed_again() {
        for write in [false, true] {
            for (lba, blocks) in [(0, 1), (0x1f_ffff, 255), (0x12_3456, 256)] {
                let six = OldTransfer::Six { write, lba, blocks };
                assert_eq!(OldTransfer::parse(six.emit().as_slice()), Some(six));
            }
            for (lba, blocks, fua) in [(0, 0, false), (u32::MAX, u32::MAX, true)] {
                let twelve = OldTransfer::Twelve {
                    write,
                    lba,
                    blocks,
                    fua,
                };
                assert_eq!(OldTransfer::parse(twelve.emit().as_slice()), Some(twelve));
            }
        }
    }

    #[test]
    fn bytes_on_the_wire_are_where_the_standard_has_them() {
        let read = OldTransfer::parse(&[0x08, 0xff, 0x34, 0x56, 0, 0]);
        let six = OldTransfer::Six {
            write: false,
            lba: 0x1f_3456,
            blocks: 256,
        };
        assert_eq!(
            read,
            Some(six),
            "the upper three bits are no part of the number"
        );
        let write = OldTransfer::parse(&[0xaa, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0]);
        let twelve = OldTransfer::Twelve {
            write: true,
            lba: 0x0102_0304,
            blocks: 0x0506_0708,
            fua: true,
        };
        assert_eq!(write, Some(twelve));
    }

    #[test]
    fn other_commands_and_short_blocks_are_none() {
        for bytes in [&[][..], &[0x08; 5], &[0xa8; 11], &[0x28; 16]] {
            assert_eq!(OldTransfer::parse(bytes), None);
        }
    }
}
