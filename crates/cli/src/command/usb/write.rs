//! `doorbell usb write`

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use host::storage;

use crate::args::{Common, Selection, size};
use crate::failure::Failure;
use crate::moving::{self, Range};
use crate::output::{Out, bytes, millis, rate};
use crate::session::{Session, short_name};

const EXAMPLES: &str = "\
Example:
  doorbell usb write --in new.img --yes --device disk:stick.img";

/// Copies a file onto a disk, through controller, driver and USB, and has the disk make it durable.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Write {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    selection: Selection,
    /// The file
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    /// Where on the disk to begin, in bytes, a multiple of its block size
    #[arg(long, value_parser = size, default_value = "0")]
    offset: u64,
    /// Do overwrite what is on the disk
    #[arg(long)]
    yes: bool,
}

impl Write {
    pub(crate) fn run(self, out: &mut Out) -> Result<(), Failure> {
        let read = |error| Failure::file("read", &self.input, &error);
        let mut file = File::open(&self.input).map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        let length = metadata.len();
        if !metadata.is_file() || length == 0 {
            let what = if metadata.is_file() {
                "is empty"
            } else {
                "is no file"
            };
            let message = format!(
                "{} {what}, so there is nothing to write",
                self.input.display()
            );
            return Err(Failure::usage(
                message,
                "give a file with at least one block",
            ));
        }
        if !self.yes {
            let message = format!("this overwrites {} of a disk", bytes(length));
            return Err(Failure::usage(
                message,
                "add --yes if that is what you want",
            ));
        }
        let mut session = Session::start(&self.common, "", |_, _, _| Ok(()))?;
        let word = self.selection.device.as_deref();
        let device = session.select(word, "disk", |device| storage::function(device).is_some())?;
        let mut disk = session.open_disk(device.slot)?;
        let Some(info) = disk.info().copied() else {
            return Err(host::Error::Disk(storage::DiskError::NotStarted).into());
        };
        self.check(length, &info)?;
        let range = Range {
            offset: self.offset,
            length,
        };
        let moved = moving::write(&mut session, &mut disk, range, |buffer| {
            file.read_exact(buffer)
                .map_err(|error| Failure::file("read", &self.input, &error))
        })?;
        out.line(format!(
            "{} from {} to byte {} of {} in {}, {}",
            bytes(length),
            self.input.display(),
            range.offset,
            short_name(&device),
            millis(moved.time),
            rate(length, moved.time)
        ))?;
        out.line(format!("SHA-256 {}", moved.sha256))?;
        out.object(&moved.json(&device.place))?;
        session.finish()
    }

    /// Whether the file fits the disk.
    fn check(&self, length: u64, info: &storage::DiskInfo) -> Result<(), Failure> {
        let (size, block) = (info.geometry.bytes(), u64::from(info.geometry.block_size));
        if info.write_protected {
            return Err(Failure::from(host::Error::Disk(
                storage::DiskError::WriteProtected,
            )));
        }
        if !length.is_multiple_of(block) {
            let name = self.input.display();
            return Err(Failure::usage(
                format!(
                    "{name} has {length} bytes, which is not a multiple of the disk's blocks of {block}"
                ),
                format!("lengthen it with `truncate -s %{block} {name}`"),
            ));
        }
        if !self.offset.is_multiple_of(block) {
            return Err(Failure::usage(
                format!(
                    "byte {} does not begin a block of {block} bytes",
                    self.offset
                ),
                format!("round --offset to a multiple of {block}"),
            ));
        }
        if self.offset.checked_add(length).is_none_or(|end| end > size) {
            return Err(Failure::usage(
                format!(
                    "{} at byte {} do not fit the disk",
                    bytes(length),
                    self.offset
                ),
                format!("it has {size} bytes ({})", bytes(size)),
            ));
        }
        Ok(())
    }
}
