//! Usages of the keyboard page, and the US layout. HID Usage Tables 1.4 §10.

use crate::open::open_number;

open_number! {
    /// A usage of the keyboard page: a place on the keyboard, named by what a US keyboard has printed there.
    pub struct Usage(u8) {
        NONE = 0x00 => "none",
        ERROR_ROLL_OVER = 0x01 => "error roll over",
        POST_FAIL = 0x02 => "POST fail",
        ERROR_UNDEFINED = 0x03 => "error undefined",
        A = 0x04 => "A",
        B = 0x05 => "B",
        C = 0x06 => "C",
        D = 0x07 => "D",
        E = 0x08 => "E",
        F = 0x09 => "F",
        G = 0x0a => "G",
        H = 0x0b => "H",
        I = 0x0c => "I",
        J = 0x0d => "J",
        K = 0x0e => "K",
        L = 0x0f => "L",
        M = 0x10 => "M",
        N = 0x11 => "N",
        O = 0x12 => "O",
        P = 0x13 => "P",
        Q = 0x14 => "Q",
        R = 0x15 => "R",
        S = 0x16 => "S",
        T = 0x17 => "T",
        U = 0x18 => "U",
        V = 0x19 => "V",
        W = 0x1a => "W",
        X = 0x1b => "X",
        Y = 0x1c => "Y",
        Z = 0x1d => "Z",
        DIGIT_1 = 0x1e => "1",
        DIGIT_2 = 0x1f => "2",
        DIGIT_3 = 0x20 => "3",
        DIGIT_4 = 0x21 => "4",
        DIGIT_5 = 0x22 => "5",
        DIGIT_6 = 0x23 => "6",
        DIGIT_7 = 0x24 => "7",
        DIGIT_8 = 0x25 => "8",
        DIGIT_9 = 0x26 => "9",
        DIGIT_0 = 0x27 => "0",
        ENTER = 0x28 => "Enter",
        ESCAPE = 0x29 => "Escape",
        BACKSPACE = 0x2a => "Backspace",
        TAB = 0x2b => "Tab",
        SPACE = 0x2c => "Space",
        MINUS = 0x2d => "-",
        EQUAL = 0x2e => "=",
        LEFT_BRACKET = 0x2f => "[",
        RIGHT_BRACKET = 0x30 => "]",
        BACKSLASH = 0x31 => "\\",
        NON_US_HASH = 0x32 => "non-US #",
        SEMICOLON = 0x33 => ";",
        APOSTROPHE = 0x34 => "'",
        GRAVE = 0x35 => "`",
        COMMA = 0x36 => ",",
        PERIOD = 0x37 => ".",
        SLASH = 0x38 => "/",
        CAPS_LOCK = 0x39 => "Caps Lock",
        F1 = 0x3a => "F1",
        F2 = 0x3b => "F2",
        F3 = 0x3c => "F3",
        F4 = 0x3d => "F4",
        F5 = 0x3e => "F5",
        F6 = 0x3f => "F6",
        F7 = 0x40 => "F7",
        F8 = 0x41 => "F8",
        F9 = 0x42 => "F9",
        F10 = 0x43 => "F10",
        F11 = 0x44 => "F11",
        F12 = 0x45 => "F12",
        PRINT_SCREEN = 0x46 => "Print Screen",
        SCROLL_LOCK = 0x47 => "Scroll Lock",
        PAUSE = 0x48 => "Pause",
        INSERT = 0x49 => "Insert",
        HOME = 0x4a => "Home",
        PAGE_UP = 0x4b => "Page Up",
        DELETE = 0x4c => "Delete",
        END = 0x4d => "End",
        PAGE_DOWN = 0x4e => "Page Down",
        RIGHT = 0x4f => "Right",
        LEFT = 0x50 => "Left",
        DOWN = 0x51 => "Down",
        UP = 0x52 => "Up",
        NUM_LOCK = 0x53 => "Num Lock",
        KEYPAD_DIVIDE = 0x54 => "Keypad /",
        KEYPAD_MULTIPLY = 0x55 => "Keypad *",
        KEYPAD_MINUS = 0x56 => "Keypad -",
        KEYPAD_PLUS = 0x57 => "Keypad +",
        KEYPAD_ENTER = 0x58 => "Keypad Enter",
        KEYPAD_1 = 0x59 => "Keypad 1",
        KEYPAD_2 = 0x5a => "Keypad 2",
        KEYPAD_3 = 0x5b => "Keypad 3",
        KEYPAD_4 = 0x5c => "Keypad 4",
        KEYPAD_5 = 0x5d => "Keypad 5",
        KEYPAD_6 = 0x5e => "Keypad 6",
        KEYPAD_7 = 0x5f => "Keypad 7",
        KEYPAD_8 = 0x60 => "Keypad 8",
        KEYPAD_9 = 0x61 => "Keypad 9",
        KEYPAD_0 = 0x62 => "Keypad 0",
        KEYPAD_PERIOD = 0x63 => "Keypad .",
        NON_US_BACKSLASH = 0x64 => "non-US \\",
        APPLICATION = 0x65 => "Menu",
        LEFT_CONTROL = 0xe0 => "Left Control",
        LEFT_SHIFT = 0xe1 => "Left Shift",
        LEFT_ALT = 0xe2 => "Left Alt",
        LEFT_GUI = 0xe3 => "Left GUI",
        RIGHT_CONTROL = 0xe4 => "Right Control",
        RIGHT_SHIFT = 0xe5 => "Right Shift",
        RIGHT_ALT = 0xe6 => "Right Alt",
        RIGHT_GUI = 0xe7 => "Right GUI",
    }
}

