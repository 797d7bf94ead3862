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

#[derive(Debug)]
pub(super) enum Command {
    Transfer {
        endpoint: EndpointKey,
        setup: Option<Setup>,
        buffer: Option<Buffer>,
        length: usize,
        timeout: Option<Duration>,
        ticket: Ticket,
    },
    /// Take back all that would end in this mailbox.
    CancelAll {
        mailbox: Arc<Mailbox>,
    },
    Operation {
        operation: Operation,
        reply: SyncSender<Result<(), OperationError>>,
    },
    OpenDisk {
        slot: SlotId,
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

/// What became of a [`DiskTask`]; tasks are answered in order.
#[derive(Debug)]
pub(super) struct DiskAnswer {
    pub(super) done: DiskDone,
    /// What the disk is, if it is started.
    pub(super) info: Option<DiskInfo>,
}
