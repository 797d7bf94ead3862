//! Gadget zero, as `usbtest` meets it. The numbers of cases are its.

use usb_model::device::{Pattern, Zero, ZeroOptions};
use usb_model::{Stage, Status, Token, UsbDevice};
use usb_spec::descriptor::{BosView, ConfigurationView, Device, DeviceQualifier, LanguageId};
use usb_spec::{DescriptorKind, EndpointAddress, Setup, Speed, TransferKind};

use crate::common::{Bench, RamSlice};

const BULK_IN: EndpointAddress = EndpointAddress(0x81);
const BULK_OUT: EndpointAddress = EndpointAddress(0x01);
const INTERRUPT_IN: EndpointAddress = EndpointAddress(0x82);
const INTERRUPT_OUT: EndpointAddress = EndpointAddress(0x02);

const SPEEDS: [Speed; 4] = [Speed::Full, Speed::High, Speed::Super, Speed::SuperPlus];

type ZeroBench = Bench<Zero<RamSlice>>;

fn zero(options: &ZeroOptions, configuration: u8) -> ZeroBench {
    let mut bench = Bench::new(Zero::new(options));
    let speed = bench.device.speed();
    for (endpoint, kind) in [
        (BULK_IN, TransferKind::Bulk),
        (BULK_OUT, TransferKind::Bulk),
        (INTERRUPT_IN, TransferKind::Interrupt),
        (INTERRUPT_OUT, TransferKind::Interrupt),
    ] {
        let size = speed.largest_packet(kind).unwrap();
        bench.packet_sizes.insert(endpoint.0, size);
    }
    bench.address();
    assert_eq!(
        bench.control_out(Setup::set_configuration(configuration), &[]),
        Status::Ok
    );
    bench
}

fn of(speed: Speed, pattern: Pattern) -> ZeroBench {
    let options = ZeroOptions {
        speed,
        pattern,
        ..ZeroOptions::default()
    };
    zero(&options, 3)
}

fn get(
    bench: &mut ZeroBench,
    kind: DescriptorKind,
    index: u8,
    length: u16,
) -> Result<Vec<u8>, Status> {
    bench.control_in(Setup::get_descriptor(kind, index, LanguageId::NONE, length))
}

fn mod63(length: usize, packet: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from(at % packet % 63).unwrap())
        .collect()
}

fn write(
    bench: &mut ZeroBench,
    endpoint: EndpointAddress,
    bytes: &[u8],
) -> Option<(Status, usize)> {
    bench.ram.put(0, bytes);
    bench.transfer(endpoint, bytes.len())
}

#[test]
fn it_has_the_ids_and_the_two_configurations_of_the_module() {
    for speed in SPEEDS {
        let mut bench = of(speed, Pattern::Zeroes);
        let device =
            Device::parse(&get(&mut bench, DescriptorKind::DEVICE, 0, 18).unwrap()).unwrap();
        assert_eq!((device.vendor, device.product), (0x0525, 0xa4a0));
        assert_eq!((device.class, device.configurations), (0xff, 2));
        let mut shape = Vec::new();
        for index in 0..2 {
            let bytes = get(&mut bench, DescriptorKind::CONFIGURATION, index, 256).unwrap();
            let view = ConfigurationView::parse(&bytes).unwrap();
            view.check().unwrap();
            assert!(view.header().is_self_powered());
            let setting = view.interface(0).unwrap().default_alternate().unwrap();
            shape.push((view.header().value, setting.endpoints().count()));
        }
        assert_eq!(
            shape,
            [(3, 4), (2, 2)],
            "interrupt endpoints share the setting of the bulk pair"
        );
        assert!(get(&mut bench, DescriptorKind::CONFIGURATION, 2, 256).is_err());
    }
}

#[test]
fn each_configuration_can_be_chosen_and_is_told_case_9() {
    let mut bench = of(Speed::High, Pattern::Zeroes);
    for value in [2, 3, 0, 2] {
        assert_eq!(
            bench.control_out(Setup::set_configuration(value), &[]),
            Status::Ok
        );
        assert_eq!(
            bench.control_in(Setup::get_configuration()),
            Ok(vec![value])
        );
    }
    assert_eq!(
        bench.control_out(Setup::set_configuration(1), &[]),
        Status::Stall
    );
    assert_eq!(bench.control_in(Setup::get_configuration()), Ok(vec![2]));
}

