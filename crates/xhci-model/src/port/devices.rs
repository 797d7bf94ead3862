//! The devices on the ports.

use alloc::boxed::Box;

use memory::Slice;
use usb_model::{Output, UsbDevice, WorkDone};
use usb_spec::time::Instant;
use xhci_spec::number::{PortId, RouteString};
use xhci_spec::state::PortInput;

use super::{AttachError, Ports, port_id};
use crate::options::protocol_of;

/// What has to be told because of a change of a port, in this order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chores {
    pub(crate) port: PortId,
    /// The port's transfers have to be ended.
    pub(crate) lost: bool,
    /// Then the device has to be reset.
    reset: bool,
    /// Then it has to be told of suspend (true) or resume (false).
    suspend: Option<bool>,
}

impl<S: Slice> Ports<S> {
    pub(crate) fn attach(
        &mut self,
        id: PortId,
        device: Box<dyn UsbDevice<S>>,
        now: Instant,
    ) -> Result<(), AttachError> {
        let plug = self.plugs.wrapping_add(1);
        let connect = self.behaviour.usb2_connect;
        let detect = self.behaviour.usb3_detect;
        let port = self.get_mut(id).ok_or(AttachError::NoSuchPort)?;
        if port.device.is_some() {
            return Err(AttachError::Occupied);
        }
        if protocol_of(device.speed()) != port.protocol {
            return Err(AttachError::WrongProtocol);
        }
        let delay = if device.speed().is_super() {
            detect
        } else {
            connect
        };
        port.device = Some(device);
        port.plug = plug;
        port.told_suspended = false;
        if port.machine.is_disconnected() {
            port.pending = Some((now + delay, PortInput::Attach));
        }
        self.plugs = plug;
        self.occupied.insert(id.get().into());
        self.note(id);
        Ok(())
    }

    /// Pulls the device out. `None` also while a worker has its buffers: then it comes out of [`Self::take_departed`].
    pub(crate) fn detach(&mut self, id: PortId, now: Instant) -> Option<Box<dyn UsbDevice<S>>> {
        let port = self.get_mut(id)?;
        if !port.is_plugged() {
            return None;
        }
        port.leaving = true;
        port.pending = None;
        port.stored = port.stored.with_cold_attach_status(false);
        self.input(id, PortInput::Detach, now);
        self.note(id);
        self.take_departed(id)
    }

    /// The device that was pulled out, once no worker has its buffers any more.
    pub(crate) fn take_departed(&mut self, id: PortId) -> Option<Box<dyn UsbDevice<S>>> {
        let port = self.get_mut(id)?;
        if !port.leaving || port.work > 0 {
            return None;
        }
        port.leaving = false;
        port.reset_due = false;
        port.routes.clear();
        let device = port.device.take();
        self.occupied.remove(id.get().into());
        device
    }

    /// The device on the cable, for its owner.
    pub(crate) fn plugged_mut(&mut self, id: PortId) -> Option<&mut (dyn UsbDevice<S> + 'static)> {
        let port = self.get_mut(id)?;
        if port.leaving {
            return None;
        }
        port.device.as_deref_mut()
    }

    /// The device at a port and route, for transfers.
    ///
    /// It may also be one that was pulled out while a worker has its buffers, so that requests can be taken back: new ones are
    /// submitted only while [`Self::is_enabled`].
    pub(crate) fn device(
        &mut self,
        id: PortId,
        route: RouteString,
    ) -> Option<&mut dyn UsbDevice<S>> {
        self.talking.insert(id.get().into());
        let port = self.get_mut(id)?;
        if route != RouteString::ROOT && !port.routes.contains(&route) {
            // Only routes that lead to a device are kept, so that their number is bounded by the devices there are.
            let root = port.device.as_deref_mut()?;
            along(root, route)?;
            port.routes.push(route);
        }
        along(port.device.as_deref_mut()?, route)
    }

    /// What the devices of a port have to say.
    pub(crate) fn poll(&mut self, id: PortId, now: Instant) -> Option<(RouteString, Output<S>)> {
        let port = self.get_mut(id)?;
        let root = port.device.as_deref_mut()?;
        let mut found = None;
        if let Some(output) = root.poll(now) {
            found = Some((RouteString::ROOT, output));
        } else {
            for route in &port.routes {
                if let Some(device) = along(root, *route)
                    && let Some(output) = device.poll(now)
                {
                    found = Some((*route, output));
                    break;
                }
            }
        }
        if matches!(found, Some((_, Output::Work(_)))) {
            port.work = port.work.saturating_add(1);
        }
        found
    }

