//! A HID boot keyboard that types by script. HID 1.11.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use memory::Slice;
use usb_spec::class::ClassCode;
use usb_spec::class::hid::{
    BOOT_KEYBOARD_REPORT_DESCRIPTOR, BootDevice, BootKeyboardReport, Keystroke, Leds, Protocol,
    ReportKind, Subclass,
};
use usb_spec::descriptor::{Bcd, Hid};
use usb_spec::time::Instant;
use usb_spec::{
    DescriptorKind, Direction, EndpointAddress, Recipient, Request, RequestKind, Setup, Speed,
    TransferKind,
};

use super::{PRODUCT_KEYBOARD, VENDOR};
use crate::chapter9::{
    Arrival, Blueprint, ConfigurationPlan, Device, EndpointPlan, Function, Identity, InAnswer,
    OutAnswer, Setting,
};

/// Where the reports come from.
pub(super) const REPORTS: EndpointAddress = EndpointAddress::new(1, Direction::In);

/// The unit of SET_IDLE. HID 1.11 §7.2.4.
const IDLE_UNIT: Duration = Duration::from_millis(4);

/// The idle rate that a keyboard begins with: 500 ms. HID 1.11 §7.2.4.
const IDLE_AT_RESET: u8 = 125;

/// What a keyboard is like.
#[derive(Clone, Debug)]
pub struct KeyboardOptions {
    /// Its speed; real ones are low- or full-speed.
    pub speed: Speed,
    /// How long a key is held, at least.
    pub press: Duration,
    /// How long no key is held between two, at least.
    pub release: Duration,
    /// Serial number; none if empty.
    pub serial: String,
}

impl Default for KeyboardOptions {
    fn default() -> Self {
        let beat = Duration::from_millis(10);
        Self {
            speed: Speed::Low,
            press: beat,
            release: beat,
            serial: String::new(),
        }
    }
}

/// A keyboard on a cable.
pub type Keyboard<S> = Device<KeyboardFunction, S>;

impl<S: Slice> Device<KeyboardFunction, S> {
    /// A keyboard that nobody touches.
    #[must_use]
    pub fn new(options: KeyboardOptions) -> Self {
        let blueprint = blueprint(&options);
        Self::with_function(blueprint, KeyboardFunction::new(&options))
    }

    /// Types `text` after what it is typing now, and returns how many characters the US layout has no key for; they are left out.
    pub fn type_text(&mut self, text: &str) -> usize {
        self.function_mut().type_text(text)
    }

    /// Which lamps the host has lit.
    #[must_use]
    pub fn leds(&self) -> Leds {
        self.function().leds()
    }

    /// Whether everything typed has been fetched by the host.
    #[must_use]
    pub fn has_typed_all(&self) -> bool {
        self.function().has_typed_all()
    }
}

/// What a keyboard does behind chapter 9.
///
/// It is typed on patiently: the next key is not touched before the last report was fetched, so a slow host loses nothing.
#[derive(Debug)]
pub struct KeyboardFunction {
    press: Duration,
    release: Duration,
    /// Reports to come.
    script: VecDeque<BootKeyboardReport>,
    /// When the next one is due; `None`: as soon as anyone asks.
    due: Option<Instant>,
    /// What the keys are doing, as last reported or about to be.
    report: [u8; BootKeyboardReport::LENGTH],
    unsent: bool,
    last_sent: Option<Instant>,
    idle_4ms: u8,
    protocol: Protocol,
    leds: Leds,
}

impl KeyboardFunction {
    pub(super) fn new(options: &KeyboardOptions) -> Self {
        Self {
            press: options.press,
            release: options.release,
            script: VecDeque::new(),
            due: None,
            report: BootKeyboardReport::RELEASED.emit(),
            unsent: false,
            last_sent: None,
            idle_4ms: IDLE_AT_RESET,
            protocol: Protocol::REPORT,
            leds: Leds::default(),
        }
    }

    pub(super) fn leds(&self) -> Leds {
        self.leds
    }

    pub(super) fn has_typed_all(&self) -> bool {
        self.script.is_empty() && !self.unsent
    }

    pub(super) fn type_text(&mut self, text: &str) -> usize {
        let mut unknown = 0;
        for c in text.chars() {
            match Keystroke::from_char(c) {
                Some(stroke) => self
                    .script
                    .extend([BootKeyboardReport::of(stroke), BootKeyboardReport::RELEASED]),
                None => unknown += 1,
            }
        }
        unknown
    }

    /// Touches the next key if it is time.
    fn go_on(&mut self, now: Instant) {
        if self.unsent || self.due.is_some_and(|due| now < due) {
            return;
        }
        if let Some(next) = self.script.pop_front() {
            self.report = next.emit();
            self.unsent = true;
        }
    }

    fn idle_deadline(&self) -> Option<Instant> {
        let last = self.last_sent?;
        (self.idle_4ms != 0).then(|| last + IDLE_UNIT * u32::from(self.idle_4ms))
    }
}

impl Function for KeyboardFunction {
    /// A report that was on its way is made anew: no key press is lost by a reset.
    fn begin(&mut self, _configuration: u8) {
        self.idle_4ms = IDLE_AT_RESET;
        self.protocol = Protocol::REPORT;
        self.last_sent = None;
        self.leds = Leds::default();
    }

