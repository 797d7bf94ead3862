//! From power-on to a running controller and back. xHCI 1.2 §4.2, §5.4.

mod common;

use common::device::Diary;
use common::{Bench, ms, options, port, us};
use core::time::Duration;
use usb_spec::speed::Speed;
use xhci_model::{Behaviour, Options};
use xhci_spec::registers::{PortLinkState, UsbCmd};

#[test]
fn after_power_on_the_controller_is_not_ready_for_the_stated_time() {
    let behaviour = Behaviour {
        power_on: ms(30),
        ..Behaviour::default()
    };
    let mut bench = Bench::new(Options {
        behaviour,
        ..Options::default()
    });
    assert!(bench.status().controller_not_ready() && bench.status().halted());
    bench.write_op::<UsbCmd>(1);
    assert!(!bench.command().run(), "a write while CNR is set is lost");
    bench.pass(ms(29));
    assert!(bench.status().controller_not_ready());
    bench.pass(ms(1));
    assert!(!bench.status().controller_not_ready());
}

#[test]
fn run_and_stop_take_their_time() {
    let mut bench = Bench::new(options());
    bench.settle();
    bench.program(1);
    bench.write_op::<UsbCmd>(1);
    assert!(bench.status().halted(), "starting takes 125 us");
    bench.pass(us(125));
    assert!(!bench.status().halted());
    bench.write_op::<UsbCmd>(0);
    assert!(!bench.status().halted(), "stopping takes 1 ms");
    bench.pass(us(999));
    assert!(!bench.status().halted());
    bench.pass(us(1));
    assert!(bench.status().halted());
}

#[test]
fn a_usb2_and_a_usb3_device_are_reported_by_one_event_each() {
    let mut bench = Bench::running(options(), 1);
    bench
        .controller
        .attach(port(2), Diary::new(Speed::High).boxed(), bench.now)
        .unwrap();
    bench
        .controller
        .attach(port(6), Diary::new(Speed::Super).boxed(), bench.now)
        .unwrap();
    bench.pass(ms(200));
    assert_eq!(bench.interrupts(), [0]);
    assert!(bench.status().event_interrupt() && bench.status().port_change_detect());
    assert_eq!(bench.port_events(), [2, 6]);
    assert_eq!(bench.port(2).port_link_state(), PortLinkState::POLLING);
    assert!(
        !bench.port(2).port_enabled(),
        "a USB2 port waits for its reset"
    );
    assert!(bench.port(6).port_enabled(), "a USB3 port trains alone");
    assert_eq!(bench.port(6).port_link_state(), PortLinkState::U0);
    let _ = Duration::ZERO;
}
