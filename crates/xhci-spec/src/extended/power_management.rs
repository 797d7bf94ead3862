//! Extended Power Management: the PCI power management registers for controllers without PCI. xHCI 1.2 §7.3 (unchecked).

use super::CapabilityId;
use crate::registers::{Access, register};

register! {
    /// Power management capabilities, laid out as PCI's PMC.
    PowerManagement(u32): "xPMC", "Extended Power Management Capability", Extended + 0x00, "7.3 (unchecked)";
    /// [`CapabilityId::EXTENDED_POWER_MANAGEMENT`].
    id / with_id: CapabilityId = [0; 8], Access::Ro, "CapID";
    /// Bytes to the next capability; zero if this is the last.
    next / with_next: u32 = [8; 8] << 2, Access::Ro, "Next";
    /// PCI's power management capabilities (PMC).
    capabilities / with_capabilities: u16 = [16; 16], Access::Ro, "PMC";
    .. reserved;
}

register! {
    /// Power management control and status, laid out as PCI's PMCSR.
    PowerManagementControl(u32): "xPMCSR", "Extended Power Management Control and Status", Extended + 0x04, "7.3 (unchecked)";
    /// PCI's power management control and status (PMCSR).
    control_status / with_control_status: u16 = [0; 16], Access::Rw, "PMCSR";
    .. reserved [16; 16] RsvdP;
}
