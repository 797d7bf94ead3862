use core::fmt;

use memory::{Fault, Iova};

/// Why an event cannot be written: the driver set the ring up wrongly. A controller answers with Host Controller Error or Host System Error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventRingError {
    /// The ring has not been started, or its table has no entries.
    NoTable,
    /// The table has more entries than the controller can use (ERST Max, xHCI 1.2 §5.3.4).
    TooManySegments {
        /// Entries that the driver set.
        entries: u16,
        /// Entries that are possible.
        max: u16,
    },
    /// An entry of the table cannot be read.
    Table {
        /// Its number.
        entry: u16,
        /// Its address.
        at: Iova,
        /// Why.
        fault: Fault,
    },
    /// An entry describes a segment that cannot be: fewer than 16 TRBs, more than 4096 (xHCI 1.2 §6.5), or past the end of the address space.
    Segment {
        /// Its number.
        entry: u16,
        /// Where the segment is said to begin.
        base: Iova,
        /// How many TRBs it is said to have.
        trbs: u32,
    },
    /// The place where the event belongs cannot be written.
    Unwritable {
        /// The address.
        at: Iova,
        /// Why.
        fault: Fault,
    },
}

impl fmt::Display for EventRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTable => write!(
                f,
                "the event ring has no segment table; write ERSTSZ, ERDP and ERSTBA first"
            ),
            Self::TooManySegments { entries, max } => write!(
                f,
                "the event ring's table has {entries} entries, the controller can use {max}"
            ),
            Self::Table { entry, at, fault } => write!(
                f,
                "entry {entry} of the event ring's table at {at} cannot be read: {fault}"
            ),
            Self::Segment { entry, base, trbs } => write!(
                f,
                "entry {entry} of the event ring's table says {trbs} TRBs at {base}; 16 to 4096 are possible"
            ),
            Self::Unwritable { at, fault } => {
                write!(f, "an event cannot be written to {at}: {fault}")
            }
        }
    }
}

impl core::error::Error for EventRingError {}
