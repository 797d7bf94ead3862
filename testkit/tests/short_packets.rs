//! Data that ends early: the length is told to the byte, nothing behind it is touched, and the ring goes on behind the transfer.

use block::{PatternMedium, pattern};
use testkit::{Buffer, Done, Pair, PairOptions, shared};
use usb_model::device::{DiskOptions, KeyboardOptions};
use usb_spec::class::mass_storage::Cbw;
use usb_spec::endpoint::{Direction, EndpointAddress};
use usb_spec::setup::Setup;
use usb_spec::speed::Speed;
use usb_spec::{DescriptorKind, Request};
use xhci_driver::{EndpointKey, Policy, TransferId, TransferRequest};
use xhci_spec::number::SlotId;

/// What a buffer is filled with before a device writes to it.
const UNTOUCHED: u8 = 0xa5;

fn small_rings(seed: u64) -> PairOptions {
    PairOptions {
        seed,
        jitter: true,
        policy: Policy {
            segment_trbs: 16,
            ..Policy::default()
        },
        ..PairOptions::default()
    }
}

fn key(pair: &Pair, slot: SlotId, endpoint: u8) -> EndpointKey {
    let device = pair.driver().device(slot).expect("a device");
    device.key(EndpointAddress(endpoint)).expect("an endpoint")
}

fn transfer(pair: &mut Pair, endpoint: EndpointKey, buffer: Buffer) -> Done {
    let id = pair.submit(TransferRequest {
        id: TransferId(0),
        endpoint,
        setup: None,
        length: buffer.len(),
        buffer: Some(buffer),
        deadline: None,
    });
    pair.wait_done(id).expect("an end")
}

fn read_in(pair: &mut Pair, endpoint: EndpointKey, length: usize, skew: usize) -> Done {
    let mut buffer = pair.buffer(length, skew);
    buffer.fill(UNTOUCHED);
    transfer(pair, endpoint, buffer)
}

fn assert_short(done: &Done, expected: &[u8], what: &str) {
    assert_eq!(done.status, Ok(()), "{what}");
    assert_eq!(done.bytes, expected.len(), "{what}");
    let bytes = done.buffer.as_deref().expect("its buffer");
    let (data, rest) = bytes.split_at(expected.len());
    assert!(data == expected, "{what}: the data");
    let touched = rest.iter().any(|byte| *byte != UNTOUCHED);
    assert!(!touched, "{what}: something behind the data was written");
}

#[test]
fn data_that_ends_in_a_middle_trb_tells_its_length_at_every_speed() {
    for speed in [Speed::Super, Speed::High, Speed::Full] {
        for seed in 0..6 {
            let mut pair = Pair::up_with(small_rings(seed)).expect("it comes up");
            let options = DiskOptions {
                speed,
                ..DiskOptions::default()
            };
            let (port, _) = pair.plug_disk(options, shared(PatternMedium::new(8 << 20, 3)));
            let slot = pair.attached(port).expect("it is enumerated");
            drop(pair.disk(slot).expect("it starts"));
            let (data_in, data_out) = (key(&pair, slot, 0x81), key(&pair, slot, 0x02));
            for blocks in [1_u16, 129, 387] {
                let length = usize::from(blocks) * 512;
                let mut command = pair.buffer(Cbw::LENGTH, 5);
                command.copy_from_slice(&read_command(blocks));
                drop(transfer(&mut pair, data_out, command));
                // Room for a good deal more, and a last packet that is full ends nothing by itself: the status comes behind it then.
                let more = length + 200_001;
                let done = read_in(&mut pair, data_in, more, 7);
                let mut expected = vec![0; length];
                pattern::fill(3, 0, &mut expected);
                let packet = match speed {
                    Speed::Super => 1024,
                    Speed::High => 512,
                    _ => 64,
                };
                if length % packet == 0 {
                    assert_eq!(done.bytes, length + 13, "{speed:?}: data and status");
                    let bytes = done.buffer.as_deref().expect("its buffer");
                    assert!(bytes[..length] == expected, "{speed:?}");
                    continue;
                }
                assert_short(&done, &expected, "data");
                drop(done);
                let status = read_in(&mut pair, data_in, 13, 1);
                assert_eq!((status.status, status.bytes), (Ok(()), 13));
                let status = status.buffer.as_deref().map(|bytes| bytes[12]);
                assert_eq!(status, Some(0), "the command passed");
            }
            pair.finish().expect("nothing is left behind");
        }
    }
}

/// READ(10) of so many blocks from block 0.
fn read_command(blocks: u16) -> [u8; Cbw::LENGTH] {
    let [high, low] = blocks.to_be_bytes();
    let mut cdb = [0; 16];
    cdb[0] = 0x28;
    cdb[7] = high;
    cdb[8] = low;
    let cbw = Cbw {
        tag: 77,
        data_length: u32::from(blocks) * 512,
        direction: Direction::In,
        lun: 0,
        cdb,
        cdb_length: 10,
    };
    cbw.to_bytes()
}

#[test]
fn a_descriptor_that_is_shorter_than_asked_for_tells_its_length() {
    let mut pair = Pair::up().expect("it comes up");
    let (port, _) = pair.plug_keyboard(KeyboardOptions::default());
    let slot = pair.attached(port).expect("it is enumerated");
    let setup = Setup {
        length: 255,
        ..Setup::get_descriptor(DescriptorKind::DEVICE, 0, Default::default(), 18)
    };
    assert_eq!(setup.request, Request::GET_DESCRIPTOR);
    for _ in 0..3 {
        let done = pair
            .control(slot, setup, &[UNTOUCHED; 255])
            .expect("an end");
        assert_eq!((done.status, done.bytes), (Ok(()), 18));
        let bytes = done.buffer.as_deref().expect("its buffer");
        assert_eq!(bytes[..2], [18, 1]);
        assert!(bytes[18..].iter().all(|byte| *byte == UNTOUCHED));
    }
    pair.finish().expect("nothing is left behind");
}
