//! The list of extended capabilities in any registers: the walk only goes forward, ends, and what it finds can be read.

use xhci_spec::extended::{
    CAPABILITIES_MAX, CapabilityId, SupportedProtocol, UsbLegSup, default_bits_per_second, walk,
};
use xhci_spec::number::SpeedId;

use super::Target;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "capabilities",
    about: "the walk along extended capabilities, Supported Protocol capabilities",
    longest: 1024,
    run,
};

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let first = u32::from(input.u16());
    let limit = match input.u8() {
        0 => u32::MAX,
        pages => u32::from(pages) * 64,
    };
    // Behind the bytes, registers go on as the last byte says: zero, all ones, or a list without end.
    let behind = u32::from_le_bytes([input.u8(), input.u8(), 0, 0]);
    let registers = input.rest();
    let read = |at: u32| -> u32 {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let dword = at.checked_add(4).and_then(|end| registers.get(at..end));
        match dword.and_then(|dword| dword.try_into().ok()) {
            Some(dword) => u32::from_le_bytes(dword),
            None if behind == 0xffff => u32::MAX,
            None => behind,
        }
    };
    let mut last = None;
    let mut steps = 0;
    for found in walk(first, limit, read) {
        steps += 1;
        let capability = match found {
            Ok(capability) => capability,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        assert!(
            last.is_none_or(|last| capability.offset > last),
            "walked back"
        );
        assert!(capability.offset <= limit - 4);
        last = Some(capability.offset);
        look(capability.id(), capability.offset, &read);
    }
    assert!(
        steps <= u32::from(CAPABILITIES_MAX) + 1,
        "the walk has no bound"
    );
}

fn look(id: CapabilityId, offset: u32, read: &impl Fn(u32) -> u32) {
    let _ = (id.name(), id.is_vendor_defined());
    if id == CapabilityId::LEGACY_SUPPORT {
        let _ = format!("{:?}", UsbLegSup::from_bits(read(offset)));
    }
    let protocol = match SupportedProtocol::read(offset, read) {
        Ok(protocol) => protocol,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(id, CapabilityId::SUPPORTED_PROTOCOL);
    let ports = protocol.port_numbers().expect("read checks the ports");
    assert!(*ports.start() > 0 && ports.start() <= ports.end());
    let _ = (
        protocol.protocol(),
        protocol.minor(),
        protocol.max_hub_depth(),
    );
    let _ = (
        protocol.l1_capability(),
        protocol.hardware_lpm(),
        protocol.besl_lpm(),
    );
    let _ = (
        protocol.high_speed_only(),
        protocol.integrated_hub(),
        protocol.link_soft_error_count(),
    );
    for id in 0..=u8::MAX {
        let rate = protocol.bits_per_second(SpeedId(id));
        if protocol.speeds().is_empty() {
            assert!(rate.is_none() || default_bits_per_second(SpeedId(id)).is_some());
        }
    }
}
