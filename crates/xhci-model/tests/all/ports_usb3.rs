//! USB3 ports on the clock. xHCI 1.2 §4.15, §4.19.1.2.

use crate::common::device::{Diary, Entry};
use crate::common::{Bench, ms, options, port, us};
use usb_model::Output;
use usb_spec::speed::Speed;
use xhci_model::PortFault;
use xhci_spec::number::SpeedId;
use xhci_spec::registers::{PortLiUsb3, PortLinkState, PortPmscUsb3, Register};

/// A USB3 port of the bench.
const PORT: u8 = 5;

/// A running controller with a trained device on [`PORT`], all events taken.
fn trained() -> (Bench, Diary) {
    let mut bench = Bench::running(options(), 1);
    let device = Diary::new(Speed::Super);
    bench.plug(PORT, &device);
    bench.pass(ms(30));
    bench.acknowledge(PORT);
    bench.events(0);
    (bench, device)
}

fn disturb(bench: &mut Bench, fault: PortFault) {
    bench.controller.disturb_port(port(PORT), fault, bench.now);
    bench.settle();
}

fn warm_reset(bench: &mut Bench) {
    let reset = bench.port(PORT).to_neutral().with_warm_port_reset(true);
    bench.write_port(PORT, reset);
}

#[test]
fn a_link_trains_alone_and_reports_the_connect_when_it_is_up() {
    let mut bench = Bench::running(options(), 1);
    let device = Diary::new(Speed::SuperPlus);
    assert_eq!(bench.port(PORT).port_link_state(), PortLinkState::RX_DETECT);
    bench.plug(PORT, &device);
    bench.pass(ms(12));
    let training = bench.port(PORT);
    assert_eq!(training.port_link_state(), PortLinkState::POLLING);
    assert!(!training.current_connect_status() && training.changes() == 0);
    bench.pass(us(9_999));
    assert!(!bench.port(PORT).port_enabled());
    bench.pass(us(1));
    let up = bench.port(PORT);
    assert!(up.port_enabled() && up.current_connect_status() && up.connect_status_change());
    assert_eq!(up.port_link_state(), PortLinkState::U0);
    assert_eq!(up.port_speed(), SpeedId::SUPER_PLUS);
    assert_eq!(bench.port_events(), [PORT]);
    assert_eq!(device.read(), [], "training is no reset");
}

#[test]
fn a_hot_reset_resets_the_device_and_sets_prc_alone() {
    let (mut bench, device) = trained();
    let reset = bench.port(PORT).to_neutral().with_port_reset(true);
    bench.write_port(PORT, reset);
    let during = bench.port(PORT);
    assert!(during.port_reset() && !during.port_enabled());
    bench.pass(ms(12));
    let after = bench.port(PORT);
    assert!(after.port_enabled() && after.port_reset_change());
    assert!(!after.warm_port_reset_change());
    assert_eq!(device.read(), [Entry::Reset]);
    assert_eq!(bench.port_events(), [PORT]);
}

#[test]
fn a_warm_reset_takes_longer_and_sets_wrc_and_prc() {
    let (mut bench, device) = trained();
    warm_reset(&mut bench);
    assert!(bench.port(PORT).port_reset());
    bench.pass(ms(119));
    assert!(bench.port(PORT).port_reset());
    bench.pass(ms(1));
    let after = bench.port(PORT);
    assert!(after.port_enabled() && !after.port_reset());
    assert!(after.port_reset_change() && after.warm_port_reset_change());
    assert_eq!(device.read(), [Entry::Reset]);
}

#[test]
fn a_failed_link_is_inactive_and_only_a_warm_reset_helps() {
    let (mut bench, _) = trained();
    disturb(&mut bench, PortFault::LinkError);
    let failed = bench.port(PORT);
    assert_eq!(failed.port_link_state(), PortLinkState::INACTIVE);
    assert!(!failed.port_enabled() && failed.port_link_state_change());
    assert_eq!(bench.port_events(), [PORT]);
    let hot = bench.port(PORT).to_neutral().with_port_reset(true);
    bench.write_port(PORT, hot);
    bench.pass(ms(200));
    assert!(!bench.port(PORT).port_enabled(), "a hot reset needs a link");
    warm_reset(&mut bench);
    bench.pass(ms(120));
    assert!(bench.port(PORT).port_enabled());
}

#[test]
fn training_may_end_in_compliance_or_fail_and_a_warm_reset_helps() {
    for (fault, state) in [
        (PortFault::Compliance, PortLinkState::COMPLIANCE_MODE),
        (PortFault::TrainingFails, PortLinkState::INACTIVE),
        (PortFault::ConfigError, PortLinkState::INACTIVE),
    ] {
        let mut bench = Bench::running(options(), 1);
        disturb(&mut bench, fault);
        bench.plug(PORT, &Diary::new(Speed::Super));
        bench.pass(ms(100));
        let stuck = bench.port(PORT);
        assert_eq!(stuck.port_link_state(), state, "{fault:?}");
        assert!(!stuck.port_enabled() && stuck.connect_status_change());
        assert_eq!(
            stuck.port_config_error_change(),
            fault == PortFault::ConfigError
        );
        warm_reset(&mut bench);
        bench.pass(ms(120));
        assert!(bench.port(PORT).port_enabled(), "{fault:?}");
    }
}

