//! What a class machine asks for, carried out on the driver's transfers and operations.

use std::collections::BTreeMap;

use usb_class::transport::{Action, ActionId, Reply, Status, Step};
use usb_spec::endpoint::EndpointAddress;
use usb_spec::time::Instant;
use xhci_driver::{
    EndpointKey, Operation, OperationError, OperationId, TransferError, TransferId, TransferRequest,
};
use xhci_spec::number::{Dci, SlotId};

use super::Pair;

/// The length of a status wrapper: so much in place of data may be one.
const STATUS_LENGTH: usize = 13;

/// What is under way for one class machine.
#[derive(Debug)]
pub(super) struct Steps {
    slot: SlotId,
    under_way: BTreeMap<ActionId, What>,
    /// The user's bytes, filled or sent.
    pub(super) data: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Transfer {
        key: EndpointKey,
        id: TransferId,
        into: Into,
    },
    Operation(OperationId),
    Pause(Instant),
    Failed(Status),
}

/// Where the bytes of a transfer go when it has ended.
#[derive(Clone, Copy, Debug)]
enum Into {
    Nowhere,
    /// To the class.
    Reply,
    /// To this offset of the user's bytes.
    Data(usize),
}

impl Steps {
    pub(super) const fn new(slot: SlotId) -> Self {
        Self {
            slot,
            under_way: BTreeMap::new(),
            data: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, pair: &mut Pair, step: Step) {
        if let Action::Cancel { id } = step.action {
            match self.under_way.get_mut(&id) {
                Some(What::Transfer { key, id, .. }) => pair.cancel(*key, *id),
                Some(what @ What::Pause(_)) => *what = What::Failed(Status::Cancelled),
                Some(What::Operation(_) | What::Failed(_)) | None => {}
            }
            return;
        }
        let what = self.start(pair, &step).unwrap_or_else(What::Failed);
        self.under_way.insert(step.id, what);
    }

    /// Tells `reply` of everything that has ended. Returns whether there was anything.
    pub(super) fn poll(
        &mut self,
        pair: &mut Pair,
        mut reply: impl FnMut(ActionId, Reply<'_>),
    ) -> bool {
        let mut any = false;
        let ids: Vec<ActionId> = self.under_way.keys().copied().collect();
        for id in ids {
            any |= self.poll_one(pair, id, &mut reply);
        }
        any
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let pauses = self.under_way.values().filter_map(|what| match what {
            What::Pause(until) => Some(*until),
            _ => None,
        });
        pauses.min()
    }

    fn poll_one(
        &mut self,
        pair: &mut Pair,
        id: ActionId,
        reply: &mut impl FnMut(ActionId, Reply<'_>),
    ) -> bool {
        let Some(what) = self.under_way.get(&id).copied() else {
            return false;
        };
        match what {
            What::Transfer { id: name, into, .. } => {
                let Some(done) = pair.take_done(name) else {
                    return false;
                };
                let status = done.status.map_or_else(transfer_status, |()| Status::Ok);
                let bytes = done.buffer.as_deref().unwrap_or_default();
                let bytes = bytes.get(..done.bytes).unwrap_or_default();
                if let Into::Data(at) = into
                    && let Some(place) = self.data.get_mut(at..at + bytes.len())
                {
                    place.copy_from_slice(bytes);
                }
                let shown = match into {
                    Into::Nowhere => false,
                    Into::Reply => true,
                    Into::Data(_) => bytes.len() == STATUS_LENGTH,
                };
                let data = if shown { bytes } else { &[] };
                let bytes = u32::try_from(done.bytes).unwrap_or(u32::MAX);
                reply(
                    id,
                    Reply {
                        status,
                        bytes,
                        data,
                    },
                );
            }
            What::Operation(name) => {
                let Some(result) = pair.take_operation(name) else {
                    return false;
                };
                let status = result.map_or_else(operation_status, |()| Status::Ok);
                reply(
                    id,
                    Reply {
                        status,
                        bytes: 0,
                        data: &[],
                    },
                );
            }
            What::Pause(until) if until > pair.now() => return false,
            What::Pause(_) => reply(id, Reply::done()),
            What::Failed(status) => reply(id, Reply::failed(status)),
        }
        self.under_way.remove(&id);
        true
    }

    fn start(&mut self, pair: &mut Pair, step: &Step) -> Result<What, Status> {
        let deadline = step.timeout.map(|timeout| pair.now() + timeout);
        let transfer = |endpoint, bytes, length, into| Transfer {
            endpoint,
            setup: None,
            bytes,
            length,
            into,
            deadline,
        };
        match step.action {
            Action::BulkOut { endpoint, bytes } => {
                self.submit(pair, transfer(endpoint, &bytes, bytes.len(), Into::Nowhere))
            }
            Action::BulkIn { endpoint, length } | Action::InterruptIn { endpoint, length } => {
                self.submit(pair, transfer(endpoint, &[], length as usize, Into::Reply))
            }
            Action::DataOut {
                endpoint,
                offset,
                length,
            } => {
                let start = usize::try_from(offset).map_err(|_| Status::Error)?;
                let bytes = self.data.get(start..start + length as usize);
                let bytes = bytes.ok_or(Status::Error)?.to_vec();
                self.submit(pair, transfer(endpoint, &bytes, bytes.len(), Into::Nowhere))
            }
            Action::DataIn {
                endpoint,
                offset,
                length,
            } => {
                let start = usize::try_from(offset).map_err(|_| Status::Error)?;
                self.submit(
                    pair,
                    transfer(endpoint, &[], length as usize, Into::Data(start)),
                )
            }
            Action::Control { setup, out } => {
                let length = usize::from(setup.length);
                let bytes = if setup.direction().is_in() {
                    &[][..]
                } else {
                    out.get(..length).ok_or(Status::Error)?
                };
                let request = transfer(EndpointAddress(0), bytes, length, Into::Reply);
                self.submit(
                    pair,
                    Transfer {
                        setup: Some(setup),
                        ..request
                    },
                )
            }
            Action::ClearHalt { endpoint } => {
                let slot = self.slot;
                Ok(What::Operation(
                    pair.request(Operation::ClearHalt { slot, endpoint }),
                ))
            }
            Action::PortReset => Ok(What::Operation(
                pair.request(Operation::ResetDevice { slot: self.slot }),
            )),
            Action::Pause { until } => Ok(What::Pause(until)),
            Action::Cancel { .. } => Err(Status::Error),
        }
    }

    fn submit(&self, pair: &mut Pair, transfer: Transfer<'_>) -> Result<What, Status> {
        let device = pair.driver().device(self.slot).ok_or(Status::Gone)?;
        let key = if transfer.setup.is_some() {
            EndpointKey {
                slot: self.slot,
                dci: Dci::CONTROL,
            }
        } else {
            device.key(transfer.endpoint).ok_or(Status::Error)?
        };
        // Any byte may be a buffer's first.
        let skew = pair.random().index(64);
        let buffer = (transfer.length > 0).then(|| {
            let mut buffer = pair.buffer(transfer.length, skew);
            buffer[..transfer.bytes.len()].copy_from_slice(transfer.bytes);
            buffer
        });
        let id = pair.submit(TransferRequest {
            id: TransferId(0),
            endpoint: key,
            setup: transfer.setup,
            buffer,
            length: transfer.length,
            deadline: transfer.deadline,
        });
        let into = transfer.into;
        Ok(What::Transfer { key, id, into })
    }
}

struct Transfer<'a> {
    endpoint: EndpointAddress,
    setup: Option<usb_spec::Setup>,
    bytes: &'a [u8],
    length: usize,
    into: Into,
    deadline: Option<Instant>,
}

/// A transfer's end in the words of a class.
fn transfer_status(error: TransferError) -> Status {
    match error {
        TransferError::Stall => Status::Stall,
        TransferError::Babble => Status::Babble,
        TransferError::TimedOut => Status::Timeout,
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
        _ => Status::Error,
    }
}
