//! What changes behind a hub, and what devices there ask of it.

use memory::Slice;
use usb_spec::descriptor::PortMap;
use usb_spec::time::Instant;
use xhci_hal::DmaBuffer;
use xhci_spec::number::SlotId;

use super::port::{Due, HubPortEvent, Status};
use super::{Hub, REPORT_BYTES, REREADS_MAX, REST, Task};
use crate::control::Control;
use crate::enumerate::Enumeration;
use crate::job::{HubRequest, Input, Job, JobId};
use crate::port::PortEvent;
use crate::{Buffer, Hal, Notice, Parent, TransferDone, TransferError};

impl<H: Hal> Control<H> {
    pub(super) fn hub_timer(&mut self, id: JobId, hub: &mut Hub<H>, now: Instant) {
        if let Some(Task::PowerGood(_)) = hub.running {
            hub.running = None;
            hub.tasks
                .extend((1..=hub.port_count()).map(|port| Task::Status {
                    port,
                    again: REREADS_MAX,
                }));
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

    pub(super) fn hub_sleep(&mut self, id: JobId, hub: &mut Hub<H>, number: u8, now: Instant) {
        if let Some(deadline) = hub
            .port_mut(number)
            .and_then(|port| port.next_deadline(now))
        {
            self.sleep(id, deadline);
        }
    }

    pub(super) fn arm_report(&mut self, id: JobId, hub: &mut Hub<H>, now: Instant) {
        let Some(endpoint) = hub.endpoint else { return };
        let length = PortMap::length(hub.port_count()).min(REPORT_BYTES);
        if let Some(buffer) = hub.report.take() {
            self.listen(id, endpoint, buffer, length, now);
        }
    }

    pub(super) fn hub_report(
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

    pub(super) fn hub_port_status(
        &mut self,
        id: JobId,
        hub: &mut Hub<H>,
        (number, again): (u8, u8),
        bytes: &[u8],
        now: Instant,
    ) {
        let Some(bytes) = bytes.first_chunk::<4>() else {
            return;
        };
        let status = Status::parse(*bytes, hub.super_speed);
        // Cleared before anything else is asked of the port, in front of what waits; then read again, for what changed in between was
        // cleared unseen.
        if let Some(again) = again.checked_sub(1).filter(|_| status.has_changed()) {
            hub.tasks.push_front(Task::Status {
                port: number,
                again,
            });
        }
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

    pub(super) fn hub_request(
        &mut self,
        id: JobId,
        hub: &mut Hub<H>,
        request: HubRequest,
        now: Instant,
    ) {
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
    pub(super) fn tell_child(&mut self, hub: SlotId, port: u8, event: HubPortEvent, now: Instant) {
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
        let Some(place) = self.place_behind(parent) else {
            return;
        };
        if event == PortEvent::Gone {
            self.note_gone(place);
        }
        let mut jobs = self.jobs.iter();
        let job = jobs.find_map(|(id, job)| job.is_at(place).then_some(*id));
        if let Some(job) = job {
            self.feed(job, Input::Port(event));
        }
    }

    pub(super) fn child_ready(&mut self, parent: Parent, now: Instant) {
        let Some(place) = self.place_behind(parent) else {
            // A sixth tier, or a port beyond fifteen: nothing there can be addressed. USB 2.0 §4.1.1, xHCI 1.2 §8.9.
            return;
        };
        let known = self.jobs.values().any(|job| job.is_at(place)) || self.slot_at(place).is_some();
        if !known {
            let job = self.new_job(
                Job::Enumerate(Enumeration::new(place, None, None, now).into()),
                None,
            );
            self.want_address_zero(job);
        }
    }
}
