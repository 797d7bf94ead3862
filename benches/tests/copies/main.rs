//! Each byte of a disk is copied once, by the kernel, from the page cache to where its reader wants it. Counted, not claimed: the model has
//! its memory through a wrapper that counts, and the medium notes where the kernel put what.
//!
//! What the driver does is not behind that wrapper. But the bytes lie in their last place after the kernel's copy, so it could only copy
//! them away and back; `docs/performance.md` has the command that prints the figure.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

mod backend;
mod counting;

use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use backend::Counted;
use counting::Tally;
use host::storage::{self, Policy, PolledDisk};
use host::{Engine, EngineOptions, Notice};

const MIB: usize = 1 << 20;

#[test]
fn a_byte_that_is_read_is_copied_once_and_straight_to_its_place() {
    let mut image = tempfile::NamedTempFile::new().unwrap();
    let bytes: Vec<u8> = (0..251).cycle().take(2 * MIB).collect();
    image.write_all(&bytes).unwrap();
    let tally = Rc::new(Tally::default());
    let mut engine = engine(Counted::new(image.path(), &tally));
    let slot = engine.devices().next().unwrap().slot;
    assert!(storage::function(engine.device(slot).unwrap()).is_some());
    let mut disk = PolledDisk::open(&mut engine, slot, Policy::default()).unwrap();
    let buffer = engine.pool().allocate(MIB).unwrap();

    let allocations = engine.pool().memory().usage().allocations;
    tally.begin(buffer.as_ptr().addr(), MIB as u64);
    disk.begin_read(engine.now(), MIB as u64, buffer, MIB)
        .unwrap();
    let buffer = disk.finish(&mut engine).into_result().unwrap().unwrap();

    assert!(buffer[..] == bytes[MIB..], "wrong bytes");
    assert_eq!(
        tally.placed(),
        MIB as u64,
        "bytes that the kernel put where they belong"
    );
    assert_eq!(tally.misplaced(), 0, "bytes that it put elsewhere");
    // TRBs, the command and its status: what is moved whatever the length.
    let moved = tally.moved();
    assert!(moved > 0, "nothing was counted");
    assert!(
        moved < MIB as u64 / 100,
        "{moved} bytes were moved by the model"
    );
    assert_eq!(
        engine.pool().memory().usage().allocations,
        allocations,
        "the driver took memory in which it could keep a copy"
    );
    println!(
        "{:.4} bytes copied per byte read",
        (tally.placed() + tally.misplaced() + moved) as f64 / MIB as f64
    );
}

fn engine(backend: Counted) -> Engine<Counted> {
    let mut engine = Engine::new(backend, EngineOptions::default()).unwrap();
    let settled = |engine: &mut Engine<Counted>| {
        engine
            .poll_notice()
            .filter(|notice| matches!(notice, Notice::Settled | Notice::Died { .. }))
    };
    let end = engine.run_until(Some(Duration::from_secs(60)), settled);
    assert_eq!(end, Some(Notice::Settled));
    engine
}
