//! Controllers that need a knob turned: one file each, with whose word it is.
//!
//! ```
//! use xhci_driver::{Policy, quirk};
//!
//! let mut policy = Policy::default();
//! let names: Vec<_> = quirk::apply(quirk::PciIds { vendor: 0x1106, device: 0x3483, revision: 0x01 }, &mut policy).collect();
//! assert_eq!(names, ["VIA VL805"]);
//! assert_eq!(policy.dma_bits, 36);
//! ```

mod asmedia_asm1142;
mod etron_ej168;
mod fresco_fl1000;
mod intel;
mod ti_tusb73x0;
mod via_vl805;

use crate::Policy;

/// What PCI configuration space says of a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PciIds {
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Revision id.
    pub revision: u8,
}

/// One kind of controller and what it needs.
#[derive(Clone, Copy, Debug)]
pub struct Quirk {
    /// Which controllers, for people.
    pub name: &'static str,
    /// Why, and on whose word.
    pub why: &'static str,
    matches: fn(PciIds) -> bool,
    turn: fn(&mut Policy),
}

/// All of them.
pub const QUIRKS: &[Quirk] = &[
    asmedia_asm1142::QUIRK,
    etron_ej168::QUIRK,
    fresco_fl1000::QUIRK,
    intel::QUIRK,
    ti_tusb73x0::QUIRK,
    via_vl805::QUIRK,
];

/// Turns the knobs that this controller needs; yields the names of the quirks that applied.
pub fn apply(ids: PciIds, policy: &mut Policy) -> impl Iterator<Item = &'static str> {
    for quirk in QUIRKS.iter().filter(|quirk| (quirk.matches)(ids)) {
        (quirk.turn)(policy);
    }
    QUIRKS
        .iter()
        .filter(move |quirk| (quirk.matches)(ids))
        .map(|quirk| quirk.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_controller_keeps_the_defaults() {
        let mut policy = Policy::default();
        let ids = PciIds {
            vendor: 0x1b36,
            device: 0x000d,
            revision: 1,
        };
        assert_eq!(apply(ids, &mut policy).count(), 0);
        assert_eq!(policy, Policy::default());
    }

    #[test]
    fn every_quirk_turns_a_knob_and_says_why() {
        for quirk in QUIRKS {
            let mut policy = Policy::default();
            (quirk.turn)(&mut policy);
            assert_ne!(policy, Policy::default(), "{}", quirk.name);
            assert!(!quirk.why.is_empty());
        }
    }
}
