//! Logs of register accesses: in words, from a kernel's trace, and held against the rules.

mod milestone;
mod mmiotrace;
mod rules;

use xhci_hal::middleware::{MmioAccess, Side};
use xhci_spec::extended::{UsbLegCtlSts, UsbLegSup};
use xhci_spec::registers::decode::Half;
use xhci_spec::registers::{
    CapLength, Config, Crcr, DbOff, Dcbaap, DnCtrl, Doorbell, Erdp, Erstba, Erstsz, HccParams1,
    HccParams2, HcsParams1, HcsParams2, HcsParams3, Iman, Imod, Layout, MfIndex, PageSize, PortSc,
    Register, RegisterAt, RtsOff, UsbCmd, UsbSts, decode_offset,
};

pub use milestone::{Milestone, milestones};
pub use mmiotrace::{BadTrace, parse_mmiotrace};
pub use rules::broken_rules;

/// One access in words, as it stands in golden logs: `w 0x0040 0x00000002 USBCMD HCRST`.
#[must_use]
pub fn describe(layout: &Layout, access: &MmioAccess) -> String {
    let Some(register) = decode_offset(layout, access.at) else {
        return format!("{access} ?");
    };
    let text = fields(register, access);
    // The register's own words begin with its name; here its number and half belong to that.
    let fields = text.split_once(' ').map_or("", |(_, fields)| fields);
    format!("{access} {register} {fields}")
        .trim_end()
        .to_owned()
}

/// A log in words, one access each line; reads of one register that follow each other with the same answer become one line.
#[must_use]
pub fn describe_all(layout: &Layout, log: &[MmioAccess]) -> String {
    let mut text = String::new();
    let mut last = None;
    for access in log {
        if access.side == Side::Read && last == Some(access) {
            continue;
        }
        last = Some(access);
        text.push_str(&describe(layout, access));
        text.push('\n');
    }
    text
}

fn fields(register: RegisterAt, access: &MmioAccess) -> String {
    let bits = u64::from(access.value);
    fn of<R: Register>(bits: u64) -> String {
        R::from_raw(bits).describe().to_string()
    }
    fn half<R: Register>(half: Half, bits: u64) -> String {
        match half {
            Half::Low => of::<R>(bits),
            Half::High => String::new(),
        }
    }
    match register {
        RegisterAt::Capability(CapLength::OFFSET) => of::<CapLength>(bits),
        RegisterAt::Capability(HcsParams1::OFFSET) => of::<HcsParams1>(bits),
        RegisterAt::Capability(HcsParams2::OFFSET) => of::<HcsParams2>(bits),
        RegisterAt::Capability(HcsParams3::OFFSET) => of::<HcsParams3>(bits),
        RegisterAt::Capability(HccParams1::OFFSET) => of::<HccParams1>(bits),
        RegisterAt::Capability(HccParams2::OFFSET) => of::<HccParams2>(bits),
        RegisterAt::Capability(DbOff::OFFSET) => of::<DbOff>(bits),
        RegisterAt::Capability(RtsOff::OFFSET) => of::<RtsOff>(bits),
        RegisterAt::UsbCmd => of::<UsbCmd>(bits),
        RegisterAt::UsbSts => of::<UsbSts>(bits),
        RegisterAt::PageSize => of::<PageSize>(bits),
        RegisterAt::DnCtrl => of::<DnCtrl>(bits),
        RegisterAt::Crcr(which) => half::<Crcr>(which, bits),
        RegisterAt::Dcbaap(which) => half::<Dcbaap>(which, bits),
        RegisterAt::Config => of::<Config>(bits),
        RegisterAt::PortSc(_) => of::<PortSc>(bits),
        RegisterAt::MfIndex => of::<MfIndex>(bits),
        RegisterAt::Iman(_) => of::<Iman>(bits),
        RegisterAt::Imod(_) => of::<Imod>(bits),
        RegisterAt::Erstsz(_) => of::<Erstsz>(bits),
        RegisterAt::Erstba(_, which) => half::<Erstba>(which, bits),
        RegisterAt::Erdp(_, which) => half::<Erdp>(which, bits),
        RegisterAt::Doorbell(_) => of::<Doorbell>(bits),
        // What an extended capability's dword is, only the list of them can tell; its first byte is an id. xHCI 1.2 §7.
        RegisterAt::Extended(_) if bits & 0xff == 1 && access.side == Side::Write => {
            of::<UsbLegSup>(bits)
        }
        RegisterAt::Extended(_) if access.side == Side::Write => of::<UsbLegCtlSts>(bits),
        RegisterAt::Capability(_)
        | RegisterAt::PortPmsc(_)
        | RegisterAt::PortLi(_)
        | RegisterAt::PortHlpmc(_)
        | RegisterAt::Extended(_) => String::new(),
    }
}
