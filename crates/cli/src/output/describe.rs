//! A device's descriptors, field by field.

use host::DeviceInfo;
use usb_spec::DescriptorKind;
use usb_spec::descriptor::Descriptors;

use super::{tree, words};

/// The lines of the description.
pub(crate) fn describe(device: &DeviceInfo) -> Vec<String> {
    let descriptor = &device.descriptor;
    let mut lines = vec![
        format!(
            "{} on port {}",
            tree::name(device),
            words::location(&device.place)
        ),
        format!(
            "  speed            {} ({})",
            device.speed.name(),
            device.speed.rate_name()
        ),
        format!(
            "  USB version      {}",
            words::version(descriptor.usb_version.0)
        ),
        format!(
            "  device version   {}",
            words::version(descriptor.device_version.0)
        ),
        format!(
            "  address, slot    {}, {}",
            device.address,
            device.slot.get()
        ),
        format!("  endpoint 0       packets of {}", endpoint_0(device)),
        format!("  power            {}", tree::power(device)),
        format!("  configurations   {}", descriptor.configurations),
    ];
    lines.push("Configuration descriptors".to_owned());
    lines.extend(list(&device.configuration));
    if !device.bos.is_empty() {
        lines.push("Binary device object store".to_owned());
        lines.extend(list(&device.bos));
    }
    lines
}

fn endpoint_0(device: &DeviceInfo) -> String {
    let size = device.descriptor.ep0_max_packet_size(device.speed);
    size.map_or_else(
        || "unknown size".to_owned(),
        |size| words::bytes(size.into()),
    )
}

/// One line for each descriptor: its kind, its bytes.
fn list(bytes: &[u8]) -> Vec<String> {
    let descriptors = Descriptors::new(bytes).flatten();
    descriptors
        .map(|descriptor| {
            let kind: DescriptorKind = descriptor.kind;
            let hex: Vec<String> = descriptor
                .bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!("  {:<32} {}", kind.to_string(), hex.join(" "))
        })
        .collect()
}
