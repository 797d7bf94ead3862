use core::time::Duration;

use renesas_spec::registers::RomConfiguration;
use renesas_spec::rom_part::WorstTimes;

/// When waiting becomes pointless, derived from the ROM part and its parameter. What was observed only ever makes it longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// No ROM, no waiting for one.
    rom: Option<Rom>,
}

#[derive(Clone, Copy, Debug)]
struct Rom {
    worst: WorstTimes,
    parameter: RomConfiguration,
}

/// Parts age, and figures are typical ones: twice the worst.
const SAFETY: u32 = 2;

/// Something that took so long may take this often as long.
const OBSERVED: u32 = 16;

/// Bytes that the ROM engine holds back (inferred).
const BUFFER_BYTES: u32 = 128;

/// Judging an image; reports know at most 0.2 s.
const CHECK: Duration = Duration::from_secs(2);

impl Limits {
    /// Without a ROM.
    pub(crate) const NO_ROM: Self = Self { rom: None };

    /// With this ROM. A parameter that somebody else left may be worse than ours: byte by byte, as after power-on.
    pub(crate) const fn of(worst: WorstTimes, parameter: RomConfiguration) -> Self {
        Self {
            rom: Some(Rom { worst, parameter }),
        }
    }

    /// A handshake of the download: the chip needs microseconds, but does not serve it while it is busy with its ROM.
    pub(crate) fn download_word(&self, longest: Duration) -> Duration {
        const HANDSHAKE: Duration = Duration::from_millis(100);
        let rom = self.rom.map_or(Duration::ZERO, |_| self.rom_end());
        (HANDSHAKE + rom).max(longest * OBSERVED)
    }

    /// A handshake of a ROM write: the block's erase, then as many programme commands as make room for a word.
    pub(crate) fn rom_word(&self, longest: Duration) -> Duration {
        let Some(rom) = self.rom else {
            return Duration::from_millis(100);
        };
        let commands = 4_u32.div_ceil(u32::from(rom.parameter.program_bytes()));
        let burst = rom.program() * commands;
        ((rom.erase_block() + burst) * SAFETY).max(longest * OBSERVED)
    }

    /// A word out of the ROM: a few microseconds.
    pub(crate) fn read_word(longest: Duration) -> Duration {
        Duration::from_millis(100).max(longest * OBSERVED)
    }

    /// From Access=0 to a result: what the buffer holds is programmed, then the image is judged.
    pub(crate) fn rom_end(&self) -> Duration {
        let Some(rom) = self.rom else { return CHECK };
        let commands = BUFFER_BYTES.div_ceil(u32::from(rom.parameter.program_bytes()));
        (rom.program() * commands + rom.erase_block()) * SAFETY + CHECK
    }

    /// Erasing the whole part.
    pub(crate) fn erase_chip(&self) -> Duration {
        let worst = self.rom.map_or(WorstTimes::LARGE_SECTORS, |rom| rom.worst);
        Duration::from_millis(worst.erase_chip_ms.into()) * SAFETY
    }

    /// From the end of a download to its result.
    pub(crate) const fn download_end() -> Duration {
        CHECK
    }

    /// From good firmware to a controller that is ready; healthy ones need milliseconds, Linux gives them 5 s.
    pub(crate) const fn start() -> Duration {
        Duration::from_secs(5)
    }
}

impl Rom {
    fn program(&self) -> Duration {
        Duration::from_micros(self.worst.program_us.into())
    }

    /// An image block is 16 KiB or a sector, whichever is larger.
    fn erase_block(&self) -> Duration {
        let unit = self.parameter.erase_unit().bytes().unwrap_or(0x1_0000);
        let units = 0x4000_u32.div_ceil(unit);
        Duration::from_millis(self.worst.erase_unit_ms.into()) * units
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use renesas_spec::rom_part;

    fn of(name: &str) -> Limits {
        let part = rom_part::find_name(name).unwrap();
        Limits::of(part.worst, part.configuration())
    }

    #[test]
    fn the_reported_card_has_time_enough_also_byte_by_byte() {
        // 60 ms of erase, then 8.44 ms per word; 355 ms after Access went to 0.
        let part = rom_part::find_name("P25Q40H").unwrap();
        let byte_by_byte = Limits::of(part.worst, RomConfiguration::default());
        assert!(byte_by_byte.rom_word(Duration::ZERO) > Duration::from_millis(600));
        assert!(byte_by_byte.rom_end() > Duration::from_millis(700));
    }

    #[test]
    fn parts_with_large_sectors_get_more_time_and_a_card_without_rom_less() {
        assert!(of("M25P40").rom_word(Duration::ZERO) > of("P25Q40H").rom_word(Duration::ZERO));
        assert!(
            Limits::NO_ROM.download_word(Duration::ZERO)
                < of("P25Q40H").download_word(Duration::ZERO)
        );
    }

    #[test]
    fn what_was_seen_to_be_slow_may_be_slow_again() {
        let longest = Duration::from_secs(3);
        assert_eq!(of("P25Q40H").rom_word(longest), longest * OBSERVED);
    }
}
