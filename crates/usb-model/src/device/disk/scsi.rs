//! The logical unit: what each command does, and the sense data when it does not. SPC-4, SBC-3.

use alloc::string::String;
use alloc::vec::Vec;

use usb_spec::class::mass_storage::scsi::{
    AdditionalSense, CachingPage, CdbError, Command, FormatCapacities, FormatDescriptorCode,
    ModeHeader, ModePage, OldTransfer, PageControl, ReadCapacity10, ReadCapacity16, ReportLuns,
    Sense, SenseKey,
};
use usb_spec::class::mass_storage::{Cbw, CswStatus};

use super::DiskOptions;
use crate::WorkError;

/// [`CachingPage::LENGTH`] as the header counts it.
const CACHING_PAGE_LENGTH: u16 = 20;

/// The logical unit of a disk.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) options: DiskOptions,
    /// The medium is in the drive and has not been ejected.
    present: bool,
    /// The medium cannot come back: its file is gone.
    gone: bool,
    removal_prevented: bool,
    /// What the host has to be told before anything else.
    attention: Option<AdditionalSense>,
    /// Why the last command failed.
    sense: Sense,
}

/// What a command is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Nothing,
    /// Send what was put into the reply.
    Reply,
    Read {
        offset: u64,
        length: u64,
    },
    Write {
        offset: u64,
        length: u64,
        flush: bool,
    },
    Flush,
}

pub(super) type Outcome = Result<Action, Sense>;

impl Unit {
    pub(super) fn new(options: DiskOptions) -> Self {
        Self {
            options,
            present: true,
            gone: false,
            removal_prevented: false,
            attention: Some(AdditionalSense::MEDIUM_MAY_HAVE_CHANGED),
            sense: Sense::NONE,
        }
    }

    /// A reset is told to the host, unless it has not even been told that the disk is there. SAM-5 §6.2 (unchecked).
    pub(super) fn reset(&mut self) {
        self.attention = self.attention.or(Some(AdditionalSense::POWER_ON_OR_RESET));
        self.removal_prevented = false;
        self.sense = Sense::NONE;
    }

    pub(super) fn set_present(&mut self, present: bool) {
        let present = present && !self.gone;
        if present && !self.present {
            self.attention = Some(AdditionalSense::MEDIUM_MAY_HAVE_CHANGED);
        }
        self.present = present;
    }

    /// Carries out a command as far as that needs no medium; on failure the sense data waits for REQUEST SENSE.
    pub(super) fn execute(&mut self, cbw: &Cbw, reply: &mut Vec<u8>) -> Outcome {
        let outcome = self.judge(cbw, reply);
        match outcome {
            Err(sense) => {
                self.sense = sense;
                reply.clear();
            }
            // Whatever the last command left behind is of no interest any more. SPC-4 §4.5.1 (unchecked).
            Ok(_) => self.sense = Sense::NONE,
        }
        outcome
    }

    /// Takes note of work that failed.
    pub(super) fn fail(&mut self, error: WorkError, offset: Option<u64>) -> CswStatus {
        let block = offset.map(|offset| offset / u64::from(self.block_size()));
        let (key, additional) = match error {
            WorkError::Read => (
                SenseKey::MEDIUM_ERROR,
                AdditionalSense::UNRECOVERED_READ_ERROR,
            ),
            WorkError::Write => (SenseKey::MEDIUM_ERROR, AdditionalSense::WRITE_ERROR),
            WorkError::Protected => (SenseKey::DATA_PROTECT, AdditionalSense::WRITE_PROTECTED),
            WorkError::Range => (SenseKey::ILLEGAL_REQUEST, AdditionalSense::LBA_OUT_OF_RANGE),
            WorkError::Gone => {
                self.gone = true;
                self.present = false;
                (SenseKey::NOT_READY, AdditionalSense::MEDIUM_NOT_PRESENT)
            }
        };
        self.sense = Sense {
            information: block,
            ..Sense::new(key, additional)
        };
        CswStatus::FAILED
    }

    pub(super) fn block_size(&self) -> u32 {
        self.options.block_size.bytes()
    }

