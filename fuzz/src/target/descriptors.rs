//! Descriptors of any bytes: what parses comes back from `emit`, walks end, and what is found lies inside.

use usb_spec::descriptor::{
    AlternateView, Bos, BosView, Capability, Configuration, ConfigurationView, ContainerId,
    Descriptors, Device, DeviceQualifier, Endpoint, Hid, Hub, Interface, InterfaceAssociation,
    StringDescriptor, SuperSpeed, SuperSpeedEndpointCompanion, SuperSpeedHub,
    SuperSpeedPlusIsochCompanion, Usb2Extension,
};
use usb_spec::{Speed, TransferKind};

use super::Target;

pub(super) const TARGET: Target = Target {
    name: "descriptors",
    about: "device, configuration, BOS, hub and string descriptors from any bytes",
    longest: 512,
    run,
};

/// What parses is parsed the same from what it emits.
macro_rules! undone {
    ($bytes:expr; $($descriptor:ident),+ $(,)?) => {
        $(match $descriptor::parse($bytes) {
            Ok(parsed) => {
                let emitted = parsed.emit();
                assert_eq!($descriptor::parse(&emitted), Ok(parsed), stringify!($descriptor));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        })+
    };
}

fn run(bytes: &[u8]) {
    one(bytes);
    let mut end = 0;
    for found in Descriptors::new(bytes).flatten() {
        assert_eq!(found.at, end, "a walk leaves a gap");
        assert!(found.bytes.len() >= 2);
        end = found.at + found.bytes.len();
        assert!(end <= bytes.len());
        one(found.bytes);
        let _ = found.kind.name();
    }
    if let Ok(configuration) = ConfigurationView::parse(bytes) {
        walk_configuration(&configuration);
    }
    if let Ok(store) = BosView::parse(bytes) {
        walk_bos(&store);
    }
}

/// The bytes taken for one descriptor of each kind.
fn one(bytes: &[u8]) {
    undone!(bytes; Device, DeviceQualifier, Configuration, Interface, InterfaceAssociation, Endpoint, Hid, Hub,
        SuperSpeedHub, Bos, Usb2Extension, SuperSpeed, ContainerId, SuperSpeedEndpointCompanion,
        SuperSpeedPlusIsochCompanion);
    let _ = Device::parse_max_packet_size_0(bytes);
    for speed in Speed::ALL {
        if let Ok(device) = Device::parse(bytes) {
            let packet = device.ep0_max_packet_size(speed);
            assert!(packet.is_none_or(|size| size.is_power_of_two() && size <= 512));
        }
        if let Ok(endpoint) = Endpoint::parse(bytes) {
            let interval = endpoint.service_interval(speed);
            assert!(interval.exponent() <= 18);
            assert_eq!(interval.microframes(), 1 << interval.exponent());
            let _ = (
                endpoint.additional_transactions(),
                endpoint.synchronization_name(),
            );
        }
    }
    if let Ok(hub) = Hub::parse(bytes) {
        assert!(hub.not_removable.as_bytes(hub.ports).len() <= 32);
    }
    if let Ok(companion) = SuperSpeedEndpointCompanion::parse(bytes) {
        assert!(companion.max_streams() <= 65536);
        assert!(companion.mult(TransferKind::Isochronous) <= 3);
    }
    if let Ok(text) = StringDescriptor::parse(bytes) {
        let again = StringDescriptor::emit(&text.to_string());
        let again = StringDescriptor::parse(&again).expect("our own string");
        if text
            .chars()
            .all(|letter| letter != char::REPLACEMENT_CHARACTER)
        {
            assert!(text.chars().zip(again.chars()).all(|(a, b)| a == b));
        }
        assert!(text.languages().count() <= 126);
    }
}

fn walk_configuration(configuration: &ConfigurationView<'_>) {
    let _ = (configuration.check(), configuration.is_truncated());
    let _ = configuration.associations().count();
    let mut numbers = Vec::new();
    for interface in configuration.interfaces() {
        assert!(!numbers.contains(&interface.number), "an interface twice");
        numbers.push(interface.number);
        assert!(
            interface.default_alternate().is_some(),
            "an interface out of nothing"
        );
        // Of each interface the first settings only: all of all would be quadratic work for the fuzzer.
        for alternate in interface.alternates().take(4) {
            walk_alternate(&alternate);
        }
    }
    assert!(numbers.len() <= 256);
}

fn walk_alternate(alternate: &AlternateView<'_>) {
    let _ = (alternate.hid(), alternate.class_descriptors().count());
    for endpoint in alternate.endpoints().take(32) {
        let _ = (endpoint.companion(), endpoint.isoch_companion());
        for speed in Speed::ALL {
            let bytes = endpoint.max_bytes_per_service_interval(speed);
            assert!(bytes <= 0xff_ffff, "{bytes} bytes in one interval");
        }
    }
}

fn walk_bos(store: &BosView<'_>) {
    for capability in store.capabilities() {
        match capability {
            Ok(Capability::SuperSpeedPlus(capability)) => {
                assert!(capability.sublink_speeds().count() <= 32);
            }
            Ok(Capability::SuperSpeed(capability)) => drop(capability.emit()),
            Ok(other) => assert!(!format!("{other:?}").is_empty()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
