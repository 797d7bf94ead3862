//! Stream Context (xHCI 1.2 §6.2.4.1).

use core::fmt;

use super::context;
use crate::field::{Access, Field, Layout, value};
use crate::number::Iova;

context! {
    /// Where a stream's ring stands, or a secondary array of streams.
    StreamContext: [u32; 4], "Stream Context", "6.2.4.1";
    /// The consumer's cycle state at the dequeue pointer.
    dequeue_cycle, with_dequeue_cycle: bool = "DCS", Both new(0, 0, 1);
    /// What the pointer points to.
    stream_context_type, with_stream_context_type: StreamContextType = "SCT", Software new(0, 1, 3);
    /// Next TRB of the ring, or the secondary stream array; a multiple of 16.
    tr_dequeue_pointer, with_tr_dequeue_pointer: Iova = "TR Dequeue Pointer", Both pointer(0, 4);
    /// Event data length so far, when the stream was stopped within a TD.
    stopped_edtla, with_stopped_edtla: u32 = "Stopped EDTLA", Controller new(2, 0, 24);
}

/// Stream Context Type, three bits: a ring or the size of a secondary array.
#[doc(alias = "SCT")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StreamContextType(pub u8);

impl StreamContextType {
    /// A ring, named in a secondary array; also what stands where there are no streams.
    pub const SECONDARY_RING: Self = Self(0);
    /// A ring, named in the primary array.
    pub const PRIMARY_RING: Self = Self(1);
    /// A secondary array of 8 streams.
    pub const ARRAY_8: Self = Self(2);
    /// A secondary array of 16 streams.
    pub const ARRAY_16: Self = Self(3);
    /// A secondary array of 32 streams.
    pub const ARRAY_32: Self = Self(4);
    /// A secondary array of 64 streams.
    pub const ARRAY_64: Self = Self(5);
    /// A secondary array of 128 streams.
    pub const ARRAY_128: Self = Self(6);
    /// A secondary array of 256 streams.
    pub const ARRAY_256: Self = Self(7);

    /// Streams of the secondary array, or `None` for a ring.
    #[must_use]
    pub const fn array_len(self) -> Option<u16> {
        match self.0 {
            2..=7 => Some(2 << self.0),
            _ => None,
        }
    }
}

impl fmt::Display for StreamContextType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, self.array_len()) {
            (_, Some(len)) => write!(f, "array of {len}"),
            (Self::PRIMARY_RING, None) => f.write_str("primary ring"),
            (Self::SECONDARY_RING, None) => f.write_str("secondary ring"),
            (Self(other), None) => write!(f, "stream context type {other}"),
        }
    }
}

value! { StreamContextType, u8: StreamContextType, |sct: StreamContextType| sct.0; }
