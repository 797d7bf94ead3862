use usb_model::{Stage, Status};
use usb_spec::speed::Speed;
use xhci_spec::context::{EndpointContext, EndpointState, EndpointType, SlotContext, SlotState};
use xhci_spec::number::{InterrupterId, PortId, SlotId, SpeedId};
use xhci_spec::trb::{Command, CompletionCode, Trt};

use super::fake::Fake;
use super::hands::{
    Hands, PORT, address_device, data_stage, evaluate_context, ok, setup, slot, slot_input,
    status_stage, told,
};
use crate::common;

fn enabled() -> (Hands, Fake) {
    let (mut hands, fake) = Hands::with_device(common::options());
    assert_eq!(hands.command(Command::EnableSlot { slot_type: 0 }), ok(1));
    hands.write_address_input(PORT, SpeedId::SUPER, 512);
    (hands, fake)
}

fn failed(code: CompletionCode) -> (CompletionCode, Option<SlotId>) {
    (code, SlotId::new(1))
}

#[test]
fn the_device_gets_set_address_and_nothing_else() {
    let (mut hands, fake) = enabled();
    assert_eq!(hands.command(address_device(false)), ok(1));
    let seen = fake.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.address == 0));
    let address = hands.slot_context(1).usb_device_address();
    assert!((1..=127).contains(&address));
    let expected = Stage::Setup([0, 5, address, 0, 0, 0, 0, 0]);
    assert_eq!(seen[0].stage, expected);
    assert_eq!(seen[1].stage, Stage::ControlStatus);
    assert_eq!(hands.slot_state(1), SlotState::Addressed);
    let context = hands.endpoint_context(1, 1);
    assert_eq!(context.endpoint_state(), Some(EndpointState::Running));
    assert_eq!(context.max_packet_size(), 512);
}

#[test]
fn a_blocked_set_address_leaves_the_device_in_peace_until_the_second_command() {
    let (mut hands, fake) = enabled();
    assert_eq!(hands.command(address_device(true)), ok(1));
    assert_eq!(fake.seen().len(), 0);
    assert_eq!(hands.slot_state(1), SlotState::Default);
    assert_eq!(hands.slot_context(1).usb_device_address(), 0);
    // The control endpoint works at address 0.
    hands.push_transfer(1, setup([0, 9, 1, 0, 0, 0, 0, 0], Trt::NO_DATA));
    let status = hands.push_transfer(1, status_stage(true));
    hands.doorbell(1, 1);
    assert_eq!(hands.told(1), [told(status, CompletionCode::SUCCESS, 0)]);
    assert_eq!(fake.seen()[0].address, 0);
    hands.write_address_input(PORT, SpeedId::SUPER, 512);
    let again = hands.command(address_device(true));
    assert_eq!(again, failed(CompletionCode::CONTEXT_STATE_ERROR));
    assert_eq!(hands.command(address_device(false)), ok(1));
    assert_eq!(hands.slot_state(1), SlotState::Addressed);
}

#[test]
fn a_device_that_fails_set_address_leaves_the_slot_enabled() {
    for status in [Status::Stall, Status::TransactionError, Status::Babble] {
        let (mut hands, fake) = enabled();
        fake.control(Some(status));
        let answer = hands.command(address_device(false));
        assert_eq!(answer, failed(CompletionCode::USB_TRANSACTION_ERROR));
        assert_eq!(hands.slot_state(1), SlotState::DisabledOrEnabled);
        fake.control(Some(Status::Ok));
        assert_eq!(hands.command(address_device(false)), ok(1));
    }
}

#[test]
fn a_port_without_a_device_or_not_enabled_answers_with_a_transaction_error() {
    let (mut hands, _) = enabled();
    hands.write_address_input(PORT + 1, SpeedId::SUPER, 512);
    let expected = failed(CompletionCode::USB_TRANSACTION_ERROR);
    assert_eq!(hands.command(address_device(false)), expected);
    let fake = Fake::new(Speed::High);
    hands.plug(1, &fake);
    hands.write_address_input(1, SpeedId::HIGH, 64);
    hands.bench.settle();
    let answer = hands.command(address_device(false)).0;
    let refused = [
        CompletionCode::USB_TRANSACTION_ERROR,
        CompletionCode::PARAMETER_ERROR,
    ];
    assert!(refused.contains(&answer), "the port was never reset");
    assert_eq!(fake.seen().len(), 0);
    hands.bench.reset_port(1);
    hands.bench.events(0);
    assert_eq!(hands.command(address_device(false)), ok(1));
    assert_eq!(fake.seen().len(), 2);
}

#[test]
fn every_device_has_an_address_of_its_own() {
    let (mut hands, _) = Hands::with_device(common::options());
    hands.address();
    for number in 2..=4 {
        let fake = Fake::new(Speed::Super);
        hands.plug(PORT + number - 1, &fake);
        assert_eq!(
            hands.command(Command::EnableSlot { slot_type: 0 }),
            ok(number)
        );
        hands.write_address_input(PORT + number - 1, SpeedId::SUPER, 512);
        let command = Command::AddressDevice {
            input: super::hands::INPUT,
            slot: slot(number),
            block_set_address: false,
        };
        assert_eq!(hands.command(command), ok(number));
    }
    let mut addresses: Vec<_> = (1..=4)
        .map(|number| hands.slot_context(number).usb_device_address())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 4);
}

