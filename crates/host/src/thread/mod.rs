//! The threaded interface: an engine on a thread of its own, and handles that may go anywhere.

mod command;
mod device;
mod disk;
mod endpoint;
mod keyboard;
mod machine;
mod mailbox;
mod server;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use xhci_driver::{
    Capabilities, Death, DeviceInfo, EnumerationStep, Operation, OperationError, Place,
};
use xhci_spec::number::SlotId;

use crate::{Backend, EngineOptions, Error, Pool};
use command::Command;
pub use device::{Device, Interface};
pub use disk::Disk;
pub use endpoint::{Bulk, Completion, Endpoint, In, Interrupt, Kind, Out, Way};
pub use keyboard::Keyboard;
use server::Server;

/// Commands on their way to the engine; who sends more waits until it has taken some.
const COMMANDS: usize = 256;

/// Events that a [`Watch`] holds for its reader.
const EVENTS: usize = 256;

/// A controller whose engine runs on a thread of its own. Clones are handles to the same one.
///
/// When the last handle is gone (devices, interfaces and endpoints count), the controller is handed back, halted.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

/// What the handles share.
struct Inner {
    commands: Option<SyncSender<Command>>,
    waker: Waker,
    pool: Pool,
    capabilities: Capabilities,
    board: Arc<Board>,
    claims: Mutex<BTreeSet<(SlotId, u32, u8)>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Where the engine's thread writes what everybody may know.
#[derive(Debug, Default)]
struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    devices: Vec<Arc<DeviceInfo>>,
    settled: bool,
    ended: bool,
    death: Option<Death>,
    watchers: Vec<SyncSender<Event>>,
}

/// Something that happened at the controller's ports.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A device is ready to be used.
    Attached(Arc<DeviceInfo>),
    /// A device is gone.
    Detached(Arc<DeviceInfo>),
    /// A device was plugged in and could not be made to work.
    Failed {
        /// Where.
        place: Place,
        /// At which step.
        step: EnumerationStep,
        /// Why.
        error: OperationError,
    },
    /// The controller was given up.
    Died(Death),
}

/// The events from the moment on at which it was made. A watch that is not read misses what comes after the first 256.
#[derive(Debug)]
pub struct Watch {
    events: Receiver<Event>,
}

