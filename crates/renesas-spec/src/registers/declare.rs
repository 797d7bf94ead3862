/// Declares a register of configuration space: its type, getters, setters and its [`Register`](xhci_spec::registers::Register).
///
/// `getter / setter: Type = [low; width], Access, "MNEMONIC";`
macro_rules! register {
    ($(#[$doc:meta])* $name:ident($bits:ty): $mnemonic:literal, $words:literal, $offset:literal, $section:literal;
     $( $(#[$fdoc:meta])* $get:ident / $set:ident: $ty:ty = [$low:literal; $width:literal], $access:ident, $fm:literal; )*
     .. reserved $( [$rlow:literal; $rwidth:literal] )*;
    ) => {
        $(#[$doc])*
        #[doc = concat!("\n\nR19UH0078EJ §", $section, " (unchecked).")]
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
                    FieldValue::from_raw(register!(@field $get, $fm, $low, $width, $access, $section, $ty).get(self.to_raw()))
                }
                #[doc = concat!("The register with `", stringify!($get), "` replaced; bits that the field cannot hold are dropped.")]
                #[must_use]
                pub fn $set(self, value: $ty) -> Self {
                    let field = register!(@field $get, $fm, $low, $width, $access, $section, $ty);
                    Self::from_raw(field.set(self.to_raw(), FieldValue::to_raw(value)))
                }
            )*
        }

        impl Register for $name {
            type Bits = $bits;
            const NAME: &'static str = $words;
            const MNEMONIC: &'static str = $mnemonic;
            const BLOCK: Block = Block::Config;
            const OFFSET: u32 = $offset;
            const WIDTH: u8 = if size_of::<$bits>() == 2 { 16 } else { 32 };
            const SECTION: &'static str = $section;
            const FIELDS: &'static [Field] = &[
                $( register!(@field $get, $fm, $low, $width, $access, $section, $ty), )*
                $( Field {
                    name: "reserved", mnemonic: "RsvdZ", low: $rlow, width: $rwidth,
                    access: Access::RsvdZ, section: $section, scale: 0, show: Show::Hex,
                }, )*
            ];
            fn from_raw(raw: u64) -> Self { Self(FieldValue::from_raw(raw)) }
            fn to_raw(self) -> u64 { FieldValue::to_raw(self.0) }
        }
    };
    (@field $get:ident, $fm:literal, $low:literal, $width:literal, $access:ident, $section:literal, $ty:ty) => {
        Field {
            name: stringify!($get), mnemonic: $fm, low: $low, width: $width, access: Access::$access,
            section: $section, scale: 0, show: <$ty as FieldValue>::SHOW,
        }
    };
}
pub(super) use register;
