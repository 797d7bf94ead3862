//! What belongs to a device in memory: contexts filled for commands, rings for its endpoints, and the lanes that carry them.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use memory::Slice;
use usb_spec::endpoint::TransferKind;
use usb_spec::time::Instant;
use xhci_hal::{Dma, DmaBuffer};
use xhci_ring::link::{Producer, RingKind};
use xhci_spec::context::{InputControlContext, SlotContext};
use xhci_spec::number::{Dci, InterrupterId, Iova, SlotId, SpeedId};
use xhci_spec::trb::Trb;

use crate::context::{DeviceContexts, array_entry};
use crate::control::Control;
use crate::device::{Device, DeviceInfo};
use crate::job::JobId;
use crate::{
    Buffer, EndpointInfo, EndpointKey, EndpointSetup, Hal, OperationError, ToLane, TransferError,
};

/// No ring segment crosses a multiple of this. xHCI 1.2 Table 6-1.
pub(crate) const RING_BORDER: u64 = 64 * 1024;

impl<H: Hal> Device<H> {
    pub(crate) fn new(
        info: DeviceInfo,
        speed_id: SpeedId,
        contexts: DeviceContexts<H>,
        buffer: Buffer<H>,
        job: JobId,
    ) -> Self {
        Self {
            info,
            speed_id,
            contexts,
            buffer: Some(buffer),
            lanes: BTreeMap::new(),
            control_dequeue: None,
            opening: Vec::new(),
            job: Some(job),
            hub_job: None,
            queue: VecDeque::new(),
            leaving: false,
            announced: false,
        }
    }

    fn slot_context(&self, entries: u8) -> SlotContext {
        let mut context = SlotContext::default()
            .with_route_string(self.info.place.route)
            .with_speed(self.speed_id)
            .with_root_hub_port(Some(self.info.place.port))
            .with_context_entries(entries);
        if let Some(translator) = self.info.translator {
            context = context
                .with_tt_hub_slot(Some(translator.at.hub))
                .with_tt_port(translator.at.port)
                .with_multi_tt(translator.multi);
        }
        if let Some(hub) = self.info.hub {
            context = context
                .with_hub(true)
                .with_number_of_ports(hub.ports)
                .with_tt_think_time(hub.think_time)
                .with_multi_tt(hub.multi_tt);
        }
        context
    }
}

impl<H: Hal> Control<H> {
    // ── Commands' input ────────────────────────────────────────────────────────────────────────────────────────────────

    /// Fills the input context of Address Device: slot and control endpoint. xHCI 1.2 §4.3.3.
    pub(crate) fn introduce(&mut self, slot: SlotId, now: Instant) -> Result<Iova, OperationError> {
        if self.device_mut(slot)?.control_dequeue.is_none() {
            self.open_control(slot, now)?;
        }
        let device = self.device_mut(slot)?;
        let (dequeue, cycle) = device.control_dequeue.ok_or(OperationError::NoDevice)?;
        let max_packet = device.info.speed.default_ep0_max_packet_size();
        let control = InputControlContext::default()
            .with_add_flags(InputControlContext::SLOT | Dci::CONTROL.flag());
        device.contexts.begin(control, Some(device.slot_context(1)));
        device.contexts.set_endpoint(
            Dci::CONTROL,
            EndpointInfo::control(max_packet).context(dequeue, cycle),
        );
        let input = device.contexts.input_at();
        let key = EndpointKey {
            slot,
            dci: Dci::CONTROL,
        };
        self.tell_lane(InterrupterId(0), ToLane::MaxPacket { key, max_packet }, now);
        Ok(input)
    }

    /// Fills the input context of Evaluate Context: the control endpoint's packet size. xHCI 1.2 §4.6.7, §6.2.3.3.
    pub(crate) fn describe_packet_size(
        &mut self,
        slot: SlotId,
        max_packet: u16,
        now: Instant,
    ) -> Iova {
        let key = EndpointKey {
            slot,
            dci: Dci::CONTROL,
        };
        self.tell_lane(InterrupterId(0), ToLane::MaxPacket { key, max_packet }, now);
        let Ok(device) = self.device_mut(slot) else {
            return Iova(0);
        };
        let control = InputControlContext::default().with_add_flags(Dci::CONTROL.flag());
        device.contexts.begin(control, None);
        let context = EndpointInfo::control(max_packet).context(Iova(0), false);
        device.contexts.set_endpoint(Dci::CONTROL, context);
        device.contexts.input_at()
    }

