//! A pointer that says where it is, not where it went: what lets a virtual machine's cursor follow its window. HID 1.11.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use memory::Slice;
use usb_spec::class::ClassCode;
use usb_spec::class::hid::ReportKind;
use usb_spec::descriptor::{Bcd, Hid};
use usb_spec::time::Instant;
use usb_spec::{
    DescriptorKind, Direction, EndpointAddress, Recipient, Request, RequestKind, Setup, Speed,
    TransferKind,
};

use super::{PRODUCT_TABLET, VENDOR};
use crate::chapter9::{
    Arrival, Blueprint, ConfigurationPlan, Device, EndpointPlan, Function, Identity, InAnswer,
    OutAnswer, Setting,
};

/// Where the reports come from.
const REPORTS: EndpointAddress = EndpointAddress::new(1, Direction::In);

/// The unit of SET_IDLE. HID 1.11 §7.2.4.
const IDLE_UNIT: Duration = Duration::from_millis(4);

/// The right and lower edge.
pub const TABLET_EDGE: u16 = 0x7fff;

/// A mouse with absolute axes: three buttons, x and y from 0 to [`TABLET_EDGE`], and a wheel. HID 1.11 §6.2.2, HID Usage Tables §4, §12.
#[rustfmt::skip]
const REPORT_DESCRIPTOR: [u8; 72] = [
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00,
    // Buttons 1 to 3, a bit each, and five bits of nothing.
    0x05, 0x09, 0x19, 0x01, 0x29, 0x03, 0x15, 0x00, 0x25, 0x01, 0x95, 0x03, 0x75, 0x01, 0x81, 0x02,
    0x95, 0x01, 0x75, 0x05, 0x81, 0x01,
    // X and Y, absolute.
    0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x15, 0x00, 0x26, 0xff, 0x7f, 0x35, 0x00, 0x46, 0xff, 0x7f,
    0x75, 0x10, 0x95, 0x02, 0x81, 0x02,
    // Wheel, relative.
    0x09, 0x38, 0x15, 0x81, 0x25, 0x7f, 0x35, 0x00, 0x45, 0x00, 0x75, 0x08, 0x95, 0x01, 0x81, 0x06,
    0xc0, 0xc0,
];

/// The size of a report: buttons, x, y, wheel.
const REPORT_LENGTH: usize = 6;

/// What a tablet is like.
#[derive(Clone, Debug)]
pub struct TabletOptions {
    /// Its speed.
    pub speed: Speed,
    /// Serial number; none if empty.
    pub serial: String,
}

impl Default for TabletOptions {
    fn default() -> Self {
        Self {
            speed: Speed::Full,
            serial: String::new(),
        }
    }
}

/// Where the pointer is and what is pressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pointer {
    /// From the left, 0 to [`TABLET_EDGE`].
    pub x: u16,
    /// From the top, 0 to [`TABLET_EDGE`].
    pub y: u16,
    /// A bit for each button: left, right, middle.
    pub buttons: u8,
    /// How far the wheel was turned, away from the person if positive.
    pub wheel: i8,
}

impl Pointer {
    fn report(self) -> [u8; REPORT_LENGTH] {
        let [x0, x1] = self.x.min(TABLET_EDGE).to_le_bytes();
        let [y0, y1] = self.y.min(TABLET_EDGE).to_le_bytes();
        let [wheel] = self.wheel.to_le_bytes();
        [self.buttons & 7, x0, x1, y0, y1, wheel]
    }
}

/// A tablet on a cable.
pub type Tablet<S> = Device<TabletFunction, S>;

impl<S: Slice> Device<TabletFunction, S> {
    /// A tablet that nobody touches.
    #[must_use]
    pub fn new(options: &TabletOptions) -> Self {
        Self::with_function(blueprint(options), TabletFunction::default())
    }

    /// Points somewhere. The host hears of each place in turn; of places between two fetches with the same buttons and a wheel at rest,
    /// of the last alone.
    pub fn point(&mut self, pointer: Pointer) {
        self.function_mut().point(pointer);
    }

    /// Whether everything has been fetched by the host.
    #[must_use]
    pub fn has_told_all(&self) -> bool {
        self.function().waiting.is_empty()
    }
}

/// What a tablet does behind chapter 9.
#[derive(Debug, Default)]
pub struct TabletFunction {
    waiting: VecDeque<Pointer>,
    /// The last report sent, whose wheel is at rest again.
    last: Pointer,
    report: [u8; REPORT_LENGTH],
    last_sent: Option<Instant>,
    /// How long it may be silent; 0 is for ever, as a pointer begins. HID 1.11 §7.2.4.
    idle_4ms: u8,
}

impl TabletFunction {
    fn point(&mut self, pointer: Pointer) {
        match self.waiting.back_mut() {
            Some(last) if last.buttons == pointer.buttons && last.wheel == 0 => *last = pointer,
            _ => self.waiting.push_back(pointer),
        }
    }

