//! The engine's thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SendError, SyncSender, TryRecvError};
use std::task::Waker;

use usb_class::hid::KeyboardEvent;
use xhci_driver::{
    Capabilities, DeviceInfo, EndpointKey, Notice, OperationError, OperationId, TransferDone,
    TransferError, TransferId,
};
use xhci_spec::number::SlotId;

use super::command::{Command, DiskAnswer, MachineId, OperationReply, Order};
use super::machine::{DiskMachine, KeyboardMachine};
use super::mailbox::{Ended, Ticket};
use super::{Board, Event};
use crate::keyboard::PolledKeyboard;
use crate::storage::{Policy, PolledDisk};
use crate::{Backend, Buffer, ClientId, Engine, EngineOptions, Error, Instant, Pool, Submission};

/// Commands taken in one turn, so that one busy user does not keep the others from their completions.
const COMMANDS_PER_TURN: usize = 64;

/// What the handles need to know of the engine.
pub(super) struct Greeting {
    pub(super) waker: Waker,
    pub(super) pool: Pool,
    pub(super) capabilities: Capabilities,
}

pub(super) struct Server<B: Backend> {
    engine: Engine<B>,
    commands: Receiver<Command>,
    board: Arc<Board>,
    client: ClientId,
    transfers: Vec<(TransferId, EndpointKey, Ticket)>,
    operations: Vec<(OperationId, SlotId, OperationReply)>,
    disks: Vec<DiskMachine>,
    keyboards: Vec<KeyboardMachine>,
    next_machine: u64,
}

/// Whether the thread goes on.
enum Turn {
    Active(bool),
    End(Option<SyncSender<Result<(), Error>>>),
}

