//! A host controller without hardware: the controller model in this process, on the driver's own thread.
//!
//! [`Local`] is a [`host::Backend`]. It owns the model, the devices on its ports and the media behind them. A register access of the
//! driver is a call; everything else the model does in [`pump`](host::Backend::pump): it works, has its media read and written, and delivers
//! its interrupts. So driver and model take turns on one thread, and with a [`Clock::Virtual`] a run is the same every time.
//!
//! What is to be plugged in is said by [`DeviceSpec`], and what the controller is like by [`ControllerSpec`]; both are read from strings
//! such as `disk:size=64M,speed=high` or `hub(keyboard; disk:stick.img)`. Where it is plugged in is a [`Location`].
//!
//! ```
//! use host::{Engine, EngineOptions, Notice};
//! use local::{Clock, Local, Setup};
//!
//! let setup = Setup { clock: Clock::Virtual, ..Setup::default() }
//!     .with_device("disk:size=1M,pattern".parse()?)
//!     .with_device("keyboard:text=hello".parse()?);
//! let mut engine = Engine::new(Local::new(setup)?, EngineOptions::default())?;
//! let settled = |engine: &mut Engine<Local>| {
//!     engine.poll_notice().filter(|notice| matches!(notice, Notice::Settled | Notice::Died { .. }))
//! };
//! assert_eq!(engine.run_until(None, settled), Some(Notice::Settled));
//! assert_eq!(engine.devices().count(), 2);
//! engine.shutdown()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What this crate does not do
//!
//! It is no part of driver or model and decides nothing for them. It knows no PCI, and nothing crosses a process border here. A medium
//! is read and written while everything else waits.
#![forbid(unsafe_code)]

mod clock;
mod error;
mod hand;
mod local;
mod location;
mod plug;
mod shared;
mod spec;

pub use clock::Clock;
pub use error::LocalError;
pub use local::{Local, LocalMmio, Setup};
pub use location::Location;
pub use spec::{
    CompositeSpec, ControllerSpec, DeviceSpec, DiskSource, DiskSpec, HubSpec, KeyboardSpec,
    SerialSpec, SpecError, TabletSpec, ZeroSpec, parse_size,
};
pub use usb_model::device::{BlockSize, Pattern, Pointer};