#[test]
fn a_cold_attach_is_reported_and_a_warm_reset_helps() {
    let mut bench = Bench::running(options(), 1);
    disturb(&mut bench, PortFault::ColdAttach);
    bench.plug(PORT, &Diary::new(Speed::Super));
    bench.pass(ms(500));
    let cold = bench.port(PORT);
    assert!(cold.cold_attach_status() && cold.connect_status_change());
    assert!(!cold.current_connect_status());
    assert_eq!(bench.port_events(), [PORT]);
    bench.acknowledge(PORT);
    warm_reset(&mut bench);
    bench.pass(ms(120));
    let warm = bench.port(PORT);
    assert!(warm.port_enabled() && !warm.cold_attach_status());
    assert!(warm.warm_port_reset_change() && warm.connect_status_change());
}

#[test]
fn a_warm_reset_of_an_empty_port_ends_without_a_device() {
    let mut bench = Bench::running(options(), 1);
    warm_reset(&mut bench);
    bench.pass(ms(120));
    let after = bench.port(PORT);
    assert!(!after.port_reset() && !after.current_connect_status());
    assert!(after.warm_port_reset_change());
}

#[test]
fn suspend_and_resume_go_through_recovery() {
    let (mut bench, device) = trained();
    bench.write_link(PORT, PortLinkState::U3);
    bench.pass(ms(3));
    assert_eq!(bench.port(PORT).port_link_state(), PortLinkState::U3);
    assert_eq!(device.read(), [Entry::Suspended]);
    bench.write_link(PORT, PortLinkState::U0);
    assert_eq!(bench.port(PORT).port_link_state(), PortLinkState::RECOVERY);
    bench.pass(ms(1));
    let up = bench.port(PORT);
    assert_eq!(up.port_link_state(), PortLinkState::U0);
    assert!(up.port_link_state_change());
    assert_eq!(bench.port_events(), [PORT]);
    assert_eq!(device.read(), [Entry::Resumed]);
}

#[test]
fn a_sleeping_device_signals_resume_and_software_answers_with_u0() {
    let (mut bench, device) = trained();
    bench.write_link(PORT, PortLinkState::U3);
    bench.pass(ms(3));
    device.say(Output::Wake);
    bench.settle();
    let waking = bench.port(PORT);
    assert_eq!(waking.port_link_state(), PortLinkState::RESUME);
    assert!(waking.port_link_state_change());
    bench.acknowledge(PORT);
    bench.write_link(PORT, PortLinkState::U0);
    bench.pass(ms(1));
    assert_eq!(bench.port(PORT).port_link_state(), PortLinkState::U0);
    assert_eq!(bench.port_events(), [PORT, PORT]);
}

#[test]
fn a_disabled_port_sees_nothing_until_it_is_sent_to_rx_detect() {
    let (mut bench, _) = trained();
    let disable = bench.port(PORT).to_neutral().with_port_enabled(true);
    bench.write_port(PORT, disable);
    let off = bench.port(PORT);
    assert_eq!(off.port_link_state(), PortLinkState::DISABLED);
    assert!(!off.port_enabled() && !off.current_connect_status());
    bench.pass(ms(1000));
    assert_eq!(bench.port(PORT).port_link_state(), PortLinkState::DISABLED);
    bench.write_link(PORT, PortLinkState::RX_DETECT);
    bench.pass(ms(30));
    assert!(bench.port(PORT).port_enabled());
}

#[test]
fn a_device_pulled_out_is_reported() {
    let (mut bench, device) = trained();
    assert!(bench.controller.detach(port(PORT), bench.now).is_some());
    bench.settle();
    let gone = bench.port(PORT);
    assert!(!gone.current_connect_status() && gone.connect_status_change());
    assert!(!gone.port_enabled());
    assert_eq!(gone.port_link_state(), PortLinkState::RX_DETECT);
    assert_eq!(gone.port_speed(), SpeedId(0));
    assert_eq!(bench.port_events(), [PORT]);
    bench.plug(PORT, &device);
    bench.pass(ms(30));
    assert!(bench.port(PORT).port_enabled(), "and can be plugged again");
}

#[test]
fn timeouts_are_sticky_over_hcrst_and_link_errors_are_not() {
    use xhci_spec::registers::UsbCmd;
    let (mut bench, _) = trained();
    let (pmsc, li) = (
        bench.port_at::<PortPmscUsb3>(PORT),
        bench.port_at::<PortLiUsb3>(PORT),
    );
    bench.write(pmsc, u32::MAX);
    bench.write(li, u32::MAX);
    assert_eq!(bench.read(pmsc), 0x1_ffff);
    assert_eq!(bench.read(li), 0xffff, "lane counts are read only");
    bench.write_op::<UsbCmd>(2);
    bench.pass(ms(100));
    assert_eq!(bench.read(pmsc), 0xffff);
    assert_eq!(bench.read(li), 0);
}
