//! Firmware images: judged before anything is touched, and harmless ones to test with.

mod error;
mod synthetic;

pub use error::ImageError;
pub use synthetic::SyntheticImage;

use core::ops::Range;

use alloc::vec::Vec;

use renesas_spec::crc16;
use renesas_spec::image::{
    BYTES_END, HEADER_BYTES, HEADER_CRC, MAGIC, SECTION_ENTRY_BYTES, SECTION_TABLE, SECTIONS,
    SUB_VERSION, VERSION, trailer_bytes,
};
use renesas_spec::registers::Version;

/// A firmware image whose check sums are right. R19UH0078EJ §6.3.1 (unchecked).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    bytes: &'a [u8],
    trailing: usize,
    version: Version,
    sub_version: u8,
    sections: [Range<usize>; SECTIONS],
}

impl<'a> Image<'a> {
    /// Judges the image at the front of `bytes`; what follows it (a ROM's padding) is left out and counted.
    ///
    /// ```
    /// use renesas::{Image, SyntheticImage};
    /// use renesas_spec::registers::Version;
    ///
    /// let bytes = SyntheticImage::new(Version(0x2026)).words(1025).build()?;
    /// let image = Image::parse(&bytes)?;
    /// assert_eq!((image.version().to_string().as_str(), image.words().len()), ("2.0.2.6", 1025));
    /// # Ok::<(), renesas::ImageError>(())
    /// ```
    ///
    /// # Errors
    /// [`ImageError`] says what is wrong, where, and, when it can be guessed, what the file is instead.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ImageError> {
        let header = bytes
            .get(..HEADER_BYTES)
            .ok_or(ImageError::Short { bytes: bytes.len() })?;
        check_header(header, bytes)?;
        let mut sections: [Range<usize>; SECTIONS] = Default::default();
        let mut free = HEADER_BYTES;
        for (number, place) in sections.iter_mut().enumerate() {
            *place = section(bytes, header, number, free)?;
            free = place.end + 2;
        }
        let end = (free - 2 + trailer_bytes(SECTIONS - 1)).min(bytes.len());
        let [first, second, ..] = &sections;
        let version = word(bytes, first.start + VERSION).ok_or(ImageError::NoVersion)?;
        let sub_version = bytes
            .get(second.clone())
            .and_then(|section| section.get(SUB_VERSION));
        if end > BYTES_END {
            return Err(ImageError::Long { bytes: end });
        }
        Ok(Self {
            bytes: bytes.get(..end).unwrap_or(bytes),
            trailing: bytes.len() - end,
            version: Version(version),
            sub_version: sub_version.copied().unwrap_or(0),
            sections,
        })
    }

    /// The image, without what follows it.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bytes follow it in the file.
    #[must_use]
    pub const fn trailing(&self) -> usize {
        self.trailing
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Its sub-version, as the version register shows it.
    #[must_use]
    pub const fn sub_version(&self) -> u8 {
        self.sub_version
    }

    /// Where its sections are, without their check sums.
    #[must_use]
    pub const fn sections(&self) -> &[Range<usize>; SECTIONS] {
        &self.sections
    }

    /// Its words, as they go into the mailboxes; a last one that is not full is filled with zeros.
    #[must_use]
    pub fn words(&self) -> Vec<u32> {
        words(self.bytes)
    }

    /// Whether it is too old to be loaded into RAM: 2.0.1.0 "modified FW structures for FW download function" (its release notes).
    #[must_use]
    pub fn is_unsafe_in_ram(&self) -> bool {
        const FIRST: Version = Version(0x2010);
        self.version < FIRST
    }
}

fn check_header(header: &[u8], bytes: &[u8]) -> Result<(), ImageError> {
    let found = word(header, 0).unwrap_or(0);
    if found != MAGIC {
        let vscd = crate::Vscd::parse(bytes).is_ok();
        return Err(ImageError::Magic { found, vscd });
    }
    let stored = word(header, HEADER_CRC).unwrap_or(0);
    let computed = crc16(header.get(SECTION_TABLE..).unwrap_or(&[]));
    if stored != computed {
        return Err(ImageError::HeaderCrc { stored, computed });
    }
    Ok(())
}

/// Where section `number` is. It begins at `free` or later: sections do not overlap, so nothing is checked twice.
fn section(
    bytes: &[u8],
    header: &[u8],
    number: usize,
    free: usize,
) -> Result<Range<usize>, ImageError> {
    let entry = SECTION_TABLE + number * SECTION_ENTRY_BYTES;
    let start = usize::from(word(header, entry).unwrap_or(0));
    let place = start..start + usize::from(word(header, entry + 2).unwrap_or(0));
    let outside = ImageError::Section {
        number,
        start: place.start,
        end: place.end,
        bytes: bytes.len(),
    };
    if place.start < free {
        return Err(outside);
    }
    let Some(stored) = word(bytes, place.end) else {
        return Err(outside);
    };
    let computed = crc16(bytes.get(place.clone()).unwrap_or(&[]));
    if stored != computed {
        return Err(ImageError::SectionCrc {
            number,
            stored,
            computed,
        });
    }
    Ok(place)
}

pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(pair.try_into().ok()?))
}

/// Bytes as words, the last one filled with zeros.
pub(crate) fn words(bytes: &[u8]) -> Vec<u32> {
    let word = |chunk: &[u8]| {
        let mut four = [0; 4];
        for (place, byte) in four.iter_mut().zip(chunk) {
            *place = *byte;
        }
        u32::from_le_bytes(four)
    };
    bytes.chunks(4).map(word).collect()
}
