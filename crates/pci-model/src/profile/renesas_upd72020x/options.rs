use core::time::Duration;

use super::Flash;

/// Which chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// Four USB3 and four USB2 ports.
    #[default]
    Upd720201,
    /// Two and two.
    Upd720202,
}

/// How the chip is set up: what is wired to it, how fast it is, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which chip.
    pub model: Model,
    /// The ROM beside it.
    pub rom: Option<Flash>,
    /// Whether the chip can use a ROM. Those with -711 in their name cannot (manual, page 2, as quoted).
    pub supports_rom: bool,
    /// Whether it keeps standby power while the machine sleeps.
    pub aux_power: bool,
    /// How long things take.
    pub times: Times,
    /// What is wrong with it.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            model: Model::default(),
            rom: None,
            supports_rom: true,
            aux_power: false,
            times: Times::default(),
            faults: Faults::default(),
        }
    }
}

impl Options {
    /// An uPD720201 with this ROM.
    #[must_use]
    pub fn with_rom(rom: Flash) -> Self {
        Self {
            rom: Some(rom),
            ..Self::default()
        }
    }
}

/// How long the chip itself takes; the ROM's times are its [`Part`](super::Part)'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Taking one word out of a mailbox. Reports allow at most 10 µs.
    pub word: Duration,
    /// Fetching one word out of the ROM.
    pub rom_word: Duration,
    /// Judging an image in RAM.
    pub check_ram: Duration,
    /// Judging an image in ROM after the last byte was programmed. With the P25Q40H and one byte per command the chip then is
    /// busy for 355 ms after Access went to 0: more than twice Linux's 10,000 polls, as a reported log needs it.
    pub check_rom: Duration,
    /// From a good image to a controller that is ready.
    pub boot: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            word: Duration::from_micros(5),
            rom_word: Duration::from_micros(5),
            check_ram: Duration::from_micros(200),
            check_rom: Duration::from_millis(85),
            boot: Duration::from_millis(5),
        }
    }
}

/// What the chip does with a write that lacks its magic; the manual's word on it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WrongMagic {
    /// The bit is not set.
    #[default]
    Ignored,
    /// The bit is not set, and the result says error.
    Error,
}

/// What a download ends with, whatever came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForcedResult {
    /// No result ever.
    Never,
    /// This code; the firmware is not started.
    Code(u8),
}

/// What is wrong with the chip. All off by default, save what all chips are said to do.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// FW Download Lock is set from power-on.
    pub lock: bool,
    /// The download's result after power-on.
    pub first_result: u8,
    /// What a download ends with.
    pub download_result: Option<ForcedResult>,
    /// The download's mailbox of this word is taken, but its bit stays.
    pub stuck_word: Option<usize>,
    /// From this word on, the download's mailboxes are not served.
    pub frozen_word: Option<usize>,
    /// From this word on, the ROM's mailboxes are not served.
    pub rom_frozen_word: Option<usize>,
    /// Setting Access leaves the old result.
    pub stale_result: bool,
    /// The result of a ROM write says success from power-on; with [`Faults::stale_result`] it is stale at once.
    pub first_rom_result: u8,
    /// A ROM write ends with this.
    pub rom_result: Option<ForcedResult>,
    /// Reload never ends.
    pub reload_never: bool,
    /// Reload clears the result of the ROM access.
    pub reload_clears_result: bool,
    /// Erase never ends.
    pub erase_never: bool,
    /// External ROM Configuration keeps its value, whatever is written.
    pub parameter_stuck: bool,
    /// External ROM Configuration after power-on.
    pub first_parameter: u32,
    /// Reading the ROM with a wrong parameter works nevertheless.
    pub reads_need_no_parameter: bool,
    /// How many of two waiting words an aborted ROM write still takes: reports show one and two.
    pub abort_keeps: u8,
    /// What the rest of the block holds after an aborted ROM write: reports show zeros.
    pub abort_fill: u8,
    /// A ROM block without VSCD does not start.
    pub vscd_required: bool,
    /// What happens without the magic number.
    pub wrong_magic: WrongMagic,
    /// After this many sleeps (D3hot, or the machine's) the chip hangs until the mains are pulled.
    pub wedge_after_sleeps: Option<u8>,
    /// A bus reset kills it: the link stays down until the mains are pulled.
    pub bus_reset_kills: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            lock: false,
            first_result: 0,
            download_result: None,
            stuck_word: None,
            frozen_word: None,
            rom_frozen_word: None,
            stale_result: false,
            first_rom_result: 0,
            rom_result: None,
            reload_never: false,
            reload_clears_result: false,
            erase_never: false,
            parameter_stuck: false,
            first_parameter: 0,
            reads_need_no_parameter: false,
            abort_keeps: 2,
            abort_fill: 0,
            vscd_required: false,
            wrong_magic: WrongMagic::default(),
            wedge_after_sleeps: None,
            bus_reset_kills: false,
        }
    }
}
