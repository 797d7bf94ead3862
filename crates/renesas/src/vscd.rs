use core::fmt;

use alloc::vec::Vec;

use renesas_spec::crc16;
use renesas_spec::vscd::{
    CRC_BYTES, LENGTH_BYTES, PAIR_BYTES, PAIRS_MAX, SUBSYSTEM, offset_of, tag_of,
};

use crate::image::word;

/// The vendor's settings in front of an image in ROM: which bytes of configuration space hold what. R19UH0078EJ §6.3.2 (unchecked).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vscd {
    pairs: Vec<(u8, u8)>,
}

impl Vscd {
    /// Settings of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the VSCD at the front of `bytes`. Tags that nobody named are kept.
    ///
    /// # Errors
    /// [`VscdError`] says why there is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, VscdError> {
        let length = usize::from(word(bytes, 0).ok_or(VscdError::Short)?);
        if length == 0 || !length.is_multiple_of(PAIR_BYTES) || length > PAIRS_MAX * PAIR_BYTES {
            return Err(VscdError::Length { length });
        }
        let end = LENGTH_BYTES + length;
        let stored = word(bytes, end).ok_or(VscdError::Short)?;
        let computed = crc16(bytes.get(..end).ok_or(VscdError::Short)?);
        if stored != computed {
            return Err(VscdError::Crc { stored, computed });
        }
        let pairs = bytes.get(LENGTH_BYTES..end).unwrap_or(&[]);
        let pairs = pairs
            .chunks_exact(PAIR_BYTES)
            .filter_map(|pair| match pair {
                [tag, value] => Some((*tag, *value)),
                _ => None,
            });
        Ok(Self {
            pairs: pairs.collect(),
        })
    }

    /// Writes it, with length and check sum.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        let length = self.pairs.len() * PAIR_BYTES;
        let mut bytes = Vec::with_capacity(LENGTH_BYTES + length + CRC_BYTES);
        bytes.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend(self.pairs.iter().flat_map(|(tag, value)| [*tag, *value]));
        let crc = crc16(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Bytes of it in ROM; the image follows.
    #[must_use]
    pub fn bytes(&self) -> usize {
        LENGTH_BYTES + self.pairs.len() * PAIR_BYTES + CRC_BYTES
    }

    /// Its pairs of tag and value, as they stand.
    #[must_use]
    pub fn pairs(&self) -> &[(u8, u8)] {
        &self.pairs
    }

    /// Sets the byte of configuration space at `offset`, if a VSCD can.
    ///
    /// # Errors
    /// [`VscdError::NoTag`] when no tag is known for it.
    pub fn set(&mut self, offset: u16, value: u8) -> Result<(), VscdError> {
        let tag = tag_of(offset).ok_or(VscdError::NoTag { offset })?;
        match self.pairs.iter_mut().find(|(known, _)| *known == tag) {
            Some((_, old)) => *old = value,
            None => self.pairs.push((tag, value)),
        }
        Ok(())
    }

    /// Sets four bytes of configuration space from `offset` on.
    ///
    /// # Errors
    /// [`VscdError::NoTag`] when no tag is known for one of them.
    pub fn set32(&mut self, offset: u16, value: u32) -> Result<(), VscdError> {
        for (at, byte) in (offset..).zip(value.to_le_bytes()) {
            self.set(at, byte)?;
        }
        Ok(())
    }

    /// What it sets the byte of configuration space at `offset` to.
    #[must_use]
    pub fn get(&self, offset: u16) -> Option<u8> {
        let tag = tag_of(offset)?;
        let pair = self.pairs.iter().rev().find(|(known, _)| *known == tag);
        pair.map(|(_, value)| *value)
    }

    /// What it sets the four bytes from `offset` on to, if it sets all of them.
    #[must_use]
    pub fn get32(&self, offset: u16) -> Option<u32> {
        let mut bytes = [0; 4];
        for (at, place) in (offset..).zip(&mut bytes) {
            *place = self.get(at)?;
        }
        Some(u32::from_le_bytes(bytes))
    }
}

impl fmt::Display for Vscd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED: [(&str, u16); 5] = [
            ("subsystem", SUBSYSTEM),
            ("PHY0", 0xdc),
            ("PHY1", 0xe0),
            ("PHY2", 0xe4),
            ("HCCONF", 0xe8),
        ];
        let mut between = "";
        for (name, offset) in NAMED {
            if let Some(value) = self.get32(offset) {
                write!(f, "{between}{name} {value:#010x}")?;
                between = ", ";
            }
        }
        let strange = self
            .pairs
            .iter()
            .filter(|(tag, _)| offset_of(*tag).is_none());
        for (tag, value) in strange {
            write!(f, "{between}tag {tag:#04x} {value:#04x}")?;
            between = ", ";
        }
        Ok(())
    }
}

/// Why there is no VSCD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VscdError {
    /// It is cut off.
    #[error("the VSCD is cut off")]
    Short,
    /// Its length is none.
    #[error("{length:#x} is no length of a VSCD")]
    Length {
        /// What stands there.
        length: usize,
    },
    /// It is damaged.
    #[error("the VSCD's check sum is {stored:04X}h and should be {computed:04X}h")]
    Crc {
        /// What stands there.
        stored: u16,
        /// What should.
        computed: u16,
    },
    /// A VSCD cannot set this byte.
    #[error("a VSCD cannot set the byte of configuration space at {offset:#x}")]
    NoTag {
        /// Which.
        offset: u16,
    },
}
