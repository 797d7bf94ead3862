//! The std side of the driver: what turns its values into something that a program uses.
//!
//! A [`Backend`] is the way to one controller: registers, memory, interrupts, a clock. Over it stand two interfaces with the same parts:
//!
//! - [`Engine`] is polled. One thread, no channel, no lock; nothing is allocated per transfer once it has warmed up. Classes come as
//!   machines to be polled beside it: [`storage::PolledDisk`], [`keyboard::PolledKeyboard`].
//! - [`Host`] runs an engine on a thread of its own. [`Device`], [`Interface`] and [`Endpoint`] are handles that may go to any thread;
//!   [`storage::Disk`] and [`keyboard::Keyboard`] are the classes.
//!
//! In both, a buffer is DMA memory that the controller reaches ([`Buffer`]): it derefs to `[u8]`, is given away with a transfer, and always comes back.
//!
//! # What this crate does not do
//!
//! It decides nothing about xHCI or a class: that is `xhci-driver` and `usb-class`. It knows no controller model and no VFIO; those
//! are backends that others bring. No isochronous transfers, no streams yet.
#![forbid(unsafe_code)]

mod backend;
mod buffer;
mod class;
mod engine;
mod error;
mod thread;

pub use backend::{Backend, Pumped, Wires};
pub use buffer::{Buffer, Pool};
pub use class::{keyboard, storage};
pub use engine::{ClientId, Engine, EngineOptions, Submission};
pub use error::Error;
pub use thread::{
    Bulk, Completion, Device, Endpoint, Event, Host, In, Interface, Interrupt, Kind, Out, Watch,
    Way,
};

pub use usb_spec::time::Instant;
pub use usb_spec::{EndpointAddress, Setup, Speed};
pub use xhci_driver::{
    Capabilities, Death, DeviceInfo, EndpointInfo, EndpointKey, EnumerationStep, Notice, Operation,
    OperationError, OperationId, Phase, Place, Policy, StartError, TransferError, TransferId,
};
pub use xhci_spec::number::{PortId, SlotId};
