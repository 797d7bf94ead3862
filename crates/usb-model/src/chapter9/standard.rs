//! The standard requests. USB 2.0 §9.4, USB 3.2 §9.4.

use alloc::vec::Vec;

use memory::Slice;
use usb_spec::setup::Feature;
use usb_spec::{DescriptorKind, EndpointAddress, Recipient, Request, RequestKind, Setup};

use super::control::Stand;
use super::device::{Device, DeviceState};
use super::function::Function;

/// The largest address. USB 2.0 §9.4.6.
const ADDRESS_MAX: u16 = 127;

/// The size of what SET_SEL sends. USB 3.2 §9.4.12.
const SEL_LENGTH: u16 = 6;

/// In the high byte of `wIndex` of SET_FEATURE(FUNCTION_SUSPEND): remote wake is enabled. USB 3.2 §9.4.9.
const FUNCTION_REMOTE_WAKE: u8 = 1 << 1;

impl<F: Function, S: Slice> Device<F, S> {
    /// Carries out a request that reads; `false` stalls it.
    pub(super) fn request_in(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        if setup.request_type.kind != RequestKind::Standard {
            return self.is_configured() && self.function.control_in(setup, reply);
        }
        match (setup.request_type.recipient, setup.request) {
            (Recipient::DEVICE, Request::GET_DESCRIPTOR) => self.blueprint.descriptor(
                DescriptorKind(setup.value_high()),
                setup.value_low(),
                reply,
            ),
            (Recipient::DEVICE, Request::GET_CONFIGURATION) => {
                let known = setup.value == 0 && setup.index == 0 && self.has_address();
                reply.push(self.configuration);
                known
            }
            (Recipient::DEVICE, Request::GET_STATUS) => self.device_status(setup, reply),
            (Recipient::INTERFACE, Request::GET_STATUS) => self.interface_status(setup, reply),
            (Recipient::ENDPOINT, Request::GET_STATUS) => self.endpoint_status(setup, reply),
            (Recipient::INTERFACE, Request::GET_INTERFACE) => {
                let alternate = self.alternate_of(setup).filter(|_| setup.value == 0);
                reply.extend(alternate);
                alternate.is_some()
            }
            // Class descriptors of an interface. A HID device is asked for them before it is configured, too.
            (Recipient::INTERFACE, Request::GET_DESCRIPTOR) => {
                self.function.control_in(setup, reply)
            }
            _ => false,
        }
    }

    /// Whether somebody wants the data stage of a request that writes.
    pub(super) fn accepts(&self, setup: Setup) -> bool {
        if setup.request_type.kind != RequestKind::Standard {
            return self.is_configured() && self.function.accepts(setup);
        }
        let sel =
            setup.request == Request::SET_SEL && setup.request_type.recipient == Recipient::DEVICE;
        sel && self.blueprint.speed.is_super() && self.has_address() && setup.length == SEL_LENGTH
    }

    /// Carries out a request that writes, with the data it brought, and says how the control transfer goes on.
    pub(super) fn request_out(&mut self, setup: Setup, data: &[u8]) -> Stand {
        if setup.request_type.kind != RequestKind::Standard {
            let known = self.is_configured() && self.function.control_out(setup, data);
            return go_on(known);
        }
        match (setup.request_type.recipient, setup.request) {
            (Recipient::DEVICE, Request::SET_ADDRESS) => self.set_address(setup),
            (Recipient::DEVICE, Request::SET_CONFIGURATION) => go_on(self.set_configuration(setup)),
            (Recipient::DEVICE, Request::SET_FEATURE) => go_on(self.device_feature(setup, true)),
            (Recipient::DEVICE, Request::CLEAR_FEATURE) => go_on(self.device_feature(setup, false)),
            (Recipient::INTERFACE, Request::SET_FEATURE) => {
                go_on(self.interface_feature(setup, true))
            }
            (Recipient::INTERFACE, Request::CLEAR_FEATURE) => {
                go_on(self.interface_feature(setup, false))
            }
            (Recipient::ENDPOINT, Request::SET_FEATURE) => go_on(self.halt_feature(setup, true)),
            (Recipient::ENDPOINT, Request::CLEAR_FEATURE) => go_on(self.halt_feature(setup, false)),
            (Recipient::INTERFACE, Request::SET_INTERFACE) => go_on(self.set_interface(setup)),
            // Latencies are taken note of by real devices for their power management alone. USB 3.2 §9.4.12, §9.4.11.
            (Recipient::DEVICE, Request::SET_SEL) => go_on(data.len() == usize::from(SEL_LENGTH)),
            (Recipient::DEVICE, Request::SET_ISOCH_DELAY) => {
                go_on(self.blueprint.speed.is_super() && setup.index == 0 && setup.length == 0)
            }
            _ => Stand::Stalled,
        }
    }

