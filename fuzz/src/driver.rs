//! The driver in front of a controller that cannot be trusted: the model, with hands in between that change what the driver sees.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use memory::{Iova, Memory};
use usb_model::{UsbDevice, WorkDone};
use usb_spec::{Instant, Setup};
use volmem::{AddressSpace, DmaBuf, DmaPool, VolatileSlice};
use xhci_driver::{
    Control, ControlSetup, EndpointKey, Hal, Notice, Operation, OperationId, Policy, TransferId,
    TransferRequest,
};
use xhci_hal::{Dma, DmaLimit, Mmio};
use xhci_model::{Behaviour, Controller, Options, PortGroup, Progress};
use xhci_spec::number::PortId;

/// The driver's memory, one piece.
const BASE: Iova = Iova(0x3_4500_0000);
const LEN: usize = 1 << 18;

/// Turns without time moving: driver and model must have said by then what they have to say. A turn carries what both do at once.
const TURNS_MAX: u32 = 400;

/// The longest that a driver may take to give up a controller that is gone: the longest of its own patiences, twice.
const END_MAX: Duration = Duration::from_secs(60);

/// The register space between driver and model.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) model: RefCell<Controller<AddressSpace>>,
    now: Cell<Instant>,
    /// After so many reads, one comes out with these bits turned over.
    pub(crate) damage: Cell<Option<(u8, u32)>>,
}

impl Mmio for Line {
    fn read32(&self, at: u32) -> u32 {
        let value = self.model.borrow_mut().mmio_read(at, self.now.get());
        match self.damage.get() {
            None => value,
            Some((0, bits)) => {
                self.damage.set(None);
                value ^ bits
            }
            Some((left, bits)) => {
                self.damage.set(Some((left - 1, bits)));
                value
            }
        }
    }

    fn write32(&self, at: u32, value: u32) {
        self.model
            .borrow_mut()
            .mmio_write(at, value, self.now.get());
    }
}

/// The driver's world here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World;

impl Hal for World {
    type Mmio = Rc<Line>;
    type Dma = DmaPool;
}

/// Driver and controller.
pub(crate) struct Bench {
    pub(crate) line: Rc<Line>,
    pub(crate) control: Control<World>,
    pub(crate) pool: DmaPool,
    pub(crate) notices: Vec<Notice>,
    live_before: usize,
    out: BTreeSet<TransferId>,
    operations: BTreeSet<OperationId>,
    names: u64,
}

impl Bench {
    /// A driver that has looked at its controller; `None` when it does not like what it sees.
    pub(crate) fn new(damage: Option<(u8, u32)>) -> Option<Self> {
        thread_local! {
            static POOL: DmaPool = DmaPool::new(&[(BASE, LEN)]).expect("a quarter of a MiB of memory");
        }
        let pool = POOL.with(DmaPool::clone);
        pool.set_canary(false);
        let options = Options {
            behaviour: Behaviour::instant(),
            ports: vec![PortGroup::usb2(2), PortGroup::usb3(1)],
            max_slots: 4,
            max_interrupters: 1,
            scratchpad_buffers: 1,
            ..Options::default()
        };
        let now = Instant::START;
        let line = Rc::new(Line {
            model: RefCell::new(Controller::new(options, pool.address_space(), now)),
            now: Cell::new(now),
            damage: Cell::new(damage),
        });
        let policy = Policy {
            segment_trbs: 16,
            event_segments: 1,
            ..Policy::default()
        };
        let live_before = pool.usage().live_buffers;
        let setup = ControlSetup {
            mmio: Rc::clone(&line),
            dma: pool.clone(),
            policy,
            interrupters: 1,
        };
        let control = Control::new(setup, now).ok()?;
        Some(Self {
            line,
            control,
            pool,
            notices: Vec::new(),
            live_before,
            out: BTreeSet::new(),
            operations: BTreeSet::new(),
            names: 0,
        })
    }

    pub(crate) fn now(&self) -> Instant {
        self.line.now.get()
    }

    pub(crate) fn plug(&self, port: PortId, device: Box<dyn UsbDevice<VolatileSlice>>) {
        let mut model = self.line.model.borrow_mut();
        let _ = model.attach(port, device, self.now());
    }

    pub(crate) fn unplug(&self, port: PortId) {
        let mut model = self.line.model.borrow_mut();
        drop(model.detach(port, self.now()));
    }

    /// Begins a transfer, on any endpoint of any device, whether it exists or not.
    pub(crate) fn submit(&mut self, endpoint: EndpointKey, setup: Option<Setup>, length: usize) {
        self.names += 1;
        let id = TransferId(self.names);
        let buffer = self.pool.alloc(length.max(1), 64, DmaLimit::NONE).ok();
        let now = self.now();
        self.out.insert(id);
        let request = TransferRequest::<DmaBuf> {
            id,
            endpoint,
            setup,
            length: if buffer.is_some() { length } else { 0 },
            buffer,
            deadline: Some(now + Duration::from_secs(2)),
        };
        self.control.submit(request, now);
    }

