//! Capabilities of configuration space: what each consists of, and how they are chained.
//!
//! A capability is written into a [`Space`] at the offset that the chip has it at; [`Chain`] links them in the order of calls.

mod express;
mod msi;
mod power;

pub use express::Express;
pub use msi::{Msi, MsiX};
pub use power::PowerManagement;

use crate::Space;

/// Offset of the pointer to the first capability. PCI 3.0 §6.7 (unchecked).
pub const POINTER: u16 = 0x34;
/// Where extended capabilities begin. PCIe 3.0 §7.9 (unchecked).
pub const EXTENDED: u16 = 0x100;

/// A capability that can be put somewhere.
pub trait Capability {
    /// Its id. PCI Code and ID Assignment §2 (unchecked).
    const ID: u8;

    /// Writes everything but the first two bytes, `at` being where the capability begins.
    fn put(&self, space: &mut Space, at: u16);
}

/// Links capabilities, first to last.
#[derive(Debug)]
pub struct Chain<'a> {
    space: &'a mut Space,
    /// Where the next one's offset goes.
    link: u16,
}

impl<'a> Chain<'a> {
    /// Starts the list, and says in the status register that there is one.
    pub fn new(space: &'a mut Space) -> Self {
        const STATUS: u16 = 0x06;
        const HAS_LIST: u8 = 0x10;
        let status = space.byte(STATUS) | HAS_LIST;
        space.put(STATUS, &[status]);
        Self {
            space,
            link: POINTER,
        }
    }

    /// Puts the next capability at `at`.
    #[must_use]
    pub fn then<C: Capability>(self, at: u8, capability: &C) -> Self {
        let place = u16::from(at);
        self.space.put(self.link, &[at]);
        self.space.put(place, &[C::ID, 0]);
        capability.put(self.space, place);
        Self {
            link: place + 1,
            ..self
        }
    }
}

/// Writes the headers of extended capabilities `(at, id, version)`, linked in this order; their registers stay zero.
pub fn extended(space: &mut Space, list: &[(u16, u16, u8)]) {
    let next = list
        .iter()
        .skip(1)
        .map(|(at, ..)| *at)
        .chain(core::iter::once(0));
    for ((at, id, version), next) in list.iter().zip(next) {
        let header =
            u32::from(*id) | u32::from(version & 0xf) << 16 | u32::from(next & 0xfff) << 20;
        space.put32(*at, header);
    }
}
