//! Engines that are up.
#![expect(dead_code, reason = "each test program uses a part of this")]

use std::time::Duration;

use host::{Engine, EngineOptions, Host, Notice, SlotId, keyboard, storage};
use local::{Clock, Local, Setup};

fn setup(devices: &[&str], clock: Clock) -> Setup {
    let devices = devices
        .iter()
        .map(|device| device.parse().expect("a device"));
    Setup {
        clock,
        devices: devices.collect(),
        ..Setup::default()
    }
}

/// Twenty devices of all speeds, in five tiers of hubs of all kinds. A USB 3 hub counts as two.
pub(crate) const TWENTY: &str = "hub:ports=7(\
    keyboard; disk:size=1M,pattern; tablet; serial; \
    hub(zero; \
        hub:mtt(disk:size=1M,pattern; serial:speed=high; \
            hub:speed=high(keyboard:speed=full; \
                hub:speed=full(keyboard:text=five; disk:size=1M,pattern; tablet:speed=low)))); \
    zero:speed=super)";

/// A polled engine with these devices enumerated, on a virtual clock.
pub(crate) fn engine(devices: &[&str]) -> Engine<Local> {
    engine_of(devices, devices.len())
}

/// The same, where `count` devices are there: a hub brings others with it, and a USB 3 hub is two.
pub(crate) fn engine_of(devices: &[&str], count: usize) -> Engine<Local> {
    run(setup(devices, Clock::Virtual), count)
}

/// An engine with so many devices enumerated.
pub(crate) fn run(setup: Setup, count: usize) -> Engine<Local> {
    let local = Local::new(setup).expect("a controller");
    let mut engine = Engine::new(local, EngineOptions::default()).expect("an engine");
    let settled = |engine: &mut Engine<Local>| {
        engine
            .poll_notice()
            .filter(|notice| matches!(notice, Notice::Settled | Notice::Died { .. }))
    };
    let end = engine.run_until(Some(Duration::from_secs(60)), settled);
    assert_eq!(end, Some(Notice::Settled));
    assert_eq!(engine.devices().count(), count);
    engine
}

/// A host with these devices enumerated, on the real clock.
pub(crate) fn host(devices: &[&str]) -> Host {
    let setup = setup(devices, Clock::Real);
    let host = Host::spawn(EngineOptions::default(), move || Local::new(setup)).expect("a host");
    host.wait_settled(Duration::from_secs(30))
        .expect("it comes up");
    assert_eq!(host.devices().len(), devices.len());
    host
}

pub(crate) fn disk_slot(engine: &Engine<Local>) -> SlotId {
    let mut devices = engine.devices();
    devices
        .find(|device| storage::function(device).is_some())
        .expect("a disk")
        .slot
}

pub(crate) fn keyboard_slot(engine: &Engine<Local>) -> SlotId {
    let mut devices = engine.devices();
    devices
        .find(|device| keyboard::function(device).is_some())
        .expect("a keyboard")
        .slot
}

/// The bytes of a pattern disk from byte `at`, which is a multiple of 8.
pub(crate) fn pattern(at: usize, len: usize) -> Vec<u8> {
    let word = |index: u64| {
        let x = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (x ^ (x >> 32)).to_le_bytes()
    };
    (at as u64 / 8..(at + len) as u64 / 8)
        .flat_map(word)
        .collect()
}
