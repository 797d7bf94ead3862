//! The transport: command, data, status, and all the ways in which host and device can disagree about the data. BOT §5, §6.

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
    unit: Unit,
    short_data: ShortData,
    /// The bulk endpoints' packet size.
    packet: u32,
    phase: Phase,
    /// What a command answers from memory; the vector is used again and again.
    reply: Vec<u8>,
    /// `dCBWTag` of the command under way.
    tag: u32,
    status: CswStatus,
    direction: Direction,
    /// `dCBWDataTransferLength`.
    asked: u32,
    /// Bytes of it that were moved and processed.
    moved: u32,
    /// Bytes of it that were received and not processed: not yet, or not wanted, or lost to a failure.
    swallowed: u32,
    csw: [u8; Csw::LENGTH],
    /// Names the work of the command under way; work of another name is of a command that was given up.
    job: Job,
    flush_wanted: bool,
    halt_in: bool,
    halt_out: bool,
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
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
    pub(super) fn new(options: DiskOptions, packet: u16) -> Self {
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

    pub(super) fn set_medium_present(&mut self, present: bool) {
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

    /// The thirteen cases: what the host expects (Hn, Hi, Ho) against what the device intends (Dn, Di, Do). BOT §6.7.
    fn agree(&mut self, action: Action) {
        let (device, length) = match action {
            Action::Nothing | Action::Flush => (None, 0),
            Action::Reply => (Some(Direction::In), self.reply.len() as u64),
            Action::Read { length, .. } => (Some(Direction::In), length),
            Action::Write { length, .. } => (Some(Direction::Out), length),
        };
        let host = (self.asked != 0).then_some(self.direction);
        let device = device.filter(|_| length != 0);
        // Cases 2, 3, 8 and 10: another direction, or data where the host expects none. Nothing is carried out.
        if device.is_some() && device != host {
            self.status = CswStatus::PHASE_ERROR;
            return self.end_data();
        }
        // Cases 7 and 13: the host has no room for all, or does not send all.
        if length > u64::from(self.asked) {
            self.status = CswStatus::PHASE_ERROR;
        }
        let left = u32::try_from(length).unwrap_or(u32::MAX).min(self.asked);
        match action {
            Action::Flush => self.flush(),
            Action::Reply if left > 0 => {
                self.phase = Phase::Reply {
                    at: 0,
                    end: left as usize,
                }
            }
            Action::Read { offset, .. } if left > 0 => self.phase = Phase::Read { offset, left },
            Action::Write { offset, flush, .. } if left > 0 => {
                self.phase = Phase::Write {
                    offset,
                    left,
                    flush,
                    ends_short: false,
                };
            }
            Action::Nothing | Action::Reply | Action::Read { .. } | Action::Write { .. } => {
                self.end_data()
            }
        }
    }

    fn flush(&mut self) {
        self.phase = Phase::Flush;
        self.flush_wanted = true;
    }

    /// The device has no more data to move: if the host expects some (cases 4, 5, 9, 11), the data stage has to be ended for it.
    fn end_data(&mut self) {
        let residue = self.asked.saturating_sub(self.moved);
        let csw = Csw {
            tag: self.tag,
            residue,
            status: self.status,
        };
        self.csw = csw.to_bytes();
        let awaited = residue.saturating_sub(self.swallowed);
        self.phase = match (residue, self.direction, self.short_data) {
            (0, _, _) => Phase::Status,
            (_, Direction::In, ShortData::Stall) => {
                self.halt_in = true;
                Phase::Status
            }
            // What was sent so far ended in a full packet, or there was nothing: the host waits on.
            (_, Direction::In, ShortData::ShortPacket)
                if self.moved.is_multiple_of(self.packet) =>
            {
                Phase::Empty
            }
            (_, Direction::In, ShortData::ShortPacket) => Phase::Status,
            (_, Direction::Out, _) if awaited == 0 => Phase::Status,
            (_, Direction::Out, ShortData::Stall) => {
                self.halt_out = true;
                Phase::Status
            }
            (_, Direction::Out, ShortData::ShortPacket) => Phase::Discard { left: awaited },
        };
    }

    /// The host ended the data itself, with a short packet: it sends no more, and there is nobody to stall.
    fn host_ended_data(&mut self) {
        self.swallowed = self.asked.saturating_sub(self.moved);
        self.end_data();
    }

    fn take_data<S: Slice>(
        &mut self,
        arrival: &Arrival<'_, S>,
        offset: u64,
        left: u32,
        flush: bool,
    ) -> OutAnswer {
        if arrival.bytes == 0 {
            self.host_ended_data();
            return OutAnswer::Take(0);
        }
        let length = arrival.bytes.min(left as usize);
        // The rest of the last packet comes with it, wanted or not.
        let packets = length
            .next_multiple_of(arrival.packet.max(1))
            .min(arrival.bytes);
        self.swallowed = u32::try_from(packets).unwrap_or(u32::MAX);
        self.phase = Phase::Write {
            offset,
            left,
            flush,
            ends_short: arrival.ends_short && packets == arrival.bytes,
        };
        OutAnswer::Work {
            job: self.job,
            offset,
            length,
        }
    }

    fn discard<S: Slice>(&mut self, arrival: &Arrival<'_, S>, left: u32) -> OutAnswer {
        let length = arrival
            .bytes
            .min(left as usize)
            .next_multiple_of(arrival.packet.max(1))
            .min(arrival.bytes);
        let rest = left.saturating_sub(u32::try_from(length).unwrap_or(u32::MAX));
        let ended = rest == 0 || (arrival.ends_short && length == arrival.bytes);
        self.phase = if ended {
            Phase::Status
        } else {
            Phase::Discard { left: rest }
        };
        OutAnswer::Take(length)
    }

    /// So many bytes of the data stage have been moved.
    fn advance(&mut self, bytes: usize) {
        let count = u32::try_from(bytes).unwrap_or(u32::MAX);
        match self.phase {
            Phase::Reply { at, end } => {
                self.moved = self.moved.saturating_add(count);
                let at = at.saturating_add(bytes);
                self.phase = Phase::Reply { at, end };
                if at >= end {
                    self.end_data();
                }
            }
            Phase::Read { offset, left } => {
                self.moved = self.moved.saturating_add(count);
                let left = left.saturating_sub(count);
                self.phase = Phase::Read {
                    offset: offset.saturating_add(u64::from(count)),
                    left,
                };
                if left == 0 {
                    self.end_data();
                }
            }
            Phase::Write {
                offset,
                left,
                flush,
                ends_short,
            } => {
                self.moved = self.moved.saturating_add(count);
                self.swallowed = self.swallowed.saturating_sub(count);
                let left = left.saturating_sub(count);
                self.phase = Phase::Write {
                    offset: offset.saturating_add(u64::from(count)),
                    left,
                    flush,
                    ends_short,
                };
                match (left, flush, ends_short) {
                    (0, true, _) => self.flush(),
                    (0, false, _) => self.end_data(),
                    (_, _, true) => self.host_ended_data(),
                    (_, _, false) => {}
                }
            }
            Phase::Empty => self.phase = Phase::Status,
            Phase::Status => self.phase = Phase::Command,
            Phase::Command | Phase::Discard { .. } | Phase::Flush | Phase::Broken => {}
        }
    }
}

impl Function for DiskFunction {
    fn begin(&mut self, _configured: bool) {
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
