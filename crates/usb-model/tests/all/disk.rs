//! The disk moves blocks.

use usb_model::device::{BlockSize, DiskOptions, ShortData};
use usb_model::{Stage, Status, WorkError};
use usb_spec::class::mass_storage::scsi::{AdditionalSense, Command, SenseKey};
use usb_spec::class::mass_storage::{Cbw, CswStatus};
use usb_spec::{Direction, Setup, Speed};

use crate::common::DiskBench;

const IN: usb_spec::EndpointAddress = DiskBench::IN;
const OUT: usb_spec::EndpointAddress = DiskBench::OUT;

fn options(speed: Speed) -> DiskOptions {
    DiskOptions {
        speed,
        blocks: 256,
        ..DiskOptions::default()
    }
}

#[test]
fn what_was_written_is_read_at_each_speed_and_block_size() {
    for speed in [Speed::Full, Speed::High, Speed::Super, Speed::SuperPlus] {
        for block_size in [BlockSize::Bytes512, BlockSize::Bytes4096] {
            let mut disk = DiskBench::ready(DiskOptions {
                block_size,
                ..options(speed)
            });
            let size = block_size.bytes() as usize;
            let data: Vec<u8> = (0..5 * size)
                .map(|at| u8::try_from(at * 13 % 251).unwrap())
                .collect();
            let written = disk.write(
                Command::Write10 {
                    lba: 7,
                    blocks: 5,
                    fua: false,
                },
                &data,
            );
            assert_eq!(
                (written.status, written.residue, written.stalled),
                (CswStatus::PASSED, 0, false)
            );
            assert_eq!(&disk.medium[7 * size..12 * size], data);
            let read = disk.read(
                Command::Read16 {
                    lba: 7,
                    blocks: 5,
                    fua: false,
                },
                5 * block_size.bytes(),
            );
            assert_eq!(
                (read.status, read.residue, read.data),
                (CswStatus::PASSED, 0, data)
            );
        }
    }
}

#[test]
fn a_data_stage_may_come_in_several_requests() {
    let mut disk = DiskBench::ready(options(Speed::High));
    let cbw = disk.cbw(
        Command::Write10 {
            lba: 0,
            blocks: 4,
            fua: false,
        },
        2048,
        Direction::Out,
    );
    disk.send(&cbw.to_bytes());
    for piece in 0..4u8 {
        assert_eq!(disk.send(&[piece + 1; 512]), Some((Status::Ok, 512)));
    }
    assert_eq!(disk.status().0.status, CswStatus::PASSED);
    assert_eq!(
        [disk.medium[0], disk.medium[512], disk.medium[1536]],
        [1, 2, 4]
    );

    let cbw = disk.cbw(
        Command::Read10 {
            lba: 0,
            blocks: 4,
            fua: false,
        },
        2048,
        Direction::In,
    );
    disk.send(&cbw.to_bytes());
    assert_eq!(disk.transfer(IN, 1536), Some((Status::Ok, 1536)));
    assert_eq!(disk.transfer(IN, 512), Some((Status::Ok, 512)));
    assert_eq!(disk.ram.get(0, 512), vec![4; 512]);
    assert_eq!(disk.status().0.status, CswStatus::PASSED);
}

#[test]
fn work_goes_straight_to_the_requests_buffers() {
    let mut disk = DiskBench::ready(options(Speed::Super));
    let cbw = disk.cbw(
        Command::Read10 {
            lba: 3,
            blocks: 2,
            fua: false,
        },
        1024,
        Direction::In,
    );
    disk.send(&cbw.to_bytes());
    disk.hold = true;
    let token = disk.submit(IN, Stage::Transfer, 1024);
    disk.run();
    let work = &disk.held[0];
    assert_eq!(
        (work.kind, work.offset, work.length),
        (usb_model::WorkKind::Read, 1536, 1024)
    );
    assert_eq!(
        work.buffers.len(),
        4,
        "in as many pieces as the host has given"
    );
    disk.release();
    assert_eq!(disk.take(token).unwrap().bytes, 1024);
}

#[test]
fn a_host_that_ends_its_data_early_gets_the_residue() {
    let mut disk = DiskBench::ready(options(Speed::High));
    let cbw = disk.cbw(
        Command::Write10 {
            lba: 0,
            blocks: 4,
            fua: false,
        },
        2048,
        Direction::Out,
    );
    disk.send(&cbw.to_bytes());
    assert_eq!(disk.send(&[9; 512 + 100]), Some((Status::Ok, 612)));
    let (csw, stalled) = disk.status();
    assert_eq!((csw.residue, stalled), (2048 - 612, false));
    assert!(!disk.is_halted(OUT));
    assert_eq!(disk.none(Command::TestUnitReady).status, CswStatus::PASSED);
}

