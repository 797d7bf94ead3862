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

/// Everything known of an enumerated device.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// Its slot, which names it as long as it is attached.
    pub slot: SlotId,
    /// Counts up with each device; tells whether a slot still holds the same one.
    pub generation: u32,
    /// The root hub port it hangs on.
    pub port: PortId,
    /// The way through hubs behind that port; empty for a device on the port itself.
    pub route: RouteString,
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
    pub(crate) fn unknown(slot: SlotId, generation: u32, port: PortId, speed: Speed) -> Self {
        Self {
            slot,
            generation,
            port,
            route: RouteString::default(),
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
    /// It has been told about.
    pub(crate) announced: bool,
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
