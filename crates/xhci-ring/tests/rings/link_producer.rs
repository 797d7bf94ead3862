//! What the driver's end of a command or transfer ring promises.
use memory::Iova;
use xhci_hal::DmaBuffer;
use xhci_ring::SegmentError;
use xhci_ring::link::{
    Consumer, GrowError, NotOutstanding, Producer, PushError, RetireError, RingKind, Taken, TdLook,
};
use xhci_spec::trb::{Trb, TrbType};

use crate::ram::{FIRST, Piece, Ram, link, normal, pop, td, trb_at};

/// A transfer ring of segments of these sizes and a consumer at its start.
fn ring(ram: &Ram, sizes: &[usize]) -> (Producer<Piece>, Consumer) {
    let segments: Vec<_> = sizes.iter().map(|trbs| ram.segment(*trbs)).collect();
    let mut producer = Producer::new(RingKind::Transfer, segments).unwrap();
    let (at, cycle) = producer.enqueue();
    (producer, Consumer::new(at, cycle))
}

/// Takes everything and retires it.
fn drain(producer: &mut Producer<Piece>, consumer: &mut Consumer, ram: &Ram) -> Vec<Trb> {
    let mut all = Vec::new();
    while let Some(Taken { at, trb }) = consumer.pop(ram).unwrap() {
        producer.retire(at).unwrap();
        all.push(trb.with_cycle(false));
    }
    all
}

#[test]
fn buffers_that_cannot_be_segments_are_refused() {
    let ram = Ram::default();
    let refused = |buffers: Vec<Piece>| Producer::new(RingKind::Transfer, buffers).unwrap_err();
    assert_eq!(refused(vec![]), SegmentError::None);
    assert_eq!(refused(vec![ram.alloc(0)]), SegmentError::Length { len: 0 });
    assert_eq!(
        refused(vec![ram.alloc(17 * 16)]),
        SegmentError::Length { len: 272 }
    );
    assert_eq!(
        refused(vec![ram.alloc(0x1_0100)]),
        SegmentError::Length { len: 0x1_0100 }
    );
    assert_eq!(
        refused(vec![ram.segment(16).at(0x1010)]),
        SegmentError::Alignment { at: Iova(0x1010) }
    );
    assert_eq!(
        refused(vec![ram.segment(16).at(0xff80)]),
        SegmentError::Boundary {
            at: Iova(0xff80),
            len: 256
        }
    );
    let many = (0..257).map(|_| ram.segment(16)).collect();
    assert_eq!(refused(many), SegmentError::TooMany { max: 256 });
    assert!(Producer::new(RingKind::Command, [ram.segment(4096)]).is_ok());
}

#[test]
fn a_td_that_is_no_td_is_refused_and_nothing_is_written() {
    let ram = Ram::default();
    let (mut producer, consumer) = ring(&ram, &[16]);
    assert_eq!(producer.push_td(&[]), Err(PushError::Empty));
    assert_eq!(
        producer.push_td(&[normal(1, true)]),
        Err(PushError::Endless)
    );
    let link = link(FIRST, false).emit();
    assert_eq!(
        producer.push_td(&[normal(1, true), link, normal(2, false)]),
        Err(PushError::Link { index: 1 })
    );
    assert_eq!(
        producer.push_td(&td(0, 15)),
        Err(PushError::TooLong {
            wanted: 15,
            max: 14
        })
    );
    assert_eq!(consumer.peek(&ram), Ok(None));
    assert_eq!(producer.room(), 14);
}

#[test]
fn a_full_ring_takes_nothing_until_something_is_retired() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16]);
    producer.push_td(&td(0, 14)).unwrap();
    assert_eq!(
        producer.push_td(&td(14, 1)),
        Err(PushError::Full { wanted: 1, room: 0 })
    );
    let first = consumer.pop(&ram).unwrap().unwrap();
    assert_eq!(producer.retire(first.at), Ok(1));
    producer.push_td(&td(14, 1)).unwrap();
    let rest = drain(&mut producer, &mut consumer, &ram);
    assert_eq!(
        rest.iter().map(|trb| trb.0[0]).collect::<Vec<_>>(),
        (1..=14).collect::<Vec<_>>()
    );
    assert_eq!((producer.outstanding(), producer.room()), (0, 14));
}