    /// Takes back the oldest transfer.
    pub(crate) fn cancel(&mut self, endpoint: EndpointKey) {
        if let Some(id) = self.out.first().copied() {
            self.control.cancel(endpoint, id, self.now());
        }
    }

    pub(crate) fn request(&mut self, operation: Operation) {
        self.names += 1;
        let id = OperationId(self.names);
        self.operations.insert(id);
        self.control.request(id, operation, self.now());
    }

    /// Both sides work for so long on their clock; time jumps to the next deadline of either.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now() + time;
        loop {
            self.settle();
            let model = self.line.model.borrow().next_deadline();
            let driver = self.control.next_deadline(self.now());
            let next = Instant::earlier(model, driver).filter(|next| *next < end);
            let Some(next) = next else { break };
            // Deadlines that have passed are work for the next turn; `settle` has seen to all it could.
            let least = self.now() + Duration::from_micros(1);
            self.line.now.set(next.max(least));
        }
        self.line.now.set(self.now().max(end));
        self.settle();
    }

    /// Turns of both until neither has anything to do now.
    fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            let busy = self.turn();
            if !busy {
                return;
            }
        }
        let now = self.now();
        panic!(
            "time stands still at {now:?}: model {:?}, driver {:?}, {:?}, {:?}",
            self.line.model.borrow().next_deadline(),
            self.control.next_deadline(now),
            self.control,
            self.notices.iter().rev().take(8).collect::<Vec<_>>(),
        );
    }

    fn turn(&mut self) -> bool {
        let now = self.now();
        let mut busy = false;
        {
            let mut model = self.line.model.borrow_mut();
            busy |= model.service(now, 64) == Progress::More;
            while let Some((key, work)) = model.poll_work() {
                busy = true;
                let (id, buffers) = (work.id, work.buffers);
                let result = Ok(());
                let done = WorkDone {
                    id,
                    buffers,
                    result,
                };
                model.complete_work(key, done);
            }
            while model.poll_interrupt().is_some() {
                busy = true;
            }
            while model.poll_departed().is_some() {}
            busy |= model
                .next_deadline()
                .is_some_and(|deadline| deadline <= now);
        }
        self.control.poll(now);
        while let Some(done) = self.control.poll_done() {
            busy = true;
            assert!(self.out.remove(&done.id), "a transfer came back twice");
            let room = done.buffer.as_ref().map_or(0, |buffer| buffer.len());
            assert!(done.bytes <= room, "{} of {room} bytes", done.bytes);
        }
        while let Some(notice) = self.control.poll_notice() {
            busy = true;
            if let Notice::OperationDone { id, .. } = notice {
                assert!(self.operations.remove(&id), "an operation ended twice");
            }
            self.notices.push(notice);
        }
        assert!(self.control.poll_lane_message().is_none());
        busy || self
            .control
            .next_deadline(now)
            .is_some_and(|deadline| deadline <= now)
    }

    /// Writes into the driver's memory, as any controller can.
    pub(crate) fn scribble(&self, at: Iova, block: [u32; 4]) {
        let model = self.line.model.borrow();
        let _ = model.memory().store_block(at, block);
    }

    /// Where something interesting lies that the controller may write: the event ring, or a device context.
    pub(crate) fn target(&self, which: u8, offset: u8) -> Iova {
        let mut model = self.line.model.borrow_mut();
        let mut read = |at| model.mmio_read(at, self.now());
        let (operational, runtime) = (read(0) & 0xff, read(0x18) & !0x1f);
        let mut wide = |at| u64::from(read(at)) | u64::from(read(at.wrapping_add(4))) << 32;
        let table = match which % 4 {
            0 => return BASE.offset(u64::from(which) * 0x800 + u64::from(offset) * 16),
            1 => wide(runtime.wrapping_add(0x30)),
            2 => {
                return Iova(wide(runtime.wrapping_add(0x38)) & !0xf)
                    .offset(u64::from(offset & 15) * 16);
            }
            // A controller that is gone reads as all ones.
            _ => wide(operational.wrapping_add(0x30)).wrapping_add(8 * u64::from(which >> 2 & 3)),
        };
        let base = model.memory().load64(Iova(table)).unwrap_or(BASE.0);
        Iova(base).offset(u64::from(offset) * 16)
    }

    /// The controller is pulled out: everything comes back, and no memory is kept.
    pub(crate) fn finish(mut self) {
        self.line.damage.set(None);
        self.line.model.borrow_mut().vanish();
        self.pass(END_MAX);
        let stopped = self.notices.contains(&Notice::Stopped);
        assert!(
            self.control.is_dead() || stopped,
            "a controller that is gone lives on"
        );
        assert!(
            self.out.is_empty(),
            "transfers that never came back: {:?}",
            self.out
        );
        assert!(
            self.operations.is_empty(),
            "operations without end: {:?}",
            self.operations
        );
        assert_eq!(self.control.in_flight(), 0);
        let Self {
            line,
            control,
            pool,
            live_before,
            ..
        } = self;
        drop((control, line));
        assert_eq!(pool.usage().live_buffers, live_before, "memory was kept");
    }
}
