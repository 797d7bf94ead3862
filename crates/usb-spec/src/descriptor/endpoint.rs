//! Endpoint descriptors, their companions, and the intervals and bandwidth that follow. USB 2.0 §9.6.6, USB 3.2 §9.6.6 to §9.6.8.

use super::error::body;
use super::{DescriptorError, DescriptorKind};
use crate::wire::{le16, le32, u8_at};
use crate::{EndpointAddress, Speed, TransferKind};

/// An endpoint descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// `bEndpointAddress`.
    #[doc(alias = "bEndpointAddress")]
    pub address: EndpointAddress,
    /// `bmAttributes` as it stands; see [`Endpoint::kind`].
    #[doc(alias = "bmAttributes")]
    pub attributes: u8,
    /// `wMaxPacketSize` as it stands; see [`Endpoint::max_packet_size`] and [`Endpoint::additional_transactions`].
    #[doc(alias = "wMaxPacketSize")]
    pub max_packet_size_field: u16,
    /// `bInterval` as it stands; see [`Endpoint::service_interval`].
    #[doc(alias = "bInterval")]
    pub interval: u8,
}

impl Endpoint {
    /// The size of the descriptor.
    pub const LENGTH: usize = 7;

    /// An endpoint without synchronisation, usage or additional transactions.
    #[must_use]
    pub const fn new(
        address: EndpointAddress,
        kind: TransferKind,
        max_packet_size: u16,
        interval: u8,
    ) -> Self {
        Self {
            address,
            attributes: kind.bits(),
            max_packet_size_field: max_packet_size,
            interval,
        }
    }

    /// Reads the descriptor at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::ENDPOINT, 7)?;
        Ok(Self {
            address: EndpointAddress(u8_at(b, 2)),
            attributes: u8_at(b, 3),
            max_packet_size_field: le16(b, 4),
            interval: u8_at(b, 6),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn emit(&self) -> [u8; Self::LENGTH] {
        let [m0, m1] = self.max_packet_size_field.to_le_bytes();
        [
            7,
            DescriptorKind::ENDPOINT.0,
            self.address.0,
            self.attributes,
            m0,
            m1,
            self.interval,
        ]
    }

    /// The kind of transfers.
    #[must_use]
    pub const fn kind(&self) -> TransferKind {
        TransferKind::from_attributes(self.attributes)
    }

    /// The largest packet in bytes, bits 10:0 of `wMaxPacketSize`.
    #[must_use]
    pub const fn max_packet_size(&self) -> u16 {
        self.max_packet_size_field & 0x7ff
    }

    /// How many transactions beyond the first a high-speed periodic endpoint makes per microframe, bits 12:11: 0 to 2.
    ///
    /// 3 is reserved and returned as it stands. USB 2.0 §9.6.6. At other speeds and kinds the bits say nothing.
    #[must_use]
    pub const fn additional_transactions(&self) -> u8 {
        ((self.max_packet_size_field >> 11) & 3) as u8
    }

    /// How an isochronous endpoint keeps time: none, asynchronous, adaptive, synchronous.
    #[must_use]
    pub const fn synchronization_name(&self) -> &'static str {
        match (self.attributes >> 2) & 3 {
            0 => "none",
            1 => "asynchronous",
            2 => "adaptive",
            _ => "synchronous",
        }
    }

    /// What an isochronous endpoint is for: data, feedback, implicit feedback, reserved.
    #[must_use]
    pub const fn usage_name(&self) -> &'static str {
        match (self.attributes >> 4) & 3 {
            0 => "data",
            1 => "feedback",
            2 => "implicit feedback",
            _ => "reserved",
        }
    }

    /// How often the endpoint is served; see [`service_interval`].
    #[must_use]
    pub const fn service_interval(&self, speed: Speed) -> ServiceInterval {
        service_interval(self.kind(), speed, self.interval)
    }
}

/// The time between two services of an endpoint: 2 to the power of the exponent, times 125 µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceInterval(u8);

impl ServiceInterval {
    /// The exponent, as it goes into xHCI's Endpoint Context: 0 to 15, for full-speed isochronous 3 to 18.
    #[must_use]
    pub const fn exponent(self) -> u8 {
        self.0
    }

