//! What is plugged in where, and what stands behind it.

use block::{FailingMedium, FileMedium, Medium, MemoryMedium, Mode, PatternMedium, perform};
use usb_model::device::{
    BlockSize, Composite, CompositeOptions, Disk, DiskOptions, Framing, Hub, HubOptions, HubPair,
    Keyboard, KeyboardOptions, Serial, SerialOptions, Tablet, TabletOptions, Zero, ZeroOptions,
};
use usb_model::{Downstream, UsbDevice, Work, WorkDone, WorkError};
use usb_spec::Speed;
use volmem::VolatileSlice;
use xhci_spec::number::{PortId, RouteString};

use crate::location::Location;
use crate::shared::Shared;
use crate::spec::{DeviceSpec, DiskSource, DiskSpec, HubSpec, Wires};
use crate::{LocalError, SerialSpec, ZeroSpec};

/// The pattern of a disk that says `pattern`.
const PATTERN_SEED: u64 = 0;

/// A device as the model takes it.
pub(crate) type AnyDevice = Box<dyn UsbDevice<VolatileSlice>>;

/// A plugged-in device, and the hands that are on it.
#[derive(Debug)]
pub(crate) struct Plug {
    pub(crate) at: Location,
    pub(crate) kind: Kind,
    /// Unplug it when a read reaches this byte.
    unplug_at: Option<u64>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Disk(Box<dyn Medium>),
    Keyboard(Shared<Keyboard<VolatileSlice>>),
    Composite(Shared<Composite<VolatileSlice>>, Box<dyn Medium>),
    Tablet(Shared<Tablet<VolatileSlice>>),
    Hub(HalfHub),
    /// Nobody has a hand on it.
    Other,
}

/// A hub, or half of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalfHub {
    speed: Speed,
    /// The other half of a USB 3 hub: the root port that leads to it, by the same route.
    pub(crate) partner: Option<(PortId, Speed)>,
}

impl Plug {
    /// Does the device's work, here and now.
    pub(crate) fn perform(&mut self, work: Work<VolatileSlice>) -> WorkDone<VolatileSlice> {
        match &mut self.kind {
            Kind::Disk(medium) | Kind::Composite(_, medium) => perform(medium, work),
            Kind::Keyboard(_) | Kind::Tablet(_) | Kind::Hub(_) | Kind::Other => nothing_there(work),
        }
    }

    /// Whether this work is where the device is to be unplugged.
    pub(crate) fn is_last(&self, work: &Work<VolatileSlice>) -> bool {
        let end = work.offset.saturating_add(work.length as u64);
        self.unplug_at
            .is_some_and(|at| (work.offset..end).contains(&at))
    }
}

/// Work of a device that has no medium (any more).
pub(crate) fn nothing_there(work: Work<VolatileSlice>) -> WorkDone<VolatileSlice> {
    WorkDone {
        id: work.id,
        buffers: work.buffers,
        result: Err(WorkError::Gone),
    }
}

/// Where a device is to be plugged in: the root ports of both halves of the cable, with the one route behind both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Socket {
    pub(crate) usb2: Option<PortId>,
    pub(crate) usb3: Option<PortId>,
    pub(crate) route: RouteString,
    pub(crate) wires: Wires,
}

impl Socket {
    /// A port of a hub.
    pub(crate) fn of_hub(hub: Location, half: HalfHub, port: u8) -> Option<Self> {
        let mut socket = Self {
            usb2: None,
            usb3: None,
            route: hub.behind(port)?.route,
            wires: Wires::only(half.speed),
        };
        for (root, speed) in [Some((hub.port, half.speed)), half.partner]
            .into_iter()
            .flatten()
        {
            if speed.is_super() {
                (socket.usb3, socket.wires.usb3) = (Some(root), Some(speed));
            } else {
                (socket.usb2, socket.wires.usb2) = (Some(root), Some(speed));
            }
        }
        Some(socket)
    }

