//! Event rings: segments listed in a table, the Event Ring Segment Table (ERST; xHCI 1.2 §4.9.4, §6.5).
//!
//! There are no Links. The producer turns its cycle state over when it goes from the table's last segment to its first, and so does
//! the consumer.

mod consumer;
mod error;
mod producer;
mod table;

pub use consumer::EventConsumer;
pub use error::EventRingError;
pub use producer::{DequeueWrite, EventProducer, Pushed};
pub use table::ERST_ENTRY_BYTES;
