use core::fmt;
use core::time::Duration;

use renesas_spec::registers::{ResultCode, Version};
use xhci_hal::ConfigError;
use xhci_spec::registers::{Register, UsbSts};

use crate::{ImageError, VscdError};

/// What was being moved when it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Firmware into RAM.
    Download,
    /// Words into the ROM.
    RomWrite,
    /// Words out of the ROM.
    RomRead,
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Download => "the firmware download",
            Self::RomWrite => "the ROM write",
            Self::RomRead => "the ROM read",
        })
    }
}

/// Why a job did not do what it should. Enable and Access are clear again, as far as the card still listens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The system refused an access.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// All ones: nobody answers.
    #[error(
        "the card no longer answers (all ones at {at:#x}): it is gone, asleep or hung; power it off and on"
    )]
    Gone {
        /// Where.
        at: u16,
    },
    /// The USB controller runs; the chip does not take firmware meanwhile.
    #[error(
        "the USB controller is running (USBCMD.R/S is 1), and takes no firmware so; unbind its driver first"
    )]
    Running,
    /// Whether the controller runs cannot be read.
    #[error(
        "whether the USB controller runs cannot be told: BAR 0 cannot be read; wake the card (power state D0), map its BAR 0 and turn memory space on (bit 1 of the command register)"
    )]
    StatusUnknown,
    /// Download is locked.
    #[error(
        "the chip is locked against downloads until the next power-on reset (FW Download Lock); power it off and on"
    )]
    Locked,
    /// There is no ROM.
    #[error(
        "there is no ROM (External ROM Exists is 0; chips with -711 in their name cannot use one); load into RAM instead"
    )]
    NoRom,
    /// Nobody knows how to treat this ROM.
    #[error(
        "the ROM with id {id:#010x} is not in the table; add a line with its parameter, or load into RAM instead"
    )]
    UnknownRom {
        /// What the ROM says of itself.
        id: u32,
    },
    /// The chip does not keep the parameter.
    #[error(
        "External ROM Configuration reads {read:#x} after {written:#x} was written; power the card off and on, with no driver bound"
    )]
    ParameterRefused {
        /// What was written.
        written: u32,
        /// What it reads.
        read: u32,
    },
    /// The ROM engine does not come to an end.
    #[error(
        "the ROM engine is still busy after {waited:?} (EXTROM {control:#06x}); leave the card alone for a while, then power it off and on"
    )]
    RomBusy {
        /// How long.
        waited: Duration,
        /// External ROM Access Control and Status.
        control: u16,
    },
    /// The chip does not open the ROM.
    #[error(
        "the chip does not give access to the ROM (EXTROM {control:#06x}); power the card off and on"
    )]
    NoAccess {
        /// External ROM Access Control and Status.
        control: u16,
    },
    /// A word is not taken, or does not come.
    #[error("{transfer} stopped at word {word} of {words}: nothing moved for {waited:?}, and {limit:?} should suffice{}", hint(*.transfer))]
    Stalled {
        /// What was being moved.
        transfer: Transfer,
        /// How many words had been handed over, or had come.
        word: usize,
        /// Of how many.
        words: usize,
        /// How long nothing moved.
        waited: Duration,
        /// How long it may take.
        limit: Duration,
    },
    /// The chip never said whether it took the firmware.
    #[error("{transfer} brought no result within {waited:?}; power the card off and on")]
    NoResult {
        /// What was moved.
        transfer: Transfer,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The chip did not take the firmware.
    #[error("the chip refused the firmware after {transfer} ({code})")]
    Refused {
        /// How it came in.
        transfer: Transfer,
        /// What it said.
        code: ResultCode,
    },
    /// The firmware was taken and did not start.
    #[error("the firmware was taken, but after {waited:?} the controller is not ready ({}, version {})", .status.describe(), Shown(*.version))]
    NotReady {
        /// How long it was waited for.
        waited: Duration,
        /// What the controller says.
        status: UsbSts,
        /// What the version register says.
        version: Option<Version>,
    },
    /// Erasing does not come to an end.
    #[error(
        "the ROM is still being erased after {waited:?}; leave the card alone for a while, then power it off and on"
    )]
    EraseNever {
        /// How long it was waited for.
        waited: Duration,
    },
    /// Reload does not come to an end.
    #[error("starting from the ROM does not end ({waited:?}); power the card off and on")]
    ReloadNever {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The ROM holds something else than was written.
    #[error(
        "the ROM reads {found:#04x} at {at:#x} where {expected:#04x} should be; the backup is the way back, write it anew"
    )]
    Verify {
        /// The first wrong byte.
        at: usize,
        /// What it should be.
        expected: u8,
        /// What it is.
        found: u8,
    },
    /// The backup is another card's.
    #[error(
        "the backup was read from a ROM with id {backup:#010x}, this one has {rom:#010x}; read this card's ROM first"
    )]
    OtherRom {
        /// Whose backup it is.
        backup: u32,
        /// What is here.
        rom: u32,
    },
    /// The update would touch the only block that starts.
    #[error(
        "only the second block of the ROM is good, and an update writes it: a power cut would leave no firmware in ROM; repair the first block, or say that you accept it"
    )]
    NoFallback,
    /// No VSCD is known.
    #[error(
        "the ROM holds no VSCD (the vendor's settings) to keep; give one, or say that none is wanted"
    )]
    NoVscd,
    /// It does not fit.
    #[error("{bytes} bytes do not fit into an image block of {room}")]
    TooLarge {
        /// VSCD and image.
        bytes: usize,
        /// The block.
        room: usize,
    },
    /// The image is none.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The VSCD is none.
    #[error(transparent)]
    Vscd(#[from] VscdError),
    /// The caller stopped it.
    #[error("cancelled")]
    Cancelled,
}

fn hint(transfer: Transfer) -> &'static str {
    match transfer {
        Transfer::Download => {
            "; is a driver bound, or the ROM engine hung? Power the card off and on"
        }
        Transfer::RomWrite => {
            "; the ROM's block is incomplete now, write it again after a power cycle"
        }
        Transfer::RomRead => "; the ROM's parameter may be wrong for this part",
    }
}

struct Shown(Option<Version>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(version) => version.fmt(f),
            None => f.write_str("none"),
        }
    }
}
