use core::fmt;

/// How wide a configuration access is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// 8 bits.
    Byte,
    /// 16 bits, at an even offset.
    Word,
    /// 32 bits, at a multiple of 4.
    Dword,
}

impl Width {
    /// Its size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u16 {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::Dword => 4,
        }
    }
}

/// A function's PCI configuration space.
///
/// Offsets count bytes and are multiples of the width. A device that has gone reads as all ones, which is not an error here.
pub trait ConfigSpace {
    /// Reads `width` at `at`.
    ///
    /// # Errors
    /// [`ConfigError`] when the system refuses the access.
    fn read(&self, at: u16, width: Width) -> Result<u32, ConfigError>;

    /// Writes `width` at `at`.
    ///
    /// # Errors
    /// [`ConfigError`] when the system refuses the access.
    fn write(&self, at: u16, width: Width, value: u32) -> Result<(), ConfigError>;
}

/// Why the system refused a configuration access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// No right to do so (EPERM, EACCES).
    Permission,
    /// The kernel is locked down and lets nobody write configuration space.
    Lockdown,
    /// The function is no longer there.
    Gone,
    /// The offset lies outside what can be reached, or is not aligned.
    Range {
        /// The offset asked for.
        at: u16,
    },
    /// Something else; the system's error number.
    Os(i32),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permission => write!(f, "no permission for PCI configuration space; run as root"),
            Self::Lockdown => write!(
                f,
                "the kernel is locked down and refuses writes to PCI configuration space; go through VFIO, or boot without lockdown"
            ),
            Self::Gone => write!(
                f,
                "the PCI function is gone; look at the slot, then rescan the bus"
            ),
            Self::Range { at } => write!(
                f,
                "offset {at:#x} of PCI configuration space cannot be reached (outside, or not aligned)"
            ),
            Self::Os(number) => write!(
                f,
                "PCI configuration access failed with system error {number}"
            ),
        }
    }
}

impl core::error::Error for ConfigError {}
