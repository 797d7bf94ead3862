//! What is behind the doorbells: the command ring, the slots, and a list of endpoints that have something to do.

mod desk;
mod worklist;

use memory::{Memory, Slice};
use usb_model::{Completion, Output};
use usb_spec::time::Instant;
use xhci_spec::number::{Dci, InterrupterId, Iova, PortId, RouteString, SlotId};
use xhci_spec::state::SlotPhase;
use xhci_spec::trb::{CompletionCode, Event};

pub use desk::Counters;
pub(crate) use desk::Desk;
use worklist::Worklist;

use crate::command::CommandRing;
use crate::context::{Context, HostError};
use crate::endpoint::{Ending, Endpoint};
use crate::interrupter::Posted;
use crate::options::Options;
use crate::port::Ports;
use crate::slot::Slots;
use crate::transfer::{Bench, Served};
use xhci_spec::context::EndpointState;

/// Endpoints served in one call: as many as there can be.
const TURNS_MAX: u32 = 255 * 31;

/// The machinery behind the doorbells.
#[derive(Debug)]
pub(crate) struct Engine<S: Slice> {
    pub(crate) slots: Slots,
    pub(crate) desk: Desk<S>,
    pub(crate) commands: CommandRing,
    /// Doorbells that software rang.
    rung: Worklist,
    /// Endpoints that can go on by themselves.
    ready: Worklist,
    /// Endpoints that wait for room on an event ring or for their port to resume: looked at once in each service.
    held: Worklist,
    /// Where the next round begins, if the last one ran out of budget.
    served: Option<(SlotId, Dci)>,
    running: bool,
    /// R/S became 0, and requests are still to be taken back.
    pausing: bool,
}

