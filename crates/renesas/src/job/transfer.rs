use core::time::Duration;

use alloc::vec::Vec;

use renesas_spec::registers::{DownloadControl, Mailbox, RomControl};
use usb_spec::time::Instant;
use xhci_hal::ConfigSpace;

use super::{Next, Timing, Turn};
use crate::card::{Card, ControllerStatus};
use crate::limits::Limits;
use crate::pace::Pace;
use crate::{Error, Transfer, Wait};

/// Hands words over through the two mailboxes, to RAM or to the ROM. R19UH0078EJ §7.1 (unchecked), steps 2 to 11.
#[derive(Debug)]
pub(super) struct Sender {
    transfer: Transfer,
    words: Vec<u32>,
    next: usize,
    started: Option<Instant>,
    moved: Instant,
    longest: Duration,
}

impl Sender {
    pub(super) fn new(transfer: Transfer, words: Vec<u32>) -> Self {
        Self {
            transfer,
            words,
            next: 0,
            started: None,
            moved: Instant::START,
            longest: Duration::ZERO,
        }
    }

    pub(super) fn sent(&self) -> (usize, usize) {
        (self.next, self.words.len())
    }

    pub(super) fn timing(&self) -> Timing {
        Timing {
            transfer: self.started.map_or(Duration::ZERO, |at| self.moved - at),
            longest: self.longest,
        }
    }

    /// Fills the mailboxes that are free. One read tells of both.
    pub(super) fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        limits: &Limits,
        now: Instant,
    ) -> Turn<()> {
        if self.started.is_none() {
            self.started = Some(now);
            self.moved = now;
        }
        let waits = self.waits(card)?;
        let mut filled = [false; 2];
        for _ in 0..filled.len() {
            let mailbox = Mailbox::of_word(self.next);
            let index = usize::from(mailbox == Mailbox::One);
            let free = waits.get(index) == Some(&false) && filled.get(index) == Some(&false);
            let (true, Some(word)) = (free, self.words.get(self.next)) else {
                break;
            };
            card.set_data(mailbox, *word)?;
            if let Some(place) = filled.get_mut(index) {
                *place = true;
            }
            self.next += 1;
        }
        if filled != [false; 2] {
            self.submit(card, filled)?;
            self.longest = self.longest.max(now - self.moved);
            self.moved = now;
            return Ok(Next::Wait(Wait::Spin));
        }
        if waits == [false; 2] {
            self.longest = self.longest.max(now - self.moved);
            self.moved = now;
            return Ok(Next::Ready(()));
        }
        let limit = match self.transfer {
            Transfer::Download => limits.download_word(self.longest),
            Transfer::RomWrite | Transfer::RomRead => limits.rom_word(self.longest),
        };
        let wait = Pace::from(self.moved).wait(now, limit);
        let (word, words) = self.sent();
        wait.map(Next::Wait).map_err(|waited| Error::Stalled {
            transfer: self.transfer,
            word,
            words,
            waited,
            limit,
        })
    }

    /// Which mailboxes still hold a word.
    fn waits<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &self,
        card: &Card<'_, C, S>,
    ) -> Result<[bool; 2], Error> {
        if self.transfer == Transfer::Download {
            let control = card.download()?;
            return Ok([control.set_data0(), control.set_data1()]);
        }
        let control = card.rom()?;
        Ok([control.set_data0(), control.set_data1()])
    }

    fn submit<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &self,
        card: &Card<'_, C, S>,
        [zero, one]: [bool; 2],
    ) -> Result<(), Error> {
        if self.transfer == Transfer::Download {
            let bits = DownloadControl::default().with_set_data0(zero);
            return card.submit_download(bits.with_set_data1(one));
        }
        let bits = RomControl::default().with_set_data0(zero);
        card.submit_rom(bits.with_set_data1(one))
    }
}

/// Fetches words out of the ROM through the two mailboxes.
#[derive(Debug)]
pub(super) struct Receiver {
    bytes: Vec<u8>,
    words: usize,
    /// Words asked for.
    asked: usize,
    moved: Option<Instant>,
    longest: Duration,
}

impl Receiver {
    pub(super) fn new(words: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(words * 4),
            words,
            asked: 0,
            moved: None,
            longest: Duration::ZERO,
        }
    }

    pub(super) fn received(&self) -> (usize, usize) {
        (self.bytes.len() / 4, self.words)
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.bytes)
    }

    /// Takes the words that are there and asks for the next ones.
    pub(super) fn poll<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        &mut self,
        card: &Card<'_, C, S>,
        now: Instant,
    ) -> Turn<()> {
        let moved = *self.moved.get_or_insert(now);
        let control = card.rom()?;
        let waits = [control.get_data0(), control.get_data1()];
        let mut ask = [false; 2];
        let came = self.bytes.len() / 4;
        for _ in 0..ask.len() {
            let got = self.bytes.len() / 4;
            let mailbox = Mailbox::of_word(got);
            let index = usize::from(mailbox == Mailbox::One);
            if got == self.asked || waits.get(index) != Some(&false) || got - came == 2 {
                break;
            }
            self.bytes
                .extend_from_slice(&card.data(mailbox)?.to_le_bytes());
        }
        let got = self.bytes.len() / 4;
        if got == self.words {
            return Ok(Next::Ready(()));
        }
        while self.asked < self.words && self.asked < got + 2 {
            let index = usize::from(Mailbox::of_word(self.asked) == Mailbox::One);
            if let Some(place) = ask.get_mut(index) {
                *place = true;
            }
            self.asked += 1;
        }
        let [zero, one] = ask;
        if zero || one {
            let bits = RomControl::default().with_get_data0(zero);
            card.submit_rom(bits.with_get_data1(one))?;
        }
        if got > came {
            self.longest = self.longest.max(now - moved);
            self.moved = Some(now);
            return Ok(Next::Wait(Wait::Spin));
        }
        let limit = Limits::read_word(self.longest);
        let wait = Pace::from(moved).wait(now, limit);
        wait.map(Next::Wait).map_err(|waited| Error::Stalled {
            transfer: Transfer::RomRead,
            word: got,
            words: self.words,
            waited,
            limit,
        })
    }
}
