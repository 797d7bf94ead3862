use alloc::vec;
use alloc::vec::Vec;

use memory::Iova;
use usb_spec::speed::Speed;
use xhci_spec::context::ContextSize;
use xhci_spec::extended::Protocol;
use xhci_spec::number::PortId;

use crate::behaviour::Behaviour;
use crate::geometry::Geometry;

/// What a controller is: its capability registers, its ports, and its [`Behaviour`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Durations and policies.
    pub behaviour: Behaviour,
    /// Where the register blocks lie.
    pub geometry: Geometry,
    /// The root ports: groups of one protocol, numbered from 1 in this order.
    pub ports: Vec<PortGroup>,
    /// HCIVERSION in BCD.
    pub interface_version: u16,
    /// MaxSlots, at least 1.
    pub max_slots: u8,
    /// MaxIntrs, 1 to 1024.
    pub max_interrupters: u16,
    /// Exponent of the most event ring segments, 0 to 15.
    pub event_ring_segments_exponent: u8,
    /// Max Scratchpad Bufs, 0 to 1023.
    pub scratchpad_buffers: u16,
    /// AC64: all 64 bits of addresses count.
    pub addressing_64: bool,
    /// CSZ: contexts have 64 bytes.
    pub contexts_64: bool,
    /// PPC: ports have power switches.
    pub port_power_control: bool,
    /// LHRC: LHCRST works.
    pub light_reset: bool,
    /// U3C: a completed U3 entry can be reported.
    pub u3_entry: bool,
    /// SPC: Stop Endpoint can report Stopped - Short Packet.
    pub stopped_short_packet: bool,
    /// The PAGESIZE register: bit n, pages of 2^(n + 12) bytes.
    pub page_sizes: u16,
    /// A vendor's capability that no driver knows stands in the list of extended capabilities.
    pub vendor_capability: bool,
    /// Supported Protocol capabilities list their speed ids, with the default meanings.
    pub speed_ids: bool,
    /// What stands in HCSPARAMS2's IST.
    pub isochronous_scheduling_threshold: u8,
}

/// Ports of one protocol in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortGroup {
    /// Which USB they speak.
    pub protocol: Protocol,
    /// How many there are.
    pub count: u8,
    /// Minor revision of the protocol in BCD: 0x10 for USB 3.1, 0x20 for USB 3.2.
    pub minor: u8,
}

impl PortGroup {
    /// So many USB 2.0 ports.
    #[must_use]
    pub const fn usb2(count: u8) -> Self {
        Self {
            protocol: Protocol::Usb2,
            count,
            minor: 0,
        }
    }

    /// So many USB 3.1 ports.
    #[must_use]
    pub const fn usb3(count: u8) -> Self {
        Self {
            protocol: Protocol::Usb3,
            count,
            minor: 0x10,
        }
    }
}

impl Default for Options {
    /// Four USB2 and four USB3 ports, 64 slots, 8 interrupters, 4 scratchpad buffers, 64-bit addresses, 32-byte contexts.
    fn default() -> Self {
        Self {
            behaviour: Behaviour::default(),
            geometry: Geometry::default(),
            ports: vec![PortGroup::usb2(4), PortGroup::usb3(4)],
            interface_version: 0x0110,
            max_slots: 64,
            max_interrupters: 8,
            event_ring_segments_exponent: 3,
            scratchpad_buffers: 4,
            addressing_64: true,
            contexts_64: false,
            port_power_control: true,
            light_reset: false,
            u3_entry: true,
            stopped_short_packet: true,
            page_sizes: 1,
            vendor_capability: true,
            speed_ids: true,
            isochronous_scheduling_threshold: 1,
        }
    }
}

impl Options {
    /// The protocol of each port, port 1 first; no more than 255.
    pub fn port_protocols(&self) -> impl Iterator<Item = Protocol> + '_ {
        let all = self
            .ports
            .iter()
            .flat_map(|group| core::iter::repeat_n(group.protocol, usize::from(group.count)));
        all.take(usize::from(u8::MAX))
    }

    /// The ports that a device of this speed fits, in order.
    pub fn ports_for(&self, speed: Speed) -> impl Iterator<Item = PortId> + '_ {
        let wanted = protocol_of(speed);
        (1..=u8::MAX)
            .zip(self.port_protocols())
            .filter(move |(_, protocol)| *protocol == wanted)
            .filter_map(|(number, _)| PortId::new(number))
    }

    /// How far contexts stand apart.
    #[must_use]
    pub fn context_size(&self) -> ContextSize {
        ContextSize::from_csz(self.contexts_64)
    }

    /// An address as the controller uses it: without AC64 the high half is ignored (xHCI 1.2 §5.3.6).
    #[must_use]
    pub fn address(&self, at: Iova) -> Iova {
        if self.addressing_64 {
            at
        } else {
            Iova(at.0 & u64::from(u32::MAX))
        }
    }

    /// The most segments of an event ring.
    #[must_use]
    pub fn event_ring_segments_max(&self) -> u16 {
        1 << self.event_ring_segments_exponent.min(15)
    }

    /// The same options with numbers that cannot be brought back into their ranges: at least one slot, interrupter and port, at most
    /// 255 ports and 1024 interrupters, and register blocks that do not overlap.
    #[must_use]
    pub fn mended(mut self) -> Self {
        self.max_slots = self.max_slots.max(1);
        self.max_interrupters = self.max_interrupters.clamp(1, 1024);
        self.event_ring_segments_exponent = self.event_ring_segments_exponent.min(15);
        self.scratchpad_buffers = self.scratchpad_buffers.min(1023);
        self.isochronous_scheduling_threshold &= 0xf;
        if self.page_sizes == 0 {
            self.page_sizes = 1;
        }
        let mut left = u8::MAX;
        self.ports.retain_mut(|group| {
            group.count = group.count.min(left);
            left -= group.count;
            group.count > 0
        });
        if self.ports.is_empty() {
            self.ports.push(PortGroup::usb2(1));
        }
        if !self.geometry.fits(&self) {
            self.geometry = Geometry::scattered(0, &self);
        }
        self
    }
}

/// The half of the cable that a speed lives on.
pub(crate) fn protocol_of(speed: Speed) -> Protocol {
    if speed.is_super() {
        Protocol::Usb3
    } else {
        Protocol::Usb2
    }
}
