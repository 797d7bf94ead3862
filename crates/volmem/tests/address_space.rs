//! Address spaces answer as a plain list of mappings would.

use memory::{Direction, Fault, Iova, Memory, Slice};
use proptest::prelude::*;
use volmem::{Access, AddressSpace, MapError, Pages, Region, VolatileSlice};

const UNIT: u64 = 16;
const UNITS: usize = 64;

fn fresh(len: u64) -> VolatileSlice {
    Region::anonymous(usize::try_from(len).expect("small"), Pages::Unreserved)
        .expect("memory is there")
        .slice()
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![
        Just(Access::Read),
        Just(Access::Write),
        Just(Access::ReadWrite)
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Map(usize, usize, Access),
    Unmap(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let range = || (0..UNITS, 0usize..12);
    prop_oneof![
        3 => (range(), access()).prop_map(|((at, len), access)| Step::Map(at, len.min(UNITS - at), access)),
        1 => range().prop_map(|(at, len)| Step::Unmap(at, len.min(UNITS - at))),
    ]
}

/// The naive model: each unit of 16 bytes knows the number of its mapping, and what that one allows.
type Naive = [Option<(usize, Access)>; UNITS];

fn apply(space: &mut AddressSpace, naive: &mut Naive, name: usize, step: &Step, base: u64) {
    match *step {
        Step::Map(at, len, access) => {
            let free = len > 0 && naive[at..at + len].iter().all(Option::is_none);
            let mapped = space.map(
                Iova(base + at as u64 * UNIT),
                fresh_or_empty(len as u64 * UNIT),
                access,
            );
            assert_eq!(mapped.is_ok(), free, "{mapped:?}");
            if free {
                naive[at..at + len].fill(Some((name, access)));
            }
        }
        Step::Unmap(at, len) => {
            let owner = |unit: usize| naive.get(unit).copied().flatten().map(|(name, _)| name);
            let cuts =
                |left: usize, right: usize| owner(left).is_some() && owner(left) == owner(right);
            let whole = len > 0 && !(at > 0 && cuts(at - 1, at)) && !cuts(at + len - 1, at + len);
            let held = naive[at..at + len].iter().flatten().count() as u64 * UNIT;
            let unmapped = space.unmap(Iova(base + at as u64 * UNIT), len as u64 * UNIT);
            assert_eq!(unmapped.ok(), (whole && held > 0).then_some(held));
            if whole {
                naive[at..at + len].fill(None);
            }
        }
    }
}

fn fresh_or_empty(len: u64) -> VolatileSlice {
    if len == 0 {
        fresh(16).part(0, 0).expect("it lies inside")
    } else {
        fresh(len)
    }
}

proptest! {
    #[test]
    fn a_lookup_finds_what_a_plain_list_would_find(
        steps in prop::collection::vec(step(), 0..24),
        base in prop_oneof![Just(0), Just(0xffff_fe00), Just(u64::MAX - UNIT * UNITS as u64 + 1)],
        lookups in prop::collection::vec((0..UNIT * UNITS as u64, 0usize..300, any::<bool>()), 40),
    ) {
        let (mut space, mut naive) = (AddressSpace::new(), [None; UNITS]);
        for (name, step) in steps.iter().enumerate() {
            apply(&mut space, &mut naive, name, step, base);
        }
        for (at, len, reads) in lookups {
            let direction = if reads { Direction::DeviceReads } else { Direction::DeviceWrites };
            let unit = usize::try_from(at / UNIT).expect("small");
            let iova = Iova(base + at);
            let found = space.slice(iova, len, direction);
            match naive[unit] {
                None => prop_assert_eq!(found.err(), Some(Fault::Unmapped { at: iova })),
                Some((_, access)) if !access.allows(direction) => {
                    prop_assert_eq!(found.err(), Some(Fault::Denied { at: iova, direction }));
                }
                Some(owner) => {
                    let units = naive[unit..].iter().take_while(|other| **other == Some(owner)).count();
                    let room = units * 16 - usize::try_from(at % UNIT).expect("small");
                    prop_assert_eq!(found.map(|slice| slice.len()).ok(), Some(room.min(len)));
                    if reads && room >= 4 {
                        prop_assert_eq!(space.load32(iova).is_ok(), at % 4 == 0);
                    }
                }
            }
        }
    }

    #[test]
    fn word_accesses_agree_with_the_way_over_a_slice(at in 0u64..100, access in access(), value: u32) {
        let mut space = AddressSpace::new();
        space.map(Iova(32), fresh(48), access).expect("nothing is in the way");
        let iova = Iova(at);
        let load = |at| space.exact(at, 4, Direction::DeviceReads)?.load32(0).map_err(|_| Fault::Misaligned { at, align: 4 });
        prop_assert_eq!(space.load32(iova), load(iova));
        let stored = space.store32(iova, value);
        let slice = space.exact(iova, 4, Direction::DeviceWrites);
        prop_assert_eq!(stored, slice.and_then(|slice| slice.store32(0, value).map_err(|_| Fault::Misaligned { at: iova, align: 4 })));
        let block = space.exact(iova, 16, Direction::DeviceReads)
            .and_then(|slice| slice.load_block(0).map_err(|_| Fault::Misaligned { at: iova, align: 16 }));
        prop_assert_eq!(space.load_block(iova), block);
    }
}

#[test]
fn bytes_cross_mappings_that_lie_side_by_side_and_stop_at_a_hole() {
    let mut space = AddressSpace::new();
    space
        .map(Iova(0x1000), fresh(0x100), Access::ReadWrite)
        .expect("free");
    space
        .map(Iova(0x1100), fresh(0x100), Access::ReadWrite)
        .expect("free");
    let data: Vec<u8> = (0..=255).collect();
    space.write(Iova(0x1080), &data).expect("mapped");
    let mut back = [0; 256];
    space.read(Iova(0x1080), &mut back).expect("mapped");
    assert_eq!(back[..], data);
    assert_eq!(
        space.read(Iova(0x1180), &mut back),
        Err(Fault::Unmapped { at: Iova(0x1200) })
    );
    assert_eq!(
        space.exact(Iova(0x10f8), 16, Direction::DeviceReads).err(),
        Some(Fault::Unmapped { at: Iova(0x1100) })
    );
}

#[test]
fn memory_that_the_device_may_only_read_is_not_written_through_its_slices() {
    let mut space = AddressSpace::new();
    space.map(Iova(0), fresh(64), Access::Read).expect("free");
    let slice = space
        .exact(Iova(0), 16, Direction::DeviceReads)
        .expect("mapped");
    assert!(slice.store32(0, 1).is_err());
    assert_eq!(
        space.store32(Iova(0), 1),
        Err(Fault::Denied {
            at: Iova(0),
            direction: Direction::DeviceWrites
        })
    );
}

#[test]
fn mappings_that_make_no_sense_are_named() {
    let mut space = AddressSpace::new();
    let map = |space: &mut AddressSpace, at, slice| space.map(Iova(at), slice, Access::ReadWrite);
    assert_eq!(
        map(&mut space, 0x20, fresh(64).read_only()),
        Err(MapError::NotWritable { iova: Iova(0x20) })
    );
    assert_eq!(
        map(&mut space, 0x24, fresh(64)),
        Err(MapError::Uneven { iova: Iova(0x24) })
    );
    assert_eq!(
        map(&mut space, u64::MAX - 15, fresh(64)),
        Err(MapError::Wraps {
            iova: Iova(u64::MAX - 15),
            len: 64
        })
    );
    map(&mut space, 0x20, fresh(64)).expect("free");
    assert_eq!(
        map(&mut space, 0x50, fresh(64)),
        Err(MapError::Overlap {
            iova: Iova(0x50),
            other: Iova(0x20)
        })
    );
    assert_eq!(
        space.unmap(Iova(0x20), 32),
        Err(MapError::Cuts {
            iova: Iova(0x20),
            len: 32,
            other: Iova(0x20)
        })
    );
    assert_eq!(
        space.unmap(Iova(0x200), 32),
        Err(MapError::NotMapped {
            iova: Iova(0x200),
            len: 32
        })
    );
}

#[test]
fn a_snapshot_keeps_the_old_table_while_the_owner_changes_its_own() {
    let mut space = AddressSpace::new();
    space
        .map(Iova(0), fresh(64), Access::ReadWrite)
        .expect("free");
    let snapshot = space.clone();
    assert_eq!(space.unmap(Iova(0), u64::MAX), Ok(64));
    assert_eq!(space.load32(Iova(0)), Err(Fault::Unmapped { at: Iova(0) }));
    assert_eq!(snapshot.load32(Iova(0)), Ok(0));
}
