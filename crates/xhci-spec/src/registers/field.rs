//! A field of a register: where it lies and what a write does to it. xHCI 1.2 §5.1.1.

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
