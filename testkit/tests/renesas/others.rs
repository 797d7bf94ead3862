//! What other loaders do, as data: their order, their limits, their words. Facts only; none of their code.
//!
//! [`LINUX_6_16`], [`LINUX_6_17`] and [`UPD_LOAD`] are rows of one table; [`Played`] plays a row on a bench and notes what the
//! loader would have told.

use std::time::Duration;

use renesas_spec::registers::{MAGIC_ERASE, MAGIC_ROM};
use renesas_spec::rom_part;
use xhci_hal::Width;

use crate::bench::Bench;

/// A loader: its sequence and its limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loader {
    pub(crate) name: &'static str,
    /// Turns of a polling loop, and the delay of a turn besides its access.
    pub(crate) turns: u32,
    pub(crate) turn: Duration,
    /// Between a word and its Set bit.
    pub(crate) before_set: Duration,
    /// After Enable, before Disable, and after it.
    pub(crate) settle: Duration,
    /// The first two words are handed over in one write.
    pub(crate) first_pair_together: bool,
    /// Waits for the last word.
    pub(crate) waits_for_last: bool,
    /// Writes F0h from a table.
    pub(crate) sets_parameter: bool,
    /// Erases the whole ROM before it writes: turns, each of this length, after a first sleep.
    pub(crate) erase: Option<(u32, Duration, Duration)>,
    /// Reads the result once after Access; others poll for it.
    pub(crate) one_look_at_result: bool,
    /// Clears Access when a ROM write fails.
    pub(crate) clears_access: bool,
    /// Starts from the ROM after it was written.
    pub(crate) reloads: bool,
    /// Speaks as the kernel does.
    pub(crate) kernel_words: bool,
}

/// 5.8 to 6.16: 10,000 turns of 10 µs.
pub(crate) const LINUX_6_16: Loader = Loader {
    name: "Linux up to 6.16",
    turns: 10_000,
    turn: Duration::from_micros(10),
    before_set: Duration::from_micros(100),
    settle: Duration::ZERO,
    first_pair_together: false,
    waits_for_last: true,
    sets_parameter: false,
    erase: Some((10_000, Duration::from_millis(10), Duration::from_millis(20))),
    one_look_at_result: true,
    clears_access: true,
    reloads: true,
    kernel_words: true,
};

/// From 6.17 on: 50,000 turns; erasing may take 500,000 turns of 10 ms.
pub(crate) const LINUX_6_17: Loader = Loader {
    name: "Linux from 6.17",
    turns: 50_000,
    erase: Some((
        500_000,
        Duration::from_millis(10),
        Duration::from_millis(20),
    )),
    ..LINUX_6_16
};

/// The third version of the Linux driver, never merged: 1,000 turns.
pub(crate) const LINUX_V3: Loader = Loader {
    name: "Linux, third version",
    turns: 1_000,
    ..LINUX_6_16
};

/// upd72020x-load: 100,000 turns of usleep(10), which really take about 60 µs.
pub(crate) const UPD_LOAD: Loader = Loader {
    name: "upd72020x-load",
    turns: 100_000,
    turn: Duration::from_micros(56),
    before_set: Duration::from_micros(60),
    settle: Duration::from_secs(1),
    first_pair_together: true,
    waits_for_last: false,
    sets_parameter: true,
    erase: None,
    one_look_at_result: false,
    clears_access: false,
    reloads: false,
    kernel_words: false,
};

/// An error number as the kernel logs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

pub(crate) const ENOENT: Errno = Errno(-2);
pub(crate) const EIO: Errno = Errno(-5);
pub(crate) const ENODEV: Errno = Errno(-19);
pub(crate) const EINVAL: Errno = Errno(-22);
pub(crate) const ETIMEDOUT: Errno = Errno(-110);

/// Where a download goes: the offset of its control byte and of its mailbox byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Ram,
    Rom,
}

impl Port {
    fn control(self) -> u16 {
        match self {
            Self::Ram => 0xf4,
            Self::Rom => 0xf6,
        }
    }
}

/// What Linux makes of a state: firmware runs or not, or why it gives up.
type Judgement = Result<bool, (Errno, &'static str)>;

/// What the control byte of the download means to Linux, in the order in which it looks: mask, value, and what follows.
const LINUX_F4: [(u32, u32, Judgement); 7] = [
    (0x12, 0x12, Ok(true)),
    (
        0x02,
        0x02,
        Err((
            EIO,
            "FW Download Lock is set and FW is not ready. Giving Up.",
        )),
    ),
    (
        0x01,
        0x01,
        Err((
            EIO,
            "FW Download Enable is stale. Giving Up (poweroff/reboot needed).",
        )),
    ),
    (0x70, 0x00, Ok(false)),
    (0x70, 0x10, Ok(true)),
    (
        0x70,
        0x20,
        Err((
            ENODEV,
            "hardware is in an error state. Giving up (poweroff/reboot needed).",
        )),
    ),
    (0, 0, Err((EINVAL, "error during initialization"))),
];

/// A loader at work, and what it told.
pub(crate) struct Played<'a> {
    pub(crate) loader: Loader,
    bench: &'a Bench,
    pub(crate) log: Vec<String>,
}

