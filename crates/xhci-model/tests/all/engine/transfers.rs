use usb_model::Status;
use xhci_spec::context::EndpointState;
use xhci_spec::number::InterrupterId;
use xhci_spec::registers::PortLinkState;
use xhci_spec::trb::{Command, CompletionCode, Data, Link, Transfer, TransferFlags, Trb};

use super::super::common::ms;
use super::hands::{
    BUFFERS, BULK_IN, BULK_OUT, Hands, INTERRUPT_IN, PORT, TRBS, Told, chained, ioc, isp, normal,
    reset_endpoint, set_dequeue, told,
};

#[test]
fn a_bulk_transfer_moves_its_bytes_and_makes_one_event() {
    let (mut hands, fake) = Hands::configured();
    let at = hands.transfer(BULK_IN, 2048);
    let seen = fake.seen();
    assert_eq!((seen.len(), seen[0].length), (1, 2048));
    assert_eq!((seen[0].address, seen[0].endpoint.0), (1, 0x81));
    assert_eq!(seen[0].host.max_packet, 1024);
    assert_eq!(hands.told(BULK_IN), [], "the device has not answered");
    fake.answer(Status::Ok, 2048);
    hands.bench.service();
    assert_eq!(hands.told(BULK_IN), [told(at, CompletionCode::SUCCESS, 0)]);
    assert_eq!(hands.bytes(BUFFERS, 2048), vec![0x5a; 2048]);
}

#[test]
fn sixteen_chained_trbs_become_one_request_with_sixteen_buffers() {
    let (mut hands, fake) = Hands::configured();
    for _ in 0..15 {
        hands.push_transfer(BULK_OUT, normal(BUFFERS, 0x4000, chained()));
    }
    let last = hands.transfer(BULK_OUT, 0x4000);
    let seen = fake.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].length, seen[0].buffers), (16 * 0x4000, 16));
    fake.answer(Status::Ok, 16 * 0x4000);
    hands.bench.service();
    assert_eq!(
        hands.told(BULK_OUT),
        [told(last, CompletionCode::SUCCESS, 0)]
    );
}

#[test]
fn a_short_packet_in_the_last_trb_states_what_was_not_moved() {
    let (mut hands, fake) = Hands::configured();
    let at = hands.transfer(BULK_IN, 2048);
    fake.answer(Status::Ok, 1100);
    hands.bench.service();
    let expected = told(at, CompletionCode::SHORT_PACKET, 948);
    assert_eq!(hands.told(BULK_IN), [expected]);
}

#[test]
fn a_short_packet_in_a_middle_trb_with_isp_makes_a_second_event_on_the_last_trb() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, isp(chained())));
    let middle = hands.push_transfer(BULK_IN, normal(BUFFERS, 2048, isp(chained())));
    hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, chained()));
    let last = hands.transfer(BULK_IN, 512);
    fake.answer(Status::Ok, 1024 + 300);
    hands.bench.service();
    let code = CompletionCode::SHORT_PACKET;
    let expected = [told(middle, code, 1748), told(last, code, 512)];
    assert_eq!(hands.told(BULK_IN), expected);
}

#[test]
fn a_short_packet_in_a_middle_trb_without_isp_is_told_on_the_last_trb_alone() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, chained()));
    let last = hands.transfer(BULK_IN, 1024);
    fake.answer(Status::Ok, 100);
    hands.bench.service();
    let expected = told(last, CompletionCode::SHORT_PACKET, 1024);
    assert_eq!(hands.told(BULK_IN), [expected]);
}

#[test]
fn every_trb_that_asks_for_an_event_gets_it() {
    let (mut hands, fake) = Hands::configured();
    let both = TransferFlags {
        chain: true,
        ..ioc()
    };
    let first = hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, both));
    let last = hands.transfer(BULK_IN, 1024);
    fake.answer(Status::Ok, 2048);
    hands.bench.service();
    let code = CompletionCode::SUCCESS;
    let expected = [told(first, code, 0), told(last, code, 0)];
    assert_eq!(hands.told(BULK_IN), expected);
}

#[test]
fn a_transfer_that_asks_for_no_event_gets_none() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, TransferFlags::default()));
    let second = hands.transfer(BULK_IN, 1024);
    fake.answer(Status::Ok, 1024);
    fake.answer(Status::Ok, 1024);
    hands.bench.service();
    let expected = told(second, CompletionCode::SUCCESS, 0);
    assert_eq!(hands.told(BULK_IN), [expected]);
}

