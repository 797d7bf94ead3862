//! Endpoints other than 0: each one's oldest request meets the function.

use core::mem;

use memory::Slice;
use usb_spec::EndpointAddress;
use usb_spec::time::Instant;

use super::device::Device;
use super::function::{Arrival, Function, InAnswer, Job, OutAnswer};
use super::pipe::{Pending, Sending, Verdict, Working, lay_out};
use crate::{Output, Status, Work, WorkDone, WorkKind, buffers};

/// Rounds over all endpoints in one poll. A round without an output has moved at least one packet, and a function has few short phases
/// (data, empty packet, status); the bound holds if one should turn in circles.
const ROUNDS_MAX: usize = 64;

/// What one look at one endpoint led to.
enum Served<S> {
    /// NAK, or nobody asked.
    Nothing,
    /// Packets moved, and there may be more to say.
    Moved,
    Output(Output<S>),
}

/// Work that the function asked for on behalf of a request.
struct Wanted {
    kind: WorkKind,
    job: Job,
    offset: u64,
    length: usize,
    /// Bytes that the request has moved by it.
    moves: usize,
    packets: usize,
    ends: bool,
}

impl<F: Function, S: Slice> Device<F, S> {
    pub(super) fn serve(&mut self, now: Instant) -> Option<Output<S>> {
        for _ in 0..ROUNDS_MAX {
            let mut moved = false;
            for at in 0..self.pipes.len() {
                let served = self.serve_one(at, now);
                self.fetch_halts();
                match served {
                    Served::Output(output) => return Some(output),
                    Served::Moved => moved = true,
                    Served::Nothing => {}
                }
            }
            if !moved {
                return None;
            }
        }
        None
    }

    fn serve_one(&mut self, at: usize, now: Instant) -> Served<S> {
        let Some(pipe) = self.pipes.get(at) else {
            return Served::Nothing;
        };
        if pipe.working.is_some() || pipe.queue.is_empty() {
            return Served::Nothing;
        }
        if pipe.halted {
            return self.finish(at, Status::Stall);
        }
        if pipe.address.direction().is_in() {
            self.serve_in(at, now)
        } else {
            self.serve_out(at, now)
        }
    }

    fn finish(&mut self, at: usize, status: Status) -> Served<S> {
        match self.pipes.get_mut(at).and_then(|pipe| pipe.finish(status)) {
            Some(completion) => Served::Output(Output::Completion(completion)),
            None => Served::Nothing,
        }
    }

    fn halt(&mut self, at: usize) -> Served<S> {
        if let Some(pipe) = self.pipes.get_mut(at) {
            pipe.halted = true;
        }
        self.finish(at, Status::Stall)
    }

    /// The device's packets go out. A packet with the wrong toggle is lost: the host acknowledges it and throws it away (USB 2.0 §8.6.4).
    fn serve_in(&mut self, at: usize, now: Instant) -> Served<S> {
        let Some(pipe) = self.pipes.get_mut(at) else {
            return Served::Nothing;
        };
        let (address, size) = (pipe.address, pipe.max_packet);
        let Some(head) = pipe.queue.front_mut() else {
            return Served::Nothing;
        };
        let room = head.request.length.saturating_sub(head.done);
        let answer = self.function.provide(address, room, now);
        let length = match answer {
            InAnswer::Nak => return Served::Nothing,
            InAnswer::Stall => return self.halt(at),
            InAnswer::Send(bytes) => bytes.len(),
            InAnswer::Work { length, .. } => length,
        };
        let sending = lay_out(length, room, size, head.request.host);
        let Sending::Packets {
            bytes,
            packets,
            ends,
        } = sending
        else {
            return self.finish(at, Status::Babble);
        };
        match head.take_verdict(pipe.sequence) {
            Verdict::Agreed => {}
            Verdict::Lost => return self.finish(at, Status::TransactionError),
            Verdict::Retry => {
                pipe.sequence.advance(1);
                self.function.sent(address, length.min(size), now);
                return Served::Moved;
            }
        }
        match answer {
            InAnswer::Send(all) => {
                let written = buffers::scatter(
                    &head.request.buffers,
                    head.done - head.cut,
                    all.get(..bytes).unwrap_or(all),
                );
                if written.is_err() {
                    return self.finish(at, Status::TransactionError);
                }
                head.done = head.done.saturating_add(bytes);
                pipe.sequence.advance(packets);
                self.function.sent(address, bytes, now);
                if ends {
                    self.finish(at, Status::Ok)
                } else {
                    Served::Moved
                }
            }
            InAnswer::Work { job, offset, .. } if bytes > 0 => self.hand_out(
                at,
                Wanted {
                    kind: WorkKind::Read,
                    job,
                    offset,
                    length: bytes,
                    moves: bytes,
                    packets,
                    ends,
                },
            ),
            InAnswer::Work { .. } | InAnswer::Nak | InAnswer::Stall => Served::Nothing,
        }
    }

