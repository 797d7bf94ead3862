use crate::middleware::{ConfigAccess, MmioAccess, Side};
use crate::{ConfigError, ConfigSpace, Mmio, Width};

/// Somebody who is told of accesses. Any `Fn(A)` is one.
pub trait Observer<A> {
    /// Takes note. It may not use what is being traced.
    fn saw(&self, access: A);
}

impl<A, F: Fn(A)> Observer<A> for F {
    fn saw(&self, access: A) {
        self(access);
    }
}

/// Tells an [`Observer`] of every access.
///
/// A register write is told before it is done and a read after it was answered: so what a write provokes is told after it.
/// A write to configuration space is told after it was done, with what came of it.
#[derive(Clone, Debug)]
pub struct Traced<T, O> {
    inner: T,
    observer: O,
}

impl<T, O> Traced<T, O> {
    /// Wraps `inner`.
    pub const fn new(inner: T, observer: O) -> Self {
        Self { inner, observer }
    }

    /// What is inside.
    pub const fn inner(&self) -> &T {
        &self.inner
    }

    /// Who is told.
    pub const fn observer(&self) -> &O {
        &self.observer
    }
}

impl<M: Mmio, O: Observer<MmioAccess>> Mmio for Traced<M, O> {
    fn read32(&self, at: u32) -> u32 {
        let value = self.inner.read32(at);
        self.observer.saw(MmioAccess::read(at, value));
        value
    }

    fn write32(&self, at: u32, value: u32) {
        self.observer.saw(MmioAccess::write(at, value));
        self.inner.write32(at, value);
    }
}

impl<C: ConfigSpace, O: Observer<ConfigAccess>> ConfigSpace for Traced<C, O> {
    fn read(&self, at: u16, width: Width) -> Result<u32, ConfigError> {
        let value = self.inner.read(at, width);
        self.observer.saw(ConfigAccess {
            side: Side::Read,
            at,
            width,
            value,
        });
        value
    }

    fn write(&self, at: u16, width: Width, value: u32) -> Result<(), ConfigError> {
        let done = self.inner.write(at, width, value);
        self.observer.saw(ConfigAccess {
            side: Side::Write,
            at,
            width,
            value: done.map(|()| value),
        });
        done
    }
}