    fn judge(&mut self, cbw: &Cbw, reply: &mut Vec<u8>) -> Outcome {
        if cbw.lun != 0 {
            return Err(illegal(AdditionalSense::LOGICAL_UNIT_NOT_SUPPORTED));
        }
        let block = cbw.command_block();
        if let Some(transfer) = OldTransfer::parse(block) {
            self.attend()?;
            return self.transfer(transfer.into());
        }
        let command = Command::parse(block).map_err(refusal)?;
        match command {
            // These are answered whatever the unit has on its mind. SPC-4 §5.14 (unchecked).
            Command::Inquiry {
                page,
                allocation_length,
            } => {
                self.inquire(page, reply)?;
                Ok(cut(reply, u32::from(allocation_length)))
            }
            Command::ReportLuns {
                select_report,
                allocation_length,
            } => report_luns(select_report, allocation_length, reply),
            Command::RequestSense {
                descriptor_format,
                allocation_length,
            } => {
                self.request_sense(descriptor_format, reply)?;
                Ok(cut(reply, u32::from(allocation_length)))
            }
            other => {
                self.attend()?;
                self.act(other, reply)
            }
        }
    }

    /// Reports what has happened since the host last heard of it, once.
    fn attend(&mut self) -> Result<(), Sense> {
        match self.attention.take() {
            Some(additional) => Err(Sense::new(SenseKey::UNIT_ATTENTION, additional)),
            None => Ok(()),
        }
    }

    fn act(&mut self, command: Command, reply: &mut Vec<u8>) -> Outcome {
        match command {
            Command::TestUnitReady => self.ready().map(|()| Action::Nothing),
            Command::ReadCapacity10 => self.capacity(None, reply),
            Command::ReadCapacity16 { allocation_length } => {
                self.capacity(Some(allocation_length), reply)
            }
            Command::ModeSense6 {
                page,
                subpage,
                control,
                allocation_length,
                ..
            } => {
                let pages = mode_pages(page, subpage, control)?;
                reply.extend_from_slice(&self.mode_header(3).emit_6());
                reply.extend_from_slice(&pages);
                Ok(cut(reply, u32::from(allocation_length)))
            }
            Command::ModeSense10 {
                page,
                subpage,
                control,
                allocation_length,
                ..
            } => {
                let pages = mode_pages(page, subpage, control)?;
                reply.extend_from_slice(&self.mode_header(6).emit_10());
                reply.extend_from_slice(&pages);
                Ok(cut(reply, u32::from(allocation_length)))
            }
            Command::PreventAllowMediumRemoval { prevent } => {
                self.removal_prevented = prevent;
                Ok(Action::Nothing)
            }
            Command::StartStopUnit {
                power_condition,
                load_eject,
                start,
                ..
            } => self.start_stop(power_condition, load_eject, start),
            Command::ReadFormatCapacities { allocation_length } => {
                reply.extend_from_slice(&self.format_capacities().emit());
                Ok(cut(reply, u32::from(allocation_length)))
            }
            // Answered before the unit attention.
            Command::Inquiry { .. } | Command::ReportLuns { .. } | Command::RequestSense { .. } => {
                Ok(Action::Nothing)
            }
            blocks @ (Command::Read10 { .. }
            | Command::Read16 { .. }
            | Command::Write10 { .. }
            | Command::Write16 { .. }
            | Command::Verify10 { .. }
            | Command::SynchronizeCache10 { .. }
            | Command::SynchronizeCache16 { .. }) => self.act_on_blocks(blocks),
        }
    }

    /// READ CAPACITY, the long form if it has an allocation length.
    fn capacity(&self, long: Option<u32>, reply: &mut Vec<u8>) -> Outcome {
        self.ready()?;
        let (blocks, block_length) = (self.options.blocks, self.block_size());
        let Some(allocation_length) = long else {
            reply.extend_from_slice(&ReadCapacity10::of(blocks, block_length).emit());
            return Ok(Action::Reply);
        };
        let capacity = ReadCapacity16 {
            last_lba: blocks.saturating_sub(1),
            block_length,
            physical_block_exponent: 0,
            thin: false,
            lowest_aligned_lba: 0,
        };
        reply.extend_from_slice(&capacity.emit());
        Ok(cut(reply, allocation_length))
    }

    pub(super) fn ready(&self) -> Result<(), Sense> {
        if self.present {
            Ok(())
        } else {
            Err(Sense::new(
                SenseKey::NOT_READY,
                AdditionalSense::MEDIUM_NOT_PRESENT,
            ))
        }
    }

