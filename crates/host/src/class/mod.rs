//! Classes on an engine.

pub mod keyboard;
mod steps;
pub mod storage;