#[test]
fn a_link_inside_a_td_carries_the_chain_bit_and_one_between_tds_does_not() {
    let ram = Ram::default();
    let segments = [ram.segment(16), ram.segment(16)];
    let mut producer = Producer::new(RingKind::Transfer, segments.clone()).unwrap();
    producer.push_td(&td(0, 14)).unwrap();
    producer.push_td(&td(14, 2)).unwrap();
    let inside = segments[0].trb(15);
    assert!(inside.cycle() && inside.chain() && !inside.toggle_cycle());
    let last = producer.push_td(&td(16, 13)).unwrap();
    assert_eq!(
        producer.address_of(last.last()),
        Some(segments[1].iova().offset(13 * 16))
    );
    let mut consumer = Consumer::new(segments[0].iova(), true);
    drain(&mut producer, &mut consumer, &ram);
    producer.push_td(&td(29, 1)).unwrap();
    assert!(!segments[1].trb(15).cycle(), "nothing behind the Link yet");
    producer.push_td(&td(30, 1)).unwrap();
    let between = segments[1].trb(15);
    assert!(between.cycle() && !between.chain() && between.toggle_cycle());
}

#[test]
fn the_links_of_a_command_ring_never_carry_a_chain_bit() {
    let ram = Ram::default();
    let segment = ram.segment(16);
    let mut producer = Producer::new(RingKind::Command, [segment.clone()]).unwrap();
    // Bit 4 means something else in a command.
    let span = producer.push_td(&[normal(0, true)]).unwrap();
    for id in 1..15 {
        producer
            .retire(segment.iova().offset((id - 1) * 16))
            .unwrap();
        producer.push_td(&[normal(1, true)]).unwrap();
    }
    producer.push_td(&[normal(1, true)]).unwrap();
    assert!(segment.trb(15).cycle() && !segment.trb(15).chain());
    assert_eq!(span.trbs(), 1);
}

#[test]
fn the_driver_is_told_where_links_will_cut_its_td() {
    let ram = Ram::default();
    let (mut producer, _) = ring(&ram, &[16, 32]);
    assert_eq!(
        (
            producer.trbs_before_link(),
            producer.stretches().collect::<Vec<_>>()
        ),
        (15, vec![15, 31])
    );
    producer.push_td(&td(0, 10)).unwrap();
    assert_eq!(producer.stretches().collect::<Vec<_>>(), [5, 31]);
    assert_eq!(producer.pad_to_link(), Ok(5));
    assert_eq!(
        (producer.pad_to_link(), producer.trbs_before_link()),
        (Ok(0), 31),
        "a TD begins behind the Link"
    );
    assert_eq!(producer.outstanding(), 15);
    producer.push_td(&td(10, 28)).unwrap();
    assert_eq!(
        producer.pad_to_link(),
        Err(PushError::Full { wanted: 3, room: 2 })
    );
}

#[test]
fn padding_is_no_ops_that_are_tds_of_their_own_and_is_retired_with_what_follows() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16, 16]);
    producer.push_td(&td(0, 13)).unwrap();
    producer.pad_to_link().unwrap();
    let span = producer.push_td(&td(13, 1)).unwrap();
    let all: Vec<Trb> = std::iter::from_fn(|| pop(&mut consumer, &ram)).collect();
    assert_eq!(all.len(), 16);
    for padding in &all[13..15] {
        assert_eq!(
            (padding.trb_type(), padding.chain(), padding.ioc()),
            (TrbType::NO_OP, false, false)
        );
    }
    let at = producer.address_of(span.first()).unwrap();
    assert_eq!(producer.retire(at), Ok(16));
}

