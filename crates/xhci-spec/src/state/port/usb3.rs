//! A root hub port that speaks USB3.

use super::{Changes, PortInput, PortTransition, Signals, look_up, row, signals};
use crate::registers::PortLinkState;

/// State of a USB3 port. xHCI 1.2 §4.19.1.2, Figure 4-27.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usb3Port {
    /// No power.
    PoweredOff,
    /// Software disabled the port.
    Disabled,
    /// Nothing is connected.
    Disconnected,
    /// The link trains.
    Polling,
    /// A hot reset is under way.
    HotReset,
    /// A warm reset is under way, and a device is known to be there.
    WarmReset,
    /// A warm reset is under way on a port that has reported no device yet: cold attach, or training that hangs.
    WarmResetUnseen,
    /// The device can be used.
    U0,
    /// Light sleep.
    U1,
    /// Deeper sleep.
    U2,
    /// Suspended.
    U3,
    /// The device signals resume and waits for software.
    Resume,
    /// The link retrains on the way to U0.
    Recovery,
    /// As Recovery, on the way from U3: its end is reported.
    ResumeRecovery,
    /// The link failed (the specification's state Error).
    Inactive,
    /// Compliance mode.
    Compliance,
    /// Loopback; PLS says test mode.
    Loopback,
}

impl Usb3Port {
    /// Every state.
    pub const ALL: [Self; 17] = [
        Self::PoweredOff,
        Self::Disabled,
        Self::Disconnected,
        Self::Polling,
        Self::HotReset,
        Self::WarmReset,
        Self::WarmResetUnseen,
        Self::U0,
        Self::U1,
        Self::U2,
        Self::U3,
        Self::Resume,
        Self::Recovery,
        Self::ResumeRecovery,
        Self::Inactive,
        Self::Compliance,
        Self::Loopback,
    ];

    /// What PORTSC shows. xHCI 1.2 §4.19.1.2.
    ///
    /// CCS in Inactive, Compliance and Loopback, and PLS while a warm reset runs, are (unchecked).
    #[must_use]
    pub const fn signals(self) -> Signals {
        match self {
            Self::PoweredOff => signals([0, 0, 0, 0], PortLinkState::DISABLED),
            Self::Disabled => signals([1, 0, 0, 0], PortLinkState::DISABLED),
            Self::Disconnected => signals([1, 0, 0, 0], PortLinkState::RX_DETECT),
            Self::Polling => signals([1, 0, 0, 0], PortLinkState::POLLING),
            Self::HotReset => signals([1, 1, 0, 1], PortLinkState::HOT_RESET),
            Self::WarmReset => signals([1, 1, 0, 1], PortLinkState::RX_DETECT),
            Self::WarmResetUnseen => signals([1, 0, 0, 1], PortLinkState::RX_DETECT),
            Self::U0 => signals([1, 1, 1, 0], PortLinkState::U0),
            Self::U1 => signals([1, 1, 1, 0], PortLinkState::U1),
            Self::U2 => signals([1, 1, 1, 0], PortLinkState::U2),
            Self::U3 => signals([1, 1, 1, 0], PortLinkState::U3),
            Self::Resume => signals([1, 1, 1, 0], PortLinkState::RESUME),
            Self::Recovery | Self::ResumeRecovery => signals([1, 1, 1, 0], PortLinkState::RECOVERY),
            Self::Inactive => signals([1, 1, 0, 0], PortLinkState::INACTIVE),
            Self::Compliance => signals([1, 1, 0, 0], PortLinkState::COMPLIANCE_MODE),
            Self::Loopback => signals([1, 1, 0, 0], PortLinkState::TEST_MODE),
        }
    }
}

