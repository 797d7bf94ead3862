//! The storage behind emulated disks: does the [`Work`](usb_model::Work) that they ask for, straight between a medium and shared memory.
//!
//! A [`Medium`] is a run of bytes: a file, block device or passed descriptor ([`FileMedium`]), a computed pattern of any size
//! ([`PatternMedium`]), bytes in memory ([`MemoryMedium`]), or one of these with bad places ([`FailingMedium`]). [`perform`] checks
//! a piece of work, has the medium do it, and gives the buffers back with the result. It allocates nothing, and each byte of a file is copied once.
//!
//! # What this crate does not do
//!
//! It knows no SCSI and no USB, starts no thread (who owns a medium calls it, and waits), and reads no image format: an image is its bytes.
#![forbid(unsafe_code)]

mod failing;
mod file;
mod medium;
mod memory_medium;
mod open;
pub mod pattern;
mod walk;

pub use failing::FailingMedium;
pub use file::{FileError, FileMedium};
pub use medium::{Medium, perform};
pub use memory_medium::MemoryMedium;
pub use open::{Mode, OpenError};
pub use pattern::PatternMedium;
