//! The polled interface on the model, with a virtual clock: every run is the same.

mod support;

use std::time::Duration;

use host::keyboard::{KeyboardEvent, PolledKeyboard};
use host::storage::{DiskError, Policy, PolledDisk};
use host::{Engine, Error, Notice, Operation, OperationError};
use local::Local;
use support::{disk_slot, engine, keyboard_slot, pattern};

fn open(engine: &mut Engine<Local>) -> PolledDisk {
    let slot = disk_slot(engine);
    PolledDisk::open(engine, slot, Policy::default()).expect("the disk opens")
}

#[test]
fn a_read_of_many_commands_fills_one_buffer() {
    for device in [
        "disk:size=8M,pattern",
        "disk:size=8M,pattern,speed=high,blocks=4096",
    ] {
        let mut engine = engine(&[device]);
        let mut disk = open(&mut engine);
        let buffer = engine.pool().allocate(5 << 20).unwrap();
        disk.begin_read(engine.now(), 1 << 20, buffer, 5 << 20)
            .unwrap();
        let done = disk.finish(&mut engine);
        done.result.unwrap();
        assert_eq!(done.bytes, 5 << 20);
        assert!(
            *done.buffer.unwrap() == pattern(1 << 20, 5 << 20),
            "{device}: wrong bytes"
        );
    }
}

#[test]
fn what_is_written_is_read_again_after_a_flush() {
    let mut engine = engine(&["disk:size=2M,speed=full"]);
    let mut disk = open(&mut engine);
    let mut buffer = engine.pool().allocate(64 << 10).unwrap();
    buffer.copy_from_slice(&pattern(0, 64 << 10));
    disk.begin_write(engine.now(), 4096, buffer, 64 << 10)
        .unwrap();
    let mut buffer = disk.finish(&mut engine).into_result().unwrap().unwrap();
    disk.begin_flush(engine.now()).unwrap();
    disk.finish(&mut engine).result.unwrap();
    buffer.fill(0xee);
    disk.begin_read(engine.now(), 4096, buffer, 64 << 10)
        .unwrap();
    let buffer = disk.finish(&mut engine).into_result().unwrap().unwrap();
    assert!(*buffer == pattern(0, 64 << 10), "wrong bytes");
}

#[test]
fn a_range_that_makes_no_sense_is_refused_and_the_buffer_comes_back() {
    let mut engine = engine(&["disk:size=1M,pattern"]);
    let mut disk = open(&mut engine);
    let buffer = engine.pool().allocate(4096).unwrap();
    let now = engine.now();
    let refused = disk.begin_read(now, 100, buffer, 512).unwrap_err();
    assert!(
        matches!(refused.error, Error::Disk(DiskError::Misaligned { .. })),
        "{}",
        refused.error
    );
    let refused = disk.begin_read(now, 0, refused.buffer, 8192).unwrap_err();
    assert!(matches!(
        refused.error,
        Error::BufferTooSmall {
            wanted: 8192,
            len: 4096
        }
    ));
    let refused = disk
        .begin_read(now, 1 << 20, refused.buffer, 512)
        .unwrap_err();
    assert!(matches!(
        refused.error,
        Error::Disk(DiskError::OutOfRange { .. })
    ));
    disk.begin_read(now, 0, refused.buffer, 512).unwrap();
    disk.finish(&mut engine).result.unwrap();
}

#[test]
fn a_disk_pulled_out_in_the_middle_of_a_read_gives_the_buffer_back() {
    let mut engine = engine(&["disk:size=8M,pattern,unplug=3M"]);
    let mut disk = open(&mut engine);
    let buffer = engine.pool().allocate(8 << 20).unwrap();
    disk.begin_read(engine.now(), 0, buffer, 8 << 20).unwrap();
    let done = disk.finish(&mut engine);
    assert!(
        matches!(done.result, Err(Error::Disk(DiskError::Gone))),
        "{:?}",
        done.result
    );
    let buffer = done.buffer.expect("the buffer");
    assert_eq!(
        done.bytes,
        3 << 20,
        "whole commands before the plug was pulled"
    );
    assert!(
        buffer[..done.bytes] == pattern(0, done.bytes),
        "wrong bytes"
    );
    let detached = |engine: &mut Engine<Local>| {
        engine
            .poll_notice()
            .filter(|notice| matches!(notice, Notice::Detached { .. }))
    };
    assert!(
        engine
            .run_until(Some(Duration::from_secs(1)), detached)
            .is_some()
    );
    assert_eq!(engine.devices().count(), 0);
}

