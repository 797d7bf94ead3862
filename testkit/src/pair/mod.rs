//! Driver and model face to face: one thread, one clock that the test owns, single steps, and a seed that decides the rest.

mod ask;
mod disk;
mod keyboard;
mod plug;
mod report;
mod steps;
mod turn;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use usb_model::Work;
use usb_spec::time::Instant;
use volmem::{DmaPool, PoolUsage, VolatileSlice};
use xhci_driver::{
    Control, ControlSetup, Lane, Notice, OperationError, OperationId, StartError, TransferDone,
    TransferId,
};
use xhci_hal::DmaLimit;
use xhci_hal::middleware::{Faulty, MmioAccess, Recorded};
use xhci_model::{CommandFaults, Controller, StuckCommand, WorkKey};
use xhci_spec::number::{InterrupterId, PortId};

use crate::fault::{Fault, What};
use crate::{
    Buffer, EventTap, Injector, Model, PairOptions, Pool, Random, Registers, VirtualClock, Wire,
    World,
};

pub use disk::{Disk, DiskFailure};
pub use keyboard::Keyboard;
pub use plug::{SharedMedium, TestDisk, TestKeyboard};
pub use report::Report;

/// How the transfer with this name ended, and its buffer.
pub type Done = TransferDone<Buffer>;

/// A run that does not come to its end, or ends badly: why, and what both sides look like.
#[derive(thiserror::Error)]
#[error("{why}\n{dump}")]
pub struct Hang {
    /// What was waited for, or what is wrong.
    pub why: String,
    /// Both sides, and the last register accesses.
    pub dump: String,
}

impl fmt::Debug for Hang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A driver and a controller model, connected, with a clock of their own.
///
/// Time only moves when neither side has anything to do: then it jumps to the next deadline of either.
pub struct Pair {
    clock: VirtualClock,
    model: Rc<RefCell<Model>>,
    registers: Registers,
    control: Control<World>,
    /// The lanes behind the first, as if on threads of their own.
    lanes: Vec<Lane<World>>,
    pool: Pool,
    limit: DmaLimit,
    baseline: PoolUsage,
    injector: Injector,
    random: Random,
    jitter: bool,
    keep_log: bool,
    suspicious: bool,
    log: VecDeque<MmioAccess>,
    /// Interrupts on their way.
    interrupts: BTreeMap<InterrupterId, Instant>,
    /// Work of the media that is under way.
    work: Vec<(Instant, WorkKey, Work<VolatileSlice>)>,
    media: BTreeMap<PortId, SharedMedium>,
    /// Which device the driver had on a port when the next was plugged in.
    before: BTreeMap<PortId, Option<u32>>,
    /// How much the driver had said then.
    told_before: BTreeMap<PortId, usize>,
    /// When the driver wants to be polled next.
    alarm: Option<Instant>,
    /// The driver was told something and wants to be polled.
    touched: bool,
    /// Stuck commands that the model has counted.
    stuck: u64,
    /// Commands that were over when the plan in force began.
    commands_before: u64,
    /// What it was asked and has not answered.
    out: BTreeSet<TransferId>,
    operations_out: BTreeSet<OperationId>,
    done: BTreeMap<TransferId, Done>,
    operations: BTreeMap<OperationId, Result<(), OperationError>>,
    notices: Vec<Notice>,
    names: u64,
    /// Answers to questions that nobody asked, or twice.
    oddities: Vec<String>,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("now", &self.clock.now())
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}

impl Pair {
    /// A pair whose driver has looked at the controller and is about to bring it up.
    ///
    /// # Errors
    /// What the driver does not like at first sight.
    ///
    /// # Panics
    /// If there is no memory for the test itself.
    pub fn new(options: PairOptions) -> Result<Self, StartError> {
        let clock = VirtualClock::new();
        let PairOptions {
            mut model, plan, ..
        } = options;
        for fault in &plan {
            if let What::SlowReset(duration) = fault.what {
                model.behaviour.reset = duration;
            }
        }
        model.behaviour.commands = commands(&plan, 0);
        let injector = Injector::new(&plan);
        let pool = DmaPool::new(&options.memory).expect("memory for the test");
        pool.set_canary(true);
        let tap = EventTap::new(pool.address_space(), injector.clone());
        let model = Controller::new(model, tap, clock.now());
        let model = Rc::new(RefCell::new(model));
        let wire = Wire::new(Rc::clone(&model), clock.clone());
        let registers = Rc::new(Recorded::new(Faulty::new(wire, injector.clone())));
        let baseline = pool.usage();
        let pool = Pool::new(pool);
        let setup = ControlSetup {
            mmio: Rc::clone(&registers),
            dma: pool.clone(),
            policy: options.policy,
            interrupters: options.interrupters,
        };
        let mut control = Control::new(setup, clock.now())?;
        injector.set_layout(turn::layout(&model, clock.now()));
        let mask = if control.capabilities().addressing_64 {
            u64::MAX
        } else {
            u64::from(u32::MAX)
        };
        let lanes = control.take_lanes();
        Ok(Self {
            clock,
            model,
            registers,
            control,
            lanes,
            pool,
            limit: DmaLimit { mask, boundary: 0 },
            baseline,
            injector,
            random: Random::new(options.seed),
            jitter: options.jitter,
            keep_log: options.keep_log,
            suspicious: options.suspicious,
            log: VecDeque::new(),
            interrupts: BTreeMap::new(),
            work: Vec::new(),
            media: BTreeMap::new(),
            before: BTreeMap::new(),
            told_before: BTreeMap::new(),
            alarm: None,
            touched: true,
            stuck: 0,
            commands_before: 0,
            out: BTreeSet::new(),
            operations_out: BTreeSet::new(),
            done: BTreeMap::new(),
            operations: BTreeMap::new(),
            notices: Vec::new(),
            names: 0,
            oddities: Vec::new(),
        })
    }

