//! What transfer events do to the transfer at the front of the ring.

use core::mem;

use usb_spec::endpoint::TransferKind;
use xhci_spec::context::EndpointState;
use xhci_spec::number::Iova;
use xhci_spec::trb::CompletionCode;

use super::{Context, Endpoint, State, TransferEvent};
use crate::{Hal, ToControl, TransferError};

impl<H: Hal> Endpoint<H> {
    /// Takes a transfer event; `false` when it names nothing that is under way.
    pub(crate) fn event(&mut self, event: TransferEvent, context: &mut Context<'_, H>) -> bool {
        let trailing = self.trailing.take();
        if matches!(
            event.code,
            CompletionCode::STOPPED
                | CompletionCode::STOPPED_LENGTH_INVALID
                | CompletionCode::STOPPED_SHORT_PACKET
        ) {
            self.note_stop(event);
            return true;
        }
        let Some((position, index)) = self.find(event.at) else {
            return trailing == Some(event.at);
        };
        // The controller works in order: what stands before this transfer is over, and its event was lost.
        for _ in 0..position {
            let error = TransferError::Other {
                code: CompletionCode::EVENT_LOST_ERROR,
            };
            self.finish_front(Err(error), None, context);
        }
        self.front_event(index, event, context);
        self.kick(context);
        true
    }

    pub(super) fn find(&self, at: Iova) -> Option<(usize, u32)> {
        let ring = &self.setup.ring;
        self.pending
            .iter()
            .enumerate()
            .find_map(|(position, pending)| Some((position, ring.index_in(&pending.span, at)?)))
    }

    pub(super) fn front_event(
        &mut self,
        index: u32,
        event: TransferEvent,
        context: &mut Context<'_, H>,
    ) {
        match event.code {
            CompletionCode::SUCCESS | CompletionCode::SHORT_PACKET => {
                self.progress(index, event, context)
            }
            // Linux takes vendor-defined information codes for success.
            code if code.is_vendor_info() => self.progress(index, event, context),
            CompletionCode::STALL_ERROR => self.halt(index, event, TransferError::Stall, context),
            CompletionCode::BABBLE_DETECTED_ERROR => {
                self.halt(index, event, TransferError::Babble, context)
            }
            CompletionCode::USB_TRANSACTION_ERROR | CompletionCode::SPLIT_TRANSACTION_ERROR => {
                self.transaction_error(index, event, context);
            }
            code => self.other_error(index, event, code, context),
        }
    }

    pub(super) fn progress(
        &mut self,
        index: u32,
        event: TransferEvent,
        context: &mut Context<'_, H>,
    ) {
        let Some(front) = self.pending.front_mut() else {
            return;
        };
        let last = index + 1 == front.span.trbs();
        let bytes = front.bytes(index, event.residue);
        if last {
            let full = front.plan.map_or(0, |plan| plan.length);
            // A control transfer's status TRB tells nothing of the data; only its short packet did.
            let bytes = if front.request.setup.is_some() {
                full
            } else {
                bytes
            };
            let bytes = front.short.unwrap_or(bytes);
            self.finish_front(Ok(()), Some(bytes), context);
        } else if front.request.setup.is_some() {
            if event.code == CompletionCode::SHORT_PACKET || event.residue > 0 {
                front.short = Some(bytes);
            }
        } else if event.code == CompletionCode::SHORT_PACKET || event.residue > 0 {
            // The data ends here. The controller still walks the rest of the TD and may say so with a second event (xHCI 1.2
            // §4.10.1.1), so the ring is given free only up to here.
            self.trailing = self.setup.ring.address_of(front.span.last());
            let Some(done) = self.pending.pop_front() else {
                return;
            };
            // The address was found in this TD, so it lies on the ring.
            let _ = self.setup.ring.retire(event.at);
            context.done.push_back(done.request.finish(Ok(()), bytes));
        }
    }

    /// Ends the transfer at the front; `bytes` of `None` means that nobody knows, and counts as none.
    pub(super) fn finish_front(
        &mut self,
        status: Result<(), TransferError>,
        bytes: Option<usize>,
        context: &mut Context<'_, H>,
    ) {
        if let Some(front) = self.pending.pop_front() {
            // A span's own last TRB lies on the ring.
            let last = self.setup.ring.address_of(front.span.last());
            let _ = last.map(|last| self.setup.ring.retire(last));
            context
                .done
                .push_back(front.request.finish(status, bytes.unwrap_or(0)));
        }
    }

    pub(super) fn transaction_error(
        &mut self,
        index: u32,
        event: TransferEvent,
        context: &mut Context<'_, H>,
    ) {
        let Some(front) = self.pending.front_mut() else {
            return;
        };
        let retries = front.soft_retries;
        if retries < context.policy.soft_retries
            && front.give_up.is_none()
            && self.state == State::Ready
        {
            front.soft_retries += 1;
            context.counters.soft_retries += 1;
            self.state = State::SoftReset;
            context.to_control.push_back(ToControl::Reset {
                key: self.setup.key,
                preserve: true,
            });
        } else {
            self.halt(
                index,
                event,
                TransferError::Transaction { retries },
                context,
            );
        }
    }

    pub(super) fn other_error(
        &mut self,
        index: u32,
        event: TransferEvent,
        code: CompletionCode,
        context: &mut Context<'_, H>,
    ) {
        let error = TransferError::Other { code };
        match self.controller_state() {
            EndpointState::Halted => self.halt(index, event, error, context),
            EndpointState::Error => {
                self.fail_front(index, event, error, context);
                self.flush_ring(TransferError::Halted, context);
                if self.state == State::Ready {
                    self.move_on(None, context);
                }
            }
            _ => self.fail_front(index, event, error, context),
        }
    }

    /// The controller halted the endpoint at the front transfer: that one fails, the others come back untouched.
    pub(super) fn halt(
        &mut self,
        index: u32,
        event: TransferEvent,
        error: TransferError,
        context: &mut Context<'_, H>,
    ) {
        self.fail_front(index, event, error, context);
        self.flush_ring(TransferError::Halted, context);
        self.halted = Some(error);
        if self.state == State::Ready {
            self.hard_reset(context);
        }
    }

    pub(super) fn fail_front(
        &mut self,
        index: u32,
        event: TransferEvent,
        error: TransferError,
        context: &mut Context<'_, H>,
    ) {
        let Some(front) = self.pending.front() else {
            return;
        };
        let bytes = front
            .short
            .unwrap_or_else(|| front.bytes(index, event.residue));
        self.finish_front(Err(error), Some(bytes), context);
    }

    /// Gives back everything on the ring, and behind it what waits, unless it waits for the control endpoint, which heals by itself.
    pub(super) fn flush_ring(&mut self, error: TransferError, context: &mut Context<'_, H>) {
        let backlog = mem::take(&mut self.backlog);
        self.give_all_back(error, context.done);
        if self.setup.kind == TransferKind::Control {
            self.backlog = backlog;
        } else {
            context
                .done
                .extend(backlog.into_iter().map(|request| request.fail(error, 0)));
        }
    }
}
