//! The least that driver and model do for a command and for a transfer, beside a copy of 512 bytes: `cargo bench --bench round_trips`.
//!
//! The ratio is a time's: how many such copies could have been made instead.

mod ratio;

use std::time::Duration;

use ::criterion::{criterion_group, criterion_main};
use benches::SourceRig;
use ratio::{RatioCriterion, compare, criterion};

/// How many of ours make a round: so many that reading the clock costs nothing beside them, so few that most rounds are not interrupted.
const OURS: u32 = 100;

/// How many copies make a round.
const COPIES: u32 = 10_000;

fn round_trips(criterion: &mut RatioCriterion) {
    let mut rig = SourceRig::new();
    let mut group = criterion.benchmark_group("round trip, time to a 512-byte copy's");
    let copies = |rig: &mut SourceRig| rig.copies(COPIES as usize);
    let each = |ours: Duration, peer: Duration| {
        (ours.as_secs_f64() / f64::from(OURS)) / (peer.as_secs_f64() / f64::from(COPIES))
    };
    let count = OURS as usize;
    let no_ops = |rig: &mut SourceRig| rig.no_ops(count);
    compare(
        &mut group,
        "No Op command",
        &mut rig,
        (no_ops, copies),
        each,
    );
    let alone = |rig: &mut SourceRig| rig.transfers(count, 1);
    compare(
        &mut group,
        "bulk IN, one at a time",
        &mut rig,
        (alone, copies),
        each,
    );
    let queued = |rig: &mut SourceRig| rig.transfers(count, 32);
    compare(
        &mut group,
        "bulk IN, 32 at a time",
        &mut rig,
        (queued, copies),
        each,
    );
    group.finish();
}

criterion_group! { name = ratios; config = criterion(); targets = round_trips }
criterion_main!(ratios);
