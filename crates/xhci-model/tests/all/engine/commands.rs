use xhci_model::Options;
use xhci_spec::context::SlotState;
use xhci_spec::number::{Iova, SlotId, SpeedId};
use xhci_spec::trb::{Command, CompletionCode, Event, Link, Trb, TrbType};

use super::hands::{BUFFERS, Hands, PORT, TRBS, ok, slot};
use crate::common::{self, RINGS};

const NO_OP: (CompletionCode, Option<SlotId>) = (CompletionCode::SUCCESS, None);

#[test]
fn each_no_op_is_answered_once_over_many_laps_of_the_ring() {
    let mut hands = Hands::new();
    for _ in 0..5 * TRBS {
        assert_eq!(hands.command(Command::NoOp), NO_OP);
    }
    assert_eq!(hands.others, []);
}

#[test]
fn several_commands_behind_one_doorbell_are_answered_in_order() {
    let mut hands = Hands::new();
    let pushed: Vec<_> = (0..5)
        .map(|_| hands.push_command(Command::NoOp.emit()))
        .collect();
    hands.doorbell(0, 0);
    let answered: Vec<_> = hands
        .bench
        .events(0)
        .into_iter()
        .map(|event| match event {
            Event::CommandCompletion { trb, code, .. } => {
                assert_eq!(code, CompletionCode::SUCCESS);
                trb
            }
            other => panic!("unexpected event {other:?}"),
        })
        .collect();
    assert_eq!(answered, pushed);
}

#[test]
fn nothing_is_fetched_before_the_doorbell() {
    let mut hands = Hands::new();
    let at = hands.push_command(Command::NoOp.emit());
    hands.bench.pass(common::ms(10));
    assert_eq!(hands.answers(at), []);
    assert!(!hands.command_ring_runs());
    hands.doorbell(0, 0);
    assert_eq!(hands.answers(at), [NO_OP]);
    assert!(hands.command_ring_runs());
}

#[test]
fn commands_wait_while_the_event_ring_is_full_and_none_is_lost() {
    let mut hands = Hands::new();
    let pushed: Vec<_> = (0..40)
        .map(|_| hands.push_command(Command::NoOp.emit()))
        .collect();
    hands.doorbell(0, 0);
    let mut answered = Vec::new();
    let mut full = 0;
    for _ in 0..10 {
        for event in hands.bench.events(0) {
            match event {
                Event::CommandCompletion { trb, .. } => answered.push(trb),
                Event::HostController { code } => {
                    assert_eq!(code, CompletionCode::EVENT_RING_FULL_ERROR);
                    full += 1;
                }
                other => panic!("unexpected event {other:?}"),
            }
        }
    }
    assert_eq!(answered, pushed);
    assert!(full > 0, "the ring should have been full");
}

#[test]
fn a_trb_of_another_family_or_unknown_type_is_a_trb_error() {
    let mut hands = Hands::new();
    let refused = (CompletionCode::TRB_ERROR, None);
    let known = [9, 10, 11, 12, 13, 14, 15, 16, 17, 21, 23];
    for number in (0..64).filter(|number| !known.contains(number) && *number != TrbType::LINK.0) {
        let trb = Trb([0, 0, 0, u32::from(number) << 10]);
        assert_eq!(hands.raw_command(trb), refused, "type {number}");
    }
    assert_eq!(hands.command(Command::NoOp), NO_OP, "the ring goes on");
}

#[test]
fn a_command_for_slot_0_or_beyond_max_slots_enabled_is_a_trb_error() {
    let mut hands = Hands::new();
    for number in 10..=17 {
        let trb = Trb([0, 0, 0, number << 10 | 1 << 16]);
        assert_eq!(hands.raw_command(trb).0, CompletionCode::TRB_ERROR);
    }
    let command = Command::DisableSlot { slot: slot(9) };
    assert_eq!(hands.command(command).0, CompletionCode::TRB_ERROR);
    let command = Command::DisableSlot { slot: slot(8) };
    let expected = CompletionCode::SLOT_NOT_ENABLED_ERROR;
    assert_eq!(hands.command(command), (expected, SlotId::new(8)));
}

#[test]
fn slots_are_given_out_until_none_is_left_and_a_disabled_one_is_given_again() {
    let mut hands = Hands::new();
    let enable = Command::EnableSlot { slot_type: 0 };
    for number in 1..=8 {
        assert_eq!(hands.command(enable), ok(number));
    }
    let none = (CompletionCode::NO_SLOTS_AVAILABLE_ERROR, None);
    assert_eq!(hands.command(enable), none);
    assert_eq!(hands.command(Command::DisableSlot { slot: slot(3) }), ok(3));
    assert_eq!(hands.command(enable), ok(3));
}

