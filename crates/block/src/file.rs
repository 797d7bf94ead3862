use std::error::Error;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::io::Errno;
use usb_model::WorkError;
use volmem::{CopyError, VolatileSlice, read_vectored, write_vectored};

use crate::open::{self, Opened};
use crate::{Medium, Mode, OpenError};

/// A disk image, a block device, or a descriptor of one.
///
/// Reads and writes go straight between the file and shared memory, by the kernel. The size is taken when it is opened: a file that
/// somebody cuts short afterwards gives read errors in the missing part, and grows again where it is written.
#[derive(Debug)]
pub struct FileMedium {
    file: File,
    len: u64,
    mode: Mode,
    last: Option<FileError>,
}

/// Why a file failed while in use.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Reading or writing failed.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// What was written may not be durable.
    #[error(
        "the disk image could not be synchronised ({0}); what the guest wrote may be lost, check the disk below it"
    )]
    Flush(#[source] io::Error),
}

impl FileMedium {
    /// Opens a disk image or block device whose size is a multiple of `block_size`, and locks it against other users.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do next.
    pub fn open(path: impl AsRef<Path>, mode: Mode, block_size: u32) -> Result<Self, OpenError> {
        open::open(path.as_ref(), mode, block_size).map(|opened| Self::new(opened, mode))
    }

    /// Uses a file that someone else opened, as [`open`](Self::open) does.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do next; also when the file is not open for `mode`.
    pub fn from_file(file: File, mode: Mode, block_size: u32) -> Result<Self, OpenError> {
        open::adopt(file, mode, block_size).map(|opened| Self::new(opened, mode))
    }

    fn new(Opened { file, len }: Opened, mode: Mode) -> Self {
        Self {
            file,
            len,
            mode,
            last: None,
        }
    }

    /// What failed last, in more words than a [`WorkError`] has.
    #[must_use]
    pub fn last_error(&self) -> Option<&FileError> {
        self.last.as_ref()
    }

    /// Keeps the error for people, and says what the disk's user is told.
    fn note(&mut self, error: FileError, otherwise: WorkError) -> WorkError {
        let told = match &error {
            FileError::Copy(CopyError::System { source, .. }) | FileError::Flush(source) => {
                tell(source, otherwise)
            }
            FileError::Copy(_) => otherwise,
        };
        self.last = Some(error);
        told
    }
}

/// A disk that was pulled out or became read-only is told apart from one with a bad block.
fn tell(error: &io::Error, otherwise: WorkError) -> WorkError {
    const GONE: [Errno; 4] = [Errno::NODEV, Errno::NXIO, Errno::NOMEDIUM, Errno::STALE];
    if GONE
        .iter()
        .any(|gone| error.raw_os_error() == Some(gone.raw_os_error()))
    {
        WorkError::Gone
    } else if otherwise == WorkError::Write && error.kind() == ErrorKind::ReadOnlyFilesystem {
        WorkError::Protected
    } else {
        otherwise
    }
}

impl Medium for FileMedium {
    fn len(&self) -> u64 {
        self.len
    }

    fn is_read_only(&self) -> bool {
        self.mode == Mode::ReadOnly
    }

    fn read(&mut self, at: u64, into: &[VolatileSlice], length: usize) -> Result<(), WorkError> {
        read_vectored(&self.file, at, into, length)
            .map_err(|error| self.note(error.into(), WorkError::Read))
    }

    fn write(&mut self, at: u64, from: &[VolatileSlice], length: usize) -> Result<(), WorkError> {
        if self.is_read_only() {
            return Err(WorkError::Protected);
        }
        write_vectored(&self.file, at, from, length)
            .map_err(|error| self.note(error.into(), WorkError::Write))
    }

    fn flush(&mut self) -> Result<(), WorkError> {
        if self.is_read_only() {
            return Ok(());
        }
        self.file
            .sync_data()
            .map_err(|error| self.note(FileError::Flush(error), WorkError::Write))
    }

    fn last_failure(&self) -> Option<&(dyn Error + 'static)> {
        self.last.as_ref().map(|error| error as _)
    }
}
