//! Commands about blocks: which bytes of the medium they mean, and whether they may. SBC-3.

use usb_spec::class::mass_storage::scsi::{AdditionalSense, Command, OldTransfer, Sense, SenseKey};

use super::scsi::{Action, Outcome, Unit, illegal};

/// Blocks to move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    lba: u64,
    count: u64,
    write: bool,
    flush: bool,
}

impl Blocks {
    const fn read(lba: u64, count: u64) -> Self {
        Self {
            lba,
            count,
            write: false,
            flush: false,
        }
    }

    const fn write(lba: u64, count: u64, flush: bool) -> Self {
        Self {
            lba,
            count,
            write: true,
            flush,
        }
    }
}

impl From<OldTransfer> for Blocks {
    fn from(transfer: OldTransfer) -> Self {
        match transfer {
            OldTransfer::Six { write, lba, blocks } => Self {
                lba: u64::from(lba),
                count: u64::from(blocks),
                write,
                flush: false,
            },
            OldTransfer::Twelve {
                write,
                lba,
                blocks,
                fua,
            } => Self {
                lba: u64::from(lba),
                count: u64::from(blocks),
                write,
                flush: write && fua,
            },
        }
    }
}

impl Unit {
    /// The commands that name blocks.
    pub(super) fn act_on_blocks(&self, command: Command) -> Outcome {
        match command {
            Command::Read10 { lba, blocks, .. } => {
                self.transfer(Blocks::read(u64::from(lba), u64::from(blocks)))
            }
            Command::Read16 { lba, blocks, .. } => {
                self.transfer(Blocks::read(lba, u64::from(blocks)))
            }
            Command::Write10 { lba, blocks, fua } => {
                self.transfer(Blocks::write(u64::from(lba), u64::from(blocks), fua))
            }
            Command::Write16 { lba, blocks, fua } => {
                self.transfer(Blocks::write(lba, u64::from(blocks), fua))
            }
            Command::Verify10 {
                lba,
                blocks,
                byte_check,
            } => self.verify(u64::from(lba), u64::from(blocks), byte_check),
            Command::SynchronizeCache10 { lba, blocks, .. } => {
                self.synchronize(u64::from(lba), u64::from(blocks))
            }
            Command::SynchronizeCache16 { lba, blocks, .. } => {
                self.synchronize(lba, u64::from(blocks))
            }
            _ => Err(illegal(AdditionalSense::INVALID_COMMAND_OPERATION_CODE)),
        }
    }

    fn check_range(&self, lba: u64, blocks: u64) -> Result<(), Sense> {
        let end = lba
            .checked_add(blocks)
            .filter(|end| *end <= self.options.blocks);
        // A start behind the end is wrong even for no blocks. SBC-3 §4.22 (unchecked).
        match end {
            Some(_) if lba < self.options.blocks || blocks == 0 && lba == self.options.blocks => {
                Ok(())
            }
            _ => Err(Sense {
                information: Some(lba),
                ..illegal(AdditionalSense::LBA_OUT_OF_RANGE)
            }),
        }
    }

    pub(super) fn transfer(
        &self,
        Blocks {
            lba,
            count,
            write,
            flush,
        }: Blocks,
    ) -> Outcome {
        self.ready()?;
        self.check_range(lba, count)?;
        if write && self.options.read_only {
            return Err(Sense::new(
                SenseKey::DATA_PROTECT,
                AdditionalSense::WRITE_PROTECTED,
            ));
        }
        let size = u64::from(self.block_size());
        let (Some(offset), Some(length)) = (lba.checked_mul(size), count.checked_mul(size)) else {
            return Err(illegal(AdditionalSense::LBA_OUT_OF_RANGE));
        };
        Ok(match (length, write) {
            (0, _) => Action::Nothing,
            (_, true) => Action::Write {
                offset,
                length,
                flush,
            },
            (_, false) => Action::Read { offset, length },
        })
    }

    /// A medium that can be read at all is taken to be readable. Comparing with the host's bytes is not offered.
    fn verify(&self, lba: u64, blocks: u64, byte_check: u8) -> Outcome {
        self.ready()?;
        self.check_range(lba, blocks)?;
        if byte_check == 0 {
            Ok(Action::Nothing)
        } else {
            Err(illegal(AdditionalSense::INVALID_FIELD_IN_CDB))
        }
    }

    /// Everything becomes durable, whatever range was asked for; nothing is answered before, even if the host would allow it.
    fn synchronize(&self, lba: u64, blocks: u64) -> Outcome {
        self.ready()?;
        self.check_range(lba, blocks)?;
        Ok(Action::Flush)
    }
}
