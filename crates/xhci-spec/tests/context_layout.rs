//! Where every field of every context lies, against public sources.
//!
//! The columns name where the position was read: `Linux` is `drivers/usb/host/xhci.h`; `second` is EDK2's
//! `MdeModulePkg/Bus/Pci/XhciDxe/XhciSched.h` (E), FreeBSD's `sys/dev/usb/controller/xhci.h` (F) or HelenOS's
//! `uspace/drv/bus/usb/xhci/hw_struct/context.h` (H). The last column says that a test below *runs* the field against the `xhci` crate
//! 0.9. Each field needs two sources, or carries the mark "(unchecked)".

use proptest::array::{uniform4, uniform8};
use proptest::prelude::{any, prop_assert_eq, proptest};
use xhci::context::{
    EndpointHandler, EndpointState as CrateEndpointState, EndpointType as CrateEndpointType,
    Input32Byte, Input64Byte, InputHandler, SlotHandler, SlotState as CrateSlotState,
};
use xhci_spec::context::{
    ContextSize, EndpointContext, EndpointState, EndpointType, InputControlContext, SlotContext,
    SlotState, StreamContext, StreamContextType,
};
use xhci_spec::field::{Access, Layout};
use xhci_spec::number::{Dci, InterrupterId, Iova, PortId, RouteString, SlotId, SpeedId};

