//! One command over Bulk-Only, and every way in which it can go wrong.

use usb_class::bot::{Bot, Command, Data, Ending, Fault, Moved, Policy, ResetKind, Stage};
use usb_class::transport::Status;
use usb_spec::class::mass_storage::CswStatus;
use usb_spec::class::mass_storage::scsi::{Command as Scsi, Opcode};

use crate::common::{At, FUNCTION, FakeDisk, Inject, run};

const RECOVERY: [&str; 3] = ["class reset", "clear in", "clear out"];

fn read_two_blocks() -> Command {
    let cdb = Scsi::Read10 {
        lba: 4,
        blocks: 2,
        fua: false,
    }
    .emit();
    Command {
        lun: 0,
        cdb,
        data: Data::In {
            offset: 0,
            length: 1024,
        },
        status_timeout: None,
    }
}

fn write_two_blocks() -> Command {
    let cdb = Scsi::Write10 {
        lba: 4,
        blocks: 2,
        fua: false,
    }
    .emit();
    Command {
        lun: 0,
        cdb,
        data: Data::Out {
            offset: 0,
            length: 1024,
        },
        status_timeout: None,
    }
}

fn exchange_with(mut disk: FakeDisk, policy: Policy, command: Command) -> (Ending, FakeDisk, Bot) {
    disk.buffer = vec![0xee; 1024];
    let mut bot = Bot::new(FUNCTION, policy);
    bot.begin(command).unwrap();
    let ending = run(&mut bot, &mut disk);
    disk.assert_all_faults_fired();
    (ending, disk, bot)
}

fn exchange(disk: FakeDisk, command: Command) -> (Ending, FakeDisk, Bot) {
    exchange_with(disk, Policy::default(), command)
}

fn whole() -> Ending {
    Ending::Passed(Moved {
        transferred: 1024,
        on_bus: 1024,
        residue: 0,
    })
}

/// The exchange broke for this cause and class reset brought the device back; afterwards a command passes.
fn assert_recovered(disk: FakeDisk, command: Command, cause: Fault) {
    let (ending, mut disk, mut bot) = exchange(disk, command);
    assert_eq!(
        ending,
        Ending::Reset {
            cause,
            by: ResetKind::Class
        }
    );
    assert_eq!(
        disk.log_from("class reset"),
        RECOVERY,
        "reset recovery has one order"
    );
    bot.begin(read_two_blocks()).unwrap();
    assert_eq!(run(&mut bot, &mut disk), whole(), "the next command passes");
}

fn transfer(stage: Stage, status: Status) -> Fault {
    Fault::Transfer { stage, status }
}

#[test]
fn a_read_is_a_command_data_and_a_status() {
    let (ending, disk, _) = exchange(FakeDisk::small(), read_two_blocks());
    assert_eq!(ending, whole());
    assert_eq!(disk.log, ["READ(10)", "data in 1024", "status"]);
    assert_eq!(disk.buffer, disk.medium[2048..3072]);
}

#[test]
fn a_write_arrives_on_the_medium() {
    let (ending, disk, _) = exchange(FakeDisk::small(), write_two_blocks());
    assert_eq!(ending, whole());
    assert_eq!(disk.medium[2048..3072], [0xee; 1024]);
}

#[test]
fn each_command_has_another_tag() {
    let mut disk = FakeDisk::small();
    disk.buffer = vec![0; 1024];
    let mut bot = Bot::new(FUNCTION, Policy::default());
    let mut tags = Vec::new();
    for _ in 0..3 {
        bot.begin(read_two_blocks()).unwrap();
        let usb_class::transport::Poll::Act(step) = bot.poll_action() else {
            panic!("a command begins with an action")
        };
        let usb_class::transport::Action::BulkOut { bytes, .. } = step.action else {
            panic!("and that is the wrapper")
        };
        tags.push(u32::from_le_bytes(bytes[4..8].try_into().unwrap()));
        let answer = disk.act(&step);
        bot.reply(step.id, answer.reply());
        run(&mut bot, &mut disk);
    }
    assert_eq!(tags, [1, 2, 3]);
}

#[test]
fn a_second_command_is_refused_while_one_is_under_way() {
    let mut bot = Bot::new(FUNCTION, Policy::default());
    bot.begin(read_two_blocks()).unwrap();
    assert!(bot.begin(read_two_blocks()).is_err());
}

