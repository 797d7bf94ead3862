//! What a controller needs in memory before it runs: scratchpads, event rings, and the list of its ports.

use alloc::vec::Vec;

use memory::Slice;
use xhci_hal::{Dma, DmaBuffer, DmaError, DmaLimit, Mmio};
use xhci_ring::event::EventConsumer;
use xhci_spec::number::InterrupterId;
use xhci_spec::trb::Trb;

use crate::endpoints::address_array_bytes;
use crate::lane::LaneSetup;
use crate::port::Port;
use crate::registers::Registers;
use crate::{Buffer, Hal, Lane, Policy, StartError};

/// The addresses this controller can name.
pub(crate) fn dma_limit(addressing_64: bool, policy: &Policy) -> DmaLimit {
    let bits = if addressing_64 && !policy.ignore_ac64 {
        policy.dma_bits
    } else {
        policy.dma_bits.min(32)
    };
    let mask = if bits >= 64 {
        u64::MAX
    } else {
        (1 << bits) - 1
    };
    DmaLimit { mask, boundary: 0 }
}

/// The scratchpad buffer array first, then the buffers, of the controller's own page size. xHCI 1.2 §4.20, §6.6.
pub(crate) fn scratchpads<H: Hal>(
    dma: &H::Dma,
    limit: DmaLimit,
    count: u16,
    page: usize,
) -> Result<Vec<Buffer<H>>, DmaError> {
    let mut buffers = Vec::new();
    if count == 0 {
        return Ok(buffers);
    }
    let table = dma.alloc(
        address_array_bytes(usize::from(count)),
        64,
        limit.within(page as u64),
    )?;
    buffers.push(table);
    for index in 0..usize::from(count) {
        let buffer = dma.alloc(page, page, limit)?;
        if let Some(table) = buffers.first() {
            let stored = table.slice().store64(index * 8, buffer.iova().0);
            debug_assert!(stored.is_ok(), "the table has {count} entries");
        }
        buffers.push(buffer);
    }
    Ok(buffers)
}

/// One event ring and lane for each interrupter in use.
pub(crate) fn lanes<H: Hal>(
    registers: &Registers<H::Mmio>,
    dma: &H::Dma,
    limit: DmaLimit,
    policy: &Policy,
    wanted: u16,
) -> Result<Vec<Lane<H>>, StartError> {
    let memory = |error| StartError::Memory { error };
    let segments = policy
        .event_segments
        .clamp(1, registers.capabilities.event_segments_max);
    let count = wanted.clamp(1, registers.capabilities.max_interrupters);
    let mut lanes = Vec::new();
    for number in 0..count {
        let table = dma
            .alloc(usize::from(segments) * 16, 64, limit.within(0x1_0000))
            .map_err(memory)?;
        let mut buffers = Vec::new();
        for _ in 0..segments {
            let bytes = usize::from(policy.segment_trbs) * Trb::SIZE;
            buffers.push(
                dma.alloc(bytes, 64, limit.within(0x1_0000))
                    .map_err(memory)?,
            );
        }
        let events = EventConsumer::new(table, buffers);
        let events = events.map_err(|_| StartError::Nonsense {
            what: "a policy whose segments hold too few TRBs",
        })?;
        let interrupter = InterrupterId(number);
        lanes.push(Lane::new(LaneSetup {
            interrupter,
            mmio: registers.mmio.clone(),
            doorbells: registers.capabilities.doorbells,
            registers: registers.interrupter_registers(interrupter),
            events,
            dma: dma.clone(),
            limit,
            policy: policy.clone(),
        }));
    }
    Ok(lanes)
}

/// The ports whose protocol is known.
pub(crate) fn ports<M: Mmio>(registers: &Registers<M>) -> Vec<Port> {
    let capabilities = &registers.capabilities;
    let known = capabilities.ports().filter_map(|port| {
        let protocol = capabilities.protocol(port)?;
        let slot_type = protocol.slot_type.slot_type();
        Some(Port::new(port, protocol.protocol().ok()?, slot_type))
    });
    known.collect()
}
