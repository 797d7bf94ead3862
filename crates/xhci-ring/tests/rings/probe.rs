//! What a look from outside shows.

use memory::{Fault, Iova};
use xhci_ring::link::{Producer, RingKind};
use xhci_ring::probe::{Unreadable, probe};

use crate::ram::{FIRST, Ram, link, td};

#[test]
fn a_probe_goes_once_around_and_tells_what_has_been_handed_over() {
    let ram = Ram::default();
    let segments = [ram.segment(16), ram.segment(32)];
    let mut producer = Producer::new(RingKind::Transfer, segments).unwrap();
    producer.push_td(&td(0, 17)).unwrap();
    let seen: Vec<_> = probe(&ram, Iova(FIRST), true, 1000)
        .map(Result::unwrap)
        .collect();
    assert_eq!(seen.len(), 48);
    assert_eq!(
        seen.iter().filter(|seen| seen.handed_over).count(),
        18,
        "17 TRBs and a Link"
    );
    let links: Vec<_> = seen
        .iter()
        .filter_map(|seen| seen.link.map(|link| (seen.at.0, link.toggle_cycle)))
        .collect();
    assert_eq!(
        links,
        [(FIRST + 15 * 16, false), (FIRST + 0x4_0000 + 31 * 16, true)]
    );
}

#[test]
fn a_probe_ends_where_memory_ends_or_patience_does() {
    let ram = Ram::default();
    let segment = ram.segment(16);
    assert_eq!(probe(&ram, Iova(FIRST), true, 5).count(), 5);
    segment.put(3, link(0x40, false).emit());
    let last = probe(&ram, Iova(FIRST), true, 1000).last();
    let at = Iova(0x40);
    assert_eq!(
        last,
        Some(Err(Unreadable {
            at,
            fault: Fault::Unmapped { at }
        }))
    );
}
