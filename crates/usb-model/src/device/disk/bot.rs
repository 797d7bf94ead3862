//! The transport: command, data, status, and what happens to a host that sends something else. BOT §5, §6.

use alloc::vec::Vec;

use memory::Slice;
use usb_spec::class::mass_storage::{Cbw, Csw, CswStatus};
use usb_spec::time::Instant;
use usb_spec::{Direction, EndpointAddress, Recipient, Request, RequestKind, Setup};

use super::scsi::{Action, Unit};
use super::{BULK_IN, BULK_OUT, DiskOptions, ShortData};
use crate::chapter9::{Arrival, Errand, Function, InAnswer, Job, OutAnswer};
use crate::{WorkError, WorkKind};

/// What a disk does behind chapter 9.
#[derive(Debug)]
pub struct DiskFunction {
    pub(super) unit: Unit,
    pub(super) short_data: ShortData,
    /// The bulk endpoints' packet size.
    pub(super) packet: u32,
    pub(super) phase: Phase,
    /// What a command answers from memory; the vector is used again and again.
    pub(super) reply: Vec<u8>,
    /// `dCBWTag` of the command under way.
    pub(super) tag: u32,
    pub(super) status: CswStatus,
    pub(super) direction: Direction,
    /// `dCBWDataTransferLength`.
    pub(super) asked: u32,
    /// Bytes of it that were moved and processed.
    pub(super) moved: u32,
    /// Bytes of it that were received and not processed: not yet, or not wanted, or lost to a failure.
    pub(super) swallowed: u32,
    pub(super) csw: [u8; Csw::LENGTH],
    /// Names the work of the command under way; work of another name is of a command that was given up.
    pub(super) job: Job,
    pub(super) flush_wanted: bool,
    pub(super) halt_in: bool,
    pub(super) halt_out: bool,
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A CBW is awaited.
    Command,
    /// Bytes `at..end` of the reply are to be sent.
    Reply { at: usize, end: usize },
    /// Bytes of the medium are to be sent.
    Read { offset: u64, left: u32 },
    /// Bytes for the medium are awaited.
    Write {
        offset: u64,
        left: u32,
        flush: bool,
        ends_short: bool,
    },
    /// An empty packet is to end the data.
    Empty,
    /// So many bytes are to be received and thrown away.
    Discard { left: u32 },
    /// What was written is becoming durable.
    Flush,
    /// The CSW is to be sent.
    Status,
    /// The last CBW was none: nothing works until a reset recovery. BOT §6.6.1.
    Broken,
}

impl DiskFunction {
    pub(in super::super) fn new(options: DiskOptions, packet: u16) -> Self {
        Self {
            short_data: options.short_data,
            unit: Unit::new(options),
            packet: u32::from(packet),
            phase: Phase::Command,
            reply: Vec::with_capacity(256),
            tag: 0,
            status: CswStatus::PASSED,
            direction: Direction::In,
            asked: 0,
            moved: 0,
            swallowed: 0,
            csw: [0; Csw::LENGTH],
            job: Job::default(),
            flush_wanted: false,
            halt_in: false,
            halt_out: false,
        }
    }

    pub(in super::super) fn set_medium_present(&mut self, present: bool) {
        self.unit.set_present(present);
    }

    /// The next command begins from nothing; work still under way belongs to nobody.
    fn restart(&mut self) {
        self.phase = Phase::Command;
        self.job = Job(self.job.0.wrapping_add(1));
        self.flush_wanted = false;
        self.halt_in = false;
        self.halt_out = false;
    }

    /// Takes a CBW, which is one packet of 31 bytes and nothing else. BOT §6.2.1, §6.2.2.
    fn take_command<S: Slice>(&mut self, arrival: &Arrival<'_, S>) -> OutAnswer {
        let mut bytes = [0; Cbw::LENGTH];
        let cbw = if arrival.packet == Cbw::LENGTH && arrival.read(&mut bytes) {
            Cbw::parse(&bytes).ok()
        } else {
            None
        };
        match cbw {
            Some(cbw) => self.begin_command(&cbw),
            None => self.break_down(),
        }
        OutAnswer::Take(arrival.packet)
    }

    /// BOT §6.6.1: both pipes stall, and CLEAR_FEATURE does not help, until the host has done a reset recovery.
    fn break_down(&mut self) {
        self.phase = Phase::Broken;
        self.halt_in = true;
        self.halt_out = true;
    }

