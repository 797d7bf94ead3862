//! What happens in the ROM engine when its time has come, and what remains when the plug is pulled.

use alloc::vec::Vec;

use renesas_spec::registers::{Mailbox, ResultCode};
use usb_spec::time::Instant;

use super::{Closing, RomEngine};
use crate::profile::renesas_upd72020x::image;
use crate::profile::renesas_upd72020x::options::{ForcedResult, Options};
use crate::profile::renesas_upd72020x::part::Flash;

/// What the ROM is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    EraseBlock,
    EraseChip,
    Program { bytes: usize },
    Check,
}

impl RomEngine {
    /// When something happens next.
    pub(in super::super) fn next(&self) -> Option<Instant> {
        let operation = self.operation.map(|(_, until)| until);
        Instant::earlier(Instant::earlier(operation, self.intake), self.fetch)
    }

    /// Does what is due at `at`; `data` are DATA0 and DATA1, into which words are read.
    pub(in super::super) fn happen(&mut self, at: Instant, data: &mut [u32; 2], options: &Options) {
        if self.intake.is_some_and(|due| due <= at) {
            self.intake = None;
            self.take_word();
        }
        if self.fetch.is_some_and(|due| due <= at) {
            self.fetch = None;
            self.read_word(data);
        }
        if let Some((operation, due)) = self.operation
            && due <= at
        {
            self.operation = None;
            self.finish(operation, options);
        }
    }

    fn take_word(&mut self) {
        let (Some(waiting), Some(writing)) = (self.words.take(), &mut self.writing) else {
            return;
        };
        writing.words = writing.words.saturating_add(1);
        self.buffer.extend(waiting.word.to_le_bytes());
        self.control = match waiting.mailbox {
            Mailbox::Zero => self.control.with_set_data0(false),
            Mailbox::One => self.control.with_set_data1(false),
        };
    }

    fn read_word(&mut self, data: &mut [u32; 2]) {
        let (Some(request), Some(flash)) = (self.requests.take(), &self.flash) else {
            return;
        };
        let [data0, data1] = data;
        let word = flash.word(self.read_at);
        self.read_at = (self.read_at + 4) % flash.bytes().len().max(1);
        match request.mailbox {
            Mailbox::Zero => {
                *data0 = word;
                self.control = self.control.with_get_data0(false);
            }
            Mailbox::One => {
                *data1 = word;
                self.control = self.control.with_get_data1(false);
            }
        }
    }

    fn finish(&mut self, operation: Operation, options: &Options) {
        let block = self.block_bytes();
        let Some(flash) = &mut self.flash else { return };
        match operation {
            Operation::EraseChip => {
                flash.erase_all();
                self.control = self.control.with_erase(false);
            }
            Operation::EraseBlock => {
                if let Some(writing) = self.writing
                    && flash.part().erases(self.parameter.erase_unit())
                {
                    flash.erase(writing.base, block);
                }
            }
            Operation::Program { bytes } => {
                let bytes: Vec<u8> = self.buffer.drain(..bytes.min(self.buffer.len())).collect();
                if let Some(writing) = &mut self.writing {
                    if writing.done + bytes.len() <= block {
                        flash.program(writing.base + writing.done, &bytes);
                    }
                    writing.done = writing.done.saturating_add(bytes.len());
                }
            }
            Operation::Check => self.judge(block, options),
        }
    }

    /// The last byte is in: is there an image?
    fn judge(&mut self, block: usize, options: &Options) {
        let (Some(writing), Some(flash)) = (self.writing.take(), &mut self.flash) else {
            return;
        };
        let aborted = writing.closing == Some(Closing::Aborted);
        if aborted {
            for at in writing.done..block {
                flash.program(writing.base + at, &[options.faults.abort_fill]);
            }
        }
        let held = flash.range(writing.base, block);
        let good = !aborted
            && writing.done <= block
            && image::judge_block(held, options.faults.vscd_required).is_some();
        let result = match options.faults.rom_result {
            Some(ForcedResult::Never) => ResultCode::NONE,
            Some(ForcedResult::Code(code)) => ResultCode(code),
            None if good => ResultCode::SUCCESS,
            None => ResultCode::ERROR,
        };
        self.control = self.control.with_result(result);
    }

    /// The plug is pulled: what was being erased or programmed is half done. The ROM is what remains.
    pub(in super::super) fn cut(&mut self) -> Option<Flash> {
        let block = self.block_bytes();
        let mut flash = self.flash.take()?;
        let base = self.writing.map_or(0, |writing| writing.base);
        let done = self.writing.map_or(0, |writing| writing.done);
        match self.operation {
            Some((Operation::EraseChip, _)) => {
                let half = flash.bytes().len() / 2;
                flash.erase(0, half);
            }
            Some((Operation::EraseBlock, _))
                if flash.part().erases(self.parameter.erase_unit()) =>
            {
                flash.erase(base, block / 2);
            }
            Some((Operation::Program { bytes }, _)) if done + bytes <= block => {
                let half: Vec<u8> = self.buffer.iter().take(bytes / 2).copied().collect();
                flash.program(base + done, &half);
            }
            _ => {}
        }
        Some(flash)
    }
}
