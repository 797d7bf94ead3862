use xhci_spec::registers::{
    DOORBELL_BYTES, INTERRUPTER_SET_BYTES, INTERRUPTER_SETS, PORT_SET_BYTES, PORT_SETS,
};

use crate::extended::Extended;
use crate::options::Options;

/// HCCPARAMS2 ends here, and the operational registers begin no earlier. xHCI 1.2 §5.3.9.
const CAPABILITY_BYTES: u32 = 0x20;
/// xECP has 16 bits and counts dwords. xHCI 1.2 §5.3.6.
const EXTENDED_END: u32 = 4 << 16;
/// BAR0 is never smaller.
const BAR_BYTES_MIN: u32 = 0x1_0000;
/// Nor larger: what geometries are refused beyond.
const BAR_BYTES_MAX: u32 = 0x10_0000;

/// Where the blocks of registers lie within BAR0, in bytes. Drivers must read CAPLENGTH, RTSOFF, DBOFF and xECP, and not assume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// CAPLENGTH: where the operational registers begin; a multiple of 4, at least 0x20.
    pub capability_length: u8,
    /// RTSOFF, a multiple of 32.
    pub runtime_offset: u32,
    /// DBOFF, a multiple of 4.
    pub doorbell_offset: u32,
    /// xECP: where the extended capabilities begin; a multiple of 4, below 256 KiB.
    pub extended_offset: u32,
}

impl Default for Geometry {
    /// Room for as many ports as there can be, and for some hundred interrupters.
    fn default() -> Self {
        Self {
            capability_length: 0x40,
            extended_offset: 0x1800,
            doorbell_offset: 0x2000,
            runtime_offset: 0x3000,
        }
    }
}

/// A block's first byte and the first one behind it.
type Span = (u32, u32);

impl Geometry {
    /// Whether the blocks of a controller with these options are aligned and do not overlap.
    #[must_use]
    pub fn fits(&self, options: &Options) -> bool {
        let aligned = self.capability_length.is_multiple_of(4)
            && self.runtime_offset.is_multiple_of(32)
            && self.doorbell_offset.is_multiple_of(4)
            && self.extended_offset.is_multiple_of(4);
        let mut spans = self.spans(options);
        spans.sort_unstable();
        let apart = spans.is_sorted_by(|(_, end), (start, _)| end <= start);
        let [(start, _), .., (_, end)] = spans;
        aligned
            && apart
            && start >= CAPABILITY_BYTES
            && end <= BAR_BYTES_MAX
            && self.extended_offset < EXTENDED_END
    }

    /// Blocks in an order and with gaps that `seed` chooses. The same seed and options give the same geometry.
    #[must_use]
    pub fn scattered(seed: u64, options: &Options) -> Self {
        let mut random = Random(seed);
        let capability_length = CAPABILITY_BYTES + 4 * random.below(56);
        let mut geometry = Self {
            capability_length: u8::try_from(capability_length).unwrap_or(0x40),
            ..Self::default()
        };
        let mut at = capability_length + PORT_SETS + PORT_SET_BYTES * 255;
        let orders = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        let pick = usize::try_from(random.below(6)).unwrap_or(0);
        for block in orders.get(pick).copied().unwrap_or([0, 1, 2]) {
            at += 32 * random.below(64);
            at = at.next_multiple_of(32);
            match block {
                0 => {
                    at += 4 * random.below(8);
                    geometry.extended_offset = at;
                }
                1 => {
                    at += 4 * random.below(8);
                    geometry.doorbell_offset = at;
                }
                _ => geometry.runtime_offset = at,
            }
            let [_, runtime, doorbells, extended] = geometry.spans(options);
            at = match block {
                0 => extended.1,
                1 => doorbells.1,
                _ => runtime.1,
            };
        }
        geometry
    }

    /// How many bytes BAR0 needs: a power of two.
    #[must_use]
    pub fn bar_bytes(&self, options: &Options) -> u32 {
        let ends = self.spans(options).map(|(_, end)| end);
        let end = ends.into_iter().max().unwrap_or(0);
        end.min(BAR_BYTES_MAX)
            .next_power_of_two()
            .max(BAR_BYTES_MIN)
    }

    /// Operational, runtime, doorbells, extended capabilities.
    fn spans(&self, options: &Options) -> [Span; 4] {
        let span = |at: u32, bytes: u32| (at, at.saturating_add(bytes));
        let ports = u32::try_from(options.port_protocols().count()).unwrap_or(255);
        [
            span(
                u32::from(self.capability_length),
                PORT_SETS + PORT_SET_BYTES * ports,
            ),
            span(
                self.runtime_offset,
                INTERRUPTER_SETS + INTERRUPTER_SET_BYTES * u32::from(options.max_interrupters),
            ),
            span(
                self.doorbell_offset,
                DOORBELL_BYTES * (u32::from(options.max_slots) + 1),
            ),
            span(self.extended_offset, Extended::bytes(options)),
        ]
    }
}

/// A small generator of numbers that need not be good (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let top = u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or(0);
        top.checked_rem(bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn every_seed_gives_blocks_that_do_not_overlap() {
        let options = Options {
            max_interrupters: 1024,
            max_slots: 255,
            ..Options::default()
        };
        let all: Vec<_> = (0..500)
            .map(|seed| Geometry::scattered(seed, &options))
            .collect();
        assert!(all.iter().all(|geometry| geometry.fits(&options)));
        let mut lengths: Vec<_> = all.iter().map(|one| one.capability_length).collect();
        lengths.sort_unstable();
        lengths.dedup();
        assert!(lengths.len() > 20, "CAPLENGTH should vary: {lengths:?}");
    }

    #[test]
    fn overlapping_blocks_are_seen() {
        let options = Options::default();
        assert!(Geometry::default().fits(&options));
        let doorbells = Geometry {
            doorbell_offset: 0x100,
            ..Geometry::default()
        };
        assert!(!doorbells.fits(&options));
        let capability = Geometry {
            capability_length: 0x10,
            ..Geometry::default()
        };
        assert!(!capability.fits(&options));
    }
}