    fn begin_command(&mut self, cbw: &Cbw) {
        self.restart();
        self.tag = cbw.tag;
        self.asked = cbw.data_length;
        self.direction = cbw.direction;
        self.moved = 0;
        self.swallowed = 0;
        self.reply.clear();
        let action = self.unit.execute(cbw, &mut self.reply);
        self.status = if action.is_ok() {
            CswStatus::PASSED
        } else {
            CswStatus::FAILED
        };
        self.agree(action.unwrap_or(Action::Nothing));
    }
}

impl Function for DiskFunction {
    fn begin(&mut self, _configuration: u8) {
        self.restart();
    }

    fn port_reset(&mut self) {
        self.unit.reset();
    }

    /// Get Max LUN: there is one unit. BOT §3.2.
    fn control_in(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        let known = is_class_request(setup, Request::BOT_GET_MAX_LUN) && setup.length == 1;
        reply.push(0);
        known
    }

    /// Bulk-Only Mass Storage Reset: ready for the next CBW, but halts and sequence numbers stay. BOT §3.1.
    fn control_out(&mut self, setup: Setup, _data: &[u8]) -> bool {
        let known = is_class_request(setup, Request::BOT_RESET) && setup.length == 0;
        if known {
            self.restart();
        }
        known
    }

    fn receive<S: Slice>(
        &mut self,
        _endpoint: EndpointAddress,
        arrival: &Arrival<'_, S>,
        _now: Instant,
    ) -> OutAnswer {
        match self.phase {
            Phase::Command => self.take_command(arrival),
            Phase::Write {
                offset,
                left,
                flush,
                ..
            } => self.take_data(arrival, offset, left, flush),
            Phase::Discard { left } => self.discard(arrival, left),
            Phase::Reply { .. }
            | Phase::Read { .. }
            | Phase::Empty
            | Phase::Flush
            | Phase::Status => OutAnswer::Nak,
            Phase::Broken => OutAnswer::Stall,
        }
    }

    fn provide(&mut self, _endpoint: EndpointAddress, _room: usize, _now: Instant) -> InAnswer<'_> {
        match self.phase {
            Phase::Reply { at, end } => InAnswer::Send(self.reply.get(at..end).unwrap_or(&[])),
            Phase::Read { offset, left } => InAnswer::Work {
                job: self.job,
                offset,
                length: left as usize,
            },
            Phase::Empty => InAnswer::Send(&[]),
            Phase::Status => InAnswer::Send(&self.csw),
            Phase::Command | Phase::Write { .. } | Phase::Discard { .. } | Phase::Flush => {
                InAnswer::Nak
            }
            Phase::Broken => InAnswer::Stall,
        }
    }

    fn sent(&mut self, _endpoint: EndpointAddress, bytes: usize, _now: Instant) {
        self.advance(bytes);
    }

    fn work_done(&mut self, job: Job, result: Result<usize, WorkError>) {
        if job != self.job {
            return;
        }
        match (self.phase, result) {
            (Phase::Read { .. } | Phase::Write { .. }, Ok(bytes)) => self.advance(bytes),
            (Phase::Read { offset, .. }, Err(error)) => {
                self.status = self.unit.fail(error, Some(offset));
                self.end_data();
            }
            (
                Phase::Write {
                    offset, ends_short, ..
                },
                Err(error),
            ) => {
                self.status = self.unit.fail(error, Some(offset));
                if ends_short {
                    self.host_ended_data()
                } else {
                    self.end_data()
                }
            }
            (Phase::Flush, Ok(_)) => self.end_data(),
            (Phase::Flush, Err(error)) => {
                self.status = self.unit.fail(error, None);
                self.end_data();
            }
            (
                Phase::Command
                | Phase::Reply { .. }
                | Phase::Empty
                | Phase::Discard { .. }
                | Phase::Status
                | Phase::Broken,
                _,
            ) => {}
        }
    }

    fn take_errand(&mut self) -> Option<Errand> {
        core::mem::take(&mut self.flush_wanted).then_some(Errand {
            job: self.job,
            kind: WorkKind::Flush,
        })
    }

    fn take_halt(&mut self) -> Option<EndpointAddress> {
        if core::mem::take(&mut self.halt_in) {
            return Some(BULK_IN);
        }
        core::mem::take(&mut self.halt_out).then_some(BULK_OUT)
    }

    fn may_clear_halt(&self, _endpoint: EndpointAddress) -> bool {
        self.phase != Phase::Broken
    }
}

fn is_class_request(setup: Setup, request: Request) -> bool {
    let interface = setup.request_type.kind == RequestKind::Class
        && setup.request_type.recipient == Recipient::INTERFACE;
    interface && setup.request == request && setup.value == 0 && setup.index == 0
}
