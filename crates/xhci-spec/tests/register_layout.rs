//! Every field of every register stands where two independent public sources put it.

mod register_rows;

use register_rows::extended::EXTENDED;
use register_rows::host::HOST;
use register_rows::reserved::RESERVED;
use register_rows::{Row, Rows, UNCHECKED};
use xhci_spec::extended as ext;
use xhci_spec::number::Iova;
use xhci_spec::registers::{self as reg, Access, Field, PortSc, Register};

/// What a declaration says, without its type.
struct Declared {
    name: &'static str,
    offset: u32,
    width: u8,
    fields: &'static [Field],
}

fn declared<R: Register>() -> Declared {
    Declared {
        name: R::NAME,
        offset: R::OFFSET,
        width: R::WIDTH,
        fields: R::FIELDS,
    }
}

fn host_registers() -> Vec<Declared> {
    vec![
        declared::<reg::CapLength>(),
        declared::<reg::HcsParams1>(),
        declared::<reg::HcsParams2>(),
        declared::<reg::HcsParams3>(),
        declared::<reg::HccParams1>(),
        declared::<reg::DbOff>(),
        declared::<reg::RtsOff>(),
        declared::<reg::HccParams2>(),
        declared::<reg::VtioSOff>(),
        declared::<reg::UsbCmd>(),
        declared::<reg::UsbSts>(),
        declared::<reg::PageSize>(),
        declared::<reg::DnCtrl>(),
        declared::<reg::Crcr>(),
        declared::<reg::Dcbaap>(),
        declared::<reg::Config>(),
        declared::<PortSc>(),
        declared::<reg::PortPmscUsb3>(),
        declared::<reg::PortPmscUsb2>(),
        declared::<reg::PortLiUsb3>(),
        declared::<reg::PortLiUsb2>(),
        declared::<reg::PortHlpmcUsb3>(),
        declared::<reg::PortHlpmcUsb2>(),
        declared::<reg::MfIndex>(),
        declared::<reg::Iman>(),
        declared::<reg::Imod>(),
        declared::<reg::Erstsz>(),
        declared::<reg::Erstba>(),
        declared::<reg::Erdp>(),
        declared::<reg::Doorbell>(),
    ]
}

fn extended_registers() -> Vec<Declared> {
    vec![
        declared::<ext::CapabilityHeader>(),
        declared::<ext::UsbLegSup>(),
        declared::<ext::UsbLegCtlSts>(),
        declared::<ext::ProtocolRevision>(),
        declared::<ext::ProtocolName>(),
        declared::<ext::ProtocolPorts>(),
        declared::<ext::ProtocolSlotType>(),
        declared::<ext::ProtocolSpeed>(),
        declared::<ext::PowerManagement>(),
        declared::<ext::PowerManagementControl>(),
        declared::<ext::LocalMemory>(),
        declared::<ext::LocalMemorySize>(),
        declared::<ext::MessageInterrupt>(),
        declared::<ext::ExtendedMessageInterrupt>(),
        declared::<ext::Dcid>(),
        declared::<ext::Dcdb>(),
        declared::<ext::DcErstsz>(),
        declared::<ext::DcErstba>(),
        declared::<ext::DcErdp>(),
        declared::<ext::DcCtrl>(),
        declared::<ext::DcSt>(),
        declared::<ext::DcPortSc>(),
        declared::<ext::Dccp>(),
        declared::<ext::DcDdi1>(),
        declared::<ext::DcDdi2>(),
    ]
}

fn all_registers() -> Vec<Declared> {
    host_registers()
        .into_iter()
        .chain(extended_registers())
        .collect()
}

fn all_rows() -> impl Iterator<Item = &'static Rows> {
    HOST.iter().chain(EXTENDED)
}

fn rows_of(register: &Declared) -> &'static Rows {
    all_rows()
        .find(|rows| rows.register == register.name)
        .unwrap_or_else(|| panic!("no rows for {}", register.name))
}

