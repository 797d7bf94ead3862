use alloc::sync::Arc;
use alloc::vec::Vec;

use memory::{Direction, Fault, Iova, Memory, OutOfBounds, Slice};

use crate::VolatileSlice;

/// What the device may do in a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read only.
    Read,
    /// Write only.
    Write,
    /// Both.
    ReadWrite,
}

impl Access {
    /// Whether it allows this direction.
    #[must_use]
    pub const fn allows(self, direction: Direction) -> bool {
        match direction {
            Direction::DeviceReads => !matches!(self, Self::Write),
            Direction::DeviceWrites => !matches!(self, Self::Read),
        }
    }
}

/// The device's view of memory: device addresses lead to pieces of regions, with holes between.
///
/// A plain value with one owner: mapping needs `&mut`, looking up is a binary search without a lock, and word accesses count no
/// references. A clone shares the table until one of the two changes it, so handing a snapshot to a worker is cheap.
#[derive(Clone, Debug, Default)]
pub struct AddressSpace {
    // Sorted by `start`; no two overlap.
    table: Arc<Vec<Mapping>>,
}

#[derive(Clone, Debug)]
struct Mapping {
    start: u64,
    // Inclusive, so that a mapping may end at the very top.
    last: u64,
    access: Access,
    // As long as the mapping, and read-only unless `access` lets the device write.
    slice: VolatileSlice,
}

/// Why a mapping could not be made or removed. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// Nothing to map.
    #[error("an empty mapping at {iova} makes no sense; map at least one byte")]
    Empty {
        /// Where it was to begin.
        iova: Iova,
    },
    /// Beyond the top of the address space.
    #[error("{len} bytes at {iova} reach beyond the 64-bit address space")]
    Wraps {
        /// Where it was to begin.
        iova: Iova,
        /// How long it was to be.
        len: u64,
    },
    /// Another mapping is in the way.
    #[error("the mapping at {iova} would overlap the one at {other}; unmap that one first")]
    Overlap {
        /// Where it was to begin.
        iova: Iova,
        /// Where the other begins.
        other: Iova,
    },
    /// The device should write where this process may not.
    #[error("the mapping at {iova} lets the device write memory that is mapped read-only here")]
    NotWritable {
        /// Where it was to begin.
        iova: Iova,
    },
    /// An aligned device address would not be an aligned address here.
    #[error("device address {iova} and the memory behind it differ modulo 16; map whole pages")]
    Uneven {
        /// Where it was to begin.
        iova: Iova,
    },
    /// Nothing is mapped there.
    #[error("nothing is mapped in the {len} bytes at {iova}")]
    NotMapped {
        /// The start of the range.
        iova: Iova,
        /// Its length.
        len: u64,
    },
    /// Only a part of a mapping would go.
    #[error("unmapping {len} bytes at {iova} would cut the mapping at {other}; name all of it")]
    Cuts {
        /// The start of the range.
        iova: Iova,
        /// Its length.
        len: u64,
        /// The mapping that lies partly inside.
        other: Iova,
    },
}

impl AddressSpace {
    /// A space in which nothing is mapped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Maps all of `slice` at `iova`.
    ///
    /// # Errors
    /// [`MapError`] for what cannot be mapped there.
    pub fn map(
        &mut self,
        iova: Iova,
        slice: VolatileSlice,
        access: Access,
    ) -> Result<(), MapError> {
        let last = last_of(iova, slice.len() as u64)?;
        if access.allows(Direction::DeviceWrites) && !slice.is_writable() {
            return Err(MapError::NotWritable { iova });
        }
        if iova.0 % 16 != slice.as_ptr().addr().get() as u64 % 16 {
            return Err(MapError::Uneven { iova });
        }
        let place = self.table.partition_point(|mapping| mapping.last < iova.0);
        if let Some(other) = self.table.get(place)
            && other.start <= last
        {
            return Err(MapError::Overlap {
                iova,
                other: Iova(other.start),
            });
        }
        let slice = if access.allows(Direction::DeviceWrites) {
            slice
        } else {
            slice.read_only()
        };
        Arc::make_mut(&mut self.table).insert(
            place,
            Mapping {
                start: iova.0,
                last,
                access,
                slice,
            },
        );
        Ok(())
    }

    /// Removes every mapping in the `len` bytes at `iova`, and says how many bytes were mapped there.
    ///
    /// Slices taken before stay usable: who must be sure that nobody touches the memory any more waits for their owners first.
    ///
    /// # Errors
    /// [`MapError`] when nothing is mapped there, or a mapping lies only partly inside.
    pub fn unmap(&mut self, iova: Iova, len: u64) -> Result<u64, MapError> {
        let last = last_of(iova, len)?;
        let from = self.table.partition_point(|mapping| mapping.last < iova.0);
        let to = self.table.partition_point(|mapping| mapping.start <= last);
        let inside = self.table.get(from..to).unwrap_or_default();
        if let Some(cut) = inside
            .iter()
            .find(|mapping| mapping.start < iova.0 || mapping.last > last)
        {
            return Err(MapError::Cuts {
                iova,
                len,
                other: Iova(cut.start),
            });
        }
        if inside.is_empty() {
            return Err(MapError::NotMapped { iova, len });
        }
        let bytes = inside
            .iter()
            .map(|mapping| mapping.slice.len() as u64)
            .sum();
        Arc::make_mut(&mut self.table).drain(from..to);
        Ok(bytes)
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.table = Arc::default();
    }

