//! Who hangs where: places, parents, translators.

use alloc::vec::Vec;

use usb_spec::endpoint::TransferKind;
use usb_spec::speed::Speed;
use usb_spec::time::Instant;
use xhci_spec::number::{PortId, RouteString, SlotId, SpeedId};

use crate::control::Control;
use crate::device::speed_id;
use crate::job::{HubRequest, Input, Job, JobId};
use crate::port::{Port, PortEvent};
use crate::{EndpointKey, Hal, Parent, Place, TransferError, Translator};

impl<H: Hal> Control<H> {
    /// The device on a root hub port itself, known or on its way.
    pub(crate) fn slot_on(&self, port: PortId) -> Option<SlotId> {
        self.slot_at(Place::root(port))
    }

    /// The device at this place, known or on its way.
    pub(crate) fn slot_at(&self, place: Place) -> Option<SlotId> {
        let mut devices = self.devices.values().map(|device| &device.info);
        devices
            .find(|info| info.place == place)
            .map(|info| info.slot)
    }

    /// The place behind a hub's port; `None` beyond the fifth tier, or a port that no route can name.
    pub(crate) fn place_behind(&self, parent: Parent) -> Option<Place> {
        let hub = &self.devices.get(&parent.hub)?.info;
        if hub.place.route.depth() >= RouteString::TIERS || parent.port > 15 {
            return None;
        }
        let route = hub.place.route.push(parent.port)?;
        Some(Place {
            port: hub.place.port,
            route,
            parent: Some(parent),
        })
    }

    /// The translator that a device of this speed needs there: the high-speed hub nearest to it on its way. xHCI 1.2 §6.2.2.
    pub(crate) fn translator(&self, place: Place, speed: Speed) -> Option<Translator> {
        if !matches!(speed, Speed::Low | Speed::Full) {
            return None;
        }
        let at = place.parent?;
        let hub = &self.devices.get(&at.hub)?.info;
        match hub.speed {
            Speed::High => Some(Translator {
                at,
                multi: hub.hub.is_some_and(|hub| hub.multi_tt),
            }),
            // A full-speed hub hands on what stands above it.
            _ => hub.translator,
        }
    }

    /// How the controller calls a speed behind this hub.
    pub(crate) fn speed_id(&self, hub: SlotId, speed: Speed) -> SpeedId {
        let port = self.devices.get(&hub).map(|device| device.info.place.port);
        let protocol = port.and_then(|port| self.registers.capabilities.protocol(port));
        speed_id(protocol, speed)
    }

    /// Hands a request to a hub; says whether there is one that works.
    pub(crate) fn ask_hub(&mut self, hub: SlotId, request: HubRequest) -> bool {
        let job = self.devices.get(&hub).and_then(|device| device.hub_job);
        if let Some(job) = job {
            self.feed(job, Input::Hub(request));
        }
        job.is_some()
    }

    /// The device there could not be used: wait for another.
    pub(crate) fn give_place_up(&mut self, place: Place) {
        if let Some(parent) = place.parent {
            self.ask_hub(parent.hub, HubRequest::GiveUp { port: parent.port });
        } else if let Some((port, _)) = self.port_mut(place.port) {
            port.give_up();
        }
    }

    /// Whatever is plugged in there now is looked at as if it were new.
    pub(crate) fn begin_port_again(&mut self, place: Place, now: Instant) {
        let policy = self.policy.clone();
        if let Some(parent) = place.parent {
            self.ask_hub(parent.hub, HubRequest::BeginAgain { port: parent.port });
        } else if let Some((port, _)) = self.port_mut(place.port) {
            port.begin_again(&policy, now);
        }
    }

    /// What became ready there while its predecessor was still being taken away gets its turn.
    pub(crate) fn look_for_waiting(&mut self, place: Place, now: Instant) {
        if let Some(parent) = place.parent {
            self.ask_hub(parent.hub, HubRequest::Waiting { port: parent.port });
        } else if self.port(place.port).is_some_and(Port::is_waiting) {
            self.port_event(place.port, PortEvent::Ready, now);
        }
    }

    /// The devices that hang on this hub's ports.
    pub(crate) fn children(&self, hub: SlotId) -> Vec<SlotId> {
        let devices = self.devices.values().map(|device| &device.info);
        devices
            .filter(|info| info.place.parent.is_some_and(|parent| parent.hub == hub))
            .map(|info| info.slot)
            .collect()
    }

    /// A hub no longer works: its job is over, its buffers come back with its endpoints, and what was on its way behind it is gone.
    pub(crate) fn stop_hub(&mut self, slot: SlotId) {
        let job = self
            .devices
            .get_mut(&slot)
            .and_then(|device| device.hub_job.take());
        if let Some(job) = job {
            self.drop_job(job);
        }
        if let Some(device) = self.devices.get_mut(&slot) {
            device.info.hub = None;
        }
        let behind = |(id, job): (&JobId, &Job<H>)| job.is_behind(slot).then_some(*id);
        let orphans: Vec<JobId> = self.jobs.iter().filter_map(behind).collect();
        for job in orphans {
            self.feed(job, Input::Port(PortEvent::Gone));
        }
    }

    /// A transfer behind a translator ended badly: the translator may hold the rest of it. USB 2.0 §11.17.5, §11.24.2.3.
    pub(crate) fn clear_translator(&mut self, key: EndpointKey, error: TransferError) {
        let Some(info) = self.devices.get(&key.slot).map(|device| &device.info) else {
            return;
        };
        let Some(translator) = info.translator.filter(|_| error != TransferError::Stall) else {
            return;
        };
        let kind = match info
            .endpoints
            .iter()
            .find(|endpoint| endpoint.dci == key.dci)
        {
            Some(endpoint) => endpoint.kind,
            None => TransferKind::Control,
        };
        // Interrupt and isochronous splits are periodic and leave nothing behind.
        if !matches!(kind, TransferKind::Control | TransferKind::Bulk) {
            return;
        }
        let (number, address) = (
            u16::from(key.dci.endpoint_number()),
            u16::from(info.address),
        );
        let value = |direction_in: bool| {
            number | address << 4 | u16::from(kind.bits()) << 11 | u16::from(direction_in) << 15
        };
        let port = if translator.multi {
            translator.at.port
        } else {
            1
        };
        let clear = |direction_in| HubRequest::ClearTt {
            value: value(direction_in),
            port,
        };
        if kind == TransferKind::Control {
            self.ask_hub(translator.at.hub, clear(false));
            self.ask_hub(translator.at.hub, clear(true));
        } else {
            self.ask_hub(translator.at.hub, clear(key.dci.is_in()));
        }
    }
}
