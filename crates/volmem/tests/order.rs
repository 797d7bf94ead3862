//! What is published in one thread is whole when it is seen in another.

use std::thread;

use memory::Slice;
use volmem::{Pages, Region};

/// Enough turns for a wrong order to show, few enough for every run.
const TURNS: u32 = 50_000;

#[test]
fn whoever_sees_dword_3_of_a_block_sees_the_rest_and_what_was_stored_before() {
    let slice = Region::anonymous(4096, Pages::Normal)
        .expect("memory is there")
        .slice();
    let (block_at, payload_at, taken_at) = (1024, 0, 2048);
    let consumer = {
        let slice = slice.clone();
        thread::spawn(move || {
            for turn in 1..=TURNS {
                let block = loop {
                    let block = slice.load_block(block_at).expect("inside");
                    if block[3] == turn {
                        break block;
                    }
                    // Not a spin: there may be one processor.
                    thread::yield_now();
                };
                let mut payload = [0; 24];
                slice.read(payload_at, &mut payload).expect("inside");
                assert_eq!(
                    block,
                    [turn ^ 1, turn ^ 2, turn ^ 3, turn],
                    "the block is whole"
                );
                assert!(
                    payload
                        .as_chunks::<4>()
                        .0
                        .iter()
                        .all(|word| *word == turn.to_le_bytes()),
                    "what it announces is there"
                );
                slice.store32(taken_at, turn).expect("inside");
            }
        })
    };
    for turn in 1..=TURNS {
        slice
            .write(payload_at, &turn.to_le_bytes().repeat(6))
            .expect("inside");
        slice
            .store_block(block_at, [turn ^ 1, turn ^ 2, turn ^ 3, turn])
            .expect("inside");
        // Acquire: the payload is overwritten only after the other thread has read it.
        while slice.load32(taken_at).expect("inside") != turn {
            assert!(
                !consumer.is_finished(),
                "the consumer gave up at turn {turn}"
            );
            thread::yield_now();
        }
    }
    consumer
        .join()
        .expect("the consumer saw everything in order");
}