    /// Fills the input context of Configure Endpoint with every endpoint of the active configuration, and prepares their rings.
    pub(crate) fn describe_configuration(
        &mut self,
        slot: SlotId,
        _: Instant,
    ) -> Result<Iova, OperationError> {
        let policy = self.policy.clone();
        let device = self.device_mut(slot)?;
        let speed = device.info.speed;
        let mut endpoints = Vec::new();
        if let Some(configuration) = device.info.configuration() {
            for interface in configuration.interfaces() {
                let setting = device
                    .info
                    .alternates
                    .get(&interface.number)
                    .copied()
                    .unwrap_or(0);
                let alternate = interface
                    .alternate(setting)
                    .or_else(|| interface.default_alternate());
                let views = alternate.iter().flat_map(|alternate| alternate.endpoints());
                endpoints.extend(
                    views.filter_map(|view| EndpointInfo::from_descriptor(&view, speed, &policy)),
                );
            }
        }
        self.describe_endpoints(slot, &[], &endpoints)
    }

    /// Fills the input context of Configure Endpoint: these go, those come. xHCI 1.2 §4.6.6, §6.2.2.2, §6.2.3.2.
    pub(crate) fn describe_endpoints(
        &mut self,
        slot: SlotId,
        drop: &[Dci],
        add: &[EndpointInfo],
    ) -> Result<Iova, OperationError> {
        let mut opening = Vec::new();
        for info in add
            .iter()
            .filter(|info| info.kind != TransferKind::Isochronous)
        {
            // A descriptor may name an endpoint twice; the first counts.
            if opening
                .iter()
                .any(|(_, known, _): &Opening<H>| known.dci == info.dci)
            {
                continue;
            }
            let lane = self.choose_lane(slot);
            opening.push((lane, *info, self.make_ring()?));
        }
        let device = self.device_mut(slot)?;
        let kept = device
            .info
            .endpoints
            .iter()
            .map(|endpoint| endpoint.dci)
            .filter(|dci| !drop.contains(dci));
        let added = opening.iter().map(|(_, info, _)| info.dci);
        let last = kept.chain(added).max().unwrap_or(Dci::CONTROL);
        let flags =
            |dcis: &mut dyn Iterator<Item = Dci>| dcis.fold(0, |flags, dci| flags | dci.flag());
        let add_flags = flags(&mut opening.iter().map(|(_, info, _)| info.dci));
        let control = InputControlContext::default()
            .with_drop_flags(flags(&mut drop.iter().copied()))
            .with_add_flags(InputControlContext::SLOT | add_flags);
        device
            .contexts
            .begin(control, Some(device.slot_context(last.get())));
        for (_, info, ring) in &mut opening {
            let (dequeue, cycle) = ring.enqueue();
            device
                .contexts
                .set_endpoint(info.dci, info.context(dequeue, cycle));
        }
        device.opening = opening;
        Ok(device.contexts.input_at())
    }

    /// Fills the input context of Configure Endpoint that tells of a hub; no endpoint changes. xHCI 1.2 §4.6.6, §6.2.2.2.
    pub(crate) fn describe_hub(&mut self, slot: SlotId) -> Result<Iova, OperationError> {
        let device = self.device_mut(slot)?;
        let open = device.info.endpoints.iter().map(|info| info.dci);
        let last = open.max().unwrap_or(Dci::CONTROL);
        let control = InputControlContext::default().with_add_flags(InputControlContext::SLOT);
        device
            .contexts
            .begin(control, Some(device.slot_context(last.get())));
        Ok(device.contexts.input_at())
    }

