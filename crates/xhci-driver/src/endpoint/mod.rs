//! One endpoint's transfer ring and what is on it: submission, completion, and every way back to work.
//!
//! The controller's side of an endpoint may change at any moment; this side changes only when an event or the end of a command says so. A stop,
//! a reset or a move of the dequeue pointer is one command at a time, and each has its own [`State`].

mod event;
mod fill;
mod recovery;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use usb_spec::endpoint::TransferKind;
use usb_spec::time::Instant;
use xhci_hal::{DmaBuffer, DmaLimit};
use xhci_ring::link::TdSpan;
use xhci_spec::number::{Dci, Iova, SlotId};
use xhci_spec::trb::{CompletionCode, Trb};

use crate::lane::LaneCounters;
use crate::plan::Plan;
use crate::{
    Buffer, EndpointKey, EndpointSetup, Hal, Policy, ToControl, TransferDone, TransferError,
    TransferId, TransferRequest,
};

/// What an endpoint may use of its lane while it works.
pub(crate) struct Context<'a, H: Hal> {
    pub(crate) mmio: &'a H::Mmio,
    pub(crate) doorbells: u32,
    pub(crate) dma: &'a H::Dma,
    pub(crate) limit: DmaLimit,
    pub(crate) policy: &'a Policy,
    pub(crate) scratch: &'a mut Vec<Trb>,
    pub(crate) done: &'a mut VecDeque<TransferDone<Buffer<H>>>,
    pub(crate) to_control: &'a mut VecDeque<ToControl>,
    pub(crate) counters: &'a mut LaneCounters,
    pub(crate) earliest: &'a mut Option<Instant>,
    pub(crate) now: Instant,
}

/// A transfer event as far as an endpoint cares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TransferEvent {
    pub(crate) at: Iova,
    pub(crate) residue: u32,
    pub(crate) code: CompletionCode,
}

/// Where the endpoint stands. At most one command is under way, and the state names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Transfers run.
    Ready,
    /// Stop Endpoint is under way, first asked for at `since`.
    Stopping { since: Instant },
    /// Stop Endpoint was refused although the endpoint is about to run; it is asked again at `at`.
    StopAgain { since: Instant, at: Instant },
    /// Reset Endpoint with Transfer State Preserve is under way; the halted transfer will be tried again.
    SoftReset,
    /// Reset Endpoint is under way.
    HardReset,
    /// Set TR Dequeue Pointer is under way.
    Moving,
    /// The device's side is halted: nothing moves until it is cleared.
    Halted,
    /// Empty and stopped, by the control's wish, until it reopens the endpoint.
    Parked,
    /// Stopped with its transfers on it, by the control's wish, until it goes on: its port is suspended.
    Paused,
    /// A recovery failed. The controller may still be using the buffers, so they come back only when the endpoint is closed.
    Broken,
}

/// A transfer on the ring.
#[derive(Debug)]
struct Pending<B> {
    request: TransferRequest<B>,
    span: TdSpan,
    /// How its data was cut; `None` without data.
    plan: Option<Plan>,
    /// Bytes moved, once a short packet has told.
    short: Option<usize>,
    soft_retries: u8,
    /// It is to be taken back, with this error.
    give_up: Option<TransferError>,
}

/// Where the controller said it stopped.
#[derive(Clone, Copy, Debug)]
struct StopPoint {
    at: Iova,
    bytes: Option<usize>,
}

pub(crate) struct Endpoint<H: Hal> {
    setup: EndpointSetup<H>,
    state: State,
    pending: VecDeque<Pending<Buffer<H>>>,
    backlog: VecDeque<TransferRequest<Buffer<H>>>,
    stopped: Option<StopPoint>,
    /// The last TRB of a TD that a short packet ended early: one more event for it may come, and says nothing new.
    trailing: Option<Iova>,
    /// The controller halted the endpoint, for this reason.
    halted: Option<TransferError>,
    /// The control wants it empty and stopped.
    flush: Option<TransferError>,
    /// The control wants it stopped.
    pause: bool,
    /// The control was told that it is stopped, and has not yet let it go on.
    hold: bool,
}

impl EndpointKey {
    pub(crate) fn from_event(slot: Option<SlotId>, dci: Option<Dci>) -> Option<Self> {
        Some(Self {
            slot: slot?,
            dci: dci?,
        })
    }
}