impl<S: Slice> Engine<S> {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            slots: Slots::new(options.max_slots),
            desk: Desk::new(),
            commands: CommandRing::new(options.addressing_64),
            rung: Worklist::default(),
            ready: Worklist::default(),
            held: Worklist::default(),
            served: None,
            running: false,
            pausing: false,
        }
    }

    /// HCRST: everything is forgotten, and every request taken back. xHCI 1.2 §5.4.1. What a worker still has keeps
    /// [`is_quiet`](Self::is_quiet) false until it comes back.
    pub(crate) fn reset(&mut self, ports: &mut Ports<S>) {
        for (id, slot) in self.slots.iter_mut() {
            for dci in Dci::all() {
                let Some(place) = slot.place(id, dci) else {
                    break;
                };
                let Some(endpoint) = slot.endpoint_mut(dci) else {
                    continue;
                };
                for td in endpoint.tds.iter().rev().filter(|td| td.is_held()) {
                    let device = ports.device(place.port, place.route);
                    let cancelled = device.map(|device| device.cancel(td.token));
                    self.desk.abandon(cancelled, place.port, td.token);
                }
            }
        }
        self.commands.reset(ports, &mut self.desk);
        self.slots.clear();
        self.rung.clear();
        self.ready.clear();
        self.held.clear();
        self.running = false;
        self.pausing = false;
    }

    /// Whether no device and no worker can touch guest memory, and no command is about to.
    pub(crate) fn is_quiet(&self) -> bool {
        // What waits for room on an event ring may wait for ever.
        let ending = self.commands.is_about_to_end() && self.held.is_empty();
        self.desk.held == 0 && !self.pausing && !ending
    }

    /// R/S became 1: running endpoints go on where they were.
    pub(crate) fn start(&mut self) {
        self.running = true;
        self.pausing = false;
        self.commands.start();
        for (id, slot) in self.slots.iter() {
            for dci in Dci::all().filter(|dci| slot.endpoint(*dci).is_some()) {
                self.ready.insert(id, dci);
            }
        }
    }

    /// R/S became 0. xHCI 1.2 §5.4.1.1.
    pub(crate) fn stop(&mut self) {
        self.running = false;
        self.pausing = true;
        self.commands.stop();
    }

    /// All 64 bits of a write of CRCR. xHCI 1.2 §5.4.5.
    pub(crate) fn write_crcr(&mut self, value: u64) {
        self.commands.write(value);
    }

    /// CRR.
    pub(crate) fn command_ring_running(&self) -> bool {
        self.commands.is_running()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.desk.counters
    }

    /// Notes a doorbell. xHCI 1.2 §4.7, §5.6.
    pub(crate) fn doorbell(&mut self, number: u8, target: u8, stream: u16) {
        let known = match (SlotId::new(number), Dci::new(target)) {
            (None, _) => target == 0 && self.commands.ring_doorbell(),
            (Some(slot), Some(dci)) if stream == 0 => {
                self.rung.insert(slot, dci);
                true
            }
            (Some(_), _) => false,
        };
        self.desk.counters.doorbells += 1;
        self.desk.counters.doorbells_ignored += u64::from(!known);
    }

    /// Works: the command in progress, then commands, then endpoints. True if it could go on at once.
    pub(crate) fn service<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        budget: &mut u32,
    ) -> bool {
        match self.work(cx, budget) {
            Ok(more) => more,
            Err(error) => {
                cx.fail(error);
                false
            }
        }
    }

    fn work<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        budget: &mut u32,
    ) -> Result<bool, HostError> {
        if self.pausing {
            self.pause(cx)?;
        }
        let mut last = None;
        // In order, so that what is held again is not met again.
        while let Some((slot, dci)) = self.held.after(last) {
            last = Some((slot, dci));
            self.held.remove(slot, dci);
            self.advance(cx, slot, dci)?;
        }
        let more = self.serve_commands(cx, budget)?;
        if !self.running {
            return Ok(more);
        }
        Ok(self.serve_endpoints(cx, budget)? | more)
    }

    fn serve_endpoints<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        budget: &mut u32,
    ) -> Result<bool, HostError> {
        // One turn each, beginning behind the endpoint that was served last.
        let mut last = self.served;
        for _ in 0..TURNS_MAX {
            if *budget == 0 {
                break;
            }
            let next = earlier(self.rung.after(last), self.ready.after(last));
            let Some((slot, dci)) = next else {
                break;
            };
            last = next;
            let by_doorbell = self.rung.contains(slot, dci);
            self.rung.remove(slot, dci);
            self.ready.remove(slot, dci);
            let Some(mut bench) = self.bench(cx, slot, dci) else {
                self.ring_in_vain(cx, slot, dci, by_doorbell)?;
                continue;
            };
            match bench.serve(by_doorbell, budget)? {
                Served::Idle => {}
                Served::Again => self.ready.insert(slot, dci),
                Served::Held => self.held.insert(slot, dci),
            }
        }
        self.served = if *budget == 0 { last } else { None };
        Ok(!self.rung.is_empty() || !self.ready.is_empty())
    }

    /// A doorbell of something that is not enabled: a slot's is ignored, an endpoint's makes an event. xHCI 1.2 §4.7 (unchecked).
    fn ring_in_vain<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
        dci: Dci,
        by_doorbell: bool,
    ) -> Result<(), HostError> {
        if !by_doorbell {
            return Ok(());
        }
        self.desk.counters.doorbells_ignored += 1;
        if matches!(
            self.slots.phase(slot),
            SlotPhase::Disabled | SlotPhase::Enabled
        ) {
            return Ok(());
        }
        let event = Event::Transfer {
            trb: Iova(0),
            residue: 0,
            code: CompletionCode::ENDPOINT_NOT_ENABLED_ERROR,
            endpoint: Some(dci),
            slot: Some(slot),
            event_data: false,
        };
        // "Should" is all that is asked for: without room it is dropped.
        let _: Posted = cx
            .interrupters
            .post(cx.memory, InterrupterId(0), event, false)?;
        Ok(())
    }

    /// A device's answer.
    pub(crate) fn output<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        port: PortId,
        _route: RouteString,
        output: Output<S>,
    ) {
        let Output::Completion(completion) = output else {
            return;
        };
        if let Err(error) = self.complete(cx, port, completion) {
            cx.fail(error);
        }
    }

    fn complete<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        port: PortId,
        completion: Completion<S>,
    ) -> Result<(), HostError> {
        let token = completion.token;
        if self.desk.forget(port, token) || self.commands.settle(&completion, &mut self.desk) {
            self.desk.give_buffers(completion.buffers);
            return Ok(());
        }
        let (slot, dci) = Desk::<S>::owner(token);
        let (Some(slot), Some(dci)) = (slot, dci) else {
            return Ok(());
        };
        let Some(mut bench) = self
            .bench(cx, slot, dci)
            .filter(|bench| bench.place.port == port)
        else {
            return Ok(());
        };
        if bench.settle(completion, false) {
            self.advance(cx, slot, dci)?;
        }
        Ok(())
    }

    /// The device of a port is gone, or about to be reset: its requests end without an answer.
    pub(crate) fn port_gone<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        port: PortId,
    ) {
        self.commands.lose_device(cx.ports, port, &mut self.desk);
        if let Err(error) = self.lose_device(cx, port) {
            cx.fail(error);
        }
    }

    fn lose_device<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        port: PortId,
    ) -> Result<(), HostError> {
        for slot in (1..=u8::MAX).filter_map(SlotId::new) {
            let attachment = self.slots.get(slot).and_then(|slot| slot.attachment);
            if attachment.is_none_or(|attachment| attachment.port != port) {
                continue;
            }
            for dci in Dci::all() {
                let Some(mut bench) = self.bench(cx, slot, dci) else {
                    continue;
                };
                if bench.endpoint.is_busy() && !bench.lose_device()? {
                    self.held.insert(slot, dci);
                }
            }
        }
        // Without a device nobody will answer any more.
        if cx.ports.device(port, RouteString::ROOT).is_none() {
            self.desk.forget_port(port);
        }
        Ok(())
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        None
    }

    /// Takes an endpoint's requests back; true when it has come to rest.
    pub(crate) fn begin_ending<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
        dci: Dci,
        ending: Ending,
    ) -> Result<(), HostError> {
        // Doorbells rung before the command count as rung before.
        self.rung.remove(slot, dci);
        self.ready.remove(slot, dci);
        let Some(mut bench) = self.bench(cx, slot, dci) else {
            return Ok(());
        };
        if !bench.begin(ending)? {
            self.held.insert(slot, dci);
        }
        Ok(())
    }

    /// Whether an endpoint has come to rest; one that does not exist has.
    pub(crate) fn is_at_rest(&self, slot: SlotId, dci: Dci) -> bool {
        self.endpoint(slot, dci)
            .is_none_or(|endpoint| endpoint.ending.is_none())
    }

    pub(crate) fn endpoint(&self, slot: SlotId, dci: Dci) -> Option<&Endpoint> {
        self.slots.get(slot)?.endpoint(dci)
    }

    /// Goes on with an endpoint after something came back, or room was made.
    fn advance<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
        dci: Dci,
    ) -> Result<(), HostError> {
        let Some(mut bench) = self.bench(cx, slot, dci) else {
            return Ok(());
        };
        if !bench.advance()? {
            self.held.insert(slot, dci);
        } else if bench.endpoint.ending.is_none() && bench.endpoint.state == EndpointState::Running
        {
            self.ready.insert(slot, dci);
        }
        Ok(())
    }

    /// R/S = 0: what devices have is taken back, and comes again after the next start.
    fn pause<M: Memory<Slice = S>>(&mut self, cx: &mut Context<'_, M>) -> Result<(), HostError> {
        self.pausing = false;
        for slot in (1..=u8::MAX).filter_map(SlotId::new) {
            if self.slots.get(slot).is_none() {
                continue;
            }
            for dci in Dci::all() {
                let Some(mut bench) = self.bench(cx, slot, dci) else {
                    continue;
                };
                if bench.can_pause() && !bench.begin(Ending::Pause)? {
                    self.held.insert(slot, dci);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn bench<'e, 'c, M: Memory<Slice = S>>(
        &'e mut self,
        cx: &'e mut Context<'c, M>,
        slot: SlotId,
        dci: Dci,
    ) -> Option<Bench<'e, 'c, M>> {
        let found = self.slots.get_mut(slot)?;
        let place = found.place(slot, dci)?;
        let endpoint = found.endpoint_mut(dci)?;
        Some(Bench {
            cx,
            desk: &mut self.desk,
            place,
            endpoint,
        })
    }
}

/// The one that comes first in order of slot and DCI.
fn earlier(a: Option<(SlotId, Dci)>, b: Option<(SlotId, Dci)>) -> Option<(SlotId, Dci)> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
