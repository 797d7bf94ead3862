//! Chapter 9 by sentence: states, descriptors, features.

use usb_model::device::{Disk, DiskOptions, Keyboard, KeyboardOptions};
use usb_model::{Status, UsbDevice};
use usb_spec::descriptor::{
    BosView, ConfigurationView, Device, DeviceQualifier, LanguageId, StringDescriptor,
};
use usb_spec::setup::{Feature, TestMode};
use usb_spec::{DescriptorKind, EndpointAddress, Setup, Speed};

use crate::common::{Bench, RamSlice};

fn disk(speed: Speed) -> Bench<Disk<RamSlice>> {
    Bench::new(Disk::new(DiskOptions {
        speed,
        ..DiskOptions::default()
    }))
}

fn keyboard(speed: Speed) -> Bench<Keyboard<RamSlice>> {
    Bench::new(Keyboard::new(KeyboardOptions {
        speed,
        ..KeyboardOptions::default()
    }))
}

fn get<D: UsbDevice<RamSlice>>(
    bench: &mut Bench<D>,
    kind: DescriptorKind,
    index: u8,
    length: u16,
) -> Result<Vec<u8>, Status> {
    bench.control_in(Setup::get_descriptor(kind, index, LanguageId::NONE, length))
}

#[test]
fn a_usb2_device_answers_nobody_before_its_first_reset() {
    let mut bench = disk(Speed::High);
    let (status, _) = bench.stage(usb_spec::Direction::Out, usb_model::Stage::Setup([0; 8]), 0);
    assert_eq!(status, Status::TransactionError);
    bench.address();
}

#[test]
fn the_address_takes_effect_after_the_status_stage_only() {
    let mut bench = disk(Speed::High);
    bench.device.reset();
    bench.setup(Setup::set_address(9));
    assert_eq!(bench.device.state().address(), Some(0));
    assert_eq!(
        bench
            .stage(usb_spec::Direction::In, usb_model::Stage::ControlStatus, 0)
            .0,
        Status::Ok
    );
    assert_eq!(bench.device.state().address(), Some(9));
    let (status, _) = bench.stage(usb_spec::Direction::Out, usb_model::Stage::Setup([0; 8]), 0);
    assert_eq!(
        status,
        Status::TransactionError,
        "nobody is at address 0 any more"
    );
}

#[test]
fn address_zero_leads_back_to_default_and_128_is_refused() {
    let mut bench = disk(Speed::High);
    bench.address();
    assert_eq!(
        bench.control_out(Setup::set_address(128), &[]),
        Status::Stall
    );
    assert_eq!(bench.control_out(Setup::set_address(0), &[]), Status::Ok);
    assert_eq!(bench.device.state().address(), Some(0));
}

#[test]
fn the_device_descriptor_comes_in_the_default_state_and_as_short_as_asked_for() {
    for speed in Speed::ALL {
        let mut bench = keyboard(speed);
        bench.address();
        bench.control_out(Setup::set_address(0), &[]);
        bench.address = 0;
        let all = get(&mut bench, DescriptorKind::DEVICE, 0, 255).unwrap();
        let device = Device::parse(&all).unwrap();
        assert_eq!(all.len(), 18);
        assert_eq!((device.vendor, device.product), (0x1209, 0x0002));
        assert_eq!(
            device.ep0_max_packet_size(speed),
            Some(speed.default_ep0_max_packet_size())
        );
        assert_eq!(
            get(&mut bench, DescriptorKind::DEVICE, 0, 8).unwrap(),
            &all[..8]
        );
    }
}

#[test]
fn the_configuration_descriptor_holds_together_at_each_speed() {
    for speed in [Speed::Full, Speed::High, Speed::Super, Speed::SuperPlus] {
        let mut bench = disk(speed);
        bench.address();
        let bytes = get(&mut bench, DescriptorKind::CONFIGURATION, 0, 512).unwrap();
        let view = ConfigurationView::parse(&bytes).unwrap();
        view.check().unwrap();
        assert_eq!(usize::from(view.header().total_length), bytes.len());
        let interface = view.interface(0).unwrap().default_alternate().unwrap();
        let endpoints: Vec<_> = interface.endpoints().collect();
        assert_eq!(endpoints.len(), 2);
        for endpoint in endpoints {
            assert!(
                speed
                    .allowed_bulk_packet_sizes()
                    .contains(&endpoint.descriptor.max_packet_size())
            );
            assert_eq!(endpoint.companion().is_some(), speed.is_super());
        }
    }
}

