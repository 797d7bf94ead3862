//! Whatever a driver writes, and whatever its memory holds: no panic, and service comes to an end.

use crate::common::device::Diary;
use crate::common::memory::Ram;
use crate::common::{Bench, RINGS, TABLES, port};
use core::time::Duration;
use memory::{Iova, Memory, Slice};
use proptest::collection::vec;
use proptest::prelude::*;
use usb_model::WorkDone;
use usb_spec::speed::Speed;
use usb_spec::time::Instant;
use xhci_model::{Behaviour, Controller, Geometry, Options, PortFault, PortGroup, Progress};
use xhci_spec::extended::{CapabilityId, SupportedProtocol, walk};
use xhci_spec::registers::{HccParams1, HcsParams1, Register, UsbCmd, high_half, low_half};

/// Most calls of service until the controller must be idle: budgets of 64 over everything that 128 KiB of rings can hold.
const SERVICES_MAX: u32 = 20_000;

#[derive(Clone, Debug)]
enum Step {
    Write { at: u32, value: u32 },
    Read { at: u32 },
    Store { at: u64, block: [u32; 4] },
    Wait { micros: u32 },
    Plug { port: u8, speed: usize },
    Unplug { port: u8 },
    Disturb { port: u8, fault: usize },
    Start,
    Doorbell { number: u8, target: u8 },
}

/// Values that mean something to a controller more often than chance would have it.
fn value() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        (0..32_u32).prop_map(|bit| 1 << bit),
        (0..0x2000_u32).prop_map(|low| low << 4 | 1),
        Just(0x10),
        Just(0x20),
        0..16_u32,
    ]
}

fn offset() -> impl Strategy<Value = u32> {
    prop_oneof![
        (0..0x4000_u32).prop_map(|dword| dword * 4),
        (0x10..0x20_u32).prop_map(|dword| dword * 4),
        (0..32_u32).prop_map(|dword| 0x440 + dword * 4),
        (0..32_u32).prop_map(|dword| 0x3020 + dword * 4),
        any::<u32>(),
    ]
}

