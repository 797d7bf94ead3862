//! Disks: the Bulk-Only machine over the driver's transfers.

use std::time::Duration;

use usb_class::bot::Function;
use usb_class::scsi::{BlockDevice, Error, Outcome, Policy};
use usb_class::transport::Poll;
use usb_spec::TransferKind;
use usb_spec::class::ClassCode;
use usb_spec::endpoint::{Direction, EndpointAddress};
use xhci_driver::DeviceInfo;
use xhci_spec::number::SlotId;

use super::steps::Steps;
use super::{Hang, Pair};

/// The longest an operation on a disk may take until it has an outcome, whatever happens: a few commands, each with all its ways back.
const OPERATION_MAX: Duration = Duration::from_secs(900);

/// A disk in use.
#[derive(Debug)]
pub struct Disk {
    machine: BlockDevice,
    steps: Steps,
}

/// An operation on a disk that failed, in order: the error is told, and so is how far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskFailure {
    /// How many bytes were moved and are good.
    pub bytes: u64,
    /// Why not all.
    pub error: Error,
}

impl Disk {
    /// What is known of it.
    ///
    /// # Panics
    /// If it was lost.
    #[must_use]
    pub fn info(&self) -> usb_class::scsi::Disk {
        *self.machine.disk().expect("a started disk")
    }

    /// The bytes of the last read, as far as they came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.steps.data
    }
}

impl Pair {
    /// The disk in this slot, started.
    ///
    /// # Errors
    /// [`Hang`] if it does not start.
    pub fn disk(&mut self, slot: SlotId) -> Result<Disk, Hang> {
        let (disk, started) = self.try_disk(slot, Policy::default())?;
        match started {
            Ok(()) => Ok(disk),
            Err(failure) => Err(self.hang(format!("the disk did not start: {failure:?}"))),
        }
    }

    /// The disk in this slot, and whether it started.
    ///
    /// # Errors
    /// [`Hang`] if that has no outcome, or there is no disk.
    pub fn try_disk(
        &mut self,
        slot: SlotId,
        policy: Policy,
    ) -> Result<(Disk, Result<(), DiskFailure>), Hang> {
        let function = self.control.device(slot).and_then(function);
        let Some(function) = function else {
            return Err(self.hang(format!("no disk in slot {slot}")));
        };
        let mut disk = Disk {
            machine: BlockDevice::new(function, 0, policy),
            steps: Steps::new(slot),
        };
        let now = self.now();
        let begun = disk.machine.start(now);
        let outcome = self.run_disk(&mut disk, begun)?;
        Ok((disk, outcome))
    }

    /// Reads `length` bytes at `offset`, both multiples of a block.
    ///
    /// # Errors
    /// [`Hang`] if there is no outcome.
    pub fn read(
        &mut self,
        disk: &mut Disk,
        offset: u64,
        length: usize,
    ) -> Result<Result<Vec<u8>, DiskFailure>, Hang> {
        disk.steps.data = vec![0xa5; length];
        let block = disk
            .machine
            .disk()
            .map_or(512, |disk| disk.geometry.block_size);
        let (lba, blocks) = (offset / u64::from(block), length as u64 / u64::from(block));
        let now = self.now();
        let begun = disk.machine.read(now, lba, blocks);
        let outcome = self.run_disk(disk, begun)?;
        Ok(outcome.map(|()| std::mem::take(&mut disk.steps.data)))
    }

    /// Writes bytes at `offset`, whole blocks.
    ///
    /// # Errors
    /// [`Hang`] if there is no outcome.
    pub fn write(
        &mut self,
        disk: &mut Disk,
        offset: u64,
        bytes: &[u8],
    ) -> Result<Result<(), DiskFailure>, Hang> {
        disk.steps.data = bytes.to_vec();
        let block = disk
            .machine
            .disk()
            .map_or(512, |disk| disk.geometry.block_size);
        let (lba, blocks) = (
            offset / u64::from(block),
            bytes.len() as u64 / u64::from(block),
        );
        let now = self.now();
        let begun = disk.machine.write(now, lba, blocks);
        self.run_disk(disk, begun)
    }

    /// Brings what was written onto the medium.
    ///
    /// # Errors
    /// [`Hang`] if there is no outcome.
    pub fn flush(&mut self, disk: &mut Disk) -> Result<Result<(), DiskFailure>, Hang> {
        let now = self.now();
        let begun = disk.machine.flush(now);
        self.run_disk(disk, begun)
    }

    fn run_disk(
        &mut self,
        disk: &mut Disk,
        begun: Result<(), Error>,
    ) -> Result<Result<(), DiskFailure>, Hang> {
        if let Err(error) = begun {
            return Ok(Err(DiskFailure { bytes: 0, error }));
        }
        let end = self.now() + OPERATION_MAX;
        loop {
            if let Some(Outcome { bytes, result }) = disk.poll(self) {
                return Ok(result.map_err(|error| DiskFailure { bytes, error }));
            }
            let pause = disk.steps.next_deadline().unwrap_or(end).min(end);
            let limit = pause - self.now();
            let machine = &mut disk.machine;
            let steps = &mut disk.steps;
            let mut moved = false;
            self.wait("the disk's outcome", limit, |pair| {
                moved = steps.poll(pair, |id, reply| machine.reply(id, reply));
                (moved || pair.now() >= pause && pause < end).then_some(())
            })?;
        }
    }
}

impl Disk {
    /// The outcome, if there is one; begins what the machine wants.
    fn poll(&mut self, pair: &mut Pair) -> Option<Outcome> {
        loop {
            match self.machine.poll_action(pair.now()) {
                Poll::Act(step) => self.steps.begin(pair, step),
                Poll::Ready(outcome) => return Some(outcome),
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

/// The Bulk-Only function of a device, if it has one.
fn function(device: &DeviceInfo) -> Option<Function> {
    let configuration = device.configuration()?;
    configuration.interfaces().find_map(|interface| {
        let setting = interface.default_alternate()?;
        if ClassCode(setting.descriptor.class) != ClassCode::MASS_STORAGE {
            return None;
        }
        let bulk = |direction: Direction| -> Option<EndpointAddress> {
            let mut endpoints = setting.endpoints().map(|endpoint| endpoint.descriptor);
            let found = endpoints.find(|endpoint| {
                endpoint.kind() == TransferKind::Bulk && endpoint.address.direction() == direction
            });
            found.map(|endpoint| endpoint.address)
        };
        Some(Function {
            interface: setting.descriptor.number,
            bulk_in: bulk(Direction::In)?,
            bulk_out: bulk(Direction::Out)?,
        })
    })
}
