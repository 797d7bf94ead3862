//! A port of a SuperSpeed hub. USB 3.2 §10.3, §10.16.2.6, §10.16.2.10 (section of SET_FEATURE unchecked).

use core::time::Duration;

use usb_spec::Speed;
use usb_spec::class::hub::{
    ExtendedPortStatus, LinkState, PortFeature, SuperSpeedPortChange, SuperSpeedPortStatus,
};
use usb_spec::time::Instant;

use super::port::{Effect, Effects, RESET, Timer};
use crate::PortFault;

/// How long two ends take to train a link: Rx.Detect and Polling, which may take up to 360 ms. USB 3.2 §7.5.4.
const TRAINING: Duration = Duration::from_millis(12);

/// How long a warm reset is driven: 80 to 120 ms. USB 3.2 §6.9.3 (tReset).
const WARM_RESET: Duration = Duration::from_millis(100);

/// How long the exit from U3 takes, well below its limit of 10 ms for the handshake. USB 3.2 §7.5.9 (unchecked).
const EXIT_U3: Duration = Duration::from_millis(2);

/// Bits of PORT_REMOTE_WAKE_MASK. USB 3.2 §10.16.2.10 (unchecked).
const WAKE_CONNECT: u8 = 1;
const WAKE_DISCONNECT: u8 = 1 << 1;
const WAKE_OVER_CURRENT: u8 = 1 << 2;

/// The states of USB 3.2 §10.3.1, as far as software can tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Not configured, or powered off.
    #[default]
    Off,
    /// Disabled by software.
    Disabled,
    Disconnected,
    Training(Timer),
    /// U0, or U1 or U2 from which it comes back by itself.
    Enabled(LinkState),
    /// U3.
    Suspended,
    Resuming(Timer),
    HotReset(Timer),
    WarmReset(Timer),
    Inactive,
}

impl State {
    fn is_enabled(self) -> bool {
        matches!(self, Self::Enabled(_) | Self::Suspended | Self::Resuming(_))
    }

    fn is_resetting(self) -> bool {
        matches!(self, Self::HotReset(_) | Self::WarmReset(_))
    }

    fn timer(self) -> Option<Timer> {
        match self {
            Self::Training(timer)
            | Self::Resuming(timer)
            | Self::HotReset(timer)
            | Self::WarmReset(timer) => Some(timer),
            Self::Off
            | Self::Disabled
            | Self::Disconnected
            | Self::Enabled(_)
            | Self::Suspended
            | Self::Inactive => None,
        }
    }

    fn link(self) -> LinkState {
        match self {
            Self::Off | Self::Disabled => LinkState::DISABLED,
            Self::Disconnected | Self::WarmReset(_) => LinkState::RX_DETECT,
            Self::Training(_) => LinkState::POLLING,
            Self::Enabled(link) => link,
            Self::Suspended => LinkState::U3,
            Self::Resuming(_) => LinkState::RECOVERY,
            Self::HotReset(_) => LinkState::HOT_RESET,
            Self::Inactive => LinkState::INACTIVE,
        }
    }
}

/// A port and what is on it.
#[derive(Debug, Default)]
pub(super) struct Usb3Port {
    plugged: Option<Speed>,
    state: State,
    /// The link has been up since the device came: PORT_CONNECTION.
    connected: bool,
    over_current: bool,
    config_fails: bool,
    wake_mask: u8,
    u1_timeout: u8,
    u2_timeout: u8,
    /// Link errors since the hub was configured. USB 3.2 §10.16.2.5.
    pub(super) errors: u16,
    pub(super) change: u16,
    pub(super) effects: Effects,
}

impl Usb3Port {
    pub(super) fn restart(&mut self) {
        self.set_state(State::Off);
        self.wake_mask = 0;
        self.u1_timeout = 0;
        self.u2_timeout = 0;
        self.errors = 0;
        self.change = if self.over_current {
            SuperSpeedPortChange::OVER_CURRENT
        } else {
            0
        };
    }

    pub(super) fn plug(&mut self, speed: Speed) {
        self.plugged = Some(speed);
        self.detect();
    }

    pub(super) fn unplug(&mut self) {
        self.plugged = None;
        if self.connected {
            self.change |= SuperSpeedPortChange::CONNECTION;
        }
        if !matches!(self.state, State::Off | State::Disabled) {
            self.set_state(State::Disconnected);
        }
    }

