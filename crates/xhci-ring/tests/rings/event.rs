//! Event rings: the state machine of the controller's end, and what the driver's end tells it.

use memory::{Fault, Iova, Slice};
use xhci_hal::DmaBuffer;
use xhci_ring::SegmentError;
use xhci_ring::event::{DequeueWrite, EventConsumer, EventProducer, EventRingError, Pushed};
use xhci_spec::trb::{CompletionCode, Event, Trb};

use crate::ram::{FIRST, Piece, Ram, normal, trb_at};

/// The second and later buffers of a [`Ram`].
const fn buffer(number: u64) -> u64 {
    FIRST + number * 0x4_0000
}

/// An event ring of segments of these sizes, the table being the first buffer.
fn ring(ram: &Ram, sizes: &[usize]) -> (EventProducer, EventConsumer<Piece>) {
    let table = ram.alloc(16 * 8);
    let segments: Vec<_> = sizes.iter().map(|trbs| ram.segment(*trbs)).collect();
    let consumer = EventConsumer::new(table, segments).unwrap();
    let mut producer = EventProducer::new(8);
    let (table, entries) = consumer.erst();
    let (dequeue, _) = consumer.dequeue();
    assert_eq!(
        producer.program(ram, table, entries, dequeue),
        Ok(DequeueWrite::Moved)
    );
    (producer, consumer)
}

fn full_error() -> Trb {
    Event::HostController {
        code: CompletionCode::EVENT_RING_FULL_ERROR,
    }
    .emit()
}

fn push(producer: &mut EventProducer, ram: &Ram, id: u32) -> Pushed {
    producer.push(ram, normal(id, false)).unwrap()
}

/// Pushes until the ring is full; says how many events it took.
fn fill(producer: &mut EventProducer, ram: &Ram) -> u32 {
    (0..)
        .find(|id| !matches!(push(producer, ram, *id), Pushed::Written { .. }))
        .unwrap()
}

#[test]
fn the_table_lists_the_segments_as_the_controller_reads_them() {
    let ram = Ram::default();
    let (_, consumer) = ring(&ram, &[16, 48]);
    assert_eq!((consumer.erst(), consumer.trbs()), ((Iova(FIRST), 2), 64));
    assert_eq!(trb_at(&ram, FIRST).0, [0x4_0000, 7, 16, 0]);
    assert_eq!(trb_at(&ram, FIRST + 16).0, [0x8_0000, 7, 48, 0]);
}

#[test]
fn buffers_that_cannot_be_an_event_ring_are_refused() {
    let ram = Ram::default();
    let refused =
        |table: Piece, segments: Vec<Piece>| EventConsumer::new(table, segments).unwrap_err();
    assert_eq!(refused(ram.alloc(64), vec![]), SegmentError::None);
    assert_eq!(
        refused(ram.alloc(64).at(0x1020), vec![ram.segment(16)]),
        SegmentError::Alignment { at: Iova(0x1020) }
    );
    assert_eq!(
        refused(ram.alloc(16), vec![ram.segment(16), ram.segment(16)]),
        SegmentError::TooMany { max: 1 }
    );
    assert_eq!(
        refused(ram.alloc(16), vec![ram.segment(15)]),
        SegmentError::Length { len: 240 }
    );
}

#[test]
fn the_last_free_trb_holds_the_full_error_once_and_nothing_is_written_until_there_is_room_for_an_event()
 {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16]);
    assert_eq!(producer.free(&ram, 100), Ok(15));
    for id in 0..15 {
        assert_eq!(
            push(&mut producer, &ram, id),
            Pushed::Written {
                at: Iova(buffer(1) + 16 * u64::from(id))
            }
        );
        assert_eq!(producer.free(&ram, 100), Ok(14 - id));
    }
    assert_eq!(
        push(&mut producer, &ram, 15),
        Pushed::FullReported {
            at: Iova(buffer(1) + 15 * 16)
        }
    );
    assert_eq!(push(&mut producer, &ram, 15), Pushed::Full);
    assert!(producer.is_full() && !producer.is_empty());
    assert_eq!(consumer.pop(), Some(normal(0, false).with_cycle(true)));

    // One TRB is free: not enough for an event, and the driver has been told.
    assert_eq!(
        producer.set_dequeue(&ram, consumer.dequeue().0),
        Ok(DequeueWrite::Moved)
    );
    assert_eq!(
        (push(&mut producer, &ram, 15), producer.free(&ram, 100)),
        (Pushed::Full, Ok(0))
    );
    consumer.pop();
    producer.set_dequeue(&ram, consumer.dequeue().0).unwrap();
    assert_eq!(producer.free(&ram, 100), Ok(1));
    assert_eq!(
        push(&mut producer, &ram, 15),
        Pushed::Written {
            at: Iova(buffer(1))
        }
    );
    assert_eq!(
        push(&mut producer, &ram, 16),
        Pushed::FullReported {
            at: Iova(buffer(1) + 16)
        }
    );

    let rest: Vec<_> = std::iter::from_fn(|| consumer.pop())
        .take(100)
        .map(|trb| trb.with_cycle(false))
        .collect();
    let mut expected: Vec<_> = (2..15).map(|id| normal(id, false)).collect();
    expected.extend([full_error(), normal(15, false), full_error()]);
    assert_eq!(rest, expected);
}

