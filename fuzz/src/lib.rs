//! What is fuzzed: functions that take any bytes and may not panic, hang or bloat, whatever the bytes are.
//!
//! Each [`Target`] stands at one door of the house and plays everything that could knock there: a wire format, a ring in foreign
//! memory, a hostile device, a hostile host. It checks more than that nothing panics; what it checks stands at its head.
//!
//! The same functions run in two ways. `cargo xtask fuzz` lets a coverage-guided engine look for inputs; an ordinary test of this package
//! plays every input under `corpus/` again, so that what was found once is looked at on every test run, without the engine.
//!
//! # What this crate does not do
//!
//! It is no part of any product, and holds no engine: libFuzzer is an optional dependency of the binary beside this library.
#![forbid(unsafe_code)]

mod arena;
mod driver;
mod guest;
mod hostile;
mod input;
mod target;
mod usb_host;

pub use target::{TARGETS, Target};