    /// The host's packets come in. One with the wrong toggle is acknowledged and thrown away (USB 2.0 §8.6.4); one that is larger than the
    /// endpoint's packets cannot be received.
    fn serve_out(&mut self, at: usize, now: Instant) -> Served<S> {
        let Some(pipe) = self.pipes.get_mut(at) else {
            return Served::Nothing;
        };
        let (address, size) = (pipe.address, pipe.max_packet);
        let Some(head) = pipe.queue.front_mut() else {
            return Served::Nothing;
        };
        let host_size = usize::from(head.request.host.max_packet);
        let left = head.request.length.saturating_sub(head.done);
        let packet = left.min(host_size);
        if packet > size || (packet == 0 && left > 0) {
            return self.finish(at, Status::TransactionError);
        }
        let compare = head.compare;
        match head.take_verdict(pipe.sequence) {
            Verdict::Agreed => {}
            Verdict::Lost => return self.finish(at, Status::TransactionError),
            Verdict::Retry => {
                head.done = head.done.saturating_add(packet);
                return if packet == left {
                    self.finish(at, Status::Ok)
                } else {
                    Served::Moved
                };
            }
        }
        let bytes = if host_size == size { left } else { packet };
        let arrival = Arrival {
            buffers: &head.request.buffers,
            offset: head.done - head.cut,
            bytes,
            packet,
            ends_short: bytes % size.max(1) != 0 || bytes == 0,
        };
        match self.function.receive(address, &arrival, now) {
            OutAnswer::Nak => {
                // The packet was not looked at; it comes again.
                head.compare = compare;
                Served::Nothing
            }
            OutAnswer::Stall => self.halt(at),
            OutAnswer::Take(taken) => self.take_out(at, taken.max(packet).min(bytes)),
            OutAnswer::Work {
                job,
                offset,
                length,
            } if bytes > 0 => {
                let length = length.clamp(1, bytes);
                // The rest of the last packet comes along, wanted or not.
                let packets = length.div_ceil(packet.max(1));
                let moves = packets.saturating_mul(packet).min(bytes);
                let wanted = Wanted {
                    kind: WorkKind::Write,
                    job,
                    offset,
                    length,
                    moves,
                    packets,
                    ends: moves == left,
                };
                self.hand_out(at, wanted)
            }
            OutAnswer::Work { .. } => Served::Nothing,
        }
    }

    /// Counts bytes that the function has taken at once.
    fn take_out(&mut self, at: usize, taken: usize) -> Served<S> {
        let Some(pipe) = self.pipes.get_mut(at) else {
            return Served::Nothing;
        };
        let Some(head) = pipe.queue.front_mut() else {
            return Served::Nothing;
        };
        let packet = usize::from(head.request.host.max_packet).max(1);
        head.done = head.done.saturating_add(taken);
        pipe.sequence.advance(taken.div_ceil(packet).max(1));
        if head.done >= head.request.length {
            self.finish(at, Status::Ok)
        } else {
            Served::Moved
        }
    }

    /// Hands out work on the request's own buffers: the vector itself travels, so nothing is allocated and no byte copied.
    fn hand_out(&mut self, at: usize, wanted: Wanted) -> Served<S> {
        let id = self.name_work();
        let Some(pipe) = self.pipes.get_mut(at) else {
            return Served::Nothing;
        };
        let Some(head) = pipe.queue.front_mut() else {
            return Served::Nothing;
        };
        let mut buffers = mem::take(&mut head.request.buffers);
        if buffers::cut_front(&mut buffers, head.done - head.cut).is_err() {
            head.request.buffers = buffers;
            return self.finish(at, Status::TransactionError);
        }
        head.cut = head.done;
        let Wanted {
            kind,
            job,
            offset,
            length,
            moves,
            packets,
            ends,
        } = wanted;
        pipe.working = Some(Working {
            id,
            job,
            length,
            moves,
            packets,
            ends,
            cancelled: false,
        });
        Served::Output(Output::Work(Work {
            id,
            kind,
            offset,
            buffers,
            length,
        }))
    }

    /// Work for a request came back: its packets count as moved now.
    ///
    /// When it failed, an OUT request's packets had been taken from the host all the same; an IN request's were never sent.
    pub(super) fn complete_working(&mut self, at: usize, done: WorkDone<S>) {
        let Some(pipe) = self.pipes.get_mut(at) else {
            return;
        };
        let Some(working) = pipe.working.take() else {
            return;
        };
        let Some(head) = pipe.queue.front_mut() else {
            return;
        };
        head.request.buffers = done.buffers;
        let moved = done.result.is_ok() || !pipe.address.direction().is_in();
        if moved {
            head.done = head.done.saturating_add(working.moves);
            pipe.sequence.advance(working.packets);
        }
        self.function
            .work_done(working.job, done.result.map(|()| working.length));
        if ((moved && working.ends) || working.cancelled)
            && let Some(completion) = pipe.finish(Status::Ok)
        {
            self.finished.push_back(completion);
        }
        self.fetch_halts();
    }

    /// The endpoint's place in the list.
    pub(super) fn pipe_at(&self, address: EndpointAddress) -> Option<usize> {
        self.pipes.iter().position(|pipe| pipe.address == address)
    }
}

impl<S> Pending<S> {
    /// Compares the first packet's sequence number, once.
    fn take_verdict(&mut self, own: super::pipe::Sequence) -> Verdict {
        if mem::take(&mut self.compare) {
            own.judge(self.request.host.sequence)
        } else {
            Verdict::Agreed
        }
    }
}
