//! The serial port, the tablet, and the keyboard with a disk.

use std::time::Duration;

use usb_model::device::{
    Composite, CompositeOptions, DiskOptions, Framing, Pointer, Serial, SerialOptions, Tablet,
    TabletOptions,
};
use usb_model::{Stage, Status, UsbDevice};
use usb_spec::class::hid::{BootKeyboardReport, Keystroke, ReportKind};
use usb_spec::class::mass_storage::scsi::Command;
use usb_spec::class::mass_storage::{Cbw, Csw, CswStatus};
use usb_spec::descriptor::{ConfigurationView, Device, LanguageId};
use usb_spec::setup::Feature;
use usb_spec::{DescriptorKind, Direction, EndpointAddress, Setup, Speed, TransferKind};

use crate::common::{Bench, RamSlice};

const IN: EndpointAddress = EndpointAddress(0x81);
const OUT: EndpointAddress = EndpointAddress(0x02);
/// The disk's, where the keyboard has the first.
const DISK_IN: EndpointAddress = EndpointAddress(0x82);

const BULK_SPEEDS: [Speed; 4] = [Speed::Full, Speed::High, Speed::Super, Speed::SuperPlus];

fn configuration<D: UsbDevice<RamSlice>>(bench: &mut Bench<D>) -> Vec<u8> {
    let kind = DescriptorKind::CONFIGURATION;
    let bytes = bench
        .control_in(Setup::get_descriptor(kind, 0, LanguageId::NONE, 512))
        .unwrap();
    ConfigurationView::parse(&bytes).unwrap().check().unwrap();
    bytes
}

fn ids<D: UsbDevice<RamSlice>>(bench: &mut Bench<D>) -> (u16, u16) {
    let setup = Setup::get_descriptor(DescriptorKind::DEVICE, 0, LanguageId::NONE, 18);
    let device = Device::parse(&bench.control_in(setup).unwrap()).unwrap();
    (device.vendor, device.product)
}

fn serial(speed: Speed, framing: Framing) -> Bench<Serial<RamSlice>> {
    let options = SerialOptions {
        speed,
        framing,
        ..SerialOptions::default()
    };
    let mut bench = Bench::new(Serial::new(&options));
    let packet = bench
        .device
        .speed()
        .largest_packet(TransferKind::Bulk)
        .unwrap();
    bench.packet_sizes.insert(IN.0, packet);
    bench.packet_sizes.insert(OUT.0, packet);
    bench.configure();
    bench
}

fn write<D: UsbDevice<RamSlice>>(bench: &mut Bench<D>, bytes: &[u8]) -> Option<(Status, usize)> {
    bench.ram.put(0, bytes);
    bench.transfer(OUT, bytes.len())
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect()
}

#[test]
fn a_raw_serial_port_echoes_what_it_hears_at_each_speed() {
    for speed in Speed::ALL {
        let mut bench = serial(speed, Framing::Raw);
        configuration(&mut bench);
        assert_eq!(ids(&mut bench), (0x1209, 0x0004));
        assert_eq!(bench.transfer(IN, 64), None);
        for length in [1, 64, 1000, 4096] {
            assert_eq!(
                write(&mut bench, &pattern(length)),
                Some((Status::Ok, length))
            );
            assert_eq!(bench.transfer(IN, length).unwrap().1, length);
            assert_eq!(bench.ram.get(0, length), pattern(length));
        }
    }
}

#[test]
fn a_serial_port_takes_no_more_than_it_can_keep() {
    let mut bench = serial(Speed::Full, Framing::Raw);
    assert_eq!(write(&mut bench, &pattern(4096)), Some((Status::Ok, 4096)));
    let token = {
        bench.ram.put(5000, b"!");
        bench.submit(OUT, Stage::Transfer, 1)
    };
    bench.run();
    assert!(bench.take(token).is_none(), "NAK");
    assert_eq!(bench.transfer(IN, 64), Some((Status::Ok, 64)));
    bench.run();
    assert_eq!(bench.take(token).unwrap().status, Status::Ok);
}

