//! The devices: each one a file, each one a [`Function`](crate::chapter9::Function) behind chapter 9.
//!
//! # Ids
//! All carry the vendor id 0x1209 of pid.codes, with product ids that it keeps for tests, 0x0001 and following. They are for this model and for
//! nothing that is sold. Two devices have the ids by which stock drivers find them: [`Zero`], and [`Serial`] unless it is raw.

mod composite;
mod disk;
mod hub;
mod keyboard;
mod serial;
mod tablet;
mod zero;

pub use composite::{Composite, CompositeFunction, CompositeOptions};
pub use disk::{BlockSize, Disk, DiskFunction, DiskOptions, ShortData};
pub use hub::{HUB_PORTS_MAX, Hub, HubFunction, HubOptions, HubPair, TranslatorRequests};
pub use keyboard::{Keyboard, KeyboardFunction, KeyboardOptions};
pub use serial::{Framing, Serial, SerialFunction, SerialOptions};
pub use tablet::{Pointer, TABLET_EDGE, Tablet, TabletFunction, TabletOptions};
pub use zero::{Pattern, ZERO_PRODUCT, ZERO_VENDOR, Zero, ZeroFunction, ZeroOptions};

/// The vendor id of pid.codes.
pub const VENDOR: u16 = 0x1209;
/// The product id of [`Disk`].
pub const PRODUCT_DISK: u16 = 0x0001;
/// The product id of [`Keyboard`].
pub const PRODUCT_KEYBOARD: u16 = 0x0002;
/// The product id of [`Hub`].
pub const PRODUCT_HUB: u16 = 0x0003;
/// The product id of [`Serial`] without framing.
pub const PRODUCT_SERIAL: u16 = 0x0004;
/// The product id of [`Tablet`].
pub const PRODUCT_TABLET: u16 = 0x0005;
/// The product id of [`Composite`].
pub const PRODUCT_COMPOSITE: u16 = 0x0006;
