//! Root hub ports: from a plug to a device that may be spoken to, and back.
//!
//! A USB2 port needs a reset before anything answers behind it; a USB3 port trains its link alone (xHCI 1.2 §4.3, §4.19.1). PORTSC is written
//! only through its neutral form, and its change bits are read again until none is left, since the controller tells of a change only when
//! none was set before (xHCI 1.2 §4.19.2).

use usb_spec::time::Instant;
use xhci_hal::Mmio;
use xhci_spec::extended::Protocol;
use xhci_spec::number::{PortId, SpeedId};
use xhci_spec::registers::{PortLinkState, PortSc, Register};

use crate::Policy;
use crate::registers::Registers;

/// How often change bits are cleared and read again in one go.
const REREADS_MAX: usize = 8;

/// One root hub port.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) id: PortId,
    pub(crate) protocol: Protocol,
    pub(crate) slot_type: u8,
    state: State,
    next_look: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is plugged in, as far as is known.
    Empty,
    /// Something is; it must stay until then.
    Debouncing { until: Instant },
    /// A USB3 link trains.
    Training { until: Instant },
    /// A device is there and waits for its turn at address 0.
    Waiting,
    /// A reset is under way.
    Resetting { until: Instant },
    /// The reset is done; the device rests.
    Recovering { until: Instant },
    /// The port is enabled.
    Enabled,
    /// The link was told to go to U3.
    Suspending { until: Instant },
    /// The link is in U3.
    Suspended,
    /// Resume is signalled (USB2).
    Resuming { until: Instant },
    /// The link is on its way to U0.
    Waking { until: Instant },
    /// It did not work out; only a new plug helps.
    Failed,
}

/// What a port has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortEvent {
    /// A device waits to be enumerated.
    Ready,
    /// The reset asked for has brought the port to life.
    Enabled { speed: SpeedId },
    /// It has not.
    ResetFailed,
    /// The device is gone (or another may be in its place, which will be told anew).
    Gone,
    /// The port is suspended.
    Suspended,
    /// The port is resumed, by the host or by the device's remote wake.
    Resumed,
    /// The port draws more current than allowed, or no longer does.
    OverCurrent { active: bool },
}

/// The controller no longer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

impl Port {
    pub(crate) fn new(id: PortId, protocol: Protocol, slot_type: u8) -> Self {
        Self {
            id,
            protocol,
            slot_type,
            state: State::Empty,
            next_look: None,
        }
    }

