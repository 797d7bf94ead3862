//! Carries out what a class machine asks for, on an engine.

use usb_class::transport::{Action, ActionId, Reply, Status, Step};
use usb_spec::time::Instant;
use usb_spec::{EndpointAddress, Setup};
use xhci_driver::{
    DeviceInfo, EndpointKey, Operation, OperationError, OperationId, TransferDone, TransferError,
    TransferId,
};
use xhci_spec::number::{Dci, SlotId};

use crate::{Backend, Buffer, ClientId, Engine, Error, Submission};

/// The size of the buffers for commands, statuses, reports and control data: the largest packet of an interrupt endpoint.
const SMALL: usize = 1024;

/// How many of them are kept: a command, a status that was asked for ahead, a control request, and one more.
const SMALL_KEPT: usize = 4;

/// What a class machine has under way in one device.
#[derive(Debug)]
pub(crate) struct Steps {
    client: ClientId,
    slot: SlotId,
    /// A slot may come to hold another device, which must not get what is meant for this one.
    generation: u32,
    small: Vec<Buffer>,
    under_way: Vec<UnderWay>,
    /// The user's buffer, while no transfer has it.
    pub(crate) data: Option<Buffer>,
}

#[derive(Debug)]
struct UnderWay {
    id: ActionId,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Transfer {
        key: EndpointKey,
        id: TransferId,
        is_data: bool,
    },
    Operation(OperationId),
    Pause(Instant),
    /// It could not be begun.
    Failed(Status),
}

