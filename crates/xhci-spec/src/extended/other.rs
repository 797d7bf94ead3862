//! Capabilities of which hardly any controller has one: local memory, and PCI's interrupts without PCI.
//!
//! Of I/O virtualization (xHCI 1.2 §7.7, unchecked) and of vendor defined capabilities only the header is known here.

use super::CapabilityId;
use crate::registers::{Access, register};

register! {
    /// Memory inside the controller that software may use.
    LocalMemory(u32): "xLMC", "Local Memory Capability", Extended + 0x00, "7.8 (unchecked)";
    /// [`CapabilityId::LOCAL_MEMORY`].
    id / with_id: CapabilityId = [0; 8], Access::Ro, "CapID";
    /// Bytes to the next capability; zero if this is the last.
    next / with_next: u32 = [8; 8] << 2, Access::Ro, "Next";
    /// The memory is switched on.
    enable / with_enable: bool = [16; 1], Access::Rw, "LME";
    .. reserved [17; 15] RsvdP;
}

register! {
    /// Size of the local memory, which follows this dword.
    LocalMemorySize(u32): "xLMS", "Local Memory Size", Extended + 0x04, "7.8 (unchecked)";
    /// In KiB.
    size_kib / with_size_kib: u32 = [0; 32], Access::Ro, "LMS";
    .. reserved;
}

register! {
    /// PCI's MSI for controllers without PCI. What follows the header is laid out as PCI's capability.
    MessageInterrupt(u32): "xMI", "Message Interrupt Capability", Extended + 0x00, "7.4 (unchecked)";
    /// [`CapabilityId::MESSAGE_INTERRUPT`].
    id / with_id: CapabilityId = [0; 8], Access::Ro, "CapID";
    /// Bytes to the next capability; zero if this is the last.
    next / with_next: u32 = [8; 8] << 2, Access::Ro, "Next";
    /// PCI's message control.
    message_control / with_message_control: u16 = [16; 16], Access::Rw, "MessageControl";
    .. reserved;
}

register! {
    /// PCI's MSI-X for controllers without PCI. What follows the header is laid out as PCI's capability.
    ExtendedMessageInterrupt(u32): "xEMI", "Extended Message Interrupt Capability", Extended + 0x00, "7.5 (unchecked)";
    /// [`CapabilityId::EXTENDED_MESSAGE_INTERRUPT`].
    id / with_id: CapabilityId = [0; 8], Access::Ro, "CapID";
    /// Bytes to the next capability; zero if this is the last.
    next / with_next: u32 = [8; 8] << 2, Access::Ro, "Next";
    /// PCI's message control.
    message_control / with_message_control: u16 = [16; 16], Access::Rw, "MessageControl";
    .. reserved;
}
