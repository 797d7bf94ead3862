//! What follows from an input: the new state, its change bits, and what happens next by itself.

use memory::Slice;
use usb_spec::time::Instant;
use xhci_spec::number::PortId;
use xhci_spec::registers::{PortLinkState, PortSc};
use xhci_spec::state::{PortInput, Usb2Port, Usb3Port};

use super::machine::Machine;
use super::{Port, PortFault, Ports};

/// Most timers of one port that may run out at once: connect, training, reset and the like follow each other, but not in a circle.
const STEPS_MAX: u8 = 8;

impl<S: Slice> Ports<S> {
    /// Lets `input` happen at `at`, if it means anything in the port's state.
    pub(super) fn input(&mut self, id: PortId, input: PortInput, at: Instant) {
        let u3_entry_enabled = self.u3_entry_enabled;
        let Some(port) = self.get_mut(id) else { return };
        let Some((next, changes)) = port.machine.next(input) else {
            return;
        };
        let before = core::mem::replace(&mut port.machine, next);
        port.pending = None;
        let was_enabled = before.signals().enabled;
        let is_enabled = next.signals().enabled;
        if was_enabled && !is_enabled {
            port.lost = true;
        }
        if before.signals().reset && is_enabled {
            port.speed_known = true;
        }
        if is_enabled {
            port.stored = port.stored.with_cold_attach_status(false);
        }
        if !next.signals().connected {
            port.speed_known = false;
        }
        if before != next {
            self.enter(id, next, at);
        }
        self.change(id, changes.bits(u3_entry_enabled));
        self.note(id);
    }

    /// Sets change bits; the first one of a port makes its event, by a rising edge of PSCEG. xHCI 1.2 §4.19.2.
    pub(super) fn change(&mut self, id: PortId, bits: u32) {
        let reporting = self.reporting;
        let Some(port) = self.get_mut(id) else { return };
        let before = port.stored.changes();
        port.stored = PortSc::from_bits(port.stored.bits() | bits);
        let after = port.stored.changes();
        if before != after {
            self.change_detect = true;
        }
        if before == 0 && after != 0 && reporting {
            self.events.insert(id.get().into());
        }
    }

    /// Runs the port's timers that are due by `now`, each at its own time.
    pub(super) fn run_timers(&mut self, id: PortId, now: Instant) {
        for _ in 0..STEPS_MAX {
            let Some(port) = self.get_mut(id) else { return };
            let Some((at, input)) = port.pending.take_if(|(at, _)| *at <= now) else {
                return;
            };
            self.time_out(id, input, at);
            self.note(id);
        }
    }

    /// Something besides a plug happens to the port.
    pub(crate) fn fault(&mut self, id: PortId, fault: PortFault, now: Instant) {
        let Some(port) = self.get_mut(id) else { return };
        let active = match fault {
            PortFault::LinkError => return self.input(id, PortInput::LinkError, now),
            PortFault::Compliance
            | PortFault::TrainingFails
            | PortFault::ConfigError
            | PortFault::ColdAttach => {
                port.training = Some(fault);
                return;
            }
            PortFault::OverCurrent => true,
            PortFault::OverCurrentEnds => false,
        };
        if port.stored.over_current_active() == active {
            return;
        }
        port.stored = port.stored.with_over_current_active(active);
        if active {
            self.input(id, PortInput::PowerOff, now);
        }
        let change = PortSc::default().with_over_current_change(true);
        self.change(id, change.bits());
    }

    /// HCRST: ports lose their state and look for their devices anew; USB3 devices are reset, USB2 devices are not (xHCI 1.2 §5.4.1).
    /// Sticky bits, power among them, stay.
    ///
    /// When power itself was off (`cold`), nothing stays, and every device has lost its state.
    pub(crate) fn reset(&mut self, now: Instant, cold: bool) {
        for id in self.ids() {
            let Some(port) = self.get_mut(id) else {
                continue;
            };
            port.reset_registers(cold);
            port.pending = None;
            port.speed_known = false;
            port.lost = true;
            if cold || port.machine.signals().power {
                let next = Machine::powered(port.protocol);
                port.machine = next;
                port.reset_due |= (cold || matches!(next, Machine::Usb3(_))) && port.is_plugged();
                self.enter(id, next, now);
            }
            self.note(id);
        }
        self.u3_entry_enabled = false;
        self.report(false);
    }

    /// Keeps the worklists in step with the port.
    pub(super) fn note(&mut self, id: PortId) {
        let Some(port) = self.get(id) else { return };
        let timer = port.pending.is_some();
        let suspended = port.machine.is_suspended();
        let chore =
            port.reset_due || port.lost || (port.is_plugged() && suspended != port.told_suspended);
        let number = id.get().into();
        if timer {
            self.timers.insert(number);
        } else {
            self.timers.remove(number);
        }
        if chore {
            self.chores.insert(number);
        }
    }

