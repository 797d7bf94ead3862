//! Device and device qualifier descriptors. USB 2.0 §9.6.1 and §9.6.2, USB 3.2 §9.6.1.

use super::error::body;
use super::{DescriptorError, DescriptorKind};
use crate::Speed;
use crate::wire::{le16, put, u8_at};

/// A number in binary-coded decimal, `0xJJMN` for version JJ.M.N.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bcd(pub u16);

impl core::fmt::Display for Bcd {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:x}.{:02x}", self.0 >> 8, self.0 & 0xff)
    }
}

/// The device descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Device {
    /// `bcdUSB`: the version the device obeys.
    #[doc(alias = "bcdUSB")]
    pub usb_version: Bcd,
    /// `bDeviceClass`; 0 means that the interfaces tell.
    #[doc(alias = "bDeviceClass")]
    pub class: u8,
    /// `bDeviceSubClass`.
    #[doc(alias = "bDeviceSubClass")]
    pub subclass: u8,
    /// `bDeviceProtocol`.
    #[doc(alias = "bDeviceProtocol")]
    pub protocol: u8,
    /// `bMaxPacketSize0` as it stands: bytes, or the exponent of two from SuperSpeed on. See [`Device::ep0_max_packet_size`].
    #[doc(alias = "bMaxPacketSize0")]
    pub max_packet_size_0: u8,
    /// `idVendor`.
    #[doc(alias = "idVendor")]
    pub vendor: u16,
    /// `idProduct`.
    #[doc(alias = "idProduct")]
    pub product: u16,
    /// `bcdDevice`: the vendor's version of the product.
    #[doc(alias = "bcdDevice")]
    pub device_version: Bcd,
    /// `iManufacturer`; 0 means none.
    #[doc(alias = "iManufacturer")]
    pub manufacturer_string: u8,
    /// `iProduct`; 0 means none.
    #[doc(alias = "iProduct")]
    pub product_string: u8,
    /// `iSerialNumber`; 0 means none.
    #[doc(alias = "iSerialNumber")]
    pub serial_string: u8,
    /// `bNumConfigurations`.
    #[doc(alias = "bNumConfigurations")]
    pub configurations: u8,
}

impl Device {
    /// The size of the descriptor.
    pub const LENGTH: usize = 18;

    /// Reads the descriptor at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::DEVICE, 18)?;
        Ok(Self {
            usb_version: Bcd(le16(b, 2)),
            class: u8_at(b, 4),
            subclass: u8_at(b, 5),
            protocol: u8_at(b, 6),
            max_packet_size_0: u8_at(b, 7),
            vendor: le16(b, 8),
            product: le16(b, 10),
            device_version: Bcd(le16(b, 12)),
            manufacturer_string: u8_at(b, 14),
            product_string: u8_at(b, 15),
            serial_string: u8_at(b, 16),
            configurations: u8_at(b, 17),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let mut out = [0; Self::LENGTH];
        put(&mut out, 0, &[18, DescriptorKind::DEVICE.0]);
        put(&mut out, 2, &self.usb_version.0.to_le_bytes());
        put(
            &mut out,
            4,
            &[
                self.class,
                self.subclass,
                self.protocol,
                self.max_packet_size_0,
            ],
        );
        put(&mut out, 8, &self.vendor.to_le_bytes());
        put(&mut out, 10, &self.product.to_le_bytes());
        put(&mut out, 12, &self.device_version.0.to_le_bytes());
        put(
            &mut out,
            14,
            &[
                self.manufacturer_string,
                self.product_string,
                self.serial_string,
                self.configurations,
            ],
        );
        out
    }

    /// Endpoint 0's packet size, or `None` if this speed forbids what the device says.
    #[must_use]
    pub fn ep0_max_packet_size(&self, speed: Speed) -> Option<u16> {
        speed.ep0_max_packet_size(self.max_packet_size_0)
    }

    /// Reads `bMaxPacketSize0` from the first eight bytes, all that a host can ask before it knows the packet size.
    ///
    /// # Errors
    /// Another kind, a `bLength` below 18, or fewer than eight bytes.
    pub fn parse_max_packet_size_0(prefix: &[u8]) -> Result<u8, DescriptorError> {
        let &[length, kind, _, _, _, _, _, max_packet_size_0, ..] = prefix else {
            return Err(DescriptorError::Truncated {
                at: 0,
                length: 8,
                available: prefix.len(),
            });
        };
        if kind != DescriptorKind::DEVICE.0 {
            return Err(DescriptorError::WrongKind {
                expected: DescriptorKind::DEVICE,
                found: DescriptorKind(kind),
            });
        }
        if length < 18 {
            return Err(DescriptorError::LengthTooSmall {
                at: 0,
                length,
                needed: 18,
            });
        }
        Ok(max_packet_size_0)
    }
}

/// What a high-speed device would say at full speed, or the reverse. USB 2.0 §9.6.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceQualifier {
    /// `bcdUSB`.
    pub usb_version: Bcd,
    /// `bDeviceClass`.
    pub class: u8,
    /// `bDeviceSubClass`.
    pub subclass: u8,
    /// `bDeviceProtocol`.
    pub protocol: u8,
    /// `bMaxPacketSize0` at the other speed.
    pub max_packet_size_0: u8,
    /// `bNumConfigurations` at the other speed.
    pub configurations: u8,
}

impl DeviceQualifier {
    /// The size of the descriptor.
    pub const LENGTH: usize = 10;

    /// Reads the descriptor at the start of `bytes`.
    ///
    /// # Errors
    /// Another kind, or fewer bytes than the layout has.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let b = body(bytes, DescriptorKind::DEVICE_QUALIFIER, 10)?;
        Ok(Self {
            usb_version: Bcd(le16(b, 2)),
            class: u8_at(b, 4),
            subclass: u8_at(b, 5),
            protocol: u8_at(b, 6),
            max_packet_size_0: u8_at(b, 7),
            configurations: u8_at(b, 8),
        })
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LENGTH] {
        let [v0, v1] = self.usb_version.0.to_le_bytes();
        [
            10,
            DescriptorKind::DEVICE_QUALIFIER.0,
            v0,
            v1,
            self.class,
            self.subclass,
            self.protocol,
            self.max_packet_size_0,
            self.configurations,
            0,
        ]
    }
}
