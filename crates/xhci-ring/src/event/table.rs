use memory::{Iova, Memory};

use super::EventRingError;
use crate::segment::{SEGMENT_TRBS_MAX, SEGMENT_TRBS_MIN, TRB_BYTES};

/// Bytes of an entry of the segment table (xHCI 1.2 §6.5).
pub const ERST_ENTRY_BYTES: usize = 16;

/// The bits of an entry's base address that count; the others are RsvdZ (xHCI 1.2 §6.5).
const BASE_MASK: u64 = !0x3f;

/// The bits of an entry's third dword that hold the size; the others are RsvdZ (xHCI 1.2 §6.5).
const SIZE_MASK: u32 = 0xffff;

/// An entry of the segment table that has been read and found usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) base: Iova,
    pub(super) trbs: u32,
}

impl Entry {
    /// Reads entry `number` of the table at `table`.
    pub(super) fn read<M: Memory>(
        memory: &M,
        table: Iova,
        number: u16,
    ) -> Result<Self, EventRingError> {
        let at = table.offset(u64::from(number) * ERST_ENTRY_BYTES as u64);
        let [low, high, size, _] =
            memory
                .load_block(at)
                .map_err(|fault| EventRingError::Table {
                    entry: number,
                    at,
                    fault,
                })?;
        let base = Iova((u64::from(high) << 32 | u64::from(low)) & BASE_MASK);
        let trbs = size & SIZE_MASK;
        let end = base.checked_add(u64::from(trbs) * TRB_BYTES);
        if !(SEGMENT_TRBS_MIN..=SEGMENT_TRBS_MAX).contains(&trbs) || end.is_none() {
            return Err(EventRingError::Segment {
                entry: number,
                base,
                trbs,
            });
        }
        Ok(Self { base, trbs })
    }

    /// The entry as it stands in memory.
    pub(super) fn emit(self) -> [u32; 4] {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the two halves of an address"
        )]
        let (low, high) = (self.base.0 as u32, (self.base.0 >> 32) as u32);
        [low, high, self.trbs, 0]
    }

    pub(super) fn address(self, index: u32) -> Iova {
        self.base.offset(u64::from(index) * TRB_BYTES)
    }

    pub(super) fn index_of(self, at: Iova) -> Option<u32> {
        let bytes = at.0.checked_sub(self.base.0)?;
        let index = u32::try_from(bytes / TRB_BYTES).ok()?;
        (bytes % TRB_BYTES == 0 && index < self.trbs).then_some(index)
    }
}
