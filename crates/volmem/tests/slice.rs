//! Slices keep their bounds, whatever is asked of them.

use std::sync::Arc;

use memory::{OutOfBounds, Slice};
use proptest::prelude::*;
use volmem::{Pages, Region, RegionError, VolatileSlice};

fn region(len: usize) -> Arc<Region> {
    Region::anonymous(len, Pages::Unreserved).expect("a small region can be mapped")
}

fn contents(slice: &VolatileSlice) -> Vec<u8> {
    let mut bytes = vec![0; slice.len()];
    slice.read(0, &mut bytes).expect("it fits");
    bytes
}

/// Offsets near the interesting places: inside, around the end, and where sums wrap.
fn offset() -> impl Strategy<Value = usize> {
    prop_oneof![
        0usize..200,
        Just(usize::MAX),
        Just(usize::MAX - 8),
        Just(isize::MAX as usize)
    ]
}

proptest! {
    #[test]
    fn a_write_changes_its_bytes_and_no_others(start in 0usize..80, len in 0usize..300, at in offset(), data in prop::collection::vec(any::<u8>(), 0..200)) {
        let whole = region(4096).slice();
        whole.fill(0, 4096, 0xee).expect("it fits");
        let part = whole.part(start, len).expect("it lies inside");
        let mut expected = vec![0xee; 4096];
        let fits = at <= len && data.len() <= len - at;
        let refused = OutOfBounds { offset: at, wanted: data.len(), len };
        prop_assert_eq!(part.write(at, &data), if fits { Ok(()) } else { Err(refused) });
        if fits {
            expected[start + at..start + at + data.len()].copy_from_slice(&data);
        }
        prop_assert_eq!(contents(&whole), expected);
    }

    #[test]
    fn a_read_gives_what_stands_there_or_touches_nothing(start in 0usize..80, len in 0usize..300, at in offset(), wanted in 0usize..200) {
        let whole = region(4096).slice();
        let pattern: Vec<u8> = (0..4096u32).map(|i| i.wrapping_mul(151).to_le_bytes()[0]).collect();
        whole.write(0, &pattern).expect("it fits");
        let part = whole.part(start, len).expect("it lies inside");
        let mut into = vec![0xaa; wanted];
        if at <= len && wanted <= len - at {
            prop_assert_eq!(part.read(at, &mut into), Ok(()));
            prop_assert_eq!(&into[..], &pattern[start + at..start + at + wanted]);
        } else {
            prop_assert!(part.read(at, &mut into).is_err());
            prop_assert_eq!(into, vec![0xaa; wanted]);
        }
    }

    #[test]
    fn a_fill_sets_its_bytes_and_no_others(at in offset(), len in 0usize..200, value: u8) {
        let whole = region(4096).slice();
        let part = whole.part(3, 120).expect("it lies inside");
        let mut expected = vec![0; 4096];
        if part.fill(at, len, value).is_ok() {
            expected[3 + at..3 + at + len].fill(value);
        } else {
            prop_assert!(at > 120 || len > 120 - at);
        }
        prop_assert_eq!(contents(&whole), expected);
    }

    #[test]
    fn words_are_little_endian_aligned_and_inside(at in offset(), value: u64) {
        let slice = region(128).slice();
        let inside = |size: usize| at <= 128 - size && at.is_multiple_of(size);
        let dword = u32::try_from(value >> 32).expect("32 bits are left");
        prop_assert_eq!(slice.store32(at, dword).is_ok(), inside(4));
        prop_assert_eq!(slice.load32(at).ok(), inside(4).then_some(dword));
        prop_assert_eq!(slice.store64(at, value).is_ok(), inside(8));
        prop_assert_eq!(slice.load64(at).ok(), inside(8).then_some(value));
        let block = [dword, 1, 2, !dword];
        if inside(8) {
            prop_assert_eq!(&contents(&slice)[at..at + 8], &value.to_le_bytes()[..]);
        }
        prop_assert_eq!(slice.store_block(at, block).is_ok(), inside(16));
        prop_assert_eq!(slice.load_block(at).ok(), inside(16).then_some(block));
        if inside(16) {
            prop_assert_eq!(&contents(&slice)[at + 12..at + 16], &(!dword).to_le_bytes()[..]);
        }
    }

    #[test]
    fn parts_lie_inside_of_the_whole(at in offset(), len in offset()) {
        let whole = region(100).slice();
        let part = whole.part(at, len);
        prop_assert_eq!(part.is_ok(), at <= 100 && len <= 100 - at.min(100));
        if let Ok(part) = part {
            prop_assert_eq!(part.len(), len);
        }
    }
}

#[test]
fn a_slice_keeps_its_region_alive() {
    let region = region(4096);
    let weak = Arc::downgrade(&region);
    let part = region.slice().part(100, 8).expect("it lies inside");
    drop(region);
    part.store32(0, 7).expect("the bytes are still there");
    assert_eq!(part.load32(0), Ok(7));
    drop(part);
    assert!(
        weak.upgrade().is_none(),
        "the last slice lets the region go"
    );
}

#[test]
fn a_read_only_slice_refuses_every_write_and_its_parts_do_too() {
    let writable = region(64).slice();
    writable.store32(0, 0x1234).expect("it fits");
    let slice = writable
        .clone()
        .read_only()
        .part(0, 32)
        .expect("it lies inside");
    assert_eq!(
        slice.write(0, &[1]),
        Err(OutOfBounds {
            offset: 0,
            wanted: 1,
            len: 0
        })
    );
    assert!(slice.fill(0, 4, 1).is_err());
    assert!(slice.store32(0, 1).is_err());
    assert!(slice.store64(0, 1).is_err());
    assert!(slice.store_block(0, [1; 4]).is_err());
    assert_eq!(slice.load32(0), Ok(0x1234));
}

#[test]
fn a_large_region_costs_nothing_until_it_is_touched() {
    let slice = Region::anonymous(1 << 36, Pages::Huge)
        .expect("addresses are free")
        .slice();
    slice.store64((1 << 36) - 8, 5).expect("it fits");
    assert_eq!(slice.load64((1 << 36) - 8), Ok(5));
    assert_eq!(slice.load64(0), Ok(0));
}

#[test]
fn a_region_of_no_bytes_or_of_too_many_is_refused() {
    assert!(matches!(
        Region::anonymous(0, Pages::Normal),
        Err(RegionError::Empty)
    ));
    assert!(matches!(
        Region::anonymous(usize::MAX, Pages::Normal),
        Err(RegionError::TooLarge { .. })
    ));
}
