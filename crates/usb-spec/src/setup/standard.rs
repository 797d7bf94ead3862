//! The standard requests of chapter 9 as setup packets. USB 2.0 §9.4, USB 3.2 §9.4.

use super::{Recipient, Request, RequestKind, RequestType, Setup};
use crate::descriptor::LanguageId;
use crate::open::open_number;
use crate::{DescriptorKind, Direction, EndpointAddress};

open_number! {
    /// A standard feature selector. USB 2.0 table 9-6, USB 3.2 table 9-7. Selectors of different recipients share
    /// numbers; [`Feature::name`] tells the one that is alone with its number or is met first.
    pub struct Feature(u16) {
        ENDPOINT_HALT = 0 => "ENDPOINT_HALT",
        DEVICE_REMOTE_WAKEUP = 1 => "DEVICE_REMOTE_WAKEUP",
        TEST_MODE = 2 => "TEST_MODE",
        U1_ENABLE = 48 => "U1_ENABLE",
        U2_ENABLE = 49 => "U2_ENABLE",
        LTM_ENABLE = 50 => "LTM_ENABLE",
    }
}

impl Feature {
    /// Recipient interface, USB 3.2: the function suspends.
    pub const FUNCTION_SUSPEND: Self = Self(0);
}

open_number! {
    /// A USB 2.0 test mode, in the high byte of `wIndex`. USB 2.0 table 9-7.
    pub struct TestMode(u8) {
        TEST_J = 1 => "Test_J",
        TEST_K = 2 => "Test_K",
        TEST_SE0_NAK = 3 => "Test_SE0_NAK",
        TEST_PACKET = 4 => "Test_Packet",
        TEST_FORCE_ENABLE = 5 => "Test_Force_Enable",
    }
}

const DEVICE_OUT: RequestType =
    RequestType::new(Direction::Out, RequestKind::Standard, Recipient::DEVICE);
const DEVICE_IN: RequestType =
    RequestType::new(Direction::In, RequestKind::Standard, Recipient::DEVICE);
const INTERFACE_OUT: RequestType =
    RequestType::new(Direction::Out, RequestKind::Standard, Recipient::INTERFACE);
const INTERFACE_IN: RequestType =
    RequestType::new(Direction::In, RequestKind::Standard, Recipient::INTERFACE);
const ENDPOINT_OUT: RequestType =
    RequestType::new(Direction::Out, RequestKind::Standard, Recipient::ENDPOINT);
const ENDPOINT_IN: RequestType =
    RequestType::new(Direction::In, RequestKind::Standard, Recipient::ENDPOINT);

impl Setup {
    pub(super) const fn of(
        request_type: RequestType,
        request: Request,
        value: u16,
        index: u16,
        length: u16,
    ) -> Self {
        Self {
            request_type,
            request,
            value,
            index,
            length,
        }
    }

    /// Reads a descriptor of the device; `language` matters for strings only. USB 2.0 §9.4.3.
    #[must_use]
    pub const fn get_descriptor(
        kind: DescriptorKind,
        index: u8,
        language: LanguageId,
        length: u16,
    ) -> Self {
        Self::of(
            DEVICE_IN,
            Request::GET_DESCRIPTOR,
            u16::from_be_bytes([kind.0, index]),
            language.0,
            length,
        )
    }

    /// Reads a descriptor of an interface, e.g. a HID report descriptor. HID 1.11 §7.1.1.
    #[must_use]
    pub const fn get_interface_descriptor(
        kind: DescriptorKind,
        index: u8,
        interface: u8,
        length: u16,
    ) -> Self {
        Self::of(
            INTERFACE_IN,
            Request::GET_DESCRIPTOR,
            u16::from_be_bytes([kind.0, index]),
            interface as u16,
            length,
        )
    }

    /// Writes a descriptor, which few devices allow. USB 2.0 §9.4.8.
    #[must_use]
    pub const fn set_descriptor(
        kind: DescriptorKind,
        index: u8,
        language: LanguageId,
        length: u16,
    ) -> Self {
        Self::of(
            DEVICE_OUT,
            Request::SET_DESCRIPTOR,
            u16::from_be_bytes([kind.0, index]),
            language.0,
            length,
        )
    }

    /// Gives the device its address, 1 to 127. An xHCI host controller sends this itself. USB 2.0 §9.4.6.
    #[must_use]
    pub const fn set_address(address: u8) -> Self {
        Self::of(DEVICE_OUT, Request::SET_ADDRESS, address as u16, 0, 0)
    }

    /// Reads the current configuration's value, one byte. USB 2.0 §9.4.2.
    #[must_use]
    pub const fn get_configuration() -> Self {
        Self::of(DEVICE_IN, Request::GET_CONFIGURATION, 0, 0, 1)
    }

    /// Chooses a configuration by its `bConfigurationValue`; 0 takes the device back to the Address state. USB 2.0 §9.4.7.
    #[must_use]
    pub const fn set_configuration(value: u8) -> Self {
        Self::of(DEVICE_OUT, Request::SET_CONFIGURATION, value as u16, 0, 0)
    }

