//! Where every field of every TRB lies, against public sources.
//!
//! The columns name where the position was read: `Linux` is `drivers/usb/host/xhci.h`; `second` is EDK2's
//! `MdeModulePkg/Bus/Pci/XhciDxe/XhciSched.h` (E), FreeBSD's `sys/dev/usb/controller/xhci.h` (F), HelenOS's
//! `uspace/drv/bus/usb/xhci/commands.c` (H), ReactOS's `drivers/usb/usbxhci/xhcihw.h` (R), MyOS2's
//! `mykernel/arch/x86_64/myos/myos_XHCI_TRBdef.h` (M) or the source of the `xhci` crate 0.9 (X). The last column says that
//! `trb_against_crate.rs` *runs* the field against that crate. Each field needs two sources, or carries the mark "(unchecked)".

use xhci_spec::field::Field;
use xhci_spec::trb::{CompletionCode, Trb, TrbType, layout, reserved_bits};

/// Field, then dword, lowest bit and width as the sources have them, then the sources.
struct Row(Field, (u8, u8, u8), &'static str, &'static str, bool);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row(layout::CYCLE,                     (3, 0, 1),   "TRB_CYCLE",               "E TRB_TEMPLATE.CycleBit", true),
    Row(layout::TRB_TYPE,                  (3, 10, 6),  "TRB_TYPE_BITMASK",        "E TRB_TEMPLATE.Type", true),
    Row(layout::DATA,                      (0, 0, 64),  "xhci_transfer_event.buffer", "E TRANSFER_TRB_NORMAL.TRBPtrLo/Hi", true),
    Row(layout::SETUP,                     (0, 0, 64),  "xhci_decode_trb TRB_SETUP", "E TRANSFER_TRB_CONTROL_SETUP.bmRequestType..wLength", true),
    Row(layout::LINK_NEXT,                 (0, 4, 60),  "xhci_link_trb.segment_ptr", "E LINK_TRB.PtrLo/Hi", true),
    Row(layout::LENGTH,                    (2, 0, 17),  "TRB_LEN",                 "E TRANSFER_TRB_NORMAL.Length", true),
    Row(layout::TD_SIZE,                   (2, 17, 5),  "GET_TD_SIZE",             "E TRANSFER_TRB_NORMAL.TDSize", true),
    Row(layout::INTERRUPTER,               (2, 22, 10), "GET_INTR_TARGET",         "E TRANSFER_TRB_NORMAL.IntTarget", true),
    Row(layout::TOGGLE_CYCLE,              (3, 1, 1),   "TRB_TC, LINK_TOGGLE",     "E LINK_TRB.TC", true),
    Row(layout::EVALUATE_NEXT,             (3, 1, 1),   "TRB_ENT",                 "E TRANSFER_TRB_NORMAL.ENT", true),
    Row(layout::INTERRUPT_ON_SHORT_PACKET, (3, 2, 1),   "TRB_ISP",                 "E TRANSFER_TRB_NORMAL.ISP", true),
    Row(layout::NO_SNOOP,                  (3, 3, 1),   "TRB_NO_SNOOP",            "E TRANSFER_TRB_NORMAL.NS", true),
    Row(layout::CHAIN,                     (3, 4, 1),   "TRB_CHAIN",               "E TRANSFER_TRB_NORMAL.CH", true),
    Row(layout::INTERRUPT_ON_COMPLETION,   (3, 5, 1),   "TRB_IOC",                 "E TRANSFER_TRB_NORMAL.IOC", true),
    Row(layout::IMMEDIATE_DATA,            (3, 6, 1),   "TRB_IDT",                 "E TRANSFER_TRB_NORMAL.IDT", true),
    Row(layout::BURST_COUNT,               (3, 7, 2),   "TRB_TBC",                 "F XHCI_TRB_3_TBC_GET", true),
    Row(layout::BLOCK_EVENT_INTERRUPT,     (3, 9, 1),   "TRB_BEI",                 "E TRANSFER_TRB_NORMAL.BEI", true),
    Row(layout::TRANSFER_TYPE,             (3, 16, 2),  "TRB_TX_TYPE",             "E TRANSFER_TRB_CONTROL_SETUP.TRT", true),
    Row(layout::DIRECTION_IN,              (3, 16, 1),  "TRB_DIR_IN",              "E TRANSFER_TRB_CONTROL_DATA.DIR", true),
    Row(layout::LAST_BURST_PACKETS,        (3, 16, 4),  "TRB_TLBPC",               "F XHCI_TRB_3_TLBPC_GET", true),
    Row(layout::FRAME_ID,                  (3, 20, 11), "TRB_FRAME_ID",            "F XHCI_TRB_3_FRID_GET", true),
    Row(layout::START_ASAP,                (3, 31, 1),  "TRB_SIA",                 "F XHCI_TRB_3_ISO_SIA_BIT", true),
    Row(layout::INPUT,                     (0, 4, 60),  "xhci_decode_trb TRB_ADDR_DEV", "E CMD_TRB_ADDRESS_DEVICE.PtrLo/Hi", true),
    Row(layout::DEQUEUE,                   (0, 4, 60),  "SCTX_DEQ_MASK",           "F XHCI_SCTX_0_TR_DQ_PTR_MASK", true),
    Row(layout::DEQUEUE_CYCLE,             (0, 0, 1),   "EP_CTX_CYCLE_MASK",       "F XHCI_SCTX_0_DCS_GET", true),
    Row(layout::STREAM_CONTEXT_TYPE,       (0, 1, 3),   "SCT_FOR_TRB",             "F XHCI_SCTX_0_SCT_GET", true),
    Row(layout::STREAM,                    (2, 16, 16), "TRB_TO_STREAM_ID",        "E CMD_SET_TR_DEQ_POINTER.StreamID", true),
    Row(layout::SLOT_TYPE,                 (3, 16, 5),  "",                        "H xhci_send_enable_slot_command", true),
    Row(layout::BLOCK_SET_ADDRESS,         (3, 9, 1),   "TRB_BSR",                 "E CMD_TRB_ADDRESS_DEVICE.BSR", true),
    Row(layout::DECONFIGURE,               (3, 9, 1),   "TRB_DC",                  "E CMD_TRB_CONFIG_ENDPOINT.DC", true),
    Row(layout::TRANSFER_STATE_PRESERVE,   (3, 9, 1),   "TRB_TSP",                 "E CMD_TRB_RESET_ENDPOINT.TSP", true),
    Row(layout::SUSPEND,                   (3, 23, 1),  "TRB_TO_SUSPEND_PORT",     "E CMD_TRB_STOP_ENDPOINT.SP", true),
    Row(layout::ENDPOINT,                  (3, 16, 5),  "TRB_TO_EP_ID",            "E EVT_TRB_TRANSFER.EndpointId", true),
    Row(layout::SLOT,                      (3, 24, 8),  "TRB_TO_SLOT_ID",          "E EVT_TRB_TRANSFER.SlotId", true),
    Row(layout::FORCED_EVENT,              (0, 4, 60),  "xhci_decode_trb TRB_FORCE_EVENT", "", true),
    Row(layout::VF_INTERRUPTER,            (2, 22, 10), "TRB_TO_VF_INTR_TARGET",   "", true),
    Row(layout::VIRTUAL_FUNCTION,          (3, 16, 8),  "TRB_TO_VF_ID",            "E EVT_TRB_COMMAND_COMPLETION.VFID", true),
    Row(layout::LATENCY_TOLERANCE,         (3, 16, 12), "TRB_TO_BELT",             "", true),
    Row(layout::BANDWIDTH_CONTEXT,         (0, 4, 60),  "xhci_decode_trb TRB_GET_BW", "", true),
    Row(layout::SPEED,                     (3, 16, 4),  "TRB_TO_DEV_SPEED",        "", true),
    Row(layout::HUB_SLOT,                  (3, 24, 8),  "xhci_decode_trb TRB_GET_BW", "", true),
    Row(layout::PACKET_TYPE,               (0, 0, 5),   "TRB_TO_PACKET_TYPE",      "", true),
    Row(layout::HEADER_LOW,                (0, 5, 27),  "xhci_decode_trb TRB_FORCE_HEADER", "", true),
    Row(layout::HEADER_MIDDLE,             (1, 0, 32),  "xhci_decode_trb TRB_FORCE_HEADER", "", true),
    Row(layout::HEADER_HIGH,               (2, 0, 32),  "xhci_decode_trb TRB_FORCE_HEADER", "", true),
    Row(layout::ROOT_HUB_PORT,             (3, 24, 8),  "TRB_TO_ROOTHUB_PORT",     "", true),
    Row(layout::PROPERTY_CONTEXT,          (0, 4, 60),  "", UNCHECKED, true),
    Row(layout::CAPABILITY,                (2, 0, 16),  "", UNCHECKED, true),
    Row(layout::CAPABILITY_PARAMETER,      (2, 16, 8),  "", UNCHECKED, true),
    Row(layout::SUBTYPE,                   (3, 16, 3),  "", UNCHECKED, true),
    Row(layout::PROPERTY_ENDPOINT,         (3, 19, 5),  "", UNCHECKED, true),
    Row(layout::EVENT_TRB,                 (0, 0, 64),  "xhci_transfer_event.buffer", "E EVT_TRB_TRANSFER.TRBPtrLo/Hi", true),
    Row(layout::RESIDUE,                   (2, 0, 24),  "EVENT_TRB_LEN",           "E EVT_TRB_TRANSFER.Length", true),
    Row(layout::COMPLETION_CODE,           (2, 24, 8),  "GET_COMP_CODE",           "E EVT_TRB_TRANSFER.Completecode", true),
    Row(layout::EVENT_DATA_FLAG,           (3, 2, 1),   "EVENT_DATA",              "E EVT_TRB_TRANSFER.ED", true),
    Row(layout::COMMAND_TRB,               (0, 4, 60),  "xhci_event_cmd.cmd_trb",  "E EVT_TRB_COMMAND_COMPLETION.TRBPtrLo/Hi", true),
    Row(layout::PARAMETER,                 (2, 0, 24),  "",                        "M XHCI_CCE_TRB_s.CmdComp_Param", true),
    Row(layout::PORT,                      (0, 24, 8),  "GET_PORT_ID",             "R XHCI_EVENT_PORT_ID_SHIFT", true),
    Row(layout::DOORBELL_REASON,           (0, 0, 5),   "", UNCHECKED, true),
    Row(layout::NOTIFICATION_TYPE,         (0, 4, 4),   "", "R XHCI_NOTIFICATION_TYPE_MASK; X DeviceNotification::notification_type", false),
    Row(layout::NOTIFICATION_DATA,         (0, 8, 56),  "", UNCHECKED, false),
];

