//! Descriptors in the shape that well-known devices have, and broken ones that are met in the field.

use usb_spec::class::class_name;
use usb_spec::class::hid::BOOT_KEYBOARD_REPORT_DESCRIPTOR;
use usb_spec::descriptor::{
    BosView, Capability, ConfigurationView, DescriptorError, Device, Hub, HubCharacteristics,
    PortMap, SuperSpeedHub,
};
use usb_spec::{DescriptorKind, Direction, EndpointAddress, Speed, TransferKind};

/// A SuperSpeed disk with Bulk-Only transport, as virtual machines offer it.
const DISK_DEVICE: [u8; 18] = [
    18, 1, 0x00, 0x03, 0, 0, 0, 9, 0xf4, 0x46, 0x01, 0x00, 0x00, 0x00, 1, 2, 3, 1,
];
const DISK: [u8; 44] = [
    9, 2, 44, 0, 1, 1, 5, 0xc0, 0, // configuration: self-powered
    9, 4, 0, 0, 2, 8, 6, 0x50, 0, // interface: mass storage, SCSI, Bulk-Only
    7, 5, 0x81, 2, 0x00, 0x04, 0, // endpoint 1 IN, bulk, 1024
    6, 0x30, 15, 0, 0, 0, // companion: bursts of 16
    7, 5, 0x02, 2, 0x00, 0x04, 0, // endpoint 2 OUT, bulk, 1024
    6, 0x30, 15, 0, 0, 0, // companion
];

/// A full-speed boot keyboard.
const KEYBOARD: [u8; 34] = [
    9, 2, 34, 0, 1, 1, 8, 0xa0, 50, // configuration: remote wakeup, 100 mA
    9, 4, 0, 0, 1, 3, 1, 1, 0, // interface: HID, boot, keyboard
    9, 0x21, 0x11, 0x01, 0, 1, 0x22, 63, 0, // HID 1.11, report descriptor of 63 bytes
    7, 5, 0x81, 3, 8, 0, 10, // endpoint 1 IN, interrupt, 8, every 10 ms
];

/// A high-speed camera: two interfaces in one function, the second with a setting without bandwidth and one with three packets.
const CAMERA: [u8; 62] = [
    9, 2, 62, 0, 2, 1, 0, 0x80, 250, //
    8, 0x0b, 0, 2, 0x0e, 3, 0, 0, // association
    9, 4, 0, 0, 0, 0x0e, 1, 0, 0, // video control
    5, 0x24, 1, 0, 1, // class-specific header, cut
    9, 4, 1, 0, 0, 0x0e, 2, 0, 0, // video streaming, no bandwidth
    9, 4, 1, 1, 1, 0x0e, 2, 0, 0, // video streaming
    6, 0x24, 4, 1, 1, 0, // class-specific format, cut
    7, 5, 0x81, 5, 0x00, 0x14, 1, // endpoint 1 IN, isochronous asynchronous, 3 x 1024
];

#[test]
fn a_super_speed_disk_is_understood() {
    let device = Device::parse(&DISK_DEVICE).unwrap();
    assert_eq!(device.ep0_max_packet_size(Speed::Super), Some(512));
    assert_eq!(
        (device.vendor, device.product, device.serial_string),
        (0x46f4, 1, 3)
    );
    assert_eq!(device.usb_version.to_string(), "3.00");

    let view = ConfigurationView::parse(&DISK).unwrap();
    assert_eq!(view.check(), Ok(()));
    assert!(view.header().is_self_powered() && !view.is_truncated());
    let alternate = view.interface(0).unwrap().default_alternate().unwrap();
    let class = alternate.descriptor;
    assert_eq!(
        class_name(class.class, class.subclass, class.protocol),
        "disk"
    );
    let endpoints: Vec<_> = alternate.endpoints().collect();
    assert_eq!(endpoints.len(), 2);
    assert_eq!(
        endpoints[0].descriptor.address,
        EndpointAddress::new(1, Direction::In)
    );
    assert_eq!(
        endpoints[1].descriptor.address,
        EndpointAddress::new(2, Direction::Out)
    );
    for endpoint in endpoints {
        assert_eq!(endpoint.descriptor.kind(), TransferKind::Bulk);
        assert_eq!(endpoint.descriptor.max_packet_size(), 1024);
        assert_eq!(endpoint.companion().unwrap().max_burst, 15);
        assert_eq!(endpoint.companion().unwrap().max_streams(), 0);
        assert_eq!(
            endpoint.max_bytes_per_service_interval(Speed::Super),
            0,
            "bulk reserves nothing"
        );
    }
}

