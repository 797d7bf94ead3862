//! The two ends of an event ring over random interleavings: no event is lost, doubled or torn, and a full ring is reported as the law says.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, prop_oneof};
use proptest::test_runner::TestCaseResult;
use xhci_ring::event::{DequeueWrite, EventConsumer, EventProducer, Pushed};
use xhci_spec::trb::{CompletionCode, Event, Trb};

use crate::ram::{Piece, Ram, normal};

#[derive(Clone, Debug)]
enum Step {
    Push(u32),
    Pop(u32),
    /// ERDP, if it has moved.
    Acknowledge,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..40u32).prop_map(Step::Push),
        4 => (1..40u32).prop_map(Step::Pop),
        2 => (1..3u32).prop_map(Step::Pop),
        5 => (0..1u32).prop_map(|_| Step::Acknowledge),
    ]
}

struct Bench {
    ram: Ram,
    producer: EventProducer,
    consumer: EventConsumer<Piece>,
    total: u32,
    next_id: u32,
    /// On the ring and not taken.
    expected: VecDeque<Trb>,
    /// Taken and not acknowledged.
    taken: u32,
    reported: bool,
}

impl Bench {
    fn new(sizes: &[usize]) -> Self {
        let ram = Ram::default();
        let table = ram.alloc(16 * sizes.len());
        let segments: Vec<_> = sizes
            .iter()
            .map(|blocks| ram.segment(blocks * 16))
            .collect();
        let consumer = EventConsumer::new(table, segments).unwrap();
        let mut producer = EventProducer::new(4);
        let (table, entries) = consumer.erst();
        producer
            .program(&ram, table, entries, consumer.dequeue().0)
            .unwrap();
        let total = consumer.trbs();
        Self {
            ram,
            producer,
            consumer,
            total,
            next_id: 0,
            expected: VecDeque::new(),
            taken: 0,
            reported: false,
        }
    }

    /// TRBs that hold something the driver has not acknowledged.
    fn held(&self) -> u32 {
        self.expected.len() as u32 + self.taken
    }

    fn run(&mut self, step: &Step) -> TestCaseResult {
        match *step {
            Step::Push(events) => (0..events).try_for_each(|_| self.push()),
            Step::Pop(events) => (0..events).try_for_each(|_| self.pop()),
            Step::Acknowledge => self.acknowledge(),
        }
    }

    fn push(&mut self) -> TestCaseResult {
        let left = self.total - self.held();
        prop_assert_eq!(
            self.producer.free(&self.ram, 7),
            Ok(left.saturating_sub(1).min(7))
        );
        prop_assert_eq!(
            self.producer.free(&self.ram, u32::MAX),
            Ok(left.saturating_sub(1))
        );
        prop_assert_eq!(self.producer.is_empty(), left == self.total);
        let event = normal(self.next_id, false);
        let pushed = self.producer.push(&self.ram, event).unwrap();
        if left > 1 {
            let as_due = matches!(pushed, Pushed::Written { .. });
            prop_assert!(as_due, "{pushed:?} with {left} left");
            self.expected.push_back(event);
            self.next_id += 1;
            self.reported = false;
        } else if left == 1 && !self.reported {
            let as_due = matches!(pushed, Pushed::FullReported { .. });
            prop_assert!(as_due, "{pushed:?}");
            let code = CompletionCode::EVENT_RING_FULL_ERROR;
            self.expected
                .push_back(Event::HostController { code }.emit());
            self.reported = true;
        } else {
            prop_assert_eq!(pushed, Pushed::Full);
        }
        prop_assert_eq!(self.producer.is_full(), self.reported);
        Ok(())
    }

    fn pop(&mut self) -> TestCaseResult {
        let expected = self.expected.pop_front();
        let event = self.consumer.pop();
        prop_assert_eq!(event.map(|trb| trb.with_cycle(false)), expected);
        self.taken += u32::from(expected.is_some());
        Ok(())
    }

    fn acknowledge(&mut self) -> TestCaseResult {
        if self.taken == 0 {
            return Ok(());
        }
        let whole = self.taken == self.total;
        let expected = if whole {
            DequeueWrite::WholeRing
        } else {
            DequeueWrite::Moved
        };
        let (dequeue, _) = self.consumer.dequeue();
        prop_assert_eq!(self.producer.set_dequeue(&self.ram, dequeue), Ok(expected));
        self.taken = 0;
        self.reported &= !whole;
        Ok(())
    }
}

proptest::proptest! {
    #[test]
    fn every_event_arrives_once_in_order_and_a_full_ring_is_reported_exactly_when_one_trb_is_left(
        sizes in vec(1..4usize, 1..5),
        steps in vec(step(), 1..200),
    ) {
        let mut bench = Bench::new(&sizes);
        for step in &steps {
            bench.run(step)?;
        }
        while !bench.expected.is_empty() {
            bench.pop()?;
        }
        bench.pop()?;
    }

    #[test]
    fn a_driver_that_acknowledges_one_event_at_a_time_still_gets_them_all(sizes in vec(1..3usize, 1..4)) {
        let mut bench = Bench::new(&sizes);
        let mut turns = 0;
        while bench.next_id < 3 * bench.total {
            bench.push()?;
            if bench.producer.is_full() {
                bench.pop()?;
                bench.acknowledge()?;
            }
            turns += 1;
            prop_assert!(turns < 20 * bench.total, "no way forward");
        }
    }
}
