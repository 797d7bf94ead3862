//! What a test asks of the driver: transfers and operations, each with a name of its own and an answer that is waited for.

use std::time::Duration;

use usb_spec::Setup;
use xhci_driver::{
    EndpointKey, Lane, Operation, OperationError, OperationId, TransferId, TransferRequest,
};
use xhci_hal::Dma;
use xhci_spec::number::{Dci, SlotId};

use super::{Done, Hang, Pair};
use crate::{Buffer, World};

impl Pair {
    /// A buffer of `len` bytes that begins `skew` bytes behind a multiple of 64.
    ///
    /// # Panics
    /// If there is no memory.
    pub fn buffer(&mut self, len: usize, skew: usize) -> Buffer {
        let whole = self.pool.alloc((len + skew).max(1), 64, self.limit);
        let whole = whole.expect("memory for a buffer");
        whole.narrow(skew..skew + len)
    }

    /// Begins a transfer under a new name.
    pub fn submit(&mut self, mut request: TransferRequest<Buffer>) -> TransferId {
        self.names += 1;
        let id = TransferId(self.names);
        request.id = id;
        self.out.insert(id);
        self.touched = true;
        let now = self.clock.now();
        match self.lane(request.endpoint) {
            Some(lane) => lane.submit(request, now),
            None => self.control.submit(request, now),
        }
        id
    }

    /// Takes a transfer back.
    pub fn cancel(&mut self, key: EndpointKey, id: TransferId) {
        self.touched = true;
        let now = self.clock.now();
        match self.lane(key) {
            Some(lane) => lane.cancel(key, id, now),
            None => self.control.cancel(key, id, now),
        }
    }

    /// Asks the driver for an operation.
    pub fn request(&mut self, operation: Operation) -> OperationId {
        self.names += 1;
        let id = OperationId(self.names);
        self.operations_out.insert(id);
        self.touched = true;
        self.control.request(id, operation, self.clock.now());
        id
    }

    /// How a transfer ended, once it has; it is told once.
    pub fn take_done(&mut self, id: TransferId) -> Option<Done> {
        self.done.remove(&id)
    }

    /// How an operation ended, once it has; it is told once.
    pub fn take_operation(&mut self, id: OperationId) -> Option<Result<(), OperationError>> {
        self.operations.remove(&id)
    }

    /// A control transfer on endpoint 0 of a device; `bytes` are sent, or there is room for as many as the setup packet says.
    ///
    /// # Errors
    /// [`Hang`] if it does not end.
    pub fn control(&mut self, slot: SlotId, setup: Setup, bytes: &[u8]) -> Result<Done, Hang> {
        let length = usize::from(setup.length);
        let buffer = (length > 0).then(|| {
            let mut buffer = self.buffer(length, 0);
            buffer[..bytes.len()].copy_from_slice(bytes);
            buffer
        });
        let id = self.submit(TransferRequest {
            id: TransferId(0),
            endpoint: EndpointKey {
                slot,
                dci: Dci::CONTROL,
            },
            setup: Some(setup),
            buffer,
            length,
            deadline: Some(self.clock.now() + Duration::from_secs(5)),
        });
        self.wait_done(id)
    }

    /// Begins a transfer of `length` bytes from an endpoint that is not endpoint 0, into a new buffer.
    pub fn submit_in(&mut self, key: EndpointKey, length: usize) -> TransferId {
        let skew = self.random.index(64);
        let buffer = self.buffer(length, skew);
        self.submit(TransferRequest {
            id: TransferId(0),
            endpoint: key,
            setup: None,
            buffer: Some(buffer),
            length,
            deadline: None,
        })
    }

    /// Waits for a transfer's end.
    ///
    /// # Errors
    /// [`Hang`] if it does not come within 60 s.
    pub fn wait_done(&mut self, id: TransferId) -> Result<Done, Hang> {
        self.wait("a transfer's end", Duration::from_secs(60), |pair| {
            pair.take_done(id)
        })
    }

    /// Carries an operation out.
    ///
    /// # Errors
    /// [`Hang`] if its end does not come within 120 s.
    pub fn operate(&mut self, operation: Operation) -> Result<Result<(), OperationError>, Hang> {
        let id = self.request(operation);
        self.wait("an operation's end", Duration::from_secs(120), |pair| {
            pair.take_operation(id)
        })
    }

    fn lane(&mut self, key: EndpointKey) -> Option<&mut Lane<World>> {
        let number = self.control.lane_of(key)?;
        let mut lanes = self.lanes.iter_mut();
        lanes.find(|lane| lane.interrupter() == number)
    }
}
