//! Human interface devices: numbers, the boot keyboard's reports, and what its keys are called. HID 1.11.

mod keyboard;
mod usage;

pub use keyboard::{BOOT_KEYBOARD_REPORT_DESCRIPTOR, BootKeyboardReport, Leds, Modifiers};
pub use usage::{Keystroke, Usage};

use crate::open::open_number;

open_number! {
    /// `bInterfaceSubClass`. HID 1.11 §4.2.
    pub struct Subclass(u8) {
        NONE = 0 => "no boot protocol",
        BOOT = 1 => "boot protocol",
    }
}

open_number! {
    /// `bInterfaceProtocol` of an interface with boot protocol. HID 1.11 §4.3.
    pub struct BootDevice(u8) {
        NONE = 0 => "none",
        KEYBOARD = 1 => "keyboard",
        MOUSE = 2 => "mouse",
    }
}

open_number! {
    /// The argument of SET_PROTOCOL and the answer of GET_PROTOCOL. HID 1.11 §7.2.5.
    pub struct Protocol(u8) {
        BOOT = 0 => "boot",
        REPORT = 1 => "report",
    }
}

open_number! {
    /// The kind of a report in GET_REPORT and SET_REPORT. HID 1.11 §7.2.1.
    pub struct ReportKind(u8) {
        INPUT = 1 => "input",
        OUTPUT = 2 => "output",
        FEATURE = 3 => "feature",
    }
}
