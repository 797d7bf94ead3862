use memory::Iova;
use xhci_hal::DmaBuffer;
use xhci_spec::number::InterrupterId;
use xhci_spec::trb::{Command, Transfer, Trb, TrbType};

use super::track::Track;
use super::{GrowError, NotOutstanding, PushError, RetireError, RingPosition, TdSpan};
use crate::SegmentError;

/// What a ring carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RingKind {
    /// Commands: no chain bits, cancelled TRBs become No Op Commands.
    Command,
    /// Transfers: TDs joined by chain bits, cancelled TRBs become No Op transfers.
    Transfer,
}

/// The driver's end of a command or transfer ring: it owns the segments, writes TDs and hands them over.
///
/// A Link is handed over together with what comes after it, never earlier: only so can it carry the chain bit of the TRB
/// before it (xHCI 1.2 §4.11.5.1), and only so may the segment that the enqueue pointer is in still get a new neighbour.
///
/// One TRB always stays free, so that a full ring never looks like an empty one (xHCI 1.2 §4.9.2.2). A TRB that has not been
/// retired is never written over, except by [`make_no_op`](Self::make_no_op).
#[derive(Debug)]
pub struct Producer<B> {
    kind: RingKind,
    track: Track<B>,
    enqueue: RingPosition,
    dequeue: RingPosition,
    cycle: bool,
    /// TRBs from `dequeue` to `enqueue`, Links not counted.
    used: u32,
}

impl<B: DmaBuffer> Producer<B> {
    /// Makes an empty ring of these segments, passed in this order; its cycle state is 1.
    ///
    /// # Errors
    /// [`SegmentError`] when a buffer is no segment, or there are none or too many. The buffers are dropped.
    pub fn new(
        kind: RingKind,
        segments: impl IntoIterator<Item = B>,
    ) -> Result<Self, SegmentError> {
        let mut ring = Self {
            kind,
            track: Track::new(segments)?,
            enqueue: RingPosition::START,
            dequeue: RingPosition::START,
            cycle: true,
            used: 0,
        };
        ring.reset();
        Ok(ring)
    }

    /// Empties the ring and begins anew at its first segment with cycle state 1. The controller must have let go of it.
    pub fn reset(&mut self) {
        self.enqueue = RingPosition::START;
        self.dequeue = RingPosition::START;
        self.cycle = true;
        self.used = 0;
        self.track.blank();
    }

    /// Writes a TD and hands it over as a whole: its first TRB gets its cycle bit last (xHCI 1.2 §4.9.2).
    ///
    /// Several TDs that shall become visible together (the stages of a control transfer, §4.11.2.2) may come in one call; each
    /// ends where a chain bit is missing. Cycle bits are set here; a Link that falls inside gets the chain bit of the TRB before it.
    ///
    /// # Errors
    /// [`PushError`]; nothing was written.
    pub fn push_td(&mut self, trbs: &[Trb]) -> Result<TdSpan, PushError> {
        let (head, tail, wanted) = self.admit(trbs)?;
        self.pass_link(false);
        let (first, first_cycle) = (self.enqueue, self.cycle);
        self.enqueue = first.next();
        let mut last = first;
        let mut chain = head.chain();
        for trb in tail {
            self.pass_link(chain);
            last = self.enqueue;
            self.track.store(last, trb.with_cycle(self.cycle));
            self.enqueue = last.next();
            chain = trb.chain();
        }
        // The store releases everything before it: a consumer that sees this cycle bit sees the whole TD and the Links inside.
        self.track.store(first, head.with_cycle(first_cycle));
        self.used += wanted;
        Ok(TdSpan {
            first,
            last,
            trbs: wanted,
        })
    }

