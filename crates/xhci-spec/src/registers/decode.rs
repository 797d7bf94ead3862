//! From an offset within BAR0 to the register that lives there: what models dispatch on and traces print.

use core::fmt;

use super::capability::{DbOff, RtsOff};
use super::operational::{Config, Crcr, Dcbaap, DnCtrl, PageSize, UsbCmd, UsbSts};
use super::port::{PortHlpmcUsb2, PortLiUsb3, PortPmscUsb3, PortSc};
use super::runtime::{Erdp, Erstba, Erstsz, Iman, Imod, MfIndex};
use super::{
    CapLength, DOORBELL_BYTES, Doorbell, HccParams1, HccParams2, HcsParams1, HcsParams2,
    HcsParams3, INTERRUPTER_SET_BYTES, INTERRUPTER_SETS, PORT_SET_BYTES, PORT_SETS, Register,
    VtioSOff,
};
use crate::number::{InterrupterId, PortId};

/// Where a controller put its register blocks, and how many of each there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Bytes from the start of BAR0 to the operational registers.
    pub capability_length: u8,
    /// Bytes from the start of BAR0 to the doorbell array.
    pub doorbell_offset: u32,
    /// Bytes from the start of BAR0 to the runtime registers.
    pub runtime_offset: u32,
    /// Number of the highest port.
    pub max_ports: u8,
    /// Number of interrupters.
    pub max_interrupters: u16,
    /// Number of device slots; there is one doorbell more.
    pub max_slots: u8,
    /// Bytes from the start of BAR0 to the first extended capability; zero if there is none.
    pub extended_capabilities: u32,
}

impl Layout {
    /// The layout that a controller's capability registers describe.
    #[must_use]
    pub fn from_capabilities(
        length: CapLength,
        structural: HcsParams1,
        parameters: HccParams1,
        doorbells: DbOff,
        runtime: RtsOff,
    ) -> Self {
        Self {
            capability_length: length.capability_length(),
            doorbell_offset: doorbells.doorbell_offset(),
            runtime_offset: runtime.runtime_offset(),
            max_ports: structural.max_ports(),
            max_interrupters: structural.max_interrupters(),
            max_slots: structural.max_slots(),
            extended_capabilities: parameters.extended_capabilities(),
        }
    }
}

/// Which dword of a 64-bit register an offset names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// Bits 31:0.
    Low,
    /// Bits 63:32.
    High,
}

impl Half {
    /// This half of a 64-bit value.
    #[must_use]
    pub const fn of(self, bits: u64) -> u32 {
        match self {
            Self::Low => super::low_half(bits),
            Self::High => super::high_half(bits),
        }
    }

    /// The 64-bit value with this half replaced.
    #[must_use]
    pub fn replace(self, bits: u64, half: u32) -> u64 {
        match self {
            Self::Low => (bits & !0xffff_ffff) | u64::from(half),
            Self::High => (bits & 0xffff_ffff) | (u64::from(half) << 32),
        }
    }
}

/// The dword of BAR0 that an offset names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegisterAt {
    /// A capability register, by its offset. Read only.
    Capability(u32),
    /// USB command.
    UsbCmd,
    /// USB status.
    UsbSts,
    /// Page size.
    PageSize,
    /// Device notification control.
    DnCtrl,
    /// Command ring control.
    Crcr(Half),
    /// Device context base address array pointer.
    Dcbaap(Half),
    /// Configure.
    Config,
    /// Port status and control.
    PortSc(PortId),
    /// Port power management; the port's protocol decides between the two meanings.
    PortPmsc(PortId),
    /// Port link info; the port's protocol decides between the two meanings.
    PortLi(PortId),
    /// Port hardware LPM control; the port's protocol decides between the two meanings.
    PortHlpmc(PortId),
    /// Microframe index.
    MfIndex,
    /// Interrupter management.
    Iman(InterrupterId),
    /// Interrupter moderation.
    Imod(InterrupterId),
    /// Event ring segment table size.
    Erstsz(InterrupterId),
    /// Event ring segment table base address.
    Erstba(InterrupterId, Half),
    /// Event ring dequeue pointer.
    Erdp(InterrupterId, Half),
    /// A doorbell; number 0 is the command ring's.
    Doorbell(u8),
    /// A dword at or after the first extended capability and outside of all other blocks, by its offset from the
    /// start of BAR0. The list may lie below the operational registers.
    Extended(u32),
}

