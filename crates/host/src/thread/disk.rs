//! A handle to a disk whose machine runs on the engine's thread.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use usb_class::scsi;

use super::command::{Command, DiskAnswer, DiskTask, MachineId};
use super::device::Interface;
use crate::storage::{DiskDone, DiskInfo};
use crate::{Buffer, Error};

/// Operations that may wait for their turn. The disk does one after the other; two keep it busy.
const PENDING_MAX: usize = 32;

/// How long the engine's thread may take to look at a command.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// A disk, for oneself.
///
/// Ranges are in bytes and begin and end at blocks. Operations are done in order; [`submit_read`](Self::submit_read) and
/// [`submit_write`](Self::submit_write) let the next one wait behind the current, so that the disk never does.
#[derive(Debug)]
pub struct Disk {
    interface: Interface,
    id: MachineId,
    answers: Receiver<DiskAnswer>,
    info: DiskInfo,
    pending: usize,
    /// What could not even be asked for, because the engine has ended.
    unsent: VecDeque<DiskDone>,
}

impl Disk {
    pub(super) fn open(interface: Interface, policy: scsi::Policy) -> Result<Self, Error> {
        let (answer, answers) = sync_channel(PENDING_MAX);
        let id = open(&interface, policy, answer)?;
        let task = DiskTask::Start;
        let started = interface
            .inner()
            .send(Command::Disk { id, task })
            .and_then(|()| {
                // The machine bounds this: a disk that does not become ready is given up.
                let answer = answers.recv().map_err(|_| Error::Stopped)?;
                answer.done.result?;
                answer.info.ok_or(Error::Disk(scsi::Error::NotStarted))
            });
        match started {
            Ok(info) => Ok(Self {
                interface,
                id,
                answers,
                info,
                pending: 0,
                unsent: VecDeque::new(),
            }),
            Err(error) => {
                drop(interface.inner().send(Command::Close { id }));
                Err(error)
            }
        }
    }

    /// What it is.
    #[must_use]
    pub fn info(&self) -> &DiskInfo {
        &self.info
    }

    /// A zeroed buffer for it.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn allocate(&self, len: usize) -> Result<Buffer, Error> {
        Ok(self.interface.inner().pool.allocate(len)?)
    }

    /// Reads `length` bytes at byte `at` into a buffer.
    ///
    /// # Errors
    /// [`Error::InUse`] when something is pending, [`Error::Disk`], [`Error::BufferTooSmall`], [`Error::Stopped`].
    pub fn read(&mut self, at: u64, buffer: Buffer, length: usize) -> Result<Buffer, Error> {
        self.one(DiskTask::Read { at, buffer, length })
    }

    /// Writes `length` bytes at byte `at` from a buffer. They are safe from power loss only after a [`flush`](Self::flush).
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn write(&mut self, at: u64, buffer: Buffer, length: usize) -> Result<Buffer, Error> {
        self.one(DiskTask::Write { at, buffer, length })
    }

    /// Brings all that was written onto the medium.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn flush(&mut self) -> Result<(), Error> {
        self.check_idle()?;
        self.begin(DiskTask::Flush)?;
        self.next_done().ok_or(Error::Stopped)?.result
    }

    /// Begins to read; ends in [`next_done`](Self::next_done).
    ///
    /// # Errors
    /// [`Error::InUse`] when too much is pending; the buffer is dropped then.
    pub fn submit_read(&mut self, at: u64, buffer: Buffer, length: usize) -> Result<(), Error> {
        self.begin(DiskTask::Read { at, buffer, length })
    }

    /// Begins to write; ends in [`next_done`](Self::next_done).
    ///
    /// # Errors
    /// [`Error::InUse`] when too much is pending; the buffer is dropped then.
    pub fn submit_write(&mut self, at: u64, buffer: Buffer, length: usize) -> Result<(), Error> {
        self.begin(DiskTask::Write { at, buffer, length })
    }

    /// Waits for the oldest operation that is pending; `None` when there is none.
    pub fn next_done(&mut self) -> Option<DiskDone> {
        self.pending = self.pending.checked_sub(1)?;
        let lost = || DiskDone {
            buffer: None,
            bytes: 0,
            result: Err(Error::Stopped),
        };
        match self.answers.recv() {
            Ok(answer) => Some(answer.done),
            Err(_) => Some(self.unsent.pop_front().unwrap_or_else(lost)),
        }
    }

    fn one(&mut self, task: DiskTask) -> Result<Buffer, Error> {
        self.check_idle()?;
        self.begin(task)?;
        let done = self.next_done().ok_or(Error::Stopped)?;
        done.into_result()?.ok_or(Error::Stopped)
    }

    fn begin(&mut self, task: DiskTask) -> Result<(), Error> {
        if self.pending >= PENDING_MAX {
            return Err(Error::InUse {
                what: "the disk's queue".to_owned(),
            });
        }
        self.pending += 1;
        let sent = self
            .interface
            .inner()
            .try_send(Command::Disk { id: self.id, task });
        if let Err(command) = sent
            && let Command::Disk {
                task: DiskTask::Read { buffer, .. } | DiskTask::Write { buffer, .. },
                ..
            } = *command
        {
            let result = Err(Error::Stopped);
            self.unsent.push_back(DiskDone {
                buffer: Some(buffer),
                bytes: 0,
                result,
            });
        }
        Ok(())
    }

    fn check_idle(&self) -> Result<(), Error> {
        if self.pending == 0 {
            Ok(())
        } else {
            Err(Error::InUse {
                what: "the disk".to_owned(),
            })
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.interface.inner().send(Command::Close { id: self.id }));
    }
}

fn open(
    interface: &Interface,
    policy: scsi::Policy,
    answers: SyncSender<DiskAnswer>,
) -> Result<MachineId, Error> {
    let (opened, is_open) = sync_channel(1);
    interface.inner().send(Command::OpenDisk {
        slot: interface.slot(),
        generation: interface.generation(),
        policy,
        opened,
        answers,
    })?;
    interface
        .inner()
        .answer(&is_open, OPEN_LIMIT, "opening the disk")?
}