    fn idle_deadline(&self) -> Option<Instant> {
        let last = self.last_sent?;
        (self.idle_4ms != 0).then(|| last + IDLE_UNIT * u32::from(self.idle_4ms))
    }
}

impl Function for TabletFunction {
    fn begin(&mut self, _configuration: u8) {
        self.idle_4ms = 0;
        self.last_sent = None;
    }

    fn control_in(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        if setup.request_type.recipient != Recipient::INTERFACE || setup.index != 0 {
            return false;
        }
        match (setup.request_type.kind, setup.request) {
            (RequestKind::Standard, Request::GET_DESCRIPTOR) => {
                match (DescriptorKind(setup.value_high()), setup.value_low()) {
                    (DescriptorKind::HID_REPORT, 0) => reply.extend_from_slice(&REPORT_DESCRIPTOR),
                    (DescriptorKind::HID, 0) => reply.extend_from_slice(&hid_descriptor().emit()),
                    _ => return false,
                }
            }
            (RequestKind::Class, Request::HID_GET_REPORT) => {
                reply.extend_from_slice(&self.last.report());
                return ReportKind(setup.value_high()) == ReportKind::INPUT
                    && setup.value_low() == 0;
            }
            (RequestKind::Class, Request::HID_GET_IDLE) if setup.value == 0 => {
                reply.push(self.idle_4ms);
            }
            _ => return false,
        }
        true
    }

    fn control_out(&mut self, setup: Setup, data: &[u8]) -> bool {
        let ours = setup.request_type.kind == RequestKind::Class
            && setup.request_type.recipient == Recipient::INTERFACE;
        let idle = setup.request == Request::HID_SET_IDLE && setup.value_low() == 0;
        let known = ours && idle && setup.index == 0 && data.is_empty();
        if known {
            self.idle_4ms = setup.value_high();
        }
        known
    }

    fn receive<S: Slice>(
        &mut self,
        _endpoint: EndpointAddress,
        _arrival: &Arrival<'_, S>,
        _now: Instant,
    ) -> OutAnswer {
        OutAnswer::Stall
    }

    fn provide(&mut self, _endpoint: EndpointAddress, _room: usize, now: Instant) -> InAnswer<'_> {
        let idle_over = self.idle_deadline().is_some_and(|deadline| deadline <= now);
        self.report = match self.waiting.front() {
            Some(pointer) => pointer.report(),
            None if idle_over => self.last.report(),
            None => return InAnswer::Nak,
        };
        InAnswer::Send(&self.report)
    }

    fn sent(&mut self, _endpoint: EndpointAddress, _bytes: usize, now: Instant) {
        if let Some(pointer) = self.waiting.pop_front() {
            self.last = Pointer {
                wheel: 0,
                ..pointer
            };
        }
        self.last_sent = Some(now);
    }

    fn wants_wake(&mut self, _now: Instant) -> bool {
        !self.waiting.is_empty()
    }

    fn next_wake(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(Instant::START)
    }

    fn next_deadline(&self) -> Option<Instant> {
        Instant::earlier(self.next_wake(), self.idle_deadline())
    }
}

fn hid_descriptor() -> Hid {
    Hid {
        version: Bcd(0x0111),
        country: 0,
        report_length: u16::try_from(REPORT_DESCRIPTOR.len()).unwrap_or(u16::MAX),
    }
}

/// Eight milliseconds and the like, as for a keyboard.
fn setting(speed: Speed) -> Setting {
    let interval = match speed {
        Speed::Low | Speed::Full => 10,
        Speed::High | Speed::Super | Speed::SuperPlus => 7,
    };
    let endpoint = EndpointPlan {
        address: REPORTS,
        kind: TransferKind::Interrupt,
        max_packet: 8,
        interval,
        burst_z: 0,
    };
    Setting {
        interface: 0,
        alternate: 0,
        // A boot mouse would have to be relative.
        class: [ClassCode::HID.0, 0, 0],
        class_descriptors: hid_descriptor().emit().to_vec(),
        endpoints: vec![endpoint],
    }
}

fn blueprint(options: &TabletOptions) -> Blueprint {
    let identity = Identity {
        vendor: VENDOR,
        product: PRODUCT_TABLET,
        release: 0x0100,
        manufacturer_name: "Doorbell".to_string(),
        product_name: "Tablet".to_string(),
        serial: options.serial.clone(),
    };
    let other_speed_settings = if options.speed == Speed::High {
        vec![setting(Speed::Full)]
    } else {
        Vec::new()
    };
    Blueprint {
        ep0_max_packet: options.speed.default_ep0_max_packet_size(),
        configurations: ConfigurationPlan::only(vec![setting(options.speed)], other_speed_settings),
        remote_wakeup: true,
        ..Blueprint::of(options.speed, identity)
    }
}
