//! Memory filled by somebody who means harm: every call comes to an end, with an answer or a typed error.

use memory::{Iova, Slice};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof};
use xhci_hal::DmaBuffer;
use xhci_ring::event::{EventProducer, Pushed};
use xhci_ring::link::{ConsumeError, Consumer, LINKS_MAX, TD_TRBS_MAX};
use xhci_ring::probe::probe;
use xhci_spec::trb::Trb;

use crate::ram::{FIRST, Piece, Ram, link, normal};

const TRBS: u64 = 64;

/// A TRB that may mean harm: mostly Links into the same piece of memory.
fn trb() -> impl Strategy<Value = Trb> {
    let linking =
        (0..TRBS + 2, any::<[bool; 4]>()).prop_map(|(index, [toggle, chain, ioc, cycle])| {
            let mut link = link(FIRST + index * 16, toggle);
            (link.chain, link.ioc) = (chain, ioc);
            link.emit().with_cycle(cycle)
        });
    prop_oneof![
        4 => linking,
        2 => any::<[bool; 2]>().prop_map(|[chain, cycle]| normal(1, chain).with_cycle(cycle)),
        1 => any::<[u32; 4]>().prop_map(Trb),
    ]
}

fn filled(trbs: &[Trb]) -> (Ram, Piece) {
    let ram = Ram::default();
    let piece = ram.segment(TRBS as usize);
    for (index, trb) in trbs.iter().enumerate() {
        piece.put(index, *trb);
    }
    (ram, piece)
}

proptest::proptest! {
    #[test]
    fn a_consumer_comes_to_an_end_on_any_memory(
        trbs in vec(trb(), TRBS as usize),
        start in 0..TRBS * 16,
        cycle in any::<bool>(),
    ) {
        let (ram, _) = filled(&trbs);
        let mut consumer = Consumer::new(Iova(FIRST + start), cycle);
        for _ in 0..200 {
            let before = (ram.loads(), consumer);
            let popped = consumer.pop(&ram);
            prop_assert!(ram.loads() - before.0 <= u64::from(LINKS_MAX) + 1);
            if popped.is_err() {
                prop_assert!(consumer == before.1, "an error moves nothing");
                break;
            }
        }
        let before = ram.loads();
        let look = consumer.peek_td(&ram);
        let most = 2 * u64::from(TD_TRBS_MAX) * (u64::from(LINKS_MAX) + 1);
        prop_assert!(ram.loads() - before <= most);
        let given_up = matches!(look, Err(ConsumeError::TdTooLong { .. }));
        prop_assert!(!given_up || ram.loads() - before >= u64::from(TD_TRBS_MAX));
    }

    #[test]
    fn a_probe_comes_to_an_end_on_any_memory(trbs in vec(trb(), TRBS as usize), start in any::<u64>(), limit in 0..5000u32) {
        let (ram, _) = filled(&trbs);
        for start in [start, FIRST + start % (TRBS * 16)] {
            prop_assert!(probe(&ram, Iova(start), true, limit).count() <= limit as usize);
        }
    }

    #[test]
    fn an_event_producer_bears_any_table(
        entries in vec((0..4u64, 0..40u64, prop_oneof![Just(16u32), any::<u32>()]), 8),
        size in 0..10u16,
        steps in vec((any::<bool>(), 0..5u64, 0..4096u64, 0..10u16), 1..60),
        noise in any::<[u32; 4]>(),
    ) {
        let ram = Ram::default();
        let table = ram.alloc(128);
        let segments: Vec<_> = (0..3).map(|_| ram.segment(16)).collect();
        for (number, (segment, offset, trbs)) in entries.iter().enumerate() {
            let at = FIRST + segment * 0x4_0000 + offset * 16;
            table.store_block(number * 16, [at as u32, (at >> 32) as u32, *trbs, 0]).unwrap();
        }
        let mut producer = EventProducer::new(8);
        let _ = producer.program(&ram, Iova(FIRST), size, segments[0].iova());
        for (write, segment, offset, size) in steps {
            if write {
                let _ = producer.set_dequeue(&ram, Iova(FIRST + segment * 0x4_0000 + offset));
                producer.set_size(size);
                let _ = table.store_block(usize::from(size % 8) * 16, noise);
            }
            let before = ram.loads();
            let room = producer.free(&ram, 20);
            prop_assert!(ram.loads() - before <= 4);
            let pushed = producer.push(&ram, normal(1, false));
            prop_assert!(ram.loads() - before <= 6);
            if room.is_ok_and(|room| room > 0) && pushed.is_ok() {
                prop_assert!(pushed != Ok(Pushed::Full), "there was room");
            }
        }
    }
}
