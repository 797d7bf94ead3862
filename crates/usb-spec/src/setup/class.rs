//! Requests of the hub, HID and mass storage classes as setup packets.

use super::{Recipient, Request, RequestKind, RequestType, Setup};
use crate::class::hid::{Protocol, ReportKind};
use crate::class::hub::{HubFeature, PortFeature};
use crate::{DescriptorKind, Direction};

const HUB_OUT: RequestType =
    RequestType::new(Direction::Out, RequestKind::Class, Recipient::DEVICE);
const HUB_IN: RequestType = RequestType::new(Direction::In, RequestKind::Class, Recipient::DEVICE);
const PORT_OUT: RequestType =
    RequestType::new(Direction::Out, RequestKind::Class, Recipient::OTHER);
const PORT_IN: RequestType = RequestType::new(Direction::In, RequestKind::Class, Recipient::OTHER);
const INTERFACE_OUT: RequestType =
    RequestType::new(Direction::Out, RequestKind::Class, Recipient::INTERFACE);
const INTERFACE_IN: RequestType =
    RequestType::new(Direction::In, RequestKind::Class, Recipient::INTERFACE);

/// Requests to hubs. USB 2.0 §11.24.2, USB 3.2 §10.16.2.
impl Setup {
    /// Reads the hub descriptor: [`DescriptorKind::HUB`] or [`DescriptorKind::SUPER_SPEED_HUB`].
    #[must_use]
    pub const fn get_hub_descriptor(kind: DescriptorKind, length: u16) -> Self {
        Self::of(
            HUB_IN,
            Request::GET_DESCRIPTOR,
            u16::from_be_bytes([kind.0, 0]),
            0,
            length,
        )
    }

    /// Reads four bytes of hub status and change.
    #[must_use]
    pub const fn get_hub_status() -> Self {
        Self::of(HUB_IN, Request::GET_STATUS, 0, 0, 4)
    }

    /// Clears a feature (a change bit) of the hub.
    #[must_use]
    pub const fn clear_hub_feature(feature: HubFeature) -> Self {
        Self::of(HUB_OUT, Request::CLEAR_FEATURE, feature.0, 0, 0)
    }

    /// Sets a feature of the hub.
    #[must_use]
    pub const fn set_hub_feature(feature: HubFeature) -> Self {
        Self::of(HUB_OUT, Request::SET_FEATURE, feature.0, 0, 0)
    }

    /// Reads four bytes of a port's status and change; ports count from 1.
    #[must_use]
    pub const fn get_port_status(port: u8) -> Self {
        Self::of(PORT_IN, Request::GET_STATUS, 0, port as u16, 4)
    }

    /// Reads eight bytes: status, change and the extended status of an Enhanced SuperSpeed port. USB 3.2 §10.16.2.6.
    #[must_use]
    pub const fn get_extended_port_status(port: u8) -> Self {
        Self::of(PORT_IN, Request::GET_STATUS, 2, port as u16, 8)
    }

    /// Sets a feature of a port.
    #[must_use]
    pub const fn set_port_feature(feature: PortFeature, port: u8) -> Self {
        Self::set_port_feature_with(feature, port, 0)
    }

    /// Sets a feature of a port with an argument: a link state, a timeout, an indicator, a test mode.
    #[must_use]
    pub const fn set_port_feature_with(feature: PortFeature, port: u8, argument: u8) -> Self {
        Self::of(
            PORT_OUT,
            Request::SET_FEATURE,
            feature.0,
            u16::from_be_bytes([argument, port]),
            0,
        )
    }

    /// Clears a feature of a port: disables it, or takes note of a change.
    #[must_use]
    pub const fn clear_port_feature(feature: PortFeature, port: u8) -> Self {
        Self::of(PORT_OUT, Request::CLEAR_FEATURE, feature.0, port as u16, 0)
    }

    /// Tells a SuperSpeed hub how many hubs stand between it and the root; 0 at a root port. USB 3.2 §10.16.2.9.
    #[must_use]
    pub const fn set_hub_depth(depth: u8) -> Self {
        Self::of(HUB_OUT, Request::HUB_SET_DEPTH, depth as u16, 0, 0)
    }

