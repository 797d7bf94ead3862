//! Linux and the ROM: S3 to S6, S10, S16 to S18.

use pci_model::profile::renesas_upd72020x::{Flash, Options};
use renesas::{Error, Verdict, VscdChoice};
use renesas_spec::registers::{ResultCode, Version};
use xhci_hal::Width;

use crate::bench::{Bench, blank, fast_rom, image, ms, part, two_blocks, vscd};
use crate::others::{ETIMEDOUT, LINUX_6_16, LINUX_6_17, LINUX_V3, Loader, Played, UPD_LOAD};

#[test]
fn s3_a_good_rom_and_no_file_is_fine_for_everybody() {
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2024), None));
    let mut linux = Played::new(LINUX_6_16, &bench);
    assert_eq!(linux.probe(None), Ok(()));
    assert!(linux.said("failed to load firmware renesas_usb_fw.mem, fallback to ROM"));
    assert_eq!(
        bench.rom_control().result(),
        ResultCode::NONE,
        "a start from ROM leaves no result"
    );
    assert_eq!(
        bench.verdict(),
        Verdict::Ready {
            version: Version(0x2024)
        }
    );
}

#[test]
fn s4_with_a_fast_rom_linux_rewrites_it_once_per_power_cycle() {
    let bench = Bench::new(fast_rom());
    let file = image(0x2026);
    for _ in 0..2 {
        let mut linux = Played::new(LINUX_6_16, &bench);
        assert_eq!(linux.probe(Some(&file)), Ok(()), "{:#?}", linux.log);
        assert!(linux.said("Download ROM success"));
        let mut again = Played::new(LINUX_6_16, &bench);
        assert_eq!(again.probe(Some(&file)), Ok(()));
        assert_eq!(again.log, ["xHCI Host Controller"], "skipped");
        bench.power_cycle();
        assert_eq!(bench.version(), Some(Version(0x2026)), "started from ROM");
    }
}

/// A row of S5 and S6: who, on which part, how many words an abort keeps.
fn stalls(loader: Loader, name: &str, keeps: u8) -> (Bench, Vec<String>) {
    let mut options = blank(name);
    options.faults.abort_keeps = keeps;
    let bench = Bench::new(options);
    let mut linux = Played::new(loader, &bench);
    assert_eq!(linux.probe(Some(&image(0x2026))), Err(ETIMEDOUT), "{name}");
    let log = linux.log;
    // The engine comes to its end by itself.
    bench.card.sleep(ms(2_000));
    (bench, log)
}

#[test]
fn s5_and_s6_a_slow_erase_stops_linux_at_step_34_and_then_at_step_2() {
    for (loader, name, keeps, held) in [
        (LINUX_V3, "MX25L2006E", 2, 136),
        (LINUX_6_16, "W25X40BV", 2, 136),
        (LINUX_6_16, "XT25F04B", 2, 136),
        (LINUX_6_16, "MX25L5121E", 1, 132),
    ] {
        let (bench, log) = stalls(loader, name, keeps);
        assert_eq!(
            log,
            [
                "Unknown ROM status ...",
                "ROM Erase... Done success",
                "Timeout for Set DATAX step: 34",
                "ROM Download Step 34 failed at position 136 bytes with (-110)",
                "ROM load failed, falling back on FW load",
                "Timeout for Set DATAX step: 2",
                "Firmware Download Step 2 failed at position 8 bytes with (-110).",
                "firmware failed to download (-110).",
            ],
            "{name}"
        );
        let rom = bench.rom();
        assert_eq!(rom[..held], image(0x2026)[..held], "{name}");
        assert!(rom[held..0x4000].iter().all(|byte| *byte == 0), "{name}");
    }
}

#[test]
fn s5_we_write_the_same_slow_parts_without_a_stall() {
    for name in [
        "MX25L2006E",
        "W25X40BV",
        "XT25F04B",
        "T25S40",
        "MX25L5121E",
        "M25P40",
        "M25P05-A",
    ] {
        let bench = Bench::new(two_blocks(name, Some(0x2018), Some(0x2020)));
        let updated = bench.update(&image(0x2026), VscdChoice::Keep);
        assert_eq!(updated.unwrap().version, Version(0x2026), "{name}");
    }
}

#[test]
fn s10_after_the_stall_the_next_cold_start_finds_nothing_and_we_repair_it() {
    let (bench, _) = stalls(LINUX_6_16, "W25X40BV", 2);
    bench.power_cycle();
    assert_eq!(bench.peek(0x6c, Width::Dword), 0x0020_0000);
    assert_eq!(bench.usbsts(), 0x1801);
    assert_eq!(
        bench.peek(0x52, Width::Word) & 0x8000,
        0,
        "no wake-up from D3cold without firmware"
    );
    assert_eq!(bench.verdict(), Verdict::BadRom);

    bench.load(&image(0x2026)).unwrap();
    assert_eq!(bench.peek(0x52, Width::Word), 0xc9c3);
    bench
        .update(&image(0x2026), VscdChoice::Given(vscd()))
        .unwrap();
    bench.power_cycle();
    assert_eq!(bench.version(), Some(Version(0x2026)));
}

