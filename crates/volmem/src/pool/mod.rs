//! Memory for DMA: regions at device addresses of their own, and an allocator over them.

mod allocator;
mod buffer;
mod ranges;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memory::{Iova, Slice};
use xhci_hal::{Dma, DmaError, DmaLimit};

use crate::{Access, AddressSpace, MapError, Pages, Region, RegionError, VolatileSlice};
use allocator::{Allocator, Place};
pub use buffer::DmaBuf;

/// What a freed byte is set to while canaries are on.
const CANARY: u8 = 0xdb;

/// Buffers that a device can reach, in regions at device addresses that are not the addresses of this process.
///
/// A clone is another handle to the same pool. Allocating and freeing take a lock, and buffers are reused, so a transfer allocates only when
/// its user asks for a buffer; neither belongs on the path of each transfer.
///
/// Buffers come from the highest addresses that their limit allows, so that low addresses are left for those who need them. They
/// lie at multiples of 64 bytes and share no 64 bytes with each other.
///
/// # Canaries
///
/// In debug builds, and elsewhere after [`set_canary`](Self::set_canary), freed bytes and the rest of a buffer's last 64 bytes are filled with
/// a pattern; [`check_canaries`](Self::check_canaries) finds out whether anyone wrote there.
#[derive(Clone, Debug)]
pub struct DmaPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    // In descending order of address.
    chunks: Vec<Chunk>,
    space: AddressSpace,
    state: Mutex<State>,
}

#[derive(Debug)]
struct Chunk {
    iova: Iova,
    slice: VolatileSlice,
    region: Arc<Region>,
}

#[derive(Debug)]
struct State {
    allocator: Allocator,
    canary: bool,
    trampled: Option<Trampled>,
    usage: PoolUsage,
}

/// What is in use of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUsage {
    /// Buffers that were handed out and not dropped.
    pub live_buffers: usize,
    /// Their bytes, as asked for.
    pub allocated_bytes: usize,
    /// Buffers ever handed out.
    pub allocations: u64,
}

/// Someone wrote to memory that belonged to no buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "freed DMA memory at {at} was written ({found:#04x}): a transfer was still running when its buffer was dropped, or ran past its end"
)]
pub struct Trampled {
    /// The first such address.
    pub at: Iova,
    /// What was found there.
    pub found: u8,
}

