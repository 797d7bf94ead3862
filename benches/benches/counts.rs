//! What is counted and not timed: heap allocations for each transfer in the steady state. `cargo bench --bench counts`.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use benches::{DiskRig, SourceRig};

/// How often each is done before counting, and while counting.
const TIMES: usize = 1000;

fn main() {
    let mut rig = DiskRig::new(1 << 20);
    count("1 MiB disk read", || rig.read_one(0));
    let mut rig = DiskRig::new(4 << 10);
    count("4 KiB disk read", || rig.read_one(0));
    let mut rig = SourceRig::new();
    count("512-byte bulk IN", || rig.transfers(1, 1));
    count("No Op command", || rig.no_ops(1));
}

fn count(name: &str, mut once: impl FnMut()) {
    let mut many = || (0..TIMES).for_each(|_| once());
    many();
    let info = allocation_counter::measure(many);
    println!(
        "{name}: {} allocations, {} bytes, in {TIMES} times",
        info.count_total, info.bytes_total
    );
}
