//! One round of the driver's work: what came, what is due, who is told.

use alloc::vec::Vec;
use core::mem;

use xhci_spec::registers::Register;

use usb_spec::time::Instant;
use xhci_spec::number::PortId;
use xhci_spec::trb::{CompletionCode, Event, Trb};

use super::OWN;
use crate::command::{CommandEvent, Ended};
use crate::control::{Control, Owner};
use crate::enumerate::Enumeration;
use crate::job::{Input, Job, JobId};
use crate::port::{Port, PortEvent};
use crate::start::Start;
use crate::{Buffer, Death, Hal, Lane, Notice, OperationError, Place, ToLane, TransferDone};

impl<H: Hal> Control<H> {
    pub(super) fn poll_lane(&mut self, index: usize, now: Instant) -> bool {
        let Some(lane) = self.lanes.get_mut(index) else {
            return false;
        };
        let from = lane.interrupter();
        let mut news = lane.poll(now);
        while let Some(message) = self.lanes.get_mut(index).and_then(Lane::poll_control) {
            news = true;
            self.lane_message(from, message, now);
        }
        while let Some(done) = self.lanes.get_mut(index).and_then(Lane::poll_done) {
            news = true;
            self.transfer_done(done);
        }
        news
    }

    pub(super) fn transfer_done(&mut self, done: TransferDone<Buffer<H>>) {
        if done.id.0 & OWN == 0 {
            self.done.push_back(done);
        } else if let Some(job) = u32::try_from(done.id.0 & u64::from(u32::MAX))
            .ok()
            .map(JobId)
        {
            self.feed(job, Input::Transfer(done));
        }
    }

    pub(super) fn poll_commands(&mut self, now: Instant) -> bool {
        let mut ended = mem::take(&mut self.ended);
        let before = self.commands.is_aborting();
        let result = self
            .commands
            .poll(&self.registers, &self.policy, now, &mut ended);
        if !before && self.commands.is_aborting() {
            self.notices.push_back(Notice::CommandAborted);
        }
        let news = !ended.is_empty();
        self.commands_ended(ended, now);
        if result.is_err() {
            self.die(Death::AbortFailed, now);
        }
        news
    }

    /// Tells whoever waited, and keeps the list's memory for the next time.
    pub(super) fn commands_ended(&mut self, mut ended: Vec<Ended<Owner>>, now: Instant) {
        for (owner, result) in ended.drain(..) {
            match owner {
                Owner::SelfTest => self.self_test_ended(result.map(drop), now),
                Owner::Operation(id) => {
                    self.operation_done(id, result.map(drop).map_err(OperationError::from));
                }
                Owner::Job(job) => self.feed(job, Input::Command(result)),
                Owner::Lane(lane, key) => {
                    self.tell_lane(
                        lane,
                        ToLane::CommandEnded {
                            key,
                            result: result.map(drop),
                        },
                        now,
                    );
                }
            }
        }
        self.ended = ended;
    }

    pub(super) fn poll_ports(&mut self, now: Instant) -> bool {
        if self.start != Start::Running {
            return false;
        }
        for port in &self.ports {
            let due = port.next_deadline().is_some_and(|deadline| deadline <= now);
            if due && !self.look.contains(&port.id) {
                self.look.push_back(port.id);
            }
        }
        let mut news = false;
        while let Some(id) = self.look.pop_front() {
            news = true;
            self.look_at_port(id, now);
        }
        news
    }

    pub(crate) fn look_at_all_ports(&mut self) {
        self.look = self.ports.iter().map(|port| port.id).collect();
    }

    pub(super) fn look_at_port(&mut self, id: PortId, now: Instant) {
        let mut events = [None; 4];
        let mut count = 0;
        let Some(port) = self.ports.iter_mut().find(|port| port.id == id) else {
            return;
        };
        let looked = port.look(&self.registers, &self.policy, now, |event| {
            if let Some(place) = events.get_mut(count) {
                *place = Some(event);
                count += 1;
            }
        });
        if looked.is_err() {
            return self.die(Death::Gone, now);
        }
        for event in events.into_iter().flatten() {
            self.port_event(id, event, now);
        }
    }

    pub(super) fn poll_jobs(&mut self, now: Instant) -> bool {
        let due: Vec<JobId> = self
            .timers
            .iter()
            .filter(|(at, _)| *at <= now)
            .map(|(_, job)| *job)
            .collect();
        self.timers.retain(|(at, _)| *at > now);
        for job in due {
            self.feed(job, Input::Timer);
        }
        let mut news = false;
        while let Some((id, input)) = self.inbox.pop_front() {
            news = true;
            match self.jobs.remove(&id) {
                Some(Job::Enumerate(job)) => self.enumerate(id, job, input, now),
                Some(Job::Clear(job)) => self.clear(id, job, input, now),
                Some(Job::Configure(job)) => self.reconfigure(id, job, input, now),
                Some(Job::Remove(job)) => self.remove(id, job, input, now),
                Some(Job::Power(job)) => self.power(id, job, input, now),
                Some(Job::Hub(hub)) => self.hub(id, hub, input, now),
                None => {}
            }
        }
        while let Some(place) = self.gone.pop() {
            news = true;
            self.empty_place(place, now);
        }
        news
    }

