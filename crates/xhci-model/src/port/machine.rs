use usb_spec::speed::Speed;
use xhci_spec::extended::Protocol;
use xhci_spec::number::SpeedId;
use xhci_spec::state::{Changes, PortInput, Signals, Usb2Port, Usb3Port, next_usb2, next_usb3};

/// The state of a port, by the tables of xHCI 1.2 §4.19.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    Usb2(Usb2Port),
    Usb3(Usb3Port),
}

impl Machine {
    /// A port with power and nothing on it.
    pub(super) const fn powered(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Usb2 => Self::Usb2(Usb2Port::Disconnected),
            Protocol::Usb3 => Self::Usb3(Usb3Port::Disconnected),
        }
    }

    pub(super) const fn signals(self) -> Signals {
        match self {
            Self::Usb2(state) => state.signals(),
            Self::Usb3(state) => state.signals(),
        }
    }

    /// The state after `input`, or `None` if it means nothing here.
    pub(super) fn next(self, input: PortInput) -> Option<(Self, Changes)> {
        match self {
            Self::Usb2(state) => {
                next_usb2(state, input).map(|(next, changes)| (Self::Usb2(next), changes))
            }
            Self::Usb3(state) => {
                next_usb3(state, input).map(|(next, changes)| (Self::Usb3(next), changes))
            }
        }
    }

    /// From U3 until the link is back.
    pub(super) const fn is_suspended(self) -> bool {
        matches!(
            self,
            Self::Usb2(Usb2Port::U3 | Usb2Port::Resume)
                | Self::Usb3(Usb3Port::U3 | Usb3Port::Resume | Usb3Port::ResumeRecovery)
        )
    }

    /// In U3 itself, where a device may ask to be woken.
    pub(super) const fn is_asleep(self) -> bool {
        matches!(self, Self::Usb2(Usb2Port::U3) | Self::Usb3(Usb3Port::U3))
    }

    pub(super) const fn is_disconnected(self) -> bool {
        matches!(
            self,
            Self::Usb2(Usb2Port::Disconnected) | Self::Usb3(Usb3Port::Disconnected)
        )
    }
}

/// The default speed ids, which the Supported Protocol capabilities repeat. xHCI 1.2 §7.2.2.1.1.
pub(super) const fn speed_id(speed: Speed) -> SpeedId {
    match speed {
        Speed::Low => SpeedId::LOW,
        Speed::Full => SpeedId::FULL,
        Speed::High => SpeedId::HIGH,
        Speed::Super => SpeedId::SUPER,
        Speed::SuperPlus => SpeedId::SUPER_PLUS,
    }
}
