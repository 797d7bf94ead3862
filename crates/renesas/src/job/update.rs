use renesas_spec::registers::Version;
use usb_spec::time::Instant;
use xhci_hal::ConfigSpace;

use super::read::RomRead;
use super::reload::Reload;
use super::write::RomWrite;
use super::{Job, Next, Phase, Progress, Timing, Turn, deadline};
use crate::card::{Card, ControllerStatus};
use crate::content::UpdatePlan;
use crate::{Consent, Error, RomTable, Step, Wait};

/// How an update ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Updated {
    /// What the card runs now, started from the ROM.
    pub version: Version,
    /// How long the words took.
    pub timing: Timing,
}

/// Replaces the firmware in ROM: writes one block, reads everything back and compares, then starts from it.
///
/// A power cut at any moment leaves the other block, which starts; where there was none, the way back is a download into RAM, and
/// the backup that [`UpdatePlan`] required.
#[derive(Debug)]
pub struct RomUpdate {
    plan: UpdatePlan,
    table: RomTable,
    timing: Timing,
    state: State,
    wait: Wait,
}

#[derive(Debug)]
enum State {
    Check,
    Write(RomWrite),
    ReadBack(RomRead),
    Reload(Reload),
    Over,
}

impl RomUpdate {
    /// An update as planned.
    #[must_use]
    pub fn new(_consent: Consent, table: &RomTable, plan: UpdatePlan) -> Self {
        Self {
            plan,
            table: table.clone(),
            timing: Timing::default(),
            state: State::Check,
            wait: Wait::Spin,
        }
    }

    fn turn<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Turn<Updated> {
        match &mut self.state {
            State::Check => {
                let (backup, rom) = (self.plan.rom().id, card.rom_id()?);
                if backup != rom {
                    return Err(Error::OtherRom { backup, rom });
                }
                let write =
                    RomWrite::new(Consent::given_by_the_user(), &self.table, self.plan.bytes());
                self.state = State::Write(write);
            }
            State::Write(write) => match write.poll(card, now) {
                Step::Wait(wait) => return Ok(Next::Wait(wait)),
                Step::Done(written) => {
                    self.timing = written?.timing;
                    let read = RomRead::new(&self.table).bytes(self.plan.read_back());
                    self.state = State::ReadBack(read);
                }
            },
            State::ReadBack(read) => match read.poll(card, now) {
                Step::Wait(wait) => return Ok(Next::Wait(wait)),
                Step::Done(read) => {
                    self.plan.verify(read?.bytes())?;
                    self.state = State::Reload(Reload::new(&self.table));
                }
            },
            State::Reload(reload) => {
                return match reload.poll(card, now) {
                    Step::Wait(wait) => Ok(Next::Wait(wait)),
                    Step::Done(started) => Ok(Next::Ready(Updated {
                        version: started?.version,
                        timing: self.timing,
                    })),
                };
            }
            State::Over => return Err(Error::Cancelled),
        }
        Ok(Next::Wait(Wait::Spin))
    }
}

impl Job for RomUpdate {
    type Output = Updated;

    fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Step<Updated> {
        match self.turn(card, now) {
            Ok(Next::Wait(wait)) => {
                self.wait = wait;
                Step::Wait(wait)
            }
            Ok(Next::Ready(updated)) => {
                self.state = State::Over;
                Step::Done(Ok(updated))
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

    fn cancel(&mut self) {
        match &mut self.state {
            State::Write(write) => write.cancel(),
            State::ReadBack(read) => read.cancel(),
            State::Reload(reload) => reload.cancel(),
            State::Check | State::Over => self.state = State::Over,
        }
    }

    fn progress(&self) -> Progress {
        match &self.state {
            State::Write(write) => write.progress(),
            State::ReadBack(read) => read.progress(),
            State::Reload(reload) => reload.progress(),
            State::Check | State::Over => Progress {
                phase: if matches!(self.state, State::Over) {
                    Phase::Over
                } else {
                    Phase::Checking
                },
                words: 0,
                of: 0,
            },
        }
    }
}