    /// Fills the input context of Configure Endpoint so that it drops and adds one endpoint: its toggle begins anew, nothing else changes.
    pub(crate) fn describe_again(
        &mut self,
        key: EndpointKey,
        dequeue: Iova,
        cycle: bool,
    ) -> Result<Iova, OperationError> {
        let device = self.device_mut(key.slot)?;
        let known = device.info.endpoints.iter();
        let info = known
            .clone()
            .find(|info| info.dci == key.dci)
            .copied()
            .ok_or(OperationError::NoSuchThing)?;
        let last = known.map(|info| info.dci).max().unwrap_or(Dci::CONTROL);
        let control = InputControlContext::default()
            .with_drop_flags(key.dci.flag())
            .with_add_flags(InputControlContext::SLOT | key.dci.flag());
        device
            .contexts
            .begin(control, Some(device.slot_context(last.get())));
        device
            .contexts
            .set_endpoint(key.dci, info.context(dequeue, cycle));
        Ok(device.contexts.input_at())
    }

    // ── Rings and lanes ────────────────────────────────────────────────────────────────────────────────────────────────

    fn make_ring(&self) -> Result<Producer<Buffer<H>>, OperationError> {
        let bytes = usize::from(self.policy.segment_trbs) * Trb::SIZE;
        let segment = self
            .dma
            .alloc(bytes, 64, self.limit.within(RING_BORDER))
            .map_err(|_| OperationError::NoMemory)?;
        Producer::new(RingKind::Transfer, [segment]).map_err(|_| OperationError::NoMemory)
    }

    /// Bulk and interrupt endpoints take turns on the lanes behind the first.
    fn choose_lane(&mut self, slot: SlotId) -> InterrupterId {
        let others = self.interrupters.saturating_sub(1);
        // A hub's status changes are the driver's own affair, and come to where it is.
        let hub = self
            .devices
            .get(&slot)
            .is_some_and(|device| device.info.is_hub());
        if others == 0 || hub {
            return InterrupterId(0);
        }
        self.next_lane = (self.next_lane + 1) % others;
        InterrupterId(self.next_lane + 1)
    }

    fn open_control(&mut self, slot: SlotId, now: Instant) -> Result<(), OperationError> {
        let mut ring = self.make_ring()?;
        let dequeue = ring.enqueue();
        let device = self.device_mut(slot)?;
        device.control_dequeue = Some(dequeue);
        let info = EndpointInfo::control(device.info.speed.default_ep0_max_packet_size());
        self.open(slot, InterrupterId(0), info, ring, now)
    }

    fn open(
        &mut self,
        slot: SlotId,
        lane: InterrupterId,
        info: EndpointInfo,
        ring: Producer<Buffer<H>>,
        now: Instant,
    ) -> Result<(), OperationError> {
        let segment_trbs = u32::from(self.policy.segment_trbs);
        let device = self.device_mut(slot)?;
        let context = device
            .contexts
            .endpoint_output(info.dci)
            .ok_or(OperationError::NoSuchThing)?;
        device.lanes.insert(info.dci, lane);
        let setup = EndpointSetup {
            key: EndpointKey {
                slot,
                dci: info.dci,
            },
            kind: info.kind,
            direction: info.direction(),
            max_packet: info.max_packet,
            burst_z: info.burst_z,
            interrupter: lane,
            segment_trbs,
            ring,
            context,
        };
        self.tell_lane(lane, ToLane::Open(Box::new(setup)), now);
        Ok(())
    }

    /// The endpoints that the last Configure Endpoint added are handed to their lanes.
    pub(crate) fn open_endpoints(&mut self, slot: SlotId, now: Instant) {
        let Ok(device) = self.device_mut(slot) else {
            return;
        };
        for (lane, info, ring) in core::mem::take(&mut device.opening) {
            if let Ok(device) = self.device_mut(slot) {
                device.info.endpoints.push(info);
            }
            // The device is there: it was found above.
            let _ = self.open(slot, lane, info, ring, now);
        }
    }

    /// The control endpoint's address is given: its transfers may run (again).
    pub(crate) fn control_opened(&mut self, slot: SlotId, now: Instant) {
        let key = EndpointKey {
            slot,
            dci: Dci::CONTROL,
        };
        self.tell_lane(InterrupterId(0), ToLane::Reopen { key }, now);
    }

