//! The controller's registers, read and written by name.

use alloc::vec::Vec;

use xhci_hal::Mmio;
use xhci_spec::context::ContextSize;
use xhci_spec::extended::{CapabilityId, SupportedProtocol, walk};
use xhci_spec::number::{InterrupterId, PortId};
use xhci_spec::registers::{
    CapLength, DbOff, HccParams1, HccParams2, HcsParams1, HcsParams2, PortSc, Register, RtsOff,
    UsbSts, doorbell_base, interrupter_base, port_base,
};

use crate::lane::write64;
use crate::{Policy, StartError};

/// How far into BAR 0 extended capabilities are looked for; xECP and its next pointers reach 256 KiB and 1 KiB at a time.
const CAPABILITIES_LIMIT: u32 = 0x10_0000;

/// The largest RTSOFF and DBOFF that make sense: no controller's BAR is that large.
const OFFSET_MAX: u32 = 0x1000_0000;

/// The registers of one controller, and what its capability registers say of them.
#[derive(Clone, Debug)]
pub(crate) struct Registers<M> {
    pub(crate) mmio: M,
    pub(crate) capabilities: Capabilities,
    high_half_first: bool,
}

/// What a controller is, by its capability registers. xHCI 1.2 §5.3.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// HCIVERSION: 0x0110 is 1.1.
    pub version: u16,
    /// Device slots.
    pub max_slots: u8,
    /// Interrupters.
    pub max_interrupters: u16,
    /// Root hub ports.
    pub max_ports: u8,
    /// 32- or 64-byte contexts.
    pub context_size: ContextSize,
    /// AC64: it can name 64-bit addresses.
    pub addressing_64: bool,
    /// Each port's power can be switched.
    pub port_power_control: bool,
    /// Scratchpad buffers it wants.
    pub scratchpads: u16,
    /// Event ring segments it can take.
    pub event_segments_max: u16,
    /// LEC: endpoints may state a Max ESIT Payload over 48 KiB.
    pub large_esit_payload: bool,
    /// The protocol of each range of ports.
    pub protocols: Vec<SupportedProtocol>,
    /// Where the legacy support capability lies, in bytes from the start of BAR 0.
    pub legacy_support: Option<u32>,
    pub(crate) operational: u32,
    pub(crate) runtime: u32,
    pub(crate) doorbells: u32,
}

impl Capabilities {
    /// Reads them.
    ///
    /// # Errors
    /// [`StartError::Gone`] when nothing answers, [`StartError::Nonsense`] when what answers is no xHCI controller.
    pub(crate) fn read<M: Mmio>(mmio: &M) -> Result<Self, StartError> {
        let length = read::<CapLength, M>(mmio, 0);
        if length.bits() == u32::MAX {
            return Err(StartError::Gone);
        }
        let structure = read::<HcsParams1, M>(mmio, 0);
        let structure2 = read::<HcsParams2, M>(mmio, 0);
        let params = read::<HccParams1, M>(mmio, 0);
        if structure.max_slots() == 0
            || structure.max_ports() == 0
            || structure.max_interrupters() == 0
        {
            return Err(StartError::Nonsense {
                what: "HCSPARAMS1 without slots, ports or interrupters",
            });
        }
        if length.capability_length() < 0x20 {
            return Err(StartError::Nonsense {
                what: "CAPLENGTH inside the capability registers",
            });
        }
        let mut capabilities = Self {
            version: (length.interface_version() & 0xffff) as u16,
            max_slots: structure.max_slots(),
            max_interrupters: structure.max_interrupters(),
            max_ports: structure.max_ports(),
            context_size: ContextSize::from_csz(params.context_size_64()),
            addressing_64: params.addressing_64(),
            port_power_control: params.port_power_control(),
            scratchpads: structure2.max_scratchpad_buffers(),
            event_segments_max: structure2.max_event_ring_segments(),
            large_esit_payload: read::<HccParams2, M>(mmio, 0).large_esit_payload(),
            protocols: Vec::new(),
            legacy_support: None,
            operational: u32::from(length.capability_length()),
            runtime: read::<RtsOff, M>(mmio, 0).runtime_offset(),
            doorbells: read::<DbOff, M>(mmio, 0).doorbell_offset(),
        };
        if capabilities.runtime > OFFSET_MAX || capabilities.doorbells > OFFSET_MAX {
            return Err(StartError::Nonsense {
                what: "RTSOFF or DBOFF beyond any BAR",
            });
        }
        capabilities.read_extended(mmio, params.extended_capabilities())?;
        Ok(capabilities)
    }