#[test]
fn a_stall_in_the_data_is_cleared_before_the_status_is_asked_for() {
    let disk = FakeDisk::small().fault(At::Data(Opcode::READ_10), Inject::StallAfter(512));
    let (ending, disk, _) = exchange(disk, read_two_blocks());
    assert_eq!(
        ending,
        Ending::Passed(Moved {
            transferred: 512,
            on_bus: 512,
            residue: 512
        })
    );
    assert_eq!(disk.log, ["READ(10)", "data in 1024", "clear in", "status"]);
}

#[test]
fn a_stall_in_outgoing_data_clears_the_out_pipe() {
    let disk = FakeDisk::small().fault(At::Data(Opcode::WRITE_10), Inject::StallAfter(0));
    let (ending, disk, _) = exchange(disk, write_two_blocks());
    assert_eq!(
        ending,
        Ending::Passed(Moved {
            transferred: 0,
            on_bus: 0,
            residue: 1024
        })
    );
    assert_eq!(
        disk.log,
        ["WRITE(10)", "data out 1024", "clear out", "status"]
    );
}

#[test]
fn a_stalled_status_is_asked_for_once_more() {
    let disk = FakeDisk::small().fault(At::Status(Opcode::READ_10), Inject::Fail(Status::Stall));
    let (ending, disk, _) = exchange(disk, read_two_blocks());
    assert_eq!(ending, whole());
    assert_eq!(
        disk.log,
        ["READ(10)", "data in 1024", "status", "clear in", "status"]
    );
}

#[test]
fn a_status_that_stalls_twice_leads_to_reset_recovery() {
    let stall = Inject::Fail(Status::Stall);
    let disk = FakeDisk::small()
        .fault(At::Status(Opcode::READ_10), stall)
        .fault(At::Status(Opcode::READ_10), stall);
    assert_recovered(
        disk,
        read_two_blocks(),
        transfer(Stage::Status, Status::Stall),
    );
}

#[test]
fn an_empty_packet_before_the_status_is_skipped() {
    let disk = FakeDisk::small().fault(At::Status(Opcode::READ_10), Inject::Bytes(&[]));
    let (ending, disk, _) = exchange(disk, read_two_blocks());
    assert_eq!(ending, whole());
    assert_eq!(disk.count("status"), 2);
}

#[test]
fn a_status_that_comes_instead_of_data_is_understood() {
    let disk = FakeDisk::small().fault(At::Data(Opcode::READ_10), Inject::StatusForData);
    let (ending, disk, _) = exchange(disk, read_two_blocks());
    assert_eq!(
        ending,
        Ending::Passed(Moved {
            transferred: 0,
            on_bus: 0,
            residue: 1024
        })
    );
    assert_eq!(disk.log, ["READ(10)", "data in 1024"]);
}

#[test]
fn a_stalled_wrapper_leads_to_reset_recovery() {
    let disk = FakeDisk::small().fault(At::Command(Opcode::READ_10), Inject::Fail(Status::Stall));
    assert_recovered(
        disk,
        read_two_blocks(),
        transfer(Stage::Command, Status::Stall),
    );
}

#[test]
fn a_status_of_another_command_leads_to_reset_recovery() {
    let disk =
        FakeDisk::small().fault(At::Status(Opcode::READ_10), Inject::Csw(|csw| csw.tag = 77));
    assert_recovered(
        disk,
        read_two_blocks(),
        Fault::WrongTag {
            expected: 1,
            got: 77,
        },
    );
}

#[test]
fn a_status_that_is_cut_short_leads_to_reset_recovery() {
    let disk = FakeDisk::small().fault(At::Status(Opcode::READ_10), Inject::CutCsw(12));
    assert_recovered(disk, read_two_blocks(), Fault::NoStatus { length: 12 });
}

#[test]
fn a_status_without_signature_leads_to_reset_recovery() {
    let disk =
        FakeDisk::small().fault(At::Status(Opcode::READ_10), Inject::Bytes(b"not a status!"));
    assert_recovered(disk, read_two_blocks(), Fault::NoStatus { length: 13 });
}

#[test]
fn a_status_code_that_does_not_exist_leads_to_reset_recovery() {
    let disk = FakeDisk::small().fault(
        At::Status(Opcode::READ_10),
        Inject::Csw(|csw| csw.status = CswStatus(3)),
    );
    assert_recovered(disk, read_two_blocks(), Fault::UnknownStatus { code: 3 });
}