#[test]
fn a_bad_block_is_named_and_the_disk_goes_on() {
    let mut engine = engine(&["disk:size=4M,pattern,bad=1M"]);
    let mut disk = open(&mut engine);
    let buffer = engine.pool().allocate(2 << 20).unwrap();
    disk.begin_read(engine.now(), 0, buffer, 2 << 20).unwrap();
    let done = disk.finish(&mut engine);
    assert!(
        matches!(
            done.result,
            Err(Error::Disk(DiskError::Medium {
                lba: 2048,
                writing: false,
                ..
            }))
        ),
        "{:?}",
        done.result
    );
    let buffer = done.buffer.unwrap();
    disk.begin_read(engine.now(), 2 << 20, buffer, 2 << 20)
        .unwrap();
    let buffer = disk.finish(&mut engine).into_result().unwrap().unwrap();
    assert!(
        *buffer == pattern(2 << 20, 2 << 20),
        "wrong bytes behind the bad block"
    );
}

#[test]
fn what_is_plugged_in_later_is_found_and_what_is_pulled_out_is_missed() {
    let mut engine = engine(&[]);
    assert_eq!(engine.devices().count(), 0);
    let port = engine
        .backend_mut()
        .attach(&"disk:size=1M,pattern".parse().unwrap())
        .unwrap();
    let attached = |engine: &mut Engine<Local>| match engine.poll_notice()? {
        Notice::Attached { slot, .. } => Some(slot),
        _ => None,
    };
    let slot = engine
        .run_until(Some(Duration::from_secs(5)), attached)
        .expect("it is found");
    assert_eq!(
        engine.device(slot).map(|device| device.place.port),
        Some(port)
    );
    open(&mut engine).close(&mut engine);
    engine.backend_mut().detach(port).unwrap();
    let detached = |engine: &mut Engine<Local>| match engine.poll_notice()? {
        Notice::Detached { slot } => Some(slot),
        _ => None,
    };
    assert_eq!(
        engine.run_until(Some(Duration::from_secs(5)), detached),
        Some(slot)
    );
}

#[test]
fn a_disk_handle_does_not_reach_the_device_that_came_after() {
    let mut engine = engine(&["disk:size=1M,pattern"]);
    let mut disk = open(&mut engine);
    let port = engine.backend_mut().ports().next().unwrap();
    engine.backend_mut().detach(port).unwrap();
    let gone = |engine: &mut Engine<Local>| (engine.devices().count() == 0).then_some(());
    engine
        .run_until(Some(Duration::from_secs(5)), gone)
        .expect("it is missed");
    engine
        .backend_mut()
        .attach_at(port, &"disk:size=1M".parse().unwrap())
        .unwrap();
    let back = |engine: &mut Engine<Local>| (engine.devices().count() == 1).then_some(());
    engine
        .run_until(Some(Duration::from_secs(5)), back)
        .expect("another is found");
    let buffer = engine.pool().allocate(512).unwrap();
    disk.begin_write(engine.now(), 0, buffer, 512).unwrap();
    let done = disk.finish(&mut engine);
    assert!(
        matches!(done.result, Err(Error::Disk(DiskError::Gone))),
        "{:?}",
        done.result
    );
}

