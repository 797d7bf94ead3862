//! USB2 ports on the clock. xHCI 1.2 §4.15, §4.19.1.1.

use crate::common::device::{Diary, Entry};
use crate::common::{Bench, ms, options, port, us};
use usb_model::Output;
use usb_spec::speed::Speed;
use xhci_model::{AttachError, Options, PortFault};
use xhci_spec::number::SpeedId;
use xhci_spec::registers::{
    Config, PortHlpmcUsb2, PortLinkState, PortPmscUsb2, PortSc, Register, UsbCmd,
};

/// A running controller with an enabled high-speed device on port 1, all events taken.
fn enabled() -> (Bench, Diary) {
    let mut bench = Bench::running(options(), 1);
    let device = Diary::new(Speed::High);
    bench.plug(1, &device);
    bench.pass(ms(5));
    bench.acknowledge(1);
    bench.reset_port(1);
    bench.events(0);
    device.read();
    (bench, device)
}

#[test]
fn a_connect_is_seen_and_the_speed_only_after_the_reset() {
    let mut bench = Bench::running(options(), 1);
    let device = Diary::new(Speed::Low);
    bench.plug(3, &device);
    assert!(!bench.port(3).current_connect_status());
    bench.pass(ms(1));
    let seen = bench.port(3);
    assert!(seen.current_connect_status() && seen.connect_status_change());
    assert_eq!(seen.port_link_state(), PortLinkState::POLLING);
    assert_eq!(seen.port_speed(), SpeedId(0));
    assert_eq!(device.read(), [], "nobody has reset it");
    bench.reset_port(3);
    assert_eq!(bench.port(3).port_speed(), SpeedId::LOW);
}

#[test]
fn a_reset_takes_50_ms_resets_the_device_once_and_enables_the_port() {
    let mut bench = Bench::running(options(), 1);
    let device = Diary::new(Speed::Full);
    bench.plug(1, &device);
    bench.pass(ms(1));
    bench.acknowledge(1);
    bench.events(0);
    let reset = bench.port(1).to_neutral().with_port_reset(true);
    bench.write_port(1, reset);
    assert!(bench.port(1).port_reset());
    bench.pass(us(49_999));
    assert!(bench.port(1).port_reset() && !bench.port(1).port_enabled());
    assert_eq!(bench.port_events(), []);
    bench.pass(us(1));
    let done = bench.port(1);
    assert!(!done.port_reset() && done.port_enabled() && done.port_reset_change());
    assert_eq!(done.port_link_state(), PortLinkState::U0);
    assert_eq!(done.port_speed(), SpeedId::FULL);
    assert_eq!(bench.port_events(), [1]);
    assert_eq!(device.read(), [Entry::Reset]);
}

#[test]
fn a_reset_of_an_empty_port_does_nothing() {
    let mut bench = Bench::running(options(), 1);
    let reset = bench.port(1).to_neutral().with_port_reset(true);
    bench.write_port(1, reset);
    assert!(!bench.port(1).port_reset());
    bench.pass(ms(100));
    assert_eq!(bench.port(1).changes(), 0);
    let warm = bench.port(1).to_neutral().with_warm_port_reset(true);
    bench.write_port(1, warm);
    bench.pass(ms(200));
    assert_eq!(bench.port(1).changes(), 0, "WPR is USB3's");
}

#[test]
fn one_event_tells_of_many_changes_until_they_are_acknowledged() {
    let mut bench = Bench::running(options(), 1);
    let device = Diary::new(Speed::High);
    bench.plug(1, &device);
    bench.pass(ms(1));
    assert_eq!(bench.port_events(), [1]);
    let reset = bench.port(1).to_neutral().with_port_reset(true);
    bench.write_port(1, reset);
    bench.pass(ms(50));
    assert!(bench.port(1).port_reset_change());
    assert_eq!(bench.port_events(), [], "CSC has never been cleared");
    bench.acknowledge(1);
    bench.controller.detach(port(1), bench.now).unwrap();
    bench.settle();
    assert_eq!(bench.port_events(), [1]);
}

#[test]
fn writing_back_what_was_read_disables_the_port() {
    let (mut bench, _) = enabled();
    let read = bench.port(1);
    bench.write_port(1, read);
    let after = bench.port(1);
    assert!(!after.port_enabled() && after.current_connect_status());
    assert!(!after.port_enabled_change(), "only errors set PEC");
    assert_eq!(after.port_link_state(), PortLinkState::POLLING);
}

