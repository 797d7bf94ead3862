//! Endpoints as hardware has them: sequences, packet sizes, order, cancelling, reset.

use usb_model::device::DiskOptions;
use usb_model::{Cancelled, Stage, Status, UsbDevice, chapter9};
use usb_spec::class::mass_storage::scsi::Command;
use usb_spec::class::mass_storage::{Csw, CswStatus};
use usb_spec::{Direction, EndpointAddress, Setup, Speed};

use crate::common::DiskBench;

const IN: EndpointAddress = DiskBench::IN;
const OUT: EndpointAddress = DiskBench::OUT;

fn disk(speed: Speed) -> DiskBench {
    DiskBench::ready(DiskOptions {
        speed,
        ..DiskOptions::default()
    })
}

fn ask(disk: &mut DiskBench, blocks: u16) {
    let length = u32::from(blocks) * 512;
    let cbw = disk.cbw(
        Command::Read10 {
            lba: 0,
            blocks,
            fua: false,
        },
        length,
        Direction::In,
    );
    assert_eq!(disk.send(&cbw.to_bytes()), Some((Status::Ok, 31)));
}

fn flip(disk: &mut DiskBench, endpoint: EndpointAddress) {
    let sequence = disk.sequences.entry(endpoint.0).or_default();
    *sequence = (*sequence + 1) % 2;
}

#[test]
fn an_out_packet_with_the_wrong_toggle_is_acknowledged_and_lost() {
    let mut disk = disk(Speed::High);
    flip(&mut disk, OUT);
    ask(&mut disk, 1);
    assert_eq!(
        disk.transfer(IN, 512),
        None,
        "the disk has not seen the command"
    );
    ask(&mut disk, 1);
    assert_eq!(
        disk.transfer(IN, 512),
        Some((Status::Ok, 512)),
        "and agrees with the host again"
    );
}

#[test]
fn an_in_packet_with_the_wrong_toggle_is_lost_at_the_host() {
    let mut disk = disk(Speed::High);
    ask(&mut disk, 4);
    flip(&mut disk, IN);
    let expected = Some((Status::Ok, 1536 + Csw::LENGTH));
    assert_eq!(
        disk.transfer(IN, 2048),
        expected,
        "the status ends the data"
    );
    assert_eq!(
        disk.ram.get(0, 1536),
        &disk.medium[512..2048],
        "which began with the second packet"
    );
}

#[test]
fn a_status_with_the_wrong_toggle_never_arrives() {
    let mut disk = disk(Speed::High);
    ask(&mut disk, 1);
    assert_eq!(disk.transfer(IN, 512), Some((Status::Ok, 512)));
    flip(&mut disk, IN);
    assert_eq!(disk.transfer(IN, Csw::LENGTH), None);
}

#[test]
fn a_wrong_sequence_number_at_super_speed_is_a_transaction_error() {
    let mut disk = disk(Speed::Super);
    ask(&mut disk, 1);
    flip(&mut disk, IN);
    assert_eq!(disk.transfer(IN, 512), Some((Status::TransactionError, 0)));
    assert_eq!(
        disk.transfer(IN, 512),
        Some((Status::Ok, 512)),
        "the answer said which number the disk expects"
    );
}

#[test]
fn sequence_numbers_count_packets_up_to_the_speeds_modulus() {
    for (speed, after) in [(Speed::Full, 0), (Speed::High, 1), (Speed::Super, 3)] {
        let mut disk = disk(speed);
        let before = disk.sequences[&IN.0];
        ask(&mut disk, 5);
        assert_eq!(disk.transfer(IN, 2560), Some((Status::Ok, 2560)));
        let modulus = if speed.is_super() { 32 } else { 2 };
        assert_eq!(
            (disk.sequences[&IN.0] + modulus - before) % modulus,
            after,
            "2560 bytes at {speed}"
        );
    }
}

#[test]
fn clearing_a_halt_that_is_not_there_sets_the_toggle_to_zero() {
    let mut disk = disk(Speed::High);
    ask(&mut disk, 1);
    assert_eq!(disk.transfer(IN, 512), Some((Status::Ok, 512)));
    let believed = disk.sequences[&IN.0];
    assert_eq!(disk.clear_halt(IN), Status::Ok);
    disk.sequences.insert(IN.0, believed);
    let lost = disk.transfer(IN, Csw::LENGTH).is_none();
    assert_eq!(lost, believed != 0, "a host that forgets it is found out");
    assert_eq!(
        believed, 1,
        "three packets before: two statuses and the block"
    );
}

#[test]
fn a_host_that_expects_smaller_packets_sees_babble() {
    let mut disk = disk(Speed::High);
    ask(&mut disk, 1);
    disk.packet_sizes.insert(IN.0, 64);
    assert_eq!(disk.transfer(IN, 512), Some((Status::Babble, 0)));
    disk.packet_sizes.insert(IN.0, 512);
    assert_eq!(
        disk.transfer(IN, 512),
        Some((Status::Ok, 512)),
        "the disk sends the packet again"
    );
}

#[test]
fn a_buffer_smaller_than_the_packet_sees_babble() {
    let mut disk = disk(Speed::High);
    ask(&mut disk, 2);
    assert_eq!(disk.transfer(IN, 700), Some((Status::Babble, 512)));
}

#[test]
fn packets_larger_than_the_endpoint_are_not_understood() {
    let mut disk = disk(Speed::Full);
    disk.packet_sizes.insert(OUT.0, 512);
    assert_eq!(disk.send(&[0; 100]), Some((Status::TransactionError, 0)));
}

