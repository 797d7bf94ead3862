//! Nothing touches memory after it was taken away: what takes buffers away is answered only when no worker has them.

use usb_model::Status;
use xhci_spec::context::{EndpointState, SlotState};
use xhci_spec::number::SlotId;
use xhci_spec::registers::UsbCmd;
use xhci_spec::trb::{Command, CompletionCode};

use super::hands::{BULK_IN, BULK_OUT, Hands, configure_endpoint, ok, slot, stop_endpoint, told};
use crate::common;

type Answers = Vec<(CompletionCode, Option<SlotId>)>;

/// Sends a command while a worker has the buffers of a transfer, and returns its answers before and after the worker is done.
fn around_work(command: Command) -> (Hands, [Answers; 2]) {
    let (mut hands, fake) = Hands::configured();
    if matches!(command, Command::ConfigureEndpoint { .. }) {
        hands.write_configure_input(&[], 1 << BULK_IN);
    }
    hands.transfer(BULK_IN, 4096);
    fake.busy(true);
    let at = hands.push_command(command.emit());
    hands.doorbell(0, 0);
    hands.bench.pass(common::ms(100));
    let before = hands.answers(at);
    fake.answer(Status::Ok, 2048);
    hands.bench.service();
    let after = hands.answers(at);
    (hands, [before, after])
}

#[test]
fn stop_endpoint_waits_for_the_worker() {
    let (mut hands, answers) = around_work(stop_endpoint(BULK_IN));
    assert_eq!(answers, [vec![], vec![ok(1)]]);
    let told_now = hands.told(BULK_IN);
    assert_eq!((told_now.len(), told_now[0].residue), (1, 2048));
    assert_eq!(told_now[0].code, CompletionCode::STOPPED);
}

#[test]
fn disable_slot_waits_for_the_worker() {
    let (hands, answers) = around_work(Command::DisableSlot { slot: slot(1) });
    assert_eq!(answers, [vec![], vec![ok(1)]]);
    assert_eq!(hands.slot_state(1), SlotState::DisabledOrEnabled);
}

#[test]
fn reset_device_waits_for_the_worker() {
    let (mut hands, answers) = around_work(Command::ResetDevice { slot: slot(1) });
    assert_eq!(answers, [vec![], vec![ok(1)]]);
    assert_eq!(hands.told(BULK_IN), [], "nobody hears of what was dropped");
}

#[test]
fn dropping_an_endpoint_waits_for_the_worker() {
    let (hands, answers) = around_work(configure_endpoint());
    assert_eq!(answers, [vec![], vec![ok(1)]]);
    assert_eq!(hands.state(BULK_IN), EndpointState::Disabled);
}

#[test]
fn deconfiguring_waits_for_the_worker() {
    let (hands, answers) = around_work(Command::ConfigureEndpoint {
        input: super::hands::INPUT,
        slot: slot(1),
        deconfigure: true,
    });
    assert_eq!(answers, [vec![], vec![ok(1)]]);
    assert_eq!(hands.slot_state(1), SlotState::Addressed);
}

#[test]
fn an_abort_cannot_end_a_stop_before_the_worker_has_ended() {
    let (mut hands, fake) = Hands::configured();
    hands.transfer(BULK_IN, 4096);
    fake.busy(true);
    let at = hands.push_command(stop_endpoint(BULK_IN).emit());
    hands.doorbell(0, 0);
    hands.write_crcr(1 << 2);
    hands.bench.pass(common::ms(10));
    assert_eq!(hands.answers(at), []);
    assert!(hands.command_ring_runs());
    fake.answer(Status::Ok, 0);
    hands.bench.service();
    assert_eq!(hands.answers(at), [ok(1)]);
    assert!(!hands.command_ring_runs());
}

#[test]
fn the_controller_is_not_halted_before_the_worker_has_ended() {
    let (mut hands, fake) = Hands::configured();
    hands.transfer(BULK_IN, 4096);
    fake.busy(true);
    hands.bench.write_op::<UsbCmd>(0);
    hands.bench.pass(common::ms(50));
    assert!(!hands.bench.status().halted());
    fake.answer(Status::Ok, 4096);
    hands.bench.pass(common::ms(1));
    assert!(hands.bench.status().halted());
}

#[test]
fn a_reset_is_not_done_before_the_worker_has_ended() {
    let (mut hands, fake) = Hands::configured();
    hands.transfer(BULK_IN, 4096);
    fake.busy(true);
    let reset = UsbCmd::default().with_host_controller_reset(true);
    hands.bench.write_op::<UsbCmd>(reset.bits());
    hands.bench.pass(common::ms(500));
    assert!(hands.bench.command().host_controller_reset());
    fake.answer(Status::Ok, 4096);
    hands.bench.pass(common::ms(500));
    assert!(!hands.bench.command().host_controller_reset());
    assert_eq!(hands.told(BULK_IN), []);
}

#[test]
fn a_worker_of_one_endpoint_does_not_hold_up_another() {
    let (mut hands, fake) = Hands::configured();
    hands.transfer(BULK_IN, 1024);
    fake.busy(true);
    let at = hands.push_command(stop_endpoint(BULK_OUT).emit());
    hands.doorbell(0, 0);
    assert_eq!(hands.answers(at), [ok(1)]);
}

#[test]
fn a_request_that_ended_in_time_counts_as_complete() {
    let (mut hands, fake) = Hands::configured();
    let trb = hands.transfer(BULK_IN, 4096);
    fake.busy(true);
    let at = hands.push_command(stop_endpoint(BULK_IN).emit());
    hands.doorbell(0, 0);
    fake.answer(Status::Ok, 4096);
    hands.bench.service();
    assert_eq!(hands.answers(at), [ok(1)]);
    assert_eq!(hands.told(BULK_IN), [told(trb, CompletionCode::SUCCESS, 0)]);
}
