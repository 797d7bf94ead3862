//! The bytes of USB 2.0 and USB 3.2: setup packets, descriptors, speeds, endpoints, and the classes a disk, a keyboard and a hub need.
//!
//! Everything here is data: a layout, a number, a name, a `parse` and an `emit` that undo each other. Both sides
//! of a cable read it, the driver that asks and the device that answers.
//!
//! What this crate does *not* do: it holds no state machine, talks to no controller, allocates nothing, keeps no
//! clock, and judges no device beyond "these bytes have this shape". Values that it cannot name survive
//! ([`setup::Request`], [`descriptor::DescriptorKind`] and the other wire enums are open). No function here
//! panics on foreign bytes, and each loop over them is bounded by their length.
//!
//! ```
//! use usb_spec::descriptor::{ConfigurationView, LanguageId};
//! use usb_spec::{DescriptorKind, Setup, Speed};
//!
//! let ask = Setup::get_descriptor(DescriptorKind::CONFIGURATION, 0, LanguageId::NONE, 34);
//! assert_eq!(ask.to_bytes(), [0x80, 6, 0, 2, 0, 0, 34, 0]);
//!
//! let answer = [
//!     9, 2, 34, 0, 1, 1, 0, 0xa0, 50, // configuration
//!     9, 4, 0, 0, 1, 3, 1, 1, 0, // interface: boot keyboard
//!     9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0, // HID
//!     7, 5, 0x81, 3, 8, 0, 10, // endpoint 1 IN, interrupt
//! ];
//! let configuration = ConfigurationView::parse(&answer)?;
//! let keyboard = configuration.interface(0).and_then(|interface| interface.default_alternate()).unwrap();
//! let endpoint = keyboard.endpoints().next().unwrap();
//! assert_eq!(endpoint.service_interval(Speed::Full).microseconds(), 8000);
//! # Ok::<(), usb_spec::descriptor::DescriptorError>(())
//! ```
//!
//! Sources: USB 2.0, USB 3.2 revision 1.1, xHCI 1.2 (intervals only), HID 1.11, HID Usage Tables 1.4, Mass
//! Storage Bulk-Only 1.0, SPC-4, SBC-3. Sections that were not checked against the text are marked "(unchecked)".
#![no_std]
#![forbid(unsafe_code)]

mod open;
mod wire;

pub mod class;
pub mod descriptor;
pub mod endpoint;
pub mod setup;
pub mod speed;
pub mod time;

pub use descriptor::DescriptorKind;
pub use endpoint::{Direction, EndpointAddress, TransferKind};
pub use setup::{Recipient, Request, RequestKind, RequestType, Setup};
pub use speed::Speed;
pub use time::Instant;
pub use wire::Emitted;
