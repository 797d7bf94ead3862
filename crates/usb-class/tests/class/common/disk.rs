//! A disk as a stick would be, at the level of actions: it keeps halts, refuses what it does not know, and stalls where it has less to say.

use core::time::Duration;
use std::collections::VecDeque;

use usb_class::transport::{Action, Status, Step};
use usb_spec::Request;
use usb_spec::class::mass_storage::Cbw;
use usb_spec::class::mass_storage::scsi::{
    AdditionalSense, BlockLimits, Command, Inquiry, ModeHeader, Opcode, PeripheralType,
    ReadCapacity10, ReadCapacity16, Sense, SenseKey, VpdPage,
};
use usb_spec::time::Instant;

use super::FUNCTION;
use super::fault::{Answer, At, Inject};

pub(crate) fn sense(key: SenseKey, additional: AdditionalSense) -> Sense {
    Sense::new(key, additional)
}

/// What the device does about the command it has.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) cbw: Cbw,
    pub(super) opcode: Opcode,
    pub(super) data: Vec<u8>,
    pub(super) write_at: Option<usize>,
    pub(super) failed: bool,
    pub(super) moved: u32,
}

#[derive(Debug)]
pub(crate) struct FakeDisk {
    pub(crate) now: Instant,
    pub(crate) medium: Vec<u8>,
    pub(crate) block: u32,
    /// Overrides of what the medium says.
    pub(crate) blocks: u64,
    pub(crate) inquiry: Inquiry,
    pub(crate) max_lun: Option<u8>,
    pub(crate) write_protected: bool,
    pub(crate) limit_blocks: Option<u32>,
    /// Operations that the disk does not know.
    pub(crate) unknown: Vec<Opcode>,
    /// Reported one by one, to any command but INQUIRY and REQUEST SENSE.
    pub(crate) attentions: VecDeque<Sense>,
    /// Reported to one operation, each once.
    pub(crate) failures: VecDeque<(Opcode, Sense)>,
    pub(super) later_failures: (u32, Vec<(Opcode, Sense)>),
    /// How long each command takes.
    pub(crate) command_takes: Duration,
    /// Not ready until then.
    pub(crate) ready_at: Instant,
    pub(crate) not_ready: Sense,
    pub(crate) buffer: Vec<u8>,
    pub(crate) log: Vec<String>,
    /// Residue that the device adds to every status.
    pub(crate) bogus_residue: u32,
    faults: Vec<(At, Inject)>,
    pending_sense: Sense,
    pub(super) exchange: Option<Exchange>,
    pub(super) halted_in: bool,
    pub(super) halted_out: bool,
}

impl FakeDisk {
    pub(crate) fn new(blocks: u64, block: u32) -> Self {
        let bytes = usize::try_from(blocks * u64::from(block)).unwrap();
        Self {
            now: Instant::from_nanos(1_000_000_000),
            medium: (0..bytes)
                .map(|at| (at / 512 * 7 + at % 251).to_le_bytes()[0])
                .collect(),
            block,
            blocks,
            inquiry: Inquiry {
                qualifier: 0,
                peripheral: PeripheralType::DISK,
                removable: true,
                version: 6,
                vendor: Inquiry::field("Played"),
                product: Inquiry::field("Stick"),
                revision: Inquiry::field("1.00"),
            },
            max_lun: Some(0),
            write_protected: false,
            limit_blocks: None,
            unknown: Vec::new(),
            attentions: VecDeque::new(),
            failures: VecDeque::new(),
            later_failures: (0, Vec::new()),
            command_takes: Duration::ZERO,
            ready_at: Instant::START,
            not_ready: sense(SenseKey::NOT_READY, AdditionalSense::BECOMING_READY),
            buffer: Vec::new(),
            log: Vec::new(),
            bogus_residue: 0,
            faults: Vec::new(),
            pending_sense: Sense::NONE,
            exchange: None,
            halted_in: false,
            halted_out: false,
        }
    }

    /// A small disk of 64 blocks of 512 bytes.
    pub(crate) fn small() -> Self {
        Self::new(64, 512)
    }

    /// Puts a fault at the next moment that fits; several at one place strike one after the other.
    pub(crate) fn fault(mut self, at: At, what: Inject) -> Self {
        self.add_fault(at, what);
        self
    }

    pub(crate) fn add_fault(&mut self, at: At, what: Inject) {
        self.faults.push((at, what));
    }

    pub(crate) fn assert_all_faults_fired(&self) {
        assert!(
            self.faults.is_empty() && self.failures.is_empty(),
            "did not fire: {:?}, {:?}",
            self.faults,
            self.failures
        );
    }

    /// Failures that begin when so many reads have passed.
    pub(crate) fn failures_after(&mut self, passed: u32, failures: &[(Opcode, Sense)]) {
        self.later_failures = (passed, failures.to_vec());
    }

