//! What a driver, a model, a checker and a trace may rely on, for every register.

use proptest::prelude::*;
use xhci_spec::extended as ext;
use xhci_spec::registers::{self as reg, Access, Breach, Crcr, PortLinkState, PortSc, Register};

/// The laws of one register, for one pair of contents and written value.
fn laws_hold<R: Register>(current: u64, written: u64) -> Result<(), TestCaseError> {
    let (current, written) = (R::from_raw(current), R::from_raw(written));
    let after = current.after_write(written);

    // Hardware's bits and reserved bits do not move under software's hands.
    let fixed = R::mask_of(|access| access.is_read_only() || access.is_reserved());
    prop_assert_eq!((after.to_raw() ^ current.to_raw()) & fixed, 0);
    let clears = R::mask_of(Access::is_write_one_to_clear);
    prop_assert_eq!(
        after.to_raw() & clears,
        current.to_raw() & !written.to_raw() & clears
    );
    let sets = R::mask_of(|access| access == Access::Rw1s);
    prop_assert_eq!(
        after.to_raw() & sets,
        (current.to_raw() | written.to_raw()) & sets
    );
    let plain = R::mask_of(|access| matches!(access, Access::Rw | Access::Rws));
    prop_assert_eq!(after.to_raw() & plain, written.to_raw() & plain);

    // Writing the neutral value back changes nothing and breaks nothing.
    let neutral = current.to_neutral();
    let strobes = R::mask_of(|access| access == Access::WriteOnly);
    prop_assert_eq!(
        current.after_write(neutral).to_raw(),
        current.to_raw() & !strobes
    );
    prop_assert_eq!(neutral.to_raw() & (clears | sets | strobes), 0);
    let stored = R::mask_of(Access::is_stored);
    prop_assert_eq!(neutral.to_raw() & stored, current.to_raw() & stored);
    prop_assert_eq!(neutral.to_neutral().to_raw(), neutral.to_raw());
    prop_assert!(R::broken_rsvd(current, neutral).is_none());

    // A reset keeps the sticky bits and nothing else.
    let sticky = R::mask_of(Access::is_sticky);
    let reset = current.after_reset(written);
    prop_assert_eq!(reset.to_raw() & sticky, current.to_raw() & sticky);
    prop_assert_eq!(reset.to_raw() & !sticky, written.to_raw() & !sticky);

    prop_assert!(current.describe().to_string().starts_with(R::MNEMONIC));
    Ok(())
}

proptest! {
    #[test]
    fn the_access_kinds_of_host_registers_hold_for_every_write(current: u64, written: u64) {
        laws_hold::<reg::CapLength>(current, written)?;
        laws_hold::<reg::HcsParams1>(current, written)?;
        laws_hold::<reg::HccParams1>(current, written)?;
        laws_hold::<reg::UsbCmd>(current, written)?;
        laws_hold::<reg::UsbSts>(current, written)?;
        laws_hold::<reg::PageSize>(current, written)?;
        laws_hold::<reg::DnCtrl>(current, written)?;
        laws_hold::<Crcr>(current, written)?;
        laws_hold::<reg::Dcbaap>(current, written)?;
        laws_hold::<reg::Config>(current, written)?;
        laws_hold::<PortSc>(current, written)?;
        laws_hold::<reg::PortPmscUsb2>(current, written)?;
        laws_hold::<reg::PortPmscUsb3>(current, written)?;
        laws_hold::<reg::PortLiUsb2>(current, written)?;
        laws_hold::<reg::PortLiUsb3>(current, written)?;
        laws_hold::<reg::PortHlpmcUsb2>(current, written)?;
        laws_hold::<reg::PortHlpmcUsb3>(current, written)?;
        laws_hold::<reg::MfIndex>(current, written)?;
        laws_hold::<reg::Iman>(current, written)?;
        laws_hold::<reg::Imod>(current, written)?;
        laws_hold::<reg::Erstsz>(current, written)?;
        laws_hold::<reg::Erstba>(current, written)?;
        laws_hold::<reg::Erdp>(current, written)?;
        laws_hold::<reg::Doorbell>(current, written)?;
    }

    #[test]
    fn the_access_kinds_of_extended_capabilities_hold_for_every_write(current: u64, written: u64) {
        laws_hold::<ext::UsbLegSup>(current, written)?;
        laws_hold::<ext::UsbLegCtlSts>(current, written)?;
        laws_hold::<ext::ProtocolPorts>(current, written)?;
        laws_hold::<ext::ProtocolSpeed>(current, written)?;
        laws_hold::<ext::Dcdb>(current, written)?;
        laws_hold::<ext::DcErdp>(current, written)?;
        laws_hold::<ext::DcCtrl>(current, written)?;
        laws_hold::<ext::DcPortSc>(current, written)?;
    }

    #[test]
    fn a_setter_touches_its_field_alone(bits: u32, state in 0_u8..16) {
        let port = PortSc::from_bits(bits);
        let set = port.with_port_link_state(PortLinkState(state));
        prop_assert_eq!(set.port_link_state(), PortLinkState(state));
        prop_assert_eq!((set.bits() ^ port.bits()) & !(0xf << 5), 0);
    }
}

