//! The register file: what a read gives, and which notes a write takes. xHCI 1.2 §5.

use memory::Memory;
use usb_spec::time::Instant;
use xhci_spec::extended::Protocol;
use xhci_spec::number::InterrupterId;
use xhci_spec::registers::{
    CapLength, Config, Crcr, DbOff, Dcbaap, DnCtrl, Doorbell, Half, HccParams1, HccParams2,
    HcsParams1, HcsParams2, HcsParams3, Layout, PageSize, Register, RegisterAt, RtsOff, UsbCmd,
    UsbSts, decode_offset,
};

use crate::controller::Controller;
use crate::lifecycle::Run;
use crate::options::Options;
use crate::wide::Wide;

/// The operational registers. xHCI 1.2 §5.4.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operational {
    pub(crate) command: UsbCmd,
    /// Only the bits that stay until software clears them.
    pub(crate) status: UsbSts,
    pub(crate) notifications: DnCtrl,
    pub(crate) command_ring: Wide,
    pub(crate) contexts: Dcbaap,
    pub(crate) config: Config,
}

/// The capability registers of a controller, and the layout that follows from them. xHCI 1.2 §5.3.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capabilities {
    length: CapLength,
    structural_1: HcsParams1,
    structural_2: HcsParams2,
    structural_3: HcsParams3,
    parameters_1: HccParams1,
    parameters_2: HccParams2,
    doorbells: DbOff,
    runtime: RtsOff,
    pub(crate) layout: Layout,
}

impl Capabilities {
    pub(crate) fn new(options: &Options) -> Self {
        let geometry = &options.geometry;
        let ports = options.port_protocols().count();
        let has_usb3 = options.port_protocols().any(|port| port == Protocol::Usb3);
        let length = CapLength::default()
            .with_capability_length(geometry.capability_length)
            .with_interface_version(options.interface_version.into());
        let structural_1 = HcsParams1::default()
            .with_max_slots(options.max_slots)
            .with_max_interrupters(options.max_interrupters)
            .with_max_ports(u8::try_from(ports).unwrap_or(u8::MAX));
        let structural_2 = HcsParams2::default()
            .with_isochronous_scheduling_threshold(options.isochronous_scheduling_threshold)
            .with_event_ring_segment_table_max(options.event_ring_segments_exponent)
            .with_max_scratchpad_buffers(options.scratchpad_buffers);
        // Typical exit latencies; nothing here enters U1 or U2.
        let structural_3 = HcsParams3::default()
            .with_u1_exit_latency_us(if has_usb3 { 10 } else { 0 })
            .with_u2_exit_latency_us(if has_usb3 { 512 } else { 0 });
        let parameters_1 = HccParams1::default()
            .with_addressing_64(options.addressing_64)
            .with_context_size_64(options.contexts_64)
            .with_port_power_control(options.port_power_control)
            .with_light_reset(options.light_reset)
            .with_no_secondary_stream_ids(true)
            .with_stopped_short_packet(options.stopped_short_packet)
            .with_extended_capabilities(geometry.extended_offset);
        let parameters_2 = HccParams2::default().with_u3_entry(options.u3_entry);
        let doorbells = DbOff::default().with_doorbell_offset(geometry.doorbell_offset);
        let runtime = RtsOff::default().with_runtime_offset(geometry.runtime_offset);
        Self {
            length,
            structural_1,
            structural_2,
            structural_3,
            parameters_1,
            parameters_2,
            doorbells,
            runtime,
            layout: Layout::from_capabilities(
                length,
                structural_1,
                parameters_1,
                doorbells,
                runtime,
            ),
        }
    }

    fn read(&self, offset: u32) -> u32 {
        match offset {
            CapLength::OFFSET => self.length.bits(),
            HcsParams1::OFFSET => self.structural_1.bits(),
            HcsParams2::OFFSET => self.structural_2.bits(),
            HcsParams3::OFFSET => self.structural_3.bits(),
            HccParams1::OFFSET => self.parameters_1.bits(),
            HccParams2::OFFSET => self.parameters_2.bits(),
            DbOff::OFFSET => self.doorbells.bits(),
            RtsOff::OFFSET => self.runtime.bits(),
            _ => 0,
        }
    }
}

