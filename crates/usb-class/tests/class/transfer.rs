//! Reading, writing and flushing.

use usb_class::bot::Busy;
use usb_class::scsi::{BlockDevice, Error, Geometry, Outcome, Piece, Policy};
use usb_class::transport::Status;
use usb_spec::class::mass_storage::scsi::{AdditionalSense, Opcode, SenseKey};

use crate::common::{At, FUNCTION, FakeDisk, Inject, run, sense, started};

fn read(disk: FakeDisk, policy: Policy, lba: u64, blocks: u64) -> (Outcome, FakeDisk, BlockDevice) {
    let (mut device, mut disk) = started(disk, policy);
    disk.buffer = vec![0xee; usize::try_from(blocks).unwrap() * disk.block as usize];
    device.read(disk.now, lba, blocks).unwrap();
    let outcome = run(&mut device, &mut disk);
    disk.assert_all_faults_fired();
    (outcome, disk, device)
}

fn whole(bytes: u64) -> Outcome {
    Outcome {
        bytes,
        result: Ok(()),
    }
}

#[test]
fn a_read_brings_the_mediums_bytes() {
    let (outcome, disk, _) = read(FakeDisk::small(), Policy::default(), 3, 10);
    assert_eq!(outcome, whole(5120));
    assert_eq!(disk.buffer, disk.medium[1536..1536 + 5120]);
}

#[test]
fn a_disk_of_4096_byte_blocks_is_read_in_its_own_blocks() {
    let (outcome, disk, _) = read(FakeDisk::new(8, 4096), Policy::default(), 2, 3);
    assert_eq!(outcome, whole(12288));
    assert_eq!(disk.buffer, disk.medium[8192..20480]);
}

#[test]
fn a_large_read_is_split_into_commands() {
    let policy = Policy {
        max_transfer: 4096,
        ..Policy::default()
    };
    let (outcome, disk, _) = read(FakeDisk::small(), policy, 0, 20);
    assert_eq!(outcome, whole(10240));
    assert_eq!(disk.buffer, disk.medium[..10240]);
    assert_eq!(
        (
            disk.count("READ(10)"),
            disk.count("data in 4096"),
            disk.count("data in 2048")
        ),
        (3, 2, 1)
    );
}

#[test]
fn what_is_written_and_flushed_is_on_the_medium() {
    let (mut device, mut disk) = started(
        FakeDisk::small(),
        Policy {
            max_transfer: 2048,
            ..Policy::default()
        },
    );
    disk.buffer = (0..5120u32).map(|at| (at % 253).to_le_bytes()[0]).collect();
    device.write(disk.now, 50, 10).unwrap();
    assert_eq!(run(&mut device, &mut disk), whole(5120));
    assert_eq!(disk.medium[25600..30720], disk.buffer);
    device.flush(disk.now).unwrap();
    assert_eq!(run(&mut device, &mut disk), whole(0));
    assert_eq!(disk.count("SYNCHRONIZE CACHE(10)"), 1);
}

#[test]
fn nothing_read_is_done_at_once() {
    let (outcome, disk, _) = read(FakeDisk::small(), Policy::default(), 64, 0);
    assert_eq!(outcome, whole(0));
    assert!(disk.log.is_empty());
}

#[test]
fn blocks_behind_two_to_the_32_need_the_long_commands() {
    let mut disk = FakeDisk::new(64, 512);
    disk.blocks = 1 << 33;
    let (mut device, mut disk) = started(disk, Policy::default());
    disk.buffer = vec![0; 1024];
    for (lba, blocks, name) in [
        ((1u64 << 32) - 2, 2, "READ(10)"),
        ((1u64 << 32) - 1, 2, "READ(16)"),
        (1u64 << 32, 1, "READ(16)"),
    ] {
        disk.log.clear();
        device.read(disk.now, lba, blocks).unwrap();
        assert_eq!(run(&mut device, &mut disk), whole(blocks * 512));
        assert_eq!(disk.log[0], name, "at {lba}");
    }
    disk.log.clear();
    device.write(disk.now, 1 << 32, 1).unwrap();
    assert_eq!(run(&mut device, &mut disk), whole(512));
    assert_eq!(disk.log[0], "WRITE(16)");
}

#[test]
fn a_range_behind_the_end_is_refused_before_the_disk_hears_of_it() {
    let (mut device, disk) = started(FakeDisk::small(), Policy::default());
    for (lba, blocks) in [(64, 1), (0, 65), (63, 2), (u64::MAX, 1), (1, u64::MAX)] {
        let refused = Err(Error::OutOfRange {
            lba,
            blocks,
            capacity: 64,
        });
        assert_eq!(device.read(disk.now, lba, blocks), refused);
        assert_eq!(device.write(disk.now, lba, blocks), refused);
    }
    assert!(disk.log.is_empty());
}

#[test]
fn a_disk_that_was_not_started_does_nothing() {
    let mut device = BlockDevice::new(FUNCTION, 0, Policy::default());
    let now = FakeDisk::small().now;
    assert_eq!(device.read(now, 0, 1), Err(Error::NotStarted));
    assert_eq!(device.write(now, 0, 1), Err(Error::NotStarted));
    assert_eq!(device.flush(now), Err(Error::NotStarted));
}

#[test]
fn one_operation_at_a_time() {
    let (mut device, disk) = started(FakeDisk::small(), Policy::default());
    device.read(disk.now, 0, 1).unwrap();
    assert_eq!(device.read(disk.now, 0, 1), Err(Error::Busy(Busy)));
    assert_eq!(device.flush(disk.now), Err(Error::Busy(Busy)));
    assert_eq!(device.start(disk.now), Err(Error::Busy(Busy)));
    assert!(
        device.disk().is_some(),
        "a start that was refused forgets nothing"
    );
}

