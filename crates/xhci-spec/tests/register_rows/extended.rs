//! Extended capabilities.

use super::{Row, Rows, rows};

const ID: Row = (
    "CapID",
    7,
    0,
    &["L XHCI_EXT_CAPS_ID", "N XHCI_XECP_ID_MASK"],
);
const NEXT: Row = (
    "Next",
    15,
    8,
    &["L XHCI_EXT_CAPS_NEXT", "N XHCI_XECP_NEXT_MASK"],
);

// One row, one line: the table is read by column.
#[rustfmt::skip]
pub(crate) const EXTENDED: &[Rows] = &[
    rows("Extended Capability Pointer", 0x00, &[
        ID,
        NEXT,
        ("Specific", 31, 16, &["L XHCI_EXT_CAPS_VAL", "N XHCI_XECP_BIOS_SEM"]),
    ]),
    rows("USB Legacy Support Capability", 0x00, &[
        ID,
        NEXT,
        ("BIOS", 16, 16, &["L XHCI_HC_BIOS_OWNED", "E USBLEGSP_BIOS_SEMAPHORE"]),
        ("OS", 24, 24, &["L XHCI_HC_OS_OWNED", "E USBLEGSP_OS_SEMAPHORE"]),
    ]),
    // Linux knows these bits as what its masks leave out: XHCI_LEGACY_DISABLE_SMI and XHCI_LEGACY_SMI_EVENTS.
    rows("USB Legacy Support Control and Status", 0x04, &[
        ("SMIEnable", 0, 0, &["L XHCI_LEGACY_DISABLE_SMI", "C usb_smi_enable"]),
        ("SMIonHSEEnable", 4, 4, &["L XHCI_LEGACY_DISABLE_SMI", "C smi_on_host_system_error_enable"]),
        ("SMIonOSEnable", 13, 13, &["L XHCI_LEGACY_DISABLE_SMI", "C smi_on_os_ownership_enable"]),
        ("SMIonPCICmdEnable", 14, 14, &["L XHCI_LEGACY_DISABLE_SMI", "C smi_on_pci_command_enable"]),
        ("SMIonBAREnable", 15, 15, &["L XHCI_LEGACY_DISABLE_SMI", "C smi_on_bar_enable"]),
        ("SMIonEINT", 16, 16, &["L XHCI_LEGACY_DISABLE_SMI", "C smi_on_event_interrupt"]),
        ("SMIonHSE", 20, 20, &["L XHCI_LEGACY_DISABLE_SMI", "C smi_on_host_system_error"]),
        ("SMIonOS", 29, 29, &["L XHCI_LEGACY_SMI_EVENTS", "C smi_on_os_ownership_change"]),
        ("SMIonPCICmd", 30, 30, &["L XHCI_LEGACY_SMI_EVENTS", "C smi_on_pci_command"]),
        ("SMIonBAR", 31, 31, &["L XHCI_LEGACY_SMI_EVENTS", "C smi_on_bar"]),
    ]),
    rows("Supported Protocol: Revision", 0x00, &[
        ID,
        NEXT,
        ("Minor", 23, 16, &["L XHCI_EXT_PORT_MINOR", "N XHCI_XECP_SP_W0_MINOR_MASK", "C minor_revision"]),
        ("Major", 31, 24, &["L XHCI_EXT_PORT_MAJOR", "N XHCI_XECP_SP_W0_MAJOR_MASK", "C major_revision"]),
    ]),
    rows("Supported Protocol: Name", 0x04, &[("Name", 31, 0, &["N XHCI_XECP_USBID", "C name_string"])]),
    rows("Supported Protocol: Ports", 0x08, &[
        ("PortOffset", 7, 0, &["L XHCI_EXT_PORT_OFF", "N XHCI_XECP_SP_W8_CPO_MASK", "C compatible_port_offset"]),
        ("PortCount", 15, 8, &["L XHCI_EXT_PORT_COUNT", "N XHCI_XECP_SP_W8_CPC_MASK", "C compatible_port_count"]),
        ("ProtocolDefined", 27, 16, &["L XHCI_L1C, XHCI_HLC, XHCI_BLC", "N XHCI_XECP_SP_W8_PD_MASK"]),
        ("PSIC", 31, 28, &["L XHCI_EXT_PORT_PSIC", "N XHCI_XECP_SP_W8_PSIC_MASK", "C protocol_speed_id_count"]),
    ]),
    rows("Supported Protocol: Slot Type", 0x0c, &[("ProtocolSlotType", 4, 0, &["C protocol_slot_type"])]),
    rows("Protocol Speed ID", 0x10, &[
        ("PSIV", 3, 0, &["L XHCI_EXT_PORT_PSIV", "C protocol_speed_id_value"]),
        ("PSIE", 5, 4, &["L XHCI_EXT_PORT_PSIE", "C protocol_speed_id_exponent"]),
        ("PLT", 7, 6, &["L XHCI_EXT_PORT_PLT", "C psi_type"]),
        ("PFD", 8, 8, &["L XHCI_EXT_PORT_PFD", "C psi_full_duplex"]),
        ("LP", 15, 14, &["L XHCI_EXT_PORT_LP", "C link_protocol"]),
        ("PSIM", 31, 16, &["L XHCI_EXT_PORT_PSIM", "C protocol_speed_id_mantissa"]),
    ]),
    rows("Extended Power Management Capability", 0x00, &[ID, NEXT, ("PMC", 31, 16, &["C pmc"])]),
    rows("Extended Power Management Control and Status", 0x04, &[("PMCSR", 15, 0, &["C pmcsr"])]),
    rows("Local Memory Capability", 0x00, &[ID, NEXT, ("LME", 16, 16, &["C local_memory_enable"])]),
    rows("Local Memory Size", 0x04, &[("LMS", 31, 0, &["C size"])]),
    rows("Message Interrupt Capability", 0x00, &[ID, NEXT, ("MessageControl", 31, 16, &["C control"])]),
    rows("Extended Message Interrupt Capability", 0x00, &[ID, NEXT, ("MessageControl", 31, 16, &["C control"])]),
    rows("Debug Capability ID", 0x00, &[
        ID,
        NEXT,
        ("DCERSTMax", 20, 16, &["C debug_capability_event_ring_segment_table_max"]),
    ]),
    rows("Debug Capability Doorbell", 0x04, &[("Target", 15, 8, &["L DBC_DOOR_BELL_TARGET", "C set_doorbell_target"])]),
    rows("Debug Capability Event Ring Segment Table Size", 0x08, &[("ERSTSize", 15, 0, &["C dcerstsz"])]),
    rows("Debug Capability Event Ring Segment Table Base Address", 0x10, &[("Ptr", 63, 4, &["C dcerstba"])]),
    rows("Debug Capability Event Ring Dequeue Pointer", 0x18, &[
        ("DESI", 2, 0, &["C dequeue_erst_segment_index"]),
        ("Ptr", 63, 4, &["C dequeue_pointer"]),
    ]),
    rows("Debug Capability Control", 0x20, &[
        ("DCR", 0, 0, &["L DBC_CTRL_DBC_RUN", "C dbc_run"]),
        ("LSE", 1, 1, &["C link_status_event_enable"]),
        ("HOT", 2, 2, &["L DBC_CTRL_HALT_OUT_TR", "C halt_out_tr"]),
        ("HIT", 3, 3, &["L DBC_CTRL_HALT_IN_TR", "C halt_in_tr"]),
        ("DRC", 4, 4, &["L DBC_CTRL_DBC_RUN_CHANGE", "C dbc_run_change"]),
        ("MaxBurst", 23, 16, &["L DBC_CTRL_MAXBURST", "C debug_max_burst_size"]),
        ("DevAddr", 30, 24, &["C device_address"]),
        ("DCE", 31, 31, &["L DBC_CTRL_DBC_ENABLE", "C debug_capability_enable"]),
    ]),
    rows("Debug Capability Status", 0x24, &[
        ("ER", 0, 0, &["C event_ring_not_empty"]),
        ("SBR", 1, 1, &["C dbc_system_bus_reset"]),
        ("Port", 31, 24, &["L DCST_DEBUG_PORT", "C debug_port_number"]),
    ]),
    rows("Debug Capability Port Status and Control", 0x28, &[
        ("CCS", 0, 0, &["L DBC_PORTSC_CONN_STATUS", "C current_connect_status"]),
        ("PED", 1, 1, &["L DBC_PORTSC_PORT_ENABLED", "C port_enabled_disabled"]),
        ("PR", 4, 4, &["C port_reset"]),
        ("PLS", 8, 5, &["C port_link_state"]),
        ("Speed", 13, 10, &["C port_speed"]),
        ("CSC", 17, 17, &["L DBC_PORTSC_CONN_CHANGE", "C connect_status_change"]),
        ("PRC", 21, 21, &["L DBC_PORTSC_RESET_CHANGE", "C port_reset_change"]),
        ("PLC", 22, 22, &["L DBC_PORTSC_LINK_CHANGE", "C port_link_status_change"]),
        ("CEC", 23, 23, &["L DBC_PORTSC_CONFIG_CHANGE", "C port_config_error_change"]),
    ]),
    rows("Debug Capability Context Pointer", 0x30, &[("Ptr", 63, 4, &["C dccp"])]),
    rows("Debug Capability Device Descriptor Info 1", 0x38, &[
        ("Protocol", 7, 0, &["L DBC_PROTOCOL", "C dbc_protocol"]),
        ("VendorID", 31, 16, &["L DBC_VENDOR_ID", "C vendor_id"]),
    ]),
    rows("Debug Capability Device Descriptor Info 2", 0x3c, &[
        ("ProductID", 15, 0, &["L DBC_PRODUCT_ID", "C product_id"]),
        ("DeviceRev", 31, 16, &["L DBC_DEVICE_REV", "C device_revision"]),
    ]),
];