#[test]
fn addresses_that_the_controller_made_up_retire_nothing() {
    let ram = Ram::default();
    let (mut producer, _) = ring(&ram, &[16, 16]);
    let span = producer.push_td(&td(0, 3)).unwrap();
    let last = producer.address_of(span.last()).unwrap();
    for at in [0, 1, FIRST - 16, FIRST + 8, FIRST + 256, u64::MAX] {
        assert_eq!(
            producer.retire(Iova(at)),
            Err(RetireError::NotOnRing { at: Iova(at) })
        );
    }
    let ahead = last.offset(16);
    assert_eq!(
        producer.retire(ahead),
        Err(RetireError::NotOutstanding { at: ahead })
    );
    assert_eq!(producer.retire_before(last), Ok(2));
    assert_eq!(producer.retire_before(ahead), Ok(1));
    assert_eq!(
        producer.retire(last),
        Err(RetireError::NotOutstanding { at: last }),
        "twice"
    );
    assert_eq!(producer.room(), 29);
}

#[test]
fn a_td_knows_its_trbs_and_a_link_inside_counts_like_the_trb_behind_it() {
    let ram = Ram::default();
    let (mut producer, _) = ring(&ram, &[16, 16]);
    producer.push_td(&td(0, 13)).unwrap();
    let span = producer.push_td(&td(13, 4)).unwrap();
    let next = producer.push_td(&td(17, 1)).unwrap();
    let second = FIRST + 0x4_0000;
    let addresses: Vec<_> = producer.addresses(&span).map(|at| at.0).collect();
    assert_eq!(
        addresses,
        [FIRST + 13 * 16, FIRST + 14 * 16, second, second + 16]
    );
    let index = |at| producer.index_in(&span, Iova(at));
    assert_eq!(
        [FIRST + 12 * 16, FIRST + 13 * 16, FIRST + 14 * 16].map(index),
        [None, Some(0), Some(1)]
    );
    assert_eq!(
        [FIRST + 15 * 16, second, second + 16, second + 32].map(index),
        [Some(2), Some(2), Some(3), None]
    );
    assert_eq!(producer.index_in(&next, Iova(second + 32)), Some(0));
}

#[test]
fn a_controller_is_never_sent_to_a_link() {
    let ram = Ram::default();
    let segments = [ram.segment(16), ram.segment(16)];
    let mut producer = Producer::new(RingKind::Transfer, segments.clone()).unwrap();
    let first = producer.push_td(&td(0, 15)).unwrap();
    let second = segments[1].iova();
    assert_eq!(producer.dequeue_after(&first), Ok((second, true)));
    // The producer goes the same way, even if the ring grows right now.
    producer.grow(ram.segment(16)).unwrap();
    producer.push_td(&td(15, 1)).unwrap();
    let mut consumer = Consumer::new(second, true);
    assert_eq!(pop(&mut consumer, &ram), Some(normal(15, false)));
}

#[test]
fn at_the_end_of_the_ring_the_controller_is_sent_to_the_start_with_the_other_cycle_state() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16]);
    producer.push_td(&td(0, 10)).unwrap();
    drain(&mut producer, &mut consumer, &ram);
    let span = producer.push_td(&td(10, 5)).unwrap();
    assert_eq!(producer.dequeue_after(&span), Ok((Iova(FIRST), false)));
    assert_eq!(producer.enqueue(), (Iova(FIRST), false));
    assert_eq!(producer.retire_before(Iova(FIRST)), Ok(5));
    assert_eq!(producer.dequeue(), (Iova(FIRST), false));
    producer.push_td(&td(15, 1)).unwrap();
    let mut sent = Consumer::new(Iova(FIRST), false);
    assert_eq!(pop(&mut sent, &ram), Some(normal(15, false)));
    assert_eq!(producer.dequeue_after(&span), Err(NotOutstanding));
}