#[test]
fn a_boot_keyboard_is_understood() {
    let view = ConfigurationView::parse(&KEYBOARD).unwrap();
    assert_eq!(view.header().max_power_ma(Speed::Full), 100);
    assert!(view.header().has_remote_wakeup());
    let alternate = view
        .interfaces()
        .next()
        .unwrap()
        .default_alternate()
        .unwrap();
    let hid = alternate.hid().unwrap();
    assert_eq!(
        usize::from(hid.report_length),
        BOOT_KEYBOARD_REPORT_DESCRIPTOR.len()
    );
    let endpoint = alternate.endpoints().next().unwrap();
    assert_eq!(
        endpoint.service_interval(Speed::Full).microseconds(),
        8000,
        "10 ms become 8 ms, not 16"
    );
    assert_eq!(endpoint.max_bytes_per_service_interval(Speed::Full), 8);
    assert!(endpoint.companion().is_none());
}

#[test]
fn settings_and_functions_of_a_camera_are_told_apart() {
    let view = ConfigurationView::parse(&CAMERA).unwrap();
    assert_eq!(view.check(), Ok(()));
    assert_eq!(
        view.associations()
            .map(|a| (a.first_interface, a.interfaces))
            .collect::<Vec<_>>(),
        [(0, 2)]
    );
    assert_eq!(
        view.interfaces()
            .map(|i| (i.number, i.alternates().count()))
            .collect::<Vec<_>>(),
        [(0, 1), (1, 2)]
    );
    let streaming = view.interface(1).unwrap();
    assert_eq!(
        streaming.default_alternate().unwrap().endpoints().count(),
        0
    );
    let live = streaming.alternate(1).unwrap();
    assert_eq!(live.class_descriptors().count(), 1);
    let endpoint = live.endpoints().next().unwrap();
    assert_eq!(endpoint.descriptor.max_packet_size(), 1024);
    assert_eq!(endpoint.descriptor.additional_transactions(), 2);
    assert_eq!(endpoint.descriptor.synchronization_name(), "asynchronous");
    assert_eq!(endpoint.max_bytes_per_service_interval(Speed::High), 3072);
    assert_eq!(endpoint.service_interval(Speed::High).microframes(), 1);
}

#[test]
fn endpoints_of_the_next_interface_are_not_taken_for_this_one() {
    let mut bytes = CAMERA;
    bytes[3] = 0;
    let view = ConfigurationView::parse(&bytes).unwrap();
    assert_eq!(
        view.interface(0)
            .unwrap()
            .default_alternate()
            .unwrap()
            .endpoints()
            .count(),
        0
    );
}

#[test]
fn a_length_of_zero_ends_the_walk_with_one_error() {
    let mut bytes = DISK;
    bytes[18] = 0;
    let view = ConfigurationView::parse(&bytes).unwrap();
    let items: Vec<_> = view.descriptors().collect();
    assert_eq!(items.len(), 2);
    assert_eq!(
        items[1],
        Err(DescriptorError::LengthTooSmall {
            at: 18,
            length: 0,
            needed: 2
        })
    );
    assert_eq!(
        view.check(),
        Err(DescriptorError::LengthTooSmall {
            at: 18,
            length: 0,
            needed: 2
        })
    );
    assert_eq!(
        view.interface(0)
            .unwrap()
            .default_alternate()
            .unwrap()
            .endpoints()
            .count(),
        0
    );
}

#[test]
fn a_length_of_one_is_no_descriptor_either() {
    let mut bytes = DISK;
    bytes[18] = 1;
    let view = ConfigurationView::parse(&bytes).unwrap();
    assert_eq!(
        view.descriptors().last(),
        Some(Err(DescriptorError::LengthTooSmall {
            at: 18,
            length: 1,
            needed: 2
        }))
    );
}