/// A TRB or a context: its type and its pointer are more often possible than not.
fn block() -> impl Strategy<Value = [u32; 4]> {
    let trb = (
        0..0x2000_u32,
        0..0x30_u32,
        any::<u32>(),
        0..64_u32,
        any::<u32>(),
    );
    prop_oneof![
        any::<[u32; 4]>(),
        trb.prop_map(|(pointer, high, status, trb_type, control)| {
            let control = control & 0x0fff_03ff | trb_type << 10;
            [pointer << 4, high, status, control]
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let store = (
        prop_oneof![Just(TABLES.0), Just(RINGS.0)],
        0..0x1000_u64,
        block(),
    );
    prop_oneof![
        4 => (offset(), value()).prop_map(|(at, value)| Step::Write { at, value }),
        2 => offset().prop_map(|at| Step::Read { at }),
        6 => store.prop_map(|(base, block_at, block)| Step::Store { at: base + 16 * block_at, block }),
        2 => (0..60_000_u32).prop_map(|micros| Step::Wait { micros }),
        1 => (1..10_u8, 0..5_usize).prop_map(|(port, speed)| Step::Plug { port, speed }),
        1 => (1..10_u8).prop_map(|port| Step::Unplug { port }),
        1 => (1..10_u8, 0..7_usize).prop_map(|(port, fault)| Step::Disturb { port, fault }),
        1 => Just(Step::Start),
        4 => (0..10_u8, 0..34_u8).prop_map(|(number, target)| Step::Doorbell { number, target }),
    ]
}

fn serve(controller: &mut Controller<Ram>, now: Instant) {
    let mut left = SERVICES_MAX;
    while controller.service(now, 64) == Progress::More {
        left = left.checked_sub(1).expect("service should come to an end");
        while let Some((key, work)) = controller.poll_work() {
            let (id, buffers) = (work.id, work.buffers);
            let result = Ok(());
            controller.complete_work(
                key,
                WorkDone {
                    id,
                    buffers,
                    result,
                },
            );
        }
        while controller.poll_interrupt().is_some() {}
    }
}

fn play(bench: &mut Bench, step: Step) {
    let controller = &mut bench.controller;
    match step {
        Step::Write { at, value } => controller.mmio_write(at, value, bench.now),
        Step::Read { at } => {
            let _ = controller.mmio_read(at, bench.now);
        }
        Step::Store { at, block } => {
            let _ = controller.memory().store_block(Iova(at), block);
        }
        Step::Wait { micros } => bench.now = bench.now + Duration::from_micros(micros.into()),
        Step::Plug {
            port: number,
            speed,
        } => {
            let device = Diary::new(Speed::ALL[speed]).boxed();
            let _ = controller.attach(port(number), device, bench.now);
        }
        Step::Unplug { port: number } => {
            let _ = controller.detach(port(number), bench.now);
        }
        Step::Disturb {
            port: number,
            fault,
        } => {
            let faults = [
                PortFault::LinkError,
                PortFault::Compliance,
                PortFault::TrainingFails,
                PortFault::ConfigError,
                PortFault::ColdAttach,
                PortFault::OverCurrent,
                PortFault::OverCurrentEnds,
            ];
            controller.disturb_port(port(number), faults[fault], bench.now);
        }
        Step::Start => {
            let at = bench.op_at::<UsbCmd>();
            bench.controller.mmio_write(at, 5, bench.now);
        }
        Step::Doorbell { number, target } => {
            let at = bench.controller.options().geometry.doorbell_offset + 4 * u32::from(number);
            bench.controller.mmio_write(at, target.into(), bench.now);
        }
    }
    serve(&mut bench.controller, bench.now);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_accesses_to_a_fresh_controller_never_panic(steps in vec(step(), 1..80)) {
        let mut bench = Bench::new(Options::default());
        for step in steps {
            play(&mut bench, step);
        }
    }

    #[test]
    fn arbitrary_accesses_to_a_running_controller_never_panic(
        steps in vec(step(), 1..120),
        fill in vec(block(), 0..256),
        contexts_64: bool,
        runs: bool,
    ) {
        let behaviour = Behaviour::instant();
        let options = Options { behaviour, contexts_64, ..Options::default() };
        let mut bench = Bench::new(options);
        bench.settle();
        bench.program(2);
        for (index, block) in (0..).zip(fill) {
            bench.controller.memory().store_block(RINGS.offset(16 * index), block).unwrap();
        }
        if runs {
            bench.write_op::<UsbCmd>(5);
        }
        for step in steps {
            play(&mut bench, step);
        }
    }

    #[test]
    fn whatever_the_options_say_the_controller_can_be_discovered(
        ports in vec((any::<bool>(), 0..40_u8), 0..20),
        max_slots: u8,
        max_interrupters in 0..2000_u16,
        offsets: [u32; 3],
        capability_length: u8,
        exponent: u8,
        scratchpad_buffers: u16,
        flags: [bool; 4],
    ) {
        let group = |&(usb3, count): &(bool, u8)| if usb3 { PortGroup::usb3(count) } else { PortGroup::usb2(count) };
        let [runtime_offset, doorbell_offset, extended_offset] = offsets;
        let [addressing_64, contexts_64, vendor_capability, speed_ids] = flags;
        let options = Options {
            ports: ports.iter().map(group).collect(),
            geometry: Geometry { capability_length, runtime_offset, doorbell_offset, extended_offset },
            max_slots,
            max_interrupters,
            event_ring_segments_exponent: exponent,
            scratchpad_buffers,
            addressing_64,
            contexts_64,
            vendor_capability,
            speed_ids,
            ..Options::default()
        };
        let mut bench = Bench::new(options);
        let parameters = HccParams1::from_bits(bench.read(HccParams1::OFFSET));
        let limit = bench.controller.bar_bytes();
        let structural = HcsParams1::from_bits(bench.read(HcsParams1::OFFSET));
        let list: Result<Vec<_>, _> = walk(parameters.extended_capabilities(), limit, |at| bench.read(at)).collect();
        let mut covered = 0;
        for capability in list.expect("the list should be sound") {
            if capability.id() == CapabilityId::SUPPORTED_PROTOCOL {
                let protocol = SupportedProtocol::read(capability.offset, |at| bench.read(at));
                covered += protocol.expect("it should be USB").port_numbers().expect("ports should be named").count();
            }
        }
        prop_assert_eq!(covered, usize::from(structural.max_ports()));
    }

    #[test]
    fn a_ring_of_links_to_itself_comes_to_an_end(cycle: bool, chain: bool, toggle: bool) {
        let mut bench = Bench::running(Options { behaviour: Behaviour::instant(), ..Options::default() }, 1);
        let control = 6 << 10 | u32::from(cycle) | u32::from(toggle) << 1 | u32::from(chain) << 4;
        let link = [low_half(RINGS.0), high_half(RINGS.0), 0, control];
        bench.controller.memory().store_block(RINGS, link).unwrap();
        play(&mut bench, Step::Doorbell { number: 0, target: 0 });
    }
}

#[test]
fn deadlines_lie_ahead_once_they_have_been_served() {
    let mut bench = Bench::running(crate::common::options(), 1);
    bench.plug(1, &Diary::new(Speed::High));
    bench.plug(5, &Diary::new(Speed::Super));
    for _ in 0..1000 {
        let Some(at) = bench.controller.next_deadline() else {
            return;
        };
        assert!(at > bench.now, "an owner would spin");
        bench.now = at;
        bench.service();
    }
    panic!("an idle controller should have no deadlines for ever");
}

#[test]
fn pieces_of_memory_behave() {
    // The bench's own memory has to be honest: words in holes fault, pieces end where they end.
    let ram = Ram::new(&[(Iova(0x1000), 32)]);
    assert!(ram.load32(Iova(0xffc)).is_err());
    assert!(ram.load_block(Iova(0x1010)).is_ok());
    assert!(ram.load_block(Iova(0x1020)).is_err());
    let piece = ram
        .slice(Iova(0x1010), 64, memory::Direction::DeviceReads)
        .unwrap();
    assert_eq!(piece.len(), 16);
}
