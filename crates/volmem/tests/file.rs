//! Files and shared memory exchange the bytes that std::fs sees.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use memory::{Memory, Slice};
use proptest::prelude::*;
use volmem::{
    Access, AddressSpace, CopyError, IOVECS_MAX, Pages, Region, RegionError, VolatileSlice,
    read_vectored, write_vectored,
};

/// A file without a name that holds `bytes`.
fn file_with(bytes: &[u8]) -> File {
    let memory_file = rustix::fs::memfd_create("volmem-test", rustix::fs::MemfdFlags::CLOEXEC)
        .expect("memory is there");
    let mut file = File::from(memory_file);
    file.write_all(bytes).expect("there is room");
    file
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64)
        .map(|index| (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56).to_le_bytes()[0])
        .collect()
}

/// Pieces of these lengths, with a gap between each two, in one region.
fn pieces(lens: &[usize]) -> (VolatileSlice, Vec<VolatileSlice>) {
    let whole = Region::anonymous(
        lens.iter().sum::<usize>() + lens.len() * 3 + 1,
        Pages::Normal,
    )
    .expect("memory is there")
    .slice();
    let mut at = 1;
    let mut next = |len: &usize| {
        let piece = whole.part(at, *len).expect("inside");
        at += len + 3;
        piece
    };
    let pieces = lens.iter().map(&mut next).collect();
    (whole, pieces)
}

fn joined(pieces: &[VolatileSlice]) -> Vec<u8> {
    let read = |piece: &VolatileSlice| {
        let mut bytes = vec![0; piece.len()];
        piece.read(0, &mut bytes).expect("inside");
        bytes
    };
    pieces.iter().flat_map(read).collect()
}

proptest! {
    #[test]
    fn vectored_copies_move_exactly_the_bytes_asked_for(lens in prop::collection::vec(0usize..700, 1..(3 * IOVECS_MAX)), at in 0u64..5000, cut in 0usize..900) {
        let total: usize = lens.iter().sum();
        let length = total.saturating_sub(cut);
        let start = usize::try_from(at).expect("small");
        let bytes = pattern(start + length);
        let (whole, pieces) = pieces(&lens);
        read_vectored(file_with(&bytes), at, &pieces, length).expect("the file is long enough");
        prop_assert_eq!(&joined(&pieces)[..length], &bytes[start..]);
        // Beyond `length`, and between the pieces, nothing changed.
        let sum = |bytes: Vec<u8>| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        prop_assert_eq!(sum(joined(&[whole])), sum(bytes[start..].to_vec()));

        let target = file_with(&[]);
        write_vectored(&target, at, &pieces, length).expect("there is room");
        let mut back = vec![0; length];
        target.read_exact_at(&mut back, at).expect("it was written");
        prop_assert_eq!(&back[..], &bytes[start..]);
        prop_assert_eq!(target.metadata().expect("open").len(), if length == 0 { 0 } else { at + length as u64 });
    }
}

#[test]
fn one_slice_reads_and_writes_a_part_of_itself() {
    let slice = Region::anonymous(4096, Pages::Normal)
        .expect("memory is there")
        .slice();
    let file = file_with(b"0123456789");
    slice.read_from_file(&file, 2, 100, 5).expect("it is there");
    slice
        .write_to_file(&file, 8, 101, 3)
        .expect("there is room");
    let mut bytes = [0; 11];
    file.read_exact_at(&mut bytes, 0).expect("it grew by one");
    assert_eq!(&bytes, b"01234567345");
    assert!(matches!(
        slice.read_from_file(&file, 0, 4090, 10),
        Err(CopyError::NoRoom { wanted: 10, len: 6 })
    ));
}

#[test]
fn a_file_that_ends_early_is_an_error_that_says_where() {
    let (_whole, pieces) = pieces(&[300, 300]);
    let error =
        read_vectored(file_with(&[7; 400]), 0, &pieces, 600).expect_err("200 bytes are missing");
    assert!(
        matches!(
            error,
            CopyError::EndOfFile {
                at: 400,
                missing: 200
            }
        ),
        "{error}"
    );
    assert_eq!(joined(&pieces)[399], 7, "what was there was moved");
}

#[test]
fn requests_that_do_not_fit_move_nothing() {
    let (_whole, pieces) = pieces(&[10, 10]);
    let file = file_with(&[1; 100]);
    assert!(matches!(
        read_vectored(&file, 0, &pieces, 21),
        Err(CopyError::NoRoom {
            wanted: 21,
            len: 20
        })
    ));
    assert!(matches!(
        read_vectored(&file, u64::MAX, &pieces, 20),
        Err(CopyError::Offset { .. })
    ));
    let read_only = [pieces[0].clone().read_only()];
    assert!(matches!(
        read_vectored(&file, 0, &read_only, 10),
        Err(CopyError::ReadOnly)
    ));
    assert_eq!(joined(&pieces), [0; 20]);
    write_vectored(&file, 0, &read_only, 10).expect("a read-only piece can be written to a file");
}

#[test]
fn a_file_opened_for_reading_refuses_writes_with_the_kernels_word() {
    let (_whole, pieces) = pieces(&[10]);
    let file = File::open("/dev/null").expect("every system has it");
    let error = write_vectored(&file, 0, &pieces, 10).expect_err("it is not open for writing");
    assert!(matches!(error, CopyError::System { at: 0, .. }), "{error}");
}

#[test]
fn a_mapped_file_is_shared_with_the_file_and_keeps_its_protection() {
    let file = file_with(&pattern(8192));
    let writable = Region::of_file(&file, 4096, 4096, true).expect("it is long enough");
    writable.slice().write(10, b"hello").expect("inside");
    let mut bytes = [0; 5];
    file.read_exact_at(&mut bytes, 4106).expect("it is there");
    assert_eq!(&bytes, b"hello");

    let read_only: Arc<Region> =
        Region::of_file(&file, 4096, 100, false).expect("it is long enough");
    assert!(read_only.slice().store32(0, 1).is_err());
    let mut space = AddressSpace::new();
    space
        .map(memory::Iova(0), read_only.slice(), Access::Read)
        .expect("reading is allowed");
    assert_eq!(
        space.load32(memory::Iova(12)).map(u32::to_le_bytes),
        Ok([b'l', b'l', b'o', pattern(8192)[4111]])
    );
}

#[test]
fn a_region_beyond_the_end_of_its_file_is_refused_before_anyone_can_touch_it() {
    let file = file_with(&[0; 5000]);
    assert!(matches!(
        Region::of_file(&file, 4096, 4096, true),
        Err(RegionError::BeyondEnd {
            end: 8192,
            size: 5000
        })
    ));
    assert!(matches!(
        Region::of_file(&file, 100, 10, true),
        Err(RegionError::Unaligned { offset: 100 })
    ));
    assert!(matches!(
        Region::of_file(&file, !4095, 8192, true),
        Err(RegionError::TooLarge { .. })
    ));
}
