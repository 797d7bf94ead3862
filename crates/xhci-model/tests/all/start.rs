//! From power-on to a running controller and back. xHCI 1.2 §4.2, §5.4.

use crate::common::device::{Diary, Entry};
use crate::common::{Bench, ms, options, us};
use usb_spec::speed::Speed;
use xhci_model::{Behaviour, Options, SaveRestore};
use xhci_spec::registers::{
    Config, Crcr, Dcbaap, DnCtrl, MfIndex, PageSize, PortLinkState, Register, UsbCmd, UsbSts,
};
use xhci_spec::trb::{CompletionCode, Event};

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
fn run_written_while_stopping_starts_again_after_the_halt() {
    let mut bench = Bench::running(options(), 1);
    bench.write_op::<UsbCmd>(0);
    bench.write_op::<UsbCmd>(1);
    assert!(!bench.status().halted());
    bench.pass(ms(1));
    assert!(bench.status().halted(), "first it halts");
    bench.pass(us(125));
    assert!(!bench.status().halted());
}

#[test]
fn a_usb2_and_a_usb3_device_are_reported_by_one_event_each() {
    let mut bench = Bench::running(options(), 1);
    bench.plug(2, &Diary::new(Speed::High));
    bench.plug(6, &Diary::new(Speed::Super));
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
}

#[test]
fn hcrst_takes_its_time_and_gives_every_register_its_initial_value() {
    let mut bench = Bench::running(options(), 2);
    bench.write_op::<DnCtrl>(2);
    bench.write_op::<UsbCmd>(0);
    bench.pass(ms(1));
    bench.write_op::<UsbCmd>(2);
    assert!(bench.command().host_controller_reset());
    assert!(bench.status().controller_not_ready() && bench.status().halted());
    bench.write_op::<Config>(5);
    bench.pass(us(999));
    assert!(bench.command().host_controller_reset());
    bench.pass(us(1));
    assert_eq!(bench.command().bits(), 0, "HCRST clears itself");
    assert!(bench.status().controller_not_ready(), "CNR lasts longer");
    bench.pass(ms(1));
    assert_eq!(bench.status(), UsbSts::default().with_halted(true));
    assert_eq!(bench.read_op::<Config>(), 0, "the early write was lost");
    assert_eq!(bench.read_op::<DnCtrl>(), 0);
    assert_eq!(bench.read_op::<Dcbaap>(), 0);
    bench.program(2);
    bench.run();
}

#[test]
fn hcrst_of_a_running_controller_stops_it_at_once() {
    let mut bench = Bench::running(options(), 1);
    bench.write_op::<UsbCmd>(3);
    assert!(bench.status().halted() && !bench.command().run());
    bench.pass(ms(2));
    assert!(!bench.status().controller_not_ready());
    assert!(bench.status().halted(), "R/S has fallen with the reset");
}

#[test]
fn hcrst_resets_usb3_devices_but_no_usb2_device() {
    let mut bench = Bench::running(options(), 1);
    let (high, fast) = (Diary::new(Speed::High), Diary::new(Speed::Super));
    bench.plug(1, &high);
    bench.plug(5, &fast);
    bench.pass(ms(100));
    bench.reset_port(1);
    assert_eq!(high.read(), [Entry::Reset]);
    bench.write_op::<UsbCmd>(2);
    bench.settle();
    assert_eq!(high.read(), [], "xHCI 1.2 §5.4.1");
    assert_eq!(fast.read(), [Entry::Reset]);
    assert!(!bench.port(1).current_connect_status());
    bench.pass(ms(100));
    let [one, five] = [bench.port(1), bench.port(5)];
    assert!(one.current_connect_status() && !one.port_enabled());
    assert!(five.current_connect_status() && five.port_enabled());
    assert!(one.port_power() && one.connect_status_change());
}

#[test]
fn devices_that_were_there_before_the_start_are_reported_at_the_start() {
    let mut bench = Bench::new(options());
    bench.plug(1, &Diary::new(Speed::Low));
    bench.pass(ms(50));
    bench.program(1);
    assert!(bench.port(1).connect_status_change());
    assert!(bench.status().port_change_detect());
    assert_eq!(bench.take_event(0), None, "a halted controller is silent");
    bench.run();
    assert_eq!(bench.port_events(), [1]);

    let mut silent = options();
    silent.behaviour.events_at_start = false;
    let mut bench = Bench::new(silent);
    bench.plug(1, &Diary::new(Speed::Low));
    bench.pass(ms(50));
    bench.program(1);
    bench.run();
    assert_eq!(bench.port_events(), [], "some hardware says nothing");
}

#[test]
fn status_bits_clear_by_writing_one_and_only_those() {
    let mut bench = Bench::running(options(), 1);
    bench.plug(1, &Diary::new(Speed::Full));
    bench.pass(ms(10));
    let event = UsbSts::default().with_event_interrupt(true);
    bench.write_op::<UsbSts>(event.bits());
    assert!(!bench.status().event_interrupt());
    assert!(bench.status().port_change_detect());
    bench.write_op::<UsbSts>(u32::MAX);
    assert_eq!(bench.status().bits(), 0, "HCH and CNR are read only");
}

