//! Command blocks: meaning to bytes and back. Multi-byte numbers are big-endian.

use super::{Cdb, CdbError, ModePage, Opcode, PageControl, VpdPage};
use crate::wire::{be16, be32, be64, put, take, u8_at};

/// A command, taken apart. The CONTROL byte is not kept; nothing that disks behind USB do depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Asks whether the unit could read now. SPC-4 §6.47 (unchecked).
    TestUnitReady,
    /// Reads sense data. SPC-4 §6.39 (unchecked).
    RequestSense {
        /// Wants descriptor format, not fixed.
        descriptor_format: bool,
        /// The most bytes to answer.
        allocation_length: u8,
    },
    /// Reads what the unit is. SPC-4 §6.6 (unchecked).
    Inquiry {
        /// The page of vital product data, or `None` for the standard data.
        page: Option<VpdPage>,
        /// The most bytes to answer.
        allocation_length: u16,
    },
    /// Reads the capacity, up to 2^32 - 1 blocks. SBC-3 §5.15 (unchecked).
    ReadCapacity10,
    /// Reads the capacity. SBC-3 §5.16 (unchecked).
    ReadCapacity16 {
        /// The most bytes to answer.
        allocation_length: u32,
    },
    /// Reads blocks. SBC-3 §5.11 (unchecked).
    Read10 {
        /// The first block.
        lba: u32,
        /// How many; 0 means none.
        blocks: u16,
        /// Not from a cache that power loss would clear.
        fua: bool,
    },
    /// Reads blocks. SBC-3 §5.13 (unchecked).
    Read16 {
        /// The first block.
        lba: u64,
        /// How many; 0 means none.
        blocks: u32,
        /// Not from a cache that power loss would clear.
        fua: bool,
    },
    /// Writes blocks. SBC-3 §5.32 (unchecked).
    Write10 {
        /// The first block.
        lba: u32,
        /// How many; 0 means none.
        blocks: u16,
        /// Through the cache, onto the medium.
        fua: bool,
    },
    /// Writes blocks. SBC-3 §5.34 (unchecked).
    Write16 {
        /// The first block.
        lba: u64,
        /// How many; 0 means none.
        blocks: u32,
        /// Through the cache, onto the medium.
        fua: bool,
    },
    /// Verifies blocks. SBC-3 §5.28 (unchecked).
    Verify10 {
        /// The first block.
        lba: u32,
        /// How many; 0 means none.
        blocks: u16,
        /// `BYTCHK`: 0 no data, 1 compare with as many blocks, 3 compare each with one block.
        byte_check: u8,
    },
    /// Reads mode pages behind a header of four bytes. SPC-4 §6.11 (unchecked).
    ModeSense6 {
        /// Which page.
        page: ModePage,
        /// Which subpage; 0 is the page itself, 0xff all.
        subpage: u8,
        /// Current, changeable, default or saved values.
        control: PageControl,
        /// Leave the block descriptors out.
        disable_block_descriptors: bool,
        /// The most bytes to answer.
        allocation_length: u8,
    },
    /// Reads mode pages behind a header of eight bytes. SPC-4 §6.12 (unchecked).
    ModeSense10 {
        /// Which page.
        page: ModePage,
        /// Which subpage; 0 is the page itself, 0xff all.
        subpage: u8,
        /// Current, changeable, default or saved values.
        control: PageControl,
        /// Leave the block descriptors out.
        disable_block_descriptors: bool,
        /// Block descriptors may be of the long kind.
        long_lba_accepted: bool,
        /// The most bytes to answer.
        allocation_length: u16,
    },
    /// Brings cached blocks onto the medium; 0 blocks means up to the end. SBC-3 §5.22 (unchecked).
    SynchronizeCache10 {
        /// The first block.
        lba: u32,
        /// How many.
        blocks: u16,
        /// Answer before it is done.
        immediate: bool,
    },
    /// Brings cached blocks onto the medium; 0 blocks means up to the end. SBC-3 §5.23 (unchecked).
    SynchronizeCache16 {
        /// The first block.
        lba: u64,
        /// How many.
        blocks: u32,
        /// Answer before it is done.
        immediate: bool,
    },
    /// Locks or unlocks the medium's removal. SPC-4 §6.17, SBC-3 §5.10 (unchecked).
    PreventAllowMediumRemoval {
        /// Locks it.
        prevent: bool,
    },
    /// Starts, stops, ejects, loads. SBC-3 §5.25 (unchecked).
    StartStopUnit {
        /// Answer before it is done.
        immediate: bool,
        /// `POWER CONDITION`; if not 0, `start` and `load_eject` say nothing.
        power_condition: u8,
        /// Also move the medium: in with `start`, else out.
        load_eject: bool,
        /// Become ready, else stop.
        start: bool,
    },
    /// Lists the logical units. SPC-4 §6.33 (unchecked).
    ReportLuns {
        /// `SELECT REPORT`: 0 all but well-known ones.
        select_report: u8,
        /// The most bytes to answer, at least 16.
        allocation_length: u32,
    },
    /// Lists the sizes to which the medium can be formatted. UFI 1.0 §4.10, MMC-6 §6.24 (unchecked).
    ReadFormatCapacities {
        /// The most bytes to answer.
        allocation_length: u16,
    },
}

