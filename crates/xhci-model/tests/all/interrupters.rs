//! Event rings and interrupts. xHCI 1.2 §4.9.4, §4.17, §5.5.2.

use crate::common::device::Diary;
use crate::common::{Bench, RING_TRBS, TABLES, ms, options, segment, us};
use memory::Memory;
use usb_spec::speed::Speed;
use xhci_model::{Behaviour, Options, WideWrite};
use xhci_spec::number::InterrupterId;
use xhci_spec::registers::{
    Erdp, Erstba, Erstsz, Iman, Imod, PortSc, UsbCmd, UsbSts, high_half, low_half,
};
use xhci_spec::trb::{CompletionCode, Event};

const PRIMARY: InterrupterId = InterrupterId(0);
/// USB2 ports of the bench: each can make an event at will.
const PORTS: u8 = 40;

/// A running controller with many ports and their devices, all quiet; [`make_event`] makes events.
fn quiet(interrupters: u16) -> Bench {
    quiet_with(Behaviour::default(), interrupters)
}

fn quiet_with(behaviour: Behaviour, interrupters: u16) -> Bench {
    let ports = vec![xhci_model::PortGroup::usb2(PORTS)];
    let mut bench = Bench::new(Options {
        ports,
        behaviour: Behaviour {
            power_on: ms(0),
            events_at_start: false,
            ..behaviour
        },
        ..options()
    });
    for port in 1..=PORTS {
        bench.plug(port, &Diary::new(Speed::High));
    }
    bench.pass(ms(2));
    bench.program(interrupters);
    for port in 1..=PORTS {
        bench.acknowledge(port);
    }
    bench.run();
    assert_eq!(bench.take_event(0), None);
    bench
}

/// Takes the power of a port away, which makes one port status change event.
fn make_event(bench: &mut Bench, port: u8) {
    let off = PortSc::default();
    bench.write_port(port, off);
}

fn pending(bench: &mut Bench) -> bool {
    Iman::from_bits(bench.read_int::<Iman>(PRIMARY)).interrupt_pending()
}

fn busy(bench: &mut Bench) -> bool {
    Erdp::from_bits(bench.read_int::<Erdp>(PRIMARY).into()).event_handler_busy()
}

#[test]
fn an_event_interrupts_once_until_the_handler_is_done() {
    let mut bench = quiet(1);
    make_event(&mut bench, 1);
    assert_eq!(bench.interrupts(), [0]);
    assert!(!pending(&mut bench), "the message clears IP");
    assert!(busy(&mut bench));
    make_event(&mut bench, 2);
    assert_eq!(bench.interrupts(), [], "the handler is busy");
    assert_eq!(bench.port_events(), [1, 2]);
    assert!(!busy(&mut bench));
    assert_eq!(bench.interrupts(), []);
    make_event(&mut bench, 3);
    assert_eq!(bench.interrupts(), [0]);
}

#[test]
fn an_event_that_the_handler_leaves_behind_interrupts_again() {
    let mut bench = quiet(1);
    make_event(&mut bench, 1);
    make_event(&mut bench, 2);
    assert_eq!(bench.interrupts(), [0]);
    assert!(bench.take_event(0).is_some());
    bench.done(0);
    assert_eq!(bench.interrupts(), [0], "no interrupt is lost");
    assert!(bench.take_event(0).is_some());
    bench.done(0);
    assert_eq!(bench.interrupts(), []);
}

#[test]
fn moderation_keeps_interrupts_apart_and_loses_none() {
    let mut bench = quiet(1);
    bench.write_int::<Imod>(PRIMARY, 4000);
    make_event(&mut bench, 1);
    assert_eq!(bench.interrupts(), [0], "the first one comes at once");
    bench.events(0);
    bench.pass(us(100));
    make_event(&mut bench, 2);
    assert_eq!(bench.interrupts(), []);
    let counter = Imod::from_bits(bench.read_int::<Imod>(PRIMARY));
    assert_eq!(counter.interrupt_moderation_counter(), 3600);
    bench.pass(us(899));
    assert_eq!(bench.interrupts(), []);
    bench.pass(us(1));
    assert_eq!(bench.interrupts(), [0], "1 ms after the last one");
    assert_eq!(bench.port_events(), [2]);
}

