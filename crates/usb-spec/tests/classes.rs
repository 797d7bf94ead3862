//! Classes and setup packets against bytes that the specifications and common hosts agree on.

use usb_spec::class::hid::{BootKeyboardReport, Keystroke, Modifiers, Protocol, ReportKind, Usage};
use usb_spec::class::hub::{
    LinkState, PortFeature, PortStatus, SuperSpeedPortStatus, emit_status, parse_status,
};
use usb_spec::class::mass_storage::scsi::{
    AdditionalSense, CdbError, Command, FormatCapacities, FormatDescriptorCode, Inquiry,
    ModeHeader, Opcode, PeripheralType, ReadCapacity10, ReportLuns, Sense, SenseError, SenseKey,
};
use usb_spec::class::mass_storage::{Cbw, Csw, CswStatus, WrapperError};
use usb_spec::class::{class_name, uas};
use usb_spec::descriptor::LanguageId;
use usb_spec::setup::Feature;
use usb_spec::{DescriptorKind, Direction, EndpointAddress, Request, RequestKind, Setup, Speed};

#[test]
fn setup_packets_have_the_bytes_of_chapter_9() {
    let ep = EndpointAddress::new(2, Direction::In);
    let table: [(Setup, [u8; 8]); 12] = [
        (
            Setup::get_descriptor(DescriptorKind::DEVICE, 0, LanguageId::NONE, 18),
            [0x80, 6, 0, 1, 0, 0, 18, 0],
        ),
        (
            Setup::get_descriptor(DescriptorKind::STRING, 2, LanguageId::ENGLISH_US, 255),
            [0x80, 6, 2, 3, 9, 4, 255, 0],
        ),
        (
            Setup::get_interface_descriptor(DescriptorKind::HID_REPORT, 0, 1, 63),
            [0x81, 6, 0, 0x22, 1, 0, 63, 0],
        ),
        (Setup::set_address(5), [0x00, 5, 5, 0, 0, 0, 0, 0]),
        (Setup::set_configuration(1), [0x00, 9, 1, 0, 0, 0, 0, 0]),
        (Setup::set_interface(1, 2), [0x01, 11, 2, 0, 1, 0, 0, 0]),
        (
            Setup::clear_feature_endpoint_halt(ep),
            [0x02, 1, 0, 0, 0x82, 0, 0, 0],
        ),
        (
            Setup::get_endpoint_status(ep),
            [0x82, 0, 0, 0, 0x82, 0, 2, 0],
        ),
        (
            Setup::set_feature(Feature::U1_ENABLE),
            [0x00, 3, 48, 0, 0, 0, 0, 0],
        ),
        (
            Setup::set_function_suspend(3, 1),
            [0x01, 3, 0, 0, 3, 1, 0, 0],
        ),
        (Setup::set_sel(), [0x00, 0x30, 0, 0, 0, 0, 6, 0]),
        (Setup::set_isoch_delay(40), [0x00, 0x31, 40, 0, 0, 0, 0, 0]),
    ];
    for (setup, bytes) in table {
        assert_eq!(setup.to_bytes(), bytes, "{setup:?}");
        assert!(setup.standard_name().is_some());
    }
}

#[test]
fn class_requests_have_the_bytes_of_their_specifications() {
    let table: [(Setup, [u8; 8]); 9] = [
        (
            Setup::set_protocol(Protocol::BOOT, 1),
            [0x21, 11, 0, 0, 1, 0, 0, 0],
        ),
        (Setup::set_idle(0, 0, 1), [0x21, 10, 0, 0, 1, 0, 0, 0]),
        (
            Setup::get_report(ReportKind::INPUT, 0, 0, 8),
            [0xa1, 1, 0, 1, 0, 0, 8, 0],
        ),
        (Setup::bot_reset(0), [0x21, 0xff, 0, 0, 0, 0, 0, 0]),
        (Setup::get_max_lun(0), [0xa1, 0xfe, 0, 0, 0, 0, 1, 0]),
        (Setup::get_port_status(4), [0xa3, 0, 0, 0, 4, 0, 4, 0]),
        (
            Setup::set_port_feature(PortFeature::PORT_RESET, 4),
            [0x23, 3, 4, 0, 4, 0, 0, 0],
        ),
        (Setup::set_hub_depth(1), [0x20, 12, 1, 0, 0, 0, 0, 0]),
        (
            Setup::get_hub_descriptor(DescriptorKind::SUPER_SPEED_HUB, 12),
            [0xa0, 6, 0, 0x2a, 0, 0, 12, 0],
        ),
    ];
    for (setup, bytes) in table {
        assert_eq!(setup.to_bytes(), bytes, "{setup:?}");
        assert_eq!(setup.request_type.kind, RequestKind::Class);
        assert_eq!(setup.standard_name(), None);
    }
}

