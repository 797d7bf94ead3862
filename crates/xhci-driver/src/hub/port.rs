//! One downstream port of a hub: the same way as a root port's, told in the hub's own bits.

use core::time::Duration;

use usb_spec::class::hub::{
    LinkState, PortChange, PortFeature, PortStatus, SuperSpeedPortChange, SuperSpeedPortStatus,
};
use usb_spec::speed::Speed;
use usb_spec::time::Instant;

use crate::Policy;

/// How long after its last look a port that is on its way is looked at again, although the hub told nothing.
const LOOK: Duration = Duration::from_millis(50);

/// A port's status in the words that both kinds of hub share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) connected: bool,
    pub(super) enabled: bool,
    pub(super) resetting: bool,
    pub(super) over_current: bool,
    /// A SuperSpeed link that only a warm reset (BH_PORT_RESET) brings back.
    pub(super) lost: bool,
    pub(super) speed: Speed,
    changes: u16,
    super_speed: bool,
}

impl Status {
    /// Reads the answer to GET_STATUS. USB 2.0 §11.24.2.7, USB 3.2 §10.16.2.6.
    pub(super) fn parse(bytes: [u8; 4], super_speed: bool) -> Self {
        let (status, changes) = usb_spec::class::hub::parse_status(bytes);
        if super_speed {
            let port = SuperSpeedPortStatus(status);
            let link = port.link_state();
            return Self {
                connected: port.is_connected(),
                enabled: port.is_enabled(),
                resetting: port.is_resetting(),
                over_current: port.has_over_current(),
                lost: matches!(link, LinkState::INACTIVE | LinkState::COMPLIANCE),
                speed: Speed::Super,
                changes,
                super_speed,
            };
        }
        let port = PortStatus(status);
        Self {
            connected: port.is_connected(),
            enabled: port.is_enabled(),
            resetting: port.is_resetting(),
            over_current: port.has_over_current(),
            lost: false,
            speed: port.speed(),
            changes,
            super_speed,
        }
    }

    /// The features that clear what has changed.
    pub(super) fn to_clear(self) -> impl Iterator<Item = PortFeature> {
        const USB2: &[(u16, PortFeature)] = &[
            (PortChange::CONNECTION, PortFeature::C_PORT_CONNECTION),
            (PortChange::ENABLE, PortFeature::C_PORT_ENABLE),
            (PortChange::SUSPEND, PortFeature::C_PORT_SUSPEND),
            (PortChange::OVER_CURRENT, PortFeature::C_PORT_OVER_CURRENT),
            (PortChange::RESET, PortFeature::C_PORT_RESET),
        ];
        const USB3: &[(u16, PortFeature)] = &[
            (
                SuperSpeedPortChange::CONNECTION,
                PortFeature::C_PORT_CONNECTION,
            ),
            (
                SuperSpeedPortChange::OVER_CURRENT,
                PortFeature::C_PORT_OVER_CURRENT,
            ),
            (SuperSpeedPortChange::RESET, PortFeature::C_PORT_RESET),
            (SuperSpeedPortChange::BH_RESET, PortFeature::C_BH_PORT_RESET),
            (
                SuperSpeedPortChange::LINK_STATE,
                PortFeature::C_PORT_LINK_STATE,
            ),
            (
                SuperSpeedPortChange::CONFIG_ERROR,
                PortFeature::C_PORT_CONFIG_ERROR,
            ),
        ];
        let table = if self.super_speed { USB3 } else { USB2 };
        table
            .iter()
            .filter(move |(bit, _)| self.changes & bit != 0)
            .map(|(_, feature)| *feature)
    }

    /// Whether there is anything to clear.
    pub(super) fn has_changed(self) -> bool {
        self.to_clear().next().is_some()
    }

    fn connection_changed(self) -> bool {
        // The same bit in both kinds.
        self.changes & PortChange::CONNECTION != 0
    }

    fn over_current_changed(self) -> bool {
        self.changes & PortChange::OVER_CURRENT != 0
    }

    fn reset_ended(self) -> bool {
        let warm = self.super_speed && self.changes & SuperSpeedPortChange::BH_RESET != 0;
        self.changes & PortChange::RESET != 0 || warm
    }
}

/// Where a port stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Empty,
    /// Something is plugged in and must stay until then.
    Debouncing {
        until: Instant,
    },
    /// A SuperSpeed link trains.
    Training {
        until: Instant,
    },
    /// A device waits for its turn at address 0.
    Waiting,
    Resetting {
        until: Instant,
    },
    Recovering {
        until: Instant,
    },
    Enabled,
    Failed,
}

/// One downstream port.
#[derive(Clone, Copy, Debug)]
pub(super) struct HubPort {
    state: State,
    speed: Speed,
    /// Its link came up by itself, or only a warm reset brings it up: as last seen.
    enabled: bool,
    lost: bool,
}

/// What a port has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HubPortEvent {
    Ready,
    Enabled { speed: Speed },
    ResetFailed,
    Gone,
    OverCurrent { active: bool },
}

