use core::fmt;

use xhci_spec::number::Iova;

/// What the device is about to do with a piece of memory; a mapping may allow one and not the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The device reads: commands, OUT data.
    DeviceReads,
    /// The device writes: events, IN data.
    DeviceWrites,
}

/// Why an address could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// No mapping holds this address, or the access would leave the mapping.
    Unmapped {
        /// The first address that is not mapped.
        at: Iova,
    },
    /// The mapping exists, but not for this direction.
    Denied {
        /// The address asked for.
        at: Iova,
        /// What was to be done there.
        direction: Direction,
    },
    /// A word or block access at an address that is not a multiple of its size.
    Misaligned {
        /// The address asked for.
        at: Iova,
        /// The alignment it needs, in bytes.
        align: u32,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmapped { at } => write!(f, "address {at} is not mapped for the device"),
            Self::Denied {
                at,
                direction: Direction::DeviceReads,
            } => {
                write!(f, "address {at} is mapped, but the device may not read it")
            }
            Self::Denied {
                at,
                direction: Direction::DeviceWrites,
            } => {
                write!(f, "address {at} is mapped, but the device may not write it")
            }
            Self::Misaligned { at, align } => {
                write!(f, "address {at} is not a multiple of {align}")
            }
        }
    }
}

impl core::error::Error for Fault {}

/// An access beyond the end of a [`Slice`](crate::Slice), or a word access at an offset that is not a multiple of its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutOfBounds {
    /// Where the access began, in bytes from the start of the slice.
    pub offset: usize,
    /// How many bytes it wanted.
    pub wanted: usize,
    /// How many bytes the slice has.
    pub len: usize,
}

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes at offset {} do not fit a slice of {} bytes, or are not aligned",
            self.wanted, self.offset, self.len
        )
    }
}

impl core::error::Error for OutOfBounds {}
