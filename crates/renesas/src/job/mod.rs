//! The jobs: each a value that is polled until it is done.
//!
//! ```
//! use core::time::Duration;
//! use renesas::job::{Job, RamDownload};
//! use renesas::{Card, ControllerStatus, Error, Step, Wait};
//! use usb_spec::time::Instant;
//! use xhci_hal::ConfigSpace;
//!
//! /// How an edge drives any job.
//! fn run<J: Job>(mut job: J, config: &impl ConfigSpace, status: &impl ControllerStatus, clock: impl Fn() -> Instant) -> Result<J::Output, Error> {
//!     let card = Card::new(config, status);
//!     loop {
//!         match job.poll(&card, clock()) {
//!             Step::Done(result) => return result,
//!             Step::Wait(Wait::Spin) => core::hint::spin_loop(),
//!             Step::Wait(Wait::Yield) => { /* std::thread::yield_now() */ }
//!             Step::Wait(Wait::Until(_then)) => { /* sleep until then */ }
//!         }
//!     }
//! }
//! ```
//!
//! A job leaves Enable and Access clear, also when it fails. Whoever wants to stop one earlier calls [`Job::cancel`] and goes on polling
//! until it is done; a job that is merely dropped cannot clean up.

mod erase;
mod opening;
mod ram;
mod read;
mod reload;
mod transfer;
mod update;
mod write;

pub use erase::RomErase;
pub use ram::{Loaded, RamDownload, RamOptions};
pub use read::RomRead;
pub use reload::{Reload, Started};
pub use update::{RomUpdate, Updated};
pub use write::{RomWrite, Written};

use core::fmt;
use core::time::Duration;

use usb_spec::time::Instant;
use xhci_hal::ConfigSpace;

use crate::card::{Card, ControllerStatus};
use crate::{Error, Step, Wait};

/// Something that takes many accesses and much waiting.
pub trait Job {
    /// What it brings.
    type Output;

    /// Does a few accesses and says what next. After [`Step::Done`] it does nothing any more, and says that it was cancelled.
    fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Step<Self::Output>;

    /// When it wants to be polled at the latest; `None` means at once. As of the last poll.
    fn next_deadline(&self) -> Option<Instant>;

    /// Stops it: further polls clean up and end with [`Error::Cancelled`].
    fn cancel(&mut self);

    /// How far it is.
    fn progress(&self) -> Progress;
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is going on.
    pub phase: Phase,
    /// Words moved in this phase; 0 where none are.
    pub words: usize,
    /// Words to move in this phase.
    pub of: usize,
}

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Looking whether it may begin.
    Checking,
    /// The ROM engine is still busy with something earlier.
    WaitingForRom,
    /// The ROM interface opens.
    Opening,
    /// Words go into RAM.
    Downloading,
    /// Words go into the ROM.
    Writing,
    /// Words come out of the ROM.
    Reading,
    /// The ROM is erased.
    Erasing,
    /// The chip programs the rest and judges.
    Judging,
    /// Firmware starts.
    Starting,
    /// Enable and Access are cleared.
    Cleaning,
    /// Nothing more.
    Over,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Checking => "looking at the card",
            Self::WaitingForRom => "waiting for the ROM engine to finish",
            Self::Opening => "opening the ROM",
            Self::Downloading => "loading firmware into RAM",
            Self::Writing => "writing the ROM",
            Self::Reading => "reading the ROM",
            Self::Erasing => "erasing the ROM",
            Self::Judging => "the chip checks the firmware",
            Self::Starting => "the firmware starts",
            Self::Cleaning => "closing the interface",
            Self::Over => "done",
        })
    }
}

/// What a part of a job says: come back, or here it is.
pub(crate) enum Next<T> {
    Wait(Wait),
    Ready(T),
}

pub(crate) type Turn<T> = Result<Next<T>, Error>;

/// The instant at which a wait ends.
pub(crate) const fn deadline(wait: Wait) -> Option<Instant> {
    match wait {
        Wait::Until(then) => Some(then),
        Wait::Spin | Wait::Yield => None,
    }
}

/// Fails unless the USB controller is known to be stopped. R19UH0078EJ §7.1.3, note 3 (unchecked).
pub(crate) fn must_be_stopped<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
    card: &Card<'_, C, S>,
) -> Result<(), Error> {
    use crate::Seen;
    match card.seen()? {
        Seen::Gone => Err(Error::Gone { at: 0 }),
        Seen::Unreadable => Err(Error::StatusUnknown),
        Seen::Registers { command, .. } if command.run() => Err(Error::Running),
        Seen::Registers { .. } => Ok(()),
    }
}

/// Times of a transfer, for people and for limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// From the first word to the last.
    pub transfer: Duration,
    /// The longest time that nothing moved.
    pub longest: Duration,
}
