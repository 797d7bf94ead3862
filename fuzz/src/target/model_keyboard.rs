//! The emulated keyboard against any host: no panic, each request ends once or can be taken back, and what is typed stays what it was.

use std::time::Duration;

use usb_model::device::{Keyboard, KeyboardOptions};
use usb_spec::Speed;

use super::Target;
use crate::arena::Arena;
use crate::input::Input;
use crate::usb_host::Host;

pub(super) const TARGET: Target = Target {
    name: "model_keyboard",
    about: "the emulated keyboard and its chapter 9 against any requests",
    longest: 512,
    run,
};

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = input.u8();
    let options = KeyboardOptions {
        speed: Speed::ALL[usize::from(kind & 7) % Speed::ALL.len()],
        press: Duration::from_millis(u64::from(kind >> 4)),
        ..KeyboardOptions::default()
    };
    Arena::with(&[], |arena| {
        let mut host = Host::new(Keyboard::new(options), 0, &arena.space);
        if kind & 8 == 0 {
            host.configure();
        }
        while !input.is_empty() {
            if input.u8() == 0xff {
                let typed = String::from_utf8_lossy(input.bytes(4));
                let unknown = host.device.type_text(&typed);
                assert!(unknown <= typed.chars().count());
            }
            host.step(&mut input);
        }
        let _ = (host.device.leds(), host.device.has_typed_all());
        host.finish();
    });
}
