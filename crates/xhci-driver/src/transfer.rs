use usb_spec::setup::Setup;
use usb_spec::time::Instant;

use crate::{EndpointKey, TransferError};

/// Names a transfer; whoever submits it chooses the name, the driver only repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub u64);

/// A transfer to be made. The buffer belongs to the driver until it comes back in [`TransferDone`].
#[derive(Debug)]
pub struct TransferRequest<B> {
    /// Comes back with the answer.
    pub id: TransferId,
    /// Which endpoint.
    pub endpoint: EndpointKey,
    /// The setup packet; on control endpoints and nowhere else.
    pub setup: Option<Setup>,
    /// The data, or room for it; `None` when there is none.
    pub buffer: Option<B>,
    /// How many bytes of the buffer to use.
    pub length: usize,
    /// When to give up.
    pub deadline: Option<Instant>,
}

/// A transfer that has ended.
#[derive(Debug)]
pub struct TransferDone<B> {
    /// The request's name.
    pub id: TransferId,
    /// Its endpoint.
    pub endpoint: EndpointKey,
    /// The request's buffer.
    pub buffer: Option<B>,
    /// How many bytes were moved: valid with an error, too.
    pub bytes: usize,
    /// How it ended.
    pub status: Result<(), TransferError>,
}
