use xhci_hal::middleware::{MmioAccess, Side};
use xhci_spec::registers::{
    Config, Erstsz, Iman, Layout, Register, RegisterAt, UsbCmd, decode::Half, decode_offset,
};

/// A step of bringing a controller up that its registers show. xHCI 1.2 §4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Milestone {
    /// Run/Stop is written 0, or HCH is already there.
    Halt,
    /// HCRST is written.
    Reset,
    /// MaxSlotsEn is set.
    Config,
    /// The device context base address array is named.
    Dcbaap,
    /// The command ring is named.
    Crcr,
    /// The size of interrupter 0's event ring segment table.
    Erstsz,
    /// Its dequeue pointer.
    Erdp,
    /// Its address.
    Erstba,
    /// Interrupter 0 is enabled.
    Iman,
    /// Run/Stop is written 1.
    Run,
    /// The command doorbell rings.
    Command,
}

/// The milestones of a log, each when it is first passed.
#[must_use]
pub fn milestones(layout: &Layout, log: &[MmioAccess]) -> Vec<Milestone> {
    let mut passed = Vec::new();
    for access in log {
        let here = decode_offset(layout, access.at).and_then(|at| milestone(at, access));
        if let Some(here) = here.filter(|here| !passed.contains(here)) {
            passed.push(here);
        }
    }
    passed
}

fn milestone(register: RegisterAt, access: &MmioAccess) -> Option<Milestone> {
    let bits = u64::from(access.value);
    if access.side == Side::Read {
        return match register {
            RegisterAt::UsbSts if access.value & 1 == 1 => Some(Milestone::Halt),
            _ => None,
        };
    }
    match register {
        RegisterAt::UsbCmd => {
            let command = UsbCmd::from_raw(bits);
            Some(match (command.host_controller_reset(), command.run()) {
                (true, _) => Milestone::Reset,
                (false, true) => Milestone::Run,
                (false, false) => Milestone::Halt,
            })
        }
        RegisterAt::Config if Config::from_raw(bits).max_slots_enabled() > 0 => {
            Some(Milestone::Config)
        }
        RegisterAt::Dcbaap(Half::Low) if bits != 0 => Some(Milestone::Dcbaap),
        RegisterAt::Crcr(Half::Low) if bits != 0 => Some(Milestone::Crcr),
        RegisterAt::Erstsz(id) if id.0 == 0 => {
            (Erstsz::from_raw(bits).segment_table_size() > 0).then_some(Milestone::Erstsz)
        }
        RegisterAt::Erdp(id, Half::Low) if id.0 == 0 && bits != 0 => Some(Milestone::Erdp),
        RegisterAt::Erstba(id, Half::Low) if id.0 == 0 && bits != 0 => Some(Milestone::Erstba),
        RegisterAt::Iman(id) if id.0 == 0 && Iman::from_raw(bits).interrupt_enable() => {
            Some(Milestone::Iman)
        }
        RegisterAt::Doorbell(0) => Some(Milestone::Command),
        _ => None,
    }
}
