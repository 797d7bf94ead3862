//! Life of an endpoint. xHCI 1.2 §4.8.3.

use super::{Transition, look_up, row};
use crate::context::EndpointState;
use crate::trb::{Command, CompletionCode};

/// What happens to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointInput {
    /// Configure Endpoint (for DCI 1: Address Device) adds it. xHCI 1.2 §4.6.5, §4.6.6.
    Add,
    /// Configure Endpoint drops it, or Disable Slot or Reset Device takes it away. xHCI 1.2 §4.6.4, §4.6.6, §4.6.11.
    Drop,
    /// Its doorbell rings. Harmless in every state: where it starts nothing, it is ignored. xHCI 1.2 §4.7.
    Doorbell,
    /// A stall, a transaction error after all retries, babble, or a split transaction error. xHCI 1.2 §4.10.2.
    Halt,
    /// A TRB that made no sense. xHCI 1.2 §4.10.2 (unchecked).
    TrbError,
    /// Stop Endpoint. xHCI 1.2 §4.6.9.
    StopEndpoint,
    /// Reset Endpoint. xHCI 1.2 §4.6.8.
    ResetEndpoint,
    /// Set TR Dequeue Pointer. xHCI 1.2 §4.6.10.
    SetTrDequeue,
}

impl EndpointInput {
    /// Every input.
    pub const ALL: [Self; 8] = [
        Self::Add,
        Self::Drop,
        Self::Doorbell,
        Self::Halt,
        Self::TrbError,
        Self::StopEndpoint,
        Self::ResetEndpoint,
        Self::SetTrDequeue,
    ];

    /// What a command is to the one endpoint that it names, or `None` if it names none.
    #[must_use]
    pub fn of(command: &Command) -> Option<Self> {
        Some(match command {
            Command::StopEndpoint { .. } => Self::StopEndpoint,
            Command::ResetEndpoint { .. } => Self::ResetEndpoint,
            Command::SetTrDequeue { .. } => Self::SetTrDequeue,
            _ => return None,
        })
    }

    /// What the end of a transfer is to its endpoint, or `None` if the endpoint goes on. xHCI 1.2 §4.10.2, §6.4.5.
    ///
    /// Holds for control, bulk and interrupt endpoints: isochronous ones never halt (§4.10.2, unchecked).
    #[must_use]
    pub fn of_completion(code: CompletionCode) -> Option<Self> {
        Some(match code {
            CompletionCode::STALL_ERROR
            | CompletionCode::USB_TRANSACTION_ERROR
            | CompletionCode::BABBLE_DETECTED_ERROR
            | CompletionCode::SPLIT_TRANSACTION_ERROR => Self::Halt,
            CompletionCode::TRB_ERROR => Self::TrbError,
            _ => return None,
        })
    }
}

/// The legal transitions of an endpoint. xHCI 1.2 §4.8.3, Figure 4-5 (figure number unchecked).
pub const TRANSITIONS: &[Transition<EndpointState, EndpointInput>] = {
    use EndpointInput as I;
    use EndpointState as S;
    &[
        row(S::Disabled, I::Add, S::Running),
        row(S::Disabled, I::Doorbell, S::Disabled),
        row(S::Running, I::Drop, S::Disabled),
        row(S::Running, I::Doorbell, S::Running),
        row(S::Running, I::Halt, S::Halted),
        row(S::Running, I::TrbError, S::Error),
        row(S::Running, I::StopEndpoint, S::Stopped),
        row(S::Halted, I::Drop, S::Disabled),
        row(S::Halted, I::Doorbell, S::Halted),
        row(S::Halted, I::ResetEndpoint, S::Stopped),
        row(S::Stopped, I::Drop, S::Disabled),
        row(S::Stopped, I::Doorbell, S::Running),
        row(S::Stopped, I::SetTrDequeue, S::Stopped),
        row(S::Error, I::Drop, S::Disabled),
        row(S::Error, I::Doorbell, S::Error),
        row(S::Error, I::SetTrDequeue, S::Stopped),
    ]
};

/// The state after an input that succeeds, or `None` if the input is illegal in this state.
#[must_use]
pub fn next(state: EndpointState, input: EndpointInput) -> Option<EndpointState> {
    look_up(TRANSITIONS, state, input)
}

/// How a command fails that is illegal in this state. xHCI 1.2 §4.6.8 to §4.6.10.
#[must_use]
pub fn refusal(state: EndpointState) -> CompletionCode {
    match state {
        EndpointState::Disabled => CompletionCode::ENDPOINT_NOT_ENABLED_ERROR,
        EndpointState::Running
        | EndpointState::Halted
        | EndpointState::Stopped
        | EndpointState::Error => CompletionCode::CONTEXT_STATE_ERROR,
    }
}
