use core::time::Duration;

use alloc::vec::Vec;

use renesas_spec::registers::{DownloadControl, ResultCode, Version};
use usb_spec::time::Instant;
use xhci_hal::ConfigSpace;

use super::opening::{Settling, limits_of};
use super::reload::Starting;
use super::transfer::Sender;
use super::{Job, Next, Phase, Progress, Timing, Turn, deadline, must_be_stopped};
use crate::card::{Card, ControllerStatus};
use crate::limits::Limits;
use crate::pace::Pace;
use crate::{Error, Image, RomTable, Step, Transfer, Wait};

/// How a download goes about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RamOptions {
    /// Load also when firmware runs already; it then replaces that until power-off.
    pub replace_running: bool,
}

/// How a download ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// Firmware runs already; nothing was touched.
    RanAlready {
        /// Which.
        version: Version,
    },
    /// It was loaded, started, and the controller is ready.
    Now {
        /// Which.
        version: Version,
        /// How long the words took.
        timing: Timing,
    },
}

/// Loads an image into the chip's RAM. It stays until power-off. R19UH0078EJ §7.1 (unchecked), steps 1 to 13.
#[derive(Debug)]
pub struct RamDownload {
    state: State,
    options: RamOptions,
    table: RomTable,
    limits: Limits,
    words: Vec<u32>,
    version: Version,
    timing: Timing,
    wait: Wait,
}

#[derive(Debug)]
enum State {
    Check,
    Settle(Settling),
    Enable,
    Send(Sender),
    Disable,
    Judge { since: Instant },
    Start(Starting),
    Clean(Error),
    Over,
}

impl RamDownload {
    /// A download of this image. The table tells how long a ROM beside the chip may keep it busy.
    #[must_use]
    pub fn new(image: &Image<'_>, table: &RomTable, options: RamOptions) -> Self {
        Self {
            state: State::Check,
            options,
            table: table.clone(),
            limits: Limits::NO_ROM,
            words: image.words(),
            version: image.version(),
            timing: Timing::default(),
            wait: Wait::Spin,
        }
    }

    /// Whether Enable cannot be set.
    const fn untouched(&self) -> bool {
        matches!(
            self.state,
            State::Check | State::Settle(_) | State::Enable | State::Over
        )
    }

    fn turn<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Turn<Loaded> {
        match &mut self.state {
            State::Check => return self.check(card),
            State::Settle(settling) => match settling.poll(card, &self.limits, now)? {
                Next::Wait(wait) => return Ok(Next::Wait(wait)),
                Next::Ready(()) => self.state = State::Enable,
            },
            State::Enable => {
                card.set_download(DownloadControl::default().with_enable(true))?;
                let words = core::mem::take(&mut self.words);
                self.state = State::Send(Sender::new(Transfer::Download, words));
            }
            State::Send(sender) => match sender.poll(card, &self.limits, now) {
                Ok(Next::Wait(wait)) => return Ok(Next::Wait(wait)),
                // All words were handed over: whether the last one arrived, result and version will tell.
                Err(Error::Stalled { word, words, .. }) if word == words => {
                    self.timing = sender.timing();
                    self.state = State::Disable;
                }
                Ok(Next::Ready(())) => {
                    self.timing = sender.timing();
                    self.state = State::Disable;
                }
                Err(error) => return Err(error),
            },
            State::Disable => {
                card.set_download(DownloadControl::default())?;
                self.state = State::Judge { since: now };
            }
            State::Judge { since } => {
                let since = *since;
                return self.judge(card, since, now);
            }
            State::Start(starting) => {
                let next = starting.poll(card, now)?;
                return Ok(match next {
                    Next::Wait(wait) => Next::Wait(wait),
                    Next::Ready(version) => Next::Ready(Loaded::Now {
                        version,
                        timing: self.timing,
                    }),
                });
            }
            State::Clean(_) | State::Over => return Err(Error::Cancelled),
        }
        Ok(Next::Wait(Wait::Spin))
    }