    /// A pair of defaults that is up.
    ///
    /// # Errors
    /// [`Hang`] if it does not come up.
    pub fn up() -> Result<Self, Hang> {
        Self::up_with(PairOptions::default())
    }

    /// A pair that is up: the driver says that it has settled.
    ///
    /// # Errors
    /// [`Hang`] if it does not come up.
    pub fn up_with(options: PairOptions) -> Result<Self, Hang> {
        let pair = Self::new(options).map_err(|error| Hang {
            why: format!("the driver does not begin: {error}"),
            dump: String::new(),
        })?;
        pair.settled()
    }

    /// The pair when the driver has settled.
    ///
    /// # Errors
    /// [`Hang`] if it does not.
    pub fn settled(mut self) -> Result<Self, Hang> {
        self.wait("the driver to settle", Duration::from_secs(120), |pair| {
            let over = |notice: &Notice| matches!(notice, Notice::Settled | Notice::Died { .. });
            pair.notices.iter().any(over).then_some(())
        })?;
        Ok(self)
    }

    /// The clock.
    #[must_use]
    pub const fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The driver.
    #[must_use]
    pub const fn driver(&self) -> &Control<World> {
        &self.control
    }

    /// The lanes behind the first.
    #[must_use]
    pub fn lanes(&self) -> &[Lane<World>] {
        &self.lanes
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Rc<RefCell<Model>> {
        &self.model
    }

    /// The plan at work.
    #[must_use]
    pub const fn injector(&self) -> &Injector {
        &self.injector
    }

    /// The pair's own numbers, for tests that want more of them.
    pub const fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Everything the driver has said so far.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Forgets what the driver has said so far.
    pub fn forget_notices(&mut self) {
        self.notices.clear();
        self.told_before.clear();
    }

    /// Every register access since the last call, if they are kept.
    pub fn take_log(&mut self) -> Vec<MmioAccess> {
        self.log.extend(self.registers.take());
        self.log.drain(..).collect()
    }

    /// A plan for what comes now; opportunities count from here.
    ///
    /// A slow reset is of no use any more; it belongs into [`PairOptions::plan`].
    pub fn inject(&mut self, plan: &[Fault]) {
        self.injector.replace(plan);
        let mut model = self.model.borrow_mut();
        let mut behaviour = model.options().behaviour.clone();
        self.commands_before = model.counters().commands;
        behaviour.commands = commands(plan, self.commands_before);
        model.set_behaviour(behaviour);
    }

    /// How many opportunities each fault of the plan in force has had.
    #[must_use]
    pub fn opportunities(&self) -> Vec<u32> {
        let commands = self.model.borrow().counters().commands - self.commands_before;
        let commands = u32::try_from(commands).unwrap_or(u32::MAX);
        let faults = self.injector.fired().into_iter().map(|(fault, _)| fault);
        let seen = faults.zip(self.injector.seen());
        seen.map(|(fault, seen)| match fault.what {
            // These the model counts.
            What::StuckCommand { .. } => commands,
            _ => seen,
        })
        .collect()
    }
}

/// The plan's stuck command, as the model is told: the n-th from the start, counted from 1.
fn commands(plan: &[Fault], before: u64) -> CommandFaults {
    let stuck = plan.iter().find_map(|fault| match fault.what {
        What::StuckCommand { lets_go } if fault.times > 0 => Some((fault.after, lets_go)),
        _ => None,
    });
    match stuck {
        Some((after, lets_go)) => CommandFaults {
            stuck: Some(StuckCommand::Nth(before + u64::from(after) + 1)),
            lets_go,
            omit_stopped_event: after % 2 == 0,
        },
        None => CommandFaults::default(),
    }
}
