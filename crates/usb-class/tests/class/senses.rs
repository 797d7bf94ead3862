//! What becomes of a read or a write when the disk says why it failed.

use usb_class::scsi::{BlockDevice, Error, Outcome, Policy};
use usb_class::transport::Status;
use usb_spec::class::mass_storage::scsi::{AdditionalSense, Opcode, Sense, SenseKey};

use crate::common::{At, FakeDisk, Inject, run, sense, started};

fn whole(bytes: u64) -> Outcome {
    Outcome {
        bytes,
        result: Ok(()),
    }
}

fn read_with_failures(
    failures: impl IntoIterator<Item = Sense>,
) -> (Outcome, FakeDisk, BlockDevice) {
    let (mut device, mut disk) = started(
        FakeDisk::small(),
        Policy {
            max_transfer: 1024,
            ..Policy::default()
        },
    );
    disk.failures
        .extend(failures.into_iter().map(|sense| (Opcode::READ_10, sense)));
    disk.buffer = vec![0xee; 2048];
    device.read(disk.now, 8, 4).unwrap();
    let outcome = run(&mut device, &mut disk);
    (outcome, disk, device)
}

#[test]
fn a_unit_attention_and_an_aborted_command_are_retried() {
    let attention = sense(SenseKey::UNIT_ATTENTION, AdditionalSense::BUS_RESET);
    let aborted = sense(SenseKey::ABORTED_COMMAND, AdditionalSense::NONE);
    let (outcome, disk, _) = read_with_failures([attention, aborted]);
    assert_eq!(outcome, whole(2048));
    assert_eq!(disk.buffer, disk.medium[4096..6144]);
    assert_eq!(disk.count("REQUEST SENSE"), 2);
}

#[test]
fn a_command_that_is_aborted_every_time_is_given_up_after_the_tries_of_the_policy() {
    let aborted = sense(
        SenseKey::ABORTED_COMMAND,
        AdditionalSense::COMMUNICATION_FAILURE,
    );
    let (outcome, disk, _) = read_with_failures([aborted; 9]);
    assert_eq!(
        outcome.result,
        Err(Error::Failed {
            operation: Opcode::READ_10,
            sense: aborted
        })
    );
    assert_eq!(disk.count("READ(10)"), usize::from(Policy::default().tries));
}

#[test]
fn a_medium_error_is_reported_with_the_block_that_the_disk_names() {
    let mut bad = sense(
        SenseKey::MEDIUM_ERROR,
        AdditionalSense::UNRECOVERED_READ_ERROR,
    );
    let (outcome, disk, _) = read_with_failures([bad]);
    assert_eq!(
        outcome.result,
        Err(Error::Medium {
            lba: 8,
            writing: false,
            sense: bad
        }),
        "the first of the command, as the disk names none"
    );
    assert_eq!(
        disk.count("READ(10)"),
        1,
        "the disk has tried often enough by itself"
    );

    bad.information = Some(9);
    let (outcome, ..) = read_with_failures([bad]);
    assert_eq!(
        outcome.result,
        Err(Error::Medium {
            lba: 9,
            writing: false,
            sense: bad
        })
    );
}

#[test]
fn the_bytes_before_an_error_are_counted() {
    let (mut device, mut disk) = started(
        FakeDisk::small(),
        Policy {
            max_transfer: 512,
            ..Policy::default()
        },
    );
    disk.buffer = vec![0; 2048];
    device.read(disk.now, 0, 4).unwrap();
    (0..2).for_each(|_| disk.add_fault(At::Status(Opcode::READ_10), Inject::Csw(|_| {})));
    disk.add_fault(At::Status(Opcode::READ_10), Inject::Fail(Status::Gone));
    assert_eq!(
        run(&mut device, &mut disk),
        Outcome {
            bytes: 1024,
            result: Err(Error::Gone)
        }
    );
    assert!(
        device.disk().is_none(),
        "what comes next may be another disk"
    );
}

#[test]
fn a_recovered_error_is_no_error_when_all_data_came() {
    let (mut device, mut disk) = started(FakeDisk::small(), Policy::default());
    disk.buffer = vec![0; 512];
    disk.add_fault(
        At::Status(Opcode::READ_10),
        Inject::Csw(|csw| csw.status.0 = 1),
    );
    disk.add_fault(
        At::Data(Opcode::REQUEST_SENSE),
        Inject::Bytes(&[0x70, 0, 1, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x17, 1, 0, 0, 0, 0]),
    );
    device.read(disk.now, 0, 1).unwrap();
    assert_eq!(run(&mut device, &mut disk), whole(512));
    assert_eq!(disk.count("READ(10)"), 1);

    disk.add_fault(
        At::Status(Opcode::READ_10),
        Inject::Csw(|csw| csw.status.0 = 1),
    );
    disk.add_fault(
        At::Data(Opcode::REQUEST_SENSE),
        Inject::Bytes(&[0x71, 0, 1, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x17, 1, 0, 0, 0, 0]),
    );
    device.read(disk.now, 0, 1).unwrap();
    assert_eq!(run(&mut device, &mut disk), whole(512));
    assert_eq!(
        disk.count("READ(10)"),
        3,
        "a deferred one is about another command: this one is sent again"
    );
}