/// One source at most could be found.
const UNCHECKED: &str = "(unchecked)";

#[test]
fn every_field_lies_where_the_public_sources_put_it() {
    for Row(field, at, linux, second, run) in ROWS {
        assert_eq!(
            (field.dword, field.low, field.width),
            *at,
            "position of {}",
            field.name
        );
        if *second == UNCHECKED {
            continue;
        }
        let named = |text: &str| text.split("; ").filter(|name| !name.is_empty()).count();
        let sources = named(linux) + named(second) + usize::from(*run);
        assert!(
            sources >= 2,
            "{} has {sources} sources and no mark",
            field.name
        );
    }
}

#[test]
fn no_field_of_any_trb_is_missing_from_the_table() {
    for (trb_type, layout) in layout::ALL {
        for field in layout.fields {
            assert!(
                ROWS.iter().any(|row| row.0 == *field),
                "{trb_type}: {}",
                field.name
            );
        }
    }
}

#[test]
fn every_named_trb_type_has_a_layout_and_they_stand_in_order() {
    let types: Vec<_> = layout::ALL.iter().map(|(trb_type, _)| *trb_type).collect();
    assert_eq!(types, TrbType::NAMED);
    for (trb_type, layout) in layout::ALL {
        assert_eq!(layout::of(*trb_type), Some(layout));
        assert!(
            layout.section.starts_with("6.4."),
            "{trb_type} cites {}",
            layout.section
        );
    }
}

