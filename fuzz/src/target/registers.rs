//! Registers: each declaration keeps its promises on any bits, and any offset decodes on any layout.

use xhci_spec::extended::{
    CapabilityHeader, DcCtrl, DcErdp, DcErstba, DcPortSc, DcSt, Dccp, Dcid, UsbLegCtlSts, UsbLegSup,
};
use xhci_spec::registers::{
    Access, CapLength, Config, Crcr, DbOff, Dcbaap, DnCtrl, Doorbell, Erdp, Erstba, Erstsz, Half,
    HccParams1, HccParams2, HcsParams1, HcsParams2, HcsParams3, Iman, Imod, Layout, MfIndex,
    PageSize, PortHlpmcUsb2, PortHlpmcUsb3, PortLiUsb2, PortLiUsb3, PortPmscUsb2, PortPmscUsb3,
    PortSc, Register, RtsOff, UsbCmd, UsbSts, decode_offset,
};

use super::Target;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "registers",
    about: "decoding any offset, reading, writing and describing any bits",
    longest: 128,
    run,
};

/// The registers, each with its promises checked.
const REGISTERS: &[fn(u64, u64)] = &[
    promises::<CapLength>,
    promises::<HcsParams1>,
    promises::<HcsParams2>,
    promises::<HcsParams3>,
    promises::<HccParams1>,
    promises::<HccParams2>,
    promises::<DbOff>,
    promises::<RtsOff>,
    promises::<UsbCmd>,
    promises::<UsbSts>,
    promises::<PageSize>,
    promises::<DnCtrl>,
    promises::<Crcr>,
    promises::<Dcbaap>,
    promises::<Config>,
    promises::<PortSc>,
    promises::<PortPmscUsb2>,
    promises::<PortPmscUsb3>,
    promises::<PortLiUsb2>,
    promises::<PortLiUsb3>,
    promises::<PortHlpmcUsb2>,
    promises::<PortHlpmcUsb3>,
    promises::<MfIndex>,
    promises::<Iman>,
    promises::<Imod>,
    promises::<Erstsz>,
    promises::<Erstba>,
    promises::<Erdp>,
    promises::<Doorbell>,
    promises::<UsbLegSup>,
    promises::<UsbLegCtlSts>,
    promises::<CapabilityHeader>,
    promises::<Dcid>,
    promises::<DcErstba>,
    promises::<DcErdp>,
    promises::<DcCtrl>,
    promises::<DcSt>,
    promises::<DcPortSc>,
    promises::<Dccp>,
];

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    while !input.is_empty() {
        if input.flag() {
            let promises = input.pick(REGISTERS);
            promises(input.u64(), input.u64());
        } else {
            layout(&mut input);
        }
    }
}

/// What [`Register`] says of every register.
fn promises<R: Register>(current: u64, written: u64) {
    let (current, written) = (R::from_raw(current), R::from_raw(written));
    let write_only = R::mask_of(|access| access == Access::WriteOnly);
    let quiet = current.to_neutral();
    assert_eq!(
        current.after_write(quiet).to_raw(),
        current.to_raw() & !write_only,
        "{}: writing the neutral value does something",
        R::MNEMONIC
    );
    assert_eq!(quiet.to_neutral().to_raw(), quiet.to_raw());
    let broken = R::broken_rsvd(current, quiet).map(|broken| broken.to_string());
    assert_eq!(
        broken,
        None,
        "{}: the neutral value breaks a rule",
        R::MNEMONIC
    );

    let read_only = R::mask_of(Access::is_read_only);
    let after = current.after_write(written);
    assert_eq!(after.to_raw() & read_only, current.to_raw() & read_only);
    assert_eq!(current.after_reset(current).to_raw(), current.to_raw());
    for broken in R::broken_fields(current, written) {
        assert!(!broken.to_string().is_empty());
    }
    assert!(current.describe().to_string().starts_with(R::MNEMONIC));
}

/// Any offset of any layout names at most one register, the same each time, and that has a name.
fn layout(input: &mut Input<'_>) {
    let layout = Layout::from_capabilities(
        CapLength::from_bits(input.u32()),
        HcsParams1::from_bits(input.u32()),
        HccParams1::from_bits(input.u32()),
        DbOff::from_bits(input.u32()),
        RtsOff::from_bits(input.u32()),
    );
    let base = [
        0,
        u32::from(layout.capability_length),
        layout.doorbell_offset,
        layout.runtime_offset,
        layout.extended_capabilities,
    ][input.below(5)];
    let offset = base.wrapping_add(u32::from(input.u16()));
    let named = decode_offset(&layout, offset);
    assert!(offset.is_multiple_of(4) || named.is_none());
    if let Some(register) = named {
        assert!(register.to_string().starts_with(register.mnemonic()));
    }
    let (bits, half) = (input.u64(), input.u32());
    for which in [Half::Low, Half::High] {
        assert_eq!(which.of(which.replace(bits, half)), half);
    }
}
