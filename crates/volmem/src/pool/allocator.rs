use xhci_hal::DmaLimit;

use super::ranges::Ranges;

/// What every place is a multiple of, in address and in length: a cache line, so that two buffers never share one.
const GRANULE: usize = 64;

/// Which bytes of a pool's chunks are free, and which of those are guarded. Knows numbers, touches no memory.
#[derive(Debug)]
pub(super) struct Allocator {
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    iova: u64,
    free: Ranges,
    poisoned: Ranges,
}

/// Where a buffer lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Which chunk.
    pub(super) chunk: usize,
    /// Where in it.
    pub(super) offset: usize,
    /// How many bytes are taken; the buffer's length, rounded up.
    pub(super) reserved: usize,
}

impl Allocator {
    /// All of these chunks (address and length) are free. Earlier ones are used first.
    pub(super) fn new(chunks: impl Iterator<Item = (u64, usize)>) -> Self {
        // What is left over beyond the last whole granule is never used.
        let chunk = |(iova, len): (u64, usize)| Chunk {
            iova,
            free: Ranges::up_to(len - len % GRANULE),
            poisoned: Ranges::default(),
        };
        Self {
            chunks: chunks.map(chunk).collect(),
        }
    }

    /// Takes the first place that keeps alignment and limit.
    pub(super) fn take(&mut self, len: usize, align: usize, limit: DmaLimit) -> Option<Place> {
        let reserved = len.checked_next_multiple_of(GRANULE)?;
        let align = (align as u64).max(GRANULE as u64);
        let fit = |chunk: &Chunk| {
            chunk.free.iter().find_map(|(start, end)| {
                let offset = first_fit(chunk.iova, start, len, align, limit)?;
                (offset.checked_add(reserved)? <= end).then_some(offset)
            })
        };
        let (index, offset) = self
            .chunks
            .iter()
            .enumerate()
            .find_map(|(index, chunk)| Some((index, fit(chunk)?)))?;
        self.chunks[index].free.remove(offset, offset + reserved);
        Some(Place {
            chunk: index,
            offset,
            reserved,
        })
    }

    /// The place is free again.
    pub(super) fn give_back(&mut self, place: Place) {
        self.chunks[place.chunk]
            .free
            .insert(place.offset, place.offset + place.reserved);
    }

    /// Canaries stand here now.
    pub(super) fn poison(&mut self, chunk: usize, offset: usize, len: usize) {
        self.chunks[chunk].poisoned.insert(offset, offset + len);
    }

    /// No canaries stand here any more.
    pub(super) fn unpoison(&mut self, chunk: usize, offset: usize, len: usize) {
        self.chunks[chunk].poisoned.remove(offset, offset + len);
    }

    /// No canaries stand anywhere any more.
    pub(super) fn forget_poison(&mut self) {
        self.chunks
            .iter_mut()
            .for_each(|chunk| chunk.poisoned.clear());
    }

    /// Where canaries stand within a range, as `start..end`.
    pub(super) fn poisoned(
        &self,
        chunk: usize,
        offset: usize,
        len: usize,
    ) -> impl Iterator<Item = (usize, usize)> {
        self.chunks[chunk].poisoned.within(offset, offset + len)
    }
}

/// The first offset from `start` at which `len` bytes keep alignment and limit; whether they are free is for the caller to see.
fn first_fit(iova: u64, start: usize, len: usize, align: u64, limit: DmaLimit) -> Option<usize> {
    let at = iova
        .checked_add(start as u64)?
        .checked_next_multiple_of(align)?;
    // What would cross a boundary begins on the next one, which is a multiple of the alignment if the boundary is the larger.
    let last = at.checked_add(len as u64 - 1)?;
    let crosses = limit.boundary != 0 && at / limit.boundary != last / limit.boundary;
    let at = if crosses {
        at.checked_next_multiple_of(limit.boundary.max(align))?
    } else {
        at
    };
    if !limit.allows(memory::Iova(at), len) {
        return None;
    }
    usize::try_from(at - iova).ok()
}
