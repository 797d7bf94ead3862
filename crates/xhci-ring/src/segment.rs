use core::fmt;

use memory::{Iova, Slice};
use xhci_hal::DmaBuffer;
use xhci_spec::trb::Trb;

/// The fewest TRBs of a segment: what an event ring segment must have (xHCI 1.2 §6.5), and a sane least for the others.
pub const SEGMENT_TRBS_MIN: u32 = 16;

/// The most TRBs of a segment: 64 KiB (xHCI 1.2 §6, table 6-1; for event rings also §6.5).
pub const SEGMENT_TRBS_MAX: u32 = 4096;

/// A segment may not cross a multiple of this many bytes (xHCI 1.2 §6, table 6-1).
const BOUNDARY: u64 = 0x1_0000;

/// The alignment of a segment: what command and event rings ask for; transfer rings would do with 16 (xHCI 1.2 §6, table 6-1).
const ALIGN: u64 = 64;

/// Bytes of a TRB.
pub(crate) const TRB_BYTES: u64 = Trb::SIZE as u64;

/// A buffer of our own, checked once to be fit for a ring segment.
#[derive(Debug)]
pub(crate) struct Segment<B> {
    buffer: B,
    trbs: u32,
}

impl<B: DmaBuffer> Segment<B> {
    /// Takes the buffer in, or gives it back with the reason.
    pub(crate) fn new(buffer: B) -> Result<Self, (SegmentError, B)> {
        match check(&buffer) {
            Ok(trbs) => Ok(Self { buffer, trbs }),
            Err(error) => Err((error, buffer)),
        }
    }

    /// How many TRBs it has, a Link included.
    pub(crate) fn trbs(&self) -> u32 {
        self.trbs
    }

    pub(crate) fn base(&self) -> Iova {
        self.buffer.iova()
    }

    /// The address of the TRB at `index`.
    pub(crate) fn address(&self, index: u32) -> Iova {
        self.base().offset(u64::from(index) * TRB_BYTES)
    }

    /// The index of the TRB at `at`, if it is one of this segment.
    pub(crate) fn index_of(&self, at: Iova) -> Option<u32> {
        let bytes = at.0.checked_sub(self.base().0)?;
        let index = u32::try_from(bytes / TRB_BYTES).ok()?;
        (bytes % TRB_BYTES == 0 && index < self.trbs).then_some(index)
    }

    /// Publishes a TRB: its control dword, with the cycle bit, becomes visible last (release; see `memory::Slice::store_block`).
    pub(crate) fn store(&self, index: u32, trb: Trb) {
        let stored = self
            .buffer
            .slice()
            .store_block(index as usize * Trb::SIZE, trb.0);
        debug_assert!(
            stored.is_ok(),
            "index {index} of a segment of {} TRBs",
            self.trbs
        );
    }

    /// Takes a TRB: control dword first (acquire). Zero, which no ring end takes for a TRB, when `index` is out of bounds.
    pub(crate) fn load(&self, index: u32) -> Trb {
        let loaded = self.buffer.slice().load_block(index as usize * Trb::SIZE);
        debug_assert!(
            loaded.is_ok(),
            "index {index} of a segment of {} TRBs",
            self.trbs
        );
        Trb(loaded.unwrap_or_default())
    }

    /// Makes every TRB one that the other side does not own while its cycle state is `!cycle`.
    pub(crate) fn blank(&self, cycle: bool) {
        for index in 0..self.trbs {
            self.store(index, Trb::ZERO.with_cycle(cycle));
        }
    }
}

fn check<B: DmaBuffer>(buffer: &B) -> Result<u32, SegmentError> {
    let (at, len) = (buffer.iova(), buffer.len());
    let trbs = u32::try_from(len / Trb::SIZE).unwrap_or(u32::MAX);
    let whole = len.is_multiple_of(Trb::SIZE) && trbs.is_multiple_of(SEGMENT_TRBS_MIN);
    if !whole || !(SEGMENT_TRBS_MIN..=SEGMENT_TRBS_MAX).contains(&trbs) {
        return Err(SegmentError::Length { len });
    }
    if !at.is_aligned(ALIGN) {
        return Err(SegmentError::Alignment { at });
    }
    if at.crosses(len as u64, BOUNDARY) {
        return Err(SegmentError::Boundary { at, len });
    }
    Ok(trbs)
}

/// Why buffers cannot be the segments of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentError {
    /// No buffer at all.
    None,
    /// More buffers than this crate, or the table they are to be listed in, has room for.
    TooMany {
        /// The most that is possible.
        max: usize,
    },
    /// A length that is not a multiple of 16 TRBs (256 bytes), is 0, or is more than 64 KiB.
    Length {
        /// The buffer's length in bytes.
        len: usize,
    },
    /// An address that is not a multiple of 64.
    Alignment {
        /// The buffer's address.
        at: Iova,
    },
    /// The buffer crosses a multiple of 64 KiB.
    Boundary {
        /// The buffer's address.
        at: Iova,
        /// Its length in bytes.
        len: usize,
    },
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "a ring needs at least one segment"),
            Self::TooMany { max } => {
                write!(f, "a ring here has at most {max} segments; use longer ones")
            }
            Self::Length { len } => write!(
                f,
                "{len} bytes are no ring segment; take a multiple of 256 up to 65536"
            ),
            Self::Alignment { at } => write!(
                f,
                "a ring segment cannot begin at {at}; align it to 64 bytes"
            ),
            Self::Boundary { at, len } => {
                write!(
                    f,
                    "a ring segment of {len} bytes at {at} crosses a multiple of 64 KiB; allocate it within one"
                )
            }
        }
    }
}

impl core::error::Error for SegmentError {}
