//! Rings whose segments are joined by Link TRBs: command rings and transfer rings.
//!
//! A TRB belongs to the consumer when its cycle bit equals the consumer's cycle state; the state turns over at a Link with
//! Toggle Cycle (xHCI 1.2 §4.9.2).

mod consumer;
mod error;
mod position;
mod producer;
mod track;

pub use consumer::{Consumer, LINKS_MAX, TD_TRBS_MAX, Taken, TdLook};
pub use error::{ConsumeError, GrowError, NotOutstanding, PushError, RetireError};
pub use position::{RingPosition, TdSpan};
pub use producer::{Producer, RingKind};
pub use track::SEGMENTS_MAX;