#[test]
fn what_is_no_cbw_stalls_both_pipes_until_a_reset_recovery() {
    for bad in [vec![0; 31], vec![0x55; 13], vec![0; 512], vec![]] {
        let mut disk = DiskBench::ready(options(Speed::High));
        disk.send(&bad);
        assert!(disk.is_halted(IN) && disk.is_halted(OUT));
        assert_eq!(disk.transfer(IN, 13), Some((Status::Stall, 0)));
        disk.clear_halt(IN);
        disk.clear_halt(OUT);
        assert!(disk.is_halted(IN) && disk.is_halted(OUT));
        assert_eq!(
            disk.transfer(IN, 13),
            Some((Status::Stall, 0)),
            "clearing the halts is not enough"
        );
        assert_eq!(disk.control_out(Setup::bot_reset(0), &[]), Status::Ok);
        assert!(disk.is_halted(IN), "nor is the class reset");
        disk.clear_halt(IN);
        disk.clear_halt(OUT);
        assert_eq!(disk.none(Command::TestUnitReady).status, CswStatus::PASSED);
    }
}

#[test]
fn a_command_length_or_reserved_bit_that_means_nothing_is_no_cbw() {
    for (at, value) in [(12, 1), (13, 0x10), (14, 0), (14, 17)] {
        let mut disk = DiskBench::ready(options(Speed::High));
        let mut bytes = disk
            .cbw(Command::TestUnitReady, 0, Direction::Out)
            .to_bytes();
        bytes[at] = value;
        disk.send(&bytes);
        assert!(
            disk.is_halted(IN) && disk.is_halted(OUT),
            "byte {at} = {value:#x}"
        );
    }
}

#[test]
fn another_unit_is_refused_in_scsi_not_in_transport() {
    let mut disk = DiskBench::ready(options(Speed::High));
    let cbw = Cbw {
        lun: 1,
        ..disk.cbw(Command::TestUnitReady, 0, Direction::Out)
    };
    assert_eq!(disk.raw(&cbw, &[]).status, CswStatus::FAILED);
    assert_eq!(
        disk.sense().additional,
        AdditionalSense::LOGICAL_UNIT_NOT_SUPPORTED
    );
    assert_eq!(disk.control_in(Setup::get_max_lun(0)), Ok(vec![0]));
}

#[test]
fn a_medium_that_fails_is_told_with_the_block() {
    let cases = [
        (
            WorkError::Read,
            SenseKey::MEDIUM_ERROR,
            AdditionalSense::UNRECOVERED_READ_ERROR,
        ),
        (
            WorkError::Write,
            SenseKey::MEDIUM_ERROR,
            AdditionalSense::WRITE_ERROR,
        ),
        (
            WorkError::Protected,
            SenseKey::DATA_PROTECT,
            AdditionalSense::WRITE_PROTECTED,
        ),
        (
            WorkError::Range,
            SenseKey::ILLEGAL_REQUEST,
            AdditionalSense::LBA_OUT_OF_RANGE,
        ),
        (
            WorkError::Gone,
            SenseKey::NOT_READY,
            AdditionalSense::MEDIUM_NOT_PRESENT,
        ),
    ];
    for short_data in [ShortData::Stall, ShortData::ShortPacket] {
        for (error, key, additional) in cases {
            for write in [false, true] {
                let mut disk = DiskBench::ready(DiskOptions {
                    short_data,
                    ..options(Speed::Super)
                });
                disk.fail = Some(error);
                let outcome = if write {
                    disk.write(
                        Command::Write10 {
                            lba: 9,
                            blocks: 2,
                            fua: false,
                        },
                        &[1; 1024],
                    )
                } else {
                    disk.read(
                        Command::Read10 {
                            lba: 9,
                            blocks: 2,
                            fua: false,
                        },
                        1024,
                    )
                };
                assert_eq!((outcome.status, outcome.residue), (CswStatus::FAILED, 1024));
                assert_eq!(outcome.data, []);
                disk.fail = None;
                let sense = disk.sense();
                assert_eq!(
                    (sense.key, sense.additional, sense.information),
                    (key, additional, Some(9))
                );
                let ready = disk.none(Command::TestUnitReady).status;
                assert_eq!(ready == CswStatus::PASSED, error != WorkError::Gone);
            }
        }
    }
}

#[test]
fn the_status_of_a_synchronisation_waits_for_the_flush() {
    let mut disk = DiskBench::ready(options(Speed::High));
    let cbw = disk.cbw(
        Command::SynchronizeCache10 {
            lba: 0,
            blocks: 0,
            immediate: false,
        },
        0,
        Direction::Out,
    );
    disk.hold = true;
    disk.send(&cbw.to_bytes());
    let token = disk.submit(IN, Stage::Transfer, 13);
    disk.run();
    assert!(disk.take(token).is_none());
    disk.release();
    assert_eq!(disk.take(token).unwrap().bytes, 13);
    assert_eq!(disk.flushes, 1);
}

#[test]
fn a_write_through_the_cache_is_flushed() {
    let mut disk = DiskBench::ready(options(Speed::High));
    assert_eq!(
        disk.write(
            Command::Write10 {
                lba: 0,
                blocks: 1,
                fua: true
            },
            &[3; 512]
        )
        .status,
        CswStatus::PASSED
    );
    assert_eq!((disk.flushes, disk.medium[0]), (1, 3));
}
