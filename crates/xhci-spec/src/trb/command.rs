//! Command TRBs (xHCI 1.2 §6.4.3).

use super::{ParseTrbError, ParseTrbErrorKind, Trb, TrbType, layout};
use crate::context::StreamContextType;
use crate::field::{Field, Value};
use crate::number::{Dci, InterrupterId, Iova, PortId, SlotId, SpeedId, StreamId};

/// What software asks the controller to do.
///
/// A raw command that names slot 0 or DCI 0 does not parse; [`ParseTrbError::completion_code`] is what the controller answers then.
/// Addresses lose their low four bits in `emit`: contexts and rings are aligned to 64 and 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Succeeds (§4.6.2).
    NoOp,
    /// Asks for a slot (§4.6.3).
    EnableSlot {
        /// Slot Type of the port's supported protocol capability, 5 bits; 0 for USB.
        slot_type: u8,
    },
    /// Gives a slot back (§4.6.4).
    DisableSlot {
        /// The slot.
        slot: SlotId,
    },
    /// Gives the device an address, or (with `block_set_address`) only enables its control endpoint (§4.6.5).
    AddressDevice {
        /// The input context.
        input: Iova,
        /// The slot.
        slot: SlotId,
        /// Whether the device is to get no SET_ADDRESS.
        block_set_address: bool,
    },
    /// Adds and drops endpoints, or (with `deconfigure`) drops them all (§4.6.6).
    ConfigureEndpoint {
        /// The input context; not looked at with `deconfigure`.
        input: Iova,
        /// The slot.
        slot: SlotId,
        /// Whether all endpoints but the control endpoint go.
        deconfigure: bool,
    },
    /// Changes parameters of a slot or of its control endpoint (§4.6.7).
    EvaluateContext {
        /// The input context.
        input: Iova,
        /// The slot.
        slot: SlotId,
    },
    /// Takes an endpoint out of Halted (§4.6.8).
    ResetEndpoint {
        /// The slot.
        slot: SlotId,
        /// The endpoint.
        endpoint: Dci,
        /// Whether toggle or sequence number stay, for a soft retry.
        transfer_state_preserve: bool,
    },
    /// Stops an endpoint's transfer ring (§4.6.9).
    StopEndpoint {
        /// The slot.
        slot: SlotId,
        /// The endpoint.
        endpoint: Dci,
        /// Whether the device is about to be suspended.
        suspend: bool,
    },
    /// Moves the dequeue pointer of a stopped ring (§4.6.10).
    SetTrDequeue {
        /// The slot.
        slot: SlotId,
        /// The endpoint.
        endpoint: Dci,
        /// The new pointer.
        dequeue: Iova,
        /// The consumer's cycle state there.
        cycle: bool,
        /// What the stream context points to; [`StreamContextType::SECONDARY_RING`] (0) without streams.
        stream_context_type: StreamContextType,
        /// The stream; 0 without streams.
        stream: StreamId,
    },
    /// Puts a slot back to Default after its device was reset (§4.6.11).
    ResetDevice {
        /// The slot.
        slot: SlotId,
    },
    /// Puts an event on a virtual function's ring (§4.6.12).
    ForceEvent {
        /// The event TRB to copy.
        event: Iova,
        /// Interrupter of the virtual function.
        interrupter: InterrupterId,
        /// The virtual function.
        virtual_function: u8,
    },
    /// Asks devices' drivers to give up bandwidth (§4.6.13).
    NegotiateBandwidth {
        /// The slot that needs it.
        slot: SlotId,
    },
    /// States the latency that the system bears (§4.6.14).
    SetLatencyTolerance {
        /// Best Effort Latency Tolerance value, 12 bits.
        belt: u16,
    },
    /// Asks how much bandwidth is left at each port (§4.6.15).
    GetPortBandwidth {
        /// The port bandwidth context to fill.
        bandwidth_context: Iova,
        /// The speed asked for.
        speed: SpeedId,
        /// The hub asked about, or the root hub.
        hub_slot: Option<SlotId>,
    },
    /// Sends a link management or transaction packet to a port (§4.6.16).
    ForceHeader {
        /// Type of the packet, 5 bits.
        packet_type: u8,
        /// The 91 bits of the header behind the type: 27 low, 32 middle, 32 high.
        header: [u32; 3],
        /// The root hub port.
        port: Option<PortId>,
    },
    /// Reads an extended property (§4.6.17).
    GetExtendedProperty {
        /// The extended property context to fill.
        context: Iova,
        /// Extended Capability Identifier.
        capability: u16,
        /// Command sub type, 3 bits.
        subtype: u8,
        /// The endpoint, if the property belongs to one.
        endpoint: Option<Dci>,
        /// The slot, if the property belongs to one.
        slot: Option<SlotId>,
    },
    /// Changes an extended property (§4.6.18).
    SetExtendedProperty {
        /// Extended Capability Identifier.
        capability: u16,
        /// What the capability makes of it.
        capability_parameter: u8,
        /// Command sub type, 3 bits.
        subtype: u8,
        /// The endpoint, if the property belongs to one.
        endpoint: Option<Dci>,
        /// The slot, if the property belongs to one.
        slot: Option<SlotId>,
    },
    /// A command of the vendor's own, type 48 to 63, kept whole but for the cycle bit.
    Vendor(Trb),
}