impl<B: DmaBuffer> TransferRequest<B> {
    pub(crate) fn finish(self, status: Result<(), TransferError>, bytes: usize) -> TransferDone<B> {
        TransferDone {
            id: self.id,
            endpoint: self.endpoint,
            buffer: self.buffer,
            bytes,
            status,
        }
    }

    pub(crate) fn fail(self, error: TransferError, bytes: usize) -> TransferDone<B> {
        self.finish(Err(error), bytes)
    }

    /// What is wrong with it for an endpoint of this kind, if anything.
    fn fault(&self, kind: TransferKind) -> Option<TransferError> {
        let room = self.buffer.as_ref().map_or(0, DmaBuffer::len);
        let reason = match (kind, &self.setup) {
            (TransferKind::Control, None) => "a control endpoint needs a setup packet",
            (TransferKind::Control, Some(setup)) if usize::from(setup.length) != self.length => {
                "the setup packet's length is not the transfer's"
            }
            (TransferKind::Bulk | TransferKind::Interrupt, Some(_)) => {
                "a setup packet belongs on a control endpoint"
            }
            (TransferKind::Isochronous, _) => "isochronous transfers are not supported yet",
            _ if self.length > room => "the length is larger than the buffer",
            _ => return None,
        };
        Some(TransferError::BadRequest { reason })
    }
}

impl<B> Pending<B> {
    /// Bytes moved when the TRB at `index` of the TD ended with `residue` bytes left.
    fn bytes(&self, index: u32, residue: u32) -> usize {
        let Some(plan) = self.plan else { return 0 };
        // A control transfer's setup TRB stands before the data.
        let Some(index) = (index as usize).checked_sub(usize::from(self.request.setup.is_some()))
        else {
            return 0;
        };
        match plan.pieces().nth(index) {
            Some(piece) => piece.offset + piece.length.saturating_sub(residue as usize),
            None => plan.length,
        }
    }
}

impl<H: Hal> Endpoint<H> {
    pub(crate) fn new(setup: EndpointSetup<H>) -> Self {
        Self {
            setup,
            state: State::Ready,
            pending: VecDeque::new(),
            backlog: VecDeque::new(),
            stopped: None,
            trailing: None,
            halted: None,
            flush: None,
            pause: false,
            hold: false,
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.pending.len() + self.backlog.len()
    }

    pub(crate) fn set_max_packet(&mut self, max_packet: u16) {
        self.setup.max_packet = max_packet;
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let pending = self
            .pending
            .iter()
            .filter(|p| p.give_up.is_none())
            .filter_map(|p| p.request.deadline)
            .min();
        let again = match self.state {
            State::StopAgain { at, .. } => Some(at),
            _ => None,
        };
        let pending = Instant::earlier(pending, again);
        Instant::earlier(
            pending,
            self.backlog
                .iter()
                .filter_map(|request| request.deadline)
                .min(),
        )
    }

    pub(crate) fn submit(
        &mut self,
        request: TransferRequest<Buffer<H>>,
        context: &mut Context<'_, H>,
    ) {
        let refused = match self.state {
            State::Halted => Some(TransferError::Halted),
            State::Broken => Some(TransferError::Broken),
            // It halted, and the command that is under way only brings the controller's side in order.
            State::Stopping { .. } | State::StopAgain { .. } | State::HardReset | State::Moving
                if self.halted.is_some()
                    && self.flush.is_none()
                    && self.setup.kind != TransferKind::Control =>
            {
                Some(TransferError::Halted)
            }
            _ => request.fault(self.setup.kind),
        };
        if let Some(error) = refused {
            context.done.push_back(request.fail(error, 0));
            return;
        }
        self.backlog.push_back(request);
        self.kick(context);
    }

    pub(crate) fn cancel(&mut self, id: TransferId, context: &mut Context<'_, H>) {
        if let Some(index) = self.backlog.iter().position(|request| request.id == id) {
            if let Some(request) = self.backlog.remove(index) {
                context
                    .done
                    .push_back(request.fail(TransferError::Cancelled, 0));
            }
        } else if let Some(pending) = self
            .pending
            .iter_mut()
            .find(|pending| pending.request.id == id)
        {
            pending.give_up.get_or_insert(TransferError::Cancelled);
            self.settle(context);
        }
    }

    /// Gives up what has passed its deadline.
    pub(crate) fn expire(&mut self, context: &mut Context<'_, H>) {
        if let State::StopAgain { since, at } = self.state
            && at <= context.now
        {
            self.stop(since, context);
        }
        let late =
            |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= context.now);
        for pending in self
            .pending
            .iter_mut()
            .filter(|pending| late(pending.request.deadline))
        {
            pending.give_up.get_or_insert(TransferError::TimedOut);
        }
        for _ in 0..self.backlog.len() {
            let Some(request) = self.backlog.pop_front() else {
                break;
            };
            if late(request.deadline) {
                context
                    .done
                    .push_back(request.fail(TransferError::TimedOut, 0));
            } else {
                self.backlog.push_back(request);
            }
        }
        self.settle(context);
    }

