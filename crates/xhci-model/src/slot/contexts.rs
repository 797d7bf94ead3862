//! Contexts in memory: input contexts are read once into values, output contexts are written field by field. xHCI 1.2 §6.2.

use memory::{Direction, Memory, Slice};
use xhci_ring::link::Consumer;
use xhci_spec::context::{EndpointContext, EndpointState, InputControlContext, SlotContext};
use xhci_spec::number::{Dci, Iova, SlotId};

use crate::context::{Context, HostError};

/// Dwords of a context that have a meaning; in the 64-byte form the rest is reserved.
const DWORDS: usize = 8;
const BYTES: usize = 4 * DWORDS;

/// Where an endpoint context keeps its dequeue pointer, in bytes.
const DEQUEUE_OFFSET: u64 = 8;

/// The output device context of a slot, as the DCBAA names it. xHCI 1.2 §6.1.
pub(crate) fn output_of<M: Memory>(cx: &Context<'_, M>, slot: SlotId) -> Result<Iova, HostError> {
    let entry = cx.dcbaap.offset(8 * u64::from(slot.get()));
    let pointer = cx.memory.load64(cx.address(entry))?;
    // Bits 5:0 are reserved: contexts are aligned to 64 bytes.
    Ok(cx.address(Iova(pointer & !0x3f)))
}

pub(crate) fn read_control<M: Memory>(
    cx: &Context<'_, M>,
    input: Iova,
) -> Result<InputControlContext, HostError> {
    read(cx, input).map(InputControlContext)
}

pub(crate) fn read_slot<M: Memory>(
    cx: &Context<'_, M>,
    input: Iova,
) -> Result<SlotContext, HostError> {
    let offset = cx.context_size.input_slot_offset();
    read(cx, input.offset(u64::from(offset))).map(SlotContext)
}

pub(crate) fn read_endpoint<M: Memory>(
    cx: &Context<'_, M>,
    input: Iova,
    dci: Dci,
) -> Result<EndpointContext, HostError> {
    let offset = cx.context_size.input_endpoint_offset(dci);
    read(cx, input.offset(u64::from(offset))).map(EndpointContext)
}

pub(crate) fn write_slot<M: Memory>(
    cx: &Context<'_, M>,
    output: Iova,
    context: &SlotContext,
) -> Result<(), HostError> {
    write(cx, output, &context.0)
}

pub(crate) fn write_endpoint<M: Memory>(
    cx: &Context<'_, M>,
    output: Iova,
    dci: Dci,
    context: &EndpointContext,
) -> Result<(), HostError> {
    write(cx, endpoint_at(cx, output, dci), &context.0)
}

/// Writes an endpoint's state and nothing else; release, so that whoever sees it sees the dequeue pointer too.
pub(crate) fn write_state<M: Memory>(
    cx: &Context<'_, M>,
    output: Iova,
    dci: Dci,
    context: &EndpointContext,
    state: EndpointState,
) -> Result<(), HostError> {
    let [first, ..] = context.with_endpoint_state(state).0;
    cx.memory.store32(endpoint_at(cx, output, dci), first)?;
    Ok(())
}

/// Writes where an endpoint's ring stands.
pub(crate) fn write_dequeue<M: Memory>(
    cx: &Context<'_, M>,
    output: Iova,
    dci: Dci,
    ring: &Consumer,
) -> Result<(), HostError> {
    let at = endpoint_at(cx, output, dci).offset(DEQUEUE_OFFSET);
    let value = ring.dequeue().0 | u64::from(ring.cycle());
    cx.memory.store64(at, value)?;
    Ok(())
}

fn endpoint_at<M: Memory>(cx: &Context<'_, M>, output: Iova, dci: Dci) -> Iova {
    output.offset(u64::from(cx.context_size.endpoint_offset(dci)))
}

fn read<M: Memory>(cx: &Context<'_, M>, at: Iova) -> Result<[u32; DWORDS], HostError> {
    let slice = cx
        .memory
        .exact(cx.address(at), BYTES, Direction::DeviceReads)?;
    let mut bytes = [0; BYTES];
    slice.read(0, &mut bytes).map_err(|_| HostError::System)?;
    let mut dwords = [0; DWORDS];
    for (dword, four) in dwords.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *dword = u32::from_le_bytes(*four);
    }
    Ok(dwords)
}

fn write<M: Memory>(
    cx: &Context<'_, M>,
    at: Iova,
    dwords: &[u32; DWORDS],
) -> Result<(), HostError> {
    let slice = cx
        .memory
        .exact(cx.address(at), BYTES, Direction::DeviceWrites)?;
    let mut bytes = [0; BYTES];
    for (four, dword) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(dwords) {
        *four = dword.to_le_bytes();
    }
    slice.write(0, &bytes).map_err(|_| HostError::System)
}
