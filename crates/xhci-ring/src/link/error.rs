use core::fmt;

use memory::{Fault, Iova};

use crate::SegmentError;

/// Why a TD was not written; the ring is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushError {
    /// Too many TRBs are still in flight.
    Full {
        /// TRBs that the TD has.
        wanted: u32,
        /// TRBs that there is room for.
        room: u32,
    },
    /// The ring could not hold it even when empty.
    TooLong {
        /// TRBs that the TD has.
        wanted: u32,
        /// TRBs that fit the empty ring.
        max: u32,
    },
    /// There is no TRB in it.
    Empty,
    /// Its last TRB has the chain bit, so the TD has no end.
    Endless,
    /// It holds a Link TRB, which only the ring itself may write.
    Link {
        /// Index of the Link in the TD.
        index: usize,
    },
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { wanted, room } => write!(
                f,
                "the ring has room for {room} TRBs, not {wanted}; retire some or let it grow"
            ),
            Self::TooLong { wanted, max } => write!(
                f,
                "a TD of {wanted} TRBs never fits a ring that holds {max}; let it grow or split the TD"
            ),
            Self::Empty => write!(f, "a TD has at least one TRB"),
            Self::Endless => write!(f, "the last TRB of a TD may not have the chain bit"),
            Self::Link { index } => write!(
                f,
                "TRB {index} of the TD is a Link; the ring writes its Links itself"
            ),
        }
    }
}

impl core::error::Error for PushError {}

/// An address by which the other side claims to have moved on, but cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetireError {
    /// No TRB of this ring is at this address.
    NotOnRing {
        /// The address.
        at: Iova,
    },
    /// The TRB at this address is not in flight.
    NotOutstanding {
        /// The address.
        at: Iova,
    },
}

impl fmt::Display for RetireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOnRing { at } => write!(f, "{at} is no TRB of this ring"),
            Self::NotOutstanding { at } => write!(f, "the TRB at {at} is not in flight"),
        }
    }
}

impl core::error::Error for RetireError {}

/// The TD has been retired, or was never on this ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOutstanding;

impl fmt::Display for NotOutstanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the TD is not in flight on this ring")
    }
}

impl core::error::Error for NotOutstanding {}

/// Why a ring did not grow; the buffer comes back.
#[derive(Debug)]
pub enum GrowError<B> {
    /// The consumer has yet to pass the Link that would have to change: it stands behind the producer in the same segment.
    ///
    /// Try again when it has left the segment.
    ConsumerAhead {
        /// The buffer that was to become a segment.
        segment: B,
    },
    /// The buffer cannot be a segment.
    Segment {
        /// What is wrong with it.
        error: SegmentError,
        /// The buffer.
        segment: B,
    },
}

impl<B> GrowError<B> {
    /// The buffer that did not become a segment.
    pub fn into_segment(self) -> B {
        match self {
            Self::ConsumerAhead { segment } | Self::Segment { segment, .. } => segment,
        }
    }
}

impl<B> fmt::Display for GrowError<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConsumerAhead { .. } => write!(
                f,
                "the ring cannot grow while the controller stands ahead in the same segment; retry when it has left"
            ),
            Self::Segment { error, .. } => error.fmt(f),
        }
    }
}

impl<B: fmt::Debug> core::error::Error for GrowError<B> {}

/// Why the next TRB of a foreign ring cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumeError {
    /// The address that the ring leads to cannot be read.
    Unreadable {
        /// The address.
        at: Iova,
        /// What is wrong with it.
        fault: Fault,
    },
    /// More than [`LINKS_MAX`](super::LINKS_MAX) Links in a row.
    TooManyLinks {
        /// The Link at which patience ended.
        at: Iova,
    },
    /// A TD of more than [`TD_TRBS_MAX`](super::TD_TRBS_MAX) TRBs.
    TdTooLong {
        /// The TD's first TRB.
        at: Iova,
    },
}

impl fmt::Display for ConsumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { at, fault } => write!(f, "the ring leads to {at}: {fault}"),
            Self::TooManyLinks { at } => write!(f, "the ring is nothing but Links around {at}"),
            Self::TdTooLong { at } => write!(f, "the TD at {at} does not end"),
        }
    }
}

impl core::error::Error for ConsumeError {}