impl<'a> Played<'a> {
    pub(crate) fn new(loader: Loader, bench: &'a Bench) -> Self {
        Self {
            loader,
            bench,
            log: Vec::new(),
        }
    }

    fn sleep(&self, duration: Duration) {
        self.bench.card.sleep(duration);
    }

    fn say(&mut self, text: impl Into<String>) {
        self.log.push(text.into());
    }

    /// Whether it told this, word for word.
    pub(crate) fn said(&self, text: &str) -> bool {
        self.log.iter().any(|line| line == text)
    }

    /// Looks until the bits of `mask` in the byte at `at` are `value`, so often as this loader does. The last value if they never are.
    fn poll(&self, at: u16, mask: u32, value: u32) -> Result<(), u32> {
        let mut last = 0;
        for _ in 0..self.loader.turns {
            last = self.bench.read(at, Width::Byte);
            if last & mask == value {
                return Ok(());
            }
            self.sleep(self.loader.turn);
        }
        Err(last)
    }

    /// The words through the mailboxes; the step at which it stopped, if it did.
    fn stream(&mut self, port: Port, words: &[u32]) -> Result<(), usize> {
        let boxes = port.control() + 1;
        for (step, word) in words.iter().enumerate() {
            let bit = 1 << (step % 2);
            let together = self.loader.first_pair_together && step < 2;
            if !together && self.poll(boxes, bit, 0).is_err() {
                if self.loader.kernel_words {
                    self.say(format!("Timeout for Set DATAX step: {step}"));
                } else {
                    self.say("SET_DATAx never go to zero");
                }
                return Err(step);
            }
            let data = if step % 2 == 0 { 0xf8 } else { 0xfc };
            self.bench.write(data, Width::Dword, *word);
            self.sleep(self.loader.before_set);
            match (together, step) {
                (true, 0) if words.len() > 1 => {}
                (true, _) => self.bench.write(boxes, Width::Byte, 3),
                _ => self.bench.write(boxes, Width::Byte, bit),
            }
        }
        if self.loader.waits_for_last && self.poll(boxes, 3, 0).is_err() {
            self.say(match port {
                Port::Ram => "Final Firmware Download step timed out.",
                Port::Rom => "Final Firmware ROM Download step timed out",
            });
        }
        Ok(())
    }

    /// A download into RAM.
    pub(crate) fn ram(&mut self, file: &[u8]) -> Result<(), Errno> {
        self.bench.write(0xf4, Width::Byte, 1);
        self.sleep(self.loader.settle);
        if let Err(step) = self.stream(Port::Ram, &words(file)) {
            // Enable stays set.
            let at = step * 4;
            if self.loader.kernel_words {
                self.say(format!(
                    "Firmware Download Step {step} failed at position {at} bytes with (-110)."
                ));
                self.say("firmware failed to download (-110).");
            }
            return Err(ETIMEDOUT);
        }
        self.sleep(self.loader.settle);
        self.bench.write(0xf4, Width::Byte, 0);
        self.sleep(self.loader.settle);
        if self.loader.kernel_words {
            return self.ram_result_linux();
        }
        self.poll(0xf4, 0x70, 0x10).map_err(|_| {
            let status = self.bench.read(0xf4, Width::Dword);
            self.say(format!("result error: status {status:08x}"));
            EIO
        })
    }

    /// Linux looks for bit 4 alone, and, when its turns are over, at the whole.
    fn ram_result_linux(&mut self) -> Result<(), Errno> {
        if self.poll(0xf4, 0x10, 0x10).is_ok() {
            return Ok(());
        }
        let errno = match self.linux_f4() {
            Ok(true) => return Ok(()),
            Ok(false) => {
                self.say("FW Load timedout");
                ETIMEDOUT
            }
            Err(errno) => errno,
        };
        self.say(format!("firmware failed to download ({}).", errno.0));
        Err(errno)
    }

    /// What Linux makes of the download's control byte: running, not running, or why not.
    fn linux_f4(&mut self) -> Result<bool, Errno> {
        let byte = self.bench.read(0xf4, Width::Byte);
        let row = LINUX_F4
            .iter()
            .find(|(mask, value, _)| byte & mask == *value);
        match row.expect("the last row takes all").2 {
            Ok(running) => Ok(running),
            Err((errno, text)) => {
                self.say(text);
                Err(errno)
            }
        }
    }

    fn parameter(&mut self) -> Result<(), Errno> {
        if !self.loader.sets_parameter {
            return Ok(());
        }
        let id = self.bench.read(0xec, Width::Dword);
        let Some(part) = rom_part::find(id) else {
            self.say("ROM is not supported");
            return Err(EINVAL);
        };
        self.bench.write(0xf0, Width::Dword, part.parameter);
        Ok(())
    }

