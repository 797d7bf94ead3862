//! The story that this loader was made for, and its end: S6 to S9.

use pci_model::Clock;
use renesas::{Error, Verdict, VscdChoice};
use renesas_spec::registers::Version;
use xhci_hal::Width;

use crate::bench::{Bench, blank, image, ms, vscd};
use crate::others::{ETIMEDOUT, LINUX_6_16, LINUX_6_17, Played, UPD_LOAD};

/// The lines of the reported log, in their order.
const REPORTED: [&str; 3] = [
    "Download to external ROM TO: 0",
    "Timeout for Set DATAX step: 2",
    "Firmware Download Step 2 failed at position 8 bytes with (-110).",
];

#[test]
fn s7_linux_up_to_6_16_on_the_reported_card_fails_as_reported_after_the_reported_time() {
    let bench = Bench::new(blank("P25Q40H"));
    let mut linux = Played::new(LINUX_6_16, &bench);
    let start = bench.now();
    assert_eq!(linux.probe(Some(&image(0x2026))), Err(ETIMEDOUT));
    let took = bench.now() - start;
    assert!(took > ms(27_000) && took < ms(29_000), "{took:?}");
    let told: Vec<_> = REPORTED
        .iter()
        .map(|text| linux.log.iter().position(|line| line == text))
        .collect();
    assert!(told.iter().all(Option::is_some), "{:#?}", linux.log);
    assert!(told.is_sorted(), "{:#?}", linux.log);

    // Nobody waited: a moment later the ROM is as good as it ever will be.
    bench.card.sleep(ms(500));
    assert_eq!(bench.rom()[..13_012], image(0x2026));
}

#[test]
fn s7_linux_from_6_17_waits_long_enough_on_the_same_card() {
    let bench = Bench::new(blank("P25Q40H"));
    let mut linux = Played::new(LINUX_6_17, &bench);
    assert_eq!(
        linux.probe(Some(&image(0x2026))),
        Ok(()),
        "{:#?}",
        linux.log
    );
    assert!(linux.said("Download ROM success"));
    assert_eq!(bench.version(), Some(Version(0x2026)));
}

#[test]
fn s7_four_kib_show_the_same_story() {
    let bench = Bench::new(blank("P25Q40H"));
    let mut linux = Played::new(LINUX_6_16, &bench);
    let file = crate::bench::small_image(0x2026);
    assert_eq!(linux.probe(Some(&file)), Err(ETIMEDOUT));
    assert!(
        REPORTED.iter().all(|text| linux.said(text)),
        "{:#?}",
        linux.log
    );
}

#[test]
fn s7_a_clock_that_counts_accesses_tells_the_same_story_however_slow_they_are() {
    let bench = Bench::with_clock(blank("P25Q40H"), Clock::PER_LINUX_TURN);
    let mut linux = Played::new(LINUX_6_16, &bench);
    let file = crate::bench::small_image(0x2026);
    assert_eq!(linux.probe(Some(&file)), Err(ETIMEDOUT));
    assert!(
        REPORTED.iter().all(|text| linux.said(text)),
        "{:#?}",
        linux.log
    );
    let bench = Bench::with_clock(blank("P25Q40H"), Clock::PER_LINUX_TURN);
    let mut linux = Played::new(LINUX_6_17, &bench);
    linux.probe(Some(&file)).unwrap();
}

#[test]
fn s8_told_of_its_rom_the_same_chip_needs_less_than_a_second() {
    let bench = Bench::new(blank("P25Q40H"));
    let start = bench.now();
    let updated = bench
        .update(&image(0x2026), VscdChoice::Given(vscd()))
        .unwrap();
    let took = bench.now() - start;
    assert_eq!(updated.version, Version(0x2026));
    assert_eq!(bench.peek(0xf0, Width::Dword), 0x700);
    assert!(took < ms(1_000), "{took:?} with backup and comparison");
}

#[test]
fn s9_after_the_failure_linux_calls_the_chip_stale_and_we_bring_it_back_without_power_cycle() {
    let file = image(0x2026);
    let bench = Bench::new(blank("P25Q40H"));
    let _ = Played::new(LINUX_6_16, &bench).probe(Some(&file));
    // The firmware was written, but not started.
    let mut again = Played::new(LINUX_6_16, &bench);
    assert_eq!(again.probe(Some(&file)), Err(ETIMEDOUT));
    assert_eq!(
        again.log,
        [
            "Unknown ROM status ...",
            "FW Download Enable is stale. Giving Up (poweroff/reboot needed).",
            "can't setup: -110"
        ]
    );
    bench.load(&file).unwrap();
    assert_eq!(
        bench.verdict(),
        Verdict::Ready {
            version: Version(0x2026)
        }
    );
}

#[test]
fn s6_we_come_right_after_a_failed_rom_write_and_wait_for_the_engine() {
    let file = image(0x2026);
    let bench = Bench::new(blank("W25X40BV"));
    let mut linux = Played::new(LINUX_6_16, &bench);
    assert!(linux.rom(&file).is_err());
    assert!(linux.said("ROM Download Step 34 failed at position 136 bytes with (-110)"));
    // The engine erases and programs still, and nothing in its registers says so.
    assert!(!bench.rom_control().busy());
    bench.load(&file).unwrap();
    assert_eq!(bench.version(), Some(Version(0x2026)));
}

#[test]
fn our_own_failed_rom_write_leaves_an_engine_that_is_done() {
    let file = image(0x2026);
    let mut options = blank("P25Q40H");
    options.faults.rom_frozen_word = Some(400);
    let bench = Bench::new(options);
    let error = bench.update(&file, VscdChoice::Given(vscd())).unwrap_err();
    assert!(matches!(error, Error::Stalled { word: 402, .. }), "{error}");
    let start = bench.now();
    bench.load(&file).unwrap();
    assert!(bench.now() - start < ms(100), "it had nothing to wait for");
}

#[test]
fn what_another_loader_left_open_is_closed_first() {
    let file = image(0x2026);
    let mut options = blank("P25Q40H");
    options.faults.rom_frozen_word = Some(400);
    let bench = Bench::new(options);
    let mut upd = Played::new(UPD_LOAD, &bench);
    assert_eq!(upd.rom(&file), Err(ETIMEDOUT));
    assert_eq!(upd.log, ["SET_DATAx never go to zero"]);
    assert!(bench.rom_control().access(), "left set");
    bench.load(&file).unwrap();
    assert_eq!(bench.version(), Some(Version(0x2026)));

    // The same in the other interface: Enable left set, two words in the mailboxes.
    let mut options = blank("P25Q40H");
    options.faults.frozen_word = Some(400);
    let bench = Bench::new(options);
    assert_eq!(Played::new(UPD_LOAD, &bench).ram(&file), Err(ETIMEDOUT));
    assert!(bench.download_control().enable(), "left set");
    bench
        .card
        .with(|chip, _| chip.options_mut().faults.frozen_word = None);
    bench.load(&file).unwrap();
    assert_eq!(bench.version(), Some(Version(0x2026)));
}