    fn time_out(&mut self, id: PortId, input: PortInput, at: Instant) {
        let Some(port) = self.get_mut(id) else { return };
        if input == PortInput::Attach && port.training == Some(PortFault::ColdAttach) {
            port.training = None;
            port.stored = port.stored.with_cold_attach_status(true);
            let change = PortSc::default().with_connect_status_change(true);
            return self.change(id, change.bits());
        }
        self.input(id, input, at);
    }

    /// A state has been entered: what happens next by itself, and when.
    fn enter(&mut self, id: PortId, state: Machine, at: Instant) {
        let behaviour = &self.behaviour;
        let Some(port) = id
            .index()
            .checked_sub(1)
            .and_then(|index| self.all.get_mut(index))
        else {
            return;
        };
        port.pending = match state {
            Machine::Usb2(Usb2Port::PoweredOff) | Machine::Usb3(Usb3Port::PoweredOff) => {
                // A device without power forgets everything.
                port.reset_due = port.is_plugged();
                None
            }
            Machine::Usb2(Usb2Port::Disconnected) => port
                .is_plugged()
                .then_some((at + behaviour.usb2_connect, PortInput::Attach)),
            Machine::Usb2(Usb2Port::Resetting) => {
                port.begin_reset();
                Some((at + behaviour.usb2_reset, PortInput::ResetDone))
            }
            Machine::Usb2(Usb2Port::Resume) | Machine::Usb3(Usb3Port::Resume) => {
                port.resuming_since = at;
                None
            }
            Machine::Usb2(Usb2Port::Disabled | Usb2Port::U0 | Usb2Port::U2 | Usb2Port::U3) => None,
            Machine::Usb3(Usb3Port::Disconnected) => port
                .is_plugged()
                .then_some((at + behaviour.usb3_detect, PortInput::Attach)),
            Machine::Usb3(Usb3Port::Polling) => {
                Some((at + behaviour.usb3_training, port.training_ends()))
            }
            Machine::Usb3(Usb3Port::HotReset) => {
                port.begin_reset();
                Some((at + behaviour.usb3_hot_reset, PortInput::ResetDone))
            }
            Machine::Usb3(Usb3Port::WarmReset | Usb3Port::WarmResetUnseen) => {
                let end = if port.is_plugged() {
                    port.begin_reset();
                    PortInput::ResetDone
                } else {
                    PortInput::ResetFailed
                };
                Some((at + behaviour.usb3_warm_reset, end))
            }
            Machine::Usb3(Usb3Port::Recovery | Usb3Port::ResumeRecovery) => {
                Some((at + behaviour.usb3_recovery, PortInput::LinkUp))
            }
            Machine::Usb3(
                Usb3Port::Disabled
                | Usb3Port::U0
                | Usb3Port::U1
                | Usb3Port::U2
                | Usb3Port::U3
                | Usb3Port::Inactive
                | Usb3Port::Compliance
                | Usb3Port::Loopback,
            ) => None,
        };
    }

    /// The device signals resume. USB 2.0 §7.1.7.7, xHCI 1.2 §4.15.2.2 (unchecked).
    pub(crate) fn wake(&mut self, id: PortId, now: Instant) {
        if self.get(id).is_some_and(|port| port.machine.is_asleep()) {
            self.input(id, PortInput::DeviceResume, now);
        }
    }

    /// Software asks for a link state. xHCI 1.2 §4.15.1, §4.15.2, §5.4.8.
    pub(super) fn write_link_state(&mut self, id: PortId, state: PortLinkState, now: Instant) {
        let (suspend, resume) = (self.behaviour.suspend, self.behaviour.usb2_resume);
        let Some(port) = self.get_mut(id) else { return };
        let input = PortInput::Write(state);
        match port.machine {
            // L1 needs a device with link power management; none is modelled: L1S says "not supported".
            Machine::Usb2(Usb2Port::U0) if state == PortLinkState::U2 => port.refuse_l1(),
            // Resume that ends early has not woken the device: software has to write U0 after 20 ms. The specification leaves open
            // what an early write does; here it does nothing, so that the driver notices.
            Machine::Usb2(Usb2Port::Resume)
                if state == PortLinkState::U0 && now < port.resuming_since + resume => {}
            // The link needs time to get to U3, and PLS shows the old state until then.
            machine
                if state == PortLinkState::U3
                    && machine.next(input).is_some()
                    && !machine.is_suspended() =>
            {
                port.pending = Some((now + suspend, input));
                self.note(id);
            }
            _ => self.input(id, input, now),
        }
    }
}

impl<S: Slice> Port<S> {
    fn begin_reset(&mut self) {
        self.reset_due = true;
        self.lost = true;
    }

    fn training_ends(&mut self) -> PortInput {
        match self.training.take() {
            Some(PortFault::Compliance) => PortInput::EnterCompliance,
            Some(PortFault::TrainingFails) => PortInput::LinkError,
            Some(PortFault::ConfigError) => PortInput::ConfigError,
            Some(
                PortFault::LinkError
                | PortFault::ColdAttach
                | PortFault::OverCurrent
                | PortFault::OverCurrentEnds,
            )
            | None => PortInput::LinkUp,
        }
    }
}
