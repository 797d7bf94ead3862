//! The tables of legal transitions are whole, unambiguous, and agree with what registers show.

use std::collections::HashSet;

use xhci_spec::context::{EndpointState, SlotState};
use xhci_spec::number::{Iova, SlotId};
use xhci_spec::registers::PortLinkState;
use xhci_spec::state::port::{USB2_TRANSITIONS, USB3_TRANSITIONS};
use xhci_spec::state::{
    Changes, EndpointInput, PortInput, PortTransition, Signals, SlotInput, SlotPhase, Usb2Port,
    Usb3Port, endpoint, next_usb2, next_usb3, slot,
};
use xhci_spec::trb::{Command, CompletionCode};

const ENDPOINT_STATES: [EndpointState; 5] = [
    EndpointState::Disabled,
    EndpointState::Running,
    EndpointState::Halted,
    EndpointState::Stopped,
    EndpointState::Error,
];

#[test]
fn no_table_answers_one_question_twice() {
    let slots: HashSet<_> = slot::TRANSITIONS
        .iter()
        .map(|row| (row.from, row.input))
        .collect();
    assert_eq!(slots.len(), slot::TRANSITIONS.len());
    let endpoints: HashSet<_> = endpoint::TRANSITIONS
        .iter()
        .map(|row| (row.from, row.input))
        .collect();
    assert_eq!(endpoints.len(), endpoint::TRANSITIONS.len());
    let usb2: HashSet<_> = USB2_TRANSITIONS
        .iter()
        .map(|row| (row.from, row.input))
        .collect();
    assert_eq!(usb2.len(), USB2_TRANSITIONS.len());
    let usb3: HashSet<_> = USB3_TRANSITIONS
        .iter()
        .map(|row| (row.from, row.input))
        .collect();
    assert_eq!(usb3.len(), USB3_TRANSITIONS.len());
}

#[test]
fn a_slot_lives_from_enable_to_disable() {
    let mut phase = SlotPhase::Disabled;
    for (input, expected) in [
        (SlotInput::EnableSlot, SlotPhase::Enabled),
        (SlotInput::AddressDeviceBlocked, SlotPhase::Default),
        (SlotInput::AddressDevice, SlotPhase::Addressed),
        (SlotInput::ConfigureEndpoint, SlotPhase::Configured),
        (SlotInput::EvaluateContext, SlotPhase::Configured),
        (SlotInput::Deconfigure, SlotPhase::Addressed),
        (SlotInput::ResetDevice, SlotPhase::Default),
        (SlotInput::DisableSlot, SlotPhase::Disabled),
    ] {
        phase = slot::next(phase, input).expect("legal");
        assert_eq!(phase, expected);
    }
}

#[test]
fn commands_in_the_wrong_slot_state_are_refused() {
    let legal_in = |input| {
        let legal = |phase: &SlotPhase| slot::next(*phase, input).is_some();
        SlotPhase::ALL.into_iter().filter(legal).collect::<Vec<_>>()
    };
    use SlotPhase::{Addressed, Configured, Default, Disabled, Enabled};
    assert_eq!(legal_in(SlotInput::EnableSlot), [Disabled]);
    assert_eq!(
        legal_in(SlotInput::DisableSlot),
        [Enabled, Default, Addressed, Configured]
    );
    assert_eq!(legal_in(SlotInput::AddressDevice), [Enabled, Default]);
    assert_eq!(legal_in(SlotInput::AddressDeviceBlocked), [Enabled]);
    assert_eq!(
        legal_in(SlotInput::ConfigureEndpoint),
        [Addressed, Configured]
    );
    assert_eq!(
        legal_in(SlotInput::EvaluateContext),
        [Default, Addressed, Configured]
    );
    assert_eq!(
        legal_in(SlotInput::EndpointCommand),
        [Default, Addressed, Configured]
    );
    assert_eq!(legal_in(SlotInput::ResetDevice), [Addressed, Configured]);
    assert_eq!(legal_in(SlotInput::ControllerReset), SlotPhase::ALL);
    assert_eq!(
        slot::refusal(Disabled),
        CompletionCode::SLOT_NOT_ENABLED_ERROR
    );
    assert_eq!(slot::refusal(Default), CompletionCode::CONTEXT_STATE_ERROR);
}

