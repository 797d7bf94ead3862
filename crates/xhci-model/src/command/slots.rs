//! Commands about whole slots, and Get Port Bandwidth. xHCI 1.2 §4.6.3, §4.6.4, §4.6.11, §4.6.15.

use memory::{Direction, Memory, Slice};
use usb_spec::Speed;
use xhci_spec::context::{EndpointState, SlotState};
use xhci_spec::number::{Dci, Iova, PortId, SlotId, SpeedId};
use xhci_spec::state::SlotPhase;
use xhci_spec::trb::CompletionCode;

use super::rings::After;
use super::{Report, Wait, bandwidth};
use crate::context::{Context, HostError};
use crate::endpoint::Ending;
use crate::engine::Engine;
use crate::options::protocol_of;
use crate::slot::{contexts, speed_of};

/// Slot Type of every USB port. xHCI 1.2 §7.2.2.1.4.
const USB_SLOT_TYPE: u8 = 0;

impl<S: Slice> Engine<S> {
    /// Enable Slot. xHCI 1.2 §4.6.3. A Slot Type that no port has is refused with TRB Error (unchecked).
    pub(super) fn enable_slot<M: Memory<Slice = S>>(
        &mut self,
        cx: &Context<'_, M>,
        slot_type: u8,
    ) -> Wait {
        if slot_type != USB_SLOT_TYPE {
            return Report::plain(CompletionCode::TRB_ERROR);
        }
        match self.slots.enable(cx.max_slots_enabled) {
            Some(slot) => Report::of(CompletionCode::SUCCESS, slot),
            None => Report::plain(CompletionCode::NO_SLOTS_AVAILABLE_ERROR),
        }
    }

    /// Disable Slot. xHCI 1.2 §4.6.4.
    pub(super) fn disable_slot<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
    ) -> Result<Wait, HostError> {
        self.rest_then(cx, After::Disable { slot }, Ending::Drop)
    }

    pub(super) fn finish_disable<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        id: SlotId,
    ) -> Result<Wait, HostError> {
        if let Some(slot) = self.slots.get_mut(id)
            && slot.attachment.is_some()
        {
            let context = slot.context.with_slot_state(SlotState::DisabledOrEnabled);
            contexts::write_slot(cx, slot.output, &context)?;
        }
        self.slots.disable(id);
        Ok(Report::of(CompletionCode::SUCCESS, id))
    }

    /// Reset Device: software has reset the device, and the slot follows. xHCI 1.2 §4.6.11.
    pub(super) fn reset_device<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
    ) -> Result<Wait, HostError> {
        self.rest_then(cx, After::ResetDevice { slot }, Ending::Drop)
    }

    pub(super) fn finish_reset_device<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        id: SlotId,
    ) -> Result<Wait, HostError> {
        self.disable_endpoints(cx, id, !Dci::CONTROL.flag())?;
        if let Some(slot) = self.slots.get_mut(id) {
            slot.phase = SlotPhase::Default;
            slot.address = 0;
            slot.context = slot
                .context
                .with_slot_state(SlotState::Default)
                .with_usb_device_address(0)
                .with_context_entries(1);
            contexts::write_slot(cx, slot.output, &slot.context)?;
        }
        if let Some(bench) = self.bench(cx, id, Dci::CONTROL) {
            let (place, endpoint) = (bench.place, bench.endpoint);
            endpoint.state = EndpointState::Running;
            endpoint.host.sequence = 0;
            contexts::write_dequeue(bench.cx, place.output, place.dci, &endpoint.ring)?;
            let (state, context) = (endpoint.state, &endpoint.context);
            contexts::write_state(bench.cx, place.output, place.dci, context, state)?;
        }
        Ok(Report::of(CompletionCode::SUCCESS, id))
    }

    /// Takes endpoints away that have come to rest, and says so in their contexts.
    pub(super) fn disable_endpoints<M: Memory<Slice = S>>(
        &mut self,
        cx: &Context<'_, M>,
        id: SlotId,
        flags: u32,
    ) -> Result<(), HostError> {
        let Some(slot) = self.slots.get_mut(id) else {
            return Ok(());
        };
        for dci in Dci::all().filter(|dci| flags & dci.flag() != 0) {
            let Some(endpoint) = slot.endpoint(dci) else {
                continue;
            };
            let disabled = EndpointState::Disabled;
            contexts::write_state(cx, slot.output, dci, &endpoint.context, disabled)?;
            slot.set_endpoint(dci, None);
        }
        Ok(())
    }

    /// Get Port Bandwidth: a byte for each port, in percent, behind a reserved one. xHCI 1.2 §4.6.15, §6.2.6.
    ///
    /// Only the root hub's ports are counted; asking about another hub is a Parameter Error.
    pub(super) fn get_port_bandwidth<M: Memory<Slice = S>>(
        &mut self,
        cx: &Context<'_, M>,
        into: Iova,
        speed: SpeedId,
        hub: Option<SlotId>,
    ) -> Result<Wait, HostError> {
        let wait = |code| Wait::Report(Report { code, slot: hub });
        if let Some(hub) = hub {
            let code = match self.slots.phase(hub) {
                _ if hub.get() > cx.max_slots_enabled => CompletionCode::TRB_ERROR,
                SlotPhase::Disabled => CompletionCode::SLOT_NOT_ENABLED_ERROR,
                SlotPhase::Enabled
                | SlotPhase::Default
                | SlotPhase::Addressed
                | SlotPhase::Configured => CompletionCode::PARAMETER_ERROR,
            };
            return Ok(wait(code));
        }
        let Some(speed) = speed_of(speed) else {
            return Ok(wait(CompletionCode::PARAMETER_ERROR));
        };
        let mut percent = [0; 256];
        let ports = (1..=u8::MAX).zip(cx.options.port_protocols());
        for (place, (number, protocol)) in percent.iter_mut().skip(1).zip(ports) {
            if let Some(port) = PortId::new(number).filter(|_| protocol == protocol_of(speed)) {
                *place = bandwidth::percent_left(speed, self.held_on(port, speed, None));
            }
        }
        let len = usize::from(cx.ports.count()) + 1;
        let slice = cx
            .memory
            .exact(cx.address(into), len, Direction::DeviceWrites)?;
        let percent = percent.get(..len).unwrap_or(&percent);
        slice.write(0, percent).map_err(|_| HostError::System)?;
        Ok(wait(CompletionCode::SUCCESS))
    }

    /// Bandwidth that the periodic endpoints of a port hold, but for one slot's.
    pub(super) fn held_on(&self, port: PortId, speed: Speed, but: Option<SlotId>) -> u32 {
        let mut held: u32 = 0;
        for (id, slot) in self.slots.iter() {
            let here = slot
                .attachment
                .is_some_and(|at| at.port == port && at.speed == speed);
            if !here || but == Some(id) {
                continue;
            }
            let endpoints = Dci::all().filter_map(|dci| slot.endpoint(dci));
            held = endpoints.fold(held, |held, endpoint| held.saturating_add(endpoint.load));
        }
        held
    }
}