fn event_data(data: u64, chain: bool) -> Trb {
    Transfer::EventData {
        data,
        ioc: true,
        chain,
        evaluate_next: false,
        block_event_interrupt: false,
        interrupter: InterrupterId(0),
    }
    .emit()
}

#[test]
fn event_data_counts_the_bytes_since_the_last_one() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, chained()));
    hands.push_transfer(BULK_IN, event_data(0xfeed_0000_0000_0001, true));
    hands.push_transfer(BULK_IN, normal(BUFFERS, 2048, chained()));
    hands.push_transfer(BULK_IN, event_data(2, true));
    hands.push_transfer(BULK_IN, event_data(3, false));
    hands.doorbell(1, BULK_IN);
    fake.answer(Status::Ok, 1024 + 1500);
    hands.bench.service();
    let data = |data, code, residue| Told {
        event_data: true,
        ..told(memory::Iova(data), code, residue)
    };
    let expected = [
        data(0xfeed_0000_0000_0001, CompletionCode::SUCCESS, 1024),
        data(2, CompletionCode::SHORT_PACKET, 1500),
        data(3, CompletionCode::SHORT_PACKET, 0),
    ];
    assert_eq!(hands.told(BULK_IN), expected);
}

#[test]
fn a_transfer_of_no_bytes_is_one_empty_packet() {
    let (mut hands, fake) = Hands::configured();
    let at = hands.transfer(BULK_OUT, 0);
    assert_eq!(fake.seen()[0].length, 0);
    fake.answer(Status::Ok, 0);
    hands.bench.service();
    assert_eq!(hands.told(BULK_OUT), [told(at, CompletionCode::SUCCESS, 0)]);
    hands.transfer(BULK_OUT, 0);
    assert_eq!(fake.seen()[0].host.sequence, 1, "an empty packet counts");
}

#[test]
fn no_op_transfers_reach_no_device_and_keep_their_turn() {
    let (mut hands, fake) = Hands::configured();
    let no_op = Transfer::NoOp {
        ioc: true,
        chain: false,
        evaluate_next: false,
        interrupter: InterrupterId(0),
    };
    let first = hands.transfer(BULK_IN, 1024);
    let second = hands.push_transfer(BULK_IN, no_op.emit());
    hands.doorbell(1, BULK_IN);
    assert_eq!(fake.seen().len(), 1);
    assert_eq!(hands.told(BULK_IN), [], "it waits for its elder");
    fake.answer(Status::Ok, 1024);
    hands.bench.service();
    let code = CompletionCode::SUCCESS;
    let expected = [told(first, code, 0), told(second, code, 0)];
    assert_eq!(hands.told(BULK_IN), expected);
}

#[test]
fn immediate_data_is_sent_from_the_ring_and_refused_where_it_cannot_be() {
    let (mut hands, fake) = Hands::configured();
    let immediate = |length| {
        Transfer::Normal {
            data: Data::Immediate(*b"doorbell"),
            length,
            td_size: 0,
            interrupter: InterrupterId(0),
            flags: ioc(),
        }
        .emit()
    };
    let at = hands.push_transfer(BULK_OUT, immediate(8));
    hands.doorbell(1, BULK_OUT);
    assert_eq!((fake.seen()[0].length, fake.waiting()), (8, 1));
    fake.answer(Status::Ok, 8);
    hands.bench.service();
    assert_eq!(hands.told(BULK_OUT), [told(at, CompletionCode::SUCCESS, 0)]);
    let long = hands.push_transfer(BULK_OUT, immediate(9));
    hands.doorbell(1, BULK_OUT);
    let refused = CompletionCode::TRB_ERROR;
    assert_eq!(hands.told(BULK_OUT), [told(long, refused, 9)]);
    let inwards = hands.push_transfer(BULK_IN, immediate(8));
    hands.doorbell(1, BULK_IN);
    assert_eq!(hands.told(BULK_IN), [told(inwards, refused, 8)]);
    assert_eq!(hands.state(BULK_IN), EndpointState::Error);
}

#[test]
fn a_broken_trb_stops_the_ring_behind_what_was_in_order() {
    let (mut hands, fake) = Hands::configured();
    let good = hands.transfer(BULK_IN, 1024);
    let bad = hands.push_transfer(BULK_IN, Trb([0, 0, 7, 40 << 10]));
    hands.transfer(BULK_IN, 1024);
    assert_eq!(fake.seen().len(), 1, "nothing is fetched behind it");
    assert_eq!(hands.told(BULK_IN), []);
    assert_eq!(hands.state(BULK_IN), EndpointState::Running);
    fake.answer(Status::Ok, 1024);
    hands.bench.service();
    let expected = [
        told(good, CompletionCode::SUCCESS, 0),
        told(bad, CompletionCode::TRB_ERROR, 7),
    ];
    assert_eq!(hands.told(BULK_IN), expected);
    assert_eq!(hands.state(BULK_IN), EndpointState::Error);
    let context = hands.endpoint_context(1, BULK_IN);
    assert_eq!(context.tr_dequeue_pointer(), bad);
    hands.doorbell(1, BULK_IN);
    assert_eq!(
        fake.seen().len(),
        0,
        "an endpoint in error hears no doorbell"
    );
}

