//! Bytes between a disk and this computer. The disk is never waited for by the digest, nor by a file: those work on a thread of their own.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use host::storage::{DiskDone, PolledDisk};
use host::{Buffer, Place};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::output::{MovedJson, bytes, location};
use crate::session::Session;

/// How much is asked for at a time: what a disk takes in one command.
const CHUNK: usize = 1 << 20;

/// Buffers that go round between the two threads.
const BUFFERS: usize = 3;

/// A range of a disk, in bytes that need not be whole blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// What was moved.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) range: Range,
    pub(crate) time: Duration,
    pub(crate) sha256: String,
}

impl Moved {
    pub(crate) fn json(&self, place: &Place) -> MovedJson {
        let seconds = self.time.as_secs_f64();
        MovedJson {
            location: location(place),
            port: place.port.get(),
            offset: self.range.offset,
            bytes: self.range.length,
            seconds,
            bytes_per_second: if seconds > 0.0 {
                (self.range.length as f64 / seconds).round()
            } else {
                0.0
            },
            sha256: self.sha256.clone(),
        }
    }
}

/// The part of a buffer that somebody wants.
struct Part {
    buffer: Buffer,
    skip: usize,
    len: usize,
}

/// One command's worth of a range: whole blocks around the wanted bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunk {
    at: u64,
    bytes: usize,
    skip: usize,
    len: usize,
}

/// Cuts a range into chunks of whole blocks.
fn chunks(range: Range, block: u64) -> impl Iterator<Item = Chunk> {
    // A disk's size fits; a range that nobody has checked is cut at the last block.
    let end = range.offset.saturating_add(range.length);
    let mut at = range.offset - range.offset % block;
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let whole = end.checked_next_multiple_of(block).unwrap_or(end);
        let stop = at.saturating_add(CHUNK as u64).min(whole);
        let (from, to) = (range.offset.max(at), end.min(stop));
        let small = |count: u64| usize::try_from(count).unwrap_or(CHUNK);
        let chunk = Chunk {
            at,
            bytes: small(stop - at),
            skip: small(from - at),
            len: small(to - from),
        };
        at = stop;
        Some(chunk)
    })
}

/// Reads a range and hands its bytes to `consume`, in order, on another thread.
pub(crate) fn read(
    session: &mut Session,
    disk: &mut PolledDisk,
    range: Range,
    consume: impl FnMut(&[u8]) -> Result<(), Failure> + Send,
) -> Result<Moved, Failure> {
    let block = block_size(disk);
    let bar = bar(range.length, "read");
    let begin = session.engine.now();
    let (give, take) = sync_channel::<Part>(BUFFERS);
    let (give_back, empty) = sync_channel::<Buffer>(BUFFERS);
    let mut free = buffers(session)?;
    let result = thread::scope(|scope| {
        let worker = scope.spawn(move || digest(&take, &give_back, consume));
        let fed = feed(
            session,
            disk,
            &empty,
            &mut free,
            chunks(range, block),
            |part| {
                bar.inc(part.len as u64);
                // A worker that has ended says why below.
                give.send(part).is_ok()
            },
        );
        drop(give);
        let sha256 = joined(worker);
        fed.and(sha256)
    });
    bar.finish_and_clear();
    let time = session.engine.now() - begin;
    Ok(Moved {
        range,
        time,
        sha256: result?,
    })
}

/// Reads chunk after chunk and gives each to `give`, until that wants no more.
fn feed(
    session: &mut Session,
    disk: &mut PolledDisk,
    empty: &Receiver<Buffer>,
    free: &mut Vec<Buffer>,
    chunks: impl Iterator<Item = Chunk>,
    mut give: impl FnMut(Part) -> bool,
) -> Result<(), Failure> {
    for chunk in chunks {
        let Some(buffer) = free.pop().or_else(|| empty.recv().ok()) else {
            break;
        };
        let now = session.engine.now();
        disk.begin_read(now, chunk.at, buffer, chunk.bytes)
            .map_err(|refused| refused.error)?;
        let buffer = finish(session, disk)?;
        if !give(Part {
            buffer,
            skip: chunk.skip,
            len: chunk.len,
        }) {
            break;
        }
    }
    Ok(())
}

/// Waits for the end of an operation.
fn finish(session: &mut Session, disk: &mut PolledDisk) -> Result<Buffer, Failure> {
    let DiskDone { buffer, result, .. } = session.run(|engine| disk.poll(engine))?;
    result.map_err(|error| session.explain(error))?;
    buffer.ok_or_else(|| host::Error::Stopped.into())
}