    fn check<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
    ) -> Turn<Loaded> {
        must_be_stopped_or_running(card, self.options)?;
        let running = card.version()?.running();
        if let (Some(version), false) = (running, self.options.replace_running) {
            return Ok(Next::Ready(Loaded::RanAlready { version }));
        }
        must_be_stopped(card)?;
        let control = card.download()?;
        if control.lock() {
            return Err(Error::Locked);
        }
        if control.enable() {
            // Somebody gave up in the middle: what they left is thrown away.
            card.set_download(DownloadControl::default())?;
        }
        self.limits = limits_of(card, &self.table)?;
        self.state = if card.rom()?.exists() {
            State::Settle(Settling::default())
        } else {
            State::Enable
        };
        Ok(Next::Wait(Wait::Spin))
    }

    fn judge<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        since: Instant,
        now: Instant,
    ) -> Turn<Loaded> {
        match card.download()?.result() {
            ResultCode::NONE => {
                let silent = |waited: Duration| Error::NoResult {
                    transfer: Transfer::Download,
                    waited,
                };
                let wait = Pace::from(since).wait(now, Limits::download_end());
                Ok(Next::Wait(wait.map_err(silent)?))
            }
            ResultCode::SUCCESS => {
                self.state = State::Start(Starting::of(Some(self.version)));
                Ok(Next::Wait(Wait::Spin))
            }
            code => Err(Error::Refused {
                transfer: Transfer::Download,
                code,
            }),
        }
    }

    /// Enable is cleared whatever happened, unless nothing was touched.
    fn clean<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        card: &Card<'_, C, S>,
        error: Error,
    ) -> Error {
        // A card that does not take this has nothing left to be cleaned.
        let _ = card.set_download(DownloadControl::default());
        error
    }
}

/// A running controller has firmware: that is only in the way of whoever wants to replace it.
fn must_be_stopped_or_running<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
    card: &Card<'_, C, S>,
    options: RamOptions,
) -> Result<(), Error> {
    match must_be_stopped(card) {
        Err(Error::Running) if !options.replace_running && card.version()?.running().is_some() => {
            Ok(())
        }
        other => other,
    }
}

impl Job for RamDownload {
    type Output = Loaded;

    fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Step<Loaded> {
        if let State::Clean(error) = &self.state {
            let error = Self::clean(card, error.clone());
            self.state = State::Over;
            return Step::Done(Err(error));
        }
        let untouched = self.untouched();
        match self.turn(card, now) {
            Ok(Next::Wait(wait)) => {
                self.wait = wait;
                Step::Wait(wait)
            }
            Ok(Next::Ready(loaded)) => {
                self.state = State::Over;
                Step::Done(Ok(loaded))
            }
            Err(error) if untouched => {
                self.state = State::Over;
                Step::Done(Err(error))
            }
            Err(error) => {
                self.state = State::Clean(error);
                self.wait = Wait::Spin;
                Step::Wait(Wait::Spin)
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        deadline(self.wait)
    }

    fn cancel(&mut self) {
        self.state = if self.untouched() {
            State::Over
        } else {
            State::Clean(Error::Cancelled)
        };
    }

    fn progress(&self) -> Progress {
        let (phase, (words, of)) = match &self.state {
            State::Check => (Phase::Checking, (0, 0)),
            State::Settle(_) => (Phase::WaitingForRom, (0, 0)),
            State::Enable => (Phase::Downloading, (0, self.words.len())),
            State::Send(sender) => (Phase::Downloading, sender.sent()),
            State::Disable | State::Judge { .. } => (Phase::Judging, (0, 0)),
            State::Start(_) => (Phase::Starting, (0, 0)),
            State::Clean(_) => (Phase::Cleaning, (0, 0)),
            State::Over => (Phase::Over, (0, 0)),
        };
        Progress { phase, words, of }
    }
}
