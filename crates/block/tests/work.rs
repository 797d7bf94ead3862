//! Every medium moves exactly the bytes that a piece of work names, and says what went wrong.

use block::{
    FailingMedium, FileMedium, Medium, MemoryMedium, Mode, PatternMedium, pattern, perform,
};
use memory::Slice;
use proptest::prelude::*;
use usb_model::{Work, WorkError, WorkId, WorkKind};
use volmem::{Pages, Region, VolatileSlice};

const LEN: u64 = 40_960;

/// Buffers of these lengths, with a gap between each two.
fn buffers(lens: &[usize]) -> Vec<VolatileSlice> {
    let whole = Region::anonymous(
        lens.iter().sum::<usize>() + lens.len() * 5 + 1,
        Pages::Normal,
    )
    .expect("memory is there")
    .slice();
    let mut at = 1;
    let mut next = |len: &usize| {
        at += len + 5;
        whole.part(at - len - 5, *len).expect("inside")
    };
    lens.iter().map(&mut next).collect()
}

fn work(
    kind: WorkKind,
    offset: u64,
    buffers: Vec<VolatileSlice>,
    length: usize,
) -> Work<VolatileSlice> {
    Work {
        id: WorkId(9),
        kind,
        offset,
        buffers,
        length,
    }
}

fn bytes_of(buffers: &[VolatileSlice]) -> Vec<u8> {
    let read = |buffer: &VolatileSlice| {
        let mut bytes = vec![0; buffer.len()];
        buffer.read(0, &mut bytes).expect("inside");
        bytes
    };
    buffers.iter().flat_map(read).collect()
}

fn read(medium: &mut dyn Medium, offset: u64, length: usize) -> Result<Vec<u8>, WorkError> {
    let done = perform(
        medium,
        work(WorkKind::Read, offset, buffers(&[length]), length),
    );
    done.result.map(|()| bytes_of(&done.buffers))
}

fn write(medium: &mut dyn Medium, offset: u64, bytes: &[u8]) -> Result<(), WorkError> {
    let pieces = buffers(&[bytes.len()]);
    pieces[0].write(0, bytes).expect("inside");
    perform(medium, work(WorkKind::Write, offset, pieces, bytes.len())).result
}

fn patterned() -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(LEN).expect("small")];
    pattern::fill(3, 0, &mut bytes);
    bytes
}

fn image() -> tempfile::NamedTempFile {
    let image = tempfile::NamedTempFile::new().expect("there is room");
    std::fs::write(image.path(), patterned()).expect("there is room");
    image
}

/// The three kinds of media, all with the same content.
fn media(image: &tempfile::NamedTempFile) -> [Box<dyn Medium>; 3] {
    [
        Box::new(FileMedium::open(image.path(), Mode::ReadWrite, 512).expect("it is fit")),
        Box::new(PatternMedium::new(LEN, 3)),
        Box::new(MemoryMedium::new(patterned())),
    ]
}

#[derive(Clone, Debug)]
struct Step {
    write: bool,
    offset: u64,
    lens: Vec<usize>,
    spare: usize,
    value: u8,
}

