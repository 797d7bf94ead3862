//! The SCSI that disks behind USB speak: command blocks, what they answer, sense data. SPC-4, SBC-3.

mod capacity;
mod cdb;
mod command;
mod inquiry;
mod mode;
mod opcode;
mod sense;
mod transfer;

pub use capacity::{
    FormatCapacities, FormatDescriptorCode, ReadCapacity10, ReadCapacity16, ReportLuns,
};
pub use cdb::{Cdb, CdbError};
pub use command::Command;
pub use inquiry::{
    BlockLimits, Inquiry, PeripheralType, SupportedPages, UnitSerialNumber, VpdPage,
};
pub use mode::{CachingPage, ModeHeader, ModePage, PageControl};
pub use opcode::Opcode;
pub use sense::{AdditionalSense, Sense, SenseError, SenseKey};
pub use transfer::OldTransfer;
