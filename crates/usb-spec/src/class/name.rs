//! Names of classes for people.

use crate::open::open_number;

open_number! {
    /// `bDeviceClass` or `bInterfaceClass`. Defined class codes of the USB-IF.
    pub struct ClassCode(u8) {
        PER_INTERFACE = 0x00 => "per interface",
        AUDIO = 0x01 => "audio",
        COMMUNICATIONS = 0x02 => "communications",
        HID = 0x03 => "human interface",
        PHYSICAL = 0x05 => "physical",
        IMAGE = 0x06 => "still image",
        PRINTER = 0x07 => "printer",
        MASS_STORAGE = 0x08 => "mass storage",
        HUB = 0x09 => "hub",
        CDC_DATA = 0x0a => "communications data",
        SMART_CARD = 0x0b => "smart card",
        CONTENT_SECURITY = 0x0d => "content security",
        VIDEO = 0x0e => "video",
        PERSONAL_HEALTHCARE = 0x0f => "personal healthcare",
        AUDIO_VIDEO = 0x10 => "audio/video",
        BILLBOARD = 0x11 => "billboard",
        TYPE_C_BRIDGE = 0x12 => "Type-C bridge",
        DIAGNOSTIC = 0xdc => "diagnostic",
        WIRELESS = 0xe0 => "wireless controller",
        MISCELLANEOUS = 0xef => "miscellaneous",
        APPLICATION = 0xfe => "application specific",
        VENDOR = 0xff => "vendor specific",
    }
}

/// The name of a class triple as people say it; falls back to the class alone, then to `unknown class`.
#[must_use]
pub fn class_name(class: u8, subclass: u8, protocol: u8) -> &'static str {
    match (class, subclass, protocol) {
        (0x01, 1, _) => "audio control",
        (0x01, 2, _) => "audio streaming",
        (0x01, 3, _) => "MIDI",
        (0x02, 2, _) => "serial port (CDC ACM)",
        (0x02, 6, _) => "network (CDC ECM)",
        (0x02, 0x0d, _) => "network (CDC NCM)",
        (0x02, 0x0e, _) => "mobile broadband (MBIM)",
        (0x03, 1, 1) => "keyboard",
        (0x03, 1, 2) => "mouse",
        (0x06, 1, 1) => "camera (PTP)",
        (0x08, 2, 0x50) => "CD/DVD drive",
        (0x08, 4, 0x00 | 0x01) => "floppy drive",
        (0x08, 6, 0x50) => "disk",
        (0x08, 6, 0x62) => "disk (UAS)",
        (0x09, _, 0) => "hub",
        (0x09, _, 1) => "high-speed hub (single TT)",
        (0x09, _, 2) => "high-speed hub (multiple TTs)",
        (0x09, _, 3) => "SuperSpeed hub",
        (0x0e, 1, _) => "video control",
        (0x0e, 2, _) => "video streaming",
        (0xe0, 1, 1) => "Bluetooth",
        (0xe0, 1, 3) => "network (RNDIS)",
        (0xef, 2, 1) => "composite (interface association)",
        (0xef, 5, _) => "USB3 Vision camera",
        (0xfe, 1, _) => "firmware upgrade (DFU)",
        (0xfe, 3, _) => "test and measurement",
        _ => ClassCode(class).name().unwrap_or("unknown class"),
    }
}
