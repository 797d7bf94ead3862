use usb_model::Status;
use xhci_spec::context::EndpointState;
use xhci_spec::registers::UsbCmd;
use xhci_spec::trb::CompletionCode;

use super::hands::{
    BUFFERS, BULK_IN, BULK_OUT, Hands, chained, normal, ok, set_dequeue, stop_endpoint, told,
};
use crate::common;

#[test]
fn stopping_within_a_td_tells_the_trb_and_what_is_left_of_it() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, chained()));
    let second = hands.push_transfer(BULK_IN, normal(BUFFERS, 4096, chained()));
    hands.transfer(BULK_IN, 1024);
    fake.moved(1024 + 2048);
    assert_eq!(hands.command(stop_endpoint(BULK_IN)), ok(1));
    let expected = told(second, CompletionCode::STOPPED, 2048);
    assert_eq!(hands.told(BULK_IN), [expected]);
    assert_eq!(hands.state(BULK_IN), EndpointState::Stopped);
    let context = hands.endpoint_context(1, BULK_IN);
    assert_eq!(context.tr_dequeue_pointer(), second);
    assert!(context.dequeue_cycle());
}

#[test]
fn the_stopped_event_comes_before_the_commands_event() {
    let (mut hands, _) = Hands::configured();
    hands.transfer(BULK_IN, 1024);
    hands.push_command(stop_endpoint(BULK_IN).emit());
    hands.doorbell(0, 0);
    let kinds: Vec<_> = hands
        .bench
        .events(0)
        .iter()
        .map(|event| event.trb_type().0)
        .collect();
    assert_eq!(kinds, [32, 33]);
}

#[test]
fn a_stopped_td_goes_on_where_it_was_after_the_doorbell() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, chained()));
    let last = hands.transfer(BULK_IN, 4096);
    fake.moved(3072);
    assert_eq!(hands.command(stop_endpoint(BULK_IN)), ok(1));
    hands.told(BULK_IN);
    fake.seen();
    hands.doorbell(1, BULK_IN);
    let again = fake.seen()[0];
    assert_eq!((again.length, again.host.sequence), (2048, 3));
    fake.answer(Status::Ok, 2048);
    hands.bench.service();
    assert_eq!(
        hands.told(BULK_IN),
        [told(last, CompletionCode::SUCCESS, 0)]
    );
    let expected = [vec![0x5a; 4096], vec![0]].concat();
    assert_eq!(hands.bytes(BUFFERS, 4097), expected);
}

#[test]
fn an_idle_endpoint_stops_without_a_transfer_event() {
    let (mut hands, fake) = Hands::configured();
    hands.transfer(BULK_OUT, 512);
    fake.answer(Status::Ok, 512);
    hands.bench.service();
    hands.told(BULK_OUT);
    assert_eq!(hands.command(stop_endpoint(BULK_OUT)), ok(1));
    assert_eq!(hands.told(BULK_OUT), []);
    let context = hands.endpoint_context(1, BULK_OUT);
    let ring = hands.rings[usize::from(BULK_OUT)];
    assert_eq!(context.tr_dequeue_pointer(), ring.here());
}

#[test]
fn one_transfer_is_cancelled_and_the_one_behind_it_still_runs() {
    let (mut hands, fake) = Hands::configured();
    hands.transfer(BULK_IN, 1024);
    let kept = hands.rings[usize::from(BULK_IN)];
    let behind = hands.transfer(BULK_IN, 512);
    assert_eq!(hands.command(stop_endpoint(BULK_IN)), ok(1));
    assert_eq!(hands.command(set_dequeue(BULK_IN, kept)), ok(1));
    hands.told(BULK_IN);
    fake.seen();
    hands.doorbell(1, BULK_IN);
    assert_eq!(fake.seen()[0].length, 512);
    fake.answer(Status::Ok, 512);
    hands.bench.service();
    assert_eq!(
        hands.told(BULK_IN),
        [told(behind, CompletionCode::SUCCESS, 0)]
    );
}

