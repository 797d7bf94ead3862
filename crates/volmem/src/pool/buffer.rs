//! One buffer for DMA.
//!
//! `unsafe` stands here because the holder of a buffer that is not in flight works on its bytes as on any others.
#![expect(
    unsafe_code,
    reason = "a buffer that is not in flight is a plain slice for its holder"
)]

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use memory::{Iova, Slice};
use xhci_hal::DmaBuffer;

use super::Shared;
use super::allocator::Place;
use crate::VolatileSlice;

/// A piece of a [`DmaPool`](crate::DmaPool): zeroed when handed out, free again when dropped.
///
/// While you hold it, it is a `[u8]`. To have a device fill or read it, give it to the driver *by value*; it comes back when the
/// device has finished. So nobody looks at the bytes as a plain slice while a device is about to change them.
///
/// # What this rests on
///
/// Rings, contexts and other memory that a device uses all the time are reached through [`slice`](DmaBuffer::slice) only, never through `[u8]`.
/// Nobody writes through a clone of that slice, or through the pool's address space, while a `[u8]` of the buffer is alive. A controller
/// model keeps this, since it only touches what a TRB in flight points to; canaries show when it does not.
///
/// A *hostile device* may write at any time, whatever was agreed, unless an IOMMU stops it. Bytes have no invalid values, and lengths
/// and bounds lie elsewhere, so what it can do is to let two reads of a byte disagree: who checks a value and then uses it copies it first.
pub struct DmaBuf {
    slice: VolatileSlice,
    iova: Iova,
    place: Place,
    shared: Arc<Shared>,
}

impl DmaBuf {
    pub(super) fn new(slice: VolatileSlice, iova: Iova, place: Place, shared: Arc<Shared>) -> Self {
        Self {
            slice,
            iova,
            place,
            shared,
        }
    }
}

impl DmaBuffer for DmaBuf {
    type Slice = VolatileSlice;

    fn iova(&self) -> Iova {
        self.iova
    }

    fn slice(&self) -> &VolatileSlice {
        &self.slice
    }
}

impl Deref for DmaBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: The bytes lie in a mapping that `self.slice` keeps, are initialised (mappings are zeroed) and valid at any value.
        // The allocator gave them to this buffer alone, so no other `DmaBuf` has a reference to them, and `&self` excludes `deref_mut`.
        // That they do not change meanwhile is the contract in the type's documentation: a driver has the buffer by value while it is in
        // flight, so a borrow of it means that no transfer runs. A device that writes nevertheless is outside of the program; it acts
        // like any other hardware that writes into a process, and bytes that change break no bound here.
        unsafe { std::slice::from_raw_parts(self.slice.as_ptr().as_ptr(), self.slice.len()) }
    }
}

impl DerefMut for DmaBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: As in `deref`; `&mut self` excludes every other reference through this buffer, and pools only hand out writable memory.
        unsafe { std::slice::from_raw_parts_mut(self.slice.as_ptr().as_ptr(), self.slice.len()) }
    }
}

impl Drop for DmaBuf {
    fn drop(&mut self) {
        self.shared.free(self.place, self.slice.len());
    }
}

impl fmt::Debug for DmaBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the bytes: they may be in flight, or somebody's data.
        f.debug_struct("DmaBuf")
            .field("iova", &self.iova)
            .field("len", &self.slice.len())
            .finish_non_exhaustive()
    }
}