#[test]
fn a_slot_type_that_no_port_has_gets_no_slot() {
    let mut hands = Hands::new();
    let enable = Command::EnableSlot { slot_type: 7 };
    assert_eq!(hands.command(enable), (CompletionCode::TRB_ERROR, None));
    assert_eq!(hands.command(Command::EnableSlot { slot_type: 0 }), ok(1));
}

#[test]
fn disabling_a_slot_shows_in_its_context_and_ends_its_doorbells() {
    let (mut hands, fake) = Hands::configured();
    assert_eq!(hands.command(Command::DisableSlot { slot: slot(1) }), ok(1));
    assert_eq!(hands.slot_state(1), SlotState::DisabledOrEnabled);
    hands.transfer(super::hands::BULK_IN, 512);
    assert_eq!(fake.seen().len(), 0);
    assert_eq!(hands.told(super::hands::BULK_IN), []);
}

#[test]
fn a_link_that_asks_for_an_event_gets_one() {
    let mut hands = Hands::new();
    let link = Link {
        next: RINGS.offset(0x200),
        toggle_cycle: false,
        chain: false,
        ioc: true,
        interrupter: Default::default(),
    };
    let at = hands.push_command(link.emit());
    hands.commands.index = 0x20;
    let behind = hands.push_command(Command::NoOp.emit());
    hands.doorbell(0, 0);
    let events = hands.bench.events(0);
    let trbs: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::CommandCompletion { trb, .. } => *trb,
            other => panic!("unexpected event {other:?}"),
        })
        .collect();
    assert_eq!(trbs, [at, behind]);
}

#[test]
fn a_command_ring_in_a_hole_of_memory_is_a_host_system_error() {
    let mut hands = Hands::new();
    hands.write_crcr(0xdead_0000 | 1);
    hands.doorbell(0, 0);
    assert!(hands.bench.status().host_system_error());
    assert!(hands.bench.status().halted());
}

#[test]
fn an_input_context_in_a_hole_of_memory_is_a_host_system_error() {
    let (mut hands, _) = Hands::with_device(common::options());
    hands.command(Command::EnableSlot { slot_type: 0 });
    let trb = Command::AddressDevice {
        input: Iova(0x1000),
        slot: slot(1),
        block_set_address: false,
    };
    let at = hands.push_command(trb.emit());
    hands.doorbell(0, 0);
    assert!(hands.bench.status().host_system_error());
    assert_eq!(hands.answers(at), []);
}

#[test]
fn free_bandwidth_is_told_for_the_ports_of_the_speed_asked_for() {
    let (mut hands, _) = Hands::configured();
    let ask = |speed| Command::GetPortBandwidth {
        bandwidth_context: BUFFERS,
        speed,
        hub_slot: None,
    };
    assert_eq!(hands.command(ask(SpeedId::HIGH)), NO_OP);
    assert_eq!(hands.bytes(BUFFERS, 9), [0, 80, 80, 80, 80, 0, 0, 0, 0]);
    assert_eq!(hands.command(ask(SpeedId::SUPER)), NO_OP);
    let percent = hands.bytes(BUFFERS, 9);
    assert_eq!(percent[1..5], [0; 4]);
    assert_eq!(percent[6..], [90; 3]);
    assert_eq!(percent[5], 89, "the interrupt endpoint holds a little");
}

#[test]
fn contexts_of_64_bytes_work_as_well() {
    let options = Options {
        contexts_64: true,
        ..common::options()
    };
    let (hands, _) = Hands::configured_with(options);
    assert_eq!(hands.slot_state(1), SlotState::Configured);
    assert_eq!(hands.slot_context(1).root_hub_port().unwrap().get(), PORT);
    for endpoint in [1, 2, 3, 5] {
        let running = xhci_spec::context::EndpointState::Running;
        assert_eq!(hands.state(endpoint), running);
    }
}

#[test]
fn an_older_slot_is_not_disturbed_by_a_refused_command_of_another() {
    let (mut hands, _) = Hands::configured();
    assert_eq!(hands.command(Command::EnableSlot { slot_type: 0 }), ok(2));
    hands.write_address_input(PORT, SpeedId::SUPER, 512);
    let second = Command::AddressDevice {
        input: super::hands::INPUT,
        slot: slot(2),
        block_set_address: false,
    };
    let expected = (CompletionCode::PARAMETER_ERROR, SlotId::new(2));
    assert_eq!(hands.command(second), expected, "the port is slot 1's");
    assert_eq!(hands.slot_state(1), SlotState::Configured);
}

#[test]
fn a_command_ring_of_nothing_but_links_is_a_host_controller_error() {
    let mut hands = Hands::new();
    let link = Link {
        next: hands.commands.here(),
        toggle_cycle: false,
        chain: false,
        ioc: false,
        interrupter: Default::default(),
    };
    hands.push_command(link.emit());
    hands.doorbell(0, 0);
    assert!(hands.bench.status().host_controller_error());
}
