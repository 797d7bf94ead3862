//! Host controller capability registers: what the hardware is, all read only. xHCI 1.2 §5.3.

use super::field::Access;
use super::register::register;

register! {
    /// Length of the capability registers and version of the interface, as the one dword that a driver reads.
    CapLength(u32): "CAPLENGTH", "Capability Registers Length and Interface Version", Capability + 0x00, "5.3.1, 5.3.2";
    /// Bytes from the start of BAR0 to the operational registers.
    capability_length / with_capability_length: u8 = [0; 8], Access::Ro, "CAPLENGTH";
    /// Version of the interface in BCD: 0x0110 is xHCI 1.1.
    interface_version / with_interface_version: u32 = [16; 16], Access::Ro, "HCIVERSION";
    .. reserved [8; 8] RsvdZ;
}

register! {
    /// Structural parameters 1: how many slots, interrupters and ports there are.
    HcsParams1(u32): "HCSPARAMS1", "Structural Parameters 1", Capability + 0x04, "5.3.3";
    /// Number of device slots, 1 to 255.
    max_slots / with_max_slots: u8 = [0; 8], Access::Ro, "MaxSlots";
    /// Number of interrupters, 1 to 1024.
    max_interrupters / with_max_interrupters: u16 = [8; 11], Access::Ro, "MaxIntrs";
    /// Number of the highest port, 1 to 255.
    max_ports / with_max_ports: u8 = [24; 8], Access::Ro, "MaxPorts";
    .. reserved [19; 5] RsvdZ;
}

register! {
    /// Structural parameters 2: isochronous scheduling, event ring segments, scratchpad.
    HcsParams2(u32): "HCSPARAMS2", "Structural Parameters 2", Capability + 0x08, "5.3.4";
    /// Isochronous scheduling threshold: bits 2:0 count frames if bit 3 is set, else microframes.
    isochronous_scheduling_threshold / with_isochronous_scheduling_threshold: u8 = [0; 4], Access::Ro, "IST";
    /// Exponent of the most event ring segments per interrupter; see [`HcsParams2::max_event_ring_segments`].
    event_ring_segment_table_max / with_event_ring_segment_table_max: u8 = [4; 4], Access::Ro, "ERSTMax";
    /// Bits 9:5 of the number of scratchpad buffers.
    max_scratchpad_buffers_high / with_max_scratchpad_buffers_high: u8 = [21; 5], Access::Ro, "MaxScratchpadBufsHi";
    /// Scratchpad buffers take part in save and restore.
    scratchpad_restore / with_scratchpad_restore: bool = [26; 1], Access::Ro, "SPR";
    /// Bits 4:0 of the number of scratchpad buffers.
    max_scratchpad_buffers_low / with_max_scratchpad_buffers_low: u8 = [27; 5], Access::Ro, "MaxScratchpadBufsLo";
    .. reserved [8; 13] RsvdZ;
}

impl HcsParams2 {
    /// Number of scratchpad buffers that software hands out, 0 to 1023. xHCI 1.2 §5.3.4.
    #[must_use]
    pub fn max_scratchpad_buffers(self) -> u16 {
        (u16::from(self.max_scratchpad_buffers_high()) << 5)
            | u16::from(self.max_scratchpad_buffers_low())
    }

    /// The register with both halves of the number of scratchpad buffers replaced; bits above 9 are dropped.
    #[must_use]
    pub fn with_max_scratchpad_buffers(self, count: u16) -> Self {
        let [low, high] = [count & 0x1f, count >> 5 & 0x1f].map(|part| part.to_le_bytes()[0]);
        self.with_max_scratchpad_buffers_high(high)
            .with_max_scratchpad_buffers_low(low)
    }

    /// The most entries of an event ring segment table, 1 to 32768. xHCI 1.2 §5.3.4.
    #[must_use]
    pub fn max_event_ring_segments(self) -> u16 {
        1 << self.event_ring_segment_table_max()
    }
}

register! {
    /// Structural parameters 3: how long ports take to leave low-power link states.
    HcsParams3(u32): "HCSPARAMS3", "Structural Parameters 3", Capability + 0x0c, "5.3.5";
    /// Worst case from U1 to U0, in microseconds.
    u1_exit_latency_us / with_u1_exit_latency_us: u8 = [0; 8], Access::Ro, "U1DeviceExitLatency";
    /// Worst case from U2 to U0, in microseconds.
    u2_exit_latency_us / with_u2_exit_latency_us: u16 = [16; 16], Access::Ro, "U2DeviceExitLatency";
    .. reserved [8; 8] RsvdZ;
}

