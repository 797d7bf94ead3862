//! Images, vendor settings, ROM content and ROM tables: good ones survive, damaged ones are told, and nothing panics.

use proptest::prelude::*;
use renesas::{Block, Image, ImageError, RomContent, RomTable, SyntheticImage, Vscd, VscdError};
use renesas_spec::registers::Version;
use renesas_spec::rom_part;

fn synthetic(version: u16, words: usize) -> Vec<u8> {
    SyntheticImage::new(Version(version))
        .words(words)
        .build()
        .unwrap()
}

/// The VSCD of a card with four ports, as a public decoder printed it.
fn published() -> Vscd {
    let mut vscd = Vscd::new();
    for (offset, value) in [
        (0x2c, 0xffff_ffff),
        (0xdc, 0),
        (0xe0, 0),
        (0xe4, 0x0055_0000),
        (0xe8, 0x0501_0000),
    ] {
        vscd.set32(offset, value).unwrap();
    }
    vscd
}

#[test]
fn the_vscd_of_a_real_card_has_the_check_sum_that_stands_in_its_rom() {
    let bytes = published().emit();
    assert_eq!(bytes.len(), 44);
    assert_eq!(bytes[..2], [0x28, 0x00]);
    assert_eq!(bytes[42..], [0xe7, 0xef]);
}

#[test]
fn a_synthetic_image_has_the_layout_of_2_0_2_6() {
    let bytes = synthetic(0x2026, SyntheticImage::WORDS_OF_2026);
    let image = Image::parse(&bytes).unwrap();
    assert_eq!(bytes.len(), 13_012);
    assert_eq!(bytes[..2], [0xaa, 0x55]);
    assert_eq!(
        *image.sections(),
        [
            0x14..0x14 + 0xf6,
            0x10c..0x10c + 0x4c,
            0x15c..0x15c + 0x3168,
            0x32c8..0x32d0
        ]
    );
    assert_eq!((image.sub_version(), image.trailing()), (9, 0));
    assert!(!image.is_unsafe_in_ram());
    assert!(
        Image::parse(&synthetic(0x2006, 1025))
            .unwrap()
            .is_unsafe_in_ram()
    );
}

#[test]
fn images_of_impossible_sizes_are_refused_with_the_possible_ones() {
    for words in [
        0,
        SyntheticImage::WORDS_MIN - 1,
        SyntheticImage::WORDS_MAX + 1,
    ] {
        let error = SyntheticImage::new(Version(0x2026)).words(words).build();
        assert!(matches!(error, Err(ImageError::Words { .. })));
    }
    for words in [SyntheticImage::WORDS_MIN, SyntheticImage::WORDS_MAX] {
        assert_eq!(synthetic(0x2026, words).len(), words * 4);
        Image::parse(&synthetic(0x2026, words)).unwrap();
    }
}

#[test]
fn each_damage_has_its_own_words() {
    let good = synthetic(0x2026, 1025);
    let damaged = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        Image::parse(&bytes).unwrap_err()
    };
    assert_eq!(
        Image::parse(&good[..7]),
        Err(ImageError::Short { bytes: 7 })
    );
    assert!(matches!(damaged(0), ImageError::Magic { vscd: false, .. }));
    assert!(matches!(damaged(4), ImageError::HeaderCrc { .. }));
    assert!(matches!(
        damaged(0x20),
        ImageError::SectionCrc { number: 0, .. }
    ));
    assert!(matches!(
        damaged(0x400),
        ImageError::SectionCrc { number: 2, .. }
    ));
    let cut = Image::parse(&good[..2000]).unwrap_err();
    assert!(cut.to_string().contains("cut off"), "{cut}");
    let mut rom = published().emit();
    rom.extend_from_slice(&good);
    let error = Image::parse(&rom).unwrap_err();
    assert!(error.to_string().contains("it is ROM content"), "{error}");
}

#[test]
fn overlapping_sections_are_refused() {
    let mut bytes = synthetic(0x2026, 1025);
    // Section 1 begins where section 0 does.
    bytes[8..12].copy_from_slice(&[0x14, 0, 0xf6, 0]);
    let crc = renesas_spec::crc16(&bytes[4..0x14]);
    bytes[2..4].copy_from_slice(&crc.to_le_bytes());
    assert!(matches!(
        Image::parse(&bytes),
        Err(ImageError::Section { number: 1, .. })
    ));
}

#[test]
fn a_vscd_tells_what_it_sets() {
    let vscd = published();
    assert_eq!(vscd.get32(0xe8), Some(0x0501_0000));
    assert_eq!(Vscd::new().get(0x2c), None);
    assert_eq!(
        vscd.to_string(),
        "subsystem 0xffffffff, PHY0 0x00000000, PHY1 0x00000000, PHY2 0x00550000, HCCONF 0x05010000"
    );
    assert_eq!(
        Vscd::new().set(0xf0, 1),
        Err(VscdError::NoTag { offset: 0xf0 })
    );
    let mut bytes = vscd.emit();
    bytes[5] ^= 0x10;
    assert!(matches!(Vscd::parse(&bytes), Err(VscdError::Crc { .. })));
}

