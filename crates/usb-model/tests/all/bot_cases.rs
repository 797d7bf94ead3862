//! The thirteen ways in which host and device can expect data of each other. BOT §6.7, table 6.1.

use crate::common::DiskBench;
use usb_model::device::{DiskOptions, ShortData};
use usb_spec::class::mass_storage::CswStatus;
use usb_spec::class::mass_storage::scsi::Command;
use usb_spec::{Direction, Speed};

const READ_ONE: Command = Command::Read10 {
    lba: 1,
    blocks: 1,
    fua: false,
};
const READ_TWO: Command = Command::Read10 {
    lba: 1,
    blocks: 2,
    fua: false,
};
const WRITE_ONE: Command = Command::Write10 {
    lba: 1,
    blocks: 1,
    fua: false,
};
const WRITE_TWO: Command = Command::Write10 {
    lba: 1,
    blocks: 2,
    fua: false,
};
const NONE: Command = Command::TestUnitReady;

/// Command, direction and length of the host; then moved bytes of the medium, whether a stall is seen, status, residue.
type Case = (u8, Command, Direction, u32, usize, bool, CswStatus, u32);

const CASES: [Case; 13] = [
    (1, NONE, Direction::Out, 0, 0, false, CswStatus::PASSED, 0),
    (
        2,
        READ_ONE,
        Direction::In,
        0,
        0,
        false,
        CswStatus::PHASE_ERROR,
        0,
    ),
    (
        3,
        WRITE_ONE,
        Direction::Out,
        0,
        0,
        false,
        CswStatus::PHASE_ERROR,
        0,
    ),
    (4, NONE, Direction::In, 512, 0, true, CswStatus::PASSED, 512),
    (
        5,
        READ_ONE,
        Direction::In,
        2048,
        512,
        true,
        CswStatus::PASSED,
        1536,
    ),
    (
        6,
        READ_ONE,
        Direction::In,
        512,
        512,
        false,
        CswStatus::PASSED,
        0,
    ),
    (
        7,
        READ_TWO,
        Direction::In,
        512,
        512,
        false,
        CswStatus::PHASE_ERROR,
        0,
    ),
    (
        8,
        WRITE_ONE,
        Direction::In,
        512,
        0,
        true,
        CswStatus::PHASE_ERROR,
        512,
    ),
    (
        9,
        NONE,
        Direction::Out,
        512,
        0,
        true,
        CswStatus::PASSED,
        512,
    ),
    (
        10,
        READ_ONE,
        Direction::Out,
        512,
        0,
        true,
        CswStatus::PHASE_ERROR,
        512,
    ),
    (
        11,
        WRITE_ONE,
        Direction::Out,
        2048,
        512,
        true,
        CswStatus::PASSED,
        1536,
    ),
    (
        12,
        WRITE_ONE,
        Direction::Out,
        512,
        512,
        false,
        CswStatus::PASSED,
        0,
    ),
    (
        13,
        WRITE_TWO,
        Direction::Out,
        512,
        512,
        false,
        CswStatus::PHASE_ERROR,
        0,
    ),
];

fn play(speed: Speed, short_data: ShortData) {
    for (number, command, direction, length, moved, stalls, status, residue) in CASES {
        let name = format!("case {number} at {speed}, {short_data:?}");
        let mut disk = DiskBench::ready(DiskOptions {
            speed,
            short_data,
            ..DiskOptions::default()
        });
        let before = disk.medium.clone();
        let cbw = disk.cbw(command, length, direction);
        let data = vec![0xa5; length as usize];
        let outcome = disk.raw(&cbw, &data);

        assert_eq!(
            (outcome.status, outcome.residue),
            (status, residue),
            "{name}"
        );
        assert_eq!(
            outcome.stalled,
            stalls && short_data == ShortData::Stall,
            "{name}"
        );
        if direction.is_in() {
            assert_eq!(outcome.data, &before[512..512 + moved], "{name}");
            assert_eq!(disk.medium, before, "{name}");
        } else {
            assert_eq!(&disk.medium[512..512 + moved], &data[..moved], "{name}");
            assert_eq!(
                &disk.medium[512 + moved..],
                &before[512 + moved..],
                "{name}"
            );
        }
        assert_eq!(
            disk.none(NONE).status,
            CswStatus::PASSED,
            "{name}: the next command works"
        );
        assert_eq!(
            disk.read(READ_ONE, 512).data,
            &disk.medium[512..1024],
            "{name}: and the one after it"
        );
    }
}

#[test]
fn a_disk_that_stalls_goes_through_the_thirteen_cases_at_each_speed() {
    for speed in [Speed::Full, Speed::High, Speed::Super] {
        play(speed, ShortData::Stall);
    }
}

#[test]
fn a_disk_that_sends_short_packets_goes_through_the_thirteen_cases_at_each_speed() {
    for speed in [Speed::Full, Speed::High, Speed::Super] {
        play(speed, ShortData::ShortPacket);
    }
}