#[test]
fn requests_of_one_endpoint_are_answered_in_order() {
    let mut disk = disk(Speed::High);
    let tokens: Vec<_> = (0..3)
        .map(|_| disk.submit(IN, Stage::Transfer, 512))
        .collect();
    ask(&mut disk, 3);
    let answered: Vec<_> = disk.done.iter().map(|done| done.token).collect();
    assert_eq!(answered, tokens);
    assert!(
        disk.done
            .iter()
            .all(|done| (done.status, done.bytes) == (Status::Ok, 512))
    );
}

#[test]
fn endpoints_that_do_not_exist_and_full_queues_give_no_answer() {
    let mut disk = disk(Speed::High);
    assert_eq!(
        disk.transfer(EndpointAddress(0x83), 8),
        Some((Status::TransactionError, 0))
    );
    assert_eq!(
        disk.transfer(EndpointAddress(0x01), 8),
        Some((Status::TransactionError, 0))
    );
    for _ in 0..chapter9::REQUESTS_MAX {
        disk.submit(IN, Stage::Transfer, 8);
    }
    disk.run();
    assert!(disk.done.is_empty());
    let last = disk.submit(IN, Stage::Transfer, 8);
    disk.run();
    assert_eq!(disk.take(last).unwrap().status, Status::TransactionError);
}

#[test]
fn a_waiting_request_can_be_taken_back_and_its_buffers_come_with_it() {
    let mut disk = disk(Speed::High);
    let first = disk.submit(IN, Stage::Transfer, 1000);
    let second = disk.submit(IN, Stage::Transfer, 512);
    disk.run();
    let Cancelled::Taken(completion) = disk.device.cancel(first) else {
        panic!("it waits")
    };
    assert_eq!((completion.bytes, completion.buffers.len()), (0, 4));
    assert!(matches!(disk.device.cancel(first), Cancelled::Unknown));
    ask(&mut disk, 1);
    assert_eq!(disk.take(second).unwrap().bytes, 512);
}

#[test]
fn a_request_under_work_is_busy_and_ends_with_its_work() {
    let mut disk = disk(Speed::High);
    ask(&mut disk, 2);
    disk.hold = true;
    let token = disk.submit(IN, Stage::Transfer, 1024);
    disk.run();
    assert_eq!(disk.held.len(), 1);
    assert!(matches!(disk.device.cancel(token), Cancelled::Busy));
    disk.run();
    assert!(
        disk.take(token).is_none(),
        "not before the worker let go of the buffers"
    );
    disk.release();
    let completion = disk.take(token).unwrap();
    assert_eq!(
        (
            completion.status,
            completion.bytes,
            completion.buffers.len()
        ),
        (Status::Ok, 1024, 4)
    );
}

#[test]
fn a_reset_ends_all_requests_but_waits_for_the_work() {
    let mut disk = disk(Speed::High);
    ask(&mut disk, 2);
    disk.hold = true;
    let working = disk.submit(IN, Stage::Transfer, 1024);
    let waiting = disk.submit(IN, Stage::Transfer, 13);
    disk.run();
    disk.device.reset();
    disk.run();
    assert_eq!(disk.take(waiting).unwrap().status, Status::TransactionError);
    assert!(disk.take(working).is_none());
    assert!(matches!(disk.device.cancel(working), Cancelled::Busy));
    disk.release();
    let completion = disk.take(working).unwrap();
    assert_eq!(
        (completion.status, completion.buffers.len()),
        (Status::TransactionError, 4)
    );
    disk.configure();
    assert_eq!(
        disk.none(Command::TestUnitReady).status,
        CswStatus::FAILED,
        "the reset is a unit attention"
    );
    assert_eq!(disk.none(Command::TestUnitReady).status, CswStatus::PASSED);
}

#[test]
fn work_of_a_command_that_was_given_up_says_nothing_about_the_next() {
    let mut disk = disk(Speed::High);
    ask(&mut disk, 2);
    disk.hold = true;
    let token = disk.submit(IN, Stage::Transfer, 1024);
    disk.run();
    assert_eq!(disk.control_out(Setup::bot_reset(0), &[]), Status::Ok);
    ask(&mut disk, 2);
    let old = disk.held.remove(0);
    disk.fail = Some(usb_model::WorkError::Read);
    disk.work(old);
    disk.fail = None;
    disk.hold = false;
    disk.run();
    let completion = disk.take(token).unwrap();
    assert_eq!(
        (completion.status, completion.bytes),
        (Status::Ok, 1024),
        "the new command's data"
    );
    disk.sequences.insert(IN.0, completion.sequence);
    let (csw, stalled) = disk.status();
    assert_eq!((csw.status, stalled), (CswStatus::PASSED, false));
}

#[test]
fn a_packet_that_was_answered_with_nak_is_compared_when_it_comes_again() {
    let mut disk = disk(Speed::High);
    ask(&mut disk, 1);
    assert_eq!(disk.transfer(IN, 512), Some((Status::Ok, 512)));
    assert_eq!(disk.sequences[&OUT.0], 1, "three commands so far");
    let cbw = disk.cbw(Command::TestUnitReady, 0, Direction::Out);
    disk.ram.put(0, &cbw.to_bytes());
    let token = disk.submit(OUT, Stage::Transfer, 31);
    disk.run();
    assert!(disk.take(token).is_none(), "the status comes first");
    disk.clear_halt(OUT);
    assert_eq!(disk.transfer(IN, Csw::LENGTH), Some((Status::Ok, 13)));
    assert_eq!(disk.take(token).unwrap().bytes, 31);
    assert_eq!(
        disk.transfer(IN, Csw::LENGTH),
        None,
        "the command had the toggle of before and was lost"
    );
}
