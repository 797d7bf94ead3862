use alloc::vec::Vec;
use core::fmt::Debug;

use memory::Slice;
use usb_spec::endpoint::EndpointAddress;
use usb_spec::speed::Speed;
use usb_spec::time::Instant;

use crate::{Downstream, Work, WorkDone};

/// Names one request while it is under way; the controller chooses it, the device only repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Which part of which kind of transfer a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The eight bytes that open a control transfer. Never answered with NAK: USB 2.0 §8.5.3.
    Setup([u8; 8]),
    /// The data stage of a control transfer, in the direction of the endpoint address.
    ControlData,
    /// The status stage of a control transfer, in the direction of the endpoint address; no bytes.
    ControlStatus,
    /// One transfer descriptor on a bulk or interrupt endpoint.
    Transfer,
}

/// What the host believes about the endpoint. A device that believes otherwise behaves as hardware would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostView {
    /// The sequence number of the next packet: 0 or 1 (data toggle) up to high speed, 0 to 31 from super speed on.
    ///
    /// It counts for a request that finds its endpoint without another one: nobody can know how many packets an earlier request will take.
    /// It does not count on endpoint 0, where the stages fix it. An OUT packet with the wrong toggle is acknowledged and thrown away by the
    /// device, an IN packet by the host (USB 2.0 §8.6.4); a wrong sequence number from super speed on is a [`Status::TransactionError`].
    pub sequence: u8,
    /// The largest packet the host will send or take, in bytes. A device whose packets are larger babbles, one whose packets are smaller
    /// ends the request with the first of them; a packet larger than the device's own is not received.
    pub max_packet: u16,
    /// Packets in a burst, less one.
    pub burst_z: u8,
}

/// What the host asks of one endpoint.
#[derive(Debug)]
pub struct Request<S> {
    /// Comes back in the completion.
    pub token: Token,
    /// The address on the bus. A device answers only to its own.
    pub address: u8,
    /// Number and direction; for a control stage, the direction of that stage.
    pub endpoint: EndpointAddress,
    /// Which part of which kind of transfer.
    pub stage: Stage,
    /// Where the bytes are or go, in order. The device returns the vector in the completion, so that it can be used again;
    /// slices of it may have been cut or dropped.
    pub buffers: Vec<S>,
    /// How many bytes there are room for, or to send: the sum of the buffers' lengths, or less. 0 for a setup stage.
    pub length: usize,
    /// What the host believes.
    pub host: HostView,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All went well; fewer bytes than asked for is a short packet.
    Ok,
    /// STALL handshake.
    Stall,
    /// No answer, or an answer that could not be understood: time-out, CRC, wrong sequence number.
    TransactionError,
    /// The device sent more than the host made room for.
    Babble,
    /// A split transaction failed between hub and device.
    SplitError,
}

/// The answer to one request.
#[derive(Debug)]
pub struct Completion<S> {
    /// The request's token.
    pub token: Token,
    /// How it ended.
    pub status: Status,
    /// How many bytes were moved before it ended.
    pub bytes: usize,
    /// The sequence number the device expects or sends next on this endpoint. After [`Status::Ok`] the host believes the same, even if it
    /// did not before; after an error the host keeps its own belief, advanced by the packets that were moved.
    pub sequence: u8,
    /// The request's buffers.
    pub buffers: Vec<S>,
}

/// What a device has to say.
#[derive(Debug)]
pub enum Output<S> {
    /// A request has ended.
    Completion(Completion<S>),
    /// Work for the owner of the files.
    Work(Work<S>),
    /// Remote wake: the device wants its suspended port resumed. USB 2.0 §7.1.7.7.
    Wake,
}

/// What became of a request that the controller took back.
#[derive(Debug)]
pub enum Cancelled<S> {
    /// It had not ended and will not: no completion will come. So many bytes had been moved; the status is
    /// [`Status::Ok`].
    Taken(Completion<S>),
    /// A piece of work is still under way and may still touch the buffers: the completion comes later, and the controller must wait for it.
    /// The request ends with that piece of work, with the bytes moved until then.
    Busy,
    /// The device has no such request; its completion may lie in the queue.
    Unknown,
}

/// A device on a cable.
///
/// # Protocol
/// [`submit`](Self::submit) never answers by itself; [`poll`](Self::poll) does. An endpoint may hold several requests and answers them in order;
/// how many, the device says, and one more gets no answer. A request for another address or an endpoint that does not exist gets no answer,
/// which the device reports at once as [`Status::TransactionError`]; so does each request to a USB 2.0 device that has power but was never reset.
/// An endpoint with nothing to say (NAK) keeps the request until it has. After an error the endpoint goes on to its next request when polled:
/// a controller that halts takes them back first.
///
/// [`reset`](Self::reset) is the port reset: every request ends unanswered (poll yields them as [`Status::TransactionError`] first), the address
/// becomes 0, the configuration 0, halts and sequences are cleared. Work that was under way is not lost: it still has to be completed with
/// [`complete`](Self::complete), and only then does its request end; [`cancel`](Self::cancel) calls it [`Cancelled::Busy`] until then. The same
/// goes for requests that SET_CONFIGURATION or SET_INTERFACE end.
pub trait UsbDevice<S: Slice>: Debug {
    /// The speed it runs at.
    fn speed(&self) -> Speed;

    /// The host drove a reset on the port.
    fn reset(&mut self);

    /// Gives the device a request.
    fn submit(&mut self, request: Request<S>);

    /// Takes a request back.
    fn cancel(&mut self, token: Token) -> Cancelled<S>;

    /// What the device has to say now, one thing at a time, until `None`.
    fn poll(&mut self, now: Instant) -> Option<Output<S>>;

    /// Reports work that [`poll`](Self::poll) handed out.
    fn complete(&mut self, done: WorkDone<S>);

    /// The bus was suspended (U3) or resumed; a suspended device answers nothing on its endpoints, and may ask
    /// to wake, once, if it was armed.
    fn suspend(&mut self, suspended: bool);

    /// The device behind downstream port `port` (1-based) of a hub.
    fn child(&mut self, port: u8) -> Option<&mut dyn UsbDevice<S>>;

    /// The downstream side, if this is a hub. A device that wraps another one passes this on, as it does with [`child`](Self::child).
    fn hub(&mut self) -> Option<&mut dyn Downstream<S>> {
        None
    }

    /// When [`poll`](Self::poll) may have something to say without being asked anything: a moment in the past means now, `None` never. Completions
    /// that already lie in the queue are not counted: poll after each submit, complete, reset and suspend.
    fn next_deadline(&self) -> Option<Instant>;
}
