//! Faults that a test puts into an exchange, each at one place.

use usb_class::transport::{Reply, Status};
use usb_spec::class::mass_storage::Csw;
use usb_spec::class::mass_storage::scsi::Opcode;

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Command(Opcode),
    Data(Opcode),
    Status(Opcode),
    MaxLun,
    ClassReset,
    ClearIn,
    ClearOut,
    PortReset,
}

/// What happens there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Inject {
    /// The action fails, nothing is moved.
    Fail(Status),
    /// The status says something else.
    Csw(fn(&mut Csw)),
    /// So many bytes of the right status come.
    CutCsw(usize),
    /// This comes instead of what was asked for.
    Bytes(&'static [u8]),
    /// Of the data, so much is moved, and the status tells of it.
    Short(u32),
    /// The device stalls after so much data.
    StallAfter(u32),
    /// The status comes where the data should be.
    StatusForData,
    /// The device claims to have moved more than it was asked for.
    Boast(u32),
}

/// What a played device answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Status,
    pub(crate) bytes: u32,
    pub(crate) data: Vec<u8>,
}

impl Answer {
    pub(crate) fn ok() -> Self {
        Self::moved(0)
    }

    pub(crate) fn moved(bytes: u32) -> Self {
        Self {
            status: Status::Ok,
            bytes,
            data: Vec::new(),
        }
    }

    pub(crate) fn data(data: Vec<u8>) -> Self {
        Self {
            status: Status::Ok,
            bytes: u32::try_from(data.len()).unwrap(),
            data,
        }
    }

    pub(crate) fn failed(status: Status) -> Self {
        Self {
            status,
            bytes: 0,
            data: Vec::new(),
        }
    }

    pub(crate) fn reply(&self) -> Reply<'_> {
        Reply {
            status: self.status,
            bytes: self.bytes,
            data: &self.data,
        }
    }
}