#[test]
fn a_write_protected_disk_is_not_written() {
    let mut disk = FakeDisk::small();
    disk.write_protected = true;
    let (mut device, disk) = started(disk, Policy::default());
    assert_eq!(device.write(disk.now, 0, 1), Err(Error::WriteProtected));
}

#[test]
fn protection_that_shows_only_in_the_write_is_reported() {
    let (mut device, mut disk) = started(FakeDisk::small(), Policy::default());
    disk.write_protected = true;
    disk.buffer = vec![0; 512];
    device.write(disk.now, 0, 1).unwrap();
    assert_eq!(
        run(&mut device, &mut disk).result,
        Err(Error::WriteProtected)
    );
}

#[test]
fn the_same_report_after_our_own_reset_is_expected_and_read_away() {
    let disk = FakeDisk::small()
        .fault(At::Data(Opcode::READ_10), Inject::Fail(Status::Timeout))
        .fault(At::ClassReset, Inject::Fail(Status::Stall));
    let (outcome, disk, _) = read(disk, Policy::default(), 0, 2);
    assert_eq!(outcome, whole(1024));
    assert_eq!(disk.buffer, disk.medium[..1024]);
    assert_eq!((disk.count("port reset"), disk.count("READ(10)")), (1, 3));
}

#[test]
fn short_data_is_read_again_and_then_reported() {
    let disk = FakeDisk::small().fault(At::Data(Opcode::READ_10), Inject::Short(100));
    let (outcome, disk, _) = read(disk, Policy::default(), 0, 2);
    assert_eq!(outcome, whole(1024));
    assert_eq!(disk.buffer, disk.medium[..1024]);

    let mut disk = FakeDisk::small();
    (0..4).for_each(|_| disk.add_fault(At::Data(Opcode::READ_10), Inject::Short(512)));
    let (outcome, ..) = read(disk, Policy::default(), 0, 2);
    assert_eq!(
        outcome,
        Outcome {
            bytes: 0,
            result: Err(Error::Short {
                operation: Opcode::READ_10,
                wanted: 1024,
                got: 512
            })
        }
    );
}

#[test]
fn a_flush_that_the_disk_does_not_know_is_fine() {
    let (mut device, mut disk) = started(FakeDisk::small(), Policy::default());
    disk.unknown = vec![Opcode::SYNCHRONIZE_CACHE_10];
    device.flush(disk.now).unwrap();
    assert_eq!(run(&mut device, &mut disk), whole(0));
}

#[test]
fn a_flush_that_fails_is_an_error() {
    let (mut device, mut disk) = started(FakeDisk::small(), Policy::default());
    let bad = sense(SenseKey::MEDIUM_ERROR, AdditionalSense::WRITE_ERROR);
    disk.failures.push_back((Opcode::SYNCHRONIZE_CACHE_10, bad));
    device.flush(disk.now).unwrap();
    assert_eq!(
        run(&mut device, &mut disk).result,
        Err(Error::Medium {
            lba: 0,
            writing: true,
            sense: bad
        })
    );
}

#[test]
fn a_flush_has_time_to_work() {
    let (mut device, disk) = started(FakeDisk::small(), Policy::default());
    device.flush(disk.now).unwrap();
    let mut timeouts = Vec::new();
    let mut disk = disk;
    while let usb_class::transport::Poll::Act(step) = device.poll_action(disk.now) {
        timeouts.push(step.timeout);
        disk.issued(&step);
        let answer = disk.act(&step);
        device.reply(step.id, answer.reply());
    }
    assert_eq!(
        timeouts,
        [
            Some(Policy::default().transport.command_timeout),
            Some(Policy::default().flush_timeout)
        ]
    );
}

#[test]
fn a_byte_range_is_split_without_gaps() {
    let disk = Geometry {
        blocks: 100,
        block_size: 512,
    };
    let pieces: Vec<_> = disk.split(1024..6144, 2048).unwrap().collect();
    assert_eq!(
        pieces,
        [
            Piece {
                lba: 2,
                blocks: 4,
                offset: 0,
                bytes: 2048
            },
            Piece {
                lba: 6,
                blocks: 4,
                offset: 2048,
                bytes: 2048
            },
            Piece {
                lba: 10,
                blocks: 2,
                offset: 4096,
                bytes: 1024
            },
        ]
    );
    assert_eq!(disk.split(0..0, 2048).unwrap().count(), 0);
    assert_eq!(
        disk.split(0..1024, 1).unwrap().count(),
        2,
        "at least one block at a time"
    );
}

#[test]
fn a_byte_range_that_cuts_a_block_or_leaves_the_disk_is_refused() {
    let disk = Geometry {
        blocks: 100,
        block_size: 512,
    };
    assert_eq!(
        disk.split(1..512, 1024),
        Err(Error::Misaligned {
            start: 1,
            end: 512,
            block_size: 512
        })
    );
    assert_eq!(
        disk.split(0..100, 1024),
        Err(Error::Misaligned {
            start: 0,
            end: 100,
            block_size: 512
        })
    );
    assert_eq!(
        disk.split(0..51712, 1024),
        Err(Error::OutOfRange {
            lba: 0,
            blocks: 101,
            capacity: 100
        })
    );
    assert!(
        Geometry {
            blocks: 1,
            block_size: 0
        }
        .split(0..0, 1)
        .is_err(),
        "a geometry without blocks has no ranges"
    );
}
