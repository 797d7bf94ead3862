//! A card on a virtual clock, and the loop that drives a job of ours.

use std::time::Duration;

use pci_model::profile::renesas_upd72020x::{Chip, Flash, Options, Part};
use pci_model::{Clock, Clocked, Function};
use renesas::job::{Job, Loaded, RamDownload, RamOptions, RomRead, RomUpdate, Updated};
use renesas::{
    Backup, Card, CardStatus, Consent, ControllerStatus, Error, Image, RomTable, Seen, Step,
    SyntheticImage, UpdatePlan, Verdict, Vscd, VscdChoice, Wait,
};
use renesas_spec::registers::{DownloadControl, FwVersion, RomControl, Version};
use usb_spec::time::Instant;
use xhci_hal::{ConfigSpace, Width};
use xhci_spec::registers::{UsbCmd, UsbSts};

/// What one access costs on the desktop of the reported log: a turn with 10 µs of delay took 14.2 µs.
pub(crate) const DESKTOP: Duration = Duration::from_nanos(4_200);

/// No job needs more polls than this.
const POLLS_MAX: u64 = 50_000_000;

/// A card, its clock, and what the loaders did to it.
pub(crate) struct Bench {
    pub(crate) card: Clocked<Chip>,
}

impl Bench {
    /// A card that was powered on 10 ms ago, in the desktop.
    pub(crate) fn new(options: Options) -> Self {
        Self::with_access(options, DESKTOP)
    }

    /// A card behind accesses that cost this much.
    pub(crate) fn with_access(options: Options, access: Duration) -> Self {
        let bench = Self::with_clock(options, Clock::Virtual { access });
        bench.card.sleep(Duration::from_millis(10));
        bench
    }

    /// A card on this clock.
    pub(crate) fn with_clock(options: Options, clock: Clock) -> Self {
        let chip = Chip::new(options, Instant::START);
        let card = Clocked::new(chip, clock);
        // Whoever unbinds a driver leaves memory space on.
        card.write(0x04, Width::Word, 2).unwrap();
        Self { card }
    }

    pub(crate) fn now(&self) -> Instant {
        self.card.now()
    }

    /// Reads a register without taking time.
    pub(crate) fn peek(&self, at: u16, width: Width) -> u32 {
        self.card.with(|chip, now| chip.config_read(now, at, width))
    }

    pub(crate) fn write(&self, at: u16, width: Width, value: u32) {
        self.card.write(at, width, value).unwrap();
    }

    pub(crate) fn read(&self, at: u16, width: Width) -> u32 {
        self.card.read(at, width).unwrap()
    }

    pub(crate) fn download_control(&self) -> DownloadControl {
        DownloadControl::from_bits(self.peek(0xf4, Width::Word).try_into().unwrap())
    }

    pub(crate) fn rom_control(&self) -> RomControl {
        RomControl::from_bits(self.peek(0xf6, Width::Word).try_into().unwrap())
    }

    pub(crate) fn version(&self) -> Option<Version> {
        FwVersion::from_bits(self.peek(0x6c, Width::Dword)).running()
    }

    pub(crate) fn usbsts(&self) -> u32 {
        self.card.with(|chip, now| chip.status(now).bits())
    }

    pub(crate) fn rom(&self) -> Vec<u8> {
        self.card.with(|chip, now| {
            chip.advance(now);
            chip.rom().unwrap().bytes().to_vec()
        })
    }

    /// The mains are pulled and come back; firmware in ROM has started afterwards.
    pub(crate) fn power_cycle(&self) {
        self.card.with(|chip, now| {
            chip.power_off(now);
            chip.power_on(now);
            chip.config_write(now, 0x04, Width::Word, 2);
        });
        self.card.sleep(Duration::from_millis(10));
    }

    /// Lets the USB controller run, as a driver does.
    pub(crate) fn run_controller(&self, run: bool) {
        self.card
            .with(|chip, now| chip.bar_write(now, 0x20, u32::from(run)));
    }

