use renesas_spec::POWER_MANAGEMENT;
use renesas_spec::registers::{
    DownloadControl, FwVersion, Mailbox, RomConfiguration, RomControl, RomInformation,
};
use xhci_hal::{ConfigSpace, Mmio, Width};
use xhci_spec::registers::{Register, UsbCmd, UsbSts, low_half};

use crate::Error;

/// What the USB controller's own registers say, as far as they can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// USBCMD and USBSTS.
    Registers {
        /// Run or stop, above all.
        command: UsbCmd,
        /// Halted, not ready, error.
        status: UsbSts,
    },
    /// All ones: nobody answers.
    Gone,
    /// The registers cannot be reached: BAR 0 is not mapped, memory space is off, or the card sleeps (D3hot).
    Unreadable,
}

/// Reads the USB controller's command and status. Any `Fn() -> Seen` does; [`Bar`] does it through BAR 0.
pub trait ControllerStatus {
    /// Reads both, now.
    fn read(&self) -> Seen;
}

impl<F: Fn() -> Seen> ControllerStatus for F {
    fn read(&self) -> Seen {
        self()
    }
}

/// Reads the controller's status through BAR 0.
#[derive(Clone, Copy, Debug)]
pub struct Bar<M>(
    /// The registers.
    pub M,
);

impl<M: Mmio> ControllerStatus for Bar<M> {
    fn read(&self) -> Seen {
        let length = self.0.read32(0);
        if length == u32::MAX {
            return Seen::Gone;
        }
        let operational = length & 0xff;
        let command = UsbCmd::from_bits(self.0.read32(operational + UsbCmd::OFFSET));
        let status = UsbSts::from_bits(self.0.read32(operational + UsbSts::OFFSET));
        if status.bits() == u32::MAX {
            return Seen::Gone;
        }
        Seen::Registers { command, status }
    }
}

/// A card: its configuration space and its controller's status. Jobs are polled with one.
#[derive(Clone, Copy, Debug)]
pub struct Card<'a, C: ?Sized, S: ?Sized> {
    config: &'a C,
    status: &'a S,
}

impl<'a, C: ConfigSpace + ?Sized, S: ControllerStatus + ?Sized> Card<'a, C, S> {
    /// A card that is reached so.
    pub const fn new(config: &'a C, status: &'a S) -> Self {
        Self { config, status }
    }

    /// The controller's status. All ones mean nothing while memory space is off (PCI 3.0 §6.2.2, unchecked) or the card sleeps (PCI
    /// Power Management 1.2 §5.4, unchecked).
    pub(crate) fn seen(&self) -> Result<Seen, Error> {
        const COMMAND: u16 = 0x04;
        const MEMORY_SPACE: u32 = 0x2;
        let seen = self.status.read();
        if seen != Seen::Gone {
            return Ok(seen);
        }
        const PMCSR: u16 = POWER_MANAGEMENT + 4;
        const STATE: u32 = 0x3;
        let decodes = self.read(COMMAND, Width::Word)? & MEMORY_SPACE != 0;
        let asleep = self.read(PMCSR, Width::Word)? & STATE != 0;
        Ok(if decodes && !asleep {
            Seen::Gone
        } else {
            Seen::Unreadable
        })
    }

    /// Reads; all ones are an error wherever a register has bits that are always 0.
    pub(crate) fn read(&self, at: u16, width: Width) -> Result<u32, Error> {
        let value = self.config.read(at, width)?;
        let ones = match width {
            Width::Byte => 0xff,
            Width::Word => 0xffff,
            Width::Dword => u32::MAX,
        };
        if value == ones {
            return Err(Error::Gone { at });
        }
        Ok(value)
    }

    /// Reads a word of data, which may have any value.
    pub(crate) fn data(&self, mailbox: Mailbox) -> Result<u32, Error> {
        Ok(self
            .config
            .read(offset(mailbox.data_offset()), Width::Dword)?)
    }

    pub(crate) fn set_data(&self, mailbox: Mailbox, word: u32) -> Result<(), Error> {
        self.dword(mailbox.data_offset(), word)
    }

    pub(crate) fn version(&self) -> Result<FwVersion, Error> {
        Ok(FwVersion::from_bits(
            self.read(offset(FwVersion::OFFSET), Width::Dword)?,
        ))
    }

    pub(crate) fn download(&self) -> Result<DownloadControl, Error> {
        let bits = self.read(offset(DownloadControl::OFFSET), Width::Word)?;
        Ok(DownloadControl::from_raw(bits.into()))
    }

    pub(crate) fn rom(&self) -> Result<RomControl, Error> {
        let bits = self.read(offset(RomControl::OFFSET), Width::Word)?;
        Ok(RomControl::from_raw(bits.into()))
    }

    pub(crate) fn rom_id(&self) -> Result<u32, Error> {
        self.read(offset(RomInformation::OFFSET), Width::Dword)
    }

    pub(crate) fn parameter(&self) -> Result<RomConfiguration, Error> {
        let bits = self.read(offset(RomConfiguration::OFFSET), Width::Dword)?;
        Ok(RomConfiguration::from_bits(bits))
    }

    pub(crate) fn set_parameter(&self, parameter: RomConfiguration) -> Result<(), Error> {
        self.dword(RomConfiguration::OFFSET, parameter.bits())
    }

    /// Writes Enable and nothing else: the low byte, whose other bits ignore 0.
    pub(crate) fn set_download(&self, value: DownloadControl) -> Result<(), Error> {
        self.low_byte(DownloadControl::OFFSET, value.bits())
    }

    /// Writes Access, Erase and Reload and nothing else.
    pub(crate) fn set_rom(&self, value: RomControl) -> Result<(), Error> {
        self.low_byte(RomControl::OFFSET, value.bits())
    }

    /// Writes the mailbox bits of the download and nothing else: the high byte, which ignores 0.
    pub(crate) fn submit_download(&self, value: DownloadControl) -> Result<(), Error> {
        self.high_byte(DownloadControl::OFFSET, value.bits())
    }

    /// Writes the mailbox bits of the ROM and nothing else.
    pub(crate) fn submit_rom(&self, value: RomControl) -> Result<(), Error> {
        self.high_byte(RomControl::OFFSET, value.bits())
    }

    fn dword(&self, at: u32, value: u32) -> Result<(), Error> {
        Ok(self.config.write(offset(at), Width::Dword, value)?)
    }

    fn low_byte(&self, at: u32, bits: u16) -> Result<(), Error> {
        Ok(self
            .config
            .write(offset(at), Width::Byte, (bits & 0xff).into())?)
    }

    fn high_byte(&self, at: u32, bits: u16) -> Result<(), Error> {
        Ok(self
            .config
            .write(offset(at) + 1, Width::Byte, (bits >> 8).into())?)
    }
}

/// Offsets of our registers are below 100h.
fn offset(at: u32) -> u16 {
    let [a, b, ..] = low_half(at.into()).to_le_bytes();
    u16::from_le_bytes([a, b])
}
