//! The debug capability (DbC): the controller as a USB debug device. xHCI 1.2 §7.6.

use super::CapabilityId;
use crate::number::{Iova, SpeedId};
use crate::registers::{Access, PortLinkState, register};

register! {
    /// Debug capability id.
    Dcid(u32): "DCID", "Debug Capability ID", Extended + 0x00, "7.6.8.1 (unchecked)";
    /// [`CapabilityId::DEBUG`].
    id / with_id: CapabilityId = [0; 8], Access::Ro, "CapID";
    /// Bytes to the next capability; zero if this is the last.
    next / with_next: u32 = [8; 8] << 2, Access::Ro, "Next";
    /// Exponent of the most event ring segments.
    event_ring_segment_table_max / with_event_ring_segment_table_max: u8 = [16; 5], Access::Ro, "DCERSTMax";
    .. reserved [21; 11] RsvdZ;
}

register! {
    /// Debug capability doorbell. Reads return 0.
    Dcdb(u32): "DCDB", "Debug Capability Doorbell", Extended + 0x04, "7.6.8.2 (unchecked)";
    /// 0 rings bulk OUT, 1 bulk IN.
    target / with_target: u8 = [8; 8], Access::WriteOnly, "Target";
    .. reserved [0; 8] RsvdZ [16; 16] RsvdZ;
}

register! {
    /// Debug capability event ring segment table size.
    DcErstsz(u32): "DCERSTSZ", "Debug Capability Event Ring Segment Table Size", Extended + 0x08, "7.6.8.3.1 (unchecked)";
    /// Number of segments.
    segment_table_size / with_segment_table_size: u16 = [0; 16], Access::Rw, "ERSTSize";
    .. reserved [16; 16] RsvdP;
}

register! {
    /// Debug capability event ring segment table base address.
    DcErstba(u64): "DCERSTBA", "Debug Capability Event Ring Segment Table Base Address", Extended + 0x10, "7.6.8.3.2 (unchecked)";
    /// Address of the table, 16-byte aligned.
    segment_table_base / with_segment_table_base: Iova = [4; 60] << 4, Access::Rw, "Ptr";
    .. reserved [0; 4] RsvdP;
}

register! {
    /// Debug capability event ring dequeue pointer.
    DcErdp(u64): "DCERDP", "Debug Capability Event Ring Dequeue Pointer", Extended + 0x18, "7.6.8.3.3 (unchecked)";
    /// Low three bits of the index of the segment that the pointer is in.
    dequeue_segment_index / with_dequeue_segment_index: u8 = [0; 3], Access::Rw, "DESI";
    /// Address of the next event TRB that software reads.
    event_ring_dequeue_pointer / with_event_ring_dequeue_pointer: Iova = [4; 60] << 4, Access::Rw, "Ptr";
    .. reserved [3; 1] RsvdP;
}

register! {
    /// Debug capability control.
    DcCtrl(u32): "DCCTRL", "Debug Capability Control", Extended + 0x20, "7.6.8.4 (unchecked)";
    /// A debug host has configured the device.
    run / with_run: bool = [0; 1], Access::Ro, "DCR";
    /// Port status changes cause events.
    link_status_event_enable / with_link_status_event_enable: bool = [1; 1], Access::Rw, "LSE";
    /// The OUT endpoint is halted.
    halt_out / with_halt_out: bool = [2; 1], Access::Rw1s, "HOT";
    /// The IN endpoint is halted.
    halt_in / with_halt_in: bool = [3; 1], Access::Rw1s, "HIT";
    /// DCR went from 1 to 0.
    run_change / with_run_change: bool = [4; 1], Access::Rw1c, "DRC";
    /// Largest burst, less one.
    max_burst_z / with_max_burst_z: u8 = [16; 8], Access::Ro, "MaxBurst";
    /// USB address that the debug host assigned.
    device_address / with_device_address: u8 = [24; 7], Access::Ro, "DevAddr";
    /// The debug capability is enabled.
    enable / with_enable: bool = [31; 1], Access::Rw, "DCE";
    .. reserved [5; 11] RsvdP;
}

