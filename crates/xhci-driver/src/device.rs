//! Devices: what is known of each, and what belongs to it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use usb_spec::descriptor::{self, ConfigurationView};
use usb_spec::endpoint::EndpointAddress;
use usb_spec::speed::Speed;
use xhci_spec::extended::SupportedProtocol;
use xhci_spec::number::{Dci, InterrupterId, Iova, PortId, RouteString, SlotId, SpeedId};

use crate::context::DeviceContexts;
use crate::endpoints::Opening;
use crate::job::JobId;
use crate::{Buffer, EndpointInfo, EndpointKey, Hal, Operation, OperationId};

/// `bDeviceClass` and `bInterfaceClass` of hubs. USB 2.0 §11.23.1.
const HUB_CLASS: u8 = 9;

/// `bInterfaceProtocol` of a hub's setting with one translator for each port. USB 2.0 §11.23.1.
const MULTI_TT: u8 = 2;

/// Where a device is plugged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The root hub port at the start of the way.
    pub port: PortId,
    /// The way through hubs behind that port; empty for a device on the port itself. xHCI 1.2 §8.9.
    pub route: RouteString,
    /// The last hub on the way; `None` for a device on a root hub port.
    pub parent: Option<Parent>,
}

/// A port of a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parent {
    /// The hub's slot.
    pub hub: SlotId,
    /// The hub's port, from 1.
    pub port: u8,
}

/// The transaction translator of a high-speed hub, seen from a device behind it. USB 2.0 §11.14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Translator {
    /// The hub, and its port towards the device.
    pub at: Parent,
    /// The hub has one translator for each port.
    pub multi: bool,
}

/// What a hub says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HubInfo {
    /// Its downstream ports.
    pub ports: u8,
    /// Think time of its translators: 8, 16, 24 or 32 full-speed bit times for 0 to 3. USB 2.0 §11.23.2.1.
    pub think_time: u8,
    /// It runs one translator for each port.
    pub multi_tt: bool,
}

impl Place {
    /// On a root hub port.
    #[must_use]
    pub fn root(port: PortId) -> Self {
        Self {
            port,
            route: RouteString::default(),
            parent: None,
        }
    }
}

/// Everything known of an enumerated device.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// Its slot, which names it as long as it is attached.
    pub slot: SlotId,
    /// Counts up with each device; tells whether a slot still holds the same one.
    pub generation: u32,
    /// Where it is plugged in.
    pub place: Place,
    /// The hub that translates for it, for a low- or full-speed device behind a high-speed hub.
    pub translator: Option<Translator>,
    /// What it is as a hub, once it has said so.
    pub hub: Option<HubInfo>,
    /// How fast it runs.
    pub speed: Speed,
    /// The address it was given.
    pub address: u8,
    /// Its device descriptor.
    pub descriptor: descriptor::Device,
    /// Its active configuration's descriptors, whole.
    pub configuration: Vec<u8>,
    /// Its BOS descriptor with the capabilities behind it; empty for none.
    pub bos: Vec<u8>,
    /// Manufacturer, as it calls itself.
    pub manufacturer: Option<String>,
    /// Product, as it calls itself.
    pub product: Option<String>,
    /// Serial number, as it calls itself.
    pub serial: Option<String>,
    /// Interfaces that are not on alternate setting 0, with the setting they are on.
    pub alternates: BTreeMap<u8, u8>,
    /// The endpoints that are open, without the control endpoint.
    pub endpoints: Vec<EndpointInfo>,
}

impl DeviceInfo {
    /// A device of which nothing is known but where it is.
    pub(crate) fn unknown(
        slot: SlotId,
        generation: u32,
        place: Place,
        speed: Speed,
        translator: Option<Translator>,
    ) -> Self {
        Self {
            slot,
            generation,
            place,
            translator,
            hub: None,
            speed,
            address: 0,
            descriptor: descriptor::Device {
                usb_version: descriptor::Bcd(0),
                class: 0,
                subclass: 0,
                protocol: 0,
                max_packet_size_0: 0,
                vendor: 0,
                product: 0,
                device_version: descriptor::Bcd(0),
                manufacturer_string: 0,
                product_string: 0,
                serial_string: 0,
                configurations: 0,
            },
            configuration: Vec::new(),
            bos: Vec::new(),
            manufacturer: None,
            product: None,
            serial: None,
            alternates: BTreeMap::new(),
            endpoints: Vec::new(),
        }
    }