#[test]
fn a_descriptor_that_reaches_past_the_end_is_named_with_its_place() {
    let view = ConfigurationView::parse(&DISK[..42]).unwrap();
    assert!(view.is_truncated());
    assert_eq!(
        view.check(),
        Err(DescriptorError::Truncated {
            at: 38,
            length: 6,
            available: 4
        })
    );
    let alternate = view.interface(0).unwrap().default_alternate().unwrap();
    assert_eq!(
        alternate.endpoints().count(),
        2,
        "what is whole is still there"
    );
    assert!(alternate.endpoints().nth(1).unwrap().companion().is_none());
}

#[test]
fn an_endpoint_that_is_too_short_for_its_kind_is_passed_over_and_reported() {
    let mut bytes = KEYBOARD;
    bytes[27] = 6;
    bytes[2] = 33;
    let view = ConfigurationView::parse(&bytes).unwrap();
    assert_eq!(
        view.check(),
        Err(DescriptorError::LengthTooSmall {
            at: 27,
            length: 6,
            needed: 7
        })
    );
    assert_eq!(
        view.interface(0)
            .unwrap()
            .default_alternate()
            .unwrap()
            .endpoints()
            .count(),
        0
    );
}

#[test]
fn bytes_behind_the_total_length_are_not_looked_at() {
    let mut bytes = KEYBOARD.to_vec();
    bytes.extend([9, 4, 7, 0, 0, 0xff, 0, 0, 0]);
    let view = ConfigurationView::parse(&bytes).unwrap();
    assert!(view.interface(7).is_none());
    assert_eq!(view.as_bytes().len(), 34);
}

#[test]
fn the_first_eight_bytes_of_a_device_tell_its_packet_size() {
    assert_eq!(Device::parse_max_packet_size_0(&DISK_DEVICE[..8]), Ok(9));
    assert!(Device::parse_max_packet_size_0(&DISK_DEVICE[..7]).is_err());
    assert_eq!(
        Device::parse_max_packet_size_0(&KEYBOARD[..8]),
        Err(DescriptorError::WrongKind {
            expected: DescriptorKind::DEVICE,
            found: DescriptorKind::CONFIGURATION
        })
    );
}

#[test]
fn device_capabilities_are_told_apart_and_unknown_ones_survive() {
    let bos = [
        5, 0x0f, 26, 0, 3, // three capabilities
        7, 0x10, 2, 0x02, 0, 0, 0, // USB 2.0 extension: LPM
        10, 0x10, 3, 0, 0x0e, 0x00, 1, 10, 0x20, 0x00, // SuperSpeed: full, high, Gen 1
        4, 0x10, 0x66, 0xaa, // of a kind that nobody knows
    ];
    let view = BosView::parse(&bos).unwrap();
    let found: Vec<_> = view.capabilities().map(Result::unwrap).collect();
    assert_eq!(found.len(), usize::from(view.header().capabilities));
    assert!(matches!(found[0], Capability::Usb2Extension(c) if c.has_lpm() && !c.has_besl()));
    assert!(
        matches!(found[1], Capability::SuperSpeed(c) if c.speeds == 0x0e && c.u2_exit_latency_us == 32)
    );
    assert!(
        matches!(found[2], Capability::Unknown { kind, bytes } if kind.0 == 0x66 && bytes == [4, 0x10, 0x66, 0xaa])
    );
}

#[test]
fn hubs_of_both_halves_are_understood() {
    let hub = Hub {
        ports: 8,
        characteristics: HubCharacteristics(0x00a9),
        power_on_to_good_2ms: 50,
        controller_current_ma: 100,
        not_removable: PortMap::EMPTY.with(8),
    };
    let bytes = hub.emit();
    assert_eq!(
        &bytes[..],
        [11, 0x29, 8, 0xa9, 0x00, 50, 100, 0x00, 0x01, 0xff, 0xff],
        "eight ports need two bytes each"
    );
    assert!(Hub::parse(&bytes).unwrap().not_removable.contains(8));
    assert!(
        hub.characteristics.has_individual_power_switching()
            && hub.characteristics.has_individual_over_current()
    );
    assert_eq!(hub.characteristics.tt_think_time_bits(), 16);
    let bytes = [12, 0x2a, 4, 0x09, 0x00, 50, 0, 4, 0x2c, 0x01, 0x10, 0x00];
    let hub = SuperSpeedHub::parse(&bytes).unwrap();
    assert_eq!((hub.ports, hub.delay_ns, hub.not_removable), (4, 300, 0x10));
}
