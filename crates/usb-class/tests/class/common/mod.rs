//! The loop that every caller of a class has, with a clock that jumps, and the devices it talks to.

mod disk;
mod fault;
mod stages;

use std::collections::VecDeque;

use usb_class::bot::{Bot, Ending, Function};
use usb_class::scsi::{BlockDevice, Outcome, Policy};
use usb_class::transport::{Action, ActionId, Poll, Reply, Status, Step};
use usb_spec::EndpointAddress;
use usb_spec::time::Instant;

pub(crate) use disk::{FakeDisk, sense};
pub(crate) use fault::{At, Inject};

pub(crate) const FUNCTION: Function = Function {
    interface: 3,
    bulk_in: EndpointAddress(0x81),
    bulk_out: EndpointAddress(0x02),
};

/// No operation of these tests needs more actions.
const ACTIONS_MAX: usize = 20_000;

/// What both the transport and the disk driver are.
pub(crate) trait Machine {
    type Result;
    fn poll(&mut self, now: Instant) -> Poll<Self::Result>;
    fn answer(&mut self, id: ActionId, reply: Reply<'_>);
}

impl Machine for Bot {
    type Result = Ending;
    fn poll(&mut self, _now: Instant) -> Poll<Ending> {
        self.poll_action()
    }
    fn answer(&mut self, id: ActionId, reply: Reply<'_>) {
        self.reply(id, reply);
    }
}

impl Machine for BlockDevice {
    type Result = Outcome;
    fn poll(&mut self, now: Instant) -> Poll<Outcome> {
        self.poll_action(now)
    }
    fn answer(&mut self, id: ActionId, reply: Reply<'_>) {
        self.reply(id, reply);
    }
}

/// Takes an operation that was begun to its end.
pub(crate) fn run<M: Machine>(machine: &mut M, disk: &mut FakeDisk) -> M::Result {
    let mut under_way: VecDeque<Step> = VecDeque::new();
    for _ in 0..ACTIONS_MAX {
        match machine.poll(disk.now) {
            Poll::Ready(result) => {
                assert!(
                    under_way.is_empty(),
                    "an operation ended with {under_way:?} under way"
                );
                return result;
            }
            Poll::Act(Step {
                action: Action::Cancel { id },
                ..
            }) => {
                disk.log.push("cancel".into());
                let at = under_way.iter().position(|step| step.id == id);
                under_way.remove(at.expect("only what is under way is taken back"));
                machine.answer(id, Reply::failed(Status::Cancelled));
            }
            Poll::Act(step) => {
                disk.issued(&step);
                under_way.push_back(step);
            }
            Poll::Waiting => {
                let step = disk
                    .choose(&mut under_way)
                    .expect("the machine waits for nothing");
                let answer = disk.act(&step);
                machine.answer(step.id, answer.reply());
            }
        }
    }
    panic!("the operation did not end");
}

/// A started driver and its disk, whose log is empty.
pub(crate) fn started(mut disk: FakeDisk, policy: Policy) -> (BlockDevice, FakeDisk) {
    let mut device = BlockDevice::new(FUNCTION, 0, policy);
    device.start(disk.now).unwrap();
    assert_eq!(run(&mut device, &mut disk).result, Ok(()));
    disk.log.clear();
    (device, disk)
}

/// Starts a disk that may not be startable.
pub(crate) fn start(disk: &mut FakeDisk, policy: Policy) -> (BlockDevice, Outcome) {
    let mut device = BlockDevice::new(FUNCTION, 0, policy);
    device.start(disk.now).unwrap();
    let outcome = run(&mut device, disk);
    (device, outcome)
}
