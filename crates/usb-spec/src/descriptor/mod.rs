//! Descriptors: what a device says about itself. USB 2.0 §9.5, USB 3.2 §9.5.

mod bos;
mod configuration;
mod device;
pub mod endpoint;
mod error;
mod hid;
mod hub;
mod interface;
mod raw;
mod string;

pub use bos::{
    Bos, BosView, Capabilities, Capability, CapabilityKind, ContainerId, SuperSpeed,
    SuperSpeedPlus, Usb2Extension,
};
pub use configuration::{
    AlternateView, Alternates, Configuration, ConfigurationView, EndpointView, Endpoints,
    InterfaceView, Interfaces,
};
pub use device::{Bcd, Device, DeviceQualifier};
pub use endpoint::{
    Endpoint, ServiceInterval, SuperSpeedEndpointCompanion, SuperSpeedPlusIsochCompanion,
    max_bytes_per_service_interval, service_interval,
};
pub use error::DescriptorError;
pub use hid::Hid;
pub use hub::{Hub, HubCharacteristics, PortMap, SuperSpeedHub};
pub use interface::{Interface, InterfaceAssociation};
pub use raw::{Descriptors, RawDescriptor};
pub use string::{LanguageId, Languages, StringDescriptor};

use crate::open::open_number;

open_number! {
    /// `bDescriptorType`. USB 2.0 table 9-5, USB 3.2 table 9-6; class kinds from HID 1.11 §7.1, USB 2.0 §11.23.2, UAS §4.
    pub struct DescriptorKind(u8) {
        DEVICE = 0x01 => "device",
        CONFIGURATION = 0x02 => "configuration",
        STRING = 0x03 => "string",
        INTERFACE = 0x04 => "interface",
        ENDPOINT = 0x05 => "endpoint",
        DEVICE_QUALIFIER = 0x06 => "device qualifier",
        OTHER_SPEED_CONFIGURATION = 0x07 => "other speed configuration",
        INTERFACE_POWER = 0x08 => "interface power",
        OTG = 0x09 => "OTG",
        DEBUG = 0x0a => "debug",
        INTERFACE_ASSOCIATION = 0x0b => "interface association",
        BOS = 0x0f => "binary object store",
        DEVICE_CAPABILITY = 0x10 => "device capability",
        HID = 0x21 => "HID",
        HID_REPORT = 0x22 => "HID report",
        HID_PHYSICAL = 0x23 => "HID physical",
        CLASS_INTERFACE = 0x24 => "class-specific interface",
        CLASS_ENDPOINT = 0x25 => "class-specific endpoint",
        HUB = 0x29 => "hub",
        SUPER_SPEED_HUB = 0x2a => "SuperSpeed hub",
        SUPER_SPEED_ENDPOINT_COMPANION = 0x30 => "SuperSpeed endpoint companion",
        SUPER_SPEED_PLUS_ISOCH_COMPANION = 0x31 => "SuperSpeedPlus isochronous endpoint companion",
    }
}

impl DescriptorKind {
    /// UAS pipe usage; shares its number with [`DescriptorKind::CLASS_INTERFACE`].
    pub const PIPE_USAGE: Self = Self(0x24);
}
