//! The ends of rings, face to face and against hostile memory.

mod event;
mod event_interleaved;
mod hostile;
mod link_consumer;
mod link_interleaved;
mod link_producer;
mod probe;
mod ram;