/// What the keys 0x1e to 0x38 type without and with shift; a zero where a US keyboard has no key.
const SYMBOLS: [(u8, u8); 27] = [
    (b'1', b'!'),
    (b'2', b'@'),
    (b'3', b'#'),
    (b'4', b'$'),
    (b'5', b'%'),
    (b'6', b'^'),
    (b'7', b'&'),
    (b'8', b'*'),
    (b'9', b'('),
    (b'0', b')'),
    (b'\n', b'\n'),
    (0x1b, 0x1b),
    (0x08, 0x08),
    (b'\t', b'\t'),
    (b' ', b' '),
    (b'-', b'_'),
    (b'=', b'+'),
    (b'[', b'{'),
    (b']', b'}'),
    (b'\\', b'|'),
    (0, 0),
    (b';', b':'),
    (b'\'', b'"'),
    (b'`', b'~'),
    (b',', b'<'),
    (b'.', b'>'),
    (b'/', b'?'),
];

/// What the keys 0x54 to 0x63 of the keypad type while Num Lock is on.
const KEYPAD: [u8; 16] = *b"/*-+\n1234567890.";

impl Usage {
    /// The character the key types on a US keyboard, control characters for Enter, Escape, Backspace and Tab; keypad as with Num Lock.
    #[must_use]
    pub fn to_char(self, shift: bool) -> Option<char> {
        let byte = match self.0 {
            letter @ 0x04..=0x1d => {
                let first = if shift { b'A' } else { b'a' };
                first + (letter - 0x04)
            }
            symbol @ 0x1e..=0x38 => {
                let (plain, shifted) = SYMBOLS.get(usize::from(symbol - 0x1e)).copied()?;
                if shift { shifted } else { plain }
            }
            key @ 0x54..=0x63 => KEYPAD.get(usize::from(key - 0x54)).copied()?,
            _ => 0,
        };
        (byte != 0).then_some(char::from(byte))
    }
}

/// A key and whether shift is held with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Keystroke {
    /// The key.
    pub usage: Usage,
    /// Whether shift is held.
    pub shift: bool,
}

impl Keystroke {
    /// The stroke that types `c` on a US keyboard: printable ASCII, newline, tab, backspace, escape.
    #[must_use]
    pub fn from_char(c: char) -> Option<Self> {
        let byte = u8::try_from(c).ok().filter(|byte| *byte != 0)?;
        match byte {
            b'a'..=b'z' => {
                return Some(Self {
                    usage: Usage(0x04 + (byte - b'a')),
                    shift: false,
                });
            }
            b'A'..=b'Z' => {
                return Some(Self {
                    usage: Usage(0x04 + (byte - b'A')),
                    shift: true,
                });
            }
            _ => {}
        }
        (0x1e..=0x38u8)
            .zip(SYMBOLS)
            .find_map(|(usage, (plain, shifted))| {
                let shift = byte != plain;
                (byte == plain || byte == shifted).then_some(Self {
                    usage: Usage(usage),
                    shift,
                })
            })
    }

    /// The character the stroke types on a US keyboard.
    #[must_use]
    pub fn to_char(self) -> Option<char> {
        self.usage.to_char(self.shift)
    }
}
