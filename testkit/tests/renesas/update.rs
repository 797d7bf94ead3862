//! Updates of the ROM: what is kept, what is refused, and several cards at once.

use std::time::Duration;

use pci_model::profile::renesas_upd72020x::{Flash, Options};
use renesas::job::{Job, RamDownload, RamOptions, RomErase, RomRead, RomUpdate, RomWrite};
use renesas::{Backup, Card, Consent, Error, Image, RomTable, Step, UpdatePlan, VscdChoice, Wait};
use renesas_spec::registers::Version;
use usb_spec::time::Instant;

use crate::bench::{Bench, blank, block, image, part, small_image, two_blocks, vscd};

fn plan(backup: Backup, file: &[u8], vscd: VscdChoice) -> Result<UpdatePlan, Error> {
    UpdatePlan::new(backup.saved(), &Image::parse(file)?, vscd, false)
}

#[test]
fn an_update_writes_the_second_block_alone_and_keeps_the_vendors_settings() {
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2018), Some(0x2020)));
    let before = bench.rom();
    let updated = bench.update(&image(0x2026), VscdChoice::Keep).unwrap();
    assert_eq!(updated.version, Version(0x2026));
    let after = bench.rom();
    assert_eq!(after[..0x4000], before[..0x4000]);
    assert_eq!(after[0x4000..][..13_056], block(&image(0x2026)));
    assert!(after[0x4000 + 13_056..].iter().all(|byte| *byte == 0xff));
    assert_eq!(
        bench.version(),
        Some(Version(0x2026)),
        "without power cycle"
    );
}

#[test]
fn a_blank_rom_gets_its_first_block_and_then_its_second() {
    let bench = Bench::new(blank("P25Q40H"));
    assert_eq!(
        bench.update(&image(0x2024), VscdChoice::Keep),
        Err(Error::NoVscd)
    );
    bench
        .update(&image(0x2024), VscdChoice::Given(vscd()))
        .unwrap();
    bench.update(&image(0x2026), VscdChoice::Keep).unwrap();
    let content = bench.backup().unwrap();
    let content = content.content();
    assert!(content.block(0).is_good() && content.block(1).is_good());
    assert_eq!(bench.version(), Some(Version(0x2026)));
}

#[test]
fn the_only_good_block_is_not_written_over_unasked() {
    let flash = Flash::blank(part("P25Q40H"))
        .holding(0, &[0x55; 64])
        .holding(0x4000, &block(&small_image(0x2020)));
    let bench = Bench::new(Options::with_rom(flash));
    let before = bench.rom();
    let error = bench.update(&image(0x2026), VscdChoice::Keep).unwrap_err();
    assert_eq!(error, Error::NoFallback);
    assert_eq!(bench.rom(), before);

    let (file, backup) = (image(0x2026), bench.backup().unwrap());
    let parsed = Image::parse(&file).unwrap();
    let accepted = UpdatePlan::new(backup.saved(), &parsed, VscdChoice::Keep, true).unwrap();
    let consent = Consent::given_by_the_user();
    bench
        .run(RomUpdate::new(consent, &RomTable::new(), accepted))
        .unwrap();
}

#[test]
fn a_bad_first_block_is_repaired_by_erase_and_two_writes() {
    let flash = Flash::blank(part("P25Q40H"))
        .holding(0, &[0x55; 64])
        .holding(0x4000, &block(&small_image(0x2020)));
    let bench = Bench::new(Options::with_rom(flash));
    let (table, consent) = (RomTable::new(), Consent::given_by_the_user());
    bench.run(RomErase::new(consent, &table)).unwrap();
    let bytes = block(&image(0x2026));
    for _ in 0..2 {
        bench.run(RomWrite::new(consent, &table, &bytes)).unwrap();
    }
    let rom = bench.rom();
    assert_eq!(rom[..bytes.len()], bytes);
    assert_eq!(rom[0x4000..][..bytes.len()], bytes);
}

