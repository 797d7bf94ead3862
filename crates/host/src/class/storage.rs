//! Disks: SCSI over Bulk-Only.

pub use crate::thread::Disk;
pub use usb_class::bot::{Fault, Function};
pub use usb_class::scsi::{Disk as DiskInfo, Error as DiskError, Geometry, Inquiry, Policy};

use usb_class::scsi::{BlockDevice, Outcome};
use usb_class::transport::Poll;
use usb_spec::class::ClassCode;
use usb_spec::class::mass_storage::{Protocol, Subclass};
use usb_spec::descriptor::AlternateView;
use usb_spec::time::Instant;
use usb_spec::{EndpointAddress, TransferKind};
use xhci_driver::DeviceInfo;
use xhci_spec::number::SlotId;

use super::steps::Steps;
use crate::{Backend, Buffer, Engine, Error};

/// How a disk's operation ended. The buffer always comes back.
#[derive(Debug)]
pub struct DiskDone {
    /// The buffer that the operation was given.
    pub buffer: Option<Buffer>,
    /// How many bytes from its beginning were read or written; what lies behind them has no meaning.
    pub bytes: usize,
    /// Whether all of it went well.
    pub result: Result<(), Error>,
}

/// An operation that was not begun, with the buffer that it was given.
#[derive(Debug)]
pub struct Refused {
    /// Why not.
    pub error: Error,
    /// The buffer.
    pub buffer: Buffer,
}

impl DiskDone {
    /// The buffer, or why not.
    ///
    /// # Errors
    /// What the operation ended with; the buffer is dropped then.
    pub fn into_result(self) -> Result<Option<Buffer>, Error> {
        self.result.map(|()| self.buffer)
    }
}

/// Finds the Bulk-Only SCSI function of a device.
#[must_use]
pub fn function(device: &DeviceInfo) -> Option<Function> {
    let configuration = device.configuration()?;
    configuration.interfaces().find_map(|interface| {
        let setting = device
            .alternates
            .get(&interface.number)
            .copied()
            .unwrap_or(0);
        function_of(&interface.alternate(setting)?)
    })
}

fn function_of(setting: &AlternateView<'_>) -> Option<Function> {
    let interface = setting.descriptor;
    let class = (
        ClassCode(interface.class),
        Subclass(interface.subclass),
        Protocol(interface.protocol),
    );
    if class != (ClassCode::MASS_STORAGE, Subclass::SCSI, Protocol::BULK_ONLY) {
        return None;
    }
    let bulk = |is_in: bool| -> Option<EndpointAddress> {
        setting
            .endpoints()
            .map(|endpoint| endpoint.descriptor)
            .find(|endpoint| {
                endpoint.kind() == TransferKind::Bulk
                    && endpoint.address.direction().is_in() == is_in
            })
            .map(|endpoint| endpoint.address)
    };
    Some(Function {
        interface: interface.number,
        bulk_in: bulk(true)?,
        bulk_out: bulk(false)?,
    })
}

/// A disk that is polled beside its engine.
///
/// One operation at a time: begin it, poll until it is done. Ranges are in bytes and begin and end at blocks. An operation may be larger
/// than what the disk takes in one command; it is cut then.
#[derive(Debug)]
pub struct PolledDisk {
    machine: BlockDevice,
    steps: Steps,
    slot: SlotId,
}

impl PolledDisk {
    /// The disk in a slot, to which nobody has spoken yet: [`begin_start`](Self::begin_start) comes next.
    ///
    /// # Errors
    /// [`Error::NoDevice`], [`Error::WrongClass`], [`Error::Memory`].
    pub fn new<B: Backend>(
        engine: &mut Engine<B>,
        slot: SlotId,
        policy: Policy,
    ) -> Result<Self, Error> {
        let device = engine.device(slot).ok_or(Error::NoDevice { slot })?;
        let function = function(device).ok_or(Error::WrongClass { wanted: "disk" })?;
        Ok(Self {
            machine: BlockDevice::new(function, 0, policy),
            steps: Steps::new(engine, slot)?,
            slot,
        })
    }

    /// Opens the disk in a slot and waits until it is ready.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Disk`].
    pub fn open<B: Backend>(
        engine: &mut Engine<B>,
        slot: SlotId,
        policy: Policy,
    ) -> Result<Self, Error> {
        let mut disk = Self::new(engine, slot, policy)?;
        let started = disk.begin_start(engine.now());
        match started
            .map_err(Error::from)
            .and_then(|()| disk.finish(engine).result)
        {
            Ok(()) => Ok(disk),
            Err(error) => {
                disk.close(engine);
                Err(error)
            }
        }
    }