    fn control_in(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        if setup.request_type.recipient != Recipient::INTERFACE || setup.index != 0 {
            return false;
        }
        match (setup.request_type.kind, setup.request) {
            (RequestKind::Standard, Request::GET_DESCRIPTOR) => {
                match (DescriptorKind(setup.value_high()), setup.value_low()) {
                    (DescriptorKind::HID_REPORT, 0) => {
                        reply.extend_from_slice(&BOOT_KEYBOARD_REPORT_DESCRIPTOR)
                    }
                    (DescriptorKind::HID, 0) => reply.extend_from_slice(&hid_descriptor().emit()),
                    _ => return false,
                }
            }
            (RequestKind::Class, Request::HID_GET_REPORT) => {
                match (ReportKind(setup.value_high()), setup.value_low()) {
                    (ReportKind::INPUT, 0) => reply.extend_from_slice(&self.report),
                    (ReportKind::OUTPUT, 0) => reply.push(self.leds.0),
                    _ => return false,
                }
            }
            (RequestKind::Class, Request::HID_GET_IDLE) if setup.value == 0 => {
                reply.push(self.idle_4ms)
            }
            (RequestKind::Class, Request::HID_GET_PROTOCOL) if setup.value == 0 => {
                reply.push(self.protocol.0)
            }
            _ => return false,
        }
        true
    }

    fn accepts(&self, setup: Setup) -> bool {
        let set_report = setup.request_type.kind == RequestKind::Class
            && setup.request == Request::HID_SET_REPORT;
        let output = ReportKind(setup.value_high()) == ReportKind::OUTPUT && setup.value_low() == 0;
        set_report
            && output
            && setup.request_type.recipient == Recipient::INTERFACE
            && setup.index == 0
            && setup.length == 1
    }

    fn control_out(&mut self, setup: Setup, data: &[u8]) -> bool {
        let ours = setup.request_type.kind == RequestKind::Class
            && setup.request_type.recipient == Recipient::INTERFACE;
        if !ours || setup.index != 0 {
            return false;
        }
        match (setup.request, data) {
            (Request::HID_SET_REPORT, &[leds]) => self.leds = Leds(leds),
            (Request::HID_SET_IDLE, []) if setup.value_low() == 0 => {
                self.idle_4ms = setup.value_high()
            }
            (Request::HID_SET_PROTOCOL, []) if setup.value <= 1 => {
                self.protocol = Protocol(setup.value_low())
            }
            _ => return false,
        }
        true
    }

    fn receive<S: Slice>(
        &mut self,
        _endpoint: EndpointAddress,
        _arrival: &Arrival<'_, S>,
        _now: Instant,
    ) -> OutAnswer {
        OutAnswer::Stall
    }

    /// A report when something changed, or when the idle time is over; NAK otherwise. HID 1.11 §7.2.4. Both protocols have the same report.
    fn provide(&mut self, _endpoint: EndpointAddress, _room: usize, now: Instant) -> InAnswer<'_> {
        self.go_on(now);
        if self.unsent || self.idle_deadline().is_some_and(|deadline| deadline <= now) {
            InAnswer::Send(&self.report)
        } else {
            InAnswer::Nak
        }
    }

    fn sent(&mut self, _endpoint: EndpointAddress, _bytes: usize, now: Instant) {
        if self.unsent {
            let held = self.report != BootKeyboardReport::RELEASED.emit();
            self.due = Some(now + if held { self.press } else { self.release });
        }
        self.unsent = false;
        self.last_sent = Some(now);
    }

    fn wants_wake(&mut self, now: Instant) -> bool {
        self.go_on(now);
        self.unsent
    }

    fn next_wake(&self) -> Option<Instant> {
        if self.unsent {
            return Some(Instant::START);
        }
        (!self.script.is_empty()).then(|| self.due.unwrap_or(Instant::START))
    }

    fn next_deadline(&self) -> Option<Instant> {
        Instant::earlier(self.next_wake(), self.idle_deadline())
    }
}

fn hid_descriptor() -> Hid {
    let length = u16::try_from(BOOT_KEYBOARD_REPORT_DESCRIPTOR.len()).unwrap_or(u16::MAX);
    // Country code 33: US.
    Hid {
        version: Bcd(0x0111),
        country: 33,
        report_length: length,
    }
}

/// The keyboard as interface 0. Eight-byte packets, asked for every 8 to 10 ms: `bInterval` counts frames up to full speed, and powers of
/// two of microframes above.
pub(super) fn setting(speed: Speed) -> Setting {
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
        class: [ClassCode::HID.0, Subclass::BOOT.0, BootDevice::KEYBOARD.0],
        class_descriptors: hid_descriptor().emit().to_vec(),
        endpoints: vec![endpoint],
    }
}

fn blueprint(options: &KeyboardOptions) -> Blueprint {
    let other_speed_settings = if options.speed == Speed::High {
        vec![setting(Speed::Full)]
    } else {
        Vec::new()
    };
    let identity = Identity {
        vendor: VENDOR,
        product: PRODUCT_KEYBOARD,
        release: 0x0100,
        manufacturer_name: "Doorbell".to_string(),
        product_name: "Keyboard".to_string(),
        serial: options.serial.clone(),
    };
    Blueprint {
        ep0_max_packet: options.speed.default_ep0_max_packet_size(),
        configurations: ConfigurationPlan::only(vec![setting(options.speed)], other_speed_settings),
        remote_wakeup: true,
        max_power_ma: 98,
        ..Blueprint::of(options.speed, identity)
    }
}
