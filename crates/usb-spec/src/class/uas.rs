//! USB Attached SCSI: numbers and information units. UAS (T10/2095-D, sections unchecked).

use crate::open::open_number;
use crate::wire::{be16, put, u8_at};

/// `bInterfaceProtocol` of UAS, with class mass storage and subclass SCSI.
pub const PROTOCOL: u8 = 0x62;

open_number! {
    /// What a pipe is for, `bPipeID` of the pipe usage descriptor.
    pub struct PipeId(u8) {
        COMMAND = 1 => "command",
        STATUS = 2 => "status",
        DATA_IN = 3 => "data in",
        DATA_OUT = 4 => "data out",
    }
}

open_number! {
    /// The kind of an information unit, its first byte.
    pub struct UnitKind(u8) {
        COMMAND = 0x01 => "COMMAND",
        SENSE = 0x03 => "SENSE",
        RESPONSE = 0x04 => "RESPONSE",
        TASK_MANAGEMENT = 0x05 => "TASK MANAGEMENT",
        READ_READY = 0x06 => "READ READY",
        WRITE_READY = 0x07 => "WRITE READY",
    }
}

/// A pipe usage descriptor, four bytes of kind [`crate::DescriptorKind::PIPE_USAGE`] behind each endpoint.
#[must_use]
pub fn parse_pipe_usage(bytes: &[u8]) -> Option<PipeId> {
    match bytes {
        &[length, kind, pipe, _, ..]
            if length >= 4 && kind == crate::DescriptorKind::PIPE_USAGE.0 =>
        {
            Some(PipeId(pipe))
        }
        _ => None,
    }
}

/// The bytes of a pipe usage descriptor.
#[must_use]
pub const fn emit_pipe_usage(pipe: PipeId) -> [u8; 4] {
    [4, crate::DescriptorKind::PIPE_USAGE.0, pipe.0, 0]
}

/// A command information unit with a command block of at most 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandUnit {
    /// The tag, which is also the stream's id where streams are used.
    pub tag: u16,
    /// Priority and task attribute.
    pub attributes: u8,
    /// The logical unit.
    pub lun: [u8; 8],
    /// The command block.
    pub command: [u8; 16],
}

impl CommandUnit {
    /// The size of the unit.
    pub const LENGTH: usize = 32;

    /// Reads a command unit; `None` if it is another, too short, or has a longer command block.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < Self::LENGTH
            || UnitKind(u8_at(bytes, 0)) != UnitKind::COMMAND
            || u8_at(bytes, 6) >> 2 != 0
        {
            return None;
        }
        Some(Self {
            tag: be16(bytes, 2),
            attributes: u8_at(bytes, 4),
            lun: crate::wire::take(bytes, 8),
            command: crate::wire::take(bytes, 16),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(&mut out, 0, &[UnitKind::COMMAND.0, 0]);
        put(&mut out, 2, &self.tag.to_be_bytes());
        put(&mut out, 4, &[self.attributes]);
        put(&mut out, 8, &self.lun);
        put(&mut out, 16, &self.command);
        out
    }
}