impl Steps {
    pub(crate) fn new<B: Backend>(engine: &mut Engine<B>, slot: SlotId) -> Result<Self, Error> {
        let generation = engine
            .device(slot)
            .ok_or(Error::NoDevice { slot })?
            .generation;
        let small = (0..SMALL_KEPT)
            .map(|_| engine.pool().allocate(SMALL))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            client: engine.client(),
            slot,
            generation,
            small,
            under_way: Vec::with_capacity(SMALL_KEPT),
            data: None,
        })
    }

    /// Gives the mailbox back, after taking back what is under way.
    pub(crate) fn close<B: Backend>(&mut self, engine: &mut Engine<B>) {
        for step in self.under_way.drain(..) {
            if let What::Transfer { key, id, .. } = step.what {
                engine.cancel(key, id);
            }
        }
        engine.close(self.client);
    }

    /// Begins a step.
    pub(crate) fn begin<B: Backend>(&mut self, engine: &mut Engine<B>, step: Step) {
        if let Action::Cancel { id } = step.action {
            return self.cancel(engine, id);
        }
        let what = self.start(engine, step).unwrap_or_else(What::Failed);
        self.under_way.push(UnderWay { id: step.id, what });
    }

    /// The next step that has ended, told to `reply`. Returns whether there was one.
    pub(crate) fn poll<B: Backend>(
        &mut self,
        engine: &mut Engine<B>,
        mut reply: impl FnMut(ActionId, Reply<'_>),
    ) -> bool {
        if let Some(done) = engine.poll_done(self.client) {
            self.transfer_ended(done, reply);
            return true;
        }
        if let Some((id, result)) = engine.poll_operation(self.client) {
            if let Some(step) = self.take(|what| *what == What::Operation(id)) {
                let status = result.map_or_else(operation_status, |()| Status::Ok);
                reply(
                    step.id,
                    Reply {
                        status,
                        bytes: 0,
                        data: &[],
                    },
                );
            }
            return true;
        }
        let now = engine.now();
        let local = self.take(|what| match what {
            What::Pause(until) => *until <= now,
            What::Failed(_) => true,
            What::Transfer { .. } | What::Operation(_) => false,
        });
        let Some(step) = local else {
            return false;
        };
        match step.what {
            What::Failed(status) => reply(step.id, Reply::failed(status)),
            What::Pause(_) | What::Transfer { .. } | What::Operation(_) => {
                reply(step.id, Reply::done());
            }
        }
        true
    }

    /// When [`poll`](Self::poll) has something without the engine.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.under_way
            .iter()
            .filter_map(|step| match step.what {
                What::Pause(until) => Some(until),
                What::Failed(_) => Some(Instant::START),
                What::Transfer { .. } | What::Operation(_) => None,
            })
            .min()
    }

    fn start<B: Backend>(&mut self, engine: &mut Engine<B>, step: Step) -> Result<What, Status> {
        if self.device(engine).is_none() && !matches!(step.action, Action::Pause { .. }) {
            return Err(Status::Gone);
        }
        let deadline = step.timeout.map(|timeout| engine.now() + timeout);
        let submission = match step.action {
            Action::BulkOut { endpoint, bytes } => {
                let buffer = self.small(engine, &bytes, bytes.len())?;
                self.submission(engine, endpoint, buffer, bytes.len())?
            }
            Action::BulkIn { endpoint, length } | Action::InterruptIn { endpoint, length } => {
                let length = length as usize;
                let buffer = self.small(engine, &[], length)?;
                self.submission(engine, endpoint, buffer, length)?
            }
            Action::Control { setup, out } => self.control(engine, setup, &out)?,
            Action::DataOut {
                endpoint,
                offset,
                length,
            }
            | Action::DataIn {
                endpoint,
                offset,
                length,
            } => {
                return self.start_data(engine, endpoint, (offset, length), deadline);
            }
            Action::ClearHalt { endpoint } => {
                let operation = Operation::ClearHalt {
                    slot: self.slot,
                    endpoint,
                };
                return Ok(What::Operation(engine.request(self.client, operation)));
            }
            Action::PortReset => {
                let operation = Operation::ResetDevice { slot: self.slot };
                return Ok(What::Operation(engine.request(self.client, operation)));
            }
            Action::Pause { until } => return Ok(What::Pause(until)),
            Action::Cancel { .. } => return Err(Status::Error),
        };
        let key = submission.endpoint;
        let id = engine.submit(
            self.client,
            Submission {
                deadline,
                ..submission
            },
        );
        Ok(What::Transfer {
            key,
            id,
            is_data: false,
        })
    }

    /// A request on endpoint 0, with its own buffer if it has a data stage.
    fn control<B: Backend>(
        &mut self,
        engine: &Engine<B>,
        setup: Setup,
        out: &[u8],
    ) -> Result<Submission, Status> {
        let length = usize::from(setup.length);
        let bytes = if setup.direction().is_in() { &[] } else { out };
        let buffer = match length {
            0 => None,
            _ => Some(self.small(engine, bytes, length)?),
        };
        let endpoint = EndpointKey {
            slot: self.slot,
            dci: Dci::CONTROL,
        };
        Ok(Submission {
            endpoint,
            setup: Some(setup),
            buffer,
            length,
            deadline: None,
        })
    }

    /// Begins a transfer of a part of the user's buffer.
    fn start_data<B: Backend>(
        &mut self,
        engine: &mut Engine<B>,
        endpoint: EndpointAddress,
        (offset, length): (u64, u32),
        deadline: Option<Instant>,
    ) -> Result<What, Status> {
        let (start, length) = (
            usize::try_from(offset).map_err(|_| Status::Error)?,
            length as usize,
        );
        let key = self.key(engine, endpoint)?;
        let mut buffer = self.data.take().ok_or(Status::Error)?;
        if buffer.narrow(start, length).is_err() {
            self.data = Some(buffer);
            return Err(Status::Error);
        }
        let submission = Submission {
            endpoint: key,
            setup: None,
            buffer: Some(buffer),
            length,
            deadline,
        };
        let id = engine.submit(self.client, submission);
        Ok(What::Transfer {
            key,
            id,
            is_data: true,
        })
    }

    fn submission<B: Backend>(
        &mut self,
        engine: &Engine<B>,
        endpoint: EndpointAddress,
        buffer: Buffer,
        length: usize,
    ) -> Result<Submission, Status> {
        match self.key(engine, endpoint) {
            Ok(key) => Ok(Submission {
                endpoint: key,
                setup: None,
                buffer: Some(buffer),
                length,
                deadline: None,
            }),
            Err(status) => {
                self.keep(buffer);
                Err(status)
            }
        }
    }

    fn key<B: Backend>(
        &self,
        engine: &Engine<B>,
        endpoint: EndpointAddress,
    ) -> Result<EndpointKey, Status> {
        let device = self.device(engine).ok_or(Status::Gone)?;
        device.key(endpoint).ok_or(Status::Error)
    }

    fn device<'a, B: Backend>(&self, engine: &'a Engine<B>) -> Option<&'a DeviceInfo> {
        engine
            .device(self.slot)
            .filter(|device| device.generation == self.generation)
    }

    fn cancel<B: Backend>(&mut self, engine: &mut Engine<B>, id: ActionId) {
        let Some(step) = self.under_way.iter_mut().find(|step| step.id == id) else {
            return;
        };
        match step.what {
            What::Transfer { key, id, .. } => engine.cancel(key, id),
            What::Pause(_) => step.what = What::Failed(Status::Cancelled),
            // The driver bounds these by itself, and half an operation would leave the device in no known state.
            What::Operation(_) | What::Failed(_) => {}
        }
    }

    fn transfer_ended(
        &mut self,
        done: TransferDone<Buffer>,
        mut reply: impl FnMut(ActionId, Reply<'_>),
    ) {
        let TransferDone {
            id,
            buffer,
            bytes,
            status,
            ..
        } = done;
        let step = self.take(|what| matches!(what, What::Transfer { id: own, .. } if *own == id));
        let shown = buffer.as_ref().map(Buffer::shown).unwrap_or_default();
        if let Some(step) = &step {
            let is_data = matches!(step.what, What::Transfer { is_data: true, .. });
            // Of the user's data the class sees nothing but what may be a status in its place.
            let may_show = !is_data || bytes == usb_spec::class::mass_storage::Csw::LENGTH;
            let data = shown.get(..bytes).filter(|_| may_show).unwrap_or_default();
            let status = status.map_or_else(transfer_status, |()| Status::Ok);
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            reply(
                step.id,
                Reply {
                    status,
                    bytes,
                    data,
                },
            );
        }
        let Some(mut buffer) = buffer else {
            return;
        };
        buffer.widen();
        match step.map(|step| step.what) {
            Some(What::Transfer { is_data: true, .. }) => self.data = Some(buffer),
            _ => self.keep(buffer),
        }
    }

    /// A buffer of at least `length` bytes that begins with `bytes`.
    fn small<B: Backend>(
        &mut self,
        engine: &Engine<B>,
        bytes: &[u8],
        length: usize,
    ) -> Result<Buffer, Status> {
        let fits = self.small.pop().filter(|buffer| buffer.len() >= length);
        let mut buffer = match fits {
            Some(buffer) => buffer,
            None => {
                let allocated = engine.pool().allocate(length.max(SMALL));
                allocated.map_err(|_| Status::Error)?
            }
        };
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        Ok(buffer)
    }

    fn keep(&mut self, buffer: Buffer) {
        if self.small.len() < SMALL_KEPT {
            self.small.push(buffer);
        }
    }

    fn take(&mut self, mut wanted: impl FnMut(&What) -> bool) -> Option<UnderWay> {
        let at = self.under_way.iter().position(|step| wanted(&step.what))?;
        Some(self.under_way.remove(at))
    }
}

/// A transfer's end in the words of a class.
fn transfer_status(error: TransferError) -> Status {
    match error {
        TransferError::Stall => Status::Stall,
        TransferError::Babble => Status::Babble,
        TransferError::TimedOut => Status::Timeout,
        // A transfer behind one that halted the endpoint was not begun.
        TransferError::Cancelled | TransferError::Halted => Status::Cancelled,
        TransferError::Disconnected | TransferError::ControllerDead | TransferError::NotOpen => {
            Status::Gone
        }
        TransferError::Transaction { .. }
        | TransferError::Broken
        | TransferError::NoMemory
        | TransferError::BadRequest { .. }
        | TransferError::Other { .. } => Status::Error,
    }
}

/// An operation's end in the words of a class.
fn operation_status(error: OperationError) -> Status {
    match error {
        OperationError::NoDevice | OperationError::ControllerDead | OperationError::Changed => {
            Status::Gone
        }
        OperationError::Transfer(error) => transfer_status(error),
        OperationError::NoSuchThing
        | OperationError::PortState
        | OperationError::Command(_)
        | OperationError::ResetFailed
        | OperationError::NoMemory => Status::Error,
    }
}
