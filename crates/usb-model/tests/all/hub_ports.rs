//! Hubs, port by port.

use std::time::Duration;

use usb_model::device::{Hub, HubOptions};
use usb_model::{PortFault, Stage, Status, UsbDevice};
use usb_spec::class::hub::{
    LinkState, PortChange, PortFeature, PortStatus, SuperSpeedPortChange, SuperSpeedPortStatus,
};
use usb_spec::descriptor::{
    ConfigurationView, Device, Hub as HubDescriptor, LanguageId, SuperSpeedHub,
};
use usb_spec::{DescriptorKind, Direction, Setup, Speed};

use crate::common::tree::{CHANGES, HubBench, disk, keyboard};
use crate::common::{Bench, RamSlice};

type AnyHub = Hub<RamSlice>;

#[test]
fn its_descriptors_say_what_kind_of_hub_it_is() {
    let cases = [
        (Speed::Full, false, 0, vec![0]),
        (Speed::High, false, 1, vec![0]),
        (Speed::High, true, 2, vec![1, 2]),
        (Speed::Super, false, 3, vec![0]),
        (Speed::SuperPlus, false, 3, vec![0]),
    ];
    for (speed, multi_tt, protocol, settings) in cases {
        let options = HubOptions {
            speed,
            multi_tt,
            ..HubOptions::default()
        };
        let mut hub = HubBench::new(AnyHub::new(&options));
        let bytes = hub.descriptor(DescriptorKind::DEVICE, 18);
        let device = Device::parse(&bytes).unwrap();
        assert_eq!((device.class, device.protocol), (9, protocol));
        let bytes = hub.descriptor(DescriptorKind::CONFIGURATION, 255);
        let view = ConfigurationView::parse(&bytes).unwrap();
        view.check().unwrap();
        let interface = view.interface(0).unwrap();
        let protocols: Vec<_> = interface
            .alternates()
            .map(|alternate| alternate.descriptor.protocol)
            .collect();
        assert_eq!(protocols, settings);
        assert_eq!(
            hub.qualifier_protocol(),
            (speed == Speed::High).then_some(0)
        );
    }
}

#[test]
fn its_hub_descriptor_is_of_its_half_of_the_cable() {
    for speed in [Speed::Full, Speed::High, Speed::Super] {
        let mut hub = HubBench::of(speed, 7);
        let usb2 = hub.control_in(Setup::get_hub_descriptor(DescriptorKind::HUB, 71));
        let usb3 = hub.control_in(Setup::get_hub_descriptor(
            DescriptorKind::SUPER_SPEED_HUB,
            12,
        ));
        if speed.is_super() {
            assert_eq!(usb2, Err(Status::Stall));
            assert_eq!(SuperSpeedHub::parse(&usb3.unwrap()).unwrap().ports, 7);
        } else {
            assert_eq!(usb3, Err(Status::Stall));
            let descriptor = HubDescriptor::parse(&usb2.unwrap()).unwrap();
            assert_eq!(descriptor.ports, 7);
            assert!(descriptor.characteristics.has_individual_power_switching());
            assert!(descriptor.characteristics.has_individual_over_current());
        }
    }
}

#[test]
fn a_port_without_power_sees_nothing_and_one_with_power_sees_what_is_there() {
    let mut hub = HubBench::of(Speed::High, 4);
    hub.attach(2, keyboard(Speed::Low));
    assert_eq!(hub.status(2), (0, 0));
    hub.power(2);
    let (status, change) = hub.status(2);
    let expected = PortStatus::POWER | PortStatus::CONNECTION | PortStatus::LOW_SPEED;
    assert_eq!((status, change), (expected, PortChange::CONNECTION));
    hub.clear(PortFeature::C_PORT_CONNECTION, 2);
    assert_eq!(hub.status(2), (expected, 0));
    hub.clear(PortFeature::PORT_POWER, 2);
    assert_eq!(hub.status(2), (0, 0));
}

