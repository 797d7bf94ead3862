//! From a configured function to a disk whose size is known: the questions, in the order in which old sticks like them.

use usb_spec::class::mass_storage::scsi::{
    self, BlockLimits, Inquiry, ModeHeader, Opcode, PeripheralType, ReadCapacity10, ReadCapacity16,
    VpdPage,
};
use usb_spec::time::Instant;

use super::exec::{Answer, Exec};
use super::patience::{Patience, Weighed};
use super::sense::Subject;
use super::{Disk, Error, Geometry, Next, Policy, command};
use crate::bot::{Command, Moved};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    GetMaxLun,
    Inquiry,
    TestUnitReady,
    StartUnit,
    Capacity10,
    Capacity16,
    ModeSense6,
    ModeSense10,
    BlockLimits,
}

#[derive(Debug)]
pub(super) struct Start {
    step: Step,
    patience: Patience,
    told_to_start: bool,
    max_lun: u8,
    inquiry: Option<Inquiry>,
    geometry: Option<Geometry>,
    write_protected: bool,
    max_transfer: u32,
}

impl Start {
    pub(super) fn new(policy: &Policy, now: Instant) -> Self {
        Self {
            step: Step::GetMaxLun,
            patience: Patience::new(policy, now),
            told_to_start: false,
            max_lun: 0,
            inquiry: None,
            geometry: None,
            write_protected: false,
            max_transfer: policy.max_transfer,
        }
    }

    /// The command of this step; `None` for the one that is no command.
    pub(super) fn command(&self, lun: u8, policy: &Policy) -> Option<Command> {
        Some(match self.step {
            Step::GetMaxLun => return None,
            Step::StartUnit => command::start_unit(lun, policy.flush_timeout),
            Step::TestUnitReady => command::plain(lun, scsi::Command::TestUnitReady),
            Step::Inquiry => command::inquiry(lun, None),
            Step::Capacity10 => command::read_capacity_10(lun),
            Step::Capacity16 => command::read_capacity_16(lun),
            Step::ModeSense6 => command::mode_sense_6(lun),
            Step::ModeSense10 => command::mode_sense_10(lun),
            Step::BlockLimits => command::inquiry(lun, Some(VpdPage::BLOCK_LIMITS)),
        })
    }

    pub(super) fn answered(
        &mut self,
        now: Instant,
        policy: &Policy,
        exec: &mut Exec,
        answer: Answer,
    ) -> Next {
        if let Answer::MaxLun(max) = answer {
            self.max_lun = max;
            let lun = exec.lun();
            return if lun > max {
                Next::Fail(Error::NoSuchUnit { lun, max })
            } else {
                self.go(Step::Inquiry, policy)
            };
        }
        // The disk may have been plugged in a moment ago: whatever it reports about its past is news to nobody.
        let subject = Subject {
            operation: self.operation(),
            lba: 0,
            writing: false,
            expects_attention: true,
        };
        let weighed = self.patience.weigh(now, answer, subject);
        match (self.step, weighed) {
            (
                _,
                Weighed::Fail(error @ (Error::Gone | Error::Unusable { .. } | Error::NoMedium)),
            ) => Next::Fail(error),
            (Step::TestUnitReady, Weighed::NeedsStart(_)) if !self.told_to_start => {
                self.told_to_start = true;
                self.go(Step::StartUnit, policy)
            }
            // Whether it helped, the next TEST UNIT READY tells.
            (Step::StartUnit, _) => self.go(Step::TestUnitReady, policy),
            // A unit that does not know the question has no other state than ready.
            (
                Step::TestUnitReady,
                Weighed::Done(_) | Weighed::Fail(Error::IllegalRequest { .. }),
            ) => self.go(Step::Capacity10, policy),
            // Nobody needs these to read a disk, and a device that was reset over one is not asked again.
            (Step::ModeSense6 | Step::ModeSense10 | Step::BlockLimits, Weighed::Again)
                if matches!(answer, Answer::Broken(_)) =>
            {
                self.finish()
            }
            (Step::ModeSense6, Weighed::Fail(_)) => self.go(Step::ModeSense10, policy),
            (Step::ModeSense10, Weighed::Fail(_)) => self.after_mode_sense(policy),
            (Step::BlockLimits, Weighed::Fail(_)) => self.finish(),
            (_, Weighed::NeedsStart(error)) => self.later(now, error),
            (_, Weighed::Again) => Next::Command,
            (_, Weighed::Pause(until)) => Next::Pause(until),
            (_, Weighed::Fail(error)) => Next::Fail(error),
            (_, Weighed::Done(moved)) => self.take(policy, exec, moved),
        }
    }

    fn later(&mut self, now: Instant, error: Error) -> Next {
        match self.patience.later(now, error) {
            Weighed::Pause(until) => Next::Pause(until),
            _ => Next::Fail(error),
        }
    }

    fn operation(&self) -> Opcode {
        match self.step {
            Step::GetMaxLun | Step::TestUnitReady => Opcode::TEST_UNIT_READY,
            Step::Inquiry | Step::BlockLimits => Opcode::INQUIRY,
            Step::StartUnit => Opcode::START_STOP_UNIT,
            Step::Capacity10 => Opcode::READ_CAPACITY_10,
            Step::Capacity16 => Opcode::SERVICE_ACTION_IN_16,
            Step::ModeSense6 => Opcode::MODE_SENSE_6,
            Step::ModeSense10 => Opcode::MODE_SENSE_10,
        }
    }

