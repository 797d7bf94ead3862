//! The devices of `usb-model` behind the controller.

use memory::Slice;
use usb_model::device::{Disk, DiskOptions, Keyboard, KeyboardOptions};
use usb_model::{Work, WorkDone, WorkKind};
use usb_spec::Direction;
use usb_spec::class::mass_storage::Cbw;
use usb_spec::speed::Speed;
use xhci_model::WorkKey;
use xhci_spec::context::{EndpointContext, EndpointState, EndpointType};
use xhci_spec::number::SpeedId;
use xhci_spec::trb::{Command, CompletionCode, Trt};

use super::hands::{
    BUFFERS, BULK_IN, Hands, PORT, address_device, chained, configure_endpoint, data_stage, ioc,
    isp, normal, ok, setup, slot_input, status_stage, stop_endpoint, told,
};
use crate::common::memory::Piece;
use crate::common::{self, ms};

/// The disk's way out: endpoint 2 OUT.
const DISK_OUT: u8 = 4;
const COMMAND: memory::Iova = memory::Iova(BUFFERS.0 + 0x7000);
const STATUS: memory::Iova = memory::Iova(BUFFERS.0 + 0x7100);

fn control(hands: &mut Hands, bytes: [u8; 8]) -> CompletionCode {
    let length = u16::from_le_bytes([bytes[6], bytes[7]]);
    if length == 0 {
        hands.push_transfer(1, setup(bytes, Trt::NO_DATA));
    } else {
        hands.push_transfer(1, setup(bytes, Trt::IN));
        hands.push_transfer(1, data_stage(length.into(), true));
    }
    hands.push_transfer(1, status_stage(length == 0));
    hands.doorbell(1, 1);
    hands.told(1).last().expect("an event").code
}

/// A disk that is configured, with its unit attention told.
fn disk() -> Hands {
    let mut hands = Hands::new();
    let device: Disk<Piece> = Disk::new(DiskOptions::default());
    let now = hands.bench.now;
    let port = common::port(PORT);
    hands
        .bench
        .controller
        .attach(port, Box::new(device), now)
        .unwrap();
    hands.bench.pass(ms(300));
    hands.bench.events(0);
    hands.address();
    let descriptor = control(&mut hands, [0x80, 6, 0, 1, 0, 0, 18, 0]);
    assert_eq!(descriptor, CompletionCode::SUCCESS);
    assert_eq!(hands.bytes(BUFFERS, 2), [18, 1]);
    hands.write_configure_input(&[BULK_IN, DISK_OUT], 0);
    assert_eq!(hands.command(configure_endpoint()), ok(1));
    let configured = control(&mut hands, [0, 9, 1, 0, 0, 0, 0, 0]);
    assert_eq!(configured, CompletionCode::SUCCESS);
    send(&mut hands, &[0; 6], 0);
    status(&mut hands);
    hands
}

/// A command block on its way to the disk.
fn send(hands: &mut Hands, cdb: &[u8], length: u32) {
    let mut bytes = [0; 16];
    bytes[..cdb.len()].copy_from_slice(cdb);
    let cbw = Cbw {
        tag: 7,
        data_length: length,
        direction: Direction::In,
        lun: 0,
        cdb: bytes,
        cdb_length: u8::try_from(cdb.len()).unwrap(),
    };
    let controller = &hands.bench.controller;
    let slice = memory::Memory::slice(
        controller.memory(),
        COMMAND,
        31,
        memory::Direction::DeviceReads,
    );
    slice.unwrap().write(0, &cbw.to_bytes()).unwrap();
    let at = hands.push_transfer(DISK_OUT, normal(COMMAND, 31, ioc()));
    hands.doorbell(1, DISK_OUT);
    let expected = told(at, CompletionCode::SUCCESS, 0);
    assert_eq!(hands.told(DISK_OUT), [expected]);
}

/// The disk's status byte.
fn status(hands: &mut Hands) -> u8 {
    let at = hands.push_transfer(BULK_IN, normal(STATUS, 13, ioc()));
    hands.doorbell(1, BULK_IN);
    let expected = told(at, CompletionCode::SUCCESS, 0);
    assert_eq!(hands.told(BULK_IN), [expected]);
    hands.bytes(STATUS, 13)[12]
}

const READ_16_AT_8: [u8; 10] = [0x28, 0, 0, 0, 0, 8, 0, 0, 16, 0];

fn read_work(hands: &mut Hands) -> (WorkKey, Work<Piece>) {
    let (key, work) = hands.bench.controller.poll_work().expect("work");
    assert_eq!(work.kind, WorkKind::Read);
    assert_eq!((work.offset, work.length), (8 * 512, 16 * 512));
    (key, work)
}

fn finish(hands: &mut Hands, key: WorkKey, work: Work<Piece>) {
    for (number, buffer) in (1..).zip(&work.buffers) {
        buffer.fill(0, buffer.len(), number).unwrap();
    }
    let done = WorkDone {
        id: work.id,
        buffers: work.buffers,
        result: Ok(()),
    };
    hands.bench.controller.complete_work(key, done);
    hands.bench.service();
}

