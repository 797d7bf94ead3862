mod operation;

use alloc::collections::VecDeque;

use renesas_spec::registers::{
    MAGIC_ERASE, MAGIC_ROM, Mailbox, ResultCode, RomConfiguration, RomControl,
};
use usb_spec::time::Instant;
use xhci_spec::registers::Register;

use super::mailbox::{Mailboxes, Waiting};
use super::options::{Options, WrongMagic};
use super::part::Flash;
use operation::Operation;

/// Bytes that the engine keeps behind the mailboxes.
const BUFFER_BYTES: usize = 128;

/// The engine between the mailboxes and the ROM.
///
/// Behind the mailboxes is a buffer of 128 bytes. The first word of a write starts the erase of the block that will be written;
/// meanwhile the buffer fills at the speed of RAM, and words 32 and 33 wait in their mailboxes, so the 34th is the first that a
/// loader waits for. From then on a programme command takes as many bytes as External ROM Configuration says, and their room is
/// free when it is done. All of this is inferred from reports; it explains every position and time in them.
#[derive(Debug)]
pub(super) struct RomEngine {
    pub(super) control: RomControl,
    pub(super) parameter: RomConfiguration,
    pub(super) flash: Option<Flash>,
    words: Mailboxes,
    requests: Mailboxes,
    buffer: VecDeque<u8>,
    writing: Option<Writing>,
    read_at: usize,
    operation: Option<(Operation, Instant)>,
    intake: Option<Instant>,
    fetch: Option<Instant>,
}

/// A write of one block.
#[derive(Clone, Copy, Debug)]
struct Writing {
    base: usize,
    /// Bytes of the block that are programmed.
    done: usize,
    /// Words that were taken.
    words: usize,
    closing: Option<Closing>,
}

/// How a write ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    /// All words were taken before Access went to 0.
    Complete,
    /// Words were still waiting.
    Aborted,
}

impl RomEngine {
    pub(super) fn new(flash: Option<Flash>, options: &Options) -> Self {
        Self {
            control: RomControl::default()
                .with_exists(flash.is_some() && options.supports_rom)
                .with_result(ResultCode(options.faults.first_rom_result)),
            parameter: RomConfiguration::from_bits(options.faults.first_parameter),
            flash,
            words: Mailboxes::default(),
            requests: Mailboxes::default(),
            buffer: VecDeque::new(),
            writing: None,
            read_at: 0,
            operation: None,
            intake: None,
            fetch: None,
        }
    }

    /// Whether the ROM is being erased, written or judged: the download interface is not served meanwhile.
    pub(super) fn busy(&self) -> bool {
        self.operation.is_some()
            || self.writing.is_some()
            || self.control.erase()
            || self.control.reload()
    }

    /// Bytes of an image block.
    pub(super) fn block_bytes(&self) -> usize {
        let bytes = self
            .flash
            .as_ref()
            .map_or(0, |flash| flash.part().block_bytes());
        usize::try_from(bytes).unwrap_or(0)
    }

    /// Takes a write; `data` is what DATA0 and DATA1 hold.
    pub(super) fn write(
        &mut self,
        written: RomControl,
        data: [u32; 2],
        now: Instant,
        options: &Options,
    ) {
        let before = self.control;
        let mut next = before.after_write(written);
        let [data0, data1] = data;
        if !before.exists() {
            self.control = before;
            return;
        }
        if next.access() && !before.access() {
            next = self.open(next, data0, options);
        }
        if next.erase() && !before.erase() {
            next = self.start_erase(next, data0, now, options);
        }
        if before.access() && !next.access() {
            next = self.close(next, options);
        }
        if !next.access() {
            next = next
                .with_set_data0(false)
                .with_set_data1(false)
                .with_get_data0(false)
                .with_get_data1(false);
        }
        self.control = next;
        let waiting = |mailbox, word| Waiting {
            mailbox,
            word,
            since: now,
        };
        if next.set_data0() && !before.set_data0() {
            self.words.submit(waiting(Mailbox::Zero, data0));
        }
        if next.set_data1() && !before.set_data1() {
            self.words.submit(waiting(Mailbox::One, data1));
        }
        if next.get_data0() && !before.get_data0() {
            self.requests.submit(waiting(Mailbox::Zero, 0));
        }
        if next.get_data1() && !before.get_data1() {
            self.requests.submit(waiting(Mailbox::One, 0));
        }
    }

