use renesas_spec::registers::{
    Data0, Data1, DownloadControl, FwVersion, RomConfiguration, RomControl, RomInformation,
};
use renesas_spec::{POWER_MANAGEMENT, vscd};
use usb_spec::time::Instant;
use xhci_hal::Width;
use xhci_spec::registers::{HccParams1, HcsParams1, Register, UsbCmd, UsbSts};

use super::download::Download;
use super::identity;
use super::image;
use super::options::{Model, Options};
use super::part::Flash;
use super::power::Power;
use super::rom_engine::RomEngine;
use crate::capability::PowerManagement;
use crate::{Function, Space};

/// Things that happen between two accesses: at most a whole buffer programmed byte by byte, two words taken, two read, an erase, a
/// check and a start; what a frozen clock leaves over happens at the next access.
const EVENTS_MAX: usize = 1024;

/// Offset of USBCMD in BAR 0: CAPLENGTH is 20h.
const USBCMD: u32 = 0x20;
/// Offset of USBSTS in BAR 0.
const USBSTS: u32 = 0x24;

// Offsets of the engines' dwords.
const VERSION: u16 = offset(FwVersion::OFFSET);
const ROM_ID: u16 = offset(RomInformation::OFFSET);
const PARAMETER: u16 = offset(RomConfiguration::OFFSET);
const CONTROLS: u16 = offset(DownloadControl::OFFSET);
const DATA0: u16 = offset(Data0::OFFSET);
const DATA1: u16 = offset(Data1::OFFSET);

/// Configuration space has 12 bits of offset.
const fn offset(at: u32) -> u16 {
    let [a, b, ..] = at.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// The chip. It takes accesses with their time, and time alone.
#[derive(Debug)]
pub struct Chip {
    pub(super) options: Options,
    pub(super) space: Space,
    pub(super) download: Download,
    pub(super) rom: RomEngine,
    pub(super) firmware: Option<FwVersion>,
    pub(super) starting: Option<(Source, Instant)>,
    /// There is a ROM, and no good firmware in it.
    pub(super) rom_is_bad: bool,
    pub(super) running: bool,
    pub(super) power: Power,
    data: [u32; 2],
    now: Instant,
}

/// Where firmware starts from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Rom,
    Ram(FwVersion),
}

impl Chip {
    /// A chip that gets power at `now`.
    #[must_use]
    pub fn new(mut options: Options, now: Instant) -> Self {
        let flash = options.rom.take();
        let mut chip = Self {
            space: identity::space(options.model),
            download: Download::new(&options),
            rom: RomEngine::new(flash, &options),
            options,
            firmware: None,
            starting: None,
            rom_is_bad: false,
            running: false,
            power: Power::default(),
            data: [0; 2],
            now,
        };
        chip.start(Source::Rom, now);
        chip
    }

    /// The firmware that runs, if the chip has started. Then, and only then, there is a USB controller behind BAR 0.
    #[must_use]
    pub fn firmware(&self) -> Option<FwVersion> {
        self.firmware
    }

    /// The ROM and what is in it.
    #[must_use]
    pub fn rom(&self) -> Option<&Flash> {
        self.rom.flash.as_ref()
    }

