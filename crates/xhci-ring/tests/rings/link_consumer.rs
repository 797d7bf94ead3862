//! What the controller's end of a command or transfer ring makes of memory that somebody else wrote.

use memory::{Fault, Iova};
use xhci_ring::link::{ConsumeError, Consumer, LINKS_MAX, TD_TRBS_MAX, TdLook};
use xhci_spec::number::InterrupterId;
use xhci_spec::trb::Link;

use crate::ram::{FIRST, Ram, link, normal, pop};

#[test]
fn a_link_with_ioc_comes_out_so_that_its_event_can_be_made() {
    let ram = Ram::default();
    let segment = ram.segment(16);
    let owing = Link {
        ioc: true,
        interrupter: InterrupterId(3),
        ..link(FIRST + 64, true)
    };
    segment.put(0, owing.emit().with_cycle(true));
    segment.put(4, normal(7, false));
    let mut consumer = Consumer::new(Iova(FIRST), true);
    let taken = consumer.pop(&ram).unwrap().unwrap();
    assert_eq!((taken.at, taken.link()), (Iova(FIRST), Some(owing)));
    assert_eq!(
        (consumer.dequeue(), consumer.cycle()),
        (Iova(FIRST + 64), false)
    );
    assert_eq!(pop(&mut consumer, &ram), Some(normal(7, false)));
}

#[test]
fn links_that_lead_nowhere_but_to_links_are_given_up() {
    let ram = Ram::default();
    let segment = ram.segment(32);
    segment.put(0, link(FIRST, false).emit().with_cycle(true));
    let mut consumer = Consumer::new(Iova(FIRST), true);
    assert_eq!(
        consumer.pop(&ram),
        Err(ConsumeError::TooManyLinks { at: Iova(FIRST) })
    );
    assert_eq!(ram.loads(), u64::from(LINKS_MAX) + 1);
    assert_eq!(consumer, Consumer::new(Iova(FIRST), true));
    // As many as are allowed, and a TRB behind them.
    for index in 0..LINKS_MAX {
        let next = FIRST + 16 * u64::from(index + 1);
        segment.put(index as usize, link(next, false).emit().with_cycle(true));
    }
    segment.put(LINKS_MAX as usize, normal(1, false).with_cycle(true));
    assert_eq!(pop(&mut consumer, &ram), Some(normal(1, false)));
}

#[test]
fn a_ring_that_leads_out_of_memory_is_an_error_that_names_the_address() {
    let ram = Ram::default();
    let segment = ram.segment(16);
    segment.put(0, link(0x1230, false).emit().with_cycle(true));
    let mut consumer = Consumer::new(Iova(FIRST + 5), true);
    let fault = Fault::Unmapped { at: Iova(0x1230) };
    assert_eq!(
        consumer.pop(&ram),
        Err(ConsumeError::Unreadable {
            at: Iova(0x1230),
            fault
        })
    );
    assert_eq!(consumer.dequeue(), Iova(FIRST));
}

#[test]
fn looking_ahead_tells_a_whole_td_from_a_part_of_one_and_from_one_without_end() {
    let ram = Ram::default();
    let segment = ram.segment(16);
    let consumer = Consumer::new(Iova(FIRST), true);
    assert_eq!(consumer.peek_td(&ram), Ok(TdLook::Empty));
    segment.put(0, normal(0, true).with_cycle(true));
    assert_eq!(consumer.peek_td(&ram), Ok(TdLook::Incomplete { trbs: 1 }));
    // A Link inside without its chain bit: the TRB before it says that the TD goes on.
    segment.put(1, link(FIRST + 64, false).emit().with_cycle(true));
    segment.put(4, normal(1, false).with_cycle(true));
    let behind = Consumer::new(Iova(FIRST + 80), true);
    assert_eq!(
        consumer.peek_td(&ram),
        Ok(TdLook::Complete { trbs: 2, behind })
    );
    segment.put(1, link(FIRST, false).emit().with_cycle(true));
    assert_eq!(
        consumer.peek_td(&ram),
        Err(ConsumeError::TdTooLong { at: Iova(FIRST) })
    );
    assert!(ram.loads() < 3 * u64::from(TD_TRBS_MAX));
}
