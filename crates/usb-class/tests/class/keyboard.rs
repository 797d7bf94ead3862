//! A boot keyboard that is played report by report.

use usb_class::hid::{FAULTS_MAX, Key, Keyboard, KeyboardError, KeyboardEvent, KeyboardFunction};
use usb_class::transport::{Action, ActionId, Poll, Reply, Status, Step};
use usb_spec::class::hid::{BootKeyboardReport, Keystroke, Leds, Modifiers, Usage};
use usb_spec::{EndpointAddress, Request};

const FUNCTION: KeyboardFunction = KeyboardFunction {
    interface: 1,
    endpoint: EndpointAddress(0x81),
    max_packet: 8,
};

fn act(keyboard: &mut Keyboard) -> Step {
    match keyboard.poll_action() {
        Poll::Act(step) => step,
        other => panic!("an action, not {other:?}"),
    }
}

fn request(step: &Step) -> Option<Request> {
    match step.action {
        Action::Control { setup, .. } => Some(setup.request),
        _ => None,
    }
}

/// A keyboard that listens, and the name of its first transfer.
fn listening() -> (Keyboard, ActionId) {
    let mut keyboard = Keyboard::new(FUNCTION);
    for expected in [Request::HID_SET_PROTOCOL, Request::HID_SET_IDLE] {
        let step = act(&mut keyboard);
        assert_eq!(request(&step), Some(expected));
        keyboard.reply(step.id, Reply::done());
    }
    let step = act(&mut keyboard);
    assert_eq!(
        step.action,
        Action::InterruptIn {
            endpoint: FUNCTION.endpoint,
            length: 8
        }
    );
    assert_eq!(step.timeout, None, "people may be silent for ever");
    (keyboard, step.id)
}

/// Lets the keyboard send a report, answers what it is asked, and gives the keys; the keyboard listens again.
fn report(keyboard: &mut Keyboard, id: &mut ActionId, bytes: [u8; 8]) -> Vec<Key> {
    keyboard.reply(*id, Reply::data(&bytes));
    let mut keys = Vec::new();
    for _ in 0..100 {
        match keyboard.poll_action() {
            Poll::Ready(KeyboardEvent::Key(key)) => keys.push(key),
            Poll::Act(Step {
                id: next,
                action: Action::InterruptIn { .. },
                ..
            }) => {
                *id = next;
                return keys;
            }
            Poll::Act(step) => keyboard.reply(step.id, Reply::done()),
            other => panic!("unexpected {other:?}"),
        }
    }
    panic!("more than a hundred events out of one report");
}

fn changes(keys: &[Key]) -> Vec<(Usage, bool)> {
    keys.iter().map(|key| (key.usage, key.pressed)).collect()
}

#[test]
fn text_arrives_as_it_was_typed() {
    let (mut keyboard, mut id) = listening();
    let typed = "Hello, World! 100% {ok}\n";
    let mut text = String::new();
    for c in typed.chars() {
        let held = BootKeyboardReport::of(Keystroke::from_char(c).unwrap());
        for bytes in [held.emit(), BootKeyboardReport::RELEASED.emit()] {
            text.extend(
                report(&mut keyboard, &mut id, bytes)
                    .iter()
                    .filter_map(|key| key.text),
            );
        }
    }
    assert_eq!(text, typed);
}

#[test]
fn presses_and_releases_are_told_once_each() {
    let (mut keyboard, mut id) = listening();
    let keys = report(&mut keyboard, &mut id, [0, 0, 4, 5, 0, 0, 0, 0]);
    assert_eq!(changes(&keys), [(Usage::A, true), (Usage::B, true)]);
    assert!(
        report(&mut keyboard, &mut id, [0, 0, 5, 4, 0, 0, 0, 0]).is_empty(),
        "order in a report has no meaning"
    );
    let keys = report(&mut keyboard, &mut id, [0, 0, 5, 6, 0, 0, 0, 0]);
    assert_eq!(changes(&keys), [(Usage::A, false), (Usage::C, true)]);
}