#[test]
fn strings_are_listed_and_read_and_missing_ones_stall() {
    let mut bench = disk(Speed::Super);
    bench.address();
    let device = Device::parse(&get(&mut bench, DescriptorKind::DEVICE, 0, 18).unwrap()).unwrap();
    let languages = get(&mut bench, DescriptorKind::STRING, 0, 255).unwrap();
    assert_eq!(
        StringDescriptor::parse(&languages)
            .unwrap()
            .languages()
            .next(),
        Some(LanguageId::ENGLISH_US)
    );
    let product = get(
        &mut bench,
        DescriptorKind::STRING,
        device.product_string,
        255,
    )
    .unwrap();
    assert_eq!(
        StringDescriptor::parse(&product)
            .unwrap()
            .chars()
            .collect::<String>(),
        "Disk"
    );
    assert_eq!(
        get(&mut bench, DescriptorKind::STRING, 9, 255),
        Err(Status::Stall)
    );
}

#[test]
fn a_qualifier_is_there_at_high_speed_and_a_bos_at_super_speed_alone() {
    for speed in Speed::ALL {
        let mut bench = keyboard(speed);
        bench.address();
        let qualifier = get(&mut bench, DescriptorKind::DEVICE_QUALIFIER, 0, 10);
        let other = get(
            &mut bench,
            DescriptorKind::OTHER_SPEED_CONFIGURATION,
            0,
            255,
        );
        let bos = get(&mut bench, DescriptorKind::BOS, 0, 255);
        assert_eq!(
            (qualifier.is_ok(), other.is_ok()),
            (speed == Speed::High, speed == Speed::High)
        );
        assert_eq!(bos.is_ok(), speed.is_super());
        if let Ok(bytes) = qualifier {
            assert_eq!(DeviceQualifier::parse(&bytes).unwrap().configurations, 1);
            assert_eq!(
                other.unwrap()[1],
                DescriptorKind::OTHER_SPEED_CONFIGURATION.0
            );
        }
        if let Ok(bytes) = bos {
            let plus = usize::from(speed == Speed::SuperPlus);
            let store = BosView::parse(&bytes).unwrap();
            assert_eq!(store.capabilities().filter(Result::is_ok).count(), 2 + plus);
            assert_eq!(usize::from(store.header().total_length), bytes.len());
        }
    }
}

#[test]
fn configurations_are_set_read_and_taken_back() {
    let mut bench = disk(Speed::High);
    bench.address();
    assert_eq!(bench.control_in(Setup::get_configuration()), Ok(vec![0]));
    assert_eq!(
        bench.control_out(Setup::set_configuration(2), &[]),
        Status::Stall
    );
    assert_eq!(
        bench.control_in(Setup::get_interface(0)),
        Err(Status::Stall)
    );
    assert_eq!(
        bench.control_out(Setup::set_configuration(1), &[]),
        Status::Ok
    );
    assert_eq!(bench.control_in(Setup::get_configuration()), Ok(vec![1]));
    assert_eq!(bench.control_in(Setup::get_interface(0)), Ok(vec![0]));
    assert_eq!(
        bench.control_out(Setup::set_interface(0, 1), &[]),
        Status::Stall
    );
    assert_eq!(
        bench.control_out(Setup::set_configuration(0), &[]),
        Status::Ok
    );
    assert_eq!(bench.control_in(Setup::get_configuration()), Ok(vec![0]));
}

#[test]
fn a_device_without_an_address_cannot_be_configured() {
    let mut bench = disk(Speed::Super);
    bench.device.reset();
    bench.packet_sizes.extend([(0, 512), (0x80, 512)]);
    assert_eq!(
        bench.control_out(Setup::set_configuration(1), &[]),
        Status::Stall
    );
    assert_eq!(bench.control_in(Setup::get_status()), Err(Status::Stall));
}

#[test]
fn remote_wake_is_armed_as_its_speed_wants_it() {
    let mut low = keyboard(Speed::Low);
    low.configure();
    assert_eq!(
        low.control_out(Setup::set_feature(Feature::DEVICE_REMOTE_WAKEUP), &[]),
        Status::Ok
    );
    assert_eq!(low.control_in(Setup::get_status()), Ok(vec![2, 0]));
    assert_eq!(
        low.control_out(Setup::clear_feature(Feature::DEVICE_REMOTE_WAKEUP), &[]),
        Status::Ok
    );
    assert_eq!(low.control_in(Setup::get_status()), Ok(vec![0, 0]));
    assert_eq!(
        low.control_out(Setup::set_function_suspend(0, 3), &[]),
        Status::Stall
    );

    let mut fast = keyboard(Speed::Super);
    fast.configure();
    assert_eq!(
        fast.control_out(Setup::set_feature(Feature::DEVICE_REMOTE_WAKEUP), &[]),
        Status::Stall
    );
    assert_eq!(
        fast.control_out(Setup::set_function_suspend(0, 2), &[]),
        Status::Ok
    );
    assert_eq!(
        fast.control_in(Setup::get_interface_status(0)),
        Ok(vec![3, 0])
    );

    let mut disk = disk(Speed::High);
    disk.configure();
    assert_eq!(
        disk.control_out(Setup::set_feature(Feature::DEVICE_REMOTE_WAKEUP), &[]),
        Status::Stall
    );
}

