//! Whatever a device answers: no panic, an end within bounds, and never more bytes than were asked for.

use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::test_runner::TestCaseError;

use usb_class::bot;
use usb_class::hid::{Keyboard, KeyboardEvent, KeyboardFunction};
use usb_class::scsi::{BlockDevice, Geometry, Outcome, Policy};
use usb_class::transport::{Action, Poll, Reply, Status, Step};
use usb_spec::EndpointAddress;
use usb_spec::class::mass_storage::{Csw, CswStatus};
use usb_spec::time::Instant;

use crate::common::{FUNCTION, FakeDisk, run, start};

/// No single operation asks for more, whatever it is told: tries, attentions and pauses are bounded, and so is each one's recovery.
const ACTIONS_MAX: usize = 40_000;

#[derive(Clone, Debug)]
enum Told {
    /// What a device that keeps the rules might say.
    Fitting {
        code: u8,
        residue: u32,
        fill: u8,
    },
    Fail(Status, u32),
    Bytes(Vec<u8>),
    Moved(u32),
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        4 => Just(Status::Stall), 3 => Just(Status::Error), 3 => Just(Status::Timeout), 2 => Just(Status::Babble), 1 => Just(Status::Cancelled), 1 => Just(Status::Gone),
    ]
}

fn told() -> impl Strategy<Value = Told> {
    let residue = prop_oneof![6 => Just(0u32), 1 => any::<u32>(), 1 => 0..600u32];
    let fill = prop_oneof![2 => Just(0u8), 1 => any::<u8>()];
    prop_oneof![
        12 => (prop_oneof![8 => Just(0u8), 4 => Just(1), 1 => any::<u8>()], residue, fill).prop_map(|(code, residue, fill)| Told::Fitting { code, residue, fill }),
        2 => (status(), any::<u32>()).prop_map(|(status, bytes)| Told::Fail(status, bytes)),
        1 => prop::collection::vec(any::<u8>(), 0..70).prop_map(Told::Bytes),
        1 => any::<u32>().prop_map(Told::Moved),
    ]
}

/// The last tag that was sent, and what has been asked for in all.
#[derive(Debug, Default)]
struct Bus {
    tag: u32,
    opcode: u8,
    asked: u64,
}

impl Bus {
    fn note(&mut self, step: &Step) {
        match step.action {
            Action::BulkOut { bytes, .. } => {
                self.tag = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
                self.opcode = bytes[15];
            }
            Action::DataIn { length, .. } | Action::DataOut { length, .. } => {
                self.asked += u64::from(length)
            }
            _ => {}
        }
    }

    fn answer(&self, step: &Step, told: &Told) -> (Status, u32, Vec<u8>) {
        let bytes = match told {
            Told::Fail(status, bytes) => return (*status, *bytes, Vec::new()),
            Told::Moved(bytes) => return (Status::Ok, *bytes, Vec::new()),
            Told::Bytes(bytes) => bytes.clone(),
            Told::Fitting {
                code,
                residue,
                fill,
            } => match step.action {
                Action::BulkOut { .. } => return (Status::Ok, 31, Vec::new()),
                Action::DataIn { length, .. } | Action::DataOut { length, .. } => {
                    return (Status::Ok, length, Vec::new());
                }
                Action::BulkIn { length: 13, .. } => Csw {
                    tag: self.tag,
                    residue: *residue,
                    status: CswStatus(*code),
                }
                .to_bytes()
                .to_vec(),
                // A capacity that can be believed, so that starts get through at times.
                Action::BulkIn { length: 8, .. } => vec![0, 0, 0, 63, 0, 0, 2, *fill],
                Action::BulkIn { length: 18, .. } => {
                    let mut sense = vec![*fill; 18];
                    (sense[0], sense[2]) = (0x70, fill & 0x0f);
                    sense
                }
                Action::BulkIn { length, .. } => vec![*fill; length as usize],
                _ => Vec::new(),
            },
        };
        (Status::Ok, u32::try_from(bytes.len()).unwrap(), bytes)
    }
}

/// Answers with the script, over and over, until the operation ends. The clock stands still, so that only counting can end a wait.
fn play(
    device: &mut BlockDevice,
    script: &[Told],
    at: &mut usize,
) -> Result<(Outcome, Bus), TestCaseError> {
    let mut bus = Bus::default();
    let mut under_way: Vec<Step> = Vec::new();
    for _ in 0..ACTIONS_MAX {
        match device.poll_action(Instant::START) {
            Poll::Ready(outcome) => {
                prop_assert!(under_way.is_empty(), "ended with {:?} under way", under_way);
                return Ok((outcome, bus));
            }
            Poll::Act(Step {
                action: Action::Cancel { id },
                ..
            }) => {
                under_way.retain(|step| step.id != id);
                device.reply(id, Reply::failed(Status::Cancelled));
            }
            Poll::Act(step) => {
                bus.note(&step);
                under_way.push(step);
            }
            Poll::Waiting => {
                prop_assert!(!under_way.is_empty(), "waits for nothing");
                *at += 1;
                let step = under_way.remove(*at % under_way.len());
                let (status, bytes, data) = bus.answer(&step, &script[*at % script.len()]);
                device.reply(
                    step.id,
                    Reply {
                        status,
                        bytes,
                        data: &data,
                    },
                );
                // Said twice, it must not count twice.
                device.reply(step.id, Reply::failed(Status::Gone));
            }
        }
    }
    Err(TestCaseError::fail("no end within the bound"))
}