    /// Where the half at this speed is.
    fn at(&self, speed: Speed) -> Option<Location> {
        let port = if speed.is_super() {
            self.usb3
        } else {
            self.usb2
        };
        let route = self.route;
        port.map(|port| Location { port, route })
    }

    /// All that it is.
    pub(crate) fn locations(&self) -> impl Iterator<Item = Location> + use<> {
        let route = self.route;
        let ports = [self.usb2, self.usb3].into_iter().flatten();
        ports.map(move |port| Location { port, route })
    }
}

/// Makes devices, and what stands behind them.
#[derive(Debug)]
pub(crate) struct Maker<'a> {
    pub(crate) plugs: Vec<Plug>,
    /// Counts USB 3 hubs, whose halves know each other by a number.
    pub(crate) pairs: &'a mut u32,
}

impl Maker<'_> {
    /// Makes a device with all that is behind it: one, or the two halves of a hub, each with its place.
    pub(crate) fn make(
        &mut self,
        spec: &DeviceSpec,
        socket: &Socket,
    ) -> Result<Vec<(Location, AnyDevice)>, LocalError> {
        let halves = spec.halves(socket.wires);
        let speeds = halves.map_or([None; 2], |halves| [halves.usb3, halves.usb2]);
        let places: Vec<(Location, Speed)> = speeds
            .into_iter()
            .flatten()
            .filter_map(|speed| Some((socket.at(speed)?, speed)))
            .collect();
        let Some(&(at, speed)) = places.first() else {
            let device = spec.to_string();
            return Err(LocalError::NoFit { device });
        };
        let (device, kind, unplug_at): (AnyDevice, _, _) = match spec {
            DeviceSpec::Hub(hub) => return self.hub(hub, &places),
            DeviceSpec::Disk(disk) => {
                let medium = medium(disk)?;
                let device = Disk::new(disk_options(disk, medium.as_ref(), speed));
                (Box::new(device), Kind::Disk(medium), disk.unplug_at)
            }
            DeviceSpec::Keyboard(keyboard) => {
                let mut device = Keyboard::new(keyboard_options(speed));
                // Characters without a key were refused when the specification was read.
                device.type_text(&keyboard.text);
                let shared = Shared::new(device);
                (Box::new(shared.clone()), Kind::Keyboard(shared), None)
            }
            DeviceSpec::Composite(composite) => {
                let medium = medium(&composite.disk)?;
                let mut device = Composite::new(CompositeOptions {
                    keyboard: keyboard_options(speed),
                    disk: disk_options(&composite.disk, medium.as_ref(), speed),
                    ..CompositeOptions::default()
                });
                device.type_text(&composite.text);
                let shared = Shared::new(device);
                let kind = Kind::Composite(shared.clone(), medium);
                (Box::new(shared), kind, composite.disk.unplug_at)
            }
            DeviceSpec::Tablet(_) => {
                let options = TabletOptions {
                    speed,
                    ..TabletOptions::default()
                };
                let shared = Shared::new(Tablet::new(&options));
                (Box::new(shared.clone()), Kind::Tablet(shared), None)
            }
            DeviceSpec::Serial(spec) => (serial(spec, speed), Kind::Other, None),
            DeviceSpec::Zero(spec) => (zero(spec, speed), Kind::Other, None),
        };
        self.plugs.push(Plug {
            at,
            kind,
            unplug_at,
        });
        Ok(vec![(at, device)])
    }

    fn hub(
        &mut self,
        spec: &HubSpec,
        places: &[(Location, Speed)],
    ) -> Result<Vec<(Location, AnyDevice)>, LocalError> {
        let options = |speed| HubOptions {
            speed,
            ports: spec.ports,
            multi_tt: spec.multi_tt,
            ..HubOptions::default()
        };
        let mut halves: Vec<(Location, Hub<VolatileSlice>)> = match *places {
            [(at3, speed), (at2, _)] => {
                *self.pairs = self.pairs.wrapping_add(1);
                let pair = HubPair::new(&options(speed), u128::from(*self.pairs).to_be_bytes());
                vec![(at3, pair.super_speed), (at2, pair.high_speed)]
            }
            [(at, speed)] => vec![(at, Hub::new(&options(speed)))],
            _ => Vec::new(),
        };
        for &(at, speed) in places {
            let partner = places.iter().find(|(other, _)| *other != at);
            let partner = partner.map(|(other, speed)| (other.port, *speed));
            self.plugs.push(Plug {
                at,
                kind: Kind::Hub(HalfHub { speed, partner }),
                unplug_at: None,
            });
            if at != places[0].0 {
                continue;
            }
            for (port, child) in &spec.children {
                let socket = Socket::of_hub(at, HalfHub { speed, partner }, *port);
                let too_deep = || LocalError::TooDeep {
                    device: child.to_string(),
                };
                let devices = self.make(child, &socket.ok_or_else(too_deep)?)?;
                for (place, device) in devices {
                    let half = halves.iter_mut().find(|(at, _)| at.port == place.port);
                    let Some((hub, half)) = half else { continue };
                    let attached = half.attach(*port, device);
                    attached.map_err(|refused| LocalError::Refused {
                        device: child.to_string(),
                        hub: *hub,
                        port: *port,
                        reason: refused.why,
                    })?;
                }
            }
        }
        let boxed = |(at, hub)| (at, Box::new(hub) as AnyDevice);
        Ok(halves.into_iter().map(boxed).collect())
    }
}

