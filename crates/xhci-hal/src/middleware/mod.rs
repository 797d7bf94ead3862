//! Wrappers around the traits of this crate: to watch, to disturb, to record. They wrap, they never fork.