#[test]
fn version_2_0_has_a_qualifier_and_other_speed_configurations_and_version_2_1_a_bos() {
    for super_speed_capable in [false, true] {
        let options = ZeroOptions {
            super_speed_capable,
            ..ZeroOptions::default()
        };
        let mut bench = zero(&options, 3);
        let device =
            Device::parse(&get(&mut bench, DescriptorKind::DEVICE, 0, 18).unwrap()).unwrap();
        let bos = get(&mut bench, DescriptorKind::BOS, 0, 255);
        if super_speed_capable {
            assert_eq!(device.usb_version.0, 0x0210);
            let store = bos.unwrap();
            assert_eq!(BosView::parse(&store).unwrap().capabilities().count(), 2);
        } else {
            assert_eq!(device.usb_version.0, 0x0200);
            assert_eq!(
                bos,
                Err(Status::Stall),
                "asked for below 2.1, it must stall: case 10"
            );
        }
        let qualifier = get(&mut bench, DescriptorKind::DEVICE_QUALIFIER, 0, 10).unwrap();
        assert_eq!(
            DeviceQualifier::parse(&qualifier).unwrap().configurations,
            2
        );
        for index in 0..2 {
            let kind = DescriptorKind::OTHER_SPEED_CONFIGURATION;
            let other = get(&mut bench, kind, index, 256).unwrap();
            assert_eq!(other[1], kind.0);
            assert_eq!(
                usize::from(u16::from_le_bytes([other[2], other[3]])),
                other.len()
            );
        }
    }
}

#[test]
fn sixteen_control_requests_are_answered_in_order_with_stalls_between_case_10() {
    for speed in SPEEDS {
        let mut bench = of(speed, Pattern::Zeroes);
        let device = |kind: u8, length| Setup::from_bytes([0x80, 6, 0, kind, 0, 0, length, 0]);
        let queue = [
            (device(1, 18), Some(18)),
            (device(2, 9), Some(9)),
            (Setup::from_bytes([0x81, 10, 0, 0, 0, 0, 1, 0]), Some(1)),
            (Setup::from_bytes([0x81, 0, 0, 0, 0, 0, 2, 0]), Some(2)),
            (Setup::from_bytes([0x80, 0, 0, 0, 0, 0, 2, 0]), Some(2)),
            (device(6, 10), (speed <= Speed::High).then_some(10)),
            (device(2, 18), Some(18)),
            (device(4, 9), None),
            (Setup::from_bytes([0x02, 1, 0, 0, 0, 0, 0, 0]), Some(0)),
            (Setup::from_bytes([0x82, 0, 0, 0, 0, 0, 2, 0]), Some(2)),
            (device(5, 9), None),
            (device(3, 9), Some(4)),
            (device(1, 64), Some(18)),
            (device(15, 5), speed.is_super().then_some(5)),
        ];
        let mut tokens = Vec::new();
        for (setup, _) in &queue {
            tokens.push(submit_all(&mut bench, *setup));
        }
        bench.run();
        let order: Vec<Token> = bench.done.iter().map(|done| done.token).collect();
        assert!(order.is_sorted(), "in order");
        for ((setup, expected), stages) in queue.iter().zip(tokens) {
            let mut ends = stages.iter().map(|token| bench.take(*token).unwrap());
            assert_eq!(
                ends.next().unwrap().status,
                Status::Ok,
                "a SETUP is always taken"
            );
            let last = ends
                .find(|end| end.status == Status::Stall || end.bytes > 0)
                .map(|end| (end.status, end.bytes));
            let wanted = match expected {
                Some(0) => None,
                Some(bytes) => Some((Status::Ok, *bytes)),
                None => Some((Status::Stall, 0)),
            };
            assert_eq!(last, wanted, "{setup:?} at {speed}");
        }
    }
}

/// All stages at once, as a controller with a full ring would; a stage behind a stall is another stall.
fn submit_all(bench: &mut ZeroBench, setup: Setup) -> Vec<Token> {
    let (zero, back) = (EndpointAddress::ZERO, EndpointAddress(0x80));
    let mut tokens = vec![bench.submit(zero, Stage::Setup(setup.to_bytes()), 0)];
    if setup.length > 0 {
        tokens.push(bench.submit(back, Stage::ControlData, usize::from(setup.length)));
        tokens.push(bench.submit(zero, Stage::ControlStatus, 0));
    } else {
        tokens.push(bench.submit(back, Stage::ControlStatus, 0));
    }
    tokens
}

#[test]
fn the_source_sends_its_pattern_without_end_cases_2_and_26() {
    for speed in SPEEDS {
        for pattern in [Pattern::Zeroes, Pattern::Mod63] {
            let mut bench = of(speed, pattern);
            for endpoint in [BULK_IN, INTERRUPT_IN] {
                let packet = usize::from(bench.packet_sizes[&endpoint.0]);
                for packets in [1, 3, 40] {
                    let length = packets * packet;
                    bench.ram.put(0, &vec![0xa5; length]);
                    assert_eq!(bench.transfer(endpoint, length), Some((Status::Ok, length)));
                    let expected = if pattern == Pattern::Zeroes {
                        vec![0; length]
                    } else {
                        mod63(length, packet)
                    };
                    assert_eq!(bench.ram.get(0, length), expected);
                }
            }
        }
    }
}