#[test]
fn the_backup_of_another_card_is_refused_before_anything_is_written() {
    let file = image(0x2026);
    let other = Bench::new(two_blocks("MX25L2006E", Some(0x2018), None));
    let plan = plan(other.backup().unwrap(), &file, VscdChoice::Keep).unwrap();
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2018), Some(0x2020)));
    let before = bench.rom();
    let consent = Consent::given_by_the_user();
    let error = bench
        .run(RomUpdate::new(consent, &RomTable::new(), plan))
        .unwrap_err();
    assert_eq!(
        error,
        Error::OtherRom {
            backup: 0x00c2_2012,
            rom: 0x0085_6013
        }
    );
    assert_eq!(bench.rom(), before);
}

#[test]
fn what_does_not_fit_into_a_block_is_refused() {
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2018), None));
    let large = renesas::SyntheticImage::new(Version(0x2026)).words(4096);
    let error = bench
        .update(&large.build().unwrap(), VscdChoice::Keep)
        .unwrap_err();
    assert_eq!(
        error,
        Error::TooLarge {
            bytes: 16_428,
            room: 0x4000
        }
    );
}

#[test]
fn a_write_that_is_cancelled_leaves_the_first_block_and_an_idle_engine() {
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2018), Some(0x2020)));
    let file = image(0x2026);
    let plan = plan(bench.backup().unwrap(), &file, VscdChoice::Keep).unwrap();
    let consent = Consent::given_by_the_user();
    let mut job = RomUpdate::new(consent, &RomTable::new(), plan);
    assert!(
        bench
            .run_until(&mut job, |job| job.progress().words > 900)
            .is_none()
    );
    job.cancel();
    let result = bench.run_until(&mut job, |_| false).unwrap();
    assert_eq!(result, Err(Error::Cancelled));
    assert!(!bench.rom_control().access());
    bench.load(&file).unwrap();
    bench.power_cycle();
    assert_eq!(bench.version(), Some(Version(0x2018)));
}

#[test]
fn jobs_of_ours_never_change_the_rom_without_consent() {
    // Reading and loading are all that can be had without it.
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2018), Some(0x2020)));
    let before = bench.rom();
    bench.backup().unwrap();
    bench.load(&image(0x2026)).unwrap();
    bench.card.sleep(Duration::from_secs(2));
    assert_eq!(bench.rom(), before);
    bench.power_cycle();
    assert_eq!(bench.version(), Some(Version(0x2020)));
}

#[test]
fn four_cards_load_at_once_in_one_thread() {
    let file = image(0x2026);
    let parsed = Image::parse(&file).unwrap();
    let options = [
        Options::default(),
        blank("P25Q40H"),
        blank("M25P40"),
        Options::default(),
    ];
    let benches = options.map(Bench::new);
    let mut jobs: Vec<_> = benches
        .iter()
        .map(|_| {
            Some(RamDownload::new(
                &parsed,
                &RomTable::new(),
                RamOptions::default(),
            ))
        })
        .collect();
    for _ in 0..200_000 {
        for (bench, slot) in benches.iter().zip(&mut jobs) {
            let Some(job) = slot else { continue };
            let status = bench.status();
            match job.poll(&Card::new(&bench.card, &status), bench.now()) {
                Step::Done(result) => {
                    result.unwrap();
                    *slot = None;
                }
                Step::Wait(Wait::Until(then)) => bench.card.sleep(then - bench.now()),
                Step::Wait(_) => {}
            }
        }
    }
    assert!(jobs.iter().all(Option::is_none));
    assert!(
        benches
            .iter()
            .all(|bench| bench.version() == Some(Version(0x2026)))
    );
}

#[test]
fn a_read_of_the_whole_part_comes_back_whole() {
    let bench = Bench::with_access(
        two_blocks("MX25L512E", Some(0x2018), Some(0x2020)),
        Duration::from_micros(1),
    );
    let start = bench.now();
    let read = RomRead::new(&RomTable::new()).bytes(0x1_0000);
    assert_eq!(bench.run(read).unwrap().bytes(), bench.rom());
    let took = bench.now() - start;
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert!(bench.now() > Instant::START);
}
