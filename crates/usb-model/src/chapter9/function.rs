use alloc::vec::Vec;
use core::fmt::Debug;

use memory::Slice;
use usb_spec::time::Instant;
use usb_spec::{EndpointAddress, Setup};

use crate::{WorkError, WorkKind, buffers};

/// Names a piece of work towards the function that asked for it, so that it can tell work it has since given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Job(pub u32);

/// What a device does behind chapter 9: its class.
///
/// # Protocol
/// [`Device`](super::Device) offers each endpoint's oldest request, again and again until it has ended: [`receive`](Self::receive) for OUT,
/// [`provide`](Self::provide) for IN. The function answers at once, with NAK when it has nothing to say *now*. Bytes that were provided count as sent
/// only when [`sent`](Self::sent) says so: the host may have had no room for them. After each call the halts that the function wants are fetched with
/// [`take_halt`](Self::take_halt).
pub trait Function: Debug {
    /// The configuration with this value was chosen (0: none any more): all transfers begin anew.
    fn begin(&mut self, configuration: u8);

    /// Port reset; [`begin`](Self::begin) with 0 follows.
    fn port_reset(&mut self) {}

    /// An interface's alternate setting was chosen.
    fn alternate(&mut self, interface: u8, setting: u8) {
        let _ = (interface, setting);
    }

    /// Answers a control request that reads and that chapter 9 does not know, or does not know for this recipient. `false` stalls.
    fn control_in(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        let _ = (setup, reply);
        false
    }

    /// Whether the function wants the data stage of this request; `false` stalls it.
    fn accepts(&self, setup: Setup) -> bool {
        let _ = setup;
        false
    }

    /// Carries out a control request that writes, with or without data. `false` stalls.
    fn control_out(&mut self, setup: Setup, data: &[u8]) -> bool {
        let _ = (setup, data);
        false
    }

    /// The host has packets for an OUT endpoint.
    fn receive<S: Slice>(
        &mut self,
        endpoint: EndpointAddress,
        arrival: &Arrival<'_, S>,
        now: Instant,
    ) -> OutAnswer;

    /// The host has room for so many bytes on an IN endpoint.
    fn provide(&mut self, endpoint: EndpointAddress, room: usize, now: Instant) -> InAnswer<'_>;

    /// So many bytes of what was provided went out, in packets up to the endpoint's size.
    fn sent(&mut self, endpoint: EndpointAddress, bytes: usize, now: Instant);

    /// Work that an answer or an errand asked for is done: so many bytes were moved, or why not.
    fn work_done(&mut self, job: Job, result: Result<usize, WorkError>) {
        let _ = (job, result);
    }

    /// Work that belongs to no request, such as a flush.
    fn take_errand(&mut self) -> Option<Errand> {
        None
    }

    /// An endpoint that the function wants halted, until `None`.
    fn take_halt(&mut self) -> Option<EndpointAddress> {
        None
    }

    /// Whether CLEAR_FEATURE(ENDPOINT_HALT) ends the halt now; its sequence number becomes zero either way.
    fn may_clear_halt(&self, endpoint: EndpointAddress) -> bool {
        let _ = endpoint;
        true
    }

    /// Whether something has happened for which a suspended host should be woken.
    fn wants_wake(&mut self, now: Instant) -> bool {
        let _ = now;
        false
    }

    /// When [`wants_wake`](Self::wants_wake) may answer otherwise without anything being done to the device.
    fn next_wake(&self) -> Option<Instant> {
        None
    }

    /// When an endpoint that answers NAK may answer otherwise without having been asked anything.
    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}

/// What the host wants to send, as far as the device can see it.
#[derive(Debug)]
pub struct Arrival<'a, S> {
    pub(super) buffers: &'a [S],
    pub(super) offset: usize,
    /// The bytes up to the next packet that the device takes for short, or to the request's end.
    pub bytes: usize,
    /// The size of the first packet of them.
    pub packet: usize,
    /// Whether the last packet of them is shorter than the endpoint's packet size, which ends a transfer.
    pub ends_short: bool,
}

impl<S: Slice> Arrival<'_, S> {
    /// Copies the first bytes; `false` when there are not so many.
    pub fn read(&self, into: &mut [u8]) -> bool {
        into.len() <= self.bytes && buffers::gather(self.buffers, self.offset, into).is_ok()
    }
}

/// What a function says to packets from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutAnswer {
    /// Not now.
    Nak,
    /// STALL; the endpoint is halted.
    Stall,
    /// So many bytes are taken, in whole packets: at least one packet.
    Take(usize),
    /// So many bytes, at least one, are to be done by work straight out of the host's buffers.
    Work {
        /// Comes back when it is done.
        job: Job,
        /// Where on the medium, in bytes.
        offset: u64,
        /// How many bytes.
        length: usize,
    },
}

/// What a function has for the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InAnswer<'a> {
    /// Nothing now.
    Nak,
    /// STALL; the endpoint is halted.
    Stall,
    /// These bytes; none of them is a packet of length zero.
    Send(&'a [u8]),
    /// So many bytes, at least one, from work straight into the host's buffers; fewer are done if there is no room.
    Work {
        /// Comes back when it is done.
        job: Job,
        /// Where on the medium, in bytes.
        offset: u64,
        /// How many bytes.
        length: usize,
    },
}

/// Work that belongs to no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Comes back when it is done.
    pub job: Job,
    /// What to do; no bytes are moved.
    pub kind: WorkKind,
}
