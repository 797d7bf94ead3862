use renesas_spec::registers::{MAGIC_ERASE, Mailbox, RomControl};
use usb_spec::time::Instant;
use xhci_hal::ConfigSpace;

use super::opening::{Opened, Opening};
use super::{Job, Next, Phase, Progress, Turn, deadline};
use crate::card::{Card, ControllerStatus};
use crate::pace::Pace;
use crate::{Consent, Error, RomTable, Step, Wait};

/// Erases the whole ROM: both image blocks, and the VSCD with them.
///
/// An update in the field must not do this (R19UH0078EJ §6.3.4, as quoted); it is the way to get rid of a first block that is bad.
#[derive(Debug)]
pub struct RomErase {
    state: State,
    table: RomTable,
    wait: Wait,
}

#[derive(Debug)]
enum State {
    Prepare(Opening),
    Ask(Opened),
    Wait { since: Instant, opened: Opened },
    Over,
}

impl RomErase {
    /// An erase. Whoever asks for it should have a backup.
    #[must_use]
    pub fn new(_consent: Consent, table: &RomTable) -> Self {
        Self {
            state: State::Prepare(Opening::new()),
            table: table.clone(),
            wait: Wait::Spin,
        }
    }

    fn turn<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Turn<()> {
        match &mut self.state {
            State::Prepare(opening) => match opening.prepare(card, &self.table, now)? {
                Next::Wait(wait) => return Ok(Next::Wait(wait)),
                Next::Ready(opened) => self.state = State::Ask(opened),
            },
            State::Ask(opened) => {
                card.set_data(Mailbox::Zero, MAGIC_ERASE)?;
                card.set_rom(RomControl::default().with_erase(true))?;
                self.state = State::Wait {
                    since: now,
                    opened: opened.clone(),
                };
            }
            State::Wait { since, opened } => {
                if !card.rom()?.erase() {
                    return Ok(Next::Ready(()));
                }
                let never = |waited| Error::EraseNever { waited };
                let wait = Pace::from(*since).wait(now, opened.limits.erase_chip());
                return Ok(Next::Wait(wait.map_err(never)?));
            }
            State::Over => return Err(Error::Cancelled),
        }
        Ok(Next::Wait(Wait::Spin))
    }
}

impl Job for RomErase {
    type Output = ();

    fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Step<()> {
        match self.turn(card, now) {
            Ok(Next::Wait(wait)) => {
                self.wait = wait;
                Step::Wait(wait)
            }
            Ok(Next::Ready(())) => {
                self.state = State::Over;
                Step::Done(Ok(()))
            }
            Err(error) => {
                self.state = State::Over;
                Step::Done(Err(error))
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        deadline(self.wait)
    }

    /// An erase that has begun cannot be stopped; it is merely no longer waited for.
    fn cancel(&mut self) {
        self.state = State::Over;
    }

    fn progress(&self) -> Progress {
        let phase = match self.state {
            State::Prepare(_) => Phase::Checking,
            State::Ask(_) | State::Wait { .. } => Phase::Erasing,
            State::Over => Phase::Over,
        };
        Progress {
            phase,
            words: 0,
            of: 0,
        }
    }
}