    /// Reads the alternate setting of an interface, one byte. USB 2.0 §9.4.4.
    #[must_use]
    pub const fn get_interface(interface: u8) -> Self {
        Self::of(INTERFACE_IN, Request::GET_INTERFACE, 0, interface as u16, 1)
    }

    /// Chooses an interface's alternate setting. USB 2.0 §9.4.10.
    #[must_use]
    pub const fn set_interface(interface: u8, alternate: u8) -> Self {
        Self::of(
            INTERFACE_OUT,
            Request::SET_INTERFACE,
            alternate as u16,
            interface as u16,
            0,
        )
    }

    /// Reads two bytes of status: self-powered (bit 0), remote wakeup (1), U1/U2/LTM enabled (2 to 4). USB 2.0 §9.4.5, USB 3.2 §9.4.5.
    #[must_use]
    pub const fn get_status() -> Self {
        Self::of(DEVICE_IN, Request::GET_STATUS, 0, 0, 2)
    }

    /// Reads two bytes of an interface's status. USB 2.0 §9.4.5.
    #[must_use]
    pub const fn get_interface_status(interface: u8) -> Self {
        Self::of(INTERFACE_IN, Request::GET_STATUS, 0, interface as u16, 2)
    }

    /// Reads two bytes of an endpoint's status; bit 0 says that it is halted. USB 2.0 §9.4.5.
    #[must_use]
    pub const fn get_endpoint_status(endpoint: EndpointAddress) -> Self {
        Self::of(ENDPOINT_IN, Request::GET_STATUS, 0, endpoint.0 as u16, 2)
    }

    /// Sets a feature of the device. USB 2.0 §9.4.9.
    #[must_use]
    pub const fn set_feature(feature: Feature) -> Self {
        Self::of(DEVICE_OUT, Request::SET_FEATURE, feature.0, 0, 0)
    }

    /// Clears a feature of the device. USB 2.0 §9.4.1.
    #[must_use]
    pub const fn clear_feature(feature: Feature) -> Self {
        Self::of(DEVICE_OUT, Request::CLEAR_FEATURE, feature.0, 0, 0)
    }

    /// Sends a high-speed device into a test mode, from which only power brings it back. USB 2.0 §9.4.9.
    #[must_use]
    pub const fn set_test_mode(mode: TestMode) -> Self {
        Self::of(
            DEVICE_OUT,
            Request::SET_FEATURE,
            Feature::TEST_MODE.0,
            u16::from_be_bytes([mode.0, 0]),
            0,
        )
    }

    /// Suspends a function (bit 0 of `options`) and enables its remote wake (bit 1). USB 3.2 §9.4.9.
    #[must_use]
    pub const fn set_function_suspend(interface: u8, options: u8) -> Self {
        Self::of(
            INTERFACE_OUT,
            Request::SET_FEATURE,
            Feature::FUNCTION_SUSPEND.0,
            u16::from_be_bytes([options, interface]),
            0,
        )
    }

    /// Halts an endpoint. USB 2.0 §9.4.9.
    #[must_use]
    pub const fn set_feature_endpoint_halt(endpoint: EndpointAddress) -> Self {
        Self::of(
            ENDPOINT_OUT,
            Request::SET_FEATURE,
            Feature::ENDPOINT_HALT.0,
            endpoint.0 as u16,
            0,
        )
    }

    /// Ends an endpoint's halt, and sets its data toggle or sequence number to zero even if it was not halted. USB 2.0 §9.4.5.
    #[must_use]
    pub const fn clear_feature_endpoint_halt(endpoint: EndpointAddress) -> Self {
        Self::of(
            ENDPOINT_OUT,
            Request::CLEAR_FEATURE,
            Feature::ENDPOINT_HALT.0,
            endpoint.0 as u16,
            0,
        )
    }

    /// Reads the frame number of an endpoint's repeating pattern, two bytes. USB 2.0 §9.4.11.
    #[must_use]
    pub const fn synch_frame(endpoint: EndpointAddress) -> Self {
        Self::of(ENDPOINT_IN, Request::SYNCH_FRAME, 0, endpoint.0 as u16, 2)
    }

    /// Announces six bytes of exit latencies: U1SEL, U1PEL (bytes), U2SEL, U2PEL (16 bits each). USB 3.2 §9.4.12.
    #[must_use]
    pub const fn set_sel() -> Self {
        Self::of(DEVICE_OUT, Request::SET_SEL, 0, 0, 6)
    }

    /// Tells the delay from the host's transmission to the device's reception, in nanoseconds. USB 3.2 §9.4.11.
    #[must_use]
    pub const fn set_isoch_delay(delay_ns: u16) -> Self {
        Self::of(DEVICE_OUT, Request::SET_ISOCH_DELAY, delay_ns, 0, 0)
    }
}
