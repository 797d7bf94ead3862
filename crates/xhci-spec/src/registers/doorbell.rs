//! Doorbell registers: one per slot, and number 0 for the command ring. xHCI 1.2 §5.6.

use super::field::Access;
use super::register::register;
use crate::number::StreamId;

register! {
    /// A doorbell. Reads return 0.
    Doorbell(u32): "DB", "Doorbell", Doorbell + 0x00, "5.6";
    /// Device context index of the endpoint; 0 on doorbell 0 is the command ring.
    target / with_target: u8 = [0; 8], Access::WriteOnly, "Target";
    /// Stream id; zero for endpoints without streams.
    stream_id / with_stream_id: StreamId = [16; 16], Access::WriteOnly, "StreamID";
    .. reserved [8; 8] RsvdZ;
}

impl Doorbell {
    /// The value that rings the command ring, on doorbell 0. xHCI 1.2 §4.9.3.
    pub const COMMAND: Self = Self::from_bits(0);
}
