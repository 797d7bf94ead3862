//! The speeds at which a device runs, and what each allows.

use crate::TransferKind;

/// The speed of a device on its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Speed {
    /// 1.5 Mbit/s, USB 1.0: keyboards and mice.
    Low,
    /// 12 Mbit/s, USB 1.0.
    Full,
    /// 480 Mbit/s, USB 2.0.
    High,
    /// 5 Gbit/s, USB 3.0 (Gen 1 x 1).
    Super,
    /// 10 Gbit/s and more, USB 3.1 (Gen 2 x 1, Gen 1 x 2, Gen 2 x 2).
    SuperPlus,
}

impl Speed {
    /// All speeds, slowest first.
    pub const ALL: [Self; 5] = [
        Self::Low,
        Self::Full,
        Self::High,
        Self::Super,
        Self::SuperPlus,
    ];

    /// The name in the words of the specifications, e.g. `high-speed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low-speed",
            Self::Full => "full-speed",
            Self::High => "high-speed",
            Self::Super => "super-speed",
            Self::SuperPlus => "super-speed-plus",
        }
    }

    /// The signalling rate as people write it, e.g. `480 Mbit/s`.
    #[must_use]
    pub const fn rate_name(self) -> &'static str {
        match self {
            Self::Low => "1.5 Mbit/s",
            Self::Full => "12 Mbit/s",
            Self::High => "480 Mbit/s",
            Self::Super => "5 Gbit/s",
            Self::SuperPlus => "10 Gbit/s",
        }
    }

    /// The signalling rate in bits per second (of one Gen 2 lane for [`Speed::SuperPlus`]).
    #[must_use]
    pub const fn bits_per_second(self) -> u64 {
        match self {
            Self::Low => 1_500_000,
            Self::Full => 12_000_000,
            Self::High => 480_000_000,
            Self::Super => 5_000_000_000,
            Self::SuperPlus => 10_000_000_000,
        }
    }

    /// Whether the device is behind the SuperSpeed half of the cable (USB 3.2), not the USB 2.0 half.
    #[must_use]
    pub const fn is_super(self) -> bool {
        matches!(self, Self::Super | Self::SuperPlus)
    }

    /// Endpoint 0's packet size to begin with, before the device descriptor is known.
    ///
    /// Full-speed devices have 8, 16, 32 or 64; 8 is the one that all of them can do. xHCI 1.2 §4.3; USB 2.0 §5.5.3; USB 3.2 §9.6.6.
    #[must_use]
    pub const fn default_ep0_max_packet_size(self) -> u16 {
        match self {
            Self::Low | Self::Full => 8,
            Self::High => 64,
            Self::Super | Self::SuperPlus => 512,
        }
    }

    /// The packet sizes that endpoint 0 may have. USB 2.0 §5.5.3, USB 3.2 §9.6.6.
    #[must_use]
    pub const fn allowed_control_packet_sizes(self) -> &'static [u16] {
        match self {
            Self::Low => &[8],
            Self::Full => &[8, 16, 32, 64],
            Self::High => &[64],
            Self::Super | Self::SuperPlus => &[512],
        }
    }

    /// The packet sizes that a bulk endpoint may have; low speed has no bulk. USB 2.0 §5.8.3, USB 3.2 §9.6.6.
    #[must_use]
    pub const fn allowed_bulk_packet_sizes(self) -> &'static [u16] {
        match self {
            Self::Low => &[],
            Self::Full => &[8, 16, 32, 64],
            Self::High => &[512],
            Self::Super | Self::SuperPlus => &[1024],
        }
    }

    /// The largest packet an endpoint of this kind may have, or `None` where the speed lacks the kind.
    ///
    /// USB 2.0 §5.5.3, §5.6.3, §5.7.3, §5.8.3; USB 3.2 §9.6.6.
    #[must_use]
    pub const fn largest_packet(self, kind: TransferKind) -> Option<u16> {
        match (self, kind) {
            (Self::Low, TransferKind::Control | TransferKind::Interrupt) => Some(8),
            (Self::Low, TransferKind::Bulk | TransferKind::Isochronous) => None,
            (Self::Full, TransferKind::Isochronous) => Some(1023),
            (Self::Full, _) | (Self::High, TransferKind::Control) => Some(64),
            (Self::High, TransferKind::Bulk)
            | (Self::Super | Self::SuperPlus, TransferKind::Control) => Some(512),
            (Self::High | Self::Super | Self::SuperPlus, _) => Some(1024),
        }
    }

    /// Endpoint 0's packet size from `bMaxPacketSize0`, or `None` if this speed forbids the value.
    ///
    /// Up to high speed the byte is the size; from SuperSpeed on it is the exponent of two, and must be 9. USB 3.2 §9.6.1.
    #[must_use]
    pub fn ep0_max_packet_size(self, b_max_packet_size_0: u8) -> Option<u16> {
        let size = if self.is_super() {
            1u16.checked_shl(u32::from(b_max_packet_size_0))?
        } else {
            u16::from(b_max_packet_size_0)
        };
        self.allowed_control_packet_sizes()
            .contains(&size)
            .then_some(size)
    }
}

impl core::fmt::Display for Speed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}