#[test]
fn an_ftdi_port_heads_each_packet_with_its_status() {
    for speed in BULK_SPEEDS {
        let mut bench = serial(speed, Framing::Ftdi);
        assert_eq!(ids(&mut bench), (0x0403, 0x6001));
        let packet = usize::from(bench.packet_sizes[&IN.0]);
        let length = 2 * packet;
        assert_eq!(
            write(&mut bench, &pattern(length)),
            Some((Status::Ok, length))
        );
        // Two full packets and one with the four bytes that the heads have pushed out.
        let (status, bytes) = bench.transfer(IN, 4 * packet).unwrap();
        assert_eq!((status, bytes), (Status::Ok, length + 6));
        let got = bench.ram.get(0, bytes);
        let mut data = Vec::new();
        for piece in got.chunks(packet) {
            assert_eq!(piece[..2], [0xb1, 0x60]);
            data.extend_from_slice(&piece[2..]);
        }
        assert_eq!(data, pattern(length));
    }
}

#[test]
fn an_ftdi_port_with_nothing_to_say_tells_its_status_once_a_latency() {
    let mut bench = serial(Speed::Full, Framing::Ftdi);
    assert_eq!(bench.transfer(IN, 64), Some((Status::Ok, 2)));
    assert_eq!(bench.transfer(IN, 64), None);
    bench.wait(Duration::from_millis(16));
    assert_eq!(bench.transfer(IN, 64), Some((Status::Ok, 2)));
    let latency = Setup::from_bytes([0x40, 9, 100, 0, 0, 0, 0, 0]);
    assert_eq!(bench.control_out(latency, &[]), Status::Ok);
    assert_eq!(
        bench.control_in(Setup::from_bytes([0xc0, 10, 0, 0, 0, 0, 1, 0])),
        Ok(vec![100])
    );
    bench.wait(Duration::from_millis(99));
    assert_eq!(bench.transfer(IN, 64), None);
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.transfer(IN, 64), Some((Status::Ok, 2)));
}

#[test]
fn an_ftdi_port_takes_what_drivers_set_and_purges_what_waits() {
    let mut bench = serial(Speed::Full, Framing::Ftdi);
    for request in [1, 2, 3, 4, 6, 7] {
        let setup = Setup::from_bytes([0x40, request, 0x1a, 0, 0, 0, 0, 0]);
        assert_eq!(bench.control_out(setup, &[]), Status::Ok, "{request}");
    }
    let modem = Setup::from_bytes([0xc0, 5, 0, 0, 0, 0, 2, 0]);
    assert_eq!(bench.control_in(modem), Ok(vec![0xb1, 0x60]));
    assert_eq!(write(&mut bench, b"lost"), Some((Status::Ok, 4)));
    assert_eq!(
        bench.control_out(Setup::from_bytes([0x40, 0, 1, 0, 0, 0, 0, 0]), &[]),
        Status::Ok
    );
    assert_eq!(bench.transfer(IN, 64), Some((Status::Ok, 2)));
    let mut raw = serial(Speed::Full, Framing::Raw);
    assert_eq!(raw.control_in(modem), Err(Status::Stall));
}

fn tablet(speed: Speed) -> Bench<Tablet<RamSlice>> {
    let options = TabletOptions {
        speed,
        ..TabletOptions::default()
    };
    let mut bench = Bench::new(Tablet::new(&options));
    bench.packet_sizes.insert(IN.0, 8);
    bench.configure();
    bench
}

