//! Hubs: part of the bus, and so part of the driver. USB 2.0 §11, USB 3.2 §10.
//!
//! A hub is a device like any other until it is configured. Then a job of its own asks for its descriptor, tells the controller that it is a
//! hub (xHCI 1.2 §4.6.6) before anything behind it is addressed, powers its ports, and listens to its status-change endpoint. It makes one
//! request at a time; what comes meanwhile waits in line.

mod port;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use memory::Slice;
use usb_spec::class::hub::PortFeature;
use usb_spec::descriptor::{self, DescriptorKind, PortMap};
use usb_spec::endpoint::TransferKind;
use usb_spec::setup::Setup;
use usb_spec::speed::Speed;
use usb_spec::time::Instant;
use xhci_hal::{Dma, DmaBuffer};
use xhci_spec::number::{Dci, SlotId};
use xhci_spec::trb::Command;

use crate::control::Control;
use crate::device::HubInfo;
use crate::enumerate::Enumeration;
use crate::job::{HubRequest, Input, Job, JobId};
use crate::port::PortEvent;
use crate::{Buffer, EndpointKey, Hal, Notice, Parent, TransferDone, TransferError};
use port::{Due, HubPort, HubPortEvent, Status};

/// The buffer for the hub's descriptor and its ports' status, in bytes: the largest hub descriptor has 71.
const CONTROL_BYTES: usize = 128;

/// The longest report of the status-change endpoint: a bit for the hub and for each of 255 ports.
const REPORT_BYTES: usize = 32;

/// How many requests may fail in a row before the hub is reset.
const FAILURES_MAX: u8 = 4;

/// How long the status-change endpoint rests after an error.
const REST: Duration = Duration::from_millis(100);

/// A hub at work.
#[derive(Debug)]
pub(crate) struct Hub<H: Hal> {
    slot: SlotId,
    super_speed: bool,
    ports: Vec<HubPort>,
    tasks: VecDeque<Task>,
    running: Option<Task>,
    /// For control transfers, when none is under way.
    control: Option<Buffer<H>>,
    /// For the status-change endpoint, when it is not armed.
    report: Option<Buffer<H>>,
    endpoint: Option<EndpointKey>,
    failures: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Descriptor,
    /// The controller is told that this is a hub.
    Introduce,
    /// A SuperSpeed hub is told its tier. USB 3.2 §10.16.2.9.
    Depth(u8),
    Power(u8),
    /// The ports' power needs that long.
    PowerGood(Duration),
    Status(u8),
    Clear(u8, PortFeature),
    Reset(u8, PortFeature),
    ClearTt {
        value: u16,
        port: u8,
    },
}

impl<H: Hal> Control<H> {
    /// Begins to work with a hub that was just configured; anything else is left alone.
    pub(crate) fn start_hub(&mut self, slot: SlotId) {
        let Some(device) = self
            .devices
            .get(&slot)
            .filter(|device| device.info.is_hub())
        else {
            return;
        };
        let super_speed = device.info.speed.is_super();
        let report = device
            .info
            .endpoints
            .iter()
            .find(|endpoint| endpoint.kind == TransferKind::Interrupt);
        let endpoint = report.map(|endpoint| EndpointKey {
            slot,
            dci: endpoint.dci,
        });
        let limit = self.limit.within(0x1_0000);
        let buffers = (
            self.dma.alloc(CONTROL_BYTES, 64, limit),
            self.dma.alloc(REPORT_BYTES, 64, limit),
        );
        let (Ok(control), Ok(report)) = buffers else {
            return;
        };
        let hub = Hub {
            slot,
            super_speed,
            ports: Vec::new(),
            tasks: VecDeque::from([Task::Descriptor]),
            running: None,
            control: Some(control),
            report: Some(report),
            endpoint,
            failures: 0,
        };
        let job = self.new_job(Job::Hub(Box::new(hub)), None);
        if let Some(device) = self.devices.get_mut(&slot) {
            device.hub_job = Some(job);
        }
        self.feed(job, Input::Go);
    }