#[test]
fn a_reset_takes_ten_milliseconds_and_resets_the_device_at_its_end() {
    let mut hub = HubBench::of(Speed::High, 4);
    hub.attach(1, disk(Speed::High));
    hub.power(1);
    assert_eq!(
        hub.ask(&[1], 0),
        Some(Status::TransactionError),
        "not enabled"
    );
    hub.set(PortFeature::PORT_RESET, 1);
    assert!(PortStatus(hub.status(1).0).is_resetting());
    hub.wait(Duration::from_millis(9));
    assert!(PortStatus(hub.status(1).0).is_resetting());
    assert_eq!(hub.ask(&[1], 0), Some(Status::TransactionError), "in reset");
    hub.wait(Duration::from_millis(2));
    let (status, change) = hub.status(1);
    assert!(PortStatus(status).is_enabled() && PortStatus(status).is_high_speed());
    assert!(!PortStatus(status).is_resetting());
    assert!(PortChange(change).has_reset());
    assert_eq!(
        hub.ask(&[1], 0),
        Some(Status::Ok),
        "default state, address 0"
    );
    assert_eq!(
        hub.ask(&[1], 9),
        Some(Status::TransactionError),
        "another's address"
    );
}

#[test]
fn a_device_behind_a_translator_that_is_gone_is_a_split_error() {
    let mut hub = HubBench::of(Speed::High, 4);
    hub.attach(1, keyboard(Speed::Low));
    hub.attach(2, disk(Speed::High));
    hub.enable(1);
    hub.enable(2);
    let tokens = [hub.request(&[1], 0), hub.request(&[2], 0)];
    assert_eq!(tokens.map(|token| hub.answer(token)), [Some(Status::Ok); 2]);
    hub.clear(PortFeature::PORT_ENABLE, 1);
    hub.clear(PortFeature::PORT_ENABLE, 2);
    assert_eq!(hub.ask(&[1], 0), Some(Status::SplitError));
    assert_eq!(hub.ask(&[2], 0), Some(Status::TransactionError));
}

#[test]
fn changes_come_over_the_interrupt_endpoint_once_an_interval() {
    let mut hub = HubBench::of(Speed::High, 4);
    for port in 1..=4 {
        hub.power(port);
    }
    assert_eq!(hub.changes(), None);
    let token = hub.bench.submit(CHANGES, Stage::Transfer, 1);
    hub.attach(3, keyboard(Speed::Full));
    hub.bench.run();
    assert_eq!(hub.bench.take(token).unwrap().bytes, 1);
    assert_eq!(hub.bench.ram.get(0, 1), [1 << 3]);
    hub.bench.sequences.insert(CHANGES.0, 1);
    assert_eq!(
        hub.changes(),
        None,
        "the change stands, but the interval is not over"
    );
    hub.wait(Duration::from_millis(256));
    assert_eq!(hub.changes(), Some(1 << 3));
    hub.clear(PortFeature::C_PORT_CONNECTION, 3);
    hub.wait(Duration::from_millis(256));
    assert_eq!(hub.changes(), None);
}

#[test]
fn a_device_that_is_pulled_leaves_its_requests_unanswered() {
    let mut hub = HubBench::of(Speed::High, 4);
    hub.attach(1, disk(Speed::High));
    hub.enable(1);
    hub.configure_child(&[1], 7);
    let token = hub.read(&[1], 7);
    assert_eq!(
        hub.answer(token),
        None,
        "a disk without a command has nothing to say"
    );
    assert!(hub.detach(1).is_some());
    assert_eq!(hub.answer(token), Some(Status::TransactionError));
    assert!(PortChange(hub.status(1).1).has_connection());
    assert!(hub.bench.device.child(1).is_none());
}

