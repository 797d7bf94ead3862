//! Audio devices: numbers and names. Audio 1.0 appendix A, Audio 2.0 appendix A.

use crate::open::open_number;

open_number! {
    /// `bInterfaceSubClass` of an audio interface.
    pub struct Subclass(u8) {
        CONTROL = 1 => "audio control",
        STREAMING = 2 => "audio streaming",
        MIDI_STREAMING = 3 => "MIDI streaming",
    }
}

open_number! {
    /// `bInterfaceProtocol` of an audio interface: the version of the class.
    pub struct Version(u8) {
        AUDIO_1 = 0x00 => "Audio 1.0",
        AUDIO_2 = 0x20 => "Audio 2.0",
        AUDIO_3 = 0x30 => "Audio 3.0",
    }
}

open_number! {
    /// `bDescriptorSubtype` of a control interface's descriptors, Audio 1.0 table A-5.
    pub struct ControlKind(u8) {
        HEADER = 1 => "header",
        INPUT_TERMINAL = 2 => "input terminal",
        OUTPUT_TERMINAL = 3 => "output terminal",
        MIXER_UNIT = 4 => "mixer unit",
        SELECTOR_UNIT = 5 => "selector unit",
        FEATURE_UNIT = 6 => "feature unit",
    }
}

open_number! {
    /// `bDescriptorSubtype` of a streaming interface's descriptors, Audio 1.0 table A-6.
    pub struct StreamingKind(u8) {
        GENERAL = 1 => "general",
        FORMAT_TYPE = 2 => "format type",
        FORMAT_SPECIFIC = 3 => "format specific",
    }
}

open_number! {
    /// `wTerminalType`: what stands at the end of a signal's way. Audio terminal types 1.0.
    pub struct TerminalType(u16) {
        USB_STREAMING = 0x0101 => "USB streaming",
        MICROPHONE = 0x0201 => "microphone",
        DESKTOP_MICROPHONE = 0x0202 => "desktop microphone",
        SPEAKER = 0x0301 => "speaker",
        HEADPHONES = 0x0302 => "headphones",
        DESKTOP_SPEAKER = 0x0304 => "desktop speaker",
        HEADSET = 0x0402 => "headset",
        LINE_CONNECTOR = 0x0603 => "line connector",
        SPDIF = 0x0605 => "S/PDIF interface",
    }
}
