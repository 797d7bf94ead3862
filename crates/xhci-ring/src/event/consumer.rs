use alloc::vec::Vec;

use memory::{Iova, Slice};
use xhci_hal::DmaBuffer;
use xhci_spec::trb::Trb;

use super::table::{ERST_ENTRY_BYTES, Entry};
use crate::SegmentError;
use crate::segment::Segment;

/// The driver's end of an event ring: it owns the segment table and the segments (xHCI 1.2 §4.9.4).
///
/// How many events are taken at a time is the caller's affair; after a batch, [`dequeue`](Self::dequeue) says what to write to ERDP.
#[derive(Debug)]
pub struct EventConsumer<B> {
    table: B,
    segments: Vec<Segment<B>>,
    segment: usize,
    index: u32,
    cycle: bool,
}

impl<B: DmaBuffer> EventConsumer<B> {
    /// Makes an empty ring of these segments and lists them in `table`, which is aligned to 64 bytes and has 16 bytes for each
    /// (xHCI 1.2 §6.5). How many the controller can use is in HCSPARAMS2 (ERST Max).
    ///
    /// # Errors
    /// [`SegmentError`] when a buffer is no segment, or there are none, or more than the table holds. The buffers are dropped.
    pub fn new(table: B, segments: impl IntoIterator<Item = B>) -> Result<Self, SegmentError> {
        if !table.iova().is_aligned(64) {
            return Err(SegmentError::Alignment { at: table.iova() });
        }
        let max = (table.len() / ERST_ENTRY_BYTES).min(usize::from(u16::MAX));
        let mut ring = Self {
            table,
            segments: Vec::new(),
            segment: 0,
            index: 0,
            cycle: true,
        };
        for buffer in segments {
            if ring.segments.len() == max {
                return Err(SegmentError::TooMany { max });
            }
            ring.segments
                .push(Segment::new(buffer).map_err(|(error, _)| error)?);
        }
        if ring.segments.is_empty() {
            return Err(SegmentError::None);
        }
        ring.reset();
        Ok(ring)
    }

    /// Empties the ring and begins anew, before ERSTBA is written again. The controller must have let go of it.
    pub fn reset(&mut self) {
        (self.segment, self.index, self.cycle) = (0, 0, true);
        for (number, segment) in self.segments.iter().enumerate() {
            segment.blank(false);
            let entry = Entry {
                base: segment.base(),
                trbs: segment.trbs(),
            };
            let stored = self
                .table
                .slice()
                .store_block(number * ERST_ENTRY_BYTES, entry.emit());
            debug_assert!(stored.is_ok(), "the table has room for entry {number}");
        }
    }

    /// Takes the next event, if there is one.
    pub fn pop(&mut self) -> Option<Trb> {
        let segment = self.segments.get(self.segment)?;
        // Control dword first, with acquire order: if its cycle bit is ours, so is the rest.
        let trb = segment.load(self.index);
        if trb.cycle() != self.cycle {
            return None;
        }
        self.index += 1;
        if self.index == segment.trbs() {
            self.index = 0;
            self.segment += 1;
            if self.segment == self.segments.len() {
                self.segment = 0;
                self.cycle = !self.cycle;
            }
        }
        Some(trb)
    }

    /// The first event not taken: the address for ERDP, and the index of its segment, of which the low three bits go into DESI
    /// (xHCI 1.2 §5.5.2.3.3).
    #[must_use]
    #[doc(alias = "ERDP")]
    #[doc(alias = "DESI")]
    pub fn dequeue(&self) -> (Iova, u16) {
        let at = self
            .segments
            .get(self.segment)
            .map_or(Iova(0), |segment| segment.address(self.index));
        (at, number(self.segment))
    }

    /// The table: its address for ERSTBA, and its number of entries for ERSTSZ.
    #[must_use]
    #[doc(alias = "ERSTBA")]
    #[doc(alias = "ERSTSZ")]
    pub fn erst(&self) -> (Iova, u16) {
        (self.table.iova(), number(self.segments.len()))
    }

    /// How many TRBs the ring has.
    #[must_use]
    pub fn trbs(&self) -> u32 {
        self.segments.iter().map(Segment::trbs).sum()
    }
}

/// A number of segments; [`EventConsumer::new`] takes no more than fit.
fn number(segments: usize) -> u16 {
    u16::try_from(segments).unwrap_or(u16::MAX)
}
