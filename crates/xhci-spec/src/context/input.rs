//! Input Control Context (xHCI 1.2 §6.2.5.1).

use super::context;
use crate::field::{Access, Field, Layout};
use crate::number::Dci;

context! {
    /// Which contexts of an input context a command is to look at.
    InputControlContext: [u32; 8], "Input Control Context", "6.2.5.1";
    /// Bit *n* drops endpoint *n*; bits 0 and 1 are reserved and read as 0 here.
    drop_flags, with_drop_flags: u32 = "Drop Context flags", Software in_place(0, 2, 30);
    /// Bit *n* adds context *n*: 0 is the slot, then endpoints by DCI.
    add_flags, with_add_flags: u32 = "Add Context flags", Software new(1, 0, 32);
    /// `bConfigurationValue` of the configuration being set, if Configuration Information is enabled (§6.2.5.1).
    configuration_value, with_configuration_value: u8 = "Configuration Value", Software new(7, 0, 8);
    /// `bInterfaceNumber` of the interface being set.
    interface_number, with_interface_number: u8 = "Interface Number", Software new(7, 8, 8);
    /// `bAlternateSetting` of the interface being set.
    alternate_setting, with_alternate_setting: u8 = "Alternate Setting", Software new(7, 16, 8);
}

impl InputControlContext {
    /// Add flag of the slot context.
    pub const SLOT: u32 = 1;

    /// Whether an endpoint is to be dropped.
    #[must_use]
    pub fn drops(&self, endpoint: Dci) -> bool {
        self.drop_flags() & endpoint.flag() != 0
    }

    /// Whether an endpoint is to be added.
    #[must_use]
    pub fn adds(&self, endpoint: Dci) -> bool {
        self.add_flags() & endpoint.flag() != 0
    }
}
