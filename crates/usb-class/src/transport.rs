//! What a class asks of the endpoints below it, and what it is told: the border between protocol and controller.

use core::time::Duration;

use usb_spec::time::Instant;
use usb_spec::{EndpointAddress, Setup};

/// The most bytes that an [`Action::Control`] sends in its data stage.
pub const CONTROL_OUT_MAX: usize = 8;

/// The length of the command block wrapper in [`Action::BulkOut`]. Bulk-Only Transport 1.0 §5.1.
pub const BULK_OUT_LENGTH: usize = 31;

/// Names one action while it is under way; the class chooses it, the caller repeats it in the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(u32);

/// One thing that the class wants done.
///
/// # Protocol
/// The caller starts it at once and answers each with one reply, save [`Action::Cancel`], which has none of its own. When `timeout` has passed since the
/// start, the caller takes the action back and replies [`Status::Timeout`] with the bytes that had been moved.
/// Several actions may be under way; actions on one endpoint are done in the order in which they were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Comes back in the reply.
    pub id: ActionId,
    /// What to do.
    pub action: Action,
    /// How long it may take; `None` for an endpoint that may stay silent for ever.
    pub timeout: Option<Duration>,
}

/// What a class may want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send these few bytes to a bulk endpoint.
    BulkOut {
        /// Where to.
        endpoint: EndpointAddress,
        /// All of them.
        bytes: [u8; BULK_OUT_LENGTH],
    },
    /// Take a few bytes from a bulk endpoint; the reply carries them in [`Reply::data`].
    BulkIn {
        /// Where from.
        endpoint: EndpointAddress,
        /// At most so many.
        length: u32,
    },
    /// Send a part of the user's buffer. The class never sees the bytes: the caller submits the memory that it holds.
    DataOut {
        /// Where to.
        endpoint: EndpointAddress,
        /// Where the part begins in the user's buffer.
        offset: u64,
        /// How long it is.
        length: u32,
    },
    /// Fill a part of the user's buffer. The class never sees the bytes.
    ///
    /// When exactly 13 bytes came, the reply may show them in [`Reply::data`]: a device that skipped its data stage is understood then, instead of timing out.
    DataIn {
        /// Where from.
        endpoint: EndpointAddress,
        /// Where the part begins in the user's buffer.
        offset: u64,
        /// At most so many bytes.
        length: u32,
    },
    /// Take one report from an interrupt endpoint; the reply carries it in [`Reply::data`].
    InterruptIn {
        /// Where from.
        endpoint: EndpointAddress,
        /// At most so many bytes.
        length: u32,
    },
    /// One request on endpoint 0. An IN data stage comes back in [`Reply::data`]. A stall ends with the next setup packet
    /// (USB 2.0 §8.5.3.4); what the controller needs for that is the caller's business.
    Control {
        /// The setup packet.
        setup: Setup,
        /// The first `setup.length` of them are the OUT data stage.
        out: [u8; CONTROL_OUT_MAX],
    },
    /// End an endpoint's halt in the controller *and* in the device (`CLEAR_FEATURE(ENDPOINT_HALT)`), also when it is not halted: both
    /// sides restart their toggle or sequence number. USB 2.0 §9.4.5. Transfers that were queued behind the one that failed stay queued.
    ClearHalt {
        /// Which.
        endpoint: EndpointAddress,
    },
    /// Reset the device's port, then the device in the controller, give it its address and its configuration again. All transfers of the device have ended before.
    /// The reply is `Ok` when the device is as it was after its first configuration. xHCI 1.2 §4.6.11.
    PortReset,
    /// Take an action back that may still be under way. *That* action is then replied to, with [`Status::Cancelled`], or with its result if it was faster.
    Cancel {
        /// Which.
        id: ActionId,
    },
    /// Do nothing until then, and reply `Ok`.
    Pause {
        /// The first moment at which the reply may come.
        until: Instant,
    },
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// All went well; fewer bytes than asked for is a short packet.
    Ok,
    /// The device answered with a STALL handshake; a bulk or interrupt endpoint is halted now.
    Stall,
    /// No answer, or one that could not be understood, after the controller's own retries.
    Error,
    /// The device sent more than it was asked for.
    Babble,
    /// The time was up, and the action was taken back.
    Timeout,
    /// The class asked to take the action back.
    Cancelled,
    /// The device, or the controller in front of it, is not there any more.
    Gone,
}

impl Status {
    /// A name for people, as the end of "the transfer ended with …".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "success",
            Self::Stall => "a stall",
            Self::Error => "a transaction error",
            Self::Babble => "babble",
            Self::Timeout => "a timeout",
            Self::Cancelled => "a cancellation",
            Self::Gone => "the device's removal",
        }
    }
}

impl core::fmt::Display for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// How it ended.
    pub status: Status,
    /// How many bytes were moved before it ended. More than was asked for counts as what was asked for.
    pub bytes: u32,
    /// The bytes themselves, where [`Action`] says so.
    pub data: &'a [u8],
}

impl<'a> Reply<'a> {
    /// The action is done; no bytes were to be moved.
    #[must_use]
    pub const fn done() -> Self {
        Self::moved(0)
    }

    /// So many bytes were moved.
    #[must_use]
    pub const fn moved(bytes: u32) -> Self {
        Self {
            status: Status::Ok,
            bytes,
            data: &[],
        }
    }

    /// These bytes came.
    #[must_use]
    pub fn data(data: &'a [u8]) -> Self {
        let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
        Self {
            status: Status::Ok,
            bytes,
            data,
        }
    }

    /// The action failed before a byte was moved.
    #[must_use]
    pub const fn failed(status: Status) -> Self {
        Self {
            status,
            bytes: 0,
            data: &[],
        }
    }
}

/// What a class answers when it is asked what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll<T> {
    /// This is to be done. Ask again at once: there may be more.
    Act(Step),
    /// A result: of the operation that was begun, or the next event of a device that speaks on its own.
    Ready(T),
    /// Nothing, until a reply comes or an operation is begun.
    Waiting,
}

/// Hands out names that are not used twice within 4 billion actions.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActionIds {
    next: u32,
}

impl ActionIds {
    pub(crate) fn step(&mut self, action: Action, timeout: Option<Duration>) -> Step {
        self.next = self.next.wrapping_add(1);
        Step {
            id: ActionId(self.next),
            action,
            timeout,
        }
    }
}
