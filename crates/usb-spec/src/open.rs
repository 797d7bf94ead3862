//! One way to write a wire enum whose unknown values survive.

/// Declares an open newtype: named constants, a name for people, `Display` and `Debug` that fall back to the number.
macro_rules! open_number {
    ($(#[$meta:meta])* pub struct $name:ident($raw:ty) {
        $($(#[$note:meta])* $constant:ident = $value:literal => $text:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub $raw);

        impl $name {
            $(
                #[doc = $text]
                $(#[$note])*
                pub const $constant: Self = Self($value);
            )*

            /// The name people use, or `None` for a value without one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => write!(f, "{:#04x}", self.0),
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => write!(f, "{}({:#04x} {name})", stringify!($name), self.0),
                    None => write!(f, "{}({:#04x})", stringify!($name), self.0),
                }
            }
        }
    };
}

pub(crate) use open_number;