    /// Ports with a device.
    fn occupied(&self) -> impl Iterator<Item = PortId> + use<S> {
        self.occupied.iter().filter_map(port_id)
    }

    /// Every device may have something to say: something may have happened to it from outside.
    pub(crate) fn listen_to_all(&mut self) {
        self.talking = self.occupied;
    }

    /// The next port behind `last` whose devices may have something to say.
    pub(crate) fn next_talking(&self, last: Option<PortId>) -> Option<PortId> {
        let next = match last {
            Some(last) => self.talking.after(last.get().into()),
            None => self.talking.first(),
        };
        next.and_then(port_id)
    }

    /// The devices of a port have nothing to say before they are asked or told something.
    pub(crate) fn silent(&mut self, id: PortId) {
        self.talking.remove(id.get().into());
    }

    /// Which of the port's devices there have been: work of an earlier one is stale.
    pub(crate) fn plug(&self, id: PortId) -> u32 {
        self.get(id).map_or(0, |port| port.plug)
    }

    /// Reports a piece of work to the device that it came from.
    pub(crate) fn complete(
        &mut self,
        id: PortId,
        route: RouteString,
        plug: u32,
        done: WorkDone<S>,
    ) {
        let Some(port) = self.get_mut(id).filter(|port| port.plug == plug) else {
            return;
        };
        port.work = port.work.saturating_sub(1);
        if let Some(device) = port
            .device
            .as_deref_mut()
            .and_then(|root| along(root, route))
        {
            device.complete(done);
        }
    }

    /// Whether there is a device, be it on its way out.
    pub(crate) fn is_occupied(&self, id: PortId) -> bool {
        self.occupied.contains(id.get().into())
    }

    /// Whether the device was pulled out while a worker had its buffers.
    pub(crate) fn is_leaving(&self, id: PortId) -> bool {
        self.get(id).is_some_and(|port| port.leaving)
    }

    /// Whether nothing keeps a device that was pulled out any more.
    pub(crate) fn is_ready_to_leave(&self, id: PortId) -> bool {
        self.get(id)
            .is_some_and(|port| port.leaving && port.work == 0)
    }

    /// The next port whose device or transfers have to be told something.
    pub(crate) fn next_chores(&mut self) -> Option<Chores> {
        let id = self.chores.first().and_then(port_id)?;
        self.chores.remove(id.get().into());
        let port = self.get_mut(id)?;
        let suspended = port.machine.is_suspended();
        let tell = port.is_plugged() && suspended != port.told_suspended;
        if tell {
            port.told_suspended = suspended;
        }
        Some(Chores {
            port: id,
            lost: core::mem::take(&mut port.lost),
            reset: core::mem::take(&mut port.reset_due),
            suspend: tell.then_some(suspended),
        })
    }

    /// Tells the device; the transfers have been told before.
    pub(crate) fn tell_device(&mut self, chores: Chores) {
        self.talking.insert(chores.port.get().into());
        let Some(port) = self.get_mut(chores.port) else {
            return;
        };
        let Some(device) = port.device.as_deref_mut() else {
            return;
        };
        if chores.reset {
            device.reset();
        }
        if let Some(suspended) = chores.suspend {
            device.suspend(suspended);
        }
    }

    /// When a device has something to say by itself: any, or one of those that are asked while the controller is halted.
    pub(crate) fn next_device_deadline(&self, everyone: bool) -> Option<Instant> {
        let asked = |id: &PortId| everyone || self.is_asleep(*id) || self.is_leaving(*id);
        let ports = self.occupied().filter(asked);
        ports
            .filter_map(|id| self.get(id)?.device.as_deref()?.next_deadline())
            .min()
    }

    /// Whether the port sleeps, so that its device may want to wake it.
    pub(crate) fn is_asleep(&self, id: PortId) -> bool {
        self.get(id).is_some_and(|port| port.machine.is_asleep())
    }
}

/// Follows a route through hubs.
fn along<'a, S: Slice>(
    root: &'a mut (dyn UsbDevice<S> + 'static),
    route: RouteString,
) -> Option<&'a mut dyn UsbDevice<S>> {
    let mut device: &'a mut dyn UsbDevice<S> = root;
    for tier in 1..=route.depth() {
        device = device.child(route.tier(tier)?)?;
    }
    Some(device)
}
