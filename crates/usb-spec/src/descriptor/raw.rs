//! A list of descriptors, walked by `bLength` alone.

use super::{DescriptorError, DescriptorKind};

/// One descriptor of any kind, its bytes untouched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawDescriptor<'a> {
    /// Offset in the bytes that were walked.
    pub at: usize,
    /// `bDescriptorType`.
    pub kind: DescriptorKind,
    /// All of the descriptor, with its length and kind; at least two bytes.
    pub bytes: &'a [u8],
}

/// Walks descriptors that lie one behind the other.
///
/// Each step moves on by at least two bytes, so the walk ends. The first malformed length is reported once and ends it,
/// because nobody can tell where the next descriptor would begin.
#[derive(Debug, Clone)]
pub struct Descriptors<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Descriptors<'a> {
    /// Walks `bytes` from their start.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Walks `bytes` from `at`, so that offsets in items and errors count from the start of `bytes`.
    pub(super) const fn from_offset(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }
}

impl<'a> Iterator for Descriptors<'a> {
    type Item = Result<RawDescriptor<'a>, DescriptorError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
        self.at = self.bytes.len();
        let &[length, kind, ..] = rest else {
            return Some(Err(DescriptorError::Truncated {
                at,
                length: 2,
                available: rest.len(),
            }));
        };
        if length < 2 {
            return Some(Err(DescriptorError::LengthTooSmall {
                at,
                length,
                needed: 2,
            }));
        }
        let Some(bytes) = rest.get(..usize::from(length)) else {
            return Some(Err(DescriptorError::Truncated {
                at,
                length,
                available: rest.len(),
            }));
        };
        self.at = at.saturating_add(bytes.len());
        Some(Ok(RawDescriptor {
            at,
            kind: DescriptorKind(kind),
            bytes,
        }))
    }
}

impl core::iter::FusedIterator for Descriptors<'_> {}