/// The register at a dword-aligned offset of BAR0, or `None` if the offset is not aligned or names none.
///
/// Blocks that overlap are a fault of the layout; the runtime registers and doorbells then win over the operational
/// registers, and all of them over extended capabilities.
#[must_use]
pub fn decode_offset(layout: &Layout, offset: u32) -> Option<RegisterAt> {
    if !offset.is_multiple_of(4) {
        return None;
    }
    let length = u32::from(layout.capability_length);
    let first = layout.extended_capabilities;
    if offset < length {
        // QEMU lays its extended capabilities between the last capability register it has and CAPLENGTH.
        let extended = first >= VtioSOff::OFFSET && offset >= first;
        return Some(match extended {
            true => RegisterAt::Extended(offset),
            false => RegisterAt::Capability(offset),
        });
    }
    let known = within(offset, layout.doorbell_offset)
        .and_then(|at| doorbell(layout, at))
        .or_else(|| within(offset, layout.runtime_offset).and_then(|at| runtime(layout, at)))
        .or_else(|| within(offset, length).and_then(|at| operational(layout, at)));
    known.or_else(|| (first != 0 && offset >= first).then_some(RegisterAt::Extended(offset)))
}

fn within(offset: u32, base: u32) -> Option<u32> {
    // A block at zero was never laid out: the capability registers are there.
    (base != 0).then(|| offset.checked_sub(base)).flatten()
}

fn doorbell(layout: &Layout, at: u32) -> Option<RegisterAt> {
    let number = u8::try_from(at / DOORBELL_BYTES).ok()?;
    (number <= layout.max_slots).then_some(RegisterAt::Doorbell(number))
}

fn runtime(layout: &Layout, at: u32) -> Option<RegisterAt> {
    if at == MfIndex::OFFSET {
        return Some(RegisterAt::MfIndex);
    }
    let from_sets = at.checked_sub(INTERRUPTER_SETS)?;
    let number = u16::try_from(from_sets / INTERRUPTER_SET_BYTES).ok()?;
    if number >= layout.max_interrupters {
        return None;
    }
    let id = InterrupterId(number);
    let at = from_sets % INTERRUPTER_SET_BYTES;
    Some(match at {
        Iman::OFFSET => RegisterAt::Iman(id),
        Imod::OFFSET => RegisterAt::Imod(id),
        Erstsz::OFFSET => RegisterAt::Erstsz(id),
        _ => {
            return half(at, Erstba::OFFSET)
                .map(|half| RegisterAt::Erstba(id, half))
                .or_else(|| half(at, Erdp::OFFSET).map(|half| RegisterAt::Erdp(id, half)));
        }
    })
}

fn operational(layout: &Layout, at: u32) -> Option<RegisterAt> {
    if let Some(from_sets) = at.checked_sub(PORT_SETS) {
        return port(layout, from_sets);
    }
    Some(match at {
        UsbCmd::OFFSET => RegisterAt::UsbCmd,
        UsbSts::OFFSET => RegisterAt::UsbSts,
        PageSize::OFFSET => RegisterAt::PageSize,
        DnCtrl::OFFSET => RegisterAt::DnCtrl,
        Config::OFFSET => RegisterAt::Config,
        _ => {
            return half(at, Crcr::OFFSET)
                .map(RegisterAt::Crcr)
                .or_else(|| half(at, Dcbaap::OFFSET).map(RegisterAt::Dcbaap));
        }
    })
}

