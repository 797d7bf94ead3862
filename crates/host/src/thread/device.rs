//! Handles to devices and their interfaces.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use usb_spec::descriptor::{LanguageId, StringDescriptor};
use usb_spec::{DescriptorKind, EndpointAddress, Setup};
use xhci_driver::{DeviceInfo, EndpointKey, Operation, TransferError};
use xhci_spec::number::{Dci, SlotId};

use super::Inner;
use super::command::{Command, Order};
use super::endpoint::{Endpoint, Kind, Way};
use super::mailbox::{Ended, Mailbox};
use crate::{Buffer, Error};

/// The longest string descriptor.
const STRING_MAX: u16 = 255;

/// A device that was there when the handle was made. Once it is unplugged, everything asked of it fails.
#[derive(Clone)]
pub struct Device {
    inner: Arc<Inner>,
    info: Arc<DeviceInfo>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("slot", &self.info.slot)
            .finish_non_exhaustive()
    }
}

impl Device {
    pub(super) fn new(inner: Arc<Inner>, info: Arc<DeviceInfo>) -> Self {
        Self { inner, info }
    }

    /// What is known of it: descriptors, strings, speed, endpoints.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// A request on endpoint 0 that brings up to `setup.length` bytes.
    ///
    /// # Errors
    /// [`Error::Transfer`], [`Error::Memory`], [`Error::NoDevice`], [`Error::Stopped`].
    pub fn control_in(&self, setup: Setup, timeout: Duration) -> Result<Vec<u8>, Error> {
        if !setup.direction().is_in() {
            let reason = "control_in takes a request from device to host";
            return Err(TransferError::BadRequest { reason }.into());
        }
        let length = usize::from(setup.length);
        let buffer = match length {
            0 => None,
            _ => Some(self.inner.pool.allocate(length)?),
        };
        let (buffer, bytes) = self.control(setup, buffer, timeout)?;
        let buffer = buffer.as_deref().unwrap_or_default();
        Ok(buffer.get(..bytes).unwrap_or(buffer).to_vec())
    }

    /// A request on endpoint 0 that sends `data`, which may be empty.
    ///
    /// # Errors
    /// As for [`control_in`](Self::control_in).
    pub fn control_out(&self, setup: Setup, data: &[u8], timeout: Duration) -> Result<(), Error> {
        if setup.direction().is_in() || usize::from(setup.length) != data.len() {
            let reason =
                "control_out takes a request from host to device that is as long as its data";
            return Err(TransferError::BadRequest { reason }.into());
        }
        let buffer = match data {
            [] => None,
            data => {
                let mut buffer = self.inner.pool.allocate(data.len())?;
                buffer.copy_from_slice(data);
                Some(buffer)
            }
        };
        self.control(setup, buffer, timeout).map(drop)
    }

    fn control(
        &self,
        setup: Setup,
        buffer: Option<Buffer>,
        timeout: Duration,
    ) -> Result<(Option<Buffer>, usize), Error> {
        self.check()?;
        let mailbox = Arc::new(Mailbox::default());
        self.inner.send(Command::Transfer(Order {
            endpoint: EndpointKey {
                slot: self.info.slot,
                dci: Dci::CONTROL,
            },
            generation: self.info.generation,
            setup: Some(setup),
            length: usize::from(setup.length),
            timeout: Some(timeout),
            ticket: mailbox.promise(buffer),
        }))?;
        let Ended {
            buffer,
            bytes,
            status,
        } = mailbox.take(None).ok_or(Error::Stopped)?;
        status?;
        Ok((buffer, bytes))
    }

    /// A descriptor as the device gives it now.
    ///
    /// # Errors
    /// As for [`control_in`](Self::control_in).
    pub fn descriptor(
        &self,
        kind: DescriptorKind,
        index: u8,
        language: LanguageId,
        timeout: Duration,
    ) -> Result<Vec<u8>, Error> {
        let setup = Setup::get_descriptor(kind, index, language, u16::MAX);
        // Devices have been seen to hang when asked for more than a descriptor can hold: strings get their own bound.
        let length = if kind == DescriptorKind::STRING {
            STRING_MAX
        } else {
            4096
        };
        self.control_in(Setup { length, ..setup }, timeout)
    }

