//! What can be wrong with the shape of a descriptor.

use super::DescriptorKind;

/// Why bytes are not the descriptor that they were taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescriptorError {
    /// `bLength` is less than the layout needs. In a list, less than two is also the end: no next one can be found.
    LengthTooSmall {
        /// Offset of the descriptor in the bytes that were walked.
        at: usize,
        /// `bLength`.
        length: u8,
        /// The least that would do.
        needed: u8,
    },
    /// `bLength` says more than there is.
    Truncated {
        /// Offset of the descriptor in the bytes that were walked.
        at: usize,
        /// `bLength`, or 2 where not even that and the kind are there.
        length: u8,
        /// The bytes from `at` on.
        available: usize,
    },
    /// `bDescriptorType` is another.
    WrongKind {
        /// The kind that was asked for.
        expected: DescriptorKind,
        /// The kind that was found.
        found: DescriptorKind,
    },
    /// The device capability is of another kind.
    WrongCapability {
        /// `bDevCapabilityType` that was found.
        found: u8,
    },
}

impl core::fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::LengthTooSmall { at, length, needed } => {
                write!(
                    f,
                    "descriptor at byte {at} says it has {length} bytes, but its kind needs at least {needed}"
                )
            }
            Self::Truncated {
                at,
                length,
                available,
            } => {
                write!(
                    f,
                    "descriptor at byte {at} says it has {length} bytes, but only {available} are there"
                )
            }
            Self::WrongKind { expected, found } => {
                write!(f, "expected a {expected} descriptor, found {found}")
            }
            Self::WrongCapability { found } => {
                write!(f, "device capability {found:#04x} is not the one expected")
            }
        }
    }
}

impl core::error::Error for DescriptorError {}

/// The descriptor at the start of `bytes`, cut to its `bLength`, if it has this kind and at least `needed` bytes.
pub(super) fn body(
    bytes: &[u8],
    kind: DescriptorKind,
    needed: u8,
) -> Result<&[u8], DescriptorError> {
    let &[length, found, ..] = bytes else {
        return Err(DescriptorError::Truncated {
            at: 0,
            length: 2,
            available: bytes.len(),
        });
    };
    let found = DescriptorKind(found);
    if found != kind {
        return Err(DescriptorError::WrongKind {
            expected: kind,
            found,
        });
    }
    if length < needed {
        return Err(DescriptorError::LengthTooSmall {
            at: 0,
            length,
            needed,
        });
    }
    bytes
        .get(..usize::from(length))
        .ok_or(DescriptorError::Truncated {
            at: 0,
            length,
            available: bytes.len(),
        })
}
