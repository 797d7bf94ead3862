//! Driver and model face to face, under a clock that the test owns.
//!
//! [`Pair`] holds a host driver and a controller model in one thread. Between them stand the same register and memory traits as between a
//! driver and a real card; in between, wrappers record, and disturb as a plan says ([`fault`]). Time stands still while either
//! side has something to do and then jumps to the next deadline, so that seconds of timeouts cost nothing; a [`Random`] with a seed
//! decides the order of turns, so that a run that fails can be repeated.
//!
//! ```
//! use block::PatternMedium;
//! use testkit::{Pair, shared};
//! use usb_model::device::DiskOptions;
//!
//! let mut pair = Pair::up()?;
//! let (port, _) = pair.plug_disk(DiskOptions::default(), shared(PatternMedium::new(1 << 20, 7)));
//! let slot = pair.attached(port)?;
//! let mut disk = pair.disk(slot)?;
//! let read = pair.read(&mut disk, 512, 1024)?.expect("the blocks");
//! let mut expected = vec![0; 1024];
//! block::pattern::fill(7, 512, &mut expected);
//! assert_eq!(read, expected);
//! drop(disk);
//! pair.finish()?;
//! # Ok::<(), testkit::Hang>(())
//! ```
//!
//! # What this crate does not do
//!
//! It is for tests only and is never shipped. It does not judge what the two sides say to each other beyond what they notice themselves
//! (that is `check`), runs no threads, and knows no real hardware.
#![forbid(unsafe_code)]

mod buffer;
mod clock;
mod device;
mod event_tap;
pub mod fault;
mod golden;
pub mod log;
mod options;
mod pair;
mod random;
mod wire;

use std::cell::RefCell;
use std::rc::Rc;

pub use buffer::{Buffer, Pool};
pub use clock::VirtualClock;
pub use device::{FaultyDevice, SharedDevice};
pub use event_tap::EventTap;
pub use fault::Injector;
pub use golden::{golden, golden_text};
pub use options::PairOptions;
pub use pair::{
    Disk, DiskFailure, Done, Hang, Keyboard, Pair, Report, SharedMedium, TestDisk, TestKeyboard,
};
pub use random::Random;
pub use wire::{Model, Registers, Wire, World};

/// A medium that disk and test share.
#[must_use]
pub fn shared(medium: impl block::Medium + 'static) -> SharedMedium {
    Rc::new(RefCell::new(medium))
}
