use core::fmt::Debug;

use xhci_spec::number::Iova;

use crate::{Direction, Fault, OutOfBounds};

/// A contiguous piece of shared memory: checked when it was made, cheap to clone, valid as long as it lives.
///
/// The other side may change the bytes at any moment, so nothing here ever hands out a reference to them.
pub trait Slice: Clone + Debug {
    /// Its length in bytes.
    fn len(&self) -> usize;

    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part of it that begins at `offset` and is `len` bytes long.
    ///
    /// # Errors
    /// [`OutOfBounds`] when the part does not lie inside.
    fn part(&self, offset: usize, len: usize) -> Result<Self, OutOfBounds>;

    /// Copies bytes out of shared memory.
    ///
    /// # Errors
    /// [`OutOfBounds`] when they do not lie inside; then nothing was copied.
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfBounds>;

    /// Copies bytes into shared memory.
    ///
    /// # Errors
    /// [`OutOfBounds`] when they do not lie inside; then nothing was copied.
    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds>;

    /// Sets `len` bytes to `value`.
    ///
    /// # Errors
    /// [`OutOfBounds`] when they do not lie inside; then nothing was set.
    fn fill(&self, offset: usize, len: usize, value: u8) -> Result<(), OutOfBounds>;

    /// Loads a little-endian dword with acquire order. `offset` is a multiple of 4.
    ///
    /// # Errors
    /// [`OutOfBounds`] when it does not lie inside or is not aligned.
    fn load32(&self, offset: usize) -> Result<u32, OutOfBounds>;

    /// Stores a little-endian dword with release order. `offset` is a multiple of 4.
    ///
    /// # Errors
    /// [`OutOfBounds`] when it does not lie inside or is not aligned.
    fn store32(&self, offset: usize, value: u32) -> Result<(), OutOfBounds>;

    /// Loads a little-endian qword with acquire order. `offset` is a multiple of 8.
    ///
    /// # Errors
    /// [`OutOfBounds`] when it does not lie inside or is not aligned.
    fn load64(&self, offset: usize) -> Result<u64, OutOfBounds>;

    /// Stores a little-endian qword with release order. `offset` is a multiple of 8.
    ///
    /// # Errors
    /// [`OutOfBounds`] when it does not lie inside or is not aligned.
    fn store64(&self, offset: usize, value: u64) -> Result<(), OutOfBounds>;

    /// Takes a block of four dwords: dword 3 first, with acquire order, then 0 to 2. `offset` is a multiple of 16.
    ///
    /// # Errors
    /// [`OutOfBounds`] when it does not lie inside or is not aligned.
    fn load_block(&self, offset: usize) -> Result<[u32; 4], OutOfBounds>;

    /// Publishes a block of four dwords: 0 to 2 first, then dword 3 with release order. `offset` is a multiple of 16.
    ///
    /// # Errors
    /// [`OutOfBounds`] when it does not lie inside or is not aligned.
    fn store_block(&self, offset: usize, block: [u32; 4]) -> Result<(), OutOfBounds>;
}

/// A space of device addresses. Any address may be unmapped, so every access is a `Result`.
pub trait Memory {
    /// A checked piece of this memory.
    type Slice: Slice;

    /// The longest contiguous piece that begins at `at`, up to `len` bytes and at least one (for `len` 0: an empty one).
    ///
    /// A buffer may span two mappings that lie side by side: the caller asks again for the rest.
    ///
    /// # Errors
    /// [`Fault`] when the first byte is not mapped, or not for `direction`.
    fn slice(&self, at: Iova, len: usize, direction: Direction) -> Result<Self::Slice, Fault>;

    /// The piece of exactly `len` bytes at `at`.
    ///
    /// # Errors
    /// [`Fault`] when any byte of it is unmapped, not for `direction`, or in another mapping than the first.
    fn exact(&self, at: Iova, len: usize, direction: Direction) -> Result<Self::Slice, Fault> {
        let slice = self.slice(at, len, direction)?;
        if slice.len() == len {
            Ok(slice)
        } else {
            Err(Fault::Unmapped {
                at: at.offset(slice.len() as u64),
            })
        }
    }

    /// Loads a dword at `at`, a multiple of 4, with acquire order.
    ///
    /// # Errors
    /// [`Fault`] when it is unmapped, unreadable or misaligned.
    fn load32(&self, at: Iova) -> Result<u32, Fault> {
        let misaligned = |_| Fault::Misaligned { at, align: 4 };
        self.exact(at, 4, Direction::DeviceReads)?
            .load32(0)
            .map_err(misaligned)
    }

    /// Stores a dword at `at`, a multiple of 4, with release order.
    ///
    /// # Errors
    /// [`Fault`] when it is unmapped, not writable or misaligned.
    fn store32(&self, at: Iova, value: u32) -> Result<(), Fault> {
        let misaligned = |_| Fault::Misaligned { at, align: 4 };
        self.exact(at, 4, Direction::DeviceWrites)?
            .store32(0, value)
            .map_err(misaligned)
    }

    /// Loads a qword at `at`, a multiple of 8, with acquire order.
    ///
    /// # Errors
    /// [`Fault`] when it is unmapped, unreadable or misaligned.
    fn load64(&self, at: Iova) -> Result<u64, Fault> {
        let misaligned = |_| Fault::Misaligned { at, align: 8 };
        self.exact(at, 8, Direction::DeviceReads)?
            .load64(0)
            .map_err(misaligned)
    }

    /// Stores a qword at `at`, a multiple of 8, with release order.
    ///
    /// # Errors
    /// [`Fault`] when it is unmapped, not writable or misaligned.
    fn store64(&self, at: Iova, value: u64) -> Result<(), Fault> {
        let misaligned = |_| Fault::Misaligned { at, align: 8 };
        self.exact(at, 8, Direction::DeviceWrites)?
            .store64(0, value)
            .map_err(misaligned)
    }

    /// Takes a block of four dwords at `at`, a multiple of 16; see [`Slice::load_block`].
    ///
    /// # Errors
    /// [`Fault`] when it is unmapped, unreadable or misaligned.
    fn load_block(&self, at: Iova) -> Result<[u32; 4], Fault> {
        let misaligned = |_| Fault::Misaligned { at, align: 16 };
        self.exact(at, 16, Direction::DeviceReads)?
            .load_block(0)
            .map_err(misaligned)
    }

    /// Publishes a block of four dwords at `at`, a multiple of 16; see [`Slice::store_block`].
    ///
    /// # Errors
    /// [`Fault`] when it is unmapped, not writable or misaligned.
    fn store_block(&self, at: Iova, block: [u32; 4]) -> Result<(), Fault> {
        let misaligned = |_| Fault::Misaligned { at, align: 16 };
        self.exact(at, 16, Direction::DeviceWrites)?
            .store_block(0, block)
            .map_err(misaligned)
    }
}