#[test]
fn every_declared_register_is_known_to_these_tests() {
    let sources = [
        include_str!("../src/registers/capability.rs"),
        include_str!("../src/registers/operational.rs"),
        include_str!("../src/registers/port.rs"),
        include_str!("../src/registers/runtime.rs"),
        include_str!("../src/registers/doorbell.rs"),
        include_str!("../src/extended/mod.rs"),
        include_str!("../src/extended/legacy_support.rs"),
        include_str!("../src/extended/supported_protocol.rs"),
        include_str!("../src/extended/power_management.rs"),
        include_str!("../src/extended/other.rs"),
        include_str!("../src/extended/debug.rs"),
    ];
    let declarations: usize = sources
        .iter()
        .map(|source| source.matches("register! {").count())
        .sum();
    assert_eq!(all_registers().len(), declarations);
    assert_eq!(all_rows().count(), declarations);
}

#[test]
fn every_field_stands_where_two_sources_put_it() {
    for register in all_registers() {
        let rows = rows_of(&register);
        assert_eq!(register.offset, rows.offset, "{}", register.name);
        for field in register.fields.iter().filter(|f| !f.access.is_reserved()) {
            let (_, high, low, cited): &Row = rows
                .fields
                .iter()
                .find(|row| row.0 == field.mnemonic)
                .unwrap_or_else(|| panic!("{} {}: no row", register.name, field.mnemonic));
            let at = format!("{} {}", register.name, field.mnemonic);
            assert_eq!(
                (field.low + field.width - 1, field.low),
                (*high, *low),
                "{at}"
            );
            let mut sources: Vec<_> = cited.iter().map(|cite| &cite[..1]).collect();
            sources.sort_unstable();
            sources.dedup();
            let unchecked = UNCHECKED.contains(&(register.name, field.mnemonic));
            assert_eq!(sources.len() < 2, unchecked, "{at}: {cited:?}");
        }
    }
}

#[test]
fn every_row_belongs_to_a_field() {
    let registers = all_registers();
    let known = |name: &str, mnemonic: &str| {
        let register = registers.iter().find(|register| register.name == name);
        register.is_some_and(|register| register.fields.iter().any(|f| f.mnemonic == mnemonic))
    };
    for rows in all_rows() {
        for (mnemonic, ..) in rows.fields {
            assert!(
                known(rows.register, mnemonic),
                "{} {mnemonic}",
                rows.register
            );
        }
    }
    for (name, mnemonic) in UNCHECKED {
        assert!(known(name, mnemonic), "{name} {mnemonic}");
    }
}

#[test]
fn every_bit_belongs_to_exactly_one_field() {
    for register in all_registers() {
        let mut seen = 0_u64;
        for field in register.fields {
            assert_eq!(
                seen & field.mask(),
                0,
                "{} {}",
                register.name,
                field.mnemonic
            );
            seen |= field.mask();
        }
        assert_eq!(seen, u64::MAX >> (64 - register.width), "{}", register.name);
    }
}

#[test]
fn reserved_bits_are_preserved_or_zeroed_as_the_sources_say() {
    let registers = all_registers();
    for (name, high, low, access, cited) in RESERVED {
        let register = registers.iter().find(|register| register.name == *name);
        let fields = register.map_or(&[][..], |register| register.fields);
        let found = fields
            .iter()
            .find(|f| f.low == *low && f.low + f.width - 1 == *high)
            .unwrap_or_else(|| panic!("{name} {high}:{low} is no field ({cited})"));
        assert_eq!(found.access, *access, "{name} {high}:{low} ({cited})");
    }
}

#[test]
fn portsc_access_kinds_are_those_that_linux_groups() {
    // drivers/usb/host/xhci-port.h: XHCI_PORT_RO, XHCI_PORT_RWS, XHCI_PORT_RW1S, XHCI_PORT_RW1CS, XHCI_PORT_RW.
    let bits = |list: &[u32]| list.iter().fold(0_u64, |mask, bit| mask | 1 << bit);
    let read_only = bits(&[0, 3, 10, 11, 12, 13, 24, 30]);
    let stored = bits(&[5, 6, 7, 8, 9, 14, 15, 25, 26, 27]);
    let set = bits(&[4, 31]);
    let cleared = bits(&[1, 17, 18, 19, 20, 21, 22, 23]);
    assert_eq!(PortSc::mask_of(Access::is_read_only), read_only);
    assert_eq!(PortSc::mask_of(Access::is_stored), stored);
    assert_eq!(PortSc::mask_of(|access| access == Access::Rw1s), set);
    assert_eq!(PortSc::mask_of(Access::is_write_one_to_clear), cleared);
    assert_eq!(
        PortSc::mask_of(|access| access == Access::WriteOnly),
        1 << 16
    );
    assert_eq!(u64::from(PortSc::change_mask()), cleared & !0b10);
}

