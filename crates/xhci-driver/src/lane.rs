//! One interrupter's worth of the driver: its event ring, and the endpoints whose events go there.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::fmt;

use usb_spec::time::Instant;
use xhci_hal::{DmaLimit, Mmio};
use xhci_ring::event::EventConsumer;
use xhci_spec::number::{InterrupterId, Iova};
use xhci_spec::registers::{Erdp, Iman, Register};
use xhci_spec::trb::{Event, Trb};

use crate::endpoint::{Context, Endpoint, TransferEvent};
use crate::{
    Buffer, EndpointKey, Hal, Policy, ToControl, ToLane, TransferDone, TransferError, TransferId,
    TransferRequest,
};

/// How many events one poll takes before it returns, so that a controller that never stops writing cannot keep the thread.
const EVENTS_PER_POLL: usize = 1024;

/// After how many events the dequeue pointer is handed back in the middle of a poll, so that the ring does not run full.
const EVENTS_PER_ACKNOWLEDGE: usize = 64;

/// What a lane is made of.
pub struct LaneSetup<H: Hal> {
    /// Which interrupter.
    pub interrupter: InterrupterId,
    /// The controller's registers.
    pub mmio: H::Mmio,
    /// Where the doorbell array begins in them.
    pub doorbells: u32,
    /// Where this interrupter's register set begins in them.
    pub registers: u32,
    /// Its event ring, already programmed.
    pub events: EventConsumer<Buffer<H>>,
    /// Memory for rings that grow.
    pub dma: H::Dma,
    /// Where the controller can reach it.
    pub limit: DmaLimit,
    /// The knobs.
    pub policy: Policy,
}

impl<H: Hal> fmt::Debug for LaneSetup<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneSetup")
            .field("interrupter", &self.interrupter)
            .finish_non_exhaustive()
    }
}

/// Where an event ring lies when it is new.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventRing {
    pub(crate) interrupter: InterrupterId,
    /// Its segment table, and how many segments that has.
    pub(crate) table: Iova,
    pub(crate) segments: u16,
    /// The first event.
    pub(crate) dequeue: Iova,
}

/// One event ring, the transfer rings of the endpoints assigned to it, and the transfers on them.
pub struct Lane<H: Hal> {
    setup: LaneSetup<H>,
    endpoints: BTreeMap<EndpointKey, Endpoint<H>>,
    scratch: Vec<Trb>,
    done: VecDeque<TransferDone<Buffer<H>>>,
    to_control: VecDeque<ToControl>,
    /// No deadline of any endpoint is earlier; `None` when there is none.
    earliest: Option<Instant>,
    /// When the ring is looked at although no interrupt came.
    look_again: Instant,
    counters: LaneCounters,
}

/// What a lane has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneCounters {
    /// Events taken from the ring.
    pub events: u64,
    /// Transfer events that name no transfer: duplicates, late ones, a controller's mistakes.
    pub stray_events: u64,
    /// Soft retries asked for.
    pub soft_retries: u64,
}