    fn read_extended<M: Mmio>(&mut self, mmio: &M, first: u32) -> Result<(), StartError> {
        for capability in walk(first, CAPABILITIES_LIMIT, |at| mmio.read32(at)) {
            let capability = capability.map_err(|error| StartError::Extended { error })?;
            match capability.id() {
                CapabilityId::LEGACY_SUPPORT => self.legacy_support = Some(capability.offset),
                CapabilityId::SUPPORTED_PROTOCOL => {
                    // A protocol that nobody knows takes its ports out of use; the others still work.
                    if let Ok(protocol) =
                        SupportedProtocol::read(capability.offset, |at| mmio.read32(at))
                    {
                        self.protocols.push(protocol);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The protocol of a port; where ranges overlap, the first counts.
    #[must_use]
    pub fn protocol(&self, port: PortId) -> Option<&SupportedProtocol> {
        self.protocols.iter().find(|protocol| {
            protocol
                .port_numbers()
                .is_ok_and(|numbers| numbers.contains(&port.get()))
        })
    }

    /// The ports that there are.
    pub fn ports(&self) -> impl Iterator<Item = PortId> + use<> {
        (1..=self.max_ports).filter_map(PortId::new)
    }
}

impl<M: Mmio> Registers<M> {
    pub(crate) fn new(mmio: M, policy: &Policy) -> Result<Self, StartError> {
        let capabilities = Capabilities::read(&mmio)?;
        Ok(Self {
            mmio,
            capabilities,
            high_half_first: policy.high_half_first,
        })
    }

    /// Reads an operational register.
    pub(crate) fn operational<R: Register>(&self) -> R {
        read(&self.mmio, self.capabilities.operational)
    }

    /// Writes an operational register.
    pub(crate) fn set_operational<R: Register>(&self, value: R) {
        self.write(self.capabilities.operational, value);
    }

    /// USBSTS, or `None` when the controller no longer answers.
    pub(crate) fn status(&self) -> Option<UsbSts> {
        let status: UsbSts = self.operational();
        (status.bits() != u32::MAX).then_some(status)
    }

    /// Reads a port's PORTSC, or `None` when the controller no longer answers.
    pub(crate) fn port_status(&self, port: PortId) -> Option<PortSc> {
        let status: PortSc = read(&self.mmio, self.capabilities.operational + port_base(port));
        (status.bits() != u32::MAX).then_some(status)
    }

    pub(crate) fn set_port<R: Register>(&self, port: PortId, value: R) {
        self.write(self.capabilities.operational + port_base(port), value);
    }

    pub(crate) fn interrupter_registers(&self, interrupter: InterrupterId) -> u32 {
        self.capabilities.runtime + interrupter_base(interrupter)
    }

    pub(crate) fn set_interrupter<R: Register>(&self, interrupter: InterrupterId, value: R) {
        self.write(self.interrupter_registers(interrupter), value);
    }

    /// Rings doorbell 0: there are commands.
    pub(crate) fn ring_command_doorbell(&self) {
        self.mmio
            .write32(self.capabilities.doorbells + doorbell_base(0), 0);
    }

    /// Reads a register at `base` plus its own offset.
    pub(crate) fn read_at<R: Register>(&self, base: u32) -> R {
        read(&self.mmio, base)
    }

    /// Writes a register at `base` plus its own offset.
    pub(crate) fn write<R: Register>(&self, base: u32, value: R) {
        let at = base + R::OFFSET;
        let raw = value.to_raw();
        if R::WIDTH == 64 {
            write64(&self.mmio, at, raw, self.high_half_first);
        } else {
            self.mmio.write32(at, (raw & 0xffff_ffff) as u32);
        }
    }
}

/// Reads a register at `base` plus its own offset; 64-bit ones as two dwords.
fn read<R: Register, M: Mmio>(mmio: &M, base: u32) -> R {
    let at = base + R::OFFSET;
    let low = u64::from(mmio.read32(at));
    let high = if R::WIDTH == 64 {
        u64::from(mmio.read32(at + 4))
    } else {
        0
    };
    R::from_raw(high << 32 | low)
}
