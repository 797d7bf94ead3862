//! What getters hand out and setters take.

use super::field::Show;
use crate::number::{Iova, StreamId};

/// A value that a field's getter hands out.
pub trait FieldValue: Copy {
    /// How such values are written for people.
    const SHOW: Show;
    /// From the field's value; bits that the type cannot hold are dropped.
    fn from_raw(raw: u64) -> Self;
    /// To the field's value.
    fn to_raw(self) -> u64;
}

impl FieldValue for bool {
    const SHOW: Show = Show::Flag;
    fn from_raw(raw: u64) -> Self {
        raw != 0
    }
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
}

impl FieldValue for u8 {
    const SHOW: Show = Show::Number;
    fn from_raw(raw: u64) -> Self {
        raw.to_le_bytes()[0]
    }
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
}

impl FieldValue for u16 {
    const SHOW: Show = Show::Number;
    fn from_raw(raw: u64) -> Self {
        let [a, b, ..] = raw.to_le_bytes();
        Self::from_le_bytes([a, b])
    }
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
}

impl FieldValue for u32 {
    const SHOW: Show = Show::Hex;
    fn from_raw(raw: u64) -> Self {
        low_half(raw)
    }
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
}

impl FieldValue for u64 {
    const SHOW: Show = Show::Hex;
    fn from_raw(raw: u64) -> Self {
        raw
    }
    fn to_raw(self) -> u64 {
        self
    }
}

impl FieldValue for Iova {
    const SHOW: Show = Show::Hex;
    fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
    fn to_raw(self) -> u64 {
        self.0
    }
}

impl FieldValue for StreamId {
    const SHOW: Show = Show::Number;
    fn from_raw(raw: u64) -> Self {
        Self(u16::from_raw(raw))
    }
    fn to_raw(self) -> u64 {
        self.0.to_raw()
    }
}

/// Bits 31:0.
#[must_use]
pub const fn low_half(bits: u64) -> u32 {
    let [a, b, c, d, ..] = bits.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Bits 63:32.
#[must_use]
pub const fn high_half(bits: u64) -> u32 {
    low_half(bits >> 32)
}
