//! Hubs and what is behind them, through the polled interface, with a virtual clock.

mod support;

use std::time::Duration;

use host::keyboard::{KeyboardEvent, PolledKeyboard};
use host::storage::{Policy, PolledDisk};
use host::{DeviceInfo, Engine, Notice, PortId, Speed, keyboard};
use local::{Clock, DeviceSpec, Local, LocalError, Location, Setup};
use support::{engine_of, pattern};

fn spec(text: &str) -> DeviceSpec {
    text.parse().expect("a device")
}

fn root(port: u8) -> Location {
    PortId::new(port).expect("a port").into()
}

fn behind(port: u8, way: &[u8]) -> Location {
    way.iter().fold(root(port), |at, port| {
        at.behind(*port).expect("five tiers of fifteen ports")
    })
}

fn places(engine: &Engine<Local>) -> Vec<String> {
    let place = |device: &DeviceInfo| Location::from(&device.place).to_string();
    let mut places: Vec<_> = engine.devices().map(place).collect();
    places.sort();
    places
}

fn find(engine: &Engine<Local>, at: &str) -> DeviceInfo {
    let mut devices = engine.devices();
    let device = devices.find(|device| Location::from(&device.place).to_string() == at);
    device
        .unwrap_or_else(|| panic!("nothing at {at}, but at {:?}", places(engine)))
        .clone()
}

/// Waits until exactly these places have devices.
fn wait_for(engine: &mut Engine<Local>, expected: &[&str]) {
    let right = |engine: &mut Engine<Local>| {
        while engine.poll_notice().is_some() {}
        (places(engine) == expected).then_some(())
    };
    let found = engine.run_until(Some(Duration::from_secs(60)), right);
    assert!(found.is_some(), "{:?}", places(engine));
}

fn read(engine: &mut Engine<Local>, at: &str, len: usize) {
    let slot = find(engine, at).slot;
    let mut disk = PolledDisk::open(engine, slot, Policy::default()).expect("the disk opens");
    let buffer = engine.pool().allocate(len).unwrap();
    disk.begin_read(engine.now(), 0, buffer, len).unwrap();
    let buffer = disk.finish(engine).into_result().unwrap().unwrap();
    assert!(*buffer == pattern(0, len), "wrong bytes from {at}");
    disk.close(engine);
}

fn typed(engine: &mut Engine<Local>, at: &str) -> String {
    let slot = find(engine, at).slot;
    let mut keyboard = PolledKeyboard::new(engine, slot).unwrap();
    let mut text = String::new();
    while let Some(event) = engine.run_until(Some(Duration::from_millis(200)), |engine| {
        keyboard.poll(engine)
    }) {
        match event {
            KeyboardEvent::Key(key) => text.extend(key.text),
            KeyboardEvent::Ended(error) => panic!("{error}"),
        }
    }
    keyboard.close(engine);
    text
}

#[test]
fn a_usb_3_hub_has_a_half_on_each_half_of_the_cable_and_its_devices_where_they_fit() {
    let mut engine = engine_of(
        &["hub(keyboard:text=low; disk:size=2M,pattern; 4=disk:size=1M,pattern,speed=high)"],
        5,
    );
    assert_eq!(places(&engine), ["1", "1.1", "1.4", "5", "5.2"]);
    assert_eq!(find(&engine, "5").speed, Speed::Super);
    assert_eq!(find(&engine, "1").speed, Speed::High);
    assert_eq!(find(&engine, "5.2").speed, Speed::Super);
    read(&mut engine, "5.2", 2 << 20);
    read(&mut engine, "1.4", 1 << 20);
    assert_eq!(typed(&mut engine, "1.1"), "low");
    engine.shutdown().unwrap();
}

#[test]
fn a_disk_behind_two_hubs_is_read_at_every_speed() {
    for (tree, at, speed) in [
        ("hub(hub(disk:size=1M,pattern))", "5.1.1", Speed::Super),
        (
            "hub:speed=high(2=hub(3=disk:size=1M,pattern))",
            "1.2.3",
            Speed::High,
        ),
        (
            "hub:speed=high(15=hub:speed=full(disk:size=1M,pattern))",
            "1.15.1",
            Speed::Full,
        ),
    ] {
        let tree = tree.replace("hub:speed=high(", "hub:speed=high,ports=15(");
        let count = if at.starts_with('5') { 5 } else { 3 };
        let mut engine = engine_of(&[&tree], count);
        assert_eq!(find(&engine, at).speed, speed, "{tree}");
        read(&mut engine, at, 1 << 20);
    }
}

