//! The driver side of USB classes, as values: disks (SCSI over Bulk-Only) and boot keyboards.
//!
//! A class says what it wants from the endpoints below it ([`transport::Step`]) and is told what became of it ([`transport::Reply`]). One loop drives all of them:
//!
//! ```
//! use core::time::Duration;
//! use usb_class::bot::Function;
//! use usb_class::scsi::{BlockDevice, Error, Policy};
//! use usb_class::transport::{Poll, Reply, Status};
//! use usb_spec::EndpointAddress;
//! use usb_spec::time::Instant;
//!
//! let function = Function { interface: 0, bulk_in: EndpointAddress(0x81), bulk_out: EndpointAddress(0x02) };
//! let mut disk = BlockDevice::new(function, 0, Policy::default());
//! let now = Instant::START;
//! disk.start(now)?;
//! let outcome = loop {
//!     match disk.poll_action(now) {
//!         // An endpoint layer would do it; here, nothing is plugged in.
//!         Poll::Act(step) => disk.reply(step.id, Reply::failed(Status::Gone)),
//!         Poll::Ready(outcome) => break outcome,
//!         Poll::Waiting => unreachable!("every action was replied to"),
//!     }
//! };
//! assert_eq!(outcome.result, Err(Error::Gone));
//! # Ok::<(), Error>(())
//! ```
//!
//! The bytes of the user's buffer never pass through here: [`transport::Action::DataIn`] and [`transport::Action::DataOut`] name parts of it, and the caller submits the
//! memory that it holds. Nothing is allocated at all.
//!
//! # What this crate does not do
//!
//! It knows no host controller, has no clock (where time matters, `now` is an argument), starts no thread, enumerates nothing, and parses no descriptor: the
//! caller has configured the device and knows the endpoints. No hubs (they belong to the bus, and so to `xhci-driver`), no UAS, no report-protocol HID, no CBI transport, no partitions.
#![no_std]
#![forbid(unsafe_code)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod bot;
pub mod hid;
pub mod scsi;
pub mod transport;
