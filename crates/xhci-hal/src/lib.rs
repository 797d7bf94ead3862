//! What an xHCI driver asks of the world: registers, memory the controller can reach, interrupts, PCI configuration space.
//!
//! Each trait asks for one thing and states its contract; a real card behind VFIO, a virtual one behind a socket and the
//! controller model in the same process all answer it. [`middleware`] wraps an answer to watch, disturb or record it.
//!
//! # What this crate does not do
//!
//! It knows no register by name, sets no policy (which half of a 64-bit register is written first is the driver's to say), and
//! implements nothing that touches the outside.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod config_space;
mod dma;
mod interrupt;
pub mod middleware;
mod mmio;

pub use config_space::{ConfigError, ConfigSpace, Width};
pub use dma::{Dma, DmaBuffer, DmaError, DmaLimit};
pub use interrupt::Interrupts;
pub use mmio::Mmio;
