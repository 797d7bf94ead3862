//! A port of a USB 2.0 hub. USB 2.0 §11.5, §11.24.2.7, §11.24.2.13.

use usb_spec::Speed;
use usb_spec::class::hub::{PortChange, PortFeature, PortStatus};
use usb_spec::setup::TestMode;
use usb_spec::time::Instant;

use super::port::{Effect, Effects, RESET, RESUME, Timer};
use crate::PortFault;

/// The states of USB 2.0 §11.5.1, as far as software can tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Not configured, or powered off.
    #[default]
    Off,
    Disconnected,
    Disabled,
    Resetting(Timer),
    Enabled,
    Suspended,
    Resuming(Timer),
}

impl State {
    fn is_connected(self) -> bool {
        !matches!(self, Self::Off | Self::Disconnected)
    }

    /// Enabled, also if traffic does not pass just now.
    fn is_enabled(self) -> bool {
        matches!(self, Self::Enabled | Self::Suspended | Self::Resuming(_))
    }

    fn timer(self) -> Option<Timer> {
        match self {
            Self::Resetting(timer) | Self::Resuming(timer) => Some(timer),
            Self::Off | Self::Disconnected | Self::Disabled | Self::Enabled | Self::Suspended => {
                None
            }
        }
    }
}

/// A port and what is on it.
#[derive(Debug, Default)]
pub(super) struct Usb2Port {
    plugged: Option<Speed>,
    state: State,
    over_current: bool,
    testing: bool,
    indicator: bool,
    pub(super) change: u16,
    pub(super) effects: Effects,
}

impl Usb2Port {
    pub(super) fn restart(&mut self) {
        self.set_state(State::Off);
        self.testing = false;
        self.indicator = false;
        self.change = if self.over_current {
            PortChange::OVER_CURRENT
        } else {
            0
        };
    }

    pub(super) fn plug(&mut self, speed: Speed) {
        self.plugged = Some(speed);
        self.notice();
    }

    pub(super) fn unplug(&mut self) {
        self.plugged = None;
        if self.state.is_connected() {
            self.set_state(State::Disconnected);
            self.change |= PortChange::CONNECTION;
        }
    }

    /// A device on a powered port is seen.
    fn notice(&mut self) {
        if self.state == State::Disconnected && self.plugged.is_some() {
            self.set_state(State::Disabled);
            self.change |= PortChange::CONNECTION;
        }
    }

    pub(super) fn fault(&mut self, fault: PortFault) {
        match fault {
            // USB 2.0 §11.12.5 (unchecked): the port goes to Powered-off.
            PortFault::OverCurrent if !self.over_current => {
                self.over_current = true;
                self.change |= PortChange::OVER_CURRENT;
                self.set_state(State::Off);
            }
            PortFault::OverCurrentEnds if self.over_current => {
                self.over_current = false;
                self.change |= PortChange::OVER_CURRENT;
            }
            // Port_Error: USB 2.0 §11.8.1, §11.24.2.7.2.2.
            PortFault::LinkError if self.state.is_enabled() => {
                self.set_state(State::Disabled);
                self.change |= PortChange::ENABLE;
            }
            PortFault::OverCurrent
            | PortFault::OverCurrentEnds
            | PortFault::LinkError
            | PortFault::ConfigError => {}
        }
    }

    /// Requests that do not fit the state do nothing, and are no errors. USB 2.0 §11.24.2.13.
    pub(super) fn set(&mut self, feature: PortFeature, argument: u8) -> bool {
        match feature {
            PortFeature::PORT_POWER => {
                if self.state == State::Off && !self.over_current {
                    self.set_state(State::Disconnected);
                    self.notice();
                }
            }
            PortFeature::PORT_RESET => {
                if self.state.is_connected() {
                    self.set_state(State::Resetting(Timer::Asked(RESET)));
                }
            }
            PortFeature::PORT_SUSPEND => {
                if self.state == State::Enabled {
                    self.set_state(State::Suspended);
                }
            }
            // Everything stands still on a port under test, until the hub is reset. USB 2.0 §11.24.2.13.
            PortFeature::PORT_TEST => {
                let known =
                    (TestMode::TEST_J.0..=TestMode::TEST_FORCE_ENABLE.0).contains(&argument);
                let idle = matches!(
                    self.state,
                    State::Disconnected | State::Disabled | State::Suspended
                );
                if !known || !idle {
                    return false;
                }
                self.set_state(if self.plugged.is_some() {
                    State::Disabled
                } else {
                    State::Disconnected
                });
                self.testing = true;
            }
            PortFeature::PORT_INDICATOR if argument <= 3 => self.indicator = argument != 0,
            _ => return false,
        }
        true
    }

