//! What the ROM, or software, tells the chip about itself. R19UH0078EJ §6.3 (unchecked).

use xhci_spec::registers::{Access, Block, Field, FieldValue, Register, Show};

use super::declare::register;

register! {
    /// Settings of the PHY that the VSCD brings; their meaning is not public.
    PhyControl0(u32): "PHY0", "PHY Control 0", 0xdc, "6.3.2";
    /// All of it.
    value / with_value: u32 = [0; 32], Rw, "VALUE";
    .. reserved;
}

register! {
    /// Settings of the PHY that the VSCD brings. Said to break an uPD720202.
    PhyControl1(u32): "PHY1", "PHY Control 1", 0xe0, "6.3.2";
    /// All of it.
    value / with_value: u32 = [0; 32], Rw, "VALUE";
    .. reserved;
}

register! {
    /// Battery charging per port (BC_MODE), brought by the VSCD.
    PhyControl2(u32): "PHY2", "PHY Control 2", 0xe4, "6.3.2";
    /// All of it.
    value / with_value: u32 = [0; 32], Rw, "VALUE";
    .. reserved;
}

register! {
    /// Removable ports, ports present, ports disabled, brought by the VSCD; the bits are not public.
    HcConfiguration(u32): "HCCONF", "Host Controller Configuration", 0xe8, "6.3.2";
    /// All of it.
    value / with_value: u32 = [0; 32], Rw, "VALUE";
    .. reserved;
}

register! {
    /// Which ROM the chip found: what the part answered when asked for its JEDEC id. 0 without a ROM (inferred).
    RomInformation(u32): "ROMID", "External ROM Information", 0xec, "7.1";
    /// The id.
    id / with_id: u32 = [0; 32], Ro, "ID";
    .. reserved;
}

register! {
    /// How the ROM engine has to programme the part ("ROM parameter"); software sets it from [`RomInformation`].
    ///
    /// It is 0 after power-on, whatever the part, and 0 means one byte per page-program command. That is the candidate for the
    /// time-outs seen with loaders that never write it; *inferred* from the values that work for parts whose page sizes are
    /// public. No card was tried.
    RomConfiguration(u32): "ROMPAR", "External ROM Configuration", 0xf0, "7.1";
    /// 1 for SST parts only.
    sst_low / with_sst_low: bool = [0; 1], Rw, "SST0";
    /// What an erase command erases.
    erase_unit / with_erase_unit: EraseUnit = [4; 4], Rw, "UNIT";
    /// Bytes per page-program command, as a power of two.
    program_log2 / with_program_log2: u8 = [8; 3], Rw, "PAGE";
    /// 1 for SST parts only.
    sst_high / with_sst_high: bool = [16; 1], Rw, "SST16";
    /// Not understood.
    rest_low / with_rest_low: u8 = [1; 3], Rw, "R1";
    /// Not understood.
    rest_middle / with_rest_middle: u8 = [11; 5], Rw, "R11";
    /// Not understood.
    rest_high / with_rest_high: u16 = [17; 15], Rw, "R17";
    .. reserved;
}

impl RomConfiguration {
    /// Bytes that one page-program command takes: 1 to 128.
    #[must_use]
    pub fn program_bytes(self) -> u16 {
        1 << self.program_log2()
    }
}

/// What one erase command of the part erases; values that nobody named survive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EraseUnit(pub u8);

impl EraseUnit {
    /// 4 KiB.
    pub const KIB_4: Self = Self(0);
    /// 32 KiB.
    pub const KIB_32: Self = Self(5);
    /// 64 KiB.
    pub const KIB_64: Self = Self(6);
    /// SST parts, which erase 4 KiB and programme bytes.
    pub const SST: Self = Self(9);

    /// The unit in bytes, if the value has a name.
    #[must_use]
    pub const fn bytes(self) -> Option<u32> {
        match self.0 {
            0 | 9 => Some(0x1000),
            5 => Some(0x8000),
            6 => Some(0x1_0000),
            _ => None,
        }
    }

    /// The unit's name, if it has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            0 => Some("4KiB"),
            5 => Some("32KiB"),
            6 => Some("64KiB"),
            9 => Some("SST"),
            _ => None,
        }
    }
}

impl FieldValue for EraseUnit {
    const SHOW: Show = Show::Named(|raw| Self::from_raw(raw).name());
    fn from_raw(raw: u64) -> Self {
        Self(u8::from_raw(raw))
    }
    fn to_raw(self) -> u64 {
        self.0.to_raw()
    }
}
