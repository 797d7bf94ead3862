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
    /// Promises that a transfer will end here.
    pub(super) fn promise(self: &Arc<Self>) -> Ticket {
        self.lock().pending += 1;
        Ticket {
            mailbox: Some(Arc::clone(self)),
        }
    }

    /// How many transfers were promised and not yet taken.
    pub(super) fn pending(&self) -> usize {
        let state = self.lock();
        state.pending - state.lost.min(state.pending)
    }

    /// The next transfer that ends; waits for it, up to `timeout` if there is one. `None` also when nothing is to be expected.
    pub(super) fn take(&self, timeout: Option<Duration>) -> Option<Ended> {
        let end = timeout.map(|timeout| Instant::now() + timeout);
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The promise that a transfer will end in a mailbox. Dropped unkept, it tells those who wait not to.
#[derive(Debug)]
pub(super) struct Ticket {
    mailbox: Option<Arc<Mailbox>>,
}

impl Ticket {
    pub(super) fn is_of(&self, mailbox: &Arc<Mailbox>) -> bool {
        self.mailbox
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(own, mailbox))
    }

    pub(super) fn keep(mut self, ended: Ended) {
        if let Some(mailbox) = self.mailbox.take() {
            mailbox.lock().ended.push_back(ended);
            mailbox.arrived.notify_all();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(mailbox) = self.mailbox.take() {
            mailbox.lock().lost += 1;
            mailbox.arrived.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let (one, two) = (mailbox.promise(), mailbox.promise());
        one.keep(ended(1));
        two.keep(ended(2));
        assert_eq!(mailbox.pending(), 2);
        assert_eq!(mailbox.take(None).map(|ended| ended.bytes), Some(1));
        assert_eq!(mailbox.take(None).map(|ended| ended.bytes), Some(2));
        assert!(mailbox.take(None).is_none());
    }

    #[test]
    fn a_promise_that_is_broken_ends_the_wait() {
        let mailbox = Arc::new(Mailbox::default());
        let ticket = mailbox.promise();
        let waiter = {
            let mailbox = Arc::clone(&mailbox);
            std::thread::spawn(move || mailbox.take(None).is_none())
        };
        drop(ticket);
        assert!(waiter.join().unwrap());
        assert_eq!(mailbox.pending(), 0);
    }
}
