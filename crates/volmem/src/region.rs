//! Who owns the bytes.
//!
//! `unsafe` stands here for the one promise that everything else in this crate rests on: that a region's bytes are there for as long as the region is.
#![expect(
    unsafe_code,
    reason = "a region is made of an address and someone's word that it is valid"
)]

use alloc::sync::Arc;
use core::fmt;
use core::ptr::NonNull;

use crate::VolatileSlice;

/// A run of bytes that stays mapped for as long as the region lives; pieces of it ([`VolatileSlice`]) keep it alive.
pub struct Region {
    base: NonNull<u8>,
    len: usize,
    writable: bool,
    release: unsafe fn(NonNull<u8>, usize),
}

// SAFETY: A region is an address and three values that never change; the bytes behind it are only ever touched by atomic
// operations, volatile ones or the kernel, from any thread (the promise of `from_raw` says that they may be).
unsafe impl Send for Region {}
// SAFETY: As for `Send`: `&Region` gives away no more than `Region` does.
unsafe impl Sync for Region {}

impl Region {
    /// Takes bytes that the caller vouches for.
    ///
    /// # Safety
    /// From now on, until `release(base, len)` is called by the drop of the region:
    /// - `base` is valid for reads of `len` bytes and, if `writable`, for writes, from any thread;
    /// - `len` is no more than `isize::MAX`, and the bytes do not wrap around the address space;
    /// - this program holds no reference to these bytes, save those that a `DmaBuf` gives out under its own contract;
    /// - it is sound to call `release(base, len)` once, from any thread.
    pub unsafe fn from_raw(
        base: NonNull<u8>,
        len: usize,
        writable: bool,
        release: unsafe fn(NonNull<u8>, usize),
    ) -> Arc<Self> {
        Arc::new(Self {
            base,
            len,
            writable,
            release,
        })
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it may be written.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Where it begins in this process; for handing the range to the kernel.
    #[must_use]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.base
    }

    /// All of it.
    #[must_use]
    pub fn slice(self: &Arc<Self>) -> VolatileSlice {
        VolatileSlice::whole(Arc::clone(self))
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: `from_raw` was promised that this may be called once; a drop happens once, and no slice is left that keeps the region.
        unsafe { (self.release)(self.base, self.len) }
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No address: it would differ from run to run and help an attacker.
        f.debug_struct("Region")
            .field("len", &self.len)
            .field("writable", &self.writable)
            .finish_non_exhaustive()
    }
}
