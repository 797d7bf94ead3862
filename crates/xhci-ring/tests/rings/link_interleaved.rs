//! The two ends of a transfer ring over random interleavings: the consumer sees exactly what was pushed, whole TDs only.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof};
use proptest::test_runner::TestCaseResult;
use xhci_ring::link::{Consumer, GrowError, Producer, PushError, RingKind, Taken, TdLook, TdSpan};
use xhci_ring::probe::probe;
use xhci_spec::trb::{Trb, TrbType};

use crate::ram::{Piece, Ram, td};

/// What one of the two sides does next.
#[derive(Clone, Debug)]
enum Step {
    /// Pushes TDs of these lengths together.
    Push(Vec<usize>),
    Pad,
    Pop(usize),
    /// Retires what has been taken: up to the last TRB, or by the consumer's pointer.
    Retire {
        by_pointer: bool,
    },
    Grow(usize),
    /// Turns a TD that the consumer has not touched into No Ops.
    Cancel(usize),
    /// Sends the consumer past the TD that it stands in, or before.
    Skip,
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => vec(1..9usize, 1..4).prop_map(Step::Push),
        2 => (1..40usize).prop_map(|trbs| Step::Push(vec![trbs])),
        1 => (0..1usize).prop_map(|_| Step::Pad),
        8 => (1..24usize).prop_map(Step::Pop),
        6 => any::<bool>().prop_map(|by_pointer| Step::Retire { by_pointer }),
        1 => (1..3usize).prop_map(|blocks| Step::Grow(blocks * 16)),
        2 => (0..8usize).prop_map(Step::Cancel),
        1 => (0..1usize).prop_map(|_| Step::Skip),
        1 => (0..40usize).prop_map(|dice| if dice == 0 { Step::Reset } else { Step::Pop(3) }),
    ]
}

/// A TD as the test remembers it.
struct Pending {
    /// `None` for padding, which is nobody's.
    span: Option<TdSpan>,
    /// What the consumer has yet to see of it.
    ahead: VecDeque<Trb>,
}

struct Bench {
    ram: Ram,
    producer: Producer<Piece>,
    /// Shared with the watcher, which looks from here after every single dword that is stored.
    consumer: Rc<Cell<Consumer>>,
    torn: Rc<Cell<bool>>,
    pending: VecDeque<Pending>,
    next_id: u32,
    /// The last TRB taken and not retired; TRBs taken and not retired.
    taken: Option<Taken>,
    unretired: u32,
    grown: u32,
}

impl Bench {
    fn new(sizes: &[usize]) -> Self {
        let ram = Ram::default();
        let segments: Vec<_> = sizes
            .iter()
            .map(|blocks| ram.segment(blocks * 16))
            .collect();
        let mut producer = Producer::new(RingKind::Transfer, segments).unwrap();
        let (at, cycle) = producer.enqueue();
        let consumer = Rc::new(Cell::new(Consumer::new(at, cycle)));
        let torn = Rc::new(Cell::new(false));
        let (watched, seen, noted) = (ram.clone(), consumer.clone(), torn.clone());
        ram.watch(move || {
            let look = seen.get().peek_td(&watched);
            let whole = matches!(look, Ok(TdLook::Empty | TdLook::Complete { .. }));
            noted.set(noted.get() | !whole);
        });
        let pending = VecDeque::new();
        Self {
            ram,
            producer,
            consumer,
            torn,
            pending,
            next_id: 0,
            taken: None,
            unretired: 0,
            grown: 0,
        }
    }

    fn outstanding(&self) -> u32 {
        self.unretired
            + self
                .pending
                .iter()
                .map(|td| td.ahead.len() as u32)
                .sum::<u32>()
    }

