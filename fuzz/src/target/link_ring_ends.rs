//! Both ends of a transfer ring: the consumer takes exactly what was pushed, in order, whatever grows, is cancelled, skipped or made up.

use std::collections::VecDeque;

use memory::Iova;
use volmem::{AddressSpace, DmaBuf, DmaPool};
use xhci_hal::{Dma, DmaLimit};
use xhci_ring::link::{Consumer, Producer, PushError, RingKind, TdLook, TdSpan};
use xhci_spec::trb::{Trb, TrbType};

use super::Target;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "link_ring_ends",
    about: "a producer and a consumer face to face: push, pad, grow, cancel, skip, retire, reset",
    longest: 512,
    run,
};

/// Segments that an input may make the ring grow by.
const GROWTH_MAX: u32 = 6;

thread_local! {
    static POOL: DmaPool = DmaPool::new(&[(Iova(0x1_0000_0000), 1 << 14)]).expect("a small pool");
}

fn run(bytes: &[u8]) {
    POOL.with(|pool| {
        let mut input = Input::new(bytes);
        let mut bench = Bench::new(pool, &mut input);
        while !input.is_empty() {
            bench.step(&mut input);
        }
        bench.finish();
        drop(bench);
        pool.check_canaries()
            .expect("a ring wrote outside of its segments");
    });
}

/// A TD as this side remembers it; `None` is padding, which is nobody's.
struct Pending {
    span: Option<TdSpan>,
    ahead: VecDeque<Trb>,
}

struct Bench<'p> {
    pool: &'p DmaPool,
    space: AddressSpace,
    producer: Producer<DmaBuf>,
    consumer: Consumer,
    pending: VecDeque<Pending>,
    next_id: u32,
    /// Where the last TRB was taken that is not retired, and how many such there are.
    taken: Option<Iova>,
    unretired: u32,
    grown: u32,
}