    /// Terminations at the other end start the training.
    fn detect(&mut self) {
        if self.state == State::Disconnected && self.plugged.is_some() {
            self.set_state(State::Training(Timer::Asked(TRAINING)));
        }
    }

    pub(super) fn fault(&mut self, fault: PortFault) {
        match fault {
            PortFault::OverCurrent if !self.over_current => {
                self.over_current = true;
                self.change |= SuperSpeedPortChange::OVER_CURRENT;
                self.set_state(State::Off);
            }
            PortFault::OverCurrentEnds if self.over_current => {
                self.over_current = false;
                self.change |= SuperSpeedPortChange::OVER_CURRENT;
            }
            PortFault::LinkError if self.state.is_enabled() => {
                self.errors = self.errors.saturating_add(1);
                self.set_state(State::Inactive);
                self.change |= SuperSpeedPortChange::LINK_STATE;
            }
            PortFault::ConfigError => self.config_fails = true,
            PortFault::OverCurrent | PortFault::OverCurrentEnds | PortFault::LinkError => {}
        }
    }

    pub(super) fn set(&mut self, feature: PortFeature, argument: u8) -> bool {
        match feature {
            PortFeature::PORT_POWER => {
                if self.state == State::Off && !self.over_current {
                    self.set_state(State::Disconnected);
                    self.detect();
                }
            }
            PortFeature::PORT_RESET => self.reset(false),
            PortFeature::BH_PORT_RESET => self.reset(true),
            PortFeature::PORT_LINK_STATE => return self.set_link(LinkState(argument)),
            PortFeature::PORT_U1_TIMEOUT => self.u1_timeout = argument,
            PortFeature::PORT_U2_TIMEOUT => self.u2_timeout = argument,
            PortFeature::PORT_REMOTE_WAKE_MASK => self.wake_mask = argument,
            // Nothing here refuses to enter U1 or U2, so there is nothing to force.
            PortFeature::FORCE_LINKPM_ACCEPT => {}
            _ => return false,
        }
        true
    }

    /// A link that is not up can only be reset warmly. USB 3.2 §10.3.1.6 (unchecked).
    fn reset(&mut self, warm: bool) {
        match self.state {
            State::Off | State::Disabled => {}
            State::Enabled(_) if !warm => self.set_state(State::HotReset(Timer::Asked(RESET))),
            State::HotReset(_) if !warm => {}
            State::Disconnected
            | State::Training(_)
            | State::Enabled(_)
            | State::Suspended
            | State::Resuming(_)
            | State::HotReset(_)
            | State::WarmReset(_)
            | State::Inactive => self.set_state(State::WarmReset(Timer::Asked(WARM_RESET))),
        }
    }

    fn set_link(&mut self, link: LinkState) -> bool {
        match (self.state, link) {
            (State::Off, _) => {}
            (State::Enabled(_), LinkState::U0 | LinkState::U1 | LinkState::U2) => {
                self.set_state(State::Enabled(link));
            }
            (State::Enabled(_), LinkState::U3) => self.set_state(State::Suspended),
            (State::Suspended, LinkState::U0) => {
                self.set_state(State::Resuming(Timer::Asked(EXIT_U3)));
            }
            (State::Suspended, LinkState::U3) | (State::Resuming(_), LinkState::U0) => {}
            (_, LinkState::DISABLED) => self.set_state(State::Disabled),
            (State::Disabled, LinkState::RX_DETECT) => {
                self.set_state(State::Disconnected);
                self.detect();
            }
            _ => return false,
        }
        true
    }

    pub(super) fn clear(&mut self, feature: PortFeature) -> bool {
        match feature {
            PortFeature::PORT_POWER => self.set_state(State::Off),
            PortFeature::FORCE_LINKPM_ACCEPT => {}
            PortFeature::C_PORT_CONNECTION => self.change &= !SuperSpeedPortChange::CONNECTION,
            PortFeature::C_PORT_OVER_CURRENT => self.change &= !SuperSpeedPortChange::OVER_CURRENT,
            PortFeature::C_PORT_RESET => self.change &= !SuperSpeedPortChange::RESET,
            PortFeature::C_BH_PORT_RESET => self.change &= !SuperSpeedPortChange::BH_RESET,
            PortFeature::C_PORT_LINK_STATE => self.change &= !SuperSpeedPortChange::LINK_STATE,
            PortFeature::C_PORT_CONFIG_ERROR => self.change &= !SuperSpeedPortChange::CONFIG_ERROR,
            _ => return false,
        }
        true
    }

