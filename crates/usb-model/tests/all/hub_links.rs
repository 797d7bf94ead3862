//! SuperSpeed hubs: links, depth, and the two halves of a hub.

use std::time::Duration;

use usb_model::device::{HubOptions, HubPair};
use usb_model::{PortFault, Status};
use usb_spec::class::hub::{
    ExtendedPortStatus, LinkState, PortFeature, SuperSpeedPortChange, SuperSpeedPortStatus,
};
use usb_spec::descriptor::{BosView, Capability, Device};
use usb_spec::{DescriptorKind, Setup, Speed};

use crate::common::RamSlice;
use crate::common::tree::{HubBench, disk};

#[test]
fn a_super_speed_port_trains_before_it_connects_and_needs_no_reset() {
    let mut hub = HubBench::of(Speed::Super, 4);
    hub.configure_depth(0);
    hub.power(1);
    let empty = SuperSpeedPortStatus(hub.status(1).0);
    assert_eq!(empty.link_state(), LinkState::RX_DETECT);
    hub.attach(1, disk(Speed::Super));
    hub.bench.run();
    assert_eq!(
        SuperSpeedPortStatus(hub.status(1).0).link_state(),
        LinkState::POLLING
    );
    hub.wait(Duration::from_millis(12));
    let (status, change) = hub.status(1);
    let status = SuperSpeedPortStatus(status);
    assert!(status.is_connected() && status.is_enabled() && status.is_powered());
    assert_eq!(
        (status.link_state(), status.speed_code()),
        (LinkState::U0, 0)
    );
    assert_eq!(change, SuperSpeedPortChange::CONNECTION);
    assert_eq!(hub.ask(&[1], 0), Some(Status::Ok));
}

#[test]
fn a_super_speed_hub_finds_no_device_before_it_knows_its_depth() {
    let mut hub = HubBench::of(Speed::Super, 4);
    hub.attach(1, disk(Speed::Super));
    hub.enable(1);
    assert_eq!(hub.ask(&[1], 0), Some(Status::TransactionError));
    assert_eq!(hub.control_out(Setup::set_hub_depth(1)), Status::Ok);
    assert_eq!(
        hub.ask(&[1], 0),
        Some(Status::TransactionError),
        "it is not at depth 1"
    );
    assert_eq!(hub.control_out(Setup::set_hub_depth(5)), Status::Stall);
    hub.configure_depth(0);
    assert_eq!(hub.ask(&[1], 0), Some(Status::Ok));
}

#[test]
fn link_states_are_set_by_software_as_far_as_they_can_be() {
    let mut hub = HubBench::of(Speed::Super, 4);
    hub.configure_depth(0);
    hub.attach(1, disk(Speed::Super));
    hub.enable(1);
    let link = |hub: &mut HubBench| SuperSpeedPortStatus(hub.status(1).0).link_state();
    for state in [LinkState::U1, LinkState::U2, LinkState::U0, LinkState::U3] {
        assert_eq!(hub.set_link(1, state), Status::Ok);
        assert_eq!(link(&mut hub), state);
    }
    assert_eq!(
        hub.ask(&[1], 0),
        Some(Status::TransactionError),
        "it sleeps"
    );
    assert_eq!(hub.set_link(1, LinkState::U0), Status::Ok);
    hub.wait(Duration::from_millis(3));
    assert!(SuperSpeedPortChange(hub.status(1).1).has_link_state());
    assert_eq!(hub.ask(&[1], 0), Some(Status::Ok));
    assert_eq!(hub.set_link(1, LinkState::DISABLED), Status::Ok);
    assert_eq!(link(&mut hub), LinkState::DISABLED);
    assert_eq!(hub.set_link(1, LinkState::U3), Status::Stall);
    assert_eq!(hub.set_link(1, LinkState::RX_DETECT), Status::Ok);
    hub.wait(Duration::from_millis(13));
    assert_eq!(link(&mut hub), LinkState::U0);
    for feature in [
        PortFeature::PORT_U1_TIMEOUT,
        PortFeature::PORT_U2_TIMEOUT,
        PortFeature::PORT_REMOTE_WAKE_MASK,
    ] {
        assert_eq!(
            hub.control_out(Setup::set_port_feature_with(feature, 1, 7)),
            Status::Ok
        );
    }
}

#[test]
fn a_link_that_cannot_be_configured_says_so() {
    let mut hub = HubBench::of(Speed::Super, 4);
    hub.configure_depth(0);
    hub.power(1);
    hub.fault(1, PortFault::ConfigError);
    hub.attach(1, disk(Speed::Super));
    hub.wait(Duration::from_millis(13));
    let (status, change) = hub.status(1);
    assert_eq!(
        SuperSpeedPortStatus(status).link_state(),
        LinkState::INACTIVE
    );
    assert!(SuperSpeedPortChange(change).has_config_error());
}

#[test]
fn extended_status_tells_the_speed_on_super_speed_plus_hubs_alone() {
    let mut hub = HubBench::of(Speed::Super, 4);
    assert_eq!(
        hub.control_in(Setup::get_extended_port_status(1)),
        Err(Status::Stall)
    );
    let mut hub = HubBench::of(Speed::SuperPlus, 4);
    hub.attach(1, disk(Speed::SuperPlus));
    hub.attach(2, disk(Speed::Super));
    let bytes = hub.descriptor(DescriptorKind::BOS, 255);
    let store = BosView::parse(&bytes).unwrap();
    let speeds: Vec<u32> = store
        .capabilities()
        .filter_map(|capability| match capability {
            Ok(Capability::SuperSpeedPlus(plus)) => Some(plus.sublink_speeds().collect::<Vec<_>>()),
            _ => None,
        })
        .flatten()
        .collect();
    for (port, is_plus) in [(1, true), (2, false)] {
        hub.enable(port);
        let bytes = hub
            .control_in(Setup::get_extended_port_status(port))
            .unwrap();
        let status = ExtendedPortStatus(u32::from_le_bytes(bytes[4..8].try_into().unwrap()));
        let known = speeds.iter().any(|speed| {
            speed & 0xf == u32::from(status.rx_sublink_speed_id()) && speed >> 16 == 10
        });
        assert_eq!(known, is_plus);
    }
}

#[test]
fn both_halves_of_a_usb3_hub_carry_the_same_container() {
    let pair = HubPair::<RamSlice>::new(&HubOptions::default(), [7; 16]);
    for (hub, version) in [(pair.super_speed, 0x0310), (pair.high_speed, 0x0210)] {
        let mut hub = HubBench::new(hub);
        let device = Device::parse(&hub.descriptor(DescriptorKind::DEVICE, 18)).unwrap();
        assert_eq!(device.usb_version.0, version);
        let bytes = hub.descriptor(DescriptorKind::BOS, 255);
        let ids: Vec<_> = BosView::parse(&bytes)
            .unwrap()
            .capabilities()
            .filter_map(|capability| match capability {
                Ok(Capability::ContainerId(id)) => Some(id.uuid),
                _ => None,
            })
            .collect();
        assert_eq!(ids, [[7; 16]]);
    }
}

#[test]
fn a_super_speed_hub_forgets_its_depth_with_its_configuration() {
    let mut hub = HubBench::of(Speed::Super, 4);
    hub.configure_depth(0);
    hub.attach(1, disk(Speed::Super));
    assert_eq!(hub.control_out(Setup::set_configuration(1)), Status::Ok);
    hub.enable(1);
    assert_eq!(hub.ask(&[1], 0), Some(Status::TransactionError));
    hub.configure_depth(0);
    assert_eq!(hub.ask(&[1], 0), Some(Status::Ok));
}
