//! Reading, writing and flushing a disk that has been started.

use usb_spec::class::mass_storage::scsi::{Command as Scsi, SenseKey};
use usb_spec::time::Instant;

use super::exec::Answer;
use super::patience::{Patience, Weighed};
use super::sense::Subject;
use super::{Error, Next, Piece, Pieces, Policy, command};
use crate::bot::{Command, Moved};

/// A read or a write under way, piece by piece.
#[derive(Debug)]
pub(super) struct Transfer {
    writing: bool,
    piece: Option<Piece>,
    rest: Pieces,
    bytes: u64,
    patience: Patience,
}

impl Transfer {
    pub(super) fn new(writing: bool, mut pieces: Pieces, policy: &Policy, now: Instant) -> Self {
        Self {
            writing,
            piece: pieces.next(),
            rest: pieces,
            bytes: 0,
            patience: Patience::new(policy, now),
        }
    }

    /// How many bytes of the user's buffer are done, from its beginning.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The command of the current piece; `None` when all is done.
    pub(super) fn command(&self, lun: u8) -> Option<Command> {
        let piece = self.piece?;
        Some(Command {
            data: command::data(self.writing, piece),
            ..command::plain(lun, command::blocks(self.writing, piece))
        })
    }

    pub(super) fn answered(
        &mut self,
        now: Instant,
        policy: &Policy,
        answer: Answer,
        expects_attention: bool,
    ) -> Next {
        let Some(piece) = self.piece else {
            return Next::Finished;
        };
        let operation = command::blocks(self.writing, piece).opcode();
        let subject = Subject {
            operation,
            lba: piece.lba,
            writing: self.writing,
            expects_attention,
        };
        match self.patience.weigh(now, answer, subject) {
            Weighed::Done(Moved { transferred, .. }) if transferred < piece.bytes => {
                let error = Error::Short {
                    operation,
                    wanted: piece.bytes,
                    got: transferred,
                };
                next(self.patience.again(error))
            }
            Weighed::Done(_) => {
                self.bytes += u64::from(piece.bytes);
                self.piece = self.rest.next();
                // Each piece has its own tries and its own time to become ready: a read may take hours, and moves on.
                self.patience = Patience::new(policy, now);
                if self.piece.is_some() {
                    Next::Command
                } else {
                    Next::Finished
                }
            }
            Weighed::NeedsStart(error) => next(self.patience.later(now, error)),
            weighed => next(weighed),
        }
    }
}

/// A flush under way.
#[derive(Debug)]
pub(super) struct Flush {
    patience: Patience,
}

impl Flush {
    pub(super) fn new(policy: &Policy, now: Instant) -> Self {
        Self {
            patience: Patience::new(policy, now),
        }
    }

    pub(super) fn command(lun: u8, policy: &Policy) -> Command {
        Command {
            status_timeout: Some(policy.flush_timeout),
            ..command::plain(lun, command::flush())
        }
    }

    pub(super) fn answered(
        &mut self,
        now: Instant,
        answer: Answer,
        expects_attention: bool,
    ) -> Next {
        let flush: Scsi = command::flush();
        let subject = Subject {
            operation: flush.opcode(),
            lba: 0,
            writing: true,
            expects_attention,
        };
        if let Answer::Check { sense, .. } = answer
            && sense.key == SenseKey::ILLEGAL_REQUEST
        {
            // A disk that does not know the command has no cache that could be lost.
            return Next::Finished;
        }
        match self.patience.weigh(now, answer, subject) {
            Weighed::Done(_) => Next::Finished,
            Weighed::NeedsStart(error) => next(self.patience.later(now, error)),
            weighed => next(weighed),
        }
    }
}

fn next(weighed: Weighed) -> Next {
    match weighed {
        Weighed::Done(_) => Next::Finished,
        Weighed::Again => Next::Command,
        Weighed::Pause(until) => Next::Pause(until),
        Weighed::NeedsStart(error) | Weighed::Fail(error) => Next::Fail(error),
    }
}
