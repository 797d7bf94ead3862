//! Wrappers around the traits of this crate: to watch, to disturb, to record. They wrap, they never fork.
//!
//! Each is a value of one thread (its insides are `Cell`s), has no clock, and answers the trait that it wraps; so they can be stacked,
//! and what is inside does not know. [`Traced`] tells somebody, [`Recorded`] keeps a log and [`Replay`] plays one back, [`Faulty`]
//! lies according to a plan and counts how often it did.

mod access;
mod faults;
mod faulty;
mod recorded;
mod traced;

pub use access::{ConfigAccess, MmioAccess, ParseAccessError, Side};
pub use faults::{ConfigEffect, Fault, Faults, MmioEffect};
pub use faulty::{ConfigPlan, Faulty, MmioPlan};
pub use recorded::{Difference, Recorded, Replay};
pub use traced::{Observer, Traced};
