//! Classes on the engine's thread: a disk with its queue, a keyboard with its reader.

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use usb_class::hid::KeyboardEvent;

use super::command::{DiskAnswer, DiskTask, MachineId};
use crate::keyboard::PolledKeyboard;
use crate::storage::{DiskDone, PolledDisk};
use crate::{Backend, Engine, Error, Instant};

/// How long a keyboard waits when nobody takes its events.
const KEYBOARD_PAUSE: Duration = Duration::from_millis(10);

/// A disk, the operations that wait for it, and who is told of their end.
pub(super) struct DiskMachine {
    pub(super) id: MachineId,
    pub(super) disk: PolledDisk,
    pub(super) answers: SyncSender<DiskAnswer>,
    pub(super) busy: bool,
    pub(super) tasks: VecDeque<DiskTask>,
}

/// A keyboard, and who listens to it.
pub(super) struct KeyboardMachine {
    pub(super) id: MachineId,
    pub(super) keyboard: PolledKeyboard,
    pub(super) events: SyncSender<KeyboardEvent>,
    /// An event for which there was no room.
    pub(super) waiting: Option<KeyboardEvent>,
    pub(super) gone: bool,
}

impl DiskMachine {
    pub(super) fn poll<B: Backend>(&mut self, engine: &mut Engine<B>) -> bool {
        let mut any = false;
        loop {
            if self.busy {
                let Some(done) = self.disk.poll(engine) else {
                    return any;
                };
                self.busy = false;
                self.answer(done);
            }
            any = true;
            let Some(task) = self.tasks.pop_front() else {
                return any;
            };
            match self.begin(engine.now(), task) {
                None => self.busy = true,
                Some(refused) => self.answer(refused),
            }
        }
    }

    /// Begins a task, or says why not.
    fn begin(&mut self, now: Instant, task: DiskTask) -> Option<DiskDone> {
        let begun = match task {
            DiskTask::Start => self
                .disk
                .begin_start(now)
                .map_err(|error| (error.into(), None)),
            DiskTask::Flush => self
                .disk
                .begin_flush(now)
                .map_err(|error| (error.into(), None)),
            DiskTask::Read { at, buffer, length } => {
                let begun = self.disk.begin_read(now, at, buffer, length);
                begun.map_err(|refused| (refused.error, Some(refused.buffer)))
            }
            DiskTask::Write { at, buffer, length } => {
                let begun = self.disk.begin_write(now, at, buffer, length);
                begun.map_err(|refused| (refused.error, Some(refused.buffer)))
            }
        };
        let (error, buffer) = begun.err()?;
        Some(DiskDone {
            buffer,
            bytes: 0,
            result: Err(error),
        })
    }

    /// Gives back what is under way and what waits, for the engine has ended.
    pub(super) fn abandon(&mut self) {
        let stopped = |buffer| DiskDone {
            buffer,
            bytes: 0,
            result: Err(Error::Stopped),
        };
        if std::mem::take(&mut self.busy) {
            let buffer = self.disk.take_buffer();
            self.answer(stopped(buffer));
        }
        while let Some(task) = self.tasks.pop_front() {
            self.answer(stopped(task.into_buffer()));
        }
    }

    /// There is room for as many answers as the handle lets tasks through; a handle that is gone wants none.
    fn answer(&mut self, done: DiskDone) {
        let info = self.disk.info().copied();
        drop(self.answers.try_send(DiskAnswer { done, info }));
    }
}

impl KeyboardMachine {
    pub(super) fn poll<B: Backend>(&mut self, engine: &mut Engine<B>) -> bool {
        let mut any = false;
        while !self.gone {
            let Some(event) = self.waiting.take().or_else(|| self.keyboard.poll(engine)) else {
                return any;
            };
            match self.events.try_send(event) {
                Ok(()) => any = true,
                Err(TrySendError::Full(event)) => {
                    self.waiting = Some(event);
                    return any;
                }
                Err(TrySendError::Disconnected(_)) => self.gone = true,
            }
        }
        any
    }

    /// When to poll although nothing came from the engine.
    pub(super) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if self.gone {
            return None;
        }
        let again = self.waiting.map(|_| now + KEYBOARD_PAUSE);
        Instant::earlier(again, self.keyboard.next_deadline())
    }
}