#[test]
fn a_medium_that_was_exchanged_ends_the_operation_before_anything_is_mixed() {
    let (mut device, mut disk) = started(FakeDisk::small(), Policy::default());
    disk.attentions.push_back(sense(
        SenseKey::UNIT_ATTENTION,
        AdditionalSense::MEDIUM_MAY_HAVE_CHANGED,
    ));
    let before = disk.medium.clone();
    disk.buffer = vec![0; 512];
    device.write(disk.now, 0, 1).unwrap();
    assert_eq!(
        run(&mut device, &mut disk).result,
        Err(Error::MediumChanged)
    );
    assert_eq!(disk.medium, before);
    assert_eq!(device.write(disk.now, 0, 1), Err(Error::NotStarted));
    device.start(disk.now).unwrap();
    assert_eq!(run(&mut device, &mut disk).result, Ok(()));
}

#[test]
fn a_disk_that_is_not_ready_for_a_moment_is_waited_for() {
    let moment = sense(SenseKey::NOT_READY, AdditionalSense::BECOMING_READY);
    let (outcome, disk, _) = read_with_failures([moment; 3]);
    assert_eq!(outcome, whole(2048));
    assert_eq!(disk.count("pause"), 3);
}

#[test]
fn a_medium_that_is_taken_out_is_reported() {
    let gone = sense(SenseKey::NOT_READY, AdditionalSense::MEDIUM_NOT_PRESENT);
    let (outcome, _, device) = read_with_failures([gone]);
    assert_eq!(outcome.result, Err(Error::NoMedium));
    assert!(device.disk().is_none());
}

#[test]
fn refusals_and_defects_are_reported_without_a_second_try() {
    let illegal = sense(
        SenseKey::ILLEGAL_REQUEST,
        AdditionalSense::INVALID_FIELD_IN_CDB,
    );
    let (outcome, disk, _) = read_with_failures([illegal]);
    assert_eq!(
        outcome.result,
        Err(Error::IllegalRequest {
            operation: Opcode::READ_10,
            sense: illegal
        })
    );
    assert_eq!(disk.count("READ(10)"), 1);

    let broken = sense(
        SenseKey::HARDWARE_ERROR,
        AdditionalSense::INTERNAL_TARGET_FAILURE,
    );
    let (outcome, disk, _) = read_with_failures([broken]);
    assert_eq!(outcome.result, Err(Error::Hardware { sense: broken }));
    assert_eq!(disk.count("READ(10)"), 1);
}

#[test]
fn a_failure_that_the_disk_cannot_explain_is_retried() {
    let (mut device, mut disk) = started(FakeDisk::small(), Policy::default());
    disk.buffer = vec![0; 512];
    let aborted = sense(SenseKey::ABORTED_COMMAND, AdditionalSense::NONE);
    disk.failures.push_back((Opcode::READ_10, aborted));
    disk.unknown = vec![Opcode::REQUEST_SENSE];
    device.read(disk.now, 0, 1).unwrap();
    assert_eq!(run(&mut device, &mut disk), whole(512));
    assert_eq!(
        disk.count("REQUEST SENSE"),
        1,
        "a failed question is not asked about"
    );
}

#[test]
fn each_command_of_a_split_read_has_its_own_tries() {
    let policy = Policy {
        max_transfer: 1024,
        ..Policy::default()
    };
    let (mut device, mut disk) = started(FakeDisk::small(), policy);
    disk.buffer = vec![0xee; 4096];
    device.read(disk.now, 0, 8).unwrap();
    let last_try = usize::from(policy.tries) - 1;
    let fail = Inject::Fail(Status::Timeout);
    for _ in 0..4 {
        (0..last_try).for_each(|_| disk.add_fault(At::Data(Opcode::READ_10), fail));
        disk.add_fault(At::Data(Opcode::READ_10), Inject::Short(1024));
    }
    assert_eq!(run(&mut device, &mut disk), whole(4096));
    assert_eq!(disk.buffer, disk.medium[..4096]);
    disk.assert_all_faults_fired();
}

#[test]
fn each_command_of_a_split_read_has_its_own_time_to_become_ready() {
    let policy = Policy {
        max_transfer: 1024,
        ready_timeout: core::time::Duration::from_secs(1),
        ..Policy::default()
    };
    let (mut device, mut disk) = started(FakeDisk::small(), policy);
    let moment = sense(SenseKey::NOT_READY, AdditionalSense::BECOMING_READY);
    disk.buffer = vec![0; 2048];
    disk.failures.extend([(Opcode::READ_10, moment); 9]);
    disk.failures_after(1, &[(Opcode::READ_10, moment); 9]);
    device.read(disk.now, 0, 4).unwrap();
    assert_eq!(run(&mut device, &mut disk), whole(2048));
    assert_eq!(disk.count("pause"), 18, "more than one command may wait");
}