#[test]
fn rom_content_is_told_block_by_block() {
    let mut rom = vec![0xff; 0x8000];
    let mut block = published().emit();
    block.extend_from_slice(&synthetic(0x2024, 1025));
    rom[..block.len()].copy_from_slice(&block);
    rom[0x4000..0x4084].copy_from_slice(&block[..0x84]);
    let content = RomContent::new(&rom, 0x4000);
    match content.block(0) {
        Block::Good { vscd, image } => {
            assert_eq!(vscd, Some(published()));
            assert_eq!(image.version(), Version(0x2024));
        }
        other => panic!("{other:?}"),
    }
    let second = content.block(1);
    assert!(!second.is_good());
    assert_eq!(second.vscd(), Some(&published()), "its settings survived");
    assert!(matches!(content.block(2), Block::Blank));
}

#[test]
fn a_line_of_the_rom_table_that_makes_no_sense_is_named_and_nothing_is_added() {
    let mut table = RomTable::new();
    let rows = table.rows().len();
    assert_eq!(rows, rom_part::ROM_PARTS.len());
    let text = "# parts\n854012 700 P25D21H\n5e3213 7g0 T25S40\n";
    let error = table.extend(text).unwrap_err();
    assert_eq!((error.line, error.text.as_str()), (3, "5e3213 7g0 T25S40"));
    assert_eq!(table.rows().len(), rows);
    // A row added later counts more than one that is built in.
    table
        .extend("00856013 500 MyP25Q40H 4000 300 9000 # slower")
        .unwrap();
    let row = table.find(0x0085_6013).unwrap();
    assert_eq!(
        (row.name.as_str(), row.worst.erase_unit_ms),
        ("MyP25Q40H", 300)
    );
    for line in ["", "1", "1 2", "1 2 a 3", "1 2 a 3 4 5 6", "1 fff0 a"] {
        let parsed = RomTable::new().extend(line);
        assert_eq!(parsed.is_ok(), line.is_empty(), "{line}");
    }
}

proptest! {
    #[test]
    fn every_synthetic_image_parses_back(
        version: u16,
        sub: u8,
        words in SyntheticImage::WORDS_MIN..4000_usize,
        padding in 0_usize..64,
    ) {
        let built = SyntheticImage::new(Version(version)).sub_version(sub).words(words).build().unwrap();
        let mut bytes = built.clone();
        bytes.resize(bytes.len() + padding, 0xff);
        let image = Image::parse(&bytes).unwrap();
        prop_assert_eq!(image.bytes(), &built[..]);
        prop_assert_eq!((image.version(), image.sub_version()), (Version(version), sub));
        prop_assert_eq!((image.words().len(), image.trailing()), (words, padding));
    }

    #[test]
    fn one_turned_bit_is_always_noticed(at in 0_usize..13_012, bit in 0_u8..8) {
        let mut bytes = synthetic(0x2026, SyntheticImage::WORDS_OF_2026);
        let sections = Image::parse(&bytes).unwrap().sections().clone();
        // Zeros that fill up to a multiple of four are in no check sum.
        let fill = sections.iter().skip(1).any(|section| (section.end + 2..section.end + 4).contains(&at));
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(Image::parse(&bytes).is_ok(), fill);
    }

    #[test]
    fn any_bytes_are_an_image_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Image::parse(&bytes);
        let _ = Vscd::parse(&bytes);
        for index in 0..4 {
            let _ = RomContent::new(&bytes, 64).block(index);
        }
    }

    #[test]
    fn any_header_with_a_good_check_sum_is_an_image_or_an_error(table: [u16; 8], bytes in prop::collection::vec(any::<u8>(), 20..2000)) {
        let mut bytes = bytes;
        bytes[..2].copy_from_slice(&[0xaa, 0x55]);
        for (place, entry) in bytes[4..20].chunks_mut(2).zip(table) {
            place.copy_from_slice(&entry.to_le_bytes());
        }
        let crc = renesas_spec::crc16(&bytes[4..20]);
        bytes[2..4].copy_from_slice(&crc.to_le_bytes());
        if let Ok(image) = Image::parse(&bytes) {
            prop_assert!(image.bytes().len() <= bytes.len());
        }
    }

    #[test]
    fn a_vscd_and_its_bytes_are_inverse(pairs in prop::collection::vec(any::<(u8, u8)>(), 1..40), after in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut bytes = u16::try_from(pairs.len() * 2).unwrap().to_le_bytes().to_vec();
        bytes.extend(pairs.iter().flat_map(|(tag, value)| [*tag, *value]));
        let crc = renesas_spec::crc16(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        let end = bytes.len();
        bytes.extend_from_slice(&after);
        let vscd = Vscd::parse(&bytes).unwrap();
        prop_assert_eq!(vscd.pairs(), &pairs[..]);
        prop_assert_eq!(vscd.emit(), &bytes[..end]);
        prop_assert_eq!(vscd.bytes(), end);
    }

    #[test]
    fn any_text_is_a_rom_table_or_an_error(text in "[0-9a-fx \n#hP]{0,80}") {
        let _ = RomTable::new().extend(&text);
    }
}
