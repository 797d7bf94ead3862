//! How a register is declared, and what follows from the declaration.
//!
//! xHCI 1.2 §5.1.1 names the access kinds. One [`Register`] declaration answers four readers: the driver
//! ([`Register::to_neutral`]), the model ([`Register::after_write`]), the checker ([`Register::broken_rsvd`]) and the
//! trace ([`Register::describe`]).

use core::fmt;

use crate::number::{Iova, StreamId};

/// What a write to a field does. xHCI 1.2 §5.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read only, or initialised by hardware ("HwInit"). Writes have no effect.
    Ro,
    /// Read only, kept over a reset of the controller ("ROS").
    Ros,
    /// Read and write.
    Rw,
    /// Read and write, kept over a reset of the controller ("RWS").
    Rws,
    /// Like [`Access::Rws`], but only in a write that also sets the bit of this number: PORTSC's PLS needs LWS.
    RwsWith(u8),
    /// Write 1 to clear.
    Rw1c,
    /// Write 1 to clear, kept over a reset of the controller ("RW1CS").
    Rw1cs,
    /// Write 1 to set; hardware clears. Fields that the specification calls RW but that software cannot clear
    /// (HCRST) are declared so too.
    Rw1s,
    /// RW in the specification's words, with "reads return 0": a strobe, nothing is stored.
    WriteOnly,
    /// Reserved: software writes back what it read.
    RsvdP,
    /// Reserved: software writes zero.
    RsvdZ,
}

impl Access {
    /// Whether software can write the field at will and read it back.
    #[must_use]
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::Rw | Self::Rws | Self::RwsWith(_))
    }

    /// Whether writing 1 clears the field's bits.
    #[must_use]
    pub const fn is_write_one_to_clear(self) -> bool {
        matches!(self, Self::Rw1c | Self::Rw1cs)
    }

    /// Whether hardware alone decides the field's value.
    #[must_use]
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::Ro | Self::Ros)
    }

    /// Whether the field is reserved.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self, Self::RsvdP | Self::RsvdZ)
    }

    /// Whether a reset of the controller (HCRST) leaves the field alone.
    #[must_use]
    pub const fn is_sticky(self) -> bool {
        matches!(self, Self::Ros | Self::Rws | Self::RwsWith(_) | Self::Rw1cs)
    }
}

/// How a field's value is written for people.
#[derive(Clone, Copy, Debug)]
pub enum Show {
    /// The mnemonic alone, when the bit is set.
    Flag,
    /// `Mnemonic=5`, when not zero.
    Number,
    /// `Mnemonic=0x40`, when not zero.
    Hex,
    /// `Mnemonic=name`, always; `Mnemonic=5` where the value has no name.
    Named(fn(u64) -> Option<&'static str>),
}

/// One field of a register: the single place where its position is written.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Full words, as the getter is called; `reserved` for reserved bits.
    pub name: &'static str,
    /// The specification's mnemonic; `RsvdP` or `RsvdZ` for reserved bits.
    pub mnemonic: &'static str,
    /// Number of the lowest bit.
    pub low: u8,
    /// Number of bits.
    pub width: u8,
    /// What a write does.
    pub access: Access,
    /// The section of xHCI 1.2 that defines the field.
    pub section: &'static str,
    /// How far the getter shifts the value left: 6 for a pointer whose low 6 bits are not stored.
    pub scale: u8,
    /// How the value is written for people.
    pub show: Show,
}

impl Field {
    /// The field's bits within the register.
    #[must_use]
    pub const fn mask(&self) -> u64 {
        let ones = if self.width >= 64 {
            u64::MAX
        } else {
            (1 << self.width) - 1
        };
        ones << self.low
    }

    /// The field's value, scaled, out of the register's bits.
    #[must_use]
    pub const fn get(&self, bits: u64) -> u64 {
        ((bits & self.mask()) >> self.low) << self.scale
    }

    /// The register's bits with the field replaced; bits of `value` that the field cannot hold are dropped.
    #[must_use]
    pub const fn set(&self, bits: u64, value: u64) -> u64 {
        (bits & !self.mask()) | (((value >> self.scale) << self.low) & self.mask())
    }
}

