//! What hangs on a port, and what stands behind it.

use block::{
    FailingMedium, FileMedium, Medium, MemoryMedium, Mode, OpenError, PatternMedium, perform,
};
use usb_model::device::{BlockSize, Disk, DiskOptions, Keyboard, KeyboardOptions};
use usb_model::{UsbDevice, Work, WorkDone, WorkError};
use volmem::VolatileSlice;
use xhci_spec::number::PortId;

use crate::shared::Shared;
use crate::spec::{DeviceSpec, DiskSource, DiskSpec};

/// The pattern of a disk that says `pattern`.
const PATTERN_SEED: u64 = 0;

/// A device as the model takes it.
pub(crate) type AnyDevice = Box<dyn UsbDevice<VolatileSlice>>;

/// A plugged-in device, and the hands that are on it.
#[derive(Debug)]
pub(crate) struct Plug {
    pub(crate) port: PortId,
    pub(crate) kind: Kind,
    /// Unplug it when a read reaches this byte.
    pub(crate) unplug_at: Option<u64>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Disk(Box<dyn Medium>),
    Keyboard(Shared<Keyboard<VolatileSlice>>),
}

impl Plug {
    /// Makes a device and what stands behind it.
    pub(crate) fn make(spec: &DeviceSpec, port: PortId) -> Result<(AnyDevice, Self), OpenError> {
        match spec {
            DeviceSpec::Disk(disk) => {
                let medium = medium(disk)?;
                let options = DiskOptions {
                    speed: disk.speed,
                    blocks: medium.len() / u64::from(disk.block_size.bytes()),
                    block_size: disk.block_size,
                    read_only: medium.is_read_only(),
                    ..DiskOptions::default()
                };
                let device: AnyDevice = Box::new(Disk::new(options));
                let kind = Kind::Disk(medium);
                Ok((
                    device,
                    Self {
                        port,
                        kind,
                        unplug_at: disk.unplug_at,
                    },
                ))
            }
            DeviceSpec::Keyboard(keyboard) => {
                let options = KeyboardOptions {
                    speed: keyboard.speed,
                    ..KeyboardOptions::default()
                };
                let mut device = Keyboard::new(options);
                // Characters without a key were refused when the specification was read.
                device.type_text(&keyboard.text);
                let shared = Shared::new(device);
                let kind = Kind::Keyboard(shared.clone());
                Ok((
                    Box::new(shared),
                    Self {
                        port,
                        kind,
                        unplug_at: None,
                    },
                ))
            }
        }
    }

    /// Does the device's work, here and now.
    pub(crate) fn perform(&mut self, work: Work<VolatileSlice>) -> WorkDone<VolatileSlice> {
        match &mut self.kind {
            Kind::Disk(medium) => perform(medium, work),
            Kind::Keyboard(_) => nothing_there(work),
        }
    }

    /// Whether this work is where the device is to be unplugged.
    pub(crate) fn is_last(&self, work: &Work<VolatileSlice>) -> bool {
        let end = work.offset.saturating_add(work.length as u64);
        self.unplug_at
            .is_some_and(|at| (work.offset..end).contains(&at))
    }
}

/// Work of a device that has no medium (any more).
pub(crate) fn nothing_there(work: Work<VolatileSlice>) -> WorkDone<VolatileSlice> {
    WorkDone {
        id: work.id,
        buffers: work.buffers,
        result: Err(WorkError::Gone),
    }
}

fn medium(disk: &DiskSpec) -> Result<Box<dyn Medium>, OpenError> {
    let medium: Box<dyn Medium> = match &disk.source {
        DiskSource::Image { path, read_only } => {
            let mode = if *read_only {
                Mode::ReadOnly
            } else {
                Mode::ReadWrite
            };
            Box::new(FileMedium::open(path, mode, disk.block_size.bytes())?)
        }
        DiskSource::Pattern {
            len,
            read_only: true,
        } => Box::new(PatternMedium::new(*len, PATTERN_SEED).read_only()),
        DiskSource::Pattern {
            len,
            read_only: false,
        } => Box::new(PatternMedium::new(*len, PATTERN_SEED)),
        DiskSource::Zeros { len, read_only } => {
            let medium = MemoryMedium::new(vec![0; usize::try_from(*len).unwrap_or(usize::MAX)]);
            if *read_only {
                Box::new(medium.read_only())
            } else {
                Box::new(medium)
            }
        }
    };
    Ok(match disk.bad_at {
        None => medium,
        Some(at) => {
            let bad = at..at.saturating_add(u64::from(BlockSize::Bytes512.bytes()));
            let failing = FailingMedium::new(medium);
            Box::new(failing.with_bad_reads(bad.clone()).with_bad_writes(bad))
        }
    })
}