fn step() -> impl Strategy<Value = Step> {
    (
        any::<bool>(),
        0..LEN + 600,
        prop::collection::vec(0usize..5000, 0..8),
        0usize..40,
        any::<u8>(),
    )
        .prop_map(|(write, offset, lens, spare, value)| Step {
            write,
            offset,
            lens,
            spare,
            value,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_media_act_as_a_plain_array_of_bytes(steps in prop::collection::vec(step(), 1..12)) {
        let image = image();
        let mut media = media(&image);
        let mut plain = patterned();
        for Step { write, offset, lens, spare, value } in steps {
            let length = lens.iter().sum::<usize>().saturating_sub(spare);
            let start = usize::try_from(offset).expect("small");
            let inside = start + length <= plain.len();
            let fill: Vec<u8> = (0..length).map(|at| value.wrapping_add(at.wrapping_mul(7).to_le_bytes()[0])).collect();
            if write && inside {
                plain[start..start + length].copy_from_slice(&fill);
            }
            for medium in &mut media {
                let pieces = buffers(&lens);
                let mut rest = &fill[..];
                for piece in pieces.iter().filter(|_| write) {
                    let (now, later) = rest.split_at(piece.len().min(rest.len()));
                    piece.write(0, now).expect("inside");
                    rest = later;
                }
                let kind = if write { WorkKind::Write } else { WorkKind::Read };
                let done = perform(medium, work(kind, offset, pieces, length));
                prop_assert_eq!(done.id, WorkId(9));
                prop_assert_eq!(done.buffers.len(), lens.len(), "the buffers come back");
                prop_assert_eq!(done.result, if inside { Ok(()) } else { Err(WorkError::Range) });
                if !write && inside {
                    let bytes = bytes_of(&done.buffers);
                    prop_assert_eq!(&bytes[..length], &plain[start..start + length]);
                    prop_assert!(bytes[length..].iter().all(|byte| *byte == 0), "no more than asked for was moved");
                }
            }
        }
        prop_assert_eq!(perform(&mut media[0], work(WorkKind::Flush, 0, Vec::new(), 0)).result, Ok(()));
        prop_assert!(std::fs::read(image.path()).expect("it is there") == plain, "the image holds what was written");
    }
}

#[test]
fn more_bytes_than_the_buffers_have_are_refused_before_anything_moves() {
    let mut medium = MemoryMedium::new(patterned());
    let done = perform(
        &mut medium,
        work(WorkKind::Write, 0, buffers(&[10, 10]), 21),
    );
    assert_eq!(done.result, Err(WorkError::Write));
    assert_eq!(medium.bytes(), patterned());
    assert_eq!(
        perform(&mut medium, work(WorkKind::Read, 0, Vec::new(), 1)).result,
        Err(WorkError::Read)
    );
}

#[test]
fn offsets_that_wrap_lie_outside() {
    let image = image();
    for medium in &mut media(&image) {
        assert_eq!(
            read(medium, u64::MAX, 2),
            Err(WorkError::Range),
            "{medium:?}"
        );
        assert_eq!(read(medium, LEN, 0), Ok(Vec::new()), "{medium:?}");
    }
}

#[test]
fn a_write_protected_medium_says_so_and_keeps_its_bytes() {
    let image = image();
    let mut media: [Box<dyn Medium>; 3] = [
        Box::new(FileMedium::open(image.path(), Mode::ReadOnly, 512).expect("it is fit")),
        Box::new(PatternMedium::new(LEN, 3).read_only()),
        Box::new(MemoryMedium::new(patterned()).read_only()),
    ];
    for medium in &mut media {
        assert!(medium.is_read_only());
        assert_eq!(
            write(medium, 0, b"no"),
            Err(WorkError::Protected),
            "{medium:?}"
        );
        assert_eq!(
            read(medium, 0, 16).as_deref(),
            Ok(&patterned()[..16]),
            "{medium:?}"
        );
        assert_eq!(
            perform(medium, work(WorkKind::Flush, 0, Vec::new(), 0)).result,
            Ok(())
        );
    }
}

#[test]
fn an_image_cut_short_under_us_gives_read_errors_and_no_crash() {
    let image = image();
    let mut medium = FileMedium::open(image.path(), Mode::ReadWrite, 512).expect("it is fit");
    image.as_file().set_len(10_000).expect("it can be cut");
    assert_eq!(
        read(&mut medium, 0, 10_000).as_deref(),
        Ok(&patterned()[..10_000])
    );
    assert_eq!(read(&mut medium, 9_728, 512), Err(WorkError::Read));
    assert_eq!(read(&mut medium, 20_000, 512), Err(WorkError::Read));
    let why = medium.last_error().expect("it failed").to_string();
    assert!(
        why.contains("ends at byte 20000") && why.contains("truncated"),
        "{why}"
    );
    assert_eq!(
        write(&mut medium, 20_000, b"back"),
        Ok(()),
        "a write makes the file longer again"
    );
    assert_eq!(
        read(&mut medium, 19_998, 6).as_deref(),
        Ok(&b"\0\0back"[..])
    );
}

#[test]
fn a_pattern_disk_of_any_size_needs_memory_only_for_what_differs() {
    let mut medium = PatternMedium::new(u64::MAX, 5).with_written_max(8192);
    let far = u64::MAX - 10_000;
    let mut expected = vec![0; 10_000];
    pattern::fill(5, far, &mut expected);
    assert_eq!(read(&mut medium, far, 10_000).as_ref(), Ok(&expected));
    assert_eq!(write(&mut medium, far, &expected), Ok(()));
    assert_eq!(
        medium.written_bytes(),
        0,
        "what the pattern says anyway is not kept"
    );

    assert_eq!(write(&mut medium, 4095, b"ab"), Ok(()));
    assert_eq!(medium.written_bytes(), 8192);
    assert!(medium.last_failure().is_none());
    assert_eq!(
        write(&mut medium, 8192, b"c"),
        Err(WorkError::Write),
        "the bound holds"
    );
    assert_eq!(
        medium.last_failure().map(ToString::to_string).as_deref(),
        Some("a pattern disk keeps at most 8192 bytes of written data; use an image file")
    );
    assert_eq!(
        write(&mut medium, 5000, b"d"),
        Ok(()),
        "a kept piece can be written again"
    );
    let mut original = [0; 2];
    pattern::fill(5, 4095, &mut original);
    assert_eq!(write(&mut medium, 4095, &original), Ok(()));
    assert_eq!(
        medium.written_bytes(),
        4096,
        "what became the pattern again is let go"
    );
    assert_eq!(write(&mut medium, 8192, b"c"), Ok(()));
}

#[test]
fn a_bad_place_fails_after_the_good_bytes_before_it() {
    let mut medium = FailingMedium::new(MemoryMedium::new(patterned()))
        .with_bad_reads(1000..1004)
        .with_bad_writes(2000..2001);
    assert_eq!(
        read(&mut medium, 0, 1000).as_deref(),
        Ok(&patterned()[..1000])
    );
    assert_eq!(
        read(&mut medium, 1004, 100).as_deref(),
        Ok(&patterned()[1004..1104])
    );
    assert_eq!(medium.fired(), 0);

    let done = perform(
        &mut medium,
        work(WorkKind::Read, 500, buffers(&[400, 400]), 800),
    );
    assert_eq!(done.result, Err(WorkError::Read));
    let bytes = bytes_of(&done.buffers);
    assert_eq!(bytes[..500], patterned()[500..1000]);
    assert_eq!(
        bytes[500..],
        [0; 300],
        "nothing at and after the bad place was moved"
    );

    assert_eq!(write(&mut medium, 1998, b"1234"), Err(WorkError::Write));
    assert_eq!(medium.inner().bytes()[1998..2000], *b"12");
    assert_eq!(medium.inner().bytes()[2000..2002], patterned()[2000..2002]);
    medium.set_gone(true);
    assert_eq!(read(&mut medium, 0, 1), Err(WorkError::Gone));
    assert_eq!(
        perform(&mut medium, work(WorkKind::Flush, 0, Vec::new(), 0)).result,
        Err(WorkError::Gone)
    );
    assert_eq!(medium.fired(), 4);
}