#[test]
fn events_that_are_taken_by_polling_owe_no_interrupt() {
    let mut bench = quiet(1);
    bench.write_int::<Imod>(PRIMARY, 4000);
    make_event(&mut bench, 1);
    bench.interrupts();
    bench.events(0);
    make_event(&mut bench, 2);
    bench.events(0);
    bench.pass(ms(5));
    assert_eq!(bench.interrupts(), []);
}

#[test]
fn a_disabled_interrupter_or_controller_holds_the_interrupt_back() {
    let mut bench = quiet(1);
    bench.write_int::<Iman>(PRIMARY, 0);
    make_event(&mut bench, 1);
    assert_eq!(bench.interrupts(), []);
    assert!(pending(&mut bench) && bench.status().event_interrupt());
    bench.write_int::<Iman>(PRIMARY, 2);
    assert_eq!(bench.interrupts(), [0]);
    bench.events(0);

    let command = bench.command();
    bench.write_op::<UsbCmd>(command.with_interrupter_enable(false).bits());
    make_event(&mut bench, 2);
    assert_eq!(bench.interrupts(), []);
    bench.write_op::<UsbCmd>(command.bits());
    assert_eq!(bench.interrupts(), [0]);
}

#[test]
fn with_pins_the_level_stays_until_ip_is_cleared() {
    let mut bench = quiet(1);
    bench.controller.set_message_interrupts(false);
    assert!(!bench.controller.interrupt_level());
    make_event(&mut bench, 1);
    assert!(bench.controller.interrupt_level());
    assert_eq!(bench.interrupts(), [], "no messages");
    bench.write_op::<UsbSts>(UsbSts::default().with_event_interrupt(true).bits());
    assert!(bench.controller.interrupt_level());
    bench.write_int::<Iman>(PRIMARY, 3);
    assert!(!bench.controller.interrupt_level());
    make_event(&mut bench, 2);
    assert!(!bench.controller.interrupt_level(), "EHB is still set");
    assert!(bench.take_event(0).is_some());
    bench.done(0);
    assert!(bench.controller.interrupt_level(), "one event is left");
}

#[test]
fn a_full_ring_says_so_and_the_held_events_come_later() {
    let mut bench = quiet(1);
    for port in 1..=20 {
        make_event(&mut bench, port);
    }
    let mut seen: Vec<_> = std::iter::from_fn(|| bench.take_event(0)).collect();
    assert_eq!(seen.len(), usize::from(RING_TRBS), "to the last TRB");
    let code = CompletionCode::EVENT_RING_FULL_ERROR;
    assert_eq!(seen.pop(), Some(Event::HostController { code }));
    bench.done(0);
    assert_eq!(bench.port_events(), [16, 17, 18, 19, 20]);
    make_event(&mut bench, 21);
    assert_eq!(bench.port_events(), [21]);
    assert!(!bench.status().host_controller_error());
}

