//! Life of a root hub port, one machine for each protocol. xHCI 1.2 §4.19.1.

mod usb2;
mod usb3;

pub use usb2::{USB2_TRANSITIONS, Usb2Port, next_usb2};
pub use usb3::{USB3_TRANSITIONS, Usb3Port, next_usb3};

use crate::registers::{Field, PortLinkState, PortSc, Register};

/// Change bits that a transition sets in PORTSC. xHCI 1.2 §4.19.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Changes {
    always: u32,
    with_u3_entry: u32,
}

impl Changes {
    /// No change bit.
    pub const NONE: Self = Self::always(0);
    /// Connect status change.
    pub const CSC: Self = Self::always(portsc_bit("CSC"));
    /// Port enabled change.
    pub const PEC: Self = Self::always(portsc_bit("PEC"));
    /// Warm port reset change.
    pub const WRC: Self = Self::always(portsc_bit("WRC"));
    /// Port reset change.
    pub const PRC: Self = Self::always(portsc_bit("PRC"));
    /// Port link state change.
    pub const PLC: Self = Self::always(portsc_bit("PLC"));
    /// Port config error change.
    pub const CEC: Self = Self::always(portsc_bit("CEC"));
    /// Port link state change, but only if CONFIG says U3E. xHCI 1.2 §5.4.7.
    pub const PLC_IF_U3E: Self = Self {
        always: 0,
        with_u3_entry: Self::PLC.always,
    };

    const fn always(bits: u32) -> Self {
        Self {
            always: bits,
            with_u3_entry: 0,
        }
    }

    /// The bits to set in PORTSC, given CONFIG's U3E.
    #[must_use]
    pub const fn bits(self, u3_entry_enabled: bool) -> u32 {
        if u3_entry_enabled {
            self.always | self.with_u3_entry
        } else {
            self.always
        }
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            always: self.always | other.always,
            with_u3_entry: self.with_u3_entry | other.with_u3_entry,
        }
    }
}

/// Finds a one-bit field of PORTSC at compile time, so that no bit is written twice.
const fn portsc_bit(mnemonic: &str) -> u32 {
    let fields: &[Field] = PortSc::FIELDS;
    let mut i = 0;
    while i < fields.len() {
        if same(fields[i].mnemonic, mnemonic) {
            return crate::registers::low_half(fields[i].mask());
        }
        i += 1;
    }
    panic!("PORTSC has no such field")
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// What PORTSC shows in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signals {
    /// Port power.
    pub power: bool,
    /// Current connect status.
    pub connected: bool,
    /// Port enabled.
    pub enabled: bool,
    /// Port reset.
    pub reset: bool,
    /// Port link state.
    pub link: PortLinkState,
}

const fn signals(flags: [u8; 4], link: PortLinkState) -> Signals {
    Signals {
        power: flags[0] == 1,
        connected: flags[1] == 1,
        enabled: flags[2] == 1,
        reset: flags[3] == 1,
        link,
    }
}

/// What happens to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortInput {
    /// Software writes PP = 1, or a controller without power switches comes up.
    PowerOn,
    /// Software writes PP = 0, or over-current.
    PowerOff,
    /// A device appears.
    Attach,
    /// The device goes.
    Detach,
    /// Software writes PR = 1.
    Reset,
    /// Software writes WPR = 1 (USB3).
    WarmReset,
    /// The reset ends well.
    ResetDone,
    /// The reset ends, and the link did not come back or the device is gone.
    ResetFailed,
    /// Software writes PED = 1.
    Disable,
    /// Software writes PLS with LWS = 1.
    Write(PortLinkState),
    /// The device signals resume.
    DeviceResume,
    /// The link, or software's resume, has come back to U0; or training ended well (USB3).
    LinkUp,
    /// Hardware puts an idle link into this state.
    Idle(PortLinkState),
    /// Training fails, or a link error that retraining could not heal (USB3); babble at the end of a frame (USB2).
    LinkError,
    /// The link retrains (USB3).
    Retrain,
    /// Training ends in compliance mode (USB3).
    EnterCompliance,
    /// Training ends in loopback (USB3).
    EnterLoopback,
    /// The link came up but could not be configured (USB3).
    ConfigError,
}

/// One row of a port's table: in state `from`, `input` leads to `to` and sets `changes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortTransition<S> {
    /// The state before.
    pub from: S,
    /// What happens.
    pub input: PortInput,
    /// The state after.
    pub to: S,
    /// The change bits that the transition sets.
    pub changes: Changes,
}

const fn row<S: Copy>(from: S, input: PortInput, to: S, changes: Changes) -> PortTransition<S> {
    PortTransition {
        from,
        input,
        to,
        changes,
    }
}

fn look_up<S: Copy + Eq>(
    table: &[PortTransition<S>],
    state: S,
    input: PortInput,
) -> Option<(S, Changes)> {
    table
        .iter()
        .find(|row| row.from == state && row.input == input)
        .map(|row| (row.to, row.changes))
}