#[test]
fn values_without_a_name_are_shown_as_numbers() {
    assert_eq!(Request(0x77).to_string(), "0x77");
    assert_eq!(
        format!("{:?}", DescriptorKind(0x66)),
        "DescriptorKind(0x66)"
    );
    assert_eq!(Opcode::READ_10.to_string(), "READ(10)");
}

#[test]
fn all_printable_ascii_can_be_typed_and_read_back() {
    for c in (' '..='~').chain(['\n', '\t', '\u{8}', '\u{1b}']) {
        let stroke = Keystroke::from_char(c).unwrap_or_else(|| panic!("{c:?} cannot be typed"));
        assert_eq!(stroke.to_char(), Some(c));
        assert!(stroke.usage.name().is_some());
        let report = BootKeyboardReport::parse(&BootKeyboardReport::of(stroke).emit()).unwrap();
        let typed: String = report
            .pressed()
            .filter_map(|usage| usage.to_char(report.modifiers.has_shift()))
            .collect();
        assert_eq!(typed, c.to_string());
    }
    assert_eq!(Keystroke::from_char('ä'), None);
    assert_eq!(Keystroke::from_char('\0'), None);
}

#[test]
fn the_us_layout_is_where_people_expect_it() {
    let table = [
        ('a', 4, false),
        ('Z', 0x1d, true),
        ('1', 0x1e, false),
        ('!', 0x1e, true),
        ('0', 0x27, false),
    ];
    let more = [
        ('@', 0x1f, true),
        ('_', 0x2d, true),
        ('\\', 0x31, false),
        ('"', 0x34, true),
        ('?', 0x38, true),
    ];
    for (c, usage, shift) in table.into_iter().chain(more) {
        assert_eq!(
            Keystroke::from_char(c),
            Some(Keystroke {
                usage: Usage(usage),
                shift
            }),
            "{c}"
        );
    }
    assert_eq!(Usage::KEYPAD_0.to_char(false), Some('0'));
    assert_eq!(Usage::F1.to_char(false), None);
    assert_eq!(Usage::NON_US_HASH.to_char(true), None);
}

#[test]
fn keyboard_reports_tell_new_keys_from_held_ones() {
    let before = BootKeyboardReport::parse(&[0, 0, 4, 0, 0, 0, 0, 0]).unwrap();
    let after = BootKeyboardReport::parse(&[0x02, 0, 4, 5, 0, 0, 0, 0]).unwrap();
    assert_eq!(after.pressed_since(&before).collect::<Vec<_>>(), [Usage::B]);
    assert!(after.modifiers.contains(Modifiers::LEFT_SHIFT));
    let rolled = BootKeyboardReport::parse(&[0, 0, 1, 1, 1, 1, 1, 1]).unwrap();
    assert!(rolled.is_rolled_over());
    assert_eq!(rolled.pressed().count(), 0);
    assert_eq!(BootKeyboardReport::parse(&[0; 7]), None);
}