impl<M: Memory> Controller<M> {
    /// Reads a dword of BAR0. An offset that is not a multiple of 4, or where nothing is, reads 0; a controller that has vanished reads all
    /// ones. Nothing is changed but what time has changed anyway.
    #[must_use]
    pub fn mmio_read(&mut self, at: u32, now: Instant) -> u32 {
        if self.life.vanished {
            return u32::MAX;
        }
        self.advance(now);
        decode_offset(&self.capabilities.layout, at).map_or(0, |register| self.read(register))
    }

    /// Writes a dword of BAR0. It takes notes only: memory and devices are not touched before [`Controller::service`], which the
    /// owner calls soon.
    pub fn mmio_write(&mut self, at: u32, value: u32, now: Instant) {
        if self.life.vanished {
            return;
        }
        self.advance(now);
        if let Some(register) = decode_offset(&self.capabilities.layout, at) {
            self.write(register, value);
        }
    }

    fn read(&self, register: RegisterAt) -> u32 {
        let now = self.now;
        match register {
            RegisterAt::Capability(offset) => self.capabilities.read(offset),
            RegisterAt::UsbCmd => self.operational.command.bits(),
            RegisterAt::UsbSts => self.status().bits(),
            RegisterAt::PageSize => PageSize::default()
                .with_page_sizes(self.options.page_sizes)
                .bits(),
            RegisterAt::DnCtrl => self.operational.notifications.bits(),
            RegisterAt::Crcr(half) => {
                let running = self.engine.command_ring_running();
                let crcr = Crcr::default().with_command_ring_running(running);
                half.of(crcr.read_view().bits())
            }
            RegisterAt::Dcbaap(half) => half.of(self.operational.contexts.bits()),
            RegisterAt::Config => self.operational.config.bits(),
            RegisterAt::PortSc(port) => self.ports.read_sc(port),
            RegisterAt::PortPmsc(port) => self.ports.read_pmsc(port),
            RegisterAt::PortLi(port) => self.ports.read_li(port),
            RegisterAt::PortHlpmc(port) => self.ports.read_hlpmc(port),
            RegisterAt::MfIndex => self.life.microframes.index(now).bits(),
            RegisterAt::Iman(id) => self.interrupters.read_iman(id),
            RegisterAt::Imod(id) => self.interrupters.read_imod(id, now),
            RegisterAt::Erstsz(id) => self.interrupters.read_erstsz(id),
            RegisterAt::Erstba(id, half) => self.interrupters.read_erstba(id, half),
            RegisterAt::Erdp(id, half) => self.interrupters.read_erdp(id, half),
            RegisterAt::Doorbell(_) => 0,
            RegisterAt::Extended(offset) => self.extended.read(offset, self.status()),
        }
    }

