//! The TRB Type field (xHCI 1.2 §6.4.6).

use core::fmt;

/// Declares the types once, with their names.
macro_rules! trb_types {
    ($($const:ident = $raw:literal, $name:literal;)*) => {
        impl TrbType {
            $(#[doc = concat!($name, ".")] pub const $const: Self = Self($raw);)*

            /// Every type that has a name, in order of number.
            pub const NAMED: &'static [Self] = &[$(Self::$const),*];

            /// The specification's name; "Vendor Defined" and "Reserved" for the ranges without names.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($raw => $name,)*
                    48..=63 => "Vendor Defined",
                    _ => "Reserved",
                }
            }
        }
    };
}

/// Six-bit type of a TRB; unknown numbers survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TrbType(pub u8);

trb_types! {
    NORMAL = 1, "Normal";
    SETUP_STAGE = 2, "Setup Stage";
    DATA_STAGE = 3, "Data Stage";
    STATUS_STAGE = 4, "Status Stage";
    ISOCH = 5, "Isoch";
    LINK = 6, "Link";
    EVENT_DATA = 7, "Event Data";
    NO_OP = 8, "No Op";
    ENABLE_SLOT = 9, "Enable Slot Command";
    DISABLE_SLOT = 10, "Disable Slot Command";
    ADDRESS_DEVICE = 11, "Address Device Command";
    CONFIGURE_ENDPOINT = 12, "Configure Endpoint Command";
    EVALUATE_CONTEXT = 13, "Evaluate Context Command";
    RESET_ENDPOINT = 14, "Reset Endpoint Command";
    STOP_ENDPOINT = 15, "Stop Endpoint Command";
    SET_TR_DEQUEUE = 16, "Set TR Dequeue Pointer Command";
    RESET_DEVICE = 17, "Reset Device Command";
    FORCE_EVENT = 18, "Force Event Command";
    NEGOTIATE_BANDWIDTH = 19, "Negotiate Bandwidth Command";
    SET_LATENCY_TOLERANCE = 20, "Set Latency Tolerance Value Command";
    GET_PORT_BANDWIDTH = 21, "Get Port Bandwidth Command";
    FORCE_HEADER = 22, "Force Header Command";
    NO_OP_COMMAND = 23, "No Op Command";
    GET_EXTENDED_PROPERTY = 24, "Get Extended Property Command";
    SET_EXTENDED_PROPERTY = 25, "Set Extended Property Command";
    TRANSFER_EVENT = 32, "Transfer Event";
    COMMAND_COMPLETION = 33, "Command Completion Event";
    PORT_STATUS_CHANGE = 34, "Port Status Change Event";
    BANDWIDTH_REQUEST = 35, "Bandwidth Request Event";
    DOORBELL = 36, "Doorbell Event";
    HOST_CONTROLLER = 37, "Host Controller Event";
    DEVICE_NOTIFICATION = 38, "Device Notification Event";
    MFINDEX_WRAP = 39, "MFINDEX Wrap Event";
}

impl TrbType {
    /// Whether the number is left to vendors, 48 to 63.
    #[must_use]
    pub const fn is_vendor(self) -> bool {
        matches!(self.0, 48..=63)
    }
}

impl fmt::Display for TrbType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            name @ ("Vendor Defined" | "Reserved") => write!(f, "{name} ({})", self.0),
            name => f.write_str(name),
        }
    }
}
