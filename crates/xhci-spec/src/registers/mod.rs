//! The registers of BAR0, each declared once, and the way from an offset to a register.
//!
//! A declaration (see [`Register`]) is read four times: [`Register::to_neutral`] by drivers,
//! [`Register::after_write`] by models, [`Register::broken_rsvd`] by checkers, [`Register::describe`] by traces.
//! xHCI 1.2 §5.

pub mod capability;
pub mod decode;
mod describe;
pub mod doorbell;
mod field;
pub mod operational;
pub mod port;
mod register;
pub mod runtime;
mod value;

pub use capability::{
    CapLength, DbOff, HccParams1, HccParams2, HcsParams1, HcsParams2, HcsParams3, RtsOff, VtioSOff,
};
pub use decode::{Half, Layout, RegisterAt, decode_offset};
pub use describe::{Breach, BrokenField, Describe};
pub use doorbell::Doorbell;
pub use field::{Access, Field, Show};
pub use operational::{Config, Crcr, Dcbaap, DnCtrl, PageSize, UsbCmd, UsbSts};
pub use port::{
    PortHlpmcUsb2, PortHlpmcUsb3, PortLiUsb2, PortLiUsb3, PortLinkState, PortPmscUsb2,
    PortPmscUsb3, PortSc,
};
pub(crate) use register::register;
pub use register::{Block, Register};
pub use runtime::{Erdp, Erstba, Erstsz, Iman, Imod, MfIndex};
pub use value::{FieldValue, high_half, low_half};

use crate::number::{InterrupterId, PortId};

/// Bytes from the operational registers to the register set of port 1. xHCI 1.2 §5.4.8.
pub const PORT_SETS: u32 = 0x400;
/// Bytes of a port register set. xHCI 1.2 §5.4.8.
pub const PORT_SET_BYTES: u32 = 0x10;
/// Bytes from the runtime registers to the register set of interrupter 0. xHCI 1.2 §5.5.2.
pub const INTERRUPTER_SETS: u32 = 0x20;
/// Bytes of an interrupter register set. xHCI 1.2 §5.5.2.
pub const INTERRUPTER_SET_BYTES: u32 = 0x20;
/// Bytes of a doorbell. xHCI 1.2 §5.6.
pub const DOORBELL_BYTES: u32 = 4;

/// Bytes from the operational registers to a port's register set. xHCI 1.2 §5.4.8.
#[must_use]
pub fn port_base(port: PortId) -> u32 {
    PORT_SETS + PORT_SET_BYTES * (u32::from(port.get()) - 1)
}

/// Bytes from the runtime registers to an interrupter's register set. xHCI 1.2 §5.5.2.
#[must_use]
pub fn interrupter_base(interrupter: InterrupterId) -> u32 {
    INTERRUPTER_SETS + INTERRUPTER_SET_BYTES * u32::from(interrupter.0)
}

/// Bytes from the doorbell array to a doorbell; number 0 is the command ring's. xHCI 1.2 §5.6.
#[must_use]
pub fn doorbell_base(number: u8) -> u32 {
    DOORBELL_BYTES * u32::from(number)
}
