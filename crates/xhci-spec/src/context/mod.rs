//! Contexts: what software and controller know of a device (xHCI 1.2 §6.2).
//!
//! Each context is a newtype over its dwords, so bits without a name survive. In the 64-byte form the fields lie where they lie in the
//! 32-byte form and the rest is reserved; [`ContextSize`] says how far contexts stand apart.

pub mod endpoint;
pub mod input;
pub mod slot;
pub mod stream;

pub use endpoint::{EndpointContext, EndpointState, EndpointType};
pub use input::InputControlContext;
pub use slot::{SlotContext, SlotState};
pub use stream::{StreamContext, StreamContextType};

use crate::number::Dci;

/// How many bytes each context takes; HCCPARAMS1's CSZ chooses (xHCI 1.2 §5.3.6).
#[doc(alias = "CSZ")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ContextSize {
    /// CSZ = 0.
    #[default]
    Bytes32,
    /// CSZ = 1.
    Bytes64,
}

impl ContextSize {
    /// The size that a controller with this CSZ bit uses.
    #[must_use]
    pub const fn from_csz(csz: bool) -> Self {
        if csz { Self::Bytes64 } else { Self::Bytes32 }
    }

    /// Bytes from one context to the next.
    #[must_use]
    pub const fn bytes(self) -> u16 {
        match self {
            Self::Bytes32 => 32,
            Self::Bytes64 => 64,
        }
    }

    /// Bytes of a device context whose last endpoint has index `entries` (the slot context's Context Entries, §6.2.1).
    #[must_use]
    pub const fn device_context_len(self, entries: u8) -> u16 {
        (entries as u16 + 1) * self.bytes()
    }

    /// Bytes of an input context whose last endpoint has index `entries` (§6.2.5).
    #[must_use]
    pub const fn input_context_len(self, entries: u8) -> u16 {
        (entries as u16 + 2) * self.bytes()
    }

    /// Offset of an endpoint context in a device context; the slot context lies at 0 (§6.2.1).
    #[must_use]
    pub const fn endpoint_offset(self, endpoint: Dci) -> u16 {
        endpoint.get() as u16 * self.bytes()
    }

    /// Offset of the context with this index in an input context: 0 control, 1 slot, DCI + 1 an endpoint (§6.2.5).
    #[must_use]
    pub const fn input_offset(self, index: u8) -> u16 {
        index as u16 * self.bytes()
    }

    /// Offset of the slot context in an input context.
    #[must_use]
    pub const fn input_slot_offset(self) -> u16 {
        self.input_offset(1)
    }

    /// Offset of an endpoint context in an input context.
    #[must_use]
    pub const fn input_endpoint_offset(self, endpoint: Dci) -> u16 {
        self.input_offset(endpoint.get() + 1)
    }
}

/// Declares a context: the table of its fields, and from it the getters, the setters and `Debug`.
///
/// A line reads: getter, setter, type, mnemonic, who writes it, and where it lies: `new(dword, low bit, width)` or
/// `pointer(dword, low bit)`.
macro_rules! context {
    (
        $(#[$doc:meta])*
        $name:ident: [u32; $dwords:literal], $title:literal, $section:literal;
        $($(#[$field_doc:meta])* $get:ident, $with:ident: $type:ty = $mnemonic:literal, $access:ident $kind:ident($($at:literal),*);)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name(pub [u32; $dwords]);

        impl $name {
            /// Where each field lies; the rest is reserved.
            pub const LAYOUT: Layout = Layout { name: $title, section: $section, fields: Self::FIELDS };

            /// The fields in order of position.
            pub const FIELDS: &'static [Field] = &[$(
                Field::$kind(stringify!($get), $mnemonic, $($at),*).by(Access::$access)
            ),*];

            $(
                $(#[$field_doc])*
                #[doc(alias = $mnemonic)]
                #[must_use]
                #[inline]
                pub fn $get(&self) -> $type {
                    const FIELD: Field = Field::$kind(stringify!($get), $mnemonic, $($at),*);
                    FIELD.read(&self.0)
                }

                #[doc = concat!("The same context with another [`Self::", stringify!($get), "`]; bits that do not fit are dropped.")]
                #[must_use]
                #[inline]
                pub fn $with(mut self, value: $type) -> Self {
                    const FIELD: Field = Field::$kind(stringify!($get), $mnemonic, $($at),*);
                    FIELD.write(&mut self.0, value);
                    self
                }
            )*
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                Self::LAYOUT.debug(&self.0, f)
            }
        }
    };
}
pub(crate) use context;
