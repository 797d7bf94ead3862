//! Disks: SCSI commands over Bulk-Only, from the first INQUIRY to the last flush. SPC-4, SBC-3.

mod command;
mod error;
mod exec;
mod patience;
mod policy;
mod sense;
mod split;
mod start;
mod transfer;

pub use error::Error;
pub use policy::Policy;
pub use split::{Geometry, Piece, Pieces};
pub use usb_spec::class::mass_storage::scsi::Inquiry;

use usb_spec::time::Instant;

use crate::bot::{Bot, Busy, Function};
use crate::transport::{Action, ActionId, Poll, Reply};
use exec::{Answer, Exec};
use start::Start;
use transfer::{Flush, Transfer};

/// What is known about a disk that has been started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// What it says it is; the strings are read with [`Inquiry::text`].
    pub inquiry: Inquiry,
    /// Its size.
    pub geometry: Geometry,
    /// Whether it says that it cannot be written. A disk that does not say counts as writable.
    pub write_protected: bool,
    /// The most bytes that go into one command.
    pub max_transfer: u32,
    /// The highest logical unit of the device.
    pub max_lun: u8,
}

/// The end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How many bytes, from the beginning of the user's buffer, were read or written. What lies behind them in the buffer has no meaning.
    pub bytes: u64,
    /// Whether all of it went well.
    pub result: Result<(), Error>,
}

/// The driver of one logical unit.
///
/// An operation is begun with [`start`](Self::start), [`read`](Self::read), [`write`](Self::write) or [`flush`](Self::flush); then
/// [`poll_action`](Self::poll_action) and [`reply`](Self::reply) take turns until there is an [`Outcome`]. The user's buffer belongs to
/// the operation until then. Every operation ends, whatever the device does, as long as every action is replied to.
#[derive(Debug)]
pub struct BlockDevice {
    exec: Exec,
    policy: Policy,
    disk: Option<Disk>,
    operation: Operation,
    pause: Pause,
    /// The device was reset since its last good answer, and will say so.
    expects_attention: bool,
}

#[derive(Debug)]
enum Operation {
    Idle,
    Start(Start),
    Transfer(Transfer),
    Flush(Flush),
    Ended(Outcome),
}

#[derive(Clone, Copy, Debug)]
enum Pause {
    No,
    Wanted(Instant),
    Asked(ActionId),
}

/// What an operation does after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Sends the command that it has now.
    Command,
    Pause(Instant),
    Started(Disk),
    Finished,
    Fail(Error),
}

impl BlockDevice {
    /// The driver of unit `lun` of a configured function that has not been spoken to.
    #[must_use]
    pub fn new(function: Function, lun: u8, policy: Policy) -> Self {
        Self {
            exec: Exec::new(Bot::new(function, policy.transport), lun),
            policy,
            disk: None,
            operation: Operation::Idle,
            pause: Pause::No,
            expects_attention: true,
        }
    }

    /// The disk, if it has been started and has not been lost since.
    #[must_use]
    pub fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// Begins to find out what the disk is, how large it is, and whether it can be written. Waits for it to become ready.
    ///
    /// # Errors
    /// [`Error::Busy`] while another operation is under way.
    pub fn start(&mut self, now: Instant) -> Result<(), Error> {
        self.check_idle()?;
        self.disk = None;
        self.exec.bot_mut().begin_get_max_lun()?;
        self.operation = Operation::Start(Start::new(&self.policy, now));
        Ok(())
    }

    /// Begins to read blocks into the user's buffer, with as many commands as it takes.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::NotStarted`], [`Error::OutOfRange`]; nothing was begun then.
    pub fn read(&mut self, now: Instant, lba: u64, blocks: u64) -> Result<(), Error> {
        self.begin_transfer(now, false, lba, blocks)
    }

    /// Begins to write blocks from the user's buffer, with as many commands as it takes. They are safe from power loss only after a [`flush`](Self::flush).
    ///
    /// # Errors
    /// As for [`read`](Self::read), and [`Error::WriteProtected`].
    pub fn write(&mut self, now: Instant, lba: u64, blocks: u64) -> Result<(), Error> {
        if self.disk.is_some_and(|disk| disk.write_protected) {
            return Err(Error::WriteProtected);
        }
        self.begin_transfer(now, true, lba, blocks)
    }

