//! What jobs use: commands, timers, control transfers, address 0.

use usb_spec::setup::Setup;
use usb_spec::time::Instant;
use xhci_spec::number::{Dci, InterrupterId, PortId, SlotId};
use xhci_spec::trb::Command;

use super::{OWN, OWN_OPERATION};
use crate::control::{Control, Owner};
use crate::enumerate::Enumeration;
use crate::job::{Input, Job, JobId};
use crate::port::Port;
use crate::registers::Registers;
use crate::{
    Buffer, EndpointKey, Hal, Notice, Operation, OperationError, OperationId, ToLane, TransferDone,
    TransferError, TransferId, TransferRequest,
};

impl<H: Hal> Control<H> {
    pub(crate) fn new_job(&mut self, job: Job<H>, slot: Option<SlotId>) -> JobId {
        self.next_job = self.next_job.wrapping_add(1);
        let id = JobId(self.next_job);
        self.jobs.insert(id, job);
        if let Some(device) = slot.and_then(|slot| self.devices.get_mut(&slot)) {
            device.job = Some(id);
        }
        id
    }

    pub(crate) fn feed(&mut self, job: JobId, input: Input<H>) {
        self.inbox.push_back((job, input));
    }

    pub(crate) fn command(&mut self, job: JobId, command: Command, now: Instant) {
        self.commands
            .submit(command, Owner::Job(job), &self.registers, now);
    }

    pub(super) fn lane_command(
        &mut self,
        from: InterrupterId,
        key: EndpointKey,
        command: Command,
        now: Instant,
    ) {
        self.commands
            .submit(command, Owner::Lane(from, key), &self.registers, now);
    }

    pub(crate) fn sleep(&mut self, job: JobId, until: Instant) {
        self.timers.push((until, job));
    }

    /// Begins a control transfer of the driver's own; the job hears of its end.
    pub(crate) fn control_transfer(
        &mut self,
        job: JobId,
        slot: SlotId,
        setup: Setup,
        buffer: Option<Buffer<H>>,
        now: Instant,
    ) {
        self.next_transfer = (self.next_transfer + 1) & 0x7fff_ffff;
        let request = TransferRequest {
            id: TransferId(OWN | self.next_transfer << 32 | u64::from(job.0)),
            endpoint: EndpointKey {
                slot,
                dci: Dci::CONTROL,
            },
            setup: Some(setup),
            buffer,
            length: usize::from(setup.length),
            deadline: Some(now + self.policy.control_timeout),
        };
        if let Some(lane) = self.lanes.first_mut() {
            lane.submit(request, now);
        }
    }

    /// Waits for a report of an interrupt endpoint of the driver's own; the job hears of it.
    pub(crate) fn listen(
        &mut self,
        job: JobId,
        endpoint: EndpointKey,
        buffer: Buffer<H>,
        length: usize,
        now: Instant,
    ) {
        self.next_transfer = (self.next_transfer + 1) & 0x7fff_ffff;
        let request = TransferRequest {
            id: TransferId(OWN | self.next_transfer << 32 | u64::from(job.0)),
            endpoint,
            setup: None,
            buffer: Some(buffer),
            length,
            deadline: None,
        };
        if let Some(lane) = self.lanes.first_mut() {
            lane.submit(request, now);
        }
    }

    /// An endpoint that the driver itself uses halted: it is made usable again.
    pub(crate) fn clear_own_halt(&mut self, key: EndpointKey, now: Instant) {
        let endpoint = self
            .devices
            .get(&key.slot)
            .and_then(|device| {
                device
                    .info
                    .endpoints
                    .iter()
                    .find(|info| info.dci == key.dci)
            })
            .map(|info| info.address);
        if let Some(endpoint) = endpoint {
            let clear = Operation::ClearHalt {
                slot: key.slot,
                endpoint,
            };
            self.request(OWN_OPERATION, clear, now);
        }
    }

    pub(crate) fn take_buffer(&mut self, slot: SlotId) -> Option<Buffer<H>> {
        self.devices.get_mut(&slot)?.buffer.take()
    }

    pub(crate) fn put_buffer(&mut self, slot: SlotId, buffer: Option<Buffer<H>>) {
        if let (Some(device), Some(buffer)) = (self.devices.get_mut(&slot), buffer) {
            device.buffer = Some(buffer);
        }
    }

    pub(crate) fn tell_lane(&mut self, lane: InterrupterId, message: ToLane<H>, now: Instant) {
        match self
            .lanes
            .iter_mut()
            .find(|held| held.interrupter() == lane)
        {
            Some(held) => held.control(message, now),
            None => self.to_lanes.push_back((lane, message)),
        }
    }