    fn start_stop(&mut self, power_condition: u8, load_eject: bool, start: bool) -> Outcome {
        if power_condition != 0 || !load_eject {
            return Ok(Action::Nothing);
        }
        if !start && self.removal_prevented {
            return Err(illegal(AdditionalSense::MEDIUM_REMOVAL_PREVENTED));
        }
        if !self.options.removable {
            return Err(illegal(AdditionalSense::INVALID_FIELD_IN_CDB));
        }
        self.set_present(start);
        Ok(Action::Nothing)
    }

    /// A unit attention is reported as sense data, too, and is then over. SPC-4 §6.39 (unchecked). Fixed format only.
    fn request_sense(&mut self, descriptor_format: bool, reply: &mut Vec<u8>) -> Result<(), Sense> {
        if descriptor_format {
            return Err(illegal(AdditionalSense::INVALID_FIELD_IN_CDB));
        }
        let sense = match (self.sense, self.attention) {
            (Sense::NONE, Some(additional)) => {
                self.attention = None;
                Sense::new(SenseKey::UNIT_ATTENTION, additional)
            }
            (sense, _) => sense,
        };
        reply.extend_from_slice(&sense.emit());
        Ok(())
    }

    /// The length counts the page and the rest of the head.
    fn mode_header(&self, head: u16) -> ModeHeader {
        ModeHeader {
            data_length: head.saturating_add(CACHING_PAGE_LENGTH),
            medium: 0,
            write_protected: self.options.read_only,
            dpo_fua: true,
            block_descriptor_length: 0,
        }
    }

    fn format_capacities(&self) -> FormatCapacities {
        let code = if self.present {
            FormatDescriptorCode::FORMATTED
        } else {
            FormatDescriptorCode::NO_MEDIUM
        };
        let blocks = u32::try_from(self.options.blocks).unwrap_or(u32::MAX);
        FormatCapacities {
            blocks,
            code,
            block_length: self.block_size(),
        }
    }

    pub(super) fn name(&self) -> (&String, &String, &String, &String) {
        let options = &self.options;
        (
            &options.vendor,
            &options.product,
            &options.revision,
            &options.serial,
        )
    }
}

pub(super) fn illegal(additional: AdditionalSense) -> Sense {
    Sense::new(SenseKey::ILLEGAL_REQUEST, additional)
}

fn refusal(error: CdbError) -> Sense {
    match error {
        CdbError::UnknownOpcode { .. } => illegal(AdditionalSense::INVALID_COMMAND_OPERATION_CODE),
        CdbError::Empty | CdbError::TooShort { .. } | CdbError::InvalidField { .. } => {
            illegal(AdditionalSense::INVALID_FIELD_IN_CDB)
        }
    }
}

/// Cuts the reply to what the host has allocated, which is no error. SPC-4 §4.2.5.6 (unchecked).
fn cut(reply: &mut Vec<u8>, allocation_length: u32) -> Action {
    reply.truncate(allocation_length as usize);
    Action::Reply
}

/// One unit, number 0. Of the well-known units, none. SPC-4 §6.33 (unchecked).
fn report_luns(select_report: u8, allocation_length: u32, reply: &mut Vec<u8>) -> Outcome {
    let count = match select_report {
        0 | 2 => 1,
        1 => 0,
        _ => return Err(illegal(AdditionalSense::INVALID_FIELD_IN_CDB)),
    };
    reply.extend_from_slice(&ReportLuns::emit(count));
    Ok(cut(reply, allocation_length))
}

/// The caching page is the only one: writes are cached by whoever does the work, so there is something to synchronize.
fn mode_pages(
    page: ModePage,
    subpage: u8,
    control: PageControl,
) -> Result<[u8; CachingPage::LENGTH], Sense> {
    if !matches!(page, ModePage::ALL | ModePage::CACHING) || !matches!(subpage, 0 | 0xff) {
        return Err(illegal(AdditionalSense::INVALID_FIELD_IN_CDB));
    }
    match control {
        PageControl::SAVED => Err(illegal(AdditionalSense::SAVING_NOT_SUPPORTED)),
        // Nothing can be changed.
        PageControl::CHANGEABLE => Ok(CachingPage {
            write_cache: false,
            read_cache_disabled: false,
        }
        .emit()),
        _ => Ok(CachingPage {
            write_cache: true,
            read_cache_disabled: false,
        }
        .emit()),
    }
}