register! {
    /// Capability parameters 1.
    HccParams1(u32): "HCCPARAMS1", "Capability Parameters 1", Capability + 0x10, "5.3.6";
    /// The controller uses all 64 bits of addresses.
    addressing_64 / with_addressing_64: bool = [0; 1], Access::Ro, "AC64";
    /// Bandwidth negotiation is implemented.
    bandwidth_negotiation / with_bandwidth_negotiation: bool = [1; 1], Access::Ro, "BNC";
    /// Contexts are 64 bytes long, else 32. Stream contexts always have 16 bytes.
    context_size_64 / with_context_size_64: bool = [2; 1], Access::Ro, "CSZ";
    /// Ports have power switches.
    port_power_control / with_port_power_control: bool = [3; 1], Access::Ro, "PPC";
    /// Ports have indicators.
    port_indicators / with_port_indicators: bool = [4; 1], Access::Ro, "PIND";
    /// Light reset is implemented.
    light_reset / with_light_reset: bool = [5; 1], Access::Ro, "LHRC";
    /// Latency tolerance messages are implemented.
    latency_tolerance / with_latency_tolerance: bool = [6; 1], Access::Ro, "LTC";
    /// Secondary stream ids are *not* implemented.
    no_secondary_stream_ids / with_no_secondary_stream_ids: bool = [7; 1], Access::Ro, "NSS";
    /// After a short packet, all Event Data TRBs of the TD are still parsed.
    parse_all_event_data / with_parse_all_event_data: bool = [8; 1], Access::Ro, "PAE";
    /// A Stop Endpoint command can report Stopped - Short Packet.
    stopped_short_packet / with_stopped_short_packet: bool = [9; 1], Access::Ro, "SPC";
    /// A Stopped EDTLA is kept in stream contexts.
    stopped_edtla / with_stopped_edtla: bool = [10; 1], Access::Ro, "SEC";
    /// Frame ids of consecutive isochronous TDs are matched.
    contiguous_frame_id / with_contiguous_frame_id: bool = [11; 1], Access::Ro, "CFC";
    /// Exponent of the largest primary stream array; see [`HccParams1::max_primary_streams`].
    max_primary_stream_array / with_max_primary_stream_array: u8 = [12; 4], Access::Ro, "MaxPSASize";
    /// Bytes from the start of BAR0 to the first extended capability; zero if there is none.
    extended_capabilities / with_extended_capabilities: u32 = [16; 16] << 2, Access::Ro, "xECP";
    .. reserved;
}

impl HccParams1 {
    /// Bytes of a slot or endpoint context: 32 or 64. xHCI 1.2 §5.3.6.
    #[must_use]
    pub fn context_bytes(self) -> u8 {
        if self.context_size_64() { 64 } else { 32 }
    }

    /// The most entries of a primary stream array, or zero without streams. xHCI 1.2 §5.3.6.
    #[must_use]
    pub fn max_primary_streams(self) -> u32 {
        match self.max_primary_stream_array() {
            0 => 0,
            exponent => 2 << exponent,
        }
    }
}

register! {
    /// Doorbell offset.
    DbOff(u32): "DBOFF", "Doorbell Offset", Capability + 0x14, "5.3.7";
    /// Bytes from the start of BAR0 to the doorbell array.
    doorbell_offset / with_doorbell_offset: u32 = [2; 30] << 2, Access::Ro, "DBOFF";
    .. reserved [0; 2] RsvdZ;
}

register! {
    /// Runtime register space offset.
    RtsOff(u32): "RTSOFF", "Runtime Register Space Offset", Capability + 0x18, "5.3.8";
    /// Bytes from the start of BAR0 to the runtime registers.
    runtime_offset / with_runtime_offset: u32 = [5; 27] << 5, Access::Ro, "RTSOFF";
    .. reserved [0; 5] RsvdZ;
}

register! {
    /// Capability parameters 2, new with xHCI 1.1.
    HccParams2(u32): "HCCPARAMS2", "Capability Parameters 2", Capability + 0x1c, "5.3.9";
    /// Port suspend completion is reported as a port status change.
    u3_entry / with_u3_entry: bool = [0; 1], Access::Ro, "U3C";
    /// Configure Endpoint can fail with Max Exit Latency Too Large.
    max_exit_latency_too_large / with_max_exit_latency_too_large: bool = [1; 1], Access::Ro, "CMC";
    /// Save State forces cached context to memory.
    force_save_context / with_force_save_context: bool = [2; 1], Access::Ro, "FSC";
    /// Software can drive a port to compliance mode.
    compliance_transition / with_compliance_transition: bool = [3; 1], Access::Ro, "CTC";
    /// ESIT payloads above 48 KiB are implemented.
    large_esit_payload / with_large_esit_payload: bool = [4; 1], Access::Ro, "LEC";
    /// The input control context carries configuration, interface and alternate setting.
    configuration_information / with_configuration_information: bool = [5; 1], Access::Ro, "CIC";
    /// Isochronous TDs may have more bursts than TBC holds.
    extended_tbc / with_extended_tbc: bool = [6; 1], Access::Ro, "ETC";
    /// Isochronous TRBs carry TBC and status in the TD size field.
    extended_tbc_status / with_extended_tbc_status: bool = [7; 1], Access::Ro, "ETC_TSC";
    /// Get and Set Extended Property commands are implemented.
    extended_property / with_extended_property: bool = [8; 1], Access::Ro, "GSC";
    /// Virtualization based trusted I/O is implemented.
    trusted_io / with_trusted_io: bool = [9; 1], Access::Ro, "VTC";
    .. reserved [10; 22] RsvdZ;
}

register! {
    /// Trusted I/O register space offset, present when HCCPARAMS2 says VTC.
    VtioSOff(u32): "VTIOSOFF", "VTIO Register Space Offset", Capability + 0x20, "5.3.10 (unchecked)";
    /// Bytes from the start of BAR0 to the VTIO registers.
    vtio_offset / with_vtio_offset: u32 = [12; 20] << 12, Access::Ro, "VTIOSOFF";
    .. reserved [0; 12] RsvdZ;
}
