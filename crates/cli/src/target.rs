//! The file that is read into. An old one stays whole until all bytes of the new one are there, and no disk's image is ever cut off.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use local::{DeviceSpec, DiskSource, DiskSpec};

use crate::failure::Failure;
use crate::output::bytes;

/// Where bytes go.
#[derive(Debug)]
pub(crate) struct Target {
    /// As the user named it.
    path: PathBuf,
    file: File,
    written: u64,
    /// What is there until the end, and what becomes of it then; nothing for a pipe or a device, which is written as it is.
    part: Option<Part>,
}

#[derive(Debug)]
struct Part {
    path: PathBuf,
    /// What it becomes: behind a link, the file that is linked to.
    becomes: PathBuf,
    /// What was there before, locked until the end.
    old: Option<File>,
}

impl Target {
    /// Opens what bytes are to be read into. Nothing that was there is changed, unless it is the rest of a read that failed.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a disk's image, [`Failure::Here`].
    pub(crate) fn open(path: &Path, devices: &[DeviceSpec]) -> Result<Self, Failure> {
        let failed = |error| Failure::file("made", path, &error);
        let old = match OpenOptions::new().write(true).open(path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let becomes = match &old {
            None => path.to_owned(),
            Some(file) => {
                guard(path, file, devices)?;
                if !file.metadata().map_err(failed)?.is_file() {
                    return Ok(Self {
                        path: path.to_owned(),
                        file: file.try_clone().map_err(failed)?,
                        written: 0,
                        part: None,
                    });
                }
                fs::canonicalize(path).map_err(failed)?
            }
        };
        let mut name = OsString::from(&becomes);
        name.push(".part");
        let part = PathBuf::from(name);
        let file = make(&part, devices)?.map_err(failed)?;
        if let Some(old) = &old {
            let permissions = old.metadata().map_err(failed)?.permissions();
            file.set_permissions(permissions).map_err(failed)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            written: 0,
            part: Some(Part {
                path: part,
                becomes,
                old,
            }),
        })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let failed = |error| Failure::file("written", &self.path, &error);
        self.file.write_all(bytes).map_err(failed)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Makes it durable, and puts it where it belongs.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let failed = |error| Failure::file("written", &self.path, &error);
        let kind = self.file.metadata().map_err(failed)?.file_type();
        // Pipes and character devices keep nothing, and some refuse to be asked.
        if kind.is_file() || kind.is_block_device() {
            self.file.sync_all().map_err(failed)?;
        }
        if let Some(part) = self.part {
            fs::rename(&part.path, &part.becomes).map_err(failed)?;
            drop(part.old);
        }
        Ok(())
    }

    /// Adds to a failure what is left of the bytes that were read before it.
    pub(crate) fn give_up(self, failure: Failure) -> Failure {
        let (place, is_old_whole) = match &self.part {
            None => (&self.path, false),
            Some(part) if self.written == 0 => {
                // An empty file that stays is no harm.
                let _left_over = fs::remove_file(&part.path);
                (&part.path, part.old.is_some())
            }
            Some(part) => (&part.path, part.old.is_some()),
        };
        let read = match self.written {
            0 => "nothing was read".to_owned(),
            written => format!(
                "the first {} were read into {}",
                bytes(written),
                place.display()
            ),
        };
        let old = match is_old_whole {
            true => format!(", and {} is as it was", self.path.display()),
            false => String::new(),
        };
        failure.with_note(&format!("{read}{old}"))
    }
}

/// Makes the file that is written until the end, in place of one that an earlier read has left.
fn make(part: &Path, devices: &[DeviceSpec]) -> Result<std::io::Result<File>, Failure> {
    if let Ok(file) = File::open(part) {
        guard(part, &file, devices)?;
    }
    // A link is taken away, not followed.
    let made = match fs::remove_file(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => File::create_new(part),
    };
    Ok(made)
}

/// Refuses a file that is a disk: one of ours, or one that another program has locked.
fn guard(path: &Path, file: &File, devices: &[DeviceSpec]) -> Result<(), Failure> {
    let metadata = file
        .metadata()
        .map_err(|error| Failure::file("made", path, &error))?;
    // Those who only read an image share their lock, which we could not tell from that of a stranger; and some file systems have no locks.
    let is_ours = devices.iter().any(|device| is_image(device, &metadata));
    if is_ours {
        let message = format!(
            "{} is the image of a disk that is plugged in",
            path.display()
        );
        return Err(Failure::usage(message, "choose another file"));
    }
    let is_kept = metadata.is_file() || metadata.file_type().is_block_device();
    if is_kept && matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        let message = format!("{} is in use by another program", path.display());
        return Err(Failure::usage(message, "choose another file"));
    }
    Ok(())
}

/// Whether this file, by whatever name, is the image of a disk in there.
fn is_image(device: &DeviceSpec, file: &Metadata) -> bool {
    match device {
        DeviceSpec::Disk(disk) => is_image_of(disk, file),
        DeviceSpec::Composite(composite) => is_image_of(&composite.disk, file),
        // Hubs are no deeper than the specification's parser allows.
        DeviceSpec::Hub(hub) => hub.children.iter().any(|(_, child)| is_image(child, file)),
        _ => false,
    }
}

fn is_image_of(disk: &DiskSpec, file: &Metadata) -> bool {
    let DiskSource::Image { path, .. } = &disk.source else {
        return false;
    };
    fs::metadata(path).is_ok_and(|image| {
        let is_same_device = image.file_type().is_block_device()
            && file.file_type().is_block_device()
            && image.rdev() == file.rdev();
        is_same_device || (image.dev(), image.ino()) == (file.dev(), file.ino())
    })
}
