//! A controller model whose memory counts, as a backend of the host.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::task::Waker;

use block::{FileMedium, Medium, Mode};
use host::{Backend, Instant, Pumped, Speed};
use memory::Slice;
use usb_model::device::{Disk, DiskOptions};
use usb_model::{Work, WorkDone, WorkKind};
use volmem::{DmaPool, VolatileSlice};
use xhci_hal::Mmio;
use xhci_model::{Controller, Options, Progress};

use crate::counting::{CountingMemory, CountingSlice, Tally};

/// How much the model may do in one go.
const BUDGET: u32 = 256;

type Model = Controller<CountingMemory>;

/// A model with one disk, on a clock that jumps.
pub(crate) struct Counted {
    registers: Registers,
    pool: DmaPool,
    medium: FileMedium,
    tally: Rc<Tally>,
}

#[derive(Clone)]
pub(crate) struct Registers {
    model: Rc<RefCell<Model>>,
    now: Rc<Cell<Instant>>,
    touched: Rc<Cell<bool>>,
}

impl Mmio for Registers {
    fn read32(&self, at: u32) -> u32 {
        self.model.borrow_mut().mmio_read(at, self.now.get())
    }

    fn write32(&self, at: u32, value: u32) {
        self.touched.set(true);
        let mut model = self.model.borrow_mut();
        model.mmio_write(at, value, self.now.get());
    }
}

impl Counted {
    pub(crate) fn new(image: &Path, tally: &Rc<Tally>) -> Self {
        let medium = FileMedium::open(image, Mode::ReadOnly, 512).unwrap();
        let pool = DmaPool::new(&DmaPool::DEFAULT_LAYOUT).unwrap();
        let memory = CountingMemory {
            inner: pool.address_space(),
            tally: Rc::clone(tally),
        };
        let mut model = Model::new(Options::default(), memory, Instant::START);
        let disk = Disk::new(DiskOptions {
            speed: Speed::Super,
            blocks: medium.len() / 512,
            read_only: true,
            ..DiskOptions::default()
        });
        let port = model.options().ports_for(Speed::Super).next().unwrap();
        let attached = model.attach(port, Box::new(disk), Instant::START);
        attached.unwrap();
        Self {
            registers: Registers {
                model: Rc::new(RefCell::new(model)),
                now: Rc::new(Cell::new(Instant::START)),
                touched: Rc::new(Cell::new(true)),
            },
            pool,
            medium,
            tally: Rc::clone(tally),
        }
    }

    fn perform(&mut self, work: Work<CountingSlice>) -> WorkDone<CountingSlice> {
        assert_eq!(work.kind, WorkKind::Read, "the disk is read-only");
        let pieces: Vec<VolatileSlice> = work.buffers.iter().map(|b| b.inner.clone()).collect();
        let mut done = 0;
        for piece in &pieces {
            let bytes = piece.len().min(work.length - done);
            let place = piece.as_ptr().addr().get();
            self.tally.put(work.offset + done as u64, place, bytes);
            done += bytes;
        }
        WorkDone {
            id: work.id,
            result: self.medium.read(work.offset, &pieces, work.length),
            buffers: work.buffers,
        }
    }
}

impl Backend for Counted {
    type Mmio = Registers;

    fn mmio(&self) -> Registers {
        self.registers.clone()
    }

    fn dma(&self) -> DmaPool {
        self.pool.clone()
    }

    fn interrupters(&self) -> u16 {
        self.registers.model.borrow().options().max_interrupters
    }

    fn now(&self) -> Instant {
        self.registers.now.get()
    }

    fn pump(&mut self, now: Instant) -> Pumped {
        let mut busy = self.registers.touched.replace(false);
        let progress = self.registers.model.borrow_mut().service(now, BUDGET);
        busy |= progress == Progress::More;
        loop {
            let Some((key, work)) = self.registers.model.borrow_mut().poll_work() else {
                break;
            };
            busy = true;
            let done = self.perform(work);
            self.registers.model.borrow_mut().complete_work(key, done);
        }
        let mut model = self.registers.model.borrow_mut();
        let mut interrupts = 0;
        while model.poll_interrupt().is_some() {
            interrupts += 1;
        }
        Pumped {
            interrupts,
            next_deadline: model.next_deadline(),
            busy: busy || interrupts > 0,
        }
    }

    fn wait(&mut self, until: Option<Instant>) {
        let until = until.expect("somebody waits for something");
        self.registers.now.set(self.registers.now.get().max(until));
    }

    fn waker(&self) -> Waker {
        Waker::noop().clone()
    }
}
