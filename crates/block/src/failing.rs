use std::error::Error;
use std::ops::Range;

use usb_model::WorkError;
use volmem::VolatileSlice;

use crate::Medium;

/// A medium with bad places: a wrapper that fails as worn disks do, after the good bytes before the bad one were moved.
#[derive(Clone, Debug)]
pub struct FailingMedium<M> {
    inner: M,
    bad_reads: Vec<Range<u64>>,
    bad_writes: Vec<Range<u64>>,
    gone: bool,
    fired: u64,
}

impl<M: Medium> FailingMedium<M> {
    /// `inner`, with no fault yet.
    #[must_use]
    pub fn new(inner: M) -> Self {
        Self {
            inner,
            bad_reads: Vec::new(),
            bad_writes: Vec::new(),
            gone: false,
            fired: 0,
        }
    }

    /// The same, and reading any of these bytes fails.
    #[must_use]
    pub fn with_bad_reads(mut self, range: Range<u64>) -> Self {
        self.bad_reads.push(range);
        self
    }

    /// The same, and writing any of these bytes fails.
    #[must_use]
    pub fn with_bad_writes(mut self, range: Range<u64>) -> Self {
        self.bad_writes.push(range);
        self
    }

    /// Takes the medium out (everything fails with [`WorkError::Gone`]) or puts it back in.
    pub fn set_gone(&mut self, gone: bool) {
        self.gone = gone;
    }

    /// How many times a fault was met: a test that sees 0 has tested nothing.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.fired
    }

    /// The medium inside.
    #[must_use]
    pub fn inner(&self) -> &M {
        &self.inner
    }

    fn fail<T>(&mut self, error: WorkError) -> Result<T, WorkError> {
        self.fired += 1;
        Err(error)
    }
}

/// How many bytes from `at` are good, if not all `length` are.
fn good_before(bad: &[Range<u64>], at: u64, length: usize) -> Option<usize> {
    let end = at.saturating_add(length as u64);
    let first = bad
        .iter()
        .filter(|range| !range.is_empty() && range.start < end && range.end > at)
        .map(|range| range.start.max(at))
        .min()?;
    usize::try_from(first - at).ok()
}

impl<M: Medium> Medium for FailingMedium<M> {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }

    fn read(&mut self, at: u64, into: &[VolatileSlice], length: usize) -> Result<(), WorkError> {
        if self.gone {
            return self.fail(WorkError::Gone);
        }
        let good = good_before(&self.bad_reads, at, length);
        self.inner.read(at, into, good.unwrap_or(length))?;
        if good.is_some() {
            self.fail(WorkError::Read)
        } else {
            Ok(())
        }
    }

    fn write(&mut self, at: u64, from: &[VolatileSlice], length: usize) -> Result<(), WorkError> {
        if self.gone {
            return self.fail(WorkError::Gone);
        }
        let good = good_before(&self.bad_writes, at, length);
        self.inner.write(at, from, good.unwrap_or(length))?;
        if good.is_some() {
            self.fail(WorkError::Write)
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), WorkError> {
        if self.gone {
            self.fail(WorkError::Gone)
        } else {
            self.inner.flush()
        }
    }

    fn last_failure(&self) -> Option<&(dyn Error + 'static)> {
        self.inner.last_failure()
    }
}
