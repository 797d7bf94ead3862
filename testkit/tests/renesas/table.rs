//! How long each loader takes, with an access to configuration space stated as 1 µs, against what the chip needs at least.

use std::fmt::Write as _;
use std::time::Duration;

use pci_model::profile::renesas_upd72020x::{Options, Part, Times};
use renesas::job::RomWrite;
use renesas::{Consent, RomTable};

use crate::bench::{Bench, blank, block, image, part};
use crate::others::{LINUX_6_16, LINUX_6_17, Loader, Played, UPD_LOAD};

const ACCESS: Duration = Duration::from_micros(1);

/// What the chip needs for a download: every word, its judgement, its start.
fn least_ram(words: u32) -> Duration {
    let times = Times::default();
    times.word * words + times.check_ram + times.boot
}

/// What the chip and its ROM need for a write: erase the block, programme burst after burst, take in words between bursts, judge.
fn least_rom(part: &Part, bytes: u32) -> Duration {
    let times = Times::default();
    let bursts = bytes.div_ceil(128);
    part.erase_block + part.program * bursts + times.word * 32 * (bursts - 1) + times.check_rom
}

fn ram(loader: Option<Loader>, file: &[u8]) -> Duration {
    let bench = Bench::with_access(Options::default(), ACCESS);
    let start = bench.now();
    match loader {
        None => {
            bench.load(file).unwrap();
        }
        Some(loader) => Played::new(loader, &bench).ram(file).unwrap(),
    }
    bench.now() - start
}

/// The ROM write alone, without backup, comparison and reload; and whether it went well.
fn rom(loader: Option<Loader>, name: &str, file: &[u8]) -> (Duration, bool) {
    let bench = Bench::with_access(blank(name), ACCESS);
    let start = bench.now();
    let ok = match loader {
        None => {
            let consent = Consent::given_by_the_user();
            let write = RomWrite::new(consent, &RomTable::new(), &block(file));
            bench.run(write).unwrap();
            true
        }
        Some(mut loader) => {
            loader.reloads = false;
            let raw;
            let bytes = if loader.kernel_words {
                file
            } else {
                raw = block(file);
                &raw
            };
            Played::new(loader, &bench).rom(bytes).is_ok()
        }
    };
    (bench.now() - start, ok)
}

#[test]
#[expect(clippy::print_stdout, reason = "the table is worth reading")]
fn we_need_hardly_longer_than_the_chip_and_a_small_part_of_what_others_need() {
    let file = image(0x2026);
    let words = u32::try_from(file.len() / 4).unwrap();
    let bytes = u32::try_from(block(&file).len()).unwrap();
    let part = part("P25Q40H");
    let (least_ram, least_rom) = (least_ram(words), least_rom(&part, bytes));
    let mut text = format!(
        "13012 bytes, an access to configuration space 1 µs, P25Q40H\n\
         {:18} {:>10} {:>7}   {:>10} {:>7}\n\
         {:18} {:>10.1?} {:>7}   {:>10.1?} {:>7}\n",
        "",
        "RAM",
        "ratio",
        "ROM write",
        "ratio",
        "the chip's minimum",
        least_ram,
        "1.00",
        least_rom,
        "1.00"
    );
    let mut rows = Vec::new();
    for (name, loader) in [
        ("ours", None),
        (LINUX_6_16.name, Some(LINUX_6_16)),
        (LINUX_6_17.name, Some(LINUX_6_17)),
        (UPD_LOAD.name, Some(UPD_LOAD)),
    ] {
        let ram = ram(loader, &file);
        let (rom, ok) = rom(loader, "P25Q40H", &file);
        let ratio = |time: Duration, least: Duration| time.as_secs_f64() / least.as_secs_f64();
        let (ram_ratio, rom_ratio) = (ratio(ram, least_ram), ratio(rom, least_rom));
        let end = if ok { "" } else { "  (fails)" };
        writeln!(
            text,
            "{name:18} {ram:>10.1?} {ram_ratio:>7.2}   {rom:>10.1?} {rom_ratio:>7.2}{end}"
        )
        .unwrap();
        rows.push((ram_ratio, rom_ratio));
    }
    println!("{text}");
    let (ours, linux) = (rows[0], rows[1]);
    assert!(ours.0 <= 1.05 && ours.1 <= 1.05, "\n{text}");
    assert!(linux.1 / ours.1 >= 20.0, "\n{text}");
    assert!(rows[1..].iter().all(|row| row.0 > ours.0 && row.1 > ours.1));
}

#[test]
fn other_parts_are_written_at_their_own_pace_too() {
    let file = image(0x2026);
    let bytes = u32::try_from(block(&file).len()).unwrap();
    for name in ["MX25L2006E", "W25X40BV", "M25P40"] {
        let (took, _) = rom(None, name, &file);
        let least = least_rom(&part(name), bytes);
        let ratio = took.as_secs_f64() / least.as_secs_f64();
        assert!(ratio <= 1.05, "{name}: {took:?} is {ratio:.3} of {least:?}");
    }
}
