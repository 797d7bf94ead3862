//! Extended capabilities: a list that starts where HCCPARAMS1's xECP says. xHCI 1.2 §7.

pub mod debug;
pub mod legacy_support;
pub mod other;
pub mod power_management;
pub mod supported_protocol;

pub use debug::{
    DcCtrl, DcDdi1, DcDdi2, DcErdp, DcErstba, DcErstsz, DcPortSc, DcSt, Dccp, Dcdb, Dcid,
};
pub use legacy_support::{UsbLegCtlSts, UsbLegSup};
pub use other::{ExtendedMessageInterrupt, LocalMemory, LocalMemorySize, MessageInterrupt};
pub use power_management::{PowerManagement, PowerManagementControl};
pub use supported_protocol::{
    LinkProtocol, Protocol, ProtocolError, ProtocolName, ProtocolPorts, ProtocolRevision,
    ProtocolSlotType, ProtocolSpeed, SpeedType, SupportedProtocol, default_bits_per_second,
};

use crate::registers::{Access, FieldValue, Show, register};

/// Most extended capabilities that a walk follows. Real controllers have about ten, and Linux gives up after 50.
pub const CAPABILITIES_MAX: u16 = 256;

/// What an extended capability is; ids that nobody named survive. xHCI 1.2 §7, Table 7-1 (unchecked).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapabilityId(pub u8);

impl CapabilityId {
    /// Hand-over from firmware to the operating system.
    pub const LEGACY_SUPPORT: Self = Self(1);
    /// Which ports speak which protocol.
    pub const SUPPORTED_PROTOCOL: Self = Self(2);
    /// PCI power management for controllers that are not on PCI.
    pub const EXTENDED_POWER_MANAGEMENT: Self = Self(3);
    /// I/O virtualization.
    pub const IO_VIRTUALIZATION: Self = Self(4);
    /// MSI for controllers that are not on PCI.
    pub const MESSAGE_INTERRUPT: Self = Self(5);
    /// Memory inside the controller.
    pub const LOCAL_MEMORY: Self = Self(6);
    /// The debug capability.
    pub const DEBUG: Self = Self(10);
    /// MSI-X for controllers that are not on PCI.
    pub const EXTENDED_MESSAGE_INTERRUPT: Self = Self(17);

    /// Whether a vendor defines the capability: ids 192 to 255.
    #[must_use]
    pub const fn is_vendor_defined(self) -> bool {
        self.0 >= 192
    }

    /// The capability's name, if the specification gives it one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::LEGACY_SUPPORT => "USB Legacy Support",
            Self::SUPPORTED_PROTOCOL => "Supported Protocol",
            Self::EXTENDED_POWER_MANAGEMENT => "Extended Power Management",
            Self::IO_VIRTUALIZATION => "I/O Virtualization",
            Self::MESSAGE_INTERRUPT => "Message Interrupt",
            Self::LOCAL_MEMORY => "Local Memory",
            Self::DEBUG => "USB Debug Capability",
            Self::EXTENDED_MESSAGE_INTERRUPT => "Extended Message Interrupt",
            _ if self.is_vendor_defined() => "Vendor Defined",
            _ => return None,
        })
    }
}

impl FieldValue for CapabilityId {
    const SHOW: Show = Show::Number;
    fn from_raw(raw: u64) -> Self {
        Self(u8::from_raw(raw))
    }
    fn to_raw(self) -> u64 {
        self.0.to_raw()
    }
}

register! {
    /// First dword of every extended capability.
    CapabilityHeader(u32): "XCAP", "Extended Capability Pointer", Extended + 0x00, "7";
    /// What the capability is.
    id / with_id: CapabilityId = [0; 8], Access::Ro, "CapID";
    /// Bytes from this capability to the next; zero if this is the last.
    next / with_next: u32 = [8; 8] << 2, Access::Ro, "Next";
    /// What the capability makes of the rest.
    specific / with_specific: u16 = [16; 16], Access::Ro, "Specific";
    .. reserved;
}

/// One extended capability of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Capability {
    /// Bytes from the start of BAR0.
    pub offset: u32,
    /// Its first dword.
    pub header: CapabilityHeader,
}

impl Capability {
    /// What the capability is.
    #[must_use]
    pub fn id(&self) -> CapabilityId {
        self.header.id()
    }
}

/// Why a walk along the extended capabilities ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WalkError {
    /// The next capability would lie outside of the registers.
    OutOfRange {
        /// Bytes from the start of BAR0 that the list pointed to.
        offset: u32,
    },
    /// The controller answers with all ones: it is gone.
    Gone {
        /// Bytes from the start of BAR0 that were read.
        offset: u32,
    },
    /// More than [`CAPABILITIES_MAX`] capabilities.
    TooMany,
}

impl core::fmt::Display for WalkError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OutOfRange { offset } => write!(
                f,
                "the extended capability list points to {offset:#x}, outside of the registers"
            ),
            Self::Gone { offset } => write!(
                f,
                "reading the extended capability at {offset:#x} gave all ones: the controller is gone"
            ),
            Self::TooMany => write!(
                f,
                "the extended capability list has more than {CAPABILITIES_MAX} entries"
            ),
        }
    }
}

impl core::error::Error for WalkError {}

/// Walks the extended capabilities; `read` reads the dword at an offset from the start of BAR0.
///
/// `first` is HCCPARAMS1's xECP in bytes, `limit` the size of the registers in bytes. The list only points forward,
/// so that it cannot loop; a bad pointer or the bound ends the walk with an error as the last item.
pub fn walk<R: FnMut(u32) -> u32>(first: u32, limit: u32, read: R) -> Walk<R> {
    Walk {
        next: (first != 0).then_some(first),
        left: CAPABILITIES_MAX,
        limit,
        read,
    }
}

/// See [`walk`].
#[derive(Clone, Debug)]
pub struct Walk<R> {
    next: Option<u32>,
    left: u16,
    limit: u32,
    read: R,
}

impl<R: FnMut(u32) -> u32> Iterator for Walk<R> {
    type Item = Result<Capability, WalkError>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.next.take()?;
        let Some(left) = self.left.checked_sub(1) else {
            return Some(Err(WalkError::TooMany));
        };
        self.left = left;
        if offset.checked_add(4).is_none_or(|end| end > self.limit) {
            return Some(Err(WalkError::OutOfRange { offset }));
        }
        let header = CapabilityHeader::from_bits((self.read)(offset));
        if header.bits() == u32::MAX {
            return Some(Err(WalkError::Gone { offset }));
        }
        // Saturated, a next pointer past the address space fails the range check of the next step.
        self.next = (header.next() != 0).then(|| offset.saturating_add(header.next()));
        Some(Ok(Capability { offset, header }))
    }
}
