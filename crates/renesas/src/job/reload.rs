use renesas_spec::registers::{RomControl, Version};
use usb_spec::time::Instant;
use xhci_hal::ConfigSpace;

use super::opening::{Settling, limits_of};
use super::{Job, Next, Phase, Progress, Turn, deadline, must_be_stopped};
use crate::card::{Card, ControllerStatus, Seen};
use crate::limits::Limits;
use crate::pace::Pace;
use crate::{Error, RomTable, Step, Wait};

/// Waits until firmware has started: a version, CNR=0, HCE=0.
#[derive(Debug)]
pub(super) struct Starting {
    expected: Option<Version>,
    since: Option<Instant>,
}

impl Starting {
    /// Of this version, or of any.
    pub(super) const fn of(expected: Option<Version>) -> Self {
        Self {
            expected,
            since: None,
        }
    }

    pub(super) fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Turn<Version> {
        let since = *self.since.get_or_insert(now);
        let version = card.version()?.running();
        let status = match card.seen()? {
            Seen::Registers { status, .. } => status,
            Seen::Gone => return Err(Error::Gone { at: 0 }),
            Seen::Unreadable => return Err(Error::StatusUnknown),
        };
        let expected = self.expected.is_none() || version == self.expected;
        if let (Some(version), true, false, false) = (
            version,
            expected,
            status.controller_not_ready(),
            status.host_controller_error(),
        ) {
            return Ok(Next::Ready(version));
        }
        let late = |waited| Error::NotReady {
            waited,
            status,
            version,
        };
        let wait = Pace::from(since).wait(now, Limits::start());
        Ok(Next::Wait(wait.map_err(late)?))
    }
}

/// How a reload ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// What runs now.
    pub version: Version,
}

/// Starts the chip from its ROM again, as after power-on.
#[derive(Debug)]
pub struct Reload {
    state: State,
    table: RomTable,
    limits: Limits,
    wait: Wait,
}

#[derive(Debug)]
enum State {
    Check,
    Settle(Settling),
    Ask,
    Wait { since: Instant },
    Start(Starting),
    Over(Option<Error>),
}

impl Reload {
    /// A reload.
    #[must_use]
    pub fn new(table: &RomTable) -> Self {
        Self {
            state: State::Check,
            table: table.clone(),
            limits: Limits::NO_ROM,
            wait: Wait::Spin,
        }
    }

    fn turn<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Turn<Started> {
        match &mut self.state {
            State::Check => {
                must_be_stopped(card)?;
                if !card.rom()?.exists() {
                    return Err(Error::NoRom);
                }
                self.limits = limits_of(card, &self.table)?;
                self.state = State::Settle(Settling::default());
            }
            State::Settle(settling) => match settling.poll(card, &self.limits, now)? {
                Next::Wait(wait) => return Ok(Next::Wait(wait)),
                Next::Ready(()) => self.state = State::Ask,
            },
            State::Ask => {
                card.set_rom(RomControl::default().with_reload(true))?;
                self.state = State::Wait { since: now };
            }
            State::Wait { since } => {
                if card.rom()?.reload() {
                    let never = |waited| Error::ReloadNever { waited };
                    let wait = Pace::from(*since).wait(now, Limits::start());
                    return Ok(Next::Wait(wait.map_err(never)?));
                }
                self.state = State::Start(Starting::of(None));
            }
            State::Start(starting) => {
                return Ok(match starting.poll(card, now)? {
                    Next::Wait(wait) => Next::Wait(wait),
                    Next::Ready(version) => Next::Ready(Started { version }),
                });
            }
            State::Over(error) => return Err(error.take().unwrap_or(Error::Cancelled)),
        }
        Ok(Next::Wait(Wait::Spin))
    }
}

impl Job for Reload {
    type Output = Started;

    fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Step<Started> {
        match self.turn(card, now) {
            Ok(Next::Wait(wait)) => {
                self.wait = wait;
                Step::Wait(wait)
            }
            Ok(Next::Ready(started)) => {
                self.state = State::Over(None);
                Step::Done(Ok(started))
            }
            Err(error) => {
                self.state = State::Over(None);
                Step::Done(Err(error))
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        deadline(self.wait)
    }

    fn cancel(&mut self) {
        self.state = State::Over(None);
    }

    fn progress(&self) -> Progress {
        let phase = match self.state {
            State::Check => Phase::Checking,
            State::Settle(_) => Phase::WaitingForRom,
            State::Ask | State::Wait { .. } | State::Start(_) => Phase::Starting,
            State::Over(_) => Phase::Over,
        };
        Progress {
            phase,
            words: 0,
            of: 0,
        }
    }
}
