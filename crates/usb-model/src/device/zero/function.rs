//! What gadget zero does with bytes.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use memory::Slice;
use usb_spec::time::Instant;
use usb_spec::{Direction, EndpointAddress, Recipient, Request, RequestKind, Setup};

use super::{BULK_IN, INTERRUPT_OUT, LOOPBACK, SOURCE_SINK};
use crate::chapter9::{Arrival, Function, InAnswer, OutAnswer};

/// Fill the buffer: a writing vendor request.
const FILL: Request = Request(0x5b);
/// Return the buffer: a reading vendor request.
const RETURN: Request = Request(0x5c);

/// The size of the control buffer, and of one message of the loop.
const BUFFER_LENGTH: usize = 4096;

/// How many messages wait in the loop.
const MESSAGES_MAX: usize = 32;

/// How much the source offers at once: a multiple of all packet sizes.
const SOURCE_LENGTH: usize = 16_384;

/// What the source sends and the sink wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pattern {
    /// Zeroes.
    #[default]
    Zeroes,
    /// Each byte is its place in its packet, modulo 63.
    Mod63,
    /// The sink takes everything.
    Any,
}

impl Pattern {
    fn byte(self, at: usize, packet: usize) -> u8 {
        match self {
            Self::Zeroes | Self::Any => 0,
            Self::Mod63 => u8::try_from(at % packet.max(1) % 63).unwrap_or(0),
        }
    }

    fn source(self, packet: usize) -> Vec<u8> {
        (0..SOURCE_LENGTH).map(|at| self.byte(at, packet)).collect()
    }
}

/// What gadget zero does behind chapter 9.
#[derive(Debug)]
pub struct ZeroFunction {
    pattern: Pattern,
    configuration: u8,
    bulk_size: usize,
    interrupt_size: usize,
    bulk_source: Vec<u8>,
    interrupt_source: Vec<u8>,
    /// What is being looked at.
    scratch: Vec<u8>,
    /// What the control requests fill and return; nothing else touches it.
    control: Vec<u8>,
    halts: Vec<EndpointAddress>,
    messages: VecDeque<Message>,
    /// Used messages, for their memory.
    spare: Vec<Message>,
}

/// What came in between two short packets, or as much of it as fits into a buffer.
#[derive(Debug, Default)]
struct Message {
    bytes: Vec<u8>,
    complete: bool,
    sent: usize,
}

impl Message {
    fn room(&self) -> usize {
        BUFFER_LENGTH.saturating_sub(self.bytes.len())
    }

    /// A message that is shorter than the buffer ends with a short packet, which may have to be an empty one.
    fn is_over(&self, last: usize, packet: usize) -> bool {
        let all = self.sent >= self.bytes.len();
        all && (self.room() == 0 || !last.is_multiple_of(packet.max(1)) || last == 0)
    }
}