#[test]
fn each_error_halts_the_endpoint_with_one_event_and_the_dequeue_pointer_at_its_trb() {
    for (status, code) in [
        (Status::Stall, CompletionCode::STALL_ERROR),
        (
            Status::TransactionError,
            CompletionCode::USB_TRANSACTION_ERROR,
        ),
        (Status::Babble, CompletionCode::BABBLE_DETECTED_ERROR),
        (Status::SplitError, CompletionCode::SPLIT_TRANSACTION_ERROR),
    ] {
        let (mut hands, fake) = Hands::configured();
        hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, chained()));
        let second = hands.push_transfer(BULK_IN, normal(BUFFERS, 2048, chained()));
        hands.transfer(BULK_IN, 1024);
        let behind = hands.transfer(BULK_IN, 512);
        assert_eq!(fake.waiting(), 2);
        fake.answer(status, 2048);
        hands.bench.service();
        assert_eq!(hands.told(BULK_IN), [told(second, code, 1024)]);
        assert_eq!(hands.state(BULK_IN), EndpointState::Halted);
        let context = hands.endpoint_context(1, BULK_IN);
        assert_eq!(context.tr_dequeue_pointer(), second);
        assert!(context.dequeue_cycle());
        assert_eq!(
            fake.waiting(),
            0,
            "what was behind was taken back: {behind}"
        );
    }
}

#[test]
fn a_halted_endpoint_works_again_after_reset_and_a_new_dequeue_pointer() {
    let (mut hands, fake) = Hands::configured();
    hands.transfer(BULK_IN, 1024);
    fake.answer(Status::Stall, 0);
    hands.bench.service();
    hands.told(BULK_IN);
    fake.seen();
    hands.doorbell(1, BULK_IN);
    assert_eq!(fake.seen().len(), 0, "a halted endpoint hears no doorbell");
    assert_eq!(
        hands.command(reset_endpoint(BULK_IN, false)),
        super::hands::ok(1)
    );
    assert_eq!(hands.state(BULK_IN), EndpointState::Stopped);
    let ring = hands.rings[usize::from(BULK_IN)];
    assert_eq!(
        hands.command(set_dequeue(BULK_IN, ring)),
        super::hands::ok(1)
    );
    let at = hands.transfer(BULK_IN, 1024);
    assert_eq!(hands.state(BULK_IN), EndpointState::Running);
    fake.answer(Status::Ok, 1024);
    hands.bench.service();
    assert_eq!(hands.told(BULK_IN), [told(at, CompletionCode::SUCCESS, 0)]);
}

#[test]
fn a_soft_retry_goes_on_in_the_middle_of_the_td_with_the_same_sequence() {
    let (mut hands, fake) = Hands::configured();
    let at = hands.transfer(BULK_IN, 4096);
    fake.answer(Status::TransactionError, 3072);
    hands.bench.service();
    assert_eq!(
        hands.told(BULK_IN),
        [told(at, CompletionCode::USB_TRANSACTION_ERROR, 1024)]
    );
    assert_eq!(
        hands.command(reset_endpoint(BULK_IN, true)),
        super::hands::ok(1)
    );
    fake.seen();
    hands.doorbell(1, BULK_IN);
    let again = fake.seen()[0];
    assert_eq!((again.length, again.host.sequence), (1024, 3));
    fake.answer(Status::Ok, 1000);
    hands.bench.service();
    let expected = told(at, CompletionCode::SHORT_PACKET, 24);
    assert_eq!(hands.told(BULK_IN), [expected]);
}

#[test]
fn the_sequence_number_counts_packets_and_falls_back_with_reset_endpoint() {
    let (mut hands, fake) = Hands::configured();
    let mut sequence = || {
        hands.transfer(BULK_OUT, 2500);
        fake.answer(Status::Ok, 2500);
        hands.bench.service();
        hands.told(BULK_OUT);
        fake.seen()[0].host.sequence
    };
    let seen: Vec<_> = (0..12).map(|_| sequence()).collect();
    assert_eq!(seen, [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 1]);
    hands.transfer(BULK_OUT, 2500);
    fake.answer(Status::Stall, 0);
    hands.bench.service();
    fake.seen();
    hands.told(BULK_OUT);
    hands.command(reset_endpoint(BULK_OUT, false));
    hands.doorbell(1, BULK_OUT);
    assert_eq!(fake.seen()[0].host.sequence, 0);
}