#[test]
fn a_phase_error_leads_to_reset_recovery() {
    let disk = FakeDisk::small().fault(
        At::Status(Opcode::READ_10),
        Inject::Csw(|csw| csw.status = CswStatus::PHASE_ERROR),
    );
    assert_recovered(disk, read_two_blocks(), Fault::PhaseError);
}

#[test]
fn timeouts_errors_and_babble_lead_to_reset_recovery_in_each_stage() {
    for status in [Status::Timeout, Status::Error, Status::Babble] {
        let command = FakeDisk::small().fault(At::Command(Opcode::READ_10), Inject::Fail(status));
        assert_recovered(command, read_two_blocks(), transfer(Stage::Command, status));
        let data = FakeDisk::small().fault(At::Data(Opcode::READ_10), Inject::Fail(status));
        assert_recovered(data, read_two_blocks(), transfer(Stage::Data, status));
        let out = FakeDisk::small().fault(At::Data(Opcode::WRITE_10), Inject::Fail(status));
        assert_recovered(out, write_two_blocks(), transfer(Stage::Data, status));
        let last = FakeDisk::small().fault(At::Status(Opcode::READ_10), Inject::Fail(status));
        assert_recovered(last, read_two_blocks(), transfer(Stage::Status, status));
    }
}

#[test]
fn a_halt_that_cannot_be_cleared_leads_to_reset_recovery() {
    let disk = FakeDisk::small()
        .fault(At::Data(Opcode::READ_10), Inject::StallAfter(0))
        .fault(At::ClearIn, Inject::Fail(Status::Timeout));
    let (ending, disk, _) = exchange(disk, read_two_blocks());
    assert_eq!(
        ending,
        Ending::Reset {
            cause: transfer(Stage::Data, Status::Timeout),
            by: ResetKind::Class
        }
    );
    assert_eq!(disk.log_from("class reset"), RECOVERY);
}

#[test]
fn whichever_step_of_reset_recovery_fails_the_port_is_reset_next() {
    for (at, done) in [(At::ClassReset, 1), (At::ClearIn, 2), (At::ClearOut, 3)] {
        let disk = FakeDisk::small()
            .fault(At::Data(Opcode::READ_10), Inject::Fail(Status::Timeout))
            .fault(at, Inject::Fail(Status::Stall));
        let (ending, disk, _) = exchange(disk, read_two_blocks());
        assert_eq!(
            ending,
            Ending::Reset {
                cause: transfer(Stage::Data, Status::Timeout),
                by: ResetKind::Port
            }
        );
        let mut expected = RECOVERY[..done].to_vec();
        expected.push("port reset");
        assert_eq!(disk.log_from("class reset"), expected);
    }
}

#[test]
fn a_device_that_no_reset_brings_back_is_unusable_until_a_port_reset_works() {
    let cause = transfer(Stage::Data, Status::Timeout);
    let disk = FakeDisk::small()
        .fault(At::Data(Opcode::READ_10), Inject::Fail(Status::Timeout))
        .fault(At::ClassReset, Inject::Fail(Status::Timeout))
        .fault(At::PortReset, Inject::Fail(Status::Error));
    let (ending, mut disk, mut bot) = exchange(disk, read_two_blocks());
    assert_eq!(ending, Ending::Unusable { cause });

    disk.add_fault(At::PortReset, Inject::Fail(Status::Error));
    disk.log.clear();
    bot.begin(read_two_blocks()).unwrap();
    assert_eq!(run(&mut bot, &mut disk), Ending::Unusable { cause });
    assert_eq!(
        disk.log,
        ["port reset"],
        "no command goes to a device in an unknown state"
    );

    bot.begin(read_two_blocks()).unwrap();
    let Ending::Failed(_) = run(&mut bot, &mut disk) else {
        panic!("the unit attention after the reset")
    };
    bot.begin(read_two_blocks()).unwrap();
    assert_eq!(run(&mut bot, &mut disk), whole());
}