    pub(super) fn status(&self) -> u16 {
        let bits = [
            (SuperSpeedPortStatus::CONNECTION, self.connected),
            (SuperSpeedPortStatus::ENABLE, self.state.is_enabled()),
            (SuperSpeedPortStatus::OVER_CURRENT, self.over_current),
            (SuperSpeedPortStatus::RESET, self.state.is_resetting()),
            (SuperSpeedPortStatus::POWER, self.state != State::Off),
        ];
        let link = u16::from(self.state.link().0) << 5;
        bits.iter()
            .filter(|(_, set)| *set)
            .fold(link, |all, (bit, _)| all | bit)
    }

    /// One lane each way, at the first sublink speed of the capability if the device runs at that, else at none of them. USB 3.2
    /// §10.16.2.6.3.
    pub(super) fn extended_status(&self) -> ExtendedPortStatus {
        let plus = self.plugged == Some(Speed::SuperPlus) && self.connected;
        ExtendedPortStatus(if plus { 1 | 1 << 4 } else { 0 })
    }

    pub(super) fn advance(&mut self, now: Instant) {
        let over = match &mut self.state {
            State::Training(timer)
            | State::Resuming(timer)
            | State::HotReset(timer)
            | State::WarmReset(timer) => timer.is_over(now),
            State::Off
            | State::Disabled
            | State::Disconnected
            | State::Enabled(_)
            | State::Suspended
            | State::Inactive => false,
        };
        match self.state {
            State::Training(_) if over => self.link_up(),
            State::Resuming(_) if over => {
                self.effects.push(Effect::Suspend(false));
                self.set_state(State::Enabled(LinkState::U0));
                self.change |= SuperSpeedPortChange::LINK_STATE;
            }
            State::HotReset(_) if over => {
                self.change |= SuperSpeedPortChange::RESET;
                self.link_up();
            }
            State::WarmReset(_) if over => {
                self.change |= SuperSpeedPortChange::RESET | SuperSpeedPortChange::BH_RESET;
                self.link_up();
            }
            _ => {}
        }
    }

    /// Training and reset end with a device that begins anew. USB 3.2 §9.1.1.3 (unchecked).
    fn link_up(&mut self) {
        if self.plugged.is_none() {
            self.set_state(State::Disconnected);
            return;
        }
        if !self.connected {
            self.change |= SuperSpeedPortChange::CONNECTION;
        }
        if core::mem::take(&mut self.config_fails) {
            self.change |= SuperSpeedPortChange::CONFIG_ERROR;
            self.set_state(State::Inactive);
        } else {
            self.effects.push(Effect::Reset);
            self.set_state(State::Enabled(LinkState::U0));
        }
        self.connected = true;
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.state.timer().map(Timer::deadline)
    }

    /// A device that leaves U3 takes its link along.
    pub(super) fn child_woke(&mut self) {
        if self.state == State::Suspended {
            self.set_state(State::Resuming(Timer::Asked(EXIT_U3)));
        }
    }

    /// Whether traffic passes; a link in U1 or U2 comes back for it.
    pub(super) fn passes(&self) -> bool {
        matches!(self.state, State::Enabled(_))
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.state == State::Suspended
    }

    pub(super) fn wakes(&self) -> bool {
        let plug = if self.connected {
            WAKE_CONNECT
        } else {
            WAKE_DISCONNECT
        };
        let connection = self.change & SuperSpeedPortChange::CONNECTION != 0;
        let current = self.change & SuperSpeedPortChange::OVER_CURRENT != 0;
        (connection && self.wake_mask & plug != 0)
            || (current && self.wake_mask & WAKE_OVER_CURRENT != 0)
    }

    fn set_state(&mut self, state: State) {
        if state == State::Suspended {
            self.effects.push(Effect::End);
            self.effects.push(Effect::Suspend(true));
        } else if self.state.is_enabled() && !state.is_enabled() {
            self.effects.push(Effect::Cut);
        }
        if matches!(state, State::Off | State::Disabled | State::Disconnected) {
            self.connected = false;
        }
        self.state = state;
    }
}
