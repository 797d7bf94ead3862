use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::Thread;

use host::{Backend, Pumped};
use usb_spec::time::Instant;
use volmem::{AddressSpace, DmaPool, PoolError};
use xhci_hal::Mmio;
use xhci_model::{AttachError, Controller, Progress};
use xhci_spec::number::PortId;

use crate::clock::{Clock, Ticker};
use crate::plug::{Kind, Plug, nothing_there};
use crate::spec::{ControllerSpec, DeviceSpec};

/// How much the model may do in one go before its work is done and the driver has its turn.
const BUDGET: u32 = 256;

/// How often it may go on in one pump.
const TURNS_MAX: usize = 64;

/// A controller model with its devices, in this process.
pub struct Local {
    shared: Rc<Shared>,
    pool: DmaPool,
    plugs: Vec<Plug>,
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

/// Why there is no such controller, or no such device on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// No memory for DMA.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A disk's image cannot be used.
    #[error(transparent)]
    Open(#[from] block::OpenError),
    /// Every port that fits is taken.
    #[error(
        "there is no free port for `{device}`; give the controller more, as in `model:{option}=8`"
    )]
    NoPort {
        /// What should have been plugged in.
        device: String,
        /// The option that makes ports for it.
        option: &'static str,
    },
    /// The port does not take the device.
    #[error("{device} does not fit port {}: {reason}", .port.get())]
    Attach {
        /// What should have been plugged in.
        device: String,
        /// Where.
        port: PortId,
        /// Why not.
        reason: AttachError,
    },
    /// Nothing is there.
    #[error("nothing is plugged into port {}", .port.get())]
    Empty {
        /// Which port.
        port: PortId,
    },
    /// There is something else there.
    #[error("what is plugged into port {} is no keyboard", .port.get())]
    NoKeyboard {
        /// Which port.
        port: PortId,
    },
}

struct Shared {
    model: RefCell<Controller<AddressSpace>>,
    ticker: Ticker,
    /// A register was written, or something was done to a device, since the model last worked.
    touched: Cell<bool>,
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
            unpark: Arc::new(Unpark(std::thread::current())),
        };
        for device in &setup.devices {
            local.attach(device)?;
        }
        Ok(local)
    }

    /// Plugs a device into the first free port that fits.
    ///
    /// # Errors
    /// [`LocalError::NoPort`], [`LocalError::Open`].
    pub fn attach(&mut self, device: &DeviceSpec) -> Result<PortId, LocalError> {
        let speed = device.speed();
        let free = {
            let model = self.shared.model.borrow();
            let taken = |port: &PortId| self.plugs.iter().any(|plug| plug.port == *port);
            model.options().ports_for(speed).find(|port| !taken(port))
        };
        let port = free.ok_or_else(|| LocalError::NoPort {
            device: device.to_string(),
            option: if speed.is_super() { "ports3" } else { "ports2" },
        })?;
        self.attach_at(port, device)?;
        Ok(port)
    }

    /// Plugs a device into a port.
    ///
    /// # Errors
    /// [`LocalError::Attach`], [`LocalError::Open`].
    pub fn attach_at(&mut self, port: PortId, device: &DeviceSpec) -> Result<(), LocalError> {
        let (usb, plug) = Plug::make(device, port)?;
        let now = self.shared.ticker.now();
        let attached = self.shared.model.borrow_mut().attach(port, usb, now);
        attached.map_err(|reason| LocalError::Attach {
            device: device.to_string(),
            port,
            reason,
        })?;
        self.shared.touched.set(true);
        self.plugs.push(plug);
        Ok(())
    }

    /// Pulls a device out, whatever it is doing.
    ///
    /// # Errors
    /// [`LocalError::Empty`].
    pub fn detach(&mut self, port: PortId) -> Result<(), LocalError> {
        let at = self.plugs.iter().position(|plug| plug.port == port);
        self.plugs
            .swap_remove(at.ok_or(LocalError::Empty { port })?);
        let now = self.shared.ticker.now();
        drop(self.shared.model.borrow_mut().detach(port, now));
        self.shared.touched.set(true);
        Ok(())
    }

    /// The ports that have something plugged in.
    pub fn ports(&self) -> impl Iterator<Item = PortId> + '_ {
        self.plugs.iter().map(|plug| plug.port)
    }

    /// The first keyboard.
    #[must_use]
    pub fn keyboard(&self) -> Option<PortId> {
        let is_keyboard = |plug: &&Plug| matches!(plug.kind, Kind::Keyboard(_));
        self.plugs.iter().find(is_keyboard).map(|plug| plug.port)
    }

    /// Types on the keyboard in a port. Returns how many characters have no key and were left out.
    ///
    /// # Errors
    /// [`LocalError::Empty`], [`LocalError::NoKeyboard`].
    pub fn type_text(&mut self, port: PortId, text: &str) -> Result<usize, LocalError> {
        let plug = self.plugs.iter().find(|plug| plug.port == port);
        match &plug.ok_or(LocalError::Empty { port })?.kind {
            Kind::Keyboard(keyboard) => {
                self.shared.touched.set(true);
                Ok(keyboard.with(|keyboard| keyboard.type_text(text)))
            }
            Kind::Disk(_) => Err(LocalError::NoKeyboard { port }),
        }
    }

    /// Whether everything typed on the keyboard in a port has been fetched.
    #[must_use]
    pub fn has_typed_all(&self, port: PortId) -> bool {
        self.plugs
            .iter()
            .filter(|plug| plug.port == port)
            .all(|plug| match &plug.kind {
                Kind::Keyboard(keyboard) => keyboard.with(|keyboard| keyboard.has_typed_all()),
                Kind::Disk(_) => true,
            })
    }

    /// Why the medium of a disk failed last, in the words of the system: a USB host is told less.
    #[must_use]
    pub fn last_failure(&self) -> Option<String> {
        self.plugs.iter().find_map(|plug| match &plug.kind {
            Kind::Disk(medium) => medium.last_failure().map(ToString::to_string),
            Kind::Keyboard(_) => None,
        })
    }

    /// The model itself: for faults, and to look at it.
    pub fn with_model<T>(&mut self, f: impl FnOnce(&mut Controller<AddressSpace>) -> T) -> T {
        self.shared.touched.set(true);
        f(&mut self.shared.model.borrow_mut())
    }

    /// Does the work that the model's devices ask for. Returns whether there was any.
    fn work(&mut self, now: Instant) -> bool {
        let mut any = false;
        loop {
            let Some((key, work)) = self.shared.model.borrow_mut().poll_work() else {
                return any;
            };
            any = true;
            let plug = self
                .plugs
                .iter_mut()
                .position(|plug| plug.port == key.port());
            let Some(at) = plug else {
                // It was unplugged meanwhile.
                self.shared
                    .model
                    .borrow_mut()
                    .complete_work(key, nothing_there(work));
                continue;
            };
            let is_last = self.plugs[at].is_last(&work);
            let done = self.plugs[at].perform(work);
            let mut model = self.shared.model.borrow_mut();
            model.complete_work(key, done);
            if is_last {
                drop(model.detach(key.port(), now));
                self.plugs.swap_remove(at);
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
            let worked = self.work(now);
            pumped.busy |= worked || progress == Progress::More;
            if !worked && progress == Progress::Idle {
                break;
            }
        }
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
