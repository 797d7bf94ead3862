//! Keyboards: the boot keyboard machine over the driver's transfers.

use std::time::Duration;

use usb_class::hid::{self, KeyboardEvent, KeyboardFunction};
use usb_class::transport::Poll;
use usb_spec::TransferKind;
use usb_spec::class::ClassCode;
use xhci_driver::DeviceInfo;
use xhci_spec::number::SlotId;

use super::steps::Steps;
use super::{Hang, Pair};

/// A keyboard in use.
#[derive(Debug)]
pub struct Keyboard {
    machine: hid::Keyboard,
    steps: Steps,
}

impl Pair {
    /// The keyboard in this slot.
    ///
    /// # Errors
    /// [`Hang`] if there is none.
    pub fn keyboard(&mut self, slot: SlotId) -> Result<Keyboard, Hang> {
        match self.control.device(slot).and_then(function) {
            Some(function) => Ok(Keyboard {
                machine: hid::Keyboard::new(function),
                steps: Steps::new(slot),
            }),
            None => Err(self.hang(format!("no keyboard in slot {slot}"))),
        }
    }

    /// What a keyboard has to say next, within `limit`.
    ///
    /// # Errors
    /// [`Hang`] if it says nothing.
    pub fn key(&mut self, keyboard: &mut Keyboard, limit: Duration) -> Result<KeyboardEvent, Hang> {
        self.wait("a key", limit, |pair| keyboard.poll(pair))
    }

    /// Listens until so many characters were typed, or the keyboard has ended.
    ///
    /// # Errors
    /// [`Hang`] if it falls silent before.
    pub fn hear(&mut self, keyboard: &mut Keyboard, characters: usize) -> Result<String, Hang> {
        let mut text = String::new();
        while text.chars().count() < characters {
            match self.key(keyboard, Duration::from_secs(60))? {
                KeyboardEvent::Key(key) => text.extend(key.text),
                KeyboardEvent::Ended(_) => break,
            }
        }
        Ok(text)
    }
}

impl Keyboard {
    /// What it has to say now.
    pub fn poll(&mut self, pair: &mut Pair) -> Option<KeyboardEvent> {
        loop {
            match self.machine.poll_action() {
                Poll::Act(step) => self.steps.begin(pair, step),
                Poll::Ready(event) => return Some(event),
                Poll::Waiting => {
                    let machine = &mut self.machine;
                    if !self.steps.poll(pair, |id, reply| machine.reply(id, reply)) {
                        return None;
                    }
                }
            }
        }
    }
}

/// The boot keyboard function of a device, if it has one.
fn function(device: &DeviceInfo) -> Option<KeyboardFunction> {
    let configuration = device.configuration()?;
    configuration.interfaces().find_map(|interface| {
        let setting = interface.default_alternate()?;
        if ClassCode(setting.descriptor.class) != ClassCode::HID {
            return None;
        }
        let mut endpoints = setting.endpoints().map(|endpoint| endpoint.descriptor);
        let reports = endpoints.find(|endpoint| {
            endpoint.kind() == TransferKind::Interrupt && endpoint.address.direction().is_in()
        })?;
        Some(KeyboardFunction {
            interface: setting.descriptor.number,
            endpoint: reports.address,
            max_packet: reports.max_packet_size(),
        })
    })
}
