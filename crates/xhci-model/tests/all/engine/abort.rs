use xhci_model::{CommandFaults, Options, StuckCommand};
use xhci_spec::number::{SlotId, SpeedId};
use xhci_spec::trb::{Command, CompletionCode, Event, TrbType};

use super::hands::{Hands, PORT, address_device, ok};
use crate::common;

const STOP: u64 = 1 << 1;
const ABORT: u64 = 1 << 2;

fn stuck(commands: CommandFaults) -> Options {
    let mut options = common::options();
    options.behaviour.commands = commands;
    options
}

fn stuck_no_op() -> CommandFaults {
    CommandFaults {
        stuck: Some(StuckCommand::Type(TrbType::NO_OP_COMMAND)),
        ..CommandFaults::default()
    }
}

/// Codes and TRBs of the command events so far.
fn answers(hands: &mut Hands) -> Vec<(CompletionCode, memory::Iova)> {
    let events = hands.bench.events(0).into_iter();
    events
        .map(|event| match event {
            Event::CommandCompletion { trb, code, .. } => (code, trb),
            other => panic!("unexpected event {other:?}"),
        })
        .collect()
}

#[test]
fn a_stuck_command_is_aborted_and_the_ring_goes_on_behind_it() {
    let mut hands = Hands::with(stuck(stuck_no_op()));
    let at = hands.push_command(Command::NoOp.emit());
    let behind = hands.push_command(Command::EnableSlot { slot_type: 0 }.emit());
    hands.doorbell(0, 0);
    hands.bench.pass(common::ms(10_000));
    assert_eq!(answers(&mut hands), []);
    assert_eq!(hands.bench.controller.counters().commands_stuck, 1);
    hands.write_crcr(behind.0 | ABORT);
    let expected = [
        (CompletionCode::COMMAND_ABORTED, at),
        (CompletionCode::COMMAND_RING_STOPPED, behind),
    ];
    assert_eq!(answers(&mut hands), expected);
    assert!(!hands.command_ring_runs());
    hands.doorbell(0, 0);
    assert_eq!(answers(&mut hands), [(CompletionCode::SUCCESS, behind)]);
}

#[test]
fn a_command_that_never_lets_go_keeps_the_ring_running_until_the_controller_is_reset() {
    let mut hands = Hands::with(stuck(CommandFaults {
        lets_go: false,
        ..stuck_no_op()
    }));
    hands.push_command(Command::NoOp.emit());
    hands.doorbell(0, 0);
    hands.write_crcr(ABORT);
    hands.bench.pass(common::ms(10_000));
    assert_eq!(answers(&mut hands), []);
    assert!(hands.command_ring_runs());
}

#[test]
fn the_stopped_event_can_be_left_out() {
    let mut hands = Hands::with(stuck(CommandFaults {
        omit_stopped_event: true,
        ..stuck_no_op()
    }));
    let at = hands.push_command(Command::NoOp.emit());
    hands.doorbell(0, 0);
    hands.write_crcr(ABORT);
    assert_eq!(answers(&mut hands), [(CompletionCode::COMMAND_ABORTED, at)]);
    assert!(!hands.command_ring_runs());
    let counters = hands.bench.controller.counters();
    assert_eq!(counters.stopped_events_omitted, 1);
}

#[test]
fn the_nth_command_gets_stuck_and_no_other() {
    let mut hands = Hands::with(stuck(CommandFaults {
        stuck: Some(StuckCommand::Nth(3)),
        ..CommandFaults::default()
    }));
    for _ in 0..3 {
        hands.push_command(Command::NoOp.emit());
    }
    hands.doorbell(0, 0);
    assert_eq!(answers(&mut hands).len(), 2);
    hands.write_crcr(ABORT);
    assert_eq!(answers(&mut hands).len(), 2, "aborted, and stopped");
    hands.push_command(Command::NoOp.emit());
    hands.doorbell(0, 0);
    assert_eq!(answers(&mut hands).len(), 1);
}

#[test]
fn stopping_an_idle_ring_tells_where_it_stands() {
    let mut hands = Hands::new();
    assert_eq!(hands.command(Command::NoOp).0, CompletionCode::SUCCESS);
    hands.write_crcr(STOP);
    let next = hands.commands.here();
    let expected = [(CompletionCode::COMMAND_RING_STOPPED, next)];
    assert_eq!(answers(&mut hands), expected);
    assert!(!hands.command_ring_runs());
}

#[test]
fn a_pointer_written_while_the_ring_runs_is_ignored_and_while_it_is_stopped_counts() {
    let mut hands = Hands::new();
    hands.command(Command::NoOp);
    hands.write_crcr(0xdead_0000 | 1);
    assert_eq!(hands.command(Command::NoOp).0, CompletionCode::SUCCESS);
    hands.write_crcr(STOP);
    answers(&mut hands);
    // A new ring whose TRBs have cycle bit 0.
    let elsewhere = common::RINGS.offset(0x800);
    hands.write_crcr(elsewhere.0);
    hands.commands = super::hands::Ring {
        base: elsewhere,
        index: 0,
        cycle: false,
    };
    hands.store(elsewhere.offset(16), xhci_spec::trb::Trb([0, 0, 0, 1]));
    assert_eq!(hands.command(Command::NoOp).0, CompletionCode::SUCCESS);
}

#[test]
fn stop_and_abort_of_a_ring_that_does_not_run_do_nothing() {
    let mut hands = Hands::new();
    let here = hands.commands.here();
    hands.write_crcr(here.0 | 1 | ABORT | STOP);
    assert_eq!(answers(&mut hands), []);
    assert_eq!(hands.command(Command::NoOp).0, CompletionCode::SUCCESS);
}

#[test]
fn addressing_a_device_that_does_not_answer_can_be_aborted() {
    let (mut hands, fake) = Hands::with_device(common::options());
    hands.command(Command::EnableSlot { slot_type: 0 });
    hands.write_address_input(PORT, SpeedId::SUPER, 512);
    fake.control(None);
    let at = hands.push_command(address_device(false).emit());
    hands.doorbell(0, 0);
    assert_eq!(fake.waiting(), 1);
    hands.write_crcr(ABORT);
    let aborted = (CompletionCode::COMMAND_ABORTED, SlotId::new(1));
    assert_eq!(hands.answers(at), [aborted]);
    assert_eq!(fake.waiting(), 0);
    fake.control(Some(usb_model::Status::Ok));
    assert_eq!(
        hands.command(address_device(false)),
        ok(1),
        "the slot is as it was"
    );
}

#[test]
fn an_event_ring_without_room_delays_both_events_of_an_abort() {
    let mut hands = Hands::with(stuck(CommandFaults {
        stuck: Some(StuckCommand::Nth(14)),
        ..CommandFaults::default()
    }));
    for _ in 0..14 {
        hands.push_command(Command::NoOp.emit());
    }
    hands.doorbell(0, 0);
    hands.write_crcr(ABORT);
    let mut codes = Vec::new();
    for _ in 0..3 {
        let events = hands.bench.events(0).into_iter();
        codes.extend(events.filter_map(|event| match event {
            Event::CommandCompletion { code, .. } => Some(code),
            _ => None,
        }));
    }
    assert_eq!(codes.len(), 15);
    let expected = [
        CompletionCode::COMMAND_ABORTED,
        CompletionCode::COMMAND_RING_STOPPED,
    ];
    assert_eq!(codes[13..], expected);
}