    /// The controller's registers, through the bare BAR of the chip.
    pub(crate) fn status(&self) -> impl ControllerStatus {
        || {
            self.card.with(|chip, now| {
                let status = UsbSts::from_bits(chip.bar_read(now, 0x24));
                if status.bits() == u32::MAX {
                    return Seen::Gone;
                }
                let command = UsbCmd::from_bits(chip.bar_read(now, 0x20));
                Seen::Registers { command, status }
            })
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        CardStatus::read(&self.card, &self.status())
            .unwrap()
            .verdict()
    }

    /// Drives a job of ours to its end; it leaves nothing open, whatever came.
    pub(crate) fn run<J: Job>(&self, mut job: J) -> Result<J::Output, Error> {
        let result = self
            .run_until(&mut job, |_| false)
            .expect("nothing stops it");
        let (download, rom) = (self.download_control(), self.rom_control());
        if download.bits() != u16::MAX {
            assert!(
                !download.enable(),
                "Enable is left set: {result:?}",
                result = result.as_ref().err()
            );
            assert!(
                !rom.access(),
                "Access is left set: {result:?}",
                result = result.as_ref().err()
            );
        }
        result
    }

    /// Drives a job until it is done or `stop` says so.
    pub(crate) fn run_until<J: Job>(
        &self,
        job: &mut J,
        mut stop: impl FnMut(&J) -> bool,
    ) -> Option<Result<J::Output, Error>> {
        let status = self.status();
        let card = Card::new(&self.card, &status);
        for _ in 0..POLLS_MAX {
            if stop(job) {
                return None;
            }
            let now = self.now();
            match job.poll(&card, now) {
                Step::Done(result) => return Some(result),
                Step::Wait(Wait::Until(then)) => {
                    assert_eq!(job.next_deadline(), Some(then));
                    self.card.sleep(then - now);
                }
                Step::Wait(Wait::Spin | Wait::Yield) => {}
            }
        }
        panic!("polled {POLLS_MAX} times, at {:?}", job.progress());
    }

    /// Loads an image into RAM with our loader, also over firmware that runs.
    pub(crate) fn load(&self, image: &[u8]) -> Result<Loaded, Error> {
        let options = RamOptions {
            replace_running: true,
        };
        let image = Image::parse(image)?;
        self.run(RamDownload::new(&image, &RomTable::new(), options))
    }

    pub(crate) fn backup(&self) -> Result<Backup, Error> {
        self.run(RomRead::new(&RomTable::new()))
    }

    /// Updates the ROM with our loader: backup, plan, write, read back, reload.
    pub(crate) fn update(&self, image: &[u8], vscd: VscdChoice) -> Result<Updated, Error> {
        let image = Image::parse(image)?;
        let saved = self.backup()?.saved();
        let plan = UpdatePlan::new(saved, &image, vscd, false)?;
        let consent = Consent::given_by_the_user();
        self.run(RomUpdate::new(consent, &RomTable::new(), plan))
    }
}

/// A synthetic image, as large as 2.0.2.6.
pub(crate) fn image(version: u16) -> Vec<u8> {
    SyntheticImage::new(Version(version)).build().unwrap()
}

/// A synthetic image of 4 KiB and a word, for what need not be large.
pub(crate) fn small_image(version: u16) -> Vec<u8> {
    SyntheticImage::new(Version(version))
        .words(1025)
        .build()
        .unwrap()
}

/// The vendor's settings of a card with four ports.
pub(crate) fn vscd() -> Vscd {
    let mut vscd = Vscd::new();
    for (offset, value) in [
        (0x2c, 0x0014_1912),
        (0xdc, 0),
        (0xe0, 0),
        (0xe4, 0x0055_0000),
        (0xe8, 0x0501_0000),
    ] {
        vscd.set32(offset, value).unwrap();
    }
    vscd
}

/// What a block with VSCD and image holds.
pub(crate) fn block(image: &[u8]) -> Vec<u8> {
    let mut bytes = vscd().emit();
    bytes.extend_from_slice(image);
    bytes
}

pub(crate) fn part(name: &str) -> Part {
    Part::named(name).unwrap()
}

/// A card with a blank ROM.
pub(crate) fn blank(name: &str) -> Options {
    Options::with_rom(Flash::blank(part(name)))
}

/// A card whose ROM holds these versions in its first and second block, each with a VSCD.
pub(crate) fn two_blocks(name: &str, first: Option<u16>, second: Option<u16>) -> Options {
    let part = part(name);
    let size = usize::try_from(part.block_bytes()).unwrap();
    let mut flash = Flash::blank(part);
    for (at, version) in [(0, first), (size, second)] {
        if let Some(version) = version {
            flash = flash.holding(at, &block(&small_image(version)));
        }
    }
    Options::with_rom(flash)
}

/// A part of which nothing is slow, and a firmware setup that told the chip of it (F0h = 700h).
pub(crate) fn fast_rom() -> Options {
    let mut options = blank("MX25L2006E");
    options.faults.first_parameter = 0x700;
    options
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
