//! In the steady state nothing is allocated on the heap: neither by the driver nor by the model, nor by what stands between them.

use benches::{DiskRig, SourceRig};

/// How often a thing is done before it counts: every queue has had its greatest length by then.
const WARM_UP: usize = 200;

/// How often it is done while it counts.
const TIMES: usize = 200;

fn allocations(mut once: impl FnMut()) -> u64 {
    (0..WARM_UP).for_each(|_| once());
    allocation_counter::measure(|| (0..TIMES).for_each(|_| once())).count_total
}

#[test]
fn the_counter_counts() {
    assert_eq!(
        allocations(|| drop(std::hint::black_box(vec![1u8]))),
        TIMES as u64
    );
}

#[test]
fn a_read_of_a_mebibyte_allocates_nothing() {
    let mut rig = DiskRig::new(1 << 20);
    assert_eq!(allocations(|| rig.read_one(0)), 0);
}

#[test]
fn a_read_of_a_page_allocates_nothing() {
    let mut rig = DiskRig::new(4 << 10);
    assert_eq!(allocations(|| rig.read_one(0)), 0);
}

#[test]
fn a_transfer_of_a_packet_allocates_nothing() {
    let mut rig = SourceRig::new();
    assert_eq!(allocations(|| rig.transfers(1, 1)), 0);
    assert_eq!(allocations(|| rig.transfers(64, 32)), 0);
}

#[test]
fn a_command_allocates_nothing() {
    let mut rig = SourceRig::new();
    assert_eq!(allocations(|| rig.no_ops(1)), 0);
}
