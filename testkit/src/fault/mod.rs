//! Faults as data: what goes wrong, at which of its opportunities, how often; and whether it did.

mod injector;
mod registers;

use std::fmt;
use std::time::Duration;

use xhci_model::HostError;

pub use injector::Injector;

/// Which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A transfer event.
    Transfer,
    /// A command completion event.
    Command,
    /// A port status change event.
    Port,
}

/// Which requests to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// All that there are.
    Any,
    /// Setup stages.
    Setup,
    /// Data stages on endpoint 0.
    ControlData,
    /// Status stages on endpoint 0.
    ControlStatus,
    /// Transfers from the device, on other endpoints.
    In,
    /// Transfers to the device, on other endpoints.
    Out,
}

/// How a request to a device goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// No answer, which the controller reports as a transaction error. The device never heard of the request.
    None,
    /// STALL; a bulk or interrupt endpoint is halted then until the host clears it.
    Stall,
    /// More bytes than the host made room for.
    Babble,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// An interrupt that the controller raised does not arrive.
    LostInterrupt,
    /// An event that the controller wrote is not there.
    LostEvent(EventKind),
    /// The command doorbell does not arrive.
    LostDoorbell,
    /// A command does not come to an end by itself; the controller may or may not let go of it when told to. Set up before the start.
    StuckCommand {
        /// Whether an abort ends it.
        lets_go: bool,
    },
    /// A device answers wrongly.
    Device(Answer, Target),
    /// The device is pulled out.
    Unplug(Target),
    /// HCRST stays set so long.
    SlowReset(Duration),
    /// The controller stops with HSE or HCE.
    Death(HostError),
    /// The controller is gone: all ones from here on, and no access to memory.
    Gone,
}

/// One fault of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// What goes wrong.
    pub what: What,
    /// How many opportunities pass before it does.
    pub after: u32,
    /// At how many opportunities in a row.
    pub times: u32,
}

impl Fault {
    /// This fault, once, at the first opportunity.
    #[must_use]
    pub const fn once(what: What) -> Self {
        Self {
            what,
            after: 0,
            times: 1,
        }
    }

    /// The same fault after so many opportunities.
    #[must_use]
    pub const fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }

    /// The same fault at so many opportunities in a row.
    #[must_use]
    pub const fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, after, times } = self;
        write!(f, "{what:?} after {after}, {times} times")
    }
}

/// An opportunity for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Injury {
    Interrupt,
    Event(EventKind),
    CommandDoorbell,
    Command,
    /// A request; the target is never [`Target::Any`].
    Request {
        target: Target,
        is_in: bool,
    },
    /// An access to a register.
    Access,
    /// HCRST is written.
    Reset,
}

impl What {
    /// Whether this is an opportunity for it.
    fn meets(self, injury: Injury) -> bool {
        match (self, injury) {
            (Self::LostInterrupt, Injury::Interrupt)
            | (Self::LostDoorbell, Injury::CommandDoorbell)
            | (Self::StuckCommand { .. }, Injury::Command)
            | (Self::Death(_) | Self::Gone, Injury::Access)
            | (Self::SlowReset(_), Injury::Reset) => true,
            (Self::LostEvent(wanted), Injury::Event(kind)) => wanted == kind,
            (Self::Unplug(wanted), Injury::Request { target, .. }) => wanted.holds(target),
            (Self::Device(answer, wanted), Injury::Request { target, is_in }) => {
                wanted.holds(target) && answer.is_possible(target, is_in)
            }
            _ => false,
        }
    }
}

impl Target {
    fn holds(self, one: Self) -> bool {
        self == Self::Any || self == one
    }
}

impl Answer {
    /// A setup packet is never stalled (USB 2.0 §8.5.3), and only who sends data can send too much.
    fn is_possible(self, target: Target, is_in: bool) -> bool {
        match self {
            Self::None => true,
            Self::Stall => target != Target::Setup,
            Self::Babble => is_in && matches!(target, Target::In | Target::ControlData),
        }
    }
}
