//! ROMs of all kinds: S23 to S25, S27.

use pci_model::profile::renesas_upd72020x::{Flash, Options, WrongMagic};
use renesas::job::RomRead;
use renesas::{Error, RomTable, Transfer, Verdict, VscdChoice};
use renesas_spec::registers::{MAGIC_ROM, ResultCode, Version};
use xhci_hal::Width;

use crate::bench::{Bench, blank, block, image, part, small_image, two_blocks};
use crate::others::{EINVAL, LINUX_6_16, Played, UPD_LOAD};

#[test]
fn s23_a_rom_read_with_a_wrong_parameter_ends_with_a_word_on_it() {
    let bench = Bench::new(blank("T25S40-5E3213"));
    assert_eq!(bench.backup(), Err(Error::UnknownRom { id: 0x005e_3213 }));
    assert_eq!(
        Played::new(UPD_LOAD, &bench).rom(&image(0x2026)),
        Err(EINVAL)
    );
    let mut table = RomTable::new();
    table.extend("5e3213 700 T25S40-variant").unwrap();
    let error = bench.run(RomRead::new(&table)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Stalled {
                transfer: Transfer::RomRead,
                word: 0,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("parameter may be wrong"));
    assert!(bench.load(&image(0x2026)).is_ok(), "RAM does not care");
}

#[test]
fn s24_the_chip_starts_from_the_block_that_is_good() {
    let cases = [
        (Some(0x2018), Some(0x2026), Some(0x2026)),
        (Some(0x2018), None, Some(0x2018)),
        (None, Some(0x2026), Some(0x2026)),
        (None, None, None),
    ];
    for (first, second, runs) in cases {
        let bench = Bench::new(two_blocks("P25Q40H", first, second));
        assert_eq!(bench.version(), runs.map(Version));
        let bad = runs.is_none();
        assert_eq!(bench.usbsts(), if bad { 0x1801 } else { 1 });
        assert_eq!(bench.verdict() == Verdict::BadRom, bad);
    }
    // A damaged VSCD makes a block as bad as damaged code does.
    for damaged in [3, 200] {
        let mut newer = block(&small_image(0x2026));
        newer[damaged] ^= 1;
        let flash = Flash::blank(part("P25Q40H"))
            .holding(0, &block(&small_image(0x2018)))
            .holding(0x4000, &newer);
        let bench = Bench::new(Options::with_rom(flash));
        assert_eq!(bench.version(), Some(Version(0x2018)));
    }
}

#[test]
fn a_vscd_brings_the_vendors_settings_into_configuration_space() {
    let bench = Bench::new(Options::default());
    assert_eq!(bench.peek(0x2c, Width::Dword), u32::MAX);
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2026), None));
    assert_eq!(bench.peek(0x2c, Width::Dword), 0x0014_1912);
    assert_eq!(bench.peek(0xe4, Width::Dword), 0x0055_0000);
}

#[test]
fn s25_a_chip_that_cannot_use_a_rom_loads_into_ram_alone() {
    let mut options = two_blocks("P25Q40H", Some(0x2026), None);
    options.supports_rom = false;
    let bench = Bench::new(options);
    assert_eq!(bench.peek(0xf6, Width::Word), 0);
    assert_eq!(bench.peek(0xec, Width::Dword), 0);
    assert_eq!(bench.backup(), Err(Error::NoRom));
    let mut linux = Played::new(LINUX_6_16, &bench);
    assert_eq!(linux.probe(Some(&image(0x2026))), Ok(()));
    assert_eq!(linux.log, ["xHCI Host Controller"]);
}

#[test]
fn s27_without_the_magic_number_nothing_opens() {
    for (magic, result) in [
        (WrongMagic::Ignored, ResultCode::NONE),
        (WrongMagic::Error, ResultCode::ERROR),
    ] {
        let mut options = two_blocks("P25Q40H", Some(0x2018), None);
        options.faults.wrong_magic = magic;
        let bench = Bench::new(options);
        let before = bench.rom();
        for (word, bit) in [(0, 1), (0x1234, 2), (MAGIC_ROM, 2)] {
            bench.write(0xf8, Width::Dword, word);
            bench.write(0xf6, Width::Byte, bit);
            let control = bench.rom_control();
            assert!(!control.access() && !control.erase(), "{word:#x}");
            assert_eq!(control.result(), result);
        }
        bench.card.sleep(crate::bench::ms(5_000));
        assert_eq!(bench.rom(), before);
        assert!(bench.backup().is_ok(), "with it, everything opens");
    }
}

#[test]
fn a_parameter_that_does_not_stick_is_told() {
    let mut options = two_blocks("P25Q40H", Some(0x2018), None);
    options.faults.parameter_stuck = true;
    let error = Bench::new(options).backup().unwrap_err();
    assert_eq!(
        error,
        Error::ParameterRefused {
            written: 0x700,
            read: 0
        }
    );
}

#[test]
fn a_backup_is_what_the_rom_holds() {
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2018), Some(0x2024)));
    let backup = bench.backup().unwrap();
    assert_eq!(backup.bytes(), &bench.rom()[..0x1_0000]);
    assert_eq!(backup.rom().name, "P25Q40H");
    let content = backup.content();
    assert!(content.block(0).is_good() && content.block(1).is_good());
    assert_eq!(content.block(1).vscd(), Some(&crate::bench::vscd()));
}

#[test]
fn a_wrong_row_in_the_table_is_found_out_by_comparing() {
    // Told of pages of 128 bytes, the chip writes over the ends of pages of 32.
    let bench = Bench::new(two_blocks("MX25L5121E", Some(0x2018), None));
    let mut table = RomTable::new();
    table.extend("c22210 700 MX25L5121E").unwrap();
    bench.card.with(|chip, _| {
        chip.options_mut().faults.reads_need_no_parameter = true;
        chip.options_mut().faults.rom_result =
            Some(pci_model::profile::renesas_upd72020x::ForcedResult::Code(1));
    });
    let saved = bench.run(RomRead::new(&table)).unwrap().saved();
    let file = image(0x2026);
    let parsed = renesas::Image::parse(&file).unwrap();
    let plan = renesas::UpdatePlan::new(saved, &parsed, VscdChoice::Keep, false).unwrap();
    let consent = renesas::Consent::given_by_the_user();
    let error = bench
        .run(renesas::job::RomUpdate::new(consent, &table, plan))
        .unwrap_err();
    assert!(
        matches!(error, Error::Verify { at: 0x4000.., .. }),
        "{error}"
    );
    bench.power_cycle();
    assert_eq!(bench.version(), Some(Version(0x2018)), "the way back");
}