    fn run(&mut self, step: Step) -> TestCaseResult {
        match step {
            Step::Push(lengths) => self.push(&lengths)?,
            Step::Pad => self.pad()?,
            Step::Pop(trbs) => {
                for _ in 0..trbs {
                    self.pop()?;
                }
            }
            Step::Retire { by_pointer } => self.retire(by_pointer)?,
            Step::Grow(trbs) => self.grow(trbs)?,
            Step::Cancel(index) => self.cancel(index),
            Step::Skip => self.skip()?,
            Step::Reset => self.reset(),
        }
        prop_assert!(!self.torn.get(), "a consumer saw a part of a TD");
        prop_assert_eq!(self.producer.outstanding(), self.outstanding());
        prop_assert_eq!(
            self.producer.room() + self.producer.outstanding(),
            self.producer.capacity()
        );
        self.check_links()
    }

    fn push(&mut self, lengths: &[usize]) -> TestCaseResult {
        let mut trbs = Vec::new();
        for length in lengths {
            trbs.extend(td(self.next_id + trbs.len() as u32, *length));
        }
        let wanted = trbs.len() as u32;
        let room = self.producer.room();
        match self.producer.push_td(&trbs) {
            Ok(span) => {
                prop_assert!(wanted <= room);
                self.next_id += wanted;
                self.pending.push_back(Pending {
                    span: Some(span),
                    ahead: trbs.into(),
                });
            }
            Err(PushError::Full { .. }) => prop_assert!(wanted > room),
            Err(PushError::TooLong { max, .. }) => prop_assert!(wanted > max),
            Err(error) => prop_assert!(false, "{error}"),
        }
        Ok(())
    }

    fn pad(&mut self) -> TestCaseResult {
        let room = self.producer.room();
        let before = self.producer.trbs_before_link();
        if let Ok(padding) = self.producer.pad_to_link() {
            prop_assert!(padding == before && padding <= room || padding == 0);
            let ahead = std::iter::repeat_n(no_op(), padding as usize).collect();
            self.pending.push_back(Pending { span: None, ahead });
        } else {
            prop_assert!(before > room);
        }
        Ok(())
    }

    fn pop(&mut self) -> TestCaseResult {
        while self.pending.front().is_some_and(|td| td.ahead.is_empty()) {
            self.pending.pop_front();
        }
        match self.pending.front_mut().and_then(|td| td.ahead.pop_front()) {
            Some(expected) => self.take(expected),
            None => {
                let mut consumer = self.consumer.get();
                prop_assert_eq!(consumer.pop(&self.ram), Ok(None));
                self.consumer.set(consumer);
                Ok(())
            }
        }
    }

    fn take(&mut self, expected: Trb) -> TestCaseResult {
        let mut consumer = self.consumer.get();
        let taken = consumer.pop(&self.ram).unwrap();
        prop_assert_eq!(
            taken.map(|taken| taken.trb.with_cycle(false)),
            Some(expected)
        );
        self.consumer.set(consumer);
        self.taken = taken;
        self.unretired += 1;
        Ok(())
    }

    fn retire(&mut self, by_pointer: bool) -> TestCaseResult {
        let freed = match self.taken.take() {
            Some(_) if by_pointer => self.producer.retire_before(self.consumer.get().dequeue()),
            Some(taken) => self.producer.retire(taken.at),
            None => Ok(self.unretired),
        };
        prop_assert_eq!(freed, Ok(self.unretired));
        self.unretired = 0;
        Ok(())
    }

    fn grow(&mut self, trbs: usize) -> TestCaseResult {
        if self.grown == 6 {
            return Ok(());
        }
        let (room, capacity) = (self.producer.room(), self.producer.capacity());
        match self.producer.grow(self.ram.segment(trbs)) {
            Ok(()) => {
                self.grown += 1;
                prop_assert_eq!(self.producer.capacity(), capacity + trbs as u32 - 1);
            }
            // Free TRBs lie between enqueue and dequeue pointer: with both in one segment there are fewer than in a segment.
            Err(GrowError::ConsumerAhead { .. }) => prop_assert!(room < 47),
            Err(error) => prop_assert!(false, "{error}"),
        }
        Ok(())
    }

