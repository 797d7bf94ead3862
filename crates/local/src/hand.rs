//! The hand that plugs in, pulls out and types.

use usb_model::{Downstream, descend};
use volmem::VolatileSlice;
use xhci_model::AttachError;
use xhci_spec::extended::Protocol;
use xhci_spec::number::{PortId, RouteString};

use crate::local::Local;
use crate::plug::{AnyDevice, Kind, Maker, Plug, Socket};
use crate::spec::{DeviceSpec, Wires};
use crate::{LocalError, Location, Pointer};

impl Local {
    /// Plugs a device into the first free port that fits. A USB 3 hub takes the first USB3 port that is free together with the USB2 port of the
    /// same rank; the port that is returned is the USB3 one.
    ///
    /// # Errors
    /// [`LocalError::NoPort`], [`LocalError::NoFit`], [`LocalError::Open`].
    pub fn attach(&mut self, device: &DeviceSpec) -> Result<PortId, LocalError> {
        let (usb2, usb3) = (self.ports_of(Protocol::Usb2), self.ports_of(Protocol::Usb3));
        let wires = Wires {
            usb2: Wires::ROOT.usb2.filter(|_| !usb2.is_empty()),
            usb3: Wires::ROOT.usb3.filter(|_| !usb3.is_empty()),
        };
        // What does not run at a speed for which there are no ports gets none.
        let halves = device.halves(wires).or(device.halves(Wires::ROOT));
        let (two, three) = halves.map_or((false, false), |halves| {
            (halves.usb2.is_some(), halves.usb3.is_some())
        });
        let free = |port: &Option<PortId>| port.filter(|port| !self.is_taken(*port));
        let ranks = 0..usb2.len().max(usb3.len());
        let mut sockets = ranks.map(|rank| (usb2.get(rank).copied(), usb3.get(rank).copied()));
        let socket = sockets.find_map(|(usb2, usb3)| {
            let (usb2, usb3) = (free(&usb2), free(&usb3));
            let fits = (usb2.is_some() || !two) && (usb3.is_some() || !three);
            fits.then_some((usb2.filter(|_| two), usb3.filter(|_| three)))
        });
        let (usb2, usb3) = socket.ok_or_else(|| LocalError::NoPort {
            device: device.to_string(),
            options: match (two, three) {
                (true, true) => "ports2=8,ports3=8",
                (false, true) => "ports3=8",
                (_, false) => "ports2=8",
            },
        })?;
        let socket = Socket {
            usb2,
            usb3,
            route: RouteString::ROOT,
            wires,
        };
        Ok(self.plug(device, &socket)?.port)
    }

    /// Plugs a device into a root port. A USB 3 hub takes the port of the same rank and the other protocol, too, if that is free, and is otherwise
    /// the hub of one half.
    ///
    /// # Errors
    /// [`LocalError::NoFit`], [`LocalError::Attach`], [`LocalError::Open`].
    pub fn attach_at(&mut self, port: PortId, device: &DeviceSpec) -> Result<(), LocalError> {
        let (usb2, usb3) = (self.ports_of(Protocol::Usb2), self.ports_of(Protocol::Usb3));
        let rank = |ports: &[PortId]| ports.iter().position(|own| *own == port);
        let partner = |ports: &[PortId], rank: usize| {
            let other = ports.get(rank).copied();
            other.filter(|other| !self.is_taken(*other) && matches!(device, DeviceSpec::Hub(_)))
        };
        let (usb2, usb3) = match (rank(&usb2), rank(&usb3)) {
            (Some(rank), _) => (Some(port), partner(&usb3, rank)),
            (None, Some(rank)) => (partner(&usb2, rank), Some(port)),
            (None, None) => {
                return Err(LocalError::Attach {
                    device: device.to_string(),
                    at: port.into(),
                    reason: AttachError::NoSuchPort,
                });
            }
        };
        let socket = Socket {
            usb2,
            usb3,
            route: RouteString::ROOT,
            wires: Wires {
                usb2: usb2.and(Wires::ROOT.usb2),
                usb3: usb3.and(Wires::ROOT.usb3),
            },
        };
        self.plug(device, &socket).map(drop)
    }

