//! A guest with a controller model in front of it: a piece of memory with rings and contexts in it, and hands that know how drivers do things.

use std::cell::OnceCell;
use std::time::Duration;

use memory::{Iova, Memory, Slice};
use usb_model::{UsbDevice, Work, WorkDone, WorkError};
use usb_spec::Instant;
use volmem::{Access, AddressSpace, Pages, Region, VolatileSlice};
use xhci_model::{Controller, Options, Progress, WorkKey};
use xhci_spec::context::{EndpointContext, EndpointType, InputControlContext, SlotContext};
use xhci_spec::number::{InterrupterId, PortId, SlotId, SpeedId};
use xhci_spec::registers::{high_half, low_half};
use xhci_spec::trb::{Command, Link, Trb};

/// The guest's memory, one piece.
pub(crate) const BASE: Iova = Iova(0x1_2340_0000);
pub(crate) const LEN: usize = 0xc000;
/// Where data goes.
pub(crate) const BUFFERS: Iova = Iova(BASE.0 + 0x8000);
pub(crate) const INPUT: Iova = Iova(BASE.0 + 0x2000);
const DCBAA: Iova = BASE;
const ERST: Iova = Iova(BASE.0 + 0x400);
const SCRATCHPADS: Iova = Iova(BASE.0 + 0x600);
const EVENTS: Iova = Iova(BASE.0 + 0x800);
const COMMANDS: Iova = Iova(BASE.0 + 0x1000);
const CONTEXTS: Iova = Iova(BASE.0 + 0x3000);
const TRANSFERS: Iova = Iova(BASE.0 + 0x6000);
const SCRATCH_PAGE: Iova = Iova(BASE.0 + 0xb000);

/// Slots and endpoints that have a ring here.
pub(crate) const SLOTS: u8 = 2;
pub(crate) const ENDPOINTS: u8 = 8;
const EVENT_TRBS: u64 = 32;
const RING_TRBS: u64 = 16;

/// Calls of `service` until the controller must be idle: enough for budgets of 16 over every TRB that fits the guest's memory.
const SERVICES_MAX: u32 = 4000;

/// Deadlines in a row that may lie in the past after all work was done: more is an owner that spins.
const SPINS_MAX: u32 = 64;

/// A ring as a driver writes it: one segment, a Link at its end.
#[derive(Clone, Copy, Debug)]
struct Ring {
    base: Iova,
    index: u64,
    cycle: bool,
}

/// Guest, controller, and the worker behind the controller.
pub(crate) struct Guest {
    pub(crate) controller: Controller<AddressSpace>,
    pub(crate) now: Instant,
    /// Work that was handed out and is not finished.
    pub(crate) held: Vec<(WorkKey, Work<VolatileSlice>)>,
    medium_len: u64,
    operational: u32,
    runtime: u32,
    doorbells: u32,
    commands: Ring,
    rings: Vec<Ring>,
    events: (u64, bool),
}

impl Guest {
    /// A guest whose memory is zeroed, in front of a controller that was just switched on. Devices have a medium of so many bytes at most.
    pub(crate) fn new(options: Options, medium_len: u64) -> Self {
        let now = Instant::from_nanos(1_000_000_000);
        let mut controller = Controller::new(options, space(), now);
        let mut read = |at| controller.mmio_read(at, now);
        let (capability, doorbells, runtime) = (read(0), read(0x14), read(0x18));
        let rings = (0..u64::from(SLOTS) * u64::from(ENDPOINTS))
            .map(|index| Ring::at(TRANSFERS.offset(index * 16 * RING_TRBS)));
        Self {
            now,
            held: Vec::new(),
            medium_len,
            operational: capability & 0xff,
            runtime: runtime & !0x1f,
            doorbells: doorbells & !3,
            commands: Ring::at(COMMANDS),
            rings: rings.collect(),
            events: (0, true),
            controller,
        }
    }

