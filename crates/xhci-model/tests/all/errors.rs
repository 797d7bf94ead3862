//! Serious errors, surprise removal, and memory that must not be touched. xHCI 1.2 §5.4.2, §4.2.

use crate::common::device::{Diary, Entry};
use crate::common::memory::Piece;
use crate::common::{Bench, RINGS, ms, options, port};
use memory::{Direction, Memory};
use usb_model::{Output, Work, WorkDone, WorkId, WorkKind};
use usb_spec::speed::Speed;
use xhci_model::HostError;
use xhci_spec::registers::{Crcr, PortSc, Register, UsbCmd, UsbSts};

fn work(bench: &Bench, id: u64) -> Work<Piece> {
    let memory = bench.controller.memory();
    let buffer = memory.exact(RINGS, 64, Direction::DeviceWrites).unwrap();
    Work {
        id: WorkId(id),
        kind: WorkKind::Read,
        offset: 0,
        buffers: vec![buffer],
        length: 64,
    }
}

fn done(work: Work<Piece>) -> WorkDone<Piece> {
    WorkDone {
        id: work.id,
        buffers: work.buffers,
        result: Ok(()),
    }
}

#[test]
fn a_serious_error_stops_the_controller_until_hcrst() {
    for error in [HostError::System, HostError::Controller] {
        let mut bench = Bench::running(options(), 1);
        bench.controller.die(error);
        let status = bench.status();
        assert!(status.halted());
        assert_eq!(status.host_system_error(), error == HostError::System);
        assert_eq!(
            status.host_controller_error(),
            error == HostError::Controller
        );
        assert!(!bench.command().run(), "R/S falls");
        bench.write_op::<UsbSts>(u32::MAX);
        let status = bench.status();
        assert!(!status.host_system_error(), "RW1C");
        assert_eq!(
            status.host_controller_error(),
            error == HostError::Controller
        );
        bench.write_op::<UsbCmd>(1);
        bench.pass(ms(5));
        assert!(bench.status().halted(), "it does not start again");
        bench.plug(1, &Diary::new(Speed::High));
        bench.pass(ms(5));
        assert_eq!(bench.take_event(0), None, "and writes nothing");

        bench.write_op::<UsbCmd>(2);
        bench.pass(ms(5));
        assert!(!bench.status().host_controller_error());
        bench.program(1);
        bench.run();
        assert_eq!(bench.port_events(), [1]);
    }
}

#[test]
fn a_command_ring_in_a_hole_is_a_host_system_error() {
    let mut bench = Bench::new(options());
    bench.settle();
    bench.program(1);
    bench.write_op64::<Crcr>(0x7777_0000_0001);
    bench.run();
    let doorbell = bench.controller.options().geometry.doorbell_offset;
    bench.write(doorbell, 0);
    bench.settle();
    assert!(bench.status().host_system_error() && bench.status().halted());
}

#[test]
fn a_vanished_controller_answers_all_ones_and_does_nothing_more() {
    let mut bench = Bench::running(options(), 1);
    let device = Diary::new(Speed::High);
    bench.plug(1, &device);
    bench.pass(ms(5));
    bench.controller.vanish();
    for at in [0, 0x40, 0x44, 0x440, 0x2000, 0x3020, 0xfffc] {
        assert_eq!(bench.read(at), u32::MAX);
    }
    let reset = PortSc::default()
        .with_port_reset(true)
        .with_port_power(true);
    bench.write_port(1, reset);
    bench.pass(ms(100));
    assert_eq!(device.read(), []);
    assert_eq!(bench.interrupts(), []);
    assert!(!bench.controller.interrupt_level());
    assert_eq!(bench.controller.next_deadline(), None);
}

#[test]
fn without_bus_mastering_no_memory_is_touched_and_no_work_begins() {
    let mut bench = Bench::running(options(), 1);
    let device = Diary::new(Speed::High);
    bench.plug(1, &device);
    bench.controller.set_bus_master(false);
    device.say(Output::Work(work(&bench, 1)));
    bench.pass(ms(5));
    assert!(bench.port(1).connect_status_change(), "ports live on");
    assert_eq!(bench.take_event(0), None);
    assert!(bench.controller.poll_work().is_none());
    bench.controller.set_bus_master(true);
    bench.settle();
    assert_eq!(bench.port_events(), [1]);
    assert!(bench.controller.poll_work().is_some());
}