    /// The active configuration, to be walked; `None` when the device gave none that makes sense.
    #[must_use]
    pub fn configuration(&self) -> Option<ConfigurationView<'_>> {
        ConfigurationView::parse(&self.configuration).ok()
    }

    /// Whether it is a hub. USB 2.0 §11.23.1.
    #[must_use]
    pub fn is_hub(&self) -> bool {
        self.descriptor.class == HUB_CLASS
    }

    /// A high-speed hub with several translators offers a setting that uses them. USB 2.0 §11.23.1.
    pub(crate) fn choose_multi_tt(&mut self) {
        let offered = self.configuration().and_then(|configuration| {
            let interface = configuration.interfaces().next()?;
            let mut settings = interface.alternates().map(|alternate| alternate.descriptor);
            let multi = settings
                .find(|setting| setting.class == HUB_CLASS && setting.protocol == MULTI_TT)?;
            Some((multi.number, multi.alternate))
        });
        if let Some((interface, alternate)) =
            offered.filter(|_| self.is_hub() && self.speed == Speed::High)
        {
            self.alternates.insert(interface, alternate);
        }
    }

    /// The open endpoint with this address.
    #[must_use]
    pub fn endpoint(&self, address: EndpointAddress) -> Option<&EndpointInfo> {
        self.endpoints
            .iter()
            .find(|endpoint| endpoint.address == address)
    }

    /// What names this endpoint to the driver.
    #[must_use]
    pub fn key(&self, address: EndpointAddress) -> Option<EndpointKey> {
        let dci = if address.is_zero() {
            Dci::CONTROL
        } else {
            self.endpoint(address)?.dci
        };
        Some(EndpointKey {
            slot: self.slot,
            dci,
        })
    }
}

/// A device's own part of the driver.
#[derive(Debug)]
pub(crate) struct Device<H: Hal> {
    pub(crate) info: DeviceInfo,
    pub(crate) speed_id: SpeedId,
    pub(crate) contexts: DeviceContexts<H>,
    /// A buffer for the driver's own control transfers, when none is under way.
    pub(crate) buffer: Option<Buffer<H>>,
    /// Which lane carries which endpoint.
    pub(crate) lanes: BTreeMap<Dci, InterrupterId>,
    /// Where the control endpoint's next transfer begins, as its context is to be told; `None` before it has a ring.
    pub(crate) control_dequeue: Option<(Iova, bool)>,
    /// Endpoints that the Configure Endpoint under way adds.
    pub(crate) opening: Vec<Opening<H>>,
    /// The job that has the device; it alone opens, closes and resets.
    pub(crate) job: Option<JobId>,
    /// What is to be done after that.
    pub(crate) queue: VecDeque<(OperationId, Operation)>,
    /// The job that works with it as a hub.
    pub(crate) hub_job: Option<JobId>,
    /// It is being taken away.
    pub(crate) leaving: bool,
    /// It has been told about.
    pub(crate) announced: bool,
}

/// The ID by which a port's protocol calls a speed.
pub(crate) fn speed_id(protocol: Option<&SupportedProtocol>, wanted: Speed) -> SpeedId {
    let ids = (1..=15).map(SpeedId);
    let default = match wanted {
        Speed::Full => SpeedId::FULL,
        Speed::Low => SpeedId::LOW,
        Speed::High => SpeedId::HIGH,
        Speed::Super => SpeedId::SUPER,
        Speed::SuperPlus => SpeedId::SUPER_PLUS,
    };
    ids.into_iter()
        .find(|id| speed(protocol, *id) == Some(wanted))
        .unwrap_or(default)
}

/// What a speed ID of a port means. A port's own protocol may define its IDs anew (xHCI 1.2 §7.2.2.1.1); else the defaults hold (§7.2.2.1.1, Table 7-13).
pub(crate) fn speed(protocol: Option<&SupportedProtocol>, id: SpeedId) -> Option<Speed> {
    let rate = protocol.and_then(|protocol| protocol.bits_per_second(id))?;
    Some(match rate {
        0..=1_500_000 => Speed::Low,
        1_500_001..=12_000_000 => Speed::Full,
        12_000_001..=480_000_000 => Speed::High,
        480_000_001..=5_000_000_000 => Speed::Super,
        _ => Speed::SuperPlus,
    })
}
