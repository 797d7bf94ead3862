//! What memory shared with a device is: bounds-checked access by address, and the order in which the other side sees it.
//!
//! Two parties look at the same bytes, neither trusts the other. [`Memory`] is a space of device addresses
//! ([`Iova`]), which may have holes; [`Slice`] is one contiguous piece of it, checked once and then cheap to use.
//!
//! # The ordering contract
//!
//! *Publishing.* [`Slice::store_block`] writes dwords 0, 1, 2 and then dword 3 with release order: whoever sees the new
//! dword 3 sees the other three, and everything stored before them. [`Slice::store32`] and [`Slice::store64`] are release stores.
//!
//! *Taking.* [`Slice::load_block`] reads dword 3 first, with acquire order, then the others: when dword 3 is found to be
//! new, the rest is new too. [`Slice::load32`] and [`Slice::load64`] are acquire loads.
//!
//! [`Slice::read`] and [`Slice::write`] move bytes without any order of their own; order comes from the block or word that
//! announces them.
//!
//! # What this crate does not do
//!
//! It maps nothing and owns no bytes: `volmem` does, and is the only room that implements these traits.
#![no_std]
#![forbid(unsafe_code)]

mod fault;
mod space;

pub use fault::{Direction, Fault, OutOfBounds};
pub use space::{Memory, Slice};
pub use xhci_spec::number::Iova;