#[test]
fn a_shift_that_comes_with_its_letter_counts_for_it() {
    let (mut keyboard, mut id) = listening();
    let keys = report(&mut keyboard, &mut id, [0x20, 0, 4, 0, 0, 0, 0, 0]);
    assert_eq!(
        changes(&keys),
        [(Usage::RIGHT_SHIFT, true), (Usage::A, true)]
    );
    assert_eq!(keys[1].text, Some('A'));
    assert_eq!(keys[1].modifiers, Modifiers::RIGHT_SHIFT);
}

#[test]
fn control_and_alt_type_nothing() {
    let (mut keyboard, mut id) = listening();
    for modifier in [
        Modifiers::LEFT_CONTROL,
        Modifiers::RIGHT_ALT,
        Modifiers::LEFT_GUI,
    ] {
        let keys = report(&mut keyboard, &mut id, [modifier.0, 0, 6, 0, 0, 0, 0, 0]);
        assert!(keys.iter().any(|key| key.usage == Usage::C && key.pressed));
        assert!(keys.iter().all(|key| key.text.is_none()));
        report(&mut keyboard, &mut id, [0; 8]);
    }
}

#[test]
fn caps_lock_lights_its_lamp_and_turns_letters_only() {
    let (mut keyboard, id) = listening();
    keyboard.reply(id, Reply::data(&[0, 0, Usage::CAPS_LOCK.0, 0, 0, 0, 0, 0]));
    assert!(matches!(keyboard.poll_action(), Poll::Ready(_)));
    let lamp = act(&mut keyboard);
    let Action::Control { setup, out } = lamp.action else {
        panic!("the lamp is set over endpoint 0")
    };
    assert_eq!(
        (setup.request, setup.length, out[0]),
        (Request::HID_SET_REPORT, 1, Leds::CAPS_LOCK)
    );
    keyboard.reply(lamp.id, Reply::failed(Status::Stall));
    let mut id = act(&mut keyboard).id;
    let mut text = |bytes| {
        report(&mut keyboard, &mut id, bytes)
            .iter()
            .find_map(|key| key.text)
    };
    assert_eq!(
        text([0, 0, Usage::A.0, 0, 0, 0, 0, 0]),
        Some('A'),
        "a keyboard without lamp has a caps lock all the same"
    );
    assert_eq!(text([2, 0, Usage::B.0, 0, 0, 0, 0, 0]), Some('b'));
    assert_eq!(text([0, 0, Usage::DIGIT_1.0, 0, 0, 0, 0, 0]), Some('1'));
}

#[test]
fn too_many_keys_at_once_change_no_key_but_modifiers_count() {
    let (mut keyboard, mut id) = listening();
    report(&mut keyboard, &mut id, [0, 0, 4, 5, 0, 0, 0, 0]);
    let keys = report(&mut keyboard, &mut id, [2, 0, 1, 1, 1, 1, 1, 1]);
    assert_eq!(changes(&keys), [(Usage::LEFT_SHIFT, true)]);
    let keys = report(&mut keyboard, &mut id, [0, 0, 5, 0, 0, 0, 0, 0]);
    assert_eq!(
        changes(&keys),
        [(Usage::LEFT_SHIFT, false), (Usage::A, false)]
    );
}

#[test]
fn a_report_that_is_cut_short_says_nothing() {
    let (mut keyboard, mut id) = listening();
    report(&mut keyboard, &mut id, [0, 0, 4, 0, 0, 0, 0, 0]);
    keyboard.reply(id, Reply::data(&[0, 0, 5]));
    assert!(matches!(
        act(&mut keyboard).action,
        Action::InterruptIn { .. }
    ));
}