    /// While CNR is set, only USBSTS, runtime and extended registers can be written, while HCRST is set only the extended ones; other
    /// writes are lost (xHCI 1.2 §5.4.2, §5.4.1: undefined).
    fn write(&mut self, register: RegisterAt, value: u32) {
        let now = self.now;
        let ready = self.life.is_ready();
        let resetting = self.life.reset.is_some();
        match register {
            RegisterAt::Capability(_) | RegisterAt::PageSize | RegisterAt::MfIndex => {}
            RegisterAt::Extended(offset) => self.extended.write(offset, value, now),
            RegisterAt::UsbSts if !resetting => {
                let status = self.operational.status;
                self.operational.status = status.after_write(UsbSts::from_bits(value));
            }
            RegisterAt::Iman(id) if !resetting => self.interrupters.write_iman(id, value, now),
            RegisterAt::Imod(id) if !resetting => self.interrupters.write_imod(id, value, now),
            RegisterAt::Erstsz(id) if !resetting => self.interrupters.write_erstsz(id, value),
            RegisterAt::Erstba(id, half) if !resetting => {
                self.interrupters
                    .write_erstba(id, half, value, &self.options);
            }
            RegisterAt::Erdp(id, half) if !resetting => self.write_erdp(id, half, value),
            RegisterAt::UsbCmd if ready => self.write_command(UsbCmd::from_bits(value)),
            RegisterAt::DnCtrl if ready => {
                let old = self.operational.notifications;
                self.operational.notifications = old.after_write(DnCtrl::from_bits(value));
            }
            RegisterAt::Crcr(half) if ready => {
                let crcr = &mut self.operational.command_ring;
                if crcr.write(half, value, &self.options) {
                    self.engine.write_crcr(crcr.bits());
                }
            }
            RegisterAt::Dcbaap(half) if ready => self.write_contexts(half, value),
            RegisterAt::Config if ready => self.write_config(Config::from_bits(value)),
            RegisterAt::PortSc(port) if ready => self.ports.write_sc(port, value, now),
            RegisterAt::PortPmsc(port) if ready => self.ports.write_pmsc(port, value),
            RegisterAt::PortLi(port) if ready => self.ports.write_li(port, value),
            RegisterAt::PortHlpmc(port) if ready => self.ports.write_hlpmc(port, value),
            // A doorbell of a halted controller is not heard. xHCI 1.2 §5.6 (unchecked).
            RegisterAt::Doorbell(number) if ready && self.life.run == Run::Running => {
                let doorbell = Doorbell::from_bits(value);
                let stream = doorbell.stream_id().0;
                self.engine.doorbell(number, doorbell.target(), stream);
            }
            RegisterAt::UsbSts
            | RegisterAt::Iman(_)
            | RegisterAt::Imod(_)
            | RegisterAt::Erstsz(_)
            | RegisterAt::Erstba(..)
            | RegisterAt::Erdp(..)
            | RegisterAt::UsbCmd
            | RegisterAt::DnCtrl
            | RegisterAt::Crcr(_)
            | RegisterAt::Dcbaap(_)
            | RegisterAt::Config
            | RegisterAt::PortSc(_)
            | RegisterAt::PortPmsc(_)
            | RegisterAt::PortLi(_)
            | RegisterAt::PortHlpmc(_)
            | RegisterAt::Doorbell(_) => {}
        }
        self.collect_status();
    }

    /// USBSTS as a read sees it.
    pub(crate) fn status(&self) -> UsbSts {
        let life = &self.life;
        let saving = life.save_restore.is_some_and(|run| !run.restore);
        let restoring = life.save_restore.is_some_and(|run| run.restore);
        self.operational
            .status
            .with_halted(!life.is_active())
            .with_controller_not_ready(!life.is_ready())
            .with_save_state_status(saving)
            .with_restore_state_status(restoring)
    }

    fn write_erdp(&mut self, id: InterrupterId, half: Half, value: u32) {
        self.interrupters.write_erdp(id, half, value, &self.options);
    }

    fn write_contexts(&mut self, half: Half, value: u32) {
        if half == Half::High && !self.options.addressing_64 {
            return;
        }
        let old = self.operational.contexts;
        let written = Dcbaap::from_bits(half.replace(old.bits(), value));
        self.operational.contexts = old.after_write(written);
    }

    /// CONFIG keeps what the capabilities allow; while the controller runs it cannot be changed (xHCI 1.2 §5.4.7: undefined).
    fn write_config(&mut self, written: Config) {
        if self.life.run != Run::Halted {
            return;
        }
        let config = self.operational.config.after_write(written);
        let slots = config.max_slots_enabled().min(self.options.max_slots);
        let u3_entry = config.u3_entry_enable() && self.options.u3_entry;
        self.operational.config = config
            .with_max_slots_enabled(slots)
            .with_u3_entry_enable(u3_entry)
            .with_configuration_information_enable(false);
        self.ports.set_u3_entry_enabled(u3_entry);
    }
}