    pub(crate) fn flush(&mut self, error: TransferError, context: &mut Context<'_, H>) {
        self.flush = Some(error);
        for request in self.backlog.drain(..) {
            context.done.push_back(request.fail(error, 0));
        }
        match self.state {
            State::Halted | State::Parked => self.park(context),
            State::Paused => {
                self.give_all_back(error, context.done);
                self.park(context);
            }
            State::Broken => self.tell_flushed(context),
            State::Ready => self.settle(context),
            State::Stopping { .. }
            | State::StopAgain { .. }
            | State::SoftReset
            | State::HardReset
            | State::Moving => {}
        }
    }

    pub(crate) fn reopen(&mut self, context: &mut Context<'_, H>) {
        match self.state {
            State::Parked | State::Halted | State::Paused => {}
            // The controller has the endpoint anew: what it was given before, it no longer has.
            State::Broken => {
                self.give_all_back(TransferError::Broken, context.done);
                self.free_ring();
            }
            State::Ready
            | State::Stopping { .. }
            | State::StopAgain { .. }
            | State::SoftReset
            | State::HardReset
            | State::Moving => return,
        }
        self.halted = None;
        self.become_ready(context);
    }

    /// Stops the endpoint and keeps what is on it, until [`unpause`](Self::unpause). xHCI 1.2 §4.15.1.
    pub(crate) fn pause(&mut self, context: &mut Context<'_, H>) {
        self.pause = true;
        match self.state {
            State::Ready => self.settle(context),
            State::Halted | State::Parked | State::Paused | State::Broken => {
                self.tell_paused(context);
            }
            State::Stopping { .. }
            | State::StopAgain { .. }
            | State::SoftReset
            | State::HardReset
            | State::Moving => {}
        }
    }

    /// Goes on after a pause.
    pub(crate) fn unpause(&mut self, context: &mut Context<'_, H>) {
        self.pause = false;
        self.hold = false;
        if self.state == State::Paused {
            self.become_ready(context);
        }
    }

    /// It was emptied to be made usable, and could not be: transfers are refused from now on.
    pub(crate) fn keep_halted(&mut self, context: &mut Context<'_, H>) {
        if self.state == State::Broken {
            // Only a reset of the device takes its buffers from the controller now.
            let (key, error) = (self.setup.key, TransferError::Broken);
            context
                .to_control
                .push_back(ToControl::Halted { key, error });
        } else if self.state == State::Parked {
            self.state = State::Halted;
            for request in self.backlog.drain(..) {
                context
                    .done
                    .push_back(request.fail(TransferError::Halted, 0));
            }
        }
    }

    /// Hands every transfer back: the controller no longer has the endpoint.
    pub(crate) fn give_all_back(
        &mut self,
        error: TransferError,
        done: &mut VecDeque<TransferDone<Buffer<H>>>,
    ) {
        let stopped = self.stopped.take();
        for pending in self.pending.drain(..) {
            let bytes =
                stopped.filter(|stop| self.setup.ring.index_in(&pending.span, stop.at).is_some());
            let bytes = pending
                .short
                .or(bytes.and_then(|stop| stop.bytes))
                .unwrap_or(0);
            let error = pending.give_up.unwrap_or(error);
            done.push_back(pending.request.fail(error, bytes));
        }
        for request in self.backlog.drain(..) {
            done.push_back(request.fail(error, 0));
        }
    }

    /// The controller is dead.
    pub(crate) fn die(&mut self, done: &mut VecDeque<TransferDone<Buffer<H>>>) {
        self.give_all_back(TransferError::ControllerDead, done);
        self.state = State::Broken;
    }
}
