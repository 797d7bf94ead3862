//! The HID descriptor. HID 1.11 §6.2.1.

use super::error::body;
use super::{Bcd, DescriptorError, DescriptorKind};
use crate::wire::{le16, put, u8_at};

/// A HID descriptor with its report descriptor; optional physical descriptors are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hid {
    /// `bcdHID`.
    #[doc(alias = "bcdHID")]
    pub version: Bcd,
    /// `bCountryCode`; 0 means not localised, 33 US.
    #[doc(alias = "bCountryCode")]
    pub country: u8,
    /// `wDescriptorLength` of the report descriptor; 0 if the device lists none.
    #[doc(alias = "wDescriptorLength")]
    pub report_length: u16,
}

impl Hid {
    /// The size of the descriptor with one report descriptor.
    pub const LENGTH: usize = 9;

    /// Reads the descriptor at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::HID, 9)?;
        let count = usize::from(u8_at(b, 5));
        let report_length = b
            .get(6..)
            .unwrap_or(&[])
            .chunks_exact(3)
            .take(count)
            .find(|entry| u8_at(entry, 0) == DescriptorKind::HID_REPORT.0)
            .map_or(0, |entry| le16(entry, 1));
        Ok(Self {
            version: Bcd(le16(b, 2)),
            country: u8_at(b, 4),
            report_length,
        })
    }

    /// The bytes on the wire, with the report descriptor as the only one.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(&mut out, 0, &[9, DescriptorKind::HID.0]);
        put(&mut out, 2, &self.version.0.to_le_bytes());
        put(
            &mut out,
            4,
            &[self.country, 1, DescriptorKind::HID_REPORT.0],
        );
        put(&mut out, 7, &self.report_length.to_le_bytes());
        out
    }
}