#[test]
fn a_read_has_the_bytes_of_bulk_only_and_sbc() {
    let command = Command::Read10 {
        lba: 0x0102_0304,
        blocks: 0x0506,
        fua: false,
    };
    let cbw = Cbw::new(0xdead_beef, 0x0506 * 512, Direction::In, 0, command.emit());
    assert_eq!(
        cbw.to_bytes(),
        [
            0x55, 0x53, 0x42, 0x43, 0xef, 0xbe, 0xad, 0xde, 0x00, 0x0c, 0x0a, 0x00, 0x80, 0, 10,
            0x28, 0, 1, 2, 3, 4, 0, 5, 6, 0, 0, 0, 0, 0, 0, 0
        ]
    );
    assert_eq!(Command::parse(cbw.command_block()), Ok(command));
    let csw = Csw {
        tag: 1,
        residue: 0,
        status: CswStatus::FAILED,
    };
    assert_eq!(
        csw.to_bytes(),
        [0x55, 0x53, 0x42, 0x53, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    );
}

#[test]
fn wrappers_that_are_not_valid_or_not_meaningful_are_refused() {
    let good = Cbw::new(7, 0, Direction::Out, 0, Command::TestUnitReady.emit()).to_bytes();
    assert_eq!(
        Cbw::parse(&good[..30]),
        Err(WrapperError::Length {
            expected: 31,
            found: 30
        })
    );
    let spoiled = |at: usize, byte: u8| {
        let mut bytes = good;
        bytes[at] = byte;
        Cbw::parse(&bytes)
    };
    assert!(matches!(spoiled(0, 0), Err(WrapperError::Signature { .. })));
    assert_eq!(
        spoiled(12, 0x81),
        Err(WrapperError::Reserved { at: 12, byte: 0x81 })
    );
    assert_eq!(
        spoiled(13, 0x10),
        Err(WrapperError::Reserved { at: 13, byte: 0x10 })
    );
    assert_eq!(
        spoiled(14, 0),
        Err(WrapperError::CommandLength { length: 0 })
    );
    assert_eq!(
        spoiled(14, 17),
        Err(WrapperError::CommandLength { length: 17 })
    );
    assert_eq!(
        Csw::parse(&[0; 14]),
        Err(WrapperError::Length {
            expected: 13,
            found: 14
        })
    );
}

#[test]
fn commands_that_are_unknown_or_ask_too_much_are_told_apart() {
    assert_eq!(Command::parse(&[]), Err(CdbError::Empty));
    assert_eq!(
        Command::parse(&[0x85; 16]),
        Err(CdbError::UnknownOpcode {
            opcode: Opcode::ATA_PASS_THROUGH_16
        })
    );
    assert_eq!(
        Command::parse(&[0xff; 16]),
        Err(CdbError::UnknownOpcode {
            opcode: Opcode(0xff)
        })
    );
    let short = CdbError::TooShort {
        opcode: Opcode::READ_10,
        needed: 10,
        found: 6,
    };
    assert_eq!(Command::parse(&[0x28, 0, 0, 0, 0, 0]), Err(short));
    assert_eq!(
        Command::parse(&[0x12, 0, 0x80, 0, 36, 0]),
        Err(CdbError::InvalidField {
            opcode: Opcode::INQUIRY,
            at: 2
        })
    );
    assert_eq!(
        Command::parse(&[0x28, 0x20, 0, 0, 0, 0, 0, 0, 1, 0]),
        Err(CdbError::InvalidField {
            opcode: Opcode::READ_10,
            at: 1
        })
    );
}

#[test]
fn sense_is_read_from_both_formats() {
    let fixed = [
        0xf0, 0, 3, 0, 0, 0x10, 0, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0,
    ];
    let sense = Sense::parse(&fixed).unwrap();
    assert_eq!(sense.key, SenseKey::MEDIUM_ERROR);
    assert_eq!(sense.information, Some(0x1000));
    assert_eq!(
        sense.to_string(),
        "medium error: unrecovered read error (11h/00h)"
    );
    let descriptor = [
        0x72, 3, 0x11, 0, 0, 0, 0, 12, 0, 10, 0x80, 0, 0, 0, 0, 1, 0, 0, 0x10, 0,
    ];
    assert_eq!(
        Sense::parse(&descriptor).unwrap().information,
        Some(0x1_0000_1000)
    );
    assert_eq!(
        Sense::parse(&descriptor).unwrap().additional,
        AdditionalSense::UNRECOVERED_READ_ERROR
    );
    assert_eq!(
        Sense::parse(&[0x7f; 18]),
        Err(SenseError::ResponseCode { code: 0x7f })
    );
    assert_eq!(
        Sense::parse(&[0x70, 0]),
        Err(SenseError::TooShort { found: 2 })
    );
    let large = Sense {
        information: Some(1 << 40),
        ..sense
    };
    assert_eq!(
        Sense::parse(&large.emit()).unwrap().information,
        None,
        "a block that the format cannot hold is not cut"
    );
}

#[test]
fn what_disks_answer_has_the_bytes_that_hosts_expect() {
    let inquiry = Inquiry {
        qualifier: 0,
        peripheral: PeripheralType::DISK,
        removable: true,
        version: 6,
        vendor: Inquiry::field("Doorbell"),
        product: Inquiry::field("Disk"),
        revision: Inquiry::field("1.0"),
    };
    let bytes = inquiry.emit();
    assert_eq!(&bytes[..8], [0, 0x80, 6, 2, 31, 0, 0, 0]);
    assert_eq!(&bytes[8..], b"DoorbellDisk            1.0 ");
    assert_eq!(Inquiry::parse(&bytes), Some(inquiry));
    assert_eq!(Inquiry::text(&inquiry.product).collect::<String>(), "Disk");
    assert_eq!(
        ReadCapacity10::of(131_072, 512).emit(),
        [0, 1, 0xff, 0xff, 0, 0, 2, 0]
    );
    assert!(
        ReadCapacity10::of(1 << 32, 512).needs_16(),
        "a last block of ffffffffh sends the host to the long command"
    );
    let header = ModeHeader::parse_6(&[3, 0, 0x80, 0]).unwrap();
    assert!(header.write_protected && !header.dpo_fua);
    assert!(
        ReportLuns::parse(&ReportLuns::emit(2))
            .unwrap()
            .iter()
            .eq([0, 1 << 48])
    );
    let formatted = FormatCapacities {
        blocks: 2880,
        code: FormatDescriptorCode::FORMATTED,
        block_length: 512,
    };
    assert_eq!(formatted.emit(), [0, 0, 0, 8, 0, 0, 0x0b, 0x40, 2, 0, 2, 0]);
    assert_eq!(FormatCapacities::parse(&formatted.emit()), Some(formatted));
}

#[test]
fn port_status_tells_speed_and_link() {
    let (status, change) = parse_status([0x03, 0x05, 0x11, 0x00]);
    assert_eq!(emit_status(status, change), [0x03, 0x05, 0x11, 0x00]);
    let status = PortStatus(status);
    assert!(status.is_connected() && status.is_enabled() && status.is_powered());
    assert_eq!(status.speed(), Speed::High);
    assert_eq!(SuperSpeedPortStatus(0x0203).link_state(), LinkState::U0);
    assert_eq!(
        SuperSpeedPortStatus(0x02c0).link_state(),
        LinkState::INACTIVE
    );
    assert!(SuperSpeedPortStatus(0x0203).is_powered());
}

#[test]
fn people_read_names_of_classes() {
    assert_eq!(class_name(3, 1, 1), "keyboard");
    assert_eq!(class_name(8, 6, 0x50), "disk");
    assert_eq!(class_name(9, 0, 3), "SuperSpeed hub");
    assert_eq!(class_name(0xff, 1, 2), "vendor specific");
    assert_eq!(class_name(0x42, 0, 0), "unknown class");
}

#[test]
fn uas_units_come_back() {
    let unit = uas::CommandUnit {
        tag: 0x0102,
        attributes: 0,
        lun: [0; 8],
        command: Command::ReadCapacity16 {
            allocation_length: 32,
        }
        .emit()
        .bytes,
    };
    let bytes = unit.emit();
    assert_eq!(&bytes[..4], [1, 0, 1, 2]);
    assert_eq!(uas::CommandUnit::parse(&bytes), Some(unit));
    assert_eq!(
        uas::parse_pipe_usage(&uas::emit_pipe_usage(uas::PipeId::STATUS)),
        Some(uas::PipeId::STATUS)
    );
}
