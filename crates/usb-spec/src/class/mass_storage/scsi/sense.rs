//! Sense data: why a command failed. SPC-4 §4.5.

use crate::open::open_number;
use crate::wire::{be32, be64, put, u8_at};

open_number! {
    /// The sense key, four bits. SPC-4 §4.5.6 (unchecked).
    pub struct SenseKey(u8) {
        NO_SENSE = 0x0 => "no sense",
        RECOVERED_ERROR = 0x1 => "recovered error",
        NOT_READY = 0x2 => "not ready",
        MEDIUM_ERROR = 0x3 => "medium error",
        HARDWARE_ERROR = 0x4 => "hardware error",
        ILLEGAL_REQUEST = 0x5 => "illegal request",
        UNIT_ATTENTION = 0x6 => "unit attention",
        DATA_PROTECT = 0x7 => "data protect",
        BLANK_CHECK = 0x8 => "blank check",
        VENDOR_SPECIFIC = 0x9 => "vendor specific",
        COPY_ABORTED = 0xa => "copy aborted",
        ABORTED_COMMAND = 0xb => "aborted command",
        VOLUME_OVERFLOW = 0xd => "volume overflow",
        MISCOMPARE = 0xe => "miscompare",
        COMPLETED = 0xf => "completed",
    }
}

open_number! {
    /// Additional sense code (high byte) and its qualifier (low byte). SPC-4 annex D.
    pub struct AdditionalSense(u16) {
        NONE = 0x0000 => "no additional sense information",
        NOT_READY = 0x0400 => "logical unit not ready, cause not reportable",
        BECOMING_READY = 0x0401 => "logical unit is in process of becoming ready",
        INITIALIZING_REQUIRED = 0x0402 => "logical unit not ready, initializing command required",
        MANUAL_INTERVENTION_REQUIRED = 0x0403 => "logical unit not ready, manual intervention required",
        FORMAT_IN_PROGRESS = 0x0404 => "logical unit not ready, format in progress",
        COMMUNICATION_FAILURE = 0x0800 => "logical unit communication failure",
        WRITE_ERROR = 0x0c00 => "write error",
        UNRECOVERED_READ_ERROR = 0x1100 => "unrecovered read error",
        PARAMETER_LIST_LENGTH_ERROR = 0x1a00 => "parameter list length error",
        MISCOMPARE_DURING_VERIFY = 0x1d00 => "miscompare during verify operation",
        INVALID_COMMAND_OPERATION_CODE = 0x2000 => "invalid command operation code",
        LBA_OUT_OF_RANGE = 0x2100 => "logical block address out of range",
        INVALID_FIELD_IN_CDB = 0x2400 => "invalid field in CDB",
        LOGICAL_UNIT_NOT_SUPPORTED = 0x2500 => "logical unit not supported",
        INVALID_FIELD_IN_PARAMETER_LIST = 0x2600 => "invalid field in parameter list",
        WRITE_PROTECTED = 0x2700 => "write protected",
        MEDIUM_MAY_HAVE_CHANGED = 0x2800 => "not ready to ready change, medium may have changed",
        POWER_ON_OR_RESET = 0x2900 => "power on, reset, or bus device reset occurred",
        POWER_ON = 0x2901 => "power on occurred",
        BUS_RESET = 0x2902 => "SCSI bus reset occurred",
        DEVICE_RESET = 0x2903 => "bus device reset function occurred",
        MODE_PARAMETERS_CHANGED = 0x2a01 => "mode parameters changed",
        CAPACITY_CHANGED = 0x2a09 => "capacity data has changed",
        CANNOT_READ_UNKNOWN_FORMAT = 0x3001 => "cannot read medium, unknown format",
        MEDIUM_FORMAT_CORRUPTED = 0x3100 => "medium format corrupted",
        SAVING_NOT_SUPPORTED = 0x3900 => "saving parameters not supported",
        MEDIUM_NOT_PRESENT = 0x3a00 => "medium not present",
        MEDIUM_NOT_PRESENT_TRAY_CLOSED = 0x3a01 => "medium not present, tray closed",
        MEDIUM_NOT_PRESENT_TRAY_OPEN = 0x3a02 => "medium not present, tray open",
        REPORTED_LUNS_CHANGED = 0x3f0e => "reported LUNs data has changed",
        INTERNAL_TARGET_FAILURE = 0x4400 => "internal target failure",
        MEDIUM_REMOVAL_PREVENTED = 0x5302 => "medium removal prevented",
        FAILURE_PREDICTED = 0x5d00 => "failure prediction threshold exceeded",
    }
}

impl AdditionalSense {
    /// From code and qualifier.
    #[must_use]
    pub const fn new(asc: u8, ascq: u8) -> Self {
        Self(u16::from_be_bytes([asc, ascq]))
    }

