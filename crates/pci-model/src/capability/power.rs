use super::Capability;
use crate::Space;

/// Power management. PCI Power Management 1.2 §3.2 (unchecked).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerManagement {
    /// PMC: version, aux current, from which states it can wake.
    pub capabilities: u16,
    /// PMCSR after reset.
    pub control: u16,
}

impl PowerManagement {
    /// Offset of PMC within the capability.
    pub const CAPABILITIES: u16 = 2;
    /// Offset of PMCSR within the capability.
    pub const CONTROL: u16 = 4;
    /// In PMC: it can wake from D3cold.
    pub const PME_FROM_D3COLD: u16 = 0x8000;
    /// In PMCSR: the power state, 0 to 3.
    pub const STATE: u16 = 0x0003;
}

impl Capability for PowerManagement {
    const ID: u8 = 0x01;

    fn put(&self, space: &mut Space, at: u16) {
        const PME_ENABLE: u16 = 0x0100;
        const PME_STATUS: u16 = 0x8000;
        space.put(at + Self::CAPABILITIES, &self.capabilities.to_le_bytes());
        space.put(at + Self::CONTROL, &self.control.to_le_bytes());
        space.let_write(at + Self::CONTROL, (Self::STATE | PME_ENABLE).into());
        space.let_clear(at + Self::CONTROL, PME_STATUS.into());
    }
}