fn port(layout: &Layout, from_sets: u32) -> Option<RegisterAt> {
    let number = u8::try_from(from_sets / PORT_SET_BYTES)
        .ok()?
        .checked_add(1)?;
    let id = PortId::new(number).filter(|_| number <= layout.max_ports)?;
    Some(match from_sets % PORT_SET_BYTES {
        PortSc::OFFSET => RegisterAt::PortSc(id),
        PortPmscUsb3::OFFSET => RegisterAt::PortPmsc(id),
        PortLiUsb3::OFFSET => RegisterAt::PortLi(id),
        PortHlpmcUsb2::OFFSET => RegisterAt::PortHlpmc(id),
        _ => return None,
    })
}

fn half(at: u32, low: u32) -> Option<Half> {
    match at.checked_sub(low)? {
        0 => Some(Half::Low),
        4 => Some(Half::High),
        _ => None,
    }
}

impl RegisterAt {
    /// The specification's name of the register, without numbers and halves.
    #[must_use]
    pub fn mnemonic(self) -> &'static str {
        match self {
            Self::Capability(offset) => capability_mnemonic(offset),
            Self::UsbCmd => UsbCmd::MNEMONIC,
            Self::UsbSts => UsbSts::MNEMONIC,
            Self::PageSize => PageSize::MNEMONIC,
            Self::DnCtrl => DnCtrl::MNEMONIC,
            Self::Crcr(_) => Crcr::MNEMONIC,
            Self::Dcbaap(_) => Dcbaap::MNEMONIC,
            Self::Config => Config::MNEMONIC,
            Self::PortSc(_) => PortSc::MNEMONIC,
            Self::PortPmsc(_) => PortPmscUsb3::MNEMONIC,
            Self::PortLi(_) => PortLiUsb3::MNEMONIC,
            Self::PortHlpmc(_) => PortHlpmcUsb2::MNEMONIC,
            Self::MfIndex => MfIndex::MNEMONIC,
            Self::Iman(_) => Iman::MNEMONIC,
            Self::Imod(_) => Imod::MNEMONIC,
            Self::Erstsz(_) => Erstsz::MNEMONIC,
            Self::Erstba(..) => Erstba::MNEMONIC,
            Self::Erdp(..) => Erdp::MNEMONIC,
            Self::Doorbell(_) => Doorbell::MNEMONIC,
            Self::Extended(_) => "XCAP",
        }
    }
}

fn capability_mnemonic(offset: u32) -> &'static str {
    match offset {
        CapLength::OFFSET => CapLength::MNEMONIC,
        HcsParams1::OFFSET => HcsParams1::MNEMONIC,
        HcsParams2::OFFSET => HcsParams2::MNEMONIC,
        HcsParams3::OFFSET => HcsParams3::MNEMONIC,
        HccParams1::OFFSET => HccParams1::MNEMONIC,
        DbOff::OFFSET => DbOff::MNEMONIC,
        RtsOff::OFFSET => RtsOff::MNEMONIC,
        HccParams2::OFFSET => HccParams2::MNEMONIC,
        VtioSOff::OFFSET => VtioSOff::MNEMONIC,
        _ => "CAP",
    }
}

impl fmt::Display for RegisterAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mnemonic())?;
        let half = match *self {
            Self::PortSc(id) | Self::PortPmsc(id) | Self::PortLi(id) | Self::PortHlpmc(id) => {
                return write!(f, "({id})");
            }
            Self::Iman(id) | Self::Imod(id) | Self::Erstsz(id) => {
                return write!(f, "({id})");
            }
            Self::Doorbell(number) => return write!(f, "({number})"),
            Self::Extended(offset) => return write!(f, "+{offset:#x}"),
            Self::Erstba(id, half) | Self::Erdp(id, half) => {
                write!(f, "({id})")?;
                half
            }
            Self::Crcr(half) | Self::Dcbaap(half) => half,
            Self::Capability(_)
            | Self::UsbCmd
            | Self::UsbSts
            | Self::PageSize
            | Self::DnCtrl
            | Self::Config
            | Self::MfIndex => return Ok(()),
        };
        f.write_str(match half {
            Half::Low => ".low",
            Half::High => ".high",
        })
    }
}
