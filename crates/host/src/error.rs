use std::time::Duration;

use usb_class::hid::KeyboardError;
use usb_class::scsi;
use usb_spec::EndpointAddress;
use xhci_driver::{Death, OperationError, StartError, TransferError};
use xhci_hal::DmaError;
use xhci_spec::number::SlotId;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The way to the controller could not be opened.
    #[error("the controller cannot be reached: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No thread for the engine.
    #[error("no thread could be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The controller did not come up.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The controller was given up.
    #[error("the controller was given up: {0}")]
    Died(Death),
    /// The engine has ended.
    #[error("the host has been shut down; start it again")]
    Stopped,
    /// Too much time has passed.
    #[error("{what} took longer than {} ms", .limit.as_millis())]
    TimedOut {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// No memory for DMA.
    #[error(transparent)]
    Memory(#[from] DmaError),
    /// There is no such device.
    #[error("no device is in slot {} (any more); plug it in again", .slot.get())]
    NoDevice {
        /// The slot it was looked for in.
        slot: SlotId,
    },
    /// There is no such interface.
    #[error("the device has no interface {number}; look at its descriptors")]
    NoInterface {
        /// Its number.
        number: u8,
    },
    /// There is no such endpoint, or it is not in this interface.
    #[error("the interface has no {address}; look at its descriptors")]
    NoEndpoint {
        /// Its address.
        address: EndpointAddress,
    },
    /// The endpoint is not what it was taken for.
    #[error("{address} is not a {wanted} endpoint")]
    WrongEndpoint {
        /// Its address.
        address: EndpointAddress,
        /// What was asked for, as `bulk IN`.
        wanted: &'static str,
    },
    /// Someone else uses it.
    #[error("{what} is in use; drop the other handle first")]
    InUse {
        /// What.
        what: String,
    },
    /// The device has nothing of this class.
    #[error("the device is no {wanted}; choose another")]
    WrongClass {
        /// What was looked for.
        wanted: &'static str,
    },
    /// The range does not fit the buffer.
    #[error("{wanted} bytes do not fit a buffer of {len}; allocate a larger one")]
    BufferTooSmall {
        /// How many bytes were asked for.
        wanted: usize,
        /// How many there are.
        len: usize,
    },
    /// A transfer failed.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// An operation failed.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// A disk failed.
    #[error(transparent)]
    Disk(#[from] scsi::Error),
    /// A keyboard failed.
    #[error(transparent)]
    Keyboard(#[from] KeyboardError),
}
