//! Copies between files and shared memory, by the kernel, without a buffer in between.
//!
//! `unsafe` stands here for the two system calls that take addresses.
#![expect(
    unsafe_code,
    reason = "preadv and pwritev are foreign functions that deal in addresses"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::ptr::null_mut;

use memory::Slice;

use crate::VolatileSlice;

/// How many pieces one system call moves; more pieces take more calls. They lie on the stack, 16 bytes each.
pub const IOVECS_MAX: usize = 64;

/// How many bytes one system call is asked to move; the kernel's own bound is a little below 2 GiB.
const CALL_MAX: usize = 1 << 30;

/// Why a copy was not completed. Some bytes may have been moved.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The file ended first: it is shorter than it was said to be.
    #[error(
        "the file ends at byte {at}, {missing} bytes too early; was it truncated while in use?"
    )]
    EndOfFile {
        /// Where it ended.
        at: u64,
        /// How many bytes were still wanted.
        missing: usize,
    },
    /// The pieces together are shorter than what was to be moved, or a part does not lie inside; nothing was moved.
    #[error("{wanted} bytes do not fit the memory given for them, {len} bytes")]
    NoRoom {
        /// How many bytes were to be moved.
        wanted: usize,
        /// How many bytes the pieces have.
        len: usize,
    },
    /// A piece to be filled is read-only; nothing was moved.
    #[error("the memory to be filled is mapped read-only; map it writable")]
    ReadOnly,
    /// No file is that long; nothing was moved.
    #[error("file offset {at:#x} lies beyond the end of any file")]
    Offset {
        /// The offset asked for.
        at: u64,
    },
    /// The kernel refused.
    #[error("moving bytes at file offset {at} failed: {source}")]
    System {
        /// Where in the file.
        at: u64,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Fills `slices`, in order, with `length` bytes of the file from `at`. Allocates nothing.
///
/// # Errors
/// [`CopyError`] when not all bytes could be moved.
pub fn read_vectored(
    file: impl AsFd,
    at: u64,
    slices: &[VolatileSlice],
    length: usize,
) -> Result<(), CopyError> {
    // The kernel writes through these addresses, and what is mapped writable here may still be meant read-only.
    if !slices.iter().all(VolatileSlice::is_writable) {
        return Err(CopyError::ReadOnly);
    }
    transfer(Way::IntoMemory, file.as_fd(), at, slices, length)
}

/// Puts `length` bytes from `slices`, in order, into the file at `at`. Allocates nothing.
///
/// # Errors
/// [`CopyError`] when not all bytes could be moved.
pub fn write_vectored(
    file: impl AsFd,
    at: u64,
    slices: &[VolatileSlice],
    length: usize,
) -> Result<(), CopyError> {
    transfer(Way::IntoFile, file.as_fd(), at, slices, length)
}

impl VolatileSlice {
    /// Fills `len` bytes of this slice from `offset` with the file's bytes from `at`.
    ///
    /// # Errors
    /// [`CopyError`] when not all bytes could be moved.
    pub fn read_from_file(
        &self,
        file: impl AsFd,
        at: u64,
        offset: usize,
        len: usize,
    ) -> Result<(), CopyError> {
        let part = self.part(offset, len).map_err(|error| CopyError::NoRoom {
            wanted: len,
            len: error.len.saturating_sub(offset),
        })?;
        read_vectored(file, at, &[part], len)
    }

    /// Puts `len` bytes of this slice from `offset` into the file at `at`.
    ///
    /// # Errors
    /// [`CopyError`] when not all bytes could be moved.
    pub fn write_to_file(
        &self,
        file: impl AsFd,
        at: u64,
        offset: usize,
        len: usize,
    ) -> Result<(), CopyError> {
        let part = self.part(offset, len).map_err(|error| CopyError::NoRoom {
            wanted: len,
            len: error.len.saturating_sub(offset),
        })?;
        write_vectored(file, at, &[part], len)
    }
}

#[derive(Clone, Copy)]
enum Way {
    IntoMemory,
    IntoFile,
}

fn transfer(
    way: Way,
    file: BorrowedFd<'_>,
    at: u64,
    slices: &[VolatileSlice],
    length: usize,
) -> Result<(), CopyError> {
    let room = slices
        .iter()
        .fold(0usize, |sum, slice| sum.saturating_add(slice.len()));
    if room < length {
        return Err(CopyError::NoRoom {
            wanted: length,
            len: room,
        });
    }
    let mut rest = Rest {
        slices,
        skip: 0,
        length,
    };
    let mut at = at;
    // Every turn moves at least one byte, ends in an error, or was interrupted by a signal of our own process.
    while rest.length > 0 {
        let offset = libc::off_t::try_from(at).map_err(|_| CopyError::Offset { at })?;
        let (iovecs, count) = rest.gather();
        match call(way, file, &iovecs[..count], offset) {
            Ok(0) => {
                return Err(CopyError::EndOfFile {
                    at,
                    missing: rest.length,
                });
            }
            Ok(moved) => {
                rest.advance(moved);
                at = at.saturating_add(moved as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(CopyError::System { at, source }),
        }
    }
    Ok(())
}

/// One system call; it moves as many bytes as it likes.
fn call(
    way: Way,
    file: BorrowedFd<'_>,
    iovecs: &[libc::iovec],
    at: libc::off_t,
) -> io::Result<usize> {
    let count = libc::c_int::try_from(iovecs.len()).unwrap_or(libc::c_int::MAX);
    let moved = match way {
        // SAFETY: `gather` made the entries from writable slices, which outlive the call; `count` is their number.
        Way::IntoMemory => unsafe { libc::preadv(file.as_raw_fd(), iovecs.as_ptr(), count, at) },
        // SAFETY: `gather` made the entries from slices, which outlive the call; `count` is their number.
        Way::IntoFile => unsafe { libc::pwritev(file.as_raw_fd(), iovecs.as_ptr(), count, at) },
    };
    usize::try_from(moved).map_err(|_| io::Error::last_os_error())
}

/// What is still to be moved: `length` bytes in `slices`, after the first `skip` bytes of the first one.
struct Rest<'a> {
    slices: &'a [VolatileSlice],
    skip: usize,
    length: usize,
}

impl Rest<'_> {
    /// The next pieces for the kernel and their number, which is at least one while bytes are left.
    fn gather(&self) -> ([libc::iovec; IOVECS_MAX], usize) {
        let mut iovecs = [libc::iovec {
            iov_base: null_mut(),
            iov_len: 0,
        }; IOVECS_MAX];
        let (mut count, mut skip, mut length) = (0, self.skip, self.length.min(CALL_MAX));
        for slice in self.slices {
            if count == IOVECS_MAX || length == 0 {
                break;
            }
            let len = (slice.len() - skip).min(length);
            if len > 0 {
                iovecs[count] = libc::iovec {
                    iov_base: slice.as_ptr().as_ptr().wrapping_add(skip).cast(),
                    iov_len: len,
                };
                count += 1;
            }
            length -= len;
            skip = 0;
        }
        (iovecs, count)
    }

    /// Notes that `moved` bytes are done. The kernel never moves more than it was asked to.
    fn advance(&mut self, moved: usize) {
        self.length -= moved.min(self.length);
        self.skip += moved;
        while let Some((first, others)) = self.slices.split_first()
            && self.skip >= first.len()
        {
            self.skip -= first.len();
            self.slices = others;
        }
    }
}
