//! Disks behind the controller: every byte is the right one, at every speed, from any offset, in any length.

use std::time::Duration;

use block::{FailingMedium, MemoryMedium, PatternMedium, pattern};
use testkit::{Pair, PairOptions, Random, shared};
use usb_class::scsi::Error;
use usb_model::device::{BlockSize, DiskOptions, ShortData};
use usb_spec::speed::Speed;
use xhci_driver::Policy;

const SPEEDS: [Speed; 3] = [Speed::Super, Speed::High, Speed::Full];
const DISK_BYTES: u64 = 64 << 20;

fn expected(seed: u64, at: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    pattern::fill(seed, at, &mut bytes);
    bytes
}

fn disk_at(speed: Speed) -> DiskOptions {
    DiskOptions {
        speed,
        ..DiskOptions::default()
    }
}

#[test]
fn pieces_of_a_64_mib_disk_are_read_byte_for_byte_at_every_speed() {
    for speed in SPEEDS {
        let mut pair = Pair::up().expect("it comes up");
        let medium = shared(PatternMedium::new(DISK_BYTES, 11));
        let (port, _) = pair.plug_disk(disk_at(speed), medium);
        let slot = pair.attached(port).expect("it is enumerated");
        let mut disk = pair.disk(slot).expect("it starts");
        assert_eq!(disk.info().geometry.bytes(), DISK_BYTES);
        let mut random = Random::new(3);
        for blocks in [1, 2, 3, 7, 127, 128, 129, 255, 1000, 2048, 4097] {
            let length = blocks * 512;
            let at = 512 * random.below((DISK_BYTES - length as u64) / 512);
            let read = pair.read(&mut disk, at, length).expect("an end");
            let read = read.unwrap_or_else(|failure| panic!("{speed:?} {blocks}: {failure:?}"));
            assert!(
                read == expected(11, at, length),
                "{speed:?}: {blocks} blocks at {at}"
            );
        }
        drop(disk);
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn transfers_over_rings_of_sixteen_trbs_grow_them_and_lie_across_links() {
    for seed in 0..12 {
        let mut options = PairOptions::seeded(seed);
        options.policy = Policy {
            segment_trbs: 16,
            event_segments: 1,
            ..options.policy
        };
        let mut pair = Pair::up_with(options).unwrap_or_else(|hang| panic!("{seed}: {hang}"));
        let medium = shared(PatternMedium::new(DISK_BYTES, seed));
        let (port, _) = pair.plug_disk(DiskOptions::default(), medium);
        let slot = pair
            .attached(port)
            .unwrap_or_else(|hang| panic!("{seed}: {hang}"));
        let mut disk = pair
            .disk(slot)
            .unwrap_or_else(|hang| panic!("{seed}: {hang}"));
        // One MiB at a skewed address is 17 or more TRBs: longer than a segment.
        for round in 0..6_u32 {
            let at = u64::from(round) * 0x12_3400;
            let length = 0x10_0000 + 0x200 * round as usize;
            let read = pair
                .read(&mut disk, at, length)
                .unwrap_or_else(|hang| panic!("{seed}: {hang}"));
            assert!(
                read.as_deref() == Ok(&expected(seed, at, length)),
                "seed {seed}"
            );
        }
        drop(disk);
        pair.finish()
            .unwrap_or_else(|hang| panic!("{seed}: {hang}"));
    }
}

#[test]
fn what_is_written_is_on_the_medium_and_comes_back() {
    for speed in SPEEDS {
        let mut pair = Pair::up().expect("it comes up");
        let bytes = std::rc::Rc::new(std::cell::RefCell::new(MemoryMedium::new(vec![0; 1 << 20])));
        let (port, _) = pair.plug_disk(disk_at(speed), bytes.clone());
        let slot = pair.attached(port).expect("it is enumerated");
        let mut disk = pair.disk(slot).expect("it starts");
        let mut random = Random::new(5);
        let mut image = vec![0; 1 << 20];
        for round in 0..20 {
            let blocks = 1 + random.index(300);
            let at = 512 * random.index(2048 - blocks);
            let text = expected(round, 0, blocks * 512);
            image[at..at + text.len()].copy_from_slice(&text);
            let written = pair.write(&mut disk, at as u64, &text).expect("an end");
            written.expect("the blocks are taken");
        }
        pair.flush(&mut disk).expect("an end").expect("it flushes");
        assert!(bytes.borrow().bytes() == image, "{speed:?}: on the medium");
        let read = pair.read(&mut disk, 0, 1 << 20).expect("an end");
        assert!(read.as_deref() == Ok(&image[..]), "{speed:?}: read back");
        drop(disk);
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn disks_with_blocks_of_4096_bytes_and_disks_that_end_data_early_are_read() {
    for short_data in [ShortData::Stall, ShortData::ShortPacket] {
        let mut pair = Pair::up().expect("it comes up");
        let options = DiskOptions {
            block_size: BlockSize::Bytes4096,
            short_data,
            ..DiskOptions::default()
        };
        let medium = shared(PatternMedium::new(DISK_BYTES, 9));
        let (port, _) = pair.plug_disk(options, medium);
        let slot = pair.attached(port).expect("it is enumerated");
        let mut disk = pair.disk(slot).expect("it starts");
        assert_eq!(disk.info().geometry.block_size, 4096);
        let read = pair.read(&mut disk, 5 * 4096, 33 * 4096).expect("an end");
        assert!(read.as_deref() == Ok(&expected(9, 5 * 4096, 33 * 4096)));
        drop(disk);
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn a_write_protected_disk_says_so_and_keeps_its_bytes() {
    let mut pair = Pair::up().expect("it comes up");
    let medium = shared(PatternMedium::new(1 << 20, 2).read_only());
    let (port, _) = pair.plug_disk(DiskOptions::default(), medium);
    let slot = pair.attached(port).expect("it is enumerated");
    let mut disk = pair.disk(slot).expect("it starts");
    assert!(disk.info().write_protected);
    let written = pair.write(&mut disk, 0, &[0; 512]).expect("an end");
    assert_eq!(
        written.map_err(|failure| failure.error),
        Err(Error::WriteProtected)
    );
    let read = pair.read(&mut disk, 0, 512).expect("an end");
    assert!(read.as_deref() == Ok(&expected(2, 0, 512)));
    drop(disk);
    pair.finish().expect("nothing is left behind");
}

#[test]
fn a_bad_place_on_the_medium_is_told_and_the_disk_goes_on() {
    let mut pair = Pair::up().expect("it comes up");
    let medium = FailingMedium::new(PatternMedium::new(1 << 20, 2)).with_bad_reads(70_000..70_001);
    let (port, _) = pair.plug_disk(DiskOptions::default(), shared(medium));
    let slot = pair.attached(port).expect("it is enumerated");
    let mut disk = pair.disk(slot).expect("it starts");
    let read = pair.read(&mut disk, 65_536, 16_384).expect("an end");
    assert!(read.is_err(), "the bad place was read");
    let read = pair.read(&mut disk, 0, 65_536).expect("an end");
    assert!(read.as_deref() == Ok(&expected(2, 0, 65_536)));
    drop(disk);
    pair.finish().expect("nothing is left behind");
}

#[test]
fn three_disks_of_three_speeds_work_side_by_side_on_several_interrupters() {
    for interrupters in [1, 2, 4] {
        let options = PairOptions {
            interrupters,
            jitter: true,
            seed: u64::from(interrupters),
            ..PairOptions::default()
        };
        let mut pair = Pair::up_with(options).expect("it comes up");
        let mut disks = Vec::new();
        for (number, speed) in SPEEDS.into_iter().enumerate() {
            let medium = shared(PatternMedium::new(DISK_BYTES, number as u64));
            let (port, _) = pair.plug_disk(disk_at(speed), medium);
            let slot = pair.attached(port).expect("it is enumerated");
            disks.push(pair.disk(slot).expect("it starts"));
        }
        for round in 0..5 {
            for (number, disk) in disks.iter_mut().enumerate() {
                let at = round * 0x2_0000;
                let read = pair.read(disk, at, 0x1_8000).expect("an end");
                assert!(read.as_deref() == Ok(&expected(number as u64, at, 0x1_8000)));
            }
        }
        if interrupters > 1 {
            let events: u64 = pair.lanes().iter().map(|lane| lane.counters().events).sum();
            assert!(events > 0, "the other interrupters had nothing to do");
        }
        drop(disks);
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn a_disk_that_was_there_before_the_start_is_found_even_without_an_event() {
    for events_at_start in [true, false] {
        let mut options = PairOptions::default();
        options.model.behaviour.events_at_start = events_at_start;
        let mut pair = Pair::new(options).expect("a controller");
        let medium = shared(PatternMedium::new(1 << 20, 4));
        let (port, _) = pair.plug_disk(DiskOptions::default(), medium);
        let mut pair = pair.settled().expect("it comes up");
        let found = pair
            .driver()
            .devices()
            .any(|device| device.place.port == port);
        assert!(found, "settled before the disk was there");
        pair.run_for(Duration::from_secs(1)).expect("time passes");
        pair.finish().expect("nothing is left behind");
    }
}