    /// Plugs a device into a port of a hub, and says where it is then. Of a USB 3 hub either half will do as `hub`.
    ///
    /// # Errors
    /// [`LocalError::Empty`], [`LocalError::Other`], [`LocalError::TooDeep`], [`LocalError::NoFit`], [`LocalError::Refused`],
    /// [`LocalError::Open`].
    pub fn attach_behind(
        &mut self,
        hub: Location,
        port: u8,
        device: &DeviceSpec,
    ) -> Result<Location, LocalError> {
        let wanted = "hub";
        let half = match self.plug_at(hub)?.kind {
            Kind::Hub(half) => half,
            _ => return Err(LocalError::Other { at: hub, wanted }),
        };
        let refused = |reason| LocalError::Refused {
            device: device.to_string(),
            hub,
            port,
            reason,
        };
        if port == 0 || port > 15 {
            return Err(refused(usb_model::AttachError::NoSuchPort));
        }
        let socket = Socket::of_hub(hub, half, port).ok_or_else(|| LocalError::TooDeep {
            device: device.to_string(),
        })?;
        // One socket takes one plug, even if that uses only one half.
        if socket
            .locations()
            .any(|at| self.plugs.iter().any(|plug| plug.at == at))
        {
            return Err(refused(usb_model::AttachError::Occupied));
        }
        self.plug(device, &socket)
    }

    /// Pulls a device out, whatever it is doing, with all that is behind it. Of a USB 3 hub, both halves go.
    ///
    /// # Errors
    /// [`LocalError::Empty`].
    pub fn detach(&mut self, at: impl Into<Location>) -> Result<(), LocalError> {
        let at = at.into();
        let partner = match self.plug_at(at)?.kind {
            Kind::Hub(half) => half.partner,
            _ => None,
        };
        self.pull(at);
        if let Some((port, _)) = partner {
            self.pull(Location { port, ..at });
        }
        Ok(())
    }

