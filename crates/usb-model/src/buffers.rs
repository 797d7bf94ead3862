//! Bytes into and out of a request's buffers, and the cutting of them. Nothing here allocates.

use alloc::vec::Vec;

use memory::{OutOfBounds, Slice};

/// The sum of the buffers' lengths.
pub(crate) fn total<S: Slice>(buffers: &[S]) -> usize {
    buffers
        .iter()
        .fold(0, |sum, buffer| sum.saturating_add(buffer.len()))
}

/// Writes `bytes` into the buffers, beginning `offset` bytes behind their start.
pub(crate) fn scatter<S: Slice>(
    buffers: &[S],
    mut offset: usize,
    mut bytes: &[u8],
) -> Result<(), OutOfBounds> {
    for buffer in buffers {
        if bytes.is_empty() {
            break;
        }
        let Some(room) = buffer.len().checked_sub(offset) else {
            offset = offset.saturating_sub(buffer.len());
            continue;
        };
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        buffer.write(offset, now)?;
        bytes = later;
        offset = 0;
    }
    if bytes.is_empty() {
        Ok(())
    } else {
        Err(OutOfBounds {
            offset,
            wanted: bytes.len(),
            len: 0,
        })
    }
}

/// Reads `into.len()` bytes out of the buffers, beginning `offset` bytes behind their start.
pub(crate) fn gather<S: Slice>(
    buffers: &[S],
    mut offset: usize,
    mut into: &mut [u8],
) -> Result<(), OutOfBounds> {
    for buffer in buffers {
        if into.is_empty() {
            break;
        }
        let Some(room) = buffer.len().checked_sub(offset) else {
            offset = offset.saturating_sub(buffer.len());
            continue;
        };
        let length = room.min(into.len());
        let (now, later) = into.split_at_mut(length);
        buffer.read(offset, now)?;
        into = later;
        offset = 0;
    }
    if into.is_empty() {
        Ok(())
    } else {
        Err(OutOfBounds {
            offset,
            wanted: into.len(),
            len: 0,
        })
    }
}

/// Cuts the first `count` bytes off the buffers, in place: work has no offset of its own into its buffers.
pub(crate) fn cut_front<S: Slice>(
    buffers: &mut Vec<S>,
    mut count: usize,
) -> Result<(), OutOfBounds> {
    let whole = buffers
        .iter()
        .take_while(|buffer| {
            let gone = buffer.len() <= count;
            if gone {
                count = count.saturating_sub(buffer.len());
            }
            gone
        })
        .count();
    drop(buffers.drain(..whole));
    if count > 0 {
        let first = buffers.first_mut().ok_or(OutOfBounds {
            offset: 0,
            wanted: count,
            len: 0,
        })?;
        *first = first.part(count, first.len().saturating_sub(count))?;
    }
    Ok(())
}