#[test]
fn no_more_than_32_transfers_of_an_endpoint_are_with_the_device() {
    let (mut hands, fake) = Hands::configured();
    for _ in 0..40 {
        hands.push_transfer(BULK_IN, normal(BUFFERS, 1024, TransferFlags::default()));
    }
    hands.doorbell(1, BULK_IN);
    assert_eq!(fake.waiting(), 32);
    for _ in 0..40 {
        fake.answer(Status::Ok, 1024);
        hands.bench.service();
    }
    assert_eq!(fake.seen().len(), 40);
}

#[test]
fn a_td_that_is_not_whole_yet_waits_for_the_next_doorbell() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(BULK_OUT, normal(BUFFERS, 1024, chained()));
    hands.doorbell(1, BULK_OUT);
    assert_eq!(fake.seen().len(), 0);
    hands.transfer(BULK_OUT, 1024);
    assert_eq!(fake.seen()[0].length, 2048);
}

#[test]
fn transfers_go_on_over_the_link_with_the_other_cycle() {
    let (mut hands, fake) = Hands::configured();
    for _ in 0..3 * TRBS {
        let at = hands.transfer(INTERRUPT_IN, 8);
        fake.answer(Status::Ok, 8);
        hands.bench.service();
        let expected = told(at, CompletionCode::SUCCESS, 0);
        assert_eq!(hands.told(INTERRUPT_IN), [expected]);
    }
}

#[test]
fn a_link_that_asks_for_an_event_keeps_its_turn() {
    let (mut hands, fake) = Hands::configured();
    let first = hands.transfer(BULK_IN, 1024);
    let ring = &mut hands.rings[usize::from(BULK_IN)];
    let (link, next) = (ring.here(), ring.base.offset(16 * 8));
    ring.index = 8;
    let trb = Link {
        next,
        toggle_cycle: false,
        chain: false,
        ioc: true,
        interrupter: InterrupterId(0),
    };
    hands.store(link, trb.emit().with_cycle(true));
    let second = hands.transfer(BULK_IN, 1024);
    for _ in 0..2 {
        fake.answer(Status::Ok, 1024);
    }
    hands.bench.service();
    let code = CompletionCode::SUCCESS;
    let expected = [first, link, second].map(|at| told(at, code, 0));
    assert_eq!(hands.told(BULK_IN), expected);
}

#[test]
fn an_event_goes_to_the_interrupter_of_its_trb() {
    let (mut hands, fake) = Hands::configured();
    let trb = Transfer::Normal {
        data: Data::Pointer(BUFFERS),
        length: 1024,
        td_size: 0,
        interrupter: InterrupterId(1),
        flags: ioc(),
    };
    hands.push_transfer(BULK_IN, trb.emit());
    hands.doorbell(1, BULK_IN);
    fake.answer(Status::Ok, 1024);
    hands.bench.service();
    assert_eq!(hands.told(BULK_IN), []);
    assert_eq!(hands.bench.events(1).len(), 1);
}

#[test]
fn completions_wait_for_room_on_the_event_ring_and_none_is_lost() {
    let (mut hands, fake) = Hands::configured();
    let pushed: Vec<_> = (0..40).map(|_| hands.transfer(BULK_IN, 1024)).collect();
    let mut seen = Vec::new();
    for _ in 0..20 {
        for _ in 0..fake.waiting() {
            fake.answer(Status::Ok, 1024);
        }
        hands.bench.service();
        seen.extend(hands.told(BULK_IN).iter().map(|told| told.at));
    }
    assert_eq!(seen, pushed);
}

#[test]
fn a_buffer_in_a_hole_of_memory_is_a_host_system_error() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(BULK_IN, normal(memory::Iova(0x1000), 1024, ioc()));
    hands.doorbell(1, BULK_IN);
    assert!(hands.bench.status().host_system_error());
    assert_eq!(fake.seen().len(), 0);
}