/// What is to be done with a port when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Ask for its status.
    Look,
    /// The rest after a reset is over.
    Rested,
    /// The time for the reset is over.
    TooLate,
}

impl HubPort {
    pub(super) const NEW: Self = Self {
        state: State::Empty,
        speed: Speed::Full,
        enabled: false,
        lost: false,
    };

    /// When it is to be looked at next although the hub told nothing.
    pub(super) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        match self.state {
            // A time that has come was answered with a look, whose answer takes a while.
            State::Debouncing { until } | State::Recovering { until } if until > now => Some(until),
            State::Training { until } | State::Resetting { until } if until > now => {
                Some(until.min(now + LOOK))
            }
            State::Debouncing { .. }
            | State::Recovering { .. }
            | State::Training { .. }
            | State::Resetting { .. } => Some(now + LOOK),
            State::Empty | State::Waiting | State::Enabled | State::Failed => None,
        }
    }

    /// What its time has come for, if anything.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        match self.state {
            State::Debouncing { until } => (now >= until).then_some(Due::Look),
            State::Recovering { until } if now >= until => {
                self.state = State::Enabled;
                Some(Due::Rested)
            }
            State::Resetting { until } if now >= until => {
                self.state = State::Waiting;
                Some(Due::TooLate)
            }
            State::Training { .. } | State::Resetting { .. } => Some(Due::Look),
            State::Recovering { .. }
            | State::Empty
            | State::Waiting
            | State::Enabled
            | State::Failed => None,
        }
    }

    /// Whether something was plugged in that is not settled yet.
    pub(super) fn is_on_its_way(&self) -> bool {
        !matches!(self.state, State::Empty | State::Enabled | State::Failed)
    }

    pub(super) fn speed(&self) -> Speed {
        self.speed
    }

    /// A SuperSpeed port that trained alone needs no reset the first time.
    pub(super) fn take_as_is(&mut self) -> bool {
        let usable = self.speed.is_super() && self.enabled && !self.lost;
        if usable {
            self.state = State::Enabled;
        }
        usable
    }

    /// The feature whose setting resets it.
    pub(super) fn reset(&mut self, policy: &Policy, now: Instant) -> PortFeature {
        self.state = State::Resetting {
            until: now + policy.port_reset_timeout,
        };
        if self.lost {
            PortFeature::BH_PORT_RESET
        } else {
            PortFeature::PORT_RESET
        }
    }

    /// The device behind it could not be used: wait for another.
    pub(super) fn give_up(&mut self) {
        self.state = State::Failed;
    }

    /// Whether a device waits for its turn.
    pub(super) fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// Begins again with whatever is there, as if it had just been plugged in.
    pub(super) fn begin_again(&mut self, policy: &Policy, now: Instant) {
        if self.state != State::Empty {
            self.state = State::Debouncing {
                until: now + policy.debounce,
            };
        }
    }

    /// Takes a status; tells what is new.
    pub(super) fn take(
        &mut self,
        status: Status,
        policy: &Policy,
        now: Instant,
        mut tell: impl FnMut(HubPortEvent),
    ) {
        self.enabled = status.enabled;
        self.lost = status.lost;
        if status.over_current_changed() {
            tell(HubPortEvent::OverCurrent {
                active: status.over_current,
            });
        }
        let unplugged = !status.connected || status.connection_changed();
        if unplugged
            && !matches!(
                self.state,
                State::Empty | State::Debouncing { .. } | State::Failed
            )
        {
            tell(HubPortEvent::Gone);
        }
        if !status.connected {
            self.state = State::Empty;
            return;
        }
        self.speed = status.speed;
        if status.connection_changed() || self.state == State::Empty {
            self.state = State::Debouncing {
                until: now + policy.debounce,
            };
        }
        let trained = !status.speed.is_super() || status.enabled || status.lost;
        match self.state {
            State::Debouncing { until } if now >= until && trained => {
                self.state = State::Waiting;
                tell(HubPortEvent::Ready);
            }
            State::Debouncing { until } if now >= until => {
                self.state = State::Training {
                    until: now + policy.training_timeout,
                };
            }
            State::Training { until } if trained || now >= until => {
                self.state = State::Waiting;
                tell(HubPortEvent::Ready);
            }
            State::Resetting { .. } if status.resetting => {}
            State::Resetting { .. } if status.enabled => {
                self.state = State::Recovering {
                    until: now + policy.reset_recovery,
                };
            }
            State::Resetting { .. } if status.reset_ended() => {
                self.state = State::Waiting;
                tell(HubPortEvent::ResetFailed);
            }
            State::Enabled if !status.enabled => {
                // The hub took the port down under a device that is still plugged in.
                tell(HubPortEvent::Gone);
                self.state = State::Debouncing {
                    until: now + policy.debounce,
                };
            }
            State::Debouncing { .. }
            | State::Training { .. }
            | State::Resetting { .. }
            | State::Recovering { .. }
            | State::Waiting
            | State::Enabled
            | State::Empty
            | State::Failed => {}
        }
    }
}
