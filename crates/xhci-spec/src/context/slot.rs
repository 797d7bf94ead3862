//! Slot Context (xHCI 1.2 §6.2.2).

use super::context;
use crate::field::{Access, Field, Layout};
use crate::number::{InterrupterId, PortId, RouteString, SlotId, SpeedId};

context! {
    /// What concerns a device as a whole.
    SlotContext: [u32; 8], "Slot Context", "6.2.2";
    /// The hub ports on the way to the device.
    route_string, with_route_string: RouteString = "Route String", Software new(0, 0, 20);
    /// The device's speed; deprecated in xHCI 1.2, yet drivers fill it in and older controllers need it.
    speed, with_speed: SpeedId = "Speed", Software new(0, 20, 4);
    /// For a hub: several TTs are in use. For a low or full speed device: its high speed hub is so.
    multi_tt, with_multi_tt: bool = "MTT", Software new(0, 25, 1);
    /// Whether the device is a hub.
    hub, with_hub: bool = "Hub", Software new(0, 26, 1);
    /// Index of the last endpoint context that holds anything.
    context_entries, with_context_entries: u8 = "Context Entries", Software new(0, 27, 5);
    /// Worst time to wake the links on the way, in microseconds.
    max_exit_latency_us, with_max_exit_latency_us: u16 = "Max Exit Latency", Software new(1, 0, 16);
    /// The root port behind which the device is.
    root_hub_port, with_root_hub_port: Option<PortId> = "Root Hub Port Number", Software new(1, 16, 8);
    /// Downstream ports of a hub.
    number_of_ports, with_number_of_ports: u8 = "Number of Ports", Software new(1, 24, 8);
    /// Slot of the high speed hub that translates for a low or full speed device.
    tt_hub_slot, with_tt_hub_slot: Option<SlotId> = "Parent Hub Slot ID", Software new(2, 0, 8);
    /// Port of that hub, 0 for none.
    tt_port, with_tt_port: u8 = "Parent Port Number", Software new(2, 8, 8);
    /// Think time of a hub's TT: 8 full speed bit times times (value + 1).
    tt_think_time, with_tt_think_time: u8 = "TTT", Software new(2, 16, 2);
    /// Where Bandwidth Request and Device Notification events go.
    interrupter, with_interrupter: InterrupterId = "Interrupter Target", Software new(2, 22, 10);
    /// The address that the controller gave the device; 0 until then.
    usb_device_address, with_usb_device_address: u8 = "USB Device Address", Controller new(3, 0, 8);
    /// The slot's state as a number; see [`SlotContext::slot_state`].
    slot_state_raw, with_slot_state_raw: u8 = "Slot State", Controller new(3, 27, 5);
}

impl SlotContext {
    /// The slot's state, or `None` for a reserved number.
    #[must_use]
    pub fn slot_state(&self) -> Option<SlotState> {
        SlotState::from_raw(self.slot_state_raw())
    }

    /// The same context in another state.
    #[must_use]
    pub fn with_slot_state(self, state: SlotState) -> Self {
        self.with_slot_state_raw(state.raw())
    }
}

/// State of a slot as its context shows it (xHCI 1.2 §4.5.3, §6.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum SlotState {
    /// Disabled, or enabled but without a device yet: the context cannot tell.
    #[default]
    DisabledOrEnabled = 0,
    /// The device answers at address 0.
    Default = 1,
    /// The device has an address.
    Addressed = 2,
    /// The device has a configuration.
    Configured = 3,
}

impl SlotState {
    /// The state with this number, unless it is reserved.
    #[must_use]
    pub const fn from_raw(raw: u8) -> Option<Self> {
        match raw {
            0 => Some(Self::DisabledOrEnabled),
            1 => Some(Self::Default),
            2 => Some(Self::Addressed),
            3 => Some(Self::Configured),
            _ => None,
        }
    }

    /// The state's number.
    #[must_use]
    pub const fn raw(self) -> u8 {
        self as u8
    }
}
