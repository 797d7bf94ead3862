use std::fs::{File, FileType, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// How a medium is used. It is said by whoever opens it and never weakened silently: an image that should be writable and is not, is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read and written; nobody else may use it meanwhile.
    ReadWrite,
    /// Only read; others may read it too.
    ReadOnly,
}

/// Why a disk image, block device or descriptor could not be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such file.
    #[error(
        "{name} does not exist; check the path, or make an empty disk with `truncate -s 64M {name}`"
    )]
    Missing {
        /// The image, as the user named it.
        name: String,
    },
    /// The file is a directory.
    #[error("{name} is a directory; give the path of a disk image or block device")]
    Directory {
        /// The image, as the user named it.
        name: String,
    },
    /// The file is a pipe, a socket or a character device.
    #[error(
        "{name} is neither a file nor a block device, so it has no size; copy what it holds into a file first"
    )]
    NotADisk {
        /// The image, as the user named it.
        name: String,
    },
    /// The file has no bytes.
    #[error(
        "{name} is empty, and a disk needs at least one block; give it a size with `truncate -s 64M {name}`"
    )]
    Empty {
        /// The image, as the user named it.
        name: String,
    },
    /// The size is not a whole number of blocks.
    #[error(
        "{name} has {len} bytes, which is not a multiple of the block size {block_size}; lengthen it with `truncate -s %{block_size} {name}`"
    )]
    OddSize {
        /// The image, as the user named it.
        name: String,
        /// Its size.
        len: u64,
        /// The block size.
        block_size: u32,
    },
    /// It may be read, but not written.
    #[error(
        "{name} cannot be written ({source}); make it writable, or attach it read-only with `--device disk:{name},ro`"
    )]
    NotWritable {
        /// The image, as the user named it.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// It may not be read.
    #[error("{name} cannot be read ({source}); check its permissions with `ls -l {name}`")]
    NotReadable {
        /// The image, as the user named it.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another program uses it.
    #[error(
        "{name} is in use by another program that holds a lock on it; stop that program (`lsof {name}` finds it), use a copy, or attach it read-only on both sides with `--device disk:{name},ro`"
    )]
    InUse {
        /// The image, as the user named it.
        name: String,
    },
    /// Something else failed.
    #[error("{name} cannot be used: {source}")]
    System {
        /// The image, as the user named it.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// An open file that was found fit to be a disk.
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) len: u64,
}

/// Opens a path and checks it.
pub(crate) fn open(path: &Path, mode: Mode, block_size: u32) -> Result<Opened, OpenError> {
    let name = path.display().to_string();
    // Asked before opening, because opening a pipe would wait for its other end.
    match std::fs::metadata(path) {
        Ok(metadata) => check_type(metadata.file_type(), &name)?,
        Err(source) => return Err(refused(name, source)),
    }
    let open = |write| OpenOptions::new().read(true).write(write).open(path);
    match (open(mode == Mode::ReadWrite), mode) {
        (Ok(file), _) => check(file, name, mode, block_size),
        // Only an image that could be read gets the advice to attach it read-only.
        (Err(source), Mode::ReadWrite) if is_refusal(&source) && open(false).is_ok() => {
            Err(OpenError::NotWritable { name, source })
        }
        (Err(source), _) => Err(refused(name, source)),
    }
}

/// Checks a file that someone else opened.
pub(crate) fn adopt(file: File, mode: Mode, block_size: u32) -> Result<Opened, OpenError> {
    let name = format!("descriptor {}", file.as_raw_fd());
    let flags = match rustix::fs::fcntl_getfl(&file) {
        Ok(flags) => flags & OFlags::RWMODE,
        Err(error) => {
            return Err(OpenError::System {
                name,
                source: error.into(),
            });
        }
    };
    let source = io::Error::from(Errno::BADF);
    if flags == OFlags::WRONLY {
        return Err(OpenError::NotReadable { name, source });
    }
    if flags == OFlags::RDONLY && mode == Mode::ReadWrite {
        return Err(OpenError::NotWritable { name, source });
    }
    check(file, name, mode, block_size)
}

/// Type, size and lock: what must hold for every file, however it was opened.
fn check(mut file: File, name: String, mode: Mode, block_size: u32) -> Result<Opened, OpenError> {
    let system = |source| OpenError::System {
        name: name.clone(),
        source,
    };
    check_type(file.metadata().map_err(system)?.file_type(), &name)?;
    // The end of a block device is found by going there; its metadata says 0.
    let len = file.seek(SeekFrom::End(0)).map_err(system)?;
    if len == 0 {
        return Err(OpenError::Empty { name });
    }
    if block_size == 0 || !len.is_multiple_of(u64::from(block_size)) {
        return Err(OpenError::OddSize {
            name,
            len,
            block_size,
        });
    }
    lock(&file, name, mode)?;
    Ok(Opened { file, len })
}

fn check_type(kind: FileType, name: &str) -> Result<(), OpenError> {
    let name = || name.to_owned();
    if kind.is_dir() {
        Err(OpenError::Directory { name: name() })
    } else if kind.is_file() || kind.is_block_device() {
        Ok(())
    } else {
        Err(OpenError::NotADisk { name: name() })
    }
}

/// Takes a lock (`flock`) that lasts as long as the file is open: a writer alone, readers together.
///
/// It is advice: it keeps apart those who ask for it, as this crate does. File systems without locks go without.
fn lock(file: &File, name: String, mode: Mode) -> Result<(), OpenError> {
    let locked = match mode {
        Mode::ReadWrite => file.try_lock(),
        Mode::ReadOnly => file.try_lock_shared(),
    };
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { name }),
        Err(TryLockError::Error(source)) if has_no_locks(&source) => Ok(()),
        Err(TryLockError::Error(source)) => Err(OpenError::System { name, source }),
    }
}

fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == ErrorKind::Unsupported
        || error.raw_os_error() == Some(Errno::NOLCK.raw_os_error())
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

fn refused(name: String, source: io::Error) -> OpenError {
    match source.kind() {
        ErrorKind::NotFound => OpenError::Missing { name },
        ErrorKind::IsADirectory => OpenError::Directory { name },
        _ if is_refusal(&source) => OpenError::NotReadable { name, source },
        _ => OpenError::System { name, source },
    }
}