/// The legal transitions of a USB3 port. xHCI 1.2 §4.19.1.2, §4.15, change bits §4.19.2.
///
/// HCRST is not in the table: it ends in Disconnected (or PoweredOff without power) from everywhere. PEC never appears:
/// a USB3 port does not set it (§5.4.8). PR outside of the enabled states, and RxDetect out of Inactive, are (unchecked).
pub const USB3_TRANSITIONS: &[PortTransition<Usb3Port>] = {
    use Changes as C;
    use PortInput as I;
    use PortLinkState as L;
    use Usb3Port as S;
    &[
        row(S::PoweredOff, I::PowerOn, S::Disconnected, C::NONE),
        row(S::Disabled, I::PowerOff, S::PoweredOff, C::NONE),
        row(
            S::Disabled,
            I::Write(L::RX_DETECT),
            S::Disconnected,
            C::NONE,
        ),
        row(S::Disabled, I::WarmReset, S::WarmResetUnseen, C::NONE),
        row(S::Disconnected, I::PowerOff, S::PoweredOff, C::NONE),
        row(S::Disconnected, I::Disable, S::Disabled, C::NONE),
        row(S::Disconnected, I::Attach, S::Polling, C::NONE),
        // Arms the transition to compliance, if HCCPARAMS2 says CTC; the link goes there by itself. xHCI 1.2 §4.19.1.2.4.1 (unchecked).
        row(
            S::Disconnected,
            I::Write(L::COMPLIANCE_MODE),
            S::Disconnected,
            C::NONE,
        ),
        row(S::Disconnected, I::WarmReset, S::WarmResetUnseen, C::NONE),
        row(S::Polling, I::PowerOff, S::PoweredOff, C::NONE),
        row(S::Polling, I::Disable, S::Disabled, C::NONE),
        row(S::Polling, I::Detach, S::Disconnected, C::NONE),
        row(S::Polling, I::LinkUp, S::U0, C::CSC),
        row(
            S::Polling,
            I::ConfigError,
            S::Inactive,
            C::CSC.and(C::CEC).and(C::PLC),
        ),
        row(S::Polling, I::LinkError, S::Inactive, C::CSC.and(C::PLC)),
        row(
            S::Polling,
            I::EnterCompliance,
            S::Compliance,
            C::CSC.and(C::PLC),
        ),
        row(S::Polling, I::EnterLoopback, S::Loopback, C::CSC),
        row(S::Polling, I::WarmReset, S::WarmResetUnseen, C::NONE),
        row(S::HotReset, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::HotReset, I::Detach, S::Disconnected, C::CSC.and(C::PRC)),
        row(S::HotReset, I::ResetDone, S::U0, C::PRC),
        row(S::HotReset, I::ResetFailed, S::Inactive, C::PRC.and(C::PLC)),
        row(S::HotReset, I::WarmReset, S::WarmReset, C::NONE),
        row(S::WarmReset, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::WarmReset, I::ResetDone, S::U0, C::PRC.and(C::WRC)),
        row(
            S::WarmReset,
            I::Detach,
            S::Disconnected,
            C::CSC.and(C::PRC).and(C::WRC),
        ),
        row(
            S::WarmReset,
            I::ResetFailed,
            S::Inactive,
            C::PRC.and(C::WRC).and(C::PLC),
        ),
        row(S::WarmResetUnseen, I::PowerOff, S::PoweredOff, C::NONE),
        row(
            S::WarmResetUnseen,
            I::ResetDone,
            S::U0,
            C::CSC.and(C::PRC).and(C::WRC),
        ),
        row(
            S::WarmResetUnseen,
            I::Detach,
            S::Disconnected,
            C::PRC.and(C::WRC),
        ),
        row(
            S::WarmResetUnseen,
            I::ResetFailed,
            S::Disconnected,
            C::PRC.and(C::WRC),
        ),
        row(S::U0, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::U0, I::Disable, S::Disabled, C::CSC),
        row(S::U0, I::Detach, S::Disconnected, C::CSC),
        row(S::U0, I::Reset, S::HotReset, C::NONE),
        row(S::U0, I::WarmReset, S::WarmReset, C::NONE),
        row(S::U0, I::LinkError, S::Inactive, C::PLC),
        row(S::U0, I::Write(L::U0), S::U0, C::NONE),
        row(S::U0, I::Write(L::U3), S::U3, C::PLC_IF_U3E),
        row(S::U0, I::Idle(L::U1), S::U1, C::NONE),
        row(S::U0, I::Idle(L::U2), S::U2, C::NONE),
        row(S::U0, I::Retrain, S::Recovery, C::NONE),
        row(S::U1, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::U1, I::Disable, S::Disabled, C::CSC),
        row(S::U1, I::Detach, S::Disconnected, C::CSC),
        row(S::U1, I::Reset, S::HotReset, C::NONE),
        row(S::U1, I::WarmReset, S::WarmReset, C::NONE),
        row(S::U1, I::LinkError, S::Inactive, C::PLC),
        row(S::U1, I::Write(L::U0), S::Recovery, C::NONE),
        row(S::U1, I::Write(L::U3), S::U3, C::PLC_IF_U3E),
        row(S::U1, I::Idle(L::U2), S::U2, C::NONE),
        row(S::U1, I::Retrain, S::Recovery, C::NONE),
        row(S::U2, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::U2, I::Disable, S::Disabled, C::CSC),
        row(S::U2, I::Detach, S::Disconnected, C::CSC),
        row(S::U2, I::Reset, S::HotReset, C::NONE),
        row(S::U2, I::WarmReset, S::WarmReset, C::NONE),
        row(S::U2, I::LinkError, S::Inactive, C::PLC),
        row(S::U2, I::Write(L::U0), S::Recovery, C::NONE),
        row(S::U2, I::Write(L::U3), S::U3, C::PLC_IF_U3E),
        row(S::U2, I::Retrain, S::Recovery, C::NONE),
        row(S::U3, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::U3, I::Disable, S::Disabled, C::CSC),
        row(S::U3, I::Detach, S::Disconnected, C::CSC),
        row(S::U3, I::Reset, S::HotReset, C::NONE),
        row(S::U3, I::WarmReset, S::WarmReset, C::NONE),
        row(S::U3, I::LinkError, S::Inactive, C::PLC),
        row(S::U3, I::Write(L::U0), S::ResumeRecovery, C::NONE),
        row(S::U3, I::Write(L::U3), S::U3, C::NONE),
        row(S::U3, I::DeviceResume, S::Resume, C::PLC),
        row(S::Resume, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::Resume, I::Disable, S::Disabled, C::CSC),
        row(S::Resume, I::Detach, S::Disconnected, C::CSC),
        row(S::Resume, I::Reset, S::HotReset, C::NONE),
        row(S::Resume, I::WarmReset, S::WarmReset, C::NONE),
        row(S::Resume, I::LinkError, S::Inactive, C::PLC),
        row(S::Resume, I::Write(L::U0), S::ResumeRecovery, C::NONE),
        row(S::Recovery, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::Recovery, I::Disable, S::Disabled, C::CSC),
        row(S::Recovery, I::Detach, S::Disconnected, C::CSC),
        row(S::Recovery, I::Reset, S::HotReset, C::NONE),
        row(S::Recovery, I::WarmReset, S::WarmReset, C::NONE),
        row(S::Recovery, I::LinkError, S::Inactive, C::PLC),
        row(S::Recovery, I::LinkUp, S::U0, C::NONE),
        row(S::ResumeRecovery, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::ResumeRecovery, I::Disable, S::Disabled, C::CSC),
        row(S::ResumeRecovery, I::Detach, S::Disconnected, C::CSC),
        row(S::ResumeRecovery, I::Reset, S::HotReset, C::NONE),
        row(S::ResumeRecovery, I::WarmReset, S::WarmReset, C::NONE),
        row(S::ResumeRecovery, I::LinkError, S::Inactive, C::PLC),
        row(S::ResumeRecovery, I::LinkUp, S::U0, C::PLC),
        row(S::Inactive, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::Inactive, I::Disable, S::Disabled, C::CSC),
        row(S::Inactive, I::Detach, S::Disconnected, C::CSC),
        row(S::Inactive, I::WarmReset, S::WarmReset, C::NONE),
        row(S::Compliance, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::Compliance, I::Disable, S::Disabled, C::CSC),
        row(S::Compliance, I::Detach, S::Disconnected, C::CSC),
        row(S::Compliance, I::WarmReset, S::WarmReset, C::NONE),
        row(S::Loopback, I::PowerOff, S::PoweredOff, C::CSC),
        row(S::Loopback, I::Disable, S::Disabled, C::CSC),
        row(S::Loopback, I::Detach, S::Disconnected, C::CSC),
        row(S::Loopback, I::WarmReset, S::WarmReset, C::NONE),
        row(S::Inactive, I::Write(L::RX_DETECT), S::Disconnected, C::CSC),
    ]
};

/// The state after an input and the change bits it sets, or `None` if the input is illegal in this state.
#[must_use]
pub fn next_usb3(state: Usb3Port, input: PortInput) -> Option<(Usb3Port, Changes)> {
    look_up(USB3_TRANSITIONS, state, input)
}
