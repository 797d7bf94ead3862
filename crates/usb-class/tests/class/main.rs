//! The classes against devices that are played at the border of actions and replies.

mod common;

mod arbitrary;
mod errors;
mod exchange;
mod keyboard;
mod prequeue;
mod senses;
mod start;
mod transfer;
