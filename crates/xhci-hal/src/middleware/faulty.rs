use core::cell::{Ref, RefCell};

use crate::{ConfigError, ConfigSpace, Mmio, Width};

/// Decides what becomes of each register access. `device` is the way to the real answer; it need not be taken.
pub trait MmioPlan {
    /// Answers a read.
    fn read(&mut self, at: u32, device: impl FnOnce() -> u32) -> u32;

    /// Does a write, another one, or none.
    fn write(&mut self, at: u32, value: u32, device: impl FnOnce(u32));
}

/// Decides what becomes of each access to configuration space. `device` is the way to the real answer; it need not be taken.
pub trait ConfigPlan {
    /// Answers a read.
    ///
    /// # Errors
    /// As [`ConfigSpace::read`].
    fn read(
        &mut self,
        at: u16,
        width: Width,
        device: impl FnOnce() -> Result<u32, ConfigError>,
    ) -> Result<u32, ConfigError>;

    /// Does a write, another one, or none.
    ///
    /// # Errors
    /// As [`ConfigSpace::write`].
    fn write(
        &mut self,
        at: u16,
        width: Width,
        value: u32,
        device: impl FnOnce(u32) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError>;
}

/// Disturbs accesses as its plan says.
///
/// [`Faults`](super::Faults) is a plan made of single faults, each of which counts how often it fired.
#[derive(Debug)]
pub struct Faulty<T, P> {
    inner: T,
    plan: RefCell<P>,
}

impl<T, P> Faulty<T, P> {
    /// Wraps `inner`.
    pub const fn new(inner: T, plan: P) -> Self {
        Self {
            inner,
            plan: RefCell::new(plan),
        }
    }

    /// What is inside.
    pub const fn inner(&self) -> &T {
        &self.inner
    }

    /// The plan, to be asked what has fired. Let go of it before the next access.
    ///
    /// # Panics
    /// When called by the plan itself.
    pub fn plan(&self) -> Ref<'_, P> {
        self.plan.borrow()
    }

    /// Takes another plan from now on and hands out the old one.
    ///
    /// # Panics
    /// When called by the plan itself, or while [`plan`](Self::plan)'s answer is held.
    pub fn replace(&self, plan: P) -> P {
        self.plan.replace(plan)
    }
}

impl<M: Mmio, P: MmioPlan> Mmio for Faulty<M, P> {
    fn read32(&self, at: u32) -> u32 {
        self.plan.borrow_mut().read(at, || self.inner.read32(at))
    }

    fn write32(&self, at: u32, value: u32) {
        self.plan
            .borrow_mut()
            .write(at, value, |value| self.inner.write32(at, value));
    }
}

impl<C: ConfigSpace, P: ConfigPlan> ConfigSpace for Faulty<C, P> {
    fn read(&self, at: u16, width: Width) -> Result<u32, ConfigError> {
        self.plan
            .borrow_mut()
            .read(at, width, || self.inner.read(at, width))
    }

    fn write(&self, at: u16, width: Width, value: u32) -> Result<(), ConfigError> {
        self.plan
            .borrow_mut()
            .write(at, width, value, |value| self.inner.write(at, width, value))
    }
}
