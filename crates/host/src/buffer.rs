//! Buffers as users hold them.

use std::fmt;
use std::ops::{Deref, DerefMut};

use memory::{Iova, OutOfBounds, Slice};
use volmem::{DmaBuf, DmaPool, VolatileSlice};
use xhci_hal::{Dma, DmaBuffer, DmaError, DmaLimit};

/// From here on buffers begin at a page.
const PAGE: usize = 4096;

/// From here on buffers begin at a 64 KiB border, which is where TRBs must end. xHCI 1.2 §6.4.1 (unchecked).
const BORDER: usize = 64 * 1024;

/// DMA memory, as the driver takes it. A clone is another handle to the same memory.
#[derive(Clone, Debug)]
pub struct Pool {
    pool: DmaPool,
    limit: DmaLimit,
}

impl Pool {
    /// A pool for a controller of which nothing is known yet.
    #[must_use]
    pub fn new(pool: DmaPool) -> Self {
        Self {
            pool,
            limit: DmaLimit::NONE,
        }
    }

    /// The same pool for data that must lie below a controller's limit.
    #[must_use]
    pub(crate) fn limited(&self, limit: DmaLimit) -> Self {
        Self {
            pool: self.pool.clone(),
            limit,
        }
    }

    /// A zeroed buffer that the controller reaches.
    ///
    /// # Errors
    /// [`DmaError`] when there is no room for it, or `len` is 0.
    pub fn allocate(&self, len: usize) -> Result<Buffer, DmaError> {
        let align = match len {
            BORDER.. => BORDER,
            PAGE.. => PAGE,
            _ => 64,
        };
        self.alloc(len, align, self.limit)
    }

    /// The memory itself, to ask what is in use.
    #[must_use]
    pub fn memory(&self) -> &DmaPool {
        &self.pool
    }
}

impl Dma for Pool {
    type Buffer = Buffer;

    fn alloc(&self, len: usize, align: usize, limit: DmaLimit) -> Result<Buffer, DmaError> {
        self.pool.alloc(len, align, limit).map(Buffer::new)
    }
}

/// DMA memory that belongs to whoever holds it: a `[u8]` until it is given away with a transfer, and again when it comes back.
///
/// ```
/// use host::Pool;
/// use volmem::DmaPool;
///
/// let pool = Pool::new(DmaPool::new(&DmaPool::DEFAULT_LAYOUT)?);
/// let mut buffer = pool.allocate(512)?;
/// buffer[..5].copy_from_slice(b"bytes");
/// assert_eq!(&buffer[..6], b"bytes\0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Buffer {
    bytes: DmaBuf,
    /// The part that a transfer is about; all of it while a user holds the buffer.
    part: VolatileSlice,
    start: usize,
}

impl Buffer {
    fn new(bytes: DmaBuf) -> Self {
        let part = bytes.slice().clone();
        Self {
            bytes,
            part,
            start: 0,
        }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.slice().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shows the driver only `len` bytes from `start`.
    pub(crate) fn narrow(&mut self, start: usize, len: usize) -> Result<(), OutOfBounds> {
        self.part = self.bytes.slice().part(start, len)?;
        self.start = start;
        Ok(())
    }

    /// Shows the driver all of it again.
    pub(crate) fn widen(&mut self) {
        self.part = self.bytes.slice().clone();
        self.start = 0;
    }

    /// The bytes that the driver was shown.
    pub(crate) fn shown(&self) -> &[u8] {
        let end = self.start.saturating_add(self.part.len());
        self.bytes.get(self.start..end).unwrap_or_default()
    }
}

impl DmaBuffer for Buffer {
    type Slice = VolatileSlice;

    fn iova(&self) -> Iova {
        self.bytes.iova().offset(self.start as u64)
    }

    fn slice(&self) -> &VolatileSlice {
        &self.part
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("iova", &self.bytes.iova())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