    /// Clears the transaction translator's buffer for a bulk or control endpoint that failed. USB 2.0 §11.24.2.3 (unchecked).
    ///
    /// `value` holds endpoint number, device address, kind and direction as table 11-17 (unchecked) says.
    #[must_use]
    pub const fn clear_tt_buffer(value: u16, tt_port: u8) -> Self {
        Self::of(
            PORT_OUT,
            Request::HUB_CLEAR_TT_BUFFER,
            value,
            tt_port as u16,
            0,
        )
    }

    /// Resets a transaction translator. USB 2.0 §11.24.2.9 (unchecked).
    #[must_use]
    pub const fn reset_tt(tt_port: u8) -> Self {
        Self::of(PORT_OUT, Request::HUB_RESET_TT, 0, tt_port as u16, 0)
    }

    /// Reads how many link errors a SuperSpeed port has had, two bytes. USB 3.2 §10.16.2.5.
    #[must_use]
    pub const fn get_port_error_count(port: u8) -> Self {
        Self::of(
            PORT_IN,
            Request::HUB_GET_PORT_ERROR_COUNT,
            0,
            port as u16,
            2,
        )
    }
}

/// Requests to human interface devices. HID 1.11 §7.2.
impl Setup {
    /// Reads a report over endpoint 0.
    #[must_use]
    pub const fn get_report(kind: ReportKind, id: u8, interface: u8, length: u16) -> Self {
        Self::of(
            INTERFACE_IN,
            Request::HID_GET_REPORT,
            u16::from_be_bytes([kind.0, id]),
            interface as u16,
            length,
        )
    }

    /// Writes a report over endpoint 0, e.g. a keyboard's LEDs.
    #[must_use]
    pub const fn set_report(kind: ReportKind, id: u8, interface: u8, length: u16) -> Self {
        Self::of(
            INTERFACE_OUT,
            Request::HID_SET_REPORT,
            u16::from_be_bytes([kind.0, id]),
            interface as u16,
            length,
        )
    }

    /// Reads a report's idle time, one byte, in units of 4 ms.
    #[must_use]
    pub const fn get_idle(id: u8, interface: u8) -> Self {
        Self::of(
            INTERFACE_IN,
            Request::HID_GET_IDLE,
            id as u16,
            interface as u16,
            1,
        )
    }

    /// Says how long a device may stay silent while nothing changes, in units of 4 ms; 0 means for ever.
    #[must_use]
    pub const fn set_idle(duration_4ms: u8, id: u8, interface: u8) -> Self {
        Self::of(
            INTERFACE_OUT,
            Request::HID_SET_IDLE,
            u16::from_be_bytes([duration_4ms, id]),
            interface as u16,
            0,
        )
    }

    /// Reads whether boot or report protocol is in use, one byte.
    #[must_use]
    pub const fn get_protocol(interface: u8) -> Self {
        Self::of(
            INTERFACE_IN,
            Request::HID_GET_PROTOCOL,
            0,
            interface as u16,
            1,
        )
    }

    /// Chooses boot or report protocol.
    #[must_use]
    pub const fn set_protocol(protocol: Protocol, interface: u8) -> Self {
        Self::of(
            INTERFACE_OUT,
            Request::HID_SET_PROTOCOL,
            protocol.0 as u16,
            interface as u16,
            0,
        )
    }
}

/// Requests to Bulk-Only mass storage. Bulk-Only Transport 1.0 §3.
impl Setup {
    /// Bulk-Only Mass Storage Reset; halts and toggles stay as they are, clear-halt of both pipes follows. §3.1.
    #[must_use]
    pub const fn bot_reset(interface: u8) -> Self {
        Self::of(INTERFACE_OUT, Request::BOT_RESET, 0, interface as u16, 0)
    }

    /// Reads the highest logical unit number, one byte; a device with a single unit may stall it. §3.2.
    #[must_use]
    pub const fn get_max_lun(interface: u8) -> Self {
        Self::of(
            INTERFACE_IN,
            Request::BOT_GET_MAX_LUN,
            0,
            interface as u16,
            1,
        )
    }
}
