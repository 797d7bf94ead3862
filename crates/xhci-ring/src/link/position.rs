/// A place on a ring: a segment, and a TRB in it.
///
/// Segments are numbered in the order in which the ring got them, which growth makes differ from the order in which they are
/// passed; so a position stays true for as long as the ring lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RingPosition {
    pub(super) segment: u16,
    pub(super) index: u16,
}

impl RingPosition {
    /// The ring's first TRB.
    pub(super) const START: Self = Self {
        segment: 0,
        index: 0,
    };

    /// The segment's number.
    #[must_use]
    pub const fn segment(self) -> u16 {
        self.segment
    }

    /// The TRB's index in the segment; the last one is the Link.
    #[must_use]
    pub const fn index(self) -> u16 {
        self.index
    }

    /// The TRB behind this one in the same segment.
    pub(super) const fn next(self) -> Self {
        Self {
            segment: self.segment,
            index: self.index.saturating_add(1),
        }
    }
}

/// Where a TD, or several that were pushed together, lies on its ring.
///
/// It means something until the TD is retired; later the same places hold other TDs, and growth may come between them. Of a TD
/// of which only a part is retired, the rest stays true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TdSpan {
    pub(super) first: RingPosition,
    pub(super) last: RingPosition,
    pub(super) trbs: u32,
}

impl TdSpan {
    /// Its first TRB.
    #[must_use]
    pub const fn first(&self) -> RingPosition {
        self.first
    }

    /// Its last TRB.
    #[must_use]
    pub const fn last(&self) -> RingPosition {
        self.last
    }

    /// How many TRBs it has, Links not counted.
    #[must_use]
    pub const fn trbs(&self) -> u32 {
        self.trbs
    }
}