    /// Empties and stops every endpoint of a device; says which will answer.
    pub(crate) fn flush_device(
        &mut self,
        slot: SlotId,
        error: TransferError,
        now: Instant,
    ) -> BTreeSet<Dci> {
        self.tell_lanes(slot, |_| true, |key| ToLane::Flush { key, error }, now)
    }

    /// Forgets every endpoint but the control endpoint; says which will answer.
    pub(crate) fn close_endpoints(
        &mut self,
        slot: SlotId,
        error: TransferError,
        now: Instant,
    ) -> BTreeSet<Dci> {
        let count = self.tell_lanes(
            slot,
            |dci| dci != Dci::CONTROL,
            |key| ToLane::Close { key, error },
            now,
        );
        if let Ok(device) = self.device_mut(slot) {
            device.lanes.retain(|dci, _| *dci == Dci::CONTROL);
            device.info.endpoints.clear();
        }
        count
    }

    /// Forgets the control endpoint; says whether it will answer.
    pub(crate) fn close_control(
        &mut self,
        slot: SlotId,
        error: TransferError,
        now: Instant,
    ) -> bool {
        self.tell_lanes(
            slot,
            |dci| dci == Dci::CONTROL,
            |key| ToLane::Close { key, error },
            now,
        )
        .contains(&Dci::CONTROL)
    }

    /// Forgets some endpoints; says which will answer.
    pub(crate) fn close_some(
        &mut self,
        slot: SlotId,
        dcis: &[Dci],
        error: TransferError,
        now: Instant,
    ) -> BTreeSet<Dci> {
        let count = self.tell_lanes(
            slot,
            |dci| dcis.contains(&dci),
            |key| ToLane::Close { key, error },
            now,
        );
        if let Ok(device) = self.device_mut(slot) {
            device.lanes.retain(|dci, _| !dcis.contains(dci));
            device
                .info
                .endpoints
                .retain(|info| !dcis.contains(&info.dci));
        }
        count
    }

    pub(crate) fn tell_lanes(
        &mut self,
        slot: SlotId,
        chosen: impl Fn(Dci) -> bool,
        message: impl Fn(EndpointKey) -> ToLane<H>,
        now: Instant,
    ) -> BTreeSet<Dci> {
        let lanes = self
            .devices
            .get(&slot)
            .map(|device| device.lanes.clone())
            .unwrap_or_default();
        let mut told = BTreeSet::new();
        for (dci, lane) in lanes.into_iter().filter(|(dci, _)| chosen(*dci)) {
            self.tell_lane(lane, message(EndpointKey { slot, dci }), now);
            told.insert(dci);
        }
        told
    }

    /// The slot is disabled and nothing refers to it: its memory goes.
    pub(crate) fn forget_slot(&mut self, slot: SlotId) {
        self.set_array_entry(slot, Iova(0));
        self.devices.remove(&slot);
    }

    /// Tells the controller where a slot's output context lies. xHCI 1.2 §6.1.
    pub(crate) fn set_array_entry(&mut self, slot: SlotId, at: Iova) {
        let stored = self.array.slice().store64(array_entry(slot), at.0);
        debug_assert!(stored.is_ok(), "the array has an entry for every slot");
    }

    pub(crate) fn device_mut(&mut self, slot: SlotId) -> Result<&mut Device<H>, OperationError> {
        self.devices.get_mut(&slot).ok_or(OperationError::NoDevice)
    }
}

/// An endpoint that a Configure Endpoint under way adds.
pub(crate) type Opening<H> = (InterrupterId, EndpointInfo, Producer<Buffer<H>>);

/// Where an array of addresses needs to lie and how long it is, in bytes. xHCI 1.2 §6.1, §6.6.
pub(crate) fn address_array_bytes(entries: usize) -> usize {
    entries * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_has_eight_bytes_an_entry() {
        let last = SlotId::new(255).unwrap();
        assert_eq!(array_entry(last) + 8, address_array_bytes(256));
    }
}
