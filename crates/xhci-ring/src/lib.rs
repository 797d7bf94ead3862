//! The four ends of xHCI's rings: who may write which TRB, who may read it, and where both stand.
//!
//! | ring | written by | read by |
//! |---|---|---|
//! | command and transfer rings, joined by Link TRBs (xHCI 1.2 §4.9.2, §4.9.3) | [`link::Producer`], the driver | [`link::Consumer`], the controller |
//! | event rings, joined by a segment table (xHCI 1.2 §4.9.4) | [`event::EventProducer`], the controller | [`event::EventConsumer`], the driver |
//!
//! The driver's ends own their buffers and know every segment; the controller's ends are small values that find their way
//! through memory that somebody else wrote, and believe none of it. [`probe`] looks at a ring without taking part.
//!
//! # What this crate does not do
//!
//! It holds cursors, cycle bits, Links and segment tables. It knows no register and no doorbell, sets no policy (how long a
//! ring is, when it grows, what a full one means) and has no notion of time. It does not judge what a TRB asks for.
#![no_std]
#![forbid(unsafe_code)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

extern crate alloc;

pub mod event;
pub mod link;
pub mod probe;
mod segment;

pub use segment::{SEGMENT_TRBS_MAX, SEGMENT_TRBS_MIN, SegmentError};
