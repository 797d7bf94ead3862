//! Mass storage: the Bulk-Only wrappers, and the SCSI commands inside them.

mod bot;
pub mod scsi;

pub use bot::{Cbw, Csw, CswStatus, WrapperError};

use crate::open::open_number;

open_number! {
    /// `bInterfaceSubClass`: the command set. Mass Storage overview 1.4 §2.
    pub struct Subclass(u8) {
        RBC = 0x01 => "reduced block commands",
        MMC = 0x02 => "multi-media commands",
        UFI = 0x04 => "UFI floppy",
        SCSI = 0x06 => "SCSI transparent",
    }
}

open_number! {
    /// `bInterfaceProtocol`: the transport. Mass Storage overview 1.4 §3.
    pub struct Protocol(u8) {
        CBI_INTERRUPT = 0x00 => "control/bulk/interrupt",
        CBI = 0x01 => "control/bulk",
        BULK_ONLY = 0x50 => "bulk-only",
        UAS = 0x62 => "USB attached SCSI",
    }
}
