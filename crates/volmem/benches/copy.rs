//! How fast bytes get into and out of shared memory, beside plain memcpy: `cargo bench -p doorbell-volmem`.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::hint::black_box;
use std::time::Instant;

use memory::Slice;
use volmem::{Pages, Region};

const SIZES: [usize; 5] = [64, 512, 4096, 64 << 10, 16 << 20];

fn main() {
    for size in SIZES {
        let region = Region::anonymous(size, Pages::Normal).expect("memory is there");
        let shared = region.slice();
        let (source, mut target) = (vec![1; size], vec![0; size]);
        let memcpy = gigabytes_per_s(size, || {
            black_box(&mut target[..]).copy_from_slice(black_box(&source))
        });
        let write = gigabytes_per_s(size, || {
            black_box(&shared)
                .write(0, black_box(&source))
                .expect("it fits")
        });
        let read = gigabytes_per_s(size, || {
            black_box(&shared)
                .read(0, black_box(&mut target))
                .expect("it fits")
        });
        println!(
            "{size:>9} bytes: memcpy {memcpy:6.1} GB/s, write {write:6.1} GB/s, read {read:6.1} GB/s"
        );
    }
}

fn gigabytes_per_s(size: usize, mut copy: impl FnMut()) -> f64 {
    let turns = (1 << 30) / size.max(1024);
    copy();
    let start = Instant::now();
    for _ in 0..turns {
        copy();
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let bytes = (turns * size) as f64;
    bytes / start.elapsed().as_secs_f64() / 1e9
}
