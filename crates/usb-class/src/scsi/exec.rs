//! One command with its sense: what Bulk-Only leaves to the layer above. A failed command is followed by REQUEST SENSE before anything else.

use usb_spec::class::mass_storage::scsi::Sense;

use super::command;
use crate::bot::{Bot, Busy, Command, Ending, Fault, Moved};
use crate::transport::Poll;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Good(Moved),
    /// CHECK CONDITION, and why.
    Check {
        sense: Sense,
        moved: Moved,
    },
    /// The device was reset and takes commands again.
    Broken(Fault),
    Unusable(Fault),
    Gone,
    MaxLun(u8),
}

#[derive(Debug)]
pub(super) struct Exec {
    bot: Bot,
    lun: u8,
    /// Set while REQUEST SENSE is under way: what the failed command moved.
    failed: Option<Moved>,
}

impl Exec {
    pub(super) fn new(bot: Bot, lun: u8) -> Self {
        Self {
            bot,
            lun,
            failed: None,
        }
    }

    pub(super) fn lun(&self) -> u8 {
        self.lun
    }

    pub(super) fn bot(&self) -> &Bot {
        &self.bot
    }

    pub(super) fn bot_mut(&mut self) -> &mut Bot {
        &mut self.bot
    }

    pub(super) fn begin(&mut self, command: Command) -> Result<(), Busy> {
        self.failed = None;
        self.bot.begin(command)
    }

    pub(super) fn poll(&mut self) -> Poll<Answer> {
        let ending = match self.bot.poll_action() {
            Poll::Act(step) => return Poll::Act(step),
            Poll::Waiting => return Poll::Waiting,
            Poll::Ready(ending) => ending,
        };
        if let (Ending::Failed(moved), None) = (ending, self.failed) {
            self.failed = Some(moved);
            let sense = self.bot.begin(command::request_sense(self.lun));
            // The transport is at rest: it has just said how the last command ended.
            return if sense.is_ok() {
                self.bot_again()
            } else {
                Poll::Waiting
            };
        }
        Poll::Ready(self.answer(ending))
    }

    /// The first action of the command that was just begun.
    fn bot_again(&mut self) -> Poll<Answer> {
        match self.bot.poll_action() {
            Poll::Act(step) => Poll::Act(step),
            Poll::Waiting => Poll::Waiting,
            Poll::Ready(ending) => Poll::Ready(self.answer(ending)),
        }
    }

    fn answer(&mut self, ending: Ending) -> Answer {
        match (ending, self.failed.take()) {
            (Ending::Passed(_), Some(moved)) => Answer::Check {
                sense: self.sense(),
                moved,
            },
            // A device that cannot tell why has nothing to tell.
            (Ending::Failed(_), Some(moved)) => Answer::Check {
                sense: Sense::NONE,
                moved,
            },
            (Ending::Passed(moved), None) => Answer::Good(moved),
            (Ending::Failed(moved), None) => Answer::Check {
                sense: Sense::NONE,
                moved,
            },
            (Ending::Reset { cause, .. }, _) => Answer::Broken(cause),
            (Ending::Unusable { cause }, _) => Answer::Unusable(cause),
            (Ending::Gone, _) => Answer::Gone,
            (Ending::MaxLun(lun), _) => Answer::MaxLun(lun),
        }
    }

    fn sense(&self) -> Sense {
        Sense::parse(self.bot.small()).unwrap_or(Sense::NONE)
    }
}
