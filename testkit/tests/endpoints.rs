//! Endpoints between the ends of transfers: halts, toggles, cancelled transfers, full rings.

use std::time::Duration;

use block::{PatternMedium, pattern};
use testkit::fault::{Answer, Fault, Target, What};
use testkit::{Pair, PairOptions, Random, TestKeyboard, shared};
use usb_model::device::{DiskOptions, KeyboardOptions};
use usb_spec::EndpointAddress;
use usb_spec::speed::Speed;
use xhci_driver::{
    EndpointKey, Notice, Operation, OperationError, Policy, TransferError, TransferId,
    TransferRequest,
};
use xhci_spec::number::SlotId;
use xhci_spec::trb::CompletionCode;

const BULK_IN: EndpointAddress = EndpointAddress(0x81);
const BULK_OUT: EndpointAddress = EndpointAddress(0x02);
const REPORTS: EndpointAddress = EndpointAddress(0x81);

fn expected(seed: u64, at: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    pattern::fill(seed, at, &mut bytes);
    bytes
}

/// A keyboard that types as fast as it is asked, its slot, and its endpoint.
fn quick_keyboard(pair: &mut Pair) -> (TestKeyboard, EndpointKey) {
    let options = KeyboardOptions {
        speed: Speed::High,
        press: Duration::ZERO,
        release: Duration::ZERO,
        ..KeyboardOptions::default()
    };
    let (port, hands) = pair.plug_keyboard(options);
    let slot = pair.attached(port).expect("it is enumerated");
    (hands, key(pair, slot, REPORTS))
}

fn key(pair: &Pair, slot: SlotId, endpoint: EndpointAddress) -> EndpointKey {
    let device = pair.driver().device(slot).expect("a device");
    device.key(endpoint).expect("an endpoint")
}

fn status(pair: &mut Pair, id: TransferId) -> Result<(), TransferError> {
    pair.wait_done(id).expect("an end").status
}

#[test]
fn clearing_a_halt_that_is_none_keeps_host_and_device_in_step() {
    for speed in [Speed::Full, Speed::High, Speed::Super] {
        for seed in 0..8 {
            let options = PairOptions {
                seed,
                jitter: true,
                ..PairOptions::default()
            };
            let mut pair = Pair::up_with(options).expect("it comes up");
            let options = DiskOptions {
                speed,
                ..DiskOptions::default()
            };
            let (port, _) = pair.plug_disk(options, shared(PatternMedium::new(1 << 20, 6)));
            let slot = pair.attached(port).expect("it is enumerated");
            let mut disk = pair.disk(slot).expect("it starts");
            let mut random = Random::new(seed);
            for round in 0..12 {
                // Odd and even numbers of packets each way.
                let length = 512 * (1 + random.index(5));
                let before = pair.now();
                let read = pair.read(&mut disk, 512 * round, length).expect("an end");
                assert!(read.as_deref() == Ok(&expected(6, 512 * round, length)));
                let took = pair.now() - before;
                assert!(took < Duration::from_secs(1), "{speed:?}: {took:?}");
                let endpoint = random.pick(&[BULK_IN, BULK_OUT]);
                let cleared = pair.operate(Operation::ClearHalt { slot, endpoint });
                assert_eq!(cleared.expect("an end"), Ok(()));
            }
            drop(disk);
            pair.finish().expect("nothing is left behind");
        }
    }
}

