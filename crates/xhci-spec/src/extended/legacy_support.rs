//! USB Legacy Support: firmware hands the controller over to the operating system. xHCI 1.2 §7.1, §4.22.1.

use super::CapabilityId;
use crate::registers::{Access, register};

register! {
    /// USB legacy support: the two semaphores of the hand-over.
    UsbLegSup(u32): "USBLEGSUP", "USB Legacy Support Capability", Extended + 0x00, "7.1.1";
    /// [`CapabilityId::LEGACY_SUPPORT`].
    id / with_id: CapabilityId = [0; 8], Access::Ro, "CapID";
    /// Bytes to the next capability; zero if this is the last.
    next / with_next: u32 = [8; 8] << 2, Access::Ro, "Next";
    /// Firmware owns the controller.
    firmware_owned / with_firmware_owned: bool = [16; 1], Access::Rw, "BIOS";
    /// The operating system owns the controller, or asks for it.
    os_owned / with_os_owned: bool = [24; 1], Access::Rw, "OS";
    .. reserved [17; 7] RsvdP [25; 7] RsvdP;
}

register! {
    /// USB legacy support control and status: which events raise system management interrupts.
    UsbLegCtlSts(u32): "USBLEGCTLSTS", "USB Legacy Support Control and Status", Extended + 0x04, "7.1.2";
    /// Events raise SMIs.
    smi_enable / with_smi_enable: bool = [0; 1], Access::Rw, "SMIEnable";
    /// Host system errors raise SMIs.
    smi_on_host_system_error_enable / with_smi_on_host_system_error_enable: bool = [4; 1], Access::Rw, "SMIonHSEEnable";
    /// A change of the OS semaphore raises an SMI.
    smi_on_os_ownership_enable / with_smi_on_os_ownership_enable: bool = [13; 1], Access::Rw, "SMIonOSEnable";
    /// A write to the PCI command register raises an SMI.
    smi_on_pci_command_enable / with_smi_on_pci_command_enable: bool = [14; 1], Access::Rw, "SMIonPCICmdEnable";
    /// A write to a base address register raises an SMI.
    smi_on_bar_enable / with_smi_on_bar_enable: bool = [15; 1], Access::Rw, "SMIonBAREnable";
    /// Shadow of USBSTS.EINT.
    smi_on_event_interrupt / with_smi_on_event_interrupt: bool = [16; 1], Access::Ro, "SMIonEINT";
    /// Shadow of USBSTS.HSE.
    smi_on_host_system_error / with_smi_on_host_system_error: bool = [20; 1], Access::Ro, "SMIonHSE";
    /// The OS semaphore changed.
    smi_on_os_ownership_change / with_smi_on_os_ownership_change: bool = [29; 1], Access::Rw1c, "SMIonOS";
    /// The PCI command register was written.
    smi_on_pci_command / with_smi_on_pci_command: bool = [30; 1], Access::Rw1c, "SMIonPCICmd";
    /// A base address register was written.
    smi_on_bar / with_smi_on_bar: bool = [31; 1], Access::Rw1c, "SMIonBAR";
    .. reserved [1; 3] RsvdP [5; 8] RsvdP [17; 3] RsvdP [21; 8] RsvdZ;
}

impl UsbLegCtlSts {
    /// The value to write that disables all SMIs and acknowledges the pending ones.
    #[must_use]
    pub fn silence(self) -> Self {
        use crate::registers::Register;
        self.to_neutral()
            .with_smi_enable(false)
            .with_smi_on_host_system_error_enable(false)
            .with_smi_on_os_ownership_enable(false)
            .with_smi_on_pci_command_enable(false)
            .with_smi_on_bar_enable(false)
            .with_smi_on_os_ownership_change(true)
            .with_smi_on_pci_command(true)
            .with_smi_on_bar(true)
    }
}
