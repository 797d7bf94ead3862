use xhci_spec::context::{EndpointState, EndpointType, SlotState};
use xhci_spec::number::SpeedId;
use xhci_spec::trb::{Command, CompletionCode};

use usb_model::Status;

use super::hands::{
    BULK_IN, BULK_OUT, Hands, INPUT, INTERRUPT_IN, PORT, configure_endpoint, ok, slot, slot_input,
};
use crate::common;

#[test]
fn added_endpoints_run_and_show_what_they_were_given() {
    let (hands, _) = Hands::configured();
    assert_eq!(hands.slot_state(1), SlotState::Configured);
    assert_eq!(hands.slot_context(1).context_entries(), INTERRUPT_IN);
    for endpoint in [BULK_OUT, BULK_IN, INTERRUPT_IN] {
        let shown = hands.endpoint_context(1, endpoint);
        let given = hands.data_context(endpoint);
        assert_eq!(shown, given.with_endpoint_state(EndpointState::Running));
    }
}

#[test]
fn dropping_and_adding_an_endpoint_starts_its_sequence_anew() {
    let (mut hands, fake) = Hands::configured();
    hands.transfer(BULK_OUT, 1024);
    fake.answer(Status::Ok, 1024);
    hands.bench.service();
    hands.write_configure_input(&[BULK_OUT], 1 << BULK_OUT);
    assert_eq!(hands.command(configure_endpoint()), ok(1));
    fake.seen();
    hands.transfer(BULK_OUT, 1024);
    assert_eq!(fake.seen()[0].host.sequence, 0);
}

#[test]
fn deconfiguring_leaves_the_control_endpoint_alone() {
    let (mut hands, _) = Hands::configured();
    let deconfigure = Command::ConfigureEndpoint {
        input: INPUT,
        slot: slot(1),
        deconfigure: true,
    };
    assert_eq!(hands.command(deconfigure), ok(1));
    assert_eq!(hands.slot_state(1), SlotState::Addressed);
    assert_eq!(hands.state(1), EndpointState::Running);
    for endpoint in [BULK_OUT, BULK_IN, INTERRUPT_IN] {
        assert_eq!(hands.state(endpoint), EndpointState::Disabled);
    }
    hands.configure();
}

#[test]
fn a_hub_makes_itself_known_without_adding_endpoints() {
    let (mut hands, _) = Hands::configured();
    hands.write_control(0, 1);
    let hub = slot_input(PORT, SpeedId::SUPER)
        .with_context_entries(INTERRUPT_IN)
        .with_hub(true)
        .with_number_of_ports(4);
    hands.write_slot(hub);
    assert_eq!(hands.command(configure_endpoint()), ok(1));
    let shown = hands.slot_context(1);
    assert!(shown.hub());
    assert_eq!(shown.number_of_ports(), 4);
    assert_eq!(shown.usb_device_address(), 1);
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    type Break = fn(&mut Hands);
    let cases: [(&str, Break); 9] = [
        ("A0 missing", |hands| hands.write_control(0, 1 << 4)),
        ("A1 set", |hands| hands.write_control(0, 0b11)),
        ("D0 set", |hands| hands.write_control(1, 1)),
        ("D1 set", |hands| hands.write_control(2, 1)),
        ("added twice", |hands| {
            hands.write_configure_input(&[BULK_IN], 0)
        }),
        ("too few entries", |hands| {
            hands.write_configure_input(&[7], 0);
            hands.write_slot(slot_input(PORT, SpeedId::SUPER).with_context_entries(6));
        }),
        ("wrong direction", |hands| {
            hands.write_configure_input(&[7], 0);
            let context = hands.data_context(7);
            hands.write_endpoint(7, context.with_endpoint_type(EndpointType::BulkOut));
        }),
        ("packet size", |hands| {
            hands.write_configure_input(&[7], 0);
            let context = hands.data_context(7);
            hands.write_endpoint(7, context.with_max_packet_size(512));
        }),
        ("second control endpoint", |hands| {
            hands.write_configure_input(&[7], 0);
            let context = hands.data_context(7);
            hands.write_endpoint(7, context.with_endpoint_type(EndpointType::Control));
        }),
    ];
    for (what, spoil) in cases {
        let (mut hands, _) = Hands::configured();
        spoil(&mut hands);
        let answer = hands.command(configure_endpoint());
        assert_eq!(answer.0, CompletionCode::PARAMETER_ERROR, "{what}");
        assert_eq!(hands.state(7), EndpointState::Disabled, "{what}");
        for endpoint in [BULK_OUT, BULK_IN, INTERRUPT_IN] {
            assert_eq!(hands.state(endpoint), EndpointState::Running, "{what}");
        }
    }
}

#[test]
fn periodic_endpoints_get_no_more_bandwidth_than_there_is() {
    let (mut hands, _) = Hands::with_device(common::options());
    hands.address();
    let greedy = |hands: &Hands, endpoint| {
        hands
            .data_context(INTERRUPT_IN)
            .with_tr_dequeue_pointer(hands.rings[usize::from(endpoint)].here())
            .with_max_packet_size(1024)
            .with_max_burst_z(15)
            .with_interval(0)
            .with_max_esit_payload(16 * 1024)
    };
    let all: [u8; 4] = [5, 7, 9, 11];
    hands.write_configure_input(&all, 0);
    for endpoint in all {
        hands.write_endpoint(endpoint, greedy(&hands, endpoint));
    }
    let answer = hands.command(configure_endpoint());
    assert_eq!(answer.0, CompletionCode::BANDWIDTH_ERROR);
    assert_eq!(hands.state(5), EndpointState::Disabled);
    hands.write_configure_input(&all[..3], 0);
    for endpoint in &all[..3] {
        hands.write_endpoint(*endpoint, greedy(&hands, *endpoint));
    }
    assert_eq!(hands.command(configure_endpoint()), ok(1), "three fit");
    hands.write_configure_input(&all[3..], 0);
    hands.write_endpoint(all[3], greedy(&hands, all[3]));
    let answer = hands.command(configure_endpoint());
    assert_eq!(
        answer.0,
        CompletionCode::BANDWIDTH_ERROR,
        "what is kept counts"
    );
}
