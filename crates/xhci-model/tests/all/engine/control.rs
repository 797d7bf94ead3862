use usb_model::{Stage, Status};
use xhci_spec::context::EndpointState;
use xhci_spec::trb::{CompletionCode, Trb, Trt};

use super::hands::{
    BUFFERS, Hands, data_stage, ioc, normal, ok, reset_endpoint, set_dequeue, setup, status_stage,
    stop_endpoint, told,
};

const GET_DESCRIPTOR: [u8; 8] = [0x80, 6, 0, 1, 0, 0, 18, 0];
const SET_CONFIGURATION: [u8; 8] = [0, 9, 1, 0, 0, 0, 0, 0];
const SET_ADDRESS: [u8; 8] = [0, 5, 9, 0, 0, 0, 0, 0];

#[test]
fn a_control_read_is_three_requests_in_their_directions() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(1, setup(GET_DESCRIPTOR, Trt::IN));
    hands.push_transfer(1, data_stage(18, true));
    let status = hands.push_transfer(1, status_stage(false));
    hands.doorbell(1, 1);
    let seen = fake.seen();
    let stages: Vec<_> = seen.iter().map(|seen| seen.stage).collect();
    let expected = [
        Stage::Setup(GET_DESCRIPTOR),
        Stage::ControlData,
        Stage::ControlStatus,
    ];
    assert_eq!(stages, expected);
    let addresses: Vec<_> = seen.iter().map(|seen| seen.endpoint.0).collect();
    assert_eq!(addresses, [0, 0x80, 0]);
    assert_eq!(hands.told(1), [told(status, CompletionCode::SUCCESS, 0)]);
    assert_eq!(hands.bytes(BUFFERS, 18), [0x5a; 18]);
}

#[test]
fn a_control_request_without_data_ends_with_a_status_from_the_device() {
    let (mut hands, fake) = Hands::configured();
    hands.push_transfer(1, setup(SET_CONFIGURATION, Trt::NO_DATA));
    let status = hands.push_transfer(1, status_stage(true));
    hands.doorbell(1, 1);
    let seen = fake.seen();
    assert_eq!((seen.len(), seen[1].endpoint.0), (2, 0x80));
    assert_eq!(hands.told(1), [told(status, CompletionCode::SUCCESS, 0)]);
}

/// What a ring of control stages leads to: the index of the TRB that is refused.
fn refused_at(trbs: &[Trb]) -> Option<usize> {
    let (mut hands, _) = Hands::configured();
    let at: Vec<_> = trbs
        .iter()
        .map(|trb| hands.push_transfer(1, *trb))
        .collect();
    hands.doorbell(1, 1);
    let told = hands.told(1);
    let error = told
        .iter()
        .find(|told| told.code == CompletionCode::TRB_ERROR)?;
    assert_eq!(hands.state(1), EndpointState::Error);
    at.iter().position(|at| *at == error.at)
}

#[test]
fn stages_out_of_place_are_trb_errors() {
    let read = setup(GET_DESCRIPTOR, Trt::IN);
    let plain = setup(SET_CONFIGURATION, Trt::NO_DATA);
    for (trbs, expected) in [
        (vec![data_stage(18, true)], Some(0)),
        (vec![status_stage(true)], Some(0)),
        (vec![normal(BUFFERS, 8, ioc())], Some(0)),
        (vec![read, data_stage(18, false)], Some(1)),
        (vec![plain, data_stage(18, true)], Some(1)),
        (vec![read, status_stage(true)], Some(1)),
        (vec![plain, status_stage(false)], Some(1)),
        (
            vec![read, data_stage(18, true), status_stage(true)],
            Some(2),
        ),
        (vec![setup(GET_DESCRIPTOR, Trt(1))], Some(0)),
        (vec![plain, plain, status_stage(true)], None),
        (vec![plain, status_stage(true), status_stage(true)], Some(2)),
    ] {
        assert_eq!(refused_at(&trbs), expected, "{trbs:x?}");
    }
}

#[test]
fn a_setup_stage_is_eight_bytes_of_immediate_data() {
    let good = setup(SET_CONFIGURATION, Trt::NO_DATA).0;
    let without_idt = Trb([good[0], good[1], good[2], good[3] & !(1 << 6)]);
    let with_9_bytes = Trb([good[0], good[1], good[2] + 1, good[3]]);
    assert_eq!(refused_at(&[without_idt]), Some(0));
    assert_eq!(refused_at(&[with_9_bytes]), Some(0));
}

#[test]
fn set_address_is_the_controllers_own() {
    assert_eq!(refused_at(&[setup(SET_ADDRESS, Trt::NO_DATA)]), Some(0));
}

#[test]
fn a_stalled_request_halts_and_a_new_one_goes_well_after_the_reset() {
    let (mut hands, fake) = Hands::configured();
    fake.control(None);
    hands.push_transfer(1, setup(GET_DESCRIPTOR, Trt::IN));
    let data = hands.push_transfer(1, data_stage(18, true));
    hands.push_transfer(1, status_stage(false));
    hands.doorbell(1, 1);
    assert_eq!(fake.waiting(), 1, "one stage at a time");
    fake.answer(Status::Ok, 0);
    hands.bench.service();
    fake.answer(Status::Stall, 0);
    hands.bench.service();
    assert_eq!(hands.told(1), [told(data, CompletionCode::STALL_ERROR, 18)]);
    assert_eq!(hands.state(1), EndpointState::Halted);
    assert_eq!(fake.waiting(), 0, "the status stage was never sent");
    assert_eq!(hands.command(reset_endpoint(1, false)), ok(1));
    let ring = hands.rings[1];
    assert_eq!(hands.command(set_dequeue(1, ring)), ok(1));
    fake.control(Some(Status::Ok));
    hands.push_transfer(1, setup(SET_CONFIGURATION, Trt::NO_DATA));
    let status = hands.push_transfer(1, status_stage(true));
    hands.doorbell(1, 1);
    assert_eq!(hands.told(1), [told(status, CompletionCode::SUCCESS, 0)]);
}

#[test]
fn a_data_stage_that_was_stopped_goes_on() {
    let (mut hands, fake) = Hands::configured();
    fake.control(None);
    hands.push_transfer(1, setup(GET_DESCRIPTOR, Trt::IN));
    let data = hands.push_transfer(1, data_stage(18, true));
    let status = hands.push_transfer(1, status_stage(false));
    hands.doorbell(1, 1);
    fake.answer(Status::Ok, 0);
    hands.bench.service();
    assert_eq!(hands.command(stop_endpoint(1)), ok(1));
    assert_eq!(hands.told(1), [told(data, CompletionCode::STOPPED, 18)]);
    hands.doorbell(1, 1);
    fake.answer(Status::Ok, 18);
    hands.bench.service();
    fake.answer(Status::Ok, 0);
    hands.bench.service();
    assert_eq!(hands.told(1), [told(status, CompletionCode::SUCCESS, 0)]);
}
