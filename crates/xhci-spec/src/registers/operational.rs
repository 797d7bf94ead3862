//! Host controller operational registers: run, status, command ring. xHCI 1.2 §5.4.

use super::field::Access;
use super::register::register;
use crate::number::Iova;

register! {
    /// USB command.
    UsbCmd(u32): "USBCMD", "USB Command", Operational + 0x00, "5.4.1";
    /// Run (1) or stop (0).
    run / with_run: bool = [0; 1], Access::Rw, "R/S";
    /// Resets the controller; reads 1 until done. Writing 0 cannot stop a reset, so it is declared as RW1S.
    host_controller_reset / with_host_controller_reset: bool = [1; 1], Access::Rw1s, "HCRST";
    /// Interrupters may interrupt.
    interrupter_enable / with_interrupter_enable: bool = [2; 1], Access::Rw, "INTE";
    /// Host system errors are signalled out of band.
    host_system_error_enable / with_host_system_error_enable: bool = [3; 1], Access::Rw, "HSEE";
    /// Resets the controller but not its ports, if HCCPARAMS1 says LHRC; reads 1 until done.
    light_host_controller_reset / with_light_host_controller_reset: bool = [7; 1], Access::Rw1s, "LHCRST";
    /// Saves state; reads 0.
    controller_save_state / with_controller_save_state: bool = [8; 1], Access::WriteOnly, "CSS";
    /// Restores state; reads 0.
    controller_restore_state / with_controller_restore_state: bool = [9; 1], Access::WriteOnly, "CRS";
    /// MFINDEX wraps cause events.
    enable_wrap_event / with_enable_wrap_event: bool = [10; 1], Access::Rw, "EWE";
    /// MFINDEX may stop while all ports are in U3 or lower.
    enable_u3_mfindex_stop / with_enable_u3_mfindex_stop: bool = [11; 1], Access::Rw, "EU3S";
    /// Configure Endpoint may fail with Max Exit Latency Too Large, if HCCPARAMS2 says CMC.
    cem_enable / with_cem_enable: bool = [13; 1], Access::Rw, "CME";
    /// Extended TBC, if HCCPARAMS2 says ETC.
    extended_tbc_enable / with_extended_tbc_enable: bool = [14; 1], Access::Rw, "ETE";
    /// Extended TBC status, if HCCPARAMS2 says ETC_TSC.
    extended_tbc_status_enable / with_extended_tbc_status_enable: bool = [15; 1], Access::Rw, "TSC_EN";
    /// Trusted I/O, if HCCPARAMS2 says VTC.
    trusted_io_enable / with_trusted_io_enable: bool = [16; 1], Access::Rw, "VTIOE";
    .. reserved [4; 3] RsvdP [12; 1] RsvdP [17; 15] RsvdP;
}

register! {
    /// USB status.
    UsbSts(u32): "USBSTS", "USB Status", Operational + 0x04, "5.4.2";
    /// The controller has stopped.
    halted / with_halted: bool = [0; 1], Access::Ro, "HCH";
    /// A serious error on the system bus.
    host_system_error / with_host_system_error: bool = [2; 1], Access::Rw1c, "HSE";
    /// Some interrupter's IP went from 0 to 1.
    event_interrupt / with_event_interrupt: bool = [3; 1], Access::Rw1c, "EINT";
    /// Some port's change bit went from 0 to 1.
    port_change_detect / with_port_change_detect: bool = [4; 1], Access::Rw1c, "PCD";
    /// Saving state is under way.
    save_state_status / with_save_state_status: bool = [8; 1], Access::Ro, "SSS";
    /// Restoring state is under way.
    restore_state_status / with_restore_state_status: bool = [9; 1], Access::Ro, "RSS";
    /// Saving or restoring state failed.
    save_restore_error / with_save_restore_error: bool = [10; 1], Access::Rw1c, "SRE";
    /// Software must not write doorbells or operational registers other than USBSTS.
    controller_not_ready / with_controller_not_ready: bool = [11; 1], Access::Ro, "CNR";
    /// The controller lost its way; only a reset helps.
    host_controller_error / with_host_controller_error: bool = [12; 1], Access::Ro, "HCE";
    .. reserved [1; 1] RsvdZ [5; 3] RsvdZ [13; 19] RsvdP;
}

