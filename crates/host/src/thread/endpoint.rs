//! Endpoints whose kind and direction the compiler knows.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use usb_spec::{Direction, EndpointAddress, TransferKind};
use xhci_driver::{EndpointKey, Operation, TransferError};

use super::command::{Command, Order};
use super::device::Interface;
use super::mailbox::{Ended, Mailbox};
use crate::{Buffer, Error};

mod sealed {
    pub trait Sealed {}
}

/// The kind of an endpoint: [`Bulk`] or [`Interrupt`].
pub trait Kind: sealed::Sealed {
    /// As descriptors say it.
    const KIND: TransferKind;
}

/// The direction of an endpoint: [`In`] or [`Out`].
pub trait Way: sealed::Sealed {
    /// As descriptors say it.
    const DIRECTION: Direction;
}

/// Bulk endpoints.
#[derive(Clone, Copy, Debug)]
pub struct Bulk;

/// Interrupt endpoints.
#[derive(Clone, Copy, Debug)]
pub struct Interrupt;

/// From device to host.
#[derive(Clone, Copy, Debug)]
pub struct In;

/// From host to device.
#[derive(Clone, Copy, Debug)]
pub struct Out;

impl sealed::Sealed for Bulk {}
impl sealed::Sealed for Interrupt {}
impl sealed::Sealed for In {}
impl sealed::Sealed for Out {}

impl Kind for Bulk {
    const KIND: TransferKind = TransferKind::Bulk;
}
impl Kind for Interrupt {
    const KIND: TransferKind = TransferKind::Interrupt;
}
impl Way for In {
    const DIRECTION: Direction = Direction::In;
}
impl Way for Out {
    const DIRECTION: Direction = Direction::Out;
}

pub(super) fn name<K: Kind, W: Way>() -> &'static str {
    match (K::KIND, W::DIRECTION) {
        (TransferKind::Bulk, Direction::In) => "bulk IN",
        (TransferKind::Bulk, Direction::Out) => "bulk OUT",
        (_, Direction::In) => "interrupt IN",
        (_, Direction::Out) => "interrupt OUT",
    }
}

/// A transfer that has ended. The buffer is there whatever became of it.
#[derive(Debug)]
pub struct Completion {
    /// The buffer that was submitted.
    pub buffer: Buffer,
    /// How many bytes of it were moved: valid with an error, too.
    pub actual_len: usize,
    /// How it ended.
    pub status: Result<(), TransferError>,
}

impl Completion {
    /// The bytes that were moved.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.buffer.get(..self.actual_len).unwrap_or(&self.buffer)
    }

    /// The buffer, or why not.
    ///
    /// # Errors
    /// How the transfer ended, if not well; the buffer is dropped then.
    pub fn into_result(self) -> Result<Buffer, TransferError> {
        self.status.map(|()| self.buffer)
    }
}

/// An endpoint, for oneself. Transfers are made, and end, in the order in which they are submitted; dropping it takes them back.
pub struct Endpoint<K: Kind, W: Way> {
    interface: Interface,
    address: EndpointAddress,
    key: EndpointKey,
    max_packet: u16,
    mailbox: Arc<Mailbox>,
    marker: PhantomData<(K, W)>,
}

impl<K: Kind, W: Way> fmt::Debug for Endpoint<K, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("address", &self.address)
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}

impl<K: Kind, W: Way> Endpoint<K, W> {
    pub(super) fn new(
        interface: Interface,
        address: EndpointAddress,
        key: EndpointKey,
        max_packet: u16,
    ) -> Self {
        let mailbox = Arc::default();
        Self {
            interface,
            address,
            key,
            max_packet,
            mailbox,
            marker: PhantomData,
        }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> EndpointAddress {
        self.address
    }

    /// Its largest packet, in bytes. A buffer that is a multiple of it never makes a device say too much.
    #[must_use]
    pub fn max_packet_size(&self) -> usize {
        usize::from(self.max_packet)
    }

    /// A zeroed buffer to submit. Buffers that came back may be submitted again.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn allocate(&self, len: usize) -> Result<Buffer, Error> {
        Ok(self.interface.inner().pool.allocate(len)?)
    }

