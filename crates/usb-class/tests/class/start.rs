//! From a configured function to a disk whose size is known.

use core::time::Duration;

use usb_class::bot::{Fault, Stage};
use usb_class::scsi::{BlockDevice, Error, Geometry, Inquiry, Policy};
use usb_class::transport::{Poll, Status};
use usb_spec::class::mass_storage::scsi::{AdditionalSense, Opcode, PeripheralType, SenseKey};

use crate::common::{At, FUNCTION, FakeDisk, Inject, run, sense, start, started};

const ATTENTION: SenseKey = SenseKey::UNIT_ATTENTION;

fn start_default(disk: &mut FakeDisk) -> Result<Geometry, Error> {
    let (device, outcome) = start(disk, Policy::default());
    disk.assert_all_faults_fired();
    outcome.result?;
    Ok(device.disk().expect("a started disk is known").geometry)
}

const SMALL: Geometry = Geometry {
    blocks: 64,
    block_size: 512,
};

#[test]
fn a_start_asks_in_the_order_that_old_sticks_like() {
    let mut disk = FakeDisk::small();
    assert_eq!(start_default(&mut disk), Ok(SMALL));
    let questions: Vec<_> = disk
        .log
        .iter()
        .filter(|line| !line.starts_with("data") && *line != "status")
        .collect();
    assert_eq!(
        questions,
        [
            "max lun",
            "INQUIRY",
            "TEST UNIT READY",
            "READ CAPACITY(10)",
            "MODE SENSE(6)"
        ]
    );
    assert!(
        disk.log.contains(&"data in 36".into()),
        "INQUIRY asks for exactly 36 bytes"
    );
}

#[test]
fn a_started_disk_tells_its_name() {
    let (device, _) = started(FakeDisk::small(), Policy::default());
    let disk = device.disk().unwrap();
    assert_eq!(
        Inquiry::text(&disk.inquiry.product).collect::<String>(),
        "Stick"
    );
    assert!(!disk.write_protected);
    assert_eq!(disk.max_transfer, 1 << 20);
}

#[test]
fn unit_attentions_after_power_on_are_read_away() {
    let mut disk = FakeDisk::small();
    for additional in [
        AdditionalSense::POWER_ON_OR_RESET,
        AdditionalSense::MEDIUM_MAY_HAVE_CHANGED,
        AdditionalSense::CAPACITY_CHANGED,
    ] {
        disk.attentions.push_back(sense(ATTENTION, additional));
    }
    assert_eq!(start_default(&mut disk), Ok(SMALL));
    assert_eq!(disk.count("TEST UNIT READY"), 4);
    assert_eq!(
        disk.count("REQUEST SENSE"),
        3,
        "each failure is asked about once"
    );
}

#[test]
fn a_disk_that_is_never_done_with_unit_attentions_is_given_up() {
    let mut disk = FakeDisk::small();
    disk.attentions
        .extend([sense(ATTENTION, AdditionalSense::POWER_ON); 50]);
    assert!(matches!(
        start_default(&mut disk),
        Err(Error::Failed {
            operation: Opcode::TEST_UNIT_READY,
            ..
        })
    ));
    assert!(disk.count("TEST UNIT READY") < 12);
}

#[test]
fn a_disk_that_is_becoming_ready_is_waited_for() {
    let mut disk = FakeDisk::small();
    disk.ready_at = disk.now + Duration::from_secs(3);
    assert_eq!(start_default(&mut disk), Ok(SMALL));
    assert_eq!(disk.count("pause"), 30, "ten questions a second");
}

#[test]
fn a_disk_that_never_becomes_ready_is_waited_for_no_longer_than_the_policy_says() {
    let mut disk = FakeDisk::small();
    let begun = disk.now;
    disk.ready_at = begun + Duration::from_secs(3600);
    assert_eq!(
        start_default(&mut disk),
        Err(Error::NotReady {
            sense: disk.not_ready
        })
    );
    assert_eq!(disk.now - begun, Policy::default().ready_timeout);
}