    fn cancel(&mut self, index: usize) {
        let Some(td) = self.pending.get_mut(index) else {
            return;
        };
        if let Some(span) = td.span
            && td.ahead.len() as u32 == span.trbs()
        {
            self.producer.make_no_op(&span).unwrap();
            td.ahead.iter_mut().for_each(|trb| *trb = no_op());
        }
    }

    /// As a driver cancels the TD that the controller stopped in.
    fn skip(&mut self) -> TestCaseResult {
        let Some(td) = self.pending.front() else {
            return Ok(());
        };
        let Some(span) = td.span.filter(|_| !td.ahead.is_empty()) else {
            return Ok(());
        };
        let last = self.producer.address_of(span.last()).unwrap();
        prop_assert_eq!(self.producer.index_in(&span, last), Some(span.trbs() - 1));
        let (at, cycle) = self.producer.dequeue_after(&span).unwrap();
        prop_assert!(self.producer.position_of(at).is_some());
        let skipped = td.ahead.len() as u32;
        self.consumer.set(Consumer::new(at, cycle));
        prop_assert_eq!(self.producer.retire(last), Ok(self.unretired + skipped));
        self.pending.pop_front();
        self.unretired = 0;
        self.taken = None;
        Ok(())
    }

    fn reset(&mut self) {
        // The controller has let go of the ring: it looks again when the reset is over.
        self.pending.clear();
        self.unretired = 0;
        self.taken = None;
        self.producer.reset();
        let (at, cycle) = self.producer.enqueue();
        self.consumer.set(Consumer::new(at, cycle));
        self.torn.set(false);
    }

    /// Each Link that has been handed over has the chain bit of the TRB before it.
    fn check_links(&self) -> TestCaseResult {
        let consumer = self.consumer.get();
        let mut chain = None;
        for seen in probe(&self.ram, consumer.dequeue(), consumer.cycle(), 1000) {
            let seen = seen.unwrap();
            if !seen.handed_over {
                break;
            }
            match seen.link {
                Some(link) => {
                    prop_assert!(chain.is_none_or(|chain| chain == link.chain), "{seen:?}")
                }
                None => chain = Some(seen.trb.chain()),
            }
        }
        Ok(())
    }
}

/// What padding and cancelled TDs are made of.
fn no_op() -> Trb {
    Trb([0, 0, 0, u32::from(TrbType::NO_OP.0) << 10])
}

proptest::proptest! {
    #[test]
    fn the_consumer_sees_exactly_what_was_pushed_and_whole_tds_only(
        sizes in vec(1..4usize, 1..5),
        steps in vec(step(), 1..150),
    ) {
        let mut bench = Bench::new(&sizes);
        for step in steps {
            bench.run(step)?;
        }
        while bench.outstanding() > bench.unretired {
            bench.run(Step::Pop(1))?;
        }
        bench.run(Step::Pop(1))?;
        bench.run(Step::Retire { by_pointer: true })?;
        prop_assert_eq!(bench.producer.outstanding(), 0);
    }

    #[test]
    fn addresses_made_up_by_a_controller_never_free_a_trb_that_is_not_in_flight(
        sizes in vec(1..3usize, 1..4),
        lengths in vec(1..12usize, 1..12),
        addresses in vec((0..4u64, 0..64u64, 0..20u64), 0..60),
    ) {
        let mut bench = Bench::new(&sizes);
        for (number, (segment, index, odd)) in addresses.into_iter().enumerate() {
            let _ = bench.producer.push_td(&td(0, lengths[number % lengths.len()]));
            let before = bench.producer.outstanding();
            let at = memory::Iova(crate::ram::FIRST + segment * 0x4_0000 + index * 16 + odd / 19);
            let freed = if number % 3 == 0 { bench.producer.retire_before(at) } else { bench.producer.retire(at) };
            prop_assert!(freed.unwrap_or(0) <= before);
            prop_assert_eq!(bench.producer.outstanding(), before - freed.unwrap_or(0));
        }
    }
}