    /// The code.
    #[must_use]
    pub const fn asc(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// The qualifier.
    #[must_use]
    pub const fn ascq(self) -> u8 {
        self.0.to_be_bytes()[1]
    }
}

/// Sense data, from either format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sense {
    /// About an earlier command, not this one.
    pub deferred: bool,
    /// The key.
    pub key: SenseKey,
    /// Code and qualifier.
    pub additional: AdditionalSense,
    /// `INFORMATION`, if it is valid: mostly the block that failed.
    pub information: Option<u64>,
}

impl Sense {
    /// The size of fixed format as emitted.
    pub const LENGTH: usize = 18;

    /// Nothing to report.
    pub const NONE: Self = Self::new(SenseKey::NO_SENSE, AdditionalSense::NONE);

    /// Sense data about the current command, without information.
    #[must_use]
    pub const fn new(key: SenseKey, additional: AdditionalSense) -> Self {
        Self {
            deferred: false,
            key,
            additional,
            information: None,
        }
    }

    /// Reads fixed (70h, 71h) or descriptor format (72h, 73h). Devices cut the data short; what is missing counts as 0.
    ///
    /// # Errors
    /// Fewer bytes than hold the key, or another response code.
    pub fn parse(bytes: &[u8]) -> Result<Self, SenseError> {
        let code = *bytes.first().ok_or(SenseError::TooShort { found: 0 })? & 0x7f;
        match code {
            0x70 | 0x71 if bytes.len() < 3 => Err(SenseError::TooShort { found: bytes.len() }),
            0x70 | 0x71 => Ok(Self {
                deferred: code == 0x71,
                key: SenseKey(u8_at(bytes, 2) & 0x0f),
                additional: AdditionalSense::new(u8_at(bytes, 12), u8_at(bytes, 13)),
                information: (u8_at(bytes, 0) & 0x80 != 0 && bytes.len() >= 7)
                    .then(|| u64::from(be32(bytes, 3))),
            }),
            0x72 | 0x73 if bytes.len() < 4 => Err(SenseError::TooShort { found: bytes.len() }),
            0x72 | 0x73 => Ok(Self {
                deferred: code == 0x73,
                key: SenseKey(u8_at(bytes, 1) & 0x0f),
                additional: AdditionalSense::new(u8_at(bytes, 2), u8_at(bytes, 3)),
                information: descriptor_information(bytes),
            }),
            code => Err(SenseError::ResponseCode { code }),
        }
    }

    /// Fixed format. Information that needs more than 32 bits is left out, as the format wants it.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        let information = self.information.and_then(|value| u32::try_from(value).ok());
        let code = 0x70 | u8::from(self.deferred) | (u8::from(information.is_some()) << 7);
        put(&mut out, 0, &[code, 0, self.key.0 & 0x0f]);
        put(&mut out, 3, &information.unwrap_or(0).to_be_bytes());
        put(&mut out, 7, &[10]);
        put(
            &mut out,
            12,
            &[self.additional.asc(), self.additional.ascq()],
        );
        out
    }
}

/// The information descriptor (type 0) among the sense descriptors. Each step moves on by at least two of at most 252 bytes.
fn descriptor_information(bytes: &[u8]) -> Option<u64> {
    let all = bytes.get(8..)?;
    let mut rest = all.get(..usize::from(u8_at(bytes, 7))).unwrap_or(all);
    while let &[kind, length, ..] = rest {
        if kind == 0 && length >= 10 && rest.len() >= 12 {
            return (u8_at(rest, 2) & 0x80 != 0).then(|| be64(rest, 4));
        }
        rest = rest.get(usize::from(length) + 2..)?;
    }
    None
}

impl core::fmt::Display for Sense {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (asc, ascq) = (self.additional.asc(), self.additional.ascq());
        match self.additional.name() {
            Some(name) => write!(f, "{}: {name} ({asc:02x}h/{ascq:02x}h)", self.key),
            None => write!(f, "{} ({asc:02x}h/{ascq:02x}h)", self.key),
        }
    }
}

/// Why bytes are not sense data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenseError {
    /// Not enough bytes to hold a key.
    TooShort {
        /// The bytes that are there.
        found: usize,
    },
    /// The first byte names no format that is known.
    ResponseCode {
        /// Bits 6:0 of it.
        code: u8,
    },
}

impl core::fmt::Display for SenseError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooShort { found } => write!(f, "{found} bytes are too few for sense data"),
            Self::ResponseCode { code } => {
                write!(f, "sense data with the unknown response code {code:#04x}")
            }
        }
    }
}

impl core::error::Error for SenseError {}
