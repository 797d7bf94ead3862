//! Who is to be told what: names of transfers and operations carry the client that chose them.

use std::collections::VecDeque;

use xhci_driver::{OperationError, OperationId, TransferDone, TransferId};

use crate::Buffer;

/// Below this bit stands a running number; above it, the client and its generation. Bit 63 belongs to the driver.
const CLIENT_SHIFT: u32 = 32;

/// Clients at the same time.
const CLIENTS_MAX: usize = 1 << 12;

/// Names one user of an engine: whoever submits on its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientId {
    index: u16,
    generation: u16,
}

#[derive(Debug, Default)]
struct Mailbox {
    open: bool,
    generation: u16,
    next: u32,
    transfers: VecDeque<TransferDone<Buffer>>,
    operations: VecDeque<(OperationId, Result<(), OperationError>)>,
}

/// The mailboxes of all clients.
#[derive(Debug, Default)]
pub(super) struct Mailboxes {
    boxes: Vec<Mailbox>,
}

impl Mailboxes {
    /// A new client.
    ///
    /// # Panics
    /// When there are thousands: somebody opens them and never closes them.
    pub(super) fn open(&mut self) -> ClientId {
        let free = self.boxes.iter().position(|mailbox| !mailbox.open);
        let index = free.unwrap_or(self.boxes.len());
        assert!(
            index < CLIENTS_MAX,
            "clients of an engine are opened and never closed"
        );
        if free.is_none() {
            self.boxes.push(Mailbox::default());
        }
        let mailbox = &mut self.boxes[index];
        mailbox.open = true;
        ClientId {
            index: u16::try_from(index).unwrap_or(u16::MAX),
            generation: mailbox.generation,
        }
    }

    pub(super) fn close(&mut self, client: ClientId) {
        if let Some(mailbox) = self.find(client) {
            mailbox.open = false;
            mailbox.generation = (mailbox.generation + 1) & 0x7fff;
            mailbox.transfers.clear();
            mailbox.operations.clear();
        }
    }

    /// A name for something that this client begins.
    pub(super) fn name(&mut self, client: ClientId) -> u64 {
        let next = self.find(client).map_or(0, |mailbox| {
            mailbox.next = mailbox.next.wrapping_add(1);
            mailbox.next
        });
        let who = u64::from(client.generation & 0x7fff) << 16 | u64::from(client.index);
        who << CLIENT_SHIFT | u64::from(next)
    }

    pub(super) fn put_transfer(&mut self, done: TransferDone<Buffer>) {
        let TransferId(name) = done.id;
        if let Some(mailbox) = self.find(client_of(name)) {
            mailbox.transfers.push_back(done);
        }
    }

    pub(super) fn put_operation(&mut self, id: OperationId, result: Result<(), OperationError>) {
        if let Some(mailbox) = self.find(client_of(id.0)) {
            mailbox.operations.push_back((id, result));
        }
    }

    pub(super) fn take_transfer(&mut self, client: ClientId) -> Option<TransferDone<Buffer>> {
        self.find(client)?.transfers.pop_front()
    }

    pub(super) fn take_operation(
        &mut self,
        client: ClientId,
    ) -> Option<(OperationId, Result<(), OperationError>)> {
        self.find(client)?.operations.pop_front()
    }

    fn find(&mut self, client: ClientId) -> Option<&mut Mailbox> {
        self.boxes
            .get_mut(usize::from(client.index))
            .filter(|mailbox| mailbox.open && mailbox.generation == client.generation)
    }
}

fn client_of(name: u64) -> ClientId {
    let who = name >> CLIENT_SHIFT;
    ClientId {
        index: (who & 0xffff) as u16,
        generation: (who >> 16 & 0x7fff) as u16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_goes_to_the_client_that_asked_and_to_nobody_after_it_left() {
        let mut mailboxes = Mailboxes::default();
        let (one, other) = (mailboxes.open(), mailboxes.open());
        let id = OperationId(mailboxes.name(other));
        mailboxes.put_operation(id, Ok(()));
        assert_eq!(mailboxes.take_operation(one), None);
        assert_eq!(mailboxes.take_operation(other), Some((id, Ok(()))));
        mailboxes.close(other);
        let successor = mailboxes.open();
        mailboxes.put_operation(id, Ok(()));
        assert_eq!(mailboxes.take_operation(successor), None);
    }

    #[test]
    fn no_name_has_the_bit_that_belongs_to_the_driver() {
        let mut mailboxes = Mailboxes::default();
        for _ in 0..0x8003u32 {
            let client = mailboxes.open();
            assert_eq!(mailboxes.name(client) >> 63, 0);
            mailboxes.close(client);
        }
    }
}