#[test]
fn a_port_is_described_by_its_mnemonics() {
    let port = PortSc::default()
        .with_current_connect_status(true)
        .with_port_enabled(true)
        .with_port_power(true)
        .with_port_speed(xhci_spec::number::SpeedId::SUPER)
        .with_connect_status_change(true);
    assert_eq!(
        port.describe().to_string(),
        "PORTSC CCS PED PLS=U0 PP Speed=4 CSC"
    );
    let odd = port.with_port_link_state(PortLinkState(12));
    assert_eq!(
        odd.describe().to_string(),
        "PORTSC CCS PED PLS=12 PP Speed=4 CSC"
    );
}

#[test]
fn a_read_modify_write_of_portsc_neither_disables_the_port_nor_loses_a_change() {
    let port = PortSc::from_bits(0x0022_1203);
    assert_eq!(port.to_neutral().bits(), 0x0000_0200);
    assert_eq!(port.acknowledge().bits(), 0x0022_0200);
    assert_eq!(port.after_write(port.acknowledge()).bits(), 0x0000_1203);
    let suspend = port.request_link_state(PortLinkState::U3);
    assert_eq!(suspend.bits(), 0x0001_0260);
    assert_eq!(
        port.after_write(suspend).port_link_state(),
        PortLinkState::U3
    );
}

#[test]
fn a_link_state_without_its_strobe_is_not_stored() {
    let port = PortSc::default().with_port_power(true);
    let written = port.with_port_link_state(PortLinkState::U3);
    assert_eq!(
        port.after_write(written).port_link_state(),
        PortLinkState::U0
    );
}

#[test]
fn the_command_ring_pointer_cannot_be_read_back() {
    let ring = Crcr::from_bits(0x1_2345_6789);
    assert_eq!(ring.read_view().bits(), 0x8);
    assert_eq!(Crcr::from_bits(0x1_2345_6781).read_view().bits(), 0);
}

#[test]
fn a_broken_reserved_bit_is_named_with_its_rule() {
    let current = reg::UsbCmd::from_bits(0x0010_0000);
    let broken = reg::UsbCmd::broken_rsvd(current, reg::UsbCmd::from_bits(1));
    let broken = broken.expect("bit 20 was not preserved");
    assert_eq!(broken.breach, Breach::RsvdPChanged);
    assert_eq!(
        broken.to_string(),
        "bits 31:17 (RsvdP, §5.4.1): write back 0x8 as read, not 0x0"
    );

    let written = reg::UsbSts::from_bits(0x2);
    let broken = reg::UsbSts::broken_rsvd(reg::UsbSts::default(), written);
    assert_eq!(
        broken.map(|broken| broken.breach),
        Some(Breach::RsvdZNotZero)
    );

    let written = PortSc::default().with_current_connect_status(true);
    let broken = PortSc::broken_rsvd(PortSc::default(), written);
    assert_eq!(
        broken.map(|broken| broken.breach),
        Some(Breach::ReadOnlyChanged)
    );
    assert!(PortSc::broken_rsvd(written, PortSc::default()).is_none());
}

#[test]
fn structural_numbers_are_put_together() {
    let structure = reg::HcsParams2::default().with_max_scratchpad_buffers(0x2a5);
    assert_eq!(structure.max_scratchpad_buffers(), 0x2a5);
    assert_eq!(structure.max_scratchpad_buffers_high(), 0x15);
    assert_eq!(structure.max_scratchpad_buffers_low(), 0x05);
    let structure = structure.with_event_ring_segment_table_max(15);
    assert_eq!(structure.max_event_ring_segments(), 32768);
    let parameters = reg::HccParams1::from_bits(0x0108_7001);
    assert_eq!(parameters.extended_capabilities(), 0x108 << 2);
    assert_eq!(parameters.max_primary_streams(), 256);
    assert_eq!(parameters.context_bytes(), 32);
    assert_eq!(reg::PageSize::from_bits(1).smallest_bytes(), Some(4096));
    assert_eq!(
        reg::PageSize::from_bits(0x8000).smallest_bytes(),
        Some(1 << 27)
    );
    assert_eq!(reg::PageSize::from_bits(0).smallest_bytes(), None);
}
