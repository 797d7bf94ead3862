//! Stop, reset, move: the commands that bring an endpoint back to work, one at a time.

use memory::Slice;
use usb_spec::endpoint::TransferKind;
use usb_spec::time::Instant;
use xhci_spec::context::{EndpointContext, EndpointState};
use xhci_spec::number::Iova;
use xhci_spec::trb::CompletionCode;

use super::{Context, Endpoint, State, StopPoint, TransferEvent};
use crate::{CommandError, Hal, ToControl, TransferError};

impl<H: Hal> Endpoint<H> {
    /// The command that [`State`] names has ended.
    pub(crate) fn command_ended(
        &mut self,
        result: Result<(), CommandError>,
        context: &mut Context<'_, H>,
    ) {
        match (self.state, result) {
            (_, Err(CommandError::ControllerDead)) => {}
            (State::Stopping { .. }, _) if self.halted.is_some() => self.hard_reset(context),
            (State::Stopping { .. }, Ok(())) => self.stopped(context),
            (State::Stopping { since }, Err(_)) => self.not_stopped(since, context),
            (State::SoftReset, Ok(())) => self.soft_reset_done(context),
            (State::SoftReset, Err(_)) => {
                // Not halted after all, or not any more: whatever state it is in, a stop sorts it out.
                self.state = State::Ready;
                self.stop(context.now, context);
            }
            (State::HardReset, Ok(())) => self.move_on(None, context),
            (State::HardReset, Err(_)) => match self.controller_state() {
                EndpointState::Stopped | EndpointState::Error => self.move_on(None, context),
                EndpointState::Disabled | EndpointState::Running | EndpointState::Halted => {
                    self.break_down(context)
                }
            },
            (State::Moving, Ok(())) => self.moved(context),
            (State::Moving, Err(_)) => self.break_down(context),
            (
                State::Ready
                | State::StopAgain { .. }
                | State::Halted
                | State::Parked
                | State::Paused
                | State::Broken,
                _,
            ) => {}
        }
    }

    /// Starts whatever is wanted and possible now.
    pub(super) fn settle(&mut self, context: &mut Context<'_, H>) {
        match self.state {
            State::Ready if self.wants_stop() => self.stop(context.now, context),
            State::Ready => self.kick(context),
            // It is stopped already: what is to be given up can be taken out at once.
            State::Paused if self.gives_up() => self.stopped(context),
            _ => {}
        }
    }

    fn wants_stop(&self) -> bool {
        self.flush.is_some() || self.pause || self.gives_up()
    }

    fn gives_up(&self) -> bool {
        self.pending.iter().any(|pending| pending.give_up.is_some())
    }

    /// The endpoint is stopped and in order: it goes on, unless it is to pause.
    fn go_on(&mut self, context: &mut Context<'_, H>) {
        if self.pause {
            self.state = State::Paused;
            self.tell_paused(context);
        } else if self.hold {
            self.state = State::Paused;
        } else {
            self.become_ready(context);
        }
    }

    pub(super) fn become_ready(&mut self, context: &mut Context<'_, H>) {
        self.state = State::Ready;
        if !self.pending.is_empty() {
            self.ring_doorbell(context);
        }
        self.settle(context);
    }

    pub(super) fn stop(&mut self, since: Instant, context: &mut Context<'_, H>) {
        self.state = State::Stopping { since };
        self.stopped = None;
        context.to_control.push_back(ToControl::Stop {
            key: self.setup.key,
        });
    }

    /// Stop Endpoint was refused; the controller's own word in the context says what to do.
    pub(super) fn not_stopped(&mut self, since: Instant, context: &mut Context<'_, H>) {
        match self.controller_state() {
            // Its doorbell may have been rung and not yet heard: then it is about to run. Asked again for a while, it will have.
            EndpointState::Stopped
                if !self.pending.is_empty() && self.may_ask_again(since, context) =>
            {
                self.stop(since, context);
            }
            EndpointState::Stopped => self.stopped(context),
            EndpointState::Halted => {
                // It halted, but no event said on which transfer: the one it stands at takes the blame.
                self.halted = Some(TransferError::Halted);
                self.flush_ring(TransferError::Halted, context);
                self.hard_reset(context);
            }
            EndpointState::Error => {
                self.flush_ring(TransferError::Halted, context);
                self.move_on(None, context);
            }
            EndpointState::Running if self.may_ask_again(since, context) => {
                self.stop_again(since, context);
            }
            EndpointState::Running | EndpointState::Disabled => self.break_down(context),
        }
    }

