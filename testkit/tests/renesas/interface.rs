//! The mailboxes as all loaders use them: S26.

use pci_model::profile::renesas_upd72020x::Options;
use renesas_spec::registers::{ResultCode, Version};
use xhci_hal::Width;

use crate::bench::{Bench, ms, small_image};
use crate::others::words;

/// How a loader hands words over.
#[derive(Clone, Copy, Debug)]
enum Style {
    /// A byte with the one bit, as Linux does.
    Bytes,
    /// Words, read, changed and written back with pending bits, as upd72020x-load does.
    Words,
    /// The dword of both controls, read, changed and written back, as a UEFI tool does.
    Dwords,
    /// All through DATA0.
    Data0Only,
    /// The first two in one write.
    PairFirst,
    /// Zeros and ones are written on pending bits meanwhile.
    Disturbed,
}

fn set(bench: &Bench, style: Style, bit: u32) {
    match style {
        Style::Words => {
            let before = bench.read(0xf4, Width::Word);
            bench.write(0xf4, Width::Word, before | bit << 8);
        }
        Style::Dwords => {
            let before = bench.read(0xf4, Width::Dword);
            bench.write(0xf4, Width::Dword, before | bit << 8);
        }
        Style::Bytes | Style::Data0Only | Style::PairFirst | Style::Disturbed => {
            bench.write(0xf5, Width::Byte, bit);
        }
    }
    if matches!(style, Style::Disturbed) {
        bench.write(0xf5, Width::Byte, 0);
        let pending = bench.read(0xf5, Width::Byte);
        bench.write(0xf5, Width::Byte, pending);
    }
}

fn download(bench: &Bench, style: Style, words: &[u32]) {
    bench.write(0xf4, Width::Byte, 1);
    for (index, word) in words.iter().enumerate() {
        let second = index % 2 == 1 && !matches!(style, Style::Data0Only);
        let (bit, data) = if second { (2, 0xfc) } else { (1, 0xf8) };
        let together = matches!(style, Style::PairFirst) && index < 2;
        while !together && bench.read(0xf5, Width::Byte) & bit != 0 {}
        bench.write(data, Width::Dword, *word);
        match (together, index) {
            (true, 0) => {}
            (true, _) => bench.write(0xf5, Width::Byte, 3),
            _ => set(bench, style, bit),
        }
    }
    while bench.read(0xf5, Width::Byte) & 3 != 0 {}
    bench.write(0xf4, Width::Byte, 0);
    bench.card.sleep(ms(20));
}

#[test]
fn s26_all_ways_of_handing_over_an_odd_number_of_words_end_in_the_same_firmware() {
    let words = words(&small_image(0x2026));
    assert_eq!(words.len() % 2, 1);
    for style in [
        Style::Bytes,
        Style::Words,
        Style::Dwords,
        Style::Data0Only,
        Style::PairFirst,
        Style::Disturbed,
    ] {
        let bench = Bench::new(Options::default());
        download(&bench, style, &words);
        assert_eq!(
            bench.download_control().result(),
            ResultCode::SUCCESS,
            "{style:?}"
        );
        assert_eq!(bench.version(), Some(Version(0x2026)), "{style:?}");
    }
}

#[test]
fn two_words_in_the_wrong_order_are_no_firmware() {
    let mut words = words(&small_image(0x2026));
    words.swap(500, 501);
    let bench = Bench::new(Options::default());
    download(&bench, Style::Bytes, &words);
    assert_eq!(bench.download_control().result(), ResultCode::ERROR);
    assert_eq!(bench.version(), None);
}

#[test]
fn a_pending_word_is_submitted_once_however_often_its_bit_is_written() {
    let bench = Bench::new(Options::default());
    bench.write(0xf4, Width::Byte, 1);
    // Frozen, so that the word stays pending while it is written to.
    bench
        .card
        .with(|chip, _| chip.options_mut().faults.frozen_word = Some(0));
    bench.write(0xf5, Width::Byte, 1);
    bench.write(0xf5, Width::Byte, 1);
    bench.write(0xf5, Width::Byte, 3);
    assert_eq!(bench.peek(0xf4, Width::Word), 0x0301);
    bench
        .card
        .with(|chip, _| chip.options_mut().faults.frozen_word = Some(2));
    assert_eq!(bench.peek(0xf4, Width::Word), 0x0301, "taken from now on");
    bench.card.sleep(ms(1));
    assert_eq!(bench.peek(0xf4, Width::Word), 0x0001, "two words, no third");
}

#[test]
fn an_unaligned_read_of_four_bytes_is_what_a_system_makes_two_of() {
    let bench = Bench::new(Options::default());
    bench.write(0xf8, Width::Dword, 0x5566_7788);
    assert_eq!(bench.peek(0xf6, Width::Dword), 0x7788_0000);
}