#[test]
fn a_stall_halts_the_endpoint_until_it_is_cleared_and_nothing_is_lost_after_that() {
    let mut pair = Pair::up().expect("it comes up");
    let (hands, key) = quick_keyboard(&mut pair);
    for _ in 0..3 {
        pair.inject(&[Fault::once(What::Device(Answer::Stall, Target::In))]);
        let first = pair.submit_in(key, 8);
        let second = pair.submit_in(key, 8);
        assert_eq!(status(&mut pair, first), Err(TransferError::Stall));
        assert_eq!(status(&mut pair, second), Err(TransferError::Halted));
        // Until somebody clears it, nothing is even tried.
        for _ in 0..5 {
            let third = pair.submit_in(key, 8);
            assert_eq!(status(&mut pair, third), Err(TransferError::Halted));
        }
        assert!(pair.injector().unfired().is_empty());
        let (slot, endpoint) = (key.slot, REPORTS);
        let cleared = pair.operate(Operation::ClearHalt { slot, endpoint });
        assert_eq!(cleared.expect("an end"), Ok(()));
        hands.get().type_text("x");
        let fourth = pair.submit_in(key, 8);
        let done = pair.wait_done(fourth).expect("an end");
        assert_eq!(done.status, Ok(()));
        assert_eq!(
            done.buffer.as_deref(),
            Some(&[0, 0, 0x1b, 0, 0, 0, 0, 0][..])
        );
        let fifth = pair.submit_in(key, 8);
        let released = pair.wait_done(fifth).expect("an end");
        assert_eq!(released.buffer.as_deref(), Some(&[0; 8][..]));
    }
    pair.finish().expect("nothing is left behind");
}

#[test]
fn a_few_transaction_errors_are_ridden_out_and_many_are_told() {
    let mut pair = Pair::up().expect("it comes up");
    let (hands, key) = quick_keyboard(&mut pair);
    let silent = Fault::once(What::Device(Answer::None, Target::In));
    pair.inject(&[silent.times(3)]);
    hands.get().type_text("x");
    let id = pair.submit_in(key, 8);
    assert_eq!(status(&mut pair, id), Ok(()));
    assert_eq!(pair.injector().fired(), [(silent.times(3), 3)]);
    pair.inject(&[silent.times(10)]);
    let id = pair.submit_in(key, 8);
    let many = Err(TransferError::Transaction { retries: 3 });
    assert_eq!(status(&mut pair, id), many);
    pair.finish().expect("nothing is left behind");
}

#[test]
fn one_transfer_among_several_is_cancelled_and_the_others_get_every_report_in_order() {
    for seed in 0..60 {
        let options = PairOptions {
            seed,
            jitter: true,
            policy: Policy {
                segment_trbs: 16,
                ..Policy::default()
            },
            ..PairOptions::default()
        };
        let mut pair = Pair::up_with(options).expect("it comes up");
        let (hands, key) = quick_keyboard(&mut pair);
        let mut random = Random::new(seed);
        for _ in 0..8 {
            let count = 1 + random.index(6);
            let mut ids: Vec<TransferId> = (0..count).map(|_| pair.submit_in(key, 8)).collect();
            let pause = Duration::from_micros(random.below(3000));
            pair.run_for(pause).expect("time passes");
            let victim = ids.remove(random.index(count));
            pair.cancel(key, victim);
            let done = pair.wait_done(victim).expect("an end");
            assert_eq!(done.status, Err(TransferError::Cancelled), "seed {seed}");
            // Two reports for each key: the press, and the release of all.
            hands.get().type_text(&"abcdef"[..count.div_ceil(2)]);
            for (number, id) in ids.into_iter().enumerate() {
                let done = pair.wait_done(id).expect("an end");
                assert_eq!(done.status, Ok(()), "seed {seed}");
                let usage = u8::try_from(number / 2).expect("few") + 4;
                let pressed = if number % 2 == 0 { usage } else { 0 };
                let report = done.buffer.as_deref().map(|bytes| bytes[2]);
                assert_eq!(report, Some(pressed), "seed {seed}");
            }
            while !hands.get().has_typed_all() {
                let id = pair.submit_in(key, 8);
                pair.wait_done(id).expect("an end");
            }
        }
        pair.finish()
            .unwrap_or_else(|hang| panic!("seed {seed}: {hang}"));
    }
}

