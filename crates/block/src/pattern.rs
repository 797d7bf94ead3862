//! Bytes that anyone can compute: a disk of any size that needs no file.
//!
//! # The pattern
//!
//! The disk is a row of 64-bit words, stored little-endian; word *i* lies at byte 8·*i*. With all arithmetic modulo 2^64:
//!
//! ```text
//! x       = (i + seed) · 0x9E3779B97F4A7C15
//! word(i) = x XOR (x >> 32)
//! ```
//!
//! Both steps can be undone, so no two words of a disk are alike, and [`index_of`] says where a word that turned up in the wrong place
//! came from. In Python:
//!
//! ```text
//! x = (i + seed) * 0x9E3779B97F4A7C15 % 2**64; word = (x ^ x >> 32).to_bytes(8, "little")
//! ```

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::fmt;

use usb_model::WorkError;
use volmem::VolatileSlice;

use crate::Medium;
use crate::walk::Walk;

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
/// `FACTOR * FACTOR_INVERSE` is 1 modulo 2^64.
const FACTOR_INVERSE: u64 = inverse(FACTOR);

/// What is written is kept in pieces of this size.
const PIECE: usize = 4096;

/// The word at byte `8 * index` of the pattern.
#[must_use]
pub const fn word(seed: u64, index: u64) -> u64 {
    let x = index.wrapping_add(seed).wrapping_mul(FACTOR);
    x ^ (x >> 32)
}

/// Which word this is: the inverse of [`word`].
#[must_use]
pub const fn index_of(seed: u64, word: u64) -> u64 {
    let x = word ^ (word >> 32);
    x.wrapping_mul(FACTOR_INVERSE).wrapping_sub(seed)
}

/// The bytes of the pattern from byte `at`, which need not be a multiple of anything.
pub fn fill(seed: u64, at: u64, into: &mut [u8]) {
    let mut index = at / 8;
    let skip = at.to_le_bytes()[0] & 7;
    let mut rest = into;
    if skip != 0 {
        let bytes = &word(seed, index).to_le_bytes()[usize::from(skip)..];
        let len = bytes.len().min(rest.len());
        let (head, others) = rest.split_at_mut(len);
        head.copy_from_slice(&bytes[..len]);
        rest = others;
        index = index.wrapping_add(1);
    }
    let (words, tail) = rest.as_chunks_mut::<8>();
    for (into, index) in words.iter_mut().zip(index..) {
        *into = word(seed, index).to_le_bytes();
    }
    let last = word(seed, index.wrapping_add(words.len() as u64)).to_le_bytes();
    tail.copy_from_slice(&last[..tail.len()]);
}

/// Newton's step doubles the number of right bits; an odd number is its own inverse in the lowest three.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut bits = 3;
    while bits < 64 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        bits *= 2;
    }
    inverse
}

/// A disk full of the [pattern](self), of any size. What is written over it is kept in memory, up to a bound.
///
/// Writing the pattern itself costs no memory. The first write of anything else to a piece of 4 KiB allocates it; the bound exists
/// because it is the guest who decides how much is written.
#[derive(Debug)]
pub struct PatternMedium {
    len: u64,
    seed: u64,
    read_only: bool,
    written: HashMap<u64, Box<[u8; PIECE]>>,
    written_max: usize,
    refused: Option<Full>,
}

/// Too much was written.
#[derive(Clone, Copy, Debug)]
struct Full {
    /// How many bytes are kept at most.
    max: usize,
}

impl Error for Full {}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match (self.max >> 20, self.max & 0xf_ffff) {
            (mebibytes @ 1.., 0) => (mebibytes, "MiB"),
            _ => (self.max, "bytes"),
        };
        write!(
            f,
            "a pattern disk keeps at most {count} {unit} of written data; use an image file"
        )
    }
}

impl PatternMedium {
    /// How many bytes of written pieces are kept, 64 MiB, unless [`with_written_max`](Self::with_written_max) says otherwise.
    pub const WRITTEN_MAX: usize = 64 << 20;

    /// A disk of `len` bytes of the pattern with this seed.
    #[must_use]
    pub fn new(len: u64, seed: u64) -> Self {
        Self {
            len,
            seed,
            read_only: false,
            written: HashMap::new(),
            written_max: Self::WRITTEN_MAX / PIECE,
            refused: None,
        }
    }