impl Watch {
    /// The next event; `None` when none came in time, or when none will come any more.
    #[must_use]
    pub fn next(&self, timeout: Duration) -> Option<Event> {
        self.events.recv_timeout(timeout).ok()
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

impl Host {
    /// Starts a thread, opens the controller on it with `open`, and begins to bring it up.
    ///
    /// # Errors
    /// [`Error::Backend`] with what `open` says, [`Error::Start`] when no controller answers, [`Error::Thread`].
    pub fn spawn<B, E>(
        options: EngineOptions,
        open: impl FnOnce() -> Result<B, E> + Send + 'static,
    ) -> Result<Self, Error>
    where
        B: Backend,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (commands, receiver) = sync_channel(COMMANDS);
        let (ready, is_ready) = sync_channel(1);
        let board = Arc::new(Board::default());
        let server_board = Arc::clone(&board);
        let run = move || {
            // However the thread ends, nobody waits for it then.
            let _last = LastWord(Arc::clone(&server_board));
            match Server::open(options, open, receiver, server_board) {
                Ok(mut server) => {
                    if ready.send(Ok(server.greeting())).is_ok() {
                        server.run();
                    }
                }
                // Whoever waits for it hears of it; who does not, does not want to know.
                Err(error) => drop(ready.send(Err(error))),
            }
        };
        let thread = std::thread::Builder::new()
            .name("doorbell-host".into())
            .spawn(run)?;
        let greeting = is_ready.recv().map_err(|_| Error::Stopped)??;
        Ok(Self {
            inner: Arc::new(Inner {
                commands: Some(commands),
                waker: greeting.waker,
                pool: greeting.pool,
                capabilities: greeting.capabilities,
                board,
                claims: Mutex::default(),
                thread: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Waits until the controller runs and what is plugged in is enumerated or given up.
    ///
    /// # Errors
    /// [`Error::Died`], [`Error::Stopped`], [`Error::TimedOut`].
    pub fn wait_settled(&self, timeout: Duration) -> Result<(), Error> {
        // A timeout beyond the end of the clock is none.
        let end = Instant::now().checked_add(timeout);
        let mut state = self.inner.board.lock();
        loop {
            match &*state {
                State {
                    death: Some(cause), ..
                } => return Err(Error::Died(*cause)),
                State { ended: true, .. } => return Err(Error::Stopped),
                State { settled: true, .. } => return Ok(()),
                _ => {}
            }
            let left = end.map_or(Duration::MAX, |end| {
                end.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return Err(Error::TimedOut {
                    what: "bringing the controller up",
                    limit: timeout,
                });
            }
            state = self.inner.board.wait(state, left);
        }
    }

    /// What the controller is.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.inner.capabilities
    }

    /// The devices that are there now, by slot.
    #[must_use]
    pub fn devices(&self) -> Vec<Device> {
        let state = self.inner.board.lock();
        let device =
            |info: &Arc<DeviceInfo>| Device::new(Arc::clone(&self.inner), Arc::clone(info));
        state.devices.iter().map(device).collect()
    }

    /// The device in a slot.
    ///
    /// # Errors
    /// [`Error::NoDevice`].
    pub fn device(&self, slot: SlotId) -> Result<Device, Error> {
        let state = self.inner.board.lock();
        let info = state.devices.iter().find(|device| device.slot == slot);
        let info = Arc::clone(info.ok_or(Error::NoDevice { slot })?);
        drop(state);
        Ok(Device::new(Arc::clone(&self.inner), info))
    }

    /// Events from now on.
    #[must_use]
    pub fn watch(&self) -> Watch {
        let (sender, events) = sync_channel(EVENTS);
        let mut state = self.inner.board.lock();
        if !state.ended {
            state.watchers.push(sender);
        }
        Watch { events }
    }

    /// Memory for data that the controller reaches.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    /// Hands the controller back, halted. Every transfer that is under way comes back first; handles that are left are of no use then.
    ///
    /// # Errors
    /// [`Error::Died`] when the controller was given up instead, [`Error::TimedOut`].
    pub fn shutdown(self) -> Result<(), Error> {
        let (reply, answer) = sync_channel(1);
        self.inner.send(Command::Shutdown { reply })?;
        let result = answer.recv().map_err(|_| Error::Stopped)?;
        self.inner.join();
        result
    }
}

impl Inner {
    /// Gives the engine a command.
    fn send(&self, command: Command) -> Result<(), Error> {
        self.try_send(command).map_err(|_| Error::Stopped)
    }

    /// The same; the command comes back when there is no engine any more.
    fn try_send(&self, command: Command) -> Result<(), Box<Command>> {
        match &self.commands {
            Some(commands) => commands.send(command).map_err(|error| Box::new(error.0))?,
            None => return Err(Box::new(command)),
        }
        self.waker.wake_by_ref();
        Ok(())
    }

    /// Has the driver do something, and waits for its end, which the driver bounds.
    fn operate(&self, device: &DeviceInfo, operation: Operation) -> Result<(), Error> {
        let (reply, answer) = sync_channel(1);
        let DeviceInfo {
            slot, generation, ..
        } = *device;
        self.send(Command::Operation {
            slot,
            generation,
            operation,
            reply,
        })?;
        match answer.recv().map_err(|_| Error::Stopped)? {
            Err(OperationError::NoDevice) => Err(Error::NoDevice { slot }),
            result => Ok(result?),
        }
    }

    /// Waits for an answer to a command.
    fn answer<T>(
        &self,
        answer: &Receiver<T>,
        timeout: Duration,
        what: &'static str,
    ) -> Result<T, Error> {
        answer.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => Error::TimedOut {
                what,
                limit: timeout,
            },
            RecvTimeoutError::Disconnected => Error::Stopped,
        })
    }

    fn join(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A panic of the engine has been printed where it happened.
            drop(thread.join());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.commands = None;
        self.waker.wake_by_ref();
        self.join();
    }
}

/// Writes on the board that the engine has ended, even when a panic ended it.
struct LastWord(Arc<Board>);

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Board {
    /// Nothing is there any more, and nothing will happen.
    fn end(&self) {
        self.update(None, |state| {
            state.ended = true;
            state.devices.clear();
            state.watchers.clear();
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Changes what everybody knows, and tells those who watch.
    fn update(&self, event: Option<Event>, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        if let Some(event) = event {
            state.watchers.retain(|watcher| {
                !matches!(
                    watcher.try_send(event.clone()),
                    Err(std::sync::mpsc::TrySendError::Disconnected(_))
                )
            });
        }
        drop(state);
        self.changed.notify_all();
    }
}