#[test]
fn a_port_suspends_and_resumes_its_device_alone() {
    let mut hub = HubBench::of(Speed::High, 4);
    hub.attach(1, disk(Speed::High));
    hub.attach(2, disk(Speed::High));
    hub.enable(1);
    hub.enable(2);
    hub.set(PortFeature::PORT_SUSPEND, 1);
    assert!(PortStatus(hub.status(1).0).is_suspended());
    assert_eq!(hub.ask(&[1], 0), Some(Status::TransactionError));
    assert_eq!(hub.ask(&[2], 0), Some(Status::Ok));
    hub.clear(PortFeature::PORT_SUSPEND, 1);
    hub.wait(Duration::from_millis(19));
    assert!(!PortChange(hub.status(1).1).has_suspend());
    hub.wait(Duration::from_millis(2));
    assert!(!PortStatus(hub.status(1).0).is_suspended());
    assert!(PortChange(hub.status(1).1).has_suspend());
    assert_eq!(hub.ask(&[1], 0), Some(Status::Ok), "it kept its address");
}

#[test]
fn over_current_takes_the_power_of_one_port_and_is_told_twice() {
    for speed in [Speed::High, Speed::Super] {
        let mut hub = HubBench::of(speed, 4);
        hub.attach(1, disk(speed));
        hub.enable(1);
        let before = hub.status(1).0;
        hub.fault(1, PortFault::OverCurrent);
        let (status, change) = hub.status(1);
        assert!(PortStatus(status).has_over_current() && !PortStatus(status).is_connected());
        assert!(PortChange(change).has_over_current());
        hub.clear(PortFeature::C_PORT_OVER_CURRENT, 1);
        hub.set(PortFeature::PORT_POWER, 1);
        assert_eq!(hub.status(1).0, status, "no power while it lasts");
        hub.fault(1, PortFault::OverCurrentEnds);
        assert!(PortChange(hub.status(1).1).has_over_current());
        hub.enable(1);
        assert_eq!(hub.status(1).0, before);
    }
}

#[test]
fn a_port_error_disables_a_usb2_port_and_makes_a_super_speed_link_inactive() {
    let mut hub = HubBench::of(Speed::High, 4);
    hub.attach(1, disk(Speed::High));
    hub.enable(1);
    hub.fault(1, PortFault::LinkError);
    let (status, change) = hub.status(1);
    assert!(!PortStatus(status).is_enabled() && PortChange(change).has_enable());

    let mut hub = HubBench::of(Speed::Super, 4);
    hub.configure_depth(0);
    hub.attach(1, disk(Speed::Super));
    hub.enable(1);
    hub.fault(1, PortFault::LinkError);
    let (status, change) = hub.status(1);
    assert_eq!(
        SuperSpeedPortStatus(status).link_state(),
        LinkState::INACTIVE
    );
    assert!(SuperSpeedPortChange(change).has_link_state());
    assert_eq!(
        hub.control_in(Setup::get_port_error_count(1)),
        Ok(vec![1, 0])
    );
    hub.set(PortFeature::BH_PORT_RESET, 1);
    hub.wait(Duration::from_millis(102));
    let (status, change) = hub.status(1);
    assert_eq!(SuperSpeedPortStatus(status).link_state(), LinkState::U0);
    assert!(SuperSpeedPortChange(change).has_bh_reset());
    assert_eq!(hub.ask(&[1], 0), Some(Status::Ok));
}

#[test]
fn translators_are_asked_by_port_only_if_each_port_has_one() {
    let mut hub = HubBench::with(&HubOptions {
        multi_tt: true,
        ..HubOptions::default()
    });
    assert_eq!(
        hub.control_out(Setup::clear_tt_buffer(0x8012, 1)),
        Status::Ok
    );
    assert_eq!(
        hub.control_out(Setup::clear_tt_buffer(0x8012, 3)),
        Status::Stall
    );
    assert_eq!(hub.control_out(Setup::set_interface(0, 1)), Status::Ok);
    assert_eq!(
        hub.control_out(Setup::clear_tt_buffer(0x8012, 3)),
        Status::Ok
    );
    assert_eq!(hub.control_out(Setup::reset_tt(4)), Status::Ok);
    assert_eq!(hub.control_out(Setup::reset_tt(5)), Status::Stall);
    let requests = hub.bench.device.translator_requests();
    assert_eq!((requests.cleared, requests.reset), (2, 1));
    let mut full = HubBench::of(Speed::Full, 4);
    assert_eq!(full.control_out(Setup::reset_tt(1)), Status::Stall);
}

