use alloc::vec::Vec;

use memory::Iova;
use xhci_hal::DmaBuffer;
use xhci_spec::number::InterrupterId;
use xhci_spec::trb::{Link, Trb};

use super::{RingPosition, TdSpan};
use crate::SegmentError;
use crate::segment::Segment;

/// The most segments of one ring; also the bound of every walk around it.
pub const SEGMENTS_MAX: usize = 256;

/// The segments of a ring and how their Links join them: where things lie, not who owns them.
#[derive(Debug)]
pub(super) struct Track<B> {
    joints: Vec<Joint<B>>,
    trbs: u32,
}

/// A segment and where its Link leads.
#[derive(Debug)]
struct Joint<B> {
    segment: Segment<B>,
    next: u16,
    toggles: bool,
}

impl<B: DmaBuffer> Track<B> {
    /// Joins the segments in this order; the last one's Link turns the cycle state over. Nothing is written yet.
    pub(super) fn new(segments: impl IntoIterator<Item = B>) -> Result<Self, SegmentError> {
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
        let trbs = joints.iter().map(|joint| u32::from(joint.link())).sum();
        Ok(Self { joints, trbs })
    }

    /// Writes every TRB with cycle bit 0, and the Links.
    pub(super) fn blank(&self) {
        for segment in 0..number(self.joints.len()) {
            self.joint(segment).segment.blank(false);
            self.store_link(segment, false, false);
        }
    }

    /// Inserts a segment behind segment `old`, whose Link still has cycle bit `blank`, and gives all its TRBs that cycle bit.
    pub(super) fn insert_behind(
        &mut self,
        old: u16,
        buffer: B,
        blank: bool,
    ) -> Result<(), (SegmentError, B)> {
        if self.joints.len() >= SEGMENTS_MAX {
            return Err((SegmentError::TooMany { max: SEGMENTS_MAX }, buffer));
        }
        let segment = Segment::new(buffer)?;
        let new = number(self.joints.len());
        let changed = self.joint_mut(old);
        let joint = Joint {
            segment,
            next: changed.next,
            toggles: changed.toggles,
        };
        changed.next = new;
        changed.toggles = false;
        joint.segment.blank(blank);
        self.trbs += u32::from(joint.link());
        self.joints.push(joint);
        // The way out of the new segment stands before the way into it.
        self.store_link(new, blank, false);
        self.store_link(old, blank, false);
        Ok(())
    }

    /// How many segments there are.
    pub(super) fn segments(&self) -> usize {
        self.joints.len()
    }

    /// TRBs of all segments, Links not counted.
    pub(super) fn trbs(&self) -> u32 {
        self.trbs
    }

    /// The index of a segment's Link: its last TRB.
    pub(super) fn link(&self, segment: u16) -> u16 {
        self.joint(segment).link()
    }

    /// Whether this is the place of a Link.
    pub(super) fn is_link(&self, position: RingPosition) -> bool {
        position.index >= self.link(position.segment)
    }

    /// Where a segment's Link leads.
    pub(super) fn behind(&self, segment: u16) -> RingPosition {
        self.joint(segment).behind()
    }

    /// Whether a segment's Link turns the cycle state over.
    pub(super) fn toggles(&self, segment: u16) -> bool {
        self.joint(segment).toggles
    }

    pub(super) fn store(&self, position: RingPosition, trb: Trb) {
        let segment = &self.joint(position.segment).segment;
        segment.store(u32::from(position.index), trb);
    }

    pub(super) fn store_link(&self, segment: u16, cycle: bool, chain: bool) {
        let joint = self.joint(segment);
        let link = Link {
            next: self.joint(joint.next).segment.base(),
            toggle_cycle: joint.toggles,
            chain,
            ioc: false,
            interrupter: InterrupterId::default(),
        };
        let trb = link.emit().with_cycle(cycle);
        joint.segment.store(u32::from(joint.link()), trb);
    }

    pub(super) fn address(&self, position: RingPosition) -> Iova {
        let segment = &self.joint(position.segment).segment;
        segment.address(u32::from(position.index))
    }

    pub(super) fn contains(&self, position: RingPosition) -> bool {
        let joint = self.joints.get(usize::from(position.segment));
        joint.is_some_and(|joint| position.index <= joint.link())
    }

    pub(super) fn position_of(&self, at: Iova) -> Option<RingPosition> {
        let mut joints = self.joints.iter().zip(0u16..);
        joints.find_map(|(joint, segment)| {
            let index = joint.segment.index_of(at)?;
            let index = u16::try_from(index).ok()?;
            Some(RingPosition { segment, index })
        })
    }

    /// TRBs from one place to another in the direction of travel, Links not counted; 0 from a Link to what it leads to.
    ///
    /// `None` only for places of another ring.
    pub(super) fn distance(&self, from: RingPosition, to: RingPosition) -> Option<u32> {
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

    /// Whether the cycle state differs between two places, the second reached from the first.
    pub(super) fn turns_over(&self, from: RingPosition, to: RingPosition) -> bool {
        let mut here = from;
        let mut turned = false;
        for _ in 0..=self.joints.len() {
            if here.segment == to.segment && here.index <= to.index {
                break;
            }
            let joint = self.joint(here.segment);
            turned ^= joint.toggles;
            here = joint.behind();
        }
        turned
    }

    /// The places of a TD's TRBs, Links left out.
    pub(super) fn positions(&self, td: TdSpan) -> impl Iterator<Item = RingPosition> + use<'_, B> {
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
    fn joint(&self, segment: u16) -> &Joint<B> {
        &self.joints[usize::from(segment)]
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "segment numbers are made here and checked where they come in"
    )]
    fn joint_mut(&mut self, segment: u16) -> &mut Joint<B> {
        &mut self.joints[usize::from(segment)]
    }
}

impl<B: DmaBuffer> Joint<B> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a segment has 16 to 4096 TRBs"
    )]
    fn link(&self) -> u16 {
        (self.segment.trbs() - 1) as u16
    }

    fn behind(&self) -> RingPosition {
        RingPosition {
            segment: self.next,
            index: 0,
        }
    }
}

/// A segment's number.
#[expect(clippy::cast_possible_truncation, reason = "SEGMENTS_MAX is small")]
fn number(index: usize) -> u16 {
    index as u16
}