    /// Begins to bring all that was written onto the medium. A disk that does not know the command has nothing to bring.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::NotStarted`].
    pub fn flush(&mut self, now: Instant) -> Result<(), Error> {
        self.check_idle()?;
        self.disk.ok_or(Error::NotStarted)?;
        self.exec
            .begin(Flush::command(self.exec.lun(), &self.policy))?;
        self.operation = Operation::Flush(Flush::new(&self.policy, now));
        Ok(())
    }

    /// What the disk wants next, or how the operation ended. Changes after each begin, each reply, and each result.
    pub fn poll_action(&mut self, now: Instant) -> Poll<Outcome> {
        // Each turn but the last takes an answer out of the transport, which has one per command, and a command begins with an action.
        loop {
            if let Operation::Ended(outcome) = self.operation {
                self.operation = Operation::Idle;
                return Poll::Ready(outcome);
            }
            match self.pause {
                Pause::No => {}
                Pause::Asked(_) => return Poll::Waiting,
                Pause::Wanted(until) => {
                    let step = self.exec.bot_mut().foreign_step(Action::Pause { until });
                    self.pause = Pause::Asked(step.id);
                    return Poll::Act(step);
                }
            }
            match self.exec.poll() {
                Poll::Act(step) => return Poll::Act(step),
                Poll::Waiting => return Poll::Waiting,
                Poll::Ready(answer) => self.answered(now, answer),
            }
        }
    }

    /// Tells what became of an action. A reply that nobody waits for changes nothing.
    pub fn reply(&mut self, id: ActionId, reply: Reply<'_>) {
        match self.pause {
            Pause::Asked(asked) if asked == id => {
                self.pause = Pause::No;
                self.begin_command();
            }
            Pause::No | Pause::Wanted(_) | Pause::Asked(_) => self.exec.bot_mut().reply(id, reply),
        }
    }

    fn check_idle(&self) -> Result<(), Error> {
        match self.operation {
            Operation::Idle => Ok(()),
            _ => Err(Error::Busy(Busy)),
        }
    }

    fn begin_transfer(
        &mut self,
        now: Instant,
        writing: bool,
        lba: u64,
        blocks: u64,
    ) -> Result<(), Error> {
        self.check_idle()?;
        let disk = self.disk.ok_or(Error::NotStarted)?;
        let pieces = disk.geometry.split_blocks(lba, blocks, disk.max_transfer)?;
        self.operation = Operation::Transfer(Transfer::new(writing, pieces, &self.policy, now));
        self.begin_command();
        Ok(())
    }

    /// Sends the command that the operation has now.
    fn begin_command(&mut self) {
        let lun = self.exec.lun();
        let command = match &self.operation {
            Operation::Idle | Operation::Ended(_) => return,
            Operation::Start(start) => start.command(lun, &self.policy),
            Operation::Transfer(transfer) => transfer.command(lun),
            Operation::Flush(_) => Some(Flush::command(lun, &self.policy)),
        };
        // No command left: nothing was asked for.
        let Some(command) = command else {
            return self.end(Ok(()));
        };
        if let Err(busy) = self.exec.begin(command) {
            self.end(Err(Error::Busy(busy)));
        }
    }

    fn answered(&mut self, now: Instant, answer: Answer) {
        let expects = self.expects_attention;
        match answer {
            Answer::Broken(_) | Answer::Unusable(_) => self.expects_attention = true,
            Answer::Good(_) => self.expects_attention = false,
            Answer::Check { .. } | Answer::Gone | Answer::MaxLun(_) => {}
        }
        let next = match &mut self.operation {
            Operation::Idle | Operation::Ended(_) => return,
            Operation::Start(start) => start.answered(now, &self.policy, &mut self.exec, answer),
            Operation::Transfer(transfer) => transfer.answered(now, &self.policy, answer, expects),
            Operation::Flush(flush) => flush.answered(now, answer, expects),
        };
        match next {
            Next::Command => self.begin_command(),
            Next::Pause(until) => self.pause = Pause::Wanted(until),
            Next::Started(disk) => {
                self.disk = Some(disk);
                self.end(Ok(()));
            }
            Next::Finished => self.end(Ok(())),
            Next::Fail(error) => self.end(Err(error)),
        }
    }

    fn end(&mut self, result: Result<(), Error>) {
        if let Err(Error::Gone | Error::Unusable { .. } | Error::MediumChanged | Error::NoMedium) =
            result
        {
            // What was known may not be true of what is there next.
            self.disk = None;
        }
        let bytes = match &self.operation {
            Operation::Transfer(transfer) => transfer.bytes(),
            _ => 0,
        };
        self.operation = Operation::Ended(Outcome { bytes, result });
    }
}
