//! What handles ask of the engine's thread.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use usb_class::hid::KeyboardEvent;
use usb_class::scsi;
use usb_spec::Setup;
use xhci_driver::{EndpointKey, Operation, OperationError};
use xhci_spec::number::SlotId;

use super::mailbox::{Mailbox, Ticket};
use crate::storage::{DiskDone, DiskInfo};
use crate::{Buffer, Error};

/// Names a class machine on the engine's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MachineId(pub(super) u64);

/// Where it is told how an operation ended.
pub(super) type OperationReply = SyncSender<Result<(), OperationError>>;

/// A transfer to be made.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) endpoint: EndpointKey,
    /// Of the device that is meant: its slot may hold another one by now.
    pub(super) generation: u32,
    pub(super) setup: Option<Setup>,
    pub(super) length: usize,
    pub(super) timeout: Option<Duration>,
    /// Has the buffer.
    pub(super) ticket: Ticket,
}

#[derive(Debug)]
pub(super) enum Command {
    Transfer(Order),
    /// Take back all that would end in this mailbox.
    CancelAll {
        mailbox: Arc<Mailbox>,
    },
    Operation {
        slot: SlotId,
        generation: u32,
        operation: Operation,
        reply: OperationReply,
    },
    OpenDisk {
        slot: SlotId,
        generation: u32,
        policy: scsi::Policy,
        opened: SyncSender<Result<MachineId, Error>>,
        answers: SyncSender<DiskAnswer>,
    },
    Disk {
        id: MachineId,
        task: DiskTask,
    },
    OpenKeyboard {
        slot: SlotId,
        generation: u32,
        opened: SyncSender<Result<MachineId, Error>>,
        events: SyncSender<KeyboardEvent>,
    },
    /// Let go of a disk or a keyboard.
    Close {
        id: MachineId,
    },
    Shutdown {
        reply: SyncSender<Result<(), Error>>,
    },
}

#[derive(Debug)]
pub(super) enum DiskTask {
    Start,
    Read {
        at: u64,
        buffer: Buffer,
        length: usize,
    },
    Write {
        at: u64,
        buffer: Buffer,
        length: usize,
    },
    Flush,
}

impl DiskTask {
    /// The buffer of a task that is not begun.
    pub(super) fn into_buffer(self) -> Option<Buffer> {
        match self {
            Self::Read { buffer, .. } | Self::Write { buffer, .. } => Some(buffer),
            Self::Start | Self::Flush => None,
        }
    }
}

/// What became of a [`DiskTask`]; tasks are answered in order.
#[derive(Debug)]
pub(super) struct DiskAnswer {
    pub(super) done: DiskDone,
    /// What the disk is, if it is started.
    pub(super) info: Option<DiskInfo>,
}
