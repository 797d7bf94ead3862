//! The boot keyboard's reports. HID 1.11 appendix B.1.

use super::{Keystroke, Usage};

/// Keys that are held beside others: the first byte of a report. HID 1.11 §8.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Modifiers(pub u8);

impl Modifiers {
    /// None is held.
    pub const NONE: Self = Self(0);
    /// Left control.
    pub const LEFT_CONTROL: Self = Self(0x01);
    /// Left shift.
    pub const LEFT_SHIFT: Self = Self(0x02);
    /// Left alt.
    pub const LEFT_ALT: Self = Self(0x04);
    /// Left GUI (the logo key).
    pub const LEFT_GUI: Self = Self(0x08);
    /// Right control.
    pub const RIGHT_CONTROL: Self = Self(0x10);
    /// Right shift.
    pub const RIGHT_SHIFT: Self = Self(0x20);
    /// Right alt (AltGr).
    pub const RIGHT_ALT: Self = Self(0x40);
    /// Right GUI.
    pub const RIGHT_GUI: Self = Self(0x80);

    /// Whether all of `other` are held.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a shift is held.
    #[must_use]
    pub const fn has_shift(self) -> bool {
        self.0 & 0x22 != 0
    }

    /// Whether a control is held.
    #[must_use]
    pub const fn has_control(self) -> bool {
        self.0 & 0x11 != 0
    }

    /// Whether an alt is held.
    #[must_use]
    pub const fn has_alt(self) -> bool {
        self.0 & 0x44 != 0
    }

    /// Whether a GUI key is held.
    #[must_use]
    pub const fn has_gui(self) -> bool {
        self.0 & 0x88 != 0
    }
}

/// The lamps of a keyboard: its one byte of output report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Leds(pub u8);

impl Leds {
    /// Num Lock.
    pub const NUM_LOCK: u8 = 0x01;
    /// Caps Lock.
    pub const CAPS_LOCK: u8 = 0x02;
    /// Scroll Lock.
    pub const SCROLL_LOCK: u8 = 0x04;
    /// Compose.
    pub const COMPOSE: u8 = 0x08;
    /// Kana.
    pub const KANA: u8 = 0x10;
}

/// The eight bytes of a keyboard's input report in boot protocol: what is held now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BootKeyboardReport {
    /// The modifiers held.
    pub modifiers: Modifiers,
    /// The second byte, for the vendor's use.
    pub reserved: u8,
    /// The other keys held, in no order that means something; [`Usage::NONE`] where there are fewer than six.
    pub keys: [Usage; 6],
}

impl BootKeyboardReport {
    /// The size of the report.
    pub const LENGTH: usize = 8;

    /// Nothing is held.
    pub const RELEASED: Self = Self {
        modifiers: Modifiers::NONE,
        reserved: 0,
        keys: [Usage::NONE; 6],
    };

    /// Reads a report; a longer one counts up to its eighth byte, a shorter one is none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let &[modifiers, reserved, k0, k1, k2, k3, k4, k5, ..] = bytes else {
            return None;
        };
        Some(Self {
            modifiers: Modifiers(modifiers),
            reserved,
            keys: [k0, k1, k2, k3, k4, k5].map(Usage),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn emit(&self) -> [u8; Self::LENGTH] {
        let [k0, k1, k2, k3, k4, k5] = self.keys;
        [
            self.modifiers.0,
            self.reserved,
            k0.0,
            k1.0,
            k2.0,
            k3.0,
            k4.0,
            k5.0,
        ]
    }

    /// One key held, with shift if the stroke needs it.
    #[must_use]
    pub const fn of(stroke: Keystroke) -> Self {
        let mut report = Self::RELEASED;
        if stroke.shift {
            report.modifiers = Modifiers::LEFT_SHIFT;
        }
        report.keys[0] = stroke.usage;
        report
    }

    /// The keys held, without the empty places and error codes.
    pub fn pressed(&self) -> impl Iterator<Item = Usage> + use<> {
        self.keys
            .into_iter()
            .filter(|usage| usage.0 > Usage::ERROR_UNDEFINED.0)
    }

    /// The keys held here that were not held in `before`.
    pub fn pressed_since(&self, before: &Self) -> impl Iterator<Item = Usage> + use<> {
        let before = before.keys;
        self.pressed().filter(move |usage| !before.contains(usage))
    }

    /// Whether more keys are held than the report can tell: all six places say so. HID 1.11 appendix C.
    #[must_use]
    pub fn is_rolled_over(&self) -> bool {
        self.keys
            .iter()
            .all(|usage| *usage == Usage::ERROR_ROLL_OVER)
    }
}

/// A report descriptor for the boot keyboard's reports, 63 bytes, in the layout of HID 1.11 appendix B.1 and E.6.
pub const BOOT_KEYBOARD_REPORT_DESCRIPTOR: [u8; 63] = [
    0x05, 0x01, // usage page: generic desktop
    0x09, 0x06, // usage: keyboard
    0xa1, 0x01, // collection: application
    0x05, 0x07, //   usage page: keyboard
    0x19, 0xe0, 0x29, 0xe7, //   usages: left control to right GUI
    0x15, 0x00, 0x25, 0x01, //   logical 0 to 1
    0x75, 0x01, 0x95, 0x08, //   eight fields of one bit
    0x81, 0x02, //   input: the modifiers
    0x95, 0x01, 0x75, 0x08, //   one field of eight bits
    0x81, 0x01, //   input: constant, the reserved byte
    0x95, 0x05, 0x75, 0x01, //   five fields of one bit
    0x05, 0x08, //   usage page: LEDs
    0x19, 0x01, 0x29, 0x05, //   usages: Num Lock to Kana
    0x91, 0x02, //   output: the lamps
    0x95, 0x01, 0x75, 0x03, //   one field of three bits
    0x91, 0x01, //   output: constant
    0x95, 0x06, 0x75, 0x08, //   six fields of eight bits
    0x15, 0x00, 0x25, 0x65, //   logical 0 to 101
    0x05, 0x07, //   usage page: keyboard
    0x19, 0x00, 0x29, 0x65, //   usages 0 to 101
    0x81, 0x00, //   input: array, the keys
    0xc0, // end
];
