//! The commands that this driver sends, with the lengths that old devices are known to answer.

use core::time::Duration;

use usb_spec::class::mass_storage::scsi::{
    BlockLimits, Command as Scsi, Inquiry, ModePage, PageControl, ReadCapacity10, ReadCapacity16,
    Sense, VpdPage,
};

use super::Piece;
use crate::bot::{Command, Data, SMALL_MAX};

const SENSE_LENGTH: u8 = 18;
pub(super) const INQUIRY_LENGTH: u8 = 36;
pub(super) const CAPACITY_10_LENGTH: u8 = 8;
const CAPACITY_16_LENGTH: u8 = 32;
const BLOCK_LIMITS_LENGTH: u8 = 64;
const _: () = assert!(
    SENSE_LENGTH as usize == Sense::LENGTH
        && INQUIRY_LENGTH as usize == Inquiry::LENGTH
        && CAPACITY_10_LENGTH as usize == ReadCapacity10::LENGTH
        && CAPACITY_16_LENGTH as usize == ReadCapacity16::LENGTH
        && BLOCK_LIMITS_LENGTH as usize == BlockLimits::LENGTH
        && BLOCK_LIMITS_LENGTH <= SMALL_MAX,
    "the layouts say how long the answers are"
);

/// A command without data.
pub(super) fn plain(lun: u8, command: Scsi) -> Command {
    Command {
        lun,
        cdb: command.emit(),
        data: Data::None,
        status_timeout: None,
    }
}

fn small(lun: u8, command: Scsi, length: u32) -> Command {
    Command {
        data: Data::Small(length),
        ..plain(lun, command)
    }
}

pub(super) fn request_sense(lun: u8) -> Command {
    small(
        lun,
        Scsi::RequestSense {
            descriptor_format: false,
            allocation_length: SENSE_LENGTH,
        },
        SENSE_LENGTH.into(),
    )
}

/// Standard data with exactly 36 bytes: sticks have been seen to hang when asked for more.
pub(super) fn inquiry(lun: u8, page: Option<VpdPage>) -> Command {
    let allocation_length = if page.is_some() {
        BLOCK_LIMITS_LENGTH.into()
    } else {
        INQUIRY_LENGTH.into()
    };
    small(
        lun,
        Scsi::Inquiry {
            page,
            allocation_length,
        },
        allocation_length.into(),
    )
}

pub(super) fn start_unit(lun: u8, timeout: Duration) -> Command {
    let start = Scsi::StartStopUnit {
        immediate: false,
        power_condition: 0,
        load_eject: false,
        start: true,
    };
    Command {
        status_timeout: Some(timeout),
        ..plain(lun, start)
    }
}

pub(super) fn read_capacity_10(lun: u8) -> Command {
    small(lun, Scsi::ReadCapacity10, CAPACITY_10_LENGTH.into())
}

pub(super) fn read_capacity_16(lun: u8) -> Command {
    let allocation_length = CAPACITY_16_LENGTH.into();
    small(
        lun,
        Scsi::ReadCapacity16 { allocation_length },
        allocation_length,
    )
}

/// All pages in 192 bytes, as the most common host asks, so that devices are tested with it.
pub(super) fn mode_sense_6(lun: u8) -> Command {
    let command = Scsi::ModeSense6 {
        page: ModePage::ALL,
        subpage: 0,
        control: PageControl::CURRENT,
        disable_block_descriptors: false,
        allocation_length: SMALL_MAX,
    };
    small(lun, command, SMALL_MAX.into())
}

pub(super) fn mode_sense_10(lun: u8) -> Command {
    let command = Scsi::ModeSense10 {
        page: ModePage::ALL,
        subpage: 0,
        control: PageControl::CURRENT,
        disable_block_descriptors: false,
        long_lba_accepted: false,
        allocation_length: SMALL_MAX.into(),
    };
    small(lun, command, SMALL_MAX.into())
}

/// The whole medium.
pub(super) fn flush() -> Scsi {
    Scsi::SynchronizeCache10 {
        lba: 0,
        blocks: 0,
        immediate: false,
    }
}

/// READ or WRITE in the short form where all of the blocks can be named in it.
pub(super) fn blocks(writing: bool, piece: Piece) -> Scsi {
    let fua = false;
    let last = piece.lba.saturating_add(u64::from(piece.blocks) - 1);
    let short = u32::try_from(last)
        .ok()
        .and(u32::try_from(piece.lba).ok())
        .zip(u16::try_from(piece.blocks).ok());
    match (writing, short) {
        (false, Some((lba, blocks))) => Scsi::Read10 { lba, blocks, fua },
        (true, Some((lba, blocks))) => Scsi::Write10 { lba, blocks, fua },
        (false, None) => Scsi::Read16 {
            lba: piece.lba,
            blocks: piece.blocks,
            fua,
        },
        (true, None) => Scsi::Write16 {
            lba: piece.lba,
            blocks: piece.blocks,
            fua,
        },
    }
}

pub(super) fn data(writing: bool, piece: Piece) -> Data {
    let Piece {
        offset,
        bytes: length,
        ..
    } = piece;
    if writing {
        Data::Out { offset, length }
    } else {
        Data::In { offset, length }
    }
}