#[test]
fn power_off_loses_the_device_and_power_on_finds_it_again() {
    let (mut bench, device) = enabled();
    let off = bench.port(1).to_neutral().with_port_power(false);
    bench.write_port(1, off);
    let dark = bench.port(1);
    assert!(!dark.port_power() && !dark.current_connect_status() && !dark.port_enabled());
    assert_eq!(
        device.read(),
        [Entry::Reset],
        "without power it forgets all"
    );
    bench.acknowledge(1);
    let on = bench.port(1).to_neutral().with_port_power(true);
    bench.write_port(1, on);
    bench.pass(ms(1));
    let back = bench.port(1);
    assert!(back.port_power() && back.current_connect_status());
    assert!(!back.port_enabled());
}

#[test]
fn without_power_switches_power_cannot_be_written() {
    let mut bench = Bench::new(Options {
        port_power_control: false,
        ..options()
    });
    bench.settle();
    bench.write_port(1, PortSc::default());
    assert!(bench.port(1).port_power());
}

#[test]
fn suspend_takes_its_time_and_is_told_to_the_device() {
    let (mut bench, device) = enabled();
    bench.write_link(1, PortLinkState::U3);
    assert_eq!(bench.port(1).port_link_state(), PortLinkState::U0);
    bench.pass(ms(3));
    assert_eq!(bench.port(1).port_link_state(), PortLinkState::U3);
    assert!(bench.port(1).port_enabled());
    assert_eq!(device.read(), [Entry::Suspended]);
    assert_eq!(bench.port(1).changes(), 0, "U3E is not set");
}

#[test]
fn a_completed_suspend_is_reported_if_u3_entry_is_enabled() {
    let mut bench = Bench::new(options());
    bench.settle();
    bench.program(1);
    let config = Config::from_bits(8).with_u3_entry_enable(true);
    bench.write_op::<Config>(config.bits());
    bench.run();
    bench.plug(1, &Diary::new(Speed::High));
    bench.pass(ms(5));
    bench.acknowledge(1);
    bench.reset_port(1);
    bench.write_link(1, PortLinkState::U3);
    bench.pass(ms(3));
    assert!(bench.port(1).port_link_state_change());
}

#[test]
fn a_link_state_without_the_strobe_is_not_written() {
    let (mut bench, _) = enabled();
    let wish = bench
        .port(1)
        .to_neutral()
        .with_port_link_state(PortLinkState::U3);
    bench.write_port(1, wish);
    bench.pass(ms(10));
    assert_eq!(bench.port(1).port_link_state(), PortLinkState::U0);
}

#[test]
fn the_driver_resumes_with_20_ms_of_resume() {
    let (mut bench, device) = enabled();
    bench.write_link(1, PortLinkState::U3);
    bench.pass(ms(3));
    device.read();
    bench.write_link(1, PortLinkState::RESUME);
    assert_eq!(bench.port(1).port_link_state(), PortLinkState::RESUME);
    bench.pass(ms(19));
    bench.write_link(1, PortLinkState::U0);
    assert_eq!(
        bench.port(1).port_link_state(),
        PortLinkState::RESUME,
        "too early"
    );
    bench.pass(ms(1));
    bench.write_link(1, PortLinkState::U0);
    let up = bench.port(1);
    assert_eq!(up.port_link_state(), PortLinkState::U0);
    assert!(up.port_link_state_change() && up.port_enabled());
    assert_eq!(bench.port_events(), [1]);
    assert_eq!(device.read(), [Entry::Resumed]);
}

#[test]
fn a_sleeping_device_wakes_its_port() {
    let (mut bench, device) = enabled();
    bench.write_link(1, PortLinkState::U3);
    bench.pass(ms(3));
    device.say(Output::Wake);
    bench.settle();
    let waking = bench.port(1);
    assert_eq!(waking.port_link_state(), PortLinkState::RESUME);
    assert!(waking.port_link_state_change());
    assert_eq!(bench.port_events(), [1]);
    bench.acknowledge(1);
    bench.pass(ms(20));
    bench.write_link(1, PortLinkState::U0);
    assert_eq!(bench.port(1).port_link_state(), PortLinkState::U0);
    assert_eq!(bench.port_events(), [1]);
}

