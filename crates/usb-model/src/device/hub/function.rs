//! The hub as a device: class requests and the status change endpoint. USB 2.0 §11.24.2, USB 3.2 §10.16.2.

use alloc::vec::Vec;
use core::time::Duration;

use memory::Slice;
use usb_spec::class::hub::{HubFeature, PortFeature, emit_status};
use usb_spec::descriptor::{Hub as HubDescriptor, HubCharacteristics, PortMap, SuperSpeedHub};
use usb_spec::time::Instant;
use usb_spec::{DescriptorKind, EndpointAddress, Recipient, Request, RequestKind, Setup, Speed};

use super::port::Port;
use super::translator::Translators;
use crate::chapter9::{Arrival, Function, InAnswer, OutAnswer};

/// Individual power switching and over-current protection.
const CHARACTERISTICS: u16 = 1 | 1 << 3;

/// USB 2.0 hubs have indicators.
const INDICATORS: u16 = 1 << 7;

/// `bPwrOn2PwrGood`: 20 ms.
const POWER_GOOD_2MS: u8 = 10;

/// What the hub itself draws, in mA.
const OWN_CURRENT_MA: u8 = 100;

/// The largest depth: five hubs at most stand one behind the other. USB 3.2 §10.16.2.9.
const DEPTH_MAX: u16 = 4;

/// What a hub does behind chapter 9.
#[derive(Debug)]
pub struct HubFunction {
    pub(super) speed: Speed,
    pub(super) ports: Vec<Port>,
    pub(super) translators: Translators,
    /// How many hubs stand above this one.
    pub(super) depth: u8,
    /// What the host has said about it (SuperSpeed).
    told_depth: Option<u16>,
    /// How long the status change endpoint is silent between two reports.
    interval: Duration,
    last_report: Option<Instant>,
    report: [u8; 32],
}

impl HubFunction {
    pub(super) fn new(
        speed: Speed,
        ports: u8,
        translators: Translators,
        interval: Duration,
    ) -> Self {
        Self {
            speed,
            ports: (0..ports).map(|_| Port::new(speed)).collect(),
            translators,
            depth: 0,
            told_depth: None,
            interval,
            last_report: None,
            report: [0; 32],
        }
    }

    pub(super) fn port(&mut self, number: u8) -> Option<&mut Port> {
        self.ports.get_mut(usize::from(number).checked_sub(1)?)
    }

    /// Whether traffic for this port finds it: a SuperSpeed hub reads the route string at the depth it was told, and a translator that was
    /// stopped translates nothing.
    pub(super) fn routes(&self, number: u8, split: bool) -> bool {
        if self.speed.is_super() {
            return self.told_depth == Some(u16::from(self.depth));
        }
        !split || self.translators.is_running(number)
    }

    /// All ports lose their power.
    pub(super) fn restart(&mut self) {
        self.ports.iter_mut().for_each(Port::restart);
        self.translators.restart();
        self.told_depth = None;
        self.last_report = None;
    }

    pub(super) fn advance(&mut self, now: Instant) {
        self.ports.iter_mut().for_each(|port| port.advance(now));
    }

    pub(super) fn port_deadline(&self) -> Option<Instant> {
        self.ports.iter().filter_map(Port::deadline).min()
    }

    fn count(&self) -> u8 {
        u8::try_from(self.ports.len()).unwrap_or(u8::MAX)
    }

    /// Which ports have changes.
    fn changes(&self) -> PortMap {
        let changed = (1..)
            .zip(&self.ports)
            .filter(|(_, port)| port.status().1 != 0);
        changed.fold(PortMap::EMPTY, |map, (number, _)| map.with(number))
    }

    fn has_changes(&self) -> bool {
        self.ports.iter().any(|port| port.status().1 != 0)
    }

    /// When the status change endpoint may report again.
    fn report_due(&self) -> Instant {
        self.last_report
            .map_or(Instant::START, |last| last + self.interval)
    }

    fn descriptor(&self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        match (DescriptorKind(setup.value_high()), self.speed.is_super()) {
            (DescriptorKind::SUPER_SPEED_HUB, true) => {
                let descriptor = SuperSpeedHub {
                    ports: self.count(),
                    characteristics: HubCharacteristics(CHARACTERISTICS),
                    power_on_to_good_2ms: POWER_GOOD_2MS,
                    controller_current_4ma: OWN_CURRENT_MA / 4,
                    header_decode_latency_100ns: 4,
                    delay_ns: 400,
                    not_removable: 0,
                };
                reply.extend_from_slice(&descriptor.emit());
            }
            (DescriptorKind::HUB, false) => {
                let descriptor = HubDescriptor {
                    ports: self.count(),
                    characteristics: HubCharacteristics(CHARACTERISTICS | INDICATORS),
                    power_on_to_good_2ms: POWER_GOOD_2MS,
                    controller_current_ma: OWN_CURRENT_MA,
                    not_removable: PortMap::EMPTY,
                };
                reply.extend_from_slice(&descriptor.emit());
            }
            _ => return false,
        }
        setup.value_low() == 0
    }