#[test]
fn a_disk_is_read_into_the_buffers_of_a_chained_td() {
    let mut hands = disk();
    send(&mut hands, &READ_16_AT_8, 16 * 512);
    for index in 0..7 {
        let at = BUFFERS.offset(1024 * index);
        hands.push_transfer(BULK_IN, normal(at, 1024, isp(chained())));
    }
    let last = hands.push_transfer(BULK_IN, normal(BUFFERS.offset(7168), 1024, ioc()));
    hands.doorbell(1, BULK_IN);
    let (key, work) = read_work(&mut hands);
    assert_eq!(work.buffers.len(), 8);
    assert_eq!(hands.told(BULK_IN), [], "the work is still to be done");
    finish(&mut hands, key, work);
    let expected = told(last, CompletionCode::SUCCESS, 0);
    assert_eq!(hands.told(BULK_IN), [expected]);
    for number in 1..=8 {
        let at = BUFFERS.offset(1024 * (number - 1));
        let expected = vec![u8::try_from(number).unwrap(); 1024];
        assert_eq!(hands.bytes(at, 1024), expected);
    }
    assert_eq!(status(&mut hands), 0);
}

#[test]
fn a_disk_that_works_on_buffers_keeps_stop_endpoint_waiting() {
    let mut hands = disk();
    send(&mut hands, &READ_16_AT_8, 16 * 512);
    hands.push_transfer(BULK_IN, normal(BUFFERS, 8192, ioc()));
    hands.doorbell(1, BULK_IN);
    let (key, work) = read_work(&mut hands);
    let at = hands.push_command(stop_endpoint(BULK_IN).emit());
    hands.doorbell(0, 0);
    hands.bench.pass(ms(1000));
    assert_eq!(hands.answers(at), []);
    finish(&mut hands, key, work);
    assert_eq!(hands.answers(at), [ok(1)]);
    assert_eq!(hands.state(BULK_IN), EndpointState::Stopped);
}

#[test]
fn a_disk_stalls_what_it_has_no_data_for_and_recovers() {
    let mut hands = disk();
    // A command that no disk knows, with data expected: the disk halts its endpoint, then tells the status.
    send(&mut hands, &[0xff, 0, 0, 0, 0, 0], 512);
    let at = hands.push_transfer(BULK_IN, normal(BUFFERS, 512, ioc()));
    hands.doorbell(1, BULK_IN);
    let expected = told(at, CompletionCode::STALL_ERROR, 512);
    assert_eq!(hands.told(BULK_IN), [expected]);
    let reset = super::hands::reset_endpoint(BULK_IN, false);
    assert_eq!(hands.command(reset), ok(1));
    let ring = hands.rings[usize::from(BULK_IN)];
    let moved = super::hands::set_dequeue(BULK_IN, ring);
    assert_eq!(hands.command(moved), ok(1));
    let clear_halt = control(&mut hands, [2, 1, 0, 0, 0x81, 0, 0, 0]);
    assert_eq!(clear_halt, CompletionCode::SUCCESS);
    assert_eq!(status(&mut hands), 1, "the command failed");
}

#[test]
fn a_keyboard_types_through_its_interrupt_endpoint() {
    let mut hands = Hands::new();
    let mut keyboard: Keyboard<Piece> = Keyboard::new(KeyboardOptions::default());
    assert_eq!(keyboard.type_text("ab"), 0);
    let now = hands.bench.now;
    let port = common::port(1);
    hands
        .bench
        .controller
        .attach(port, Box::new(keyboard), now)
        .unwrap();
    hands.bench.pass(ms(10));
    hands.bench.reset_port(1);
    hands.bench.events(0);
    assert_eq!(hands.command(Command::EnableSlot { slot_type: 0 }), ok(1));
    hands.write_address_input(1, SpeedId::LOW, 8);
    assert_eq!(hands.command(address_device(false)), ok(1));
    let interrupt = EndpointContext::default()
        .with_endpoint_type(EndpointType::InterruptIn)
        .with_max_packet_size(8)
        .with_interval(6)
        .with_max_esit_payload(8)
        .with_average_trb_length(8)
        .with_error_count(3)
        .with_tr_dequeue_pointer(hands.rings[3].here())
        .with_dequeue_cycle(true);
    hands.write_control(0, 1 | 1 << 3);
    hands.write_slot(slot_input(1, SpeedId::LOW).with_context_entries(3));
    hands.write_endpoint(3, interrupt);
    assert_eq!(hands.command(configure_endpoint()), ok(1));
    let configured = control(&mut hands, [0, 9, 1, 0, 0, 0, 0, 0]);
    assert_eq!(configured, CompletionCode::SUCCESS);
    let mut keys = Vec::new();
    for _ in 0..20 {
        hands.transfer(3, 8);
        hands.bench.pass(ms(50));
        hands.told(3);
        keys.push(hands.bytes(BUFFERS, 8)[2]);
    }
    keys.retain(|key| *key != 0);
    keys.dedup();
    assert_eq!(keys, [4, 5], "usage codes of a and b");
    assert_eq!(
        Speed::Low,
        hands.bench.controller.device_mut(port).unwrap().speed()
    );
}
