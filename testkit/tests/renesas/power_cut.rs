//! The plug is pulled in the middle: S28. There is always a way back, and the vendor's settings survive.

use std::sync::LazyLock;
use std::time::Duration;

use renesas::job::{Job, Phase, RomErase, RomRead, RomUpdate};
use renesas::{Consent, Error, Image, RomTable, UpdatePlan, Verdict, VscdChoice};
use renesas_spec::registers::Version;
use xhci_hal::Width;

use crate::bench::{Bench, block, image, two_blocks, vscd};

/// A card with two good blocks.
fn bench() -> Bench {
    Bench::with_access(
        two_blocks("P25Q40H", Some(0x2018), Some(0x2020)),
        Duration::from_micros(1),
    )
}

/// The update of such a card; its backup is read once for all tests.
fn update() -> RomUpdate {
    static PLAN: LazyLock<UpdatePlan> = LazyLock::new(|| {
        let backup = bench().run(RomRead::new(&RomTable::new()).bytes(0x8000));
        let file = image(0x2026);
        let image = Image::parse(&file).unwrap();
        UpdatePlan::new(backup.unwrap().saved(), &image, VscdChoice::Keep, false).unwrap()
    });
    let consent = Consent::given_by_the_user();
    RomUpdate::new(consent, &RomTable::new(), PLAN.clone())
}

/// An update that stops where `stop` says; the plug is pulled there.
fn cut(stop: impl FnMut(&RomUpdate) -> bool) -> (Bench, bool) {
    let (bench, mut job) = (bench(), update());
    let stopped = bench.run_until(&mut job, stop).is_none();
    bench.power_cycle();
    (bench, stopped)
}

/// The card starts from a block with the vendor's settings, and another update can bring the new firmware.
fn assert_way_back(bench: &Bench, at: &str) {
    // Before the first word the old second block is still there.
    let starts = [0x2018, 0x2020, 0x2026].map(|version| Some(Version(version)));
    let version = bench.version();
    assert!(starts.contains(&version), "{at}: {version:?}");
    assert_eq!(bench.peek(0x2c, Width::Dword), 0x0014_1912, "{at}");
    assert_eq!(bench.rom()[..44], vscd().emit(), "{at}");
}

/// The same update, once more.
fn assert_repeats(bench: &Bench, at: &str) {
    assert_eq!(
        bench.run(update()).unwrap().version,
        Version(0x2026),
        "{at}"
    );
}

#[test]
fn s28_power_cut_at_every_97th_byte_of_an_update_leaves_a_way_back() {
    let bytes = block(&image(0x2026)).len();
    for at in (0..bytes).step_by(97) {
        let (bench, stopped) = cut(|job| {
            let progress = job.progress();
            progress.phase == Phase::Writing && progress.words * 4 >= at
        });
        assert!(stopped, "byte {at}");
        assert_way_back(&bench, &format!("byte {at}"));
        if at % 970 == 0 {
            assert_repeats(&bench, &format!("byte {at}"));
        }
    }
}

#[test]
fn s28_power_cut_at_every_step_of_an_update_leaves_a_way_back() {
    // The last poll of each phase is the first of the next; both ends of each are cut.
    for phase in [
        Phase::Checking,
        Phase::Opening,
        Phase::Writing,
        Phase::Judging,
        Phase::Reading,
        Phase::Starting,
    ] {
        for later in [0, 1, 2, 7] {
            let mut polls = 0;
            let (bench, stopped) = cut(|job| {
                if job.progress().phase == phase || polls > 0 {
                    polls += 1;
                }
                polls > later
            });
            assert!(stopped, "{phase:?}");
            let at = format!("{phase:?} and {later} polls");
            assert_way_back(&bench, &at);
            assert_repeats(&bench, &at);
        }
    }
}

#[test]
fn s28_power_cut_at_every_5th_ms_of_an_update_leaves_a_way_back() {
    // Erase, bursts, judgement, read back, start: half a second in all.
    for millis in (0..550).step_by(5) {
        let (bench, mut job) = (bench(), update());
        let end = bench.now() + Duration::from_millis(millis);
        bench.run_until(&mut job, |_| bench.now() >= end);
        bench.power_cycle();
        assert_way_back(&bench, &format!("{millis} ms"));
    }
}

#[test]
fn s28_power_cut_in_a_chip_erase_is_healed_through_ram_and_the_backup() {
    let bench = Bench::new(two_blocks("P25Q40H", Some(0x2018), Some(0x2020)));
    let backup = bench.backup().unwrap();
    let kept = backup.content().block(1).vscd().cloned().unwrap();
    let consent = Consent::given_by_the_user();
    let mut erase = RomErase::new(consent, &RomTable::new());
    let mut polls = 0;
    bench.run_until(&mut erase, |job| {
        polls += u32::from(job.progress().phase == Phase::Erasing);
        polls > 5
    });
    bench.power_cycle();
    assert_eq!(bench.verdict(), Verdict::BadRom);
    bench.load(&image(0x2026)).unwrap();
    assert_eq!(
        bench.update(&image(0x2026), VscdChoice::Keep),
        Err(Error::NoVscd),
        "what is lost is not invented"
    );
    bench
        .update(&image(0x2026), VscdChoice::Given(kept))
        .unwrap();
    bench.power_cycle();
    assert_eq!(bench.version(), Some(Version(0x2026)));
    assert_eq!(bench.peek(0x2c, Width::Dword), 0x0014_1912);
}