    /// The same disk, write-protected.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self {
            read_only: true,
            ..self
        }
    }

    /// The same disk, keeping up to `bytes` of written pieces (whole ones); a write beyond fails, and
    /// [`last_failure`](Medium::last_failure) says why.
    #[must_use]
    pub fn with_written_max(self, bytes: usize) -> Self {
        Self {
            written_max: bytes / PIECE,
            ..self
        }
    }

    /// How many bytes of memory the written pieces take.
    #[must_use]
    pub fn written_bytes(&self) -> usize {
        self.written.len() * PIECE
    }

    /// The whole piece `number`, as it is now.
    fn piece(&self, number: u64, into: &mut [u8; PIECE]) {
        match self.written.get(&number) {
            Some(piece) => *into = **piece,
            None => fill(self.seed, number * PIECE as u64, into),
        }
    }

    /// Keeps a piece, unless it is what the pattern says anyway.
    fn keep(&mut self, number: u64, bytes: &[u8; PIECE]) -> Result<(), WorkError> {
        let mut unwritten = [0; PIECE];
        fill(self.seed, number * PIECE as u64, &mut unwritten);
        if *bytes == unwritten {
            self.written.remove(&number);
            return Ok(());
        }
        let full = self.written.len() >= self.written_max;
        match self.written.entry(number) {
            Entry::Occupied(mut kept) => **kept.get_mut() = *bytes,
            Entry::Vacant(_) if full => {
                let max = self.written_max * PIECE;
                self.refused = Some(Full { max });
                return Err(WorkError::Write);
            }
            Entry::Vacant(place) => drop(place.insert(Box::new(*bytes))),
        }
        Ok(())
    }

    /// Where byte `at` lies: the piece, the place in it, and how many of `length` bytes are in it.
    fn locate(at: u64, length: usize) -> (u64, usize, usize) {
        // A remainder by PIECE fits.
        let within = usize::try_from(at % PIECE as u64).unwrap_or(0);
        (at / PIECE as u64, within, (PIECE - within).min(length))
    }

    fn check(&self, at: u64, length: usize) -> Result<(), WorkError> {
        let end = at.checked_add(length as u64).filter(|end| *end <= self.len);
        end.map(|_| ()).ok_or(WorkError::Range)
    }
}

impl Medium for PatternMedium {
    fn len(&self) -> u64 {
        self.len
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn read(&mut self, at: u64, into: &[VolatileSlice], length: usize) -> Result<(), WorkError> {
        self.check(at, length)?;
        let (mut walk, mut done) = (Walk::new(into), 0);
        let mut computed = [0; PIECE];
        while done < length {
            let here = at + done as u64;
            let (number, within, len) = Self::locate(here, length - done);
            // The computed bytes stay in the first cache on their way to the slices.
            let bytes = match self.written.get(&number) {
                Some(piece) => &piece[within..within + len],
                None => {
                    fill(self.seed, here, &mut computed[..len]);
                    &computed[..len]
                }
            };
            walk.put(bytes).map_err(|_| WorkError::Read)?;
            done += len;
        }
        Ok(())
    }

    fn write(&mut self, at: u64, from: &[VolatileSlice], length: usize) -> Result<(), WorkError> {
        if self.read_only {
            return Err(WorkError::Protected);
        }
        self.check(at, length)?;
        let (mut walk, mut done) = (Walk::new(from), 0);
        let mut piece = [0; PIECE];
        while done < length {
            let (number, within, len) = Self::locate(at + done as u64, length - done);
            if len < PIECE {
                self.piece(number, &mut piece);
            }
            walk.take(&mut piece[within..within + len])
                .map_err(|_| WorkError::Write)?;
            self.keep(number, &piece)?;
            done += len;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), WorkError> {
        Ok(())
    }

    fn last_failure(&self) -> Option<&(dyn Error + 'static)> {
        self.refused.as_ref().map(|full| full as _)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{fill, index_of, word};

    #[test]
    fn the_pattern_is_the_documented_one() {
        // Computed by hand from the formula in the module's documentation.
        assert_eq!(word(0, 0), 0);
        assert_eq!(word(0, 1), 0x9e37_79b9_7f4a_7c15 ^ 0x9e37_79b9);
        let mut bytes = [0; 11];
        fill(0, 6, &mut bytes);
        let one = word(0, 1).to_le_bytes();
        assert_eq!(
            bytes,
            [
                0,
                0,
                one[0],
                one[1],
                one[2],
                one[3],
                one[4],
                one[5],
                one[6],
                one[7],
                word(0, 2).to_le_bytes()[0]
            ]
        );
    }

    proptest! {
        #[test]
        fn every_byte_depends_on_its_place_alone(seed: u64, at in 0u64..1 << 40, len in 0usize..70, cut in 0usize..70) {
            let mut whole = vec![0; len];
            fill(seed, at, &mut whole);
            let (first, second) = whole.split_at(cut.min(len));
            let (mut left, mut right) = (vec![0; first.len()], vec![0; second.len()]);
            fill(seed, at, &mut left);
            fill(seed, at + first.len() as u64, &mut right);
            prop_assert_eq!((first, second), (&left[..], &right[..]));
        }

        #[test]
        fn a_word_says_where_it_belongs(seed: u64, index: u64) {
            prop_assert_eq!(index_of(seed, word(seed, index)), index);
        }
    }
}
