//! Both ends of an event ring: each event arrives once and in order, and the ring reports itself full exactly when one TRB is left.

use std::collections::VecDeque;

use memory::Iova;
use volmem::{AddressSpace, DmaBuf, DmaPool};
use xhci_hal::{Dma, DmaLimit};
use xhci_ring::event::{DequeueWrite, EventConsumer, EventProducer, Pushed};
use xhci_spec::trb::{CompletionCode, Event, Trb};

use super::Target;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "event_ring_ends",
    about: "an event producer and an event consumer face to face",
    longest: 256,
    run,
};

thread_local! {
    static POOL: DmaPool = DmaPool::new(&[(Iova(0x1_0000_0000), 1 << 13)]).expect("a small pool");
}

fn run(bytes: &[u8]) {
    POOL.with(|pool| {
        let mut input = Input::new(bytes);
        let mut bench = Bench::new(pool, input.u8());
        while !input.is_empty() {
            let what = input.u8();
            let amount = what >> 2;
            match what & 3 {
                0 => (0..=amount).for_each(|_| bench.push()),
                1 => (0..=amount).for_each(|_| bench.pop()),
                2 => bench.acknowledge(),
                _ if amount == 0 => bench.start(),
                _ => (0..=amount & 3).for_each(|_| bench.pop()),
            }
        }
        while !bench.expected.is_empty() {
            bench.pop();
        }
        bench.pop();
        drop(bench);
        pool.check_canaries()
            .expect("a ring wrote outside of its segments");
    });
}

struct Bench {
    space: AddressSpace,
    producer: EventProducer,
    consumer: EventConsumer<DmaBuf>,
    next_id: u32,
    /// On the ring and not taken.
    expected: VecDeque<Trb>,
    /// Taken and not acknowledged.
    taken: u32,
    reported: bool,
}

impl Bench {
    fn new(pool: &DmaPool, sizes: u8) -> Self {
        let segments = usize::from(sizes & 3) + 1;
        let alloc = |len| pool.alloc(len, 64, DmaLimit::NONE).expect("a small buffer");
        let size = |index: usize| 16 * (usize::from(sizes >> (2 + index) & 1) + 1) * Trb::SIZE;
        let buffers: Vec<DmaBuf> = (0..segments).map(|index| alloc(size(index))).collect();
        let consumer = EventConsumer::new(alloc(16 * segments), buffers).expect("fit segments");
        let mut bench = Self {
            space: pool.address_space(),
            producer: EventProducer::new(4),
            consumer,
            next_id: 0,
            expected: VecDeque::new(),
            taken: 0,
            reported: false,
        };
        bench.start();
        bench
    }

    /// Both ends begin anew.
    fn start(&mut self) {
        self.consumer.reset();
        self.expected.clear();
        (self.taken, self.reported) = (0, false);
        let (table, entries) = self.consumer.erst();
        let (dequeue, _) = self.consumer.dequeue();
        let started = self.producer.program(&self.space, table, entries, dequeue);
        assert_eq!(started, Ok(DequeueWrite::Moved));
    }

    fn push(&mut self) {
        let left = self.consumer.trbs()
            - u32::try_from(self.expected.len()).expect("a small ring")
            - self.taken;
        let free = self.producer.free(&self.space, u32::MAX);
        assert_eq!(free, Ok(left.saturating_sub(1)));
        assert_eq!(self.producer.is_empty(), left == self.consumer.trbs());
        let code = CompletionCode((self.next_id % 200) as u8);
        let event = Event::Transfer {
            trb: Iova(u64::from(self.next_id)),
            residue: 0,
            code,
            endpoint: None,
            slot: None,
            event_data: false,
        }
        .emit();
        match self
            .producer
            .push(&self.space, event)
            .expect("the ring is whole")
        {
            Pushed::Written { .. } => {
                assert!(left > 1);
                self.expected.push_back(event);
                self.next_id += 1;
                self.reported = false;
            }
            Pushed::FullReported { .. } => {
                assert!(left == 1 && !self.reported);
                let code = CompletionCode::EVENT_RING_FULL_ERROR;
                self.expected
                    .push_back(Event::HostController { code }.emit());
                self.reported = true;
            }
            Pushed::Full => assert!(left <= 1 && self.reported),
        }
        assert_eq!(self.producer.is_full(), self.reported);
    }

    fn pop(&mut self) {
        let expected = self.expected.pop_front();
        let event = self.consumer.pop();
        assert_eq!(event.map(|trb| trb.with_cycle(false)), expected);
        self.taken += u32::from(expected.is_some());
    }

    /// ERDP, if it has moved.
    fn acknowledge(&mut self) {
        if self.taken == 0 {
            return;
        }
        let whole = self.taken == self.consumer.trbs();
        let (dequeue, _) = self.consumer.dequeue();
        let write = if whole {
            DequeueWrite::WholeRing
        } else {
            DequeueWrite::Moved
        };
        assert_eq!(self.producer.set_dequeue(&self.space, dequeue), Ok(write));
        self.taken = 0;
        self.reported &= !whole;
    }
}