register! {
    /// Debug capability status.
    DcSt(u32): "DCST", "Debug Capability Status", Extended + 0x24, "7.6.8.5 (unchecked)";
    /// The event ring holds events.
    event_ring_not_empty / with_event_ring_not_empty: bool = [0; 1], Access::Ro, "ER";
    /// The debug capability resets with the system bus.
    system_bus_reset / with_system_bus_reset: bool = [1; 1], Access::Ro, "SBR";
    /// Number of the root port that the debug host is connected to.
    debug_port_number / with_debug_port_number: u8 = [24; 8], Access::Ro, "Port";
    .. reserved [2; 22] RsvdP;
}

register! {
    /// Debug capability port status and control.
    DcPortSc(u32): "DCPORTSC", "Debug Capability Port Status and Control", Extended + 0x28, "7.6.8.6 (unchecked)";
    /// A debug host is connected.
    current_connect_status / with_current_connect_status: bool = [0; 1], Access::Ro, "CCS";
    /// The port is enabled. Unlike PORTSC's, this bit is an ordinary one.
    port_enabled / with_port_enabled: bool = [1; 1], Access::Rw, "PED";
    /// The debug host resets the port.
    port_reset / with_port_reset: bool = [4; 1], Access::Ro, "PR";
    /// State of the link.
    port_link_state / with_port_link_state: PortLinkState = [5; 4], Access::Ro, "PLS";
    /// Protocol speed id.
    port_speed / with_port_speed: SpeedId = [10; 4], Access::Ro, "Speed";
    /// CCS changed.
    connect_status_change / with_connect_status_change: bool = [17; 1], Access::Rw1c, "CSC";
    /// A reset is done.
    port_reset_change / with_port_reset_change: bool = [21; 1], Access::Rw1c, "PRC";
    /// PLS changed.
    port_link_state_change / with_port_link_state_change: bool = [22; 1], Access::Rw1c, "PLC";
    /// Link configuration failed.
    port_config_error_change / with_port_config_error_change: bool = [23; 1], Access::Rw1c, "CEC";
    .. reserved [2; 2] RsvdZ [9; 1] RsvdZ [14; 3] RsvdZ [18; 3] RsvdZ [24; 8] RsvdZ;
}

register! {
    /// Debug capability context pointer.
    Dccp(u64): "DCCP", "Debug Capability Context Pointer", Extended + 0x30, "7.6.8.7 (unchecked)";
    /// Address of the context, 16-byte aligned.
    context / with_context: Iova = [4; 60] << 4, Access::Rw, "Ptr";
    .. reserved [0; 4] RsvdZ;
}

register! {
    /// Debug capability device descriptor info 1.
    DcDdi1(u32): "DCDDI1", "Debug Capability Device Descriptor Info 1", Extended + 0x38, "7.6.8.8 (unchecked)";
    /// bInterfaceProtocol: 0 vendor defined, 1 GNU remote debug.
    protocol / with_protocol: u8 = [0; 8], Access::Rw, "Protocol";
    /// idVendor.
    vendor_id / with_vendor_id: u16 = [16; 16], Access::Rw, "VendorID";
    .. reserved [8; 8] RsvdZ;
}

register! {
    /// Debug capability device descriptor info 2.
    DcDdi2(u32): "DCDDI2", "Debug Capability Device Descriptor Info 2", Extended + 0x3c, "7.6.8.9 (unchecked)";
    /// idProduct.
    product_id / with_product_id: u16 = [0; 16], Access::Rw, "ProductID";
    /// bcdDevice.
    device_revision / with_device_revision: u16 = [16; 16], Access::Rw, "DeviceRev";
    .. reserved;
}