#[test]
fn a_keyboard_types_while_a_disk_is_read() {
    let mut engine = engine(&["disk:size=4M,pattern", "keyboard:text=busy"]);
    let slot = keyboard_slot(&engine);
    let mut keyboard = PolledKeyboard::new(&mut engine, slot).unwrap();
    let mut disk = open(&mut engine);
    let mut typed = String::new();
    let mut buffer = engine.pool().allocate(1 << 20).unwrap();
    for _ in 0..1000 {
        disk.begin_read(engine.now(), 0, buffer, 1 << 20).unwrap();
        buffer = disk.finish(&mut engine).into_result().unwrap().unwrap();
        while let Some(event) = keyboard.poll(&mut engine) {
            match event {
                KeyboardEvent::Key(key) => typed.extend(key.text),
                KeyboardEvent::Ended(error) => panic!("{error}"),
            }
        }
        if typed == "busy" {
            return;
        }
        // The virtual clock stands still while there is work: let a frame pass.
        engine.run_until::<()>(Some(Duration::from_millis(5)), |_| None);
    }
    panic!("typed {typed:?}");
}

#[test]
fn a_reset_device_still_works() {
    let mut engine = engine(&["disk:size=1M,pattern"]);
    let slot = disk_slot(&engine);
    let mut disk = open(&mut engine);
    let client = engine.client();
    engine.request(client, Operation::ResetDevice { slot });
    let (_, result) = engine
        .run_until(None, |engine| engine.poll_operation(client))
        .unwrap();
    result.unwrap();
    let buffer = engine.pool().allocate(4096).unwrap();
    disk.begin_read(engine.now(), 0, buffer, 4096).unwrap();
    let buffer = disk.finish(&mut engine).into_result().unwrap().unwrap();
    assert!(*buffer == pattern(0, 4096), "wrong bytes");
}

#[test]
fn a_no_op_comes_back_and_from_a_controller_that_vanished_it_comes_back_as_an_error() {
    let mut engine = engine(&[]);
    let client = engine.client();
    for alive in [true, false] {
        if !alive {
            engine.backend_mut().with_model(|model| model.vanish());
        }
        let id = engine.no_op(client);
        let (answered, result) = engine
            .run_until(Some(Duration::from_secs(60)), |engine| {
                engine.poll_operation(client)
            })
            .expect("an answer");
        assert_eq!(answered, id);
        assert_eq!(result.is_ok(), alive, "{result:?}");
    }
}

#[test]
fn a_no_op_that_a_shutdown_overtakes_comes_back_too() {
    let mut engine = engine(&[]);
    let client = engine.client();
    let under_way = engine.no_op(client);
    engine.shutdown().unwrap();
    let (answered, _) = engine.poll_operation(client).expect("an answer");
    assert_eq!(answered, under_way);
    let late = engine.no_op(client);
    engine.poll();
    let answer = engine.poll_operation(client).expect("an answer");
    assert_eq!(answer, (late, Err(OperationError::ControllerDead)));
}

#[test]
fn a_controller_that_vanishes_gives_the_buffer_back_and_says_why() {
    let mut engine = engine(&["disk:size=8M,pattern"]);
    let mut disk = open(&mut engine);
    let buffer = engine.pool().allocate(1 << 20).unwrap();
    disk.begin_read(engine.now(), 0, buffer, 1 << 20).unwrap();
    assert!(disk.poll(&mut engine).is_none());
    engine.backend_mut().with_model(|model| model.vanish());
    let done = disk.finish(&mut engine);
    assert!(
        matches!(done.result, Err(Error::Disk(DiskError::Gone))),
        "{:?}",
        done.result
    );
    assert!(done.buffer.is_some() && engine.death().is_some());
    assert!(matches!(engine.shutdown(), Err(Error::Died(_))));
}

#[test]
fn shutdown_halts_the_controller_and_frees_all_memory_but_the_drivers() {
    let mut engine = engine(&["disk:size=1M,pattern", "keyboard"]);
    let disk = open(&mut engine);
    disk.close(&mut engine);
    engine.shutdown().unwrap();
    let status = {
        use xhci_hal::Mmio;
        let mmio = host::Backend::mmio(engine.backend_mut());
        let operational = mmio.read32(0) & 0xff;
        mmio.read32(operational + 4)
    };
    assert_eq!(status & 1, 1, "USBSTS.HCH");
    engine.pool().memory().check_canaries().unwrap();
}