    fn stop_again(&mut self, since: Instant, context: &mut Context<'_, H>) {
        let at = context.now + context.policy.register_poll;
        self.state = State::StopAgain { since, at };
        *context.earliest = Instant::earlier(*context.earliest, Some(at));
    }

    fn may_ask_again(&self, since: Instant, context: &Context<'_, H>) -> bool {
        context.now - since < context.policy.stop_retry_window
    }

    pub(super) fn note_stop(&mut self, event: TransferEvent) {
        let bytes = self.find(event.at).and_then(|(position, index)| {
            let pending = self.pending.get_mut(position)?;
            Some(match event.code {
                // The length is the whole TD's. xHCI 1.2 §4.6.9.
                CompletionCode::STOPPED_SHORT_PACKET => {
                    let bytes =
                        (event.residue as usize).min(pending.plan.map_or(0, |plan| plan.length));
                    pending.short = Some(bytes);
                    bytes
                }
                CompletionCode::STOPPED_LENGTH_INVALID => {
                    let first = usize::from(pending.request.setup.is_some());
                    pending.plan.map_or(0, |plan| {
                        plan.offset_of(index as usize - first.min(index as usize))
                    })
                }
                _ => pending.bytes(index, event.residue),
            })
        });
        self.stopped = Some(StopPoint {
            at: event.at,
            bytes,
        });
    }

    /// The endpoint is stopped: takes out what is to be given up.
    pub(super) fn stopped(&mut self, context: &mut Context<'_, H>) {
        if let Some(error) = self.flush {
            self.give_all_back(error, context.done);
            self.park(context);
            return;
        }
        let stop = self.stopped.take().unwrap_or_else(|| StopPoint {
            at: self.controller_dequeue(),
            bytes: None,
        });
        // Where the controller must go on, when it stands inside a transfer that is taken out: it may have that one in its cache.
        let mut go_on = None;
        let mut position = 0;
        while let Some(pending) = self.pending.get(position) {
            if pending.give_up.is_none() {
                position += 1;
                continue;
            }
            let inside = self.setup.ring.index_in(&pending.span, stop.at).is_some();
            if inside {
                go_on = self.setup.ring.dequeue_after(&pending.span).ok();
            } else {
                // A span of this endpoint's own that is still in flight.
                let _ = self.setup.ring.make_no_op(&pending.span);
            }
            self.take_out(position, stop.bytes.filter(|_| inside), context);
        }
        match go_on {
            Some(behind) => self.move_on(Some(behind), context),
            None => self.go_on(context),
        }
    }

    pub(super) fn take_out(
        &mut self,
        position: usize,
        bytes: Option<usize>,
        context: &mut Context<'_, H>,
    ) {
        if let Some(pending) = self.pending.remove(position) {
            let error = pending.give_up.unwrap_or(TransferError::Cancelled);
            let bytes = pending.short.or(bytes).unwrap_or(0);
            context.done.push_back(pending.request.fail(error, bytes));
        }
    }

    pub(super) fn hard_reset(&mut self, context: &mut Context<'_, H>) {
        self.state = State::HardReset;
        context.to_control.push_back(ToControl::Reset {
            key: self.setup.key,
            preserve: false,
        });
    }

    pub(super) fn soft_reset_done(&mut self, context: &mut Context<'_, H>) {
        // Reset Endpoint leaves it stopped (xHCI 1.2 §4.6.8), so what is to be taken out can be taken out at once.
        if self.wants_stop() {
            self.stopped(context);
        } else {
            self.become_ready(context);
        }
    }

