//! Control transfers stage by stage. USB 2.0 §8.5.3.

use usb_model::device::{Disk, DiskOptions, Keyboard, KeyboardOptions};
use usb_model::{Stage, Status, UsbDevice};
use usb_spec::class::hid::ReportKind;
use usb_spec::descriptor::LanguageId;
use usb_spec::{DescriptorKind, Direction, Setup, Speed};

use crate::common::{Bench, RamSlice};

const IN: Direction = Direction::In;
const OUT: Direction = Direction::Out;

fn bench(speed: Speed) -> Bench<Disk<RamSlice>> {
    let mut bench = Bench::new(Disk::new(DiskOptions {
        speed,
        ..DiskOptions::default()
    }));
    bench.configure();
    bench
}

fn configuration(length: u16) -> Setup {
    Setup::get_descriptor(DescriptorKind::CONFIGURATION, 0, LanguageId::NONE, length)
}

#[test]
fn a_stage_without_a_setup_stalls() {
    let mut bench = bench(Speed::High);
    assert_eq!(bench.stage(IN, Stage::ControlData, 8).0, Status::Stall);
    assert_eq!(bench.stage(IN, Stage::ControlStatus, 0).0, Status::Stall);
}

#[test]
fn a_stage_in_the_wrong_direction_stalls_until_the_next_setup() {
    let mut bench = bench(Speed::High);
    bench.setup(configuration(32));
    assert_eq!(bench.stage(OUT, Stage::ControlData, 8).0, Status::Stall);
    assert_eq!(bench.stage(IN, Stage::ControlData, 32).0, Status::Stall);
    assert_eq!(bench.stage(OUT, Stage::ControlStatus, 0).0, Status::Stall);
    assert_eq!(
        bench.control_in(configuration(32)).unwrap().len(),
        32,
        "a SETUP ends the stall"
    );
}

#[test]
fn a_setup_begins_anew_in_the_middle_of_a_transfer() {
    let mut bench = bench(Speed::High);
    bench.setup(configuration(32));
    assert_eq!(bench.control_in(Setup::get_configuration()), Ok(vec![1]));
}

#[test]
fn the_host_may_end_the_data_stage_early() {
    let mut bench = bench(Speed::High);
    bench.setup(configuration(32));
    assert_eq!(bench.stage(OUT, Stage::ControlStatus, 0).0, Status::Ok);
}

#[test]
fn a_status_stage_in_the_direction_of_the_data_stalls() {
    let mut bench = bench(Speed::High);
    bench.setup(configuration(9));
    assert_eq!(bench.stage(IN, Stage::ControlData, 9), (Status::Ok, 9));
    assert_eq!(bench.stage(IN, Stage::ControlStatus, 0).0, Status::Stall);
}

#[test]
fn asking_for_more_than_was_announced_stalls() {
    let mut bench = bench(Speed::High);
    bench.setup(configuration(9));
    assert_eq!(bench.stage(IN, Stage::ControlData, 9), (Status::Ok, 9));
    assert_eq!(bench.stage(IN, Stage::ControlData, 9).0, Status::Stall);
}

#[test]
fn a_reply_of_whole_packets_that_is_shorter_than_asked_for_ends_with_an_empty_one() {
    let options = DiskOptions {
        speed: Speed::High,
        product: "x".repeat(31),
        ..DiskOptions::default()
    };
    let mut bench = Bench::new(Disk::<RamSlice>::new(options));
    bench.configure();
    let product =
        |length| Setup::get_descriptor(DescriptorKind::STRING, 2, LanguageId::ENGLISH_US, length);
    bench.setup(product(255));
    assert_eq!(bench.stage(IN, Stage::ControlData, 255), (Status::Ok, 64));
    assert_eq!(bench.stage(OUT, Stage::ControlStatus, 0).0, Status::Ok);

    bench.setup(product(64));
    assert_eq!(
        bench.stage(IN, Stage::ControlData, 255),
        (Status::Stall, 64),
        "exactly what was asked for has no end of its own"
    );
}

#[test]
fn data_that_was_not_announced_stalls() {
    let mut keyboard = Bench::new(Keyboard::<RamSlice>::new(KeyboardOptions::default()));
    keyboard.configure();
    keyboard.setup(Setup::set_report(ReportKind::OUTPUT, 0, 0, 1));
    assert_eq!(keyboard.stage(OUT, Stage::ControlData, 2).0, Status::Stall);
    assert_eq!(keyboard.device.leds().0, 0);
    assert_eq!(
        keyboard.control_out(Setup::set_report(ReportKind::OUTPUT, 0, 0, 1), &[2]),
        Status::Ok
    );
    assert_eq!(keyboard.device.leds().0, 2);
}

#[test]
fn larger_packets_than_the_host_expects_are_babble() {
    let mut bench = bench(Speed::Full);
    bench.packet_sizes.insert(0x80, 8);
    bench.setup(configuration(32));
    assert_eq!(bench.stage(IN, Stage::ControlData, 32).0, Status::Babble);
    bench.setup(configuration(8));
    assert_eq!(
        bench.stage(IN, Stage::ControlData, 8),
        (Status::Ok, 8),
        "eight bytes fit any host"
    );
}

#[test]
fn smaller_packets_than_the_host_expects_end_the_data() {
    let mut keyboard = Bench::new(Keyboard::<RamSlice>::new(KeyboardOptions::default()));
    keyboard.configure();
    keyboard.packet_sizes.insert(0x80, 64);
    keyboard.setup(configuration(34));
    assert_eq!(keyboard.stage(IN, Stage::ControlData, 34), (Status::Ok, 8));
}

#[test]
fn another_address_gets_no_answer() {
    let mut bench = bench(Speed::High);
    bench.address = 6;
    assert_eq!(
        bench
            .stage(OUT, Stage::Setup(Setup::get_status().to_bytes()), 0)
            .0,
        Status::TransactionError
    );
    bench.address = 5;
    bench.device.reset();
    assert_eq!(
        bench
            .stage(OUT, Stage::Setup(Setup::get_status().to_bytes()), 0)
            .0,
        Status::TransactionError
    );
}