#[test]
fn a_low_speed_keyboard_behind_hubs_types_through_a_translator() {
    let mut engine = engine_of(&["hub(2=hub:speed=high,mtt(keyboard:text=Tier 2.))"], 4);
    let keyboard = find(&engine, "1.2.1");
    let translator = keyboard.translator.expect("a translator");
    assert_eq!(translator.at.hub, find(&engine, "1.2").slot);
    assert!(translator.multi);
    assert_eq!(typed(&mut engine, "1.2.1"), "Tier 2.");
}

#[test]
fn each_disk_of_a_tree_has_its_own_bytes() {
    let mut engine = engine_of(
        &["hub:speed=high(disk:size=1M,pattern; disk:size=1M; hub(disk:size=1M,pattern))"],
        5,
    );
    read(&mut engine, "1.1", 1 << 20);
    read(&mut engine, "1.3.1", 1 << 20);
    let slot = find(&engine, "1.2").slot;
    let mut disk = PolledDisk::open(&mut engine, slot, Policy::default()).unwrap();
    let buffer = engine.pool().allocate(4096).unwrap();
    disk.begin_read(engine.now(), 0, buffer, 4096).unwrap();
    let buffer = disk.finish(&mut engine).into_result().unwrap().unwrap();
    assert!(buffer.iter().all(|byte| *byte == 0), "zeros were asked for");
}

#[test]
fn a_composite_device_types_and_is_read() {
    let mut engine = engine_of(&["hub(composite:size=1M,pattern,text=both,speed=full)"], 3);
    assert_eq!(typed(&mut engine, "1.1"), "both");
    read(&mut engine, "1.1", 1 << 20);
    let at = engine.backend_mut().keyboard().expect("a keyboard");
    assert_eq!(at, behind(1, &[1]));
    engine.backend_mut().type_text(at, "again").unwrap();
    assert_eq!(typed(&mut engine, "1.1"), "again");
    assert!(engine.backend_mut().has_typed_all(at));
}

#[test]
fn what_is_plugged_into_a_hub_later_is_found_and_what_is_pulled_out_is_missed() {
    let mut engine = engine_of(&["hub"], 2);
    for _ in 0..3 {
        // Either half names the hub; each device goes to the half that it fits.
        let disk = engine
            .backend_mut()
            .attach_behind(root(1), 3, &spec("disk:size=1M,pattern"))
            .unwrap();
        assert_eq!(disk, behind(5, &[3]));
        wait_for(&mut engine, &["1", "5", "5.3"]);
        let inner = engine
            .backend_mut()
            .attach_behind(root(5), 1, &spec("hub(tablet; disk:size=2M,pattern)"))
            .unwrap();
        assert_eq!(inner, behind(5, &[1]));
        let tree = ["1", "1.1", "1.1.1", "5", "5.1", "5.1.2", "5.3"];
        wait_for(&mut engine, &tree);
        read(&mut engine, "5.1.2", 2 << 20);
        read(&mut engine, "5.3", 1 << 20);
        engine.backend_mut().detach(behind(1, &[1])).unwrap();
        wait_for(&mut engine, &["1", "5", "5.3"]);
        engine.backend_mut().detach(disk).unwrap();
        wait_for(&mut engine, &["1", "5"]);
    }
    engine.backend_mut().detach(root(5)).unwrap();
    wait_for(&mut engine, &[]);
    assert_eq!(engine.backend_mut().locations().count(), 0);
    engine.shutdown().unwrap();
}

