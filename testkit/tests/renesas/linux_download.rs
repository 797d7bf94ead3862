//! Downloads into RAM: S1, S2, S11 to S15, S19.

use pci_model::profile::renesas_upd72020x::{ForcedResult, Options};
use renesas::job::Loaded;
use renesas::{Error, ImageError, Transfer, Verdict};
use renesas_spec::registers::{ResultCode, Version};
use xhci_hal::Width;

use crate::bench::{Bench, image, ms, small_image, two_blocks};
use crate::others::{
    EINVAL, EIO, ENODEV, ENOENT, ETIMEDOUT, Errno, LINUX_6_16, LINUX_6_17, Played, UPD_LOAD,
};

/// Linux probes; what came of it and what it told.
fn linux(bench: &Bench, file: Option<&[u8]>) -> (Result<(), Errno>, Vec<String>) {
    let mut linux = Played::new(LINUX_6_16, bench);
    let result = linux.probe(file);
    (result, linux.log)
}

#[test]
fn s1_without_rom_everybody_loads_and_linux_takes_the_reported_third_of_a_second() {
    let file = image(0x2026);
    for loader in [LINUX_6_16, LINUX_6_17] {
        let bench = Bench::new(Options::default());
        let start = bench.now();
        Played::new(loader, &bench).probe(Some(&file)).unwrap();
        let took = bench.now() - start;
        assert!(took > ms(350) && took < ms(500), "{took:?}");
        assert_eq!(bench.peek(0x6c, Width::Dword), 0x0020_2609);
        assert_eq!(bench.download_control().result(), ResultCode::SUCCESS);
    }
    let bench = Bench::new(Options::default());
    Played::new(UPD_LOAD, &bench).ram(&file).unwrap();
    assert_eq!(bench.version(), Some(Version(0x2026)));

    let bench = Bench::new(Options::default());
    assert_eq!(bench.verdict(), Verdict::NoFirmware);
    let start = bench.now();
    assert!(matches!(bench.load(&file), Ok(Loaded::Now { .. })));
    assert!(bench.now() - start < ms(60));
    assert_eq!(
        bench.verdict(),
        Verdict::Ready {
            version: Version(0x2026)
        }
    );
}

#[test]
fn s2_without_rom_and_without_file_linux_gives_up() {
    let bench = Bench::new(Options::default());
    assert_eq!(bench.usbsts(), 0x0801);
    let (result, log) = linux(&bench, None);
    assert_eq!(result, Err(ENOENT));
    assert_eq!(log, ["failed to load firmware renesas_usb_fw.mem: -2"]);
}

#[test]
fn s11_a_lock_stops_everybody_unless_firmware_runs() {
    let mut options = Options::default();
    options.faults.lock = true;
    let bench = Bench::new(options.clone());
    let (result, log) = linux(&bench, Some(&image(0x2026)));
    assert_eq!(result, Err(EIO));
    assert_eq!(
        log,
        ["FW Download Lock is set and FW is not ready. Giving Up."]
    );
    assert_eq!(bench.load(&image(0x2026)), Err(Error::Locked));

    options.faults.first_result = 1;
    let bench = Bench::new(options);
    let mut played = Played::new(LINUX_6_16, &bench);
    assert_eq!(played.probe(None), Err(ETIMEDOUT), "it believes the result");
    assert!(played.said("can't setup: -110"), "and is disappointed");
}

#[test]
fn s12_a_bad_result_at_probe_stops_linux_without_rom_and_not_with_one() {
    for (code, errno) in [(2, ENODEV), (3, EINVAL)] {
        let mut options = Options::default();
        options.faults.first_result = code;
        let bench = Bench::new(options);
        assert_eq!(linux(&bench, Some(&image(0x2026))).0, Err(errno));
        assert!(
            bench.load(&image(0x2026)).is_ok(),
            "an old result says nothing"
        );

        let mut options = two_blocks("P25Q40H", Some(0x2024), None);
        options.faults.first_result = code;
        let bench = Bench::new(options);
        assert_eq!(linux(&bench, Some(&image(0x2026))).0, Ok(()));
        assert_eq!(bench.version(), Some(Version(0x2024)));
    }
}