    /// What it is, once it has been started.
    #[must_use]
    pub fn info(&self) -> Option<&DiskInfo> {
        self.machine.disk()
    }

    /// The slot of its device.
    #[must_use]
    pub fn slot(&self) -> SlotId {
        self.slot
    }

    /// Begins to find out what the disk is; waits for it to become ready.
    ///
    /// # Errors
    /// [`DiskError::Busy`].
    pub fn begin_start(&mut self, now: Instant) -> Result<(), DiskError> {
        self.machine.start(now)
    }

    /// Begins to read `length` bytes at byte `at` into a buffer.
    ///
    /// # Errors
    /// Why nothing was begun, with the buffer.
    pub fn begin_read(
        &mut self,
        now: Instant,
        at: u64,
        buffer: Buffer,
        length: usize,
    ) -> Result<(), Box<Refused>> {
        self.begin(now, false, at, buffer, length)
    }

    /// Begins to write `length` bytes at byte `at` from a buffer. They are safe from power loss only after a flush.
    ///
    /// # Errors
    /// Why nothing was begun, with the buffer.
    pub fn begin_write(
        &mut self,
        now: Instant,
        at: u64,
        buffer: Buffer,
        length: usize,
    ) -> Result<(), Box<Refused>> {
        self.begin(now, true, at, buffer, length)
    }

    /// Begins to bring all that was written onto the medium.
    ///
    /// # Errors
    /// [`DiskError::Busy`], [`DiskError::NotStarted`].
    pub fn begin_flush(&mut self, now: Instant) -> Result<(), DiskError> {
        self.machine.flush(now)
    }

    fn begin(
        &mut self,
        now: Instant,
        writing: bool,
        at: u64,
        buffer: Buffer,
        length: usize,
    ) -> Result<(), Box<Refused>> {
        if length > buffer.len() {
            let error = Error::BufferTooSmall {
                wanted: length,
                len: buffer.len(),
            };
            return Err(Box::new(Refused { error, buffer }));
        }
        match self.begin_range(now, writing, at, length as u64) {
            Ok(()) => {
                self.steps.data = Some(buffer);
                Ok(())
            }
            Err(error) => Err(Box::new(Refused {
                error: error.into(),
                buffer,
            })),
        }
    }

    fn begin_range(
        &mut self,
        now: Instant,
        writing: bool,
        at: u64,
        length: u64,
    ) -> Result<(), DiskError> {
        let disk = self.machine.disk().ok_or(DiskError::NotStarted)?;
        let block_size = u64::from(disk.geometry.block_size.max(1));
        let end = at.saturating_add(length);
        if !at.is_multiple_of(block_size) || !length.is_multiple_of(block_size) {
            return Err(DiskError::Misaligned {
                start: at,
                end,
                block_size: disk.geometry.block_size,
            });
        }
        let (lba, blocks) = (at / block_size, length / block_size);
        if writing {
            self.machine.write(now, lba, blocks)
        } else {
            self.machine.read(now, lba, blocks)
        }
    }

    /// Moves the operation on. Its end, once.
    pub fn poll<B: Backend>(&mut self, engine: &mut Engine<B>) -> Option<DiskDone> {
        loop {
            match self.machine.poll_action(engine.now()) {
                Poll::Act(step) => self.steps.begin(engine, step),
                Poll::Ready(outcome) => return Some(self.ended(outcome)),
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

    /// Runs the engine until the operation has ended.
    pub fn finish<B: Backend>(&mut self, engine: &mut Engine<B>) -> DiskDone {
        loop {
            if let Some(done) = self.poll(engine) {
                return done;
            }
            if !engine.poll() {
                engine.wait(self.next_deadline());
            }
        }
    }

    /// Lets go of the disk. What is under way is taken back.
    pub fn close<B: Backend>(mut self, engine: &mut Engine<B>) {
        self.steps.close(engine);
    }

    /// The buffer of an operation that nobody will move on any more.
    pub(crate) fn take_buffer(&mut self) -> Option<Buffer> {
        self.steps.data.take()
    }

    fn ended(&mut self, outcome: Outcome) -> DiskDone {
        DiskDone {
            buffer: self.steps.data.take(),
            bytes: usize::try_from(outcome.bytes).unwrap_or(usize::MAX),
            result: outcome.result.map_err(Error::from),
        }
    }
}
