//! A look at a ring from outside, for dumps and tests: it changes nothing, belongs to nobody and trusts nothing.

use memory::{Fault, Iova, Memory};
use xhci_spec::trb::{Link, Trb};

use crate::segment::TRB_BYTES;

/// The most TRBs, Links included, that one look goes over.
pub const PROBE_MAX: u32 = 65_536;

/// Goes along a ring from a given TRB, through its Links, whether the TRBs have been handed over or not.
///
/// It ends where it began, where memory cannot be read, or after `limit` TRBs, whatever comes first.
#[derive(Debug)]
pub struct Probe<'m, M> {
    memory: &'m M,
    start: Iova,
    next: Option<(Iova, bool)>,
    left: u32,
}

/// One TRB as the probe saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its address.
    pub at: Iova,
    /// The TRB.
    pub trb: Trb,
    /// Whether its cycle bit says that the consumer owns it.
    pub handed_over: bool,
    /// The Link, if it is one.
    pub link: Option<Link>,
}

/// An address to which the ring leads and which cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The address.
    pub at: Iova,
    /// Why.
    pub fault: Fault,
}

/// Looks along the command or transfer ring that a consumer reads from `start` with cycle state `cycle`; at most `limit` TRBs, and
/// never more than [`PROBE_MAX`].
pub fn probe<M: Memory>(memory: &M, start: Iova, cycle: bool, limit: u32) -> Probe<'_, M> {
    let start = Iova(start.0 & !(TRB_BYTES - 1));
    Probe {
        memory,
        start,
        next: Some((start, cycle)),
        left: limit.min(PROBE_MAX),
    }
}

impl<M: Memory> Iterator for Probe<'_, M> {
    type Item = Result<Seen, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let (at, cycle) = self.next.take()?;
        self.left = self.left.checked_sub(1)?;
        let trb = match self.memory.load_block(at) {
            Ok(block) => Trb(block),
            Err(fault) => return Some(Err(Unreadable { at, fault })),
        };
        let link = Link::parse(trb).ok();
        let next = match link {
            Some(link) => (link.next, cycle ^ link.toggle_cycle),
            None => (at.offset(TRB_BYTES), cycle),
        };
        self.next = (next.0 != self.start).then_some(next);
        Some(Ok(Seen {
            at,
            trb,
            handed_over: trb.cycle() == cycle,
            link,
        }))
    }
}
