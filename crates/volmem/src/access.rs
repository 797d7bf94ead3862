//! Words, blocks and runs of bytes at raw addresses: what the bounds-checked types of this crate are made of.
//!
//! `unsafe` stands here because the bytes are shared with someone outside of this program's memory model (a device, a guest) or in
//! another thread of it (the controller model). No reference to them may exist, so each access is an atomic one through a pointer.
//!
//! Bulk copies are relaxed atomics too, not `ptr::copy_nonoverlapping`: that would be a data race whenever the other side writes at
//! the same time, which it may do at will. Eight words at a time, the copy is as fast as memcpy where memory is the limit, about a
//! quarter slower in the second cache and half as fast in the first, at tens of GB/s; `cargo bench -p doorbell-volmem` measures it.
//! `rep movsb` would be as sound (the compiler cannot look into it) and no faster below a page, but exists on one architecture only.
//!
//! Words of different sizes may meet at one address (a byte copy of a ring, a dword of a TRB). The language leaves a race between
//! atomics of different sizes open, processors do not: each naturally aligned access is one access, and nothing here draws a
//! conclusion from a mixture.
#![expect(
    unsafe_code,
    reason = "shared memory is reached through pointers, never through references"
)]

use core::ptr::NonNull;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use crate::{dma_rmb, dma_wmb};

const WORD: usize = size_of::<u64>();
/// Words moved per step of the fast path; so many make the loop's overhead vanish.
const STEP: usize = 8;

/// The atomic byte at `at`.
///
/// # Safety
/// `at` is valid for reads and, if something is stored, for writes, for as long as the result is used.
unsafe fn byte<'a>(at: NonNull<u8>) -> &'a AtomicU8 {
    // SAFETY: Validity by the caller's promise; a byte is always aligned.
    unsafe { AtomicU8::from_ptr(at.as_ptr()) }
}

/// The atomic dword at `at`.
///
/// # Safety
/// As for [`byte`], for 4 bytes; `at` is a multiple of 4.
unsafe fn dword<'a>(at: NonNull<u8>) -> &'a AtomicU32 {
    // SAFETY: Validity and alignment by the caller's promise.
    unsafe { AtomicU32::from_ptr(at.cast().as_ptr()) }
}

/// The atomic qword at `at`.
///
/// # Safety
/// As for [`byte`], for 8 bytes; `at` is a multiple of 8.
unsafe fn qword<'a>(at: NonNull<u8>) -> &'a AtomicU64 {
    // SAFETY: Validity and alignment by the caller's promise.
    unsafe { AtomicU64::from_ptr(at.cast().as_ptr()) }
}

/// `STEP` atomic qwords at `at`.
///
/// # Safety
/// As for [`qword`], for `STEP` qwords.
unsafe fn qwords<'a>(at: NonNull<u8>) -> &'a [AtomicU64; STEP] {
    // SAFETY: Validity and alignment by the caller's promise; atomics may be shared, an array has no padding.
    unsafe { at.cast().as_ref() }
}

/// The four atomic dwords at `at`.
///
/// # Safety
/// As for [`byte`], for 16 bytes; `at` is a multiple of 4.
unsafe fn block<'a>(at: NonNull<u8>) -> &'a [AtomicU32; 4] {
    // SAFETY: Validity and alignment by the caller's promise; atomics may be shared, an array has no padding.
    unsafe { at.cast().as_ref() }
}

/// Loads a little-endian dword. Acquire, and a barrier for devices: what it announces is read after it.
///
/// # Safety
/// `at` is valid for reads of 4 bytes and a multiple of 4.
#[inline]
pub(crate) unsafe fn load32(at: NonNull<u8>) -> u32 {
    // SAFETY: The caller's promise.
    let value = unsafe { dword(at) }.load(Acquire);
    dma_rmb();
    u32::from_le(value)
}

/// Stores a little-endian dword. A barrier for devices, and release: what it announces was written before it.
///
/// # Safety
/// `at` is valid for writes of 4 bytes and a multiple of 4.
#[inline]
pub(crate) unsafe fn store32(at: NonNull<u8>, value: u32) {
    dma_wmb();
    // SAFETY: The caller's promise.
    unsafe { dword(at) }.store(value.to_le(), Release);
}

/// Loads a little-endian qword, ordered like [`load32`].
///
/// # Safety
/// `at` is valid for reads of 8 bytes and a multiple of 8.
#[inline]
pub(crate) unsafe fn load64(at: NonNull<u8>) -> u64 {
    // SAFETY: The caller's promise.
    let value = unsafe { qword(at) }.load(Acquire);
    dma_rmb();
    u64::from_le(value)
}

/// Stores a little-endian qword, ordered like [`store32`].
///
/// # Safety
/// `at` is valid for writes of 8 bytes and a multiple of 8.
#[inline]
pub(crate) unsafe fn store64(at: NonNull<u8>, value: u64) {
    dma_wmb();
    // SAFETY: The caller's promise.
    unsafe { qword(at) }.store(value.to_le(), Release);
}

