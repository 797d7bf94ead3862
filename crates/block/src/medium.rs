use std::error::Error;
use std::fmt::Debug;

use memory::Slice;
use usb_model::{Work, WorkDone, WorkError, WorkKind};
use volmem::VolatileSlice;

/// Bytes that an emulated disk stores. One owner uses it at a time, and waits for it.
///
/// Its methods are asked only for what lies inside (see [`perform`]): `at + length` is no more than [`len`](Self::len), and the
/// pieces together have at least `length` bytes. A medium that is asked for something else answers with an error.
pub trait Medium: Debug {
    /// Its length in bytes, which never changes.
    fn len(&self) -> u64;

    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether writes are refused.
    fn is_read_only(&self) -> bool;

    /// Fills the pieces, in order, with `length` bytes from `at`.
    ///
    /// # Errors
    /// [`WorkError`] when not all bytes could be read; some may have been moved.
    fn read(&mut self, at: u64, into: &[VolatileSlice], length: usize) -> Result<(), WorkError>;

    /// Stores `length` bytes from the pieces, in order, at `at`.
    ///
    /// # Errors
    /// [`WorkError`] when not all bytes could be written; some may have been moved.
    fn write(&mut self, at: u64, from: &[VolatileSlice], length: usize) -> Result<(), WorkError>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// [`WorkError`] when that is not sure.
    fn flush(&mut self) -> Result<(), WorkError>;

    /// Why it failed last, for people: a [`WorkError`] is all that a USB host can be told, and says less.
    fn last_failure(&self) -> Option<&(dyn Error + 'static)> {
        None
    }
}

impl<M: Medium + ?Sized> Medium for Box<M> {
    fn len(&self) -> u64 {
        (**self).len()
    }
    fn is_read_only(&self) -> bool {
        (**self).is_read_only()
    }
    fn read(&mut self, at: u64, into: &[VolatileSlice], length: usize) -> Result<(), WorkError> {
        (**self).read(at, into, length)
    }
    fn write(&mut self, at: u64, from: &[VolatileSlice], length: usize) -> Result<(), WorkError> {
        (**self).write(at, from, length)
    }
    fn flush(&mut self) -> Result<(), WorkError> {
        (**self).flush()
    }
    fn last_failure(&self) -> Option<&(dyn Error + 'static)> {
        (**self).last_failure()
    }
}

/// Does a piece of work and gives its buffers back. It may take as long as the medium takes.
pub fn perform<M: Medium + ?Sized>(
    medium: &mut M,
    work: Work<VolatileSlice>,
) -> WorkDone<VolatileSlice> {
    let result = attempt(medium, &work);
    WorkDone {
        id: work.id,
        buffers: work.buffers,
        result,
    }
}

fn attempt<M: Medium + ?Sized>(
    medium: &mut M,
    work: &Work<VolatileSlice>,
) -> Result<(), WorkError> {
    let Work {
        kind,
        offset,
        ref buffers,
        length,
        ..
    } = *work;
    let failed = match kind {
        WorkKind::Flush => return medium.flush(),
        WorkKind::Write if medium.is_read_only() => return Err(WorkError::Protected),
        WorkKind::Write => WorkError::Write,
        WorkKind::Read => WorkError::Read,
    };
    if offset
        .checked_add(length as u64)
        .is_none_or(|end| end > medium.len())
    {
        return Err(WorkError::Range);
    }
    // A device that promises more bytes than it has buffers for is in error itself; no byte is moved for it.
    if buffers
        .iter()
        .fold(0usize, |sum, buffer| sum.saturating_add(buffer.len()))
        < length
    {
        return Err(failed);
    }
    match kind {
        WorkKind::Write => medium.write(offset, buffers, length),
        _ => medium.read(offset, buffers, length),
    }
}
