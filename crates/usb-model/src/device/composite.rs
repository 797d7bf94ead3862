//! A keyboard and a disk in one device: two interfaces, each with a driver of its own.
//!
//! Each function is one interface, so there is no interface association: that is for functions of several interfaces. USB 3.2 §9.6.4.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use memory::Slice;
use usb_spec::class::hid::Leds;
use usb_spec::time::Instant;
use usb_spec::{Direction, EndpointAddress, Recipient, Setup, Speed};

use super::disk::{self, DiskFunction, DiskOptions};
use super::keyboard::{self, KeyboardFunction, KeyboardOptions};
use super::{PRODUCT_COMPOSITE, VENDOR};
use crate::WorkError;
use crate::chapter9::{
    Arrival, Blueprint, ConfigurationPlan, Device, Errand, Function, Identity, InAnswer, Job,
    OutAnswer, Setting,
};

/// The disk's interface; the keyboard's is 0.
const DISK: u8 = 1;

/// The disk's endpoint that has another address here.
const DISK_IN: EndpointAddress = EndpointAddress::new(2, Direction::In);

/// What the device is like.
#[derive(Clone, Debug, Default)]
pub struct CompositeOptions {
    /// Its keyboard; the speed is not looked at.
    pub keyboard: KeyboardOptions,
    /// Its disk, and the speed of both.
    pub disk: DiskOptions,
    /// Serial number of the whole; none if empty.
    pub serial: String,
}

/// A keyboard and a disk on one cable.
pub type Composite<S> = Device<CompositeFunction, S>;

impl<S: Slice> Device<CompositeFunction, S> {
    /// A device that has just been plugged in.
    #[must_use]
    pub fn new(options: CompositeOptions) -> Self {
        let speed = options.disk.speed.max(Speed::Full);
        let blueprint = blueprint(&options, speed);
        let function = CompositeFunction {
            keyboard: KeyboardFunction::new(&options.keyboard),
            disk: DiskFunction::new(options.disk, disk::bulk_size(speed)),
        };
        Self::with_function(blueprint, function)
    }

    /// Types, as [`Keyboard`](super::Keyboard) does.
    pub fn type_text(&mut self, text: &str) -> usize {
        self.function_mut().keyboard.type_text(text)
    }

    /// Which lamps the host has lit.
    #[must_use]
    pub fn leds(&self) -> Leds {
        self.function().keyboard.leds()
    }

    /// Whether everything typed has been fetched by the host.
    #[must_use]
    pub fn has_typed_all(&self) -> bool {
        self.function().keyboard.has_typed_all()
    }

    /// Takes the medium out of the disk, or puts it back in.
    pub fn set_medium_present(&mut self, present: bool) {
        self.function_mut().disk.set_medium_present(present);
    }
}

/// What the device does behind chapter 9: each interface by itself.
#[derive(Debug)]
pub struct CompositeFunction {
    keyboard: KeyboardFunction,
    disk: DiskFunction,
}

/// Whose a control request is, and how it looks to a function that is alone.
enum Whose {
    Keyboard(Setup),
    Disk(Setup),
}

fn whose(setup: Setup) -> Option<Whose> {
    if setup.request_type.recipient != Recipient::INTERFACE {
        return None;
    }
    match setup.index {
        0 => Some(Whose::Keyboard(setup)),
        index if index == u16::from(DISK) => Some(Whose::Disk(Setup { index: 0, ..setup })),
        _ => None,
    }
}

impl Function for CompositeFunction {
    fn begin(&mut self, configuration: u8) {
        self.keyboard.begin(configuration);
        self.disk.begin(configuration);
    }

    fn port_reset(&mut self) {
        self.keyboard.port_reset();
        self.disk.port_reset();
    }

    fn control_in(&mut self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        match whose(setup) {
            Some(Whose::Keyboard(setup)) => self.keyboard.control_in(setup, reply),
            Some(Whose::Disk(setup)) => self.disk.control_in(setup, reply),
            None => false,
        }
    }

    fn accepts(&self, setup: Setup) -> bool {
        match whose(setup) {
            Some(Whose::Keyboard(setup)) => self.keyboard.accepts(setup),
            Some(Whose::Disk(setup)) => self.disk.accepts(setup),
            None => false,
        }
    }

    fn control_out(&mut self, setup: Setup, data: &[u8]) -> bool {
        match whose(setup) {
            Some(Whose::Keyboard(setup)) => self.keyboard.control_out(setup, data),
            Some(Whose::Disk(setup)) => self.disk.control_out(setup, data),
            None => false,
        }
    }

    fn receive<S: Slice>(
        &mut self,
        endpoint: EndpointAddress,
        arrival: &Arrival<'_, S>,
        now: Instant,
    ) -> OutAnswer {
        self.disk.receive(endpoint, arrival, now)
    }

    fn provide(&mut self, endpoint: EndpointAddress, room: usize, now: Instant) -> InAnswer<'_> {
        if endpoint == keyboard::REPORTS {
            self.keyboard.provide(endpoint, room, now)
        } else {
            self.disk.provide(disk::BULK_IN, room, now)
        }
    }

    fn sent(&mut self, endpoint: EndpointAddress, bytes: usize, now: Instant) {
        if endpoint == keyboard::REPORTS {
            self.keyboard.sent(endpoint, bytes, now);
        } else {
            self.disk.sent(disk::BULK_IN, bytes, now);
        }
    }

    fn work_done(&mut self, job: Job, result: Result<usize, WorkError>) {
        self.disk.work_done(job, result);
    }

    fn take_errand(&mut self) -> Option<Errand> {
        self.disk.take_errand()
    }

    fn take_halt(&mut self) -> Option<EndpointAddress> {
        let halt = self.disk.take_halt()?;
        Some(if halt == disk::BULK_IN { DISK_IN } else { halt })
    }

    fn may_clear_halt(&self, endpoint: EndpointAddress) -> bool {
        endpoint == keyboard::REPORTS || self.disk.may_clear_halt(endpoint)
    }

    fn wants_wake(&mut self, now: Instant) -> bool {
        self.keyboard.wants_wake(now)
    }

    fn next_wake(&self) -> Option<Instant> {
        self.keyboard.next_wake()
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.keyboard.next_deadline()
    }
}

fn settings(speed: Speed) -> Vec<Setting> {
    let disk = disk::setting(speed, DISK, DISK_IN, disk::BULK_OUT);
    vec![keyboard::setting(speed), disk]
}

fn blueprint(options: &CompositeOptions, speed: Speed) -> Blueprint {
    let identity = Identity {
        vendor: VENDOR,
        product: PRODUCT_COMPOSITE,
        release: 0x0100,
        manufacturer_name: "Doorbell".to_string(),
        product_name: "Keyboard and disk".to_string(),
        serial: options.serial.clone(),
    };
    let other_speed_settings = if speed == Speed::High {
        settings(Speed::Full)
    } else {
        Vec::new()
    };
    Blueprint {
        configurations: ConfigurationPlan::only(settings(speed), other_speed_settings),
        remote_wakeup: true,
        max_power_ma: if speed.is_super() { 504 } else { 200 },
        ..Blueprint::of(speed, identity)
    }
}