register! {
    /// Page sizes that the controller can use.
    PageSize(u32): "PAGESIZE", "Page Size", Operational + 0x08, "5.4.3";
    /// Bit n set: pages of 2^(n + 12) bytes.
    page_sizes / with_page_sizes: u16 = [0; 16], Access::Ro, "PageSize";
    .. reserved [16; 16] RsvdZ;
}

impl PageSize {
    /// The smallest page size in bytes, or `None` if the register names none. xHCI 1.2 §5.4.3.
    #[must_use]
    pub fn smallest_bytes(self) -> Option<u32> {
        let sizes = self.page_sizes();
        (sizes != 0).then(|| 0x1000 << sizes.trailing_zeros())
    }
}

register! {
    /// Which device notifications cause events.
    DnCtrl(u32): "DNCTRL", "Device Notification Control", Operational + 0x14, "5.4.4";
    /// Bit n set: notifications of type n cause a Device Notification event.
    notification_enable / with_notification_enable: u16 = [0; 16], Access::Rw, "N0-N15";
    .. reserved [16; 16] RsvdP;
}

register! {
    /// Command ring control. Only CRR can be read; see [`Crcr::read_view`].
    Crcr(u64): "CRCR", "Command Ring Control", Operational + 0x18, "5.4.5";
    /// The consumer cycle state that the command ring starts with.
    ring_cycle_state / with_ring_cycle_state: bool = [0; 1], Access::Rw, "RCS";
    /// Stops the ring after the current command.
    command_stop / with_command_stop: bool = [1; 1], Access::Rw1s, "CS";
    /// Stops the ring and aborts the current command.
    command_abort / with_command_abort: bool = [2; 1], Access::Rw1s, "CA";
    /// The controller is running the ring.
    command_ring_running / with_command_ring_running: bool = [3; 1], Access::Ro, "CRR";
    /// Address of the first command TRB, 64-byte aligned.
    command_ring_pointer / with_command_ring_pointer: Iova = [6; 58] << 6, Access::Rw, "Ptr";
    .. reserved [4; 2] RsvdP;
}

impl Crcr {
    /// What a read returns: the pointer, RCS, CS and CA read as 0, so that CRR alone is seen. xHCI 1.2 §5.4.5.
    #[must_use]
    pub fn read_view(self) -> Self {
        Self::default().with_command_ring_running(self.command_ring_running())
    }
}

register! {
    /// Device context base address array pointer.
    Dcbaap(u64): "DCBAAP", "Device Context Base Address Array Pointer", Operational + 0x30, "5.4.6";
    /// Address of the array, 64-byte aligned.
    device_context_base_address_array / with_device_context_base_address_array: Iova = [6; 58] << 6, Access::Rw, "Ptr";
    .. reserved [0; 6] RsvdZ;
}

register! {
    /// Configure.
    Config(u32): "CONFIG", "Configure", Operational + 0x38, "5.4.7";
    /// How many device slots software uses.
    max_slots_enabled / with_max_slots_enabled: u8 = [0; 8], Access::Rw, "MaxSlotsEn";
    /// A completed U3 entry sets PLC, if HCCPARAMS2 says U3C.
    u3_entry_enable / with_u3_entry_enable: bool = [8; 1], Access::Rw, "U3E";
    /// The input control context carries configuration information, if HCCPARAMS2 says CIC.
    configuration_information_enable / with_configuration_information_enable: bool = [9; 1], Access::Rw, "CIE";
    .. reserved [10; 22] RsvdP;
}
