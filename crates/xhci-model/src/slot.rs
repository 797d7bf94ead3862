//! Device slots: which device a slot stands for, and its endpoints. xHCI 1.2 §4.5.

pub(crate) mod contexts;

use alloc::boxed::Box;
use alloc::vec::Vec;

use usb_spec::Speed;
use xhci_spec::context::SlotContext;
use xhci_spec::number::{Dci, Iova, PortId, RouteString, SlotId, SpeedId};
use xhci_spec::state::SlotPhase;

use crate::endpoint::Endpoint;

/// Where an endpoint is: on the bus, and in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) slot: SlotId,
    pub(crate) dci: Dci,
    pub(crate) port: PortId,
    pub(crate) route: RouteString,
    /// The device's address.
    pub(crate) address: u8,
    /// The output device context.
    pub(crate) output: Iova,
}

/// The device that a slot stands for, as Address Device was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub(crate) port: PortId,
    pub(crate) route: RouteString,
    pub(crate) speed: Speed,
}

/// One device slot that software has.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) phase: SlotPhase,
    pub(crate) attachment: Option<Attachment>,
    pub(crate) address: u8,
    /// The output device context, from the DCBAA when the device got its address.
    pub(crate) output: Iova,
    /// What the output slot context holds.
    pub(crate) context: SlotContext,
    /// By DCI; entry 0 is never taken.
    endpoints: Vec<Option<Box<Endpoint>>>,
}

impl Slot {
    /// A slot as Enable Slot leaves it.
    pub(crate) fn new() -> Self {
        Self {
            phase: SlotPhase::Enabled,
            attachment: None,
            address: 0,
            output: Iova(0),
            context: SlotContext::default(),
            endpoints: (0..=Dci::MAX).map(|_| None).collect(),
        }
    }

    pub(crate) fn endpoint(&self, dci: Dci) -> Option<&Endpoint> {
        self.endpoints.get(dci.index())?.as_deref()
    }

    pub(crate) fn endpoint_mut(&mut self, dci: Dci) -> Option<&mut Endpoint> {
        self.endpoints.get_mut(dci.index())?.as_deref_mut()
    }

    /// Puts an endpoint in its place, or takes it away.
    pub(crate) fn set_endpoint(&mut self, dci: Dci, endpoint: Option<Endpoint>) {
        if let Some(place) = self.endpoints.get_mut(dci.index()) {
            *place = endpoint.map(Box::new);
        }
    }

    /// The endpoints that exist, as context flags.
    pub(crate) fn enabled(&self) -> u32 {
        Dci::all()
            .filter(|dci| self.endpoint(*dci).is_some())
            .fold(0, |flags, dci| flags | dci.flag())
    }

    /// Where one of its endpoints is; `None` before the slot stands for a device.
    pub(crate) fn place(&self, slot: SlotId, dci: Dci) -> Option<Place> {
        let Attachment { port, route, .. } = self.attachment?;
        Some(Place {
            slot,
            dci,
            port,
            route,
            address: self.address,
            output: self.output,
        })
    }
}

/// All slots.
#[derive(Debug)]
pub(crate) struct Slots {
    slots: Vec<Option<Box<Slot>>>,
}

impl Slots {
    pub(crate) fn new(max: u8) -> Self {
        Self {
            slots: (0..max).map(|_| None).collect(),
        }
    }

    pub(crate) fn get(&self, slot: SlotId) -> Option<&Slot> {
        self.slots.get(slot.index().checked_sub(1)?)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, slot: SlotId) -> Option<&mut Slot> {
        self.slots
            .get_mut(slot.index().checked_sub(1)?)?
            .as_deref_mut()
    }

    pub(crate) fn phase(&self, slot: SlotId) -> SlotPhase {
        self.get(slot)
            .map_or(SlotPhase::Disabled, |slot| slot.phase)
    }

    /// Gives out the lowest free slot up to `max_enabled`.
    pub(crate) fn enable(&mut self, max_enabled: u8) -> Option<SlotId> {
        let places = self.slots.iter_mut().take(usize::from(max_enabled));
        for (number, place) in (1..=u8::MAX).zip(places) {
            if place.is_none() {
                *place = Some(Box::new(Slot::new()));
                return SlotId::new(number);
            }
        }
        None
    }

    pub(crate) fn disable(&mut self, slot: SlotId) {
        let place = slot.index().checked_sub(1);
        if let Some(place) = place.and_then(|at| self.slots.get_mut(at)) {
            *place = None;
        }
    }

    /// The slots that software has.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SlotId, &Slot)> {
        (1..=u8::MAX)
            .zip(&self.slots)
            .filter_map(|(number, slot)| Some((SlotId::new(number)?, slot.as_deref()?)))
    }

    /// The slots that software has.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (SlotId, &mut Slot)> {
        (1..=u8::MAX)
            .zip(&mut self.slots)
            .filter_map(|(number, slot)| Some((SlotId::new(number)?, slot.as_deref_mut()?)))
    }

    pub(crate) fn clear(&mut self) {
        self.slots.fill_with(|| None);
    }
}

/// What a speed id means; ids without a default meaning are lanes of super speed plus. xHCI 1.2 §7.2.2.1.1.
pub(crate) fn speed_of(id: SpeedId) -> Option<Speed> {
    Some(match id {
        SpeedId::FULL => Speed::Full,
        SpeedId::LOW => Speed::Low,
        SpeedId::HIGH => Speed::High,
        SpeedId::SUPER => Speed::Super,
        SpeedId(5..=7) => Speed::SuperPlus,
        SpeedId(_) => return None,
    })
}