    pub(super) fn tell_device_job(&mut self, key: EndpointKey, input: Input<H>) {
        if let Some(job) = self.devices.get(&key.slot).and_then(|device| device.job) {
            self.feed(job, input);
        }
    }

    pub(crate) fn want_address_zero(&mut self, job: JobId) {
        self.address_queue.push_back(job);
        self.next_at_address_zero();
    }

    pub(crate) fn release_address_zero(&mut self, job: JobId) {
        if self.address_zero == Some(job) {
            self.address_zero = None;
            self.next_at_address_zero();
        }
    }

    pub(super) fn next_at_address_zero(&mut self) {
        if self.address_zero.is_none() {
            self.address_zero = self.address_queue.pop_front();
            if let Some(job) = self.address_zero {
                self.feed(job, Input::Go);
            }
        }
    }

    pub(crate) fn job_ended(&mut self, job: JobId, slot: Option<SlotId>, now: Instant) {
        self.release_address_zero(job);
        self.address_queue.retain(|waiting| *waiting != job);
        if let Some(slot) = slot {
            if let Some(device) = self
                .devices
                .get_mut(&slot)
                .filter(|device| device.job == Some(job))
            {
                device.job = None;
            }
            self.device_free(slot, now);
        }
    }

    pub(crate) fn drop_job(&mut self, job: JobId) {
        if let Some(id) = self.jobs.remove(&job).as_ref().and_then(Job::operation) {
            self.operation_done(id, Err(OperationError::NoDevice));
        }
        self.release_address_zero(job);
        self.address_queue.retain(|waiting| *waiting != job);
    }

    /// Starts the next operation of a device that has none under way.
    pub(crate) fn device_free(&mut self, slot: SlotId, now: Instant) {
        let Some(device) = self
            .devices
            .get_mut(&slot)
            .filter(|device| device.job.is_none())
        else {
            return;
        };
        match device.queue.pop_front() {
            Some((id, Operation::ClearHalt { slot, endpoint })) => {
                self.start_clearing(id, slot, endpoint, now)
            }
            Some((
                id,
                Operation::SetInterface {
                    slot,
                    interface,
                    alternate,
                },
            )) => {
                self.start_configuring(id, slot, interface, alternate, now);
            }
            Some((id, Operation::ResetDevice { slot })) => {
                let place = device.info.place;
                let job = self.new_job(
                    Job::Enumerate(Enumeration::new(place, Some(slot), Some(id), now).into()),
                    Some(slot),
                );
                self.want_address_zero(job);
            }
            Some((id, Operation::Suspend { port })) => self.start_power(id, port, false, slot, now),
            Some((id, Operation::Resume { port })) => self.start_power(id, port, true, slot, now),
            None => {}
        }
    }

    pub(crate) fn operation_done(&mut self, id: OperationId, result: Result<(), OperationError>) {
        if id != OWN_OPERATION {
            self.notices.push_back(Notice::OperationDone { id, result });
        }
    }

    pub(crate) fn port(&self, id: PortId) -> Option<&Port> {
        self.ports.iter().find(|port| port.id == id)
    }

    pub(crate) fn port_mut(&mut self, id: PortId) -> Option<(&mut Port, &Registers<H::Mmio>)> {
        Some((
            self.ports.iter_mut().find(|port| port.id == id)?,
            &self.registers,
        ))
    }

    /// An endpoint gave its transfers back, or does not recover: then only a reset of the device takes its buffers from the controller.
    pub(crate) fn endpoint_halted(&mut self, key: EndpointKey, error: TransferError, now: Instant) {
        // A control endpoint that heals by itself is no news.
        if key.dci != Dci::CONTROL || error == TransferError::Broken {
            self.notices
                .push_back(Notice::EndpointHalted { key, error });
        }
        self.clear_translator(key, error);
        if error == TransferError::Broken {
            if key.dci == Dci::CONTROL {
                // A job's own transfer may be on it, and would come back only with the reset that waits for the job.
                let lost = TransferDone {
                    id: TransferId(OWN),
                    endpoint: key,
                    buffer: None,
                    bytes: 0,
                    status: Err(error),
                };
                self.tell_device_job(key, Input::Transfer(lost));
            }
            let reset = Operation::ResetDevice { slot: key.slot };
            self.request(OWN_OPERATION, reset, now);
        }
    }
}