    fn go(&mut self, step: Step, policy: &Policy) -> Next {
        self.step = step;
        self.patience.refill(policy);
        Next::Command
    }

    /// An answer that cannot be read: some disks talk nonsense until they have warmed up.
    fn nonsense(&mut self) -> Next {
        let error = Error::BadAnswer {
            operation: self.operation(),
        };
        match self.patience.again(error) {
            Weighed::Again => Next::Command,
            _ => Next::Fail(error),
        }
    }

    /// The data of a step that needs it.
    fn take(&mut self, policy: &Policy, exec: &mut Exec, moved: Moved) -> Next {
        let whole = match self.step {
            Step::Inquiry => command::INQUIRY_LENGTH.into(),
            Step::Capacity10 => command::CAPACITY_10_LENGTH.into(),
            _ => u32::MAX,
        };
        // These two answers have one length only: where all of it came, a residue is made up, and the next one would be, too.
        if moved.on_bus == whole && moved.residue != 0 {
            exec.bot_mut().policy_mut().ignore_residue = true;
        }
        let known = if exec.bot().policy().ignore_residue {
            moved.on_bus
        } else {
            moved.transferred
        };
        let data = exec.bot().small();
        let data = data.get(..known as usize).unwrap_or(data);
        match self.step {
            Step::Inquiry => self.take_inquiry(policy, data),
            Step::Capacity10 => match ReadCapacity10::parse(data) {
                None => self.nonsense(),
                Some(capacity) if capacity.needs_16() => self.go(Step::Capacity16, policy),
                Some(capacity) => {
                    self.take_capacity(policy, u64::from(capacity.last_lba), capacity.block_length)
                }
            },
            Step::Capacity16 => match ReadCapacity16::parse(data) {
                None => self.nonsense(),
                Some(capacity) => {
                    self.take_capacity(policy, capacity.last_lba, capacity.block_length)
                }
            },
            Step::ModeSense6 => match ModeHeader::parse_6(data) {
                Some(header) => self.take_protection(policy, header),
                None => self.go(Step::ModeSense10, policy),
            },
            Step::ModeSense10 => match ModeHeader::parse_10(data) {
                Some(header) => self.take_protection(policy, header),
                None => self.after_mode_sense(policy),
            },
            Step::BlockLimits => self.take_limits(data),
            Step::GetMaxLun | Step::TestUnitReady | Step::StartUnit => Next::Command,
        }
    }

    fn take_inquiry(&mut self, policy: &Policy, data: &[u8]) -> Next {
        let Some(inquiry) = Inquiry::parse(data) else {
            return self.nonsense();
        };
        let is_disk = matches!(
            inquiry.peripheral,
            PeripheralType::DISK | PeripheralType::OPTICAL | PeripheralType::SIMPLIFIED_DISK
        );
        if !is_disk || inquiry.qualifier != 0 {
            return Next::Fail(Error::NotADisk {
                kind: inquiry.peripheral,
                qualifier: inquiry.qualifier,
            });
        }
        self.inquiry = Some(inquiry);
        self.go(Step::TestUnitReady, policy)
    }

    fn take_capacity(&mut self, policy: &Policy, last_lba: u64, block_size: u32) -> Next {
        if block_size != 512 && block_size != 4096 {
            return Next::Fail(Error::BlockSize { bytes: block_size });
        }
        let blocks = last_lba
            .checked_add(1)
            .filter(|blocks| blocks.checked_mul(u64::from(block_size)).is_some());
        let Some(blocks) = blocks else {
            return self.nonsense();
        };
        self.geometry = Some(Geometry { blocks, block_size });
        self.go(Step::ModeSense6, policy)
    }

    fn take_protection(&mut self, policy: &Policy, header: ModeHeader) -> Next {
        self.write_protected = header.write_protected;
        self.after_mode_sense(policy)
    }

    fn after_mode_sense(&mut self, policy: &Policy) -> Next {
        if policy.read_block_limits {
            self.go(Step::BlockLimits, policy)
        } else {
            self.finish()
        }
    }

    fn take_limits(&mut self, data: &[u8]) -> Next {
        if let (Some(limits), Some(geometry)) = (BlockLimits::parse(data), self.geometry) {
            // 0 stands for "does not say". Less than a block helps nobody, and the split sees to that.
            if limits.maximum_transfer != 0 {
                self.max_transfer = self
                    .max_transfer
                    .min(limits.maximum_transfer.saturating_mul(geometry.block_size));
            }
        }
        self.finish()
    }

    fn finish(&mut self) -> Next {
        match (self.inquiry, self.geometry) {
            (Some(inquiry), Some(geometry)) => Next::Started(Disk {
                inquiry,
                geometry,
                write_protected: self.write_protected,
                max_transfer: self.max_transfer,
                max_lun: self.max_lun,
            }),
            _ => self.nonsense(),
        }
    }
}
