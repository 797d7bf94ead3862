//! Configure Endpoint and Evaluate Context. xHCI 1.2 §4.6.6, §4.6.7.

use alloc::boxed::Box;
use alloc::vec::Vec;

use memory::{Memory, Slice};
use xhci_spec::context::{
    EndpointContext, EndpointState, InputControlContext, SlotContext, SlotState,
};
use xhci_spec::number::{Dci, Iova, SlotId};
use xhci_spec::state::SlotPhase;
use xhci_spec::trb::CompletionCode;

use super::check::{control_is_sound, endpoint_refusal};
use super::rings::After;
use super::{Report, Wait, bandwidth};
use crate::context::{Context, HostError};
use crate::endpoint::{Ending, Endpoint};
use crate::engine::Engine;
use crate::slot::contexts;

/// A Configure Endpoint command that has passed all checks.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) slot: SlotId,
    /// Endpoints that go, as context flags.
    pub(super) drop: u32,
    add: Vec<(Dci, EndpointContext)>,
    phase: SlotPhase,
    context: SlotContext,
}

impl<S: Slice> Engine<S> {
    pub(super) fn configure_endpoint<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
        input: Iova,
    ) -> Result<Wait, HostError> {
        match self.plan(cx, slot, input)? {
            Ok(plan) => self.rest_then(cx, After::Configure(Box::new(plan)), Ending::Drop),
            Err(code) => Ok(Report::of(code, slot)),
        }
    }

    /// Configure Endpoint with DC: all endpoints but the control endpoint go. xHCI 1.2 §4.6.6.
    pub(super) fn deconfigure<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        id: SlotId,
    ) -> Result<Wait, HostError> {
        let Some(slot) = self.slots.get(id) else {
            return Ok(Report::of(CompletionCode::SLOT_NOT_ENABLED_ERROR, id));
        };
        let plan = Plan {
            slot: id,
            drop: slot.enabled() & !Dci::CONTROL.flag(),
            add: Vec::new(),
            phase: SlotPhase::Addressed,
            context: slot
                .context
                .with_context_entries(1)
                .with_slot_state(SlotState::Addressed),
        };
        self.rest_then(cx, After::Configure(Box::new(plan)), Ending::Drop)
    }

    /// Judges the whole input context before anything is changed: a command that fails changes nothing. xHCI 1.2 §4.6.6, §6.2.2.2.
    fn plan<M: Memory<Slice = S>>(
        &self,
        cx: &Context<'_, M>,
        id: SlotId,
        input: Iova,
    ) -> Result<Result<Plan, CompletionCode>, HostError> {
        let refuse = Ok(Err(CompletionCode::PARAMETER_ERROR));
        let control = contexts::read_control(cx, input)?;
        let new = contexts::read_slot(cx, input)?;
        let Some(slot) = self.slots.get(id) else {
            return Ok(Err(CompletionCode::SLOT_NOT_ENABLED_ERROR));
        };
        let Some(attachment) = slot.attachment else {
            return refuse;
        };
        if !flags_are_sound(&control) || !cx.interrupters.exists(new.interrupter()) {
            return refuse;
        }
        let (enabled, drop) = (slot.enabled(), control.drop_flags());
        let mut add = Vec::new();
        for dci in Dci::all().filter(|dci| *dci != Dci::CONTROL && control.adds(*dci)) {
            if enabled & !drop & dci.flag() != 0 {
                return refuse;
            }
            let context = contexts::read_endpoint(cx, input, dci)?;
            if let Some(code) = endpoint_refusal(&context, dci, attachment.speed) {
                return Ok(Err(code));
            }
            let dequeue = cx.address(context.tr_dequeue_pointer());
            let context = context
                .with_tr_dequeue_pointer(dequeue)
                .with_endpoint_state(EndpointState::Running);
            add.push((dci, context));
        }
        // Context Entries covers every endpoint that will be enabled. xHCI 1.2 §6.2.2.2.
        let after = enabled & !drop | control.add_flags() & !InputControlContext::SLOT;
        if u32::from(new.context_entries()) < after.checked_ilog2().unwrap_or(0) {
            return refuse;
        }
        let kept = Dci::all().filter(|dci| enabled & !drop & dci.flag() != 0);
        let kept = kept.filter_map(|dci| slot.endpoint(dci));
        let others = self.held_on(attachment.port, attachment.speed, Some(id));
        let held = kept.fold(others, |held, kept| held.saturating_add(kept.load));
        let held = add.iter().fold(held, |held, (_, context)| {
            held.saturating_add(bandwidth::load(context))
        });
        if held > bandwidth::budget(attachment.speed) {
            return Ok(Err(CompletionCode::BANDWIDTH_ERROR));
        }
        Ok(Ok(Plan {
            slot: id,
            drop: drop & enabled,
            add,
            phase: SlotPhase::Configured,
            context: with_hub_fields(slot.context, &new)
                .with_context_entries(new.context_entries())
                .with_slot_state(SlotState::Configured),
        }))
    }

    pub(super) fn finish_configure<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        plan: &Plan,
    ) -> Result<Wait, HostError> {
        self.disable_endpoints(cx, plan.slot, plan.drop)?;
        if let Some(slot) = self.slots.get_mut(plan.slot)
            && let Some(attachment) = slot.attachment
        {
            for (dci, context) in &plan.add {
                contexts::write_endpoint(cx, slot.output, *dci, context)?;
                let load = bandwidth::load(context);
                let endpoint = Endpoint::new(*dci, *context, attachment.speed, load);
                slot.set_endpoint(*dci, Some(endpoint));
            }
            slot.phase = plan.phase;
            slot.context = plan.context;
            contexts::write_slot(cx, slot.output, &slot.context)?;
        }
        Ok(Report::of(CompletionCode::SUCCESS, plan.slot))
    }

    /// Evaluate Context: Max Exit Latency and Interrupter Target of the slot, packet size of the control endpoint. xHCI 1.2 §4.6.7,
    /// §6.2.2.3, §6.2.3.3.
    pub(super) fn evaluate_context<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        id: SlotId,
        input: Iova,
    ) -> Result<Wait, HostError> {
        let control = contexts::read_control(cx, input)?;
        let new = contexts::read_slot(cx, input)?;
        let new_endpoint = contexts::read_endpoint(cx, input, Dci::CONTROL)?;
        let refuse = Ok(Report::of(CompletionCode::PARAMETER_ERROR, id));
        let [raw_drops, ..] = control.0;
        let evaluated = InputControlContext::SLOT | Dci::CONTROL.flag();
        if raw_drops != 0 || control.add_flags() & !evaluated != 0 || control.add_flags() == 0 {
            return refuse;
        }
        let Some(slot) = self.slots.get_mut(id) else {
            return refuse;
        };
        let takes_slot = control.add_flags() & InputControlContext::SLOT != 0;
        if takes_slot && !cx.interrupters.exists(new.interrupter()) {
            return refuse;
        }
        let Some(attachment) = slot.attachment else {
            return refuse;
        };
        let output = slot.output;
        if control.adds(Dci::CONTROL)
            && let Some(endpoint) = slot.endpoint_mut(Dci::CONTROL)
        {
            let size = new_endpoint.max_packet_size();
            let context = endpoint.context.with_max_packet_size(size);
            if !control_is_sound(&context, attachment.speed) {
                return refuse;
            }
            endpoint.context = context;
            endpoint.host.max_packet = size;
            let ring = endpoint.shown_ring();
            let shown = context
                .with_endpoint_state(endpoint.state)
                .with_tr_dequeue_pointer(ring.dequeue())
                .with_dequeue_cycle(ring.cycle());
            contexts::write_endpoint(cx, output, Dci::CONTROL, &shown)?;
        }
        if takes_slot {
            slot.context = slot
                .context
                .with_max_exit_latency_us(new.max_exit_latency_us())
                .with_interrupter(new.interrupter());
            contexts::write_slot(cx, output, &slot.context)?;
        }
        Ok(Report::of(CompletionCode::SUCCESS, id))
    }
}

/// A0 = 1, A1 = 0, D0 = D1 = 0. xHCI 1.2 §4.6.6.
fn flags_are_sound(control: &InputControlContext) -> bool {
    let [raw_drops, ..] = control.0;
    let always = InputControlContext::SLOT | Dci::CONTROL.flag();
    control.add_flags() & always == InputControlContext::SLOT && raw_drops & always == 0
}

/// What Configure Endpoint takes over from the input slot context: hubs make themselves known so. xHCI 1.2 §6.2.2.2.
fn with_hub_fields(old: SlotContext, new: &SlotContext) -> SlotContext {
    old.with_hub(new.hub())
        .with_multi_tt(new.multi_tt())
        .with_number_of_ports(new.number_of_ports())
        .with_tt_think_time(new.tt_think_time())
        .with_max_exit_latency_us(new.max_exit_latency_us())
        .with_interrupter(new.interrupter())
}