    /// How the chip is set up; faults may be turned on and off while it runs, and count from the next access on.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// When the chip will change without being asked.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let engines = Instant::earlier(self.rom.next(), self.download.next());
        Instant::earlier(engines, self.starting.map(|(_, at)| at))
    }

    /// Lets everything happen that is due.
    pub fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if self.power.is_off() {
            return;
        }
        self.kick(self.now);
        for _ in 0..EVENTS_MAX {
            let Some(at) = self.next_deadline().filter(|at| *at <= self.now) else {
                break;
            };
            self.rom.happen(at, &mut self.data, &self.options);
            if let Some(version) = self.download.happen(at, &self.options) {
                self.start(Source::Ram(version), at);
            }
            if let Some((source, due)) = self.starting
                && due <= at
            {
                self.starting = None;
                self.started(source);
            }
            self.kick(at);
        }
    }

    /// Starts what can be started.
    fn kick(&mut self, at: Instant) {
        self.rom.kick(at, &self.options);
        let served = !self.rom.busy() && !self.running && !self.power.is_wedged();
        self.download.kick(at, served, &self.options);
    }

    /// Firmware begins to start; until it has, none runs.
    pub(super) fn start(&mut self, source: Source, at: Instant) {
        self.firmware = None;
        self.running = false;
        self.starting = Some((source, at + self.options.times.boot));
    }

    fn started(&mut self, source: Source) {
        if self.rom.control.reload() {
            self.rom.control = self.rom.control.with_reload(false);
        }
        self.rom_is_bad = false;
        match source {
            Source::Ram(version) => self.firmware = Some(version),
            Source::Rom => self.start_from_rom(),
        }
    }

    /// The second block is the newer one; the first is what is left when it is bad.
    fn start_from_rom(&mut self) {
        let strict = self.options.faults.vscd_required;
        let block = self.rom.block_bytes();
        let (true, Some(flash)) = (self.rom.control.exists(), &self.rom.flash) else {
            return;
        };
        let found = [block, 0]
            .into_iter()
            .find_map(|base| image::judge_block(flash.range(base, block), strict));
        let Some(found) = found else {
            self.rom_is_bad = true;
            return;
        };
        for pair in found.pairs.chunks_exact(vscd::PAIR_BYTES) {
            if let [tag, value] = pair
                && let Some(offset) = vscd::offset_of(*tag)
            {
                self.space.put(offset, &[*value]);
            }
        }
        self.firmware = Some(found.version);
    }

    /// USBSTS as BAR 0 shows it: 1801h with a bad ROM, 0801h without firmware, all ones when the chip is gone.
    pub fn status(&mut self, now: Instant) -> UsbSts {
        self.advance(now);
        if self.power.is_gone() {
            return UsbSts::from_bits(u32::MAX);
        }
        UsbSts::default()
            .with_halted(!self.running)
            .with_controller_not_ready(self.firmware.is_none())
            .with_host_controller_error(self.rom_is_bad && !self.power.is_wedged())
    }

    /// Answers a read of BAR 0 as far as the chip without its USB controller does; the rest is zero.
    ///
    /// Whether memory space is enabled in the command register is for whoever decodes the BAR.
    pub fn bar_read(&mut self, now: Instant, at: u32) -> u32 {
        let status = self.status(now);
        // In D3hot only configuration space answers.
        if self.power.is_gone() || self.is_asleep() {
            return u32::MAX;
        }
        let ports = match self.options.model {
            Model::Upd720201 => 8,
            Model::Upd720202 => 4,
        };
        match at {
            // HCIVERSION 1.00, CAPLENGTH 20h.
            0x00 => 0x0100_0020,
            HcsParams1::OFFSET => 0x0000_0820 | ports << 24,
            HccParams1::OFFSET => 0x0140_51cf,
            0x14 => 0x800,
            USBCMD => UsbCmd::default().with_run(self.running).bits(),
            USBSTS => status.bits(),
            _ => 0,
        }
    }

    /// Takes a write to BAR 0: run, stop and reset, and only while firmware runs.
    pub fn bar_write(&mut self, now: Instant, at: u32, value: u32) {
        self.advance(now);
        let deaf = self.power.is_gone() || self.is_asleep();
        if at == USBCMD && self.firmware.is_some() && !deaf {
            let command = UsbCmd::from_bits(value);
            self.running = command.run() && !command.host_controller_reset();
            self.kick(now);
        }
    }

    /// What the dword at `at` holds, where the engines answer for it and not the space.
    fn engine_dword(&self, at: u16) -> Option<u32> {
        let [data0, data1] = self.data;
        Some(match at {
            POWER_MANAGEMENT => {
                // Without firmware it cannot wake from D3cold.
                let wakes = u32::from(PowerManagement::PME_FROM_D3COLD) << 16;
                let all = self.space.dword(POWER_MANAGEMENT) | wakes;
                match self.firmware {
                    Some(_) => all,
                    None => all & !wakes,
                }
            }
            VERSION => self.firmware.unwrap_or(FwVersion::NONE).bits(),
            ROM_ID => match &self.rom.flash {
                Some(flash) if self.rom.control.exists() => flash.part().id,
                _ => 0,
            },
            PARAMETER => self.rom.parameter.bits(),
            CONTROLS => {
                u32::from(self.download.control.bits()) | u32::from(self.rom.control.bits()) << 16
            }
            DATA0 => data0,
            DATA1 => data1,
            _ => return None,
        })
    }

    /// A write to F0h and beyond, as eight bytes each from F0h and from F8h, with which of them are meant.
    fn write_engines(&mut self, value: u128, mask: u128, now: Instant) {
        let part = |low: u32| (low_half(value >> low), low_half(mask >> low));
        let (word, bits) = part(0);
        if bits != 0 && !self.options.faults.parameter_stuck {
            let before = self.rom.parameter.bits();
            self.rom.parameter = RomConfiguration::from_bits(before & !bits | word & bits);
        }
        let (word, bits) = part(32);
        let [download, download_bits] = [word, bits].map(low_word);
        let [rom, rom_bits] = [word, bits].map(|both| low_word(both >> 16));
        if download_bits != 0 {
            let kept = self.download.control.to_neutral().bits() & !download_bits;
            let written = DownloadControl::from_bits(kept | download & download_bits);
            self.download.write(written, self.data, now, &self.options);
        }
        if rom_bits != 0 {
            let kept = self.rom.control.to_neutral().bits() & !rom_bits;
            let written = RomControl::from_bits(kept | rom & rom_bits);
            let before = self.rom.control;
            self.rom.write(written, self.data, now, &self.options);
            if self.rom.control.reload() && !before.reload() {
                self.reload(now);
            }
        }
        for (register, low) in self.data.iter_mut().zip([64, 96]) {
            let (word, bits) = part(low);
            *register = *register & !bits | word & bits;
        }
    }

    fn reload(&mut self, now: Instant) {
        if self.options.faults.reload_clears_result {
            self.rom.control = self.rom.control.with_result(Default::default());
        }
        if !self.options.faults.reload_never {
            self.start(Source::Rom, now);
        }
    }
}