    /// The device at this place is gone.
    pub(crate) fn note_gone(&mut self, place: Place) {
        self.gone.push(place);
    }

    /// Takes the device away whose place is empty. A job that is still at the place does so itself; one that heard of a success first has
    /// announced a device that is already gone.
    fn empty_place(&mut self, place: Place, now: Instant) {
        let busy = self.jobs.values().any(|job| job.is_at(place));
        if let Some(slot) = self.slot_at(place).filter(|_| !busy) {
            self.remove_device(slot, now);
        }
    }

    /// A port's event may be lost; USBSTS.PCD says that some port has changed.
    fn look_for_lost_port_events(&mut self) {
        let Some(status) = self
            .registers
            .status()
            .filter(|status| status.port_change_detect())
        else {
            return;
        };
        let clear = status.to_neutral().with_port_change_detect(true);
        self.registers.set_operational(clear);
        for port in &self.ports {
            if !self.look.contains(&port.id) {
                self.look.push_back(port.id);
            }
        }
    }

    /// Looks now and then whether the controller is still well, since a broken one tells nobody.
    pub(super) fn check_up(&mut self, now: Instant) {
        if now < self.checkup || self.start != Start::Running {
            self.checkup = self.checkup.max(now);
            if self.start != Start::Running {
                self.checkup = now + self.policy.watchdog;
            }
            return;
        }
        self.checkup = now + self.policy.watchdog;
        self.look_for_lost_port_events();
        let cause = match self.registers.status() {
            None => Some(Death::Gone),
            Some(status) if status.host_controller_error() => Some(Death::HostControllerError),
            Some(status) if status.host_system_error() => Some(Death::HostSystemError),
            Some(status) if status.halted() => Some(Death::Halted),
            Some(_) => None,
        };
        if let Some(cause) = cause {
            self.die(cause, now);
        }
    }

    pub(super) fn settle(&mut self, now: Instant) {
        let busy = now < self.settle_after
            || self.jobs.values().any(Job::is_busy)
            || self.ports.iter().any(Port::is_on_its_way);
        if !self.settled && self.start == Start::Running && !busy {
            self.settled = true;
            self.notices.push_back(Notice::Settled);
        }
    }

    pub(super) fn foreign(&mut self, trb: Trb, now: Instant) {
        match Event::parse(trb) {
            Event::CommandCompletion {
                trb, code, slot, ..
            } => {
                let mut ended = mem::take(&mut self.ended);
                let event = CommandEvent { trb, code, slot };
                self.commands
                    .completed(event, &self.registers, now, &mut ended);
                self.commands_ended(ended, now);
            }
            Event::PortStatusChange {
                port: Some(port), ..
            } => {
                if !self.look.contains(&port) {
                    self.look.push_back(port);
                }
            }
            Event::HostController { code } => {
                self.notices.push_back(Notice::HostController { code })
            }
            Event::MfindexWrap {
                code: CompletionCode::SUCCESS,
            } => {}
            _ => self.notices.push_back(Notice::UnknownEvent(trb)),
        }
    }

    pub(crate) fn port_event(&mut self, id: PortId, event: PortEvent, now: Instant) {
        let slot = self.slot_on(id);
        let job = self
            .jobs
            .iter()
            .find_map(|(job, what)| what.is_at(Place::root(id)).then_some(*job));
        match event {
            PortEvent::Ready if job.is_none() && slot.is_none() => {
                let enumeration = Enumeration::new(Place::root(id), None, None, now);
                let job = self.new_job(Job::Enumerate(enumeration.into()), None);
                self.want_address_zero(job);
            }
            PortEvent::Gone => {
                if let Some(job) = job {
                    self.feed(job, Input::Port(event));
                }
                self.note_gone(Place::root(id));
            }
            PortEvent::Suspended => {
                self.tell_power_job(slot, event);
            }
            PortEvent::Resumed => {
                if let Some(slot) = slot {
                    self.tell_lanes(slot, |_| true, |key| ToLane::Unpause { key }, now);
                }
                self.port_resumed(id, slot);
            }
            PortEvent::OverCurrent { active } => self
                .notices
                .push_back(Notice::OverCurrent { port: id, active }),
            PortEvent::Ready | PortEvent::Enabled { .. } | PortEvent::ResetFailed => {
                if let Some(job) = job {
                    self.feed(job, Input::Port(event));
                }
            }
        }
    }
}
