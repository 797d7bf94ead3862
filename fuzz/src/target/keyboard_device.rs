//! The keyboard driver against any device: keys go down before they come up, and up before the end.

use std::collections::BTreeSet;

use usb_class::hid::{Keyboard, KeyboardEvent, KeyboardFunction};
use usb_class::transport::{Action, Poll, Reply, Status, Step};
use usb_spec::EndpointAddress;

use super::Target;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "keyboard_device",
    about: "the boot keyboard driver against a device that answers anything",
    longest: 512,
    run,
};

/// Turns after the input is over, in which a keyboard that is gone has to say so: each held key comes up, and then the end.
const LAST_TURNS: u32 = 300;

const STATUSES: [Status; 6] = [
    Status::Stall,
    Status::Error,
    Status::Babble,
    Status::Timeout,
    Status::Cancelled,
    Status::Gone,
];

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut keyboard = Keyboard::new(KeyboardFunction {
        interface: 0,
        endpoint: EndpointAddress(0x81),
        max_packet: u16::from(input.u8()),
    });
    let mut open: Option<Step> = None;
    let mut down = BTreeSet::new();
    let mut ended = false;
    let mut left = LAST_TURNS;
    while left > 0 && !ended {
        left -= u32::from(input.is_empty());
        match keyboard.poll_action() {
            Poll::Act(step) => {
                assert!(open.is_none(), "two actions at a time");
                open = Some(step);
            }
            Poll::Waiting => {
                let step = open.take().expect("nothing to wait for");
                reply(&mut keyboard, step, &mut input);
            }
            Poll::Ready(KeyboardEvent::Key(key)) => {
                let changed = if key.pressed {
                    down.insert(key.usage)
                } else {
                    down.remove(&key.usage)
                };
                assert!(changed, "{key:?} is what it was");
                assert!(key.pressed || key.text.is_none());
            }
            Poll::Ready(KeyboardEvent::Ended(error)) => {
                assert!(!error.to_string().is_empty());
                ended = true;
            }
        }
    }
    assert!(ended, "a keyboard that is gone does not end");
    assert!(down.is_empty(), "{down:?} held for ever");
    assert_eq!(keyboard.poll_action(), Poll::Waiting);
}

fn reply(keyboard: &mut Keyboard, step: Step, input: &mut Input<'_>) {
    if input.is_empty() {
        return keyboard.reply(step.id, Reply::failed(Status::Gone));
    }
    let how = input.u8();
    match how & 7 {
        0..=2 => keyboard.reply(step.id, Reply::done()),
        3..=5 => {
            let wanted = match step.action {
                Action::InterruptIn { length, .. } => usize::try_from(length).unwrap_or(8),
                _ => 8,
            };
            let length = if how & 8 == 0 {
                wanted
            } else {
                usize::from(how >> 4 & 7)
            };
            keyboard.reply(step.id, Reply::data(input.bytes(length)));
        }
        6 => {
            // A report that says no more than one key, which random bytes seldom do.
            let report = [input.u8() & 0x22, 0, input.u8(), 0, 0, 0, 0, 0];
            keyboard.reply(step.id, Reply::data(&report));
        }
        _ => keyboard.reply(step.id, Reply::failed(input.pick(&STATUSES))),
    }
}
