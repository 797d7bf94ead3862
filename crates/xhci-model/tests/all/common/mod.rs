//! A bench for the model: memory with holes whose addresses are not offsets, a device that only keeps a diary, and a driver's hands.

pub(crate) mod device;
pub(crate) mod memory;

use core::time::Duration;

use ::memory::{Iova, Memory};
use usb_spec::time::Instant;
use xhci_model::{Behaviour, Controller, Geometry, Options, Progress};
use xhci_spec::number::{InterrupterId, PortId};
use xhci_spec::registers::{
    Config, Crcr, Dcbaap, Erdp, Erstba, Erstsz, Iman, Imod, PortLinkState, PortSc, Register,
    UsbCmd, UsbSts, high_half, interrupter_base, low_half, port_base,
};
use xhci_spec::trb::{Event, Trb};

use self::memory::Ram;

/// Where the tests put what: addresses that are no offsets.
pub(crate) const TABLES: Iova = Iova(0x10_0000_0000);
pub(crate) const RINGS: Iova = Iova(0x20_0000_0000);
/// Bytes of event ring that each interrupter has: 16 TRBs.
pub(crate) const RING_TRBS: u16 = 16;

pub(crate) struct Bench {
    pub(crate) controller: Controller<Ram>,
    pub(crate) now: Instant,
    /// Where the driver reads the event ring of each interrupter: index and cycle state.
    cursors: Vec<(u16, bool)>,
}

pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn us(count: u64) -> Duration {
    Duration::from_micros(count)
}

pub(crate) fn port(number: u8) -> PortId {
    PortId::new(number).unwrap()
}

/// Options with the real durations, and power-on not in the way.
pub(crate) fn options() -> Options {
    Options {
        behaviour: Behaviour {
            power_on: Duration::ZERO,
            ..Behaviour::default()
        },
        ..Options::default()
    }
}

/// An entry of a segment table. xHCI 1.2 §6.5.
pub(crate) fn segment(ring: Iova, trbs: u32) -> [u32; 4] {
    [low_half(ring.0), high_half(ring.0), trbs, 0]
}

impl Bench {
    pub(crate) fn new(options: Options) -> Self {
        let ram = Ram::new(&[(TABLES, 0x1_0000), (RINGS, 0x2_0000)]);
        let now = Instant::from_nanos(1_000_000_000);
        Self {
            cursors: vec![(0, true); 1024],
            controller: Controller::new(options, ram, now),
            now,
        }
    }

    /// A controller that runs, with `interrupters` event rings.
    pub(crate) fn running(options: Options, interrupters: u16) -> Self {
        let mut bench = Self::new(options);
        bench.settle();
        bench.program(interrupters);
        bench.run();
        bench
    }

    pub(crate) fn program(&mut self, interrupters: u16) {
        self.write_op::<Config>(8);
        self.write_op64::<Dcbaap>(TABLES.0);
        self.write_op64::<Crcr>(RINGS.0 | 1);
        for id in 0..interrupters {
            self.program_interrupter(id);
        }
    }

    pub(crate) fn program_interrupter(&mut self, id: u16) {
        let (table, ring) = Self::event_ring(id);
        let entry = segment(ring, RING_TRBS.into());
        self.controller.memory().store_block(table, entry).unwrap();
        self.cursors[usize::from(id)] = (0, true);
        let id = InterrupterId(id);
        self.write_int::<Erstsz>(id, 1);
        self.write_int64::<Erdp>(id, ring.0);
        self.write_int64::<Erstba>(id, table.0);
        self.write_int::<Imod>(id, 0);
        self.write_int::<Iman>(id, 2);
    }

    /// The table and the ring of an interrupter.
    pub(crate) fn event_ring(id: u16) -> (Iova, Iova) {
        let table = TABLES.offset(0x1000 + 64 * u64::from(id));
        let ring = RINGS.offset(0x1_0000 + 256 * u64::from(id));
        (table, ring)
    }

    /// R/S and INTE, and the wait for HCH = 0.
    pub(crate) fn run(&mut self) {
        let command = UsbCmd::default()
            .with_run(true)
            .with_interrupter_enable(true);
        self.write_op::<UsbCmd>(command.bits());
        self.pass(ms(1));
        assert!(!self.status().halted(), "the controller should run");
    }

    pub(crate) fn service(&mut self) {
        for _ in 0..1000 {
            if self.controller.service(self.now, 64) == Progress::Idle {
                return;
            }
        }
        panic!("the model never gets idle");
    }

    /// Serves what is due now.
    pub(crate) fn settle(&mut self) {
        self.pass(Duration::ZERO);
    }