#[test]
fn a_transfer_that_is_not_answered_in_time_comes_back_and_the_next_one_works() {
    let mut pair = Pair::up().expect("it comes up");
    let (hands, key) = quick_keyboard(&mut pair);
    let buffer = pair.buffer(8, 3);
    let begun = pair.now();
    let id = pair.submit(TransferRequest {
        id: TransferId(0),
        endpoint: key,
        setup: None,
        buffer: Some(buffer),
        length: 8,
        deadline: Some(begun + Duration::from_millis(250)),
    });
    let done = pair.wait_done(id).expect("an end");
    assert_eq!(done.status, Err(TransferError::TimedOut));
    assert!(done.buffer.is_some());
    let took = pair.now() - begun;
    assert!(took >= Duration::from_millis(250) && took < Duration::from_millis(300));
    hands.get().type_text("x");
    let id = pair.submit_in(key, 8);
    assert_eq!(pair.wait_done(id).expect("an end").status, Ok(()));
    drop(done);
    pair.finish().expect("nothing is left behind");
}

#[test]
fn an_event_ring_that_runs_full_is_told_and_no_transfer_is_lost() {
    let options = PairOptions {
        policy: Policy {
            segment_trbs: 16,
            event_segments: 1,
            segments_max: 16,
            ..Policy::default()
        },
        ..PairOptions::default()
    };
    let mut pair = Pair::up_with(options).expect("it comes up");
    let (hands, key) = quick_keyboard(&mut pair);
    let text = "abcdefghijklmnopqrstuvwxyz";
    let ids: Vec<TransferId> = (0..text.len() * 2)
        .map(|_| pair.submit_in(key, 8))
        .collect();
    pair.run_for(Duration::from_millis(1)).expect("time passes");
    hands.get().type_text(text);
    pair.without_driver(Duration::from_millis(50))
        .expect("time passes");
    for (number, id) in ids.into_iter().enumerate() {
        let done = pair.wait_done(id).expect("an end");
        let usage = u8::try_from(number / 2).expect("few") + 4;
        let pressed = if number % 2 == 0 { usage } else { 0 };
        assert_eq!(done.status, Ok(()));
        assert_eq!(done.buffer.as_deref().map(|bytes| bytes[2]), Some(pressed));
    }
    let full = Notice::HostController {
        code: CompletionCode::EVENT_RING_FULL_ERROR,
    };
    assert!(pair.notices().contains(&full), "it never ran full");
    pair.finish().expect("nothing is left behind");
}

#[test]
fn a_device_is_reset_and_works_as_before() {
    for speed in [Speed::Full, Speed::High, Speed::Super] {
        let mut pair = Pair::up().expect("it comes up");
        let options = DiskOptions {
            speed,
            ..DiskOptions::default()
        };
        let (port, _) = pair.plug_disk(options, shared(PatternMedium::new(1 << 20, 6)));
        let slot = pair.attached(port).expect("it is enumerated");
        let mut disk = pair.disk(slot).expect("it starts");
        for round in 0..3 {
            let reset = pair.operate(Operation::ResetDevice { slot });
            assert_eq!(reset.expect("an end"), Ok(()), "{speed:?}");
            let read = pair.read(&mut disk, 512 * round, 2048).expect("an end");
            assert!(read.as_deref() == Ok(&expected(6, 512 * round, 2048)));
        }
        drop(disk);
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn what_is_asked_of_nothing_is_answered_with_an_error() {
    let mut pair = Pair::up().expect("it comes up");
    let (_, key) = quick_keyboard(&mut pair);
    let nobody = SlotId::new(60).expect("a slot");
    let endpoint = BULK_OUT;
    let result = pair.operate(Operation::ClearHalt {
        slot: nobody,
        endpoint,
    });
    assert_eq!(result.expect("an end"), Err(OperationError::NoDevice));
    let slot = key.slot;
    let result = pair.operate(Operation::ClearHalt { slot, endpoint });
    assert_eq!(result.expect("an end"), Err(OperationError::NoSuchThing));
    let id = pair.submit_in(
        EndpointKey {
            slot: nobody,
            ..key
        },
        8,
    );
    let done = pair.wait_done(id).expect("an end");
    assert_eq!(done.status, Err(TransferError::NotOpen));
    drop(done);
    pair.finish().expect("nothing is left behind");
}
