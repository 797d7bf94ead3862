use renesas_spec::registers::Mailbox;
use usb_spec::time::Instant;

/// The two words that wait to be taken, in the order in which they were handed over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mailboxes {
    first: Option<Waiting>,
    second: Option<Waiting>,
}

/// A word in its mailbox.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) mailbox: Mailbox,
    pub(super) word: u32,
    /// When it was handed over.
    pub(super) since: Instant,
}

impl Mailboxes {
    /// Hands a word over. A mailbox that waits already is not asked again.
    pub(super) fn submit(&mut self, waiting: Waiting) {
        if self.first.is_none() {
            self.first = Some(waiting);
        } else if self.second.is_none() {
            self.second = Some(waiting);
        }
    }

    /// The word whose turn it is.
    pub(super) fn next(&self) -> Option<Waiting> {
        self.first
    }

    /// Takes the word whose turn it is.
    pub(super) fn take(&mut self) -> Option<Waiting> {
        let taken = self.first.take();
        self.first = self.second.take();
        taken
    }

    /// Forgets both.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