    /// Brings the controller up as drivers do. xHCI 1.2 §4.2.
    pub(crate) fn start(&mut self) {
        self.pass(Duration::from_millis(20));
        for slot in 1..=u64::from(SLOTS) {
            self.store64(DCBAA.offset(8 * slot), CONTEXTS.offset(0x800 * slot).0);
        }
        for page in 0..4 {
            self.store64(SCRATCHPADS.offset(8 * page), SCRATCH_PAGE.0);
        }
        self.store64(DCBAA, SCRATCHPADS.0);
        let trbs = u32::try_from(EVENT_TRBS).unwrap_or(0);
        self.store(ERST, [low_half(EVENTS.0), high_half(EVENTS.0), trbs, 0]);
        self.events = (0, true);
        self.commands = Ring::at(COMMANDS);
        let operational = self.operational;
        let interrupter = self.runtime + 0x20;
        self.write(operational + 0x38, 8);
        self.write64(operational + 0x30, DCBAA.0);
        self.write64(operational + 0x18, COMMANDS.0 | 1);
        self.write(interrupter + 8, 1);
        self.write64(interrupter + 0x18, EVENTS.0);
        self.write64(interrupter + 0x10, ERST.0);
        self.write(interrupter, 2);
        self.write(operational, 5);
        self.pass(Duration::from_millis(2));
    }

    /// Puts a device on a port and resets it, as a driver does with USB2 ports.
    pub(crate) fn plug(&mut self, port: PortId, device: Box<dyn UsbDevice<VolatileSlice>>) {
        let _ = self.controller.attach(port, device, self.now);
        self.pass(Duration::from_millis(200));
        let register = self.port(port);
        self.write(register, 1 << 9 | 1 << 4);
        self.pass(Duration::from_millis(200));
        self.write(register, 1 << 9 | 0x00fe_0000);
        self.take_events();
    }

    /// Where PORTSC of a port lies.
    pub(crate) fn port(&self, port: PortId) -> u32 {
        self.operational + 0x3f0 + 0x10 * u32::from(port.get())
    }

    /// A register by block: operational, a port's, an interrupter's, or anywhere.
    pub(crate) fn register(&self, block: u8, offset: u32) -> u32 {
        let bases = [
            self.operational,
            self.operational + 0x400,
            self.runtime,
            self.runtime + 0x20,
            self.doorbells,
            0,
        ];
        bases[usize::from(block) % bases.len()].wrapping_add(offset)
    }

    /// Enable Slot, Address Device, Configure Endpoint with two bulk or interrupt endpoints: what enumeration comes to.
    pub(crate) fn enumerate(&mut self, slot: SlotId, port: PortId, speed: SpeedId) {
        self.command(Command::EnableSlot { slot_type: 0 }.emit());
        self.ring_commands();
        self.write_input(port, speed, 0b11);
        let input = INPUT;
        self.command(
            Command::AddressDevice {
                input,
                block_set_address: false,
                slot,
            }
            .emit(),
        );
        self.ring_commands();
        self.write_input(port, speed, 0b1_1001);
        self.command(
            Command::ConfigureEndpoint {
                input,
                deconfigure: false,
                slot,
            }
            .emit(),
        );
        self.ring_commands();
        self.pass(Duration::from_millis(5));
        self.take_events();
    }

    /// Rings the command doorbell and lets the controller work: the next command may need what this one wrote.
    fn ring_commands(&mut self) {
        self.doorbell(0, 0);
        self.pass(Duration::from_millis(1));
    }

