use alloc::vec::Vec;

use renesas_spec::image::BYTES_END;
use renesas_spec::registers::{DownloadControl, FwVersion, Mailbox, ResultCode};
use usb_spec::time::Instant;
use xhci_spec::registers::Register;

use super::image;
use super::mailbox::{Mailboxes, Waiting};
use super::options::{ForcedResult, Options};

/// The interface that takes firmware into RAM: two mailboxes, a memory, a judge.
#[derive(Debug)]
pub(super) struct Download {
    pub(super) control: DownloadControl,
    boxes: Mailboxes,
    received: Vec<u8>,
    words: usize,
    /// When the word whose turn it is will have been taken.
    intake: Option<Instant>,
    /// When the judgement is done.
    check: Option<Instant>,
}

impl Download {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            control: DownloadControl::default()
                .with_lock(options.faults.lock)
                .with_result(ResultCode(options.faults.first_result)),
            boxes: Mailboxes::default(),
            received: Vec::new(),
            words: 0,
            intake: None,
            check: None,
        }
    }

    /// Takes a write; `data` is what DATA0 and DATA1 hold.
    pub(super) fn write(
        &mut self,
        written: DownloadControl,
        data: [u32; 2],
        now: Instant,
        options: &Options,
    ) {
        let before = self.control;
        self.control = before.after_write(written);
        match (before.enable(), self.control.enable()) {
            (false, true) => {
                self.control = self.control.with_result(ResultCode::NONE);
                self.received.clear();
                self.words = 0;
                self.check = None;
            }
            (true, false) => self.close(now, options),
            _ => {}
        }
        if !self.control.enable() {
            self.control = self.control.with_set_data0(false).with_set_data1(false);
            return;
        }
        let [word0, word1] = data;
        // Both in one write: DATA0 is the earlier word.
        if self.control.set_data0() && !before.set_data0() {
            self.boxes.submit(waiting(Mailbox::Zero, word0, now));
        }
        if self.control.set_data1() && !before.set_data1() {
            self.boxes.submit(waiting(Mailbox::One, word1, now));
        }
    }

    /// Enable went to 0: what waits is forgotten, what came in is judged.
    fn close(&mut self, now: Instant, options: &Options) {
        self.boxes.clear();
        self.intake = None;
        if self.words > 0 && !self.control.lock() {
            self.check = Some(now + options.times.check_ram);
        }
    }

    /// Starts what can be started.
    pub(super) fn kick(&mut self, now: Instant, served: bool, options: &Options) {
        let frozen = options
            .faults
            .frozen_word
            .is_some_and(|word| self.words >= word);
        if self.intake.is_none() && served && !frozen && !self.control.lock() {
            self.intake = self
                .boxes
                .next()
                .map(|waiting| now.max(waiting.since) + options.times.word);
        }
    }

    /// When something happens next.
    pub(super) fn next(&self) -> Option<Instant> {
        Instant::earlier(self.intake, self.check)
    }

    /// Does what is due at `at`; a firmware that was found good is handed out.
    pub(super) fn happen(&mut self, at: Instant, options: &Options) -> Option<FwVersion> {
        if self.intake.is_some_and(|due| due <= at) {
            self.intake = None;
            self.take_word(options);
        }
        if self.check.is_some_and(|due| due <= at) {
            self.check = None;
            return self.judge(options);
        }
        None
    }

    fn take_word(&mut self, options: &Options) {
        let Some(waiting) = self.boxes.take() else {
            return;
        };
        // More than any image has is not kept; the judge then finds the rest wrong or does not miss it.
        if self.received.len() < BYTES_END {
            self.received.extend_from_slice(&waiting.word.to_le_bytes());
        }
        if options.faults.stuck_word != Some(self.words) {
            self.control = match waiting.mailbox {
                Mailbox::Zero => self.control.with_set_data0(false),
                Mailbox::One => self.control.with_set_data1(false),
            };
        }
        self.words = self.words.saturating_add(1);
    }

    fn judge(&mut self, options: &Options) -> Option<FwVersion> {
        let version = image::judge(&self.received);
        let (result, version) = match (options.faults.download_result, version) {
            (Some(ForcedResult::Never), _) => (ResultCode::NONE, None),
            (Some(ForcedResult::Code(code)), _) => (ResultCode(code), None),
            (None, Some(version)) => (ResultCode::SUCCESS, Some(version)),
            (None, None) => (ResultCode::ERROR, None),
        };
        self.control = self.control.with_result(result);
        version
    }
}

fn waiting(mailbox: Mailbox, word: u32, since: Instant) -> Waiting {
    Waiting {
        mailbox,
        word,
        since,
    }
}
