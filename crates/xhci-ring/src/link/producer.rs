use alloc::vec::Vec;

use memory::Iova;
use xhci_hal::DmaBuffer;
use xhci_spec::number::InterrupterId;
use xhci_spec::trb::{Command, Link, Transfer, Trb, TrbType};

use super::{GrowError, NotOutstanding, PushError, RetireError, RingPosition, TdSpan};
use crate::SegmentError;
use crate::segment::Segment;

/// The most segments of one ring; also the bound of every walk around it.
pub const SEGMENTS_MAX: usize = 256;

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
    joints: Vec<Joint<B>>,
    enqueue: RingPosition,
    dequeue: RingPosition,
    cycle: bool,
    /// TRBs from `dequeue` to `enqueue`, Links not counted.
    used: u32,
    /// TRBs of all segments, Links not counted.
    trbs: u32,
}

/// A segment and where its Link leads.
#[derive(Debug)]
struct Joint<B> {
    segment: Segment<B>,
    next: u16,
    toggles: bool,
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
        let mut joints = Vec::new();
        for buffer in segments {
            if joints.len() == SEGMENTS_MAX {
                return Err(SegmentError::TooMany { max: SEGMENTS_MAX });
            }
            let segment = Segment::new(buffer).map_err(|(error, _)| error)?;
            joints.push(Joint {
                segment,
                next: number(joints.len() + 1),
                toggles: false,
            });
        }
        let last = joints.last_mut().ok_or(SegmentError::None)?;
        last.next = 0;
        last.toggles = true;
        let trbs = joints.iter().map(Joint::trbs).sum();
        let mut ring = Self {
            kind,
            joints,
            enqueue: RingPosition::START,
            dequeue: RingPosition::START,
            cycle: true,
            used: 0,
            trbs,
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
        for joint in 0..number(self.joints.len()) {
            self.joint(joint).segment.blank(false);
            self.store_link(joint, false, false);
        }
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
            self.store(last, trb.with_cycle(self.cycle));
            self.enqueue = last.next();
            chain = trb.chain();
        }
        // The store releases everything before it: a consumer that sees this cycle bit sees the whole TD and the Links inside.
        self.store(first, head.with_cycle(first_cycle));
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
        let wanted = u32::from(self.joint(self.enqueue.segment).link() - self.enqueue.index);
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
        self.trbs.saturating_sub(1)
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
        let here = self.joint(self.enqueue.segment);
        let start = if self.enqueue.index < here.link() {
            self.enqueue
        } else {
            here.behind()
        };
        let mut next = start;
        (0..self.joints.len()).map(move |_| {
            let joint = self.joint(next.segment);
            let trbs = joint.link().saturating_sub(next.index);
            next = joint.behind();
            u32::from(trbs)
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
        if self.joints.len() >= SEGMENTS_MAX {
            return Err(GrowError::Segment {
                error: SegmentError::TooMany { max: SEGMENTS_MAX },
                segment,
            });
        }
        if self.dequeue.segment == self.enqueue.segment && self.dequeue.index > self.enqueue.index {
            return Err(GrowError::ConsumerAhead { segment });
        }
        let segment = Segment::new(segment)
            .map_err(|(error, segment)| GrowError::Segment { error, segment })?;
        let (old, new) = (self.enqueue.segment, number(self.joints.len()));
        let Joint { next, toggles, .. } = *self.joint(old);
        let joint = Joint {
            segment,
            next,
            toggles,
        };
        self.trbs += joint.trbs();
        joint.segment.blank(!self.cycle);
        self.joints.push(joint);
        let changed = self.joint_mut(old);
        changed.next = new;
        changed.toggles = false;
        // The way out of the new segment stands before the way into it.
        self.store_link(new, !self.cycle, false);
        self.store_link(old, !self.cycle, false);
        Ok(())
    }

    /// Notes that the controller is done with everything up to and including the TRB at `through`; says how many TRBs that freed.
    ///
    /// The address comes from the controller and may be anything; a Link is as good as the TRB before it.
    ///
    /// # Errors
    /// [`RetireError`] when no TRB in flight is there; nothing was freed.
    pub fn retire(&mut self, through: Iova) -> Result<u32, RetireError> {
        let (position, before) = self.find(through)?;
        let joint = self.joint(position.segment);
        let (dequeue, freed) = if position.index == joint.link() {
            (joint.behind(), before)
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
        match self.distance(self.dequeue, position) {
            Some(before) if before < self.used => Ok((position, before)),
            _ => Err(RetireError::NotOutstanding { at }),
        }
    }

    /// The place at this address, if it is the address of one of the ring's TRBs, Links included.
    #[must_use]
    pub fn position_of(&self, at: Iova) -> Option<RingPosition> {
        let mut joints = self.joints.iter().enumerate();
        joints.find_map(|(segment, joint)| {
            let index = joint.segment.index_of(at)?;
            Some(RingPosition {
                segment: u16::try_from(segment).ok()?,
                index: u16::try_from(index).ok()?,
            })
        })
    }

    /// The address of this place, if it is one of this ring's.
    #[must_use]
    pub fn address_of(&self, position: RingPosition) -> Option<Iova> {
        let joint = self.joints.get(usize::from(position.segment))?;
        (position.index <= joint.link()).then(|| self.address(position))
    }

    /// The addresses of a TD's TRBs in their order, Links left out.
    pub fn addresses(&self, td: &TdSpan) -> impl Iterator<Item = Iova> {
        self.positions(*td).map(|position| self.address(position))
    }

    /// How many of the TD's TRBs come before the one at `at`; `None` when `at` is not in the TD.
    ///
    /// A Link inside the TD is in it, and counts like the TRB behind it.
    #[must_use]
    pub fn index_in(&self, td: &TdSpan, at: Iova) -> Option<u32> {
        let before = self.distance(td.first, self.position_of(at)?)?;
        (before < td.trbs).then_some(before)
    }

    /// Where the controller has to go on to leave this TD and all before it behind, with the cycle state there: what Set TR
    /// Dequeue Pointer asks for (xHCI 1.2 §4.6.10, §6.4.3.9).
    ///
    /// It is never a Link: controllers exist that stumble over one. If the TD ends at a Link that has not been handed over yet, it is now,
    /// for the controller will not come past it.
    ///
    /// # Errors
    /// [`NotOutstanding`] when the TD is not in flight.
    pub fn dequeue_after(&mut self, td: &TdSpan) -> Result<(Iova, bool), NotOutstanding> {
        self.require(td)?;
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
        let joint = self.joint(position.segment);
        if position.index < joint.link() {
            return (self.address(position), self.cycle_at(position));
        }
        let behind = joint.behind();
        if position == self.enqueue {
            // The controller will stand behind this Link, so what comes next must too: the segment may not get a neighbour in between.
            self.pass_link(false);
        }
        (self.address(behind), self.cycle_at(behind))
    }

    /// Turns a TD into No Ops, each a TD of its own: chain bits go, cycle bits stay, Links inside stay Links (xHCI 1.2 §4.6.9, §4.11.7).
    ///
    /// The controller must not be running this ring. It may have part of the TD in its cache, if it stopped there: then it has to
    /// be sent past it as well ([`dequeue_after`](Self::dequeue_after)). On a command ring each No Op makes a completion event.
    ///
    /// # Errors
    /// [`NotOutstanding`] when the TD is not in flight; nothing was changed.
    pub fn make_no_op(&mut self, td: &TdSpan) -> Result<(), NotOutstanding> {
        self.require(td)?;
        let mut cycle = self.cycle_at(td.first);
        let mut previous = td.first;
        for position in self.positions(*td) {
            if position.segment != previous.segment {
                self.store_link(previous.segment, cycle, false);
                cycle ^= self.joint(previous.segment).toggles;
            }
            self.store(position, self.no_op().with_cycle(cycle));
            previous = position;
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
}

impl<B: DmaBuffer> Producer<B> {
    fn require(&self, td: &TdSpan) -> Result<(), NotOutstanding> {
        let known = self.address_of(td.first).is_some() && self.address_of(td.last).is_some();
        let before = if known {
            self.distance(self.dequeue, td.first)
        } else {
            None
        };
        let whole = before
            .and_then(|before| before.checked_add(td.trbs))
            .is_some_and(|end| end <= self.used);
        whole.then_some(()).ok_or(NotOutstanding)
    }

    /// Hands the Link over if the enqueue pointer stands on one.
    fn pass_link(&mut self, chain: bool) {
        let here = self.enqueue.segment;
        let joint = self.joint(here);
        if self.enqueue.index < joint.link() {
            return;
        }
        let (behind, toggles) = (joint.behind(), joint.toggles);
        self.store_link(here, self.cycle, chain && self.kind == RingKind::Transfer);
        self.cycle ^= toggles;
        self.enqueue = behind;
    }

    fn store_link(&self, number: u16, cycle: bool, chain: bool) {
        let joint = self.joint(number);
        let next = self.joint(joint.next).segment.base();
        let link = Link {
            next,
            toggle_cycle: joint.toggles,
            chain,
            ioc: false,
            interrupter: InterrupterId::default(),
        };
        joint
            .segment
            .store(u32::from(joint.link()), link.emit().with_cycle(cycle));
    }

    fn store(&self, position: RingPosition, trb: Trb) {
        self.joint(position.segment)
            .segment
            .store(u32::from(position.index), trb);
    }

    fn address(&self, position: RingPosition) -> Iova {
        self.joint(position.segment)
            .segment
            .address(u32::from(position.index))
    }

    /// TRBs from one place to another in the direction of travel, Links not counted.
    fn distance(&self, from: RingPosition, to: RingPosition) -> Option<u32> {
        let mut here = from;
        let mut passed = 0;
        for _ in 0..=self.joints.len() {
            if here.segment == to.segment && here.index <= to.index {
                return Some(passed + u32::from(to.index - here.index));
            }
            let joint = self.joints.get(usize::from(here.segment))?;
            passed += u32::from(joint.link().saturating_sub(here.index));
            here = joint.behind();
        }
        None
    }

    /// The cycle state with which a place between dequeue and enqueue pointer was, or will be, written.
    fn cycle_at(&self, position: RingPosition) -> bool {
        let mut here = position;
        let mut cycle = self.cycle;
        for _ in 0..=self.joints.len() {
            if here.segment == self.enqueue.segment && here.index <= self.enqueue.index {
                break;
            }
            let joint = self.joint(here.segment);
            cycle ^= joint.toggles;
            here = joint.behind();
        }
        cycle
    }

    /// The places of a TD's TRBs, Links left out.
    fn positions(&self, td: TdSpan) -> impl Iterator<Item = RingPosition> + use<'_, B> {
        let mut next = td.first;
        (0..td.trbs).map_while(move |_| {
            let joint = self.joints.get(usize::from(next.segment))?;
            let here = if next.index < joint.link() {
                next
            } else {
                joint.behind()
            };
            next = here.next();
            Some(here)
        })
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "segment numbers are made here and checked where they come in"
    )]
    fn joint(&self, number: u16) -> &Joint<B> {
        &self.joints[usize::from(number)]
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "segment numbers are made here and checked where they come in"
    )]
    fn joint_mut(&mut self, number: u16) -> &mut Joint<B> {
        &mut self.joints[usize::from(number)]
    }
}

impl<B: DmaBuffer> Joint<B> {
    /// Index of the Link: the last TRB.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a segment has at most 4096 TRBs"
    )]
    fn link(&self) -> u16 {
        (self.segment.trbs() - 1) as u16
    }

    /// TRBs other than the Link.
    fn trbs(&self) -> u32 {
        self.segment.trbs() - 1
    }

    /// Where the Link leads.
    fn behind(&self) -> RingPosition {
        RingPosition {
            segment: self.next,
            index: 0,
        }
    }
}

/// A segment's number; there are at most [`SEGMENTS_MAX`].
#[expect(clippy::cast_possible_truncation, reason = "SEGMENTS_MAX is small")]
fn number(index: usize) -> u16 {
    index as u16
}