/// Digests and hands on what comes, and gives the buffers back.
fn digest(
    parts: &Receiver<Part>,
    give_back: &SyncSender<Buffer>,
    mut consume: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<String, Failure> {
    let mut sha256 = Sha256::new();
    while let Ok(Part { buffer, skip, len }) = parts.recv() {
        let bytes = buffer.get(skip..skip + len).unwrap_or_default();
        sha256.update(bytes);
        consume(bytes)?;
        // The reader may have ended first.
        let _no_longer_wanted = give_back.send(buffer);
    }
    Ok(hex(&sha256.finalize()))
}

/// Writes a range of whole blocks with the bytes that `produce` puts into each buffer, in order, on another thread; then flushes.
pub(crate) fn write(
    session: &mut Session,
    disk: &mut PolledDisk,
    range: Range,
    mut produce: impl FnMut(&mut [u8]) -> Result<(), Failure> + Send,
) -> Result<Moved, Failure> {
    let block = block_size(disk);
    let bar = bar(range.length, "written");
    let begin = session.engine.now();
    let (give, take) = sync_channel::<(Buffer, Chunk)>(BUFFERS);
    let (give_back, empty) = sync_channel::<Buffer>(BUFFERS);
    let mut free = buffers(session)?;
    let mut written = 0u64;
    let result = thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let mut sha256 = Sha256::new();
            for chunk in chunks(range, block) {
                let Some(mut buffer) = free.pop().or_else(|| empty.recv().ok()) else {
                    break;
                };
                let bytes = buffer.get_mut(..chunk.bytes).unwrap_or_default();
                produce(bytes)?;
                sha256.update(&*bytes);
                if give.send((buffer, chunk)).is_err() {
                    break;
                }
            }
            Ok(hex(&sha256.finalize()))
        });
        let mut store = || {
            while let Ok((buffer, chunk)) = take.recv() {
                let now = session.engine.now();
                let begun = disk.begin_write(now, chunk.at, buffer, chunk.bytes);
                begun.map_err(|refused| refused.error)?;
                let buffer = finish(session, disk)?;
                written += chunk.len as u64;
                bar.inc(chunk.bytes as u64);
                let _no_longer_wanted = give_back.send(buffer);
            }
            disk.begin_flush(session.engine.now())
                .map_err(host::Error::from)?;
            let flushed = session.run(|engine| disk.poll(engine))?;
            flushed.result.map_err(|error| session.explain(error))
        };
        let stored: Result<(), Failure> = store();
        drop((take, give_back));
        let sha256 = joined(worker);
        stored.and(sha256)
    });
    let result = result.map_err(|failure| failure.with_note(&how_far(written, range.length)));
    bar.finish_and_clear();
    let time = session.engine.now() - begin;
    Ok(Moved {
        range,
        time,
        sha256: result?,
    })
}

/// What a worker has to say. Its panic is ours: nobody may take it for an end.
fn joined<T>(worker: ScopedJoinHandle<'_, T>) -> T {
    worker
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// How far a write came.
fn how_far(written: u64, length: u64) -> String {
    if written == length {
        format!(
            "all {} were written, but perhaps not made durable",
            bytes(length)
        )
    } else {
        format!(
            "{} of {} were written, and perhaps a part of the next {}",
            bytes(written),
            bytes(length),
            bytes((length - written).min(CHUNK as u64))
        )
    }
}

fn buffers(session: &Session) -> Result<Vec<Buffer>, Failure> {
    let allocate = |_| {
        session
            .engine
            .pool()
            .allocate(CHUNK)
            .map_err(host::Error::from)
    };
    Ok((0..BUFFERS).map(allocate).collect::<Result<_, _>>()?)
}

fn block_size(disk: &PolledDisk) -> u64 {
    disk.info()
        .map_or(512, |info| info.geometry.block_size.into())
}

/// A bar on the error output; nothing where that is no terminal.
fn bar(length: u64, done: &str) -> ProgressBar {
    let template = format!(
        "  {{wide_bar}} {{binary_bytes}} of {{binary_total_bytes}} {done}, {{binary_bytes_per_sec}}"
    );
    let style =
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_inside_a_block_is_read_as_that_block() {
        let chunks: Vec<_> = chunks(
            Range {
                offset: 1000,
                length: 10,
            },
            512,
        )
        .collect();
        assert_eq!(
            chunks,
            [Chunk {
                at: 512,
                bytes: 512,
                skip: 488,
                len: 10
            }]
        );
    }

    #[test]
    fn chunks_cover_a_range_without_gap_or_overlap() {
        let range = Range {
            offset: 700,
            length: 3 << 20,
        };
        let mut next = range.offset;
        for chunk in chunks(range, 4096) {
            assert_eq!(chunk.at + chunk.skip as u64, next);
            assert_eq!(chunk.at % 4096, 0);
            assert_eq!(chunk.bytes % 4096, 0);
            assert!(chunk.bytes <= CHUNK && chunk.skip + chunk.len <= chunk.bytes);
            next += chunk.len as u64;
        }
        assert_eq!(next, range.offset + range.length);
    }

    #[test]
    fn the_last_bytes_that_a_number_can_name_are_read_without_overflow() {
        let range = Range {
            offset: u64::MAX - 5000,
            length: 5000,
        };
        let chunks: Vec<_> = chunks(range, 512).collect();
        let len: usize = chunks.iter().map(|chunk| chunk.len).sum();
        assert_eq!(len, 5000);
    }

    #[test]
    #[should_panic(expected = "the worker's own words")]
    fn a_worker_that_panics_is_not_taken_for_an_end() {
        thread::scope(|scope| {
            let worker = scope.spawn(|| -> u32 { panic!("the worker's own words") });
            joined(worker)
        });
    }

    #[test]
    fn nothing_is_read_for_an_empty_range() {
        assert_eq!(
            chunks(
                Range {
                    offset: 512,
                    length: 0
                },
                512
            )
            .count(),
            0
        );
    }
}
