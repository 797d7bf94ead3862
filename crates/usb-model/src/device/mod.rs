//! The devices: each one a file, each one a [`Function`](crate::chapter9::Function) behind chapter 9.
//!
//! # Ids
//! All carry the vendor id 0x1209 of pid.codes, with product ids that it keeps for tests, 0x0001 and following. They are for this model and for
//! nothing that is sold.

mod disk;
mod hub;
mod keyboard;

pub use disk::{BlockSize, Disk, DiskFunction, DiskOptions, ShortData};
pub use hub::{Hub, HubFunction, HubOptions, HubPair, PORTS_MAX, TranslatorRequests};
pub use keyboard::{Keyboard, KeyboardFunction, KeyboardOptions};

/// The vendor id of pid.codes.
pub const VENDOR: u16 = 0x1209;
/// The product id of [`Disk`].
pub const PRODUCT_DISK: u16 = 0x0001;
/// The product id of [`Keyboard`].
pub const PRODUCT_KEYBOARD: u16 = 0x0002;
/// The product id of [`Hub`].
pub const PRODUCT_HUB: u16 = 0x0003;