    fn admit<'t>(&self, trbs: &'t [Trb]) -> Result<(Trb, &'t [Trb], u32), PushError> {
        let (head, tail) = trbs.split_first().ok_or(PushError::Empty)?;
        if let Some(index) = trbs.iter().position(|trb| trb.trb_type() == TrbType::LINK) {
            return Err(PushError::Link { index });
        }
        if self.kind == RingKind::Transfer && trbs.last().is_some_and(|trb| trb.chain()) {
            return Err(PushError::Endless);
        }
        let wanted = u32::try_from(trbs.len()).unwrap_or(u32::MAX);
        let (max, room) = (self.capacity(), self.room());
        if wanted > max {
            Err(PushError::TooLong { wanted, max })
        } else if wanted > room {
            Err(PushError::Full { wanted, room })
        } else {
            Ok((*head, tail, wanted))
        }
    }

    /// Fills the segment up to its Link with No Ops, each a TD of its own (xHCI 1.2 §4.11.7, §6.4.1.4), and says how many.
    ///
    /// For a TD that may not be cut where the Link is (TD fragments, §4.11.7.1). They make no event on a transfer ring and are
    /// retired along with whatever comes after them.
    ///
    /// # Errors
    /// [`PushError::Full`] when they do not fit; nothing was written.
    pub fn pad_to_link(&mut self) -> Result<u32, PushError> {
        let wanted = u32::from(self.track.link(self.enqueue.segment) - self.enqueue.index);
        let room = self.room();
        if wanted > room {
            return Err(PushError::Full { wanted, room });
        }
        for _ in 0..wanted {
            self.push_td(&[self.no_op()])?;
        }
        Ok(wanted)
    }

    /// How many TRBs can be pushed now.
    #[must_use]
    pub fn room(&self) -> u32 {
        self.capacity().saturating_sub(self.used)
    }

    /// How many TRBs fit the empty ring.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.track.trbs().saturating_sub(1)
    }

    /// How many TRBs are in flight, Links not counted.
    #[must_use]
    pub fn outstanding(&self) -> u32 {
        self.used
    }

    /// How many TRBs of a TD pushed now would lie before the first Link inside it.
    #[must_use]
    pub fn trbs_before_link(&self) -> u32 {
        self.stretches().next().unwrap_or(0)
    }

    /// How many TRBs lie between Links, from the enqueue pointer on, once around: where a TD pushed now would be cut.
    ///
    /// [`room`](Self::room) is another matter, and usually less than their sum.
    pub fn stretches(&self) -> impl Iterator<Item = u32> {
        let mut next = if self.track.is_link(self.enqueue) {
            self.track.behind(self.enqueue.segment)
        } else {
            self.enqueue
        };
        (0..self.track.segments()).map(move |_| {
            let here = next;
            next = self.track.behind(here.segment);
            u32::from(self.track.link(here.segment) - here.index)
        })
    }

    /// Inserts a segment behind the one that the enqueue pointer is in (xHCI 1.2 §4.9.2.3).
    ///
    /// The Link that changes has not been handed over. When the ring's turning point was behind this segment, it moves to
    /// the new one; either way the producer enters the new segment with its present cycle state, so all TRBs in it begin with the other.
    ///
    /// # Errors
    /// [`GrowError`] with the buffer: when it is no segment, or while the consumer may still be ahead in the same segment and so
    /// has yet to pass the Link as it is.
    pub fn grow(&mut self, segment: B) -> Result<(), GrowError<B>> {
        let (enqueue, dequeue) = (self.enqueue, self.dequeue);
        if dequeue.segment == enqueue.segment && dequeue.index > enqueue.index {
            return Err(GrowError::ConsumerAhead { segment });
        }
        let inserted = self
            .track
            .insert_behind(enqueue.segment, segment, !self.cycle);
        inserted.map_err(|(error, segment)| GrowError::Segment { error, segment })
    }

    /// Notes that the controller is done with everything up to and including the TRB at `through`; says how many TRBs that freed.
    ///
    /// The address comes from the controller and may be anything; a Link is as good as the TRB before it.
    ///
    /// # Errors
    /// [`RetireError`] when no TRB in flight is there; nothing was freed.
    pub fn retire(&mut self, through: Iova) -> Result<u32, RetireError> {
        let (position, before) = self.find(through)?;
        let (dequeue, freed) = if self.track.is_link(position) {
            (position, before)
        } else {
            (position.next(), before + 1)
        };
        self.dequeue = dequeue;
        self.used -= freed;
        Ok(freed)
    }

    /// Notes that the controller's dequeue pointer is at `dequeue`: everything before is done; says how many TRBs that freed.
    ///
    /// # Errors
    /// [`RetireError`] when neither a TRB in flight nor the enqueue pointer is there; nothing was freed.
    pub fn retire_before(&mut self, dequeue: Iova) -> Result<u32, RetireError> {
        let (position, freed) = match self.find(dequeue) {
            Err(RetireError::NotOutstanding { .. })
                if self.position_of(dequeue) == Some(self.enqueue) =>
            {
                (self.enqueue, self.used)
            }
            found => found?,
        };
        self.dequeue = position;
        self.used -= freed;
        Ok(freed)
    }

    /// The place of a TRB in flight and how many TRBs in flight come before it.
    fn find(&self, at: Iova) -> Result<(RingPosition, u32), RetireError> {
        let position = self.position_of(at).ok_or(RetireError::NotOnRing { at })?;
        match self.track.distance(self.dequeue, position) {
            Some(before) if before < self.used => Ok((position, before)),
            _ => Err(RetireError::NotOutstanding { at }),
        }
    }

    /// The place at this address, if it is the address of one of the ring's TRBs, Links included.
    #[must_use]
    pub fn position_of(&self, at: Iova) -> Option<RingPosition> {
        self.track.position_of(at)
    }

    /// The address of this place, if it is one of this ring's.
    #[must_use]
    pub fn address_of(&self, position: RingPosition) -> Option<Iova> {
        let known = self.track.contains(position);
        known.then(|| self.track.address(position))
    }

    /// The addresses of a TD's TRBs in their order, Links left out. The TD must be in flight as a whole.
    pub fn addresses(&self, td: &TdSpan) -> impl Iterator<Item = Iova> {
        let positions = self.track.positions(*td);
        positions.map(|position| self.track.address(position))
    }

    /// How many of the TD's TRBs come before the one at `at`; `None` when `at` is not in the TD.
    ///
    /// A Link inside the TD is in it, and counts like the TRB behind it.
    #[must_use]
    pub fn index_in(&self, td: &TdSpan, at: Iova) -> Option<u32> {
        let position = self.position_of(at)?;
        if self.track.is_link(position) && self.track.behind(position.segment) == td.first {
            return None;
        }
        // Counted from the end: what lies between here and there is in flight, and cannot have been pushed apart by growth.
        let after = self.track.distance(position, td.last)?;
        td.trbs.checked_sub(after)?.checked_sub(1)
    }

    /// Where the controller has to go on to leave this TD and all before it behind, with the cycle state there: what Set TR
    /// Dequeue Pointer asks for (xHCI 1.2 §4.6.10, §6.4.3.9).
    ///
    /// It is never a Link: controllers exist that stumble over one. If the TD ends at a Link that has not been handed over yet, it is now,
    /// for the controller will not come past it.
    ///
    /// # Errors
    /// [`NotOutstanding`] when the TD's last TRB is not in flight.
    pub fn dequeue_after(&mut self, td: &TdSpan) -> Result<(Iova, bool), NotOutstanding> {
        let before = self.track.distance(self.dequeue, td.last);
        if before.is_none_or(|before| before >= self.used) {
            return Err(NotOutstanding);
        }
        Ok(self.entry(td.last.next()))
    }

    /// Where the next TD will begin, with its cycle state: what a context or CRCR is told about an empty ring. Never a Link.
    pub fn enqueue(&mut self) -> (Iova, bool) {
        self.entry(self.enqueue)
    }

    /// The first TRB that has not been retired, with its cycle state; the same as [`enqueue`](Self::enqueue) when all have. Never a Link.
    pub fn dequeue(&mut self) -> (Iova, bool) {
        self.entry(self.dequeue)
    }

    /// The place a controller may be told to go to when it shall go to `position`, which lies between dequeue and enqueue pointer.
    fn entry(&mut self, position: RingPosition) -> (Iova, bool) {
        if !self.track.is_link(position) {
            return (self.track.address(position), self.cycle_at(position));
        }
        let behind = self.track.behind(position.segment);
        if position == self.enqueue {
            // The controller will stand behind this Link, so what comes next must too: the segment may not get a neighbour in between.
            self.pass_link(false);
        }
        (self.track.address(behind), self.cycle_at(behind))
    }

    /// Turns a TD into No Ops, each a TD of its own: chain bits go, cycle bits stay, Links inside stay Links (xHCI 1.2 §4.6.9, §4.11.7).
    ///
    /// The controller must not be running this ring. It may have part of the TD in its cache, if it stopped there: then it has to
    /// be sent past it as well ([`dequeue_after`](Self::dequeue_after)). On a command ring each No Op makes a completion event.
    ///
    /// # Errors
    /// [`NotOutstanding`] when the TD is not in flight as a whole; nothing was changed.
    pub fn make_no_op(&mut self, td: &TdSpan) -> Result<(), NotOutstanding> {
        self.require(td)?;
        let mut cycle = self.cycle_at(td.first);
        let mut expected = td.first;
        for position in self.track.positions(*td) {
            if position != expected {
                self.track.store_link(expected.segment, cycle, false);
                cycle ^= self.track.toggles(expected.segment);
            }
            self.track.store(position, self.no_op().with_cycle(cycle));
            expected = position.next();
        }
        Ok(())
    }

    fn no_op(&self) -> Trb {
        match self.kind {
            RingKind::Command => Command::NoOp.emit(),
            RingKind::Transfer => Transfer::NoOp {
                ioc: false,
                chain: false,
                evaluate_next: false,
                interrupter: InterrupterId::default(),
            }
            .emit(),
        }
    }

    fn require(&self, td: &TdSpan) -> Result<(), NotOutstanding> {
        let before = self.track.distance(self.dequeue, td.first);
        let end = before.and_then(|before| before.checked_add(td.trbs));
        let whole = end.is_some_and(|end| end <= self.used) && self.track.contains(td.last);
        whole.then_some(()).ok_or(NotOutstanding)
    }

    /// Hands the Link over if the enqueue pointer stands on one.
    fn pass_link(&mut self, chain: bool) {
        if !self.track.is_link(self.enqueue) {
            return;
        }
        let here = self.enqueue.segment;
        let chain = chain && self.kind == RingKind::Transfer;
        self.track.store_link(here, self.cycle, chain);
        self.cycle ^= self.track.toggles(here);
        self.enqueue = self.track.behind(here);
    }

    /// The cycle state with which a place between dequeue and enqueue pointer was, or will be, written.
    fn cycle_at(&self, position: RingPosition) -> bool {
        self.cycle ^ self.track.turns_over(position, self.enqueue)
    }
}
