//! `doorbell usb read`

use std::path::PathBuf;

use clap::Args;
use host::storage;

use crate::args::{Common, Selection, size};
use crate::failure::Failure;
use crate::moving::{self, Range};
use crate::output::{Out, bytes, millis, rate};
use crate::session::{Session, short_name};
use crate::target::Target;

const EXAMPLES: &str = "\
Examples:
  doorbell usb read --out copy.img --device disk:stick.img,ro
  doorbell usb read --out boot.bin --length 512 --device disk:stick.img,ro
  doorbell usb read 5.2.1 --out copy.img --device 'hub(keyboard; hub(disk:stick.img,ro))'";

/// Copies bytes of a disk into a file, through controller, driver and USB.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Read {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    selection: Selection,
    /// The file; it is made, or replaced when all is read: until then the bytes are in FILE.part
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to begin, in bytes, as 4096 or 1M
    #[arg(long, value_parser = size, default_value = "0")]
    offset: u64,
    /// How much, in bytes; everything from there on if not given
    #[arg(long, value_parser = size)]
    length: Option<u64>,
}

impl Read {
    pub(crate) fn run(self, out: &mut Out) -> Result<(), Failure> {
        let mut session = Session::start(&self.common, "", |_, _, _| Ok(()))?;
        let word = self.selection.device.as_deref();
        let device = session.select(word, "disk", |device| storage::function(device).is_some())?;
        let mut disk = session.open_disk(device.slot)?;
        let size = disk.info().map_or(0, |info| info.geometry.bytes());
        let range = range(self.offset, self.length, size)?;
        // Only now, so that nothing is lost when there is nothing to be read.
        let mut target = Target::open(&self.out, &self.common.devices("")?)?;
        let moved = moving::read(&mut session, &mut disk, range, |bytes| target.write(bytes));
        let moved = match moved {
            Ok(moved) => moved,
            Err(failure) => return Err(target.give_up(failure)),
        };
        target.finish()?;
        out.line(format!(
            "{} from byte {} of {} into {} in {}, {}",
            bytes(range.length),
            range.offset,
            short_name(&device),
            self.out.display(),
            millis(moved.time),
            rate(range.length, moved.time)
        ))?;
        out.line(format!("SHA-256 {}", moved.sha256))?;
        out.object(&moved.json(&device.place))?;
        session.finish()
    }
}

/// The part of a disk of `size` bytes that was asked for.
fn range(offset: u64, length: Option<u64>, size: u64) -> Result<Range, Failure> {
    let left = size.checked_sub(offset);
    match (left, length) {
        (Some(left), None) => Ok(Range {
            offset,
            length: left,
        }),
        (Some(left), Some(length)) if length <= left => Ok(Range { offset, length }),
        _ => Err(Failure::usage(
            format!(
                "bytes {offset} to {} lie behind the end of the disk",
                offset.saturating_add(length.unwrap_or(0))
            ),
            format!(
                "it has {size} bytes ({}); choose a smaller --offset or --length",
                bytes(size)
            ),
        )),
    }
}
