use alloc::boxed::Box;
use core::fmt;

use usb_spec::endpoint::{Direction, TransferKind};
use xhci_ring::link::Producer;
use xhci_spec::number::{Dci, InterrupterId, Iova, SlotId};
use xhci_spec::trb::Trb;

use crate::{Buffer, CommandError, Hal, SliceOf, TransferError};

/// Names an endpoint of a device: what a doorbell names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointKey {
    /// The device.
    pub slot: SlotId,
    /// Its endpoint.
    pub dci: Dci,
}

/// Everything a lane needs to carry an endpoint.
pub struct EndpointSetup<H: Hal> {
    /// Which endpoint.
    pub key: EndpointKey,
    /// Control, bulk or interrupt.
    pub kind: TransferKind,
    /// Where data goes; of no meaning for control endpoints.
    pub direction: Direction,
    /// The largest packet, in bytes.
    pub max_packet: u16,
    /// Packets in a burst, less one.
    pub burst_z: u8,
    /// Where the endpoint's events go: the lane's own interrupter.
    pub interrupter: InterrupterId,
    /// TRBs in each segment of the ring, its Link included.
    pub segment_trbs: u32,
    /// The transfer ring, as the endpoint context was told.
    pub ring: Producer<Buffer<H>>,
    /// The endpoint's output context, which the controller writes: 32 bytes.
    pub context: SliceOf<H>,
}

impl<H: Hal> fmt::Debug for EndpointSetup<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointSetup")
            .field("key", &self.key)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What the control tells a lane.
#[derive(Debug)]
pub enum ToLane<H: Hal> {
    /// Carry this endpoint from now on.
    Open(Box<EndpointSetup<H>>),
    /// The endpoint no longer exists for the controller (its command has completed): give every transfer back with this error, forget the
    /// ring, answer [`ToControl::Closed`].
    Close {
        /// Which endpoint.
        key: EndpointKey,
        /// What its transfers are told.
        error: TransferError,
    },
    /// Stop the endpoint, give every transfer back, answer [`ToControl::Flushed`], and hold until [`ToLane::Reopen`].
    Flush {
        /// Which endpoint.
        key: EndpointKey,
        /// What its transfers are told.
        error: TransferError,
    },
    /// The endpoint may be used again.
    Reopen {
        /// Which endpoint.
        key: EndpointKey,
    },
    /// Stop the endpoint and keep what is on it, answer [`ToControl::Paused`]: its port will be suspended. xHCI 1.2 §4.15.1.
    Pause {
        /// Which endpoint.
        key: EndpointKey,
    },
    /// Go on after [`ToLane::Pause`].
    Unpause {
        /// Which endpoint.
        key: EndpointKey,
    },
    /// The endpoint could not be made usable: refuse transfers until the next [`ToLane::Flush`] and [`ToLane::Reopen`].
    KeepHalted {
        /// Which endpoint.
        key: EndpointKey,
    },
    /// The largest packet has changed (Evaluate Context on the control endpoint).
    MaxPacket {
        /// Which endpoint.
        key: EndpointKey,
        /// In bytes.
        max_packet: u16,
    },
    /// The command asked for with [`ToControl::Stop`], [`ToControl::Reset`] or [`ToControl::SetDequeue`] has ended.
    CommandEnded {
        /// Which endpoint.
        key: EndpointKey,
        /// How.
        result: Result<(), CommandError>,
    },
    /// The controller is dead: give everything back.
    Died,
}

/// What a lane tells the control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToControl {
    /// Run Stop Endpoint. xHCI 1.2 §4.6.9. A lane has at most one command per endpoint under way.
    Stop {
        /// Which endpoint.
        key: EndpointKey,
    },
    /// Run Reset Endpoint. xHCI 1.2 §4.6.8.
    Reset {
        /// Which endpoint.
        key: EndpointKey,
        /// Keep toggle and position: a soft retry. xHCI 1.2 §4.6.8.1.
        preserve: bool,
    },
    /// Run Set TR Dequeue Pointer. xHCI 1.2 §4.6.10.
    SetDequeue {
        /// Which endpoint.
        key: EndpointKey,
        /// Where to go on.
        dequeue: Iova,
        /// The cycle bit there.
        cycle: bool,
    },
    /// [`ToLane::Flush`] is done: the ring is empty, the endpoint stopped.
    Flushed {
        /// Which endpoint.
        key: EndpointKey,
        /// It had been halted, and Reset Endpoint has already cleared the controller's toggle.
        was_halted: bool,
        /// Where the next transfer will begin.
        dequeue: Iova,
        /// The cycle bit there.
        cycle: bool,
    },
    /// [`ToLane::Pause`] is done: the endpoint is stopped, its transfers stay on the ring.
    Paused {
        /// Which endpoint.
        key: EndpointKey,
    },
    /// [`ToLane::Close`] is done: nothing refers to the endpoint any more.
    Closed {
        /// Which endpoint.
        key: EndpointKey,
    },
    /// The endpoint halted and gave its transfers back; the controller's side is already reset, the device's is not, unless it is a
    /// control endpoint, which goes on.
    Halted {
        /// Which endpoint.
        key: EndpointKey,
        /// Why.
        error: TransferError,
    },
    /// An event that belongs to no transfer: command completions, port changes, vendor events, on whichever ring they came.
    Foreign(Trb),
}