impl<'p> Bench<'p> {
    fn new(pool: &'p DmaPool, input: &mut Input<'_>) -> Self {
        let sizes = input.u8();
        let segments = (0..=sizes & 3).map(|index| segment(pool, sizes >> (2 + index)));
        let mut producer = Producer::new(RingKind::Transfer, segments).expect("fit segments");
        let (at, cycle) = producer.enqueue();
        Self {
            pool,
            space: pool.address_space(),
            producer,
            consumer: Consumer::new(at, cycle),
            pending: VecDeque::new(),
            next_id: 0,
            taken: None,
            unretired: 0,
            grown: 0,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let what = input.u8();
        let amount = u32::from(what >> 3);
        match what & 7 {
            0 => self.push(amount + 1, u32::MAX),
            1 => self.push(amount + 1, amount / 4 + 1),
            2 => (0..=amount).for_each(|_| self.pop()),
            3 => self.retire(amount & 1 == 1),
            4 => self.cancel(amount as usize),
            5 => self.skip(),
            6 => self.invent(Iova(
                0x1_0000_0000 + u64::from(input.u16()) * if amount & 1 == 1 { 16 } else { 1 },
            )),
            _ => match amount {
                0 => self.reset(),
                1..16 => self.pad(),
                _ => self.grow(amount),
            },
        }
        let ahead: u32 = self.pending.iter().map(|td| count(td.ahead.len())).sum();
        assert_eq!(self.producer.outstanding(), self.unretired + ahead);
        assert_eq!(
            self.producer.room() + self.producer.outstanding(),
            self.producer.capacity()
        );
    }

    /// Pushes so many TRBs at once, in TDs of at most `length`.
    fn push(&mut self, wanted: u32, length: u32) {
        let chained = |index: u32| index + 1 < wanted && !(index + 1).is_multiple_of(length);
        let trbs: Vec<Trb> = (0..wanted)
            .map(|index| normal(self.next_id + index, chained(index)))
            .collect();
        let room = self.producer.room();
        match self.producer.push_td(&trbs) {
            Ok(span) => {
                assert!(wanted <= room && span.trbs() == wanted);
                assert_eq!(count(self.producer.addresses(&span).count()), wanted);
                self.next_id += wanted;
                self.pending.push_back(Pending {
                    span: Some(span),
                    ahead: trbs.into(),
                });
            }
            Err(PushError::Full { .. }) => assert!(wanted > room),
            Err(PushError::TooLong { max, .. }) => assert!(wanted > max),
            Err(error) => panic!("{error}"),
        }
    }

    fn pad(&mut self) {
        let (room, before) = (self.producer.room(), self.producer.trbs_before_link());
        match self.producer.pad_to_link() {
            Ok(padding) => {
                assert!(padding == 0 || padding == before && padding <= room);
                let ahead = std::iter::repeat_n(no_op(), padding as usize).collect();
                self.pending.push_back(Pending { span: None, ahead });
            }
            Err(_) => assert!(before > room),
        }
    }

    fn pop(&mut self) {
        self.forget_empty();
        let expected = self.pending.front_mut().and_then(|td| td.ahead.pop_front());
        if expected.is_some_and(|trb| !trb.chain()) {
            let look = self
                .consumer
                .peek_td(&self.space)
                .expect("the ring is whole");
            assert!(matches!(look, TdLook::Complete { trbs: 1, .. }), "{look:?}");
        }
        let taken = self.consumer.pop(&self.space).expect("the ring is whole");
        assert_eq!(taken.map(|taken| taken.trb.with_cycle(false)), expected);
        if let Some(taken) = taken {
            self.taken = Some(taken.at);
            self.unretired += 1;
        }
    }

    fn forget_empty(&mut self) {
        while self.pending.front().is_some_and(|td| td.ahead.is_empty()) {
            self.pending.pop_front();
        }
    }

    fn retire(&mut self, by_pointer: bool) {
        let freed = match self.taken.take() {
            Some(_) if by_pointer => self.producer.retire_before(self.consumer.dequeue()),
            Some(at) => self.producer.retire(at),
            None => Ok(self.unretired),
        };
        assert_eq!(freed, Ok(self.unretired));
        self.unretired = 0;
    }

    /// Turns a TD that the consumer has not touched into No Ops.
    fn cancel(&mut self, index: usize) {
        let Some(td) = self.pending.get_mut(index) else {
            return;
        };
        if let Some(span) = td.span
            && count(td.ahead.len()) == span.trbs()
        {
            self.producer
                .make_no_op(&span)
                .expect("the TD is in flight");
            td.ahead.iter_mut().for_each(|trb| *trb = no_op());
        }
    }

    /// As a driver goes on behind the TD that the controller stopped in.
    fn skip(&mut self) {
        self.forget_empty();
        let Some(td) = self.pending.front() else {
            return;
        };
        let Some(span) = td.span else { return };
        let last = self
            .producer
            .address_of(span.last())
            .expect("a place of this ring");
        assert_eq!(self.producer.index_in(&span, last), Some(span.trbs() - 1));
        let (at, cycle) = self
            .producer
            .dequeue_after(&span)
            .expect("the TD is in flight");
        let skipped = count(td.ahead.len());
        self.consumer = Consumer::new(at, cycle);
        assert_eq!(self.producer.retire(last), Ok(self.unretired + skipped));
        self.pending.pop_front();
        (self.unretired, self.taken) = (0, None);
    }

    /// A controller names an address of its own invention: only what is in flight can be found there.
    fn invent(&self, at: Iova) {
        let position = self.producer.position_of(at);
        assert!(
            position
                .is_none_or(|position| self.producer.address_of(position) == Some(Iova(at.0 & !15)))
        );
        for td in &self.pending {
            if let Some(span) = td.span {
                let index = self.producer.index_in(&span, at);
                assert!(index.is_none_or(|index| index < span.trbs() && position.is_some()));
            }
        }
    }

    fn grow(&mut self, amount: u32) {
        if self.grown == GROWTH_MAX {
            return;
        }
        let more = segment(self.pool, (amount & 3) as u8);
        let (capacity, trbs) = (self.producer.capacity(), count(more.len() / Trb::SIZE));
        if self.producer.grow(more).is_ok() {
            self.grown += 1;
            assert_eq!(self.producer.capacity(), capacity + trbs - 1);
        }
    }

    fn reset(&mut self) {
        self.pending.clear();
        (self.unretired, self.taken) = (0, None);
        self.producer.reset();
        let (at, cycle) = self.producer.enqueue();
        self.consumer = Consumer::new(at, cycle);
    }

    /// All that is on the ring comes, and then nothing.
    fn finish(&mut self) {
        let ahead: usize = self.pending.iter().map(|td| td.ahead.len()).sum();
        (0..=ahead).for_each(|_| self.pop());
        self.retire(true);
        assert_eq!(self.producer.outstanding(), 0);
    }
}

/// A segment of 16, 32 or 48 TRBs.
fn segment(pool: &DmaPool, size: u8) -> DmaBuf {
    let len = 16 * (usize::from(size & 3).min(2) + 1) * Trb::SIZE;
    pool.alloc(len, 64, DmaLimit::NONE.within(1 << 16))
        .expect("room for a few segments")
}

fn normal(id: u32, chain: bool) -> Trb {
    Trb([
        id,
        0,
        0,
        u32::from(TrbType::NORMAL.0) << 10 | u32::from(chain) << 4,
    ])
}

/// What padding and cancelled TDs are made of.
fn no_op() -> Trb {
    Trb([0, 0, 0, u32::from(TrbType::NO_OP.0) << 10])
}

fn count(trbs: usize) -> u32 {
    u32::try_from(trbs).expect("a small ring")
}
