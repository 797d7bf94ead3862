//! Device and input contexts in DMA memory, in the 32- or 64-byte form.

use memory::Slice;
use usb_spec::descriptor::EndpointView;
use usb_spec::endpoint::{Direction, EndpointAddress, TransferKind};
use usb_spec::speed::Speed;
use xhci_hal::{Dma, DmaBuffer, DmaError, DmaLimit};
use xhci_spec::context::{
    ContextSize, EndpointContext, EndpointType, InputControlContext, SlotContext,
};
use xhci_spec::number::{Dci, Iova, SlotId};

use crate::{Buffer, Hal, Policy, SliceOf};

/// Endpoint contexts of a device: DCI 1 to 31.
const ENTRIES_MAX: u8 = 31;

/// What the driver knows of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointInfo {
    /// Number and direction.
    pub address: EndpointAddress,
    /// Its index in contexts and doorbells.
    pub dci: Dci,
    /// Control, bulk, interrupt or isochronous.
    pub kind: TransferKind,
    /// The largest packet, in bytes.
    pub max_packet: u16,
    /// Packets in a burst, less one.
    pub burst_z: u8,
    /// Bursts in a service interval, less one.
    pub mult_z: u8,
    /// The service interval is 2^n microframes of 125 µs.
    pub interval: u8,
    /// Bytes in a service interval; 0 for endpoints that are not periodic.
    pub max_esit_payload: u32,
}

impl EndpointInfo {
    /// The default control endpoint with packets of this size.
    #[must_use]
    pub(crate) fn control(max_packet: u16) -> Self {
        Self {
            address: EndpointAddress(0),
            dci: Dci::CONTROL,
            kind: TransferKind::Control,
            max_packet,
            burst_z: 0,
            mult_z: 0,
            interval: 0,
            max_esit_payload: 0,
        }
    }

    /// What a descriptor says of an endpoint, with the burst from its companion. xHCI 1.2 §6.2.3.
    #[must_use]
    pub(crate) fn from_descriptor(
        view: &EndpointView<'_>,
        speed: Speed,
        policy: &Policy,
    ) -> Option<Self> {
        let endpoint = view.descriptor;
        let kind = endpoint.kind();
        let address = endpoint.address;
        let dci = Dci::from_endpoint(address.number(), address.direction().is_in())
            .filter(|_| !address.is_zero())?;
        let companion = view.companion();
        // High-speed periodic endpoints may have up to three transactions in a microframe: a burst to xHCI (§6.2.3.4).
        let burst_z = match (companion, speed) {
            (Some(companion), _) => companion.max_burst.min(15),
            (None, Speed::High) if kind.is_periodic() => endpoint.additional_transactions().min(2),
            (None, _) => 0,
        };
        let periodic = kind.is_periodic();
        Some(Self {
            address,
            dci,
            kind,
            max_packet: endpoint.max_packet_size(),
            burst_z,
            mult_z: 0,
            interval: view
                .service_interval(speed)
                .exponent()
                .min(policy.interval_max),
            max_esit_payload: if periodic {
                view.max_bytes_per_service_interval(speed)
            } else {
                0
            },
        })
    }

    /// Where data goes.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.address.direction()
    }

    /// The endpoint context that introduces it to the controller. xHCI 1.2 §4.3.3, §4.8.2, §6.2.3.
    pub(crate) fn context(&self, dequeue: Iova, cycle: bool) -> EndpointContext {
        let direction_in = self.direction().is_in();
        let endpoint_type = match (self.kind, direction_in) {
            (TransferKind::Control, _) => EndpointType::Control,
            (TransferKind::Isochronous, true) => EndpointType::IsochIn,
            (TransferKind::Isochronous, false) => EndpointType::IsochOut,
            (TransferKind::Bulk, true) => EndpointType::BulkIn,
            (TransferKind::Bulk, false) => EndpointType::BulkOut,
            (TransferKind::Interrupt, true) => EndpointType::InterruptIn,
            (TransferKind::Interrupt, false) => EndpointType::InterruptOut,
        };
        // Reasonable first values by xHCI 1.2 §4.14.1.1: 8 for control, 1 KiB for interrupt, 3 KiB for bulk and isochronous.
        let average_trb_length = match self.kind {
            TransferKind::Control => 8,
            TransferKind::Interrupt => {
                1024.min(u16::try_from(self.max_esit_payload).unwrap_or(1024).max(1))
            }
            TransferKind::Bulk | TransferKind::Isochronous => 3072,
        };
        EndpointContext::default()
            .with_endpoint_type(endpoint_type)
            .with_error_count(if self.kind == TransferKind::Isochronous {
                0
            } else {
                3
            })
            .with_max_packet_size(self.max_packet)
            .with_max_burst_z(self.burst_z)
            .with_mult_z(self.mult_z)
            .with_interval(self.interval)
            .with_max_esit_payload(self.max_esit_payload)
            .with_average_trb_length(average_trb_length)
            .with_tr_dequeue_pointer(dequeue)
            .with_dequeue_cycle(cycle)
    }
}