impl Command {
    /// The operation code.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::TestUnitReady => Opcode::TEST_UNIT_READY,
            Self::RequestSense { .. } => Opcode::REQUEST_SENSE,
            Self::Inquiry { .. } => Opcode::INQUIRY,
            Self::ReadCapacity10 => Opcode::READ_CAPACITY_10,
            Self::ReadCapacity16 { .. } => Opcode::SERVICE_ACTION_IN_16,
            Self::Read10 { .. } => Opcode::READ_10,
            Self::Read16 { .. } => Opcode::READ_16,
            Self::Write10 { .. } => Opcode::WRITE_10,
            Self::Write16 { .. } => Opcode::WRITE_16,
            Self::Verify10 { .. } => Opcode::VERIFY_10,
            Self::ModeSense6 { .. } => Opcode::MODE_SENSE_6,
            Self::ModeSense10 { .. } => Opcode::MODE_SENSE_10,
            Self::SynchronizeCache10 { .. } => Opcode::SYNCHRONIZE_CACHE_10,
            Self::SynchronizeCache16 { .. } => Opcode::SYNCHRONIZE_CACHE_16,
            Self::PreventAllowMediumRemoval { .. } => Opcode::PREVENT_ALLOW_MEDIUM_REMOVAL,
            Self::StartStopUnit { .. } => Opcode::START_STOP_UNIT,
            Self::ReportLuns { .. } => Opcode::REPORT_LUNS,
            Self::ReadFormatCapacities { .. } => Opcode::READ_FORMAT_CAPACITIES,
        }
    }

    /// Reads a command block; bytes behind its end are not looked at, because hosts pad.
    ///
    /// # Errors
    /// See [`CdbError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CdbError> {
        let opcode = Opcode(*bytes.first().ok_or(CdbError::Empty)?);
        let needed = opcode
            .cdb_length()
            .ok_or(CdbError::UnknownOpcode { opcode })?;
        let b: [u8; 16] = take(bytes, 0);
        let command = match opcode {
            Opcode::TEST_UNIT_READY | Opcode::REQUEST_SENSE | Opcode::INQUIRY => {
                parse_inquiries(opcode, &b)?
            }
            Opcode::READ_10
            | Opcode::WRITE_10
            | Opcode::VERIFY_10
            | Opcode::READ_16
            | Opcode::WRITE_16 => parse_blocks(opcode, &b)?,
            Opcode::MODE_SENSE_6 | Opcode::MODE_SENSE_10 => parse_mode_sense(opcode, &b),
            _ => parse_others(opcode, &b)?,
        };
        if bytes.len() < usize::from(needed) {
            return Err(CdbError::TooShort {
                opcode,
                needed,
                found: bytes.len(),
            });
        }
        Ok(command)
    }

    /// The command block.
    #[must_use]
    pub fn emit(&self) -> Cdb {
        let mut b = [0; 16];
        let opcode = self.opcode();
        put(&mut b, 0, &[opcode.0]);
        match *self {
            Self::TestUnitReady | Self::ReadCapacity10 => {}
            Self::RequestSense {
                descriptor_format,
                allocation_length,
            } => {
                put(
                    &mut b,
                    1,
                    &[u8::from(descriptor_format), 0, 0, allocation_length],
                );
            }
            Self::Inquiry {
                page,
                allocation_length,
            } => {
                put(
                    &mut b,
                    1,
                    &[u8::from(page.is_some()), page.map_or(0, |page| page.0)],
                );
                put(&mut b, 3, &allocation_length.to_be_bytes());
            }
            Self::ReadCapacity16 { allocation_length } => {
                put(&mut b, 1, &[Opcode::READ_CAPACITY_16_ACTION]);
                put(&mut b, 10, &allocation_length.to_be_bytes());
            }
            Self::Read10 { lba, blocks, fua } | Self::Write10 { lba, blocks, fua } => {
                blocks_10(&mut b, u8::from(fua) << 3, lba, blocks);
            }
            Self::Read16 { lba, blocks, fua } | Self::Write16 { lba, blocks, fua } => {
                blocks_16(&mut b, u8::from(fua) << 3, lba, blocks);
            }
            Self::Verify10 {
                lba,
                blocks,
                byte_check,
            } => blocks_10(&mut b, (byte_check & 3) << 1, lba, blocks),
            Self::SynchronizeCache10 {
                lba,
                blocks,
                immediate,
            } => {
                blocks_10(&mut b, u8::from(immediate) << 1, lba, blocks);
            }
            Self::SynchronizeCache16 {
                lba,
                blocks,
                immediate,
            } => {
                blocks_16(&mut b, u8::from(immediate) << 1, lba, blocks);
            }
            Self::ModeSense6 {
                page,
                subpage,
                control,
                disable_block_descriptors,
                allocation_length,
            } => {
                let flags = u8::from(disable_block_descriptors) << 3;
                put(
                    &mut b,
                    1,
                    &[flags, page_byte(page, control), subpage, allocation_length],
                );
            }
            Self::ModeSense10 {
                page,
                subpage,
                control,
                disable_block_descriptors,
                long_lba_accepted,
                allocation_length,
            } => {
                let flags =
                    (u8::from(disable_block_descriptors) << 3) | (u8::from(long_lba_accepted) << 4);
                put(&mut b, 1, &[flags, page_byte(page, control), subpage]);
                put(&mut b, 7, &allocation_length.to_be_bytes());
            }
            Self::PreventAllowMediumRemoval { prevent } => put(&mut b, 4, &[u8::from(prevent)]),
            Self::StartStopUnit {
                immediate,
                power_condition,
                load_eject,
                start,
            } => {
                let action = (power_condition << 4) | (u8::from(load_eject) << 1) | u8::from(start);
                put(&mut b, 1, &[u8::from(immediate), 0, 0, action]);
            }
            Self::ReportLuns {
                select_report,
                allocation_length,
            } => {
                put(&mut b, 2, &[select_report]);
                put(&mut b, 6, &allocation_length.to_be_bytes());
            }
            Self::ReadFormatCapacities { allocation_length } => {
                put(&mut b, 7, &allocation_length.to_be_bytes())
            }
        }
        Cdb {
            bytes: b,
            length: opcode.cdb_length().unwrap_or(16),
        }
    }
}