    /// Begins a transfer of a whole buffer: room for that many bytes, or that many bytes to send. It ends in [`next_complete`](Self::next_complete).
    pub fn submit(&mut self, buffer: Buffer) {
        let length = buffer.len();
        self.submit_part(buffer, length);
    }

    /// Begins a transfer of the first `length` bytes of a buffer.
    pub fn submit_part(&mut self, buffer: Buffer, length: usize) {
        let ticket = self.mailbox.promise(Some(buffer));
        let command = Command::Transfer(Order {
            endpoint: self.key,
            generation: self.interface.generation(),
            setup: None,
            length,
            timeout: None,
            ticket,
        });
        let dead = TransferError::ControllerDead;
        let (command, error) = match self.interface.check() {
            Ok(()) => match self.interface.inner().try_send(command) {
                Ok(()) => return,
                Err(command) => (*command, dead),
            },
            Err(Error::Died(_) | Error::Stopped) => (command, dead),
            Err(_) => (command, TransferError::Disconnected),
        };
        if let Command::Transfer(Order { ticket, .. }) = command {
            ticket.refuse(error);
        }
    }

    /// The next transfer that ends. `None` when none did in time, or when nothing is pending.
    pub fn next_complete(&mut self, timeout: Duration) -> Option<Completion> {
        let Ended {
            buffer,
            bytes,
            status,
        } = self.mailbox.take(Some(timeout))?;
        Some(Completion {
            buffer: buffer?,
            actual_len: bytes,
            status,
        })
    }

    /// Makes one transfer and waits for its end; one that takes too long is taken back. Nothing else may be pending.
    ///
    /// # Errors
    /// [`Error::InUse`] when something is pending, [`Error::Stopped`].
    pub fn transfer(&mut self, buffer: Buffer, timeout: Duration) -> Result<Completion, Error> {
        if self.pending() > 0 {
            return Err(Error::InUse {
                what: self.address.to_string(),
            });
        }
        self.submit(buffer);
        if let Some(completion) = self.next_complete(timeout) {
            return Ok(completion);
        }
        self.cancel_all();
        let ended = self.mailbox.take(None).ok_or(Error::Stopped)?;
        let buffer = ended.buffer.ok_or(Error::Stopped)?;
        let status = match ended.status {
            Err(TransferError::Cancelled) => Err(TransferError::TimedOut),
            status => status,
        };
        Ok(Completion {
            buffer,
            actual_len: ended.bytes,
            status,
        })
    }

    /// How many transfers were submitted and not yet given out by [`next_complete`](Self::next_complete).
    #[must_use]
    pub fn pending(&self) -> usize {
        self.mailbox.pending()
    }

    /// Takes all transfers back. Each still ends in [`next_complete`](Self::next_complete).
    pub fn cancel_all(&mut self) {
        let command = Command::CancelAll {
            mailbox: Arc::clone(&self.mailbox),
        };
        // Without an engine there is nothing to take back.
        drop(self.interface.inner().send(command));
    }

    /// Makes the endpoint usable again, halted or not, so that host and device agree on the next toggle. Nothing may be pending.
    ///
    /// # Errors
    /// [`Error::InUse`] when something is pending, [`Error::Operation`], [`Error::NoDevice`].
    pub fn clear_halt(&mut self) -> Result<(), Error> {
        self.interface.check()?;
        if self.pending() > 0 {
            return Err(Error::InUse {
                what: self.address.to_string(),
            });
        }
        let (slot, endpoint) = (self.interface.slot(), self.address);
        self.interface
            .operate(Operation::ClearHalt { slot, endpoint })
    }
}

impl<K: Kind, W: Way> Drop for Endpoint<K, W> {
    fn drop(&mut self) {
        if self.pending() > 0 {
            self.cancel_all();
        }
        self.interface.release(self.address);
    }
}
