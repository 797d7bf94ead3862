//! String descriptors: UTF-16, or the list of languages at index 0. USB 2.0 §9.6.7.

use super::error::body;
use super::{DescriptorError, DescriptorKind};
use crate::open::open_number;
use crate::wire::{Emitted, take};

open_number! {
    /// A language as string descriptors number them, the low ten bits the language and the rest its country.
    pub struct LanguageId(u16) {
        GERMAN = 0x0407 => "German",
        ENGLISH_US = 0x0409 => "English (US)",
        SPANISH = 0x040a => "Spanish",
        FRENCH = 0x040c => "French",
        JAPANESE = 0x0411 => "Japanese",
        KOREAN = 0x0412 => "Korean",
        CHINESE_TAIWAN = 0x0404 => "Chinese (Taiwan)",
        CHINESE_PRC = 0x0804 => "Chinese (PRC)",
        ENGLISH_UK = 0x0809 => "English (UK)",
    }
}

impl LanguageId {
    /// No language: what `wIndex` holds for all descriptors but strings.
    pub const NONE: Self = Self(0);
}

/// A string descriptor, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StringDescriptor<'a> {
    units: &'a [u8],
}

impl<'a> StringDescriptor<'a> {
    /// The most bytes that a string descriptor can have: `bLength` is one byte, and the rest comes in pairs.
    pub const LENGTH_MAX: usize = 254;

    /// Reads the descriptor at the start of `bytes`; an odd last byte is dropped.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than its length says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::STRING, 2)?;
        Ok(Self {
            units: b.get(2..).unwrap_or(&[]),
        })
    }

    /// The UTF-16 code units.
    pub fn units(&self) -> impl Iterator<Item = u16> + Clone + use<'a> {
        self.units
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes(take(pair, 0)))
    }

    /// The text; what is not UTF-16 becomes U+FFFD. It may hold any character: make it harmless before you print it.
    pub fn chars(&self) -> impl Iterator<Item = char> + Clone + use<'a> {
        char::decode_utf16(self.units()).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The languages, if this is string 0.
    #[must_use]
    pub fn languages(&self) -> Languages<'a> {
        Languages { units: self.units }
    }

    /// The descriptor of `text`, cut at a character's border to the 126 code units that fit.
    #[must_use]
    pub fn emit(text: &str) -> Emitted<254> {
        let mut out = Emitted::new();
        out.push(&[2, DescriptorKind::STRING.0]);
        for c in text.chars() {
            if out.len() + c.len_utf16() * 2 > Self::LENGTH_MAX {
                break;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push(&unit.to_le_bytes());
            }
        }
        finish(out)
    }

    /// String 0 with these languages, of which the first 126 fit.
    #[must_use]
    pub fn emit_languages(languages: &[LanguageId]) -> Emitted<254> {
        let mut out = Emitted::new();
        out.push(&[2, DescriptorKind::STRING.0]);
        for language in languages.iter().take(126) {
            out.push(&language.0.to_le_bytes());
        }
        finish(out)
    }
}

fn finish(mut out: Emitted<254>) -> Emitted<254> {
    let length = u8::try_from(out.len()).unwrap_or(254);
    out.set(0, length);
    out
}

impl core::fmt::Display for StringDescriptor<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.chars()
            .try_for_each(|c| core::fmt::Write::write_char(f, c))
    }
}

/// Iterates over the languages of string 0.
#[derive(Debug, Clone)]
pub struct Languages<'a> {
    units: &'a [u8],
}

impl Iterator for Languages<'_> {
    type Item = LanguageId;

    fn next(&mut self) -> Option<LanguageId> {
        let (pair, rest) = self.units.split_at_checked(2)?;
        self.units = rest;
        Some(LanguageId(u16::from_le_bytes(take(pair, 0))))
    }
}