    /// Moves a hub on.
    pub(crate) fn hub(&mut self, id: JobId, mut hub: Box<Hub<H>>, input: Input<H>, now: Instant) {
        match input {
            Input::Go => {}
            Input::Command(result) => {
                hub.running = None;
                hub.failures = if result.is_ok() {
                    0
                } else {
                    hub.failures.saturating_add(1)
                };
            }
            Input::Timer => self.hub_timer(id, &mut hub, now),
            Input::Hub(request) => self.hub_request(id, &mut hub, request, now),
            Input::Transfer(done) if done.endpoint.dci == Dci::CONTROL => {
                self.hub_answer(id, &mut hub, done, now)
            }
            Input::Transfer(done) => self.hub_report(id, &mut hub, done, now),
            Input::Flushed { .. }
            | Input::Paused { .. }
            | Input::Closed { .. }
            | Input::Port(_) => {}
        }
        if hub.failures > FAILURES_MAX {
            // It no longer answers as a hub does. Its device is reset, and begins again as a hub.
            hub.failures = 0;
            self.endpoint_halted(
                EndpointKey {
                    slot: hub.slot,
                    dci: Dci::CONTROL,
                },
                TransferError::Broken,
                now,
            );
        }
        self.hub_next(id, &mut hub, now);
        self.jobs.insert(id, Job::Hub(hub));
    }

    /// Starts the next task when none is under way.
    fn hub_next(&mut self, id: JobId, hub: &mut Hub<H>, now: Instant) {
        while hub.running.is_none() {
            let Some(task) = hub.tasks.pop_front() else {
                return;
            };
            hub.running = Some(task);
            let setup = match task {
                Task::Descriptor if hub.super_speed => Setup::get_hub_descriptor(
                    DescriptorKind::SUPER_SPEED_HUB,
                    super_speed_hub_bytes(),
                ),
                Task::Descriptor => Setup::get_hub_descriptor(DescriptorKind::HUB, hub_bytes()),
                Task::Introduce => match self.describe_hub(hub.slot) {
                    Ok(input) => {
                        let slot = hub.slot;
                        self.command(
                            id,
                            Command::ConfigureEndpoint {
                                input,
                                slot,
                                deconfigure: false,
                            },
                            now,
                        );
                        return;
                    }
                    Err(_) => {
                        hub.running = None;
                        continue;
                    }
                },
                Task::Depth(depth) => Setup::set_hub_depth(depth),
                Task::Power(port) => Setup::set_port_feature(PortFeature::PORT_POWER, port),
                Task::PowerGood(time) => {
                    self.sleep(id, now + time);
                    return;
                }
                Task::Status(port) => Setup::get_port_status(port),
                Task::Clear(port, feature) => Setup::clear_port_feature(feature, port),
                Task::Reset(port, feature) => Setup::set_port_feature(feature, port),
                Task::ClearTt { value, port } => Setup::clear_tt_buffer(value, port),
            };
            let buffer = hub.control.take();
            self.control_transfer(id, hub.slot, setup, buffer, now);
        }
    }

    fn hub_answer(
        &mut self,
        id: JobId,
        hub: &mut Hub<H>,
        done: TransferDone<Buffer<H>>,
        now: Instant,
    ) {
        let mut bytes = alloc::vec![0; done.bytes.min(CONTROL_BYTES)];
        if let Some(buffer) = done.buffer {
            // The buffer holds what was read into it.
            let _ = buffer.slice().read(0, &mut bytes);
            hub.control = Some(buffer);
        }
        let task = hub.running.take();
        if let Err(error) = done.status {
            let leaving = matches!(
                error,
                TransferError::Disconnected | TransferError::Cancelled
            );
            hub.failures = hub.failures.saturating_add(u8::from(!leaving));
            if let Some(task @ (Task::Descriptor | Task::Status(_) | Task::Reset(..))) =
                task.filter(|_| !leaving)
            {
                hub.tasks.push_front(task);
            }
            return;
        }
        hub.failures = 0;
        match task {
            Some(Task::Descriptor) => self.hub_described(hub, &bytes),
            Some(Task::Status(port)) => self.hub_port_status(id, hub, port, &bytes, now),
            _ => {}
        }
    }

