//! Mappings made by the kernel.
//!
//! `unsafe` stands here for the system calls that make, advise on and remove a mapping.
#![expect(
    unsafe_code,
    reason = "mmap and munmap are foreign functions that deal in addresses"
)]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::Region;

/// How an anonymous region gets its pages. All kinds are populated when first touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pages {
    /// Counted against the machine's memory at once.
    #[default]
    Normal,
    /// Not counted before they are touched: for large regions of which little is used.
    Unreserved,
    /// As `Unreserved`, and the kernel is asked for huge pages. A hint: without them, small ones do.
    Huge,
}

/// Why a region could not be mapped.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// Nothing to map.
    #[error("a region of no bytes cannot be mapped; ask for at least one")]
    Empty,
    /// More than any process can map.
    #[error("a region of {len} bytes does not fit this process")]
    TooLarge {
        /// Bytes asked for.
        len: usize,
    },
    /// Files are mapped from a page boundary.
    #[error("file offset {offset:#x} is not a multiple of 4096; map from the page it lies in")]
    Unaligned {
        /// Offset asked for.
        offset: u64,
    },
    /// The file is shorter than the region: touching the missing part would kill the process.
    #[error(
        "the file ends at {size:#x}, the region would end at {end:#x}; make the file longer (ftruncate) before mapping it"
    )]
    BeyondEnd {
        /// Where the region would end in the file.
        end: u64,
        /// Where the file ends.
        size: u64,
    },
    /// The kernel refused.
    #[error(
        "mapping {len} bytes failed: {source}; if memory is short, use a smaller region or Pages::Unreserved"
    )]
    System {
        /// Bytes asked for.
        len: usize,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Region {
    /// Maps `len` zeroed bytes that belong to nobody else, readable and writable.
    ///
    /// # Errors
    /// [`RegionError`] when the kernel does not give them.
    pub fn anonymous(len: usize, pages: Pages) -> Result<Arc<Self>, RegionError> {
        let reserve = if pages == Pages::Normal {
            0
        } else {
            libc::MAP_NORESERVE
        };
        let base = map(
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | reserve,
            -1,
            0,
        )?;
        if pages == Pages::Huge {
            // SAFETY: The range was mapped by the line above; the advice changes no byte. Its failure is no error: it is a hint.
            unsafe { libc::madvise(base.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
        }
        // SAFETY: A fresh private mapping of `len` bytes, readable and writable, known to nobody else, removed by `unmap` only.
        Ok(unsafe { Self::from_raw(base, len, true, unmap) })
    }

    /// Maps `len` bytes of a file (a memfd, guest memory) from `offset`, shared with everyone else who maps it.
    ///
    /// The file must not become shorter as long as the region lives: a touch of the missing part raises SIGBUS, which ends the process.
    /// Of a memfd from someone untrusted, ask for `F_SEAL_SHRINK` first.
    ///
    /// # Errors
    /// [`RegionError`] when the offset is no page boundary, the file is too short or the kernel refuses (not opened for this access).
    pub fn of_file(
        file: impl AsFd,
        offset: u64,
        len: usize,
        writable: bool,
    ) -> Result<Arc<Self>, RegionError> {
        let system = |source| RegionError::System { len, source };
        if !offset.is_multiple_of(4096) {
            return Err(RegionError::Unaligned { offset });
        }
        let too_large = RegionError::TooLarge { len };
        let Some(end) = offset.checked_add(len as u64) else {
            return Err(too_large);
        };
        let Ok(offset) = libc::off_t::try_from(offset) else {
            return Err(too_large);
        };
        let owned = File::from(file.as_fd().try_clone_to_owned().map_err(system)?);
        let size = owned.metadata().map_err(system)?.len();
        if end > size {
            return Err(RegionError::BeyondEnd { end, size });
        }
        let protection = if writable {
            libc::PROT_READ | libc::PROT_WRITE
        } else {
            libc::PROT_READ
        };
        let base = map(
            len,
            protection,
            libc::MAP_SHARED | libc::MAP_NORESERVE,
            owned.as_raw_fd(),
            offset,
        )?;
        // SAFETY: A fresh mapping of `len` bytes with this protection, removed by `unmap` only. Others may change its bytes, which
        // is what regions are for.
        Ok(unsafe { Self::from_raw(base, len, writable, unmap) })
    }
}

fn map(
    len: usize,
    protection: i32,
    flags: i32,
    file: i32,
    offset: libc::off_t,
) -> Result<NonNull<u8>, RegionError> {
    if len == 0 {
        return Err(RegionError::Empty);
    }
    if isize::try_from(len).is_err() {
        return Err(RegionError::TooLarge { len });
    }
    // SAFETY: Without MAP_FIXED the kernel picks a range that nothing else uses.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, file, offset) };
    if base == libc::MAP_FAILED {
        return Err(RegionError::System {
            len,
            source: io::Error::last_os_error(),
        });
    }
    // Never null: the kernel maps nothing at address 0 unasked.
    NonNull::new(base.cast()).ok_or(RegionError::System {
        len,
        source: io::ErrorKind::AddrNotAvailable.into(),
    })
}

/// Removes a mapping made by [`map`].
///
/// # Safety
/// `base` and `len` name a whole mapping, which nobody uses any more.
unsafe fn unmap(base: NonNull<u8>, len: usize) {
    // SAFETY: The caller's promise.
    let result = unsafe { libc::munmap(base.as_ptr().cast(), len) };
    debug_assert_eq!(result, 0, "munmap of a whole mapping does not fail");
}