    /// How often this line stands in the log.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.log.iter().filter(|entry| *entry == line).count()
    }

    /// The log from the first entry of this kind on.
    pub(crate) fn log_from(&self, line: &str) -> &[String] {
        let at = self.log.iter().position(|entry| entry == line);
        &self.log[at.unwrap_or_else(|| panic!("no {line:?} in {:?}", self.log))..]
    }

    /// A driver that asks a halted endpoint has forgotten something.
    pub(crate) fn issued(&mut self, step: &Step) {
        let halted = match step.action {
            Action::BulkOut { .. } | Action::DataOut { .. } => self.halted_out,
            Action::BulkIn { .. } | Action::DataIn { .. } => self.halted_in,
            _ => false,
        };
        assert!(
            !halted,
            "{:?} on a halted endpoint, after {:?}",
            step.action, self.log
        );
    }

    /// The next action that can end: in order, but nothing passes a halted endpoint.
    pub(crate) fn choose(&self, under_way: &mut VecDeque<Step>) -> Option<Step> {
        let blocked = |step: &Step| match step.action {
            Action::BulkIn { .. } | Action::DataIn { .. } => self.halted_in,
            Action::DataOut { .. } | Action::BulkOut { .. } => self.halted_out,
            _ => false,
        };
        let at = under_way.iter().position(|step| !blocked(step))?;
        under_way.remove(at)
    }

    pub(crate) fn act(&mut self, step: &Step) -> Answer {
        match step.action {
            Action::BulkOut { bytes, .. } => self.command(&bytes),
            Action::DataIn { offset, length, .. } => self.data_in(Some(offset), length),
            Action::DataOut { offset, length, .. } => self.data_out(offset, length),
            Action::BulkIn { length, .. } if self.wants_small_data() => self.data_in(None, length),
            Action::BulkIn { length, .. } => {
                assert_eq!(length, 13, "a status has 13 bytes");
                self.status()
            }
            Action::Control { setup, .. } => {
                assert_eq!(
                    setup.index,
                    u16::from(FUNCTION.interface),
                    "class requests go to the interface"
                );
                let at = if setup.request == Request::BOT_GET_MAX_LUN {
                    At::MaxLun
                } else {
                    At::ClassReset
                };
                self.control(at)
            }
            Action::ClearHalt { endpoint } => {
                let at = if endpoint == FUNCTION.bulk_in {
                    At::ClearIn
                } else {
                    At::ClearOut
                };
                self.control(at)
            }
            Action::PortReset => self.control(At::PortReset),
            Action::Pause { until } => {
                self.log.push("pause".into());
                self.now = until;
                Answer::ok()
            }
            Action::InterruptIn { .. } | Action::Cancel { .. } => {
                panic!("a disk is not asked for {step:?}")
            }
        }
    }

    pub(super) fn strike(&mut self, at: At) -> Option<Inject> {
        let found = self.faults.iter().position(|(place, _)| *place == at)?;
        Some(self.faults.remove(found).1)
    }

    fn control(&mut self, at: At) -> Answer {
        let name = match at {
            At::MaxLun => "max lun",
            At::ClassReset => "class reset",
            At::ClearIn => "clear in",
            At::ClearOut => "clear out",
            _ => "port reset",
        };
        self.log.push(name.into());
        match self.strike(at) {
            Some(Inject::Fail(status)) => return Answer::failed(status),
            Some(Inject::Bytes(bytes)) => return Answer::data(bytes.to_vec()),
            Some(other) => panic!("{other:?} does not fit {at:?}"),
            None => {}
        }
        match at {
            At::MaxLun => {
                return self
                    .max_lun
                    .map_or(Answer::failed(Status::Stall), |lun| Answer::data(vec![lun]));
            }
            At::ClassReset => self.exchange = None,
            At::ClearIn => self.halted_in = false,
            At::ClearOut => self.halted_out = false,
            _ => {
                (self.halted_in, self.halted_out, self.exchange) = (false, false, None);
                self.attentions.push_back(sense(
                    SenseKey::UNIT_ATTENTION,
                    AdditionalSense::MEDIUM_MAY_HAVE_CHANGED,
                ));
            }
        }
        Answer::ok()
    }

    fn command(&mut self, bytes: &[u8]) -> Answer {
        let cbw = Cbw::parse(bytes).expect("the wrapper is valid and meaningful");
        assert!(
            self.exchange.is_none(),
            "a command before the status of the last one, after {:?}",
            self.log
        );
        let opcode = Opcode(cbw.cdb[0]);
        self.log.push(format!("{opcode}"));
        self.now = self.now + self.command_takes;
        if let Some(inject) = self.strike(At::Command(opcode)) {
            let Inject::Fail(status) = inject else {
                panic!("{inject:?} does not fit a command")
            };
            (self.halted_in, self.halted_out) = (status == Status::Stall, status == Status::Stall);
            return Answer::failed(status);
        }
        let mut exchange = Exchange {
            cbw,
            opcode,
            data: Vec::new(),
            write_at: None,
            failed: false,
            moved: 0,
        };
        match self.execute(&mut exchange) {
            Ok(()) => {}
            Err(why) => {
                self.pending_sense = why;
                exchange.failed = true;
                exchange.data.clear();
                exchange.write_at = None;
            }
        }
        self.exchange = Some(exchange);
        Answer::moved(31)
    }

    fn execute(&mut self, exchange: &mut Exchange) -> Result<(), Sense> {
        let (opcode, illegal) = (exchange.opcode, |additional| {
            sense(SenseKey::ILLEGAL_REQUEST, additional)
        });
        let command = Command::parse(exchange.cbw.command_block()).expect("the command is one");
        let asked = !matches!(opcode, Opcode::INQUIRY | Opcode::REQUEST_SENSE);
        if self.unknown.contains(&opcode) {
            return Err(illegal(AdditionalSense::INVALID_COMMAND_OPERATION_CODE));
        }
        if let Some(attention) = self.attentions.pop_front_if(|_| asked) {
            return Err(attention);
        }
        if asked && opcode != Opcode::START_STOP_UNIT && self.now < self.ready_at {
            return Err(self.not_ready);
        }
        if let Some(at) = self
            .failures
            .iter()
            .position(|(operation, _)| *operation == opcode)
        {
            return Err(self.failures.remove(at).unwrap().1);
        }
        let limits = BlockLimits {
            maximum_transfer: self.limit_blocks.unwrap_or(0),
            ..BlockLimits::default()
        };
        let header = ModeHeader {
            data_length: 3,
            medium: 0,
            write_protected: self.write_protected,
            dpo_fua: false,
            block_descriptor_length: 0,
        };
        exchange.data = match command {
            Command::TestUnitReady | Command::SynchronizeCache10 { .. } => Vec::new(),
            Command::StartStopUnit { .. } => {
                self.ready_at = Instant::START;
                Vec::new()
            }
            Command::RequestSense { .. } => {
                core::mem::replace(&mut self.pending_sense, Sense::NONE)
                    .emit()
                    .to_vec()
            }
            Command::Inquiry { page: None, .. } => self.inquiry.emit().to_vec(),
            Command::Inquiry {
                page: Some(VpdPage::BLOCK_LIMITS),
                ..
            } if self.limit_blocks.is_some() => limits.emit().to_vec(),
            Command::ReadCapacity10 => ReadCapacity10::of(self.blocks, self.block).emit().to_vec(),
            Command::ReadCapacity16 { .. } => {
                let (last_lba, block_length) = (self.blocks.wrapping_sub(1), self.block);
                ReadCapacity16 {
                    last_lba,
                    block_length,
                    physical_block_exponent: 0,
                    thin: false,
                    lowest_aligned_lba: 0,
                }
                .emit()
                .to_vec()
            }
            Command::ModeSense6 { .. } => header.emit_6().to_vec(),
            Command::ModeSense10 { .. } => header.emit_10().to_vec(),
            Command::Read10 { lba, blocks, .. } => self.read(lba.into(), blocks.into())?,
            Command::Read16 { lba, blocks, .. } => self.read(lba, blocks)?,
            Command::Write10 { lba, blocks, .. } => {
                self.begin_write(exchange, lba.into(), blocks.into())?
            }
            Command::Write16 { lba, blocks, .. } => self.begin_write(exchange, lba, blocks)?,
            _ => return Err(illegal(AdditionalSense::INVALID_FIELD_IN_CDB)),
        };
        Ok(())
    }

    /// Where blocks lie in the played medium; disks that only claim to be large repeat it.
    fn place(&self, lba: u64, blocks: u32) -> Result<core::ops::Range<usize>, Sense> {
        if lba + u64::from(blocks) > self.blocks {
            return Err(sense(
                SenseKey::ILLEGAL_REQUEST,
                AdditionalSense::LBA_OUT_OF_RANGE,
            ));
        }
        let block = u64::from(self.block);
        let length = blocks as usize * self.block as usize;
        let start = usize::try_from(lba * block % self.medium.len() as u64)
            .unwrap()
            .min(self.medium.len() - length);
        Ok(start..start + length)
    }

    fn read(&self, lba: u64, blocks: u32) -> Result<Vec<u8>, Sense> {
        Ok(self.medium[self.place(lba, blocks)?].to_vec())
    }

    fn begin_write(
        &self,
        exchange: &mut Exchange,
        lba: u64,
        blocks: u32,
    ) -> Result<Vec<u8>, Sense> {
        if self.write_protected {
            return Err(sense(
                SenseKey::DATA_PROTECT,
                AdditionalSense::WRITE_PROTECTED,
            ));
        }
        exchange.write_at = Some(self.place(lba, blocks)?.start);
        Ok(Vec::new())
    }
}
