//! Operation codes. SPC-4 and SBC-3 list of commands; UFI 1.0 for READ FORMAT CAPACITIES.

use crate::open::open_number;

open_number! {
    /// The first byte of a command block.
    pub struct Opcode(u8) {
        TEST_UNIT_READY = 0x00 => "TEST UNIT READY",
        REQUEST_SENSE = 0x03 => "REQUEST SENSE",
        FORMAT_UNIT = 0x04 => "FORMAT UNIT",
        READ_6 = 0x08 => "READ(6)",
        WRITE_6 = 0x0a => "WRITE(6)",
        INQUIRY = 0x12 => "INQUIRY",
        MODE_SELECT_6 = 0x15 => "MODE SELECT(6)",
        MODE_SENSE_6 = 0x1a => "MODE SENSE(6)",
        START_STOP_UNIT = 0x1b => "START STOP UNIT",
        SEND_DIAGNOSTIC = 0x1d => "SEND DIAGNOSTIC",
        PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1e => "PREVENT ALLOW MEDIUM REMOVAL",
        READ_FORMAT_CAPACITIES = 0x23 => "READ FORMAT CAPACITIES",
        READ_CAPACITY_10 = 0x25 => "READ CAPACITY(10)",
        READ_10 = 0x28 => "READ(10)",
        WRITE_10 = 0x2a => "WRITE(10)",
        WRITE_AND_VERIFY_10 = 0x2e => "WRITE AND VERIFY(10)",
        VERIFY_10 = 0x2f => "VERIFY(10)",
        SYNCHRONIZE_CACHE_10 = 0x35 => "SYNCHRONIZE CACHE(10)",
        WRITE_SAME_10 = 0x41 => "WRITE SAME(10)",
        UNMAP = 0x42 => "UNMAP",
        MODE_SELECT_10 = 0x55 => "MODE SELECT(10)",
        MODE_SENSE_10 = 0x5a => "MODE SENSE(10)",
        ATA_PASS_THROUGH_16 = 0x85 => "ATA PASS-THROUGH(16)",
        READ_16 = 0x88 => "READ(16)",
        WRITE_16 = 0x8a => "WRITE(16)",
        SYNCHRONIZE_CACHE_16 = 0x91 => "SYNCHRONIZE CACHE(16)",
        WRITE_SAME_16 = 0x93 => "WRITE SAME(16)",
        SERVICE_ACTION_IN_16 = 0x9e => "SERVICE ACTION IN(16)",
        REPORT_LUNS = 0xa0 => "REPORT LUNS",
        ATA_PASS_THROUGH_12 = 0xa1 => "ATA PASS-THROUGH(12)",
        MAINTENANCE_IN = 0xa3 => "MAINTENANCE IN",
        READ_12 = 0xa8 => "READ(12)",
        WRITE_12 = 0xaa => "WRITE(12)",
    }
}

impl Opcode {
    /// The service action of READ CAPACITY(16) in SERVICE ACTION IN(16).
    pub const READ_CAPACITY_16_ACTION: u8 = 0x10;

    /// The length of a command block that begins with this code, from the group in its top three bits; `None` for reserved and vendor groups.
    ///
    /// SPC-4 §4.3.2 (unchecked).
    #[must_use]
    pub const fn cdb_length(self) -> Option<u8> {
        match self.0 >> 5 {
            0 => Some(6),
            1 | 2 => Some(10),
            4 => Some(16),
            5 => Some(12),
            _ => None,
        }
    }
}