/// Why a pool could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// No chunk was given.
    #[error("a DMA pool needs at least one chunk of memory")]
    Empty,
    /// Buffers could not be aligned.
    #[error("the chunk at {iova} does not begin at a multiple of 4096; choose a page boundary")]
    Unaligned {
        /// Where it was to begin.
        iova: Iova,
    },
    /// Someone else holds the region, so two buffers could share bytes.
    #[error("the region for {iova} is in use elsewhere; give the pool one that nobody else holds")]
    Shared {
        /// Where it was to begin.
        iova: Iova,
    },
    /// The chunks do not fit each other or the address space.
    #[error(transparent)]
    Map(#[from] MapError),
    /// There is no memory.
    #[error(transparent)]
    Region(#[from] RegionError),
}

impl DmaPool {
    /// 256 MiB in three chunks with holes between: one below 4 GiB, two above, all below the 39 bits that small IOMMUs translate.
    pub const DEFAULT_LAYOUT: [(Iova, usize); 3] = [
        (Iova(0x7400_0000), 32 << 20),
        (Iova(0x15_2000_0000), 96 << 20),
        (Iova(0x7a_4000_0000), 128 << 20),
    ];

    /// A pool of new anonymous memory, populated as it is used, at these device addresses.
    ///
    /// # Errors
    /// [`PoolError`] for a layout that makes no sense or memory that is not there.
    pub fn new(layout: &[(Iova, usize)]) -> Result<Self, PoolError> {
        let region =
            |&(iova, len): &(Iova, usize)| Ok((iova, Region::anonymous(len, Pages::Unreserved)?));
        Self::of_regions(
            layout
                .iter()
                .map(region)
                .collect::<Result<_, RegionError>>()?,
        )
    }

    /// A pool of these regions, each at its device address. Nobody else may hold them or a slice of them; a file behind one may be
    /// mapped a second time only by someone who is the device.
    ///
    /// # Errors
    /// [`PoolError`] for regions that are shared, read-only, or overlap in the device's addresses.
    pub fn of_regions(regions: Vec<(Iova, Arc<Region>)>) -> Result<Self, PoolError> {
        if regions.is_empty() {
            return Err(PoolError::Empty);
        }
        let mut space = AddressSpace::new();
        let mut chunks = Vec::with_capacity(regions.len());
        for (iova, mut region) in regions {
            if Arc::get_mut(&mut region).is_none() {
                return Err(PoolError::Shared { iova });
            }
            if !iova.is_aligned(4096) {
                return Err(PoolError::Unaligned { iova });
            }
            let slice = region.slice();
            space.map(iova, slice.clone(), Access::ReadWrite)?;
            chunks.push(Chunk {
                iova,
                slice,
                region,
            });
        }
        chunks.sort_by_key(|chunk| std::cmp::Reverse(chunk.iova));
        let allocator =
            Allocator::new(chunks.iter().map(|chunk| (chunk.iova.0, chunk.slice.len())));
        let canary = cfg!(debug_assertions);
        let state = Mutex::new(State {
            allocator,
            canary,
            trampled: None,
            usage: PoolUsage::default(),
        });
        Ok(Self {
            shared: Arc::new(Shared {
                chunks,
                space,
                state,
            }),
        })
    }

    /// The device's view of this pool, for a model in the same process: every chunk, readable and writable.
    ///
    /// Buffers that are not in flight belong to their holders. A model must not touch them, as [`DmaBuf`] says.
    #[must_use]
    pub fn address_space(&self) -> AddressSpace {
        self.shared.space.clone()
    }

    /// The chunks, for whoever has to make them known to a device.
    pub fn chunks(&self) -> impl Iterator<Item = (Iova, &Arc<Region>)> {
        self.shared
            .chunks
            .iter()
            .map(|chunk| (chunk.iova, &chunk.region))
    }

    /// A buffer with these bytes in it.
    ///
    /// # Errors
    /// As [`alloc`](Dma::alloc).
    pub fn copy_of(&self, bytes: &[u8], align: usize, limit: DmaLimit) -> Result<DmaBuf, DmaError> {
        let mut buffer = self.alloc(bytes.len(), align, limit)?;
        buffer.copy_from_slice(bytes);
        Ok(buffer)
    }

    /// What is in use.
    #[must_use]
    pub fn usage(&self) -> PoolUsage {
        self.shared.lock().usage
    }

    /// Turns canaries on or off for what is freed from now on; off, what was found so far is forgotten.
    pub fn set_canary(&self, on: bool) {
        let mut state = self.shared.lock();
        state.canary = on;
        if !on {
            state.allocator.forget_poison();
            state.trampled = None;
        }
    }

    /// Whether nobody wrote to memory that belonged to no buffer, as far as canaries stood there.
    ///
    /// # Errors
    /// [`Trampled`]: the first such place found.
    pub fn check_canaries(&self) -> Result<(), Trampled> {
        let mut state = self.shared.lock();
        for (index, chunk) in self.shared.chunks.iter().enumerate() {
            state.check(index, chunk, 0, chunk.slice.len());
        }
        state.trampled.map_or(Ok(()), Err)
    }
}

impl Dma for DmaPool {
    type Buffer = DmaBuf;

    fn alloc(&self, len: usize, align: usize, limit: DmaLimit) -> Result<DmaBuf, DmaError> {
        let sensible = len > 0
            && align.is_power_of_two()
            && (limit.boundary == 0
                || (limit.boundary.is_power_of_two() && limit.boundary >= len as u64));
        if !sensible {
            return Err(DmaError::Impossible {
                len,
                align,
                boundary: limit.boundary,
            });
        }
        let exhausted = DmaError::Exhausted {
            len,
            mask: limit.mask,
        };
        let mut state = self.shared.lock();
        let place = state.allocator.take(len, align, limit).ok_or(exhausted)?;
        let slice = state
            .prepare(&self.shared.chunks, place, len)
            .ok_or(exhausted)?;
        drop(state);
        let iova = self.shared.chunks[place.chunk]
            .iova
            .offset(place.offset as u64);
        Ok(DmaBuf::new(slice, iova, place, Arc::clone(&self.shared)))
    }
}

impl Shared {
    /// The state; a panic elsewhere while it was locked left it consistent, as every change is a single call.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a buffer's place back; called once, by its drop.
    fn free(&self, place: Place, len: usize) {
        let mut state = self.lock();
        let chunk = &self.chunks[place.chunk];
        if state.canary {
            // The rest of the last 64 bytes has held canaries since the buffer was handed out.
            state.check(place.chunk, chunk, place.offset + len, place.reserved - len);
            // In bounds: the allocator took the place from this chunk.
            let _in_bounds = chunk.slice.fill(place.offset, place.reserved, CANARY);
            state
                .allocator
                .poison(place.chunk, place.offset, place.reserved);
        }
        state.allocator.give_back(place);
        state.usage.live_buffers -= 1;
        state.usage.allocated_bytes -= len;
    }
}

impl State {
    /// Zeroes a place that was just taken, and guards its rest.
    fn prepare(&mut self, chunks: &[Chunk], place: Place, len: usize) -> Option<VolatileSlice> {
        let chunk = &chunks[place.chunk];
        self.check(place.chunk, chunk, place.offset, place.reserved);
        self.allocator
            .unpoison(place.chunk, place.offset, place.reserved);
        let slice = chunk.slice.part(place.offset, len).ok()?;
        slice.fill(0, len, 0).ok()?;
        let rest = place.reserved - len;
        if self.canary && rest > 0 {
            chunk.slice.fill(place.offset + len, rest, CANARY).ok()?;
            self.allocator.poison(place.chunk, place.offset + len, rest);
        }
        self.usage.live_buffers += 1;
        self.usage.allocated_bytes += len;
        self.usage.allocations += 1;
        Some(slice)
    }

    /// Looks for canaries that died within a range of a chunk, and keeps the first.
    fn check(&mut self, index: usize, chunk: &Chunk, offset: usize, len: usize) {
        if self.trampled.is_some() {
            return;
        }
        self.trampled = self
            .allocator
            .poisoned(index, offset, len)
            .find_map(|(start, end)| {
                let mut bytes = [0; 4096];
                (start..end).step_by(bytes.len()).find_map(|at| {
                    let bytes = &mut bytes[..(end - at).min(4096)];
                    chunk.slice.read(at, bytes).ok()?;
                    let dead = bytes.iter().position(|byte| *byte != CANARY)?;
                    Some(Trampled {
                        at: chunk.iova.offset((at + dead) as u64),
                        found: bytes[dead],
                    })
                })
            });
    }
}
