//! How devices hang together: who is behind whom, and through whose translator.

use host::{DeviceInfo, SlotId};
use serde::Serialize;
use usb_spec::descriptor::{BosView, Capability};

use super::words;

/// What scripts read of a hub.
#[derive(Debug, Serialize)]
pub(crate) struct HubJson {
    ports: u8,
    /// The ports that have a device which was made to work.
    used_ports: Vec<u8>,
    /// Of a high-speed hub: whether each port has a translator of its own.
    multi_tt: bool,
    /// Where the other half of a USB 3 hub is.
    other_half: Option<String>,
}

/// A port of a hub, as scripts read it.
#[derive(Debug, Serialize)]
pub(crate) struct HubPortJson {
    /// The hub.
    location: String,
    port: u8,
}

/// What translates for a low- or full-speed device, as scripts read it.
#[derive(Debug, Serialize)]
pub(crate) struct TranslatorJson {
    /// The hub.
    location: String,
    port: u8,
    /// Whether the port has it for itself.
    multi_tt: bool,
}

impl HubJson {
    pub(crate) fn new(device: &DeviceInfo, devices: &[DeviceInfo]) -> Option<Self> {
        let hub = device.hub?;
        Some(Self {
            ports: hub.ports,
            used_ports: used_ports(device, devices),
            multi_tt: hub.multi_tt,
            other_half: other_half(device, devices).map(|other| words::location(&other.place)),
        })
    }
}

impl HubPortJson {
    pub(crate) fn new(device: &DeviceInfo, devices: &[DeviceInfo]) -> Option<Self> {
        let parent = device.place.parent?;
        Some(Self {
            location: location(parent.hub, devices)?,
            port: parent.port,
        })
    }
}

impl TranslatorJson {
    pub(crate) fn new(device: &DeviceInfo, devices: &[DeviceInfo]) -> Option<Self> {
        let translator = device.translator?;
        Some(Self {
            location: location(translator.at.hub, devices)?,
            port: translator.at.port,
            multi_tt: translator.multi,
        })
    }
}

/// What a person is told of a hub.
pub(super) fn hub_line(device: &DeviceInfo, devices: &[DeviceInfo]) -> Option<String> {
    let hub = device.hub?;
    let used = match used_ports(device, devices).len() {
        0 => "all free".to_owned(),
        used => format!("{used} in use"),
    };
    let ports = match hub.ports {
        1 => "1 port".to_owned(),
        ports => format!("{ports} ports"),
    };
    let translators = match (device.speed, hub.multi_tt) {
        (host::Speed::High, true) => ", a translator for each",
        (host::Speed::High, false) => ", one translator for all",
        _ => "",
    };
    let other_half = other_half(device, devices).map_or(String::new(), |other| {
        format!("; its other half is port {}", words::location(&other.place))
    });
    Some(format!("  hub: {ports}, {used}{translators}{other_half}"))
}

/// What a person is told of the translator in front of a device.
pub(super) fn translator_line(device: &DeviceInfo, devices: &[DeviceInfo]) -> Option<String> {
    let translator = device.translator?;
    let hub = location(translator.at.hub, devices)?;
    Some(if translator.multi {
        let port = translator.at.port;
        format!("  through translator {port} of the hub on port {hub}")
    } else {
        format!("  through the translator of the hub on port {hub}")
    })
}

fn location(slot: SlotId, devices: &[DeviceInfo]) -> Option<String> {
    let device = devices.iter().find(|device| device.slot == slot)?;
    Some(words::location(&device.place))
}

fn used_ports(hub: &DeviceInfo, devices: &[DeviceInfo]) -> Vec<u8> {
    let parents = devices.iter().filter_map(|device| device.place.parent);
    let mut ports: Vec<_> = parents
        .filter(|parent| parent.hub == hub.slot)
        .map(|parent| parent.port)
        .collect();
    ports.sort_unstable();
    ports
}

/// The hub that is in the same case: it says the same container id. USB 3.2 §9.6.2.3.
fn other_half<'a>(hub: &DeviceInfo, devices: &'a [DeviceInfo]) -> Option<&'a DeviceInfo> {
    let own = container(hub)?;
    devices.iter().find(|other| {
        other.hub.is_some()
            && other.speed.is_super() != hub.speed.is_super()
            && container(other) == Some(own)
    })
}

fn container(device: &DeviceInfo) -> Option<[u8; 16]> {
    let bos = BosView::parse(&device.bos).ok()?;
    bos.capabilities()
        .flatten()
        .find_map(|capability| match capability {
            Capability::ContainerId(id) => Some(id.uuid),
            _ => None,
        })
}