/// One device's output context, which the controller owns, and input context, which the driver fills for a command.
#[derive(Debug)]
pub(crate) struct DeviceContexts<H: Hal> {
    size: ContextSize,
    output: Buffer<H>,
    input: Buffer<H>,
}

impl<H: Hal> DeviceContexts<H> {
    /// Allocates both, zeroed. They may not cross a page: xHCI 1.2 Table 6-1.
    pub(crate) fn alloc(
        dma: &H::Dma,
        size: ContextSize,
        limit: DmaLimit,
    ) -> Result<Self, DmaError> {
        let limit = limit.within(4096);
        let output = dma.alloc(usize::from(size.device_context_len(ENTRIES_MAX)), 64, limit)?;
        let input = dma.alloc(usize::from(size.input_context_len(ENTRIES_MAX)), 64, limit)?;
        Ok(Self {
            size,
            output,
            input,
        })
    }

    pub(crate) fn output_at(&self) -> Iova {
        self.output.iova()
    }

    pub(crate) fn input_at(&self) -> Iova {
        self.input.iova()
    }

    /// The bytes of an endpoint's output context.
    pub(crate) fn endpoint_output(&self, dci: Dci) -> Option<SliceOf<H>> {
        self.output
            .slice()
            .part(usize::from(self.size.endpoint_offset(dci)), 32)
            .ok()
    }

    /// The slot context as the controller last wrote it.
    pub(crate) fn slot_output(&self) -> SlotContext {
        SlotContext(load(self.output.slice(), 0))
    }

    /// Begins a new input context.
    pub(crate) fn begin(&self, control: InputControlContext, slot: Option<SlotContext>) {
        // Offsets inside a context that was allocated with all 33 entries.
        let _ = self.input.slice().fill(0, self.input.len(), 0);
        store(self.input.slice(), 0, control.0);
        if let Some(slot) = slot {
            store(
                self.input.slice(),
                usize::from(self.size.input_slot_offset()),
                slot.0,
            );
        }
    }

    pub(crate) fn set_endpoint(&self, dci: Dci, context: EndpointContext) {
        store(
            self.input.slice(),
            usize::from(self.size.input_endpoint_offset(dci)),
            context.0,
        );
    }

    /// An endpoint's output context, to be handed back in an input context with something changed.
    pub(crate) fn endpoint_now(&self, dci: Dci) -> EndpointContext {
        EndpointContext(load(
            self.output.slice(),
            usize::from(self.size.endpoint_offset(dci)),
        ))
    }
}

fn load<S: Slice>(slice: &S, at: usize) -> [u32; 8] {
    let mut dwords = [0; 8];
    for (index, dword) in dwords.iter_mut().enumerate() {
        *dword = slice.load32(at + index * 4).unwrap_or(0);
    }
    dwords
}

fn store<S: Slice>(slice: &S, at: usize, dwords: [u32; 8]) {
    for (index, dword) in dwords.into_iter().enumerate() {
        let stored = slice.store32(at + index * 4, dword);
        debug_assert!(
            stored.is_ok(),
            "contexts are allocated with all their entries"
        );
    }
}

/// The entry of the device context base address array for a slot, in bytes from its start. xHCI 1.2 §6.1.
pub(crate) fn array_entry(slot: SlotId) -> usize {
    usize::from(slot.get()) * 8
}