#[test]
fn a_tablet_tells_places_and_buttons_at_each_speed() {
    for speed in Speed::ALL {
        let mut bench = tablet(speed);
        configuration(&mut bench);
        assert_eq!(bench.transfer(IN, 8), None, "nobody touches it");
        let place = Pointer {
            x: 0x1234,
            y: 0x7fff,
            buttons: 0,
            wheel: 0,
        };
        bench.device.point(place);
        bench.device.point(Pointer { x: 0x4321, ..place });
        bench.device.point(Pointer {
            x: 0xffff,
            y: 0,
            buttons: 1,
            wheel: -1,
        });
        bench.device.point(Pointer {
            x: 1,
            y: 0,
            buttons: 1,
            wheel: 0,
        });
        let mut reports = Vec::new();
        while let Some((status, bytes)) = bench.transfer(IN, 8) {
            assert_eq!((status, bytes), (Status::Ok, 6));
            reports.push(bench.ram.get(0, 6));
        }
        let expected = [
            [0, 0x21, 0x43, 0xff, 0x7f, 0],
            [1, 0xff, 0x7f, 0, 0, 0xff],
            [1, 1, 0, 0, 0, 0],
        ];
        assert_eq!(
            reports, expected,
            "places in between are left out, clicks and turns are not"
        );
        assert!(bench.device.has_told_all());
    }
}

#[test]
fn a_tablet_answers_its_class_requests() {
    let mut bench = tablet(Speed::Full);
    let kind = DescriptorKind::HID_REPORT;
    let report = bench
        .control_in(Setup::get_interface_descriptor(kind, 0, 0, 255))
        .unwrap();
    let bytes = configuration(&mut bench);
    let view = ConfigurationView::parse(&bytes).unwrap();
    let setting = view.interface(0).unwrap().default_alternate().unwrap();
    assert_eq!(setting.descriptor.class, 3);
    assert_eq!(
        setting.hid().unwrap().report_length,
        u16::try_from(report.len()).unwrap()
    );
    assert_eq!(input_bits(&report), 6 * 8);
    assert_eq!(
        bench.control_out(Setup::set_idle(25, 0, 0), &[]),
        Status::Ok
    );
    assert_eq!(bench.control_in(Setup::get_idle(0, 0)), Ok(vec![25]));
    bench.device.point(Pointer {
        x: 5,
        ..Pointer::default()
    });
    assert_eq!(bench.transfer(IN, 8), Some((Status::Ok, 6)));
    assert_eq!(
        bench.control_in(Setup::get_report(ReportKind::INPUT, 0, 0, 6)),
        Ok(vec![0, 5, 0, 0, 0, 0])
    );
    assert_eq!(bench.transfer(IN, 8), None);
    bench.wait(Duration::from_millis(100));
    assert_eq!(
        bench.transfer(IN, 8),
        Some((Status::Ok, 6)),
        "idle is over: again"
    );
}

/// The size of the input report that a report descriptor declares: report size times count at each INPUT item.
fn input_bits(descriptor: &[u8]) -> usize {
    let (mut at, mut size, mut count, mut bits) = (0, 0, 0, 0);
    while at < descriptor.len() {
        let (item, length) = (descriptor[at] & 0xfc, usize::from(descriptor[at] & 3));
        let value = descriptor.get(at + 1).copied().map_or(0, usize::from);
        match item {
            0x74 => size = value,
            0x94 => count = value,
            0x80 => bits += size * count,
            _ => {}
        }
        at += 1 + length;
    }
    bits
}

#[test]
fn a_tablet_wakes_its_host_if_it_was_armed() {
    let mut bench = tablet(Speed::Full);
    bench.control_out(Setup::set_feature(Feature::DEVICE_REMOTE_WAKEUP), &[]);
    bench.device.suspend(true);
    bench.device.point(Pointer::default());
    bench.run();
    assert_eq!(bench.wakes, 1);
}

fn composite(speed: Speed) -> Bench<Composite<RamSlice>> {
    let disk = DiskOptions {
        speed,
        blocks: 64,
        ..DiskOptions::default()
    };
    let options = CompositeOptions {
        disk,
        ..CompositeOptions::default()
    };
    let mut bench = Bench::new(Composite::new(options));
    bench.medium = pattern(64 * 512);
    let packet = bench
        .device
        .speed()
        .largest_packet(TransferKind::Bulk)
        .unwrap();
    bench.packet_sizes.insert(IN.0, 8);
    bench.packet_sizes.insert(DISK_IN.0, packet);
    bench.packet_sizes.insert(OUT.0, packet);
    bench.configure();
    bench
}

