//! What INQUIRY answers: the standard data and three pages of vital product data. SPC-4 §6.6.2, §7.8; SBC-3 §6.6 (unchecked).

use crate::open::open_number;
use crate::wire::{Emitted, be16, be32, be64, put, take, u8_at};

open_number! {
    /// A page of vital product data.
    pub struct VpdPage(u8) {
        SUPPORTED_PAGES = 0x00 => "supported VPD pages",
        UNIT_SERIAL_NUMBER = 0x80 => "unit serial number",
        DEVICE_IDENTIFICATION = 0x83 => "device identification",
        BLOCK_LIMITS = 0xb0 => "block limits",
        BLOCK_CHARACTERISTICS = 0xb1 => "block device characteristics",
        LOGICAL_BLOCK_PROVISIONING = 0xb2 => "logical block provisioning",
    }
}

open_number! {
    /// The kind of a unit, bits 4:0 of the first byte.
    pub struct PeripheralType(u8) {
        DISK = 0x00 => "disk",
        TAPE = 0x01 => "tape",
        CD_DVD = 0x05 => "CD/DVD",
        OPTICAL = 0x07 => "optical memory",
        ENCLOSURE = 0x0d => "enclosure",
        SIMPLIFIED_DISK = 0x0e => "simplified disk",
        NONE = 0x1f => "unknown or none",
    }
}

/// Standard INQUIRY data, the first 36 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Inquiry {
    /// Bits 7:5 of the first byte; 0 means that a unit is there, 3 that none can be.
    pub qualifier: u8,
    /// The kind of unit.
    pub peripheral: PeripheralType,
    /// `RMB`: the medium can be taken out.
    pub removable: bool,
    /// The version of SPC claimed: 4 SPC-2, 5 SPC-3, 6 SPC-4; sticks often say 0 or 2.
    pub version: u8,
    /// Eight characters of ASCII, filled with spaces.
    pub vendor: [u8; 8],
    /// Sixteen characters of ASCII, filled with spaces.
    pub product: [u8; 16],
    /// Four characters of ASCII, filled with spaces.
    pub revision: [u8; 4],
}

impl Inquiry {
    /// The size of the data.
    pub const LENGTH: usize = 36;

    /// Reads the data; strings that are cut short are filled with spaces. `None` below the five bytes that head it.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < 5 {
            return None;
        }
        let mut b = [b' '; Self::LENGTH];
        put(&mut b, 0, bytes);
        Some(Self {
            qualifier: b[0] >> 5,
            peripheral: PeripheralType(b[0] & 0x1f),
            removable: b[1] & 0x80 != 0,
            version: b[2],
            vendor: take(&b, 8),
            product: take(&b, 16),
            revision: take(&b, 32),
        })
    }

    /// The bytes on the wire, with response data format 2.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        let head = (self.qualifier << 5) | (self.peripheral.0 & 0x1f);
        put(
            &mut out,
            0,
            &[head, u8::from(self.removable) << 7, self.version, 2, 31],
        );
        put(&mut out, 8, &self.vendor);
        put(&mut out, 16, &self.product);
        put(&mut out, 32, &self.revision);
        out
    }

    /// `text` in a field of `N` characters: cut or filled with spaces, what is not printable ASCII becomes `?`.
    #[must_use]
    pub fn field<const N: usize>(text: &str) -> [u8; N] {
        let mut out = [b' '; N];
        for (to, c) in out.iter_mut().zip(text.chars()) {
            *to = u8::try_from(c)
                .ok()
                .filter(|byte| (0x20..0x7f).contains(byte))
                .unwrap_or(b'?');
        }
        out
    }

    /// A field's characters without the filling; what is not printable ASCII becomes `?`.
    pub fn text(field: &[u8]) -> impl Iterator<Item = char> + '_ {
        let end = field
            .iter()
            .rposition(|byte| !matches!(byte, b' ' | 0))
            .map_or(0, |last| last + 1);
        let used = field.get(..end).unwrap_or(field);
        used.iter().map(|byte| {
            if (0x20..0x7f).contains(byte) {
                char::from(*byte)
            } else {
                '?'
            }
        })
    }
}

