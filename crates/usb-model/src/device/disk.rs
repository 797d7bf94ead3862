//! A disk: SCSI over Bulk-Only. Mass Storage Bulk-Only 1.0 ("BOT").
//!
//! The disk holds no byte of its medium. Reads and writes leave as [`Work`](crate::Work) on the very buffers of the request.

mod bot;
mod data;
mod inquiry;
mod medium;
mod scsi;

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use memory::Slice;
use usb_spec::class::ClassCode;
use usb_spec::class::mass_storage::{Protocol, Subclass};
use usb_spec::{Direction, EndpointAddress, Speed, TransferKind};

use super::{PRODUCT_DISK, VENDOR};
use crate::chapter9::{Blueprint, ConfigurationPlan, Device, EndpointPlan, Identity, Setting};

pub use self::bot::DiskFunction;

/// Where data and status come from.
pub(super) const BULK_IN: EndpointAddress = EndpointAddress::new(1, Direction::In);
/// Where commands and data go.
pub(super) const BULK_OUT: EndpointAddress = EndpointAddress::new(2, Direction::Out);

/// Sixteen packets in a burst, the most there can be. USB 3.2 §9.6.7.
const BURST_Z: u8 = 15;

/// The size of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlockSize {
    /// As most disks show themselves.
    #[default]
    Bytes512,
    /// As a few large ones do.
    Bytes4096,
}

impl BlockSize {
    /// The size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Bytes512 => 512,
            Self::Bytes4096 => 4096,
        }
    }
}

/// How the disk ends a data stage that is shorter than the host asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShortData {
    /// It halts the endpoint, as BOT §6.7.2 and §6.7.3 want it.
    #[default]
    Stall,
    /// It sends a short packet, empty if need be, and swallows what it does not want: what sticks do whose makers mistrusted hosts.
    ShortPacket,
}

/// What a disk is like.
#[derive(Clone, Debug)]
pub struct DiskOptions {
    /// Its speed. Low speed knows no bulk endpoints, so it becomes full speed.
    pub speed: Speed,
    /// How many blocks its medium has.
    pub blocks: u64,
    /// How large each is.
    pub block_size: BlockSize,
    /// Whether its medium is write-protected.
    pub read_only: bool,
    /// Whether it says that its medium can be taken out, as sticks do.
    pub removable: bool,
    /// How it ends data stages early.
    pub short_data: ShortData,
    /// The maker, eight characters in INQUIRY.
    pub vendor: String,
    /// The product, sixteen characters in INQUIRY.
    pub product: String,
    /// The revision, four characters.
    pub revision: String,
    /// The serial number; BOT §4.1.1 wants at least twelve hexadecimal digits.
    pub serial: String,
}

impl Default for DiskOptions {
    /// A super-speed stick of 64 MiB.
    fn default() -> Self {
        Self {
            speed: Speed::Super,
            blocks: 131_072,
            block_size: BlockSize::Bytes512,
            read_only: false,
            removable: true,
            short_data: ShortData::Stall,
            vendor: "Doorbell".to_string(),
            product: "Disk".to_string(),
            revision: "1.0".to_string(),
            serial: "0123456789AB".to_string(),
        }
    }
}

/// A disk on a cable.
pub type Disk<S> = Device<DiskFunction, S>;

impl<S: Slice> Device<DiskFunction, S> {
    /// A disk that has just been plugged in.
    #[must_use]
    pub fn new(options: DiskOptions) -> Self {
        let blueprint = blueprint(&options);
        let speed = blueprint.speed;
        Self::with_function(blueprint, DiskFunction::new(options, bulk_size(speed)))
    }

    /// Takes the medium out of the disk, or puts it back in, which the host learns as a unit attention.
    pub fn set_medium_present(&mut self, present: bool) {
        self.function_mut().set_medium_present(present);
    }
}

pub(super) fn bulk_size(speed: Speed) -> u16 {
    speed.largest_packet(TransferKind::Bulk).unwrap_or(64)
}

/// The disk as an interface with these endpoints.
pub(super) fn setting(
    speed: Speed,
    interface: u8,
    bulk_in: EndpointAddress,
    bulk_out: EndpointAddress,
) -> Setting {
    let burst_z = if speed.is_super() { BURST_Z } else { 0 };
    let endpoint = |address| EndpointPlan {
        address,
        kind: TransferKind::Bulk,
        max_packet: bulk_size(speed),
        interval: 0,
        burst_z,
    };
    Setting {
        interface,
        alternate: 0,
        class: [
            ClassCode::MASS_STORAGE.0,
            Subclass::SCSI.0,
            Protocol::BULK_ONLY.0,
        ],
        class_descriptors: Vec::new(),
        endpoints: vec![endpoint(bulk_in), endpoint(bulk_out)],
    }
}

fn blueprint(options: &DiskOptions) -> Blueprint {
    let speed = if options.speed == Speed::Low {
        Speed::Full
    } else {
        options.speed
    };
    let identity = Identity {
        vendor: VENDOR,
        product: PRODUCT_DISK,
        release: 0x0100,
        manufacturer_name: options.vendor.clone(),
        product_name: options.product.clone(),
        serial: options.serial.clone(),
    };
    let other_speed_settings = if speed == Speed::High {
        vec![setting(Speed::Full, 0, BULK_IN, BULK_OUT)]
    } else {
        Vec::new()
    };
    Blueprint {
        configurations: ConfigurationPlan::only(
            vec![setting(speed, 0, BULK_IN, BULK_OUT)],
            other_speed_settings,
        ),
        max_power_ma: if speed.is_super() { 504 } else { 200 },
        ..Blueprint::of(speed, identity)
    }
}