    /// Whether a device waits for its turn.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// Begins again with whatever is there, as if it had just been plugged in.
    pub(crate) fn begin_again(&mut self, policy: &Policy, now: Instant) {
        if self.state != State::Empty {
            self.state = State::Debouncing {
                until: now + policy.debounce,
            };
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.state == State::Enabled
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.state == State::Suspended
    }

    /// Whether something was plugged in that is not settled yet.
    pub(crate) fn is_on_its_way(&self) -> bool {
        !matches!(
            self.state,
            State::Empty | State::Enabled | State::Suspended | State::Failed
        )
    }

    /// When it is to be looked at even if no event comes.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Debouncing { until }
            | State::Recovering { until }
            | State::Resuming { until } => Some(until),
            // The event for the end of these may be lost, so they are looked at now and then before their time is up.
            State::Training { .. }
            | State::Resetting { .. }
            | State::Suspending { .. }
            | State::Waking { .. } => self.next_look,
            State::Empty | State::Waiting | State::Enabled | State::Suspended | State::Failed => {
                None
            }
        }
    }

    /// Starts a reset. A hot reset of a USB3 port keeps its link, a warm one trains it anew. xHCI 1.2 §4.19.5.
    pub(crate) fn reset<M: Mmio>(
        &mut self,
        registers: &Registers<M>,
        policy: &Policy,
        now: Instant,
    ) -> Result<(), Gone> {
        let status = registers.port_status(self.id).ok_or(Gone)?;
        let neutral = status.to_neutral();
        let warm = self.protocol == Protocol::Usb3 && needs_warm_reset(status);
        let reset = if warm {
            neutral.with_warm_port_reset(true)
        } else {
            neutral.with_port_reset(true)
        };
        registers.set_port(self.id, reset);
        self.state = State::Resetting {
            until: now + policy.port_reset_timeout,
        };
        Ok(())
    }

    /// The device behind it could not be used: wait for another.
    pub(crate) fn give_up(&mut self) {
        self.state = State::Failed;
    }

    /// Sends the link to U3. xHCI 1.2 §4.15.1.
    pub(crate) fn suspend<M: Mmio>(
        &mut self,
        registers: &Registers<M>,
        policy: &Policy,
        now: Instant,
    ) -> Result<(), Gone> {
        self.next_look = Some(now + policy.port_look);
        let status = registers.port_status(self.id).ok_or(Gone)?;
        registers.set_port(self.id, status.request_link_state(PortLinkState::U3));
        self.state = State::Suspending {
            until: now + policy.port_reset_timeout,
        };
        Ok(())
    }

    /// Brings the link back from U3. A USB2 port signals resume for a while first. xHCI 1.2 §4.15.2.
    pub(crate) fn resume<M: Mmio>(
        &mut self,
        registers: &Registers<M>,
        policy: &Policy,
        now: Instant,
    ) -> Result<(), Gone> {
        let status = registers.port_status(self.id).ok_or(Gone)?;
        self.next_look = Some(now + policy.port_look);
        match self.protocol {
            Protocol::Usb2 => {
                registers.set_port(self.id, status.request_link_state(PortLinkState::RESUME));
                self.state = State::Resuming {
                    until: now + policy.resume_signalling,
                };
            }
            Protocol::Usb3 => self.wake(registers, policy, now, status),
        }
        Ok(())
    }

    fn wake<M: Mmio>(
        &mut self,
        registers: &Registers<M>,
        policy: &Policy,
        now: Instant,
        status: PortSc,
    ) {
        registers.set_port(self.id, status.request_link_state(PortLinkState::U0));
        self.state = State::Waking {
            until: now + policy.port_reset_timeout,
        };
    }

    /// Looks at the port: its event came, its time has come, or it is the first look. Tells what is new.
    pub(crate) fn look<M: Mmio>(
        &mut self,
        registers: &Registers<M>,
        policy: &Policy,
        now: Instant,
        mut tell: impl FnMut(PortEvent),
    ) -> Result<(), Gone> {
        self.next_look = Some(now + policy.port_look);
        let (status, changed) = self.read_changes(registers)?;
        if changed.over_current_change() {
            tell(PortEvent::OverCurrent {
                active: status.over_current_active(),
            });
        }
        // Whatever was there is not there any more, even if something is there again.
        let unplugged = !status.current_connect_status() || changed.connect_status_change();
        if unplugged
            && !matches!(
                self.state,
                State::Empty | State::Debouncing { .. } | State::Failed
            )
        {
            tell(PortEvent::Gone);
        }
        if !status.current_connect_status() {
            if self.protocol == Protocol::Usb3
                && status.cold_attach_status()
                && !status.port_reset()
            {
                // Its end sets CSC, and the port begins as if just plugged in. xHCI 1.2 §4.19.8.
                registers.set_port(self.id, status.to_neutral().with_warm_port_reset(true));
            }
            self.state = State::Empty;
            return Ok(());
        }
        if changed.connect_status_change() || self.state == State::Empty {
            self.state = State::Debouncing {
                until: now + policy.debounce,
            };
        }
        self.advance(registers, policy, now, status, changed, &mut tell)
    }

    /// Clears the change bits until none is left; returns the last status and all changes seen.
    fn read_changes<M: Mmio>(&self, registers: &Registers<M>) -> Result<(PortSc, PortSc), Gone> {
        let mut seen = 0;
        let mut status = registers.port_status(self.id).ok_or(Gone)?;
        for _ in 0..REREADS_MAX {
            if status.changes() == 0 {
                break;
            }
            seen |= status.changes();
            registers.set_port(self.id, status.acknowledge());
            status = registers.port_status(self.id).ok_or(Gone)?;
        }
        Ok((status, PortSc::from_bits(seen)))
    }

    fn advance<M: Mmio>(
        &mut self,
        registers: &Registers<M>,
        policy: &Policy,
        now: Instant,
        status: PortSc,
        changed: PortSc,
        tell: &mut impl FnMut(PortEvent),
    ) -> Result<(), Gone> {
        let link = status.port_link_state();
        match self.state {
            State::Debouncing { until } if now >= until => {
                let trained = status.port_enabled() || needs_warm_reset(status);
                if self.protocol == Protocol::Usb2 || trained {
                    self.state = State::Waiting;
                    tell(PortEvent::Ready);
                } else {
                    self.state = State::Training {
                        until: now + policy.training_timeout,
                    };
                }
            }
            // A link that does not train in time waits too: its reset will be a warm one, or fail.
            State::Training { until }
                if status.port_enabled() || needs_warm_reset(status) || now >= until =>
            {
                self.state = State::Waiting;
                tell(PortEvent::Ready);
            }
            State::Resetting { until } => {
                let ended = changed.port_reset_change() || changed.warm_port_reset_change();
                let over = !status.port_reset() && (ended || status.port_enabled());
                if over && status.port_enabled() {
                    self.state = State::Recovering {
                        until: now + policy.reset_recovery,
                    };
                } else if over || now >= until {
                    self.state = State::Waiting;
                    tell(PortEvent::ResetFailed);
                }
            }
            State::Recovering { until } if now >= until => {
                self.state = State::Enabled;
                tell(PortEvent::Enabled {
                    speed: status.port_speed(),
                });
            }
            State::Enabled if !status.port_enabled() || link == PortLinkState::INACTIVE => {
                // The port went down under a device that is still plugged in: begin again.
                tell(PortEvent::Gone);
                self.state = State::Debouncing {
                    until: now + policy.debounce,
                };
            }
            State::Suspending { .. } if link == PortLinkState::U3 => {
                self.state = State::Suspended;
                tell(PortEvent::Suspended);
            }
            // It would not go: the device is used on.
            State::Suspending { until } if now >= until => self.resumed(tell),
            // Remote wake. A USB2 device is answered for 20 ms, a USB3 link is led on at once. xHCI 1.2 §4.15.2.
            State::Suspended if link == PortLinkState::RESUME => match self.protocol {
                Protocol::Usb2 => {
                    self.state = State::Resuming {
                        until: now + policy.resume_signalling,
                    }
                }
                Protocol::Usb3 => self.wake(registers, policy, now, status),
            },
            State::Suspended | State::Waking { .. } if link == PortLinkState::U0 => {
                self.resumed(tell)
            }
            State::Resuming { until } if now >= until => self.wake(registers, policy, now, status),
            State::Waking { until } if now >= until => {
                // A link that does not come back is as good as unplugged, and may be plugged in again.
                tell(PortEvent::Gone);
                self.state = State::Debouncing {
                    until: now + policy.debounce,
                };
            }
            State::Debouncing { .. }
            | State::Training { .. }
            | State::Recovering { .. }
            | State::Waiting
            | State::Enabled
            | State::Suspending { .. }
            | State::Suspended
            | State::Resuming { .. }
            | State::Waking { .. }
            | State::Empty
            | State::Failed => {}
        }
        Ok(())
    }

    fn resumed(&mut self, tell: &mut impl FnMut(PortEvent)) {
        self.state = State::Enabled;
        tell(PortEvent::Resumed);
    }

    /// A USB3 port that trained alone is enabled without a reset: its speed.
    pub(crate) fn take_as_is<M: Mmio>(
        &mut self,
        registers: &Registers<M>,
    ) -> Result<Option<SpeedId>, Gone> {
        let status = registers.port_status(self.id).ok_or(Gone)?;
        let usable = self.protocol == Protocol::Usb3 && status.port_enabled();
        if usable {
            self.state = State::Enabled;
        }
        Ok(usable.then(|| status.port_speed()))
    }
}

/// Link states that only a warm reset leaves. xHCI 1.2 §4.19.1.2, USB 3.2 §7.5.2, §7.5.5 (unchecked).
fn needs_warm_reset(status: PortSc) -> bool {
    matches!(
        status.port_link_state(),
        PortLinkState::INACTIVE | PortLinkState::COMPLIANCE_MODE
    ) || status.cold_attach_status()
}
