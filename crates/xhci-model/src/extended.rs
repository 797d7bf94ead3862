//! The list of extended capabilities, and the hand-over from the firmware. xHCI 1.2 §7, §4.22.1.

use alloc::vec;
use alloc::vec::Vec;

use usb_spec::time::Instant;
use xhci_spec::extended::{
    CapabilityHeader, CapabilityId, LinkProtocol, Protocol, ProtocolName, ProtocolPorts,
    ProtocolRevision, ProtocolSlotType, ProtocolSpeed, UsbLegCtlSts, UsbLegSup,
};
use xhci_spec::number::SpeedId;
use xhci_spec::registers::{Register, UsbSts};

use crate::behaviour::FirmwareHandoff;
use crate::options::{Options, PortGroup};

/// The id of the capability that stands for a vendor's own.
const VENDOR: CapabilityId = CapabilityId(0xc0);

#[derive(Debug)]
pub(crate) struct Extended {
    base: u32,
    words: Vec<u32>,
    legacy: Option<Legacy>,
}

/// The legacy support capability: it keeps its values over HCRST.
#[derive(Debug)]
struct Legacy {
    at: u32,
    ownership: UsbLegSup,
    control: UsbLegCtlSts,
    firmware: FirmwareHandoff,
    gives_up_at: Option<Instant>,
}

impl Extended {
    pub(crate) fn new(options: &Options) -> Self {
        let base = options.geometry.extended_offset;
        let capabilities = capabilities(options);
        let count = capabilities.len();
        let mut words = Vec::new();
        let mut legacy = None;
        for (index, mut capability) in capabilities.into_iter().enumerate() {
            let at = words.len();
            // The pointer counts dwords from this capability to the next; zero ends the list.
            let next = if index + 1 == count {
                0
            } else {
                capability.len()
            };
            let next = u32::try_from(4 * next).unwrap_or(0);
            if let Some(first) = capability.first_mut() {
                let header = CapabilityHeader::from_bits(*first).with_next(next);
                *first = header.bits();
                if header.id() == CapabilityId::LEGACY_SUPPORT {
                    let at = base + u32::try_from(4 * at).unwrap_or(0);
                    legacy = Some(Legacy::new(at, header, options.behaviour.firmware));
                }
            }
            words.extend(capability);
        }
        Self {
            base,
            words,
            legacy,
        }
    }

    /// How many bytes the list takes on a controller with these options.
    pub(crate) fn bytes(options: &Options) -> u32 {
        let words: usize = capabilities(options).iter().map(Vec::len).sum();
        u32::try_from(4 * words).unwrap_or(u32::MAX)
    }

