//! Where the fields of each TRB lie (xHCI 1.2 §6.4): read by parse, emit, the reserved-bit masks and the layout tests.

use super::TrbType;
use crate::field::{Field, Layout};

/// Cycle bit.
pub const CYCLE: Field = Field::new("cycle", "C", 3, 0, 1);
/// TRB Type.
pub const TRB_TYPE: Field = Field::new("trb_type", "TRB Type", 3, 10, 6);

// Transfer TRBs and Link.
/// Data buffer pointer, or the immediate data itself, or the Event Data.
pub const DATA: Field = Field::new("data", "Data Buffer Pointer", 0, 0, 64);
/// The eight bytes of a setup packet.
pub const SETUP: Field = Field::new("setup", "bmRequestType..wLength", 0, 0, 64);
/// Next ring segment.
pub const LINK_NEXT: Field = Field::pointer("next", "Ring Segment Pointer", 0, 4);
/// Bytes of the TRB's buffer.
pub const LENGTH: Field = Field::new("length", "TRB Transfer Length", 2, 0, 17);
/// Packets left in the TD, or the burst count of an extended Isoch TRB.
pub const TD_SIZE: Field = Field::new("td_size", "TD Size", 2, 17, 5);
/// Interrupter of the TRB's event.
pub const INTERRUPTER: Field = Field::new("interrupter", "Interrupter Target", 2, 22, 10);
/// Toggle Cycle of a Link TRB.
pub const TOGGLE_CYCLE: Field = Field::new("toggle_cycle", "TC", 3, 1, 1);
/// Evaluate Next TRB.
pub const EVALUATE_NEXT: Field = Field::new("evaluate_next", "ENT", 3, 1, 1);
/// Interrupt on Short Packet.
pub const INTERRUPT_ON_SHORT_PACKET: Field =
    Field::new("interrupt_on_short_packet", "ISP", 3, 2, 1);
/// No Snoop.
pub const NO_SNOOP: Field = Field::new("no_snoop", "NS", 3, 3, 1);
/// Chain bit.
pub const CHAIN: Field = Field::new("chain", "CH", 3, 4, 1);
/// Interrupt On Completion.
pub const INTERRUPT_ON_COMPLETION: Field = Field::new("interrupt_on_completion", "IOC", 3, 5, 1);
/// Immediate Data.
pub const IMMEDIATE_DATA: Field = Field::new("immediate_data", "IDT", 3, 6, 1);
/// Transfer Burst Count of an Isoch TRB.
pub const BURST_COUNT: Field = Field::new("burst_count", "TBC", 3, 7, 2);
/// Block Event Interrupt.
pub const BLOCK_EVENT_INTERRUPT: Field = Field::new("block_event_interrupt", "BEI", 3, 9, 1);
/// Transfer Type of a Setup Stage TRB.
pub const TRANSFER_TYPE: Field = Field::new("transfer_type", "TRT", 3, 16, 2);
/// Direction of a data or status stage, 1 is IN.
pub const DIRECTION_IN: Field = Field::new("direction_in", "DIR", 3, 16, 1);
/// Transfer Last Burst Packet Count of an Isoch TRB.
pub const LAST_BURST_PACKETS: Field = Field::new("last_burst_packets_z", "TLBPC", 3, 16, 4);
/// Frame in which an Isoch TD starts.
pub const FRAME_ID: Field = Field::new("frame_id", "Frame ID", 3, 20, 11);
/// Start Isoch ASAP.
pub const START_ASAP: Field = Field::new("start_asap", "SIA", 3, 31, 1);