/// A value that a field's getter hands out.
pub trait FieldValue: Copy {
    /// How such values are written for people.
    const SHOW: Show;
    /// From the field's value; bits that the type cannot hold are dropped.
    fn from_raw(raw: u64) -> Self;
    /// To the field's value.
    fn to_raw(self) -> u64;
}

impl FieldValue for bool {
    const SHOW: Show = Show::Flag;
    fn from_raw(raw: u64) -> Self {
        raw != 0
    }
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
}

impl FieldValue for u8 {
    const SHOW: Show = Show::Number;
    fn from_raw(raw: u64) -> Self {
        raw.to_le_bytes()[0]
    }
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
}

impl FieldValue for u16 {
    const SHOW: Show = Show::Number;
    fn from_raw(raw: u64) -> Self {
        let [a, b, ..] = raw.to_le_bytes();
        Self::from_le_bytes([a, b])
    }
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
}

impl FieldValue for u32 {
    const SHOW: Show = Show::Hex;
    fn from_raw(raw: u64) -> Self {
        low_half(raw)
    }
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
}

impl FieldValue for u64 {
    const SHOW: Show = Show::Hex;
    fn from_raw(raw: u64) -> Self {
        raw
    }
    fn to_raw(self) -> u64 {
        self
    }
}

impl FieldValue for Iova {
    const SHOW: Show = Show::Hex;
    fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
    fn to_raw(self) -> u64 {
        self.0
    }
}

impl FieldValue for StreamId {
    const SHOW: Show = Show::Number;
    fn from_raw(raw: u64) -> Self {
        Self(u16::from_raw(raw))
    }
    fn to_raw(self) -> u64 {
        self.0.to_raw()
    }
}

/// Bits 31:0.
#[must_use]
pub const fn low_half(bits: u64) -> u32 {
    let [a, b, c, d, ..] = bits.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Bits 63:32.
#[must_use]
pub const fn high_half(bits: u64) -> u32 {
    low_half(bits >> 32)
}

/// What a register's offset counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Block {
    /// The start of BAR0. xHCI 1.2 §5.3.
    Capability,
    /// BAR0 + CAPLENGTH. xHCI 1.2 §5.4.
    Operational,
    /// [`port_base`](super::port_base) within the operational registers. xHCI 1.2 §5.4.8.
    Port,
    /// BAR0 + RTSOFF. xHCI 1.2 §5.5.
    Runtime,
    /// [`interrupter_base`](super::interrupter_base) within the runtime registers. xHCI 1.2 §5.5.2.
    Interrupter,
    /// BAR0 + DBOFF, plus four bytes per slot. xHCI 1.2 §5.6.
    Doorbell,
    /// The first dword of an extended capability. xHCI 1.2 §7.
    Extended,
}

/// A register of 32 or 64 bits.
pub trait Register: Copy + Sized {
    /// `u32` or `u64`.
    type Bits: FieldValue;
    /// Full words.
    const NAME: &'static str;
    /// The specification's name.
    const MNEMONIC: &'static str;
    /// What [`Register::OFFSET`] counts from.
    const BLOCK: Block;
    /// Offset in bytes within the block.
    const OFFSET: u32;
    /// 32 or 64.
    const WIDTH: u8;
    /// The section of xHCI 1.2.
    const SECTION: &'static str;
    /// Every bit of the register exactly once: the named fields, then the reserved ones.
    const FIELDS: &'static [Field];

    /// From the register's bits, widened.
    fn from_raw(raw: u64) -> Self;
    /// The register's bits, widened.
    fn to_raw(self) -> u64;

    /// The bits of all fields whose access kind `wanted` accepts.
    #[must_use]
    fn mask_of(wanted: impl Fn(Access) -> bool) -> u64 {
        Self::FIELDS
            .iter()
            .filter(|field| wanted(field.access))
            .fold(0, |mask, field| mask | field.mask())
    }

    /// The value to write back so that nothing happens: stored fields and RsvdP as read, all else zero.
    ///
    /// A read-modify-write starts here; it can then neither acknowledge a change nor start an action by accident
    /// (PORTSC's PED would disable the port).
    #[must_use]
    fn to_neutral(self) -> Self {
        let kept = Self::mask_of(|access| access.is_stored() || access == Access::RsvdP);
        Self::from_raw(self.to_raw() & kept)
    }