    /// The dword at `offset` from the start of BAR0; `status` is shadowed in the legacy capability.
    pub(crate) fn read(&self, offset: u32, status: UsbSts) -> u32 {
        if let Some(legacy) = &self.legacy
            && let Some(value) = legacy.read(offset, status)
        {
            return value;
        }
        let index = offset.checked_sub(self.base).map(|bytes| bytes / 4);
        index
            .and_then(|index| self.words.get(usize::try_from(index).ok()?))
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn write(&mut self, offset: u32, value: u32, now: Instant) {
        if let Some(legacy) = &mut self.legacy {
            legacy.write(offset, value, now);
        }
    }

    pub(crate) fn advance(&mut self, now: Instant) {
        if let Some(legacy) = &mut self.legacy
            && legacy.gives_up_at.is_some_and(|at| at <= now)
        {
            legacy.gives_up_at = None;
            legacy.ownership = legacy.ownership.with_firmware_owned(false);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.legacy.as_ref()?.gives_up_at
    }
}

impl Legacy {
    fn new(at: u32, header: CapabilityHeader, firmware: FirmwareHandoff) -> Self {
        let owned = firmware != FirmwareHandoff::NotOwner;
        // A firmware that uses the controller wants to hear of its events and of the request.
        let control = UsbLegCtlSts::default()
            .with_smi_enable(owned)
            .with_smi_on_os_ownership_enable(owned);
        Self {
            at,
            ownership: UsbLegSup::from_bits(header.bits()).with_firmware_owned(owned),
            control,
            firmware,
            gives_up_at: None,
        }
    }

    fn read(&self, offset: u32, status: UsbSts) -> Option<u32> {
        match offset.checked_sub(self.at)? {
            UsbLegSup::OFFSET => Some(self.ownership.bits()),
            UsbLegCtlSts::OFFSET => Some(
                self.control
                    .with_smi_on_event_interrupt(status.event_interrupt())
                    .with_smi_on_host_system_error(status.host_system_error())
                    .bits(),
            ),
            _ => None,
        }
    }

    fn write(&mut self, offset: u32, value: u32, now: Instant) {
        match offset.checked_sub(self.at) {
            Some(UsbLegSup::OFFSET) => self.write_ownership(UsbLegSup::from_bits(value), now),
            Some(UsbLegCtlSts::OFFSET) => {
                self.control = self.control.after_write(UsbLegCtlSts::from_bits(value));
            }
            _ => {}
        }
    }

    fn write_ownership(&mut self, written: UsbLegSup, now: Instant) {
        let before = self.ownership;
        self.ownership = before.after_write(written);
        if self.ownership.os_owned() != before.os_owned() {
            self.control = self.control.with_smi_on_os_ownership_change(true);
        }
        let wanted = self.ownership.os_owned() && self.ownership.firmware_owned();
        self.gives_up_at = match self.firmware {
            FirmwareHandoff::GivesUpAfter(delay) if wanted => {
                Some(self.gives_up_at.unwrap_or(now + delay))
            }
            FirmwareHandoff::GivesUpAfter(_)
            | FirmwareHandoff::Absent
            | FirmwareHandoff::NotOwner
            | FirmwareHandoff::Never => None,
        };
    }
}

/// The capabilities as dwords, next pointers still zero. The vendor's one comes first and the legacy one last, so that a driver has to
/// walk the list.
fn capabilities(options: &Options) -> Vec<Vec<u32>> {
    let mut list = Vec::new();
    if options.vendor_capability {
        let header = CapabilityHeader::default().with_id(VENDOR);
        list.push(vec![header.bits(), 0x5652_4f44, 0]);
    }
    let mut first = 1_u8;
    for group in &options.ports {
        list.push(supported_protocol(*group, first, options.speed_ids));
        first = first.saturating_add(group.count);
    }
    if options.behaviour.firmware != FirmwareHandoff::Absent {
        let header = CapabilityHeader::default().with_id(CapabilityId::LEGACY_SUPPORT);
        list.push(vec![header.bits(), 0]);
    }
    list
}

/// xHCI 1.2 §7.2.
fn supported_protocol(group: PortGroup, first: u8, speed_ids: bool) -> Vec<u32> {
    let speeds: &[ProtocolSpeed] = &match group.protocol {
        Protocol::Usb2 => [
            speed(SpeedId::FULL, 2, 12),
            speed(SpeedId::LOW, 1, 1500),
            speed(SpeedId::HIGH, 2, 480),
        ]
        .to_vec(),
        Protocol::Usb3 => [
            speed(SpeedId::SUPER, 3, 5).with_full_duplex(true),
            speed(SpeedId::SUPER_PLUS, 3, 10)
                .with_full_duplex(true)
                .with_link_protocol(LinkProtocol::SUPER_SPEED_PLUS),
        ]
        .to_vec(),
    };
    let speeds = if speed_ids { speeds } else { &[] };
    let major = match group.protocol {
        Protocol::Usb2 => 2,
        Protocol::Usb3 => 3,
    };
    let count = u8::try_from(speeds.len()).unwrap_or(0);
    let mut words = vec![
        ProtocolRevision::default()
            .with_id(CapabilityId::SUPPORTED_PROTOCOL)
            .with_major(major)
            .with_minor(group.minor)
            .bits(),
        ProtocolName::USB.bits(),
        ProtocolPorts::default()
            .with_port_offset(first)
            .with_port_count(group.count)
            .with_speed_id_count(count)
            .bits(),
        ProtocolSlotType::default().bits(),
    ];
    words.extend(speeds.iter().map(|speed| speed.bits()));
    words
}

fn speed(id: SpeedId, exponent: u8, mantissa: u16) -> ProtocolSpeed {
    ProtocolSpeed::default()
        .with_speed_id(id)
        .with_exponent(exponent)
        .with_mantissa(mantissa)
}