// Commands.
/// Input Context Pointer.
pub const INPUT: Field = Field::pointer("input", "Input Context Pointer", 0, 4);
/// New TR Dequeue Pointer.
pub const DEQUEUE: Field = Field::pointer("dequeue", "New TR Dequeue Pointer", 0, 4);
/// Dequeue Cycle State.
pub const DEQUEUE_CYCLE: Field = Field::new("dequeue_cycle", "DCS", 0, 0, 1);
/// Stream Context Type.
pub const STREAM_CONTEXT_TYPE: Field = Field::new("stream_context_type", "SCT", 0, 1, 3);
/// Stream ID.
pub const STREAM: Field = Field::new("stream", "Stream ID", 2, 16, 16);
/// Slot Type of Enable Slot.
pub const SLOT_TYPE: Field = Field::new("slot_type", "Slot Type", 3, 16, 5);
/// Block Set Address Request.
pub const BLOCK_SET_ADDRESS: Field = Field::new("block_set_address", "BSR", 3, 9, 1);
/// Deconfigure.
pub const DECONFIGURE: Field = Field::new("deconfigure", "DC", 3, 9, 1);
/// Transfer State Preserve.
pub const TRANSFER_STATE_PRESERVE: Field = Field::new("transfer_state_preserve", "TSP", 3, 9, 1);
/// Suspend.
pub const SUSPEND: Field = Field::new("suspend", "SP", 3, 23, 1);
/// Endpoint ID, a DCI.
pub const ENDPOINT: Field = Field::new("endpoint", "Endpoint ID", 3, 16, 5);
/// Slot ID.
pub const SLOT: Field = Field::new("slot", "Slot ID", 3, 24, 8);
/// Event TRB Pointer of Force Event.
pub const FORCED_EVENT: Field = Field::pointer("event", "Event TRB Pointer", 0, 4);
/// Interrupter within the virtual function.
pub const VF_INTERRUPTER: Field = Field::new("interrupter", "VF Interrupter Target", 2, 22, 10);
/// Virtual Function ID.
pub const VIRTUAL_FUNCTION: Field = Field::new("virtual_function", "VF ID", 3, 16, 8);
/// Best Effort Latency Tolerance Value.
pub const LATENCY_TOLERANCE: Field = Field::new("belt", "BELT", 3, 16, 12);
/// Port Bandwidth Context Pointer.
pub const BANDWIDTH_CONTEXT: Field =
    Field::pointer("bandwidth_context", "Port Bandwidth Context Pointer", 0, 4);
/// Device speed whose bandwidth is asked for.
pub const SPEED: Field = Field::new("speed", "Dev Speed", 3, 16, 4);
/// Slot of the hub whose bandwidth is asked for; 0 is the root hub.
pub const HUB_SLOT: Field = Field::new("hub_slot", "Hub Slot ID", 3, 24, 8);
/// Packet type of a forced header.
pub const PACKET_TYPE: Field = Field::new("packet_type", "Type", 0, 0, 5);
/// Header Info Lo.
pub const HEADER_LOW: Field = Field::new("header_low", "Header Info Lo", 0, 5, 27);
/// Header Info Mid.
pub const HEADER_MIDDLE: Field = Field::new("header_middle", "Header Info Mid", 1, 0, 32);
/// Header Info Hi.
pub const HEADER_HIGH: Field = Field::new("header_high", "Header Info Hi", 2, 0, 32);
/// Root Hub Port Number of Force Header.
pub const ROOT_HUB_PORT: Field = Field::new("port", "Root Hub Port Number", 3, 24, 8);
/// Extended Property Context Pointer.
pub const PROPERTY_CONTEXT: Field =
    Field::pointer("context", "Extended Property Context Pointer", 0, 4);
/// Extended Capability Identifier.
pub const CAPABILITY: Field = Field::new("capability", "ECI", 2, 0, 16);
/// Capability Parameter.
pub const CAPABILITY_PARAMETER: Field =
    Field::new("capability_parameter", "Capability Parameter", 2, 16, 8);
/// Command Sub Type.
pub const SUBTYPE: Field = Field::new("subtype", "SubType", 3, 16, 3);
/// Endpoint ID of the extended property commands.
pub const PROPERTY_ENDPOINT: Field = Field::new("endpoint", "Endpoint ID", 3, 19, 5);

// Events.
/// TRB that made the event, or the Event Data.
pub const EVENT_TRB: Field = Field::new("trb", "TRB Pointer", 0, 0, 64);
/// Bytes not transferred, or bytes of the TD so far when ED is 1.
pub const RESIDUE: Field = Field::new("residue", "TRB Transfer Length", 2, 0, 24);
/// Completion Code.
pub const COMPLETION_CODE: Field = Field::new("code", "Completion Code", 2, 24, 8);
/// Event Data.
pub const EVENT_DATA_FLAG: Field = Field::new("event_data", "ED", 3, 2, 1);
/// Command that the event is about.
pub const COMMAND_TRB: Field = Field::pointer("trb", "Command TRB Pointer", 0, 4);
/// Command Completion Parameter.
pub const PARAMETER: Field = Field::new("parameter", "Command Completion Parameter", 2, 0, 24);
/// Port whose status changed.
pub const PORT: Field = Field::new("port", "Port ID", 0, 24, 8);
/// DB Reason.
pub const DOORBELL_REASON: Field = Field::new("reason", "DB Reason", 0, 0, 5);
/// Notification Type.
pub const NOTIFICATION_TYPE: Field = Field::new("notification_type", "Notification Type", 0, 4, 4);
/// Device Notification Data.
pub const NOTIFICATION_DATA: Field = Field::new("data", "Device Notification Data", 0, 8, 56);