    /// Status and change of a port; from SuperSpeedPlus on also the extended status, which is 8 bytes long. USB 3.2 §10.16.2.6.
    fn port_status(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        let plus = self.speed == Speed::SuperPlus;
        let Some(port) = self
            .port(setup.index_low())
            .filter(|_| setup.index_high() == 0)
        else {
            return false;
        };
        let (status, change) = port.status();
        reply.extend_from_slice(&emit_status(status, change));
        match (setup.value, port) {
            (0, _) => true,
            (2, Port::Usb3(port)) if plus => {
                reply.extend_from_slice(&port.extended_status().0.to_le_bytes());
                true
            }
            _ => false,
        }
    }

    fn error_count(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        let Some(Port::Usb3(port)) = self.port(setup.index_low()) else {
            return false;
        };
        reply.extend_from_slice(&port.errors.to_le_bytes());
        setup.value == 0 && setup.length == 2
    }

    /// Requests to the hub itself that write. Neither local power nor over-current of the hub as a whole ever changes here.
    fn hub_request(&mut self, setup: Setup) -> bool {
        match setup.request {
            Request::CLEAR_FEATURE | Request::SET_FEATURE => {
                let feature = HubFeature(setup.value);
                let known = matches!(
                    feature,
                    HubFeature::C_HUB_LOCAL_POWER | HubFeature::C_HUB_OVER_CURRENT
                );
                known && setup.index == 0
            }
            Request::HUB_SET_DEPTH if self.speed.is_super() => {
                let known = setup.value <= DEPTH_MAX && setup.index == 0;
                if known {
                    self.told_depth = Some(setup.value);
                }
                known
            }
            _ => false,
        }
    }

    /// Requests to ports and their transaction translators that write.
    fn port_request(&mut self, setup: Setup) -> bool {
        let feature = PortFeature(setup.value);
        match setup.request {
            Request::SET_FEATURE => {
                let argument = setup.index_high();
                self.port(setup.index_low())
                    .is_some_and(|port| port.set(feature, argument))
            }
            Request::CLEAR_FEATURE => self
                .port(setup.index_low())
                .is_some_and(|port| port.clear(feature)),
            Request::HUB_CLEAR_TT_BUFFER => self.translators.clear_buffer(setup.index),
            Request::HUB_RESET_TT => setup.value == 0 && self.translators.reset(setup.index),
            Request::HUB_STOP_TT => setup.value == 0 && self.translators.stop(setup.index),
            _ => false,
        }
    }
}

impl Function for HubFunction {
    fn begin(&mut self, _configuration: u8) {
        self.restart();
    }

    fn alternate(&mut self, _interface: u8, setting: u8) {
        self.translators.choose(setting);
    }

    fn control_in(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        if setup.request_type.kind != RequestKind::Class {
            return false;
        }
        match (setup.request_type.recipient, setup.request) {
            (Recipient::DEVICE, Request::GET_DESCRIPTOR) => self.descriptor(setup, reply),
            (Recipient::DEVICE, Request::GET_STATUS) => {
                reply.extend_from_slice(&emit_status(0, 0));
                setup.value == 0 && setup.index == 0
            }
            (Recipient::OTHER, Request::GET_STATUS) => self.port_status(setup, reply),
            (Recipient::OTHER, Request::HUB_GET_PORT_ERROR_COUNT) => self.error_count(setup, reply),
            (Recipient::OTHER, Request::HUB_GET_TT_STATE) => self.translators.state(setup, reply),
            _ => false,
        }
    }

    fn control_out(&mut self, setup: Setup, _data: &[u8]) -> bool {
        if setup.request_type.kind != RequestKind::Class || setup.length != 0 {
            return false;
        }
        match setup.request_type.recipient {
            Recipient::DEVICE => self.hub_request(setup),
            Recipient::OTHER => self.port_request(setup),
            _ => false,
        }
    }

    fn receive<S: Slice>(
        &mut self,
        _endpoint: EndpointAddress,
        _arrival: &Arrival<'_, S>,
        _now: Instant,
    ) -> OutAnswer {
        OutAnswer::Stall
    }

    /// The map of changes, once an interval, for as long as there are any. USB 2.0 §11.12.3, §11.12.4.
    fn provide(&mut self, _endpoint: EndpointAddress, _room: usize, now: Instant) -> InAnswer<'_> {
        if !self.has_changes() || now < self.report_due() {
            return InAnswer::Nak;
        }
        let map = self.changes();
        let bytes = map.as_bytes(self.count());
        for (to, from) in self.report.iter_mut().zip(bytes) {
            *to = *from;
        }
        InAnswer::Send(self.report.get(..bytes.len()).unwrap_or(&[]))
    }

    fn sent(&mut self, _endpoint: EndpointAddress, _bytes: usize, now: Instant) {
        self.last_report = Some(now);
    }

    /// Connects, disconnects and over-current wake a host that has allowed it. USB 2.0 §11.4.4 (unchecked), USB 3.2 §10.8 (unchecked).
    fn wants_wake(&mut self, _now: Instant) -> bool {
        self.ports.iter().any(Port::wakes)
    }

    fn next_wake(&self) -> Option<Instant> {
        self.ports.iter().any(Port::wakes).then_some(Instant::START)
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.has_changes().then(|| self.report_due())
    }
}
