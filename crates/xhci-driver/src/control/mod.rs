//! One value for each controller: it holds the parts together and carries what they tell each other.

mod rounds;
mod services;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::fmt;

use usb_spec::time::Instant;
use xhci_hal::DmaLimit;
use xhci_spec::number::{Dci, InterrupterId, PortId, SlotId};
use xhci_spec::registers::UsbCmd;
use xhci_spec::trb::Command;

use crate::command::{Commands, Ended};
use crate::device::{Device, DeviceInfo};
use crate::job::{Input, Job, JobId};
use crate::lane::EventRing;
use crate::port::Port;
use crate::registers::Registers;
use crate::start::Start;
use crate::{
    Buffer, Capabilities, Death, EndpointKey, Hal, Lane, Notice, Operation, OperationError,
    OperationId, Place, Policy, ToControl, ToLane, TransferDone, TransferError, TransferId,
    TransferRequest,
};

/// Transfers with this bit in their name are the driver's own.
const OWN: u64 = 1 << 63;

/// An operation that nobody but the driver itself waits for.
pub(crate) const OWN_OPERATION: OperationId = OperationId(u64::MAX);

/// How many rounds one poll makes while there is something new; a controller that never falls silent cannot keep the thread.
const ROUNDS_MAX: usize = 64;

/// Who waits for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    SelfTest,
    /// Nobody inside: the answer is all that is wanted.
    Operation(OperationId),
    Job(JobId),
    Lane(InterrupterId, EndpointKey),
}

/// The driver of one controller: brings it up, runs its commands, looks after its ports and slots, and carries the first lane.
///
/// It is a value without thread or clock: call [`poll`](Self::poll) after each interrupt of interrupter 0 and at
/// [`next_deadline`](Self::next_deadline), then take what `poll_*` hands out.
pub struct Control<H: Hal> {
    pub(crate) registers: Registers<H::Mmio>,
    pub(crate) policy: Policy,
    pub(crate) dma: H::Dma,
    pub(crate) limit: DmaLimit,
    pub(crate) commands: Commands<H, Owner>,
    /// Lane 0; the others until they are taken.
    pub(crate) lanes: Vec<Lane<H>>,
    pub(crate) interrupters: u16,
    /// Every lane's event ring as the controller is to be told at the start; lanes may have been taken by then.
    pub(crate) event_rings: Vec<EventRing>,
    pub(crate) next_lane: u16,
    /// The device context base address array.
    pub(crate) array: Buffer<H>,
    /// Scratchpad buffers and their array: the controller's as long as it lives.
    pub(crate) _scratchpads: Vec<Buffer<H>>,
    pub(crate) ports: Vec<Port>,
    pub(crate) devices: BTreeMap<SlotId, Device<H>>,
    pub(crate) jobs: BTreeMap<JobId, Job<H>>,
    pub(crate) start: Start,
    pub(crate) notices: VecDeque<Notice>,
    pub(crate) generation: u32,
    /// Room for commands that have ended; empty between calls.
    ended: Vec<Ended<Owner>>,
    done: VecDeque<TransferDone<Buffer<H>>>,
    to_lanes: VecDeque<(InterrupterId, ToLane<H>)>,
    inbox: VecDeque<(JobId, Input<H>)>,
    timers: Vec<(Instant, JobId)>,
    address_zero: Option<JobId>,
    address_queue: VecDeque<JobId>,
    /// Ports whose event came, and all of them at the start.
    look: VecDeque<PortId>,
    /// Places that have become empty and whose devices are to be taken away.
    gone: Vec<Place>,
    next_job: u32,
    next_transfer: u64,
    /// When the controller's health is looked at next.
    checkup: Instant,
    /// Devices that have power may take until then to show themselves.
    pub(crate) settle_after: Instant,
    settled: bool,
}

impl<H: Hal> fmt::Debug for Control<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("start", &self.start)
            .field("devices", &self.devices.len())
            .field("jobs", &self.jobs)
            .field("address_zero", &self.address_zero)
            .field("waiting_for_it", &self.address_queue)
            .field("timers", &self.timers)
            .finish_non_exhaustive()
    }
}

