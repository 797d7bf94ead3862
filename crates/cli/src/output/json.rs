//! What scripts read. Names are never taken away; new ones may come.

use std::time::Duration;

use host::{Capabilities, DeviceInfo, EnumerationStep, OperationError, Phase, Place, PortId};
use serde::Serialize;
use usb_spec::class::class_name;
use usb_spec::descriptor::{AlternateView, EndpointView};
use xhci_spec::context::ContextSize;
use xhci_spec::extended::Protocol;

use super::hubs::{HubJson, HubPortJson, TranslatorJson};
use super::words;

#[derive(Debug, Serialize)]
pub(crate) struct ControllerJson {
    xhci_version: String,
    ports: u8,
    usb2_ports: usize,
    usb3_ports: usize,
    slots: u8,
    interrupters: u16,
    context_bytes: u8,
    addressing_64: bool,
    scratchpads: u16,
}

impl ControllerJson {
    pub(crate) fn new(controller: &Capabilities) -> Self {
        let ports = |wanted: Protocol| {
            let is = |port: &PortId| {
                controller
                    .protocol(*port)
                    .and_then(|protocol| protocol.protocol().ok())
                    == Some(wanted)
            };
            controller.ports().filter(is).count()
        };
        Self {
            xhci_version: words::version(controller.version),
            ports: controller.max_ports,
            usb2_ports: ports(Protocol::Usb2),
            usb3_ports: ports(Protocol::Usb3),
            slots: controller.max_slots,
            interrupters: controller.max_interrupters,
            context_bytes: if controller.context_size == ContextSize::from_csz(true) {
                64
            } else {
                32
            },
            addressing_64: controller.addressing_64,
            scratchpads: controller.scratchpads,
        }
    }

