//! Whatever a driver writes, the model neither panics nor hangs, and each command has one event.

use proptest::prelude::*;
use usb_model::Status;
use xhci_spec::registers::{high_half, low_half};
use xhci_spec::trb::{Event, Trb};

use super::hands::{BULK_IN, Hands, INPUT};
use crate::common;

/// TRBs of any content, with types and slots that are often known.
fn trb() -> impl Strategy<Value = Trb> {
    let types = prop_oneof![4 => 0_u32..26, 1 => 0_u32..64];
    let slots = prop_oneof![6 => 0_u32..3, 1 => 0_u32..256];
    let pointers = prop_oneof![
        4 => Just(INPUT.0),
        1 => Just(super::hands::BUFFERS.0),
        1 => any::<u64>(),
    ];
    (types, slots, pointers, any::<u32>(), any::<u32>()).prop_map(
        |(kind, slot, pointer, status, flags)| {
            let [low, high] = [low_half(pointer), high_half(pointer)];
            let flags = flags & 0x001f_03fe;
            Trb([low, high, status, slot << 24 | flags | kind << 10])
        },
    )
}

/// Contexts whose fields are often small.
fn dwords() -> impl Strategy<Value = Vec<u32>> {
    let dword = prop_oneof![3 => 0_u32..64, 2 => any::<u32>(), 2 => Just(0)];
    proptest::collection::vec(dword, 8 * 34)
}

/// Collects command events until nothing more comes.
fn command_events(hands: &mut Hands) -> Vec<memory::Iova> {
    let mut trbs = Vec::new();
    for _ in 0..100 {
        let events = hands.bench.events(0);
        if events.is_empty() {
            break;
        }
        trbs.extend(events.iter().filter_map(|event| match event {
            Event::CommandCompletion { trb, .. } => Some(*trb),
            _ => None,
        }));
    }
    trbs
}

fn write_input(hands: &Hands, dwords: &[u32]) {
    let memory = hands.bench.controller.memory();
    for (index, dword) in (0..).zip(dwords) {
        memory::Memory::store32(memory, INPUT.offset(4 * index), *dword).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn each_command_that_was_fetched_has_exactly_one_event(
        trbs in proptest::collection::vec(trb(), 1..32),
        input in dwords(),
    ) {
        let (mut hands, _fake) = Hands::configured();
        write_input(&hands, &input);
        let before = hands.bench.controller.counters().commands;
        // A Link leads anywhere, and is none of these commands.
        let pushed: Vec<_> = trbs
            .into_iter()
            .filter(|trb| trb.trb_type().0 != 6)
            .map(|trb| hands.push_command(trb))
            .collect();
        hands.doorbell(0, 0);
        let answered = command_events(&mut hands);
        let fetched = hands.bench.controller.counters().commands - before;
        let fetched = usize::try_from(fetched).unwrap();
        if hands.bench.status().host_system_error() {
            // The command that met the hole has no event.
            prop_assert_eq!(&answered[..], &pushed[..fetched - 1]);
        } else {
            prop_assert_eq!(&answered[..], &pushed[..]);
        }
    }

    #[test]
    fn any_ring_leaves_the_controller_alive_or_dead_but_never_hanging(
        trbs in proptest::collection::vec(trb(), 1..40),
        endpoint in prop_oneof![Just(1_u8), Just(2), Just(BULK_IN), Just(5)],
        answers in proptest::collection::vec((0_u8..5, any::<u16>()), 0..20),
    ) {
        let (mut hands, fake) = Hands::configured();
        for trb in trbs {
            hands.push_transfer(endpoint, trb);
        }
        hands.doorbell(1, endpoint);
        for (status, bytes) in answers {
            if fake.waiting() == 0 {
                break;
            }
            let status = match status {
                0 | 1 => Status::Ok,
                2 => Status::Stall,
                3 => Status::TransactionError,
                _ => Status::Babble,
            };
            // A device that claims more than it was asked for, too.
            fake.claim(status, bytes.into());
            hands.bench.service();
            hands.bench.events(0);
            hands.bench.events(1);
        }
        if !hands.bench.status().host_system_error() {
            let at = hands.push_command(super::hands::stop_endpoint(endpoint).emit());
            hands.doorbell(0, 0);
            let answered = command_events(&mut hands);
            prop_assert_eq!(answered, vec![at]);
        }
    }

    #[test]
    fn any_address_input_is_answered_and_a_refused_one_changes_nothing(input in dwords()) {
        let (mut hands, fake) = Hands::with_device(common::options());
        hands.command(xhci_spec::trb::Command::EnableSlot { slot_type: 0 });
        write_input(&hands, &input);
        let (code, _) = hands.command(super::hands::address_device(false));
        if code == xhci_spec::trb::CompletionCode::PARAMETER_ERROR {
            prop_assert_eq!(fake.seen().len(), 0);
            prop_assert_eq!(hands.slot_context(1).0, [0; 8]);
        }
    }
}