#[test]
fn a_disk_that_is_pulled_out_of_a_hub_while_it_is_read_leaves_the_others_alone() {
    let mut engine = engine_of(
        &["hub(disk:size=4M,pattern,unplug=1M; disk:size=1M,pattern)"],
        4,
    );
    let slot = find(&engine, "5.1").slot;
    let mut disk = PolledDisk::open(&mut engine, slot, Policy::default()).unwrap();
    let buffer = engine.pool().allocate(4 << 20).unwrap();
    disk.begin_read(engine.now(), 0, buffer, 4 << 20).unwrap();
    let done = disk.finish(&mut engine);
    assert!(done.result.is_err() && done.buffer.is_some());
    wait_for(&mut engine, &["1", "5", "5.2"]);
    read(&mut engine, "5.2", 1 << 20);
    // The port is free again.
    let spec = spec("disk:size=1M,pattern");
    engine
        .backend_mut()
        .attach_behind(root(5), 1, &spec)
        .unwrap();
    wait_for(&mut engine, &["1", "5", "5.1", "5.2"]);
    read(&mut engine, "5.1", 1 << 20);
}

#[test]
fn a_hub_takes_one_plug_in_each_socket_and_says_what_it_refuses() {
    let mut engine = engine_of(&["hub(disk:size=1M)", "keyboard"], 4);
    let local = engine.backend_mut();
    let taken = local.attach_behind(root(1), 1, &spec("keyboard"));
    let taken = taken.unwrap_err().to_string();
    assert!(taken.contains("there is still a device"), "{taken}");
    let none = local.attach_behind(root(1), 5, &spec("keyboard"));
    assert!(matches!(none, Err(LocalError::Refused { .. })), "{none:?}");
    let keyboard = local.attach_behind(root(2), 1, &spec("keyboard"));
    assert!(matches!(keyboard, Err(LocalError::Other { .. })));
    let nothing = local.attach_behind(root(3), 1, &spec("keyboard"));
    assert!(matches!(nothing, Err(LocalError::Empty { .. })));
    let fast = local.attach_behind(root(1), 2, &spec("disk:size=1M,speed=super+"));
    assert!(matches!(fast, Err(LocalError::NoFit { .. })));
    assert!(local.detach(behind(1, &[4])).is_err());
    assert_eq!(
        local.locations().count(),
        4,
        "what is refused leaves nothing"
    );
}

#[test]
fn without_super_speed_ports_everything_runs_on_the_other_half() {
    let setup = Setup {
        controller: "model:ports3=0".parse().unwrap(),
        clock: Clock::Virtual,
        devices: vec![spec("hub(disk:size=1M,pattern; keyboard)")],
    };
    let mut engine = support::run(setup, 3);
    assert_eq!(places(&engine), ["1", "1.1", "1.2"]);
    read(&mut engine, "1.1", 1 << 20);
    let fast = spec("disk:size=1M,speed=super");
    let error = engine.backend_mut().attach(&fast).unwrap_err().to_string();
    assert!(error.contains("model:ports3=8"), "{error}");
}

#[test]
fn twenty_devices_of_all_speeds_are_up_in_five_tiers_when_the_start_has_settled() {
    let mut engine = engine_of(&[support::TWENTY], 20);
    let depth = |device: &DeviceInfo| device.place.route.depth();
    assert_eq!(engine.devices().map(depth).max(), Some(5));
    for speed in [Speed::Low, Speed::Full, Speed::High, Speed::Super] {
        let has = engine.devices().any(|device| device.speed == speed);
        assert!(has, "no device of {speed:?}");
    }
    let disks: Vec<_> = engine
        .devices()
        .filter(|device| host::storage::function(device).is_some())
        .map(|device| Location::from(&device.place).to_string())
        .collect();
    assert_eq!(disks.len(), 3, "{disks:?}");
    for at in disks {
        read(&mut engine, &at, 1 << 20);
    }
    let deepest = engine
        .devices()
        .filter(|device| keyboard::function(device).is_some())
        .max_by_key(|device| device.place.route.depth())
        .map(|device| Location::from(&device.place).to_string());
    assert_eq!(typed(&mut engine, &deepest.unwrap()), "five");
    while let Some(notice) = engine.poll_notice() {
        let failed = matches!(notice, Notice::EnumerationFailed { .. });
        assert!(!failed, "{notice:?}");
    }
    engine.shutdown().unwrap();
}
