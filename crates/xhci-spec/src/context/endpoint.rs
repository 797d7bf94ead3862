//! Endpoint Context (xHCI 1.2 §6.2.3).

use super::context;
use crate::field::{Access, Field, Layout, value};
use crate::number::Iova;

context! {
    /// What concerns one endpoint.
    EndpointContext: [u32; 8], "Endpoint Context", "6.2.3";
    /// The endpoint's state as a number; see [`EndpointContext::endpoint_state`].
    endpoint_state_raw, with_endpoint_state_raw: u8 = "EP State", Controller new(0, 0, 3);
    /// SuperSpeed isochronous: bursts in a service interval less one.
    mult_z, with_mult_z: u8 = "Mult", Software new(0, 8, 2);
    /// Size of the primary stream array: 2^(value + 1) entries, 0 for no streams.
    max_primary_streams, with_max_primary_streams: u8 = "MaxPStreams", Software new(0, 10, 5);
    /// Whether the primary stream array holds rings only.
    linear_stream_array, with_linear_stream_array: bool = "LSA", Software new(0, 15, 1);
    /// Service interval: 2^value times 125 µs.
    interval, with_interval: u8 = "Interval", Software new(0, 16, 8);
    /// Upper 8 bits of [`EndpointContext::max_esit_payload`], which only controllers with Large ESIT Payload read.
    max_esit_payload_high, with_max_esit_payload_high: u8 = "Max ESIT Payload Hi", Software new(0, 24, 8);
    /// Tries before an error: 1 to 3, 0 for no end; 0 for isochronous endpoints.
    error_count, with_error_count: u8 = "CErr", Software new(1, 1, 2);
    /// Kind and direction.
    endpoint_type, with_endpoint_type: EndpointType = "EP Type", Software new(1, 3, 3);
    /// Whether the controller must not pick streams by itself.
    host_initiate_disable, with_host_initiate_disable: bool = "HID", Software new(1, 7, 1);
    /// Packets of a burst less one; for a high speed periodic endpoint, transactions of a microframe less one.
    max_burst_z, with_max_burst_z: u8 = "Max Burst Size", Software new(1, 8, 8);
    /// Bytes of the longest packet.
    max_packet_size, with_max_packet_size: u16 = "Max Packet Size", Software new(1, 16, 16);
    /// The consumer's cycle state at the dequeue pointer.
    dequeue_cycle, with_dequeue_cycle: bool = "DCS", Both new(2, 0, 1);
    /// Next TRB of the ring, or the primary stream array; a multiple of 16.
    tr_dequeue_pointer, with_tr_dequeue_pointer: Iova = "TR Dequeue Pointer", Both pointer(2, 4);
    /// Estimate by which the controller plans its bus accesses; more than 0.
    average_trb_length, with_average_trb_length: u16 = "Average TRB Length", Software new(4, 0, 16);
    /// Lower 16 bits of [`EndpointContext::max_esit_payload`].
    max_esit_payload_low, with_max_esit_payload_low: u16 = "Max ESIT Payload Lo", Software new(4, 16, 16);
}

impl EndpointContext {
    /// The endpoint's state, or `None` for a reserved number.
    #[must_use]
    pub fn endpoint_state(&self) -> Option<EndpointState> {
        EndpointState::from_raw(self.endpoint_state_raw())
    }

    /// The same context in another state.
    #[must_use]
    pub fn with_endpoint_state(self, state: EndpointState) -> Self {
        self.with_endpoint_state_raw(state.raw())
    }

    /// Most bytes that a periodic endpoint moves in a service interval, 24 bits from both halves.
    #[must_use]
    #[doc(alias = "Max Endpoint Service Time Interval Payload")]
    pub fn max_esit_payload(&self) -> u32 {
        u32::from(self.max_esit_payload_high()) << 16 | u32::from(self.max_esit_payload_low())
    }

    /// The same context with another [`EndpointContext::max_esit_payload`]; bits above 24 are dropped.
    #[must_use]
    pub fn with_max_esit_payload(self, bytes: u32) -> Self {
        let [low, middle, high, _] = bytes.to_le_bytes();
        self.with_max_esit_payload_low(u16::from_le_bytes([low, middle]))
            .with_max_esit_payload_high(high)
    }
}

/// Kind and direction of an endpoint (xHCI 1.2 §6.2.3); all eight numbers have a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum EndpointType {
    /// No endpoint.
    #[default]
    NotValid = 0,
    /// Isochronous, to the device.
    IsochOut = 1,
    /// Bulk, to the device.
    BulkOut = 2,
    /// Interrupt, to the device.
    InterruptOut = 3,
    /// Control, both ways.
    Control = 4,
    /// Isochronous, to the host.
    IsochIn = 5,
    /// Bulk, to the host.
    BulkIn = 6,
    /// Interrupt, to the host.
    InterruptIn = 7,
}

impl EndpointType {
    /// The type with this number; only the low three bits count.
    #[must_use]
    pub const fn from_raw(raw: u8) -> Self {
        match raw & 7 {
            1 => Self::IsochOut,
            2 => Self::BulkOut,
            3 => Self::InterruptOut,
            4 => Self::Control,
            5 => Self::IsochIn,
            6 => Self::BulkIn,
            7 => Self::InterruptIn,
            _ => Self::NotValid,
        }
    }

    /// The type's number.
    #[must_use]
    pub const fn raw(self) -> u8 {
        self as u8
    }

    /// Whether the endpoint is served at intervals.
    #[must_use]
    pub const fn is_periodic(self) -> bool {
        matches!(
            self,
            Self::IsochOut | Self::IsochIn | Self::InterruptOut | Self::InterruptIn
        )
    }

    /// Whether the endpoint is isochronous.
    #[must_use]
    pub const fn is_isoch(self) -> bool {
        matches!(self, Self::IsochOut | Self::IsochIn)
    }

    /// Whether the device sends; false for control endpoints, which go both ways.
    #[must_use]
    pub const fn is_in(self) -> bool {
        matches!(self, Self::IsochIn | Self::BulkIn | Self::InterruptIn)
    }
}

value! { EndpointType, u8: EndpointType::from_raw, EndpointType::raw; }

/// State of an endpoint (xHCI 1.2 §4.8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum EndpointState {
    /// Not configured.
    #[default]
    Disabled = 0,
    /// Works, or waits for its doorbell.
    Running = 1,
    /// Stopped by a stall or a USB error; Reset Endpoint leads out.
    Halted = 2,
    /// Stopped by software.
    Stopped = 3,
    /// Stopped by a TRB that made no sense; Set TR Dequeue Pointer leads out.
    Error = 4,
}

impl EndpointState {
    /// The state with this number, unless it is reserved.
    #[must_use]
    pub const fn from_raw(raw: u8) -> Option<Self> {
        match raw {
            0 => Some(Self::Disabled),
            1 => Some(Self::Running),
            2 => Some(Self::Halted),
            3 => Some(Self::Stopped),
            4 => Some(Self::Error),
            _ => None,
        }
    }

    /// The state's number.
    #[must_use]
    pub const fn raw(self) -> u8 {
        self as u8
    }
}