    fn erase(&mut self) {
        let Some((turns, turn, first)) = self.loader.erase else {
            return;
        };
        self.bench.write(0xf8, Width::Dword, MAGIC_ERASE);
        self.bench.write(0xf6, Width::Byte, 2);
        self.sleep(first);
        for _ in 0..turns {
            if self.bench.read(0xf6, Width::Byte) & 2 == 0 {
                break;
            }
            self.sleep(turn);
        }
        // Said in any case.
        self.say("ROM Erase... Done success");
    }

    /// Into the ROM, as it is.
    pub(crate) fn rom(&mut self, file: &[u8]) -> Result<(), Errno> {
        self.parameter()?;
        self.erase();
        self.bench.write(0xf8, Width::Dword, MAGIC_ROM);
        self.bench.write(0xf6, Width::Byte, 1);
        let result = self.bench.read(0xf6, Width::Byte) & 0x70;
        if self.loader.one_look_at_result {
            if result != 0 {
                self.bench.write(0xf6, Width::Byte, 0);
                self.say(format!("setting external rom failed: {result:x}"));
                return Err(EIO);
            }
        } else if self.poll(0xf6, 0x70, 0).is_err() {
            return Err(EIO);
        }
        if let Err(step) = self.stream(Port::Rom, &words(file)) {
            if self.loader.clears_access {
                self.bench.write(0xf6, Width::Byte, 0);
            }
            let at = step * 4;
            if self.loader.kernel_words {
                self.say(format!(
                    "ROM Download Step {step} failed at position {at} bytes with (-110)"
                ));
            }
            return Err(ETIMEDOUT);
        }
        self.sleep(self.loader.settle * 2);
        self.bench.write(0xf6, Width::Byte, 0);
        self.sleep(self.loader.settle);
        if let Err(last) = self.poll(0xf6, 0x70, 0x10) {
            let shown = last & 0x70;
            self.say(format!("Download to external ROM TO: {shown:x}"));
            return Err(ETIMEDOUT);
        }
        self.say("Download to external ROM succeeded");
        if self.loader.reloads {
            self.bench.write(0xf6, Width::Byte, 4);
            if let Err(last) = self.poll(0xf6, 4, 0) {
                self.say(format!("ROM Exec timed out: {last:x}"));
                return Err(ETIMEDOUT);
            }
            self.say("Download ROM success");
        }
        Ok(())
    }

    /// The whole probe of Linux: looks, decides, loads, and waits 10 s for the controller to be ready.
    pub(crate) fn probe(&mut self, file: Option<&[u8]>) -> Result<(), Errno> {
        const CONTROLLER_NOT_READY: u32 = 0x800;
        self.load(file)?;
        for _ in 0..1_000 {
            if self.bench.usbsts() & CONTROLLER_NOT_READY == 0 {
                self.say("xHCI Host Controller");
                return Ok(());
            }
            self.sleep(Duration::from_millis(10));
        }
        self.say("can't setup: -110");
        Err(ETIMEDOUT)
    }

    fn load(&mut self, file: Option<&[u8]>) -> Result<(), Errno> {
        let word = self.bench.read(0xf6, Width::Word);
        let mut has_rom = word & 0x8000 != 0;
        if has_rom {
            let _version = self.bench.read(0x6c, Width::Dword);
            match self.bench.read(0xf6, Width::Word) & 0x70 {
                0x10 => return Ok(()),
                0x00 => self.say("Unknown ROM status ..."),
                _ => {
                    self.say("Invalid ROM..");
                    has_rom = false;
                }
            }
        }
        match self.linux_f4() {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(_) if has_rom => return Ok(()),
            Err(errno) => return Err(errno),
        }
        let Some(file) = file else {
            if has_rom {
                self.say("failed to load firmware renesas_usb_fw.mem, fallback to ROM");
                return Ok(());
            }
            self.say("failed to load firmware renesas_usb_fw.mem: -2");
            return Err(ENOENT);
        };
        self.verify(file)?;
        if word & 0x8000 != 0 && has_rom {
            if self.rom(file).is_ok() {
                return Ok(());
            }
            self.say("ROM load failed, falling back on FW load");
        }
        self.ram(file)
    }

    /// All that Linux looks at: size, magic, and where the version stands.
    fn verify(&mut self, file: &[u8]) -> Result<(), Errno> {
        if !(0x1000..0x1_0000).contains(&file.len()) {
            self.say(format!(
                "firmware is size {} is not (4k - 64k).",
                file.len()
            ));
            return Err(EINVAL);
        }
        if file[..2] != [0xaa, 0x55] {
            self.say("no valid firmware header found.");
            return Err(EINVAL);
        }
        if usize::from(u16::from_le_bytes([file[4], file[5]])) + 2 >= file.len() {
            self.say("fw ver pointer is outside of the firmware image");
            return Err(EINVAL);
        }
        Ok(())
    }
}

pub(crate) fn words(file: &[u8]) -> Vec<u32> {
    let word = |chunk: &[u8]| {
        let mut four = [0; 4];
        four[..chunk.len()].copy_from_slice(chunk);
        u32::from_le_bytes(four)
    };
    file.chunks(4).map(word).collect()
}
