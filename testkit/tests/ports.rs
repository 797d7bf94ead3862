//! Ports: plugs and pulls at any moment, suspend and resume, one device at address 0 at a time.

use std::time::Duration;

use block::{PatternMedium, pattern};
use testkit::{Pair, PairOptions, shared};
use usb_model::device::{DiskOptions, KeyboardOptions};
use usb_spec::Setup;
use usb_spec::setup::Feature;
use usb_spec::speed::Speed;
use xhci_driver::{Notice, Operation, OperationError};
use xhci_model::PortFault;
use xhci_spec::number::PortId;
use xhci_spec::registers::{PortLinkState, PortSc, Register, port_base};

fn expected(seed: u64, at: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    pattern::fill(seed, at, &mut bytes);
    bytes
}

fn port_status(pair: &Pair, port: PortId) -> PortSc {
    let at = u32::from(pair.layout().capability_length) + port_base(port) + PortSc::OFFSET;
    PortSc::from_bits(pair.model().borrow_mut().mmio_read(at, pair.now()))
}

#[test]
fn a_disk_plugged_in_and_pulled_out_again_and_again_works_each_time() {
    for speed in [Speed::Super, Speed::High, Speed::Full] {
        let options = PairOptions {
            jitter: true,
            ..PairOptions::default()
        };
        let mut pair = Pair::up_with(options).expect("it comes up");
        for round in 0..5 {
            let options = DiskOptions {
                speed,
                ..DiskOptions::default()
            };
            let medium = shared(PatternMedium::new(1 << 20, round));
            let (port, _) = pair.plug_disk(options, medium);
            let slot = pair.attached(port).expect("it is enumerated");
            let mut disk = pair.disk(slot).expect("it starts");
            let read = pair.read(&mut disk, 0, 4096).expect("an end");
            assert!(read.as_deref() == Ok(&expected(round, 0, 4096)));
            pair.forget_notices();
            pair.unplug(port);
            let gone = Notice::Detached { slot };
            pair.wait("the removal", Duration::from_secs(5), |pair| {
                pair.notices().contains(&gone).then_some(())
            })
            .expect("the removal is seen");
        }
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn a_plug_that_bounces_is_enumerated_once_it_stays() {
    let mut pair = Pair::up().expect("it comes up");
    for _ in 0..6 {
        let (port, _) = pair.plug_keyboard(KeyboardOptions::default());
        pair.run_for(Duration::from_millis(15))
            .expect("time passes");
        pair.unplug(port);
        pair.run_for(Duration::from_millis(3)).expect("time passes");
    }
    let (port, hands) = pair.plug_keyboard(KeyboardOptions::default());
    let slot = pair.attached(port).expect("it is enumerated");
    let mut keyboard = pair.keyboard(slot).expect("a keyboard");
    hands.get().type_text("ok");
    assert_eq!(pair.hear(&mut keyboard, 2).expect("it types"), "ok");
    drop(keyboard);
    pair.finish().expect("nothing is left behind");
}

#[test]
fn devices_plugged_in_at_once_all_arrive_and_only_one_at_a_time_is_at_address_0() {
    for seed in 0..30 {
        let options = PairOptions {
            seed,
            jitter: true,
            ..PairOptions::default()
        };
        let mut pair = Pair::up_with(options).expect("it comes up");
        let mut ports = Vec::new();
        for speed in [Speed::High, Speed::Full, Speed::Super, Speed::Super] {
            let options = DiskOptions {
                speed,
                ..DiskOptions::default()
            };
            let medium = shared(PatternMedium::new(1 << 20, seed));
            ports.push(pair.plug_disk(options, medium).0);
        }
        ports.push(pair.plug_keyboard(KeyboardOptions::default()).0);
        for port in ports {
            pair.attached(port)
                .unwrap_or_else(|hang| panic!("seed {seed}: {hang}"));
        }
        let visits = pair.injector().visits_at_address_zero();
        let mut visitors = visits.clone();
        visitors.sort_unstable();
        visitors.dedup();
        assert_eq!(visitors.len(), 5, "seed {seed}: {visits:?}");
        assert_eq!(visits.len(), 5, "seed {seed}: they took turns: {visits:?}");
        pair.finish()
            .unwrap_or_else(|hang| panic!("seed {seed}: {hang}"));
    }
}

#[test]
fn a_suspended_port_is_in_u3_and_its_device_goes_on_after_resume() {
    for speed in [Speed::Low, Speed::High] {
        let mut pair = Pair::up().expect("it comes up");
        let options = KeyboardOptions {
            speed,
            ..KeyboardOptions::default()
        };
        let (port, hands) = pair.plug_keyboard(options);
        let slot = pair.attached(port).expect("it is enumerated");
        let mut keyboard = pair.keyboard(slot).expect("a keyboard");
        hands.get().type_text("ab");
        assert_eq!(pair.hear(&mut keyboard, 2).expect("it types"), "ab");
        let resumed = pair.operate(Operation::Resume { port }).expect("an end");
        assert_eq!(resumed, Err(OperationError::PortState), "not suspended yet");
        let suspended = pair.operate(Operation::Suspend { port }).expect("an end");
        assert_eq!(suspended, Ok(()));
        let state = port_status(&pair, port).port_link_state();
        assert_eq!(state, PortLinkState::U3);
        pair.run_for(Duration::from_secs(3)).expect("time passes");
        hands.get().type_text("cd");
        pair.run_for(Duration::from_secs(1)).expect("time passes");
        let resumed = pair.operate(Operation::Resume { port }).expect("an end");
        assert_eq!(resumed, Ok(()));
        let state = port_status(&pair, port).port_link_state();
        assert_eq!(state, PortLinkState::U0);
        assert_eq!(pair.hear(&mut keyboard, 2).expect("it types"), "cd");
        drop(keyboard);
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn a_disk_is_suspended_and_resumed_on_a_super_speed_port() {
    let mut pair = Pair::up().expect("it comes up");
    let medium = shared(PatternMedium::new(1 << 20, 8));
    let (port, _) = pair.plug_disk(DiskOptions::default(), medium);
    let slot = pair.attached(port).expect("it is enumerated");
    let mut disk = pair.disk(slot).expect("it starts");
    for round in 0..3 {
        let suspended = pair.operate(Operation::Suspend { port }).expect("an end");
        assert_eq!(suspended, Ok(()));
        let state = port_status(&pair, port).port_link_state();
        assert_eq!(state, PortLinkState::U3);
        let resumed = pair.operate(Operation::Resume { port }).expect("an end");
        assert_eq!(resumed, Ok(()));
        let read = pair.read(&mut disk, round * 512, 4096).expect("an end");
        assert!(read.as_deref() == Ok(&expected(8, round * 512, 4096)));
    }
    drop(disk);
    pair.finish().expect("nothing is left behind");
}

#[test]
fn a_keyboard_that_may_wakes_its_port_when_it_is_typed_on() {
    let mut pair = Pair::up().expect("it comes up");
    let (port, hands) = pair.plug_keyboard(KeyboardOptions::default());
    let slot = pair.attached(port).expect("it is enumerated");
    let mut keyboard = pair.keyboard(slot).expect("a keyboard");
    hands.get().type_text("ab");
    assert_eq!(pair.hear(&mut keyboard, 2).expect("it types"), "ab");
    // The last release is still to be fetched; with it unsent the keyboard would wake at once.
    pair.wait("silence", Duration::from_secs(1), |pair| {
        let _release = keyboard.poll(pair);
        hands.get().has_typed_all().then_some(())
    })
    .expect("the last report is fetched");
    let arm = Setup::set_feature(Feature::DEVICE_REMOTE_WAKEUP);
    let armed = pair.control(slot, arm, &[]).expect("an end");
    assert_eq!(armed.status, Ok(()));
    let suspended = pair.operate(Operation::Suspend { port }).expect("an end");
    assert_eq!(suspended, Ok(()));
    pair.run_for(Duration::from_secs(1)).expect("time passes");
    hands.get().type_text("cd");
    assert_eq!(pair.hear(&mut keyboard, 2).expect("it types"), "cd");
    let woken = Notice::RemoteWake { port };
    assert!(pair.notices().contains(&woken), "{:?}", pair.notices());
    drop((keyboard, armed));
    pair.finish().expect("nothing is left behind");
}

#[test]
fn a_device_pulled_out_while_suspended_is_gone_and_another_one_arrives() {
    let mut pair = Pair::up().expect("it comes up");
    let (port, _) = pair.plug_keyboard(KeyboardOptions::default());
    let slot = pair.attached(port).expect("it is enumerated");
    let suspended = pair.operate(Operation::Suspend { port }).expect("an end");
    assert_eq!(suspended, Ok(()));
    pair.unplug(port);
    let gone = Notice::Detached { slot };
    pair.wait("the removal", Duration::from_secs(5), |pair| {
        pair.notices().contains(&gone).then_some(())
    })
    .expect("the removal is seen");
    let (port, _) = pair.plug_keyboard(KeyboardOptions::default());
    pair.attached(port).expect("it is enumerated");
    pair.finish().expect("nothing is left behind");
}

#[test]
fn a_super_speed_link_that_fails_is_brought_back_by_a_warm_reset() {
    for fault in [
        PortFault::LinkError,
        PortFault::TrainingFails,
        PortFault::Compliance,
    ] {
        let mut pair = Pair::up().expect("it comes up");
        let medium = shared(PatternMedium::new(1 << 20, 8));
        let port = pair.free_port(Speed::Super);
        let now = pair.now();
        if fault != PortFault::LinkError {
            pair.model().borrow_mut().disturb_port(port, fault, now);
        }
        let (port, _) = pair.plug_disk(DiskOptions::default(), medium);
        let slot = pair.attached(port);
        let slot = slot.unwrap_or_else(|hang| panic!("{fault:?}: {hang}"));
        if fault == PortFault::LinkError {
            let now = pair.now();
            pair.forget_notices();
            pair.model().borrow_mut().disturb_port(port, fault, now);
            let gone = Notice::Detached { slot };
            pair.wait("the failure", Duration::from_secs(5), |pair| {
                pair.notices().contains(&gone).then_some(())
            })
            .expect("the failure is seen");
        }
        let slot = pair
            .attached(port)
            .unwrap_or_else(|hang| panic!("{fault:?}: {hang}"));
        let mut disk = pair.disk(slot).expect("it starts");
        let read = pair.read(&mut disk, 0, 4096).expect("an end");
        assert!(read.as_deref() == Ok(&expected(8, 0, 4096)), "{fault:?}");
        drop(disk);
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn over_current_is_told_when_it_begins_and_when_it_ends() {
    let mut pair = Pair::up().expect("it comes up");
    let port = pair.free_port(Speed::High);
    for (fault, active) in [
        (PortFault::OverCurrent, true),
        (PortFault::OverCurrentEnds, false),
    ] {
        let now = pair.now();
        pair.model().borrow_mut().disturb_port(port, fault, now);
        let told = Notice::OverCurrent { port, active };
        pair.wait("the news", Duration::from_secs(1), |pair| {
            pair.notices().contains(&told).then_some(())
        })
        .expect("it is told");
    }
    pair.finish().expect("nothing is left behind");
}
