//! Keyboards: what is typed is heard.

use std::time::Duration;

use testkit::{Pair, PairOptions};
use usb_class::hid::{KeyboardError, KeyboardEvent};
use usb_model::device::KeyboardOptions;
use usb_spec::speed::Speed;

const TEXT: &str = "Hello, World! 0123456789 [Ring the doorbell.]\n";

#[test]
fn a_text_typed_on_keyboards_of_every_speed_is_heard_letter_by_letter() {
    for speed in [Speed::Low, Speed::Full, Speed::High] {
        let mut pair = Pair::up().expect("it comes up");
        let options = KeyboardOptions {
            speed,
            ..KeyboardOptions::default()
        };
        let (port, hands) = pair.plug_keyboard(options);
        let slot = pair.attached(port).expect("it is enumerated");
        let mut keyboard = pair.keyboard(slot).expect("a keyboard");
        assert_eq!(hands.get().type_text(TEXT), 0);
        let heard = pair.hear(&mut keyboard, TEXT.chars().count());
        assert_eq!(heard.expect("it types"), TEXT, "{speed:?}");
        drop(keyboard);
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn a_keyboard_that_is_pulled_out_while_typing_ends_and_a_new_one_is_heard() {
    let options = PairOptions {
        jitter: true,
        ..PairOptions::default()
    };
    let mut pair = Pair::up_with(options).expect("it comes up");
    let (port, hands) = pair.plug_keyboard(KeyboardOptions::default());
    let slot = pair.attached(port).expect("it is enumerated");
    let mut keyboard = pair.keyboard(slot).expect("a keyboard");
    hands.get().type_text(TEXT);
    let heard = pair.hear(&mut keyboard, 5).expect("it types");
    assert_eq!(heard, TEXT[..5]);
    pair.unplug(port);
    let ended = loop {
        let event = pair.key(&mut keyboard, Duration::from_secs(10));
        if let KeyboardEvent::Ended(error) = event.expect("it ends") {
            break error;
        }
    };
    assert_eq!(ended, KeyboardError::Gone);
    let (port, hands) = pair.plug_keyboard(KeyboardOptions::default());
    let slot = pair.attached(port).expect("it is enumerated");
    let mut keyboard = pair.keyboard(slot).expect("a keyboard");
    hands.get().type_text("again");
    assert_eq!(pair.hear(&mut keyboard, 5).expect("it types"), "again");
    drop(keyboard);
    pair.finish().expect("nothing is left behind");
}