#[test]
fn crcr_reads_zero_whatever_was_written() {
    let mut bench = Bench::new(options());
    bench.settle();
    bench.write_op64::<Crcr>(0x1234_5678_9abc_de01);
    let at = bench.op_at::<Crcr>();
    assert_eq!([bench.read(at), bench.read(at + 4)], [0, 0]);
}

#[test]
fn config_keeps_only_what_the_capabilities_allow() {
    let mut bench = Bench::new(Options {
        max_slots: 16,
        u3_entry: false,
        ..options()
    });
    bench.settle();
    bench.write_op::<Config>(u32::MAX);
    assert_eq!(bench.read_op::<Config>(), 16);
    bench.program(1);
    bench.run();
    let slots = bench.read_op::<Config>();
    bench.write_op::<Config>(3);
    assert_eq!(bench.read_op::<Config>(), slots, "not while it runs");
}

#[test]
fn without_ac64_high_halves_are_not_there() {
    let mut bench = Bench::new(Options {
        addressing_64: false,
        ..options()
    });
    bench.settle();
    bench.write_op64::<Dcbaap>(0xffff_ffff_0000_1040);
    let at = bench.op_at::<Dcbaap>();
    assert_eq!([bench.read(at), bench.read(at + 4)], [0x1040, 0]);
}

#[test]
fn read_only_registers_stay_and_unknown_offsets_read_zero() {
    let mut bench = Bench::new(options());
    bench.settle();
    for at in (0..0x40).step_by(4) {
        let before = bench.read(at);
        bench.write(at, !before);
        assert_eq!(bench.read(at), before, "capability register at {at:#x}");
    }
    bench.write_op::<PageSize>(0xff);
    assert_eq!(bench.read_op::<PageSize>(), 1);
    assert_eq!(bench.read(0x60), 0);
    assert_eq!(bench.read(0x41), 0, "misaligned");
    assert_eq!(bench.read(0xffff_fffc), 0);
}

#[test]
fn the_microframe_index_runs_and_its_wrap_makes_an_event_if_wanted() {
    let mut bench = Bench::running(options(), 1);
    let at = bench.controller.options().geometry.runtime_offset + MfIndex::OFFSET;
    let before = bench.read(at);
    bench.pass(ms(10));
    assert_eq!(bench.read(at) - before, 80);
    bench.pass(ms(2048));
    assert_eq!(bench.take_event(0), None);
    let command = bench.command().with_enable_wrap_event(true);
    bench.write_op::<UsbCmd>(command.bits());
    bench.pass(ms(2048));
    let code = CompletionCode::SUCCESS;
    assert_eq!(bench.events(0), [Event::MfindexWrap { code }]);
}

#[test]
fn save_succeeds_and_restore_fails_by_default() {
    for (policy, errors) in [
        (SaveRestore::RestoreFails, [false, true]),
        (SaveRestore::BothFail, [true, true]),
        (SaveRestore::BothSucceed, [false, false]),
    ] {
        let mut options = options();
        options.behaviour.save_restore = policy;
        let mut bench = Bench::new(options);
        bench.settle();
        let save = UsbCmd::default().with_controller_save_state(true);
        bench.write_op::<UsbCmd>(save.bits());
        assert!(bench.status().save_state_status());
        assert_eq!(bench.command().bits(), 0, "CSS reads 0");
        bench.pass(ms(1));
        assert!(!bench.status().save_state_status());
        assert_eq!(bench.status().save_restore_error(), errors[0]);
        bench.write_op::<UsbSts>(u32::MAX);
        let restore = UsbCmd::default().with_controller_restore_state(true);
        bench.write_op::<UsbCmd>(restore.bits());
        assert!(bench.status().restore_state_status());
        bench.pass(ms(1));
        assert!(!bench.status().restore_state_status());
        assert_eq!(bench.status().save_restore_error(), errors[1]);
    }
}

#[test]
fn light_reset_leaves_the_ports_alone() {
    let mut bench = Bench::running(
        Options {
            light_reset: true,
            ..options()
        },
        1,
    );
    let device = Diary::new(Speed::Super);
    bench.plug(5, &device);
    bench.pass(ms(100));
    let light = UsbCmd::default().with_light_host_controller_reset(true);
    bench.write_op::<UsbCmd>(light.bits());
    assert!(bench.command().light_host_controller_reset());
    assert!(bench.status().halted());
    bench.pass(ms(5));
    assert!(!bench.command().light_host_controller_reset());
    assert!(bench.port(5).port_enabled());
    assert_eq!(device.read(), []);

    let mut bench = Bench::new(options());
    bench.settle();
    bench.write_op::<UsbCmd>(light.bits());
    assert_eq!(bench.command().bits(), 0, "LHRC is 0 here");
}