    fn is_configured(&self) -> bool {
        matches!(self.state, DeviceState::Configured(_))
    }

    fn has_address(&self) -> bool {
        matches!(
            self.state,
            DeviceState::Address(_) | DeviceState::Configured(_)
        )
    }

    /// USB 2.0 §9.4.6: works in the Default and Address states, takes effect after the status stage.
    fn set_address(&self, setup: Setup) -> Stand {
        let in_time = matches!(self.state, DeviceState::Default | DeviceState::Address(_));
        match u8::try_from(setup.value) {
            Ok(address)
                if in_time
                    && setup.value <= ADDRESS_MAX
                    && setup.index == 0
                    && setup.length == 0 =>
            {
                Stand::StatusIn {
                    address: Some(address),
                }
            }
            _ => Stand::Stalled,
        }
    }

    /// USB 2.0 §9.4.7; also with the value that is already set, halts and sequences begin anew (§9.1.1.5).
    fn set_configuration(&mut self, setup: Setup) -> bool {
        let (DeviceState::Address(address) | DeviceState::Configured(address)) = self.state else {
            return false;
        };
        if setup.index != 0 || setup.length != 0 || setup.value_high() != 0 {
            return false;
        }
        let value = setup.value_low();
        let mut plans = self.blueprint.configurations.iter();
        self.state = if value == 0 {
            DeviceState::Address(address)
        } else if plans.any(|plan| plan.value == value) {
            DeviceState::Configured(address)
        } else {
            return false;
        };
        self.configure(value);
        true
    }

    /// USB 2.0 §9.4.10; the interface's endpoints begin anew, also if the setting stays.
    fn set_interface(&mut self, setup: Setup) -> bool {
        let (Ok(interface), Ok(setting)) = (u8::try_from(setup.index), u8::try_from(setup.value))
        else {
            return false;
        };
        let plan = self
            .blueprint
            .setting(self.configuration, interface, setting);
        if plan.is_none() || setup.length != 0 {
            return false;
        }
        let Some(current) = self
            .alternates
            .iter_mut()
            .find(|(number, _)| *number == interface)
        else {
            return false;
        };
        current.1 = setting;
        self.rebuild(Some(interface));
        self.function.alternate(interface, setting);
        true
    }

    /// The alternate setting of the interface in `wIndex`; there is one only while configured. USB 2.0 §9.4.4.
    fn alternate_of(&self, setup: Setup) -> Option<u8> {
        self.alternates
            .iter()
            .find(|(number, _)| u16::from(*number) == setup.index)
            .map(|(_, alternate)| *alternate)
    }

    /// USB 2.0 §9.4.5, USB 3.2 §9.4.5.
    fn device_status(&self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        let wakes = self.features.remote_wakeup && !self.blueprint.speed.is_super();
        let bits = [
            self.blueprint.self_powered,
            wakes,
            self.features.u1,
            self.features.u2,
        ];
        let status = bits
            .iter()
            .rev()
            .fold(0, |all, bit| all << 1 | u8::from(*bit));
        reply.extend_from_slice(&[status, 0]);
        setup.value == 0 && setup.index == 0 && self.has_address()
    }