#[test]
fn a_clock_that_stands_still_does_not_make_the_wait_endless() {
    let mut disk = FakeDisk::small();
    let now = disk.now;
    disk.ready_at = now + Duration::from_secs(3600);
    let mut device = BlockDevice::new(FUNCTION, 0, Policy::default());
    device.start(now).unwrap();
    for _ in 0..10_000 {
        match device.poll_action(now) {
            Poll::Act(step) => {
                let answer = disk.act(&step);
                disk.now = now;
                device.reply(step.id, answer.reply());
            }
            Poll::Ready(outcome) => {
                let sense = disk.not_ready;
                assert_eq!(outcome.result, Err(Error::NotReady { sense }));
                return;
            }
            Poll::Waiting => panic!("every action was replied to"),
        }
    }
    panic!("the wait is endless");
}

#[test]
fn a_disk_that_waits_to_be_started_is_started_once() {
    let mut disk = FakeDisk::small();
    disk.ready_at = disk.now + Duration::from_secs(3600);
    disk.not_ready = sense(SenseKey::NOT_READY, AdditionalSense::INITIALIZING_REQUIRED);
    assert_eq!(start_default(&mut disk), Ok(SMALL));
    assert_eq!(disk.count("START STOP UNIT"), 1);
}

#[test]
fn a_disk_that_does_not_start_when_told_is_told_once_and_given_up_in_time() {
    let mut disk = FakeDisk::small();
    disk.ready_at = disk.now + Duration::from_secs(3600);
    disk.not_ready = sense(SenseKey::NOT_READY, AdditionalSense::INITIALIZING_REQUIRED);
    disk.unknown = vec![Opcode::START_STOP_UNIT];
    assert_eq!(
        start_default(&mut disk),
        Err(Error::NotReady {
            sense: disk.not_ready
        })
    );
    assert_eq!(disk.count("START STOP UNIT"), 1);
}

#[test]
fn a_disk_whose_answers_take_long_is_waited_for_no_longer_in_all() {
    let mut disk = FakeDisk::small();
    let begun = disk.now;
    disk.ready_at = begun + Duration::from_secs(3600);
    disk.command_takes = Duration::from_secs(2);
    assert_eq!(
        start_default(&mut disk),
        Err(Error::NotReady {
            sense: disk.not_ready
        })
    );
    let waited = disk.now - begun;
    assert!(
        waited <= Policy::default().ready_timeout + 2 * disk.command_takes,
        "{waited:?}"
    );
}

#[test]
fn a_drive_without_a_medium_says_so_at_once() {
    let mut disk = FakeDisk::small();
    disk.ready_at = disk.now + Duration::from_secs(3600);
    disk.not_ready = sense(
        SenseKey::NOT_READY,
        AdditionalSense::MEDIUM_NOT_PRESENT_TRAY_OPEN,
    );
    assert_eq!(start_default(&mut disk), Err(Error::NoMedium));
    assert_eq!(disk.count("pause"), 0);
}

#[test]
fn a_disk_that_does_not_know_test_unit_ready_counts_as_ready() {
    let mut disk = FakeDisk::small();
    disk.unknown = vec![Opcode::TEST_UNIT_READY];
    assert_eq!(start_default(&mut disk), Ok(SMALL));
}

#[test]
fn blocks_of_4096_bytes_are_fine() {
    let mut disk = FakeDisk::new(8, 4096);
    assert_eq!(
        start_default(&mut disk),
        Ok(Geometry {
            blocks: 8,
            block_size: 4096
        })
    );
}

#[test]
fn other_block_sizes_are_refused_with_their_size() {
    for bytes in [0, 1, 520, 2048, 8192, u32::MAX] {
        let mut disk = FakeDisk::small();
        disk.block = bytes;
        assert_eq!(start_default(&mut disk), Err(Error::BlockSize { bytes }));
    }
}