    /// Access was set: with the magic number and an idle engine it stays, and the result begins anew.
    fn open(&mut self, next: RomControl, data0: u32, options: &Options) -> RomControl {
        if data0 != MAGIC_ROM {
            return refuse(next.with_access(false), options);
        }
        if self.busy() {
            return next.with_access(false);
        }
        self.read_at = 0;
        if options.faults.stale_result {
            next
        } else {
            next.with_result(ResultCode::NONE)
        }
    }

    fn start_erase(
        &mut self,
        next: RomControl,
        data0: u32,
        now: Instant,
        options: &Options,
    ) -> RomControl {
        if data0 != MAGIC_ERASE {
            return refuse(next.with_erase(false), options);
        }
        if self.busy() {
            return next.with_erase(false);
        }
        if let (false, Some(flash)) = (options.faults.erase_never, &self.flash) {
            self.operation = Some((Operation::EraseChip, now + flash.part().erase_chip));
        }
        next
    }

    /// Access was cleared: a write is brought to its end, what else waits is forgotten.
    fn close(&mut self, next: RomControl, options: &Options) -> RomControl {
        if let Some(writing) = &mut self.writing {
            let aborted = self.words.next().is_some();
            writing.closing = Some(if aborted {
                Closing::Aborted
            } else {
                Closing::Complete
            });
            for _ in 0..options.faults.abort_keeps.min(2) {
                if let Some(waiting) = self.words.take() {
                    self.buffer.extend(waiting.word.to_le_bytes());
                }
            }
        }
        self.words.clear();
        self.requests.clear();
        self.intake = None;
        self.fetch = None;
        next
    }

    /// Starts what can be started.
    pub(super) fn kick(&mut self, now: Instant, options: &Options) {
        let Some(flash) = &self.flash else { return };
        let part = flash.part();
        if let (Some(_), None, None) = (self.words.next(), self.writing, self.operation) {
            let erases = part.erases(self.parameter.erase_unit());
            let time = if erases {
                part.erase_block
            } else {
                core::time::Duration::ZERO
            };
            self.operation = Some((Operation::EraseBlock, now + time));
            self.writing = Some(Writing {
                base: self.target(),
                done: 0,
                words: 0,
                closing: None,
            });
        }
        if let Some(writing) = self.writing {
            let frozen = options
                .faults
                .rom_frozen_word
                .is_some_and(|word| writing.words >= word);
            let room = self.buffer.len() + 4 <= BUFFER_BYTES;
            if self.intake.is_none() && room && writing.closing.is_none() && !frozen {
                self.intake = self
                    .words
                    .next()
                    .map(|waiting| now.max(waiting.since) + options.times.word);
            }
            if self.operation.is_none() {
                self.operation = self.next_operation(writing, now, options);
            }
        } else if self.fetch.is_none() && self.reads(options) {
            self.fetch = self
                .requests
                .next()
                .map(|request| now.max(request.since) + options.times.rom_word);
        }
    }

    fn next_operation(
        &self,
        writing: Writing,
        now: Instant,
        options: &Options,
    ) -> Option<(Operation, Instant)> {
        let part = self.flash.as_ref()?.part();
        let (burst, waiting) = (
            usize::from(self.parameter.program_bytes()),
            self.buffer.len(),
        );
        if waiting >= burst || (writing.closing.is_some() && waiting > 0) {
            let bytes = burst.min(waiting);
            return Some((Operation::Program { bytes }, now + part.program));
        }
        writing.closing?;
        Some((Operation::Check, now + options.times.check_rom))
    }

    /// Whether the engine can read this part as it is told to.
    fn reads(&self, options: &Options) -> bool {
        let right = self
            .flash
            .as_ref()
            .is_some_and(|flash| flash.part().parameter == Some(self.parameter.bits()));
        right || options.faults.reads_need_no_parameter
    }

    /// Where the next write goes: into the second block, or, when the first is blank, there.
    fn target(&self) -> usize {
        let block = self.block_bytes();
        self.flash.as_ref().map_or(0, |flash| {
            let second_fits = block * 2 <= flash.bytes().len();
            if flash.is_blank(0, block) || !second_fits {
                0
            } else {
                block
            }
        })
    }
}

fn refuse(next: RomControl, options: &Options) -> RomControl {
    match options.faults.wrong_magic {
        WrongMagic::Ignored => next,
        WrongMagic::Error => next.with_result(ResultCode::ERROR),
    }
}
