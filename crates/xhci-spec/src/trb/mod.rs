//! Transfer Request Blocks: raw, and as meaning (xHCI 1.2 §6.4).
//!
//! [`Trb`] is sixteen bytes in which anything survives. [`Command`], [`Transfer`], [`Event`] and [`Link`] are what they mean. `parse`
//! ignores the cycle bit, which belongs to the ring, and reserved bits, which [`Trb::reserved_bits_set`] shows to whoever judges;
//! `emit` leaves both zero.

mod command;
mod completion_code;
mod error;
mod event;
pub mod layout;
mod link;
mod transfer;
mod trb_type;

pub use command::Command;
pub use completion_code::CompletionCode;
pub use error::{ParseTrbError, ParseTrbErrorKind};
pub use event::Event;
pub use link::Link;
pub use transfer::{Data, Transfer, TransferFlags, Trt};
pub use trb_type::TrbType;

use crate::field::{Field, Value};

/// A raw TRB: four little-endian dwords as numbers of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Trb(pub [u32; 4]);

impl Trb {
    /// Bytes that a TRB takes, and its alignment.
    pub const SIZE: usize = 16;

    /// All zero: what a fresh ring is filled with.
    pub const ZERO: Self = Self([0; 4]);

    /// The cycle bit, by which the consumer knows whether the TRB is its own (xHCI 1.2 §4.9.2).
    #[must_use]
    #[doc(alias = "C")]
    pub const fn cycle(self) -> bool {
        self.0[3] & 1 != 0
    }

    /// The same TRB with this cycle bit.
    #[must_use]
    pub const fn with_cycle(mut self, cycle: bool) -> Self {
        self.0[3] = self.0[3] & !1 | cycle as u32;
        self
    }

    /// Which TRB this claims to be.
    #[must_use]
    pub const fn trb_type(self) -> TrbType {
        TrbType((self.0[3] >> 10 & 0x3f) as u8)
    }

    /// Whether the next TRB belongs to the same TD. Means nothing in commands and events.
    #[must_use]
    #[doc(alias = "CH")]
    pub const fn chain(self) -> bool {
        self.0[3] & 1 << 4 != 0
    }

    /// Whether a Link TRB turns the cycle state over. Means something else in any other TRB.
    #[must_use]
    #[doc(alias = "TC")]
    pub const fn toggle_cycle(self) -> bool {
        self.0[3] & 1 << 1 != 0
    }

    /// Whether completing a transfer or Link TRB makes an event.
    #[must_use]
    #[doc(alias = "IOC")]
    pub const fn ioc(self) -> bool {
        self.0[3] & 1 << 5 != 0
    }

    /// Dwords 0 and 1.
    #[must_use]
    pub const fn parameter(self) -> u64 {
        self.0[0] as u64 | (self.0[1] as u64) << 32
    }

    /// Dword 2.
    #[must_use]
    pub const fn status(self) -> u32 {
        self.0[2]
    }

    /// Dword 3.
    #[must_use]
    pub const fn control(self) -> u32 {
        self.0[3]
    }

    /// The reserved bits that are set although a producer of this type of TRB must write them zero; all zero for an unknown type.
    #[must_use]
    pub fn reserved_bits_set(self) -> [u32; 4] {
        let mask = reserved_bits(self.trb_type());
        core::array::from_fn(|dword| self.0[dword] & mask[dword])
    }

    /// A TRB of this type, everything else zero.
    pub(crate) fn new(trb_type: TrbType) -> Self {
        Self::ZERO.with(&layout::TRB_TYPE, trb_type.0)
    }

    pub(crate) fn read<T: Value>(self, field: &Field) -> T {
        field.read(&self.0)
    }

    pub(crate) fn with<T: Value>(mut self, field: &Field, value: T) -> Self {
        field.write(&mut self.0, value);
        self
    }
}

/// Mask of the bits that are RsvdZ in a TRB of this type; no bit for a type whose layout is unknown.
#[must_use]
pub fn reserved_bits(trb_type: TrbType) -> [u32; 4] {
    layout::of(trb_type).map_or([0; 4], |layout| layout.reserved_bits())
}
