//! Hubs: part of the bus, and so part of the driver. USB 2.0 §11, USB 3.2 §10.
//!
//! A hub is a device like any other until it is configured. Then a job of its own asks for its descriptor, tells the controller that it is a
//! hub (xHCI 1.2 §4.6.6) before anything behind it is addressed, powers its ports, and listens to its status-change endpoint. It makes one
//! request at a time; what comes meanwhile waits in line.

mod change;
mod port;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use memory::Slice;
use usb_spec::class::hub::PortFeature;
use usb_spec::descriptor::{self, DescriptorKind};
use usb_spec::endpoint::TransferKind;
use usb_spec::setup::Setup;
use usb_spec::speed::Speed;
use usb_spec::time::Instant;
use xhci_hal::{Dma, DmaBuffer};
use xhci_spec::number::{Dci, SlotId};
use xhci_spec::trb::Command;

use crate::control::Control;
use crate::device::HubInfo;
use crate::job::{Input, Job, JobId};
use crate::{Buffer, EndpointKey, Hal, TransferDone, TransferError};
use port::HubPort;

/// The buffer for the hub's descriptor and its ports' status, in bytes: the largest hub descriptor has 71.
const CONTROL_BYTES: usize = 128;

/// The longest report of the status-change endpoint: a bit for the hub and for each of 255 ports.
const REPORT_BYTES: usize = 32;

/// How often a port's changes are cleared and its status read again in one go.
const REREADS_MAX: u8 = 8;

/// How many requests may fail in a row before the hub is reset.
const FAILURES_MAX: u8 = 4;

/// How long the status-change endpoint rests after an error.
const REST: Duration = Duration::from_millis(100);

/// A hub at work.
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
    /// A port's status is asked for; and once more after its changes were cleared, so often.
    Status {
        port: u8,
        again: u8,
    },
    Clear(u8, PortFeature),
    Reset(u8, PortFeature),
    ClearTt {
        value: u16,
        port: u8,
    },
}

impl<H: Hal> fmt::Debug for Hub<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("slot", &self.slot)
            .field("ports", &self.ports)
            .field("running", &self.running)
            .field("tasks", &self.tasks)
            .field("listens", &self.report.is_none())
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
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
                Task::Status { port, .. } => Setup::get_port_status(port),
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
            if let Some(task @ (Task::Descriptor | Task::Status { .. } | Task::Reset(..))) =
                task.filter(|_| !leaving)
            {
                hub.tasks.push_front(task);
            }
            return;
        }
        hub.failures = 0;
        match task {
            Some(Task::Descriptor) => self.hub_described(hub, &bytes),
            Some(Task::Status { port, again }) => {
                self.hub_port_status(id, hub, (port, again), &bytes, now);
            }
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
        let waits = |task: &Task| matches!(task, Task::Status { port, .. } if *port == number);
        if !self.tasks.iter().any(waits) {
            self.tasks.push_back(Task::Status {
                port: number,
                again: REREADS_MAX,
            });
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
