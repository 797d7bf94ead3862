//! Commands about one endpoint's ring, and what commands do once endpoints have come to rest. xHCI 1.2 §4.6.8 to §4.6.10.

use alloc::boxed::Box;

use memory::{Memory, Slice};
use xhci_ring::link::Consumer;
use xhci_spec::context::EndpointState;
use xhci_spec::number::{Dci, SlotId, StreamId};
use xhci_spec::state::EndpointInput;
use xhci_spec::state::endpoint::{next, refusal};
use xhci_spec::trb::CompletionCode;

use super::address::Addressing;
use super::configure::Plan;
use super::{Report, Wait};
use crate::context::{Context, HostError};
use crate::endpoint::Ending;
use crate::engine::Engine;
use crate::transfer::Bench;
use crate::transfer::td::{ControlStand, Resume};

/// What a command does when no device and no worker has its endpoints' buffers any more. Only then may software hear of it.
#[derive(Debug)]
pub(crate) enum After {
    Stop { slot: SlotId, dci: Dci },
    Disable { slot: SlotId },
    ResetDevice { slot: SlotId },
    Configure(Box<Plan>),
    Address(Box<Addressing>),
}

impl After {
    /// The endpoints that have to come to rest, as context flags.
    fn endpoints(&self) -> (SlotId, u32) {
        match self {
            Self::Stop { slot, dci } => (*slot, dci.flag()),
            Self::Disable { slot } | Self::ResetDevice { slot } => (*slot, u32::MAX),
            Self::Configure(plan) => (plan.slot, plan.drop),
            Self::Address(addressing) => (addressing.slot(), Dci::CONTROL.flag()),
        }
    }
}

impl<S: Slice> Engine<S> {
    /// Has endpoints come to rest before anything else happens.
    pub(super) fn rest_then<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        after: After,
        ending: Ending,
    ) -> Result<Wait, HostError> {
        let (slot, flags) = after.endpoints();
        for dci in Dci::all().filter(|dci| flags & dci.flag() != 0) {
            self.begin_ending(cx, slot, dci, ending)?;
        }
        Ok(Wait::Rest(after))
    }

    /// Goes on if everything is at rest; else gives back what it waits for.
    pub(super) fn after_rest<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        after: After,
    ) -> Result<Result<Wait, After>, HostError> {
        let (slot, flags) = after.endpoints();
        let mut waited_for = Dci::all().filter(|dci| flags & dci.flag() != 0);
        if waited_for.any(|dci| !self.is_at_rest(slot, dci)) {
            return Ok(Err(after));
        }
        Ok(Ok(match after {
            After::Stop { slot, dci } => {
                // The endpoint may have halted while it was being stopped. xHCI 1.2 §4.6.9.
                let state = self.state(slot, dci);
                let code = if state == EndpointState::Stopped {
                    CompletionCode::SUCCESS
                } else {
                    refusal(state)
                };
                Report::of(code, slot)
            }
            After::Disable { slot } => self.finish_disable(cx, slot)?,
            After::ResetDevice { slot } => self.finish_reset_device(cx, slot)?,
            After::Configure(plan) => self.finish_configure(cx, &plan)?,
            After::Address(addressing) => {
                // The old control endpoint is gone; the new one comes with the answer.
                Wait::Address(addressing)
            }
        }))
    }

    pub(super) fn state(&self, slot: SlotId, dci: Dci) -> EndpointState {
        self.endpoint(slot, dci)
            .map_or(EndpointState::Disabled, |endpoint| endpoint.state)
    }

    /// Stop Endpoint. xHCI 1.2 §4.6.9.
    pub(super) fn stop_endpoint<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
        dci: Dci,
    ) -> Result<Wait, HostError> {
        let state = self.state(slot, dci);
        if next(state, EndpointInput::StopEndpoint).is_none() {
            return Ok(Report::of(refusal(state), slot));
        }
        self.rest_then(cx, After::Stop { slot, dci }, Ending::Stop)
    }

    /// Reset Endpoint. xHCI 1.2 §4.6.8. Where the ring stands does not change.
    pub(super) fn reset_endpoint<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
        dci: Dci,
        preserve: bool,
    ) -> Result<Wait, HostError> {
        self.change(cx, slot, dci, EndpointInput::ResetEndpoint, |bench| {
            if !preserve {
                bench.endpoint.host.sequence = 0;
            }
            Ok(())
        })
    }

    /// Set TR Dequeue Pointer. xHCI 1.2 §4.6.10. There are no streams, so that naming one is an error (its code is unchecked).
    pub(super) fn set_dequeue<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
        dci: Dci,
        ring: Consumer,
        stream: StreamId,
    ) -> Result<Wait, HostError> {
        if stream != StreamId(0) && self.endpoint(slot, dci).is_some() {
            return Ok(Report::of(CompletionCode::TRB_ERROR, slot));
        }
        self.change(cx, slot, dci, EndpointInput::SetTrDequeue, |bench| {
            bench.endpoint.stand = ControlStand::Idle;
            bench
                .endpoint
                .move_ring(bench.cx, &bench.place, ring, Resume::default())
        })
    }

    /// A command that changes an endpoint at once, if its state allows.
    fn change<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
        dci: Dci,
        input: EndpointInput,
        change: impl FnOnce(&mut Bench<'_, '_, M>) -> Result<(), HostError>,
    ) -> Result<Wait, HostError> {
        let state = self.state(slot, dci);
        let Some(mut bench) = self
            .bench(cx, slot, dci)
            .filter(|_| next(state, input).is_some())
        else {
            return Ok(Report::of(refusal(state), slot));
        };
        change(&mut bench)?;
        bench.endpoint.apply(bench.cx, &bench.place, input)?;
        Ok(Report::of(CompletionCode::SUCCESS, slot))
    }
}
