//! The keyboard.

use std::time::Duration;

use usb_model::device::{Keyboard, KeyboardOptions};
use usb_model::{Stage, Status, UsbDevice};
use usb_spec::class::hid::{
    BOOT_KEYBOARD_REPORT_DESCRIPTOR, BootKeyboardReport, Keystroke, Protocol, ReportKind,
};
use usb_spec::setup::Feature;
use usb_spec::{DescriptorKind, EndpointAddress, Setup, Speed};

use crate::common::{Bench, RamSlice};

const REPORTS: EndpointAddress = EndpointAddress(0x81);

fn keyboard(speed: Speed) -> Bench<Keyboard<RamSlice>> {
    let mut bench = Bench::new(Keyboard::new(KeyboardOptions {
        speed,
        ..KeyboardOptions::default()
    }));
    bench.packet_sizes.insert(REPORTS.0, 8);
    bench.configure();
    bench.control_out(Setup::set_idle(0, 0, 0), &[]);
    bench
}

/// Waits for a report as a controller does: until the device says that it may have one.
fn report(bench: &mut Bench<Keyboard<RamSlice>>) -> Option<BootKeyboardReport> {
    let token = bench.submit(REPORTS, Stage::Transfer, 8);
    bench.run();
    if bench.done.is_empty() {
        let deadline = bench.device.next_deadline()?;
        bench.now = bench.now.max(deadline);
        bench.run();
    }
    let completion = bench.take(token)?;
    bench.sequences.insert(REPORTS.0, completion.sequence);
    assert_eq!((completion.status, completion.bytes), (Status::Ok, 8));
    BootKeyboardReport::parse(&bench.ram.get(0, 8))
}

fn read_text(bench: &mut Bench<Keyboard<RamSlice>>, reports: usize) -> String {
    let mut before = BootKeyboardReport::RELEASED;
    let mut text = String::new();
    for _ in 0..reports {
        let now = report(bench).expect("there is more");
        let shift = now.modifiers.has_shift();
        text.extend(
            now.pressed_since(&before)
                .filter_map(|usage| Keystroke { usage, shift }.to_char()),
        );
        before = now;
    }
    assert_eq!(
        before,
        BootKeyboardReport::RELEASED,
        "the last key is released"
    );
    text
}

#[test]
fn it_types_what_the_script_says_at_each_speed() {
    for speed in Speed::ALL {
        let mut bench = keyboard(speed);
        assert_eq!(bench.device.type_text("Hello, xHCI!"), 0);
        let start = bench.now;
        assert_eq!(read_text(&mut bench, 24), "Hello, xHCI!");
        assert_eq!(
            bench.now - start,
            Duration::from_millis(230),
            "24 reports, ten milliseconds apart"
        );
        assert!(bench.device.has_typed_all());
        assert_eq!(report(&mut bench), None, "nothing changes any more: NAK");
    }
}

#[test]
fn characters_without_a_key_are_counted_and_left_out() {
    let mut bench = keyboard(Speed::Full);
    assert_eq!(bench.device.type_text("aßb"), 1);
    assert_eq!(read_text(&mut bench, 4), "ab");
}

#[test]
fn an_idle_rate_repeats_the_report() {
    let mut bench = keyboard(Speed::Low);
    bench.device.type_text("q");
    read_text(&mut bench, 2);
    assert_eq!(
        bench.control_out(Setup::set_idle(25, 0, 0), &[]),
        Status::Ok
    );
    assert_eq!(bench.control_in(Setup::get_idle(0, 0)), Ok(vec![25]));
    let before = bench.now;
    assert_eq!(report(&mut bench), Some(BootKeyboardReport::RELEASED));
    assert_eq!(bench.now - before, Duration::from_millis(100));
}

#[test]
fn its_class_requests_answer() {
    let mut bench = keyboard(Speed::Low);
    let descriptor = Setup::get_interface_descriptor(DescriptorKind::HID_REPORT, 0, 0, 255);
    assert_eq!(
        bench.control_in(descriptor).unwrap(),
        BOOT_KEYBOARD_REPORT_DESCRIPTOR
    );
    assert_eq!(
        bench.control_in(Setup::get_protocol(0)),
        Ok(vec![Protocol::REPORT.0])
    );
    assert_eq!(
        bench.control_out(Setup::set_protocol(Protocol::BOOT, 0), &[]),
        Status::Ok
    );
    assert_eq!(
        bench.control_in(Setup::get_protocol(0)),
        Ok(vec![Protocol::BOOT.0])
    );
    assert_eq!(
        bench.control_in(Setup::get_report(ReportKind::INPUT, 0, 0, 8)),
        Ok(vec![0; 8])
    );
    assert_eq!(
        bench.control_in(Setup::get_report(ReportKind::FEATURE, 0, 0, 8)),
        Err(Status::Stall)
    );
    assert_eq!(bench.control_in(Setup::get_protocol(1)), Err(Status::Stall));
}

#[test]
fn it_wakes_its_host_once_if_it_was_armed() {
    let mut bench = keyboard(Speed::Low);
    for armed in [false, true] {
        if armed {
            bench.control_out(Setup::set_feature(Feature::DEVICE_REMOTE_WAKEUP), &[]);
        }
        bench.device.suspend(true);
        bench.run();
        bench.device.type_text("w");
        assert_eq!(bench.device.next_deadline().is_some(), armed);
        bench.wait(Duration::from_secs(1));
        bench.run();
        bench.run();
        assert_eq!(bench.wakes, usize::from(armed));
        bench.device.suspend(false);
        assert_eq!(
            read_text(&mut bench, 2),
            "w",
            "the key that woke the host is not lost"
        );
    }
}

#[test]
fn a_suspended_keyboard_sends_no_report() {
    let mut bench = keyboard(Speed::Low);
    let token = bench.submit(REPORTS, Stage::Transfer, 8);
    bench.device.suspend(true);
    bench.device.type_text("s");
    bench.run();
    assert!(bench.take(token).is_none());
    bench.device.suspend(false);
    bench.run();
    assert_eq!(bench.take(token).unwrap().bytes, 8);
}