/// Getter's name; dword, lowest bit and width as the sources have them; the sources.
struct Row(&'static str, (u8, u8, u8), &'static str, &'static str, bool);

#[rustfmt::skip]
const SLOT: &[Row] = &[
    Row("route_string",        (0, 0, 20),  "ROUTE_STRING_MASK",        "E SLOT_CONTEXT.RouteString", true),
    Row("speed",               (0, 20, 4),  "DEV_SPEED",                "E SLOT_CONTEXT.Speed", true),
    Row("multi_tt",            (0, 25, 1),  "DEV_MTT",                  "E SLOT_CONTEXT.MTT", true),
    Row("hub",                 (0, 26, 1),  "DEV_HUB",                  "E SLOT_CONTEXT.Hub", true),
    Row("context_entries",     (0, 27, 5),  "LAST_CTX_MASK",            "E SLOT_CONTEXT.ContextEntries", true),
    Row("max_exit_latency_us", (1, 0, 16),  "MAX_EXIT",                 "E SLOT_CONTEXT.MaxExitLatency", true),
    Row("root_hub_port",       (1, 16, 8),  "DEVINFO_TO_ROOT_HUB_PORT", "E SLOT_CONTEXT.RootHubPortNum", true),
    Row("number_of_ports",     (1, 24, 8),  "DEVINFO_TO_MAX_PORTS",     "E SLOT_CONTEXT.PortNum", true),
    Row("tt_hub_slot",         (2, 0, 8),   "TT_SLOT",                  "E SLOT_CONTEXT.TTHubSlotId", true),
    Row("tt_port",             (2, 8, 8),   "TT_PORT",                  "E SLOT_CONTEXT.TTPortNum", true),
    Row("tt_think_time",       (2, 16, 2),  "GET_TT_THINK_TIME",        "E SLOT_CONTEXT.TTT", true),
    Row("interrupter",         (2, 22, 10), "GET_INTR_TARGET",          "E SLOT_CONTEXT.InterTarget", true),
    Row("usb_device_address",  (3, 0, 8),   "DEV_ADDR_MASK",            "E SLOT_CONTEXT.DeviceAddress", true),
    Row("slot_state_raw",      (3, 27, 5),  "GET_SLOT_STATE",           "E SLOT_CONTEXT.SlotState", true),
];

#[rustfmt::skip]
const ENDPOINT: &[Row] = &[
    Row("endpoint_state_raw",    (0, 0, 3),   "EP_STATE_MASK",              "E ENDPOINT_CONTEXT.EPState", true),
    Row("mult_z",                (0, 8, 2),   "CTX_TO_EP_MULT",             "E ENDPOINT_CONTEXT.Mult", true),
    Row("max_primary_streams",   (0, 10, 5),  "EP_MAXPSTREAMS_MASK",        "E ENDPOINT_CONTEXT.MaxPStreams", true),
    Row("linear_stream_array",   (0, 15, 1),  "EP_HAS_LSA",                 "E ENDPOINT_CONTEXT.LSA", true),
    Row("interval",              (0, 16, 8),  "CTX_TO_EP_INTERVAL",         "E ENDPOINT_CONTEXT.Interval", true),
    Row("max_esit_payload_high", (0, 24, 8),  "CTX_TO_MAX_ESIT_PAYLOAD_HI", "H XHCI_EP_MAX_ESIT_PAYLOAD_HI", true),
    Row("error_count",           (1, 1, 2),   "ERROR_COUNT",                "E ENDPOINT_CONTEXT.CErr", true),
    Row("endpoint_type",         (1, 3, 3),   "CTX_TO_EP_TYPE",             "E ENDPOINT_CONTEXT.EPType", true),
    Row("host_initiate_disable", (1, 7, 1),   "xhci_decode_ep_context hid", "E ENDPOINT_CONTEXT.HID", true),
    Row("max_burst_z",           (1, 8, 8),   "CTX_TO_MAX_BURST",           "E ENDPOINT_CONTEXT.MaxBurstSize", true),
    Row("max_packet_size",       (1, 16, 16), "MAX_PACKET_DECODED",         "E ENDPOINT_CONTEXT.MaxPacketSize", true),
    Row("dequeue_cycle",         (2, 0, 1),   "EP_CTX_CYCLE_MASK",          "F XHCI_EPCTX_2_DCS_GET", true),
    Row("tr_dequeue_pointer",    (2, 4, 60),  "SCTX_DEQ_MASK",              "F XHCI_EPCTX_2_TR_DQ_PTR_MASK", true),
    Row("average_trb_length",    (4, 0, 16),  "EP_AVG_TRB_LENGTH",          "E ENDPOINT_CONTEXT.AverageTRBLength", true),
    Row("max_esit_payload_low",  (4, 16, 16), "CTX_TO_MAX_ESIT_PAYLOAD",    "E ENDPOINT_CONTEXT.MaxESITPayload", true),
];

#[rustfmt::skip]
const INPUT_CONTROL: &[Row] = &[
    Row("drop_flags",          (0, 2, 30), "xhci_input_control_ctx.drop_flags", "F XHCI_INCTX_0_DROP_MASK", true),
    Row("add_flags",           (1, 0, 32), "xhci_input_control_ctx.add_flags",  "F XHCI_INCTX_1_ADD_MASK", true),
    Row("configuration_value", (7, 0, 8),  "", "H XHCI_INPUT_CTRL_CTX_CONFIG_VALUE", true),
    Row("interface_number",    (7, 8, 8),  "", "H XHCI_INPUT_CTRL_CTX_IFACE_NUMBER", true),
    Row("alternate_setting",   (7, 16, 8), "", "H XHCI_INPUT_CTRL_CTX_ALTER_SETTING", true),
];

#[rustfmt::skip]
const STREAM: &[Row] = &[
    Row("dequeue_cycle",       (0, 0, 1),  "EP_CTX_CYCLE_MASK", "F XHCI_SCTX_0_DCS_GET", false),
    Row("stream_context_type", (0, 1, 3),  "SCT_FOR_CTX",       "F XHCI_SCTX_0_SCT_GET", false),
    Row("tr_dequeue_pointer",  (0, 4, 60), "SCTX_DEQ_MASK",     "F XHCI_SCTX_0_TR_DQ_PTR_MASK", false),
    // HelenOS XHCI_STREAM_EDTLA reads 25 bits, but the accumulator that it saves has 24 (§4.11.5.2).
    Row("stopped_edtla",       (2, 0, 24), "", UNCHECKED, false),
];

/// One source at most could be found.
const UNCHECKED: &str = "(unchecked)";

const ALL: &[(&Layout, &[Row])] = &[
    (&SlotContext::LAYOUT, SLOT),
    (&EndpointContext::LAYOUT, ENDPOINT),
    (&InputControlContext::LAYOUT, INPUT_CONTROL),
    (&StreamContext::LAYOUT, STREAM),
];

#[test]
fn every_field_lies_where_the_public_sources_put_it() {
    for (layout, rows) in ALL {
        let ours: Vec<_> = layout.fields.iter().map(|field| field.name).collect();
        let theirs: Vec<_> = rows.iter().map(|row| row.0).collect();
        assert_eq!(ours, theirs, "{}", layout.name);
        for (field, Row(name, at, linux, second, run)) in layout.fields.iter().zip(*rows) {
            let declared = (field.dword, field.low, field.width);
            assert_eq!(declared, *at, "position of {name}");
            let sources = [linux, second]
                .iter()
                .filter(|name| !name.is_empty())
                .count();
            let marked = *second == UNCHECKED;
            assert!(
                marked || sources + usize::from(*run) >= 2,
                "{name} has one source and no mark"
            );
        }
    }
}

#[test]
fn fields_of_one_context_do_not_overlap() {
    for (layout, _) in ALL {
        let width: u32 = layout
            .fields
            .iter()
            .map(|field| u32::from(field.width))
            .sum();
        let reserved: u32 = layout
            .reserved_bits::<8>()
            .iter()
            .map(|bits| bits.count_ones())
            .sum();
        assert_eq!(width + reserved, 256, "{}", layout.name);
    }
}

#[test]
fn only_state_and_address_are_the_controllers_own() {
    let mut controllers: Vec<&str> = Vec::new();
    for (layout, _) in ALL {
        let own = layout
            .fields
            .iter()
            .filter(|field| field.access == Access::Controller);
        controllers.extend(own.map(|field| field.name));
    }
    assert_eq!(
        controllers,
        [
            "usb_device_address",
            "slot_state_raw",
            "endpoint_state_raw",
            "stopped_edtla"
        ]
    );
}

const AT: u64 = 0x1234_5678_9abc_dec0;

/// A slot context with a different pattern in each field, ours and the crate's.
fn fill_slot(theirs: &mut dyn SlotHandler) -> SlotContext {
    theirs.set_route_string(0xa_5a5a);
    theirs.set_speed(0xa);
    theirs.set_hub();
    theirs.set_context_entries(0x15);
    theirs.set_max_exit_latency(0xbeef);
    theirs.set_root_hub_port_number(0x77);
    theirs.set_number_of_ports(0x5a);
    theirs.set_parent_hub_slot_id(0xa5);
    theirs.set_parent_port_number(0x3c);
    theirs.set_tt_think_time(2);
    theirs.set_interrupter_target(0x2a5);
    theirs.set_usb_device_address(0x69);
    theirs.set_slot_state(CrateSlotState::Addressed);
    SlotContext::default()
        .with_route_string(RouteString::new(0xa_5a5a))
        .with_speed(SpeedId(0xa))
        .with_hub(true)
        .with_context_entries(0x15)
        .with_max_exit_latency_us(0xbeef)
        .with_root_hub_port(PortId::new(0x77))
        .with_number_of_ports(0x5a)
        .with_tt_hub_slot(SlotId::new(0xa5))
        .with_tt_port(0x3c)
        .with_tt_think_time(2)
        .with_interrupter(InterrupterId(0x2a5))
        .with_usb_device_address(0x69)
        .with_slot_state(SlotState::Addressed)
}

/// The same for an endpoint context.
fn fill_endpoint(theirs: &mut dyn EndpointHandler) -> EndpointContext {
    theirs.set_endpoint_state(CrateEndpointState::Stopped);
    theirs.set_mult(2);
    theirs.set_max_primary_streams(0x15);
    theirs.set_interval(0xa5);
    theirs.set_max_endpoint_service_time_interval_payload_high(0x5a);
    theirs.set_error_count(2);
    theirs.set_endpoint_type(CrateEndpointType::IsochIn);
    theirs.set_host_initiate_disable();
    theirs.set_max_burst_size(0x69);
    theirs.set_max_packet_size(0xbeef);
    theirs.set_tr_dequeue_pointer(AT);
    theirs.set_dequeue_cycle_state();
    theirs.set_average_trb_length(0xcafe);
    theirs.set_max_endpoint_service_time_interval_payload_low(0x1234);
    EndpointContext::default()
        .with_endpoint_state(EndpointState::Stopped)
        .with_mult_z(2)
        .with_max_primary_streams(0x15)
        .with_interval(0xa5)
        .with_max_esit_payload(0x5a_1234)
        .with_error_count(2)
        .with_endpoint_type(EndpointType::IsochIn)
        .with_host_initiate_disable(true)
        .with_max_burst_z(0x69)
        .with_max_packet_size(0xbeef)
        .with_tr_dequeue_pointer(Iova(AT))
        .with_dequeue_cycle(true)
        .with_average_trb_length(0xcafe)
}

#[test]
fn contexts_have_the_crates_dwords_in_the_32_byte_form() {
    let mut theirs = Input32Byte::new_32byte();
    same_contexts(&mut theirs, ContextSize::Bytes32);
}

#[test]
fn contexts_have_the_crates_dwords_in_the_64_byte_form() {
    let mut theirs = Input64Byte::new_64byte();
    same_contexts(&mut theirs, ContextSize::Bytes64);
}

/// Compares the first eight dwords of each context, and that they lie as far apart as [`ContextSize`] says.
fn same_contexts(theirs: &mut dyn InputHandler, size: ContextSize) {
    let control = theirs.control_mut();
    control.set_drop_context_flag(2);
    control.set_drop_context_flag(31);
    control.set_add_context_flag(0);
    control.set_add_context_flag(17);
    control.set_configuration_value(0xa5);
    control.set_interface_number(0x5a);
    control.set_alternate_setting(0x69);
    let ours = InputControlContext::default()
        .with_drop_flags(1 << 2 | 1 << 31)
        .with_add_flags(InputControlContext::SLOT | 1 << 17)
        .with_configuration_value(0xa5)
        .with_interface_number(0x5a)
        .with_alternate_setting(0x69);
    assert_eq!(ours.0, theirs.control().as_ref()[..8]);
    let start = address(theirs.control().as_ref());

    let ours = fill_slot(theirs.device_mut().slot_mut());
    assert_eq!(ours.0, theirs.device().slot().as_ref()[..8]);
    let slot = address(theirs.device().slot().as_ref());
    assert_eq!(slot - start, usize::from(size.input_slot_offset()));

    for dci in Dci::all() {
        let ours = fill_endpoint(theirs.device_mut().endpoint_mut(dci.index()));
        let raw = theirs.device().endpoint(dci.index()).as_ref();
        assert_eq!(ours.0, raw[..8]);
        assert_eq!(raw.len() * 4, usize::from(size.bytes()));
        assert_eq!(
            address(raw) - start,
            usize::from(size.input_endpoint_offset(dci))
        );
        assert_eq!(address(raw) - slot, usize::from(size.endpoint_offset(dci)));
    }
}

fn address(dwords: &[u32]) -> usize {
    dwords.as_ptr().addr()
}

#[test]
fn single_bits_of_the_slot_and_endpoint_contexts_have_the_crates_places() {
    let mut theirs = Input32Byte::new_32byte();
    theirs.device_mut().slot_mut().set_multi_tt();
    let ours = SlotContext::default().with_multi_tt(true);
    assert_eq!(ours.0, theirs.device().slot().as_ref());
    theirs
        .device_mut()
        .endpoint_mut(3)
        .set_linear_stream_array();
    let ours = EndpointContext::default().with_linear_stream_array(true);
    assert_eq!(ours.0, theirs.device().endpoint(3).as_ref());
}

#[test]
fn device_and_input_contexts_are_as_long_as_their_last_endpoint_needs() {
    assert_eq!(ContextSize::Bytes32.device_context_len(1), 64);
    assert_eq!(ContextSize::Bytes32.device_context_len(31), 1024);
    assert_eq!(ContextSize::Bytes64.device_context_len(31), 2048);
    assert_eq!(ContextSize::Bytes32.input_context_len(1), 96);
    assert_eq!(ContextSize::Bytes64.input_context_len(31), 2112);
    assert_eq!(ContextSize::from_csz(true), ContextSize::Bytes64);
}

#[test]
fn a_reserved_state_is_shown_as_a_number_and_not_as_a_state() {
    assert_eq!(
        SlotContext::default().with_slot_state_raw(4).slot_state(),
        None
    );
    assert_eq!(
        EndpointContext::default()
            .with_endpoint_state_raw(5)
            .endpoint_state(),
        None
    );
    for raw in 0..4 {
        assert_eq!(SlotState::from_raw(raw).map(SlotState::raw), Some(raw));
    }
    for raw in 0..5 {
        assert_eq!(
            EndpointState::from_raw(raw).map(EndpointState::raw),
            Some(raw)
        );
    }
    for raw in 0..8 {
        assert_eq!(EndpointType::from_raw(raw).raw(), raw);
    }
}

#[test]
fn a_stream_context_type_says_how_many_streams_its_array_has() {
    let lengths: Vec<_> = (0..8)
        .map(|raw| StreamContextType(raw).array_len())
        .collect();
    let arrays = [8, 16, 32, 64, 128, 256].map(Some);
    assert_eq!(lengths[..2], [None, None]);
    assert_eq!(lengths[2..], arrays);
}

#[test]
fn a_context_prints_its_fields_by_name() {
    let text = format!(
        "{:?}",
        SlotContext::default()
            .with_context_entries(5)
            .with_hub(true)
    );
    assert!(text.starts_with("Slot Context {"), "{text}");
    assert!(text.contains("context_entries: 0x5"), "{text}");
    assert!(text.contains("hub: 0x1"), "{text}");
}

#[test]
fn drop_flags_0_and_1_stay_zero_for_they_are_reserved() {
    let context = InputControlContext::default().with_drop_flags(u32::MAX);
    assert_eq!(context.drop_flags(), !3);
    assert!(!context.drops(Dci::CONTROL) && context.drops(Dci::from_address(0x81)));
    assert!(!context.adds(Dci::CONTROL));
    assert!(
        context
            .with_add_flags(Dci::CONTROL.flag())
            .adds(Dci::CONTROL)
    );
}

proptest! {
    #[test]
    fn setting_what_was_read_changes_nothing(raw in uniform8(any::<u32>()), stream in uniform4(any::<u32>())) {
        let slot = SlotContext(raw);
        prop_assert_eq!(slot.with_route_string(slot.route_string()).with_tt_hub_slot(slot.tt_hub_slot()), slot);
        prop_assert_eq!(slot.with_root_hub_port(slot.root_hub_port()).with_interrupter(slot.interrupter()), slot);
        let endpoint = EndpointContext(raw);
        prop_assert_eq!(endpoint.with_max_esit_payload(endpoint.max_esit_payload()), endpoint);
        prop_assert_eq!(endpoint.with_tr_dequeue_pointer(endpoint.tr_dequeue_pointer()), endpoint);
        prop_assert_eq!(endpoint.with_endpoint_type(endpoint.endpoint_type()), endpoint);
        let stream = StreamContext(stream);
        prop_assert_eq!(stream.with_stream_context_type(stream.stream_context_type()), stream);
        prop_assert_eq!(stream.with_stopped_edtla(stream.stopped_edtla()), stream);
    }

    #[test]
    fn every_field_of_every_context_keeps_what_it_is_given(raw in uniform8(any::<u32>()), value in any::<u64>()) {
        for (layout, _) in ALL {
            for field in layout.fields {
                let mut dwords = raw;
                field.set(&mut dwords, value);
                prop_assert_eq!(field.get(&dwords), value & field.max());
                field.set(&mut dwords, field.get(&raw));
                prop_assert_eq!(dwords, raw);
            }
        }
    }
}
