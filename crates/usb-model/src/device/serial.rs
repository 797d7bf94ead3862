//! A serial port that hears what it says: everything written comes back.
//!
//! It speaks as FTDI's converters do, so that stock drivers find a serial port, or raw: bulk in, bulk out, and nothing around the bytes.
//! There is no public specification of the former; the numbers are those that free drivers use.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use memory::Slice;
use usb_spec::class::ClassCode;
use usb_spec::time::Instant;
use usb_spec::{
    Direction, EndpointAddress, Recipient, Request, RequestKind, Setup, Speed, TransferKind,
};

use super::{PRODUCT_SERIAL, VENDOR};
use crate::chapter9::{
    Arrival, Blueprint, ConfigurationPlan, Device, EndpointPlan, Function, Identity, InAnswer,
    OutAnswer, Setting,
};

const BULK_IN: EndpointAddress = EndpointAddress::new(1, Direction::In);
const BULK_OUT: EndpointAddress = EndpointAddress::new(2, Direction::Out);

/// FTDI's ids of the FT232.
const FTDI: (u16, u16) = (0x0403, 0x6001);
/// The release by which drivers know an FT232BM.
const FTDI_RELEASE: u16 = 0x0400;

/// What heads each packet: carrier, ring, data set and clear to send as usual; transmitter empty.
const STATUS: [u8; 2] = [0xb1, 0x60];

/// How many bytes are on their way at most; then the host has to fetch some first.
const ECHO_MAX: usize = 4096;

/// The latency timer after a reset, in milliseconds.
const LATENCY_MS: u8 = 16;

/// What the bytes are wrapped in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Nothing.
    Raw,
    /// Two bytes of status before each packet to the host, and such packets alone when there is nothing to say.
    #[default]
    Ftdi,
}

/// What a serial port is like.
#[derive(Clone, Debug)]
pub struct SerialOptions {
    /// Its speed; real ones are full- or high-speed. Low speed knows no bulk endpoints, so it becomes full speed.
    pub speed: Speed,
    /// What the bytes are wrapped in.
    pub framing: Framing,
    /// Serial number; none if empty.
    pub serial: String,
}

impl Default for SerialOptions {
    fn default() -> Self {
        Self {
            speed: Speed::Full,
            framing: Framing::Ftdi,
            serial: String::new(),
        }
    }
}

/// A serial port on a cable.
pub type Serial<S> = Device<SerialFunction, S>;

impl<S: Slice> Device<SerialFunction, S> {
    /// A serial port whose two wires are joined.
    #[must_use]
    pub fn new(options: &SerialOptions) -> Self {
        let speed = options.speed.max(Speed::Full);
        let function = SerialFunction::new(options.framing, bulk_size(speed));
        Self::with_function(blueprint(options, speed), function)
    }
}

/// What a serial port does behind chapter 9.
#[derive(Debug)]
pub struct SerialFunction {
    framing: Framing,
    packet: usize,
    /// Bytes on their way back, from `start` on.
    echo: Vec<u8>,
    start: usize,
    /// What is offered to the host, and how many bytes of the echo are in it.
    offer: Vec<u8>,
    latency_ms: u8,
    last_sent: Option<Instant>,
}

impl SerialFunction {
    fn new(framing: Framing, packet: u16) -> Self {
        Self {
            framing,
            packet: usize::from(packet),
            echo: Vec::with_capacity(ECHO_MAX),
            start: 0,
            offer: Vec::with_capacity(ECHO_MAX),
            latency_ms: LATENCY_MS,
            last_sent: None,
        }
    }

    fn waiting(&self) -> &[u8] {
        self.echo.get(self.start..).unwrap_or(&[])
    }

    fn forget(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.echo.len());
        if self.start == self.echo.len() {
            self.echo.clear();
            self.start = 0;
        }
    }

    fn purge(&mut self) {
        self.forget(self.echo.len());
    }

    /// When a packet of status alone is due.
    fn status_due(&self) -> Instant {
        let latency = Duration::from_millis(u64::from(self.latency_ms.max(1)));
        self.last_sent.map_or(Instant::START, |last| last + latency)
    }

    /// Wraps up what is waiting, as far as it fits into `room`, packet by packet.
    fn wrap(&mut self, room: usize) {
        let load = self.packet.saturating_sub(STATUS.len()).max(1);
        self.offer.clear();
        for piece in self.echo.get(self.start..).unwrap_or(&[]).chunks(load) {
            let length = piece.len().saturating_add(STATUS.len());
            if !self.offer.is_empty() && self.offer.len().saturating_add(length) > room {
                break;
            }
            self.offer.extend_from_slice(&STATUS);
            self.offer.extend_from_slice(piece);
        }
        if self.offer.is_empty() {
            self.offer.extend_from_slice(&STATUS);
        }
    }
}

