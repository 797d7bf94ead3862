//! Hubs of both halves of the cable. USB 2.0 chapter 11, USB 3.2 chapter 10.
//!
//! A hub has its devices itself: they are plugged in and pulled out through [`UsbDevice::hub`](crate::UsbDevice::hub), and the host reaches
//! them through [`UsbDevice::child`](crate::UsbDevice::child), at any time and any depth.
//!
//! What takes time (reset, resume, training of a link) begins when the hub is polled after the request, and ends when it is polled after
//! [`UsbDevice::next_deadline`](crate::UsbDevice::next_deadline), which speaks for all devices behind the hub, too.
//!
//! A USB 3 hub is two devices on the two halves of one cable: [`HubPair`].

mod branch;
mod bus;
mod function;
mod port;
mod translator;
mod usb2;
mod usb3;

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use memory::Slice;
use usb_spec::class::ClassCode;
use usb_spec::time::MICROFRAME;
use usb_spec::{Direction, EndpointAddress, Speed, TransferKind};

use self::branch::Branch;
use self::translator::Translators;
use super::{PRODUCT_HUB, VENDOR};
use crate::chapter9::{Blueprint, ConfigurationPlan, Device, EndpointPlan, Identity, Setting};

pub use self::function::HubFunction;
pub use self::translator::TranslatorRequests;

/// The most ports that a route string can name. USB 3.2 §8.9 (unchecked).
pub const HUB_PORTS_MAX: u8 = 15;

/// The status change endpoint.
const CHANGES: EndpointAddress = EndpointAddress::new(1, Direction::In);

/// `bInterval` of the status change endpoint: the longest there is up to full speed, 256 ms at high, 16 ms at super speed.
const INTERVAL_FULL: u8 = 255;
const INTERVAL_HIGH: u8 = 12;
const INTERVAL_SUPER: u8 = 8;

/// What a hub is like.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// Its speed; there are no low-speed hubs, so that becomes full speed.
    pub speed: Speed,
    /// How many ports it has, 1 to [`HUB_PORTS_MAX`].
    pub ports: u8,
    /// Whether each port can have a transaction translator of its own (high speed).
    pub multi_tt: bool,
    /// Whether it has a power supply of its own; without one, hosts give its ports 100 mA each.
    pub self_powered: bool,
    /// Serial number; none if empty.
    pub serial: String,
}

impl Default for HubOptions {
    /// A high-speed hub with four ports and one transaction translator.
    fn default() -> Self {
        Self {
            speed: Speed::High,
            ports: 4,
            multi_tt: false,
            self_powered: true,
            serial: String::new(),
        }
    }
}

/// A hub on a cable, with what is plugged into it.
#[derive(Debug)]
pub struct Hub<S: Slice> {
    device: Device<HubFunction, S>,
    branches: Vec<Branch<S>>,
    suspended: bool,
    /// A device behind it wants the host to wake.
    wake: bool,
    /// The host has been asked to wake since it fell asleep.
    woke: bool,
}

/// A USB 3 hub as a person plugs it in: two devices on the two halves of the cable.
///
/// Port n of both is one socket. What is plugged into it goes to the half that runs at its speed, so keyboards sit on the high-speed
/// half; a USB 3 hub goes to both with its halves.
#[derive(Debug)]
pub struct HubPair<S: Slice> {
    /// For the USB 3 port.
    pub super_speed: Hub<S>,
    /// For the USB 2 port that shares its socket.
    pub high_speed: Hub<S>,
}

impl<S: Slice> HubPair<S> {
    /// A hub that has just been plugged in; a speed below super speed becomes super speed. `container` is the number by which hosts see that
    /// the two belong together.
    #[must_use]
    pub fn new(options: &HubOptions, container: [u8; 16]) -> Self {
        let faster = HubOptions {
            speed: options.speed.max(Speed::Super),
            ..options.clone()
        };
        let slower = HubOptions {
            speed: Speed::High,
            ..options.clone()
        };
        Self {
            super_speed: Hub::of(&faster, Some(container)),
            high_speed: Hub::of(&slower, Some(container)),
        }
    }
}