#[test]
fn a_disk_of_two_tebibytes_and_more_is_asked_the_long_question() {
    let mut disk = FakeDisk::small();
    disk.blocks = (1 << 32) + 5;
    assert_eq!(
        start_default(&mut disk),
        Ok(Geometry {
            blocks: (1 << 32) + 5,
            block_size: 512
        })
    );
    assert_eq!(disk.count("SERVICE ACTION IN(16)"), 1);

    let mut disk = FakeDisk::small();
    disk.blocks = u64::from(u32::MAX);
    assert_eq!(
        start_default(&mut disk),
        Ok(Geometry {
            blocks: u64::from(u32::MAX),
            block_size: 512
        })
    );
    assert_eq!(
        disk.count("SERVICE ACTION IN(16)"),
        0,
        "the last block is 0xfffffffe, which still fits"
    );
}

#[test]
fn a_capacity_that_no_number_holds_is_a_bad_answer() {
    let mut disk = FakeDisk::small();
    disk.blocks = 0;
    disk.failures.push_back((
        Opcode::READ_CAPACITY_10,
        sense(SenseKey::ABORTED_COMMAND, AdditionalSense::NONE),
    ));
    assert_eq!(
        start_default(&mut disk),
        Ok(Geometry {
            blocks: 1,
            block_size: 512
        }),
        "an empty disk cannot be told from one block"
    );

    let mut disk = FakeDisk::small();
    disk.blocks = u64::MAX;
    assert_eq!(
        start_default(&mut disk),
        Err(Error::BadAnswer {
            operation: Opcode::SERVICE_ACTION_IN_16
        })
    );
}

#[test]
fn a_capacity_that_is_cut_short_is_asked_for_again() {
    let mut disk = FakeDisk::small().fault(At::Data(Opcode::READ_CAPACITY_10), Inject::Short(7));
    assert_eq!(start_default(&mut disk), Ok(SMALL));
    assert_eq!(disk.count("READ CAPACITY(10)"), 2);

    let mut disk = FakeDisk::small();
    (0..4).for_each(|_| disk.add_fault(At::Data(Opcode::READ_CAPACITY_10), Inject::Short(0)));
    assert_eq!(
        start_default(&mut disk),
        Err(Error::BadAnswer {
            operation: Opcode::READ_CAPACITY_10
        })
    );
}

#[test]
fn write_protection_is_read_from_the_short_or_the_long_mode_header() {
    for unknown in [vec![], vec![Opcode::MODE_SENSE_6]] {
        let mut disk = FakeDisk::small();
        disk.write_protected = true;
        disk.unknown = unknown;
        let (device, _) = started(disk, Policy::default());
        assert!(device.disk().unwrap().write_protected);
    }
}

#[test]
fn a_disk_that_knows_neither_mode_sense_counts_as_writable() {
    let mut disk = FakeDisk::small();
    disk.write_protected = true;
    disk.unknown = vec![Opcode::MODE_SENSE_6, Opcode::MODE_SENSE_10];
    let (device, _) = started(disk, Policy::default());
    assert!(!device.disk().unwrap().write_protected);
}

#[test]
fn a_device_that_breaks_down_over_mode_sense_is_not_asked_again() {
    let mut disk = FakeDisk::small().fault(
        At::Data(Opcode::MODE_SENSE_6),
        Inject::Fail(Status::Timeout),
    );
    assert_eq!(start_default(&mut disk), Ok(SMALL));
    assert_eq!(
        (disk.count("MODE SENSE(6)"), disk.count("MODE SENSE(10)")),
        (1, 0)
    );
}

#[test]
fn a_residue_on_a_full_inquiry_teaches_that_residues_lie() {
    let mut disk = FakeDisk::small();
    disk.bogus_residue = 36;
    let (mut device, mut disk) = started(disk, Policy::default());
    disk.buffer = vec![0; 512];
    device.read(disk.now, 1, 1).unwrap();
    let outcome = run(&mut device, &mut disk);
    assert_eq!((outcome.bytes, outcome.result), (512, Ok(())));
}