#[test]
fn an_input_context_that_makes_no_sense_is_a_parameter_error_and_reaches_no_device() {
    let good = slot_input(PORT, SpeedId::SUPER);
    let slots: [(&str, SlotContext); 6] = [
        ("no port", good.with_root_hub_port(None)),
        ("no such port", good.with_root_hub_port(PortId::new(9))),
        ("another speed", good.with_speed(SpeedId::HIGH)),
        ("no speed", good.with_speed(SpeedId(0))),
        ("more entries", good.with_context_entries(2)),
        ("no interrupter", good.with_interrupter(InterrupterId(8))),
    ];
    for (what, context) in slots {
        let (mut hands, fake) = enabled();
        hands.write_slot(context);
        let expected = failed(CompletionCode::PARAMETER_ERROR);
        assert_eq!(hands.command(address_device(false)), expected, "{what}");
        assert_eq!(fake.seen().len(), 0, "{what}");
    }
    type Change = fn(EndpointContext) -> EndpointContext;
    let endpoints: [(&str, Change); 5] = [
        ("packet size", |c| c.with_max_packet_size(64)),
        ("type", |c| c.with_endpoint_type(EndpointType::BulkIn)),
        ("burst", |c| c.with_max_burst_z(1)),
        ("mult", |c| c.with_mult_z(1)),
        ("streams", |c| c.with_max_primary_streams(1)),
    ];
    for (what, change) in endpoints {
        let (mut hands, fake) = enabled();
        hands.write_endpoint(1, change(hands.control_context(512)));
        let expected = failed(CompletionCode::PARAMETER_ERROR);
        assert_eq!(hands.command(address_device(false)), expected, "{what}");
        assert_eq!(fake.seen().len(), 0, "{what}");
    }
    for (drop, add) in [(0, 1), (0, 2), (0, 0), (0, 7), (1, 3), (4, 3)] {
        let (mut hands, _) = enabled();
        hands.write_control(drop, add);
        let expected = failed(CompletionCode::PARAMETER_ERROR);
        assert_eq!(
            hands.command(address_device(false)),
            expected,
            "{drop} {add}"
        );
    }
}

#[test]
fn reset_device_leads_back_to_default_and_to_a_new_address() {
    let (mut hands, fake) = Hands::configured();
    assert_eq!(hands.command(Command::ResetDevice { slot: slot(1) }), ok(1));
    let context = hands.slot_context(1);
    assert_eq!(context.slot_state(), Some(SlotState::Default));
    assert_eq!(context.usb_device_address(), 0);
    assert_eq!(context.context_entries(), 1);
    for endpoint in [2, 3, 5] {
        assert_eq!(hands.state(endpoint), EndpointState::Disabled);
    }
    hands.write_address_input(PORT, SpeedId::SUPER, 512);
    assert_eq!(hands.command(address_device(false)), ok(1));
    assert_eq!(fake.seen()[0].address, 0);
    hands.configure();
}

#[test]
fn evaluate_context_changes_the_packet_size_of_the_control_endpoint() {
    let (mut hands, _) = Hands::with_device(common::options());
    let fake = Fake::new(Speed::Full);
    hands.plug(1, &fake);
    hands.bench.reset_port(1);
    hands.bench.events(0);
    hands.command(Command::EnableSlot { slot_type: 0 });
    hands.write_address_input(1, SpeedId::FULL, 8);
    assert_eq!(hands.command(address_device(false)), ok(1));
    hands.write_control(0, 0b10);
    hands.write_endpoint(1, hands.control_context(64));
    assert_eq!(hands.command(evaluate_context()), ok(1));
    assert_eq!(hands.endpoint_context(1, 1).max_packet_size(), 64);
    fake.seen();
    hands.push_transfer(1, setup([0, 9, 1, 0, 0, 0, 0, 0], Trt::NO_DATA));
    hands.doorbell(1, 1);
    assert_eq!(fake.seen()[0].host.max_packet, 64);
    hands.write_endpoint(1, hands.control_context(65));
    let expected = failed(CompletionCode::PARAMETER_ERROR);
    assert_eq!(hands.command(evaluate_context()), expected);
    for (drop, add) in [(2, 2), (0, 4), (0, 0)] {
        hands.write_control(drop, add);
        assert_eq!(hands.command(evaluate_context()), expected, "{drop} {add}");
    }
}

#[test]
fn after_reset_device_the_control_ring_stands_where_it_was_given_up() {
    let (mut hands, fake) = Hands::configured();
    fake.control(None);
    let given_up = hands.push_transfer(1, setup([0, 9, 1, 0, 0, 0, 0, 0], Trt::NO_DATA));
    hands.push_transfer(1, status_stage(true));
    hands.doorbell(1, 1);
    assert_eq!(hands.command(Command::ResetDevice { slot: slot(1) }), ok(1));
    assert_eq!(fake.waiting(), 0);
    let context = hands.endpoint_context(1, 1);
    assert_eq!(context.tr_dequeue_pointer(), given_up);
}

#[test]
fn the_data_and_status_stages_of_a_slow_device_begin_with_data1() {
    let (mut hands, _) = Hands::with_device(common::options());
    let fake = Fake::new(Speed::Full);
    hands.plug(1, &fake);
    hands.bench.reset_port(1);
    hands.bench.events(0);
    hands.command(Command::EnableSlot { slot_type: 0 });
    hands.write_address_input(1, SpeedId::FULL, 8);
    assert_eq!(hands.command(address_device(false)), ok(1));
    hands.push_transfer(1, setup([0x80, 6, 0, 1, 0, 0, 8, 0], Trt::IN));
    hands.push_transfer(1, data_stage(8, true));
    hands.push_transfer(1, status_stage(false));
    hands.doorbell(1, 1);
    let seen = fake.seen().into_iter();
    let sequences: Vec<_> = seen.map(|seen| seen.host.sequence).collect();
    assert_eq!(
        sequences,
        [0, 1, 0, 1, 1],
        "setup and status of SET_ADDRESS, then three stages"
    );
}