#[test]
fn a_cancelled_td_becomes_single_no_ops_also_across_the_link_of_a_ring_of_one_segment() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16]);
    producer.push_td(&td(0, 13)).unwrap();
    drain(&mut producer, &mut consumer, &ram);
    let cancelled = producer.push_td(&td(13, 5)).unwrap();
    producer.push_td(&td(18, 1)).unwrap();
    producer.make_no_op(&cancelled).unwrap();
    for _ in 0..5 {
        assert!(matches!(
            consumer.peek_td(&ram),
            Ok(TdLook::Complete { trbs: 1, .. })
        ));
        assert_eq!(pop(&mut consumer, &ram).unwrap().trb_type(), TrbType::NO_OP);
    }
    assert_eq!(pop(&mut consumer, &ram), Some(normal(18, false)));
    assert_eq!(pop(&mut consumer, &ram), None);
    let link = trb_at(&ram, FIRST + 15 * 16);
    assert!(link.cycle() && link.toggle_cycle() && !link.chain());
}

#[test]
fn a_cancelled_command_becomes_a_no_op_command() {
    let ram = Ram::default();
    let mut producer = Producer::new(RingKind::Command, [ram.segment(16)]).unwrap();
    let span = producer.push_td(&[normal(0, false)]).unwrap();
    producer.make_no_op(&span).unwrap();
    let trb = trb_at(&ram, FIRST);
    assert_eq!(
        (trb.trb_type(), trb.cycle()),
        (TrbType::NO_OP_COMMAND, true)
    );
    producer.retire(Iova(FIRST)).unwrap();
    assert_eq!(producer.make_no_op(&span), Err(NotOutstanding));
}

#[test]
fn a_ring_does_not_grow_under_a_consumer_that_has_yet_to_pass_the_link() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16]);
    producer.push_td(&td(0, 12)).unwrap();
    drain(&mut producer, &mut consumer, &ram);
    producer.push_td(&td(12, 6)).unwrap();
    let Err(GrowError::ConsumerAhead { segment }) = producer.grow(ram.segment(32)) else {
        panic!("the consumer is at TRB 12, the producer at TRB 3");
    };
    assert_eq!(drain(&mut producer, &mut consumer, &ram).len(), 6);
    producer.grow(segment).unwrap();
    assert_eq!(producer.room(), 15 + 31 - 1);
    producer.push_td(&td(18, 40)).unwrap();
    let seen = drain(&mut producer, &mut consumer, &ram);
    assert_eq!(seen, td(18, 40));
    assert!(matches!(
        producer.grow(ram.alloc(16)),
        Err(GrowError::Segment {
            error: SegmentError::Length { len: 16 },
            ..
        })
    ));
}

#[test]
fn a_ring_that_was_reset_begins_anew() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16, 16]);
    producer.push_td(&td(0, 20)).unwrap();
    drain(&mut producer, &mut consumer, &ram);
    producer.push_td(&td(20, 15)).unwrap();
    producer.reset();
    assert_eq!(
        (producer.outstanding(), producer.enqueue()),
        (0, (Iova(FIRST), true))
    );
    let mut fresh = Consumer::new(Iova(FIRST), true);
    assert_eq!(pop(&mut fresh, &ram), None);
    producer.push_td(&td(35, 29)).unwrap();
    assert_eq!(drain(&mut producer, &mut fresh, &ram), td(35, 29));
}

#[test]
fn what_is_left_of_a_td_that_was_retired_in_part_can_be_left_behind_also_after_growth() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16, 16]);
    producer.push_td(&td(0, 10)).unwrap();
    drain(&mut producer, &mut consumer, &ram);
    let span = producer.push_td(&td(10, 8)).unwrap();
    let first = producer.address_of(span.first()).unwrap();
    producer.push_td(&td(18, 16)).unwrap();
    let second = FIRST + 0x4_0000;
    assert_eq!(
        producer.retire(Iova(second)),
        Ok(6),
        "two TRBs of it are left, the producer is back in the first segment"
    );
    producer.grow(ram.segment(16)).unwrap();
    assert_eq!(producer.index_in(&span, Iova(second + 32)), Some(7));
    assert_eq!(producer.index_in(&span, Iova(second + 48)), None);
    assert_eq!(producer.make_no_op(&span), Err(NotOutstanding));
    assert_eq!(producer.dequeue_after(&span), Ok((Iova(second + 48), true)));
    assert_eq!(
        producer.retire(first),
        Err(RetireError::NotOutstanding { at: first })
    );
}
