//! The controller's end of an event ring that any driver set up: it writes inside what the table says, and never over what was not passed.

use memory::{Iova, Memory};
use xhci_ring::event::{EventProducer, Pushed};
use xhci_spec::registers::{high_half, low_half};
use xhci_spec::trb::{CompletionCode, Event, Trb};

use super::Target;
use crate::arena::{Arena, MAIN, MAIN_LEN};
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "event_ring",
    about: "an event producer with any table, any ERDP, and memory that changes meanwhile",
    longest: 512,
    run,
};

/// The most events pushed by one step.
const PUSHES_MAX: u32 = 80;

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut producer = EventProducer::new(u16::from(input.u8()));
    Arena::with(&[], |arena| {
        let space = &arena.space;
        while !input.is_empty() {
            step(space, &mut producer, &mut input);
            let started = producer.enqueue().is_some();
            assert!(started || producer.is_empty());
        }
    });
}

fn step<M: Memory>(space: &M, producer: &mut EventProducer, input: &mut Input<'_>) {
    match input.u8() % 8 {
        0 | 1 => entry(space, input),
        2 => {
            let (table, entries) = (Arena::address(input.u8(), input.u16()), input.u8());
            let dequeue = Arena::address(input.u8(), input.u16());
            if let Err(error) = producer.program(space, table, u16::from(entries), dequeue) {
                assert!(!error.to_string().is_empty());
                assert_eq!(producer.enqueue(), None, "a ring that failed to start runs");
            }
        }
        3 => producer.set_size(u16::from(input.u8())),
        4 => drop(producer.set_dequeue(space, Arena::address(input.u8(), input.u16()))),
        // An honest ERDP: where the ring stands, so that it empties.
        5 => {
            if let Some((at, _)) = producer.enqueue() {
                let _ = producer.set_dequeue(space, at);
            }
        }
        _ => push(space, producer, u32::from(input.u8()) % PUSHES_MAX),
    }
}

/// Writes an entry of the table: small numbers, so that segments lie in memory now and then.
fn entry<M: Memory>(space: &M, input: &mut Input<'_>) {
    let at = Iova(MAIN.0 + (u64::from(input.u8()) * 16) % MAIN_LEN as u64);
    let base = Arena::address(input.u8(), input.u16()).0;
    let trbs = u32::from(input.u8()) | u32::from(input.u8()) << 8;
    let (low, high) = (low_half(base), high_half(base));
    let _ = space.store_block(at, [low, high, trbs, 0]);
}

fn push<M: Memory>(space: &M, producer: &mut EventProducer, events: u32) {
    let code = CompletionCode::SUCCESS;
    let event = Event::HostController { code }.emit();
    for _ in 0..events {
        let before = *producer;
        let free = producer.free(space, 1);
        match producer.push(space, event) {
            Ok(Pushed::Written { at }) => {
                assert_eq!(before.enqueue().map(|(at, _)| at), Some(at));
                let read = space
                    .load_block(at)
                    .map(|block| Trb(block).with_cycle(false));
                assert!(read.is_err() || read == Ok(event));
                assert!(free != Ok(0), "an event was written where none was free");
            }
            Ok(Pushed::FullReported { .. }) => assert!(producer.is_full()),
            Ok(Pushed::Full) => {
                assert_eq!(before, *producer, "a full ring moved");
                break;
            }
            Err(error) => {
                assert_eq!(before, *producer, "an error moved the ring");
                assert!(!error.to_string().is_empty());
                break;
            }
        }
    }
}
