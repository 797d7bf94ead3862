//! What public sources say of reserved bits: whether software preserves or zeroes them.

use xhci_spec::registers::Access::{self, RsvdP, RsvdZ};

/// Register, highest bit, lowest bit, rule, citation.
#[rustfmt::skip]
pub(crate) const RESERVED: &[(&str, u8, u8, Access, &str)] = &[
    ("USB Command", 6, 4, RsvdP, "L comment in xhci.h"),
    ("USB Command", 31, 17, RsvdP, "L comment in xhci.h"),
    ("USB Status", 1, 1, RsvdZ, "N XHCI_STS_RSVDZ0"),
    ("USB Status", 7, 5, RsvdZ, "N XHCI_STS_RSVDZ1"),
    ("USB Status", 31, 13, RsvdP, "N XHCI_STS_RSVDP0"),
    ("Command Ring Control", 5, 4, RsvdP, "L comment in xhci.h"),
    ("Configure", 31, 10, RsvdP, "L comment in xhci.h"),
    ("Port Status and Control", 2, 2, RsvdZ, "L comment in xhci-port.h"),
    ("Port Status and Control", 29, 28, RsvdZ, "L comment in xhci-port.h"),
    ("Port Power Management Status and Control (USB3)", 31, 17, RsvdP, "L comment in xhci-port.h"),
    ("Port Power Management Status and Control (USB2)", 27, 17, RsvdP, "L comment in xhci-port.h"),
    ("Port Link Info (USB3)", 31, 24, RsvdP, "L comment in xhci-port.h"),
    ("Port Link Info (USB2)", 31, 0, RsvdP, "L comment in xhci-port.h"),
    ("Port Hardware LPM Control (USB3)", 31, 16, RsvdP, "L comment in xhci-port.h"),
    ("Port Hardware LPM Control (USB2)", 31, 14, RsvdP, "L comment in xhci-port.h"),
    ("Interrupter Management", 31, 2, RsvdP, "L comment on irq_pending in xhci.h"),
    ("Event Ring Segment Table Size", 31, 16, RsvdP, "L ERST_SIZE_MASK"),
    ("Event Ring Segment Table Base Address", 5, 0, RsvdP, "L ERST_BASE_RSVDP"),
    ("Doorbell", 15, 8, RsvdZ, "L comment on xhci_doorbell_array"),
    ("USB Legacy Support Control and Status", 3, 1, RsvdP, "L XHCI_LEGACY_DISABLE_SMI"),
    ("USB Legacy Support Control and Status", 12, 5, RsvdP, "L XHCI_LEGACY_DISABLE_SMI"),
    ("USB Legacy Support Control and Status", 19, 17, RsvdP, "L XHCI_LEGACY_DISABLE_SMI"),
    ("USB Legacy Support Control and Status", 28, 21, RsvdZ, "L comment in xhci-ext-caps.h"),
];
