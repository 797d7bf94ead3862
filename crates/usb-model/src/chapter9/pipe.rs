use alloc::collections::VecDeque;
use alloc::vec::Vec;

use usb_spec::EndpointAddress;

use super::blueprint::EndpointPlan;
use super::function::Job;
use crate::{Completion, HostView, Request, Status, WorkId};

/// How many requests one endpoint holds; the next one is answered with [`Status::TransactionError`].
pub const REQUESTS_MAX: usize = 256;

/// Room that is reserved from the start, so that no request of a reasonable host allocates.
const REQUESTS_USUAL: usize = 32;

/// One endpoint other than endpoint 0: what it believes, and who waits for it.
#[derive(Debug)]
pub(super) struct Pipe<S> {
    pub(super) interface: u8,
    pub(super) address: EndpointAddress,
    pub(super) max_packet: usize,
    pub(super) halted: bool,
    pub(super) sequence: Sequence,
    pub(super) queue: VecDeque<Pending<S>>,
    pub(super) working: Option<Working>,
}

/// A request that has not ended.
#[derive(Debug)]
pub(super) struct Pending<S> {
    pub(super) request: Request<S>,
    /// Bytes that the host counts as moved.
    pub(super) done: usize,
    /// Bytes that were cut off the front of the request's buffers.
    pub(super) cut: usize,
    /// Whether the host's sequence number is still to be compared with the endpoint's.
    ///
    /// Only a request that finds the endpoint free is compared: the host cannot know how many packets an earlier one will take.
    pub(super) compare: bool,
}

/// Work under way for the oldest request of an endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Working {
    pub(super) id: WorkId,
    pub(super) job: Job,
    pub(super) length: usize,
    /// Bytes that the host counts as moved by it.
    pub(super) moves: usize,
    pub(super) packets: usize,
    /// The last packet ends the request, full or not.
    pub(super) ends: bool,
    /// The host took the request back: it ends with the work.
    pub(super) cancelled: bool,
}

impl<S> Pipe<S> {
    pub(super) fn new(plan: &EndpointPlan, interface: u8, modulus: u8) -> Self {
        Self {
            interface,
            address: plan.address,
            max_packet: usize::from(plan.max_packet),
            halted: false,
            sequence: Sequence { next: 0, modulus },
            queue: VecDeque::with_capacity(REQUESTS_USUAL),
            working: None,
        }
    }

    /// Ends the oldest request.
    pub(super) fn finish(&mut self, status: Status) -> Option<Completion<S>> {
        let Pending { request, done, .. } = self.queue.pop_front()?;
        Some(completion(
            request.token,
            status,
            done,
            self.sequence.next,
            request.buffers,
        ))
    }
}

pub(super) fn completion<S>(
    token: crate::Token,
    status: Status,
    bytes: usize,
    sequence: u8,
    buffers: Vec<S>,
) -> Completion<S> {
    Completion {
        token,
        status,
        bytes,
        sequence,
        buffers,
    }
}

/// A data toggle (modulus 2) or a sequence number (modulus 32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) next: u8,
    pub(super) modulus: u8,
}

impl Sequence {
    pub(super) fn advance(&mut self, packets: usize) {
        let modulus = usize::from(self.modulus).max(1);
        let next = (usize::from(self.next).wrapping_add(packets)) % modulus;
        self.next = u8::try_from(next).unwrap_or(0);
    }

    /// What comes of the host's belief. USB 2.0 §8.6; USB 3.2 §8.11.2 (unchecked).
    pub(super) fn judge(self, host: u8) -> Verdict {
        if host == self.next {
            Verdict::Agreed
        } else if self.modulus == 2 {
            Verdict::Retry
        } else {
            Verdict::Lost
        }
    }
}

/// What a packet's sequence number leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The packet is the expected one.
    Agreed,
    /// The receiver takes the packet for a repetition of the last one: acknowledges it and throws it away. USB 2.0 §8.6.4.
    Retry,
    /// The packet leads to retries until the host gives up.
    Lost,
}

/// What can be sent into a host's room in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// So many bytes in so many packets; whether the host's request ends with them.
    Packets {
        bytes: usize,
        packets: usize,
        ends: bool,
    },
    /// The next packet is larger than the host expects, or than its room.
    Babble,
}

/// Lays `length` bytes (0: one empty packet) of a device with packets of `size` into the room of a host that expects `host`.
pub(super) fn lay_out(length: usize, room: usize, size: usize, host: HostView) -> Sending {
    let host_size = usize::from(host.max_packet);
    let size = size.max(1);
    let first = length.min(size);
    if first > host_size || first > room {
        return Sending::Babble;
    }
    if size != host_size {
        // Packets of another size than the host expects: each one is looked at alone. One that is smaller is short to the host.
        return Sending::Packets {
            bytes: first,
            packets: 1,
            ends: first < host_size || first == room,
        };
    }
    // A packet that does not fit stays behind; it babbles when it is its turn.
    let bytes = if length <= room {
        length
    } else {
        room - room % size
    };
    let ends = bytes % size != 0 || bytes == 0 || bytes == room;
    Sending::Packets {
        bytes,
        packets: bytes.div_ceil(size).max(1),
        ends,
    }
}
