use std::ops::{Deref, DerefMut, Range};

use memory::{Iova, Slice};
use volmem::{DmaBuf, DmaPool, VolatileSlice};
use xhci_hal::{Dma, DmaBuffer, DmaError, DmaLimit};

/// The pool that driver and tests allocate from.
#[derive(Clone, Debug)]
pub struct Pool {
    inner: DmaPool,
}

impl Pool {
    /// Allocates from `inner`.
    #[must_use]
    pub const fn new(inner: DmaPool) -> Self {
        Self { inner }
    }

    /// The pool inside.
    #[must_use]
    pub const fn inner(&self) -> &DmaPool {
        &self.inner
    }
}

impl Dma for Pool {
    type Buffer = Buffer;

    fn alloc(&self, len: usize, align: usize, limit: DmaLimit) -> Result<Buffer, DmaError> {
        self.inner.alloc(len, align, limit).map(Buffer::whole)
    }
}

/// A DMA buffer, or a part of one: so transfers can begin at any byte, which the pool's own buffers never do.
#[derive(Debug)]
pub struct Buffer {
    whole: DmaBuf,
    part: Range<usize>,
    slice: VolatileSlice,
}

impl Buffer {
    fn whole(whole: DmaBuf) -> Self {
        let slice = whole.slice().clone();
        Self {
            part: 0..slice.len(),
            slice,
            whole,
        }
    }

    /// The same buffer, of which only `part` is used.
    ///
    /// # Panics
    /// If the part does not lie inside.
    #[must_use]
    pub fn narrow(self, part: Range<usize>) -> Self {
        let slice = self.whole.slice().part(part.start, part.len());
        Self {
            slice: slice.expect("a part inside of the buffer"),
            part,
            whole: self.whole,
        }
    }
}

impl DmaBuffer for Buffer {
    type Slice = VolatileSlice;

    fn iova(&self) -> Iova {
        self.whole.iova().offset(self.part.start as u64)
    }

    fn slice(&self) -> &VolatileSlice {
        &self.slice
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.whole[self.part.clone()]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let part = self.part.clone();
        &mut self.whole[part]
    }
}