    /// What the register holds after software wrote `written`, as far as the access kinds decide it.
    ///
    /// A set RW1S bit stays set until the model clears it; a [`Access::WriteOnly`] field is never stored.
    #[must_use]
    fn after_write(self, written: Self) -> Self {
        let (current, written) = (self.to_raw(), written.to_raw());
        let next = Self::FIELDS.iter().fold(0, |next, field| {
            let (old, new) = (current & field.mask(), written & field.mask());
            next | match field.access {
                Access::Ro | Access::Ros | Access::RsvdP | Access::RsvdZ => old,
                Access::Rw | Access::Rws => new,
                Access::RwsWith(strobe) if written >> strobe & 1 == 1 => new,
                Access::RwsWith(_) => old,
                Access::Rw1c | Access::Rw1cs => old & !new,
                Access::Rw1s => old | new,
                Access::WriteOnly => 0,
            }
        });
        Self::from_raw(next)
    }

    /// What the register holds after a reset of the controller, given its initial value: sticky fields keep theirs.
    #[must_use]
    fn after_reset(self, initial: Self) -> Self {
        let kept = Self::mask_of(Access::is_sticky);
        Self::from_raw((self.to_raw() & kept) | (initial.to_raw() & !kept))
    }

    /// The first rule about reserved and read-only bits that a write of `written` over `current` breaks.
    #[must_use]
    fn broken_rsvd(current: Self, written: Self) -> Option<BrokenField> {
        Self::broken_fields(current, written).next()
    }

    /// Every rule about reserved and read-only bits that a write of `written` over `current` breaks.
    ///
    /// Read-only fields may be written as read or as zero: both are what an honest read-modify-write does. Since
    /// hardware may change them between the read and the write, [`Breach::ReadOnlyChanged`] is a hint, not a proof.
    fn broken_fields(current: Self, written: Self) -> impl Iterator<Item = BrokenField> {
        let (current, written) = (current.to_raw(), written.to_raw());
        Self::FIELDS.iter().filter_map(move |field| {
            let (old, new) = (field.get(current), field.get(written));
            let breach = match field.access {
                Access::RsvdP if new != old => Breach::RsvdPChanged,
                Access::RsvdZ if new != 0 => Breach::RsvdZNotZero,
                access if access.is_read_only() && new != old && new != 0 => {
                    Breach::ReadOnlyChanged
                }
                _ => return None,
            };
            Some(BrokenField {
                field,
                breach,
                current: old,
                written: new,
            })
        })
    }

    /// The register for people, such as `PORTSC CCS PED PLS=U0 PP Speed=4 CSC`.
    #[must_use]
    fn describe(self) -> Describe {
        Describe {
            mnemonic: Self::MNEMONIC,
            fields: Self::FIELDS,
            bits: self.to_raw(),
        }
    }
}

/// Which rule a write broke. xHCI 1.2 §5.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breach {
    /// Software must write back what it read.
    RsvdPChanged,
    /// Software must write zero.
    RsvdZNotZero,
    /// Software wrote something else than it read; hardware ignores it.
    ReadOnlyChanged,
}

/// A field that a write treated wrongly.
#[derive(Clone, Copy, Debug)]
pub struct BrokenField {
    /// The field.
    pub field: &'static Field,
    /// The rule.
    pub breach: Breach,
    /// The field's value before the write.
    pub current: u64,
    /// The field's value in the write.
    pub written: u64,
}

impl fmt::Display for BrokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Field {
            mnemonic,
            low,
            width,
            section,
            ..
        } = self.field;
        let high = u32::from(*low) + u32::from(*width).saturating_sub(1);
        let (current, written) = (self.current, self.written);
        write!(f, "bits {high}:{low} ({mnemonic}, §{section}): ")?;
        match self.breach {
            Breach::RsvdPChanged => write!(f, "write back {current:#x} as read, not {written:#x}"),
            Breach::RsvdZNotZero => write!(f, "write zero, not {written:#x}"),
            Breach::ReadOnlyChanged => write!(f, "read only {current:#x}, written {written:#x}"),
        }
    }
}

/// Writes a register for people; see [`Register::describe`].
#[derive(Clone, Copy, Debug)]
pub struct Describe {
    mnemonic: &'static str,
    fields: &'static [Field],
    bits: u64,
}