impl Command {
    /// Reads a TRB of the command ring.
    ///
    /// # Errors
    ///
    /// `UnknownType` for a TRB of another family, `ZeroSlot` and `BadEndpoint` where a required number is 0.
    pub fn parse(trb: Trb) -> Result<Self, ParseTrbError> {
        let slot = || required(trb, &layout::SLOT, ParseTrbErrorKind::ZeroSlot);
        let endpoint = || required(trb, &layout::ENDPOINT, ParseTrbErrorKind::BadEndpoint);
        let input = trb.read(&layout::INPUT);
        Ok(match trb.trb_type() {
            TrbType::NO_OP_COMMAND => Self::NoOp,
            TrbType::ENABLE_SLOT => Self::EnableSlot {
                slot_type: trb.read(&layout::SLOT_TYPE),
            },
            TrbType::DISABLE_SLOT => Self::DisableSlot { slot: slot()? },
            TrbType::ADDRESS_DEVICE => Self::AddressDevice {
                input,
                slot: slot()?,
                block_set_address: trb.read(&layout::BLOCK_SET_ADDRESS),
            },
            TrbType::CONFIGURE_ENDPOINT => Self::ConfigureEndpoint {
                input,
                slot: slot()?,
                deconfigure: trb.read(&layout::DECONFIGURE),
            },
            TrbType::EVALUATE_CONTEXT => Self::EvaluateContext {
                input,
                slot: slot()?,
            },
            TrbType::RESET_ENDPOINT => Self::ResetEndpoint {
                slot: slot()?,
                endpoint: endpoint()?,
                transfer_state_preserve: trb.read(&layout::TRANSFER_STATE_PRESERVE),
            },
            TrbType::STOP_ENDPOINT => Self::StopEndpoint {
                slot: slot()?,
                endpoint: endpoint()?,
                suspend: trb.read(&layout::SUSPEND),
            },
            TrbType::SET_TR_DEQUEUE => Self::SetTrDequeue {
                slot: slot()?,
                endpoint: endpoint()?,
                dequeue: trb.read(&layout::DEQUEUE),
                cycle: trb.read(&layout::DEQUEUE_CYCLE),
                stream_context_type: trb.read(&layout::STREAM_CONTEXT_TYPE),
                stream: trb.read(&layout::STREAM),
            },
            TrbType::RESET_DEVICE => Self::ResetDevice { slot: slot()? },
            TrbType::NEGOTIATE_BANDWIDTH => Self::NegotiateBandwidth { slot: slot()? },
            _ => return Self::parse_rare(trb),
        })
    }

