//! The DMA pool keeps limits, never hands out a byte twice, and notices who writes freed memory.

use memory::{Iova, Memory, Slice};
use proptest::prelude::*;
use volmem::{DmaBuf, DmaPool, Pages, PoolError, Region, Trampled};
use xhci_hal::{Dma, DmaBuffer, DmaError, DmaLimit};

const LAYOUT: [(Iova, usize); 3] = [
    (Iova(0x1000), 0x3000),
    (Iova(0xffff_e000), 0x4000),
    (Iova(0x12_0000_0000), 0x8000),
];

fn pool() -> DmaPool {
    let pool = DmaPool::new(&LAYOUT).expect("a small pool can be made");
    pool.set_canary(true);
    pool
}

fn alloc(pool: &DmaPool, len: usize) -> DmaBuf {
    pool.alloc(len, 64, DmaLimit::NONE).expect("there is room")
}

#[derive(Clone, Debug)]
enum Step {
    Alloc(usize, usize, DmaLimit),
    Free(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let mask = prop_oneof![Just(u64::MAX), Just(0xffff_ffff), Just(0x2fff)];
    let boundary = prop_oneof![Just(0u64), Just(0x1000), Just(0x1_0000)];
    let alloc =
        (1usize..6000, 0u32..14, mask, boundary).prop_map(|(len, align, mask, boundary)| {
            Step::Alloc(len, 1 << align, DmaLimit { mask, boundary })
        });
    prop_oneof![2 => alloc, 1 => any::<usize>().prop_map(Step::Free)]
}

proptest! {
    #[test]
    fn buffers_never_overlap_and_keep_alignment_mask_and_boundary(steps in prop::collection::vec(step(), 0..60)) {
        let pool = pool();
        let mut live: Vec<DmaBuf> = Vec::new();
        for (turn, step) in steps.into_iter().enumerate() {
            match step {
                Step::Alloc(len, align, limit) => {
                    let Ok(mut buffer) = pool.alloc(len, align, limit) else { continue };
                    prop_assert_eq!(buffer.len(), len);
                    prop_assert!(buffer.iova().is_aligned(align as u64));
                    prop_assert!(limit.allows(buffer.iova(), len));
                    prop_assert!(buffer.iter().all(|byte| *byte == 0), "a new buffer is zeroed");
                    let (start, end) = (buffer.iova().0, buffer.iova().0 + len as u64);
                    let apart = |other: &DmaBuf| end <= other.iova().0 || other.iova().0 + other.len() as u64 <= start;
                    prop_assert!(live.iter().all(apart));
                    prop_assert!(pool.address_space().exact(buffer.iova(), len, memory::Direction::DeviceWrites).is_ok());
                    buffer.fill(turn.to_le_bytes()[0] | 1);
                    live.push(buffer);
                }
                Step::Free(which) if !live.is_empty() => drop(live.swap_remove(which % live.len())),
                Step::Free(_) => {}
            }
            prop_assert_eq!(pool.usage().live_buffers, live.len());
            prop_assert_eq!(pool.usage().allocated_bytes, live.iter().map(DmaBuffer::len).sum::<usize>());
        }
        prop_assert!(live.iter().all(|buffer| buffer.iter().all(|byte| *byte == buffer[0])), "nobody wrote a neighbour");
        prop_assert_eq!(pool.check_canaries(), Ok(()));
        live.clear();
        prop_assert_eq!(pool.check_canaries(), Ok(()));
        // All of it melted together again: the largest chunk can be had whole.
        prop_assert!(pool.alloc(0x8000, 64, DmaLimit::NONE).is_ok());
    }
}

#[test]
fn holder_and_device_see_the_same_bytes() {
    let pool = pool();
    let space = pool.address_space();
    let mut buffer = pool
        .copy_of(b"from the holder", 64, DmaLimit::NONE)
        .expect("there is room");
    let mut seen = [0; 15];
    space.read(buffer.iova(), &mut seen).expect("mapped");
    assert_eq!(&seen, b"from the holder");
    space
        .write(buffer.iova(), b"from the device")
        .expect("mapped");
    assert_eq!(&buffer[..], b"from the device");
    buffer[0] = b'F';
    assert_eq!(buffer.slice().load32(0).map(u32::to_le_bytes), Ok(*b"From"));
}

#[test]
fn high_memory_is_used_first_and_a_narrow_device_gets_low_memory() {
    let pool = DmaPool::new(&DmaPool::DEFAULT_LAYOUT).expect("it is populated lazily");
    let high = pool
        .alloc(4096, 4096, DmaLimit::NONE)
        .expect("there is room");
    let low = pool
        .alloc(
            4096,
            4096,
            DmaLimit {
                mask: 0xffff_ffff,
                boundary: 0,
            },
        )
        .expect("there is room");
    assert!(high.iova().0 > 0xffff_ffff);
    assert!(low.iova().0 <= 0xffff_f000);
    assert_ne!(
        high.iova().0,
        high.as_ptr().addr() as u64,
        "device addresses are not ours"
    );
}

#[test]
fn a_chunk_across_4_gib_is_used_on_the_side_that_the_mask_allows() {
    let pool = DmaPool::new(&[(Iova(0xffff_e000), 0x4000)]).expect("a small pool can be made");
    let below = DmaLimit {
        mask: 0xffff_ffff,
        boundary: 0,
    };
    let first = pool.alloc(0x1800, 64, below).expect("there is room");
    assert_eq!(
        pool.alloc(0x1800, 64, below).err(),
        Some(DmaError::Exhausted {
            len: 0x1800,
            mask: 0xffff_ffff
        })
    );
    let second = pool
        .alloc(0x1800, 64, DmaLimit::NONE.within(0x1_0000))
        .expect("above the boundary");
    assert_eq!(
        (first.iova(), second.iova()),
        (Iova(0xffff_e000), Iova(0x1_0000_0000))
    );
}

#[test]
fn a_request_that_cannot_exist_is_told_from_one_that_finds_no_room() {
    let pool = pool();
    let impossible = |len, align, boundary| {
        matches!(
            pool.alloc(len, align, DmaLimit::NONE.within(boundary)),
            Err(DmaError::Impossible { .. })
        )
    };
    assert!(
        impossible(0, 64, 0)
            && impossible(64, 0, 0)
            && impossible(64, 48, 0)
            && impossible(65, 1, 64)
            && impossible(64, 1, 96)
    );
    assert!(matches!(
        pool.alloc(0x9000, 1, DmaLimit::NONE),
        Err(DmaError::Exhausted { .. })
    ));
    assert!(matches!(
        pool.alloc(usize::MAX, 1 << 63, DmaLimit::NONE),
        Err(DmaError::Exhausted { .. })
    ));
}

#[test]
fn a_write_to_a_freed_buffer_is_noticed() {
    let pool = pool();
    let space = pool.address_space();
    let buffer = alloc(&pool, 1000);
    let at = buffer.iova().offset(700);
    drop(buffer);
    assert_eq!(pool.check_canaries(), Ok(()));
    space.write(at, &[0x55]).expect("mapped");
    assert_eq!(pool.check_canaries(), Err(Trampled { at, found: 0x55 }));
}

#[test]
fn a_write_to_a_freed_buffer_is_noticed_even_after_its_memory_was_handed_out_again() {
    let pool = pool();
    let space = pool.address_space();
    let at = alloc(&pool, 256).iova();
    space.store32(at, 0x55).expect("mapped");
    let again = alloc(&pool, 256);
    assert_eq!(again.iova(), at);
    assert!(again.iter().all(|byte| *byte == 0));
    assert_eq!(pool.check_canaries(), Err(Trampled { at, found: 0x55 }));
}

#[test]
fn a_write_past_the_end_of_a_short_buffer_is_noticed() {
    let pool = pool();
    let space = pool.address_space();
    let buffer = alloc(&pool, 18);
    let past = buffer.iova().offset(18);
    space.write(past, &[0]).expect("mapped");
    drop(buffer);
    assert_eq!(pool.check_canaries(), Err(Trampled { at: past, found: 0 }));
}

#[test]
fn a_pool_takes_no_region_that_someone_else_holds_and_no_layout_that_overlaps() {
    let region = Region::anonymous(0x1000, Pages::Normal).expect("memory is there");
    let slice = region.slice();
    assert!(matches!(
        DmaPool::of_regions(vec![(Iova(0), region)]),
        Err(PoolError::Shared { .. })
    ));
    drop(slice);
    assert!(matches!(DmaPool::new(&[]), Err(PoolError::Empty)));
    assert!(matches!(
        DmaPool::new(&[(Iova(0x800), 0x1000)]),
        Err(PoolError::Unaligned { .. })
    ));
    assert!(matches!(
        DmaPool::new(&[(Iova(0), 0x2000), (Iova(0x1000), 0x1000)]),
        Err(PoolError::Map(_))
    ));
}

#[test]
fn buffers_from_many_threads_are_all_given_back() {
    let pool = pool();
    std::thread::scope(|scope| {
        for seed in 1..=4usize {
            let pool = &pool;
            scope.spawn(move || {
                for turn in 0..300 {
                    let mut buffer = alloc(pool, 1 + turn * seed % 500);
                    buffer.fill(seed.to_le_bytes()[0]);
                    assert!(
                        buffer.iter().all(|byte| usize::from(*byte) == seed),
                        "the bytes belong to one thread"
                    );
                }
            });
        }
    });
    assert_eq!(
        (pool.usage().live_buffers, pool.usage().allocations),
        (0, 1200)
    );
    assert_eq!(pool.check_canaries(), Ok(()));
}
