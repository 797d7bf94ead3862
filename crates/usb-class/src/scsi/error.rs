//! What can be wrong with a disk, in the words of the person in front of it.

use usb_spec::class::mass_storage::scsi::{Opcode, PeripheralType, Sense};

use crate::bot::{Busy, Fault};

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An operation was begun too early.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Nothing is known about the medium.
    #[error("the disk has not been started, or its medium changed: start it first")]
    NotStarted,
    /// The range leaves the medium.
    #[error(
        "blocks {lba} to {lba}+{blocks} lie behind the end of the disk, which has {capacity} blocks: ask for less"
    )]
    OutOfRange {
        /// The first block asked for.
        lba: u64,
        /// How many were asked for.
        blocks: u64,
        /// How many there are.
        capacity: u64,
    },
    /// A range of bytes cuts through a block.
    #[error(
        "bytes {start} to {end} do not begin and end at blocks of {block_size} bytes: round them"
    )]
    Misaligned {
        /// The first byte.
        start: u64,
        /// The one behind the last.
        end: u64,
        /// The size of a block.
        block_size: u32,
    },
    /// The device has no such logical unit.
    #[error("the device has units 0 to {max}, not {lun}: choose another")]
    NoSuchUnit {
        /// The unit asked for.
        lun: u8,
        /// The highest there is.
        max: u8,
    },
    /// The unit is something else.
    #[error("the unit is no disk but of type {kind} (qualifier {qualifier}): choose another unit")]
    NotADisk {
        /// What it says it is.
        kind: PeripheralType,
        /// Whether something is connected to it: 0 if so.
        qualifier: u8,
    },
    /// A block size that this driver does not do.
    #[error(
        "the disk has blocks of {bytes} bytes; only 512 and 4096 are supported: use another disk"
    )]
    BlockSize {
        /// The size.
        bytes: u32,
    },
    /// No medium is present.
    #[error("there is no medium in the drive: insert one and start again")]
    NoMedium,
    /// The medium was, or may have been, exchanged.
    #[error("the medium may have been exchanged: start the disk again before using it")]
    MediumChanged,
    /// The disk did not become ready in time.
    #[error("the disk is not ready ({sense}): wait, or unplug it and plug it in again")]
    NotReady {
        /// What it says.
        sense: Sense,
    },
    /// Writing is forbidden.
    #[error("the disk is write-protected: look for a switch on it, or use it for reading only")]
    WriteProtected,
    /// A block cannot be read or written.
    #[error("block {lba} cannot be {} ({sense}): save what you can from the other blocks and replace the disk", if *.writing { "written" } else { "read" })]
    Medium {
        /// The block that failed, as far as it is known, otherwise the first of the command.
        lba: u64,
        /// Whether it was to be written.
        writing: bool,
        /// What the disk says.
        sense: Sense,
    },
    /// The disk is defective in itself.
    #[error("the disk reports a hardware error ({sense}): replace it")]
    Hardware {
        /// What it says.
        sense: Sense,
    },
    /// The disk does not know, or does not like, a command.
    #[error("the disk refuses {operation} ({sense}): report its name and this line")]
    IllegalRequest {
        /// The command.
        operation: Opcode,
        /// What it says.
        sense: Sense,
    },
    /// The disk gave up on a command, several times, for a reason of its own.
    #[error("{operation} failed ({sense}): try again, then try another port or cable")]
    Failed {
        /// The command.
        operation: Opcode,
        /// What it says.
        sense: Sense,
    },
    /// The disk says that all is well, but less data came than was asked for.
    #[error("{operation} moved {got} of {wanted} bytes, several times: do not trust this disk")]
    Short {
        /// The command.
        operation: Opcode,
        /// How many bytes were asked for.
        wanted: u32,
        /// How many there were.
        got: u32,
    },
    /// An answer that makes no sense.
    #[error("the disk's answer to {operation} makes no sense: report its name and this line")]
    BadAnswer {
        /// The command.
        operation: Opcode,
    },
    /// The exchange with the device broke down, was repaired, and broke down again.
    #[error("the disk keeps losing the thread ({cause}): try another port or cable")]
    Transport {
        /// What happened the last time.
        cause: Fault,
    },
    /// No reset helps.
    #[error("the disk does not come back from a reset ({cause}): unplug it and plug it in again")]
    Unusable {
        /// What happened at first.
        cause: Fault,
    },
    /// The device was unplugged, or its controller was.
    #[error("the disk is not there any more: plug it in again")]
    Gone,
}
