//! Devices of a pair: shared with the test that plugged them in, and disturbed by its plan.

mod faulty;
mod shared;

pub use faulty::FaultyDevice;
pub use shared::SharedDevice;
