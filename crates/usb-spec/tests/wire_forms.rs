//! Parse and emit undo each other, and no bytes make a parser panic.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use usb_spec::class::hid::BootKeyboardReport;
use usb_spec::class::mass_storage::scsi::{
    AdditionalSense, BlockLimits, CachingPage, Command, FormatCapacities, Inquiry, ModeHeader,
    ModePage, PageControl, ReadCapacity10, ReadCapacity16, ReportLuns, Sense, SenseKey,
    SupportedPages, UnitSerialNumber, VpdPage,
};
use usb_spec::class::mass_storage::{Cbw, Csw, CswStatus};
use usb_spec::class::{cdc, class_name, uas};
use usb_spec::descriptor::{
    Bos, BosView, Capability, Configuration, ConfigurationView, ContainerId, Descriptors, Device,
    DeviceQualifier, Endpoint, Hid, Hub, Interface, InterfaceAssociation, LanguageId,
    StringDescriptor, SuperSpeed, SuperSpeedEndpointCompanion, SuperSpeedHub, SuperSpeedPlus,
    SuperSpeedPlusIsochCompanion, Usb2Extension,
};
use usb_spec::{Direction, Setup, Speed};

/// Bytes that begin like a descriptor of this kind more often than chance would have it.
fn descriptor_like(kind: u8, length: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), length).prop_map(move |mut bytes| {
        bytes[0] = u8::try_from(length).unwrap_or(u8::MAX);
        bytes[1] = kind;
        bytes
    })
}

/// Runs of pieces that look like descriptors of a configuration, some of them with a wrong length.
fn configuration_like() -> impl Strategy<Value = Vec<u8>> {
    let piece =
        (0..9usize, vec(any::<u8>(), 0..14), 0..12u8).prop_map(|(kind, mut body, spoiled)| {
            let (kind, least) = [
                (4, 9),
                (5, 7),
                (0x30, 6),
                (0x31, 8),
                (0x0b, 8),
                (0x21, 9),
                (0x24, 4),
                (2, 9),
                (0xff, 3),
            ][kind];
            body.resize(least, 0);
            body[1] = kind;
            body[0] = match spoiled {
                0 => body[2],
                1 => 0,
                _ => u8::try_from(least).unwrap_or(u8::MAX),
            };
            body
        });
    (vec(piece, 0..12), any::<bool>(), any::<u16>()).prop_map(|(pieces, honest, claimed)| {
        let mut bytes = vec![9, 2, 0, 0, 1, 1, 0, 0x80, 50];
        bytes.extend(pieces.into_iter().flatten());
        let total = if honest {
            u16::try_from(bytes.len()).unwrap_or(u16::MAX)
        } else {
            claimed
        };
        bytes[2..4].copy_from_slice(&total.to_le_bytes());
        bytes
    })
}

fn command() -> impl Strategy<Value = Command> {
    let numbers = (
        any::<u32>(),
        any::<u16>(),
        any::<u64>(),
        any::<u32>(),
        any::<bool>(),
        any::<bool>(),
        any::<u8>(),
    );
    (0..18u8, numbers).prop_map(
        |(which, (lba, blocks, lba_long, blocks_long, yes, also, byte))| match which {
            0 => Command::TestUnitReady,
            1 => Command::RequestSense {
                descriptor_format: yes,
                allocation_length: byte,
            },
            2 => Command::Inquiry {
                page: yes.then_some(VpdPage(byte)),
                allocation_length: blocks,
            },
            3 => Command::ReadCapacity10,
            4 => Command::ReadCapacity16 {
                allocation_length: lba,
            },
            5 => Command::Read10 {
                lba,
                blocks,
                fua: yes,
            },
            6 => Command::Read16 {
                lba: lba_long,
                blocks: blocks_long,
                fua: yes,
            },
            7 => Command::Write10 {
                lba,
                blocks,
                fua: yes,
            },
            8 => Command::Write16 {
                lba: lba_long,
                blocks: blocks_long,
                fua: yes,
            },
            9 => Command::Verify10 {
                lba,
                blocks,
                byte_check: byte & 3,
            },
            10 => Command::ModeSense6 {
                page: ModePage(byte & 0x3f),
                subpage: byte.rotate_left(3),
                control: PageControl(byte >> 6),
                disable_block_descriptors: yes,
                allocation_length: blocks.to_le_bytes()[0],
            },
            11 => Command::ModeSense10 {
                page: ModePage(byte & 0x3f),
                subpage: byte.rotate_left(3),
                control: PageControl(byte >> 6),
                disable_block_descriptors: yes,
                long_lba_accepted: also,
                allocation_length: blocks,
            },
            12 => Command::SynchronizeCache10 {
                lba,
                blocks,
                immediate: yes,
            },
            13 => Command::SynchronizeCache16 {
                lba: lba_long,
                blocks: blocks_long,
                immediate: yes,
            },
            14 => Command::PreventAllowMediumRemoval { prevent: yes },
            15 => Command::StartStopUnit {
                immediate: yes,
                power_condition: byte & 0xf,
                load_eject: also,
                start: byte > 99,
            },
            16 => Command::ReportLuns {
                select_report: byte,
                allocation_length: lba,
            },
            _ => Command::ReadFormatCapacities {
                allocation_length: blocks,
            },
        },
    )
}

