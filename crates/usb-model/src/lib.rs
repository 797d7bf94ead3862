//! USB devices as software: what answers at the other end of the cable.
//!
//! A device is a value. The controller model hands it [`Request`]s, asks it for [`Output`]s, and tells it what time it is. Work that takes
//! time (a disk's reads and writes) is handed out as [`Work`], done by whoever owns the files, and reported back.
//!
//! Devices are honest: they keep address, configuration, halts and data toggles themselves, and compare them with what the host
//! believes, which every request carries. So a host that forgets a CLEAR_FEATURE is found out here, as it would be on a desk.
//!
//! [`chapter9`] is what all devices have in common, [`device`] holds those that there are. Hubs have the devices behind them themselves:
//! the host reaches these through [`UsbDevice::child`], the hand that plugs and pulls through [`UsbDevice::hub`].
//!
//! # What this crate does not do
//!
//! It knows no host controller, opens no file, keeps no time, and models no electrical signal. There are no isochronous endpoints and no streams
//! yet.
#![no_std]
#![forbid(unsafe_code)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

extern crate alloc;

mod buffers;
mod bus;
pub mod chapter9;
pub mod device;
mod downstream;
mod work;

pub use bus::{Cancelled, Completion, HostView, Output, Request, Stage, Status, Token, UsbDevice};
pub use downstream::{AttachError, Downstream, PortFault, Refused, descend};
pub use work::{Work, WorkDone, WorkError, WorkId, WorkKind};
