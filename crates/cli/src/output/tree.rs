//! The devices as a person wants them: what it is, where it is, how fast, what it draws, how it is spoken to.

use host::DeviceInfo;
use usb_spec::TransferKind;
use usb_spec::class::class_name;
use usb_spec::descriptor::{AlternateView, EndpointView};

use super::{hubs, words};

/// The lines of the tree.
pub(crate) fn tree(devices: &[DeviceInfo]) -> Vec<String> {
    if devices.is_empty() {
        return vec!["no devices".to_owned()];
    }
    devices
        .iter()
        .flat_map(|device| device_lines(device, devices))
        .collect()
}

fn device_lines(device: &DeviceInfo, devices: &[DeviceInfo]) -> Vec<String> {
    let mut lines = vec![
        format!("port {}: {}", words::location(&device.place), name(device)),
        format!(
            "  {} ({}), {}",
            device.speed.name(),
            device.speed.rate_name(),
            power(device)
        ),
    ];
    lines.extend(hubs::translator_line(device, devices));
    match hubs::hub_line(device, devices) {
        // What a hub is for stands below it; its one endpoint tells nobody anything.
        Some(line) => lines.push(line),
        None => lines.extend(function_lines(device)),
    }
    // What is behind a hub stands below it.
    let indent = "  ".repeat(words::levels(&device.place).len());
    lines.iter().map(|line| format!("{indent}{line}")).collect()
}

fn function_lines(device: &DeviceInfo) -> Vec<String> {
    let mut lines = Vec::new();
    let configuration = device.configuration();
    let interfaces = configuration
        .iter()
        .flat_map(|configuration| configuration.interfaces());
    for interface in interfaces {
        let chosen = device
            .alternates
            .get(&interface.number)
            .copied()
            .unwrap_or(0);
        if let Some(setting) = interface.alternate(chosen) {
            lines.extend(interface_lines(&setting, device));
        }
    }
    lines
}

/// What it calls itself, and its ids.
pub(super) fn name(device: &DeviceInfo) -> String {
    let names = [device.manufacturer.as_deref(), device.product.as_deref()];
    let names: Vec<_> = names.into_iter().flatten().map(words::clean).collect();
    let name = names.join(" ");
    let name = if name.is_empty() {
        "device without a name".to_owned()
    } else {
        name
    };
    let (vendor, product) = (device.descriptor.vendor, device.descriptor.product);
    let serial = device.serial.as_ref().filter(|serial| !serial.is_empty());
    let serial = serial.map_or(String::new(), |serial| {
        format!(", serial {}", words::clean(serial))
    });
    format!("{name} ({vendor:04x}:{product:04x}{serial})")
}

/// Where its power comes from.
pub(super) fn power(device: &DeviceInfo) -> String {
    let Some(header) = device
        .configuration()
        .map(|configuration| configuration.header())
    else {
        return "power unknown".to_owned();
    };
    let wake = if header.has_remote_wakeup() {
        ", can wake the host"
    } else {
        ""
    };
    let from_bus = header.max_power_ma(device.speed);
    match (header.is_self_powered(), from_bus) {
        (true, 0) => format!("own power{wake}"),
        (true, _) => format!("own power and up to {from_bus} mA{wake}"),
        (false, _) => format!("bus power, up to {from_bus} mA{wake}"),
    }
}

fn interface_lines(setting: &AlternateView<'_>, device: &DeviceInfo) -> Vec<String> {
    let interface = setting.descriptor;
    let class = class_name(interface.class, interface.subclass, interface.protocol);
    let mut lines = vec![format!("  interface {}: {class}", interface.number)];
    lines.extend(
        setting
            .endpoints()
            .map(|endpoint| endpoint_line(&endpoint, device)),
    );
    lines
}

fn endpoint_line(view: &EndpointView<'_>, device: &DeviceInfo) -> String {
    let endpoint = view.descriptor;
    let mut line = format!(
        "    {}: {}, packets of {}",
        endpoint.address,
        endpoint.kind(),
        words::bytes(endpoint.max_packet_size().into())
    );
    if let Some(companion) = view.companion().filter(|companion| companion.max_burst > 0) {
        line.push_str(&format!(
            ", bursts of {}",
            u16::from(companion.max_burst) + 1
        ));
    }
    if matches!(
        endpoint.kind(),
        TransferKind::Interrupt | TransferKind::Isochronous
    ) {
        let every = endpoint.service_interval(device.speed).microseconds();
        line.push_str(&format!(", every {} ms", f64::from(every) / 1e3));
    }
    line
}
