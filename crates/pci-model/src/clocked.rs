use core::cell::{Cell, RefCell};
use core::time::Duration;

use usb_spec::time::Instant;
use xhci_hal::{ConfigError, ConfigSpace, Width};

use crate::Function;

/// Which clock a function lives by.
///
/// Time moves by accesses, by [`Clocked::sleep`], or by [`Clocked::tell`]; which of them counts is the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// A clock of its own: each access takes `access`, sleeping takes what it says, and nobody else moves it.
    Virtual {
        /// What one access to configuration space takes.
        access: Duration,
    },
    /// The world's: only [`Clocked::tell`] moves it.
    Real,
    /// Each access takes `step`, however long it really took; pauses longer than `pause` count as they were.
    ///
    /// On hardware a turn of Linux's polling loop takes 14.2 µs; behind a virtual machine the access alone takes 59 to 84 µs. A
    /// driver that counts turns therefore gives up later there, seen from the chip; this clock keeps hardware's relation between
    /// turns and the chip's time.
    PerAccess {
        /// What one access takes.
        step: Duration,
        /// Longer pauses between accesses are sleep, not slow accesses.
        pause: Duration,
    },
}

impl Clock {
    /// What a turn of Linux's polling loop took on a desktop: 142 ms for 10,000.
    pub const LINUX_TURN: Duration = Duration::from_nanos(14_200);

    /// [`Clock::PerAccess`] with [`Clock::LINUX_TURN`], taking pauses of 5 ms and more for sleep.
    pub const PER_LINUX_TURN: Self = Self::PerAccess {
        step: Self::LINUX_TURN,
        pause: Duration::from_millis(5),
    };
}

/// A function behind the trait of configuration space, with its clock.
///
/// It is a value of one thread. Offsets are checked as a system would: aligned, and inside.
#[derive(Debug)]
pub struct Clocked<F> {
    function: RefCell<F>,
    clock: Clock,
    now: Cell<Instant>,
    /// What the world's clock said when it was told last.
    told: Cell<Option<Instant>>,
    accesses: Cell<u64>,
}

impl<F> Clocked<F> {
    /// Puts `function` on this clock, at [`Instant::START`].
    pub const fn new(function: F, clock: Clock) -> Self {
        Self {
            function: RefCell::new(function),
            clock,
            now: Cell::new(Instant::START),
            told: Cell::new(None),
            accesses: Cell::new(0),
        }
    }

    /// The function's time.
    pub fn now(&self) -> Instant {
        self.now.get()
    }

    /// How many accesses there were.
    pub fn accesses(&self) -> u64 {
        self.accesses.get()
    }

    /// Somebody sleeps: a virtual clock moves, the others wait to be told.
    pub fn sleep(&self, duration: Duration) {
        if matches!(self.clock, Clock::Virtual { .. }) {
            self.now.set(self.now.get() + duration);
        }
    }

    /// Tells what the world's clock says; to be called before each access on a clock that follows it.
    pub fn tell(&self, world: Instant) {
        let before = self.told.replace(Some(world)).unwrap_or(world);
        match self.clock {
            Clock::Virtual { .. } => {}
            Clock::Real => self.now.set(self.now.get().max(world)),
            Clock::PerAccess { pause, .. } => {
                let gap = world - before;
                if gap > pause {
                    self.now.set(self.now.get() + gap);
                }
            }
        }
    }

    /// Reaches into the function: to pull its plug, to look at its ROM. Nothing else may use it meanwhile.
    ///
    /// # Panics
    /// When `work` itself uses this value: that is a bug of the caller.
    pub fn with<R>(&self, work: impl FnOnce(&mut F, Instant) -> R) -> R {
        work(&mut self.function.borrow_mut(), self.now.get())
    }

    /// The function back.
    pub fn into_inner(self) -> F {
        self.function.into_inner()
    }

    /// One access begins: its time passes first, as the answer is the one at its end.
    fn access(&self) -> Instant {
        let step = match self.clock {
            Clock::Virtual { access } => access,
            Clock::Real => Duration::ZERO,
            Clock::PerAccess { step, .. } => step,
        };
        self.now.set(self.now.get() + step);
        self.accesses.set(self.accesses.get() + 1);
        self.now.get()
    }
}

impl<F: Function> ConfigSpace for Clocked<F> {
    fn read(&self, at: u16, width: Width) -> Result<u32, ConfigError> {
        aligned(at, width)?;
        let now = self.access();
        Ok(self.function.borrow_mut().config_read(now, at, width))
    }

    fn write(&self, at: u16, width: Width, value: u32) -> Result<(), ConfigError> {
        aligned(at, width)?;
        let now = self.access();
        self.function
            .borrow_mut()
            .config_write(now, at, width, value);
        Ok(())
    }
}

fn aligned(at: u16, width: Width) -> Result<(), ConfigError> {
    if at.is_multiple_of(width.bytes()) && usize::from(at) < crate::CONFIG_BYTES {
        Ok(())
    } else {
        Err(ConfigError::Range { at })
    }
}