    /// The same in one line for people.
    pub(crate) fn line(&self) -> String {
        format!(
            "xHCI {}, {} ports ({} USB2, {} USB3), {} slots, {} interrupters, {}-bit addresses, {}-byte contexts",
            self.xhci_version,
            self.ports,
            self.usb2_ports,
            self.usb3_ports,
            self.slots,
            self.interrupters,
            if self.addressing_64 { 64 } else { 32 },
            self.context_bytes
        )
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct PhaseJson {
    name: &'static str,
    ms: f64,
}

impl PhaseJson {
    pub(crate) fn new(phase: Phase, took: Duration) -> Self {
        Self {
            name: phase.name(),
            ms: ms(took),
        }
    }

    pub(crate) fn enumeration(took: Duration) -> Self {
        Self {
            name: "enumeration",
            ms: ms(took),
        }
    }
}

fn ms(time: Duration) -> f64 {
    // Microseconds are as much as a clock of an operating system is good for.
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// A device that could not be made to work.
#[derive(Debug, Serialize)]
pub(crate) struct FailedJson {
    /// The root port, then the port of each hub on the way.
    location: String,
    port: u8,
    step: &'static str,
    error: String,
}

impl FailedJson {
    pub(crate) fn new((place, step, error): &(Place, EnumerationStep, OperationError)) -> Self {
        Self {
            location: words::location(place),
            port: place.port.get(),
            step: step.name(),
            error: error.to_string(),
        }
    }

    /// The same in one line for people.
    pub(crate) fn line(&self) -> String {
        format!(
            "port {}: a device is there, but {} failed: {}",
            self.location, self.step, self.error
        )
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct DeviceJson {
    /// The root port, then the port of each hub on the way.
    location: String,
    port: u8,
    slot: u8,
    address: u8,
    speed: &'static str,
    bits_per_second: u64,
    vendor_id: String,
    product_id: String,
    usb_version: String,
    device_version: String,
    manufacturer: Option<String>,
    product: Option<String>,
    serial: Option<String>,
    self_powered: bool,
    remote_wakeup: bool,
    max_power_ma: u16,
    /// The hub that it is behind, if it is.
    parent: Option<HubPortJson>,
    /// The hub that translates for it, if it needs one.
    translator: Option<TranslatorJson>,
    /// What it is as a hub, if it is one.
    hub: Option<HubJson>,
    interfaces: Vec<InterfaceJson>,
}

#[derive(Debug, Serialize)]
struct InterfaceJson {
    number: u8,
    alternate: u8,
    class: u8,
    subclass: u8,
    protocol: u8,
    name: &'static str,
    endpoints: Vec<EndpointJson>,
}

#[derive(Debug, Serialize)]
struct EndpointJson {
    address: String,
    number: u8,
    direction: &'static str,
    kind: &'static str,
    max_packet: u16,
    burst: u8,
    interval_us: Option<u32>,
}

impl DeviceJson {
    /// One of these devices.
    pub(crate) fn new(device: &DeviceInfo, devices: &[DeviceInfo]) -> Self {
        let configuration = device.configuration();
        let header = configuration
            .as_ref()
            .map(|configuration| configuration.header());
        let interfaces = configuration
            .iter()
            .flat_map(|configuration| configuration.interfaces());
        Self {
            location: words::location(&device.place),
            port: device.place.port.get(),
            slot: device.slot.get(),
            address: device.address,
            speed: device.speed.name(),
            bits_per_second: device.speed.bits_per_second(),
            vendor_id: format!("{:04x}", device.descriptor.vendor),
            product_id: format!("{:04x}", device.descriptor.product),
            usb_version: words::version(device.descriptor.usb_version.0),
            device_version: words::version(device.descriptor.device_version.0),
            manufacturer: device.manufacturer.clone(),
            product: device.product.clone(),
            serial: device.serial.clone(),
            self_powered: header.is_some_and(|header| header.is_self_powered()),
            remote_wakeup: header.is_some_and(|header| header.has_remote_wakeup()),
            max_power_ma: header.map_or(0, |header| header.max_power_ma(device.speed)),
            parent: HubPortJson::new(device, devices),
            translator: TranslatorJson::new(device, devices),
            hub: HubJson::new(device, devices),
            interfaces: interfaces
                .filter_map(|interface| {
                    let chosen = device
                        .alternates
                        .get(&interface.number)
                        .copied()
                        .unwrap_or(0);
                    interface.alternate(chosen)
                })
                .map(|setting| InterfaceJson::new(&setting, device))
                .collect(),
        }
    }
}

impl InterfaceJson {
    fn new(setting: &AlternateView<'_>, device: &DeviceInfo) -> Self {
        let interface = setting.descriptor;
        Self {
            number: interface.number,
            alternate: interface.alternate,
            class: interface.class,
            subclass: interface.subclass,
            protocol: interface.protocol,
            name: match device.hub {
                // The protocol of a hub's interface tells of its translators, and of its speed only together with the device's protocol.
                Some(_) => "hub",
                None => class_name(interface.class, interface.subclass, interface.protocol),
            },
            endpoints: setting
                .endpoints()
                .map(|endpoint| EndpointJson::new(&endpoint, device))
                .collect(),
        }
    }
}

impl EndpointJson {
    fn new(view: &EndpointView<'_>, device: &DeviceInfo) -> Self {
        let endpoint = view.descriptor;
        Self {
            address: format!("{:#04x}", endpoint.address.0),
            number: endpoint.address.number(),
            direction: endpoint.address.direction().name(),
            kind: endpoint.kind().name(),
            max_packet: endpoint.max_packet_size(),
            burst: view
                .companion()
                .map_or(1, |companion| companion.max_burst.saturating_add(1)),
            interval_us: endpoint
                .kind()
                .is_periodic()
                .then(|| endpoint.service_interval(device.speed).microseconds()),
        }
    }
}

/// Bytes that went from a disk or to it.
#[derive(Debug, Serialize)]
pub(crate) struct MovedJson {
    /// Where the disk is: the root port, then the port of each hub on the way.
    pub(crate) location: String,
    pub(crate) port: u8,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    pub(crate) bytes_per_second: f64,
    pub(crate) sha256: String,
}
