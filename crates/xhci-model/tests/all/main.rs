//! The model as a driver and a device see it, through its registers and its memory.

mod arbitrary;
mod capabilities;
mod common;
mod engine;
mod errors;
mod interrupters;
mod ports_usb2;
mod ports_usb3;
mod start;
