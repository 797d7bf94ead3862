//! Where public sources put the fields of registers.
//!
//! A row says: field, highest bit, lowest bit, and who says so. The letter of a citation names the source, the rest the
//! symbol there:
//!
//! - `L`: Linux, `drivers/usb/host/` `xhci.h`, `xhci-caps.h`, `xhci-port.h`, `xhci-ext-caps.h`, `xhci-dbgcap.h`,
//!   and `drivers/usb/early/xhci-dbc.h`
//! - `E`: EDK2, `MdeModulePkg/Bus/Pci/XhciDxe/XhciReg.h`; names with `XHC_DC_` from
//!   `SourceLevelDebugPkg/Library/DebugCommunicationLibUsb3/DebugCommunicationLibUsb3Internal.h`
//! - `N`: NetBSD, `sys/dev/usb/xhcireg.h`
//! - `C`: crate `xhci` 0.9, the method's name in `registers/` or `extended_capabilities/`
//!
//! A row with fewer than two sources stands in [`UNCHECKED`].

pub(crate) mod extended;
pub(crate) mod host;
pub(crate) mod reserved;

/// What the sources say of one register.
pub(crate) struct Rows {
    /// The register's full name, as declared.
    pub(crate) register: &'static str,
    /// Offset within its block.
    pub(crate) offset: u32,
    /// Its fields.
    pub(crate) fields: &'static [Row],
}

/// Mnemonic, highest bit, lowest bit, citations.
pub(crate) type Row = (&'static str, u8, u8, &'static [&'static str]);

pub(crate) const fn rows(register: &'static str, offset: u32, fields: &'static [Row]) -> Rows {
    Rows {
        register,
        offset,
        fields,
    }
}

/// Fields that fewer than two sources know: register, mnemonic.
pub(crate) const UNCHECKED: &[(&str, &str)] = &[
    ("Doorbell Offset", "DBOFF"),
    ("Runtime Register Space Offset", "RTSOFF"),
    ("VTIO Register Space Offset", "VTIOSOFF"),
    ("Extended Power Management Capability", "PMC"),
    ("Extended Power Management Control and Status", "PMCSR"),
    ("Local Memory Capability", "LME"),
    ("Local Memory Size", "LMS"),
    ("Message Interrupt Capability", "MessageControl"),
    ("Extended Message Interrupt Capability", "MessageControl"),
    ("Supported Protocol: Slot Type", "ProtocolSlotType"),
    ("Debug Capability ID", "DCERSTMax"),
    ("Debug Capability Event Ring Segment Table Size", "ERSTSize"),
    (
        "Debug Capability Event Ring Segment Table Base Address",
        "Ptr",
    ),
    ("Debug Capability Event Ring Dequeue Pointer", "DESI"),
    ("Debug Capability Event Ring Dequeue Pointer", "Ptr"),
    ("Debug Capability Control", "LSE"),
    ("Debug Capability Control", "DevAddr"),
    ("Debug Capability Status", "ER"),
    ("Debug Capability Status", "SBR"),
    ("Debug Capability Port Status and Control", "PR"),
    ("Debug Capability Port Status and Control", "PLS"),
    ("Debug Capability Port Status and Control", "Speed"),
    ("Debug Capability Context Pointer", "Ptr"),
];
