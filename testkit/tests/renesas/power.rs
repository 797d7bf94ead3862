//! Sleep, resets and cards that go away: S20 to S22.

use pci_model::profile::renesas_upd72020x::Options;
use renesas::{Error, Transfer, Verdict};
use renesas_spec::registers::Version;
use xhci_hal::Width;

use crate::bench::{Bench, image, ms, two_blocks};
use crate::others::{LINUX_6_16, Played};

fn sleep_and_wake(bench: &Bench) {
    bench
        .card
        .with(|chip, now| chip.sleep_and_wake(now, now + ms(5)));
    bench.card.sleep(ms(20));
}

#[test]
fn s20_without_standby_power_firmware_in_ram_is_gone_after_sleep_and_we_load_it_again() {
    let bench = Bench::new(Options::default());
    bench.load(&image(0x2026)).unwrap();
    sleep_and_wake(&bench);
    assert_eq!(bench.usbsts(), 0x0801, "CNR: not ready at resume");
    bench.load(&image(0x2026)).unwrap();

    let bench = Bench::new(Options {
        aux_power: true,
        ..Options::default()
    });
    bench.load(&image(0x2026)).unwrap();
    sleep_and_wake(&bench);
    assert_eq!(bench.version(), Some(Version(0x2026)), "kept");
}

#[test]
fn s21_a_chip_that_hangs_after_its_second_sleep_is_told_and_only_the_mains_help() {
    let mut options = two_blocks("P25Q40H", Some(0x2024), None);
    options.aux_power = true;
    options.faults.wedge_after_sleeps = Some(2);
    let bench = Bench::new(options);
    sleep_and_wake(&bench);
    assert!(matches!(bench.verdict(), Verdict::Ready { .. }));
    sleep_and_wake(&bench);
    assert_eq!(bench.usbsts(), 0x0801);
    bench.card.with(|chip, now| chip.bus_reset(now));
    assert_eq!(bench.usbsts(), 0x0801, "a warm restart does not help");
    let error = bench.load(&image(0x2026)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Stalled {
                transfer: Transfer::Download,
                word: 2,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("Power the card off and on"));
    bench.power_cycle();
    assert_eq!(bench.version(), Some(Version(0x2024)));
}

#[test]
fn s21_a_driver_that_sends_the_chip_to_sleep_twice_sees_the_same() {
    let mut options = two_blocks("P25Q40H", Some(0x2024), None);
    options.faults.wedge_after_sleeps = Some(2);
    let bench = Bench::new(options);
    for seen in [1, 0x0801] {
        bench.write(0x54, Width::Word, 3);
        bench.write(0x54, Width::Word, 0);
        assert_eq!(bench.usbsts(), seen);
    }
}

#[test]
fn a_card_that_sleeps_is_not_called_gone_and_not_loaded() {
    let bench = Bench::new(Options::default());
    bench.write(0x54, Width::Word, 3);
    assert_eq!(bench.verdict(), Verdict::Unknown { version: None });
    let error = bench.load(&image(0x2026)).unwrap_err();
    assert_eq!(error, Error::StatusUnknown);
    assert!(error.to_string().contains("power state D0"));
    bench.write(0x54, Width::Word, 0);
    assert!(bench.load(&image(0x2026)).is_ok());
}

#[test]
fn s22_all_ones_mislead_linux_and_not_us() {
    let mut options = two_blocks("P25Q40H", Some(0x2024), None);
    options.faults.bus_reset_kills = true;
    let bench = Bench::new(options);
    bench.card.with(|chip, now| chip.bus_reset(now));
    assert_eq!(bench.peek(0, Width::Dword), u32::MAX);
    let mut linux = Played::new(LINUX_6_16, &bench);
    assert!(linux.probe(Some(&image(0x2026))).is_err());
    assert_eq!(
        linux.log,
        ["Invalid ROM..", "can't setup: -110"],
        "it believes that firmware runs"
    );

    assert_eq!(bench.verdict(), Verdict::Gone);
    let accesses = bench.card.accesses();
    let error = bench.load(&image(0x2026)).unwrap_err();
    assert!(matches!(error, Error::Gone { .. }), "{error}");
    assert!(bench.card.accesses() - accesses < 10, "it does not loop");
    bench.power_cycle();
    assert_eq!(bench.version(), Some(Version(0x2024)));
}

#[test]
fn a_card_that_goes_in_the_middle_of_a_download_is_told_at_once() {
    use renesas::job::{Job, RamDownload, RamOptions};
    use renesas::{Image, RomTable};
    let file = image(0x2026);
    let bench = Bench::new(Options::default());
    let image = Image::parse(&file).unwrap();
    let mut job = RamDownload::new(&image, &RomTable::new(), RamOptions::default());
    assert!(
        bench
            .run_until(&mut job, |job| job.progress().words > 1000)
            .is_none()
    );
    bench.card.with(|chip, now| chip.drop_off(now));
    let before = bench.now();
    let result = bench.run_until(&mut job, |_| false).unwrap();
    assert_eq!(result, Err(Error::Gone { at: 0xf4 }));
    assert!(bench.now() - before < ms(1));
}

#[test]
fn a_locked_down_kernel_is_explained() {
    use pci_model::profile::renesas_upd72020x::Chip;
    use pci_model::{Clock, Clocked};
    use renesas::job::{Job, RamDownload, RamOptions};
    use renesas::{Card, Image, RomTable, Seen, Step};
    use usb_spec::time::Instant;
    use xhci_hal::ConfigError;
    use xhci_hal::middleware::{ConfigEffect, Fault, Faults, Faulty};
    use xhci_spec::registers::{UsbCmd, UsbSts};
    let chip = Clocked::new(
        Chip::new(Options::default(), Instant::START),
        Clock::PER_LINUX_TURN,
    );
    let refused = ConfigEffect::RefusedWrite(ConfigError::Lockdown);
    let locked = Faulty::new(chip, Faults::new([Fault::new(refused)]));
    let status = || Seen::Registers {
        command: UsbCmd::default(),
        status: UsbSts::from_bits(0x0801),
    };
    let file = image(0x2026);
    let parsed = Image::parse(&file).unwrap();
    let mut job = RamDownload::new(&parsed, &RomTable::new(), RamOptions::default());
    let error =
        (0..100).find_map(
            |_| match job.poll(&Card::new(&locked, &status), locked.inner().now()) {
                Step::Done(result) => result.err(),
                Step::Wait(_) => None,
            },
        );
    let error = error.expect("it gives up at once");
    assert!(error.to_string().contains("locked down"), "{error}");
    assert!(locked.plan().all_fired());
}
