//! A whole disk through driver and model, beside plain `pread` of its image into the same DMA buffer: `cargo bench --bench disk_read`.
//!
//! The ratio is a rate's: 1 would be as fast as `pread`, 0.5 half as fast.

mod ratio;

use std::time::Duration;

use ::criterion::{criterion_group, criterion_main};
use benches::DiskRig;
use ratio::{RatioCriterion, compare, criterion};

fn disk_read(criterion: &mut RatioCriterion) {
    let mut group = criterion.benchmark_group("disk read, rate to pread's");
    for (name, chunk) in [
        ("1 MiB", 1 << 20),
        ("128 KiB", 128 << 10),
        ("4 KiB", 4 << 10),
    ] {
        let mut rig = DiskRig::new(chunk);
        compare(
            &mut group,
            name,
            &mut rig,
            (DiskRig::read_all, DiskRig::pread_all),
            |ours: Duration, peer: Duration| peer.as_secs_f64() / ours.as_secs_f64(),
        );
    }
    group.finish();
}

criterion_group! { name = ratios; config = criterion(); targets = disk_read }
criterion_main!(ratios);
