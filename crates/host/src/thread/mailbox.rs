//! Where the completions of one endpoint wait for its user.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use xhci_driver::TransferError;

use crate::Buffer;

/// A transfer that has ended, before anyone knows whether it had a buffer.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) buffer: Option<Buffer>,
    pub(super) bytes: usize,
    pub(super) status: Result<(), TransferError>,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ended: VecDeque<Ended>,
    /// Transfers that were promised and have not been taken.
    pending: usize,
    /// Of these, how many will never come because the engine has ended.
    lost: usize,
}

impl Mailbox {
    /// Promises that a transfer of this buffer will end here.
    pub(super) fn promise(self: &Arc<Self>, buffer: Option<Buffer>) -> Ticket {
        self.lock().pending += 1;
        Ticket {
            mailbox: Some(Arc::clone(self)),
            buffer,
        }
    }

    /// How many transfers were promised and not yet taken.
    pub(super) fn pending(&self) -> usize {
        let state = self.lock();
        state.pending - state.lost.min(state.pending)
    }

    /// The next transfer that ends; waits for it, up to `timeout` if there is one. `None` also when nothing is to be expected.
    pub(super) fn take(&self, timeout: Option<Duration>) -> Option<Ended> {
        // A timeout beyond the end of the clock is none.
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.lock();
        loop {
            if let Some(ended) = state.ended.pop_front() {
                state.pending -= 1;
                return Some(ended);
            }
            if state.pending <= state.lost {
                return None;
            }
            state = match end {
                None => self
                    .arrived
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    let waited = self.arrived.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn put(&self, ended: Ended) {
        self.lock().ended.push_back(ended);
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The promise that a transfer will end in a mailbox.
///
/// It carries the buffer until the transfer is begun. Dropped unkept, it gives the buffer back, for then the engine has ended; without
/// one, it tells those who wait not to.
#[derive(Debug)]
pub(super) struct Ticket {
    mailbox: Option<Arc<Mailbox>>,
    buffer: Option<Buffer>,
}

impl Ticket {
    pub(super) fn is_of(&self, mailbox: &Arc<Mailbox>) -> bool {
        self.mailbox
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(own, mailbox))
    }

    /// The buffer, to begin the transfer.
    pub(super) fn take_buffer(&mut self) -> Option<Buffer> {
        self.buffer.take()
    }

    pub(super) fn keep(mut self, ended: Ended) {
        if let Some(mailbox) = self.mailbox.take() {
            mailbox.put(ended);
        }
    }

    /// Ends a transfer that was not begun.
    pub(super) fn refuse(mut self, error: TransferError) {
        let buffer = self.buffer.take();
        self.keep(Ended {
            buffer,
            bytes: 0,
            status: Err(error),
        });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(mailbox) = self.mailbox.take() else {
            return;
        };
        match self.buffer.take() {
            None => {
                mailbox.lock().lost += 1;
                mailbox.arrived.notify_all();
            }
            buffer => mailbox.put(Ended {
                buffer,
                bytes: 0,
                status: Err(TransferError::ControllerDead),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use volmem::DmaPool;

    use super::*;
    use crate::Pool;

    fn ended(bytes: usize) -> Ended {
        Ended {
            buffer: None,
            bytes,
            status: Ok(()),
        }
    }

    #[test]
    fn completions_come_in_order_and_then_nothing_is_waited_for() {
        let mailbox = Arc::new(Mailbox::default());
        let (one, two) = (mailbox.promise(None), mailbox.promise(None));
        one.keep(ended(1));
        two.keep(ended(2));
        assert_eq!(mailbox.pending(), 2);
        assert_eq!(mailbox.take(None).map(|ended| ended.bytes), Some(1));
        assert_eq!(mailbox.take(None).map(|ended| ended.bytes), Some(2));
        assert!(mailbox.take(None).is_none());
    }

    #[test]
    fn the_longest_timeout_waits_for_what_comes() {
        let mailbox = Arc::new(Mailbox::default());
        let ticket = mailbox.promise(None);
        let waiter = {
            let mailbox = Arc::clone(&mailbox);
            std::thread::spawn(move || mailbox.take(Some(Duration::MAX)))
        };
        ticket.keep(ended(7));
        assert_eq!(waiter.join().unwrap().map(|ended| ended.bytes), Some(7));
    }

    #[test]
    fn a_promise_that_is_broken_ends_the_wait() {
        let mailbox = Arc::new(Mailbox::default());
        let ticket = mailbox.promise(None);
        let waiter = {
            let mailbox = Arc::clone(&mailbox);
            std::thread::spawn(move || mailbox.take(None).is_none())
        };
        drop(ticket);
        assert!(waiter.join().unwrap());
        assert_eq!(mailbox.pending(), 0);
    }

    #[test]
    fn a_promise_that_is_broken_gives_its_buffer_back() {
        let pool = Pool::new(DmaPool::new(&DmaPool::DEFAULT_LAYOUT).unwrap());
        let mailbox = Arc::new(Mailbox::default());
        drop(mailbox.promise(Some(pool.allocate(512).unwrap())));
        let ended = mailbox.take(None).expect("it ends");
        assert_eq!(ended.status, Err(TransferError::ControllerDead));
        assert_eq!(ended.buffer.map(|buffer| buffer.len()), Some(512));
        assert_eq!(mailbox.pending(), 0);
    }
}