#[test]
fn fields_of_one_trb_do_not_overlap() {
    for (trb_type, layout) in layout::ALL {
        let mut taken = [0u32; 4];
        for field in layout.fields {
            let mut bits = [0u32; 4];
            field.set(&mut bits, u64::MAX);
            for (taken, bits) in taken.iter_mut().zip(bits) {
                assert_eq!(
                    *taken & bits,
                    0,
                    "{trb_type}: {} lies on another field",
                    field.name
                );
                *taken |= bits;
            }
        }
        assert_eq!(taken.map(|bits| !bits), reserved_bits(*trb_type));
    }
}

#[test]
fn a_field_is_found_by_its_name() {
    for (trb_type, layout) in layout::ALL {
        for field in layout.fields {
            assert_eq!(
                layout.field(field.name),
                Some(field),
                "{trb_type}: {}",
                field.name
            );
        }
        assert_eq!(layout.field("no such field"), None);
    }
}

#[test]
fn a_set_reserved_bit_is_shown_and_a_set_field_is_not() {
    let mut trb = Trb([0; 4]);
    trb.0[3] = u32::from(TrbType::STOP_ENDPOINT.0) << 10 | 0x0103_0001;
    assert_eq!(trb.reserved_bits_set(), [0; 4]);
    trb.0[0] = 0x8000_0000;
    trb.0[3] |= 1 << 22;
    assert_eq!(trb.reserved_bits_set(), [0x8000_0000, 0, 0, 1 << 22]);
}