#[test]
fn the_most_in_one_command_is_asked_for_only_by_policy() {
    let policy = Policy {
        read_block_limits: true,
        ..Policy::default()
    };
    let mut disk = FakeDisk::small();
    disk.limit_blocks = Some(16);
    let (device, _) = started(disk, policy);
    assert_eq!(device.disk().unwrap().max_transfer, 16 * 512);

    let (device, _) = started(FakeDisk::small(), policy);
    assert_eq!(
        device.disk().unwrap().max_transfer,
        1 << 20,
        "a disk without the page sets no limit"
    );

    let mut disk = FakeDisk::small();
    disk.limit_blocks = Some(16);
    let (device, _) = started(disk, Policy::default());
    assert_eq!(device.disk().unwrap().max_transfer, 1 << 20);
}

#[test]
fn what_is_no_disk_is_refused() {
    for peripheral in [
        PeripheralType::TAPE,
        PeripheralType::CD_DVD,
        PeripheralType::ENCLOSURE,
        PeripheralType::NONE,
    ] {
        let mut disk = FakeDisk::small();
        disk.inquiry.peripheral = peripheral;
        assert_eq!(
            start_default(&mut disk),
            Err(Error::NotADisk {
                kind: peripheral,
                qualifier: 0
            })
        );
    }
    let mut disk = FakeDisk::small();
    disk.inquiry.qualifier = 1;
    assert!(matches!(
        start_default(&mut disk),
        Err(Error::NotADisk { qualifier: 1, .. })
    ));
}

#[test]
fn a_unit_that_the_device_does_not_have_is_refused() {
    let mut disk = FakeDisk::small();
    disk.max_lun = Some(1);
    let mut device = BlockDevice::new(FUNCTION, 2, Policy::default());
    device.start(disk.now).unwrap();
    assert_eq!(
        run(&mut device, &mut disk).result,
        Err(Error::NoSuchUnit { lun: 2, max: 1 })
    );
}

#[test]
fn a_start_survives_a_reset_at_each_of_its_questions() {
    let questions = [
        Opcode::INQUIRY,
        Opcode::TEST_UNIT_READY,
        Opcode::READ_CAPACITY_10,
        Opcode::MODE_SENSE_6,
    ];
    for opcode in questions {
        let mut disk = FakeDisk::small()
            .fault(At::Status(opcode), Inject::Fail(Status::Timeout))
            .fault(At::ClassReset, Inject::Fail(Status::Stall));
        assert_eq!(
            start_default(&mut disk),
            Ok(SMALL),
            "after a port reset over {opcode}"
        );
    }
}

#[test]
fn a_start_ends_when_the_device_is_unplugged_at_any_question() {
    let questions = [
        Opcode::INQUIRY,
        Opcode::TEST_UNIT_READY,
        Opcode::READ_CAPACITY_10,
        Opcode::MODE_SENSE_6,
    ];
    for opcode in questions {
        let mut disk = FakeDisk::small().fault(At::Command(opcode), Inject::Fail(Status::Gone));
        assert_eq!(start_default(&mut disk), Err(Error::Gone));
    }
    let mut disk = FakeDisk::small().fault(At::MaxLun, Inject::Fail(Status::Gone));
    assert_eq!(start_default(&mut disk), Err(Error::Gone));
}

#[test]
fn a_start_that_keeps_breaking_down_reports_the_last_cause() {
    let mut disk = FakeDisk::small();
    (0..4).for_each(|_| disk.add_fault(At::Status(Opcode::INQUIRY), Inject::Fail(Status::Error)));
    let cause = Fault::Transfer {
        stage: Stage::Status,
        status: Status::Error,
    };
    assert_eq!(start_default(&mut disk), Err(Error::Transport { cause }));
}
