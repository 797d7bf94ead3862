//! Boot keyboards.

pub use crate::thread::Keyboard;
pub use usb_class::hid::{Key, KeyboardError, KeyboardEvent, KeyboardFunction};

use usb_class::hid;
use usb_class::transport::Poll;
use usb_spec::TransferKind;
use usb_spec::class::ClassCode;
use usb_spec::class::hid::{BootDevice, Subclass};
use usb_spec::time::Instant;
use xhci_driver::DeviceInfo;
use xhci_spec::number::SlotId;

use super::steps::Steps;
use crate::{Backend, Engine, Error};

/// Finds the boot keyboard function of a device.
#[must_use]
pub fn function(device: &DeviceInfo) -> Option<KeyboardFunction> {
    let configuration = device.configuration()?;
    configuration.interfaces().find_map(|interface| {
        let setting = interface.default_alternate()?;
        let descriptor = setting.descriptor;
        let class = (
            ClassCode(descriptor.class),
            Subclass(descriptor.subclass),
            BootDevice(descriptor.protocol),
        );
        if class != (ClassCode::HID, Subclass::BOOT, BootDevice::KEYBOARD) {
            return None;
        }
        let reports = setting
            .endpoints()
            .map(|endpoint| endpoint.descriptor)
            .find(|endpoint| {
                endpoint.kind() == TransferKind::Interrupt && endpoint.address.direction().is_in()
            })?;
        Some(KeyboardFunction {
            interface: descriptor.number,
            endpoint: reports.address,
            max_packet: reports.max_packet_size(),
        })
    })
}

/// A keyboard that is polled beside its engine.
#[derive(Debug)]
pub struct PolledKeyboard {
    machine: hid::Keyboard,
    steps: Steps,
}

impl PolledKeyboard {
    /// The keyboard in a slot.
    ///
    /// # Errors
    /// [`Error::NoDevice`], [`Error::WrongClass`], [`Error::Memory`].
    pub fn new<B: Backend>(engine: &mut Engine<B>, slot: SlotId) -> Result<Self, Error> {
        let device = engine.device(slot).ok_or(Error::NoDevice { slot })?;
        let function = function(device).ok_or(Error::WrongClass {
            wanted: "boot keyboard",
        })?;
        Ok(Self {
            machine: hid::Keyboard::new(function),
            steps: Steps::new(engine, slot)?,
        })
    }

    /// What it has to say now, one thing at a time. After [`KeyboardEvent::Ended`] it says no more.
    pub fn poll<B: Backend>(&mut self, engine: &mut Engine<B>) -> Option<KeyboardEvent> {
        loop {
            match self.machine.poll_action() {
                Poll::Act(step) => self.steps.begin(engine, step),
                Poll::Ready(event) => return Some(event),
                Poll::Waiting => {
                    let machine = &mut self.machine;
                    if !self
                        .steps
                        .poll(engine, |id, reply| machine.reply(id, reply))
                    {
                        return None;
                    }
                }
            }
        }
    }

    /// When [`poll`](Self::poll) has to be called although nothing came from the engine.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.steps.next_deadline()
    }

    /// Lets go of the keyboard. What is under way is taken back.
    pub fn close<B: Backend>(mut self, engine: &mut Engine<B>) {
        self.steps.close(engine);
    }
}