#[test]
fn a_context_shows_disabled_and_enabled_alike() {
    assert_eq!(SlotPhase::Disabled.shown(), SlotState::DisabledOrEnabled);
    assert_eq!(SlotPhase::Enabled.shown(), SlotState::DisabledOrEnabled);
    assert_eq!(SlotPhase::Configured.shown(), SlotState::Configured);
}

#[test]
fn a_command_is_known_by_what_it_does_to_its_slot() {
    let slot = SlotId::new(1).expect("not zero");
    let address = |block_set_address| Command::AddressDevice {
        input: Iova(0),
        slot,
        block_set_address,
    };
    assert_eq!(
        SlotInput::of(&address(false)),
        Some(SlotInput::AddressDevice)
    );
    assert_eq!(
        SlotInput::of(&address(true)),
        Some(SlotInput::AddressDeviceBlocked)
    );
    assert_eq!(SlotInput::of(&Command::NoOp), None);
    assert_eq!(
        SlotInput::of(&Command::ResetDevice { slot }),
        Some(SlotInput::ResetDevice)
    );
    assert_eq!(EndpointInput::of(&Command::ResetDevice { slot }), None);
}

#[test]
fn an_endpoint_leaves_halted_by_reset_and_error_by_a_new_dequeue_pointer() {
    use EndpointState::{Disabled, Error, Halted, Running, Stopped};
    let next = endpoint::next;
    assert_eq!(next(Halted, EndpointInput::ResetEndpoint), Some(Stopped));
    assert_eq!(next(Halted, EndpointInput::SetTrDequeue), None);
    assert_eq!(next(Error, EndpointInput::SetTrDequeue), Some(Stopped));
    assert_eq!(next(Error, EndpointInput::ResetEndpoint), None);
    assert_eq!(next(Stopped, EndpointInput::Doorbell), Some(Running));
    assert_eq!(next(Halted, EndpointInput::Doorbell), Some(Halted));
    for state in ENDPOINT_STATES {
        let stopped = (state == Running).then_some(Stopped);
        assert_eq!(next(state, EndpointInput::StopEndpoint), stopped);
        let dropped = (state != Disabled).then_some(Disabled);
        assert_eq!(next(state, EndpointInput::Drop), dropped);
        assert!(next(state, EndpointInput::Doorbell).is_some());
    }
    let refusal = endpoint::refusal;
    assert_eq!(
        refusal(Disabled),
        CompletionCode::ENDPOINT_NOT_ENABLED_ERROR
    );
    assert_eq!(refusal(Halted), CompletionCode::CONTEXT_STATE_ERROR);
}

#[test]
fn completions_halt_an_endpoint_or_leave_it_running() {
    let of = EndpointInput::of_completion;
    assert_eq!(of(CompletionCode::STALL_ERROR), Some(EndpointInput::Halt));
    assert_eq!(of(CompletionCode::TRB_ERROR), Some(EndpointInput::TrbError));
    assert_eq!(of(CompletionCode::SHORT_PACKET), None);
    assert_eq!(of(CompletionCode::SUCCESS), None);
}

/// The rules of §4.19.2 that tie change bits to what PORTSC shows before and after.
fn change_bits_agree<S: Copy + std::fmt::Debug>(
    table: &[PortTransition<S>],
    signals: impl Fn(S) -> Signals,
) {
    let has =
        |row: &PortTransition<S>, change: Changes| row.changes.bits(true) & change.bits(true) != 0;
    for row in table {
        let (before, after) = (signals(row.from), signals(row.to));
        assert_eq!(
            has(row, Changes::CSC),
            before.connected != after.connected,
            "{row:?}"
        );
        let ended = before.reset && !after.reset && row.input != PortInput::PowerOff;
        assert_eq!(has(row, Changes::PRC), ended, "{row:?}");
        for shown in [before, after] {
            assert!(shown.power || !shown.connected, "{row:?}");
            assert!(shown.connected || !shown.enabled, "{row:?}");
            assert!(!(shown.reset && shown.enabled), "{row:?}");
        }
        let inactive = after.link == PortLinkState::INACTIVE;
        assert!(!inactive || has(row, Changes::PLC), "{row:?}");
        if row.input == PortInput::Disable {
            assert!(!after.enabled && !has(row, Changes::PEC), "{row:?}");
        }
    }
}