    /// Time passes; the controller is served at its deadlines, as its owner would.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.service();
        for _ in 0..10_000 {
            match self.controller.next_deadline() {
                Some(at) if at <= end => self.now = self.now.max(at),
                _ => break,
            }
            self.service();
        }
        self.now = end;
        self.service();
    }

    pub(crate) fn read(&mut self, at: u32) -> u32 {
        self.controller.mmio_read(at, self.now)
    }

    pub(crate) fn write(&mut self, at: u32, value: u32) {
        self.controller.mmio_write(at, value, self.now);
        self.service();
    }

    fn geometry(&self) -> Geometry {
        self.controller.options().geometry
    }

    pub(crate) fn op_at<R: Register>(&self) -> u32 {
        u32::from(self.geometry().capability_length) + R::OFFSET
    }

    pub(crate) fn int_at<R: Register>(&self, id: InterrupterId) -> u32 {
        self.geometry().runtime_offset + interrupter_base(id) + R::OFFSET
    }

    pub(crate) fn port_at<R: Register>(&self, number: u8) -> u32 {
        let port = port_base(port(number));
        u32::from(self.geometry().capability_length) + port + R::OFFSET
    }

    pub(crate) fn read_op<R: Register>(&mut self) -> u32 {
        let at = self.op_at::<R>();
        self.read(at)
    }

    pub(crate) fn write_op<R: Register>(&mut self, value: u32) {
        let at = self.op_at::<R>();
        self.write(at, value);
    }

    pub(crate) fn write_op64<R: Register>(&mut self, value: u64) {
        let at = self.op_at::<R>();
        self.write(at, low_half(value));
        self.write(at + 4, high_half(value));
    }

    pub(crate) fn read_int<R: Register>(&mut self, id: InterrupterId) -> u32 {
        let at = self.int_at::<R>(id);
        self.read(at)
    }

    pub(crate) fn write_int<R: Register>(&mut self, id: InterrupterId, value: u32) {
        let at = self.int_at::<R>(id);
        self.write(at, value);
    }

    pub(crate) fn write_int64<R: Register>(&mut self, id: InterrupterId, value: u64) {
        let at = self.int_at::<R>(id);
        self.write(at, low_half(value));
        self.write(at + 4, high_half(value));
    }

    pub(crate) fn status(&mut self) -> UsbSts {
        UsbSts::from_bits(self.read_op::<UsbSts>())
    }

    pub(crate) fn command(&mut self) -> UsbCmd {
        UsbCmd::from_bits(self.read_op::<UsbCmd>())
    }

    pub(crate) fn port(&mut self, number: u8) -> PortSc {
        let at = self.port_at::<PortSc>(number);
        PortSc::from_bits(self.read(at))
    }

    pub(crate) fn write_port(&mut self, number: u8, value: PortSc) {
        let at = self.port_at::<PortSc>(number);
        self.write(at, value.bits());
    }

    /// Puts a device on a port.
    pub(crate) fn plug(&mut self, number: u8, device: &device::Diary) {
        let device = device.boxed();
        self.controller
            .attach(port(number), device, self.now)
            .unwrap();
        self.settle();
    }

    /// Resets a port, waits for it, acknowledges.
    pub(crate) fn reset_port(&mut self, number: u8) {
        let reset = self.port(number).to_neutral().with_port_reset(true);
        self.write_port(number, reset);
        self.pass(ms(50));
        assert!(
            self.port(number).port_reset_change(),
            "the reset should be done"
        );
        self.acknowledge(number);
    }

    /// Asks a port for a link state.
    pub(crate) fn write_link(&mut self, number: u8, state: PortLinkState) {
        let wish = self.port(number).request_link_state(state);
        self.write_port(number, wish);
    }

    /// Acknowledges all changes of a port, and tells what they were.
    pub(crate) fn acknowledge(&mut self, number: u8) -> PortSc {
        let seen = self.port(number);
        self.write_port(number, seen.acknowledge());
        PortSc::from_bits(seen.changes())
    }

    /// Takes an event off the ring, without telling the controller.
    pub(crate) fn take_event(&mut self, id: u16) -> Option<Event> {
        let (index, cycle) = self.cursors[usize::from(id)];
        let (_, ring) = Self::event_ring(id);
        let at = ring.offset(16 * u64::from(index));
        let trb = Trb(self.controller.memory().load_block(at).unwrap());
        if trb.cycle() != cycle {
            return None;
        }
        let wrapped = index + 1 == RING_TRBS;
        let next = if wrapped {
            (0, !cycle)
        } else {
            (index + 1, cycle)
        };
        self.cursors[usize::from(id)] = next;
        Some(Event::parse(trb))
    }

    /// ERDP with EHB: the handler is done with what it took.
    pub(crate) fn done(&mut self, id: u16) {
        let (index, _) = self.cursors[usize::from(id)];
        let (_, ring) = Self::event_ring(id);
        let at = ring.0 + 16 * u64::from(index);
        let erdp = Erdp::from_bits(at).with_event_handler_busy(true);
        self.write_int64::<Erdp>(InterrupterId(id), erdp.bits());
    }

    /// All events of an interrupter, passed and acknowledged.
    pub(crate) fn events(&mut self, id: u16) -> Vec<Event> {
        let events: Vec<_> = std::iter::from_fn(|| self.take_event(id)).collect();
        self.done(id);
        events
    }

    /// Numbers of the ports in the events, which must all be port status changes.
    pub(crate) fn port_events(&mut self) -> Vec<u8> {
        let number = |event| match event {
            Event::PortStatusChange { port, .. } => port.unwrap().get(),
            other => panic!("unexpected event {other:?}"),
        };
        self.events(0).into_iter().map(number).collect()
    }

    pub(crate) fn interrupts(&mut self) -> Vec<u16> {
        std::iter::from_fn(|| self.controller.poll_interrupt())
            .map(|id| id.0)
            .collect()
    }
}
