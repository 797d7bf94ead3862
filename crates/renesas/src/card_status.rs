use core::fmt;

use renesas_spec::registers::{
    DownloadControl, FwVersion, RomConfiguration, RomControl, RomInformation, Version,
};
use xhci_hal::{ConfigError, ConfigSpace, Width};
use xhci_spec::registers::{Register, UsbSts};

use crate::card::{Card, ControllerStatus, Seen};
use crate::{Error, RomTable};

/// All that a card says of itself, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardStatus {
    /// Vendor id, device id.
    pub ids: (u16, u16),
    /// PCI revision.
    pub revision: u8,
    /// Which firmware runs.
    pub firmware: FwVersion,
    /// The download interface.
    pub download: DownloadControl,
    /// The ROM interface.
    pub rom: RomControl,
    /// Which ROM there is; 0 without one.
    pub rom_id: u32,
    /// How the chip was told to treat it.
    pub parameter: RomConfiguration,
    /// The USB controller's registers.
    pub controller: Seen,
}

/// What a card is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody answers.
    Gone,
    /// Firmware runs and the USB controller is ready.
    Ready {
        /// Which.
        version: Version,
    },
    /// Firmware runs, but the USB controller is not ready: starting, or hung.
    NotReady {
        /// Which.
        version: Version,
        /// What the controller says.
        status: UsbSts,
    },
    /// The ROM holds no good firmware.
    BadRom,
    /// No firmware runs, and no ROM is to blame.
    NoFirmware,
    /// The version register names firmware or not; the USB controller's registers could not be read.
    Unknown {
        /// What the version register says.
        version: Option<Version>,
    },
}

impl CardStatus {
    /// Reads everything; nothing is changed.
    ///
    /// # Errors
    /// When the system refuses the access. A card that has gone is no error here, but a [`Verdict`].
    pub fn read<C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized>(
        config: &C,
        status: &S,
    ) -> Result<Self, ConfigError> {
        let dword = |at| config.read(at, Width::Dword);
        let (ids, class) = (dword(0)?, dword(8)?);
        let both = dword(0xf4)?;
        let controller = match Card::new(config, status).seen() {
            Ok(seen) => seen,
            Err(Error::Config(error)) => return Err(error),
            Err(_) => Seen::Gone,
        };
        Ok(Self {
            ids: (low_word(ids), low_word(ids >> 16)),
            revision: class.to_le_bytes()[0],
            firmware: FwVersion::from_bits(dword(0x6c)?),
            download: DownloadControl::from_bits(low_word(both)),
            rom: RomControl::from_bits(low_word(both >> 16)),
            rom_id: RomInformation::from_bits(dword(0xec)?).id(),
            parameter: RomConfiguration::from_bits(dword(0xf0)?),
            controller,
        })
    }

    /// What the card is at, judged by version, readiness, error and all ones; not by result bits.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let ones = self.ids == (u16::MAX, u16::MAX) || self.download.bits() == u16::MAX;
        let version = self.firmware.running();
        match (self.controller, version) {
            _ if ones => Verdict::Gone,
            (Seen::Gone, _) => Verdict::Gone,
            (Seen::Unreadable, version) => Verdict::Unknown { version },
            (Seen::Registers { status, .. }, Some(version))
                if status.controller_not_ready() || status.host_controller_error() =>
            {
                Verdict::NotReady { version, status }
            }
            (Seen::Registers { .. }, Some(version)) => Verdict::Ready { version },
            (Seen::Registers { status, .. }, None) if status.host_controller_error() => {
                Verdict::BadRom
            }
            (Seen::Registers { .. }, None) => Verdict::NoFirmware,
        }
    }

    /// The ROM's name, if the table has it.
    #[must_use]
    pub fn rom_name<'a>(&self, table: &'a RomTable) -> Option<&'a str> {
        table.find(self.rom_id).map(|row| row.name.as_str())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str(
                "nobody answers (all ones): the card is gone, asleep or hung; power it off and on",
            ),
            Self::Ready { version } => {
                write!(f, "firmware {version} runs, the USB controller is ready")
            }
            Self::NotReady { version, status } => write!(
                f,
                "firmware {version} is there, but the USB controller is not ready ({}); if it stays so, power the card off and on",
                status.describe()
            ),
            Self::BadRom => {
                f.write_str("the ROM holds no good firmware; load some, then write the ROM anew")
            }
            Self::NoFirmware => f.write_str("no firmware runs; load some"),
            Self::Unknown {
                version: Some(version),
            } => write!(
                f,
                "firmware {version} is there; whether it works cannot be told while BAR 0 cannot be read"
            ),
            Self::Unknown { version: None } => {
                f.write_str("no firmware runs (BAR 0 cannot be read)")
            }
        }
    }
}

fn low_word(bits: u32) -> u16 {
    let [a, b, ..] = bits.to_le_bytes();
    u16::from_le_bytes([a, b])
}