#[test]
fn s16_a_stale_result_stops_linux_and_we_give_up_cleanly() {
    let mut options = fast_rom();
    options.faults.stale_result = true;
    let bench = Bench::new(options.clone());
    // A first write leaves its result; then the firmware is unloaded only by Linux's fallback.
    let mut linux = Played::new(LINUX_6_16, &bench);
    assert_eq!(linux.rom(&image(0x2024)), Ok(()), "{:#?}", linux.log);
    assert!(linux.rom(&image(0x2026)).is_err());
    assert!(linux.said("setting external rom failed: 10"));
    assert_eq!(linux.ram(&image(0x2026)), Ok(()), "RAM takes it");

    options.faults.first_rom_result = 1;
    let error = Bench::new(options).backup().unwrap_err();
    assert!(
        matches!(error, Error::NoAccess { control: 0x8011 }),
        "{error}"
    );
}

#[test]
fn s17_a_reload_that_never_ends_times_out_with_the_byte_that_linux_shows() {
    for (clears, shown) in [(true, "4"), (false, "14")] {
        let mut options = fast_rom();
        options.faults.reload_never = true;
        options.faults.reload_clears_result = clears;
        let bench = Bench::new(options.clone());
        let mut linux = Played::new(LINUX_6_16, &bench);
        assert_eq!(linux.probe(Some(&image(0x2026))), Err(ETIMEDOUT));
        assert!(
            linux.said(&format!("ROM Exec timed out: {shown}")),
            "{:#?}",
            linux.log
        );
        assert!(linux.said("ROM load failed, falling back on FW load"));

        let bench = Bench::new(options);
        let error = bench.update(&image(0x2026), VscdChoice::Given(vscd()));
        assert!(matches!(error, Err(Error::ReloadNever { .. })), "{error:?}");
        assert_eq!(bench.rom()[44..13_056], image(0x2026), "it was written");
        bench.power_cycle();
        assert_eq!(bench.version(), Some(Version(0x2026)), "and starts");
    }
}

#[test]
fn s18_an_erase_that_never_ends_holds_linux_for_100_s_then_83_min_and_us_for_20_s() {
    use renesas::job::RomErase;
    use renesas::{Consent, RomTable};
    for (loader, least, most) in [(LINUX_6_16, 100, 102), (LINUX_6_17, 5_000, 5_010)] {
        let mut options = fast_rom();
        options.faults.erase_never = true;
        let bench = Bench::new(options);
        let start = bench.now();
        let mut linux = Played::new(loader, &bench);
        assert!(linux.rom(&image(0x2026)).is_err());
        let took = bench.now() - start;
        assert!(linux.said("ROM Erase... Done success"), "it says so anyway");
        assert!(
            took > ms(least * 1000) && took < ms(most * 1000),
            "{took:?}"
        );
    }
    let mut options = fast_rom();
    options.faults.erase_never = true;
    let bench = Bench::new(options);
    let start = bench.now();
    let consent = Consent::given_by_the_user();
    let error = bench.run(RomErase::new(consent, &RomTable::new()));
    assert!(matches!(error, Err(Error::EraseNever { .. })), "{error:?}");
    assert!(bench.now() - start < ms(21_000));
}

#[test]
fn upd72020x_load_writes_one_block_as_given_and_needs_a_power_cycle() {
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2018), None));
    let mut upd = Played::new(UPD_LOAD, &bench);
    let mut file = crate::bench::block(&image(0x2026));
    file.resize(0x4000, 0xff);
    assert_eq!(upd.rom(&file), Ok(()), "{:#?}", upd.log);
    assert_eq!(bench.version(), Some(Version(0x2018)), "not reloaded");
    bench.power_cycle();
    assert_eq!(bench.version(), Some(Version(0x2026)));
    assert_eq!(bench.rom()[..44], vscd().emit(), "the first block stays");
}

#[test]
fn a_raw_image_in_rom_starts_unless_the_chip_is_strict() {
    let flash = || Flash::blank(part("P25Q40H")).holding(0, &image(0x2026));
    let bench = Bench::new(Options::with_rom(flash()));
    assert_eq!(bench.version(), Some(Version(0x2026)));
    let mut options = Options::with_rom(flash());
    options.faults.vscd_required = true;
    let bench = Bench::new(options);
    assert_eq!(bench.verdict(), Verdict::BadRom);
}
