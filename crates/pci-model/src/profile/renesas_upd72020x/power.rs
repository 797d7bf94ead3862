use renesas_spec::POWER_MANAGEMENT;
use usb_spec::time::Instant;

use super::chip::Chip;
use super::download::Download;
use super::identity;
use super::rom_engine::RomEngine;
use crate::capability::PowerManagement;

/// Whether the chip has power, and whether it is still with us.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Power {
    off: bool,
    gone: bool,
    wedged: bool,
    sleeps: u8,
}

impl Power {
    pub(super) fn is_off(self) -> bool {
        self.off
    }

    /// Nobody answers: no power, or no link.
    pub(super) fn is_gone(self) -> bool {
        self.off || self.gone
    }

    /// It answers and does nothing.
    pub(super) fn is_wedged(self) -> bool {
        self.wedged
    }
}

impl Chip {
    /// The mains are pulled. What was being written to the ROM is half done.
    pub fn power_off(&mut self, now: Instant) {
        self.advance(now);
        let flash = self.rom.cut();
        self.rom = RomEngine::new(flash, &self.options);
        self.download = Download::new(&self.options);
        self.firmware = None;
        self.starting = None;
        self.running = false;
        self.rom_is_bad = false;
        self.power = Power {
            off: true,
            ..Power::default()
        };
    }

    /// Power comes back: everything begins anew.
    pub fn power_on(&mut self, now: Instant) {
        let flash = self.rom.flash.take();
        let options = self.options.clone();
        *self = Self::new(options, now);
        self.rom = RomEngine::new(flash, &self.options);
    }

    /// The machine sleeps and wakes again (S3). Without standby power that is as pulling the mains.
    ///
    /// With it the firmware stays, until the sleep that hangs the chip if [`Faults`](super::Faults) say so.
    pub fn sleep_and_wake(&mut self, asleep: Instant, awake: Instant) {
        if !self.options.aux_power {
            self.power_off(asleep);
            self.power_on(awake);
            return;
        }
        self.advance(asleep);
        self.running = false;
        if !self.is_asleep() {
            self.falls_asleep();
        }
        self.wakes();
        self.forget_header();
        self.advance(awake);
    }

    /// Whether software put it into D3hot.
    pub(super) fn is_asleep(&self) -> bool {
        let control = self.space.byte(POWER_MANAGEMENT + PowerManagement::CONTROL);
        u16::from(control) & PowerManagement::STATE == PowerManagement::STATE
    }

    /// One sleep more; D3hot itself loses nothing.
    pub(super) fn falls_asleep(&mut self) {
        self.power.sleeps = self.power.sleeps.saturating_add(1);
    }

    /// It may have been one sleep too many.
    pub(super) fn wakes(&mut self) {
        let limit = self.options.faults.wedge_after_sleeps;
        if limit.is_some_and(|limit| self.power.sleeps >= limit) {
            self.power.wedged = true;
            self.firmware = None;
            self.starting = None;
        }
    }

    /// The bus is reset: by a warm restart, or by software, as the chip has no reset of its own.
    ///
    /// Firmware and ROM registers stay (inferred: a chip that hangs stays hung over a warm restart).
    pub fn bus_reset(&mut self, now: Instant) {
        self.advance(now);
        self.running = false;
        self.forget_header();
        if self.options.faults.bus_reset_kills {
            self.drop_off(now);
        }
    }

    /// The link goes down: all reads are ones, until the mains are pulled.
    pub fn drop_off(&mut self, now: Instant) {
        self.advance(now);
        self.power.gone = true;
    }

    /// Command, BARs and capabilities are as after power-on; what a VSCD brought stays.
    fn forget_header(&mut self) {
        const KEPT: [core::ops::Range<u16>; 2] = [0x2c..0x30, 0xdc..0xec];
        let mut space = identity::space(self.options.model);
        for at in KEPT.into_iter().flatten() {
            space.put(at, &[self.space.byte(at)]);
        }
        self.space = space;
    }

    /// Puts bytes into the ROM with a programmer, not through the chip; it takes notice when it starts next.
    pub fn program_rom(&mut self, at: usize, bytes: &[u8]) {
        if let Some(flash) = self.rom.flash.take() {
            self.rom.flash = Some(flash.holding(at, bytes));
        }
    }
}
