//! The xHCI host driver, as values: what xHCI 1.2 chapter 4 asks of software, without a thread, a clock or a lock.
//!
//! [`Control`] is one value per controller: it brings it up, runs commands, looks after ports and slots. A [`Lane`] is one value per
//! interrupter: it owns that event ring, the transfer rings of the endpoints assigned to it and the transfers on them. Lane 0 lives inside
//! the control; further lanes may live on threads of their own. They talk by messages ([`ToLane`], [`ToControl`]), which whoever owns them carries.
//!
//! Everything is driven from outside: `poll(now)` looks at the rings and the deadlines, `poll_*` hands out what came of it,
//! `next_deadline()` says when to poll again if no interrupt comes first.
//!
//! # What this crate does not do
//!
//! No threads, no sleeping, no text for people, no USB class (that is `usb-class`), no isochronous transfers, no streams, no save and
//! restore, no link power management yet; their places are kept in the types.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod command;
mod context;
mod control;
mod device;
mod endpoint;
mod endpoints;
mod enumerate;
mod error;
mod hal;
mod hub;
mod job;
mod lane;
mod message;
mod notice;
mod operation;
mod plan;
mod policy;
mod port;
mod power;
pub mod quirk;
mod registers;
mod start;
mod structures;
mod transfer;
mod tree;

pub use context::EndpointInfo;
pub use control::Control;
pub use device::{DeviceInfo, HubInfo, Parent, Place, Translator};
pub use error::{CommandError, StartError, TransferError};
pub use hal::{Buffer, Hal, SliceOf};
pub use job::{Death, Operation, OperationError, OperationId};
pub use lane::{Lane, LaneCounters, LaneSetup};
pub use message::{EndpointKey, EndpointSetup, ToControl, ToLane};
pub use notice::{EnumerationStep, Notice, Phase};
pub use policy::Policy;
pub use registers::Capabilities;
pub use start::ControlSetup;
pub use transfer::{TransferDone, TransferId, TransferRequest};
