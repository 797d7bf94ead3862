//! What is behind a hub: who may be plugged in, who wakes whom, and what a pulled device leaves.

use std::time::Duration;

use usb_model::device::{Disk, DiskOptions, Keyboard, KeyboardOptions};
use usb_model::{AttachError, Downstream, Status, UsbDevice};
use usb_spec::class::hub::{PortChange, PortFeature, PortStatus};
use usb_spec::setup::Feature;
use usb_spec::{Setup, Speed};

use crate::common::RamSlice;
use crate::common::tree::{HubBench, hub, keyboard};

#[test]
fn a_hub_takes_what_is_not_faster_and_of_its_half() {
    let cases = [
        (Speed::Full, Speed::High, false),
        (Speed::Full, Speed::Full, true),
        (Speed::High, Speed::Low, true),
        (Speed::High, Speed::Super, false),
        (Speed::Super, Speed::High, false),
        (Speed::Super, Speed::SuperPlus, false),
        (Speed::SuperPlus, Speed::Super, true),
    ];
    for (hub, device, fits) in cases {
        let mut hub = HubBench::of(hub, 2);
        let refused = hub.bench.device.attach(1, keyboard(device));
        assert_eq!(
            refused.map_err(|r| r.why).err(),
            (!fits).then_some(AttachError::WrongSpeed)
        );
    }
    let mut hub = HubBench::of(Speed::High, 2);
    hub.attach(1, keyboard(Speed::Low));
    let again = hub
        .bench
        .device
        .attach(1, keyboard(Speed::Full))
        .unwrap_err();
    assert_eq!(
        (again.why, again.device.speed()),
        (AttachError::Occupied, Speed::Full)
    );
    let nowhere = hub
        .bench
        .device
        .attach(3, keyboard(Speed::Full))
        .unwrap_err();
    assert_eq!(nowhere.why, AttachError::NoSuchPort);
}

#[test]
fn a_sleeping_hub_wakes_for_a_plug_only_if_it_was_armed() {
    for armed in [false, true] {
        let mut hub = HubBench::of(Speed::High, 4);
        hub.power(1);
        if armed {
            hub.control_out(Setup::set_feature(Feature::DEVICE_REMOTE_WAKEUP));
        }
        hub.bench.device.suspend(true);
        hub.attach(1, keyboard(Speed::Low));
        assert_eq!(hub.bench.device.next_deadline().is_some(), armed);
        hub.bench.run();
        assert_eq!(hub.bench.wakes, usize::from(armed));
        hub.bench.device.suspend(false);
        assert!(PortChange(hub.status(1).1).has_connection());
    }
}

#[test]
fn a_key_wakes_its_port_and_the_hub_tells() {
    let mut hub = HubBench::of(Speed::High, 4);
    let mut typist = Keyboard::<RamSlice>::new(KeyboardOptions::default());
    typist.type_text("w");
    hub.attach(1, Box::new(typist));
    hub.enable(1);
    hub.configure_child(&[1], 3);
    hub.arm_child(&[1], 3);
    hub.set(PortFeature::PORT_SUSPEND, 1);
    hub.bench.run();
    hub.wait(Duration::from_millis(21));
    assert!(PortChange(hub.status(1).1).has_suspend());
    assert!(!PortStatus(hub.status(1).0).is_suspended());
    assert_eq!(hub.bench.wakes, 0, "the host was awake");
}

#[test]
fn a_key_behind_a_sleeping_hub_wakes_the_host() {
    let mut hub = HubBench::of(Speed::High, 4);
    let mut typist = Keyboard::<RamSlice>::new(KeyboardOptions::default());
    typist.type_text("w");
    hub.attach(1, Box::new(typist));
    hub.enable(1);
    hub.configure_child(&[1], 3);
    hub.arm_child(&[1], 3);
    hub.bench.device.suspend(true);
    hub.bench.run();
    hub.bench.run();
    assert_eq!(hub.bench.wakes, 1, "once");
    assert_eq!(
        hub.ask(&[1], 3),
        Some(Status::SplitError),
        "everything sleeps"
    );
    hub.bench.device.suspend(false);
    assert_eq!(hub.ask(&[1], 3), Some(Status::Ok));
}

