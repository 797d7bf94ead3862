use core::fmt;

use memory::{Iova, Slice};

/// Where a buffer may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmaLimit {
    /// The highest address the device can name; `0xffff_ffff` for one without 64-bit addressing.
    pub mask: u64,
    /// The buffer may not cross a multiple of this many bytes (a power of two); 0 for no such rule.
    pub boundary: u64,
}

impl DmaLimit {
    /// Any 64-bit address, any boundary.
    pub const NONE: Self = Self {
        mask: u64::MAX,
        boundary: 0,
    };

    /// The same limit with a boundary.
    #[must_use]
    pub const fn within(self, boundary: u64) -> Self {
        Self { boundary, ..self }
    }

    /// Whether `len` bytes at `at` keep this limit.
    #[must_use]
    pub const fn allows(&self, at: Iova, len: usize) -> bool {
        let last = match at.0.checked_add((len as u64).saturating_sub(1)) {
            Some(last) => last,
            None => return false,
        };
        last <= self.mask && (self.boundary == 0 || at.0 / self.boundary == last / self.boundary)
    }
}

/// Memory that the controller can reach.
///
/// A buffer is zeroed when handed out and freed when dropped. The limit is kept by *allocating* where it holds, never by copying.
pub trait Dma {
    /// A piece of such memory.
    type Buffer: DmaBuffer;

    /// Allocates `len` bytes at a multiple of `align` (a power of two).
    ///
    /// # Errors
    /// [`DmaError`] when there is no such room or the request makes no sense.
    fn alloc(&self, len: usize, align: usize, limit: DmaLimit) -> Result<Self::Buffer, DmaError>;
}

/// One DMA buffer: bytes, and the address under which the controller knows them.
pub trait DmaBuffer: fmt::Debug {
    /// Its bytes, for both sides.
    type Slice: Slice;

    /// Its address for the controller.
    fn iova(&self) -> Iova;

    /// Its bytes; clones of the slice do not keep the allocation from being reused after the buffer is dropped.
    fn slice(&self) -> &Self::Slice;

    /// Its length in bytes, as asked for.
    fn len(&self) -> usize {
        self.slice().len()
    }

    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why no DMA memory could be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DmaError {
    /// Nothing free that keeps the limit.
    Exhausted {
        /// Bytes asked for.
        len: usize,
        /// The highest address allowed.
        mask: u64,
    },
    /// Length 0, an alignment that is no power of two, or a boundary smaller than the buffer.
    Impossible {
        /// Bytes asked for.
        len: usize,
        /// Alignment asked for.
        align: usize,
        /// Boundary asked for.
        boundary: u64,
    },
}

impl fmt::Display for DmaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted { len, mask } => {
                write!(
                    f,
                    "no {len} bytes of DMA memory are free below {mask:#x}; use fewer or smaller buffers, or a larger pool"
                )
            }
            Self::Impossible {
                len,
                align,
                boundary,
            } => {
                write!(
                    f,
                    "a DMA buffer of {len} bytes, aligned to {align}, inside a boundary of {boundary:#x} cannot exist"
                )
            }
        }
    }
}

impl core::error::Error for DmaError {}