    /// The mappings in ascending order: where, how long, and what the device may do.
    pub fn mappings(&self) -> impl Iterator<Item = (Iova, usize, Access)> {
        self.table
            .iter()
            .map(|mapping| (Iova(mapping.start), mapping.slice.len(), mapping.access))
    }

    /// Copies bytes out, across mappings that lie side by side.
    ///
    /// # Errors
    /// [`Fault`] at the first byte that the device may not read; bytes before it may have been copied.
    pub fn read(&self, at: Iova, into: &mut [u8]) -> Result<(), Fault> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let (mapping, offset) = self.find(at.offset(done as u64), Direction::DeviceReads)?;
            let len = rest.len().min(mapping.slice.len() - offset);
            mapping
                .slice
                .read(offset, &mut rest[..len])
                .map_err(|_| Fault::Unmapped { at })?;
            done += len;
        }
        Ok(())
    }

    /// Copies bytes in, across mappings that lie side by side.
    ///
    /// # Errors
    /// [`Fault`] at the first byte that the device may not write; bytes before it may have been copied.
    pub fn write(&self, at: Iova, from: &[u8]) -> Result<(), Fault> {
        let mut done = 0;
        while let Some(rest) = from.get(done..).filter(|rest| !rest.is_empty()) {
            let (mapping, offset) = self.find(at.offset(done as u64), Direction::DeviceWrites)?;
            let len = rest.len().min(mapping.slice.len() - offset);
            mapping
                .slice
                .write(offset, &rest[..len])
                .map_err(|_| Fault::Unmapped { at })?;
            done += len;
        }
        Ok(())
    }

    /// The mapping that holds `at`, and where in it `at` lies.
    #[inline]
    fn find(&self, at: Iova, direction: Direction) -> Result<(&Mapping, usize), Fault> {
        let place = self.table.partition_point(|mapping| mapping.last < at.0);
        let mapping = self
            .table
            .get(place)
            .filter(|mapping| mapping.start <= at.0)
            .ok_or(Fault::Unmapped { at })?;
        if !mapping.access.allows(direction) {
            return Err(Fault::Denied { at, direction });
        }
        // The distance is less than the slice's length, which is a usize; the fallback lies outside of any slice.
        Ok((
            mapping,
            usize::try_from(at.0 - mapping.start).unwrap_or(usize::MAX),
        ))
    }

    /// One word of `size` bytes, moved by `with`; nothing is cloned on the way.
    #[inline]
    fn word<T>(
        &self,
        at: Iova,
        size: u32,
        direction: Direction,
        with: impl FnOnce(&VolatileSlice, usize) -> Result<T, OutOfBounds>,
    ) -> Result<T, Fault> {
        let (mapping, offset) = self.find(at, direction)?;
        if mapping.slice.len() - offset < size as usize {
            return Err(Fault::Unmapped {
                at: Iova(mapping.last).offset(1),
            });
        }
        // Bounds and permission hold, so alignment is all that can still be wrong.
        with(&mapping.slice, offset).map_err(|_| Fault::Misaligned { at, align: size })
    }
}

/// The last address of `len` bytes at `iova`.
fn last_of(iova: Iova, len: u64) -> Result<u64, MapError> {
    let beyond = len.checked_sub(1).ok_or(MapError::Empty { iova })?;
    iova.0
        .checked_add(beyond)
        .ok_or(MapError::Wraps { iova, len })
}

impl Memory for AddressSpace {
    type Slice = VolatileSlice;

    fn slice(&self, at: Iova, len: usize, direction: Direction) -> Result<VolatileSlice, Fault> {
        let (mapping, offset) = self.find(at, direction)?;
        let len = len.min(mapping.slice.len() - offset);
        mapping
            .slice
            .part(offset, len)
            .map_err(|_| Fault::Unmapped { at })
    }

    #[inline]
    fn load32(&self, at: Iova) -> Result<u32, Fault> {
        self.word(at, 4, Direction::DeviceReads, |slice, offset| {
            slice.load32(offset)
        })
    }

    #[inline]
    fn store32(&self, at: Iova, value: u32) -> Result<(), Fault> {
        self.word(at, 4, Direction::DeviceWrites, |slice, offset| {
            slice.store32(offset, value)
        })
    }

    #[inline]
    fn load64(&self, at: Iova) -> Result<u64, Fault> {
        self.word(at, 8, Direction::DeviceReads, |slice, offset| {
            slice.load64(offset)
        })
    }

    #[inline]
    fn store64(&self, at: Iova, value: u64) -> Result<(), Fault> {
        self.word(at, 8, Direction::DeviceWrites, |slice, offset| {
            slice.store64(offset, value)
        })
    }

    #[inline]
    fn load_block(&self, at: Iova) -> Result<[u32; 4], Fault> {
        self.word(at, 16, Direction::DeviceReads, |slice, offset| {
            slice.load_block(offset)
        })
    }

    #[inline]
    fn store_block(&self, at: Iova, block: [u32; 4]) -> Result<(), Fault> {
        self.word(at, 16, Direction::DeviceWrites, |slice, offset| {
            slice.store_block(offset, block)
        })
    }
}
