use usb_model::AttachError as HubError;
use volmem::PoolError;
use xhci_model::AttachError;

use crate::Location;

/// Why there is no such controller, or no such device on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// No memory for DMA.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A disk's image cannot be used.
    #[error(transparent)]
    Open(#[from] block::OpenError),
    /// A fault that would never be met.
    #[error(
        "`{option}={at}` lies behind the end of the disk, which has {len} bytes; choose a smaller number"
    )]
    Outside {
        /// The option that asks for it.
        option: &'static str,
        /// At which byte.
        at: u64,
        /// How many bytes the disk has.
        len: u64,
    },
    /// Every port that fits is taken.
    #[error(
        "there is no free port for `{device}`; give the controller more, as in `model:{options}`"
    )]
    NoPort {
        /// What should have been plugged in.
        device: String,
        /// The options that make ports for it.
        options: &'static str,
    },
    /// The wires that are there do not carry the speed that was asked for.
    #[error("`{device}` does not run at its speed there; leave its speed out")]
    NoFit {
        /// What should have been plugged in.
        device: String,
    },
    /// There are five hubs above.
    #[error("`{device}` would be behind more than five hubs; plug it in nearer to the controller")]
    TooDeep {
        /// What should have been plugged in.
        device: String,
    },
    /// The port does not take the device.
    #[error("`{device}` cannot be plugged in at {at}: {reason}")]
    Attach {
        /// What should have been plugged in.
        device: String,
        /// Where.
        at: Location,
        /// Why not.
        reason: AttachError,
    },
    /// The hub does not take the device.
    #[error("`{device}` cannot be plugged into port {port} of the hub at {hub}: {reason}")]
    Refused {
        /// What should have been plugged in.
        device: String,
        /// The hub.
        hub: Location,
        /// Its port.
        port: u8,
        /// Why not.
        reason: HubError,
    },
    /// Nothing is there.
    #[error("nothing is plugged in at {at}")]
    Empty {
        /// Where.
        at: Location,
    },
    /// There is something else there.
    #[error("what is plugged in at {at} is no {wanted}")]
    Other {
        /// Where.
        at: Location,
        /// What should be there.
        wanted: &'static str,
    },
}
