//! The port register sets. xHCI 1.2 §5.4.8 to §5.4.11.

use memory::Slice;
use usb_spec::time::Instant;
use xhci_spec::extended::Protocol;
use xhci_spec::number::PortId;
use xhci_spec::registers::{
    PortHlpmcUsb2, PortHlpmcUsb3, PortLiUsb2, PortLiUsb3, PortLinkState, PortPmscUsb2,
    PortPmscUsb3, PortSc, Register,
};
use xhci_spec::state::PortInput;

use super::machine::Machine;
use super::{Port, Ports};

/// PORTPMSC.L1S: the device does not support L1. xHCI 1.2 §5.4.9.2.
const L1_NOT_SUPPORTED: u8 = 3;

impl<S: Slice> Ports<S> {
    pub(crate) fn read_sc(&self, id: PortId) -> u32 {
        self.get(id).map_or(0, |port| port.status().bits())
    }

    /// A write to PORTSC. Several wishes in one write: power first, then warm reset, reset, disable, link state; the first one that is
    /// there is taken (the specification names no order).
    pub(crate) fn write_sc(&mut self, id: PortId, value: u32, now: Instant) {
        let power_control = self.power_control;
        let written = PortSc::from_bits(value);
        let Some(port) = self.get_mut(id) else { return };
        port.store(written);
        let protocol = port.protocol;
        let signals = port.machine.signals();
        let over_current = port.stored.over_current_active();
        if power_control && written.port_power() != signals.power {
            // Without power there is nothing else to do, and power that comes back takes its time.
            if !signals.power && !over_current {
                self.input(id, PortInput::PowerOn, now);
            } else if signals.power {
                self.input(id, PortInput::PowerOff, now);
            }
        } else if written.warm_port_reset() && protocol == Protocol::Usb3 {
            self.input(id, PortInput::WarmReset, now);
        } else if written.port_reset() {
            self.input(id, PortInput::Reset, now);
        } else if written.port_enabled() {
            if signals.enabled {
                self.input(id, PortInput::Disable, now);
            }
        } else if written.port_link_state_write_strobe() {
            self.write_link_state(id, written.port_link_state(), now);
        }
    }

    pub(crate) fn read_pmsc(&self, id: PortId) -> u32 {
        self.get(id).map_or(0, |port| port.power_management)
    }

    pub(crate) fn write_pmsc(&mut self, id: PortId, value: u32) {
        let Some(port) = self.get_mut(id) else { return };
        let old = port.power_management;
        port.power_management = match port.protocol {
            Protocol::Usb2 => written::<PortPmscUsb2>(old, value),
            Protocol::Usb3 => written::<PortPmscUsb3>(old, value),
        };
    }

    pub(crate) fn read_li(&self, id: PortId) -> u32 {
        self.get(id).map_or(0, |port| port.link_info)
    }

    pub(crate) fn write_li(&mut self, id: PortId, value: u32) {
        let Some(port) = self.get_mut(id) else { return };
        let old = port.link_info;
        port.link_info = match port.protocol {
            Protocol::Usb2 => written::<PortLiUsb2>(old, value),
            Protocol::Usb3 => written::<PortLiUsb3>(old, value),
        };
    }

    pub(crate) fn read_hlpmc(&self, id: PortId) -> u32 {
        self.get(id).map_or(0, |port| port.hardware_lpm)
    }

    pub(crate) fn write_hlpmc(&mut self, id: PortId, value: u32) {
        let Some(port) = self.get_mut(id) else { return };
        let old = port.hardware_lpm;
        port.hardware_lpm = match port.protocol {
            Protocol::Usb2 => written::<PortHlpmcUsb2>(old, value),
            Protocol::Usb3 => written::<PortHlpmcUsb3>(old, value),
        };
    }
}

impl<S: Slice> Port<S> {
    /// PORTSC as a read sees it.
    fn status(&self) -> PortSc {
        let signals = self.machine.signals();
        self.stored
            .with_current_connect_status(signals.connected)
            .with_port_enabled(signals.enabled)
            .with_port_reset(signals.reset)
            .with_port_link_state(signals.link)
            .with_port_power(signals.power)
            .with_port_speed(self.speed().unwrap_or_default())
    }

    /// Takes what the access kinds decide; the machine's own fields are not stored.
    fn store(&mut self, written: PortSc) {
        self.stored = without_machine(self.stored.after_write(written));
    }

    /// HCRST: sticky fields stay, unless power was off as well.
    pub(super) fn reset_registers(&mut self, cold: bool) {
        // Over-current is a signal from outside, which a reset does not end.
        let over_current = self.stored.over_current_active();
        let initial = PortSc::default().with_over_current_active(over_current);
        if cold {
            self.stored = initial;
            self.power_management = 0;
            self.link_info = 0;
            self.hardware_lpm = 0;
            return;
        }
        self.stored = without_machine(self.stored.after_reset(initial));
        match self.protocol {
            Protocol::Usb2 => {
                self.power_management = after_reset::<PortPmscUsb2>(self.power_management);
                self.link_info = after_reset::<PortLiUsb2>(self.link_info);
                self.hardware_lpm = after_reset::<PortHlpmcUsb2>(self.hardware_lpm);
            }
            Protocol::Usb3 => {
                self.power_management = after_reset::<PortPmscUsb3>(self.power_management);
                self.link_info = after_reset::<PortLiUsb3>(self.link_info);
                self.hardware_lpm = after_reset::<PortHlpmcUsb3>(self.hardware_lpm);
            }
        }
    }

    pub(super) fn refuse_l1(&mut self) {
        debug_assert!(matches!(self.machine, Machine::Usb2(_)), "L1 is USB2's");
        self.power_management = PortPmscUsb2::from_bits(self.power_management)
            .with_l1_status(L1_NOT_SUPPORTED)
            .bits();
    }
}

/// The fields that [`Machine`] decides, and the strobes, as zero.
fn without_machine(status: PortSc) -> PortSc {
    status
        .with_current_connect_status(false)
        .with_port_enabled(false)
        .with_port_reset(false)
        .with_warm_port_reset(false)
        .with_port_link_state(PortLinkState::U0)
        .with_port_power(false)
        .with_port_speed(xhci_spec::number::SpeedId(0))
}

fn written<R: Register<Bits = u32>>(old: u32, value: u32) -> u32 {
    let next = R::from_raw(old.into()).after_write(R::from_raw(value.into()));
    xhci_spec::registers::low_half(next.to_raw())
}

fn after_reset<R: Register<Bits = u32>>(old: u32) -> u32 {
    let next = R::from_raw(old.into()).after_reset(R::from_raw(0));
    xhci_spec::registers::low_half(next.to_raw())
}