#[test]
fn work_goes_out_and_comes_back_to_the_device_it_came_from() {
    let mut bench = Bench::running(options(), 1);
    let (one, two) = (Diary::new(Speed::High), Diary::new(Speed::Super));
    bench.plug(1, &one);
    bench.plug(5, &two);
    bench.pass(ms(50));
    two.say(Output::Work(work(&bench, 7)));
    bench.settle();
    assert!(bench.controller.is_quiet(), "nobody has taken it yet");
    let (key, work) = bench.controller.poll_work().unwrap();
    assert_eq!((key.port(), work.id), (port(5), WorkId(7)));
    assert!(!bench.controller.is_quiet());
    bench.controller.complete_work(key, done(work));
    assert!(bench.controller.is_quiet());
    assert_eq!((one.read(), two.read()), (vec![], vec![Entry::Completed]));
}

#[test]
fn a_device_with_work_under_way_is_gone_at_once_but_handed_out_only_afterwards() {
    let mut bench = Bench::running(options(), 1);
    let device = Diary::new(Speed::High);
    bench.plug(1, &device);
    bench.pass(ms(5));
    bench.acknowledge(1);
    bench.events(0);
    device.say(Output::Work(work(&bench, 1)));
    bench.settle();
    let (key, work) = bench.controller.poll_work().unwrap();
    assert!(bench.controller.detach(port(1), bench.now).is_none());
    bench.settle();
    assert!(!bench.port(1).current_connect_status());
    assert_eq!(bench.port_events(), [1]);
    assert!(bench.controller.poll_departed().is_none());
    assert!(bench.controller.device_mut(port(1)).is_none());
    bench.controller.complete_work(key, done(work));
    bench.settle();
    assert_eq!(device.read(), [Entry::Completed]);
    let (number, _) = bench.controller.poll_departed().unwrap();
    assert_eq!(number, port(1));
    bench.plug(1, &device);
    bench.pass(ms(5));
    assert!(bench.port(1).current_connect_status());
}

#[test]
fn hcrst_and_halt_wait_for_the_worker_that_has_buffers() {
    for command in [0, 2] {
        let mut bench = Bench::running(options(), 1);
        let device = Diary::new(Speed::High);
        bench.plug(1, &device);
        bench.pass(ms(5));
        device.say(Output::Work(work(&bench, 1)));
        bench.settle();
        let (key, work) = bench.controller.poll_work().unwrap();
        bench.write_op::<UsbCmd>(command);
        bench.pass(ms(100));
        let over =
            |bench: &mut Bench| bench.status().halted() && !bench.command().host_controller_reset();
        assert!(!over(&mut bench), "the worker may still write to memory");
        bench.controller.complete_work(key, done(work));
        bench.settle();
        assert!(over(&mut bench));
    }
}

#[test]
fn hcrst_ends_without_bus_mastering() {
    let mut bench = Bench::running(options(), 1);
    bench.plug(1, &Diary::new(Speed::High));
    bench.controller.set_bus_master(false);
    bench.write_op::<UsbCmd>(2);
    bench.pass(ms(10));
    assert_eq!(bench.command().bits(), 0);
    assert!(!bench.status().controller_not_ready());
}

#[test]
fn a_power_cycle_forgets_everything_but_the_plugs() {
    let mut bench = Bench::running(options(), 1);
    let device = Diary::new(Speed::High);
    bench.plug(1, &device);
    bench.pass(ms(5));
    bench.reset_port(1);
    let off = bench.port(2).to_neutral().with_port_power(false);
    bench.write_port(2, off);
    device.read();
    bench.controller.power_cycle(bench.now);
    assert!(bench.status().controller_not_ready() && bench.status().halted());
    bench.pass(ms(10));
    assert_eq!(device.read(), [Entry::Reset], "a USB2 device as well");
    assert_eq!(bench.command().bits(), 0);
    assert!(bench.port(2).port_power());
    let port = bench.port(1);
    assert!(port.current_connect_status() && !port.port_enabled());
    assert!(!port.port_reset_change() && port.connect_status_change());
}

#[test]
fn a_controller_that_is_told_an_older_time_stands_still() {
    let mut bench = Bench::running(options(), 1);
    bench.plug(1, &Diary::new(Speed::High));
    let earlier = usb_spec::time::Instant::START;
    let _ = bench.controller.service(earlier, 1);
    bench.pass(ms(1));
    assert!(bench.port(1).current_connect_status());
}
