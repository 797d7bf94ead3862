//! Completion codes of events (xHCI 1.2 §6.4.5).

use core::fmt;

use crate::field::value;

/// Declares the codes once, with their names.
macro_rules! completion_codes {
    ($($const:ident = $raw:literal, $name:literal;)*) => {
        impl CompletionCode {
            $(#[doc = concat!($name, ".")] pub const $const: Self = Self($raw);)*

            /// Every code that has a name, in order of number.
            pub const NAMED: &'static [Self] = &[$(Self::$const),*];

            /// The specification's name; for the ranges without names, whose they are.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($raw => $name,)*
                    192..=223 => "Vendor Defined Error",
                    224..=255 => "Vendor Defined Info",
                    _ => "Reserved",
                }
            }
        }
    };
}

/// How a TRB ended; unknown and vendor codes survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CompletionCode(pub u8);

completion_codes! {
    INVALID = 0, "Invalid";
    SUCCESS = 1, "Success";
    DATA_BUFFER_ERROR = 2, "Data Buffer Error";
    BABBLE_DETECTED_ERROR = 3, "Babble Detected Error";
    USB_TRANSACTION_ERROR = 4, "USB Transaction Error";
    TRB_ERROR = 5, "TRB Error";
    STALL_ERROR = 6, "Stall Error";
    RESOURCE_ERROR = 7, "Resource Error";
    BANDWIDTH_ERROR = 8, "Bandwidth Error";
    NO_SLOTS_AVAILABLE_ERROR = 9, "No Slots Available Error";
    INVALID_STREAM_TYPE_ERROR = 10, "Invalid Stream Type Error";
    SLOT_NOT_ENABLED_ERROR = 11, "Slot Not Enabled Error";
    ENDPOINT_NOT_ENABLED_ERROR = 12, "Endpoint Not Enabled Error";
    SHORT_PACKET = 13, "Short Packet";
    RING_UNDERRUN = 14, "Ring Underrun";
    RING_OVERRUN = 15, "Ring Overrun";
    VF_EVENT_RING_FULL_ERROR = 16, "VF Event Ring Full Error";
    PARAMETER_ERROR = 17, "Parameter Error";
    BANDWIDTH_OVERRUN_ERROR = 18, "Bandwidth Overrun Error";
    CONTEXT_STATE_ERROR = 19, "Context State Error";
    NO_PING_RESPONSE_ERROR = 20, "No Ping Response Error";
    EVENT_RING_FULL_ERROR = 21, "Event Ring Full Error";
    INCOMPATIBLE_DEVICE_ERROR = 22, "Incompatible Device Error";
    MISSED_SERVICE_ERROR = 23, "Missed Service Error";
    COMMAND_RING_STOPPED = 24, "Command Ring Stopped";
    COMMAND_ABORTED = 25, "Command Aborted";
    STOPPED = 26, "Stopped";
    STOPPED_LENGTH_INVALID = 27, "Stopped - Length Invalid";
    STOPPED_SHORT_PACKET = 28, "Stopped - Short Packet";
    MAX_EXIT_LATENCY_TOO_LARGE_ERROR = 29, "Max Exit Latency Too Large Error";
    ISOCH_BUFFER_OVERRUN = 31, "Isoch Buffer Overrun";
    EVENT_LOST_ERROR = 32, "Event Lost Error";
    UNDEFINED_ERROR = 33, "Undefined Error";
    INVALID_STREAM_ID_ERROR = 34, "Invalid Stream ID Error";
    SECONDARY_BANDWIDTH_ERROR = 35, "Secondary Bandwidth Error";
    SPLIT_TRANSACTION_ERROR = 36, "Split Transaction Error";
}

impl CompletionCode {
    /// Whether the code is a vendor's word for an error, 192 to 223.
    #[must_use]
    pub const fn is_vendor_error(self) -> bool {
        matches!(self.0, 192..=223)
    }

    /// Whether the code is a vendor's remark about a success, 224 to 255.
    #[must_use]
    pub const fn is_vendor_info(self) -> bool {
        matches!(self.0, 224..=255)
    }
}

impl fmt::Display for CompletionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

value! { CompletionCode, u8: CompletionCode, |code: CompletionCode| code.0; }
