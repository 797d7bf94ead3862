//! Commands that do not come to an end, and controllers that do not go on.

use std::time::Duration;

use block::{PatternMedium, pattern};
use testkit::fault::{EventKind, Fault, What};
use testkit::{Pair, PairOptions, Report, shared};
use usb_class::scsi;
use usb_model::device::DiskOptions;
use usb_spec::speed::Speed;
use xhci_driver::{
    Death, EndpointKey, Notice, Operation, OperationError, StartError, TransferError,
};
use xhci_model::HostError;
use xhci_spec::number::Dci;

fn expected(seed: u64, at: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    pattern::fill(seed, at, &mut bytes);
    bytes
}

fn with_plan(plan: &[Fault]) -> PairOptions {
    PairOptions {
        plan: plan.to_vec(),
        jitter: true,
        ..PairOptions::default()
    }
}

fn assert_all_fired(report: &Report) {
    for (fault, fired) in &report.fired {
        assert!(*fired > 0, "{fault} never fired");
    }
}

fn death(pair: &Pair) -> Option<Death> {
    pair.notices().iter().find_map(|notice| match notice {
        Notice::Died { cause } => Some(*cause),
        _ => None,
    })
}

#[test]
fn a_command_that_gets_stuck_is_aborted_and_the_device_is_enumerated_after_all() {
    // The first is the self-test's No Op. Of the others each is one of the enumeration's.
    for number in 1..12 {
        for seed in 0..4 {
            let stuck = Fault::once(What::StuckCommand { lets_go: true }).after(number);
            let options = PairOptions {
                seed,
                ..with_plan(&[stuck])
            };
            let mut pair = Pair::up_with(options).expect("it comes up");
            let options = DiskOptions {
                speed: Speed::High,
                ..DiskOptions::default()
            };
            let (port, _) = pair.plug_disk(options, shared(PatternMedium::new(1 << 20, 1)));
            let slot = pair
                .attached(port)
                .unwrap_or_else(|hang| panic!("command {number}: {hang}"));
            let mut disk = pair.disk(slot).expect("it starts");
            let endpoint = usb_spec::EndpointAddress(0x81);
            for _ in 0..3 {
                let cleared = pair.operate(Operation::ClearHalt { slot, endpoint });
                let _aborted_or_not = cleared.expect("an end");
            }
            let read = pair.read(&mut disk, 0, 4096).expect("an end");
            assert!(
                read.as_deref() == Ok(&expected(1, 0, 4096)),
                "command {number}: {read:?}"
            );
            drop(disk);
            assert!(pair.notices().contains(&Notice::CommandAborted));
            let report = pair
                .finish()
                .unwrap_or_else(|hang| panic!("command {number}: {hang}"));
            assert_all_fired(&report);
        }
    }
}

#[test]
fn a_stuck_self_test_is_told_as_such() {
    let stuck = Fault::once(What::StuckCommand { lets_go: true });
    let pair = Pair::up_with(with_plan(&[stuck])).expect("it comes to an end");
    let told = matches!(
        death(&pair),
        Some(Death::Start(StartError::SelfTest { .. }))
    );
    assert!(told, "{:?}", pair.notices());
    assert_all_fired(&pair.finish().expect("nothing is left behind"));
}

#[test]
fn a_controller_that_never_lets_go_of_a_command_is_given_up_and_halted() {
    let stuck = Fault::once(What::StuckCommand { lets_go: false }).after(3);
    let mut pair = Pair::up_with(with_plan(&[stuck])).expect("it comes up");
    let (port, _) = pair.plug_disk(
        DiskOptions::default(),
        shared(PatternMedium::new(1 << 20, 1)),
    );
    assert_eq!(pair.attached_or_failed(port).expect("an end"), None);
    assert_eq!(death(&pair), Some(Death::AbortFailed));
    assert_all_fired(&pair.finish().expect("nothing is left behind"));
}

#[test]
fn a_command_doorbell_that_is_lost_costs_time_and_nothing_else() {
    for after in 0..8 {
        let lost = Fault::once(What::LostDoorbell).after(after + 1);
        let mut pair = Pair::up_with(with_plan(&[lost])).expect("it comes up");
        let (port, _) = pair.plug_disk(
            DiskOptions::default(),
            shared(PatternMedium::new(1 << 20, 1)),
        );
        let slot = pair
            .attached(port)
            .unwrap_or_else(|hang| panic!("doorbell {after}: {hang}"));
        let mut disk = pair.disk(slot).expect("it starts");
        let read = pair.read(&mut disk, 0, 4096).expect("an end");
        assert!(read.as_deref() == Ok(&expected(1, 0, 4096)));
        let endpoint = usb_spec::EndpointAddress(0x81);
        for _ in 0..4 {
            let cleared = pair.operate(Operation::ClearHalt { slot, endpoint });
            let _aborted_or_not = cleared.expect("an end");
        }
        drop(disk);
        let report = pair
            .finish()
            .unwrap_or_else(|hang| panic!("doorbell {after}: {hang}"));
        assert_all_fired(&report);
    }
}