fn page_byte(page: ModePage, control: PageControl) -> u8 {
    (page.0 & 0x3f) | (control.0 << 6)
}

fn blocks_10(b: &mut [u8; 16], flags: u8, lba: u32, blocks: u16) {
    put(b, 1, &[flags]);
    put(b, 2, &lba.to_be_bytes());
    put(b, 7, &blocks.to_be_bytes());
}

fn blocks_16(b: &mut [u8; 16], flags: u8, lba: u64, blocks: u32) {
    put(b, 1, &[flags]);
    put(b, 2, &lba.to_be_bytes());
    put(b, 10, &blocks.to_be_bytes());
}

fn parse_inquiries(opcode: Opcode, b: &[u8; 16]) -> Result<Command, CdbError> {
    Ok(match opcode {
        Opcode::TEST_UNIT_READY => Command::TestUnitReady,
        Opcode::REQUEST_SENSE => Command::RequestSense {
            descriptor_format: u8_at(b, 1) & 1 != 0,
            allocation_length: u8_at(b, 4),
        },
        _ => {
            let (vital, page) = (u8_at(b, 1) & 1 != 0, u8_at(b, 2));
            // CMDDT (bit 1) is obsolete, and a page code without EVPD is an error. SPC-4 §6.6 (unchecked).
            if u8_at(b, 1) & 2 != 0 {
                return Err(CdbError::InvalidField { opcode, at: 1 });
            }
            if !vital && page != 0 {
                return Err(CdbError::InvalidField { opcode, at: 2 });
            }
            Command::Inquiry {
                page: vital.then_some(VpdPage(page)),
                allocation_length: be16(b, 3),
            }
        }
    })
}

