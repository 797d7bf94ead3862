//! Host controller runtime registers: the microframe index and the interrupters. xHCI 1.2 §5.5.

use super::field::Access;
use super::register::register;
use crate::number::Iova;

register! {
    /// Microframe index.
    MfIndex(u32): "MFINDEX", "Microframe Index", Runtime + 0x00, "5.5.1";
    /// Microframes of 125 microseconds, modulo 2^14; bits 13:3 are the frame.
    microframe_index / with_microframe_index: u16 = [0; 14], Access::Ro, "MFINDEX";
    .. reserved [14; 18] RsvdZ;
}

register! {
    /// Interrupter management.
    Iman(u32): "IMAN", "Interrupter Management", Interrupter + 0x00, "5.5.2.1";
    /// An interrupt is pending.
    interrupt_pending / with_interrupt_pending: bool = [0; 1], Access::Rw1c, "IP";
    /// The interrupter may interrupt.
    interrupt_enable / with_interrupt_enable: bool = [1; 1], Access::Rw, "IE";
    .. reserved [2; 30] RsvdP;
}

register! {
    /// Interrupter moderation.
    Imod(u32): "IMOD", "Interrupter Moderation", Interrupter + 0x04, "5.5.2.2";
    /// Least time between interrupts, in steps of 250 ns; zero does not moderate.
    interrupt_moderation_interval / with_interrupt_moderation_interval: u16 = [0; 16], Access::Rw, "IMODI";
    /// Down counter, in steps of 250 ns.
    interrupt_moderation_counter / with_interrupt_moderation_counter: u16 = [16; 16], Access::Rw, "IMODC";
    .. reserved;
}

impl Imod {
    /// The value after a reset: 4000 steps of 250 ns, one millisecond. xHCI 1.2 §5.5.2.2.
    pub const INITIAL: Self = Self::from_bits(4000);
}

register! {
    /// Event ring segment table size.
    Erstsz(u32): "ERSTSZ", "Event Ring Segment Table Size", Interrupter + 0x08, "5.5.2.3.1";
    /// Number of segments.
    segment_table_size / with_segment_table_size: u16 = [0; 16], Access::Rw, "ERSTSize";
    .. reserved [16; 16] RsvdP;
}

register! {
    /// Event ring segment table base address. Writing it (its high half) starts the event ring.
    Erstba(u64): "ERSTBA", "Event Ring Segment Table Base Address", Interrupter + 0x10, "5.5.2.3.2";
    /// Address of the table, 64-byte aligned.
    segment_table_base / with_segment_table_base: Iova = [6; 58] << 6, Access::Rw, "Ptr";
    .. reserved [0; 6] RsvdP;
}

register! {
    /// Event ring dequeue pointer.
    Erdp(u64): "ERDP", "Event Ring Dequeue Pointer", Interrupter + 0x18, "5.5.2.3.3";
    /// Low three bits of the index of the segment that the pointer is in.
    dequeue_segment_index / with_dequeue_segment_index: u8 = [0; 3], Access::Rw, "DESI";
    /// The event handler is busy: the controller holds interrupts back.
    event_handler_busy / with_event_handler_busy: bool = [3; 1], Access::Rw1c, "EHB";
    /// Address of the next event TRB that software reads.
    event_ring_dequeue_pointer / with_event_ring_dequeue_pointer: Iova = [4; 60] << 4, Access::Rw, "Ptr";
    .. reserved;
}