    /// The root ports that have something plugged in.
    pub fn ports(&self) -> impl Iterator<Item = PortId> + '_ {
        let at_root = |plug: &&Plug| plug.at.hub().is_none();
        self.plugs.iter().filter(at_root).map(|plug| plug.at.port)
    }

    /// Where something is plugged in, behind hubs and not; both halves of a USB 3 hub count.
    pub fn locations(&self) -> impl Iterator<Item = Location> + '_ {
        self.plugs.iter().map(|plug| plug.at)
    }

    /// The first keyboard.
    #[must_use]
    pub fn keyboard(&self) -> Option<Location> {
        let types = |plug: &&Plug| matches!(plug.kind, Kind::Keyboard(_) | Kind::Composite(..));
        self.plugs.iter().find(types).map(|plug| plug.at)
    }

    /// Types on a keyboard. Returns how many characters have no key and were left out.
    ///
    /// # Errors
    /// [`LocalError::Empty`], [`LocalError::Other`].
    pub fn type_text(&mut self, at: impl Into<Location>, text: &str) -> Result<usize, LocalError> {
        let (at, wanted) = (at.into(), "keyboard");
        let left_out = match &self.plug_at(at)?.kind {
            Kind::Keyboard(keyboard) => keyboard.with(|keyboard| keyboard.type_text(text)),
            Kind::Composite(both, _) => both.with(|both| both.type_text(text)),
            _ => return Err(LocalError::Other { at, wanted }),
        };
        self.shared.touched.set(true);
        Ok(left_out)
    }

    /// Whether everything typed on a keyboard has been fetched.
    #[must_use]
    pub fn has_typed_all(&self, at: impl Into<Location>) -> bool {
        match self.plug_at(at.into()).map(|plug| &plug.kind) {
            Ok(Kind::Keyboard(keyboard)) => keyboard.with(|keyboard| keyboard.has_typed_all()),
            Ok(Kind::Composite(both, _)) => both.with(|both| both.has_typed_all()),
            _ => true,
        }
    }

    /// Points somewhere with a tablet.
    ///
    /// # Errors
    /// [`LocalError::Empty`], [`LocalError::Other`].
    pub fn point(&mut self, at: impl Into<Location>, pointer: Pointer) -> Result<(), LocalError> {
        let (at, wanted) = (at.into(), "tablet");
        match &self.plug_at(at)?.kind {
            Kind::Tablet(tablet) => tablet.with(|tablet| tablet.point(pointer)),
            _ => return Err(LocalError::Other { at, wanted }),
        }
        self.shared.touched.set(true);
        Ok(())
    }

    /// Why the medium of a disk failed last, in the words of the system: a USB host is told less.
    #[must_use]
    pub fn last_failure(&self) -> Option<String> {
        self.plugs.iter().find_map(|plug| match &plug.kind {
            Kind::Disk(medium) | Kind::Composite(_, medium) => {
                medium.last_failure().map(ToString::to_string)
            }
            _ => None,
        })
    }

    /// The root ports of a protocol, in order.
    fn ports_of(&self, wanted: Protocol) -> Vec<PortId> {
        let model = self.shared.model.borrow();
        let ports = (1..=u8::MAX).zip(model.options().port_protocols());
        ports
            .filter(|(_, protocol)| *protocol == wanted)
            .filter_map(|(number, _)| PortId::new(number))
            .collect()
    }

    fn is_taken(&self, port: PortId) -> bool {
        self.ports().any(|taken| taken == port)
    }

    fn plug_at(&self, at: Location) -> Result<&Plug, LocalError> {
        let plug = self.plugs.iter().find(|plug| plug.at == at);
        plug.ok_or(LocalError::Empty { at })
    }

    /// Makes a device and puts it into a socket, all of it or nothing. Says where it is, or its faster half.
    fn plug(&mut self, spec: &DeviceSpec, socket: &Socket) -> Result<Location, LocalError> {
        let mut maker = Maker {
            plugs: Vec::new(),
            pairs: &mut self.pairs,
        };
        let devices = maker.make(spec, socket)?;
        let plugs = maker.plugs;
        let mut done: Vec<Location> = Vec::new();
        for (at, device) in devices {
            if let Err(error) = self.connect(spec, at, device) {
                done.into_iter().for_each(|at| self.pull(at));
                return Err(error);
            }
            done.push(at);
        }
        self.plugs.extend(plugs);
        self.shared.touched.set(true);
        done.first().copied().ok_or_else(|| LocalError::NoFit {
            device: spec.to_string(),
        })
    }

    /// Puts one device, or one half of a hub, to its place.
    fn connect(
        &mut self,
        spec: &DeviceSpec,
        at: Location,
        device: AnyDevice,
    ) -> Result<(), LocalError> {
        let name = spec.to_string();
        let Some((hub, port)) = at.hub() else {
            let now = self.shared.ticker.now();
            let attached = self.shared.model.borrow_mut().attach(at.port, device, now);
            return attached.map_err(|reason| LocalError::Attach {
                device: name,
                at,
                reason,
            });
        };
        let attached = self.at_hub(hub, |hub| hub.attach(port, device));
        let attached = attached.ok_or(LocalError::Empty { at: hub })?;
        attached.map_err(|refused| LocalError::Refused {
            device: name,
            hub,
            port,
            reason: refused.why,
        })
    }

    /// Takes away what is at a place, and behind it.
    pub(crate) fn pull(&mut self, at: Location) {
        self.plugs.retain(|plug| !plug.at.is_within(&at));
        self.leaving.retain(|leaving| !leaving.is_within(&at));
        match at.hub() {
            None => {
                let now = self.shared.ticker.now();
                drop(self.shared.model.borrow_mut().detach(at.port, now));
            }
            Some((hub, port)) => {
                if self.at_hub(hub, |hub| hub.detach(port)).flatten().is_none() {
                    self.leaving.push(at);
                }
            }
        }
        self.shared.touched.set(true);
    }

    /// Lets go of what was pulled out while a worker had its buffers.
    pub(crate) fn see_off(&mut self) {
        while self.shared.model.borrow_mut().poll_departed().is_some() {}
        for at in std::mem::take(&mut self.leaving) {
            let gone = at
                .hub()
                .and_then(|(hub, port)| self.at_hub(hub, |hub| hub.take_departed(port)));
            if matches!(gone, Some(None)) {
                self.leaving.push(at);
            }
        }
    }

    /// Lends the downstream side of a hub.
    fn at_hub<T>(
        &self,
        hub: Location,
        hand: impl FnOnce(&mut dyn Downstream<VolatileSlice>) -> T,
    ) -> Option<T> {
        let mut model = self.shared.model.borrow_mut();
        let root = model.device_mut(hub.port)?;
        descend(root, &hub.hub_ports())?.hub().map(hand)
    }
}
