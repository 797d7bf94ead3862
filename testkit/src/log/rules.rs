use std::collections::BTreeMap;

use xhci_hal::middleware::{MmioAccess, Side};
use xhci_spec::registers::{
    Breach, Config, Crcr, Dcbaap, DnCtrl, Doorbell, Erdp, Erstba, Erstsz, Iman, Imod, Layout,
    PortSc, Register, RegisterAt, UsbCmd, UsbSts, decode::Half, decode_offset,
};

/// Which rules about reserved bits the writes of a log break, in words. xHCI 1.2 §5.1.1.
///
/// What a register held before a write is what was last read from it, or written to it. Of the halves of 64-bit registers each
/// is judged with the other as zero.
#[must_use]
pub fn broken_rules(layout: &Layout, log: &[MmioAccess]) -> Vec<String> {
    let mut known: BTreeMap<u32, u32> = BTreeMap::new();
    let mut broken = Vec::new();
    for (index, access) in log.iter().enumerate() {
        let current = known.insert(access.at, access.value);
        if access.side == Side::Read {
            continue;
        }
        match decode_offset(layout, access.at) {
            None => broken.push(format!("access {index}: `{access}` goes to no register")),
            Some(RegisterAt::Capability(_) | RegisterAt::MfIndex | RegisterAt::PageSize) => {
                broken.push(format!(
                    "access {index}: `{access}` writes what is read only"
                ));
            }
            Some(register) => {
                let current = u64::from(current.unwrap_or(0));
                let rules = rules(register, current, u64::from(access.value));
                broken.extend(
                    rules
                        .into_iter()
                        .map(|rule| format!("access {index}: `{access}` {register} {rule}")),
                );
            }
        }
    }
    broken
}

fn rules(register: RegisterAt, current: u64, written: u64) -> Vec<String> {
    fn of<R: Register>(current: u64, written: u64) -> Vec<String> {
        R::broken_fields(R::from_raw(current), R::from_raw(written))
            // Read-only bits change behind software's back; to write back old ones is no breach.
            .filter(|broken| broken.breach != Breach::ReadOnlyChanged)
            .map(|broken| broken.to_string())
            .collect()
    }
    fn half<R: Register>(half: Half, current: u64, written: u64) -> Vec<String> {
        let shift = match half {
            Half::Low => 0,
            Half::High => 32,
        };
        of::<R>(current << shift, written << shift)
    }
    match register {
        RegisterAt::UsbCmd => of::<UsbCmd>(current, written),
        RegisterAt::UsbSts => of::<UsbSts>(current, written),
        RegisterAt::DnCtrl => of::<DnCtrl>(current, written),
        RegisterAt::Config => of::<Config>(current, written),
        RegisterAt::PortSc(_) => of::<PortSc>(current, written),
        RegisterAt::Iman(_) => of::<Iman>(current, written),
        RegisterAt::Imod(_) => of::<Imod>(current, written),
        RegisterAt::Erstsz(_) => of::<Erstsz>(current, written),
        RegisterAt::Doorbell(_) => of::<Doorbell>(current, written),
        RegisterAt::Crcr(which) => half::<Crcr>(which, current, written),
        RegisterAt::Dcbaap(which) => half::<Dcbaap>(which, current, written),
        RegisterAt::Erstba(_, which) => half::<Erstba>(which, current, written),
        RegisterAt::Erdp(_, which) => half::<Erdp>(which, current, written),
        RegisterAt::Capability(_)
        | RegisterAt::PageSize
        | RegisterAt::MfIndex
        | RegisterAt::PortPmsc(_)
        | RegisterAt::PortLi(_)
        | RegisterAt::PortHlpmc(_)
        | RegisterAt::Extended(_) => Vec::new(),
    }
}
