use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

use crate::Mmio;
use crate::middleware::{MmioAccess, Side};

/// Keeps a log of every register access, for golden logs.
///
/// The log grows without bound: it is a thing for tests and short captures.
#[derive(Debug)]
pub struct Recorded<M> {
    inner: M,
    log: RefCell<Vec<MmioAccess>>,
}

impl<M> Recorded<M> {
    /// Wraps `inner`, with an empty log.
    pub const fn new(inner: M) -> Self {
        Self {
            inner,
            log: RefCell::new(Vec::new()),
        }
    }

    /// What is inside.
    pub const fn inner(&self) -> &M {
        &self.inner
    }

    /// Hands out the log and begins a new one.
    pub fn take(&self) -> Vec<MmioAccess> {
        self.log.take()
    }
}

impl<M: Mmio> Mmio for Recorded<M> {
    fn read32(&self, at: u32) -> u32 {
        let value = self.inner.read32(at);
        self.log.borrow_mut().push(MmioAccess::read(at, value));
        value
    }

    fn write32(&self, at: u32, value: u32) {
        self.log.borrow_mut().push(MmioAccess::write(at, value));
        self.inner.write32(at, value);
    }
}

/// Answers as a log says, and compares what is asked with it.
///
/// It stands in for the device: reads get the logged values for as long as the driver does what it did then. From the first
/// difference on the device is gone: reads get all ones, so that whoever asks comes to an end.
#[derive(Debug)]
pub struct Replay {
    log: Vec<MmioAccess>,
    next: Cell<usize>,
    difference: Cell<Option<Difference>>,
}

/// Where a run left its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Index of the access in the log.
    pub index: usize,
    /// What the log says; `None` behind its end.
    pub expected: Option<MmioAccess>,
    /// What was done, the value of a read being all ones; `None` when nothing was.
    pub got: Option<MmioAccess>,
}

impl Difference {
    /// The first difference between two logs, if there is one.
    #[must_use]
    pub fn between(expected: &[MmioAccess], got: &[MmioAccess]) -> Option<Self> {
        let len = expected.len().max(got.len());
        let mut pairs = (0..len).map(|index| Self {
            index,
            expected: expected.get(index).copied(),
            got: got.get(index).copied(),
        });
        pairs.find(|pair| pair.expected != pair.got)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "access {}: the log has ", self.index)?;
        write_side(f, self.expected)?;
        write!(f, ", the run ")?;
        write_side(f, self.got)
    }
}

fn write_side(f: &mut fmt::Formatter<'_>, access: Option<MmioAccess>) -> fmt::Result {
    match access {
        Some(access) => write!(f, "`{access}`"),
        None => write!(f, "nothing"),
    }
}

impl Replay {
    /// Plays this log.
    #[must_use]
    pub const fn new(log: Vec<MmioAccess>) -> Self {
        Self {
            log,
            next: Cell::new(0),
            difference: Cell::new(None),
        }
    }

    /// Whether the run was the log, from its first access to its last.
    ///
    /// # Errors
    /// The first [`Difference`]; a log of which the end was not reached is one.
    pub fn finish(&self) -> Result<(), Difference> {
        if let Some(difference) = self.difference.get() {
            return Err(difference);
        }
        let index = self.next.get();
        match self.log.get(index) {
            None => Ok(()),
            expected => Err(Difference {
                index,
                expected: expected.copied(),
                got: None,
            }),
        }
    }

    /// The logged access, if it is the one that is being made; from the first difference on there is none.
    fn step(&self, matches: impl Fn(&MmioAccess) -> bool, got: MmioAccess) -> Option<MmioAccess> {
        if self.difference.get().is_some() {
            return None;
        }
        let index = self.next.get();
        let expected = self.log.get(index).copied();
        if let Some(access) = expected.filter(matches) {
            self.next.set(index + 1);
            return Some(access);
        }
        self.difference.set(Some(Difference {
            index,
            expected,
            got: Some(got),
        }));
        None
    }
}

impl Mmio for Replay {
    fn read32(&self, at: u32) -> u32 {
        let got = MmioAccess::read(at, u32::MAX);
        let logged = self.step(|access| access.side == Side::Read && access.at == at, got);
        logged.unwrap_or(got).value
    }

    fn write32(&self, at: u32, value: u32) {
        let got = MmioAccess::write(at, value);
        self.step(|access| *access == got, got);
    }
}