fn parse_blocks(opcode: Opcode, b: &[u8; 16]) -> Result<Command, CdbError> {
    // RDPROTECT, WRPROTECT, VRPROTECT: these disks have no protection information, so only 0 will do.
    let flags = u8_at(b, 1);
    if flags & 0xe0 != 0 {
        return Err(CdbError::InvalidField { opcode, at: 1 });
    }
    let (fua, byte_check) = (flags & 8 != 0, (flags >> 1) & 3);
    let (lba, blocks) = (be32(b, 2), be16(b, 7));
    let (lba_long, blocks_long) = (be64(b, 2), be32(b, 10));
    Ok(match opcode {
        Opcode::READ_10 => Command::Read10 { lba, blocks, fua },
        Opcode::WRITE_10 => Command::Write10 { lba, blocks, fua },
        Opcode::READ_16 => Command::Read16 {
            lba: lba_long,
            blocks: blocks_long,
            fua,
        },
        Opcode::WRITE_16 => Command::Write16 {
            lba: lba_long,
            blocks: blocks_long,
            fua,
        },
        _ => Command::Verify10 {
            lba,
            blocks,
            byte_check,
        },
    })
}

fn parse_mode_sense(opcode: Opcode, b: &[u8; 16]) -> Command {
    let (flags, page, subpage) = (u8_at(b, 1), u8_at(b, 2), u8_at(b, 3));
    let (page, control) = (ModePage(page & 0x3f), PageControl(page >> 6));
    let disable_block_descriptors = flags & 8 != 0;
    if opcode == Opcode::MODE_SENSE_6 {
        let allocation_length = u8_at(b, 4);
        Command::ModeSense6 {
            page,
            subpage,
            control,
            disable_block_descriptors,
            allocation_length,
        }
    } else {
        let (long_lba_accepted, allocation_length) = (flags & 0x10 != 0, be16(b, 7));
        Command::ModeSense10 {
            page,
            subpage,
            control,
            disable_block_descriptors,
            long_lba_accepted,
            allocation_length,
        }
    }
}

fn parse_others(opcode: Opcode, b: &[u8; 16]) -> Result<Command, CdbError> {
    let immediate = u8_at(b, 1) & 2 != 0;
    Ok(match opcode {
        Opcode::READ_CAPACITY_10 => Command::ReadCapacity10,
        Opcode::SERVICE_ACTION_IN_16 if u8_at(b, 1) & 0x1f == Opcode::READ_CAPACITY_16_ACTION => {
            Command::ReadCapacity16 {
                allocation_length: be32(b, 10),
            }
        }
        Opcode::SERVICE_ACTION_IN_16 => return Err(CdbError::InvalidField { opcode, at: 1 }),
        Opcode::SYNCHRONIZE_CACHE_10 => Command::SynchronizeCache10 {
            lba: be32(b, 2),
            blocks: be16(b, 7),
            immediate,
        },
        Opcode::SYNCHRONIZE_CACHE_16 => Command::SynchronizeCache16 {
            lba: be64(b, 2),
            blocks: be32(b, 10),
            immediate,
        },
        Opcode::PREVENT_ALLOW_MEDIUM_REMOVAL => Command::PreventAllowMediumRemoval {
            prevent: u8_at(b, 4) & 1 != 0,
        },
        Opcode::START_STOP_UNIT => {
            let action = u8_at(b, 4);
            Command::StartStopUnit {
                immediate: u8_at(b, 1) & 1 != 0,
                power_condition: action >> 4,
                load_eject: action & 2 != 0,
                start: action & 1 != 0,
            }
        }
        Opcode::REPORT_LUNS => Command::ReportLuns {
            select_report: u8_at(b, 2),
            allocation_length: be32(b, 6),
        },
        Opcode::READ_FORMAT_CAPACITIES => Command::ReadFormatCapacities {
            allocation_length: be16(b, 7),
        },
        _ => return Err(CdbError::UnknownOpcode { opcode }),
    })
}