    pub(super) fn clear(&mut self, feature: PortFeature) -> bool {
        match feature {
            PortFeature::PORT_ENABLE if self.state.is_connected() => {
                self.set_state(State::Disabled);
            }
            PortFeature::PORT_SUSPEND if self.state == State::Suspended => {
                self.set_state(State::Resuming(Timer::Asked(RESUME)));
            }
            PortFeature::PORT_ENABLE | PortFeature::PORT_SUSPEND => {}
            PortFeature::PORT_POWER => self.set_state(State::Off),
            PortFeature::PORT_INDICATOR => self.indicator = false,
            PortFeature::C_PORT_CONNECTION => self.change &= !PortChange::CONNECTION,
            PortFeature::C_PORT_ENABLE => self.change &= !PortChange::ENABLE,
            PortFeature::C_PORT_SUSPEND => self.change &= !PortChange::SUSPEND,
            PortFeature::C_PORT_OVER_CURRENT => self.change &= !PortChange::OVER_CURRENT,
            PortFeature::C_PORT_RESET => self.change &= !PortChange::RESET,
            _ => return false,
        }
        true
    }

    /// The device's speed shows itself while it connects (low) and in the reset (high). USB 2.0 §11.24.2.7.1.
    pub(super) fn status(&self) -> u16 {
        let (state, speed) = (self.state, self.plugged);
        let bits = [
            (PortStatus::CONNECTION, state.is_connected()),
            (PortStatus::ENABLE, state.is_enabled()),
            (
                PortStatus::SUSPEND,
                matches!(state, State::Suspended | State::Resuming(_)),
            ),
            (PortStatus::OVER_CURRENT, self.over_current),
            (PortStatus::RESET, matches!(state, State::Resetting(_))),
            (PortStatus::POWER, state != State::Off),
            (
                PortStatus::LOW_SPEED,
                state.is_connected() && speed == Some(Speed::Low),
            ),
            (
                PortStatus::HIGH_SPEED,
                state.is_enabled() && speed == Some(Speed::High),
            ),
            (PortStatus::TEST, self.testing),
            (PortStatus::INDICATOR, self.indicator),
        ];
        bits.iter()
            .filter(|(_, set)| *set)
            .fold(0, |all, (bit, _)| all | bit)
    }

    pub(super) fn advance(&mut self, now: Instant) {
        let over = match &mut self.state {
            State::Resetting(timer) | State::Resuming(timer) => timer.is_over(now),
            State::Off
            | State::Disconnected
            | State::Disabled
            | State::Enabled
            | State::Suspended => false,
        };
        match self.state {
            State::Resetting(_) if over => {
                self.effects.push(Effect::Reset);
                self.set_state(State::Enabled);
                self.change |= PortChange::RESET;
            }
            State::Resuming(_) if over => {
                self.effects.push(Effect::Suspend(false));
                self.set_state(State::Enabled);
                self.change |= PortChange::SUSPEND;
            }
            _ => {}
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.state.timer().map(Timer::deadline)
    }

    /// USB 2.0 §11.9: the port resumes the device, and says so when that is done.
    pub(super) fn child_woke(&mut self) {
        if self.state == State::Suspended {
            self.set_state(State::Resuming(Timer::Asked(RESUME)));
        }
    }

    pub(super) fn passes(&self) -> bool {
        self.state == State::Enabled && !self.testing
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.state == State::Suspended
    }

    pub(super) fn wakes(&self) -> bool {
        self.change != 0
    }

    fn set_state(&mut self, state: State) {
        if state == State::Suspended {
            self.effects.push(Effect::End);
            self.effects.push(Effect::Suspend(true));
        } else if self.state.is_enabled() && !state.is_enabled() {
            self.effects.push(Effect::Cut);
        }
        self.state = state;
    }
}