#[test]
fn s13_a_damaged_image_is_sent_by_linux_and_refused_by_the_chip_and_by_us_before_that() {
    let mut file = image(0x2026);
    file[0x200] ^= 1;
    let bench = Bench::new(Options::default());
    let (result, log) = linux(&bench, Some(&file));
    assert_eq!(result, Err(ENODEV));
    assert_eq!(
        log,
        [
            "hardware is in an error state. Giving up (poweroff/reboot needed).",
            "firmware failed to download (-19)."
        ]
    );

    let bench = Bench::new(Options::default());
    let accesses = bench.card.accesses();
    assert!(matches!(
        bench.load(&file),
        Err(Error::Image(ImageError::SectionCrc { number: 2, .. }))
    ));
    assert_eq!(bench.card.accesses(), accesses, "the card was not touched");
}

#[test]
fn s14_a_result_that_never_comes_ends_in_a_timeout() {
    let mut options = Options::default();
    options.faults.download_result = Some(ForcedResult::Never);
    let bench = Bench::new(options.clone());
    let (result, log) = linux(&bench, Some(&image(0x2026)));
    assert_eq!(result, Err(ETIMEDOUT));
    assert_eq!(
        log,
        ["FW Load timedout", "firmware failed to download (-110)."]
    );
    let error = Bench::new(options).load(&image(0x2026)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::NoResult {
                transfer: Transfer::Download,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_chip_that_refuses_firmware_is_reported_with_its_code() {
    let mut options = Options::default();
    options.faults.download_result = Some(ForcedResult::Code(2));
    let error = Bench::new(options).load(&image(0x2026)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the chip refused the firmware after the firmware download (error)"
    );
}

#[test]
fn s15_a_last_word_that_seems_stuck_is_a_warning_and_the_firmware_runs() {
    let file = image(0x2026);
    let mut options = Options::default();
    options.faults.stuck_word = Some(file.len() / 4 - 1);
    let bench = Bench::new(options.clone());
    let (result, log) = linux(&bench, Some(&file));
    assert_eq!(result, Ok(()));
    assert_eq!(log[0], "Final Firmware Download step timed out.");
    let bench = Bench::new(options);
    assert!(bench.load(&file).is_ok());
    assert_eq!(bench.version(), Some(Version(0x2026)));
}

#[test]
fn a_mailbox_that_freezes_in_the_middle_is_told_with_its_word() {
    let mut options = Options::default();
    options.faults.frozen_word = Some(700);
    let bench = Bench::new(options);
    let error = bench.load(&image(0x2026)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Stalled {
                transfer: Transfer::Download,
                word: 702,
                words: 3253,
                ..
            }
        ),
        "{error}"
    );
    assert!(!bench.download_control().enable());
}

#[test]
fn s19_while_the_controller_runs_nobody_gets_through_and_we_touch_nothing() {
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2024), None));
    bench.run_controller(true);
    let mut played = Played::new(UPD_LOAD, &bench);
    assert_eq!(played.ram(&image(0x2026)), Err(ETIMEDOUT));
    assert_eq!(played.log, ["SET_DATAx never go to zero"]);
    assert_eq!(bench.peek(0xf4, Width::Word), 0x0301);

    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2024), None));
    bench.run_controller(true);
    let before = bench.peek(0xf4, Width::Dword);
    let error = bench.load(&image(0x2026)).unwrap_err();
    assert_eq!(error, Error::Running);
    assert!(error.to_string().contains("unbind its driver"));
    assert_eq!(bench.peek(0xf4, Width::Dword), before);

    bench.run_controller(false);
    bench.load(&image(0x2026)).unwrap();
    assert_eq!(bench.version(), Some(Version(0x2026)), "over that in ROM");
}

#[test]
fn firmware_that_runs_is_left_alone_unless_it_is_to_be_replaced() {
    use renesas::job::{RamDownload, RamOptions};
    use renesas::{Image, RomTable};
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2024), None));
    bench.run_controller(true);
    let file = small_image(0x2026);
    let image = Image::parse(&file).unwrap();
    let job = RamDownload::new(&image, &RomTable::new(), RamOptions::default());
    assert_eq!(
        bench.run(job),
        Ok(Loaded::RanAlready {
            version: Version(0x2024)
        })
    );
}