    /// Reserved up to high speed; from super speed on, the function's remote wake. USB 3.2 §9.4.5.
    fn interface_status(&self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        let mut status = 0;
        if self.blueprint.speed.is_super() && self.blueprint.remote_wakeup {
            status = 1 | u8::from(self.features.remote_wakeup) << 1;
        }
        reply.extend_from_slice(&[status, 0]);
        setup.value == 0 && self.alternate_of(setup).is_some()
    }

    /// Endpoint 0 has no halt that could be read: USB 2.0 §9.4.5 neither requires nor recommends one.
    fn endpoint_status(&self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        let Ok(address) = u8::try_from(setup.index).map(EndpointAddress) else {
            return false;
        };
        let halted = if address.is_zero() {
            self.has_address().then_some(false)
        } else {
            self.pipe_at(address)
                .and_then(|at| self.pipes.get(at))
                .map(|pipe| pipe.halted)
        };
        reply.extend_from_slice(&[u8::from(halted == Some(true)), 0]);
        halted.is_some() && setup.value == 0
    }

    /// USB 2.0 §9.4.1, §9.4.9; USB 3.2 §9.4.9. No test mode, as nothing here signals on a wire; no latency tolerance messages.
    fn device_feature(&mut self, setup: Setup, on: bool) -> bool {
        let is_super = self.blueprint.speed.is_super();
        if !self.has_address() || setup.index != 0 || setup.length != 0 {
            return false;
        }
        match Feature(setup.value) {
            Feature::DEVICE_REMOTE_WAKEUP if self.blueprint.remote_wakeup && !is_super => {
                self.features.remote_wakeup = on
            }
            Feature::U1_ENABLE if is_super && self.is_configured() => self.features.u1 = on,
            Feature::U2_ENABLE if is_super && self.is_configured() => self.features.u2 = on,
            _ => return false,
        }
        true
    }

    /// FUNCTION_SUSPEND, from super speed on: suspend itself says nothing to a function that saves no power. USB 3.2 §9.4.9.
    fn interface_feature(&mut self, setup: Setup, on: bool) -> bool {
        let first = Setup {
            index: u16::from(setup.index_low()),
            ..setup
        };
        let known =
            self.blueprint.speed.is_super() && Feature(setup.value) == Feature::FUNCTION_SUSPEND;
        if !known || setup.length != 0 || self.alternate_of(first).is_none() {
            return false;
        }
        let wants_wake = on && setup.index_high() & FUNCTION_REMOTE_WAKE != 0;
        if wants_wake && !self.blueprint.remote_wakeup {
            return false;
        }
        self.features.remote_wakeup = wants_wake;
        true
    }

    /// ENDPOINT_HALT. Clearing it sets the sequence number to zero even if there was no halt. USB 2.0 §9.4.5.
    fn halt_feature(&mut self, setup: Setup, on: bool) -> bool {
        let Ok(address) = u8::try_from(setup.index).map(EndpointAddress) else {
            return false;
        };
        if Feature(setup.value) != Feature::ENDPOINT_HALT || setup.length != 0 {
            return false;
        }
        if address.is_zero() {
            // Its stalls end with the next SETUP: there is nothing to clear, and no halt to set.
            return !on && self.has_address();
        }
        let may_clear = self.function.may_clear_halt(address);
        let Some(pipe) = self.pipes.iter_mut().find(|pipe| pipe.address == address) else {
            return false;
        };
        if on {
            pipe.halted = true;
        } else {
            pipe.halted = pipe.halted && !may_clear;
            pipe.sequence.next = 0;
        }
        true
    }
}

fn go_on(known: bool) -> Stand {
    if known {
        Stand::StatusIn { address: None }
    } else {
        Stand::Stalled
    }
}