    /// The commands that systems hardly use.
    fn parse_rare(trb: Trb) -> Result<Self, ParseTrbError> {
        Ok(match trb.trb_type() {
            TrbType::FORCE_EVENT => Self::ForceEvent {
                event: trb.read(&layout::FORCED_EVENT),
                interrupter: trb.read(&layout::VF_INTERRUPTER),
                virtual_function: trb.read(&layout::VIRTUAL_FUNCTION),
            },
            TrbType::SET_LATENCY_TOLERANCE => Self::SetLatencyTolerance {
                belt: trb.read(&layout::LATENCY_TOLERANCE),
            },
            TrbType::GET_PORT_BANDWIDTH => Self::GetPortBandwidth {
                bandwidth_context: trb.read(&layout::BANDWIDTH_CONTEXT),
                speed: trb.read(&layout::SPEED),
                hub_slot: trb.read(&layout::HUB_SLOT),
            },
            TrbType::FORCE_HEADER => Self::ForceHeader {
                packet_type: trb.read(&layout::PACKET_TYPE),
                header: [
                    trb.read(&layout::HEADER_LOW),
                    trb.read(&layout::HEADER_MIDDLE),
                    trb.read(&layout::HEADER_HIGH),
                ],
                port: trb.read(&layout::ROOT_HUB_PORT),
            },
            TrbType::GET_EXTENDED_PROPERTY => Self::GetExtendedProperty {
                context: trb.read(&layout::PROPERTY_CONTEXT),
                capability: trb.read(&layout::CAPABILITY),
                subtype: trb.read(&layout::SUBTYPE),
                endpoint: trb.read(&layout::PROPERTY_ENDPOINT),
                slot: trb.read(&layout::SLOT),
            },
            TrbType::SET_EXTENDED_PROPERTY => Self::SetExtendedProperty {
                capability: trb.read(&layout::CAPABILITY),
                capability_parameter: trb.read(&layout::CAPABILITY_PARAMETER),
                subtype: trb.read(&layout::SUBTYPE),
                endpoint: trb.read(&layout::PROPERTY_ENDPOINT),
                slot: trb.read(&layout::SLOT),
            },
            vendor if vendor.is_vendor() => Self::Vendor(trb.with_cycle(false)),
            _ => {
                return Err(ParseTrbError {
                    kind: ParseTrbErrorKind::UnknownType,
                    trb,
                });
            }
        })
    }

    /// Writes it, cycle bit 0; numbers wider than their fields lose their upper bits.
    #[must_use]
    pub fn emit(&self) -> Trb {
        let input_of = |input, slot| {
            self.start()
                .with(&layout::INPUT, input)
                .with(&layout::SLOT, Some(slot))
        };
        let endpoint_of = |slot, endpoint| {
            self.start()
                .with(&layout::SLOT, Some(slot))
                .with(&layout::ENDPOINT, Some(endpoint))
        };
        match *self {
            Self::NoOp => self.start(),
            Self::EnableSlot { slot_type } => self.start().with(&layout::SLOT_TYPE, slot_type),
            Self::DisableSlot { slot }
            | Self::ResetDevice { slot }
            | Self::NegotiateBandwidth { slot } => self.start().with(&layout::SLOT, Some(slot)),
            Self::AddressDevice {
                input,
                slot,
                block_set_address,
            } => input_of(input, slot).with(&layout::BLOCK_SET_ADDRESS, block_set_address),
            Self::ConfigureEndpoint {
                input,
                slot,
                deconfigure,
            } => input_of(input, slot).with(&layout::DECONFIGURE, deconfigure),
            Self::EvaluateContext { input, slot } => input_of(input, slot),
            Self::ResetEndpoint {
                slot,
                endpoint,
                transfer_state_preserve,
            } => endpoint_of(slot, endpoint)
                .with(&layout::TRANSFER_STATE_PRESERVE, transfer_state_preserve),
            Self::StopEndpoint {
                slot,
                endpoint,
                suspend,
            } => endpoint_of(slot, endpoint).with(&layout::SUSPEND, suspend),
            Self::SetTrDequeue {
                slot,
                endpoint,
                dequeue,
                cycle,
                stream_context_type,
                stream,
            } => endpoint_of(slot, endpoint)
                .with(&layout::DEQUEUE, dequeue)
                .with(&layout::DEQUEUE_CYCLE, cycle)
                .with(&layout::STREAM_CONTEXT_TYPE, stream_context_type)
                .with(&layout::STREAM, stream),
            Self::ForceEvent { .. }
            | Self::SetLatencyTolerance { .. }
            | Self::GetPortBandwidth { .. }
            | Self::ForceHeader { .. }
            | Self::GetExtendedProperty { .. }
            | Self::SetExtendedProperty { .. }
            | Self::Vendor(_) => self.emit_rare(),
        }
    }

