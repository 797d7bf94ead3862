//! The data stage: all the ways in which host and device can disagree about it, and how it ends. BOT §6.7.

use memory::Slice;
use usb_spec::Direction;
use usb_spec::class::mass_storage::{Csw, CswStatus};

use super::ShortData;
use super::bot::{DiskFunction, Phase};
use super::scsi::Action;
use crate::chapter9::{Arrival, OutAnswer};

impl DiskFunction {
    /// The thirteen cases: what the host expects (Hn, Hi, Ho) against what the device intends (Dn, Di, Do). BOT §6.7.
    pub(super) fn agree(&mut self, action: Action) {
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
    pub(super) fn end_data(&mut self) {
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
    pub(super) fn host_ended_data(&mut self) {
        self.swallowed = self.asked.saturating_sub(self.moved);
        self.end_data();
    }

    pub(super) fn take_data<S: Slice>(
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

    pub(super) fn discard<S: Slice>(&mut self, arrival: &Arrival<'_, S>, left: u32) -> OutAnswer {
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
    pub(super) fn advance(&mut self, bytes: usize) {
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