impl<B: Backend> Server<B> {
    pub(super) fn open<E>(
        options: EngineOptions,
        open: impl FnOnce() -> Result<B, E>,
        commands: Receiver<Command>,
        board: Arc<Board>,
    ) -> Result<Self, Error>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let backend = open().map_err(|error| Error::Backend(error.into()))?;
        let mut engine = Engine::new(backend, options)?;
        Ok(Self {
            client: engine.client(),
            engine,
            commands,
            board,
            transfers: Vec::new(),
            operations: Vec::new(),
            disks: Vec::new(),
            keyboards: Vec::new(),
            next_machine: 0,
        })
    }

    pub(super) fn greeting(&mut self) -> Greeting {
        Greeting {
            waker: self.engine.waker(),
            pool: self.engine.pool().clone(),
            capabilities: self.engine.capabilities().clone(),
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let mut active = match self.take_commands() {
                Turn::Active(active) => active,
                Turn::End(reply) => return self.end(reply),
            };
            active |= self.engine.poll();
            active |= self.deliver();
            active |= self.poll_machines();
            if !active {
                let limit = self.next_deadline();
                self.engine.wait(limit);
            }
        }
    }

    fn end(mut self, reply: Option<SyncSender<Result<(), Error>>>) {
        let result = self.engine.shutdown();
        self.deliver();
        self.poll_machines();
        // Whoever looks at the board sends nothing from here on.
        self.board.end();
        // What was asked for after the end comes back unbegun: a transfer's buffer with its ticket, a disk's with its machine.
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Disk { .. } = command {
                self.carry_out(command);
            }
        }
        for machine in &mut self.disks {
            machine.abandon();
        }
        if let Some(reply) = reply {
            drop(reply.send(result));
        }
    }

    fn take_commands(&mut self) -> Turn {
        let mut active = false;
        for _ in 0..COMMANDS_PER_TURN {
            match self.commands.try_recv() {
                Ok(Command::Shutdown { reply }) => return Turn::End(Some(reply)),
                Ok(command) => self.carry_out(command),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Turn::End(None),
            }
            active = true;
        }
        Turn::Active(active)
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Transfer(order) => self.begin(order),
            Command::CancelAll { mailbox } => {
                for (id, endpoint, ticket) in &self.transfers {
                    if ticket.is_of(&mailbox) {
                        self.engine.cancel(*endpoint, *id);
                    }
                }
            }
            Command::Operation {
                slot,
                generation,
                operation,
                reply,
            } => {
                if !self.holds(slot, generation) {
                    // Who gave up waiting wants no answer.
                    let _unread = reply.send(Err(OperationError::NoDevice));
                    return;
                }
                let id = self.engine.request(self.client, operation);
                self.operations.push((id, slot, reply));
            }
            Command::OpenDisk {
                slot,
                generation,
                policy,
                opened,
                answers,
            } => {
                let result = self.open_disk((slot, generation), policy, answers);
                self.tell_opened(&opened, result);
            }
            Command::Disk { id, task } => {
                if let Some(machine) = self.disks.iter_mut().find(|machine| machine.id == id) {
                    machine.tasks.push_back(task);
                }
            }
            Command::OpenKeyboard {
                slot,
                generation,
                opened,
                events,
            } => {
                let result = self.open_keyboard((slot, generation), events);
                self.tell_opened(&opened, result);
            }
            Command::Close { id } => self.close(id),
            // Taken care of where commands are taken.
            Command::Shutdown { .. } => {}
        }
    }

    fn begin(&mut self, order: Order) {
        let Order {
            endpoint,
            generation,
            setup,
            length,
            timeout,
            mut ticket,
        } = order;
        if !self.holds(endpoint.slot, generation) {
            return ticket.refuse(match self.engine.death() {
                Some(_) => TransferError::ControllerDead,
                None => TransferError::Disconnected,
            });
        }
        let submission = Submission {
            endpoint,
            setup,
            buffer: ticket.take_buffer(),
            length,
            deadline: timeout.map(|timeout| self.engine.now() + timeout),
        };
        let id = self.engine.submit(self.client, submission);
        self.transfers.push((id, endpoint, ticket));
    }

    /// Whether a slot still holds the device that is meant.
    fn holds(&self, slot: SlotId, generation: u32) -> bool {
        let device = self.engine.device(slot);
        device.is_some_and(|device| device.generation == generation)
    }

    /// Tells who opens a machine. One who has given up waiting will never close it.
    fn tell_opened(
        &mut self,
        opened: &SyncSender<Result<MachineId, Error>>,
        result: Result<MachineId, Error>,
    ) {
        if let Err(SendError(Ok(id))) = opened.send(result) {
            self.close(id);
        }
    }

    fn open_disk(
        &mut self,
        (slot, generation): (SlotId, u32),
        policy: Policy,
        answers: SyncSender<DiskAnswer>,
    ) -> Result<MachineId, Error> {
        if !self.holds(slot, generation) {
            return Err(Error::NoDevice { slot });
        }
        let disk = PolledDisk::new(&mut self.engine, slot, policy)?;
        let id = self.machine_id();
        self.disks.push(DiskMachine {
            id,
            disk,
            answers,
            busy: false,
            tasks: VecDeque::new(),
        });
        Ok(id)
    }

    fn open_keyboard(
        &mut self,
        (slot, generation): (SlotId, u32),
        events: SyncSender<KeyboardEvent>,
    ) -> Result<MachineId, Error> {
        if !self.holds(slot, generation) {
            return Err(Error::NoDevice { slot });
        }
        let keyboard = PolledKeyboard::new(&mut self.engine, slot)?;
        let id = self.machine_id();
        self.keyboards.push(KeyboardMachine {
            id,
            keyboard,
            events,
            waiting: None,
            gone: false,
        });
        Ok(id)
    }

    fn machine_id(&mut self) -> MachineId {
        self.next_machine += 1;
        MachineId(self.next_machine)
    }

    fn close(&mut self, id: MachineId) {
        if let Some(at) = self.disks.iter().position(|machine| machine.id == id) {
            self.disks.swap_remove(at).disk.close(&mut self.engine);
        }
        if let Some(at) = self.keyboards.iter().position(|machine| machine.id == id) {
            self.keyboards
                .swap_remove(at)
                .keyboard
                .close(&mut self.engine);
        }
    }

    /// Hands out what has ended and what has happened.
    fn deliver(&mut self) -> bool {
        let mut any = false;
        while let Some(done) = self.engine.poll_done(self.client) {
            self.hand_over(done);
            any = true;
        }
        while let Some((id, result)) = self.engine.poll_operation(self.client) {
            if let Some(at) = self.operations.iter().position(|(own, _, _)| *own == id) {
                let (_, slot, reply) = self.operations.swap_remove(at);
                if result.is_ok() {
                    self.renew(slot);
                }
                // Who gave up waiting wants no answer.
                let _unread = reply.send(result);
            }
            any = true;
        }
        while let Some(notice) = self.engine.poll_notice() {
            self.publish(notice);
            any = true;
        }
        any
    }

    fn hand_over(&mut self, done: TransferDone<Buffer>) {
        let TransferDone {
            id,
            buffer,
            bytes,
            status,
            ..
        } = done;
        if let Some(at) = self.transfers.iter().position(|(own, _, _)| *own == id) {
            self.transfers.swap_remove(at).2.keep(Ended {
                buffer,
                bytes,
                status,
            });
        }
    }

    fn publish(&mut self, notice: Notice) {
        match notice {
            Notice::Settled => self.board.update(None, |state| state.settled = true),
            Notice::Attached { slot, .. } => self.refresh(slot),
            Notice::Detached { slot } => {
                let device = self.known(slot);
                let event = device.map(Event::Detached);
                self.board.update(event, |state| {
                    state.devices.retain(|device| device.slot != slot)
                });
            }
            Notice::EnumerationFailed { place, step, error } => {
                self.board
                    .update(Some(Event::Failed { place, step, error }), |_| {});
            }
            Notice::Died { cause } => {
                self.board.update(Some(Event::Died(cause)), |state| {
                    state.death = Some(cause);
                    state.devices.clear();
                });
            }
            // Results are told to whoever asked; the rest is for those who look after the controller themselves.
            Notice::EndpointHalted { .. }
            | Notice::OperationDone { .. }
            | Notice::PhaseEnded { .. }
            | Notice::ForcedHandoff
            | Notice::OverCurrent { .. }
            | Notice::HubOverCurrent { .. }
            | Notice::RemoteWake { .. }
            | Notice::CommandAborted
            | Notice::HostController { .. }
            | Notice::UnknownEvent(_)
            | Notice::Stopped => {}
        }
    }

    fn known(&self, slot: SlotId) -> Option<Arc<DeviceInfo>> {
        let state = self.board.lock();
        state
            .devices
            .iter()
            .find(|device| device.slot == slot)
            .cloned()
    }

    /// Writes a new device on the board.
    fn refresh(&self, slot: SlotId) {
        let Some(device) = self.engine.device(slot) else {
            return;
        };
        let device = Arc::new(device.clone());
        self.board
            .update(Some(Event::Attached(Arc::clone(&device))), |state| {
                state.devices.retain(|known| known.slot != slot);
                state.devices.push(device);
                state.devices.sort_by_key(|device| device.slot);
            });
    }

    /// Writes on the board what an operation has changed of a device: an interface's setting. That is no event.
    fn renew(&self, slot: SlotId) {
        let Some(device) = self.engine.device(slot) else {
            return;
        };
        self.board.update(None, |state| {
            let known = state.devices.iter_mut();
            for known in
                known.filter(|known| known.slot == slot && known.generation == device.generation)
            {
                *known = Arc::new(device.clone());
            }
        });
    }

    fn poll_machines(&mut self) -> bool {
        let mut any = false;
        for machine in &mut self.disks {
            any |= machine.poll(&mut self.engine);
        }
        for machine in &mut self.keyboards {
            any |= machine.poll(&mut self.engine);
        }
        any
    }

    fn next_deadline(&self) -> Option<Instant> {
        let disks = self
            .disks
            .iter()
            .filter_map(|machine| machine.disk.next_deadline())
            .min();
        let now = self.engine.now();
        let keyboards = self.keyboards.iter();
        let keyboards = keyboards.filter_map(|machine| machine.next_deadline(now));
        Instant::earlier(disks, keyboards.min())
    }
}