#[test]
fn doorbells_that_mean_nothing_are_ignored() {
    let (mut hands, fake) = Hands::configured();
    let before = hands.bench.controller.counters().doorbells_ignored;
    for (number, target) in [(1, 0), (1, 32), (1, 255), (2, 1), (60, 3)] {
        hands.doorbell(number, target);
    }
    let ignored = hands.bench.controller.counters().doorbells_ignored;
    assert_eq!(ignored - before, 5);
    assert_eq!(fake.seen().len(), 0);
    assert_eq!(hands.bench.events(0), []);
    hands.doorbell(1, 9);
    let expected = CompletionCode::ENDPOINT_NOT_ENABLED_ERROR;
    assert_eq!(hands.told(9), [told(memory::Iova(0), expected, 0)]);
}

#[test]
fn a_halt_waits_for_room_for_its_event() {
    let (mut hands, fake) = Hands::configured();
    for _ in 0..20 {
        hands.push_command(Command::NoOp.emit());
    }
    hands.doorbell(0, 0);
    let at = hands.transfer(BULK_IN, 1024);
    fake.answer(Status::Stall, 0);
    hands.bench.service();
    assert_eq!(hands.state(BULK_IN), EndpointState::Running, "not before");
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.extend(hands.told(BULK_IN));
    }
    assert_eq!(seen, [told(at, CompletionCode::STALL_ERROR, 1024)]);
    assert_eq!(hands.state(BULK_IN), EndpointState::Halted);
}

#[test]
fn a_suspended_port_holds_transfers_until_it_resumes() {
    let (mut hands, fake) = Hands::configured();
    hands.bench.write_link(PORT, PortLinkState::U3);
    hands.bench.pass(ms(20));
    hands.bench.acknowledge(PORT);
    let at = hands.transfer(BULK_IN, 1024);
    hands.bench.pass(ms(20));
    assert_eq!(fake.seen().len(), 0);
    hands.bench.write_link(PORT, PortLinkState::U0);
    hands.bench.pass(ms(100));
    assert_eq!(fake.seen().len(), 1);
    fake.answer(Status::Ok, 1024);
    hands.bench.service();
    assert_eq!(hands.told(BULK_IN), [told(at, CompletionCode::SUCCESS, 0)]);
}

#[test]
fn a_ring_that_is_nothing_but_links_is_a_trb_error() {
    let (mut hands, _) = Hands::configured();
    let ring = hands.rings[usize::from(BULK_IN)];
    let circle = Link {
        next: ring.here(),
        toggle_cycle: false,
        chain: false,
        ioc: false,
        interrupter: InterrupterId(0),
    };
    hands.push_transfer(BULK_IN, circle.emit());
    hands.doorbell(1, BULK_IN);
    let expected = told(ring.here(), CompletionCode::TRB_ERROR, 0);
    assert_eq!(hands.told(BULK_IN), [expected]);
    assert_eq!(hands.state(BULK_IN), EndpointState::Error);
}

#[test]
fn a_td_without_an_end_is_a_trb_error() {
    let (mut hands, fake) = Hands::configured();
    // A Link without Toggle Cycle leads round and round over TRBs that all have the chain bit.
    let start = hands.rings[usize::from(BULK_OUT)];
    for _ in 0..3 {
        hands.push_transfer(BULK_OUT, normal(BUFFERS, 16, chained()));
    }
    let circle = Link {
        next: start.here(),
        toggle_cycle: false,
        chain: true,
        ioc: false,
        interrupter: InterrupterId(0),
    };
    hands.push_transfer(BULK_OUT, circle.emit());
    hands.doorbell(1, BULK_OUT);
    let expected = told(start.here(), CompletionCode::TRB_ERROR, 0);
    assert_eq!(hands.told(BULK_OUT), [expected]);
    assert_eq!(fake.seen().len(), 0);
}

#[test]
fn two_endpoints_share_the_time_of_a_small_budget() {
    let (mut hands, fake) = Hands::configured();
    for _ in 0..20 {
        hands.push_transfer(BULK_IN, normal(BUFFERS, 64, TransferFlags::default()));
        hands.push_transfer(BULK_OUT, normal(BUFFERS, 64, TransferFlags::default()));
    }
    let at = hands.bench.controller.options().geometry.doorbell_offset + 4;
    let now = hands.bench.now;
    for target in [BULK_IN, BULK_OUT] {
        hands.bench.controller.mmio_write(at, target.into(), now);
    }
    for _ in 0..8 {
        let _ = hands.bench.controller.service(now, 4);
    }
    let seen = fake.seen();
    let inwards = seen.iter().filter(|seen| seen.endpoint.0 == 0x81).count();
    assert!(
        inwards >= 4 && seen.len() - inwards >= 4,
        "{inwards} of {}",
        seen.len()
    );
}
