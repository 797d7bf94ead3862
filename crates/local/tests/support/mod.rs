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

/// A polled engine with these devices enumerated, on a virtual clock.
pub(crate) fn engine(devices: &[&str]) -> Engine<Local> {
    let local = Local::new(setup(devices, Clock::Virtual)).expect("a controller");
    let mut engine = Engine::new(local, EngineOptions::default()).expect("an engine");
    let settled = |engine: &mut Engine<Local>| {
        engine
            .poll_notice()
            .filter(|notice| matches!(notice, Notice::Settled | Notice::Died { .. }))
    };
    let end = engine.run_until(Some(Duration::from_secs(60)), settled);
    assert_eq!(end, Some(Notice::Settled));
    assert_eq!(engine.devices().count(), devices.len());
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
