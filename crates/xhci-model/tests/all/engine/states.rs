//! Every command in every state, by the tables of `xhci_spec::state`.

use usb_model::Status;
use xhci_spec::context::EndpointState;
use xhci_spec::number::SpeedId;
use xhci_spec::state::slot::{next, refusal};
use xhci_spec::state::{EndpointInput, SlotInput, SlotPhase, endpoint};
use xhci_spec::trb::{Command, CompletionCode, Trb};

use super::hands::{
    BULK_IN, Hands, INPUT, PORT, address_device, configure_endpoint, evaluate_context, ok,
    reset_endpoint, set_dequeue, slot, stop_endpoint,
};
use crate::common;

fn in_phase(phase: SlotPhase) -> Hands {
    let (mut hands, fake) = Hands::with_device(common::options());
    let enable = Command::EnableSlot { slot_type: 0 };
    match phase {
        SlotPhase::Disabled => {}
        SlotPhase::Enabled => assert_eq!(hands.command(enable), ok(1)),
        SlotPhase::Default => {
            assert_eq!(hands.command(enable), ok(1));
            hands.write_address_input(PORT, SpeedId::SUPER, 512);
            assert_eq!(hands.command(address_device(true)), ok(1));
        }
        SlotPhase::Addressed => hands.address(),
        SlotPhase::Configured => {
            hands.address();
            hands.configure();
        }
    }
    fake.seen();
    hands
}

#[test]
fn every_slot_command_in_every_slot_state_ends_as_the_table_says() {
    for phase in SlotPhase::ALL {
        for input in SlotInput::ALL {
            let mut hands = in_phase(phase);
            hands.write_address_input(PORT, SpeedId::SUPER, 512);
            let command = match input {
                SlotInput::DisableSlot => Command::DisableSlot { slot: slot(1) },
                SlotInput::AddressDevice => address_device(false),
                SlotInput::AddressDeviceBlocked => address_device(true),
                SlotInput::ConfigureEndpoint => {
                    hands.write_configure_input(&[7], 0);
                    configure_endpoint()
                }
                SlotInput::Deconfigure => Command::ConfigureEndpoint {
                    input: INPUT,
                    slot: slot(1),
                    deconfigure: true,
                },
                SlotInput::EvaluateContext => {
                    hands.write_control(0, 0b10);
                    evaluate_context()
                }
                SlotInput::EndpointCommand => stop_endpoint(1),
                SlotInput::ResetDevice => Command::ResetDevice { slot: slot(1) },
                SlotInput::EnableSlot | SlotInput::ControllerReset => continue,
            };
            let (code, _) = hands.command(command);
            let after = next(phase, input);
            let expected = after.map_or(refusal(phase), |_| CompletionCode::SUCCESS);
            assert_eq!(code, expected, "{input:?} in {phase:?}");
            let shown = after.unwrap_or(phase).shown();
            assert_eq!(hands.slot_state(1), shown, "{input:?} in {phase:?}");
        }
    }
}

fn in_state(state: EndpointState) -> Hands {
    let (mut hands, fake) = Hands::configured();
    match state {
        EndpointState::Disabled => {
            hands.write_configure_input(&[], 1 << BULK_IN);
            assert_eq!(hands.command(configure_endpoint()), ok(1));
        }
        EndpointState::Running => {}
        EndpointState::Halted => {
            hands.transfer(BULK_IN, 64);
            fake.answer(Status::Stall, 0);
            hands.bench.service();
        }
        EndpointState::Stopped => {
            assert_eq!(hands.command(stop_endpoint(BULK_IN)), ok(1));
        }
        EndpointState::Error => {
            hands.push_transfer(BULK_IN, Trb([0, 0, 0, 63 << 10]));
            hands.doorbell(1, BULK_IN);
        }
    }
    assert_eq!(hands.state(BULK_IN), state);
    hands.told(BULK_IN);
    hands
}

#[test]
fn every_endpoint_command_in_every_endpoint_state_ends_as_the_table_says() {
    let states = (0..=4).filter_map(EndpointState::from_raw);
    for state in states {
        for input in EndpointInput::ALL {
            let mut hands = in_state(state);
            let ring = hands.rings[usize::from(BULK_IN)];
            let command = match input {
                EndpointInput::StopEndpoint => stop_endpoint(BULK_IN),
                EndpointInput::ResetEndpoint => reset_endpoint(BULK_IN, false),
                EndpointInput::SetTrDequeue => set_dequeue(BULK_IN, ring),
                EndpointInput::Doorbell => {
                    hands.doorbell(1, BULK_IN);
                    let expected = endpoint::next(state, input).unwrap();
                    assert_eq!(hands.state(BULK_IN), expected, "doorbell in {state:?}");
                    continue;
                }
                EndpointInput::Add
                | EndpointInput::Drop
                | EndpointInput::Halt
                | EndpointInput::TrbError => continue,
            };
            let (code, _) = hands.command(command);
            let after = endpoint::next(state, input);
            let expected = after.map_or(endpoint::refusal(state), |_| CompletionCode::SUCCESS);
            assert_eq!(code, expected, "{input:?} in {state:?}");
            let shown = hands.state(BULK_IN);
            assert_eq!(shown, after.unwrap_or(state), "{input:?} in {state:?}");
        }
    }
}