    fn hub_described(&mut self, hub: &mut Hub<H>, bytes: &[u8]) {
        let parsed = if hub.super_speed {
            descriptor::SuperSpeedHub::parse(bytes)
                .map(|d| (d.ports, d.characteristics, d.power_on_to_good_2ms))
        } else {
            descriptor::Hub::parse(bytes)
                .map(|d| (d.ports, d.characteristics, d.power_on_to_good_2ms))
        };
        let Ok((ports, characteristics, power_good)) = parsed else {
            hub.failures = hub.failures.saturating_add(1);
            hub.tasks.push_back(Task::Descriptor);
            return;
        };
        hub.ports = alloc::vec![HubPort::NEW; usize::from(ports)];
        let Some(device) = self.devices.get_mut(&hub.slot) else {
            return;
        };
        let multi_tt = device.info.speed == Speed::High && device.info.alternates.contains_key(&0);
        let think_time = characteristics.tt_think_time_bits();
        device.info.hub = Some(HubInfo {
            ports,
            think_time,
            multi_tt,
        });
        let depth = device.info.place.route.depth();
        hub.tasks.push_back(Task::Introduce);
        if hub.super_speed {
            hub.tasks.push_back(Task::Depth(depth));
        }
        hub.tasks.extend((1..=ports).map(Task::Power));
        hub.tasks.push_back(Task::PowerGood(
            Duration::from_millis(2) * u32::from(power_good),
        ));
    }

    // ── Status changes ─────────────────────────────────────────────────────────────────────────────────────────────────

    fn hub_timer(&mut self, id: JobId, hub: &mut Hub<H>, now: Instant) {
        if let Some(Task::PowerGood(_)) = hub.running {
            hub.running = None;
            hub.tasks.extend((1..=hub.port_count()).map(Task::Status));
        }
        if hub.report.is_some() && hub.port_count() > 0 {
            self.arm_report(id, hub, now);
        }
        for number in 1..=hub.port_count() {
            let Some(port) = hub.port_mut(number) else {
                continue;
            };
            match port.due(now) {
                Some(Due::Look) => hub.look(number),
                Some(Due::Rested) => {
                    let speed = port.speed();
                    self.tell_child(hub.slot, number, HubPortEvent::Enabled { speed }, now);
                }
                Some(Due::TooLate) => {
                    self.tell_child(hub.slot, number, HubPortEvent::ResetFailed, now)
                }
                None => {}
            }
            self.hub_sleep(id, hub, number, now);
        }
    }

    fn hub_sleep(&mut self, id: JobId, hub: &mut Hub<H>, number: u8, now: Instant) {
        if let Some(deadline) = hub
            .port_mut(number)
            .and_then(|port| port.next_deadline(now))
        {
            self.sleep(id, deadline);
        }
    }

    fn arm_report(&mut self, id: JobId, hub: &mut Hub<H>, now: Instant) {
        let Some(endpoint) = hub.endpoint else { return };
        let length = PortMap::length(hub.port_count()).min(REPORT_BYTES);
        if let Some(buffer) = hub.report.take() {
            self.listen(id, endpoint, buffer, length, now);
        }
    }

    fn hub_report(
        &mut self,
        id: JobId,
        hub: &mut Hub<H>,
        done: TransferDone<Buffer<H>>,
        now: Instant,
    ) {
        let mut bytes = [0; REPORT_BYTES];
        let length = done.bytes.min(REPORT_BYTES);
        if let (Some(buffer), Some(place)) = (done.buffer, bytes.get_mut(..length)) {
            // The buffer holds what was read into it.
            let _ = buffer.slice().read(0, place);
            hub.report = Some(buffer);
        }
        match done.status {
            Ok(()) => {
                let changed = PortMap::from_bytes(bytes.get(..length).unwrap_or_default());
                for number in (1..=hub.port_count()).filter(|number| changed.contains(*number)) {
                    hub.look(number);
                }
                self.arm_report(id, hub, now);
            }
            Err(
                TransferError::Disconnected
                | TransferError::ControllerDead
                | TransferError::NotOpen,
            ) => {}
            // It is cleared and armed again; nothing is lost, for the bits stay set until their features are cleared.
            Err(TransferError::Cancelled | TransferError::TimedOut) => self.sleep(id, now + REST),
            Err(_) => {
                self.clear_own_halt(done.endpoint, now);
                self.sleep(id, now + REST);
            }
        }
    }

    fn hub_port_status(
        &mut self,
        id: JobId,
        hub: &mut Hub<H>,
        number: u8,
        bytes: &[u8],
        now: Instant,
    ) {
        let Some(bytes) = bytes.first_chunk::<4>() else {
            return;
        };
        let status = Status::parse(*bytes, hub.super_speed);
        // Cleared before anything else is asked of the port, in front of what waits.
        for feature in status.to_clear() {
            hub.tasks.push_front(Task::Clear(number, feature));
        }
        let policy = self.policy.clone();
        let Some(port) = hub.port_mut(number) else {
            return;
        };
        let mut events = [None; 3];
        let mut places = events.iter_mut();
        port.take(status, &policy, now, |event| {
            if let Some(place) = places.next() {
                *place = Some(event);
            }
        });
        for event in events.into_iter().flatten() {
            self.tell_child(hub.slot, number, event, now);
        }
        self.hub_sleep(id, hub, number, now);
    }

