//! What hangs on the ports.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use block::{Medium, perform};
use usb_model::device::{self, DiskOptions, KeyboardOptions};
use usb_model::{Downstream, UsbDevice, Work, WorkDone, WorkError};
use usb_spec::speed::Speed;
use volmem::VolatileSlice;
use xhci_driver::Notice;
use xhci_model::WorkKey;
use xhci_spec::number::{PortId, SlotId};

use super::{Hang, Pair};
use crate::device::{FaultyDevice, SharedDevice};

/// A medium that the test can look at while a disk uses it.
pub type SharedMedium = Rc<RefCell<dyn Medium>>;

/// The disk of a pair, for the test's hand.
pub type TestDisk = SharedDevice<device::Disk<VolatileSlice>>;

/// The keyboard of a pair, for the test's hand.
pub type TestKeyboard = SharedDevice<device::Keyboard<VolatileSlice>>;

impl Pair {
    /// The first port without a device that fits this speed.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn free_port(&self, speed: Speed) -> PortId {
        let free = self.model.borrow().free_port(speed);
        free.expect("a free port for this speed")
    }

    /// Plugs a disk in whose blocks are `medium`.
    ///
    /// # Panics
    /// If there is no free port for it.
    pub fn plug_disk(&mut self, options: DiskOptions, medium: SharedMedium) -> (PortId, TestDisk) {
        let options = DiskOptions {
            blocks: medium.borrow().len() / u64::from(options.block_size.bytes()),
            read_only: medium.borrow().is_read_only(),
            ..options
        };
        let port = self.free_port(options.speed);
        let disk = SharedDevice::new(device::Disk::new(options));
        self.media.insert(port, medium);
        self.plug(port, disk.clone());
        (port, disk)
    }

    /// Plugs a keyboard in.
    ///
    /// # Panics
    /// If there is no free port for it.
    pub fn plug_keyboard(&mut self, options: KeyboardOptions) -> (PortId, TestKeyboard) {
        let port = self.free_port(options.speed);
        let keyboard = SharedDevice::new(device::Keyboard::new(options));
        self.plug(port, keyboard.clone());
        (port, keyboard)
    }

    /// Plugs a device in, behind the plan's faults.
    ///
    /// # Panics
    /// If it does not fit the port.
    pub fn plug(&mut self, port: PortId, device: impl UsbDevice<VolatileSlice> + 'static) {
        let device = FaultyDevice::new(device, port, self.injector.clone());
        let now = self.clock.now();
        let before = self.generation_on(port);
        self.before.insert(port, before);
        self.told_before.insert(port, self.notices.len());
        let attached = self.model.borrow_mut().attach(port, Box::new(device), now);
        attached.expect("the port to take the device");
    }

    /// Pulls the device out of a port, without a warning.
    pub fn unplug(&mut self, port: PortId) {
        let now = self.clock.now();
        // The device itself is of no use to anybody, unless a worker still has its buffers; then the model keeps it.
        drop(self.model.borrow_mut().detach(port, now));
    }

    /// Lends the test's hand the downstream side of a hub: the one on a port, or behind it along `route`, port by port.
    ///
    /// # Panics
    /// If there is no hub.
    pub fn at_hub<T>(
        &mut self,
        port: PortId,
        route: &[u8],
        hand: impl FnOnce(&mut dyn Downstream<VolatileSlice>) -> T,
    ) -> T {
        let mut model = self.model.borrow_mut();
        let mut device: &mut dyn UsbDevice<VolatileSlice> =
            model.device_mut(port).expect("a device on the port");
        for port in route {
            device = device.child(*port).expect("a device on the way");
        }
        hand(device.hub().expect("a hub"))
    }

    /// The device on a port, when the driver has made it ready.
    ///
    /// # Errors
    /// [`Hang`] if that does not happen within a minute.
    pub fn attached(&mut self, port: PortId) -> Result<SlotId, Hang> {
        let ready = self.attached_or_failed(port)?;
        ready.ok_or_else(|| self.hang(format!("the device on port {port} was given up")))
    }

    /// The device on a port when the driver has made it ready, or `None` when the driver has given it up or it was pulled out.
    ///
    /// # Errors
    /// [`Hang`] if neither happens within two minutes.
    pub fn attached_or_failed(&mut self, port: PortId) -> Result<Option<SlotId>, Hang> {
        let before = self.told_before.get(&port).copied().unwrap_or(0);
        self.wait("a device to be ready", Duration::from_secs(120), |pair| {
            let mut devices = pair.control.devices();
            // One that was there before the plug is the old one, on its way out.
            let old = pair.before.get(&port).copied().flatten();
            let new = |generation| Some(generation) != old;
            if let Some(device) =
                devices.find(|device| device.place.port == port && new(device.generation))
            {
                return Some(Some(device.slot));
            }
            let mut news = pair.notices.iter().skip(before);
            let failed = news.any(|notice| match notice {
                Notice::EnumerationFailed { place, .. } => place.port == port,
                Notice::Died { .. } => true,
                _ => false,
            });
            let empty = pair.model.borrow_mut().device_mut(port).is_none();
            (failed || empty || pair.control.is_dead()).then_some(None)
        })
    }

    fn generation_on(&self, port: PortId) -> Option<u32> {
        let mut devices = self.control.devices();
        let device = devices.find(|device| device.place.port == port);
        device.map(|device| device.generation)
    }

    pub(super) fn perform(
        &mut self,
        key: WorkKey,
        work: Work<VolatileSlice>,
    ) -> WorkDone<VolatileSlice> {
        match self.media.get(&key.port()) {
            Some(medium) => perform(&mut *medium.borrow_mut(), work),
            None => WorkDone {
                id: work.id,
                buffers: work.buffers,
                result: Err(WorkError::Gone),
            },
        }
    }
}