#[test]
fn a_stall_that_comes_while_stopping_is_told_and_the_stop_is_refused() {
    let (mut hands, fake) = Hands::configured();
    let at = hands.transfer(BULK_IN, 1024);
    // The answer lies ready, but the model has not asked for it yet.
    hands.push_command(stop_endpoint(BULK_IN).emit());
    fake.answer(Status::Stall, 0);
    hands.doorbell(0, 0);
    assert_eq!(
        hands.told(BULK_IN),
        [told(at, CompletionCode::STALL_ERROR, 1024)]
    );
    assert_eq!(hands.state(BULK_IN), EndpointState::Halted);
    let answer = hands.others.pop().unwrap();
    let xhci_spec::trb::Event::CommandCompletion { code, .. } = answer else {
        panic!("unexpected event {answer:?}");
    };
    assert_eq!(code, CompletionCode::CONTEXT_STATE_ERROR);
}

#[test]
fn the_sequence_number_outlives_stop_and_set_dequeue() {
    let (mut hands, fake) = Hands::configured();
    hands.transfer(BULK_OUT, 1024);
    fake.answer(Status::Ok, 1024);
    hands.bench.service();
    hands.command(stop_endpoint(BULK_OUT));
    let ring = hands.rings[usize::from(BULK_OUT)];
    hands.command(set_dequeue(BULK_OUT, ring));
    fake.seen();
    hands.transfer(BULK_OUT, 1024);
    assert_eq!(fake.seen()[0].host.sequence, 1);
}

#[test]
fn a_halted_controller_takes_requests_back_and_a_started_one_gives_them_again() {
    let (mut hands, fake) = Hands::configured();
    let at = hands.transfer(BULK_IN, 2048);
    fake.moved(1024);
    hands.bench.write_op::<UsbCmd>(0);
    hands.bench.pass(common::ms(16));
    assert!(hands.bench.status().halted());
    assert_eq!(fake.waiting(), 0, "nobody may touch memory now");
    assert_eq!(hands.told(BULK_IN), [], "a halt is no stop");
    assert_eq!(hands.state(BULK_IN), EndpointState::Running);
    fake.seen();
    hands.bench.run();
    assert_eq!(fake.seen()[0].length, 1024);
    fake.answer(Status::Ok, 1024);
    hands.bench.service();
    assert_eq!(hands.told(BULK_IN), [told(at, CompletionCode::SUCCESS, 0)]);
}

#[test]
fn a_device_that_is_pulled_out_halts_its_endpoints_with_transaction_errors() {
    let (mut hands, _fake) = Hands::configured();
    let bulk = hands.transfer(BULK_IN, 1024);
    hands.transfer(BULK_IN, 1024);
    let now = hands.bench.now;
    let port = common::port(super::hands::PORT);
    hands.bench.controller.detach(port, now);
    hands.bench.pass(common::ms(1));
    let error = CompletionCode::USB_TRANSACTION_ERROR;
    assert_eq!(hands.told(BULK_IN), [told(bulk, error, 1024)]);
    assert_eq!(hands.state(BULK_IN), EndpointState::Halted);
    let at = hands.transfer(BULK_OUT, 512);
    assert_eq!(
        hands.told(BULK_OUT),
        [told(at, error, 512)],
        "nobody is there"
    );
}

#[test]
fn a_doorbell_rung_before_the_stop_does_not_outlive_it() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, chained()));
    let command = hands.push_command(stop_endpoint(BULK_IN).emit());
    let base = hands.bench.controller.options().geometry.doorbell_offset;
    let now = hands.bench.now;
    for (number, target) in [(1, BULK_IN), (0, 0)] {
        let at = base + 4 * number;
        hands.bench.controller.mmio_write(at, target.into(), now);
    }
    hands.bench.service();
    assert_eq!(hands.answers(command), [ok(1)]);
    assert_eq!(hands.state(BULK_IN), EndpointState::Stopped);
    assert_eq!(fake.waiting(), 0);
}