    /// A string by its index, in the device's first language; `None` for index 0, which stands for "none".
    ///
    /// # Errors
    /// As for [`control_in`](Self::control_in).
    pub fn string(&self, index: u8, timeout: Duration) -> Result<Option<String>, Error> {
        if index == 0 {
            return Ok(None);
        }
        let list = self.descriptor(DescriptorKind::STRING, 0, LanguageId::NONE, timeout)?;
        let first = StringDescriptor::parse(&list)
            .ok()
            .and_then(|list| list.languages().next());
        let language = first.unwrap_or(LanguageId::ENGLISH_US);
        let bytes = self.descriptor(DescriptorKind::STRING, index, language, timeout)?;
        Ok(StringDescriptor::parse(&bytes)
            .ok()
            .map(|string| string.chars().collect()))
    }

    /// Resets the device's port and brings the same device back: address, configuration, settings. All its transfers end.
    ///
    /// # Errors
    /// [`Error::Operation`], [`Error::NoDevice`], [`Error::Stopped`].
    pub fn reset(&self) -> Result<(), Error> {
        self.check()?;
        let slot = self.info.slot;
        self.inner
            .operate(&self.info, Operation::ResetDevice { slot })
    }

    /// Takes an interface for oneself, until the handle and its endpoints are dropped.
    ///
    /// # Errors
    /// [`Error::NoInterface`], [`Error::InUse`], [`Error::NoDevice`].
    pub fn interface(&self, number: u8) -> Result<Interface, Error> {
        let current = self.current()?;
        let configuration = current.configuration();
        if configuration
            .and_then(|all| all.interface(number).map(|_| ()))
            .is_none()
        {
            return Err(Error::NoInterface { number });
        }
        let claim = (self.info.slot, self.info.generation, number);
        if !lock(&self.inner.claims).insert(claim) {
            return Err(Error::InUse {
                what: format!("interface {number}"),
            });
        }
        let alternate = current.alternates.get(&number).copied().unwrap_or(0);
        Ok(Interface {
            claim: Arc::new(Claim {
                device: self.clone(),
                number,
                alternate: Mutex::new(alternate),
                endpoints: Mutex::default(),
            }),
        })
    }

    /// Opens the disk that this device is, and waits until it is ready.
    ///
    /// # Errors
    /// [`Error::WrongClass`], [`Error::InUse`], [`Error::Disk`] and what a transfer may say.
    pub fn open_disk(&self, policy: crate::storage::Policy) -> Result<super::Disk, Error> {
        let function = crate::storage::function(&*self.current()?);
        let function = function.ok_or(Error::WrongClass { wanted: "disk" })?;
        super::Disk::open(self.interface(function.interface)?, policy)
    }

    /// Opens the keyboard that this device is.
    ///
    /// # Errors
    /// [`Error::WrongClass`], [`Error::InUse`].
    pub fn open_keyboard(&self) -> Result<super::Keyboard, Error> {
        let function = crate::keyboard::function(&self.info);
        let function = function.ok_or(Error::WrongClass {
            wanted: "boot keyboard",
        })?;
        super::Keyboard::open(self.interface(function.interface)?)
    }

    /// The slot may hold another device by now.
    fn check(&self) -> Result<(), Error> {
        self.current().map(drop)
    }

    /// What is known of the device now, settings included, if it is still there.
    fn current(&self) -> Result<Arc<DeviceInfo>, Error> {
        let slot = self.info.slot;
        let state = self.inner.board.lock();
        let same = |device: &Arc<DeviceInfo>| {
            device.slot == slot && device.generation == self.info.generation
        };
        if state.ended {
            Err(Error::Stopped)
        } else if let Some(cause) = state.death {
            Err(Error::Died(cause))
        } else {
            let found = state.devices.iter().find(|device| same(device));
            found.cloned().ok_or(Error::NoDevice { slot })
        }
    }
}

