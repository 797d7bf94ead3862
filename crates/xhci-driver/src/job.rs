//! What takes several steps: enumeration, recovery, removal. A job waits for one thing at a time and is told when it has come.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use core::fmt;

use usb_spec::endpoint::EndpointAddress;
use xhci_spec::number::{Dci, Iova, PortId, SlotId};

use crate::command::Completed;
use crate::enumerate::Enumeration;
use crate::hub::Hub;
use crate::operation::{Clearing, Configuring, Removal};
use crate::port::PortEvent;
use crate::power::Power;
use crate::{Buffer, CommandError, Hal, Place, StartError, TransferDone, TransferError};

/// Names a job inside the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobId(pub(crate) u32);

/// Names an operation that was asked for; whoever asks chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u64);

/// What a user of the driver may ask for besides transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Make an endpoint usable again, halted or not, so that host and device agree on the next data toggle.
    ///
    /// A halted one: Reset Endpoint, Set TR Dequeue Pointer, CLEAR_FEATURE(ENDPOINT_HALT). One that is not: Stop Endpoint, Configure
    /// Endpoint that drops and adds it, CLEAR_FEATURE. xHCI 1.2 §4.6.8 and its note on clearing a halt of an endpoint that is not halted.
    ClearHalt {
        /// The device.
        slot: SlotId,
        /// Its endpoint.
        endpoint: EndpointAddress,
    },
    /// Reset the port, then bring the same device back: address, configuration, alternate settings.
    ResetDevice {
        /// The device.
        slot: SlotId,
    },
    /// Choose an interface's alternate setting; the endpoints change with it.
    SetInterface {
        /// The device.
        slot: SlotId,
        /// `bInterfaceNumber`.
        interface: u8,
        /// `bAlternateSetting`.
        alternate: u8,
    },
    /// Suspend a port (U3).
    Suspend {
        /// The port.
        port: PortId,
    },
    /// Resume a port from U3.
    Resume {
        /// The port.
        port: PortId,
    },
}

/// Why an operation did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// There is no such device, or it was disconnected meanwhile.
    #[error("there is no such device (any more)")]
    NoDevice,
    /// The device has no such endpoint, interface or alternate setting.
    #[error("the device has no such endpoint, interface or setting")]
    NoSuchThing,
    /// The port is in no state for this.
    #[error(
        "the port is not in a state for this; a device must be attached and, to resume, suspended"
    )]
    PortState,
    /// A command failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A control transfer failed.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The port did not come back from its reset.
    #[error("the port did not come back from its reset; unplug the device")]
    ResetFailed,
    /// After the reset there was another device.
    #[error("after the reset the device answered as a different one")]
    Changed,
    /// No memory.
    #[error("no DMA memory is left")]
    NoMemory,
    /// The controller is dead.
    #[error("the controller no longer works; reset it or bring it up again")]
    ControllerDead,
}

/// What a job is told.
#[derive(Debug)]
pub(crate) enum Input<H: Hal> {
    /// Begin. For jobs that need it: address 0 is yours.
    Go,
    /// The command asked for has ended.
    Command(Result<Completed, CommandError>),
    /// The control transfer asked for has ended.
    Transfer(TransferDone<Buffer<H>>),
    /// An endpoint is empty and stopped.
    Flushed {
        dci: Dci,
        was_halted: bool,
        dequeue: Iova,
        cycle: bool,
    },
    /// An endpoint is stopped and keeps its transfers.
    Paused { dci: Dci },
    /// An endpoint is forgotten.
    Closed { dci: Dci },
    /// The port has news.
    Port(PortEvent),
    /// A device behind the hub asks.
    Hub(HubRequest),
    /// The time asked for has come.
    Timer,
}

/// Strikes the endpoint that this answer is about from those that are waited for; says whether none is left.
pub(crate) fn is_last<H: Hal>(left: &mut BTreeSet<Dci>, input: &Input<H>) -> bool {
    match input {
        Input::Flushed { dci, .. } | Input::Paused { dci } | Input::Closed { dci } => {
            left.remove(dci);
        }
        Input::Go
        | Input::Command(_)
        | Input::Transfer(_)
        | Input::Port(_)
        | Input::Hub(_)
        | Input::Timer => {}
    }
    left.is_empty()
}

/// A job and where it stands.
pub(crate) enum Job<H: Hal> {
    Enumerate(Box<Enumeration<H>>),
    Clear(Clearing),
    Configure(Configuring),
    Remove(Removal),
    Power(Power),
    Hub(Box<Hub<H>>),
}

/// What a device on its way asks of the hub that it hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HubRequest {
    /// Reset the port; the first time, a port whose link came up by itself is good as it is.
    Reset { port: u8, first: bool },
    /// The device could not be used: wait for another.
    GiveUp { port: u8 },
    /// The device may still be there, or another: look at the port as if it had just been plugged in.
    BeginAgain { port: u8 },
    /// What is plugged in now may have become ready while its predecessor was still being taken away.
    Waiting { port: u8 },
    /// A transfer of a low- or full-speed device was given up: its translator's buffer is to be cleared. USB 2.0 §11.24.2.3.
    ClearTt { value: u16, port: u8 },
}

impl<H: Hal> fmt::Debug for Job<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enumerate(job) => job.fmt(f),
            Self::Clear(job) => job.fmt(f),
            Self::Configure(job) => job.fmt(f),
            Self::Remove(job) => job.fmt(f),
            Self::Power(job) => job.fmt(f),
            Self::Hub(job) => job.fmt(f),
        }
    }
}

impl<H: Hal> Job<H> {
    /// The operation that waits for it.
    pub(crate) fn operation(&self) -> Option<OperationId> {
        match self {
            Self::Enumerate(job) => job.again,
            Self::Clear(job) => Some(job.id),
            Self::Configure(job) => Some(job.id),
            Self::Power(job) => Some(job.id),
            Self::Remove(_) | Self::Hub(_) => None,
        }
    }

    /// Whether something is on its way: a hub's job only listens most of the time.
    pub(crate) fn is_busy(&self) -> bool {
        match self {
            Self::Hub(hub) => hub.is_busy(),
            Self::Enumerate(_)
            | Self::Clear(_)
            | Self::Configure(_)
            | Self::Remove(_)
            | Self::Power(_) => true,
        }
    }

    /// Whether it enumerates or resets what is plugged into this hub.
    pub(crate) fn is_behind(&self, hub: SlotId) -> bool {
        let parent = match self {
            Self::Enumerate(job) => job.place.parent,
            Self::Clear(_)
            | Self::Configure(_)
            | Self::Remove(_)
            | Self::Power(_)
            | Self::Hub(_) => None,
        };
        parent.is_some_and(|parent| parent.hub == hub)
    }

    /// Whether it enumerates or resets what is plugged in there; a device's other jobs do not wait for its port.
    pub(crate) fn is_at(&self, place: Place) -> bool {
        matches!(self, Self::Enumerate(job) if job.place == place)
    }
}

/// Why the driver gave a controller up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Death {
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It would not let go of a command.
    #[error("it did not stop its command ring within the time the specification gives")]
    AbortFailed,
    /// It reported a host system error (HSE): a failed memory access, most often.
    #[error("it reported a host system error (USBSTS.HSE): it could not reach memory it was given")]
    HostSystemError,
    /// It reported an internal error (HCE).
    #[error("it reported an internal error (USBSTS.HCE)")]
    HostControllerError,
    /// It stopped on its own.
    #[error("it halted without being told to (USBSTS.HCH)")]
    Halted,
    /// It reads as all ones.
    #[error("it is gone: its registers read as all ones")]
    Gone,
}