    fn hub_request(&mut self, id: JobId, hub: &mut Hub<H>, request: HubRequest, now: Instant) {
        match request {
            HubRequest::Reset {
                port: number,
                first,
            } => {
                let policy = self.policy.clone();
                let slot = hub.slot;
                let Some(port) = hub.port_mut(number) else {
                    return;
                };
                if first && port.take_as_is() {
                    let speed = port.speed();
                    return self.tell_child(slot, number, HubPortEvent::Enabled { speed }, now);
                }
                let feature = port.reset(&policy, now);
                hub.tasks.push_back(Task::Reset(number, feature));
                self.hub_sleep(id, hub, number, now);
            }
            HubRequest::GiveUp { port } => {
                if let Some(port) = hub.port_mut(port) {
                    port.give_up();
                }
            }
            HubRequest::BeginAgain { port: number } => {
                let policy = self.policy.clone();
                if let Some(port) = hub.port_mut(number) {
                    port.begin_again(&policy, now);
                }
                self.hub_sleep(id, hub, number, now);
            }
            HubRequest::Waiting { port: number } => {
                if hub.port_mut(number).is_some_and(|port| port.is_waiting()) {
                    self.tell_child(hub.slot, number, HubPortEvent::Ready, now);
                }
            }
            HubRequest::ClearTt { value, port } => {
                hub.tasks.push_back(Task::ClearTt { value, port })
            }
        }
    }

    /// What a hub's port tells goes where a root port's would go.
    fn tell_child(&mut self, hub: SlotId, port: u8, event: HubPortEvent, now: Instant) {
        let parent = Parent { hub, port };
        let event = match event {
            HubPortEvent::Ready => return self.child_ready(parent, now),
            HubPortEvent::Gone => PortEvent::Gone,
            HubPortEvent::ResetFailed => PortEvent::ResetFailed,
            HubPortEvent::Enabled { speed } => PortEvent::Enabled {
                speed: self.speed_id(hub, speed),
            },
            HubPortEvent::OverCurrent { active } => {
                self.notices
                    .push_back(Notice::HubOverCurrent { hub, port, active });
                return;
            }
        };
        let job = self
            .jobs
            .iter()
            .find_map(|(id, job)| job.is_behind(parent).then_some(*id));
        match (job, event) {
            (Some(job), event) => self.feed(job, Input::Port(event)),
            (None, PortEvent::Gone) => {
                if let Some(slot) = self.slot_behind(parent) {
                    self.remove_device(slot, now);
                }
            }
            (None, _) => {}
        }
    }

    fn child_ready(&mut self, parent: Parent, now: Instant) {
        let Some(place) = self.place_behind(parent) else {
            // A sixth tier, or a port beyond fifteen: nothing there can be addressed. USB 2.0 §4.1.1, xHCI 1.2 §8.9.
            return;
        };
        let known = self.jobs.values().any(|job| job.is_behind(parent))
            || self.slot_behind(parent).is_some();
        if !known {
            let job = self.new_job(
                Job::Enumerate(Enumeration::new(place, None, None, now).into()),
                None,
            );
            self.want_address_zero(job);
        }
    }
}

impl<H: Hal> Hub<H> {
    fn port_count(&self) -> u8 {
        u8::try_from(self.ports.len()).unwrap_or(u8::MAX)
    }

    fn port_mut(&mut self, number: u8) -> Option<&mut HubPort> {
        self.ports.get_mut(usize::from(number).checked_sub(1)?)
    }

    /// A port's status is asked for, unless that stands in line already.
    fn look(&mut self, number: u8) {
        let task = Task::Status(number);
        if !self.tasks.contains(&task) {
            self.tasks.push_back(task);
        }
    }

    /// Whether something behind it is on its way.
    pub(crate) fn is_busy(&self) -> bool {
        self.running.is_some()
            || !self.tasks.is_empty()
            || self.ports.iter().any(HubPort::is_on_its_way)
    }
}

fn super_speed_hub_bytes() -> u16 {
    u16::try_from(descriptor::SuperSpeedHub::LENGTH).unwrap_or(12)
}

fn hub_bytes() -> u16 {
    u16::try_from(descriptor::Hub::LENGTH_MAX).unwrap_or(71)
}
