//! The declarations against figures that do not come from us: register values seen on cards and in other loaders.

use renesas_spec::registers::{
    DownloadControl, EraseUnit, FwVersion, Mailbox, REGISTERS, ResultCode, RomConfiguration,
    RomControl, Version, decode,
};
use renesas_spec::{rom_part, vscd};
use xhci_spec::registers::Register;

#[test]
fn every_bit_of_every_register_is_declared_once() {
    for register in &REGISTERS {
        let mut seen = 0_u64;
        for field in register.fields {
            assert_eq!(
                seen & field.mask(),
                0,
                "{} {}",
                register.mnemonic,
                field.name
            );
            seen |= field.mask();
        }
        let all = (1_u64 << (register.bytes * 8)) - 1;
        assert_eq!(seen, all, "{}", register.mnemonic);
    }
}

#[test]
fn registers_stand_in_order_and_do_not_overlap() {
    for pair in REGISTERS.windows(2) {
        assert!(pair[0].offset + pair[0].bytes <= pair[1].offset);
    }
}

#[test]
fn versions_read_as_cards_show_them() {
    let version = FwVersion::from_bits(0x0020_2609);
    assert_eq!(version.running(), Some(Version(0x2026)));
    assert_eq!(version.version().to_string(), "2.0.2.6");
    assert_eq!(version.sub_version(), 9);
    assert_eq!(FwVersion::NONE.running(), None);
    assert_eq!(
        FwVersion::from_bits(u32::MAX).running(),
        None,
        "a card that has gone runs nothing"
    );
}

#[test]
fn a_version_and_its_text_are_inverse_and_other_texts_are_none() {
    for bits in [0, 0x2018, 0x2026, 0xffff] {
        let version = Version(bits);
        assert_eq!(version.to_string().parse(), Ok(version));
    }
    for text in [
        "",
        "2026",
        "2.0.2",
        "2.0.2.6.1",
        "2.0.2.16",
        "2.0.2.+",
        "2.0.2.g",
    ] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
}

#[test]
fn control_values_of_field_reports_decode() {
    // F4 = 0020h after a failed upload; F4 = 0301h while nobody serves the mailboxes; F6 = 8000h after power-on with a ROM.
    assert_eq!(
        DownloadControl::from_bits(0x0020).result(),
        ResultCode::ERROR
    );
    let stuck = DownloadControl::from_bits(0x0301);
    assert!(stuck.enable() && stuck.set_data0() && stuck.set_data1());
    let idle = RomControl::from_bits(0x8000);
    assert!(idle.exists() && !idle.busy() && idle.result() == ResultCode::NONE);
    assert_eq!(
        decode(0xf6, 2, 0x8310).to_string(),
        "EXTROM RESULT=success SET0 SET1 EXISTS"
    );
    assert_eq!(
        decode(0xf7, 1, 0x83).to_string(),
        "EXTROM[15:8] SET0 SET1 EXISTS"
    );
    assert_eq!(
        decode(0xf4, 4, 0x8000_0020).to_string(),
        "FWDL RESULT=error; EXTROM RESULT=none EXISTS"
    );
    assert_eq!(decode(0x10, 4, 1).to_string(), "");
}

#[test]
fn a_write_of_one_to_a_waiting_mailbox_leaves_it_waiting_and_zero_does_nothing() {
    let waiting = DownloadControl::default()
        .with_enable(true)
        .with_set_data0(true);
    let zero = waiting.after_write(DownloadControl::default().with_enable(true));
    assert!(zero.set_data0());
    let one = waiting.after_write(waiting);
    assert_eq!(one, waiting);
    assert_eq!(
        waiting.to_neutral(),
        DownloadControl::default().with_enable(true),
        "a read-modify-write submits nothing"
    );
}

#[test]
fn parameters_mean_page_and_erase_sizes_that_flash_tables_confirm() {
    let of = |name: &str| rom_part::find_name(name).unwrap().configuration();
    assert_eq!(RomConfiguration::default().program_bytes(), 1);
    assert_eq!(of("P25Q40H").program_bytes(), 128);
    assert_eq!(
        of("MX25L5121E").program_bytes(),
        32,
        "its pages have 32 bytes"
    );
    assert_eq!(of("M25P05-A").erase_unit(), EraseUnit::KIB_32);
    assert_eq!(of("M25P40").erase_unit(), EraseUnit::KIB_64);
    assert_eq!(of("SST25VF512A").erase_unit(), EraseUnit::SST);
    assert_eq!(rom_part::capacity(0x0085_6013), Some(512 * 1024));
    assert_eq!(rom_part::capacity(0x019d_207f), None);
}

#[test]
fn no_rom_part_stands_twice() {
    for (index, part) in rom_part::ROM_PARTS.iter().enumerate() {
        let rest = &rom_part::ROM_PARTS[index + 1..];
        assert!(
            rest.iter()
                .all(|other| other.id != part.id && other.name != part.name)
        );
    }
}

#[test]
fn tags_and_offsets_are_inverse() {
    for tag in 0..=u8::MAX {
        if let Some(offset) = vscd::offset_of(tag) {
            assert_eq!(vscd::tag_of(offset), Some(tag));
        }
    }
    assert_eq!(vscd::tag_of(0xe8), Some(0x18));
    assert_eq!(vscd::tag_of(0x2c), Some(0x00));
    assert_eq!(vscd::tag_of(0xec), None);
}

#[test]
fn words_take_turns() {
    assert_eq!(Mailbox::of_word(34), Mailbox::Zero);
    assert_eq!(Mailbox::of_word(3), Mailbox::One);
    assert_eq!(Mailbox::One.data_offset(), 0xfc);
}
