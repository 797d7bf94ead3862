//! Extended capabilities are found, read and refused as a careful driver needs it.

use proptest::prelude::*;
use xhci_spec::extended::{
    CAPABILITIES_MAX, CapabilityId, Protocol, ProtocolError, ProtocolSpeed, SpeedType,
    SupportedProtocol, UsbLegCtlSts, WalkError, walk,
};
use xhci_spec::number::SpeedId;
use xhci_spec::registers::Register;

/// Registers as dwords from offset 0 on; what is not there reads as zero.
fn reader(dwords: &[(u32, u32)]) -> impl FnMut(u32) -> u32 {
    move |at| {
        let found = dwords.iter().find(|(offset, _)| *offset == at);
        found.map_or(0, |(_, value)| *value)
    }
}

const USB: u32 = u32::from_le_bytes(*b"USB ");

#[test]
fn a_walk_yields_every_capability_in_order_and_keeps_unknown_ids() {
    let dwords = [
        (0x500, 0x0000_0401),
        (0x510, 0x0310_08c8),
        (0x530, 0x0000_000a),
    ];
    let found: Vec<_> = walk(0x500, 0x1000, reader(&dwords))
        .map(|capability| capability.map(|capability| (capability.offset, capability.id())))
        .collect();
    assert_eq!(
        found,
        [
            Ok((0x500, CapabilityId::LEGACY_SUPPORT)),
            Ok((0x510, CapabilityId(200))),
            Ok((0x530, CapabilityId::DEBUG)),
        ]
    );
    assert!(CapabilityId(200).is_vendor_defined());
    assert_eq!(CapabilityId(99).name(), None);
}

#[test]
fn a_controller_without_extended_capabilities_has_an_empty_list() {
    assert_eq!(walk(0, 0x1000, |_| u32::MAX).count(), 0);
}

#[test]
fn a_list_that_leaves_the_registers_is_refused() {
    let dwords = [(0xff0, 0x0000_ff02)];
    let found: Vec<_> = walk(0xff0, 0x1000, reader(&dwords)).collect();
    assert_eq!(found.len(), 2);
    let error = found[1].expect_err("0xff0 + 0x3fc is outside");
    assert_eq!(error, WalkError::OutOfRange { offset: 0x13ec });
    let outside = walk(u32::MAX - 3, u32::MAX, |_| 0).next();
    assert_eq!(
        outside,
        Some(Err(WalkError::OutOfRange {
            offset: u32::MAX - 3
        }))
    );
}

#[test]
fn a_controller_that_is_gone_ends_the_walk() {
    let found: Vec<_> = walk(0x500, 0x1000, |_| u32::MAX).collect();
    assert_eq!(found, [Err(WalkError::Gone { offset: 0x500 })]);
}

#[test]
fn an_endless_list_ends_at_the_bound() {
    let found: Vec<_> = walk(0x20, u32::MAX, |_| 0x0000_0102).collect();
    assert_eq!(found.len(), usize::from(CAPABILITIES_MAX) + 1);
    assert_eq!(found.last(), Some(&Err(WalkError::TooMany)));
}

#[test]
fn a_protocol_without_a_speed_table_has_the_default_speeds() {
    let dwords = [(0x20, 0x0200_0002), (0x24, USB), (0x28, 0x0018_0401)];
    let protocol = SupportedProtocol::read(0x20, reader(&dwords)).expect("USB 2.0 on four ports");
    assert_eq!(protocol.protocol(), Ok(Protocol::Usb2));
    assert_eq!(protocol.port_numbers(), Ok(1..=4));
    assert_eq!(protocol.minor(), 0);
    assert!(protocol.speeds().is_empty());
    assert_eq!(protocol.bits_per_second(SpeedId::LOW), Some(1_500_000));
    assert_eq!(protocol.bits_per_second(SpeedId::HIGH), Some(480_000_000));
    assert_eq!(protocol.bits_per_second(SpeedId(9)), None);
    assert!(protocol.hardware_lpm() && protocol.besl_lpm());
    assert!(!protocol.l1_capability() && !protocol.high_speed_only() && !protocol.integrated_hub());
}

