use alloc::vec;
use alloc::vec::Vec;

use renesas_spec::crc16;
use renesas_spec::image::{
    BYTES_END, CODE_SECTION, HEADER_BYTES, HEADER_CRC, MAGIC, SECTION_ENTRY_BYTES, SECTION_TABLE,
    SECTIONS, SUB_VERSION, trailer_bytes,
};
use renesas_spec::registers::Version;

use super::ImageError;

/// Bytes of the sections before and after the code: as in images that cards have run.
const SECTION_BYTES: [usize; SECTIONS] = [0xf6, 0x4c, 0, 8];

/// Makes an image that the interface takes for good and that holds no instruction of anybody's firmware.
///
/// The chip's model takes it; a real chip would take it, too, and then do nothing good. It is for tests.
#[derive(Clone, Copy, Debug)]
pub struct SyntheticImage {
    version: Version,
    sub_version: u8,
    words: usize,
}

impl SyntheticImage {
    /// The smallest possible: a code section of one word.
    pub const WORDS_MIN: usize = Self::without_code() / 4 + 1;
    /// The largest possible.
    pub const WORDS_MAX: usize = BYTES_END / 4 - 1;
    /// The size of 2.0.2.6: an odd number of words.
    pub const WORDS_OF_2026: usize = 3253;

    /// An image of this version, as large as 2.0.2.6 was.
    #[must_use]
    pub const fn new(version: Version) -> Self {
        Self {
            version,
            sub_version: 9,
            words: Self::WORDS_OF_2026,
        }
    }

    /// With this many words; odd numbers are as good.
    #[must_use]
    pub const fn words(self, words: usize) -> Self {
        Self { words, ..self }
    }

    /// With this sub-version.
    #[must_use]
    pub const fn sub_version(self, sub_version: u8) -> Self {
        Self {
            sub_version,
            ..self
        }
    }

    /// The image.
    ///
    /// # Errors
    /// [`ImageError::Words`] when no image can have this many words.
    pub fn build(self) -> Result<Vec<u8>, ImageError> {
        if !(Self::WORDS_MIN..=Self::WORDS_MAX).contains(&self.words) {
            return Err(ImageError::Words {
                words: self.words,
                least: Self::WORDS_MIN,
                most: Self::WORDS_MAX,
            });
        }
        let code = self.words * 4 - Self::without_code();
        let mut header = vec![0; HEADER_BYTES];
        let mut body = Vec::new();
        // A shift register, so that no two words are alike and a word in the wrong place shows.
        let mut noise = u32::from(self.version.0) << 8 | 1;
        for number in 0..SECTIONS {
            let bytes = match number {
                CODE_SECTION => code,
                _ => SECTION_BYTES.get(number).copied().unwrap_or(0),
            };
            let mut section: Vec<u8> = (0..bytes).map(|_| next(&mut noise)).collect();
            match number {
                0 => put(&mut section, 0, self.version.0),
                1 => section
                    .iter_mut()
                    .skip(SUB_VERSION)
                    .take(1)
                    .for_each(|byte| *byte = self.sub_version),
                _ => {}
            }
            let entry = SECTION_TABLE + number * SECTION_ENTRY_BYTES;
            put(&mut header, entry, word(HEADER_BYTES + body.len()));
            put(&mut header, entry + 2, word(bytes));
            let crc = crc16(&section);
            body.append(&mut section);
            body.extend_from_slice(&crc.to_le_bytes());
            body.resize(body.len() + trailer_bytes(number) - 2, 0);
        }
        put(&mut header, 0, MAGIC);
        let crc = crc16(header.get(SECTION_TABLE..).unwrap_or(&[]));
        put(&mut header, HEADER_CRC, crc);
        header.append(&mut body);
        Ok(header)
    }

    /// Bytes of everything but the code.
    const fn without_code() -> usize {
        let mut bytes = HEADER_BYTES + SECTION_BYTES[0] + SECTION_BYTES[1] + SECTION_BYTES[3];
        let mut number = 0;
        while number < SECTIONS {
            bytes += trailer_bytes(number);
            number += 1;
        }
        bytes
    }
}

/// The next byte of a 32-bit Galois shift register.
fn next(state: &mut u32) -> u8 {
    for _ in 0..8 {
        let carry = *state & 1 == 1;
        *state >>= 1;
        if carry {
            *state ^= 0xa300_0000;
        }
    }
    state.to_le_bytes()[0]
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    for (place, byte) in bytes.iter_mut().skip(at).zip(value.to_le_bytes()) {
        *place = byte;
    }
}

/// Offsets and lengths have 16 bits; `build` has checked that all fit.
fn word(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}