/// The layout of a TRB of this type, if the specification has one.
#[must_use]
pub fn of(trb_type: TrbType) -> Option<&'static Layout> {
    let at = ALL
        .binary_search_by_key(&trb_type, |(named, _)| *named)
        .ok()?;
    ALL.get(at).map(|(_, layout)| layout)
}

const fn layout(
    trb_type: TrbType,
    section: &'static str,
    fields: &'static [Field],
) -> (TrbType, Layout) {
    (
        trb_type,
        Layout {
            name: trb_type.name(),
            section,
            fields,
        },
    )
}

/// Every layout, in order of TRB type.
#[rustfmt::skip]
pub const ALL: &[(TrbType, Layout)] = &[
    layout(TrbType::NORMAL, "6.4.1.1", &[DATA, LENGTH, TD_SIZE, INTERRUPTER, CYCLE, EVALUATE_NEXT, INTERRUPT_ON_SHORT_PACKET, NO_SNOOP,
        CHAIN, INTERRUPT_ON_COMPLETION, IMMEDIATE_DATA, BLOCK_EVENT_INTERRUPT, TRB_TYPE]),
    layout(TrbType::SETUP_STAGE, "6.4.1.2.1", &[SETUP, LENGTH, INTERRUPTER, CYCLE, INTERRUPT_ON_COMPLETION, IMMEDIATE_DATA, TRB_TYPE,
        TRANSFER_TYPE]),
    layout(TrbType::DATA_STAGE, "6.4.1.2.2", &[DATA, LENGTH, TD_SIZE, INTERRUPTER, CYCLE, EVALUATE_NEXT, INTERRUPT_ON_SHORT_PACKET,
        NO_SNOOP, CHAIN, INTERRUPT_ON_COMPLETION, IMMEDIATE_DATA, TRB_TYPE, DIRECTION_IN]),
    layout(TrbType::STATUS_STAGE, "6.4.1.2.3", &[INTERRUPTER, CYCLE, EVALUATE_NEXT, CHAIN, INTERRUPT_ON_COMPLETION, TRB_TYPE, DIRECTION_IN]),
    layout(TrbType::ISOCH, "6.4.1.3", &[DATA, LENGTH, TD_SIZE, INTERRUPTER, CYCLE, EVALUATE_NEXT, INTERRUPT_ON_SHORT_PACKET, NO_SNOOP,
        CHAIN, INTERRUPT_ON_COMPLETION, IMMEDIATE_DATA, BURST_COUNT, BLOCK_EVENT_INTERRUPT, TRB_TYPE, LAST_BURST_PACKETS, FRAME_ID,
        START_ASAP]),
    layout(TrbType::LINK, "6.4.4.1", &[LINK_NEXT, INTERRUPTER, CYCLE, TOGGLE_CYCLE, CHAIN, INTERRUPT_ON_COMPLETION, TRB_TYPE]),
    layout(TrbType::EVENT_DATA, "6.4.4.2", &[DATA, INTERRUPTER, CYCLE, EVALUATE_NEXT, CHAIN, INTERRUPT_ON_COMPLETION,
        BLOCK_EVENT_INTERRUPT, TRB_TYPE]),
    layout(TrbType::NO_OP, "6.4.1.4", &[INTERRUPTER, CYCLE, EVALUATE_NEXT, CHAIN, INTERRUPT_ON_COMPLETION, TRB_TYPE]),
    layout(TrbType::ENABLE_SLOT, "6.4.3.2", &[CYCLE, TRB_TYPE, SLOT_TYPE]),
    layout(TrbType::DISABLE_SLOT, "6.4.3.3", &[CYCLE, TRB_TYPE, SLOT]),
    layout(TrbType::ADDRESS_DEVICE, "6.4.3.4", &[INPUT, CYCLE, BLOCK_SET_ADDRESS, TRB_TYPE, SLOT]),
    layout(TrbType::CONFIGURE_ENDPOINT, "6.4.3.5", &[INPUT, CYCLE, DECONFIGURE, TRB_TYPE, SLOT]),
    layout(TrbType::EVALUATE_CONTEXT, "6.4.3.6", &[INPUT, CYCLE, TRB_TYPE, SLOT]),
    layout(TrbType::RESET_ENDPOINT, "6.4.3.7", &[CYCLE, TRANSFER_STATE_PRESERVE, TRB_TYPE, ENDPOINT, SLOT]),
    layout(TrbType::STOP_ENDPOINT, "6.4.3.8", &[CYCLE, TRB_TYPE, ENDPOINT, SUSPEND, SLOT]),
    layout(TrbType::SET_TR_DEQUEUE, "6.4.3.9", &[DEQUEUE_CYCLE, STREAM_CONTEXT_TYPE, DEQUEUE, STREAM, CYCLE, TRB_TYPE, ENDPOINT, SLOT]),
    layout(TrbType::RESET_DEVICE, "6.4.3.10", &[CYCLE, TRB_TYPE, SLOT]),
    layout(TrbType::FORCE_EVENT, "6.4.3.11", &[FORCED_EVENT, VF_INTERRUPTER, CYCLE, TRB_TYPE, VIRTUAL_FUNCTION]),
    layout(TrbType::NEGOTIATE_BANDWIDTH, "6.4.3.12", &[CYCLE, TRB_TYPE, SLOT]),
    layout(TrbType::SET_LATENCY_TOLERANCE, "6.4.3.13", &[CYCLE, TRB_TYPE, LATENCY_TOLERANCE]),
    layout(TrbType::GET_PORT_BANDWIDTH, "6.4.3.14", &[BANDWIDTH_CONTEXT, CYCLE, TRB_TYPE, SPEED, HUB_SLOT]),
    layout(TrbType::FORCE_HEADER, "6.4.3.15", &[PACKET_TYPE, HEADER_LOW, HEADER_MIDDLE, HEADER_HIGH, CYCLE, TRB_TYPE,
        ROOT_HUB_PORT]),
    layout(TrbType::NO_OP_COMMAND, "6.4.3.1", &[CYCLE, TRB_TYPE]),
    layout(TrbType::GET_EXTENDED_PROPERTY, "6.4.3.16", &[PROPERTY_CONTEXT, CAPABILITY, CYCLE, TRB_TYPE, SUBTYPE,
        PROPERTY_ENDPOINT, SLOT]),
    layout(TrbType::SET_EXTENDED_PROPERTY, "6.4.3.17", &[CAPABILITY, CAPABILITY_PARAMETER, CYCLE, TRB_TYPE, SUBTYPE,
        PROPERTY_ENDPOINT, SLOT]),
    layout(TrbType::TRANSFER_EVENT, "6.4.2.1", &[EVENT_TRB, RESIDUE, COMPLETION_CODE, CYCLE, EVENT_DATA_FLAG, TRB_TYPE, ENDPOINT, SLOT]),
    layout(TrbType::COMMAND_COMPLETION, "6.4.2.2", &[COMMAND_TRB, PARAMETER, COMPLETION_CODE, CYCLE, TRB_TYPE, VIRTUAL_FUNCTION, SLOT]),
    layout(TrbType::PORT_STATUS_CHANGE, "6.4.2.3", &[PORT, COMPLETION_CODE, CYCLE, TRB_TYPE]),
    layout(TrbType::BANDWIDTH_REQUEST, "6.4.2.4", &[COMPLETION_CODE, CYCLE, TRB_TYPE, SLOT]),
    layout(TrbType::DOORBELL, "6.4.2.5", &[DOORBELL_REASON, COMPLETION_CODE, CYCLE, TRB_TYPE, VIRTUAL_FUNCTION, SLOT]),
    layout(TrbType::HOST_CONTROLLER, "6.4.2.6", &[COMPLETION_CODE, CYCLE, TRB_TYPE]),
    layout(TrbType::DEVICE_NOTIFICATION, "6.4.2.7", &[NOTIFICATION_TYPE, NOTIFICATION_DATA, COMPLETION_CODE, CYCLE, TRB_TYPE, SLOT]),
    layout(TrbType::MFINDEX_WRAP, "6.4.2.8", &[COMPLETION_CODE, CYCLE, TRB_TYPE]),
];
