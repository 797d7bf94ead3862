//! Where a field lies: the one declaration that every reader of a TRB or a context shares.

use core::fmt;

use crate::number::Iova;

/// A structure of little-endian dwords and all its named fields; what no field covers is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Name of the structure, in the specification's words.
    pub name: &'static str,
    /// Where the specification draws it, for example `6.4.1.1`.
    pub section: &'static str,
    /// Its fields, in order of position.
    pub fields: &'static [Field],
}

impl Layout {
    /// Mask of the bits that no field covers, for the first `N` dwords.
    #[must_use]
    pub const fn reserved_bits<const N: usize>(&self) -> [u32; N] {
        let mut mask = [u32::MAX; N];
        let mut i = 0;
        while i < self.fields.len() {
            self.fields[i].clear(&mut mask);
            i += 1;
        }
        mask
    }

    /// The field called `name`, if the structure has one.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Writes every field of `dwords` as `name: value`, the body of the contexts' `Debug`.
    pub(crate) fn debug(&self, dwords: &[u32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct(self.name);
        for field in self.fields {
            out.field(field.name, &format_args!("{:#x}", field.get(dwords)));
        }
        out.finish()
    }
}

/// Who writes a field of a context (xHCI 1.2 §6.2); in a TRB the producer writes them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// System software writes it, the controller only reads it.
    Software,
    /// The controller writes it; software leaves it zero in an input context.
    Controller,
    /// Software gives the start value, the controller keeps it up to date.
    Both,
    /// Whoever produces the structure.
    Producer,
}

/// One field: `width` bits from bit `low` of dword `dword` on; a wide field runs on into the next dword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Full words, as the accessor is called.
    pub name: &'static str,
    /// The specification's mnemonic, or its name of the field where it has none.
    pub mnemonic: &'static str,
    /// Index of the dword that holds the lowest bit.
    pub dword: u8,
    /// Lowest bit within that dword.
    pub low: u8,
    /// Number of bits, 1 to 64.
    pub width: u8,
    /// How far the bits are shifted left to give the value: the alignment of a pointer whose low bits are left out, else 0.
    pub shift: u8,
    /// Who writes it.
    pub access: Access,
}

impl Field {
    /// Declares a number of `width` bits.
    #[must_use]
    pub const fn new(
        name: &'static str,
        mnemonic: &'static str,
        dword: u8,
        low: u8,
        width: u8,
    ) -> Self {
        Self {
            name,
            mnemonic,
            dword,
            low,
            width,
            shift: 0,
            access: Access::Producer,
        }
    }

    /// Declares a 64-bit address of which the bits below `low` are left out because they are zero.
    #[must_use]
    pub const fn pointer(name: &'static str, mnemonic: &'static str, dword: u8, low: u8) -> Self {
        Self::in_place(name, mnemonic, dword, low, 64 - low)
    }

    /// Declares `width` bits that keep their place: the value's bits below `low` are zero.
    #[must_use]
    pub const fn in_place(
        name: &'static str,
        mnemonic: &'static str,
        dword: u8,
        low: u8,
        width: u8,
    ) -> Self {
        let mut field = Self::new(name, mnemonic, dword, low, width);
        field.shift = low;
        field
    }

    /// The same field, written by `access`.
    #[must_use]
    pub const fn by(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// The field's value.
    ///
    /// # Panics
    ///
    /// When `dwords` is too short for the declaration, which is a bug of the caller and not of the data.
    #[must_use]
    #[inline]
    pub const fn get(&self, dwords: &[u32]) -> u64 {
        let at = self.dword as usize;
        let mut wide = dwords[at] as u64;
        if self.low + self.width > 32 {
            wide |= (dwords[at + 1] as u64) << 32;
        }
        ((wide >> self.low) & self.ones()) << self.shift
    }

    /// Replaces the field's value. Bits that do not fit are dropped, so a wrong value never spills into a neighbour.
    ///
    /// # Panics
    ///
    /// As [`Field::get`].
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the two halves of a 64-bit number"
    )]
    pub const fn set(&self, dwords: &mut [u32], value: u64) {
        let at = self.dword as usize;
        let bits = ((value >> self.shift) & self.ones()) << self.low;
        let mask = self.ones() << self.low;
        dwords[at] = dwords[at] & !(mask as u32) | bits as u32;
        if self.low + self.width > 32 {
            dwords[at + 1] = dwords[at + 1] & !((mask >> 32) as u32) | (bits >> 32) as u32;
        }
    }

    /// The largest value that the field can hold.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.ones() << self.shift
    }

    const fn clear(&self, dwords: &mut [u32]) {
        if (self.dword as usize) < dwords.len() {
            self.set(dwords, 0);
        }
    }

    const fn ones(&self) -> u64 {
        u64::MAX >> (64 - self.width)
    }
}

/// A type that a field's bits can be read as; total in both directions.
pub(crate) trait Value: Copy {
    fn from_bits(bits: u64) -> Self;
    fn into_bits(self) -> u64;
}

impl Value for bool {
    fn from_bits(bits: u64) -> Self {
        bits != 0
    }
    fn into_bits(self) -> u64 {
        u64::from(self)
    }
}

impl Value for u64 {
    fn from_bits(bits: u64) -> Self {
        bits
    }
    fn into_bits(self) -> u64 {
        self
    }
}

impl Value for Iova {
    fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
    fn into_bits(self) -> u64 {
        self.0
    }
}

/// Reads a value whose type is a newtype or enum over a small integer.
macro_rules! value {
    ($($type:ty, $raw:ty: $from:expr, $into:expr;)*) => {$(
        impl crate::field::Value for $type {
            #[inline]
            #[expect(clippy::cast_possible_truncation, reason = "no field is declared wider than its type")]
            fn from_bits(bits: u64) -> Self {
                ($from)(bits as $raw)
            }
            #[inline]
            fn into_bits(self) -> u64 {
                let raw: $raw = ($into)(self);
                u64::from(raw)
            }
        }
    )*};
}
pub(crate) use value;

value! {
    u8, u8: |raw| raw, |value| value;
    u16, u16: |raw| raw, |value| value;
    u32, u32: |raw| raw, |value| value;
}

impl Field {
    /// The field's value in its own type.
    #[inline]
    pub(crate) fn read<T: Value>(&self, dwords: &[u32]) -> T {
        T::from_bits(self.get(dwords))
    }

    /// Sets the field from a value of its own type.
    #[inline]
    pub(crate) fn write<T: Value>(&self, dwords: &mut [u32], value: T) {
        self.set(dwords, value.into_bits());
    }
}
