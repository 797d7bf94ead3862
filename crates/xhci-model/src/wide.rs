use xhci_spec::registers::Half;

use crate::behaviour::WideWrite;
use crate::options::Options;

/// A 64-bit register whose write does something, and which drivers write as two dwords. xHCI 1.2 §5.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wide {
    bits: u64,
    /// The half that was written and waits for the other one.
    waiting: Option<Half>,
}

impl Wide {
    pub(crate) fn bits(self) -> u64 {
        self.bits
    }

    /// Takes one half; true if the register now takes effect.
    pub(crate) fn write(&mut self, half: Half, value: u32, options: &Options) -> bool {
        if !options.addressing_64 {
            // Without AC64 the high half does not exist. xHCI 1.2 §5.3.6.
            if half == Half::Low {
                self.bits = u64::from(value);
            }
            return half == Half::Low;
        }
        self.bits = half.replace(self.bits, value);
        match options.behaviour.wide_write {
            WideWrite::HighHalf => half == Half::High,
            WideWrite::LowHalf => half == Half::Low,
            WideWrite::BothHalves => {
                let complete = self.waiting.is_some_and(|first| first != half);
                self.waiting = if complete { None } else { Some(half) };
                complete
            }
        }
    }

    /// Ends the wait for a missing half; true if there was one, and the register now takes effect.
    pub(crate) fn settle(&mut self) -> bool {
        self.waiting.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(addressing_64: bool) -> Options {
        Options {
            addressing_64,
            ..Options::default()
        }
    }

    #[test]
    fn neither_order_of_the_halves_acts_early() {
        for order in [[Half::Low, Half::High], [Half::High, Half::Low]] {
            let mut wide = Wide::default();
            assert!(!wide.write(order[0], 0x10, &with(true)));
            assert!(wide.write(order[1], 0x10, &with(true)));
            assert_eq!(wide.bits(), 0x10_0000_0010);
            assert!(!wide.settle());
        }
    }

    #[test]
    fn a_lone_half_waits_until_it_is_settled() {
        let mut wide = Wide::default();
        assert!(!wide.write(Half::Low, 0x40, &with(true)));
        assert!(!wide.write(Half::Low, 0x80, &with(true)));
        assert!(wide.settle());
        assert_eq!(wide.bits(), 0x80);
    }

    #[test]
    fn without_64_bit_addresses_the_low_half_alone_counts() {
        let mut wide = Wide::default();
        assert!(!wide.write(Half::High, 0xffff_ffff, &with(false)));
        assert!(wide.write(Half::Low, 0x40, &with(false)));
        assert_eq!(wide.bits(), 0x40);
    }
}
