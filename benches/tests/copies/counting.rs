//! Memory that counts what is moved through it.

use std::cell::Cell;
use std::rc::Rc;

use memory::{Direction, Fault, Iova, Memory, OutOfBounds, Slice};
use volmem::{AddressSpace, VolatileSlice};

/// What was moved since [`begin`](Self::begin).
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Through [`CountingSlice`]: by the model and its devices.
    moved: Cell<u64>,
    placed: Cell<u64>,
    misplaced: Cell<u64>,
    base: Cell<usize>,
    at: Cell<u64>,
}

impl Tally {
    /// Counts from here on; byte `at` of the medium belongs at `base` in this process.
    pub(crate) fn begin(&self, base: usize, at: u64) {
        self.base.set(base);
        self.at.set(at);
        for count in [&self.moved, &self.placed, &self.misplaced] {
            count.set(0);
        }
    }

    pub(crate) fn moved(&self) -> u64 {
        self.moved.get()
    }

    pub(crate) fn placed(&self) -> u64 {
        self.placed.get()
    }

    pub(crate) fn misplaced(&self) -> u64 {
        self.misplaced.get()
    }

    /// The medium's bytes from `offset` were put to `place`.
    pub(crate) fn put(&self, offset: u64, place: usize, bytes: usize) {
        let wanted = (self.base.get() as u64).wrapping_add(offset.wrapping_sub(self.at.get()));
        let count = if place as u64 == wanted {
            &self.placed
        } else {
            &self.misplaced
        };
        count.set(count.get() + bytes as u64);
    }

    fn add(&self, bytes: usize) {
        self.moved.set(self.moved.get() + bytes as u64);
    }
}

/// The driver's memory as a model sees it that is being counted.
#[derive(Clone, Debug)]
pub(crate) struct CountingMemory {
    pub(crate) inner: AddressSpace,
    pub(crate) tally: Rc<Tally>,
}

impl Memory for CountingMemory {
    type Slice = CountingSlice;

    fn slice(&self, at: Iova, len: usize, direction: Direction) -> Result<CountingSlice, Fault> {
        Ok(CountingSlice {
            inner: self.inner.slice(at, len, direction)?,
            tally: Rc::clone(&self.tally),
        })
    }
}

/// A piece of it.
#[derive(Clone, Debug)]
pub(crate) struct CountingSlice {
    pub(crate) inner: VolatileSlice,
    tally: Rc<Tally>,
}

impl Slice for CountingSlice {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn part(&self, offset: usize, len: usize) -> Result<Self, OutOfBounds> {
        Ok(Self {
            inner: self.inner.part(offset, len)?,
            tally: Rc::clone(&self.tally),
        })
    }

    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        self.tally.add(into.len());
        self.inner.read(offset, into)
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        self.tally.add(from.len());
        self.inner.write(offset, from)
    }

    fn fill(&self, offset: usize, len: usize, value: u8) -> Result<(), OutOfBounds> {
        self.tally.add(len);
        self.inner.fill(offset, len, value)
    }

    fn load32(&self, offset: usize) -> Result<u32, OutOfBounds> {
        self.tally.add(4);
        self.inner.load32(offset)
    }

    fn store32(&self, offset: usize, value: u32) -> Result<(), OutOfBounds> {
        self.tally.add(4);
        self.inner.store32(offset, value)
    }

    fn load64(&self, offset: usize) -> Result<u64, OutOfBounds> {
        self.tally.add(8);
        self.inner.load64(offset)
    }

    fn store64(&self, offset: usize, value: u64) -> Result<(), OutOfBounds> {
        self.tally.add(8);
        self.inner.store64(offset, value)
    }

    fn load_block(&self, offset: usize) -> Result<[u32; 4], OutOfBounds> {
        self.tally.add(16);
        self.inner.load_block(offset)
    }

    fn store_block(&self, offset: usize, block: [u32; 4]) -> Result<(), OutOfBounds> {
        self.tally.add(16);
        self.inner.store_block(offset, block)
    }
}
