//! Contexts: every field of any dwords can be read, and setting what was read changes nothing.

use xhci_spec::context::{
    ContextSize, EndpointContext, EndpointType, InputControlContext, SlotContext, StreamContext,
};
use xhci_spec::number::{Dci, RouteString};
use xhci_spec::state::{self, EndpointInput, SlotPhase};
use xhci_spec::trb::CompletionCode;

use super::Target;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "context",
    about: "slot, endpoint, stream and input control contexts from any dwords",
    longest: 128,
    run,
};

/// Reads a field and sets what was read: the context must stay as it was.
macro_rules! unchanged {
    ($context:expr; $($get:ident $with:ident),+ $(,)?) => {
        $(assert_eq!($context.$with($context.$get()), $context, stringify!($with));)+
    };
}

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    while !input.is_empty() {
        match input.u8() % 4 {
            0 => slot(&mut input),
            1 => endpoint(&mut input),
            2 => control(&mut input),
            _ => stream(&mut input),
        }
    }
}

fn slot(input: &mut Input<'_>) {
    let context = SlotContext(input.dwords());
    unchanged!(context;
        route_string with_route_string, speed with_speed, multi_tt with_multi_tt, hub with_hub,
        context_entries with_context_entries, max_exit_latency_us with_max_exit_latency_us,
        root_hub_port with_root_hub_port, number_of_ports with_number_of_ports, tt_hub_slot with_tt_hub_slot,
        tt_port with_tt_port, tt_think_time with_tt_think_time, interrupter with_interrupter,
        usb_device_address with_usb_device_address, slot_state_raw with_slot_state_raw,
    );
    if let Some(state) = context.slot_state() {
        assert_eq!(context.with_slot_state(state), context);
    }
    route(context.route_string(), input.u8());
    for phase in SlotPhase::ALL {
        let refused = state::slot::refusal(phase);
        assert_ne!(refused, CompletionCode::SUCCESS);
    }
    let size = ContextSize::from_csz(input.flag());
    let entries = context.context_entries();
    assert!(size.input_context_len(entries) > size.device_context_len(entries));
    let _ = format!("{context:?}");
}

/// A route is as long as its ports say, and one hub further is one longer.
fn route(route: RouteString, port: u8) {
    for tier in 0..=RouteString::TIERS + 1 {
        let inside = (1..=route.depth()).contains(&tier);
        assert_eq!(route.tier(tier).is_some(), inside);
    }
    if let Some(further) = route.push(port) {
        assert!(further.depth() > route.depth());
        assert_eq!(further.tier(route.depth() + 1), Some(port.min(15)));
    }
    let _ = route.to_string();
}

fn endpoint(input: &mut Input<'_>) {
    let context = EndpointContext(input.dwords());
    unchanged!(context;
        endpoint_state_raw with_endpoint_state_raw, mult_z with_mult_z,
        max_primary_streams with_max_primary_streams, linear_stream_array with_linear_stream_array,
        interval with_interval, max_esit_payload_high with_max_esit_payload_high, error_count with_error_count,
        endpoint_type with_endpoint_type, host_initiate_disable with_host_initiate_disable,
        max_burst_z with_max_burst_z, max_packet_size with_max_packet_size, dequeue_cycle with_dequeue_cycle,
        tr_dequeue_pointer with_tr_dequeue_pointer, average_trb_length with_average_trb_length,
        max_esit_payload_low with_max_esit_payload_low, max_esit_payload with_max_esit_payload,
    );
    let kind = context.endpoint_type();
    assert_eq!(EndpointType::from_raw(kind.raw()), kind);
    let _ = (kind.is_periodic(), kind.is_isoch(), kind.is_in());
    if let Some(now) = context.endpoint_state() {
        assert_eq!(context.with_endpoint_state(now), context);
        let code = CompletionCode(input.u8());
        let next = EndpointInput::of_completion(code)
            .and_then(|what| state::endpoint::next(now, what))
            .unwrap_or(now);
        let refused = state::endpoint::refusal(next);
        assert_ne!(refused, CompletionCode::SUCCESS);
    }
    let _ = format!("{context:?}");
}

fn control(input: &mut Input<'_>) {
    let context = InputControlContext(input.dwords());
    unchanged!(context;
        drop_flags with_drop_flags, add_flags with_add_flags, configuration_value with_configuration_value,
        interface_number with_interface_number, alternate_setting with_alternate_setting,
    );
    for dci in Dci::all() {
        assert_eq!(context.adds(dci), context.add_flags() & dci.flag() != 0);
        assert_eq!(context.drops(dci), context.drop_flags() & dci.flag() != 0);
    }
    let _ = format!("{context:?}");
}

fn stream(input: &mut Input<'_>) {
    let context = StreamContext(input.dwords());
    unchanged!(context;
        dequeue_cycle with_dequeue_cycle, stream_context_type with_stream_context_type,
        tr_dequeue_pointer with_tr_dequeue_pointer, stopped_edtla with_stopped_edtla,
    );
    let kind = context.stream_context_type();
    assert!(kind.array_len().is_none_or(|len| len.is_power_of_two()));
    let _ = format!("{context:?} {kind}");
}