impl<H: Hal> fmt::Debug for Lane<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("interrupter", &self.setup.interrupter)
            .field("endpoints", &self.endpoints.len())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl<H: Hal> Lane<H> {
    /// A lane without endpoints.
    #[must_use]
    pub fn new(setup: LaneSetup<H>) -> Self {
        Self {
            setup,
            endpoints: BTreeMap::new(),
            scratch: Vec::new(),
            done: VecDeque::new(),
            to_control: VecDeque::new(),
            earliest: None,
            look_again: Instant::START,
            counters: LaneCounters::default(),
        }
    }

    /// Which interrupter this is.
    #[must_use]
    pub fn interrupter(&self) -> InterrupterId {
        self.setup.interrupter
    }

    /// Its event ring, as the controller is to be told before it runs.
    pub(crate) fn event_ring(&self) -> EventRing {
        let (table, segments) = self.setup.events.erst();
        EventRing {
            interrupter: self.setup.interrupter,
            table,
            segments,
            dequeue: self.setup.events.dequeue().0,
        }
    }

    /// What it has seen so far.
    #[must_use]
    pub fn counters(&self) -> LaneCounters {
        self.counters
    }

    /// How many transfers have been submitted and not yet come back.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.endpoints.values().map(Endpoint::in_flight).sum()
    }

    /// Begins a transfer. It always comes back through [`poll_done`](Self::poll_done), whatever becomes of it.
    pub fn submit(&mut self, request: TransferRequest<Buffer<H>>, now: Instant) {
        self.earliest = Instant::earlier(self.earliest, request.deadline);
        if self.in_flight() == 0 {
            self.look_again = now + self.setup.policy.watchdog;
        }
        let key = request.endpoint;
        if let Some((endpoint, mut context)) = self.endpoint(key, now) {
            endpoint.submit(request, &mut context);
        } else {
            self.done.push_back(request.fail(TransferError::NotOpen, 0));
        }
    }

    /// Takes a transfer back. It comes back through [`poll_done`](Self::poll_done), cancelled or, if it was faster, done.
    pub fn cancel(&mut self, key: EndpointKey, id: TransferId, now: Instant) {
        if let Some((endpoint, mut context)) = self.endpoint(key, now) {
            endpoint.cancel(id, &mut context);
        }
    }

    /// Carries out what the control asks.
    pub fn control(&mut self, message: ToLane<H>, now: Instant) {
        // What the controller wrote before the control heard of a command's end comes first.
        self.drain(now);
        match message {
            ToLane::Open(setup) => self.open(*setup),
            ToLane::Close { key, error } => {
                if let Some(mut endpoint) = self.endpoints.remove(&key) {
                    endpoint.give_all_back(error, &mut self.done);
                }
                self.to_control.push_back(ToControl::Closed { key });
            }
            ToLane::Flush { key, error } => match self.endpoint(key, now) {
                Some((endpoint, mut context)) => endpoint.flush(error, &mut context),
                None => self.to_control.push_back(ToControl::Closed { key }),
            },
            ToLane::Reopen { key } => {
                if let Some((endpoint, mut context)) = self.endpoint(key, now) {
                    endpoint.reopen(&mut context);
                }
            }
            ToLane::Pause { key } => match self.endpoint(key, now) {
                Some((endpoint, mut context)) => endpoint.pause(&mut context),
                None => self.to_control.push_back(ToControl::Paused { key }),
            },
            ToLane::Unpause { key } => {
                if let Some((endpoint, mut context)) = self.endpoint(key, now) {
                    endpoint.unpause(&mut context);
                }
            }
            ToLane::KeepHalted { key } => {
                if let Some((endpoint, mut context)) = self.endpoint(key, now) {
                    endpoint.keep_halted(&mut context);
                }
            }
            ToLane::MaxPacket { key, max_packet } => {
                if let Some(endpoint) = self.endpoints.get_mut(&key) {
                    endpoint.set_max_packet(max_packet);
                }
            }
            ToLane::CommandEnded { key, result } => {
                if let Some((endpoint, mut context)) = self.endpoint(key, now) {
                    endpoint.command_ended(result, &mut context);
                }
            }
            ToLane::Died => {
                for endpoint in self.endpoints.values_mut() {
                    endpoint.die(&mut self.done);
                }
            }
        }
    }

    /// Takes what the controller has written, and gives up what has taken too long. Returns whether there was any event.
    pub fn poll(&mut self, now: Instant) -> bool {
        self.look_again = now + self.setup.policy.watchdog;
        let seen = self.drain(now);
        if self.earliest.is_some_and(|earliest| earliest <= now) {
            self.expire(now);
        }
        seen
    }

    /// The next transfer that has ended.
    pub fn poll_done(&mut self) -> Option<TransferDone<Buffer<H>>> {
        self.done.pop_front()
    }

    /// The next message for the control.
    pub fn poll_control(&mut self) -> Option<ToControl> {
        self.to_control.pop_front()
    }

    /// When [`poll`](Self::poll) is needed even without an interrupt; changes with every call that takes `&mut self`.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let look_again = (self.in_flight() > 0).then_some(self.look_again);
        Instant::earlier(self.earliest, look_again)
    }

    /// Whether something waits to be taken with `poll_done` or `poll_control`.
    pub(crate) fn has_output(&self) -> bool {
        !self.done.is_empty() || !self.to_control.is_empty()
    }

    fn open(&mut self, setup: crate::EndpointSetup<H>) {
        let key = setup.key;
        if let Some(mut old) = self.endpoints.insert(key, Endpoint::new(setup)) {
            old.give_all_back(TransferError::NotOpen, &mut self.done);
        }
    }

    fn endpoint(
        &mut self,
        key: EndpointKey,
        now: Instant,
    ) -> Option<(&mut Endpoint<H>, Context<'_, H>)> {
        let endpoint = self.endpoints.get_mut(&key)?;
        let context = Context {
            mmio: &self.setup.mmio,
            doorbells: self.setup.doorbells,
            dma: &self.setup.dma,
            limit: self.setup.limit,
            policy: &self.setup.policy,
            scratch: &mut self.scratch,
            done: &mut self.done,
            to_control: &mut self.to_control,
            counters: &mut self.counters,
            earliest: &mut self.earliest,
            now,
        };
        Some((endpoint, context))
    }

    fn drain(&mut self, now: Instant) -> bool {
        let mut taken = 0;
        while taken < EVENTS_PER_POLL {
            let Some(trb) = self.setup.events.pop() else {
                break;
            };
            taken += 1;
            self.event(trb, now);
            if taken % EVENTS_PER_ACKNOWLEDGE == 0 {
                self.acknowledge();
            }
        }
        if taken % EVENTS_PER_ACKNOWLEDGE != 0 {
            self.acknowledge();
        }
        self.counters.events += taken as u64;
        taken > 0
    }

    fn event(&mut self, trb: Trb, now: Instant) {
        let Event::Transfer {
            trb: at,
            residue,
            code,
            endpoint: dci,
            slot,
            event_data,
        } = Event::parse(trb)
        else {
            self.to_control.push_back(ToControl::Foreign(trb));
            return;
        };
        let key = EndpointKey::from_event(slot, dci).filter(|_| !event_data);
        let known = key
            .and_then(|key| self.endpoint(key, now))
            .map(|(endpoint, mut context)| {
                endpoint.event(TransferEvent { at, residue, code }, &mut context)
            });
        if known != Some(true) {
            self.counters.stray_events += 1;
        }
    }

    /// Tells the controller how far the ring has been read, and that the handler is done. xHCI 1.2 §4.17.2, §5.5.2.3.3.
    fn acknowledge(&mut self) {
        if self.setup.policy.clear_interrupt_pending {
            let pending = Iman::default()
                .with_interrupt_pending(true)
                .with_interrupt_enable(true);
            let register = self.setup.registers + Iman::OFFSET;
            self.setup.mmio.write32(register, pending.bits());
        }
        let (at, segment) = self.setup.events.dequeue();
        let erdp = Erdp::from_bits(0)
            .with_event_ring_dequeue_pointer(at)
            .with_dequeue_segment_index((segment & 7) as u8)
            .with_event_handler_busy(true)
            .bits();
        let register = self.setup.registers + Erdp::OFFSET;
        write64(
            &self.setup.mmio,
            register,
            erdp,
            self.setup.policy.high_half_first,
        );
    }

    fn expire(&mut self, now: Instant) {
        self.earliest = None;
        let mut earliest = None;
        let keys: Vec<EndpointKey> = self.endpoints.keys().copied().collect();
        for key in keys {
            if let Some((endpoint, mut context)) = self.endpoint(key, now) {
                endpoint.expire(&mut context);
                earliest = Instant::earlier(earliest, endpoint.next_deadline());
            }
        }
        self.earliest = Instant::earlier(self.earliest, earliest);
    }
}

/// Writes a 64-bit register as two dwords.
pub(crate) fn write64<M: Mmio>(mmio: &M, at: u32, value: u64, high_half_first: bool) {
    let low = (value & 0xffff_ffff) as u32;
    let high = (value >> 32) as u32;
    if high_half_first {
        mmio.write32(at + 4, high);
        mmio.write32(at, low);
    } else {
        mmio.write32(at, low);
        mmio.write32(at + 4, high);
    }
}