/// Walks all that a configuration has, and counts what it saw.
fn walk(view: &ConfigurationView<'_>) -> (usize, usize, usize) {
    let (mut interfaces, mut alternates, mut endpoints) = (0, 0, 0);
    for interface in view.interfaces() {
        interfaces += 1;
        assert!(
            interface.default_alternate().is_some(),
            "an interface without a setting"
        );
        for alternate in interface.alternates() {
            alternates += 1;
            let _ = (
                alternate.hid(),
                alternate.class_descriptors().count(),
                alternate.descriptors().count(),
            );
            for endpoint in alternate.endpoints() {
                endpoints += 1;
                for speed in Speed::ALL {
                    let _ = (
                        endpoint.max_bytes_per_service_interval(speed),
                        endpoint.service_interval(speed),
                    );
                }
            }
        }
    }
    (interfaces, alternates, endpoints)
}

proptest! {
    #[test]
    fn every_eight_bytes_are_a_setup_packet_and_survive(bytes in any::<[u8; 8]>()) {
        prop_assert_eq!(Setup::from_bytes(bytes).to_bytes(), bytes);
    }

    #[test]
    fn fixed_descriptors_emit_what_they_were_parsed_from(
        device in descriptor_like(1, 18), configuration in descriptor_like(2, 9), interface in descriptor_like(4, 9),
        endpoint in descriptor_like(5, 7), association in descriptor_like(0x0b, 8), bos in descriptor_like(0x0f, 5),
        companion in descriptor_like(0x30, 6), hub in descriptor_like(0x2a, 12),
    ) {
        prop_assert_eq!(Device::parse(&device).unwrap().emit().to_vec(), device);
        prop_assert_eq!(Configuration::parse(&configuration).unwrap().emit().to_vec(), configuration);
        prop_assert_eq!(Interface::parse(&interface).unwrap().emit().to_vec(), interface);
        prop_assert_eq!(Endpoint::parse(&endpoint).unwrap().emit().to_vec(), endpoint);
        prop_assert_eq!(InterfaceAssociation::parse(&association).unwrap().emit().to_vec(), association);
        prop_assert_eq!(Bos::parse(&bos).unwrap().emit().to_vec(), bos);
        prop_assert_eq!(SuperSpeedEndpointCompanion::parse(&companion).unwrap().emit().to_vec(), companion);
        prop_assert_eq!(SuperSpeedHub::parse(&hub).unwrap().emit().to_vec(), hub);
    }

    #[test]
    fn descriptors_with_reserved_bytes_keep_all_that_has_a_meaning(
        qualifier in descriptor_like(6, 10), isoch in descriptor_like(0x31, 8), hid in descriptor_like(0x21, 9),
        hub in descriptor_like(0x29, 71), capability in descriptor_like(0x10, 24),
    ) {
        let qualifier = DeviceQualifier::parse(&qualifier).unwrap();
        prop_assert_eq!(DeviceQualifier::parse(&qualifier.emit()).unwrap(), qualifier);
        let isoch = SuperSpeedPlusIsochCompanion::parse(&isoch).unwrap();
        prop_assert_eq!(SuperSpeedPlusIsochCompanion::parse(&isoch.emit()).unwrap(), isoch);
        let hid = Hid::parse(&hid).unwrap();
        prop_assert_eq!(Hid::parse(&hid.emit()).unwrap(), hid);
        let hub = Hub::parse(&hub).unwrap();
        prop_assert_eq!(Hub::parse(&hub.emit()).unwrap(), hub);
        for kind in [2, 3, 4, 0x0a, 0x0b] {
            let mut bytes = capability.clone();
            bytes[2] = kind;
            match Capability::parse(&bytes).unwrap() {
                Capability::Usb2Extension(c) => prop_assert_eq!(Usb2Extension::parse(&c.emit()), Ok(c)),
                Capability::SuperSpeed(c) => prop_assert_eq!(SuperSpeed::parse(&c.emit()), Ok(c)),
                Capability::ContainerId(c) => prop_assert_eq!(ContainerId::parse(&c.emit()), Ok(c)),
                Capability::SuperSpeedPlus(c) => {
                    let speeds: Vec<u32> = c.sublink_speeds().collect();
                    let again = SuperSpeedPlus::emit(c.attributes, c.functionality, &speeds);
                    let again = SuperSpeedPlus::parse(&again).unwrap();
                    prop_assert!(again.sublink_speeds().eq(speeds));
                    prop_assert_eq!(again.functionality, c.functionality);
                }
                Capability::Unknown { kind, bytes: kept } => {
                    prop_assert_eq!(kind.0, 0x0b);
                    prop_assert_eq!(kept, &bytes);
                }
            }
        }
    }

    #[test]
    fn a_longer_descriptor_is_read_like_the_one_that_this_version_knows(
        mut device in descriptor_like(1, 18), mut companion in descriptor_like(0x30, 6), more in vec(any::<u8>(), 1..9)
    ) {
        let (short_device, short_companion) = (device.clone(), companion.clone());
        device.extend(&more);
        companion.extend(&more);
        device[0] = u8::try_from(device.len()).unwrap();
        companion[0] = u8::try_from(companion.len()).unwrap();
        prop_assert_eq!(Device::parse(&device), Device::parse(&short_device));
        prop_assert_eq!(SuperSpeedEndpointCompanion::parse(&companion), SuperSpeedEndpointCompanion::parse(&short_companion));
    }

    #[test]
    fn text_comes_back_from_its_string_descriptor(text in "\\PC{0,40}") {
        let bytes = StringDescriptor::emit(&text);
        let back: String = StringDescriptor::parse(&bytes).unwrap().chars().collect();
        prop_assert_eq!(back, text);
    }

    #[test]
    fn long_text_is_cut_between_characters(text in "[a😀]{100,200}") {
        let bytes = StringDescriptor::emit(&text);
        let back: String = StringDescriptor::parse(&bytes).unwrap().chars().collect();
        prop_assert!(bytes.len() <= 254 && bytes.len() >= 252);
        prop_assert!(text.starts_with(&back), "{back:?} is not how {text:?} begins");
    }

    #[test]
    fn languages_come_back(ids in vec(any::<u16>(), 0..126)) {
        let ids: Vec<LanguageId> = ids.into_iter().map(LanguageId).collect();
        let bytes = StringDescriptor::emit_languages(&ids);
        prop_assert!(StringDescriptor::parse(&bytes).unwrap().languages().eq(ids));
    }

    #[test]
    fn wrappers_come_back(
        tag in any::<u32>(), data_length in any::<u32>(), is_in in any::<bool>(), lun in 0..16u8,
        cdb in any::<[u8; 16]>(), cdb_length in 1..=16u8, status in any::<u8>(),
    ) {
        let direction = if is_in { Direction::In } else { Direction::Out };
        let cbw = Cbw { tag, data_length, direction, lun, cdb, cdb_length };
        prop_assert_eq!(Cbw::parse(&cbw.to_bytes()), Ok(cbw));
        prop_assert_eq!(cbw.command_block().len(), usize::from(cdb_length));
        let csw = Csw { tag, residue: data_length, status: CswStatus(status) };
        prop_assert_eq!(Csw::parse(&csw.to_bytes()), Ok(csw));
    }

    #[test]
    fn commands_come_back_from_their_command_block(command in command()) {
        let cdb = command.emit();
        prop_assert_eq!(Command::parse(cdb.as_slice()), Ok(command));
        prop_assert!(Command::parse(&cdb.as_slice()[..cdb.as_slice().len() - 1]).is_err(), "one byte less is not enough");
    }

    #[test]
    fn sense_comes_back_where_fixed_format_can_hold_it(
        deferred in any::<bool>(), key in 0..16u8, code in any::<u16>(), information in any::<Option<u32>>()
    ) {
        let sense = Sense {
            deferred, key: SenseKey(key), additional: AdditionalSense(code), information: information.map(u64::from),
        };
        prop_assert_eq!(Sense::parse(&sense.emit()), Ok(sense));
    }

    #[test]
    fn command_data_comes_back(
        wide in any::<u64>(), long in any::<u32>(), short in any::<u16>(), byte in any::<u8>(),
        yes in any::<bool>(), also in any::<bool>(), bytes in vec(any::<u8>(), 0..60),
    ) {
        let ten = ReadCapacity10 { last_lba: long, block_length: long };
        prop_assert_eq!(ReadCapacity10::parse(&ten.emit()), Some(ten));
        let sixteen = ReadCapacity16 {
            last_lba: wide, block_length: long, physical_block_exponent: byte & 15, thin: yes, lowest_aligned_lba: short >> 2,
        };
        prop_assert_eq!(ReadCapacity16::parse(&sixteen.emit()), Some(sixteen));
        let limits = BlockLimits { optimal_granularity: short, maximum_transfer: long, maximum_write_same: wide, ..BlockLimits::default() };
        prop_assert_eq!(BlockLimits::parse(&limits.emit()), Some(limits));
        let header = ModeHeader {
            data_length: short, medium: byte, write_protected: yes, dpo_fua: also, block_descriptor_length: u16::from(byte),
        };
        prop_assert_eq!(ModeHeader::parse_10(&header.emit_10()), Some(header));
        let header = ModeHeader { data_length: u16::from(byte), ..header };
        prop_assert_eq!(ModeHeader::parse_6(&header.emit_6()), Some(header));
        let caching = CachingPage { write_cache: yes, read_cache_disabled: also };
        prop_assert_eq!(CachingPage::parse(&caching.emit()), Some(caching));
        prop_assert_eq!(UnitSerialNumber::parse(&UnitSerialNumber::emit(&bytes)).unwrap().serial.to_vec(), bytes.clone());
        let pages: Vec<VpdPage> = bytes.iter().copied().take(32).map(VpdPage).collect();
        prop_assert!(SupportedPages::parse(&SupportedPages::emit(&pages)).unwrap().iter().eq(pages));
    }

    #[test]
    fn the_walk_over_a_configuration_ends_and_sees_each_descriptor_once(bytes in configuration_like()) {
        let view = ConfigurationView::parse(&bytes).unwrap();
        let (_, alternates, endpoints) = walk(&view);
        let raw: Vec<_> = view.descriptors().collect();
        let whole = |kind: u8, least: usize| {
            raw.iter().flatten().filter(|raw| raw.kind.0 == kind && raw.bytes.len() >= least).count()
        };
        prop_assert_eq!(alternates, whole(4, 9));
        prop_assert!(endpoints <= whole(5, 7), "an endpoint was seen twice");
        prop_assert!(raw.iter().rev().skip(1).all(Result::is_ok), "an error that did not end the walk");
        prop_assert!(raw.iter().all(Result::is_ok) || view.check().is_err());
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in vec(any::<u8>(), 0..300), kind in any::<u8>(), capability in 0..12u8) {
        let mut like = bytes.clone();
        for (at, value) in [(0, u8::try_from(bytes.len()).unwrap_or(255)), (1, kind & 0x3f), (2, capability)] {
            if let Some(byte) = like.get_mut(at) {
                *byte = value;
            }
        }
        for bytes in [&bytes, &like] {
            let _ = (Device::parse(bytes), Device::parse_max_packet_size_0(bytes), DeviceQualifier::parse(bytes));
            let _ = (Interface::parse(bytes), Endpoint::parse(bytes), InterfaceAssociation::parse(bytes));
            let _ = (Hub::parse(bytes), SuperSpeedHub::parse(bytes), Hid::parse(bytes), Capability::parse(bytes));
            let _ = StringDescriptor::parse(bytes).map(|string| (string.to_string(), string.languages().count()));
            let _ = BosView::parse(bytes).map(|bos| bos.capabilities().count());
            let _ = ConfigurationView::parse(bytes).map(|view| (walk(&view), view.check()));
            prop_assert!(Descriptors::new(bytes).count() <= bytes.len() / 2 + 1);
            let _ = (Cbw::parse(bytes), Csw::parse(bytes), Command::parse(bytes), Sense::parse(bytes));
            let _ = (Inquiry::parse(bytes), BlockLimits::parse(bytes), CachingPage::parse(bytes));
            let _ = (ReadCapacity10::parse(bytes), ReadCapacity16::parse(bytes), FormatCapacities::parse(bytes));
            let _ = (ModeHeader::parse_6(bytes), ModeHeader::parse_10(bytes));
            let _ = SupportedPages::parse(bytes).map(|pages| pages.iter().count());
            let _ = ReportLuns::parse(bytes).map(|luns| luns.iter().count());
            let _ = (BootKeyboardReport::parse(bytes), uas::CommandUnit::parse(bytes), uas::parse_pipe_usage(bytes));
            let _ = (cdc::LineCoding::parse(bytes), UnitSerialNumber::parse(bytes).map(|s| Inquiry::text(s.serial).count()));
        }
        prop_assert!(!class_name(kind, capability, kind).is_empty());
    }
}