#[test]
fn work_under_way_keeps_a_pulled_device_until_it_is_done() {
    let mut hub = HubBench::of(Speed::High, 4);
    hub.attach(
        1,
        Box::new(Disk::new(DiskOptions {
            speed: Speed::High,
            blocks: 64,
            ..DiskOptions::default()
        })),
    );
    hub.enable(1);
    hub.configure_child(&[1], 7);
    hub.ready_disk(&[1], 7);
    let [_, token] = hub.submit_disk_read(&[1], 7);
    hub.poll();
    assert_eq!(hub.held.len(), 1);
    assert!(hub.detach(1).is_none(), "a worker has its buffers");
    assert_eq!(hub.answer(token), None);
    assert_eq!(
        hub.bench
            .device
            .attach(1, keyboard(Speed::Low))
            .unwrap_err()
            .why,
        AttachError::Occupied
    );
    assert!(hub.bench.device.take_departed(1).is_none());
    hub.finish_work();
    assert_eq!(hub.answer(token), Some(Status::TransactionError));
    assert!(hub.bench.device.take_departed(1).is_some());
    hub.attach(1, keyboard(Speed::Low));
}

/// A hub in port 1 with a keyboard in its port 2, both configured; the keyboard may wake and has something to say.
fn two_tiers() -> HubBench {
    let mut bench = HubBench::of(Speed::High, 4);
    let mut typist = Keyboard::<RamSlice>::new(KeyboardOptions::default());
    typist.type_text("w");
    let mut inner = hub(Speed::High, 4);
    inner.attach(2, Box::new(typist)).unwrap();
    bench.attach(1, Box::new(inner));
    bench.enable(1);
    bench.configure_child(&[1], 3);
    for feature in [PortFeature::PORT_POWER, PortFeature::PORT_RESET] {
        bench.control(&[1], 3, Setup::set_port_feature(feature, 2));
        bench.wait(Duration::from_millis(11));
    }
    bench.configure_child(&[1, 2], 4);
    bench.arm_child(&[1, 2], 4);
    bench
}

#[test]
fn a_hub_that_is_polled_alone_lets_time_pass_for_all_behind_it() {
    let mut bench = two_tiers();
    let reset = Setup::set_port_feature(PortFeature::PORT_RESET, 2);
    bench.control(&[1], 3, reset);
    let before = bench.bench.now;
    for _ in 0..3 {
        let Some(deadline) = bench.bench.device.next_deadline() else {
            break;
        };
        bench.bench.now = bench.bench.now.max(deadline);
        bench.bench.run();
    }
    assert_eq!(
        bench.bench.device.next_deadline(),
        None,
        "the reset is over"
    );
    assert_eq!(bench.bench.now - before, Duration::from_millis(10));
}

#[test]
fn a_key_two_hubs_down_wakes_the_host_through_both() {
    let mut bench = two_tiers();
    bench.bench.device.suspend(true);
    bench.bench.run();
    assert_eq!(bench.bench.wakes, 1);
    bench.bench.device.suspend(false);
    assert_eq!(bench.ask(&[1, 2], 4), Some(Status::Ok));
}

#[test]
fn a_key_two_hubs_down_wakes_the_port_that_sleeps() {
    let mut bench = two_tiers();
    bench.set(PortFeature::PORT_SUSPEND, 1);
    bench.wait(Duration::from_millis(21));
    assert_eq!(bench.bench.wakes, 0, "the host was awake");
    assert!(PortChange(bench.status(1).1).has_suspend());
    assert_eq!(bench.ask(&[1, 2], 4), Some(Status::Ok));
}

#[test]
fn what_a_device_has_answered_before_it_is_pulled_still_arrives() {
    let mut bench = HubBench::of(Speed::High, 4);
    bench.attach(1, keyboard(Speed::Low));
    bench.enable(1);
    let token = bench.request(&[1], 0);
    assert!(bench.detach(1).is_some());
    assert_eq!(bench.answer(token), Some(Status::Ok));
    assert!(bench.bench.device.child(1).is_none());
}