impl ZeroFunction {
    pub(super) fn new(pattern: Pattern, bulk_size: u16, interrupt_size: u16) -> Self {
        let (bulk_size, interrupt_size) = (usize::from(bulk_size), usize::from(interrupt_size));
        Self {
            pattern,
            configuration: 0,
            bulk_size,
            interrupt_size,
            bulk_source: pattern.source(bulk_size),
            interrupt_source: pattern.source(interrupt_size),
            scratch: vec![0; BUFFER_LENGTH],
            control: vec![0; BUFFER_LENGTH],
            halts: Vec::new(),
            messages: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    /// The sink: takes what comes, and halts behind the bytes that it did not want.
    fn sink<S: Slice>(&mut self, endpoint: EndpointAddress, arrival: &Arrival<'_, S>) -> OutAnswer {
        let packet = if endpoint == INTERRUPT_OUT {
            self.interrupt_size
        } else {
            self.bulk_size
        };
        let length = arrival.bytes.min(BUFFER_LENGTH);
        let Some(bytes) = self.scratch.get_mut(..length) else {
            return OutAnswer::Stall;
        };
        if !arrival.read(bytes) {
            return OutAnswer::Stall;
        }
        let mut wanted = (0..length).map(|at| self.pattern.byte(at, packet));
        let fits =
            self.pattern == Pattern::Any || bytes.iter().all(|byte| wanted.next() == Some(*byte));
        if !fits {
            self.halts.push(endpoint);
        }
        OutAnswer::Take(length)
    }

    /// The loop's way in.
    fn store<S: Slice>(&mut self, arrival: &Arrival<'_, S>) -> OutAnswer {
        if self.messages.back().is_none_or(|last| last.complete) {
            if self.messages.len() >= MESSAGES_MAX {
                return OutAnswer::Nak;
            }
            let mut message = self.spare.pop().unwrap_or_default();
            message.bytes.clear();
            self.messages.push_back(Message {
                bytes: message.bytes,
                ..Message::default()
            });
        }
        let Some(message) = self.messages.back_mut() else {
            return OutAnswer::Nak;
        };
        let start = message.bytes.len();
        let length = arrival.bytes.min(message.room());
        message.bytes.resize(start.saturating_add(length), 0);
        let into = message.bytes.get_mut(start..).unwrap_or(&mut []);
        if !arrival.read(into) {
            return OutAnswer::Stall;
        }
        let short = arrival.ends_short && length == arrival.bytes;
        message.complete = short || message.room() == 0;
        OutAnswer::Take(length)
    }

    /// Whether this is one of the two requests, which only the source and sink know.
    fn is_buffer_request(&self, setup: Setup, request: Request) -> bool {
        let ours = setup.request_type.kind == RequestKind::Vendor
            && setup.request_type.recipient == Recipient::DEVICE;
        let fits =
            usize::from(setup.length) <= BUFFER_LENGTH && setup.value == 0 && setup.index == 0;
        ours && fits && setup.request == request && self.configuration == SOURCE_SINK
    }
}

impl Function for ZeroFunction {
    fn begin(&mut self, configuration: u8) {
        self.configuration = configuration;
        self.halts.clear();
        self.spare.extend(self.messages.drain(..));
    }

    fn control_in(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        let length = usize::from(setup.length);
        reply.extend_from_slice(self.control.get(..length).unwrap_or(&[]));
        setup.direction() == Direction::In && self.is_buffer_request(setup, RETURN)
    }

    fn accepts(&self, setup: Setup) -> bool {
        self.is_buffer_request(setup, FILL)
    }

    fn control_out(&mut self, setup: Setup, data: &[u8]) -> bool {
        let known = setup.direction() == Direction::Out && self.is_buffer_request(setup, FILL);
        if known {
            for (to, from) in self.control.iter_mut().zip(data) {
                *to = *from;
            }
        }
        known
    }

    fn receive<S: Slice>(
        &mut self,
        endpoint: EndpointAddress,
        arrival: &Arrival<'_, S>,
        _now: Instant,
    ) -> OutAnswer {
        if self.configuration == LOOPBACK {
            self.store(arrival)
        } else {
            self.sink(endpoint, arrival)
        }
    }

    /// The source never ends, and sends whole packets only.
    fn provide(&mut self, endpoint: EndpointAddress, _room: usize, _now: Instant) -> InAnswer<'_> {
        if self.configuration == LOOPBACK {
            let Some(message) = self.messages.front().filter(|message| message.complete) else {
                return InAnswer::Nak;
            };
            return InAnswer::Send(message.bytes.get(message.sent..).unwrap_or(&[]));
        }
        InAnswer::Send(if endpoint == BULK_IN {
            &self.bulk_source
        } else {
            &self.interrupt_source
        })
    }

    fn sent(&mut self, _endpoint: EndpointAddress, bytes: usize, _now: Instant) {
        if self.configuration != LOOPBACK {
            return;
        }
        let Some(message) = self.messages.front_mut() else {
            return;
        };
        message.sent = message.sent.saturating_add(bytes);
        if message.is_over(bytes, self.bulk_size) {
            self.spare.extend(self.messages.pop_front());
        }
    }

    fn take_halt(&mut self) -> Option<EndpointAddress> {
        self.halts.pop()
    }
}