#[test]
fn link_power_features_are_for_configured_super_speed_devices() {
    let mut bench = disk(Speed::Super);
    bench.address();
    assert_eq!(
        bench.control_out(Setup::set_feature(Feature::U1_ENABLE), &[]),
        Status::Stall
    );
    assert_eq!(
        bench.control_out(Setup::set_sel(), &[1, 2, 3, 0, 4, 0]),
        Status::Ok
    );
    assert_eq!(
        bench.control_out(Setup::set_isoch_delay(40), &[]),
        Status::Ok
    );
    assert_eq!(
        bench.control_out(Setup::set_configuration(1), &[]),
        Status::Ok
    );
    assert_eq!(
        bench.control_out(Setup::set_feature(Feature::U1_ENABLE), &[]),
        Status::Ok
    );
    assert_eq!(
        bench.control_out(Setup::set_feature(Feature::U2_ENABLE), &[]),
        Status::Ok
    );
    assert_eq!(bench.control_in(Setup::get_status()), Ok(vec![0b1100, 0]));
    assert_eq!(
        bench.control_out(Setup::set_feature(Feature::LTM_ENABLE), &[]),
        Status::Stall
    );

    let mut high = disk(Speed::High);
    high.configure();
    assert_eq!(
        high.control_out(Setup::set_feature(Feature::U1_ENABLE), &[]),
        Status::Stall
    );
    assert_eq!(high.control_out(Setup::set_sel(), &[0; 6]), Status::Stall);
    assert_eq!(
        high.control_out(Setup::set_test_mode(TestMode::TEST_PACKET), &[]),
        Status::Stall
    );
}

#[test]
fn halts_are_set_read_and_cleared_and_only_for_endpoints_that_exist() {
    let mut bench = disk(Speed::High);
    bench.configure();
    let endpoint = EndpointAddress(0x81);
    assert!(!bench.is_halted(endpoint));
    assert_eq!(
        bench.control_out(Setup::set_feature_endpoint_halt(endpoint), &[]),
        Status::Ok
    );
    assert!(bench.is_halted(endpoint));
    assert_eq!(bench.transfer(endpoint, 512), Some((Status::Stall, 0)));
    assert_eq!(
        bench.transfer(endpoint, 512),
        Some((Status::Stall, 0)),
        "a halt outlives the stall"
    );
    assert_eq!(bench.clear_halt(endpoint), Status::Ok);
    assert_eq!(
        bench.transfer(endpoint, 512),
        None,
        "nothing to say, but no stall"
    );
    assert_eq!(bench.clear_halt(EndpointAddress(0x83)), Status::Stall);
    assert_eq!(
        bench.control_in(Setup::get_endpoint_status(EndpointAddress(0x83))),
        Err(Status::Stall)
    );
    assert_eq!(
        bench.control_in(Setup::get_endpoint_status(EndpointAddress(0x80))),
        Ok(vec![0, 0])
    );
}

#[test]
fn choosing_a_configuration_or_an_interface_ends_halts() {
    let mut bench = disk(Speed::High);
    bench.configure();
    let endpoint = EndpointAddress(0x81);
    for setup in [Setup::set_configuration(1), Setup::set_interface(0, 0)] {
        bench.control_out(Setup::set_feature_endpoint_halt(endpoint), &[]);
        assert!(bench.is_halted(endpoint));
        assert_eq!(bench.control_out(setup, &[]), Status::Ok);
        assert!(!bench.is_halted(endpoint));
    }
}

#[test]
fn a_reset_forgets_address_configuration_halts_and_features() {
    let mut bench = keyboard(Speed::Low);
    bench.configure();
    bench.control_out(Setup::set_feature(Feature::DEVICE_REMOTE_WAKEUP), &[]);
    bench.control_out(Setup::set_feature_endpoint_halt(EndpointAddress(0x81)), &[]);
    bench.address();
    assert_eq!(bench.control_in(Setup::get_configuration()), Ok(vec![0]));
    assert_eq!(bench.control_in(Setup::get_status()), Ok(vec![0, 0]));
    bench.configure();
    assert!(!bench.is_halted(EndpointAddress(0x81)));
}
