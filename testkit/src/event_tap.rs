use memory::{Direction, Fault, Iova, Memory};
use volmem::{AddressSpace, VolatileSlice};
use xhci_spec::trb::{CompletionCode, Event, Trb, TrbType};

use crate::Injector;
use crate::fault::{EventKind, Injury};

/// The model's memory, with a hand on the events that it writes.
///
/// An event that is to be lost gives its place on the ring to an MFINDEX Wrap Event, which is legal at any time and tells nobody anything
/// (xHCI 1.2 §6.4.2.8): a place left empty would be no lost event but a broken ring.
#[derive(Clone, Debug)]
pub struct EventTap {
    space: AddressSpace,
    injector: Injector,
}

impl EventTap {
    /// A tap on `space`.
    #[must_use]
    pub const fn new(space: AddressSpace, injector: Injector) -> Self {
        Self { space, injector }
    }
}

impl Memory for EventTap {
    type Slice = VolatileSlice;

    fn slice(&self, at: Iova, len: usize, direction: Direction) -> Result<VolatileSlice, Fault> {
        self.space.slice(at, len, direction)
    }

    fn load32(&self, at: Iova) -> Result<u32, Fault> {
        self.space.load32(at)
    }

    fn store32(&self, at: Iova, value: u32) -> Result<(), Fault> {
        self.space.store32(at, value)
    }

    fn load64(&self, at: Iova) -> Result<u64, Fault> {
        self.space.load64(at)
    }

    fn store64(&self, at: Iova, value: u64) -> Result<(), Fault> {
        self.space.store64(at, value)
    }

    fn load_block(&self, at: Iova) -> Result<[u32; 4], Fault> {
        self.space.load_block(at)
    }

    fn store_block(&self, at: Iova, block: [u32; 4]) -> Result<(), Fault> {
        let event = Trb(block);
        let kind = match event.trb_type() {
            TrbType::TRANSFER_EVENT => Some(EventKind::Transfer),
            TrbType::COMMAND_COMPLETION => Some(EventKind::Command),
            TrbType::PORT_STATUS_CHANGE => Some(EventKind::Port),
            _ => None,
        };
        let lost = kind.is_some_and(|kind| self.injector.strikes(Injury::Event(kind)));
        let written = if lost { nothing(event).0 } else { block };
        self.space.store_block(at, written)
    }
}

/// An event that says nothing, with the cycle bit of `event`.
fn nothing(event: Trb) -> Trb {
    let code = CompletionCode::SUCCESS;
    Event::MfindexWrap { code }.emit().with_cycle(event.cycle())
}
