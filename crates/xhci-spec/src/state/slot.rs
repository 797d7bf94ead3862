//! Life of a device slot. xHCI 1.2 §4.5.3.

use super::{Transition, look_up, row};
use crate::context::SlotState;
use crate::trb::{Command, CompletionCode};

/// State of a slot, with the two that a context cannot tell apart. xHCI 1.2 §4.5.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SlotPhase {
    /// Nobody has the slot.
    #[default]
    Disabled,
    /// Software has the slot; it stands for no device yet.
    Enabled,
    /// The device answers at address 0.
    Default,
    /// The device has an address.
    Addressed,
    /// The device has a configuration.
    Configured,
}

impl SlotPhase {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Disabled,
        Self::Enabled,
        Self::Default,
        Self::Addressed,
        Self::Configured,
    ];

    /// What the slot context shows. xHCI 1.2 §6.2.2.
    #[must_use]
    pub const fn shown(self) -> SlotState {
        match self {
            Self::Disabled | Self::Enabled => SlotState::DisabledOrEnabled,
            Self::Default => SlotState::Default,
            Self::Addressed => SlotState::Addressed,
            Self::Configured => SlotState::Configured,
        }
    }
}

/// What happens to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotInput {
    /// Enable Slot chose this slot. xHCI 1.2 §4.6.3.
    EnableSlot,
    /// Disable Slot. xHCI 1.2 §4.6.4.
    DisableSlot,
    /// Address Device. xHCI 1.2 §4.6.5.
    AddressDevice,
    /// Address Device with BSR: the device gets no SET_ADDRESS. xHCI 1.2 §4.6.5.
    AddressDeviceBlocked,
    /// Configure Endpoint. xHCI 1.2 §4.6.6.
    ConfigureEndpoint,
    /// Configure Endpoint with DC: all endpoints but the control endpoint go. xHCI 1.2 §4.6.6.
    Deconfigure,
    /// Evaluate Context. xHCI 1.2 §4.6.7.
    EvaluateContext,
    /// Reset Endpoint, Stop Endpoint or Set TR Dequeue Pointer; the endpoint's state decides further.
    /// xHCI 1.2 §4.6.8 to §4.6.10.
    EndpointCommand,
    /// Reset Device. xHCI 1.2 §4.6.11.
    ResetDevice,
    /// HCRST or LHCRST. xHCI 1.2 §5.4.1.
    ControllerReset,
}

impl SlotInput {
    /// Every input.
    pub const ALL: [Self; 10] = [
        Self::EnableSlot,
        Self::DisableSlot,
        Self::AddressDevice,
        Self::AddressDeviceBlocked,
        Self::ConfigureEndpoint,
        Self::Deconfigure,
        Self::EvaluateContext,
        Self::EndpointCommand,
        Self::ResetDevice,
        Self::ControllerReset,
    ];

    /// What a command is to its slot, or `None` if the slot's state does not matter to it.
    #[must_use]
    pub fn of(command: &Command) -> Option<Self> {
        Some(match command {
            Command::EnableSlot { .. } => Self::EnableSlot,
            Command::DisableSlot { .. } => Self::DisableSlot,
            Command::AddressDevice {
                block_set_address: false,
                ..
            } => Self::AddressDevice,
            Command::AddressDevice {
                block_set_address: true,
                ..
            } => Self::AddressDeviceBlocked,
            Command::ConfigureEndpoint {
                deconfigure: false, ..
            } => Self::ConfigureEndpoint,
            Command::ConfigureEndpoint {
                deconfigure: true, ..
            } => Self::Deconfigure,
            Command::EvaluateContext { .. } => Self::EvaluateContext,
            Command::ResetEndpoint { .. }
            | Command::StopEndpoint { .. }
            | Command::SetTrDequeue { .. } => Self::EndpointCommand,
            Command::ResetDevice { .. } => Self::ResetDevice,
            _ => return None,
        })
    }
}

/// The legal transitions of a slot. xHCI 1.2 §4.5.3, Figure 4-2, with the legal states of §4.6.3 to §4.6.11.
pub const TRANSITIONS: &[Transition<SlotPhase, SlotInput>] = {
    use SlotInput as I;
    use SlotPhase as S;
    &[
        row(S::Disabled, I::EnableSlot, S::Enabled),
        row(S::Disabled, I::ControllerReset, S::Disabled),
        row(S::Enabled, I::DisableSlot, S::Disabled),
        row(S::Enabled, I::AddressDevice, S::Addressed),
        row(S::Enabled, I::AddressDeviceBlocked, S::Default),
        row(S::Enabled, I::ControllerReset, S::Disabled),
        row(S::Default, I::DisableSlot, S::Disabled),
        row(S::Default, I::AddressDevice, S::Addressed),
        row(S::Default, I::EvaluateContext, S::Default),
        row(S::Default, I::EndpointCommand, S::Default),
        row(S::Default, I::ControllerReset, S::Disabled),
        row(S::Addressed, I::DisableSlot, S::Disabled),
        row(S::Addressed, I::ConfigureEndpoint, S::Configured),
        // Deconfiguring what is not configured is harmless (unchecked).
        row(S::Addressed, I::Deconfigure, S::Addressed),
        row(S::Addressed, I::EvaluateContext, S::Addressed),
        row(S::Addressed, I::EndpointCommand, S::Addressed),
        row(S::Addressed, I::ResetDevice, S::Default),
        row(S::Addressed, I::ControllerReset, S::Disabled),
        row(S::Configured, I::DisableSlot, S::Disabled),
        row(S::Configured, I::ConfigureEndpoint, S::Configured),
        row(S::Configured, I::Deconfigure, S::Addressed),
        row(S::Configured, I::EvaluateContext, S::Configured),
        row(S::Configured, I::EndpointCommand, S::Configured),
        row(S::Configured, I::ResetDevice, S::Default),
        row(S::Configured, I::ControllerReset, S::Disabled),
    ]
};

/// The state after an input that succeeds, or `None` if the input is illegal in this state.
#[must_use]
pub fn next(state: SlotPhase, input: SlotInput) -> Option<SlotPhase> {
    look_up(TRANSITIONS, state, input)
}

/// How a command fails that is illegal in this state. xHCI 1.2 §4.6.4 to §4.6.11.
#[must_use]
pub fn refusal(state: SlotPhase) -> CompletionCode {
    match state {
        SlotPhase::Disabled => CompletionCode::SLOT_NOT_ENABLED_ERROR,
        SlotPhase::Enabled | SlotPhase::Default | SlotPhase::Addressed | SlotPhase::Configured => {
            CompletionCode::CONTEXT_STATE_ERROR
        }
    }
}
