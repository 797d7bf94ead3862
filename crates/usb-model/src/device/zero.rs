//! The test device that Linux's `usbtest` knows as gadget zero: a source and a sink, or a loop. It behaves as the module of that name does.
//!
//! There is no specification of it but the kernel's own two ends. What was taken from there: ids, values and order of configurations, the
//! two patterns and what happens on a mismatch, the two control requests. `usbtest` takes the first alternate setting that has endpoints it
//! can use, and only what is in it, so bulk and interrupt endpoints share setting 0; isochronous ones will come in setting 1 beside them.
//!
//! At more than 5 Gbit/s one of `usbtest`'s own expectations is wrong (it takes `bMaxPacketSize0` for a size), so its case 10 fails there.

mod function;

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use memory::Slice;
use usb_spec::class::ClassCode;
use usb_spec::{Direction, EndpointAddress, Speed, TransferKind};

use crate::chapter9::{Blueprint, ConfigurationPlan, Device, EndpointPlan, Identity, Setting};

pub use self::function::{Pattern, ZeroFunction};

/// The vendor id that `usbtest` looks for.
pub const ZERO_VENDOR: u16 = 0x0525;
/// The product id that `usbtest` looks for.
pub const ZERO_PRODUCT: u16 = 0xa4a0;

/// Source and sink; the module's value.
pub(super) const SOURCE_SINK: u8 = 3;
/// Whatever comes in goes out; the module's value.
pub(super) const LOOPBACK: u8 = 2;

const BULK_IN: EndpointAddress = EndpointAddress::new(1, Direction::In);
const BULK_OUT: EndpointAddress = EndpointAddress::new(1, Direction::Out);
const INTERRUPT_IN: EndpointAddress = EndpointAddress::new(2, Direction::In);
const INTERRUPT_OUT: EndpointAddress = EndpointAddress::new(2, Direction::Out);

/// What the device is like.
#[derive(Clone, Debug)]
pub struct ZeroOptions {
    /// Its speed. Low speed knows no bulk endpoints, so it becomes full speed.
    pub speed: Speed,
    /// What the source sends and the sink wants.
    pub pattern: Pattern,
    /// Whether setting 0 has interrupt endpoints beside the bulk ones.
    pub interrupt: bool,
    /// Whether it says at full and high speed that it can do more: version 2.1 with a BOS, instead of 2.0 without.
    pub super_speed_capable: bool,
}

impl Default for ZeroOptions {
    /// High speed, zeroes, all endpoints.
    fn default() -> Self {
        Self {
            speed: Speed::High,
            pattern: Pattern::Zeroes,
            interrupt: true,
            super_speed_capable: false,
        }
    }
}

/// Gadget zero on a cable.
pub type Zero<S> = Device<ZeroFunction, S>;

impl<S: Slice> Device<ZeroFunction, S> {
    /// A device that has just been plugged in.
    #[must_use]
    pub fn new(options: &ZeroOptions) -> Self {
        let speed = options.speed.max(Speed::Full);
        let function = ZeroFunction::new(options.pattern, bulk_size(speed), interrupt_size(speed));
        Self::with_function(blueprint(options, speed), function)
    }
}

fn bulk_size(speed: Speed) -> u16 {
    speed.largest_packet(TransferKind::Bulk).unwrap_or(64)
}

fn interrupt_size(speed: Speed) -> u16 {
    speed.largest_packet(TransferKind::Interrupt).unwrap_or(64)
}

fn bulk(speed: Speed) -> [EndpointPlan; 2] {
    [BULK_IN, BULK_OUT].map(|address| EndpointPlan {
        address,
        kind: TransferKind::Bulk,
        max_packet: bulk_size(speed),
        interval: 0,
        burst_z: 0,
    })
}

/// Once a millisecond.
fn interrupt(speed: Speed) -> [EndpointPlan; 2] {
    let interval = if speed <= Speed::Full { 1 } else { 4 };
    [INTERRUPT_IN, INTERRUPT_OUT].map(|address| EndpointPlan {
        address,
        kind: TransferKind::Interrupt,
        max_packet: interrupt_size(speed),
        interval,
        burst_z: 0,
    })
}

fn setting(endpoints: Vec<EndpointPlan>) -> Setting {
    Setting {
        interface: 0,
        alternate: 0,
        class: [ClassCode::VENDOR.0, 0, 0],
        class_descriptors: Vec::new(),
        endpoints,
    }
}

fn source_sink(options: &ZeroOptions, speed: Speed) -> Vec<Setting> {
    let mut endpoints = bulk(speed).to_vec();
    if options.interrupt {
        endpoints.extend(interrupt(speed));
    }
    vec![setting(endpoints)]
}

fn loopback(speed: Speed) -> Vec<Setting> {
    vec![setting(bulk(speed).to_vec())]
}

/// Settings at both of full and high speed, for a device that can do both.
fn plan(value: u8, speed: Speed, settings: impl Fn(Speed) -> Vec<Setting>) -> ConfigurationPlan {
    ConfigurationPlan {
        value,
        settings: settings(speed),
        other_speed_settings: match speed {
            Speed::Full => settings(Speed::High),
            Speed::High => settings(Speed::Full),
            Speed::Low | Speed::Super | Speed::SuperPlus => Vec::new(),
        },
    }
}

fn blueprint(options: &ZeroOptions, speed: Speed) -> Blueprint {
    let identity = Identity {
        vendor: ZERO_VENDOR,
        product: ZERO_PRODUCT,
        release: 0x0100,
        manufacturer_name: "Doorbell".to_string(),
        product_name: "Gadget Zero".to_string(),
        // At full speed it takes two packets.
        serial: "0123456789.0123456789.0123456789".to_string(),
    };
    let class = [ClassCode::VENDOR.0, 0, 0];
    Blueprint {
        class,
        other_speed_class: class,
        configurations: vec![
            plan(SOURCE_SINK, speed, |speed| source_sink(options, speed)),
            plan(LOOPBACK, speed, loopback),
        ],
        super_speed_capable: speed.is_super() || options.super_speed_capable,
        self_powered: true,
        max_power_ma: 2,
        ..Blueprint::of(speed, identity)
    }
}
