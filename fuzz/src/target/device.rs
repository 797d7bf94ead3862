//! A device that lies, in front of the whole driver: enumeration ends in a device or in a refusal, everything comes back, and nothing is
//! written where no buffer is.

use std::collections::VecDeque;
use std::time::Duration;

use usb_model::Status;
use usb_model::UsbDevice;
use usb_model::device::{Disk, DiskOptions, Hub, HubOptions, Keyboard, KeyboardOptions};
use usb_spec::{Setup, Speed};
use volmem::VolatileSlice;
use xhci_driver::{EndpointKey, Notice, Operation};
use xhci_spec::number::{Dci, PortId};

use super::Target;
use crate::driver::Bench;
use crate::hostile::{Hostile, Lie};
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "device",
    about: "the driver and the model with a device whose descriptors and answers lie",
    longest: 256,
    run,
};

/// Answers of the device that the input may change.
const LIES_MAX: usize = 100;

/// Within this time an enumeration has ended well or was given up, with all its attempts.
const ENUMERATION: Duration = Duration::from_secs(120);

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = input.u8();
    let script = script(&mut input);
    let mut bench = Bench::new(None).expect("an honest controller");
    bench.pool.set_canary(true);
    let (port, device) = device(kind);
    let port = PortId::new(port).expect("not zero");
    bench.plug(port, Hostile::boxed(device, script));
    enumerate(&mut bench);
    use_it(&mut bench);
    bench.unplug(port);
    bench.pass(Duration::from_secs(3));
    assert_eq!(bench.control.devices().count(), 0, "a device that is gone");
    bench.pool.check_canaries().expect("somebody wrote astray");
    bench.finish();
}

/// Waits until the driver has made up its mind about the device.
fn enumerate(bench: &mut Bench) {
    let decided = |notice: &Notice| {
        matches!(
            notice,
            Notice::Attached { .. } | Notice::EnumerationFailed { .. }
        )
    };
    let end = bench.now() + ENUMERATION;
    while !bench.notices.iter().any(decided) {
        assert!(
            bench.now() < end,
            "neither attached nor refused: {:?}",
            bench.notices
        );
        bench.pass(Duration::from_millis(500));
    }
}

fn script(input: &mut Input<'_>) -> VecDeque<Option<Lie>> {
    let mut script = VecDeque::new();
    while !input.is_empty() && script.len() < LIES_MAX {
        let how = input.u8();
        if how < 0x80 {
            // So many honest answers: descriptors come late, and a lie for each would be a long input.
            for _ in 0..=how % 16 {
                script.push_back(None);
            }
        }
        script.push_back(match how % 8 {
            0..=4 => Some(Lie::Byte {
                at: input.u8(),
                value: input.u8(),
            }),
            5 => Some(Lie::Short(input.u8())),
            6 => Some(Lie::Status(input.pick(&[
                Status::Stall,
                Status::TransactionError,
                Status::Babble,
            ]))),
            _ => None,
        });
    }
    script
}

/// A device and the port for it.
fn device(kind: u8) -> (u8, Box<dyn UsbDevice<VolatileSlice>>) {
    let disk = |speed| {
        Box::new(Disk::new(DiskOptions {
            speed,
            ..DiskOptions::default()
        }))
    };
    match kind % 6 {
        0 => (1, disk(Speed::Full)),
        1 => (1, disk(Speed::High)),
        2 => (3, disk(Speed::Super)),
        3 => (2, Box::new(Keyboard::new(KeyboardOptions::default()))),
        4 => (
            1,
            Box::new(Hub::new(&HubOptions {
                speed: Speed::High,
                ..HubOptions::default()
            })),
        ),
        _ => (
            3,
            Box::new(Hub::new(&HubOptions {
                speed: Speed::Super,
                ..HubOptions::default()
            })),
        ),
    }
}

/// What a user would do with a device that says it works.
fn use_it(bench: &mut Bench) {
    let devices: Vec<_> = bench
        .control
        .devices()
        .map(|device| {
            let _ = format!("{device:?}");
            (device.slot, device.endpoints.clone())
        })
        .collect();
    for (slot, endpoints) in devices {
        let dci = Dci::CONTROL;
        bench.submit(
            EndpointKey { slot, dci },
            Some(Setup::get_configuration()),
            1,
        );
        for endpoint in endpoints.iter().take(4) {
            let dci = endpoint.dci;
            bench.submit(EndpointKey { slot, dci }, None, 64);
        }
        bench.pass(Duration::from_secs(3));
        bench.request(Operation::ResetDevice { slot });
        bench.pass(Duration::from_secs(3));
    }
}