#[test]
fn a_speed_table_overrides_the_default_speeds() {
    let dwords = [
        (0x40, 0x0310_0002),
        (0x44, USB),
        (0x48, 0x2700_0205),
        (0x50, 0x0005_0134),
        (0x54, 0x000a_4135),
    ];
    let protocol = SupportedProtocol::read(0x40, reader(&dwords)).expect("USB 3.1 on two ports");
    assert_eq!(protocol.protocol(), Ok(Protocol::Usb3));
    assert_eq!(protocol.port_numbers(), Ok(5..=6));
    assert_eq!(protocol.max_hub_depth(), 3);
    assert!(protocol.link_soft_error_count());
    assert_eq!(
        protocol.bits_per_second(SpeedId::SUPER),
        Some(5_000_000_000)
    );
    assert_eq!(
        protocol.bits_per_second(SpeedId::SUPER_PLUS),
        Some(10_000_000_000)
    );
    assert_eq!(protocol.bits_per_second(SpeedId::HIGH), None);
}

#[test]
fn both_codings_of_the_minor_revision_mean_the_same() {
    let minor = |bits: u32| {
        let dwords = [(0x20, bits), (0x24, USB), (0x28, 0x0101)];
        let protocol = SupportedProtocol::read(0x20, reader(&dwords)).expect("USB 3 on one port");
        protocol.minor()
    };
    assert_eq!((minor(0x0301_0002), minor(0x0310_0002)), (1, 1));
    assert_eq!((minor(0x0302_0002), minor(0x0320_0002)), (2, 2));
    assert_eq!(minor(0x0300_0002), 0);
}

#[test]
fn protocols_that_make_no_sense_are_refused_with_the_reason() {
    let read = |dwords: &[(u32, u32)]| SupportedProtocol::read(0x20, reader(dwords));
    let other = read(&[(0x20, 0x0000_0001)]);
    let id = CapabilityId::LEGACY_SUPPORT;
    assert_eq!(other, Err(ProtocolError::NotAProtocol { id }));
    let usb4 = read(&[(0x20, 0x0400_0002), (0x24, USB), (0x28, 0x0101)]);
    let name = *b"USB ";
    assert_eq!(usb4, Err(ProtocolError::Unknown { name, major: 4 }));
    let zero = read(&[(0x20, 0x0300_0002), (0x24, USB), (0x28, 0x0100)]);
    assert_eq!(
        zero,
        Err(ProtocolError::BadPorts {
            offset: 0,
            count: 1
        })
    );
    let none = read(&[(0x20, 0x0300_0002), (0x24, USB), (0x28, 0x0001)]);
    assert_eq!(
        none,
        Err(ProtocolError::BadPorts {
            offset: 1,
            count: 0
        })
    );
    let beyond = read(&[(0x20, 0x0300_0002), (0x24, USB), (0x28, 0x02ff)]);
    assert_eq!(
        beyond,
        Err(ProtocolError::BadPorts {
            offset: 255,
            count: 2
        })
    );
}

#[test]
fn a_speed_dword_is_written_in_bits_per_second() {
    let speed = ProtocolSpeed::default()
        .with_speed_id(SpeedId::LOW)
        .with_exponent(1)
        .with_mantissa(1500)
        .with_speed_type(SpeedType::SYMMETRIC);
    assert_eq!(speed.bits(), 0x05dc_0012);
    assert_eq!(speed.bits_per_second(), 1_500_000);
    assert_eq!(
        ProtocolSpeed::from_bits(0x000a_4135).describe().to_string(),
        "PSI PSIV=5 PSIE=3 PLT=Symmetric PFD LP=1 PSIM=10"
    );
}

#[test]
fn silencing_legacy_support_disables_smis_acknowledges_them_and_keeps_reserved_bits() {
    let before = UsbLegCtlSts::from_bits(0xe011_fff3);
    let written = before.silence();
    assert_eq!(written.bits(), 0xe000_1fe2);
    assert!(UsbLegCtlSts::broken_rsvd(before, written).is_none());
    assert_eq!(before.after_write(written).bits(), 0x0011_1fe2);
}

proptest! {
    #[test]
    fn no_register_contents_make_a_walk_or_a_protocol_panic_or_run_on(
        dwords in prop::collection::vec(any::<u32>(), 256), first: u32, limit: u32,
    ) {
        let read = |at: u32| dwords[usize::try_from(at / 4 % 256).unwrap_or(0)];
        let mut seen = 0_u32;
        for capability in walk(first, limit, read).flatten() {
            seen += 1;
            if let Ok(protocol) = SupportedProtocol::read(capability.offset, read) {
                let ports = protocol.port_numbers();
                prop_assert!(ports.is_ok_and(|ports| !ports.is_empty() && *ports.start() > 0));
                prop_assert!(protocol.speeds().len() <= 15);
            }
        }
        prop_assert!(seen <= u32::from(CAPABILITIES_MAX));
    }
}