#[test]
fn change_bits_of_ports_say_what_portsc_shows() {
    change_bits_agree(USB2_TRANSITIONS, Usb2Port::signals);
    change_bits_agree(USB3_TRANSITIONS, Usb3Port::signals);
    let pec = Changes::PEC.bits(true);
    assert!(
        USB3_TRANSITIONS
            .iter()
            .all(|row| row.changes.bits(true) & pec == 0)
    );
}

fn reachable<S: Copy + Eq + std::hash::Hash>(first: S, table: &[PortTransition<S>]) -> HashSet<S> {
    let mut seen = HashSet::from([first]);
    for _ in 0..table.len() {
        let more: Vec<_> = table
            .iter()
            .filter(|row| seen.contains(&row.from))
            .collect();
        seen.extend(more.iter().map(|row| row.to));
    }
    seen
}

#[test]
fn every_port_state_can_be_reached_and_every_powered_one_be_switched_off() {
    let usb2 = reachable(Usb2Port::PoweredOff, USB2_TRANSITIONS);
    let usb3 = reachable(Usb3Port::PoweredOff, USB3_TRANSITIONS);
    for state in Usb2Port::ALL {
        assert!(usb2.contains(&state), "{state:?}");
        let off = next_usb2(state, PortInput::PowerOff).is_some();
        assert_eq!(off, state.signals().power, "{state:?}");
    }
    for state in Usb3Port::ALL {
        assert!(usb3.contains(&state), "{state:?}");
        let off = next_usb3(state, PortInput::PowerOff).is_some();
        assert_eq!(off, state.signals().power, "{state:?}");
    }
}

#[test]
fn a_usb2_port_resumes_through_resume_and_never_straight_from_u3() {
    let write = PortInput::Write;
    let (state, _) = next_usb2(Usb2Port::U0, write(PortLinkState::U3)).expect("legal");
    assert_eq!(state, Usb2Port::U3);
    assert_eq!(next_usb2(state, write(PortLinkState::U0)), None);
    let (state, changes) = next_usb2(state, write(PortLinkState::RESUME)).expect("legal");
    assert_eq!((state, changes), (Usb2Port::Resume, Changes::NONE));
    let (state, changes) = next_usb2(state, write(PortLinkState::U0)).expect("legal");
    assert_eq!((state, changes), (Usb2Port::U0, Changes::PLC));
}

#[test]
fn a_usb3_port_reports_the_end_of_a_resume_but_not_of_a_nap() {
    let write = PortInput::Write;
    let end = |state| {
        let (state, _) = next_usb3(state, write(PortLinkState::U0)).expect("legal");
        next_usb3(state, PortInput::LinkUp)
    };
    assert_eq!(end(Usb3Port::U3), Some((Usb3Port::U0, Changes::PLC)));
    assert_eq!(end(Usb3Port::U1), Some((Usb3Port::U0, Changes::NONE)));
    assert_eq!(next_usb3(Usb3Port::U3, write(PortLinkState::RESUME)), None);
}

#[test]
fn entering_u3_is_reported_only_when_software_asked_for_it() {
    let (_, changes) = next_usb3(Usb3Port::U0, PortInput::Write(PortLinkState::U3)).expect("legal");
    assert_eq!(changes.bits(false), 0);
    assert_eq!(changes.bits(true), Changes::PLC.bits(false));
}

#[test]
fn only_a_warm_reset_brings_an_inactive_link_back() {
    assert_eq!(next_usb3(Usb3Port::Inactive, PortInput::Reset), None);
    let (state, _) = next_usb3(Usb3Port::Inactive, PortInput::WarmReset).expect("legal");
    let done = next_usb3(state, PortInput::ResetDone);
    assert_eq!(done, Some((Usb3Port::U0, Changes::PRC.and(Changes::WRC))));
}
