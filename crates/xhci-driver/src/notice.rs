use core::time::Duration;

use xhci_spec::number::{PortId, SlotId};
use xhci_spec::trb::{CompletionCode, Trb};

use crate::{Death, EndpointKey, OperationError, OperationId, Place, TransferError};

/// A part of bringing a controller up, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Firmware gives the controller up. xHCI 1.2 §4.22.1.
    Handoff,
    /// Halt, reset, wait until it is ready. xHCI 1.2 §4.2.
    Reset,
    /// Its structures are programmed and it runs.
    Start,
    /// A No Op command goes round.
    SelfTest,
    /// Power on the ports and the first look at each.
    Ports,
}

impl Phase {
    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handoff => "handoff",
            Self::Reset => "reset",
            Self::Start => "start",
            Self::SelfTest => "self-test",
            Self::Ports => "ports",
        }
    }
}

/// Where an enumeration failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EnumerationStep {
    /// The port did not become enabled.
    PortReset,
    /// No slot, or no memory for it.
    Slot,
    /// The device took no address.
    Address,
    /// It did not give its descriptors.
    Descriptors,
    /// The controller or the device refused the configuration.
    Configure,
}

impl EnumerationStep {
    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PortReset => "the port reset",
            Self::Slot => "getting a slot",
            Self::Address => "the address assignment",
            Self::Descriptors => "reading descriptors",
            Self::Configure => "the configuration",
        }
    }
}

/// Something that happened, for whoever owns the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A part of the start is over.
    PhaseEnded {
        /// Which.
        phase: Phase,
        /// How long it took.
        took: Duration,
    },
    /// Firmware did not give the controller up; it was taken.
    ForcedHandoff,
    /// Every port has been looked at, and what was there at the start is enumerated or given up.
    Settled,
    /// A device is ready to be used.
    Attached {
        /// Its slot; see [`Control::device`](crate::Control::device).
        slot: SlotId,
        /// How long it took from the plug on.
        took: Duration,
    },
    /// A device is gone, and all its transfers have come back.
    Detached {
        /// The slot it had.
        slot: SlotId,
    },
    /// A device could not be made to work; the port waits for another.
    EnumerationFailed {
        /// Where.
        place: Place,
        /// At which step the last attempt failed.
        step: EnumerationStep,
        /// Why.
        error: OperationError,
    },
    /// Over-current on a port begins or ends.
    OverCurrent {
        /// Which port.
        port: PortId,
        /// Whether it is there now.
        active: bool,
    },
    /// Over-current on a hub's port begins or ends.
    HubOverCurrent {
        /// The hub.
        hub: SlotId,
        /// Its port.
        port: u8,
        /// Whether it is there now.
        active: bool,
    },
    /// A port was resumed by its device.
    RemoteWake {
        /// Which port.
        port: PortId,
    },
    /// An operation has ended.
    OperationDone {
        /// Which.
        id: OperationId,
        /// How.
        result: Result<(), OperationError>,
    },
    /// An endpoint halted and gave its transfers back.
    EndpointHalted {
        /// Which.
        key: EndpointKey,
        /// Why.
        error: TransferError,
    },
    /// A command took too long and is being aborted.
    CommandAborted,
    /// A host controller event other than those that are handled, as event ring full.
    HostController {
        /// Its code.
        code: CompletionCode,
    },
    /// An event that the driver does not know: a vendor's, or a newer specification's.
    UnknownEvent(Trb),
    /// The controller was given up; everything has come back.
    Died {
        /// Why.
        cause: Death,
    },
    /// The controller is halted and handed back.
    Stopped,
}
