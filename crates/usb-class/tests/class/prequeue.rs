//! The status asked for while the data is still under way.

use usb_class::bot::{Bot, Command, Data, Ending, Fault, Moved, Policy, ResetKind, Stage};
use usb_class::transport::{Action, ActionId, Poll, Reply, Status};
use usb_spec::class::mass_storage::scsi::{Command as Scsi, Opcode};
use usb_spec::class::mass_storage::{Csw, CswStatus};

use crate::common::{At, FUNCTION, FakeDisk, Inject, run};

fn bot() -> Bot {
    let mut bot = Bot::new(
        FUNCTION,
        Policy {
            pre_queue_status: true,
            ..Policy::default()
        },
    );
    let cdb = Scsi::Read10 {
        lba: 0,
        blocks: 1,
        fua: false,
    }
    .emit();
    bot.begin(Command {
        lun: 0,
        cdb,
        data: Data::In {
            offset: 0,
            length: 512,
        },
        status_timeout: None,
    })
    .unwrap();
    bot
}

fn act(bot: &mut Bot) -> (ActionId, Action) {
    match bot.poll_action() {
        Poll::Act(step) => (step.id, step.action),
        other => panic!("an action, not {other:?}"),
    }
}

/// Data and status under way.
fn both_under_way(bot: &mut Bot) -> (ActionId, ActionId) {
    let (command, _) = act(bot);
    bot.reply(command, Reply::moved(31));
    let (data, action) = act(bot);
    assert!(matches!(action, Action::DataIn { .. }));
    let (status, action) = act(bot);
    assert!(
        matches!(action, Action::BulkIn { length: 13, .. }),
        "the status is asked for without waiting"
    );
    assert_eq!(bot.poll_action(), Poll::Waiting, "and only once");
    (data, status)
}

fn passed() -> [u8; 13] {
    Csw {
        tag: 1,
        residue: 0,
        status: CswStatus::PASSED,
    }
    .to_bytes()
}

const WHOLE: Ending = Ending::Passed(Moved {
    transferred: 512,
    on_bus: 512,
    residue: 0,
});

#[test]
fn by_default_the_status_waits_for_the_data() {
    assert!(!Policy::default().pre_queue_status);
}

#[test]
fn data_and_status_are_under_way_together() {
    let mut bot = bot();
    let (data, status) = both_under_way(&mut bot);
    bot.reply(data, Reply::moved(512));
    assert_eq!(bot.poll_action(), Poll::Waiting);
    bot.reply(status, Reply::data(&passed()));
    assert_eq!(bot.poll_action(), Poll::Ready(WHOLE));
}

#[test]
fn a_status_that_is_reported_before_the_data_is_kept() {
    let mut bot = bot();
    let (data, status) = both_under_way(&mut bot);
    bot.reply(status, Reply::data(&passed()));
    assert_eq!(
        bot.poll_action(),
        Poll::Waiting,
        "the data belongs to the operation until it is replied to"
    );
    bot.reply(data, Reply::moved(512));
    assert_eq!(bot.poll_action(), Poll::Ready(WHOLE));
}

#[test]
fn after_a_stall_in_the_data_the_queued_status_still_counts() {
    let mut disk = FakeDisk::small().fault(At::Data(Opcode::READ_10), Inject::StallAfter(0));
    disk.buffer = vec![0; 512];
    let ending = run(&mut bot(), &mut disk);
    assert_eq!(
        ending,
        Ending::Passed(Moved {
            transferred: 0,
            on_bus: 0,
            residue: 512
        })
    );
    assert_eq!(disk.log, ["READ(10)", "data in 512", "clear in", "status"]);
}

#[test]
fn a_queued_status_that_the_stall_took_along_is_asked_for_again() {
    let mut bot = bot();
    let (data, status) = both_under_way(&mut bot);
    bot.reply(data, Reply::failed(Status::Stall));
    bot.reply(status, Reply::failed(Status::Cancelled));
    let (clear, action) = act(&mut bot);
    assert_eq!(
        action,
        Action::ClearHalt {
            endpoint: FUNCTION.bulk_in
        }
    );
    bot.reply(clear, Reply::done());
    let (again, action) = act(&mut bot);
    assert!(matches!(action, Action::BulkIn { length: 13, .. }));
    bot.reply(again, Reply::data(&passed()));
    assert!(matches!(bot.poll_action(), Poll::Ready(Ending::Passed(_))));
}

#[test]
fn before_a_reset_the_queued_status_is_taken_back() {
    let mut disk =
        FakeDisk::small().fault(At::Data(Opcode::READ_10), Inject::Fail(Status::Timeout));
    disk.buffer = vec![0; 512];
    let ending = run(&mut bot(), &mut disk);
    let cause = Fault::Transfer {
        stage: Stage::Data,
        status: Status::Timeout,
    };
    assert_eq!(
        ending,
        Ending::Reset {
            cause,
            by: ResetKind::Class
        }
    );
    assert_eq!(
        disk.log,
        [
            "READ(10)",
            "data in 512",
            "cancel",
            "class reset",
            "clear in",
            "clear out"
        ]
    );
}

#[test]
fn a_queued_status_that_ends_before_it_can_be_taken_back_needs_no_cancel() {
    let mut bot = bot();
    let (data, status) = both_under_way(&mut bot);
    bot.reply(data, Reply::failed(Status::Error));
    bot.reply(status, Reply::failed(Status::Error));
    assert!(
        matches!(act(&mut bot).1, Action::Control { .. }),
        "class reset comes next"
    );
}

#[test]
fn an_overlong_early_status_leads_to_reset_recovery() {
    let mut bot = bot();
    let (data, status) = both_under_way(&mut bot);
    bot.reply(status, Reply::data(&[0x55; 40]));
    bot.reply(data, Reply::moved(512));
    assert!(matches!(act(&mut bot).1, Action::Control { .. }));
}

#[test]
fn an_unplugged_device_ends_both() {
    let mut bot = bot();
    let (data, status) = both_under_way(&mut bot);
    bot.reply(status, Reply::failed(Status::Gone));
    bot.reply(data, Reply::moved(512));
    assert_eq!(bot.poll_action(), Poll::Ready(Ending::Gone));
}

#[test]
fn a_device_that_vanishes_in_its_data_is_left_alone_once_the_status_is_taken_back() {
    let mut bot = bot();
    let (data, status) = both_under_way(&mut bot);
    bot.reply(data, Reply::failed(Status::Gone));
    assert_eq!(act(&mut bot).1, Action::Cancel { id: status });
    assert_eq!(bot.poll_action(), Poll::Waiting);
    bot.reply(status, Reply::failed(Status::Cancelled));
    assert_eq!(
        bot.poll_action(),
        Poll::Ready(Ending::Gone),
        "no reset is sent to nobody"
    );
}