    /// The time in microframes of 125 µs.
    #[must_use]
    pub const fn microframes(self) -> u32 {
        1 << self.0
    }

    /// The time in microseconds.
    #[must_use]
    pub const fn microseconds(self) -> u32 {
        self.microframes() * 125
    }
}

/// Converts `bInterval` to a power of two of microframes.
///
/// - Low- and full-speed interrupt: 1 to 255 frames of 1 ms, rounded down to a power of two; exponent 3 to 10.
/// - Full-speed isochronous: `2^(bInterval-1)` frames; exponent 3 to 18.
/// - High speed and above, interrupt and isochronous: `2^(bInterval-1)` microframes; exponent 0 to 15.
/// - High-speed bulk and control: `bInterval` is the most NAKs, one per so many microframes, rounded down to a power of two;
///   0 means never; exponent 0 to 7.
/// - All else is not periodic: exponent 0.
///
/// Values out of range are brought to the nearest end of it: 0 counts as 1. xHCI 1.2 §6.2.3.6 and its table of intervals; USB 2.0 §9.6.6.
#[must_use]
pub const fn service_interval(kind: TransferKind, speed: Speed, b_interval: u8) -> ServiceInterval {
    let at_least_one = if b_interval == 0 { 1 } else { b_interval };
    let exponent_field = (if at_least_one > 16 { 16 } else { at_least_one }) - 1;
    let floor_log2 = floor_log2(at_least_one);
    let exponent = match (speed, kind) {
        (Speed::Low | Speed::Full, TransferKind::Interrupt) => floor_log2 + 3,
        (Speed::Low | Speed::Full, TransferKind::Isochronous) => exponent_field + 3,
        (
            Speed::High | Speed::Super | Speed::SuperPlus,
            TransferKind::Interrupt | TransferKind::Isochronous,
        ) => exponent_field,
        (Speed::High, TransferKind::Bulk | TransferKind::Control) => floor_log2,
        (
            Speed::Low | Speed::Full | Speed::Super | Speed::SuperPlus,
            TransferKind::Bulk | TransferKind::Control,
        ) => 0,
    };
    ServiceInterval(exponent)
}

const fn floor_log2(value: u8) -> u8 {
    let mut exponent = 0;
    while value >> exponent > 1 {
        exponent += 1;
    }
    exponent
}

/// The largest number that fits into the 24 bits of Max ESIT Payload Hi and Lo. xHCI 1.2 §6.2.3.
const MAX_ESIT_PAYLOAD_MAX: u32 = 0x00ff_ffff;

/// The most bytes a periodic endpoint moves per service interval, xHCI's Max ESIT Payload; 0 for control and bulk.
///
/// xHCI 1.2 §4.14.2. Up to full speed one packet; at high speed up to three; from SuperSpeed on what the companions
/// say in `wBytesPerInterval` or `dwBytesPerInterval`. There are devices whose `wBytesPerInterval` is below
/// `wMaxPacketSize`, or 0; a controller that is told so may refuse, or stop altogether, when the full packets come. And there
/// are those that claim more than packet size, burst and mult allow. Both are answered with the product of the three,
/// the least reservation that is safe whatever the device sends.
#[must_use]
pub fn max_bytes_per_service_interval(
    endpoint: &Endpoint,
    speed: Speed,
    companion: Option<&SuperSpeedEndpointCompanion>,
    isoch_companion: Option<&SuperSpeedPlusIsochCompanion>,
) -> u32 {
    let packet = u32::from(endpoint.max_packet_size());
    match (speed, endpoint.kind()) {
        (_, TransferKind::Control | TransferKind::Bulk) => 0,
        (Speed::Low | Speed::Full, _) => packet,
        (Speed::High, _) => packet * (u32::from(endpoint.additional_transactions().min(2)) + 1),
        (Speed::Super | Speed::SuperPlus, kind) => {
            let Some(companion) = companion else {
                return packet;
            };
            let burst = packet * (u32::from(companion.max_burst.min(15)) + 1);
            if let Some(isoch) = isoch_companion.filter(|_| companion.has_isoch_companion(kind)) {
                // More lanes and Gen 2 raise the limit beyond burst and mult, so the device's number is the only one
                // there is (USB 3.2 §9.6.8); it is held to one packet at least and xHCI's 24 bits at most.
                let claimed = isoch.bytes_per_interval;
                return if claimed < packet {
                    burst
                } else {
                    claimed.min(MAX_ESIT_PAYLOAD_MAX)
                };
            }
            let most = burst * (u32::from(companion.mult(kind).min(2)) + 1);
            let claimed = u32::from(companion.bytes_per_interval);
            if claimed < packet || claimed > most {
                most
            } else {
                claimed
            }
        }
    }
}

