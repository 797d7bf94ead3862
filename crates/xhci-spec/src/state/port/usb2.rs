//! A root hub port that speaks USB2.

use super::{Changes, PortInput, PortTransition, Signals, look_up, row, signals};
use crate::registers::PortLinkState;

/// State of a USB2 port. xHCI 1.2 §4.19.1.1, Figures 4-25 and 4-26.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usb2Port {
    /// No power.
    PoweredOff,
    /// Nothing is connected.
    Disconnected,
    /// A device is connected, the port passes nothing on.
    Disabled,
    /// The port is being reset.
    Resetting,
    /// The device can be used.
    U0,
    /// L1.
    U2,
    /// Suspended (L2).
    U3,
    /// Resume is being signalled, by software or by the device.
    Resume,
}

impl Usb2Port {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::PoweredOff,
        Self::Disconnected,
        Self::Disabled,
        Self::Resetting,
        Self::U0,
        Self::U2,
        Self::U3,
        Self::Resume,
    ];

    /// What PORTSC shows. xHCI 1.2 §4.19.1.1.
    #[must_use]
    pub const fn signals(self) -> Signals {
        match self {
            Self::PoweredOff => signals([0, 0, 0, 0], PortLinkState::DISABLED),
            Self::Disconnected => signals([1, 0, 0, 0], PortLinkState::RX_DETECT),
            Self::Disabled => signals([1, 1, 0, 0], PortLinkState::POLLING),
            Self::Resetting => signals([1, 1, 0, 1], PortLinkState::POLLING),
            Self::U0 => signals([1, 1, 1, 0], PortLinkState::U0),
            Self::U2 => signals([1, 1, 1, 0], PortLinkState::U2),
            Self::U3 => signals([1, 1, 1, 0], PortLinkState::U3),
            Self::Resume => signals([1, 1, 1, 0], PortLinkState::RESUME),
        }
    }
}

/// The legal transitions of a USB2 port. xHCI 1.2 §4.19.1.1, §4.15, change bits §4.19.2.
///
/// HCRST is not in the table: it ends in Disconnected (or PoweredOff without power) from everywhere.
pub const USB2_TRANSITIONS: &[PortTransition<Usb2Port>] = {
    use Changes as C;
    use PortInput as I;
    use PortLinkState as L;
    use Usb2Port as S;
    &[
        row(S::PoweredOff, I::PowerOn, S::Disconnected, C::NONE),
        row(S::Disconnected, I::PowerOff, S::PoweredOff, C::NONE),
        row(S::Disconnected, I::Attach, S::Disabled, C::CSC),
        row(S::Disabled, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::Disabled, I::Detach, S::Disconnected, C::CSC),
        row(S::Disabled, I::Reset, S::Resetting, C::NONE),
        row(S::Resetting, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::Resetting, I::ResetDone, S::U0, C::PRC),
        // The device left while it was being reset: PR falls, which PRC reports, and so does CCS.
        row(S::Resetting, I::Detach, S::Disconnected, C::CSC.and(C::PRC)),
        row(S::Resetting, I::ResetFailed, S::Disabled, C::PRC),
        row(S::U0, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::U0, I::Detach, S::Disconnected, C::CSC),
        row(S::U0, I::Reset, S::Resetting, C::NONE),
        row(S::U0, I::Disable, S::Disabled, C::NONE),
        row(S::U0, I::LinkError, S::Disabled, C::PEC),
        row(S::U0, I::Write(L::U0), S::U0, C::NONE),
        row(S::U0, I::Write(L::U2), S::U2, C::NONE),
        row(S::U0, I::Write(L::U3), S::U3, C::PLC_IF_U3E),
        row(S::U0, I::Idle(L::U2), S::U2, C::NONE),
        row(S::U2, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::U2, I::Detach, S::Disconnected, C::CSC),
        row(S::U2, I::Reset, S::Resetting, C::NONE),
        row(S::U2, I::Disable, S::Disabled, C::NONE),
        row(S::U2, I::LinkError, S::Disabled, C::PLC),
        row(S::U2, I::Write(L::U0), S::U0, C::PLC),
        row(S::U2, I::DeviceResume, S::U0, C::PLC),
        // Hardware LPM wakes the link for a transfer and reports nothing.
        row(S::U2, I::LinkUp, S::U0, C::NONE),
        row(S::U3, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::U3, I::Detach, S::Disconnected, C::CSC),
        row(S::U3, I::Reset, S::Resetting, C::NONE),
        row(S::U3, I::Disable, S::Disabled, C::NONE),
        row(S::U3, I::Write(L::RESUME), S::Resume, C::NONE),
        row(S::U3, I::DeviceResume, S::Resume, C::PLC),
        row(S::Resume, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::Resume, I::Detach, S::Disconnected, C::CSC),
        row(S::Resume, I::Reset, S::Resetting, C::NONE),
        row(S::Resume, I::Disable, S::Disabled, C::NONE),
        // Software writes U0 after 20 ms of resume; PLC comes with U0. xHCI 1.2 §4.15.2.1.
        row(S::Resume, I::Write(L::U0), S::U0, C::PLC),
    ]
};

/// The state after an input and the change bits it sets, or `None` if the input is illegal in this state.
#[must_use]
pub fn next_usb2(state: Usb2Port, input: PortInput) -> Option<(Usb2Port, Changes)> {
    look_up(USB2_TRANSITIONS, state, input)
}