fn command(
    bench: &mut Bench<Composite<RamSlice>>,
    command: Command,
    length: u32,
) -> (Vec<u8>, CswStatus) {
    let cbw = Cbw::new(7, length, Direction::In, 0, command.emit());
    assert_eq!(
        write(bench, &cbw.to_bytes()),
        Some((Status::Ok, Cbw::LENGTH))
    );
    let mut data = Vec::new();
    if length > 0 {
        let (status, bytes) = bench.transfer(DISK_IN, length as usize).unwrap();
        assert_eq!(status, Status::Ok);
        data = bench.ram.get(0, bytes);
    }
    assert_eq!(
        bench.transfer(DISK_IN, Csw::LENGTH),
        Some((Status::Ok, Csw::LENGTH))
    );
    (
        data,
        Csw::parse(&bench.ram.get(0, Csw::LENGTH)).unwrap().status,
    )
}

#[test]
fn a_composite_device_types_while_its_disk_reads() {
    for speed in BULK_SPEEDS {
        let mut bench = composite(speed);
        let bytes = configuration(&mut bench);
        let view = ConfigurationView::parse(&bytes).unwrap();
        assert_eq!(view.header().interfaces, 2);
        let classes: Vec<u8> = (0..2)
            .map(|number| {
                view.interface(number)
                    .unwrap()
                    .default_alternate()
                    .unwrap()
                    .descriptor
                    .class
            })
            .collect();
        assert_eq!(classes, [3, 8]);
        bench.control_out(Setup::set_idle(0, 0, 0), &[]);
        assert_eq!(
            command(&mut bench, Command::TestUnitReady, 0).1,
            CswStatus::FAILED
        );
        let key = bench.submit(IN, Stage::Transfer, 8);
        let read = Command::Read10 {
            lba: 2,
            blocks: 3,
            fua: false,
        };
        let (data, status) = command(&mut bench, read, 3 * 512);
        assert_eq!(
            (data, status),
            (pattern(64 * 512)[1024..2560].to_vec(), CswStatus::PASSED)
        );
        assert!(bench.take(key).is_none(), "nobody has typed");
        bench.device.type_text("k");
        bench.run();
        assert_eq!(bench.take(key).unwrap().bytes, 8);
    }
}

#[test]
fn a_composite_device_keeps_its_interfaces_apart() {
    let mut bench = composite(Speed::High);
    assert_eq!(bench.control_in(Setup::get_max_lun(1)), Ok(vec![0]));
    assert_eq!(bench.control_in(Setup::get_max_lun(0)), Err(Status::Stall));
    assert_eq!(bench.control_in(Setup::get_idle(0, 0)), Ok(vec![125]));
    assert_eq!(bench.control_in(Setup::get_idle(0, 1)), Err(Status::Stall));
    assert_eq!(
        write(&mut bench, b"no command block"),
        Some((Status::Ok, 16))
    );
    assert!(bench.is_halted(DISK_IN) && bench.is_halted(OUT) && !bench.is_halted(IN));
    bench.clear_halt(DISK_IN);
    assert!(bench.is_halted(DISK_IN), "until the reset recovery");
    bench.device.type_text("a");
    assert_eq!(
        bench.transfer(IN, 8),
        Some((Status::Ok, 8)),
        "the keyboard does not care"
    );
    let report = BootKeyboardReport::parse(&bench.ram.get(0, 8)).unwrap();
    let typed = report
        .pressed_since(&BootKeyboardReport::RELEASED)
        .next()
        .unwrap();
    assert_eq!(
        Keystroke {
            usage: typed,
            shift: false
        }
        .to_char(),
        Some('a')
    );
    assert_eq!(bench.control_out(Setup::bot_reset(1), &[]), Status::Ok);
    bench.clear_halt(DISK_IN);
    bench.clear_halt(OUT);
    assert_eq!(
        command(&mut bench, Command::TestUnitReady, 0).1,
        CswStatus::FAILED
    );
}