impl fmt::Display for Describe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mnemonic)?;
        for field in self.fields {
            let (mnemonic, value) = (field.mnemonic, field.get(self.bits));
            match (field.show, value) {
                (Show::Named(name_of), _) => match name_of(value) {
                    Some(name) => write!(f, " {mnemonic}={name}")?,
                    None => write!(f, " {mnemonic}={value}")?,
                },
                (_, 0) => {}
                (Show::Flag, _) => write!(f, " {mnemonic}")?,
                (Show::Number, _) => write!(f, " {mnemonic}={value}")?,
                (Show::Hex, _) => write!(f, " {mnemonic}={value:#x}")?,
            }
        }
        Ok(())
    }
}

/// Declares a register: its type, its getters and setters, and its [`Register`] implementation.
///
/// `getter / setter: Type = [low; width] << scale, Access, "MNEMONIC";`
macro_rules! register {
    ($(#[$doc:meta])* $name:ident($bits:ty): $mnemonic:literal, $words:literal, $block:ident + $offset:literal, $section:literal;
     $( $(#[$fdoc:meta])* $get:ident / $set:ident: $ty:ty = [$low:literal; $width:literal] $(<< $scale:literal)?, $access:expr, $fm:literal; )*
     .. reserved $( [$rlow:literal; $rwidth:literal] $raccess:ident )*;
    ) => {
        $(#[$doc])*
        #[doc = concat!("\n\nxHCI 1.2 §", $section, ".")]
        #[doc(alias = $mnemonic)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name($bits);

        impl $name {
            /// From the bits as they stand in the register.
            #[must_use]
            pub const fn from_bits(bits: $bits) -> Self { Self(bits) }
            /// The bits as they stand in the register.
            #[must_use]
            pub const fn bits(self) -> $bits { self.0 }
            $(
                $(#[$fdoc])*
                #[doc(alias = $fm)]
                #[must_use]
                pub fn $get(self) -> $ty {
                    <$ty as $crate::registers::FieldValue>::from_raw(
                        register!(@field $get, $fm, $low, $width, $access, $section, $ty $(, $scale)?).get($crate::registers::Register::to_raw(self)))
                }
                #[doc = concat!("The register with `", stringify!($get), "` replaced; bits that the field cannot hold are dropped.")]
                #[must_use]
                pub fn $set(self, value: $ty) -> Self {
                    let field = register!(@field $get, $fm, $low, $width, $access, $section, $ty $(, $scale)?);
                    let raw = <$ty as $crate::registers::FieldValue>::to_raw(value);
                    $crate::registers::Register::from_raw(field.set($crate::registers::Register::to_raw(self), raw))
                }
            )*
        }

        impl $crate::registers::Register for $name {
            type Bits = $bits;
            const NAME: &'static str = $words;
            const MNEMONIC: &'static str = $mnemonic;
            const BLOCK: $crate::registers::Block = $crate::registers::Block::$block;
            const OFFSET: u32 = $offset;
            const WIDTH: u8 = if size_of::<$bits>() == 8 { 64 } else { 32 };
            const SECTION: &'static str = $section;
            const FIELDS: &'static [$crate::registers::Field] = &[
                $( register!(@field $get, $fm, $low, $width, $access, $section, $ty $(, $scale)?), )*
                $( $crate::registers::Field {
                    name: "reserved", mnemonic: stringify!($raccess), low: $rlow, width: $rwidth,
                    access: $crate::registers::Access::$raccess, section: $section, scale: 0,
                    show: $crate::registers::Show::Hex,
                }, )*
            ];
            fn from_raw(raw: u64) -> Self { Self(<$bits as $crate::registers::FieldValue>::from_raw(raw)) }
            fn to_raw(self) -> u64 { <$bits as $crate::registers::FieldValue>::to_raw(self.0) }
        }
    };
    (@field $get:ident, $fm:literal, $low:literal, $width:literal, $access:expr, $section:literal, $ty:ty $(, $scale:literal)?) => {
        $crate::registers::Field {
            name: stringify!($get), mnemonic: $fm, low: $low, width: $width, access: $access, section: $section,
            scale: 0 $(+ $scale)?, show: <$ty as $crate::registers::FieldValue>::SHOW,
        }
    };
}
pub(crate) use register;
