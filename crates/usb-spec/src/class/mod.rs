//! Device classes: what their requests, reports and wrappers look like, and their names.

pub mod audio;
pub mod cdc;
pub mod hid;
pub mod hub;
pub mod mass_storage;
mod name;
pub mod uas;

pub use name::{ClassCode, class_name};
