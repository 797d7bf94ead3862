use alloc::vec::Vec;

use renesas_spec::registers::{ResultCode, RomControl};
use usb_spec::time::Instant;
use xhci_hal::ConfigSpace;

use super::opening::{Closing, Opening};
use super::transfer::Sender;
use super::{Job, Next, Phase, Progress, Timing, Turn, deadline};
use crate::card::{Card, ControllerStatus};
use crate::limits::Limits;
use crate::pace::Pace;
use crate::{Consent, Error, RomTable, Step, Transfer, Wait};

/// How a ROM write ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// How long the words took.
    pub timing: Timing,
}

/// Writes one image block, which the chip chooses and erases itself: the second, or the first when that is blank.
///
/// It compares nothing and keeps nothing; [`RomUpdate`](super::RomUpdate) does. R19UH0078EJ §7.1 (unchecked), steps 1 to 18.
#[derive(Debug)]
pub struct RomWrite {
    state: State,
    table: RomTable,
    words: Vec<u32>,
    limits: Limits,
    timing: Timing,
    wait: Wait,
}

#[derive(Debug)]
enum State {
    Open(Opening),
    Send(Sender),
    Close,
    Judge { since: Instant },
    Fail(Closing),
    Over,
}

impl RomWrite {
    /// Writes these bytes: a VSCD and an image.
    #[must_use]
    pub fn new(_consent: Consent, table: &RomTable, bytes: &[u8]) -> Self {
        Self {
            state: State::Open(Opening::new()),
            table: table.clone(),
            words: crate::image::words(bytes),
            limits: Limits::NO_ROM,
            timing: Timing::default(),
            wait: Wait::Spin,
        }
    }

    fn turn<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Turn<Written> {
        match &mut self.state {
            State::Open(opening) => match opening.poll(card, &self.table, now)? {
                Next::Wait(wait) => return Ok(Next::Wait(wait)),
                Next::Ready(opened) => {
                    self.limits = opened.limits;
                    let words = core::mem::take(&mut self.words);
                    self.state = State::Send(Sender::new(Transfer::RomWrite, words));
                }
            },
            State::Send(sender) => match sender.poll(card, &self.limits, now)? {
                Next::Wait(wait) => return Ok(Next::Wait(wait)),
                Next::Ready(()) => {
                    self.timing = sender.timing();
                    self.state = State::Close;
                }
            },
            State::Close => {
                card.set_rom(RomControl::default())?;
                self.state = State::Judge { since: now };
            }
            State::Judge { since } => {
                let since = *since;
                return self.judge(card, since, now);
            }
            State::Fail(_) | State::Over => return Err(Error::Cancelled),
        }
        Ok(Next::Wait(Wait::Spin))
    }

    fn judge<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        since: Instant,
        now: Instant,
    ) -> Turn<Written> {
        match card.rom()?.result() {
            ResultCode::NONE => {
                let silent = |waited| Error::NoResult {
                    transfer: Transfer::RomWrite,
                    waited,
                };
                let wait = Pace::from(since).wait(now, self.limits.rom_end());
                Ok(Next::Wait(wait.map_err(silent)?))
            }
            ResultCode::SUCCESS => Ok(Next::Ready(Written {
                timing: self.timing,
            })),
            code => Err(Error::Refused {
                transfer: Transfer::RomWrite,
                code,
            }),
        }
    }

    fn untouched(&self) -> bool {
        match &self.state {
            State::Open(opening) => !opening.touched(),
            State::Over => true,
            State::Send(_) | State::Close | State::Judge { .. } | State::Fail(_) => false,
        }
    }

    /// A write that is under way is waited for; otherwise nothing but Access is to be cleared.
    fn closing(&self, error: Error) -> Closing {
        match &self.state {
            State::Send(sender) if sender.sent().0 > 0 => Closing::after_write(error, self.limits),
            _ => Closing::after_read(error),
        }
    }
}

impl Job for RomWrite {
    type Output = Written;

    fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Step<Written> {
        if let State::Fail(closing) = &mut self.state {
            return match closing.poll(card, now) {
                Next::Wait(wait) => {
                    self.wait = wait;
                    Step::Wait(wait)
                }
                Next::Ready(error) => {
                    self.state = State::Over;
                    Step::Done(Err(error))
                }
            };
        }
        match self.turn(card, now) {
            Ok(Next::Wait(wait)) => {
                self.wait = wait;
                Step::Wait(wait)
            }
            Ok(Next::Ready(written)) => {
                self.state = State::Over;
                Step::Done(Ok(written))
            }
            Err(error) if self.untouched() => {
                self.state = State::Over;
                Step::Done(Err(error))
            }
            Err(error) => {
                self.state = State::Fail(self.closing(error));
                self.wait = Wait::Spin;
                Step::Wait(Wait::Spin)
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        deadline(self.wait)
    }

    fn cancel(&mut self) {
        self.state = match &self.state {
            _ if self.untouched() => State::Over,
            State::Judge { .. } => State::Fail(Closing::after_write(Error::Cancelled, self.limits)),
            _ => State::Fail(self.closing(Error::Cancelled)),
        };
    }

    fn progress(&self) -> Progress {
        let (phase, (words, of)) = match &self.state {
            State::Open(_) => (Phase::Opening, (0, self.words.len())),
            State::Send(sender) => (Phase::Writing, sender.sent()),
            State::Close | State::Judge { .. } => (Phase::Judging, (0, 0)),
            State::Fail(_) => (Phase::Cleaning, (0, 0)),
            State::Over => (Phase::Over, (0, 0)),
        };
        Progress { phase, words, of }
    }
}