impl Function for SerialFunction {
    fn begin(&mut self, _configuration: u8) {
        self.purge();
        self.latency_ms = LATENCY_MS;
        self.last_sent = None;
    }

    /// Modem status and latency timer; the memory of ids is empty.
    fn control_in(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        match setup.request {
            Request(0x05) => reply.extend_from_slice(&STATUS),
            Request(0x0a) => reply.push(self.latency_ms),
            Request(0x90) => reply.extend_from_slice(&[0xff; 2]),
            _ => return false,
        }
        self.is_ftdi(setup)
    }

    /// Reset and purge, modem lines, flow control, baud rate, format, event and error characters: on a wire that leads back nothing but purge
    /// and the latency timer makes a difference.
    fn control_out(&mut self, setup: Setup, data: &[u8]) -> bool {
        if !self.is_ftdi(setup) || !data.is_empty() {
            return false;
        }
        match setup.request {
            Request(0x00) if setup.value <= 2 => self.purge(),
            Request(0x01..=0x04 | 0x06 | 0x07) => {}
            Request(0x09) => self.latency_ms = setup.value_low(),
            _ => return false,
        }
        true
    }

    fn receive<S: Slice>(
        &mut self,
        _endpoint: EndpointAddress,
        arrival: &Arrival<'_, S>,
        _now: Instant,
    ) -> OutAnswer {
        let room = ECHO_MAX.saturating_sub(self.waiting().len());
        let whole = room - room % arrival.packet.max(1);
        let length = arrival
            .bytes
            .min(if arrival.bytes <= room { room } else { whole });
        if length == 0 && arrival.bytes > 0 {
            return OutAnswer::Nak;
        }
        self.echo.drain(..self.start);
        self.start = 0;
        let old = self.echo.len();
        self.echo.resize(old.saturating_add(length), 0);
        let into = self.echo.get_mut(old..).unwrap_or(&mut []);
        if arrival.read(into) {
            OutAnswer::Take(length)
        } else {
            self.echo.truncate(old);
            OutAnswer::Stall
        }
    }

    fn provide(&mut self, _endpoint: EndpointAddress, room: usize, now: Instant) -> InAnswer<'_> {
        match self.framing {
            Framing::Raw if self.waiting().is_empty() => InAnswer::Nak,
            Framing::Raw => InAnswer::Send(self.waiting()),
            Framing::Ftdi if self.waiting().is_empty() && now < self.status_due() => InAnswer::Nak,
            Framing::Ftdi => {
                self.wrap(room);
                InAnswer::Send(&self.offer)
            }
        }
    }

    fn sent(&mut self, _endpoint: EndpointAddress, bytes: usize, now: Instant) {
        self.last_sent = Some(now);
        let heads = match self.framing {
            Framing::Raw => 0,
            Framing::Ftdi => bytes
                .div_ceil(self.packet.max(1))
                .saturating_mul(STATUS.len()),
        };
        self.forget(bytes.saturating_sub(heads));
    }

    fn next_deadline(&self) -> Option<Instant> {
        (self.framing == Framing::Ftdi).then(|| self.status_due())
    }
}

impl SerialFunction {
    fn is_ftdi(&self, setup: Setup) -> bool {
        let ours = setup.request_type.kind == RequestKind::Vendor
            && setup.request_type.recipient == Recipient::DEVICE;
        ours && self.framing == Framing::Ftdi
    }
}

fn bulk_size(speed: Speed) -> u16 {
    speed.largest_packet(TransferKind::Bulk).unwrap_or(64)
}

fn setting(speed: Speed) -> Setting {
    let endpoint = |address| EndpointPlan {
        address,
        kind: TransferKind::Bulk,
        max_packet: bulk_size(speed),
        interval: 0,
        burst_z: 0,
    };
    Setting {
        interface: 0,
        alternate: 0,
        class: [ClassCode::VENDOR.0, 0xff, 0xff],
        class_descriptors: Vec::new(),
        endpoints: vec![endpoint(BULK_IN), endpoint(BULK_OUT)],
    }
}

fn blueprint(options: &SerialOptions, speed: Speed) -> Blueprint {
    let ((vendor, product), release) = match options.framing {
        Framing::Raw => ((VENDOR, PRODUCT_SERIAL), 0x0100),
        Framing::Ftdi => (FTDI, FTDI_RELEASE),
    };
    let identity = Identity {
        vendor,
        product,
        release,
        manufacturer_name: "Doorbell".to_string(),
        product_name: "Serial".to_string(),
        serial: options.serial.clone(),
    };
    let other_speed_settings = if speed == Speed::High {
        vec![setting(Speed::Full)]
    } else {
        Vec::new()
    };
    Blueprint {
        configurations: ConfigurationPlan::only(vec![setting(speed)], other_speed_settings),
        ..Blueprint::of(speed, identity)
    }
}