impl<H: Hal> Control<H> {
    pub(crate) fn assemble(parts: Parts<H>, now: Instant) -> Self {
        let interrupters = u16::try_from(parts.lanes.len()).unwrap_or(1);
        let event_rings = parts.lanes.iter().map(Lane::event_ring).collect();
        Self {
            registers: parts.registers,
            policy: parts.policy,
            dma: parts.dma,
            limit: parts.limit,
            commands: parts.commands,
            lanes: parts.lanes,
            interrupters,
            event_rings,
            next_lane: 0,
            array: parts.array,
            _scratchpads: parts.scratchpads,
            ports: parts.ports,
            devices: BTreeMap::new(),
            jobs: BTreeMap::new(),
            start: Start::new(now),
            notices: VecDeque::new(),
            generation: 0,
            ended: Vec::new(),
            done: VecDeque::new(),
            to_lanes: VecDeque::new(),
            inbox: VecDeque::new(),
            timers: Vec::new(),
            address_zero: None,
            address_queue: VecDeque::new(),
            look: VecDeque::new(),
            gone: Vec::new(),
            next_job: 0,
            next_transfer: 0,
            checkup: now,
            settle_after: now,
            settled: false,
        }
    }

    /// What the controller's capability registers say.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.registers.capabilities
    }

    /// The devices that are ready to be used.
    pub fn devices(&self) -> impl Iterator<Item = &DeviceInfo> {
        self.devices
            .values()
            .filter(|device| device.announced)
            .map(|device| &device.info)
    }

    /// The device in this slot, if there is one ready to be used.
    #[must_use]
    pub fn device(&self, slot: SlotId) -> Option<&DeviceInfo> {
        self.devices
            .get(&slot)
            .filter(|device| device.announced)
            .map(|device| &device.info)
    }

    /// Whether the controller was given up; see [`Notice::Died`].
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.start == Start::Dead
    }

    /// Which lane carries an endpoint; transfers on lane 0 are submitted here, others to their lane.
    #[must_use]
    pub fn lane_of(&self, key: EndpointKey) -> Option<InterrupterId> {
        self.devices.get(&key.slot)?.lanes.get(&key.dci).copied()
    }

    /// The lanes behind the first, once: for threads of their own.
    pub fn take_lanes(&mut self) -> Vec<Lane<H>> {
        if self.lanes.is_empty() {
            Vec::new()
        } else {
            self.lanes.split_off(1)
        }
    }

    /// How many transfers on lane 0 have been submitted, the driver's own included, and not yet come back.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.lanes.iter().map(Lane::in_flight).sum()
    }

    /// Begins a transfer on an endpoint of lane 0. It always comes back through [`poll_done`](Self::poll_done).
    ///
    /// Names with bit 63 set belong to the driver itself.
    pub fn submit(&mut self, mut request: TransferRequest<Buffer<H>>, now: Instant) {
        request.id = TransferId(request.id.0 & !OWN);
        if self.is_over() {
            self.done
                .push_back(request.fail(TransferError::ControllerDead, 0));
        } else if let Some(lane) = self.lanes.first_mut() {
            lane.submit(request, now);
        }
    }

    /// Takes a transfer on lane 0 back; it still comes through [`poll_done`](Self::poll_done).
    pub fn cancel(&mut self, key: EndpointKey, id: TransferId, now: Instant) {
        if let Some(lane) = self.lanes.first_mut() {
            lane.cancel(key, id, now);
        }
    }

    /// Asks for an operation; [`Notice::OperationDone`] answers. The name `u64::MAX` belongs to the driver itself.
    pub fn request(&mut self, id: OperationId, operation: Operation, now: Instant) {
        if self.is_over() {
            return self.operation_done(id, Err(OperationError::ControllerDead));
        }
        let (slot, port) = match operation {
            Operation::ClearHalt { slot, .. }
            | Operation::ResetDevice { slot }
            | Operation::SetInterface { slot, .. } => (Some(slot), None),
            Operation::Suspend { port } | Operation::Resume { port } => {
                (self.slot_on(port), Some(port))
            }
        };
        match slot.and_then(|slot| self.devices.get_mut(&slot)) {
            Some(device) if device.announced => {
                device.queue.push_back((id, operation));
                let slot = device.info.slot;
                self.device_free(slot, now);
            }
            _ if port.is_some() => self.operation_done(id, Err(OperationError::PortState)),
            _ => self.operation_done(id, Err(OperationError::NoDevice)),
        }
    }

    /// Has the controller carry out a No Op command, to see whether it still does; [`Notice::OperationDone`] answers, with
    /// [`OperationError::ControllerDead`] when it is not running. xHCI 1.2 §4.6.2.
    pub fn no_op(&mut self, id: OperationId, now: Instant) {
        if self.start != Start::Running {
            return self.operation_done(id, Err(OperationError::ControllerDead));
        }
        let owner = Owner::Operation(id);
        self.commands
            .submit(Command::NoOp, owner, &self.registers, now);
    }

    /// Takes what the controller has written, moves everything on that can move, gives up what has taken too long.
    pub fn poll(&mut self, now: Instant) {
        if matches!(self.start, Start::Dead | Start::Stopped) {
            return;
        }
        self.advance_start(now);
        if self.is_over() {
            return;
        }
        for _ in 0..ROUNDS_MAX {
            let mut news = false;
            for lane in 0..self.lanes.len() {
                news |= self.poll_lane(lane, now);
            }
            news |= self.poll_commands(now);
            news |= self.poll_ports(now);
            news |= self.poll_jobs(now);
            if !news || self.is_over() {
                break;
            }
        }
        self.check_up(now);
        self.settle(now);
    }

    /// When [`poll`](Self::poll) is needed even without an interrupt; changes with every call that takes `&mut self`.
    #[must_use]
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if matches!(self.start, Start::Dead | Start::Stopped) {
            return None;
        }
        if matches!(self.start, Start::Dying { .. }) {
            // Nothing else moves until the controller is quiet.
            return self.start.next_deadline(&self.policy, now);
        }
        let running = self.start == Start::Running;
        if running && !self.look.is_empty()
            || !self.inbox.is_empty()
            || self.lanes.iter().any(Lane::has_output)
        {
            return Some(now);
        }
        let mut earliest = self.start.next_deadline(&self.policy, now);
        earliest = Instant::earlier(earliest, self.commands.next_deadline(&self.policy, now));
        for lane in &self.lanes {
            earliest = Instant::earlier(earliest, lane.next_deadline());
        }
        // Ports are looked at while the controller runs, and only then.
        for port in self.ports.iter().filter(|_| running) {
            earliest = Instant::earlier(earliest, port.next_deadline());
        }
        for (at, _) in &self.timers {
            earliest = Instant::earlier(earliest, Some(*at));
        }
        if !self.settled && self.start == Start::Running && now < self.settle_after {
            earliest = Instant::earlier(earliest, Some(self.settle_after));
        }
        Instant::earlier(earliest, Some(self.checkup))
    }

    /// The next thing that happened.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// The next transfer on lane 0 that has ended.
    pub fn poll_done(&mut self) -> Option<TransferDone<Buffer<H>>> {
        self.done.pop_front()
    }

    /// The next message for a lane that was taken.
    pub fn poll_lane_message(&mut self) -> Option<(InterrupterId, ToLane<H>)> {
        self.to_lanes.pop_front()
    }

    /// Hears a lane.
    pub fn lane_message(&mut self, from: InterrupterId, message: ToControl, now: Instant) {
        match message {
            ToControl::Stop { key } => {
                let command = Command::StopEndpoint {
                    slot: key.slot,
                    endpoint: key.dci,
                    suspend: false,
                };
                self.lane_command(from, key, command, now);
            }
            ToControl::Reset { key, preserve } => {
                let (slot, endpoint) = (key.slot, key.dci);
                let command = Command::ResetEndpoint {
                    slot,
                    endpoint,
                    transfer_state_preserve: preserve,
                };
                self.lane_command(from, key, command, now);
            }
            ToControl::SetDequeue {
                key,
                dequeue,
                cycle,
            } => {
                let command = Command::SetTrDequeue {
                    slot: key.slot,
                    endpoint: key.dci,
                    dequeue,
                    cycle,
                    stream_context_type: Default::default(),
                    stream: Default::default(),
                };
                self.lane_command(from, key, command, now);
            }
            ToControl::Flushed {
                key,
                was_halted,
                dequeue,
                cycle,
            } => {
                if let Some(device) = self
                    .devices
                    .get_mut(&key.slot)
                    .filter(|_| key.dci == Dci::CONTROL)
                {
                    device.control_dequeue = Some((dequeue, cycle));
                }
                self.tell_device_job(
                    key,
                    Input::Flushed {
                        dci: key.dci,
                        was_halted,
                        dequeue,
                        cycle,
                    },
                );
            }
            ToControl::Paused { key } => self.tell_device_job(key, Input::Paused { dci: key.dci }),
            ToControl::Closed { key } => self.tell_device_job(key, Input::Closed { dci: key.dci }),
            ToControl::Halted { key, error } => self.endpoint_halted(key, error, now),
            ToControl::Foreign(trb) => self.foreign(trb, now),
        }
    }

    /// Halts the controller and hands it back; [`Notice::Stopped`] says when it is done. Everything under way comes back.
    pub fn shutdown(&mut self, now: Instant) {
        if matches!(self.start, Start::Dead | Start::Stopped) {
            self.notices.push_back(Notice::Stopped);
            return;
        }
        if matches!(self.start, Start::Stopping { .. } | Start::Dying { .. }) {
            return;
        }
        let command: UsbCmd = self.registers.operational();
        self.registers
            .set_operational(command.with_run(false).with_interrupter_enable(false));
        self.start = Start::Stopping {
            since: now,
            resetting: false,
        };
    }

    /// Whether nothing can be asked of the controller any more.
    fn is_over(&self) -> bool {
        matches!(
            self.start,
            Start::Dying { .. } | Start::Dead | Start::Stopped
        )
    }

    /// Gives the controller up. It is halted and reset first, so that it touches no memory after that was given back.
    pub(crate) fn die(&mut self, cause: Death, now: Instant) {
        if self.is_over() {
            return;
        }
        if self.registers.status().is_none() {
            // It is gone, and reaches nothing.
            return self.dead(cause, now);
        }
        self.registers.set_operational(UsbCmd::default());
        self.start = Start::Dying {
            cause,
            since: now,
            resetting: false,
        };
    }

    /// The controller is dead and quiet: everything comes back with an error.
    pub(crate) fn dead(&mut self, cause: Death, now: Instant) {
        self.give_everything_back(now);
        self.start = Start::Dead;
        self.notices.push_back(Notice::Died { cause });
    }

    pub(crate) fn give_everything_back(&mut self, now: Instant) {
        for lane in 0..self.interrupters {
            self.tell_lane(InterrupterId(lane), ToLane::Died, now);
        }
        let mut ended = Vec::new();
        self.commands.die(&mut ended);
        for lane in &mut self.lanes {
            while let Some(done) = lane.poll_done() {
                if done.id.0 & OWN == 0 {
                    self.done.push_back(done);
                }
            }
        }
        let mut waiting: Vec<OperationId> = self.jobs.values().filter_map(Job::operation).collect();
        waiting.extend(ended.iter().filter_map(|(owner, _)| match owner {
            Owner::Operation(id) => Some(*id),
            Owner::SelfTest | Owner::Job(_) | Owner::Lane(..) => None,
        }));
        waiting.extend(
            self.devices
                .values_mut()
                .flat_map(|device| device.queue.drain(..).map(|(id, _)| id)),
        );
        for id in waiting {
            self.operation_done(id, Err(OperationError::ControllerDead));
        }
        self.jobs.clear();
        self.inbox.clear();
        self.timers.clear();
        let attached: Vec<SlotId> = self
            .devices
            .values()
            .filter(|d| d.announced)
            .map(|d| d.info.slot)
            .collect();
        self.notices
            .extend(attached.into_iter().map(|slot| Notice::Detached { slot }));
        self.devices.clear();
    }
}

/// What [`Control`] is put together from.
pub(crate) struct Parts<H: Hal> {
    pub(crate) registers: Registers<H::Mmio>,
    pub(crate) policy: Policy,
    pub(crate) dma: H::Dma,
    pub(crate) limit: DmaLimit,
    pub(crate) commands: Commands<H, Owner>,
    pub(crate) lanes: Vec<Lane<H>>,
    pub(crate) array: Buffer<H>,
    pub(crate) scratchpads: Vec<Buffer<H>>,
    pub(crate) ports: Vec<Port>,
}
