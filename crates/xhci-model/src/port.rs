use memory::Slice;
use usb_model::UsbDevice;
use usb_spec::time::Instant;
use core::fmt;
use xhci_spec::number::{PortId, RouteString, SpeedId};

use crate::options::Options;
use alloc::boxed::Box;

/// Why a device cannot be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttachError {
    /// The controller has no such port.
    NoSuchPort,
    /// A device is there, or has been taken away while a worker still has its buffers.
    Occupied,
    /// The port speaks the other protocol.
    WrongProtocol,
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchPort => "the controller has no such port",
            Self::Occupied => "another device is on that port",
            Self::WrongProtocol => "a device of this speed needs a port of the other protocol",
        })
    }
}

impl core::error::Error for AttachError {}

/// What can happen to a port besides a plug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortFault {
    /// An error that retraining cannot heal: a USB3 port becomes Inactive, a USB2 port disabled.
    LinkError,
    /// The next training ends in compliance mode (USB3).
    Compliance,
    /// The next training fails (USB3).
    TrainingFails,
    /// The link comes up but cannot be configured (USB3).
    ConfigError,
    /// Over-current begins.
    OverCurrent,
    /// Over-current ends.
    OverCurrentEnds,
}

#[derive(Debug)]
pub(crate) struct Ports<S: Slice> {
    device: Option<Box<dyn UsbDevice<S>>>,
}

impl<S: Slice> Ports<S> {
    pub(crate) fn new(_options: &Options, _now: Instant) -> Self {
        Self { device: None }
    }
    /// Whether the port passes transfers on: PED and not suspended, not resetting.
    pub(crate) fn is_enabled(&self, _port: PortId) -> bool {
        false
    }
    /// The speed id as in PORTSC, of a connected device that is known.
    pub(crate) fn speed(&self, _port: PortId) -> Option<SpeedId> {
        None
    }
    /// Whether the port is in U3 or resuming.
    pub(crate) fn is_suspended(&self, _port: PortId) -> bool {
        false
    }
    /// The device at a port and route. It may also be one that was taken away while a worker still holds its buffers, so that
    /// requests can be cancelled: submit only while [`Self::is_enabled`].
    pub(crate) fn device(&mut self, _port: PortId, _route: RouteString) -> Option<&mut (dyn UsbDevice<S> + 'static)> {
        self.device.as_deref_mut()
    }
    /// Changes with each reset and disconnect of the port.
    pub(crate) fn generation(&self, _port: PortId) -> u32 {
        0
    }
    /// How many ports there are.
    pub(crate) fn count(&self) -> u8 {
        0
    }
}
