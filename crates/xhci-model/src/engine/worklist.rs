use alloc::boxed::Box;

use xhci_spec::number::{Dci, SlotId};

use crate::bit_set::ByteSet;

/// A set of endpoints that is cheap to walk when few are in it.
#[derive(Debug)]
pub(super) struct Worklist {
    slots: ByteSet,
    /// By slot, a bit for each DCI.
    endpoints: Box<[u32; 256]>,
}

impl Default for Worklist {
    fn default() -> Self {
        Self {
            slots: ByteSet::EMPTY,
            endpoints: Box::new([0; 256]),
        }
    }
}

impl Worklist {
    pub(super) fn insert(&mut self, slot: SlotId, dci: Dci) {
        self.slots.insert(u16::from(slot.get()));
        if let Some(flags) = self.endpoints.get_mut(slot.index()) {
            *flags |= dci.flag();
        }
    }

    pub(super) fn remove(&mut self, slot: SlotId, dci: Dci) {
        let Some(flags) = self.endpoints.get_mut(slot.index()) else {
            return;
        };
        *flags &= !dci.flag();
        if *flags == 0 {
            self.slots.remove(u16::from(slot.get()));
        }
    }

    pub(super) fn contains(&self, slot: SlotId, dci: Dci) -> bool {
        let flags = self.endpoints.get(slot.index());
        flags.is_some_and(|flags| flags & dci.flag() != 0)
    }

    /// The first member behind `last`, in order of slot and DCI.
    pub(super) fn after(&self, last: Option<(SlotId, Dci)>) -> Option<(SlotId, Dci)> {
        let (slot, dci) = last.map_or((0, 0), |(slot, dci)| (slot.get(), dci.get()));
        let same = self.endpoints.get(usize::from(slot)).copied().unwrap_or(0);
        let behind = same & u32::MAX.checked_shl(u32::from(dci) + 1).unwrap_or(0);
        if behind != 0 {
            return member(slot, behind);
        }
        let next = self.slots.iter().find(|next| *next > u16::from(slot))?;
        let next = u8::try_from(next).ok()?;
        member(next, *self.endpoints.get(usize::from(next))?)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.endpoints.fill(0);
    }
}

/// The first endpoint of these flags.
fn member(slot: u8, flags: u32) -> Option<(SlotId, Dci)> {
    let dci = u8::try_from(flags.trailing_zeros()).ok()?;
    Some((SlotId::new(slot)?, Dci::new(dci)?))
}
