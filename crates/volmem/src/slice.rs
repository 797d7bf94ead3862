//! The bounds-checked piece of shared memory.
//!
//! `unsafe` stands here because a checked bound is what makes a raw access sound; the check and the access stand side by side.
#![expect(unsafe_code, reason = "a bounds-checked access ends in a raw one")]

use alloc::sync::Arc;
use core::fmt;
use core::ptr::NonNull;

use memory::{OutOfBounds, Slice};

use crate::{Region, access};

/// A piece of a [`Region`], which it keeps alive.
///
/// The other side may change the bytes at any moment. Words are atomic, little-endian, and aligned by their place in memory: a slice
/// that begins at an odd address has no aligned words at even offsets. Every access to a piece that may not be written (see
/// [`is_writable`](Self::is_writable)) that would write is refused as out of bounds, with a length of 0: nothing of it is open to writing.
#[derive(Clone)]
pub struct VolatileSlice {
    // `base` and `len` lie within `region`, by construction; nobody changes them afterwards.
    base: NonNull<u8>,
    len: usize,
    writable: bool,
    region: Arc<Region>,
}

// SAFETY: The pointer leads into `region`, which is Send and Sync, and the accesses are those that its promise allows from any thread.
unsafe impl Send for VolatileSlice {}
// SAFETY: As for `Send`; no method changes the slice itself.
unsafe impl Sync for VolatileSlice {}

impl VolatileSlice {
    pub(crate) fn whole(region: Arc<Region>) -> Self {
        Self {
            base: region.as_ptr(),
            len: region.len(),
            writable: region.is_writable(),
            region,
        }
    }

    /// Whether it may be written: its region may, and nobody gave that up by [`read_only`](Self::read_only).
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// The same piece, not to be written through this slice or its parts.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }

    /// Where it begins in this process; for handing the range to the kernel.
    #[must_use]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.base
    }

    /// The place of `wanted` bytes at `offset`, which is valid for reads of them.
    #[inline]
    fn readable(&self, offset: usize, wanted: usize) -> Result<NonNull<u8>, OutOfBounds> {
        // Two comparisons instead of a sum: a sum could wrap.
        if offset > self.len || wanted > self.len - offset {
            return Err(OutOfBounds {
                offset,
                wanted,
                len: self.len,
            });
        }
        // SAFETY: `offset` is no more than `len`, so the result lies in the region or one past its end; a region is no longer than
        // `isize::MAX` and does not wrap.
        Ok(unsafe { self.base.add(offset) })
    }

    /// The place of `wanted` bytes at `offset`, which is valid for reads and writes of them.
    #[inline]
    fn open(&self, offset: usize, wanted: usize) -> Result<NonNull<u8>, OutOfBounds> {
        if !self.writable {
            return Err(OutOfBounds {
                offset,
                wanted,
                len: 0,
            });
        }
        self.readable(offset, wanted)
    }

    #[inline]
    fn aligned(
        &self,
        at: NonNull<u8>,
        offset: usize,
        wanted: usize,
    ) -> Result<NonNull<u8>, OutOfBounds> {
        if at.addr().get().is_multiple_of(wanted) {
            Ok(at)
        } else {
            Err(OutOfBounds {
                offset,
                wanted,
                len: self.len,
            })
        }
    }

    /// [`readable`](Self::readable) and a multiple of `wanted`.
    #[inline]
    fn readable_word(&self, offset: usize, wanted: usize) -> Result<NonNull<u8>, OutOfBounds> {
        self.aligned(self.readable(offset, wanted)?, offset, wanted)
    }

    /// [`open`](Self::open) and a multiple of `wanted`.
    #[inline]
    fn open_word(&self, offset: usize, wanted: usize) -> Result<NonNull<u8>, OutOfBounds> {
        self.aligned(self.open(offset, wanted)?, offset, wanted)
    }
}

impl Slice for VolatileSlice {
    #[inline]
    fn len(&self) -> usize {
        self.len
    }

    fn part(&self, offset: usize, len: usize) -> Result<Self, OutOfBounds> {
        let base = self.readable(offset, len)?;
        Ok(Self {
            base,
            len,
            writable: self.writable,
            region: Arc::clone(&self.region),
        })
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        let from = self.readable(offset, into.len())?;
        // SAFETY: `readable` checked that these bytes lie in the region, which lives as long as `self`.
        unsafe { access::read_bytes(from, into) };
        Ok(())
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        let to = self.open(offset, from.len())?;
        // SAFETY: `open` checked that these bytes lie in the region, which lives as long as `self` and may be written.
        unsafe { access::write_bytes(to, from) };
        Ok(())
    }

    fn fill(&self, offset: usize, len: usize, value: u8) -> Result<(), OutOfBounds> {
        let to = self.open(offset, len)?;
        // SAFETY: As in `write`.
        unsafe { access::fill_bytes(to, len, value) };
        Ok(())
    }

    #[inline]
    fn load32(&self, offset: usize) -> Result<u32, OutOfBounds> {
        let at = self.readable_word(offset, 4)?;
        // SAFETY: `readable_word` checked bounds and alignment; the region lives as long as `self`.
        Ok(unsafe { access::load32(at) })
    }

    #[inline]
    fn store32(&self, offset: usize, value: u32) -> Result<(), OutOfBounds> {
        let at = self.open_word(offset, 4)?;
        // SAFETY: `open_word` checked bounds, alignment and permission; the region lives as long as `self`.
        unsafe { access::store32(at, value) };
        Ok(())
    }

    #[inline]
    fn load64(&self, offset: usize) -> Result<u64, OutOfBounds> {
        let at = self.readable_word(offset, 8)?;
        // SAFETY: As in `load32`.
        Ok(unsafe { access::load64(at) })
    }

    #[inline]
    fn store64(&self, offset: usize, value: u64) -> Result<(), OutOfBounds> {
        let at = self.open_word(offset, 8)?;
        // SAFETY: As in `store32`.
        unsafe { access::store64(at, value) };
        Ok(())
    }

    #[inline]
    fn load_block(&self, offset: usize) -> Result<[u32; 4], OutOfBounds> {
        let at = self.readable_word(offset, 16)?;
        // SAFETY: As in `load32`.
        Ok(unsafe { access::load_block(at) })
    }

    #[inline]
    fn store_block(&self, offset: usize, block: [u32; 4]) -> Result<(), OutOfBounds> {
        let at = self.open_word(offset, 16)?;
        // SAFETY: As in `store32`.
        unsafe { access::store_block(at, block) };
        Ok(())
    }
}

impl fmt::Debug for VolatileSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VolatileSlice")
            .field(
                "offset",
                &(self.base.addr().get() - self.region.as_ptr().addr().get()),
            )
            .field("len", &self.len)
            .field("writable", &self.writable)
            .finish_non_exhaustive()
    }
}