#[test]
fn a_translator_that_was_stopped_translates_nothing_until_its_reset() {
    let mut hub = HubBench::of(Speed::High, 4);
    hub.attach(1, keyboard(Speed::Low));
    hub.attach(2, disk(Speed::High));
    hub.enable(1);
    hub.enable(2);
    let stop = Setup::from_bytes([0x23, 11, 0, 0, 1, 0, 0, 0]);
    assert_eq!(hub.control_out(stop), Status::Ok);
    assert_eq!(hub.ask(&[1], 0), Some(Status::SplitError));
    assert_eq!(hub.ask(&[2], 0), Some(Status::Ok));
    let state = Setup::from_bytes([0xa3, 10, 0, 0, 1, 0, 8, 0]);
    assert_eq!(hub.control_in(state).unwrap().len(), 8);
    assert_eq!(hub.control_out(Setup::reset_tt(1)), Status::Ok);
    assert_eq!(hub.ask(&[1], 0), Some(Status::Ok));
}

#[test]
fn deconfiguring_or_resetting_the_hub_cuts_everything_off() {
    for reset in [false, true] {
        let mut hub = HubBench::of(Speed::High, 4);
        hub.attach(1, disk(Speed::High));
        hub.enable(1);
        hub.configure_child(&[1], 7);
        let token = hub.read(&[1], 7);
        if reset {
            hub.bench.configure();
        } else {
            hub.control_out(Setup::set_configuration(0));
            hub.control_out(Setup::set_configuration(1));
        }
        assert_eq!(hub.answer(token), Some(Status::TransactionError));
        assert_eq!(hub.status(1), (0, 0), "powered off");
        hub.enable(1);
        assert_eq!(hub.ask(&[1], 0), Some(Status::Ok));
    }
}

#[test]
fn requests_that_a_hub_does_not_know_are_stalled() {
    let mut hub = HubBench::of(Speed::High, 4);
    for bytes in [
        [0x23, 3, 8, 0, 5, 0, 0, 0],  // power for port 5 of 4
        [0x23, 3, 28, 0, 1, 0, 0, 0], // BH_PORT_RESET at high speed
        [0x23, 3, 8, 0, 0, 0, 0, 0],  // port 0
        [0x20, 12, 0, 0, 0, 0, 0, 0], // SET_HUB_DEPTH at high speed
        [0x23, 3, 22, 0, 1, 4, 0, 0], // indicator 4
    ] {
        assert_eq!(
            hub.control_out(Setup::from_bytes(bytes)),
            Status::Stall,
            "{bytes:?}"
        );
    }
    assert_eq!(hub.control_in(Setup::get_hub_status()), Ok(vec![0; 4]));
    let unknown = Setup::get_descriptor(DescriptorKind::HUB, 0, LanguageId::NONE, 8);
    assert_eq!(hub.control_in(unknown), Err(Status::Stall));
}

#[test]
fn a_port_under_test_passes_nothing() {
    let mut hub = HubBench::of(Speed::High, 4);
    hub.attach(1, disk(Speed::High));
    hub.enable(1);
    hub.set(PortFeature::PORT_SUSPEND, 1);
    let test = Setup::set_port_feature_with(PortFeature::PORT_TEST, 1, 4);
    assert_eq!(hub.control_out(test), Status::Ok);
    assert!(PortStatus(hub.status(1).0).is_testing());
    assert_eq!(hub.ask(&[1], 0), Some(Status::TransactionError));
}

#[test]
fn the_bench_itself_finds_an_unconfigured_hub_silent() {
    let mut bench = Bench::new(AnyHub::new(&HubOptions::default()));
    bench.address();
    bench.setup(Setup::get_port_status(1));
    let (status, _) = bench.stage(Direction::In, Stage::ControlData, 4);
    assert_eq!(status, Status::Stall);
}