/// Takes a block of four dwords.
///
/// # Safety
/// `at` is valid for reads of 16 bytes and a multiple of 4.
#[inline]
pub(crate) unsafe fn load_block(at: NonNull<u8>) -> [u32; 4] {
    // SAFETY: The caller's promise.
    let block = unsafe { block(at) };
    // The producer stores dword 3 last, with release: seeing it new, acquire makes the three others new too.
    let last = block[3].load(Acquire);
    dma_rmb();
    let [first, second, third] =
        [0, 1, 2].map(|index: usize| u32::from_le(block[index].load(Relaxed)));
    [first, second, third, u32::from_le(last)]
}

/// Publishes a block of four dwords.
///
/// # Safety
/// `at` is valid for writes of 16 bytes and a multiple of 4.
#[inline]
pub(crate) unsafe fn store_block(at: NonNull<u8>, values: [u32; 4]) {
    // SAFETY: The caller's promise.
    let block = unsafe { block(at) };
    for (place, value) in block.iter().zip(values).take(3) {
        place.store(value.to_le(), Relaxed);
    }
    // Release for a consumer that is a processor, the barrier for one that is a device: dword 3 holds the bit that gives the block away.
    dma_wmb();
    block[3].store(values[3].to_le(), Release);
}

/// How many bytes lie before the first qword boundary at or after `at`, `len` at most.
fn unaligned_head(at: NonNull<u8>, len: usize) -> usize {
    (at.addr().get().wrapping_neg() % WORD).min(len)
}

/// Copies out of shared memory, in no particular order.
///
/// # Safety
/// `from` is valid for reads of `into.len()` bytes.
pub(crate) unsafe fn read_bytes(from: NonNull<u8>, into: &mut [u8]) {
    let (head, rest) = into.split_at_mut(unaligned_head(from, into.len()));
    let (steps, rest) = rest.as_chunks_mut::<{ WORD * STEP }>();
    let (words, tail) = rest.as_chunks_mut::<WORD>();
    let mut at = Cursor(from);
    for to in head {
        // SAFETY: Each of the cursor's steps is a piece of `into`, so it stays within the caller's promise.
        *to = unsafe { byte(at.next(1)) }.load(Relaxed);
    }
    for step in steps {
        // SAFETY: As above; after the head, the cursor stands on a multiple of 8.
        let from = unsafe { qwords(at.next(WORD * STEP)) };
        for (to, from) in step.as_chunks_mut::<WORD>().0.iter_mut().zip(from) {
            *to = from.load(Relaxed).to_ne_bytes();
        }
    }
    for to in words {
        // SAFETY: As above.
        *to = unsafe { qword(at.next(WORD)) }.load(Relaxed).to_ne_bytes();
    }
    for to in tail {
        // SAFETY: As above.
        *to = unsafe { byte(at.next(1)) }.load(Relaxed);
    }
}

/// Copies into shared memory, in no particular order.
///
/// # Safety
/// `to` is valid for writes of `from.len()` bytes.
pub(crate) unsafe fn write_bytes(to: NonNull<u8>, from: &[u8]) {
    let (head, rest) = from.split_at(unaligned_head(to, from.len()));
    let (steps, rest) = rest.as_chunks::<{ WORD * STEP }>();
    let (words, tail) = rest.as_chunks::<WORD>();
    let mut at = Cursor(to);
    for from in head {
        // SAFETY: Each of the cursor's steps is a piece of `from`, so it stays within the caller's promise.
        unsafe { byte(at.next(1)) }.store(*from, Relaxed);
    }
    for step in steps {
        // SAFETY: As above; after the head, the cursor stands on a multiple of 8.
        let to = unsafe { qwords(at.next(WORD * STEP)) };
        for (to, from) in to.iter().zip(step.as_chunks::<WORD>().0) {
            to.store(u64::from_ne_bytes(*from), Relaxed);
        }
    }
    for from in words {
        // SAFETY: As above.
        unsafe { qword(at.next(WORD)) }.store(u64::from_ne_bytes(*from), Relaxed);
    }
    for from in tail {
        // SAFETY: As above.
        unsafe { byte(at.next(1)) }.store(*from, Relaxed);
    }
}

/// Sets bytes of shared memory, in no particular order.
///
/// # Safety
/// `to` is valid for writes of `len` bytes.
pub(crate) unsafe fn fill_bytes(to: NonNull<u8>, len: usize, value: u8) {
    let head = unaligned_head(to, len);
    let words = (len - head) / WORD;
    let mut at = Cursor(to);
    for _ in 0..head {
        // SAFETY: The cursor's steps add up to `len`, so each stays within the caller's promise.
        unsafe { byte(at.next(1)) }.store(value, Relaxed);
    }
    for _ in 0..words {
        // SAFETY: As above; after the head, the cursor stands on a multiple of 8.
        unsafe { qword(at.next(WORD)) }.store(u64::from_ne_bytes([value; WORD]), Relaxed);
    }
    for _ in 0..(len - head) % WORD {
        // SAFETY: As above.
        unsafe { byte(at.next(1)) }.store(value, Relaxed);
    }
}

/// A place in shared memory that moves on.
struct Cursor(NonNull<u8>);

impl Cursor {
    /// The place, which then moves `len` bytes on.
    ///
    /// Wrapping, because this alone touches nothing: who uses the place promises that it is valid.
    #[inline(always)]
    fn next(&mut self, len: usize) -> NonNull<u8> {
        let here = self.0;
        self.0 = NonNull::new(here.as_ptr().wrapping_add(len)).unwrap_or(here);
        here
    }
}