proptest! {
    #[test]
    fn every_operation_ends_whatever_the_device_says(
        script in prop::collection::vec(told(), 1..60),
        pre_queue_status in any::<bool>(),
        read_block_limits in any::<bool>(),
        lba in 0u64..64,
    ) {
        let transport = bot::Policy { pre_queue_status, ..bot::Policy::default() };
        let policy = Policy { transport, read_block_limits, max_transfer: 2048, ..Policy::default() };
        let mut device = BlockDevice::new(FUNCTION, 0, policy);
        let mut at = 0;
        device.start(Instant::START).unwrap();
        play(&mut device, &script, &mut at)?;
        for _ in 0..3 {
            if device.read(Instant::START, lba, 64 - lba).is_ok() {
                let (outcome, bus) = play(&mut device, &script, &mut at)?;
                prop_assert!(outcome.bytes <= (64 - lba) * 4096);
                prop_assert!(outcome.bytes <= bus.asked, "{} of {} bytes asked for", outcome.bytes, bus.asked);
            }
            if device.flush(Instant::START).is_ok() {
                let (outcome, _) = play(&mut device, &script, &mut at)?;
                prop_assert_eq!(outcome.bytes, 0);
            }
        }
    }

    #[test]
    fn a_started_disk_whose_answers_go_wild_never_claims_bytes_that_it_was_not_asked_for(
        script in prop::collection::vec(told(), 1..60),
        pre_queue_status in any::<bool>(),
        writing in any::<bool>(),
    ) {
        let transport = bot::Policy { pre_queue_status, ..bot::Policy::default() };
        let policy = Policy { transport, max_transfer: 2048, ..Policy::default() };
        let (mut device, outcome) = start(&mut FakeDisk::small(), policy);
        prop_assert_eq!(outcome.result, Ok(()));
        if writing { device.write(Instant::START, 0, 64).unwrap() } else { device.read(Instant::START, 0, 64).unwrap() }
        let (outcome, bus) = play(&mut device, &script, &mut 0)?;
        prop_assert!(outcome.bytes <= 64 * 512 && outcome.bytes <= bus.asked);
        prop_assert_eq!(outcome.result.is_ok(), outcome.bytes == 64 * 512, "all of it, or an error");
    }

    #[test]
    fn pieces_cover_a_range_exactly(lba in 0u64..1000, blocks in 0u64..1000, large in any::<bool>(), max in any::<u32>()) {
        let block_size = if large { 4096 } else { 512 };
        let disk = Geometry { blocks: 2000, block_size };
        let bytes = |blocks: u64| blocks * u64::from(block_size);
        let (mut at, mut offset) = (lba, 0);
        for piece in disk.split(bytes(lba)..bytes(lba + blocks), max).unwrap() {
            prop_assert_eq!((piece.lba, piece.offset), (at, offset));
            prop_assert_eq!(u64::from(piece.bytes), bytes(piece.blocks.into()));
            prop_assert!(piece.bytes <= max.max(block_size) && piece.blocks > 0);
            at += u64::from(piece.blocks);
            offset += u64::from(piece.bytes);
        }
        prop_assert_eq!(at, lba + blocks);
    }

    #[test]
    fn a_read_that_is_right_is_right_with_either_order_of_asking(lba in 0u64..64, pre_queue_status in any::<bool>(), max_transfer in 1u32..9000) {
        let transport = bot::Policy { pre_queue_status, ..bot::Policy::default() };
        let mut disk = FakeDisk::small();
        let (mut device, _) = start(&mut disk, Policy { transport, max_transfer, ..Policy::default() });
        let blocks = 64 - lba;
        disk.buffer = vec![0; usize::try_from(blocks).unwrap() * 512];
        device.read(disk.now, lba, blocks).unwrap();
        prop_assert_eq!(run(&mut device, &mut disk), Outcome { bytes: blocks * 512, result: Ok(()) });
        prop_assert_eq!(&disk.buffer[..], &disk.medium[usize::try_from(lba).unwrap() * 512..]);
    }

    #[test]
    fn a_keyboard_that_says_anything_never_leaves_a_key_down(script in prop::collection::vec(told(), 1..80)) {
        let mut keyboard = Keyboard::new(KeyboardFunction { interface: 0, endpoint: EndpointAddress(0x81), max_packet: 8 });
        let mut down = std::collections::BTreeSet::new();
        let mut ended = false;
        let mut answers = script.iter();
        for _ in 0..10_000 {
            match keyboard.poll_action() {
                Poll::Act(step) => {
                    let (status, bytes, data) = answers.next().map_or((Status::Gone, 0, Vec::new()), |told| Bus::default().answer(&step, told));
                    keyboard.reply(step.id, Reply { status, bytes, data: &data });
                }
                Poll::Ready(KeyboardEvent::Key(key)) => {
                    let changed = if key.pressed { down.insert(key.usage) } else { down.remove(&key.usage) };
                    prop_assert!(changed, "{:?} was told twice", key);
                }
                Poll::Ready(KeyboardEvent::Ended(_)) => {
                    prop_assert!(down.is_empty(), "{:?} stay down", down);
                    ended = true;
                    break;
                }
                Poll::Waiting => return Err(TestCaseError::fail("waits for nothing")),
            }
        }
        prop_assert!(ended, "no end within the bound");
    }
}

#[test]
fn the_script_can_reach_the_questions_it_is_about() {
    // The properties above would hold for a device that answers nothing; this one answers all.
    let script = [Told::Fitting {
        code: 0,
        residue: 0,
        fill: 0,
    }];
    let mut device = BlockDevice::new(FUNCTION, 0, Policy::default());
    device.start(Instant::START).unwrap();
    let (outcome, bus) = play(&mut device, &script, &mut 0).unwrap();
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(bus.opcode, 0x1a, "MODE SENSE(6) is the last question");
}