#[test]
fn write_one_to_clear_bits_are_those_of_the_xhci_crate() {
    // Crate xhci 0.9: every rw1c_bit! of these registers.
    let of = |mask: u64| {
        (0..64)
            .filter(move |bit| mask >> bit & 1 == 1)
            .collect::<Vec<_>>()
    };
    let clears = Access::is_write_one_to_clear;
    assert_eq!(of(reg::UsbSts::mask_of(clears)), [2, 3, 4, 10]);
    assert_eq!(of(reg::Iman::mask_of(clears)), [0]);
    assert_eq!(of(reg::Erdp::mask_of(clears)), [3]);
    assert_eq!(of(ext::UsbLegCtlSts::mask_of(clears)), [29, 30, 31]);
    assert_eq!(of(ext::DcCtrl::mask_of(clears)), [4]);
    assert_eq!(of(ext::DcPortSc::mask_of(clears)), [17, 21, 22, 23]);
}

#[test]
fn the_xhci_crate_reads_back_what_it_wrote_where_we_put_it() {
    // Its other registers cannot be made without a mapping, which needs unsafe code: those are cited in the rows.
    let mut theirs = xhci::registers::doorbell::Register::default();
    theirs.set_doorbell_target(5).set_doorbell_stream_id(0x1234);
    let ours = reg::Doorbell::default()
        .with_target(5)
        .with_stream_id(xhci_spec::number::StreamId(0x1234));
    assert_eq!(ours.bits(), 0x1234_0005);
    assert_eq!(theirs.doorbell_target(), ours.target());
    assert_eq!(theirs.doorbell_stream_id(), ours.stream_id().0);

    let mut theirs =
        xhci::registers::operational::DeviceContextBaseAddressArrayPointerRegister::default();
    theirs.set(0x1_2345_6780);
    let ours = reg::Dcbaap::from_bits(theirs.get());
    assert_eq!(
        ours.device_context_base_address_array(),
        Iova(0x1_2345_6780)
    );

    let mut theirs = xhci::registers::runtime::EventRingDequeuePointerRegister::default();
    theirs.set_event_ring_dequeue_pointer(0x1_2345_6780);
    theirs.set_dequeue_erst_segment_index(5);
    theirs.clear_event_handler_busy();
    let ours = reg::Erdp::default()
        .with_event_ring_dequeue_pointer(Iova(theirs.event_ring_dequeue_pointer()))
        .with_dequeue_segment_index(theirs.dequeue_erst_segment_index())
        .with_event_handler_busy(true);
    assert_eq!(ours.bits(), 0x1_2345_678d);

    let mut theirs = xhci::registers::runtime::InterrupterModerationRegister::default();
    theirs.set_interrupt_moderation_interval(4000);
    theirs.set_interrupt_moderation_counter(7);
    let ours = reg::Imod::INITIAL.with_interrupt_moderation_counter(7);
    assert_eq!(ours.bits(), 7 << 16 | 4000);
    assert_eq!(
        ours.interrupt_moderation_interval(),
        theirs.interrupt_moderation_interval()
    );
    assert_eq!(
        ours.interrupt_moderation_counter(),
        theirs.interrupt_moderation_counter()
    );
}

#[test]
fn port_and_interrupter_sets_are_sixteen_and_thirty_two_bytes_apart() {
    // Linux xhci.h: port_status_base follows 0x400 bytes of operational registers, NUM_PORT_REGS is 4; ir_set follows
    // eight dwords of runtime registers. NetBSD: XHCI_PORTSC(n) 0x3f0 + 0x10 n, XHCI_IMAN(n) 0x20 + 0x20 n.
    let port = |n| xhci_spec::number::PortId::new(n).map(reg::port_base);
    assert_eq!(
        (port(1), port(255)),
        (Some(0x400), Some(0x3f0 + 0x10 * 255))
    );
    let interrupter = |n| reg::interrupter_base(xhci_spec::number::InterrupterId(n));
    assert_eq!(
        (interrupter(0), interrupter(1023)),
        (0x20, 0x20 + 0x20 * 1023)
    );
    assert_eq!((reg::doorbell_base(0), reg::doorbell_base(255)), (0, 1020));
}
