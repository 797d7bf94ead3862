#![no_std]
#![forbid(unsafe_code)]
//! The data of the firmware and ROM interface of the Renesas uPD720201 and uPD720202.
//!
//! Each register is declared once ([`registers`]), through the same trait as the registers of xHCI; the layouts of a firmware
//! image ([`image`]) and of the vendor configuration block ([`vscd`]) and the table of ROM parts ([`rom_part`]) are data, too. The
//! loader and the model of the chip both read them here and know nothing of each other.
//!
//! # How sure this is
//!
//! The manual (R19UH0078EJ) is not public. Names, bits and access kinds come from loaders that work on cards, from dumps, and from
//! sentences of the manual that others quoted; so section numbers are marked "(unchecked)". What the bits of
//! [`RomConfiguration`](registers::RomConfiguration) mean, and with it the explanation why a download into some ROMs times out,
//! is *inferred* from public figures. No card was tried.
//!
//! # What this crate does not do
//!
//! It touches no register, keeps no time, allocates nothing and judges nothing. It holds no firmware and never will: firmware is
//! the vendor's.

mod crc;
pub mod image;
pub mod registers;
pub mod rom_part;
pub mod vscd;

pub use crc::crc16;

/// PCI vendor id of Renesas.
pub const VENDOR: u16 = 0x1912;
/// PCI device id of the uPD720201: four USB3 and four USB2 ports.
pub const UPD720201: u16 = 0x0014;
/// PCI device id of the uPD720202: two USB3 and two USB2 ports.
pub const UPD720202: u16 = 0x0015;
/// Where the chip has its PCI power management capability, as `lspci` shows it; PMCSR is 4 bytes on.
pub const POWER_MANAGEMENT: u16 = 0x50;