#[test]
fn a_full_ring_drained_one_by_one_delivers_everything_in_order() {
    let mut bench = quiet(1);
    for port in 1..=PORTS {
        make_event(&mut bench, port);
    }
    let mut ports = Vec::new();
    let mut errors = 0;
    while let Some(event) = bench.take_event(0) {
        bench.done(0);
        match event {
            Event::PortStatusChange { port, .. } => ports.push(port.unwrap().get()),
            Event::HostController { .. } => errors += 1,
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(ports, (1..=PORTS).collect::<Vec<_>>());
    assert!(errors >= 1);
}

#[test]
fn the_ring_wraps_and_turns_its_cycle_bit_over() {
    let mut bench = quiet(1);
    for port in 1..=PORTS {
        make_event(&mut bench, port);
        assert_eq!(bench.port_events(), [port]);
    }
}

#[test]
fn a_ring_starts_only_when_both_halves_of_erstba_were_written() {
    for order in [[0, 4], [4, 0]] {
        let mut bench = quiet(1);
        let (table, ring) = Bench::event_ring(1);
        let id = InterrupterId(1);
        let entry = segment(ring, RING_TRBS.into());
        bench.write_int::<Erstsz>(id, 1);
        let halves = [low_half(table.0), high_half(table.0)];
        let at = bench.int_at::<Erstba>(id);
        bench.write(at + order[0], halves[order[0] as usize / 4]);
        bench.pass(ms(1));
        assert!(!bench.status().host_system_error(), "half an address");
        // Only now the table is there; the ring has not been started before.
        bench.controller.memory().store_block(table, entry).unwrap();
        bench.write(at + order[1], halves[order[1] as usize / 4]);
        let status = bench.status();
        assert!(!status.host_system_error() && !status.host_controller_error());
    }
}

#[test]
fn a_profile_may_act_on_one_half_alone() {
    let behaviour = Behaviour {
        wide_write: WideWrite::HighHalf,
        ..Behaviour::default()
    };
    let mut bench = quiet_with(behaviour, 1);
    let at = bench.int_at::<Erstba>(PRIMARY);
    bench.write(at + 4, 0xdead);
    assert!(
        bench.status().host_system_error(),
        "it acts on the high half"
    );
}

#[test]
fn a_table_may_still_be_filled_between_its_registration_and_the_start() {
    let mut bench = Bench::new(options());
    bench.settle();
    bench.program(1);
    let (table, ring) = Bench::event_ring(0);
    let zero = bench.controller.memory().store_block(table, [0; 4]);
    zero.unwrap();
    bench.settle();
    let entry = segment(ring, RING_TRBS.into());
    bench.controller.memory().store_block(table, entry).unwrap();
    bench.run();
    assert_eq!(bench.status().bits(), 0);
}

#[test]
fn broken_event_rings_end_in_errors_and_not_in_worse() {
    type Breakage = fn(&mut Bench);
    let cases: [(&str, Breakage, bool); 4] = [
        (
            "no table at all",
            |bench| bench.write_int::<Erstsz>(PRIMARY, 0),
            false,
        ),
        (
            "a segment of 15 TRBs",
            |bench| {
                let (table, ring) = Bench::event_ring(0);
                let entry = segment(ring, 15);
                bench.controller.memory().store_block(table, entry).unwrap();
            },
            false,
        ),
        (
            "more segments than ERST Max",
            |bench| bench.write_int::<Erstsz>(PRIMARY, 9),
            false,
        ),
        (
            "a table in a hole",
            |bench| bench.write_int64::<Erstba>(PRIMARY, TABLES.0 - 0x40),
            true,
        ),
    ];
    for (name, breakage, is_system) in cases {
        let mut bench = Bench::new(options());
        bench.settle();
        bench.program(1);
        breakage(&mut bench);
        bench.write_op::<UsbCmd>(1);
        bench.pass(ms(1));
        bench.plug(1, &Diary::new(Speed::High));
        bench.pass(ms(5));
        let status = bench.status();
        assert_eq!(status.host_system_error(), is_system, "{name}");
        assert_eq!(status.host_controller_error(), !is_system, "{name}");
        assert!(status.halted(), "{name}");
    }
}

#[test]
fn erdp_and_erstba_read_back_and_reserved_bits_do_not_stick() {
    let mut bench = quiet(1);
    let id = InterrupterId(3);
    bench.write_int64::<Erstba>(id, 0x1234_5678_9abc_deff);
    let at = bench.int_at::<Erstba>(id);
    assert_eq!(
        [bench.read(at), bench.read(at + 4)],
        [0x9abc_dec0, 0x1234_5678]
    );
    bench.write_int64::<Erdp>(id, 0x1234_5678_9abc_deff);
    let at = bench.int_at::<Erdp>(id);
    assert_eq!(
        [bench.read(at), bench.read(at + 4)],
        [0x9abc_def7, 0x1234_5678]
    );
    assert_eq!(
        bench.read_int::<Imod>(InterrupterId(7)),
        4000,
        "1 ms at first"
    );
}