/// Bits 31:0.
fn low_half(bits: u128) -> u32 {
    xhci_spec::registers::low_half(u64::try_from(bits & u128::from(u32::MAX)).unwrap_or(0))
}

/// Bits 15:0.
fn low_word(bits: u32) -> u16 {
    let [a, b, ..] = bits.to_le_bytes();
    u16::from_le_bytes([a, b])
}

impl Function for Chip {
    fn config_read(&mut self, now: Instant, at: u16, width: Width) -> u32 {
        self.advance(now);
        if self.power.is_gone() {
            return u32::MAX >> (32 - 8 * u32::from(width.bytes()));
        }
        let (first, last) = (at & !3, at.saturating_add(width.bytes() - 1) & !3);
        for place in [first, last] {
            if let Some(word) = self.engine_dword(place) {
                self.space.put32(place, word);
            }
        }
        self.space.read(at, width)
    }

    fn config_write(&mut self, now: Instant, at: u16, width: Width, value: u32) {
        /// Where the engines' registers begin; they end with the conventional space.
        const ENGINES: u16 = PARAMETER;
        const ENGINES_END: u16 = 0x100;
        self.advance(now);
        if self.power.is_gone() {
            return;
        }
        let (now, slept) = (self.now, self.is_asleep());
        let (mut wide, mut mask) = (0_u128, 0_u128);
        for (n, byte) in (0..width.bytes()).zip(value.to_le_bytes()) {
            let Some(place) = at.checked_add(n) else {
                break;
            };
            if (ENGINES..ENGINES_END).contains(&place) {
                let low = 8 * u32::from(place - ENGINES);
                wide |= u128::from(byte) << low;
                mask |= 0xff << low;
            } else {
                self.space.write_byte(place, byte);
            }
        }
        if mask != 0 {
            self.write_engines(wide, mask, now);
        }
        match (slept, self.is_asleep()) {
            (false, true) => self.falls_asleep(),
            (true, false) => self.wakes(),
            _ => {}
        }
        self.kick(now);
    }
}