#[test]
fn a_full_ring_of_which_all_is_taken_at_once_is_empty_although_erdp_is_the_same() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16, 16]);
    assert_eq!(fill(&mut producer, &ram), 31);
    let before = consumer.dequeue();
    assert_eq!(std::iter::from_fn(|| consumer.pop()).take(100).count(), 32);
    assert_eq!(consumer.dequeue(), before);
    assert_eq!(
        producer.set_dequeue(&ram, before.0),
        Ok(DequeueWrite::WholeRing)
    );
    assert!(producer.is_empty() && !producer.is_full());
    assert_eq!(fill(&mut producer, &ram), 31);
    assert_eq!(std::iter::from_fn(|| consumer.pop()).take(100).count(), 32);
}

#[test]
fn the_same_erdp_again_changes_nothing_while_there_is_room() {
    let ram = Ram::default();
    let (mut producer, consumer) = ring(&ram, &[16]);
    let _ = push(&mut producer, &ram, 0);
    assert_eq!(
        producer.set_dequeue(&ram, consumer.dequeue().0),
        Ok(DequeueWrite::Unchanged)
    );
    assert_eq!(producer.free(&ram, 100), Ok(14));
    assert!(!producer.is_empty());
}

#[test]
fn events_run_through_segments_of_different_sizes_and_the_cycle_turns_at_the_end_of_the_table() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16, 32, 48]);
    let mut segments = Vec::new();
    for id in 0..200 {
        segments.push(consumer.dequeue().1);
        assert!(matches!(
            push(&mut producer, &ram, id),
            Pushed::Written { .. }
        ));
        let cycle = id / 96 % 2 == 0;
        assert_eq!(consumer.pop(), Some(normal(id, false).with_cycle(cycle)));
        assert_eq!(
            producer.set_dequeue(&ram, consumer.dequeue().0),
            Ok(DequeueWrite::Moved)
        );
        assert_eq!(producer.enqueue().unwrap().0, consumer.dequeue().0);
    }
    assert_eq!(
        (
            segments[15],
            segments[16],
            segments[47],
            segments[48],
            segments[96]
        ),
        (0, 1, 1, 2, 0)
    );
}

#[test]
fn free_counts_no_further_than_it_is_asked_and_reads_no_more_of_the_table() {
    let ram = Ram::default();
    let (producer, _) = ring(&ram, &[16; 8]);
    let before = ram.loads();
    assert_eq!(producer.free(&ram, 20), Ok(20));
    assert_eq!(ram.loads() - before, 1, "one segment's end was passed");
    assert_eq!(producer.free(&ram, 1000), Ok(127));
}

#[test]
fn a_table_enlarged_at_run_time_counts_from_its_end_on() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16, 16]);
    let (table, _) = consumer.erst();
    producer
        .program(&ram, table, 1, consumer.dequeue().0)
        .unwrap();
    for id in 0..15 {
        let _ = push(&mut producer, &ram, id);
        consumer.pop();
    }
    producer.set_dequeue(&ram, consumer.dequeue().0).unwrap();
    producer.set_size(2);
    assert_eq!(
        push(&mut producer, &ram, 15),
        Pushed::Written {
            at: Iova(buffer(1) + 15 * 16)
        }
    );
    assert_eq!(
        push(&mut producer, &ram, 16),
        Pushed::Written {
            at: Iova(buffer(2))
        }
    );
    assert_eq!(trb_at(&ram, buffer(2)), normal(16, false).with_cycle(true));
}