    /// An input context for a device on a root port with endpoints 1 (control), 3 (IN) and 4 (OUT).
    fn write_input(&self, port: PortId, speed: SpeedId, flags: u32) {
        let control = InputControlContext::default().with_add_flags(flags);
        self.store_dwords(INPUT, &control.0);
        let slot = SlotContext::default()
            .with_speed(speed)
            .with_context_entries(if flags > 3 { 4 } else { 1 })
            .with_root_hub_port(Some(port));
        self.store_dwords(INPUT.offset(0x20), &slot.0);
        for (dci, kind, packet) in [
            (1, EndpointType::Control, control_packet(speed)),
            (3, EndpointType::BulkIn, bulk_packet(speed)),
            (4, EndpointType::BulkOut, bulk_packet(speed)),
        ] {
            let ring = self.rings[dci];
            let endpoint = EndpointContext::default()
                .with_endpoint_type(kind)
                .with_max_packet_size(packet)
                .with_error_count(3)
                .with_average_trb_length(8)
                .with_tr_dequeue_pointer(ring.here())
                .with_dequeue_cycle(ring.cycle);
            self.store_dwords(INPUT.offset(0x20 * (dci as u64 + 1)), &endpoint.0);
        }
    }

    /// Puts a TRB on the command ring.
    pub(crate) fn command(&mut self, trb: Trb) {
        let mut ring = self.commands;
        self.push(&mut ring, trb, 2 * RING_TRBS);
        self.commands = ring;
    }

    /// Puts a TRB on a transfer ring.
    pub(crate) fn transfer(&mut self, slot: u8, endpoint: u8, trb: Trb) {
        let index =
            usize::from(slot % SLOTS) * usize::from(ENDPOINTS) + usize::from(endpoint % ENDPOINTS);
        let mut ring = self.rings[index];
        self.push(&mut ring, trb, RING_TRBS);
        self.rings[index] = ring;
    }

    fn push(&self, ring: &mut Ring, trb: Trb, trbs: u64) {
        self.store(ring.here(), trb.with_cycle(ring.cycle).0);
        ring.index += 1;
        if ring.index == trbs - 1 {
            let link = Link {
                next: ring.base,
                toggle_cycle: true,
                chain: trb.chain(),
                ioc: false,
                interrupter: InterrupterId(0),
            };
            self.store(ring.here(), link.emit().with_cycle(ring.cycle).0);
            (ring.index, ring.cycle) = (0, !ring.cycle);
        }
    }

    pub(crate) fn doorbell(&mut self, number: u8, target: u32) {
        self.write(self.doorbells + 4 * u32::from(number), target);
    }

    /// Takes the events there are, at most a ring full, and moves ERDP behind them.
    pub(crate) fn take_events(&mut self) {
        for _ in 0..EVENT_TRBS {
            let at = EVENTS.offset(16 * self.events.0);
            let trb = Trb(self.controller.memory().load_block(at).unwrap_or_default());
            if trb.cycle() != self.events.1 {
                break;
            }
            self.events.0 += 1;
            if self.events.0 == EVENT_TRBS {
                self.events = (0, !self.events.1);
            }
        }
        let at = EVENTS.offset(16 * self.events.0);
        self.write64(self.runtime + 0x38, at.0 | 8);
    }

    pub(crate) fn write(&mut self, at: u32, value: u32) {
        self.controller.mmio_write(at, value, self.now);
    }

    fn write64(&mut self, at: u32, value: u64) {
        self.write(at, low_half(value));
        self.write(at + 4, high_half(value));
    }

    /// Guest memory may be gone; then nothing is stored.
    pub(crate) fn store(&self, at: Iova, block: [u32; 4]) {
        let _ = self.controller.memory().store_block(at, block);
    }

    fn store64(&self, at: Iova, value: u64) {
        let _ = self.controller.memory().store64(at, value);
    }

    pub(crate) fn store_dwords(&self, at: Iova, dwords: &[u32]) {
        for (at, dword) in (0..).map(|index| at.offset(4 * index)).zip(dwords) {
            let _ = self.controller.memory().store32(at, *dword);
        }
    }

