//! The driver in front of any controller: registers that read wrongly, events and contexts that were never true, devices that come and
//! go. Each transfer and each operation comes back once, a controller that is gone is given up in time, and no memory is kept.

use std::time::Duration;

use usb_model::device::{Disk, DiskOptions, Keyboard, KeyboardOptions};
use usb_spec::{EndpointAddress, Setup, Speed};
use volmem::VolatileSlice;
use xhci_driver::{EndpointKey, Operation};
use xhci_spec::number::{Dci, PortId, SlotId};

use super::Target;
use crate::driver::Bench;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "controller",
    about: "the driver against any registers, events, contexts and timing",
    longest: 512,
    run,
};

/// Steps of one input.
const STEPS_MAX: u32 = 60;

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let first = input.u8();
    let damage = (first & 1 == 1).then(|| (input.u8(), input.u32()));
    let Some(mut bench) = Bench::new(damage) else {
        return;
    };
    if first & 2 == 0 {
        plug(&bench, first >> 4);
        bench.pass(Duration::from_secs(1));
    }
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        step(&mut bench, &mut input);
    }
    bench.finish();
}

fn step(bench: &mut Bench, input: &mut Input<'_>) {
    match input.u8() % 12 {
        0..=2 => {
            let at = bench.target(input.u8(), input.u8());
            let block = event(input);
            bench.scribble(at, block);
        }
        3 => {
            let damage = (input.u8() & 31, bits(input));
            bench.line.damage.set(Some(damage));
        }
        4 | 5 => bench.pass(Duration::from_millis(u64::from(input.u8()))),
        6 => transfer(bench, input),
        7 => {
            let key = key(input);
            bench.cancel(key);
        }
        8 => operation(bench, input),
        9 => plug(bench, input.u8()),
        10 => bench.unplug(port(input)),
        _ => match input.u8() {
            0 => bench.control.shutdown(bench.now()),
            1 => bench.line.model.borrow_mut().vanish(),
            seconds => bench.pass(Duration::from_millis(u64::from(seconds) * 50)),
        },
    }
    bench.pass(Duration::from_micros(u64::from(input.u8())));
}

/// Bits of a register: one, or any.
fn bits(input: &mut Input<'_>) -> u32 {
    match input.u8() {
        all @ 0..32 => 1 << all,
        32 => u32::MAX,
        _ => input.u32(),
    }
}

/// An event or a piece of a context: an event's type, code and slot are those that there are, more often than not.
fn event(input: &mut Input<'_>) -> [u32; 4] {
    let how = input.u8();
    if how & 0x80 != 0 {
        return input.dwords();
    }
    let kind = 32 + u32::from(how & 7);
    let code = u32::from(input.u8() & 63) << 24;
    let (slot, endpoint) = (u32::from(input.u8() & 3), u32::from(input.u8() & 7));
    let cycle = u32::from(how >> 3 & 1);
    [
        input.u32(),
        if how & 16 == 0 { 3 } else { input.u32() },
        code | u32::from(input.u16()),
        slot << 24 | endpoint << 16 | kind << 10 | cycle,
    ]
}

fn port(input: &mut Input<'_>) -> PortId {
    PortId::new(input.u8() % 3 + 1).expect("not zero")
}

fn slot(input: &mut Input<'_>) -> SlotId {
    SlotId::new(input.u8() % 4 + 1).expect("not zero")
}

fn key(input: &mut Input<'_>) -> EndpointKey {
    let dci = Dci::new([1, 3, 4, 2, 31][input.below(5)]).expect("a device context index");
    EndpointKey {
        slot: slot(input),
        dci,
    }
}

fn transfer(bench: &mut Bench, input: &mut Input<'_>) {
    let key = key(input);
    let setup = (key.dci == Dci::CONTROL || input.u8() == 0)
        .then(|| Setup::from_bytes(input.u64().to_le_bytes()));
    let length = match setup {
        Some(setup) => usize::from(setup.length & 0x1ff),
        None => usize::from(input.u16() & 0x3fff),
    };
    bench.submit(key, setup, length);
}

fn operation(bench: &mut Bench, input: &mut Input<'_>) {
    let operation = match input.u8() % 5 {
        0 => Operation::ClearHalt {
            slot: slot(input),
            endpoint: EndpointAddress(input.pick(&[0x81, 0x02, 0, 0x8f])),
        },
        1 => Operation::ResetDevice { slot: slot(input) },
        2 => Operation::SetInterface {
            slot: slot(input),
            interface: input.u8() & 1,
            alternate: input.u8() & 1,
        },
        3 => Operation::Suspend { port: port(input) },
        _ => Operation::Resume { port: port(input) },
    };
    bench.request(operation);
}

fn plug(bench: &Bench, which: u8) {
    let number = which % 3 + 1;
    let port = PortId::new(number).expect("not zero");
    if number == 1 {
        let keyboard = Keyboard::<VolatileSlice>::new(KeyboardOptions::default());
        return bench.plug(port, Box::new(keyboard));
    }
    let options = DiskOptions {
        speed: if number == 3 {
            Speed::Super
        } else {
            Speed::High
        },
        ..DiskOptions::default()
    };
    bench.plug(port, Box::new(Disk::<VolatileSlice>::new(options)));
}
