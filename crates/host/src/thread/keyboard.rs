//! A handle to a keyboard whose machine runs on the engine's thread.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use usb_class::hid::KeyboardEvent;

use super::command::{Command, MachineId};
use super::device::Interface;
use crate::Error;

/// Events that wait for their reader. When there are more, the keyboard is not asked for the next.
const EVENTS: usize = 256;

/// How long the engine's thread may take to look at a command.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// A keyboard, for oneself.
#[derive(Debug)]
pub struct Keyboard {
    interface: Interface,
    id: MachineId,
    events: Receiver<KeyboardEvent>,
}

impl Keyboard {
    pub(super) fn open(interface: Interface) -> Result<Self, Error> {
        let (sender, events) = sync_channel(EVENTS);
        let (opened, is_open) = sync_channel(1);
        interface.inner().send(Command::OpenKeyboard {
            slot: interface.slot(),
            generation: interface.generation(),
            opened,
            events: sender,
        })?;
        let id = interface
            .inner()
            .answer(&is_open, OPEN_LIMIT, "opening the keyboard")??;
        Ok(Self {
            interface,
            id,
            events,
        })
    }

    /// The next event; `None` when none came in time. After [`KeyboardEvent::Ended`] none comes any more.
    #[must_use]
    pub fn next_event(&self, timeout: Duration) -> Option<KeyboardEvent> {
        self.events.recv_timeout(timeout).ok()
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        drop(self.interface.inner().send(Command::Close { id: self.id }));
    }
}
