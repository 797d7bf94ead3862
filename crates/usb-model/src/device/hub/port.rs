//! What the ports of both kinds of hubs have in common.

use alloc::collections::VecDeque;
use core::time::Duration;

use usb_spec::Speed;
use usb_spec::class::hub::PortFeature;
use usb_spec::time::Instant;

use super::usb2::Usb2Port;
use super::usb3::Usb3Port;
use crate::PortFault;

/// How long a hub drives a reset: 10 to 20 ms. USB 2.0 §7.1.7.5 (TDRST).
pub(super) const RESET: Duration = Duration::from_millis(10);

/// How long a hub drives resume. USB 2.0 §7.1.7.7 (TDRSMDN).
pub(super) const RESUME: Duration = Duration::from_millis(20);

/// Something that takes time. Requests come without the time, so it starts when the hub is polled next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    Asked(Duration),
    Until(Instant),
}

impl Timer {
    /// Starts it if that has not been done; whether its time is over.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        match *self {
            Self::Asked(time) => {
                *self = Self::Until(now + time);
                false
            }
            Self::Until(end) => end <= now,
        }
    }

    pub(super) fn deadline(self) -> Instant {
        match self {
            Self::Asked(_) => Instant::START,
            Self::Until(end) => end,
        }
    }
}

/// What a port does to the device on it, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Requests under way end unanswered.
    End,
    /// The same, for everything behind the port.
    Cut,
    /// The device is reset, at this moment.
    Reset,
    /// The device is suspended, or resumed.
    Suspend(bool),
}

/// Effects that have not been carried out.
#[derive(Debug, Default)]
pub(super) struct Effects(VecDeque<Effect>);

impl Effects {
    pub(super) fn push(&mut self, effect: Effect) {
        self.0.push_back(effect);
    }

    pub(super) fn take(&mut self) -> Option<Effect> {
        self.0.pop_front()
    }
}

/// A downstream port.
#[derive(Debug)]
pub(super) enum Port {
    Usb2(Usb2Port),
    Usb3(Usb3Port),
}

/// Calls the method of whichever it is.
macro_rules! either {
    ($self:ident, $port:ident => $call:expr) => {
        match $self {
            Port::Usb2($port) => $call,
            Port::Usb3($port) => $call,
        }
    };
}

impl Port {
    pub(super) fn new(speed: Speed) -> Self {
        if speed.is_super() {
            Self::Usb3(Usb3Port::default())
        } else {
            Self::Usb2(Usb2Port::default())
        }
    }

    /// As after the hub's configuration: without power, and without a history.
    pub(super) fn restart(&mut self) {
        either!(self, port => port.restart());
    }

    pub(super) fn plug(&mut self, speed: Speed) {
        either!(self, port => port.plug(speed));
    }

    pub(super) fn unplug(&mut self) {
        either!(self, port => port.unplug());
    }

    pub(super) fn fault(&mut self, fault: PortFault) {
        either!(self, port => port.fault(fault));
    }

    /// SET_FEATURE; `false` stalls it.
    pub(super) fn set(&mut self, feature: PortFeature, argument: u8) -> bool {
        either!(self, port => port.set(feature, argument))
    }

    /// CLEAR_FEATURE; `false` stalls it.
    pub(super) fn clear(&mut self, feature: PortFeature) -> bool {
        either!(self, port => port.clear(feature))
    }

    /// Status and change.
    pub(super) fn status(&self) -> (u16, u16) {
        either!(self, port => (port.status(), port.change))
    }

    /// Lets everything happen that was due by `now`.
    pub(super) fn advance(&mut self, now: Instant) {
        either!(self, port => port.advance(now));
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        either!(self, port => port.deadline())
    }

    /// The device on the port asks to be resumed; an answer only if it was the port that suspended it.
    pub(super) fn child_woke(&mut self) {
        either!(self, port => port.child_woke());
    }

    /// Whether traffic passes.
    pub(super) fn passes(&self) -> bool {
        either!(self, port => port.passes())
    }

    pub(super) fn is_suspended(&self) -> bool {
        either!(self, port => port.is_suspended())
    }

    /// Whether a change is there for which a sleeping host is to be woken.
    pub(super) fn wakes(&self) -> bool {
        either!(self, port => port.wakes())
    }

    pub(super) fn take_effect(&mut self) -> Option<Effect> {
        either!(self, port => port.effects.take())
    }
}