    /// Time passes; the controller is served at its deadlines, as its owner would.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.serve();
        let mut spins = 0;
        for _ in 0..SERVICES_MAX {
            let Some(deadline) = self.controller.next_deadline().filter(|at| *at <= end) else {
                break;
            };
            spins = if deadline <= self.now { spins + 1 } else { 0 };
            assert!(spins < SPINS_MAX, "an owner would spin at {deadline:?}");
            self.now = self.now.max(deadline);
            self.serve();
        }
        self.now = self.now.max(end);
        self.serve();
    }

    /// Serves the controller until it is idle.
    pub(crate) fn serve(&mut self) {
        for _ in 0..SERVICES_MAX {
            let progress = self.controller.service(self.now, 16);
            while let Some((key, work)) = self.controller.poll_work() {
                let room: usize = work.buffers.iter().map(Slice::len).sum();
                let end = work.offset.saturating_add(work.length as u64);
                assert!(work.length <= room && end <= self.medium_len, "{work:?}");
                self.held.push((key, work));
            }
            // Each message clears its interrupter's IP, so there are no more than interrupters.
            let messages = (0..=1024).take_while(|_| self.controller.poll_interrupt().is_some());
            assert!(messages.count() <= 1024, "messages without end");
            if progress == Progress::Idle {
                return;
            }
        }
        panic!("the controller never gets idle");
    }

    /// Finishes one piece of work.
    pub(crate) fn finish(&mut self, index: usize, result: Result<(), WorkError>) {
        if index < self.held.len() {
            let (key, work) = self.held.remove(index);
            let (id, buffers) = (work.id, work.buffers);
            let done = WorkDone {
                id,
                buffers,
                result,
            };
            self.controller.complete_work(key, done);
        }
    }

    /// Finishes all work, and what follows from it; then nobody touches the guest's memory any more.
    pub(crate) fn quiesce(&mut self) {
        for _ in 0..SERVICES_MAX {
            if self.held.is_empty() {
                break;
            }
            self.finish(0, Err(WorkError::Gone));
            self.serve();
        }
        assert!(self.controller.is_quiet(), "work that nobody holds");
    }
}

impl Ring {
    fn at(base: Iova) -> Self {
        Self {
            base,
            index: 0,
            cycle: true,
        }
    }

    fn here(&self) -> Iova {
        self.base.offset(16 * self.index)
    }
}

/// The thread's guest memory, zeroed.
fn space() -> AddressSpace {
    thread_local! {
        static SPACE: OnceCell<(AddressSpace, VolatileSlice)> = const { OnceCell::new() };
    }
    SPACE.with(|space| {
        let (space, slice) = space.get_or_init(|| {
            let region = Region::anonymous(LEN, Pages::Normal).expect("a few pages of memory");
            let mut space = AddressSpace::new();
            let mapped = space.map(BASE, region.slice(), Access::ReadWrite);
            mapped.expect("nothing else is mapped");
            (space, region.slice())
        });
        slice.fill(0, LEN, 0).expect("all of it");
        space.clone()
    })
}

const fn control_packet(speed: SpeedId) -> u16 {
    match speed {
        SpeedId::LOW => 8,
        SpeedId::FULL | SpeedId::HIGH => 64,
        _ => 512,
    }
}

const fn bulk_packet(speed: SpeedId) -> u16 {
    match speed {
        SpeedId::LOW | SpeedId::FULL => 64,
        SpeedId::HIGH => 512,
        _ => 1024,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use usb_model::device::{Disk, DiskOptions};
    use xhci_spec::context::SlotState;

    #[test]
    fn a_guest_that_does_nothing_odd_gets_a_configured_disk() {
        let mut guest = Guest::new(Options::default(), 1 << 20);
        let (port, slot) = (PortId::new(5).unwrap(), SlotId::new(1).unwrap());
        guest.start();
        guest.plug(port, Box::new(Disk::new(DiskOptions::default())));
        guest.enumerate(slot, port, SpeedId::SUPER);
        let dword = guest
            .controller
            .memory()
            .load32(CONTEXTS.offset(0x800 + 12));
        let state = SlotContext([0, 0, 0, dword.unwrap(), 0, 0, 0, 0]).slot_state();
        assert_eq!(state, Some(SlotState::Configured));
        guest.quiesce();
    }
}