/// What a SuperSpeed endpoint says beyond its endpoint descriptor. USB 3.2 §9.6.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SuperSpeedEndpointCompanion {
    /// `bMaxBurst`: packets per burst beyond the first, 0 to 15.
    #[doc(alias = "bMaxBurst")]
    pub max_burst: u8,
    /// `bmAttributes` as it stands; see [`Self::max_streams`] and [`Self::mult`].
    #[doc(alias = "bmAttributes")]
    pub attributes: u8,
    /// `wBytesPerInterval`, periodic endpoints only; see [`max_bytes_per_service_interval`].
    #[doc(alias = "wBytesPerInterval")]
    pub bytes_per_interval: u16,
}

impl SuperSpeedEndpointCompanion {
    /// The size of the descriptor.
    pub const LENGTH: usize = 6;

    /// Reads the descriptor at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::SUPER_SPEED_ENDPOINT_COMPANION, 6)?;
        Ok(Self {
            max_burst: u8_at(b, 2),
            attributes: u8_at(b, 3),
            bytes_per_interval: le16(b, 4),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn emit(&self) -> [u8; Self::LENGTH] {
        let [b0, b1] = self.bytes_per_interval.to_le_bytes();
        [
            6,
            DescriptorKind::SUPER_SPEED_ENDPOINT_COMPANION.0,
            self.max_burst,
            self.attributes,
            b0,
            b1,
        ]
    }

    /// The exponent of the number of streams of a bulk endpoint, bits 4:0; 0 means no streams.
    #[must_use]
    pub const fn max_streams_exponent(&self) -> u8 {
        self.attributes & 0x1f
    }

    /// The number of streams of a bulk endpoint: 0, or a power of two up to 65536 (USB 3.2 §9.6.7; more is cut to it).
    #[must_use]
    pub const fn max_streams(&self) -> u32 {
        match self.max_streams_exponent() {
            0 => 0,
            exponent if exponent > 16 => 1 << 16,
            exponent => 1 << exponent,
        }
    }

    /// Bursts per service interval beyond the first, bits 1:0, of an isochronous endpoint; 0 for other kinds.
    #[must_use]
    pub const fn mult(&self, kind: TransferKind) -> u8 {
        match kind {
            TransferKind::Isochronous => self.attributes & 3,
            TransferKind::Control | TransferKind::Bulk | TransferKind::Interrupt => 0,
        }
    }

    /// Whether an isochronous endpoint has a [`SuperSpeedPlusIsochCompanion`], bit 7.
    #[must_use]
    pub const fn has_isoch_companion(&self, kind: TransferKind) -> bool {
        matches!(kind, TransferKind::Isochronous) && self.attributes & 0x80 != 0
    }
}

/// The bandwidth of an isochronous endpoint that needs more than 48 KiB per interval. USB 3.2 §9.6.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SuperSpeedPlusIsochCompanion {
    /// `dwBytesPerInterval`.
    #[doc(alias = "dwBytesPerInterval")]
    pub bytes_per_interval: u32,
}

impl SuperSpeedPlusIsochCompanion {
    /// The size of the descriptor.
    pub const LENGTH: usize = 8;

    /// Reads the descriptor at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::SUPER_SPEED_PLUS_ISOCH_COMPANION, 8)?;
        Ok(Self {
            bytes_per_interval: le32(b, 4),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn emit(&self) -> [u8; Self::LENGTH] {
        let [b0, b1, b2, b3] = self.bytes_per_interval.to_le_bytes();
        [
            8,
            DescriptorKind::SUPER_SPEED_PLUS_ISOCH_COMPANION.0,
            0,
            0,
            b0,
            b1,
            b2,
            b3,
        ]
    }
}
