//! The ends of rings, face to face and against hostile memory.
#![expect(
    clippy::cast_possible_truncation,
    reason = "the numbers of these tests are small"
)]

mod event;
mod event_interleaved;
mod hostile;
mod link_consumer;
mod link_interleaved;
mod link_producer;
mod probe;
mod ram;