#[test]
fn a_sleeping_device_wakes_its_port_even_when_the_controller_is_halted() {
    let (mut bench, device) = enabled();
    bench.write_link(1, PortLinkState::U3);
    bench.pass(ms(3));
    bench.write_op::<UsbCmd>(0);
    bench.pass(ms(5));
    device.say(Output::Wake);
    bench.settle();
    let waking = bench.port(1);
    assert_eq!(waking.port_link_state(), PortLinkState::RESUME);
    assert_eq!(bench.take_event(0), None, "there is nobody to write events");
}

#[test]
fn a_device_that_is_awake_cannot_wake() {
    let (mut bench, device) = enabled();
    device.say(Output::Wake);
    bench.settle();
    assert_eq!(bench.port(1).port_link_state(), PortLinkState::U0);
}

#[test]
fn babble_disables_the_port_and_says_so() {
    let (mut bench, _) = enabled();
    bench
        .controller
        .disturb_port(port(1), PortFault::LinkError, bench.now);
    bench.settle();
    let after = bench.port(1);
    assert!(!after.port_enabled() && after.port_enabled_change());
    assert_eq!(bench.port_events(), [1]);
}

#[test]
fn over_current_takes_the_power_until_it_ends() {
    let (mut bench, _) = enabled();
    bench
        .controller
        .disturb_port(port(1), PortFault::OverCurrent, bench.now);
    bench.settle();
    let hot = bench.port(1);
    assert!(hot.over_current_active() && hot.over_current_change());
    assert!(!hot.port_power());
    assert_eq!(bench.port_events(), [1]);
    let on = bench.acknowledge(1).to_neutral().with_port_power(true);
    bench.write_port(1, on);
    assert!(!bench.port(1).port_power(), "not while it lasts");
    bench
        .controller
        .disturb_port(port(1), PortFault::OverCurrentEnds, bench.now);
    let cool = bench.port(1);
    assert!(!cool.over_current_active() && cool.over_current_change());
    bench.write_port(1, on);
    assert!(bench.port(1).port_power());
}

#[test]
fn a_device_that_leaves_during_its_reset_ends_the_reset() {
    let mut bench = Bench::running(options(), 1);
    bench.plug(1, &Diary::new(Speed::High));
    bench.pass(ms(1));
    bench.acknowledge(1);
    let reset = bench.port(1).to_neutral().with_port_reset(true);
    bench.write_port(1, reset);
    bench.pass(ms(10));
    assert!(bench.controller.detach(port(1), bench.now).is_some());
    let gone = bench.port(1);
    assert!(!gone.port_reset() && !gone.current_connect_status());
    assert!(gone.connect_status_change() && gone.port_reset_change());
}

#[test]
fn devices_go_only_where_they_fit() {
    let mut bench = Bench::new(options());
    let mut attach = |number, speed| {
        let device = Diary::new(speed).boxed();
        bench.controller.attach(port(number), device, bench.now)
    };
    assert_eq!(attach(1, Speed::Super), Err(AttachError::WrongProtocol));
    assert_eq!(attach(5, Speed::High), Err(AttachError::WrongProtocol));
    assert_eq!(attach(9, Speed::High), Err(AttachError::NoSuchPort));
    assert_eq!(attach(1, Speed::High), Ok(()));
    assert_eq!(attach(1, Speed::High), Err(AttachError::Occupied));
    assert_eq!(bench.controller.free_port(Speed::Full), Some(port(2)));
    assert_eq!(bench.controller.free_port(Speed::Super), Some(port(5)));
}

#[test]
fn the_power_management_registers_keep_what_may_be_written() {
    let (mut bench, _) = enabled();
    let at = bench.port_at::<PortPmscUsb2>(1);
    bench.write(at, u32::MAX);
    let kept = PortPmscUsb2::from_bits(bench.read(at));
    assert_eq!(kept.l1_status(), 0, "read only");
    assert_eq!(kept.best_effort_service_latency(), 15);
    assert_eq!(
        bench.read(at) & 0x0ffe_0000,
        0,
        "reserved bits stay as they were"
    );
    bench.write_link(1, PortLinkState::U2);
    let refused = PortPmscUsb2::from_bits(bench.read(at));
    assert_eq!(refused.l1_status(), 3, "L1 is not supported");
    assert_eq!(bench.port(1).port_link_state(), PortLinkState::U0);
    let at = bench.port_at::<PortHlpmcUsb2>(1);
    bench.write(at, u32::MAX);
    assert_eq!(bench.read(at), 0x3fff);
}