#[test]
fn a_device_that_is_gone_is_asked_nothing_more() {
    let places = [
        At::Command(Opcode::READ_10),
        At::Data(Opcode::READ_10),
        At::Status(Opcode::READ_10),
    ];
    for at in places {
        let (ending, mut disk, mut bot) = exchange(
            FakeDisk::small().fault(at, Inject::Fail(Status::Gone)),
            read_two_blocks(),
        );
        assert_eq!(ending, Ending::Gone);
        disk.log.clear();
        bot.begin(read_two_blocks()).unwrap();
        assert_eq!(run(&mut bot, &mut disk), Ending::Gone);
        bot.begin_get_max_lun().unwrap();
        assert_eq!(run(&mut bot, &mut disk), Ending::Gone);
        assert!(disk.log.is_empty());
    }
}

#[test]
fn a_device_may_be_unplugged_in_every_step_of_recovery() {
    for at in [At::ClassReset, At::ClearIn, At::ClearOut] {
        let disk = FakeDisk::small()
            .fault(At::Data(Opcode::READ_10), Inject::Fail(Status::Error))
            .fault(at, Inject::Fail(Status::Gone));
        assert_eq!(exchange(disk, read_two_blocks()).0, Ending::Gone);
    }
}

#[test]
fn short_data_is_told_with_its_residue() {
    let disk = FakeDisk::small().fault(At::Data(Opcode::READ_10), Inject::Short(700));
    let (ending, ..) = exchange(disk, read_two_blocks());
    assert_eq!(
        ending,
        Ending::Passed(Moved {
            transferred: 700,
            on_bus: 700,
            residue: 324
        })
    );
}

#[test]
fn of_bus_and_residue_the_smaller_account_counts() {
    let disk = FakeDisk::small().fault(
        At::Status(Opcode::READ_10),
        Inject::Csw(|csw| csw.residue = 1000),
    );
    let Ending::Passed(moved) = exchange(disk, read_two_blocks()).0 else {
        panic!("it passed")
    };
    assert_eq!((moved.transferred, moved.on_bus), (24, 1024));

    let disk = FakeDisk::small().fault(At::Data(Opcode::READ_10), Inject::Short(512));
    let disk = disk.fault(
        At::Status(Opcode::READ_10),
        Inject::Csw(|csw| csw.residue = 0),
    );
    let Ending::Passed(moved) = exchange(disk, read_two_blocks()).0 else {
        panic!("it passed")
    };
    assert_eq!(moved.transferred, 512);
}

#[test]
fn a_residue_larger_than_what_was_asked_for_leaves_nothing() {
    let disk = FakeDisk::small().fault(
        At::Status(Opcode::READ_10),
        Inject::Csw(|csw| csw.residue = u32::MAX),
    );
    let Ending::Passed(moved) = exchange(disk, read_two_blocks()).0 else {
        panic!("it passed")
    };
    assert_eq!(moved.transferred, 0);
}

#[test]
fn a_policy_may_ignore_residues() {
    let policy = Policy {
        ignore_residue: true,
        ..Policy::default()
    };
    let disk = FakeDisk::small().fault(
        At::Status(Opcode::READ_10),
        Inject::Csw(|csw| csw.residue = 1000),
    );
    let Ending::Passed(moved) = exchange_with(disk, policy, read_two_blocks()).0 else {
        panic!("it passed")
    };
    assert_eq!(moved.transferred, 1024);
}

#[test]
fn a_device_cannot_have_moved_more_than_it_was_asked_for() {
    let disk = FakeDisk::small().fault(At::Data(Opcode::READ_10), Inject::Boast(5000));
    let Ending::Passed(moved) = exchange(disk, read_two_blocks()).0 else {
        panic!("it passed")
    };
    assert_eq!(moved.on_bus, 1024);
}

#[test]
fn a_device_that_stalls_the_question_for_its_units_has_one() {
    for (answer, expected) in [(Some(3), 3), (None, 0), (Some(200), 0)] {
        let mut disk = FakeDisk::small();
        disk.max_lun = answer;
        let mut bot = Bot::new(FUNCTION, Policy::default());
        bot.begin_get_max_lun().unwrap();
        assert_eq!(run(&mut bot, &mut disk), Ending::MaxLun(expected));
    }
    for odd in [
        Inject::Bytes(&[]),
        Inject::Fail(Status::Timeout),
        Inject::Fail(Status::Error),
    ] {
        let mut bot = Bot::new(FUNCTION, Policy::default());
        bot.begin_get_max_lun().unwrap();
        assert_eq!(
            run(&mut bot, &mut FakeDisk::small().fault(At::MaxLun, odd)),
            Ending::MaxLun(0)
        );
    }
}
