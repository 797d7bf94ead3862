//! A strict xHCI 1.2 host controller as a value.
//!
//! A [`Controller`] answers register reads and writes, works through command and transfer rings in memory that somebody else owns, talks to
//! USB devices (`usb-model`) on its root ports, writes events and says which interrupter wants to interrupt. It is driven from outside:
//! inputs are calls, time is an argument, outputs are `poll_*`. One owner, no thread, no clock, no callback.
//!
//! Register writes only take notes; [`Controller::service`] does the work, under a budget, and nothing re-enters. Whatever the driver
//! wrote is an allegation: a foreign address ends in Host System Error, a broken event ring in Host Controller Error, an unknown TRB in
//! TRB Error; nothing panics, hangs or grows without a bound. The model never resets a device that the driver did not reset, and hides
//! no driver bug by being kind: [`Behaviour`] holds what a profile of real hardware may change.
//!
//! # What this crate does not do
//!
//! It knows no PCI, no sockets, no threads and no files: configuration space is `pci-model`'s, work on media is done by whoever polls
//! [`Controller::poll_work`]. It does not judge drivers (`check` does). Isochronous transfers, streams, bandwidth accounting, USB2 L1,
//! save and restore of state, virtual functions and the debug capability are not modelled; the capability registers say so.
#![no_std]
#![forbid(unsafe_code)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

extern crate alloc;

mod behaviour;
mod bit_set;
mod command;
mod context;
mod controller;
mod endpoint;
mod engine;
mod extended;
mod geometry;
mod interrupter;
mod lifecycle;
mod motion;
mod options;
mod port;
mod registers;
mod service;
mod slot;
mod transfer;
mod wide;

pub use behaviour::{Behaviour, FirmwareHandoff, SaveRestore, WideWrite};
pub use command::{CommandFaults, StuckCommand};
pub use context::HostError;
pub use controller::{Controller, Device, Progress, WorkKey};
pub use engine::Counters;
pub use geometry::Geometry;
pub use options::{Options, PortGroup};
pub use port::{AttachError, PortFault};
