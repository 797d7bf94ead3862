use renesas_spec::registers::RomControl;
use usb_spec::time::Instant;
use xhci_hal::ConfigSpace;

use super::opening::{Closing, Opened, Opening};
use super::transfer::Receiver;
use super::{Job, Next, Phase, Progress, deadline};
use crate::card::{Card, ControllerStatus};
use crate::content::Backup;
use crate::{Error, RomTable, Step, Wait};

/// Reads the ROM. R19UH0078EJ §7.1 (unchecked).
#[derive(Debug)]
pub struct RomRead {
    state: State,
    table: RomTable,
    bytes: Option<usize>,
    opened: Option<Opened>,
    wait: Wait,
}

#[derive(Debug)]
enum State {
    Open(Opening),
    Read(Receiver),
    Close(Closing),
    Over,
}

impl RomRead {
    /// Reads as much as a backup needs: both image blocks, and at least 64 KiB where there is so much.
    #[must_use]
    pub fn new(table: &RomTable) -> Self {
        Self {
            state: State::Open(Opening::new()),
            table: table.clone(),
            bytes: None,
            opened: None,
            wait: Wait::Spin,
        }
    }

    /// Reads this many bytes, rounded up to words.
    #[must_use]
    pub fn bytes(self, bytes: usize) -> Self {
        Self {
            bytes: Some(bytes),
            ..self
        }
    }

    /// Whether Access cannot be set.
    fn untouched(&self) -> bool {
        match &self.state {
            State::Open(opening) => !opening.touched(),
            State::Over => true,
            State::Read(_) | State::Close(_) => false,
        }
    }

    fn turn<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Result<Next<Backup>, Error> {
        match &mut self.state {
            State::Open(opening) => match opening.poll(card, &self.table, now)? {
                Next::Wait(wait) => Ok(Next::Wait(wait)),
                Next::Ready(opened) => {
                    let bytes = self.bytes.unwrap_or_else(|| extent(&opened));
                    self.state = State::Read(Receiver::new(bytes.div_ceil(4)));
                    self.opened = Some(opened);
                    Ok(Next::Wait(Wait::Spin))
                }
            },
            State::Read(receiver) => match receiver.poll(card, now)? {
                Next::Wait(wait) => Ok(Next::Wait(wait)),
                Next::Ready(()) => {
                    card.set_rom(RomControl::default())?;
                    let bytes = receiver.take();
                    let opened = self.opened.take().ok_or(Error::NoRom)?;
                    Ok(Next::Ready(Backup::new(opened.row, bytes)))
                }
            },
            State::Close(_) | State::Over => Err(Error::Cancelled),
        }
    }
}

/// 64 KiB, or what there is; but never less than both blocks.
fn extent(opened: &Opened) -> usize {
    let capacity = renesas_spec::rom_part::capacity(opened.row.id);
    let capacity = capacity.and_then(|bytes| usize::try_from(bytes).ok());
    let blocks = opened.row.block_bytes() * 2;
    blocks
        .max(0x1_0000)
        .min(capacity.unwrap_or(usize::MAX).max(blocks))
}

impl Job for RomRead {
    type Output = Backup;

    fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Step<Backup> {
        if let State::Close(closing) = &mut self.state {
            return match closing.poll(card, now) {
                Next::Wait(wait) => Step::Wait(wait),
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
            Ok(Next::Ready(backup)) => {
                self.state = State::Over;
                Step::Done(Ok(backup))
            }
            Err(error) if self.untouched() => {
                self.state = State::Over;
                Step::Done(Err(error))
            }
            Err(error) => {
                self.state = State::Close(Closing::after_read(error));
                self.wait = Wait::Spin;
                Step::Wait(Wait::Spin)
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        deadline(self.wait)
    }

    fn cancel(&mut self) {
        if !self.untouched() {
            self.state = State::Close(Closing::after_read(Error::Cancelled));
        } else {
            self.state = State::Over;
        }
    }

    fn progress(&self) -> Progress {
        let (phase, (words, of)) = match &self.state {
            State::Open(_) => (Phase::Opening, (0, 0)),
            State::Read(receiver) => (Phase::Reading, receiver.received()),
            State::Close(_) => (Phase::Cleaning, (0, 0)),
            State::Over => (Phase::Over, (0, 0)),
        };
        Progress { phase, words, of }
    }
}