    /// The counterpart of `parse_rare`; every variant is listed so that a new one cannot be forgotten in both halves.
    fn emit_rare(&self) -> Trb {
        match *self {
            Self::ForceEvent {
                event,
                interrupter,
                virtual_function,
            } => self
                .start()
                .with(&layout::FORCED_EVENT, event)
                .with(&layout::VF_INTERRUPTER, interrupter)
                .with(&layout::VIRTUAL_FUNCTION, virtual_function),
            Self::SetLatencyTolerance { belt } => {
                self.start().with(&layout::LATENCY_TOLERANCE, belt)
            }
            Self::GetPortBandwidth {
                bandwidth_context,
                speed,
                hub_slot,
            } => self
                .start()
                .with(&layout::BANDWIDTH_CONTEXT, bandwidth_context)
                .with(&layout::SPEED, speed)
                .with(&layout::HUB_SLOT, hub_slot),
            Self::ForceHeader {
                packet_type,
                header: [low, middle, high],
                port,
            } => self
                .start()
                .with(&layout::PACKET_TYPE, packet_type)
                .with(&layout::HEADER_LOW, low)
                .with(&layout::HEADER_MIDDLE, middle)
                .with(&layout::HEADER_HIGH, high)
                .with(&layout::ROOT_HUB_PORT, port),
            Self::GetExtendedProperty {
                context,
                capability,
                subtype,
                endpoint,
                slot,
            } => property(self.start(), capability, subtype, endpoint, slot)
                .with(&layout::PROPERTY_CONTEXT, context),
            Self::SetExtendedProperty {
                capability,
                capability_parameter,
                subtype,
                endpoint,
                slot,
            } => property(self.start(), capability, subtype, endpoint, slot)
                .with(&layout::CAPABILITY_PARAMETER, capability_parameter),
            Self::Vendor(trb) => trb.with_cycle(false),
            Self::NoOp
            | Self::EnableSlot { .. }
            | Self::DisableSlot { .. }
            | Self::AddressDevice { .. }
            | Self::ConfigureEndpoint { .. }
            | Self::EvaluateContext { .. }
            | Self::ResetEndpoint { .. }
            | Self::StopEndpoint { .. }
            | Self::SetTrDequeue { .. }
            | Self::ResetDevice { .. }
            | Self::NegotiateBandwidth { .. } => self.start(),
        }
    }

    /// Which TRB carries it.
    #[must_use]
    pub const fn trb_type(&self) -> TrbType {
        match self {
            Self::NoOp => TrbType::NO_OP_COMMAND,
            Self::EnableSlot { .. } => TrbType::ENABLE_SLOT,
            Self::DisableSlot { .. } => TrbType::DISABLE_SLOT,
            Self::AddressDevice { .. } => TrbType::ADDRESS_DEVICE,
            Self::ConfigureEndpoint { .. } => TrbType::CONFIGURE_ENDPOINT,
            Self::EvaluateContext { .. } => TrbType::EVALUATE_CONTEXT,
            Self::ResetEndpoint { .. } => TrbType::RESET_ENDPOINT,
            Self::StopEndpoint { .. } => TrbType::STOP_ENDPOINT,
            Self::SetTrDequeue { .. } => TrbType::SET_TR_DEQUEUE,
            Self::ResetDevice { .. } => TrbType::RESET_DEVICE,
            Self::ForceEvent { .. } => TrbType::FORCE_EVENT,
            Self::NegotiateBandwidth { .. } => TrbType::NEGOTIATE_BANDWIDTH,
            Self::SetLatencyTolerance { .. } => TrbType::SET_LATENCY_TOLERANCE,
            Self::GetPortBandwidth { .. } => TrbType::GET_PORT_BANDWIDTH,
            Self::ForceHeader { .. } => TrbType::FORCE_HEADER,
            Self::GetExtendedProperty { .. } => TrbType::GET_EXTENDED_PROPERTY,
            Self::SetExtendedProperty { .. } => TrbType::SET_EXTENDED_PROPERTY,
            Self::Vendor(trb) => trb.trb_type(),
        }
    }

    fn start(&self) -> Trb {
        Trb::new(self.trb_type())
    }
}

/// What both extended property commands hold.
fn property(
    trb: Trb,
    capability: u16,
    subtype: u8,
    endpoint: Option<Dci>,
    slot: Option<SlotId>,
) -> Trb {
    trb.with(&layout::CAPABILITY, capability)
        .with(&layout::SUBTYPE, subtype)
        .with(&layout::PROPERTY_ENDPOINT, endpoint)
        .with(&layout::SLOT, slot)
}

fn required<T>(trb: Trb, field: &Field, kind: ParseTrbErrorKind) -> Result<T, ParseTrbError>
where
    Option<T>: Value,
{
    trb.read::<Option<T>>(field)
        .ok_or(ParseTrbError { kind, trb })
}
