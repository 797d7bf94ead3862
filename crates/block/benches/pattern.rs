//! How fast the pattern is computed, alone and into shared memory: `cargo bench -p doorbell-block`.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::hint::black_box;
use std::time::Instant;

use block::{Medium, PatternMedium, pattern};
use volmem::{Pages, Region};

const SIZES: [usize; 3] = [4096, 64 << 10, 1 << 20];

fn main() {
    for size in SIZES {
        let slices = [Region::anonymous(size, Pages::Normal)
            .expect("memory is there")
            .slice()];
        let mut bytes = vec![0; size];
        let mut medium = PatternMedium::new(1 << 40, 7);
        let alone = gigabytes_per_s(size, || {
            pattern::fill(7, black_box(4096), black_box(&mut bytes))
        });
        let read = gigabytes_per_s(size, || {
            medium
                .read(black_box(4096), &slices, size)
                .expect("it lies inside")
        });
        println!("{size:>8} bytes: computed {alone:5.1} GB/s, read into slices {read:5.1} GB/s");
    }
}

fn gigabytes_per_s(size: usize, mut run: impl FnMut()) -> f64 {
    let turns = (1 << 30) / size;
    run();
    let start = Instant::now();
    for _ in 0..turns {
        run();
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let bytes = (turns * size) as f64;
    bytes / start.elapsed().as_secs_f64() / 1e9
}