#[test]
fn a_table_that_cannot_be_used_is_an_error_that_says_why() {
    let ram = Ram::default();
    let table = ram.alloc(64);
    let segment = ram.segment(16);
    let mut producer = EventProducer::new(4);
    assert_eq!(
        producer.push(&ram, normal(0, false)),
        Err(EventRingError::NoTable)
    );
    assert_eq!(producer.free(&ram, 1), Err(EventRingError::NoTable));
    assert_eq!(
        producer.set_dequeue(&ram, Iova(0)),
        Err(EventRingError::NoTable)
    );
    let mut program = |at, entries| {
        producer
            .program(&ram, Iova(at), entries, segment.iova())
            .unwrap_err()
    };
    assert_eq!(program(FIRST, 0), EventRingError::NoTable);
    assert_eq!(
        program(FIRST, 5),
        EventRingError::TooManySegments { entries: 5, max: 4 }
    );
    let at = Iova(0x1000);
    assert_eq!(
        program(0x1000, 1),
        EventRingError::Table {
            entry: 0,
            at,
            fault: Fault::Unmapped { at }
        }
    );
    for trbs in [0, 15, 4097, 0xffff] {
        table.store_block(0, [0x4_0000, 7, trbs, 0]).unwrap();
        assert_eq!(
            program(FIRST, 1),
            EventRingError::Segment {
                entry: 0,
                base: segment.iova(),
                trbs
            }
        );
    }
    table
        .store_block(0, [0xffff_ffc0, 0xffff_ffff, 16, 0])
        .unwrap();
    assert!(
        matches!(program(FIRST, 1), EventRingError::Segment { entry: 0, .. }),
        "past the end of all addresses"
    );
    assert_eq!(producer.enqueue(), None);
}

#[test]
fn a_segment_that_cannot_be_written_is_an_error_and_the_ring_does_not_move() {
    let ram = Ram::default();
    let table = ram.alloc(64);
    table.store_block(0, [0x1000, 0, 16, 0]).unwrap();
    let mut producer = EventProducer::new(4);
    producer
        .program(&ram, Iova(FIRST), 1, Iova(0x1000))
        .unwrap();
    let at = Iova(0x1000);
    for _ in 0..2 {
        let error = EventRingError::Unwritable {
            at,
            fault: Fault::Unmapped { at },
        };
        assert_eq!(producer.push(&ram, normal(0, false)), Err(error));
    }
    assert_eq!(producer.enqueue(), Some((at, true)));
}

#[test]
fn a_bad_entry_further_on_stops_the_ring_before_the_event_that_leads_there() {
    let ram = Ram::default();
    let (mut producer, consumer) = ring(&ram, &[16, 16]);
    let (table, _) = consumer.erst();
    ram_store(&ram, table.0 + 16, [0x8_0000, 7, 3, 0]);
    for id in 0..15 {
        assert!(matches!(
            push(&mut producer, &ram, id),
            Pushed::Written { .. }
        ));
    }
    let error = EventRingError::Segment {
        entry: 1,
        base: Iova(buffer(2)),
        trbs: 3,
    };
    assert_eq!(producer.push(&ram, normal(15, false)), Err(error));
    assert_eq!(trb_at(&ram, buffer(1) + 15 * 16), Trb::ZERO);
    ram_store(&ram, table.0 + 16, [0x8_0000, 7, 16, 0]);
    assert!(
        matches!(push(&mut producer, &ram, 15), Pushed::Written { .. }),
        "mended"
    );
}

#[test]
fn a_dequeue_pointer_outside_of_the_ring_is_noticed_and_counts_as_empty() {
    let ram = Ram::default();
    let (mut producer, consumer) = ring(&ram, &[16, 16]);
    for id in 0..5 {
        let _ = push(&mut producer, &ram, id);
    }
    for outside in [0, buffer(1) + 8, buffer(1) + 256, buffer(3)] {
        assert_eq!(
            producer.set_dequeue(&ram, Iova(outside)),
            Ok(DequeueWrite::Outside)
        );
        assert_eq!(producer.free(&ram, 100), Ok(31));
    }
    assert_eq!(fill(&mut producer, &ram), 31, "one lap at most");
    assert_eq!(
        producer.program(&ram, consumer.erst().0, 2, Iova(0)),
        Ok(DequeueWrite::Outside)
    );
}

#[test]
fn a_ring_that_was_reset_forgets_its_events() {
    let ram = Ram::default();
    let (mut producer, mut consumer) = ring(&ram, &[16]);
    for id in 0..20 {
        let _ = push(&mut producer, &ram, id);
        consumer.pop();
        producer.set_dequeue(&ram, consumer.dequeue().0).unwrap();
    }
    let _ = push(&mut producer, &ram, 20);
    consumer.reset();
    assert_eq!(
        (consumer.pop(), consumer.dequeue()),
        (None, (Iova(buffer(1)), 0))
    );
    let (table, entries) = consumer.erst();
    producer
        .program(&ram, table, entries, consumer.dequeue().0)
        .unwrap();
    let _ = push(&mut producer, &ram, 21);
    assert_eq!(consumer.pop(), Some(normal(21, false).with_cycle(true)));
    assert_eq!(consumer.pop(), None);
}

fn ram_store(ram: &Ram, at: u64, block: [u32; 4]) {
    use memory::Memory;
    ram.store_block(Iova(at), block).unwrap();
}
