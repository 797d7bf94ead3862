//! How a register is declared, and what follows from the declaration.
//!
//! One [`Register`] declaration answers four readers: the driver ([`Register::to_neutral`]), the model
//! ([`Register::after_write`]), the checker ([`Register::broken_rsvd`]) and the trace ([`Register::describe`]).

use super::describe::{Breach, BrokenField, Describe};
use super::field::{Access, Field};
use super::value::FieldValue;

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
    /// The start of the function's PCI configuration space: registers that a vendor declares for its chip, not xHCI.
    Config,
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
