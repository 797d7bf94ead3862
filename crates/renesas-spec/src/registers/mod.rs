//! The chip's registers in PCI configuration space, each declared once. R19UH0078EJ §7.1 (unchecked).
//!
//! Access kinds are inferred from how loaders use the bits. All registers can be reached in bytes, words and dwords; what a byte of
//! a word does, it does alone.

mod configuration;
mod declare;
mod decode;
mod firmware;

pub use configuration::{
    EraseUnit, HcConfiguration, PhyControl0, PhyControl1, PhyControl2, RomConfiguration,
    RomInformation,
};
pub use decode::{Decoded, REGISTERS, RegisterInfo, decode};
pub use firmware::{
    Data0, Data1, DownloadControl, FwVersion, MAGIC_ERASE, MAGIC_ROM, Mailbox, ParseVersionError,
    ResultCode, RomControl, Version,
};