/// An interface of a device, taken for oneself.
#[derive(Clone)]
pub struct Interface {
    claim: Arc<Claim>,
}

struct Claim {
    device: Device,
    number: u8,
    alternate: Mutex<u8>,
    endpoints: Mutex<BTreeSet<EndpointAddress>>,
}

impl fmt::Debug for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interface")
            .field("slot", &self.claim.device.info.slot)
            .field("number", &self.claim.number)
            .finish_non_exhaustive()
    }
}

impl Interface {
    /// Its device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.claim.device
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.claim.number
    }

    /// Chooses an alternate setting. No endpoint of the interface may be open.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Operation`], [`Error::NoDevice`].
    pub fn set_alternate(&self, alternate: u8) -> Result<(), Error> {
        self.check()?;
        let open = lock(&self.claim.endpoints);
        if let Some(endpoint) = open.first() {
            return Err(Error::InUse {
                what: endpoint.to_string(),
            });
        }
        let operation = Operation::SetInterface {
            slot: self.slot(),
            interface: self.claim.number,
            alternate,
        };
        self.operate(operation)?;
        *lock(&self.claim.alternate) = alternate;
        Ok(())
    }

    /// Opens an endpoint of the current setting, for oneself.
    ///
    /// ```no_run
    /// # fn example(interface: &host::Interface) -> Result<(), host::Error> {
    /// use host::{Bulk, EndpointAddress, In};
    ///
    /// let mut endpoint = interface.endpoint::<Bulk, In>(EndpointAddress(0x81))?;
    /// let buffer = endpoint.allocate(4096)?;
    /// endpoint.submit(buffer);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoEndpoint`], [`Error::WrongEndpoint`], [`Error::InUse`].
    pub fn endpoint<K: Kind, W: Way>(
        &self,
        address: EndpointAddress,
    ) -> Result<Endpoint<K, W>, Error> {
        let none = Error::NoEndpoint { address };
        let Some(configuration) = self.claim.device.info.configuration() else {
            return Err(none);
        };
        let alternate = *lock(&self.claim.alternate);
        let setting = configuration
            .interface(self.claim.number)
            .and_then(|interface| interface.alternate(alternate));
        let found = setting.and_then(|setting| {
            setting
                .endpoints()
                .map(|view| view.descriptor)
                .find(|endpoint| endpoint.address == address)
        });
        let endpoint = found.ok_or(none)?;
        if endpoint.kind() != K::KIND || address.direction() != W::DIRECTION {
            return Err(Error::WrongEndpoint {
                address,
                wanted: super::endpoint::name::<K, W>(),
            });
        }
        let dci = Dci::from_address(address.0);
        if !lock(&self.claim.endpoints).insert(address) {
            return Err(Error::InUse {
                what: address.to_string(),
            });
        }
        let key = EndpointKey {
            slot: self.slot(),
            dci,
        };
        Ok(Endpoint::new(
            self.clone(),
            address,
            key,
            endpoint.max_packet_size(),
        ))
    }

    pub(super) fn slot(&self) -> SlotId {
        self.claim.device.info.slot
    }

    pub(super) fn generation(&self) -> u32 {
        self.claim.device.info.generation
    }

    /// Has the driver do something with the device.
    pub(super) fn operate(&self, operation: Operation) -> Result<(), Error> {
        self.inner().operate(&self.claim.device.info, operation)
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.claim.device.inner
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.claim.device.check()
    }

    pub(super) fn release(&self, address: EndpointAddress) {
        lock(&self.claim.endpoints).remove(&address);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let info = &self.device.info;
        lock(&self.device.inner.claims).remove(&(info.slot, info.generation, self.number));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
