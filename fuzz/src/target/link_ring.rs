//! The controller's end of a ring in any memory: it reads a bounded number of TRBs, errors move nothing, and what lies ahead is what comes.

use memory::Memory;
use xhci_ring::link::{Consumer, TD_TRBS_MAX, TdLook};
use xhci_ring::probe::{PROBE_MAX, probe};
use xhci_spec::number::InterrupterId;
use xhci_spec::trb::{Link, Trb, TrbType};

use super::Target;
use crate::arena::Arena;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "link_ring",
    about: "a consumer and a probe over rings that the input wrote, while it goes on writing",
    longest: 2048,
    run,
};

/// The most TRBs that one input makes the consumer take.
const POPS_MAX: u32 = 600;

/// What is done to the ring between two looks.
const STEPS_MAX: u32 = 16;

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut consumer = Consumer::new(Arena::address(input.u8(), input.u16()), input.flag());
    let steps = u32::from(input.u8()) % STEPS_MAX;
    let image = image(&mut input);
    Arena::with(&image, |arena| {
        let space = &arena.space;
        for _ in 0..=steps {
            look_ahead(space, consumer);
            for _ in 0..input.below(16) {
                pop(space, &mut consumer);
            }
            let seen = probe(
                space,
                consumer.dequeue(),
                consumer.cycle(),
                u32::from(input.u8()) * 4,
            );
            assert!(seen.count() <= PROBE_MAX as usize);
            // The other side goes on writing while we look.
            let (at, trb) = (
                Arena::address(input.u8(), u16::from(input.u8()) * 16),
                trb(&mut input),
            );
            let _ = space.store_block(at, trb.0);
            if input.is_empty() {
                break;
            }
        }
    });
}

/// A ring out of the input, one or a few bytes for each TRB: whole dwords would take the engine too long to find.
fn image(input: &mut Input<'_>) -> Vec<u8> {
    let trbs = usize::from(input.u8());
    let mut image = Vec::with_capacity(trbs * Trb::SIZE);
    for _ in 0..trbs {
        for dword in trb(input).0 {
            image.extend(dword.to_le_bytes());
        }
    }
    image
}

fn trb(input: &mut Input<'_>) -> Trb {
    let kind = input.u8();
    let flag = |bit: u8| kind & 1 << bit != 0;
    let trb = match kind >> 6 {
        0 | 1 => Trb([
            0,
            0,
            0,
            u32::from(TrbType::NORMAL.0) << 10 | u32::from(flag(2)) << 4,
        ]),
        2 => Link {
            next: Arena::address(if flag(5) { input.u8() } else { 0 }, input.u16()),
            toggle_cycle: flag(1),
            chain: flag(2),
            ioc: flag(3),
            interrupter: InterrupterId(0),
        }
        .emit(),
        _ => Trb(input.dwords()),
    };
    trb.with_cycle(flag(0))
}

/// Takes one TRB: `peek` says what `pop` takes, and an error leaves the consumer where it stood.
fn pop<M: Memory>(space: &M, consumer: &mut Consumer) -> Option<Trb> {
    let (before, ahead) = (*consumer, consumer.peek(space));
    let popped = consumer.pop(space);
    assert_eq!(ahead, popped);
    match popped {
        Ok(Some(taken)) => {
            assert!(taken.at.0.is_multiple_of(16));
            assert!(taken.link().is_none_or(|link| link.ioc));
            taken.link().is_none().then_some(taken.trb)
        }
        Ok(None) => {
            // Links may have been passed, but then nothing more lies ahead.
            assert_eq!(consumer.peek(space), Ok(None));
            None
        }
        Err(error) => {
            assert_eq!(before, *consumer, "an error moved the consumer");
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// A TD that lies ahead can be taken TRB by TRB, and ends where the look said.
fn look_ahead<M: Memory>(space: &M, mut consumer: Consumer) {
    let Ok(TdLook::Complete { trbs, behind }) = consumer.peek_td(space) else {
        return;
    };
    assert!((1..=TD_TRBS_MAX).contains(&trbs));
    if trbs > POPS_MAX {
        return;
    }
    let mut taken = 0;
    // Links with IOC come out too, and count for nothing; the look itself has bounded them.
    for _ in 0..=2 * TD_TRBS_MAX {
        if taken == trbs {
            break;
        }
        if let Some(trb) = pop(space, &mut consumer) {
            taken += 1;
            assert_eq!(trb.chain(), taken < trbs, "TRB {taken} of {trbs}");
        }
    }
    assert_eq!((taken, consumer), (trbs, behind));
}