#[test]
fn lost_events_and_interrupts_cost_time_and_no_byte() {
    for what in [
        What::LostEvent(EventKind::Transfer),
        What::LostEvent(EventKind::Command),
        What::LostInterrupt,
    ] {
        for after in 0..25 {
            let mut pair = Pair::up_with(with_plan(&[])).expect("it comes up");
            let lost = Fault::once(what).after(after);
            pair.inject(&[lost]);
            let options = DiskOptions {
                speed: Speed::High,
                ..DiskOptions::default()
            };
            let (port, _) = pair.plug_disk(options, shared(PatternMedium::new(1 << 20, 1)));
            let slot = pair
                .attached(port)
                .unwrap_or_else(|hang| panic!("{lost}: {hang}"));
            let mut disk = pair.disk(slot).expect("it starts");
            let endpoint = usb_spec::EndpointAddress(0x02);
            for round in 0..4 {
                let read = pair.read(&mut disk, 512 * round, 2048).expect("an end");
                assert!(
                    read.as_deref() == Ok(&expected(1, 512 * round, 2048)),
                    "{lost}: {read:?}"
                );
                for _ in 0..3 {
                    let cleared = pair.operate(Operation::ClearHalt { slot, endpoint });
                    let _aborted_or_not = cleared.expect("an end");
                }
            }
            drop(disk);
            let report = pair
                .finish()
                .unwrap_or_else(|hang| panic!("{lost}: {hang}"));
            assert_all_fired(&report);
        }
    }
}

#[test]
fn when_the_controller_dies_every_transfer_and_operation_comes_back_with_an_error() {
    for what in [
        What::Death(HostError::System),
        What::Death(HostError::Controller),
        What::Gone,
    ] {
        let mut pair = Pair::up_with(with_plan(&[])).expect("it comes up");
        let (port, _) = pair.plug_keyboard(usb_model::device::KeyboardOptions::default());
        let slot = pair.attached(port).expect("it is enumerated");
        let key = EndpointKey {
            slot,
            dci: Dci::new(3).expect("a DCI"),
        };
        let ids: Vec<_> = (0..5).map(|_| pair.submit_in(key, 8)).collect();
        pair.inject(&[Fault::once(what)]);
        let reset = pair.operate(Operation::ResetDevice { slot });
        assert_eq!(reset.expect("an end"), Err(OperationError::ControllerDead));
        for id in ids {
            let done = pair.wait_done(id).expect("an end");
            assert_eq!(done.status, Err(TransferError::ControllerDead), "{what:?}");
            assert!(done.buffer.is_some());
        }
        let id = pair.submit_in(key, 8);
        let status = pair.wait_done(id).expect("an end").status;
        assert_eq!(status, Err(TransferError::ControllerDead));
        let cause = death(&pair).expect("it is told");
        match what {
            What::Death(HostError::System) => assert_eq!(cause, Death::HostSystemError),
            What::Death(_) => assert_eq!(cause, Death::HostControllerError),
            _ => assert_eq!(cause, Death::Gone),
        }
        assert!(pair.notices().contains(&Notice::Detached { slot }));
        assert_all_fired(&pair.finish().expect("nothing is left behind"));
    }
}

#[test]
fn a_controller_that_dies_in_the_middle_of_a_read_gives_the_disk_a_clear_end() {
    for what in [
        What::Death(HostError::System),
        What::Death(HostError::Controller),
        What::Gone,
    ] {
        for after in (0..60).step_by(4) {
            let mut pair = Pair::up_with(with_plan(&[])).expect("it comes up");
            let (port, _) = pair.plug_disk(
                DiskOptions::default(),
                shared(PatternMedium::new(8 << 20, 1)),
            );
            let slot = pair.attached(port).expect("it is enumerated");
            let mut disk = pair.disk(slot).expect("it starts");
            pair.inject(&[Fault::once(what).after(after)]);
            let begun = pair.now();
            let read = loop {
                let read = pair.read(&mut disk, 0, 1 << 20).expect("an end");
                if read.is_err() {
                    break read;
                }
            };
            let error = read.map(drop).expect_err("it is dead").error;
            assert_eq!(error, scsi::Error::Gone, "{what:?} after {after}");
            assert!(pair.now() - begun < Duration::from_secs(60));
            drop(disk);
            assert_all_fired(&pair.finish().expect("nothing is left behind"));
        }
    }
}

#[test]
fn a_command_that_was_aborted_before_it_was_seen_is_not_carried_out_later() {
    // With one slot only, an Enable Slot that comes to life again would leave none for the next try.
    let lost = Fault::once(What::LostDoorbell).after(1);
    let mut options = with_plan(&[lost]);
    options.model.max_slots = 1;
    let mut pair = Pair::up_with(options).expect("it comes up");
    let (port, _) = pair.plug_disk(
        DiskOptions::default(),
        shared(PatternMedium::new(1 << 20, 1)),
    );
    pair.attached(port).expect("the slot is still free");
    assert!(pair.notices().contains(&Notice::CommandAborted));
    assert_all_fired(&pair.finish().expect("nothing is left behind"));
}
