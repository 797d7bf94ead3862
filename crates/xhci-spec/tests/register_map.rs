//! An offset within BAR0 names a register.

use proptest::prelude::*;
use xhci_spec::number::{InterrupterId, PortId};
use xhci_spec::registers::{
    CapLength, DbOff, Half, HccParams1, HcsParams1, Layout, RegisterAt, RtsOff, decode_offset,
    interrupter_base, port_base,
};

const LAYOUT: Layout = Layout {
    capability_length: 0x40,
    doorbell_offset: 0x2000,
    runtime_offset: 0x1000,
    max_ports: 8,
    max_interrupters: 16,
    max_slots: 64,
    extended_capabilities: 0x800,
};

fn at(offset: u32) -> Option<RegisterAt> {
    decode_offset(&LAYOUT, offset)
}

fn port(number: u8) -> PortId {
    PortId::new(number).expect("not zero")
}

#[test]
fn operational_registers_follow_the_capability_registers() {
    assert_eq!(at(0x00), Some(RegisterAt::Capability(0)));
    assert_eq!(at(0x3c), Some(RegisterAt::Capability(0x3c)));
    assert_eq!(at(0x40), Some(RegisterAt::UsbCmd));
    assert_eq!(at(0x44), Some(RegisterAt::UsbSts));
    assert_eq!(at(0x48), Some(RegisterAt::PageSize));
    assert_eq!(at(0x4c), None);
    assert_eq!(at(0x54), Some(RegisterAt::DnCtrl));
    assert_eq!(at(0x58), Some(RegisterAt::Crcr(Half::Low)));
    assert_eq!(at(0x5c), Some(RegisterAt::Crcr(Half::High)));
    assert_eq!(at(0x70), Some(RegisterAt::Dcbaap(Half::Low)));
    assert_eq!(at(0x74), Some(RegisterAt::Dcbaap(Half::High)));
    assert_eq!(at(0x78), Some(RegisterAt::Config));
}

#[test]
fn every_port_has_four_registers_and_the_last_port_is_the_last() {
    for number in 1..=LAYOUT.max_ports {
        let base = 0x40 + port_base(port(number));
        assert_eq!(at(base), Some(RegisterAt::PortSc(port(number))));
        assert_eq!(at(base + 4), Some(RegisterAt::PortPmsc(port(number))));
        assert_eq!(at(base + 8), Some(RegisterAt::PortLi(port(number))));
        assert_eq!(at(base + 12), Some(RegisterAt::PortHlpmc(port(number))));
    }
    assert_eq!(at(0x40 + port_base(port(9))), None);
}

#[test]
fn every_interrupter_has_its_set() {
    assert_eq!(at(0x1000), Some(RegisterAt::MfIndex));
    let id = InterrupterId(15);
    let base = 0x1000 + interrupter_base(id);
    assert_eq!(at(base), Some(RegisterAt::Iman(id)));
    assert_eq!(at(base + 0x04), Some(RegisterAt::Imod(id)));
    assert_eq!(at(base + 0x08), Some(RegisterAt::Erstsz(id)));
    assert_eq!(at(base + 0x10), Some(RegisterAt::Erstba(id, Half::Low)));
    assert_eq!(at(base + 0x14), Some(RegisterAt::Erstba(id, Half::High)));
    assert_eq!(at(base + 0x18), Some(RegisterAt::Erdp(id, Half::Low)));
    assert_eq!(at(base + 0x1c), Some(RegisterAt::Erdp(id, Half::High)));
    // Beyond the interrupters only extended capabilities can be.
    assert_eq!(at(base + 0x20), Some(RegisterAt::Extended(base + 0x20)));
}

#[test]
fn there_is_one_doorbell_more_than_slots() {
    assert_eq!(at(0x2000), Some(RegisterAt::Doorbell(0)));
    assert_eq!(at(0x2000 + 4 * 64), Some(RegisterAt::Doorbell(64)));
    assert_eq!(
        at(0x2000 + 4 * 65),
        Some(RegisterAt::Extended(0x2000 + 4 * 65))
    );
}

#[test]
fn extended_capabilities_may_lie_below_the_operational_registers() {
    let layout = Layout {
        extended_capabilities: 0x20,
        ..LAYOUT
    };
    let at = |offset| decode_offset(&layout, offset);
    assert_eq!(at(0x1c), Some(RegisterAt::Capability(0x1c)));
    assert_eq!(at(0x20), Some(RegisterAt::Extended(0x20)));
    assert_eq!(at(0x3c), Some(RegisterAt::Extended(0x3c)));
    assert_eq!(at(0x40), Some(RegisterAt::UsbCmd));
}

#[test]
fn a_register_is_printed_with_its_number_and_half() {
    let text = |offset| at(offset).map(|register| register.to_string());
    assert_eq!(text(0x04).as_deref(), Some("HCSPARAMS1"));
    assert_eq!(text(0x5c).as_deref(), Some("CRCR.high"));
    assert_eq!(text(0x450).as_deref(), Some("PORTSC(2)"));
    assert_eq!(text(0x1038).as_deref(), Some("ERDP(0).low"));
    assert_eq!(text(0x2004).as_deref(), Some("DB(1)"));
    assert_eq!(text(0x804).as_deref(), Some("XCAP+0x804"));
}

#[test]
fn a_layout_is_read_from_the_capability_registers() {
    let layout = Layout::from_capabilities(
        CapLength::from_bits(0x0100_0040),
        HcsParams1::from_bits(0x0800_1040),
        HccParams1::from_bits(0x0200_0000),
        DbOff::from_bits(0x2003),
        RtsOff::from_bits(0x101f),
    );
    assert_eq!(layout, LAYOUT);
}

#[test]
fn a_half_is_replaced_without_touching_the_other() {
    let bits = 0x1111_2222_3333_4444;
    assert_eq!(Half::Low.replace(bits, 0xffff_ffff), 0x1111_2222_ffff_ffff);
    assert_eq!(Half::High.replace(bits, 0xffff_ffff), 0xffff_ffff_3333_4444);
    assert_eq!(
        (Half::Low.of(bits), Half::High.of(bits)),
        (0x3333_4444, 0x1111_2222)
    );
}

fn any_layout() -> impl Strategy<Value = Layout> {
    (any::<(u8, u32, u32, u8)>(), any::<(u16, u8, u32)>()).prop_map(|(first, second)| Layout {
        capability_length: first.0,
        doorbell_offset: first.1,
        runtime_offset: first.2,
        max_ports: first.3,
        max_interrupters: second.0,
        max_slots: second.1,
        extended_capabilities: second.2,
    })
}

proptest! {
    #[test]
    fn no_layout_and_no_offset_panics_and_numbers_stay_in_range(
        layout in any_layout(), offset: u32, near in 0_u32..0x3000,
    ) {
        let bases = [0, layout.doorbell_offset, layout.runtime_offset, layout.extended_capabilities];
        let nearby = bases.map(|base| base.wrapping_add(near) & !3);
        for offset in nearby.into_iter().chain([offset]) {
            match decode_offset(&layout, offset) {
                Some(RegisterAt::PortSc(id)) => prop_assert!(id.get() <= layout.max_ports),
                Some(RegisterAt::Iman(id)) => prop_assert!(id.0 < layout.max_interrupters),
                Some(RegisterAt::Doorbell(number)) => prop_assert!(number <= layout.max_slots),
                Some(_) => prop_assert!(offset.is_multiple_of(4)),
                None => {}
            }
        }
    }
}