impl<S: Slice> Hub<S> {
    /// A hub that has just been plugged in, with nothing in it.
    #[must_use]
    pub fn new(options: &HubOptions) -> Self {
        Self::of(options, None)
    }

    /// How often the host has asked something of the transaction translators.
    #[must_use]
    pub fn translator_requests(&self) -> TranslatorRequests {
        self.device.function().translators.requests
    }

    fn of(options: &HubOptions, container: Option<[u8; 16]>) -> Self {
        let speed = options.speed.max(Speed::Full);
        let ports = options.ports.clamp(1, HUB_PORTS_MAX);
        let translators = match (speed, options.multi_tt) {
            (Speed::High, true) => ports,
            (Speed::High, false) => 1,
            _ => 0,
        };
        let interval = match speed {
            Speed::Low | Speed::Full => Duration::from_millis(u64::from(INTERVAL_FULL)),
            Speed::High => MICROFRAME * (1 << (INTERVAL_HIGH - 1)),
            Speed::Super | Speed::SuperPlus => MICROFRAME * (1 << (INTERVAL_SUPER - 1)),
        };
        let translators = Translators::new(translators);
        let function = HubFunction::new(speed, ports, translators, interval);
        Self {
            device: Device::with_function(blueprint(options, speed, ports, container), function),
            branches: (0..ports).map(|_| Branch::new()).collect(),
            suspended: false,
            wake: false,
            woke: false,
        }
    }
}

/// The protocol of hubs. USB 2.0 §11.23.1, USB 3.2 §10.15.1 (unchecked).
fn class(protocol: u8) -> [u8; 3] {
    [ClassCode::HUB.0, 0, protocol]
}

/// One bit for each port and one for the hub.
fn setting(speed: Speed, ports: u8, alternate: u8, protocol: u8) -> Setting {
    let interval = match speed {
        Speed::Low | Speed::Full => INTERVAL_FULL,
        Speed::High => INTERVAL_HIGH,
        Speed::Super | Speed::SuperPlus => INTERVAL_SUPER,
    };
    let endpoint = EndpointPlan {
        address: CHANGES,
        kind: TransferKind::Interrupt,
        max_packet: u16::from(ports / 8 + 1),
        interval,
        burst_z: 0,
    };
    Setting {
        interface: 0,
        alternate,
        class: class(protocol),
        class_descriptors: Vec::new(),
        endpoints: vec![endpoint],
    }
}

fn blueprint(
    options: &HubOptions,
    speed: Speed,
    ports: u8,
    container: Option<[u8; 16]>,
) -> Blueprint {
    let identity = Identity {
        vendor: VENDOR,
        product: PRODUCT_HUB,
        release: 0x0100,
        manufacturer_name: "Doorbell".to_string(),
        product_name: "Hub".to_string(),
        serial: options.serial.clone(),
    };
    let (protocol, settings) = match (speed, options.multi_tt) {
        (Speed::Low | Speed::Full, _) => (0, vec![setting(speed, ports, 0, 0)]),
        (Speed::High, false) => (1, vec![setting(speed, ports, 0, 0)]),
        (Speed::High, true) => {
            let each = setting(speed, ports, 1, 2);
            (2, vec![setting(speed, ports, 0, 1), each])
        }
        (Speed::Super | Speed::SuperPlus, _) => (3, vec![setting(speed, ports, 0, 0)]),
    };
    let other_speed_settings = if speed == Speed::High {
        vec![setting(Speed::Full, ports, 0, 0)]
    } else {
        Vec::new()
    };
    Blueprint {
        class: class(protocol),
        other_speed_class: class(0),
        configurations: ConfigurationPlan::only(settings, other_speed_settings),
        super_speed_capable: speed.is_super() || container.is_some(),
        container,
        remote_wakeup: true,
        self_powered: options.self_powered,
        max_power_ma: if options.self_powered { 0 } else { 100 },
        ..Blueprint::of(speed, identity)
    }
}
