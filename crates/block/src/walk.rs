use memory::{OutOfBounds, Slice};
use volmem::VolatileSlice;

/// A way through pieces of memory, in order, for bytes that come in portions of other lengths.
pub(crate) struct Walk<'a> {
    slices: &'a [VolatileSlice],
    // How much of the first slice is done.
    done: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(slices: &'a [VolatileSlice]) -> Self {
        Self { slices, done: 0 }
    }

    /// Stores the next bytes.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), OutOfBounds> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (slice, at, room) = self.next(rest.len())?;
            let (now, later) = rest.split_at(room);
            slice.write(at, now)?;
            rest = later;
        }
        Ok(())
    }

    /// Fetches the next bytes.
    pub(crate) fn take(&mut self, bytes: &mut [u8]) -> Result<(), OutOfBounds> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (slice, at, room) = self.next(rest.len())?;
            let (now, later) = rest.split_at_mut(room);
            slice.read(at, now)?;
            rest = later;
        }
        Ok(())
    }

    /// The next place: a slice, where in it, and how many bytes of `wanted` (at least one) fit there. They count as done.
    fn next(&mut self, wanted: usize) -> Result<(&'a VolatileSlice, usize, usize), OutOfBounds> {
        while let Some((slice, others)) = self.slices.split_first() {
            let (at, room) = (self.done, (slice.len() - self.done).min(wanted));
            if room > 0 {
                self.done += room;
                return Ok((slice, at, room));
            }
            self.slices = others;
            self.done = 0;
        }
        Err(OutOfBounds {
            offset: 0,
            wanted,
            len: 0,
        })
    }
}