fn keyboard_options(speed: Speed) -> KeyboardOptions {
    KeyboardOptions {
        speed,
        ..KeyboardOptions::default()
    }
}

fn disk_options(disk: &DiskSpec, medium: &dyn Medium, speed: Speed) -> DiskOptions {
    DiskOptions {
        speed,
        blocks: medium.len() / u64::from(disk.block_size.bytes()),
        block_size: disk.block_size,
        read_only: medium.is_read_only(),
        ..DiskOptions::default()
    }
}

fn serial(spec: &SerialSpec, speed: Speed) -> AnyDevice {
    let framing = if spec.raw {
        Framing::Raw
    } else {
        Framing::Ftdi
    };
    Box::new(Serial::new(&SerialOptions {
        speed,
        framing,
        ..SerialOptions::default()
    }))
}

fn zero(spec: &ZeroSpec, speed: Speed) -> AnyDevice {
    Box::new(Zero::new(&ZeroOptions {
        speed,
        pattern: spec.pattern,
        ..ZeroOptions::default()
    }))
}

fn medium(disk: &DiskSpec) -> Result<Box<dyn Medium>, LocalError> {
    let medium: Box<dyn Medium> = match &disk.source {
        DiskSource::Image { path, read_only } => {
            let mode = if *read_only {
                Mode::ReadOnly
            } else {
                Mode::ReadWrite
            };
            Box::new(FileMedium::open(path, mode, disk.block_size.bytes())?)
        }
        DiskSource::Pattern {
            len,
            read_only: true,
        } => Box::new(PatternMedium::new(*len, PATTERN_SEED).read_only()),
        DiskSource::Pattern {
            len,
            read_only: false,
        } => Box::new(PatternMedium::new(*len, PATTERN_SEED)),
        DiskSource::Zeros { len, read_only } => {
            let medium = MemoryMedium::new(vec![0; usize::try_from(*len).unwrap_or(usize::MAX)]);
            if *read_only {
                Box::new(medium.read_only())
            } else {
                Box::new(medium)
            }
        }
    };
    let len = medium.len();
    for (option, at) in [("bad", disk.bad_at), ("unplug", disk.unplug_at)] {
        if let Some(at) = at.filter(|at| *at >= len) {
            return Err(LocalError::Outside { option, at, len });
        }
    }
    Ok(match disk.bad_at {
        None => medium,
        Some(at) => {
            let bad = at..at.saturating_add(u64::from(BlockSize::Bytes512.bytes()));
            let failing = FailingMedium::new(medium);
            Box::new(failing.with_bad_reads(bad.clone()).with_bad_writes(bad))
        }
    })
}
