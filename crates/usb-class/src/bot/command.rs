//! What the transport is told to do and what it answers.

use core::time::Duration;

use usb_spec::class::mass_storage::scsi::Cdb;
use usb_spec::{Direction, EndpointAddress};

use crate::transport::Status;

/// The most bytes that [`Data::Small`] may ask for: the reply of a MODE SENSE(6) as most hosts send it.
pub const SMALL_MAX: u8 = 192;

/// The highest logical unit number there can be. Bulk-Only Transport 1.0 §3.2.
pub const LUN_MAX: u8 = 15;

/// Where a Bulk-Only function is found in its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// `bInterfaceNumber`.
    pub interface: u8,
    /// The bulk IN endpoint.
    pub bulk_in: EndpointAddress,
    /// The bulk OUT endpoint.
    pub bulk_out: EndpointAddress,
}

/// A command for a logical unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// The logical unit.
    pub lun: u8,
    /// The command descriptor block.
    pub cdb: Cdb,
    /// What goes along with it.
    pub data: Data,
    /// How long the device may work before it sends its status, where [`Policy::status_timeout`](super::Policy::status_timeout) is too short.
    pub status_timeout: Option<Duration>,
}

/// The data stage of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// There is none.
    None,
    /// At most so many bytes from the device ([`SMALL_MAX`]), which [`Bot::small`](super::Bot::small) shows afterwards.
    Small(u32),
    /// Into the user's buffer.
    In {
        /// Where in the buffer.
        offset: u64,
        /// At most so many bytes.
        length: u32,
    },
    /// Out of the user's buffer.
    Out {
        /// Where in the buffer.
        offset: u64,
        /// So many bytes.
        length: u32,
    },
}

impl Data {
    pub(super) const fn length(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Small(length) | Self::In { length, .. } | Self::Out { length, .. } => length,
        }
    }

    pub(super) const fn direction(self) -> Direction {
        match self {
            Self::None | Self::Out { .. } => Direction::Out,
            Self::Small(_) | Self::In { .. } => Direction::In,
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The device says that it did what it was told.
    Passed(Moved),
    /// The device says that it failed; REQUEST SENSE tells why.
    Failed(Moved),
    /// The exchange broke down and the device was reset. It takes commands again; whether it did this one is unknown.
    Reset {
        /// What broke it.
        cause: Fault,
        /// What it took.
        by: ResetKind,
    },
    /// The exchange broke down and no reset helped. The next command begins with another port reset.
    Unusable {
        /// What broke it at first.
        cause: Fault,
    },
    /// The device is not there any more.
    Gone,
    /// The answer to [`Bot::begin_get_max_lun`](super::Bot::begin_get_max_lun).
    MaxLun(u8),
}

/// What the bus and the device say about a data stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// How many bytes to rely on: the smaller of the two accounts, never more than was asked for.
    pub transferred: u32,
    /// How many bytes crossed the bus.
    pub on_bus: u32,
    /// How many bytes of those asked for the device says it did not process. Foreign: some devices make it up.
    pub residue: u32,
}

impl Moved {
    /// No data stage.
    pub(crate) const NONE: Self = Self {
        transferred: 0,
        on_bus: 0,
        residue: 0,
    };
}

/// What it took to bring a device back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetKind {
    /// Reset recovery: class reset, clear halt IN, clear halt OUT. Bulk-Only Transport 1.0 §5.3.4.
    Class,
    /// A reset of the port.
    Port,
}

/// The part of an exchange in which something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The command block wrapper.
    Command,
    /// The data.
    Data,
    /// The command status wrapper.
    Status,
}

impl core::fmt::Display for Stage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(match self {
            Self::Command => "command",
            Self::Data => "data",
            Self::Status => "status",
        })
    }
}

/// What can break an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A transfer ended otherwise than the protocol allows.
    #[error("the {stage} stage ended with {status}")]
    Transfer {
        /// In which stage.
        stage: Stage,
        /// How.
        status: Status,
    },
    /// What came in the status stage is no command status wrapper.
    #[error("the device sent {length} bytes that are no status")]
    NoStatus {
        /// How many bytes came.
        length: u32,
    },
    /// The status is neither passed, failed nor phase error.
    #[error("the device sent the unknown status {code:#04x}")]
    UnknownStatus {
        /// What it is.
        code: u8,
    },
    /// The status belongs to another command.
    #[error("the device sent the status of command {got:#x} instead of {expected:#x}")]
    WrongTag {
        /// The tag that was sent.
        expected: u32,
        /// The tag that came back.
        got: u32,
    },
    /// The device and the host disagree about what is going on. Bulk-Only Transport 1.0 §6.7.
    #[error("the device reports a phase error")]
    PhaseError,
}

/// An operation was begun while another is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an operation is under way: reply to its actions until it is done, then begin the next one"
)]
pub struct Busy;
