use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::Thread;

use host::{Backend, Pumped};
use usb_spec::time::Instant;
use volmem::{AddressSpace, DmaPool};
use xhci_hal::Mmio;
use xhci_model::{Controller, Progress};

use crate::clock::{Clock, Ticker};
use crate::plug::{Plug, nothing_there};
use crate::spec::{ControllerSpec, DeviceSpec};
use crate::{LocalError, Location};

/// How much the model may do in one go before its work is done and the driver has its turn.
const BUDGET: u32 = 256;

/// How often it may go on in one pump.
const TURNS_MAX: usize = 64;

/// A controller model with its devices, in this process.
pub struct Local {
    pub(crate) shared: Rc<Shared>,
    pool: DmaPool,
    pub(crate) plugs: Vec<Plug>,
    /// Places behind hubs that somebody left while a worker had its buffers.
    pub(crate) leaving: Vec<Location>,
    /// How many USB 3 hubs have been plugged in.
    pub(crate) pairs: u32,
    unpark: Arc<Unpark>,
}

/// What a [`Local`] is made with.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The controller.
    pub controller: ControllerSpec,
    /// The clock.
    pub clock: Clock,
    /// What is plugged in before the power comes on.
    pub devices: Vec<DeviceSpec>,
}

impl Setup {
    /// The same with one more device.
    #[must_use]
    pub fn with_device(mut self, device: DeviceSpec) -> Self {
        self.devices.push(device);
        self
    }
}

pub(crate) struct Shared {
    pub(crate) model: RefCell<Controller<AddressSpace>>,
    pub(crate) ticker: Ticker,
    /// A register was written, or something was done to a device, since the model last worked.
    pub(crate) touched: Cell<bool>,
}

/// The model's registers. An access is a call; it takes a note and nothing more.
#[derive(Clone)]
pub struct LocalMmio(Rc<Shared>);

impl fmt::Debug for LocalMmio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalMmio")
    }
}

impl Mmio for LocalMmio {
    fn read32(&self, at: u32) -> u32 {
        let Shared { model, ticker, .. } = &*self.0;
        model.borrow_mut().mmio_read(at, ticker.latest())
    }

    fn write32(&self, at: u32, value: u32) {
        let Shared {
            model,
            ticker,
            touched,
        } = &*self.0;
        touched.set(true);
        model.borrow_mut().mmio_write(at, value, ticker.latest());
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("plugs", &self.plugs)
            .finish_non_exhaustive()
    }
}

impl Local {
    /// A controller at power-on, with its devices plugged in. It belongs to the thread that makes it.
    ///
    /// # Errors
    /// [`LocalError`].
    pub fn new(setup: Setup) -> Result<Self, LocalError> {
        let pool = DmaPool::new(&DmaPool::DEFAULT_LAYOUT)?;
        let ticker = Ticker::new(setup.clock);
        let model = Controller::new(setup.controller.options, pool.address_space(), ticker.now());
        let mut local = Self {
            shared: Rc::new(Shared {
                model: RefCell::new(model),
                ticker,
                touched: Cell::new(true),
            }),
            pool,
            plugs: Vec::new(),
            leaving: Vec::new(),
            pairs: 0,
            unpark: Arc::new(Unpark(std::thread::current())),
        };
        for device in &setup.devices {
            local.attach(device)?;
        }
        Ok(local)
    }

    /// The model itself: for faults, and to look at it.
    pub fn with_model<T>(&mut self, f: impl FnOnce(&mut Controller<AddressSpace>) -> T) -> T {
        self.shared.touched.set(true);
        f(&mut self.shared.model.borrow_mut())
    }

    /// Does the work that the model's devices ask for. Returns whether there was any.
    fn work(&mut self) -> bool {
        let mut any = false;
        loop {
            let Some((key, work)) = self.shared.model.borrow_mut().poll_work() else {
                return any;
            };
            any = true;
            let at = Location::from(key);
            let plug = self.plugs.iter_mut().find(|plug| plug.at == at);
            let (is_last, done) = match plug {
                Some(plug) => (plug.is_last(&work), plug.perform(work)),
                // It was unplugged meanwhile.
                None => (false, nothing_there(work)),
            };
            self.shared.model.borrow_mut().complete_work(key, done);
            if is_last {
                self.pull(at);
            }
        }
    }
}

impl Backend for Local {
    type Mmio = LocalMmio;

    fn mmio(&self) -> LocalMmio {
        LocalMmio(Rc::clone(&self.shared))
    }

    fn dma(&self) -> DmaPool {
        self.pool.clone()
    }

    fn interrupters(&self) -> u16 {
        self.shared.model.borrow().options().max_interrupters
    }

    fn now(&self) -> Instant {
        self.shared.ticker.now()
    }

    fn pump(&mut self, now: Instant) -> Pumped {
        let mut pumped = Pumped {
            busy: self.shared.touched.replace(false),
            ..Pumped::default()
        };
        for _ in 0..TURNS_MAX {
            let progress = self.shared.model.borrow_mut().service(now, BUDGET);
            let worked = self.work();
            pumped.busy |= worked || progress == Progress::More;
            if !worked && progress == Progress::Idle {
                break;
            }
        }
        self.see_off();
        let mut model = self.shared.model.borrow_mut();
        while model.poll_interrupt().is_some() {
            pumped.interrupts += 1;
        }
        pumped.busy |= pumped.interrupts > 0;
        pumped.next_deadline = model.next_deadline();
        pumped
    }

    fn wait(&mut self, until: Option<Instant>) {
        // What was written since the last pump is work for the model: there is nothing to wait for.
        if !self.shared.touched.get() {
            self.shared.ticker.wait(until);
        }
    }

    fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.unpark))
    }
}