#[test]
fn a_source_sends_whole_packets_so_a_host_without_room_for_one_hears_babble() {
    let mut bench = of(Speed::High, Pattern::Zeroes);
    assert_eq!(bench.transfer(BULK_IN, 700), Some((Status::Babble, 512)));
}

#[test]
fn the_sink_takes_its_pattern_cases_1_3_and_25() {
    for speed in SPEEDS {
        for pattern in [Pattern::Zeroes, Pattern::Mod63, Pattern::Any] {
            let mut bench = of(speed, pattern);
            for endpoint in [BULK_OUT, INTERRUPT_OUT] {
                let packet = usize::from(bench.packet_sizes[&endpoint.0]);
                for length in [0, 1, packet, packet + 7, 9000, 40 * packet] {
                    let bytes = if pattern == Pattern::Zeroes {
                        vec![0; length]
                    } else {
                        mod63(length, packet)
                    };
                    assert_eq!(
                        write(&mut bench, endpoint, &bytes),
                        Some((Status::Ok, length)),
                        "{speed}, {length}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_sink_halts_behind_bytes_that_it_did_not_want() {
    for (pattern, bad) in [
        (Pattern::Zeroes, vec![0, 0, 1]),
        (Pattern::Mod63, vec![0, 1, 3]),
    ] {
        let mut bench = of(Speed::High, pattern);
        assert_eq!(
            write(&mut bench, BULK_OUT, &bad),
            Some((Status::Ok, 3)),
            "the packet itself was taken"
        );
        assert_eq!(write(&mut bench, BULK_OUT, &[0]), Some((Status::Stall, 0)));
        assert!(bench.is_halted(BULK_OUT));
        assert_eq!(bench.clear_halt(BULK_OUT), Status::Ok);
        assert_eq!(write(&mut bench, BULK_OUT, &[0]), Some((Status::Ok, 1)));
    }
    let mut bench = of(Speed::High, Pattern::Any);
    assert_eq!(write(&mut bench, BULK_OUT, &[9, 9]), Some((Status::Ok, 2)));
    assert!(!bench.is_halted(BULK_OUT));
}

#[test]
fn a_halt_of_the_device_survives_a_host_that_only_resets_its_own_side_case_13() {
    for speed in SPEEDS {
        let mut bench = of(speed, Pattern::Zeroes);
        for endpoint in [BULK_IN, BULK_OUT] {
            let packet = usize::from(bench.packet_sizes[&endpoint.0]);
            bench.ram.put(0, &vec![0; packet]);
            assert_eq!(bench.transfer(endpoint, packet), Some((Status::Ok, packet)));
            let halt = Setup::from_bytes([0x02, 3, 0, 0, endpoint.0, 0, 0, 0]);
            assert_eq!(bench.control_out(halt, &[]), Status::Ok);
            for _ in 0..3 {
                // What Reset Endpoint does: the controller forgets, the device does not.
                bench.sequences.insert(endpoint.0, 0);
                assert!(bench.is_halted(endpoint));
                assert_eq!(bench.transfer(endpoint, packet).unwrap().0, Status::Stall);
            }
            assert_eq!(bench.clear_halt(endpoint), Status::Ok);
            assert!(!bench.is_halted(endpoint));
            bench.ram.put(0, &vec![0; packet]);
            assert_eq!(bench.transfer(endpoint, packet), Some((Status::Ok, packet)));
        }
    }
}

#[test]
fn a_cleared_halt_sets_the_sequence_back_case_29() {
    for speed in SPEEDS {
        let mut bench = of(speed, Pattern::Mod63);
        let packet = usize::from(bench.packet_sizes[&BULK_OUT.0]);
        for _ in 0..4 {
            assert_eq!(bench.clear_halt(BULK_OUT), Status::Ok);
            for length in [packet, packet, 0] {
                let bytes = mod63(length, packet);
                assert_eq!(
                    write(&mut bench, BULK_OUT, &bytes),
                    Some((Status::Ok, length))
                );
            }
        }
    }
}

#[test]
fn the_control_buffer_is_filled_returned_and_kept_cases_14_and_21() {
    for speed in SPEEDS {
        let mut bench = of(speed, Pattern::Zeroes);
        let fill = |length: u16| Setup {
            length,
            ..Setup::from_bytes([0x40, 0x5b, 0, 0, 0, 0, 0, 0])
        };
        let back = |length: u16| Setup {
            length,
            ..Setup::from_bytes([0xc0, 0x5c, 0, 0, 0, 0, 0, 0])
        };
        for length in [0_u16, 1, 8, 63, 64, 65, 512, 1000, 4096] {
            let bytes: Vec<u8> = (0..length)
                .map(|at| u8::try_from((at * 3 + length) % 251).unwrap())
                .collect();
            assert_eq!(
                bench.control_out(fill(length), &bytes),
                Status::Ok,
                "{length}"
            );
            get(&mut bench, DescriptorKind::DEVICE, 0, 18).unwrap();
            assert_eq!(bench.control_in(back(length)), Ok(bytes), "{length}");
        }
        assert_eq!(bench.control_out(fill(4097), &[0; 4097]), Status::Stall);
        let elsewhere = Setup {
            index: 1,
            ..back(8)
        };
        assert_eq!(bench.control_in(elsewhere), Err(Status::Stall));
        bench.control_out(Setup::set_configuration(2), &[]);
        assert_eq!(
            bench.control_in(back(8)),
            Err(Status::Stall),
            "the loop does not know it"
        );
    }
}

#[test]
fn the_loop_returns_messages_as_they_came() {
    for speed in SPEEDS {
        let options = ZeroOptions {
            speed,
            ..ZeroOptions::default()
        };
        let mut bench = zero(&options, 2);
        let packet = usize::from(bench.packet_sizes[&BULK_IN.0]);
        assert_eq!(bench.transfer(BULK_IN, packet), None, "nothing came in yet");
        let lengths = [3, packet - 1, packet + 5, 0, 100];
        for length in lengths {
            let bytes: Vec<u8> = (0..length)
                .map(|at| u8::try_from(at % 250).unwrap())
                .collect();
            assert_eq!(
                write(&mut bench, BULK_OUT, &bytes),
                Some((Status::Ok, length))
            );
        }
        for length in lengths {
            assert_eq!(
                bench.transfer(BULK_IN, 4096),
                Some((Status::Ok, length)),
                "{speed}"
            );
            let bytes: Vec<u8> = (0..length)
                .map(|at| u8::try_from(at % 250).unwrap())
                .collect();
            assert_eq!(bench.ram.get(0, length), bytes);
        }
        assert_eq!(
            write(&mut bench, BULK_OUT, &vec![7; packet]),
            Some((Status::Ok, packet))
        );
        assert_eq!(bench.transfer(BULK_IN, 4096), None, "the message goes on");
        assert_eq!(write(&mut bench, BULK_OUT, &[]), Some((Status::Ok, 0)));
        assert_eq!(
            bench.transfer(BULK_IN, 4096),
            Some((Status::Ok, packet)),
            "and ends with an empty packet"
        );
    }
}

#[test]
fn a_full_loop_says_nak_until_something_is_fetched() {
    let mut bench = zero(&ZeroOptions::default(), 2);
    for _ in 0..32 {
        assert_eq!(write(&mut bench, BULK_OUT, &[1]), Some((Status::Ok, 1)));
    }
    assert_eq!(write(&mut bench, BULK_OUT, &[1]), None);
    assert_eq!(bench.transfer(BULK_IN, 512), Some((Status::Ok, 1)));
    assert_eq!(write(&mut bench, BULK_OUT, &[1]), Some((Status::Ok, 1)));
}

#[test]
fn requests_of_one_queue_are_taken_back_from_its_middle_case_24() {
    let options = ZeroOptions::default();
    let mut bench = zero(&options, 3);
    let tokens: Vec<Token> = (0..8)
        .map(|_| bench.submit(BULK_OUT, Stage::Transfer, 512))
        .collect();
    for at in [4, 6] {
        let taken = bench.device.cancel(tokens[at]);
        assert!(matches!(taken, usb_model::Cancelled::Taken(_)));
    }
    bench.run();
    let done: Vec<Token> = bench.done.iter().map(|done| done.token).collect();
    assert_eq!(done, [0, 1, 2, 3, 5, 7].map(|at| tokens[at]));
}

#[test]
fn a_new_configuration_empties_the_loop_and_ends_halts() {
    let mut bench = zero(&ZeroOptions::default(), 2);
    assert_eq!(write(&mut bench, BULK_OUT, &[1]), Some((Status::Ok, 1)));
    for value in [3, 2] {
        let setup = Setup::set_configuration(value);
        assert_eq!(bench.control_out(setup, &[]), Status::Ok);
        bench.sequences.clear();
        if value == 3 {
            assert_eq!(write(&mut bench, BULK_OUT, &[1]), Some((Status::Ok, 1)));
            assert!(bench.is_halted(BULK_OUT), "the sink wants zeroes");
        }
    }
    assert!(!bench.is_halted(BULK_OUT));
    assert_eq!(bench.transfer(BULK_IN, 512), None);
}