/// The body of a page if it is this one, cut to its length.
fn page(bytes: &[u8], wanted: VpdPage) -> Option<&[u8]> {
    let rest = bytes.get(4..).filter(|_| u8_at(bytes, 1) == wanted.0)?;
    Some(rest.get(..usize::from(be16(bytes, 2))).unwrap_or(rest))
}

/// Page 00h: the pages that the unit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupportedPages<'a> {
    pages: &'a [u8],
}

impl<'a> SupportedPages<'a> {
    /// Reads the page.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        Some(Self {
            pages: page(bytes, VpdPage::SUPPORTED_PAGES)?,
        })
    }

    /// The pages, which should be in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = VpdPage> + use<'a> {
        self.pages.iter().map(|code| VpdPage(*code))
    }

    /// The bytes of a disk's page with these pages, of which the first 32 fit.
    #[must_use]
    pub fn emit(pages: &[VpdPage]) -> Emitted<36> {
        let mut out = Emitted::new();
        let pages = pages.get(..32).unwrap_or(pages);
        out.push(&[
            PeripheralType::DISK.0,
            VpdPage::SUPPORTED_PAGES.0,
            0,
            u8::try_from(pages.len()).unwrap_or(32),
        ]);
        for code in pages {
            out.push(&[code.0]);
        }
        out
    }
}

/// Page 80h: the serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitSerialNumber<'a> {
    /// ASCII; print it with [`Inquiry::text`].
    pub serial: &'a [u8],
}

impl<'a> UnitSerialNumber<'a> {
    /// Reads the page.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        Some(Self {
            serial: page(bytes, VpdPage::UNIT_SERIAL_NUMBER)?,
        })
    }

    /// The bytes of a disk's page with this serial number, of which the first 60 bytes fit.
    #[must_use]
    pub fn emit(serial: &[u8]) -> Emitted<64> {
        let mut out = Emitted::new();
        let serial = serial.get(..60).unwrap_or(serial);
        out.push(&[
            PeripheralType::DISK.0,
            VpdPage::UNIT_SERIAL_NUMBER.0,
            0,
            u8::try_from(serial.len()).unwrap_or(60),
        ]);
        out.push(serial);
        out
    }
}

/// Page B0h: how much a command may move; 0 means that the unit does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BlockLimits {
    /// Blocks; transfers that are no multiple of it may be slow.
    pub optimal_granularity: u16,
    /// The most blocks in one command.
    pub maximum_transfer: u32,
    /// Blocks above which commands may be slow.
    pub optimal_transfer: u32,
    /// The most blocks in one UNMAP.
    pub maximum_unmap: u32,
    /// The most descriptors in one UNMAP.
    pub maximum_unmap_descriptors: u32,
    /// The most blocks in one WRITE SAME.
    pub maximum_write_same: u64,
}

impl BlockLimits {
    /// The size of the page.
    pub const LENGTH: usize = 64;

    /// Reads the page; of the older one with 16 bytes, the rest counts as 0.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let b = page(bytes, VpdPage::BLOCK_LIMITS)?;
        Some(Self {
            optimal_granularity: be16(b, 2),
            maximum_transfer: be32(b, 4),
            optimal_transfer: be32(b, 8),
            maximum_unmap: be32(b, 16),
            maximum_unmap_descriptors: be32(b, 20),
            maximum_write_same: be64(b, 32),
        })
    }

    /// The bytes of a disk's page.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(
            &mut out,
            0,
            &[PeripheralType::DISK.0, VpdPage::BLOCK_LIMITS.0, 0, 60],
        );
        put(&mut out, 6, &self.optimal_granularity.to_be_bytes());
        put(&mut out, 8, &self.maximum_transfer.to_be_bytes());
        put(&mut out, 12, &self.optimal_transfer.to_be_bytes());
        put(&mut out, 20, &self.maximum_unmap.to_be_bytes());
        put(&mut out, 24, &self.maximum_unmap_descriptors.to_be_bytes());
        put(&mut out, 36, &self.maximum_write_same.to_be_bytes());
        out
    }
}