#[test]
fn a_release_that_was_lost_is_found_by_asking_what_is_held() {
    let (mut keyboard, mut id) = listening();
    report(&mut keyboard, &mut id, [0, 0, 4, 5, 0, 0, 0, 0]);
    keyboard.reply(id, Reply::failed(Status::Error));
    let clear = act(&mut keyboard);
    assert_eq!(
        clear.action,
        Action::ClearHalt {
            endpoint: FUNCTION.endpoint
        }
    );
    keyboard.reply(clear.id, Reply::done());
    let ask = act(&mut keyboard);
    assert_eq!(request(&ask), Some(Request::HID_GET_REPORT));
    keyboard.reply(ask.id, Reply::data(&[0, 0, 5, 0, 0, 0, 0, 0]));
    let Poll::Ready(KeyboardEvent::Key(key)) = keyboard.poll_action() else {
        panic!("a key was released meanwhile")
    };
    assert_eq!((key.usage, key.pressed), (Usage::A, false));
    assert!(matches!(
        act(&mut keyboard).action,
        Action::InterruptIn { .. }
    ));
}

#[test]
fn when_nobody_knows_what_is_held_all_keys_are_released() {
    let (mut keyboard, mut id) = listening();
    report(&mut keyboard, &mut id, [2, 0, 4, 0, 0, 0, 0, 0]);
    keyboard.reply(id, Reply::failed(Status::Stall));
    let clear = act(&mut keyboard);
    keyboard.reply(clear.id, Reply::done());
    let ask = act(&mut keyboard);
    keyboard.reply(ask.id, Reply::failed(Status::Stall));
    let released: Vec<_> = (0..2).map(|_| keyboard.poll_action()).collect();
    assert!(
        released
            .iter()
            .all(|event| matches!(event, Poll::Ready(KeyboardEvent::Key(key)) if !key.pressed)),
        "{released:?}"
    );
}

#[test]
fn a_keyboard_that_refuses_protocol_and_idle_is_listened_to() {
    let mut keyboard = Keyboard::new(FUNCTION);
    for _ in 0..2 {
        let step = act(&mut keyboard);
        keyboard.reply(step.id, Reply::failed(Status::Stall));
    }
    assert!(matches!(
        act(&mut keyboard).action,
        Action::InterruptIn { .. }
    ));
}

#[test]
fn a_keyboard_whose_transfers_keep_failing_is_given_up() {
    let (mut keyboard, mut id) = listening();
    for _ in 1..FAULTS_MAX {
        keyboard.reply(id, Reply::failed(Status::Error));
        for _ in 0..2 {
            let step = act(&mut keyboard);
            keyboard.reply(step.id, Reply::done());
        }
        id = act(&mut keyboard).id;
    }
    keyboard.reply(id, Reply::failed(Status::Babble));
    assert_eq!(
        keyboard.poll_action(),
        Poll::Ready(KeyboardEvent::Ended(KeyboardError::Failing(Status::Babble)))
    );
    assert_eq!(keyboard.poll_action(), Poll::Waiting);
}

#[test]
fn an_unplugged_keyboard_releases_what_was_held() {
    let (mut keyboard, mut id) = listening();
    report(&mut keyboard, &mut id, [0, 0, 4, 0, 0, 0, 0, 0]);
    keyboard.reply(id, Reply::failed(Status::Gone));
    let Poll::Ready(KeyboardEvent::Key(key)) = keyboard.poll_action() else {
        panic!("the key goes up")
    };
    assert!(!key.pressed);
    assert_eq!(
        keyboard.poll_action(),
        Poll::Ready(KeyboardEvent::Ended(KeyboardError::Gone))
    );
    assert_eq!(keyboard.poll_action(), Poll::Waiting, "and that was all");
}

#[test]
fn a_reply_that_nobody_waits_for_changes_nothing() {
    let (mut keyboard, id) = listening();
    keyboard.reply(id, Reply::data(&[0; 8]));
    keyboard.reply(id, Reply::failed(Status::Gone));
    assert!(matches!(
        act(&mut keyboard).action,
        Action::InterruptIn { .. }
    ));
}