#[test]
fn nothing_is_reserved_in_a_trb_whose_layout_nobody_knows() {
    for raw in [0, 26, 31, 40, 47, 48, 63] {
        assert_eq!(reserved_bits(TrbType(raw)), [0; 4]);
    }
}

/// Linux `COMP_…`, FreeBSD `XHCI_TRB_ERROR_…` and the `xhci` crate's `CompletionCode` agree on these.
#[rustfmt::skip]
const CODES: &[(u8, CompletionCode)] = &[
    (0, CompletionCode::INVALID), (1, CompletionCode::SUCCESS), (2, CompletionCode::DATA_BUFFER_ERROR),
    (3, CompletionCode::BABBLE_DETECTED_ERROR), (4, CompletionCode::USB_TRANSACTION_ERROR), (5, CompletionCode::TRB_ERROR),
    (6, CompletionCode::STALL_ERROR), (7, CompletionCode::RESOURCE_ERROR), (8, CompletionCode::BANDWIDTH_ERROR),
    (9, CompletionCode::NO_SLOTS_AVAILABLE_ERROR), (10, CompletionCode::INVALID_STREAM_TYPE_ERROR),
    (11, CompletionCode::SLOT_NOT_ENABLED_ERROR), (12, CompletionCode::ENDPOINT_NOT_ENABLED_ERROR), (13, CompletionCode::SHORT_PACKET),
    (14, CompletionCode::RING_UNDERRUN), (15, CompletionCode::RING_OVERRUN), (16, CompletionCode::VF_EVENT_RING_FULL_ERROR),
    (17, CompletionCode::PARAMETER_ERROR), (18, CompletionCode::BANDWIDTH_OVERRUN_ERROR), (19, CompletionCode::CONTEXT_STATE_ERROR),
    (20, CompletionCode::NO_PING_RESPONSE_ERROR), (21, CompletionCode::EVENT_RING_FULL_ERROR),
    (22, CompletionCode::INCOMPATIBLE_DEVICE_ERROR), (23, CompletionCode::MISSED_SERVICE_ERROR),
    (24, CompletionCode::COMMAND_RING_STOPPED), (25, CompletionCode::COMMAND_ABORTED), (26, CompletionCode::STOPPED),
    (27, CompletionCode::STOPPED_LENGTH_INVALID), (28, CompletionCode::STOPPED_SHORT_PACKET),
    (29, CompletionCode::MAX_EXIT_LATENCY_TOO_LARGE_ERROR), (31, CompletionCode::ISOCH_BUFFER_OVERRUN),
    (32, CompletionCode::EVENT_LOST_ERROR), (33, CompletionCode::UNDEFINED_ERROR), (34, CompletionCode::INVALID_STREAM_ID_ERROR),
    (35, CompletionCode::SECONDARY_BANDWIDTH_ERROR), (36, CompletionCode::SPLIT_TRANSACTION_ERROR),
];

#[test]
fn completion_codes_have_the_numbers_of_the_public_sources() {
    let named: Vec<_> = CODES.iter().map(|(_, code)| *code).collect();
    assert_eq!(named, CompletionCode::NAMED);
    for (raw, code) in CODES {
        assert_eq!(code.0, *raw, "{code}");
    }
}

#[test]
fn codes_without_a_name_say_whose_they_are() {
    assert_eq!(CompletionCode(30).name(), "Reserved");
    assert_eq!(CompletionCode(191).name(), "Reserved");
    assert!(CompletionCode(192).is_vendor_error() && CompletionCode(223).is_vendor_error());
    assert!(CompletionCode(224).is_vendor_info() && CompletionCode(255).is_vendor_info());
    assert!(!CompletionCode(224).is_vendor_error() && !CompletionCode(223).is_vendor_info());
    assert_eq!(
        CompletionCode(200).to_string(),
        "Vendor Defined Error (200)"
    );
}