    /// Moves the controller's dequeue pointer: to `target`, or behind everything on the ring.
    pub(super) fn move_on(&mut self, target: Option<(Iova, bool)>, context: &mut Context<'_, H>) {
        let (dequeue, cycle) = target.unwrap_or_else(|| self.setup.ring.enqueue());
        self.state = State::Moving;
        context.to_control.push_back(ToControl::SetDequeue {
            key: self.setup.key,
            dequeue,
            cycle,
        });
    }

    pub(super) fn moved(&mut self, context: &mut Context<'_, H>) {
        if self.pending.is_empty() {
            self.free_ring();
        }
        self.trailing = None;
        if let Some(error) = self.flush {
            self.give_all_back(error, context.done);
            self.park(context);
        } else if let Some(error) = self
            .halted
            .filter(|_| self.setup.kind != TransferKind::Control)
        {
            self.state = State::Halted;
            context.to_control.push_back(ToControl::Halted {
                key: self.setup.key,
                error,
            });
            if self.pause {
                self.tell_paused(context);
            }
        } else {
            if let Some(error) = self.halted.filter(|error| *error != TransferError::Stall) {
                // A control endpoint goes on by itself; a translator on the way to the device may need help.
                let key = self.setup.key;
                context
                    .to_control
                    .push_back(ToControl::Halted { key, error });
            }
            self.halted = None;
            self.go_on(context);
        }
    }

    /// The endpoint is empty and stopped; the control takes over.
    pub(super) fn park(&mut self, context: &mut Context<'_, H>) {
        self.stopped = None;
        self.trailing = None;
        self.hold = false;
        self.state = State::Parked;
        self.free_ring();
        self.tell_flushed(context);
    }

    pub(super) fn tell_flushed(&mut self, context: &mut Context<'_, H>) {
        self.flush = None;
        let (dequeue, cycle) = self.setup.ring.enqueue();
        context.to_control.push_back(ToControl::Flushed {
            key: self.setup.key,
            // After a recovery that failed only Configure Endpoint puts the controller where the ring is.
            was_halted: self.halted.is_some() && self.state != State::Broken,
            dequeue,
            cycle,
        });
    }

    pub(super) fn tell_paused(&mut self, context: &mut Context<'_, H>) {
        self.pause = false;
        self.hold = self.state == State::Paused;
        let key = self.setup.key;
        context.to_control.push_back(ToControl::Paused { key });
    }

    /// Recovery failed: only a reset of the device takes the buffers from the controller now.
    pub(super) fn break_down(&mut self, context: &mut Context<'_, H>) {
        self.state = State::Broken;
        if self.flush.is_some() {
            self.tell_flushed(context);
        } else {
            let (key, error) = (self.setup.key, TransferError::Broken);
            context
                .to_control
                .push_back(ToControl::Halted { key, error });
        }
        if self.pause {
            self.tell_paused(context);
        }
    }

    /// What the controller itself says of the endpoint, in the context that only it writes.
    pub(super) fn controller_state(&self) -> EndpointState {
        self.output_context()
            .endpoint_state()
            .unwrap_or(EndpointState::Disabled)
    }

    pub(super) fn controller_dequeue(&self) -> Iova {
        self.output_context().tr_dequeue_pointer()
    }

    /// Everything on the ring is over; says where the next transfer will begin.
    pub(super) fn free_ring(&mut self) -> (Iova, bool) {
        let enqueue = self.setup.ring.enqueue();
        // The enqueue pointer is on the ring.
        let _ = self.setup.ring.retire_before(enqueue.0);
        enqueue
    }

    pub(super) fn output_context(&self) -> EndpointContext {
        let mut dwords = [0; 8];
        for (index, dword) in dwords.iter_mut().enumerate() {
            // The slice was made 32 bytes long; a shorter one would read as a disabled endpoint.
            *dword = self.setup.context.load32(index * 4).unwrap_or(0);
        }
        EndpointContext(dwords)
    }
}
