use alloc::boxed::Box;
use core::fmt;

use memory::Slice;
use usb_spec::time::Instant;

use crate::{Completion, UsbDevice};

/// The downstream side of a hub: for the hand that plugs and pulls, and for the hub above.
///
/// Devices behind the hub are reached through [`UsbDevice::child`], port by port along the route string. A request to one of them is
/// passed on while its port is enabled; at any other time nobody answers it. When a port stops passing traffic, the requests under way
/// behind it end unanswered, and [`UsbDevice::poll`] of the child yields them.
pub trait Downstream<S: Slice> {
    /// How many ports there are; they count from 1.
    fn ports(&self) -> u8;

    /// Plugs a device in.
    ///
    /// # Errors
    /// The port cannot take it; it comes back.
    fn attach(&mut self, port: u8, device: Box<dyn UsbDevice<S>>) -> Result<(), Refused<S>>;

    /// Pulls a device out, with all that is behind it. `None` if there is none, and also while a worker has buffers of it or of a device
    /// behind it: then it comes out of [`take_departed`](Self::take_departed).
    fn detach(&mut self, port: u8) -> Option<Box<dyn UsbDevice<S>>>;

    /// The device that was pulled out of a port, once no worker has its buffers any more.
    fn take_departed(&mut self, port: u8) -> Option<Box<dyn UsbDevice<S>>>;

    /// Lets something go wrong at a port.
    fn fault(&mut self, port: u8, fault: PortFault);

    /// The hub cannot be reached any more, and so nothing behind it: its own port was disabled or reset, or it was pulled. All ports
    /// lose their power.
    fn cut_off(&mut self);

    /// Whether a worker has buffers of any device behind the hub.
    fn is_busy(&mut self) -> bool;

    /// An answer of any device behind the hub that nobody has fetched: whoever takes the hub away delivers these, too.
    fn remains(&mut self) -> Option<Completion<S>>;

    /// Lets everything happen behind the hub that was due by `now`; [`UsbDevice::poll`] of the hub does it, too.
    fn tick(&mut self, now: Instant);

    /// Tells how many hubs there are between this one and the root port. A SuperSpeed hub needs to be told the same by the host.
    fn place(&mut self, depth: u8);
}

/// What can happen to a hub's port besides a plug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortFault {
    /// Too much current: the port loses its power.
    OverCurrent,
    /// The current is normal again; the port stays without power until the host gives it some.
    OverCurrentEnds,
    /// An error that ends the traffic: a USB 2.0 port is disabled, a SuperSpeed link becomes inactive.
    LinkError,
    /// The next training of the link fails to configure it (SuperSpeed).
    ConfigError,
}

/// Why a device cannot be attached to a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttachError {
    /// The hub has no such port.
    NoSuchPort,
    /// A device is there, or has been taken away while a worker still has its buffers.
    Occupied,
    /// The hub is of the other half of the cable, or slower than the device.
    WrongSpeed,
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchPort => "the hub has no such port",
            Self::Occupied => "there is still a device on that port; detach it first",
            Self::WrongSpeed => {
                "the hub does not run at the device's speed: SuperSpeed hubs take SuperSpeed devices, others what is not faster than they are"
            }
        })
    }
}

impl core::error::Error for AttachError {}

/// A device that could not be attached.
#[derive(Debug)]
pub struct Refused<S: Slice> {
    /// Why.
    pub why: AttachError,
    /// The device.
    pub device: Box<dyn UsbDevice<S>>,
}

/// Follows a route through hubs, the port nearest to the root first. `None` if it leads to no device.
pub fn descend<'a, S: Slice>(
    root: &'a mut dyn UsbDevice<S>,
    route: &[u8],
) -> Option<&'a mut dyn UsbDevice<S>> {
    let mut device = root;
    for port in route {
        device = device.child(*port)?;
    }
    Some(device)
}
