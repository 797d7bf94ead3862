//! PCI functions as software: configuration space, capabilities, and profiles of real chips.
//!
//! A function is a value. Whoever owns it hands it accesses to its configuration space together with the time ([`Function`]), and
//! it answers as the chip would. [`Clocked`] puts one behind the trait by which drivers ask for configuration space, and states
//! which clock it lives by ([`Clock`]). [`Space`] keeps the bytes and says which of them a write changes; [`capability`] lays out
//! the usual capabilities; [`profile`] holds one file or folder per chip.
//!
//! # What this crate does not do
//!
//! It has no bus, no bridge, no BAR decoding and no interrupt: a profile says what its chip's registers hold, edges carry that to
//! whoever asks. The USB controller behind a profile is `xhci-model`'s; the profile only says whether it has firmware to run.
#![no_std]
#![forbid(unsafe_code)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

extern crate alloc;

pub mod capability;
mod clocked;
mod function;
pub mod profile;
mod space;

pub use clocked::{Clock, Clocked};
pub use function::Function;
pub use space::{CONFIG_BYTES, Space};
