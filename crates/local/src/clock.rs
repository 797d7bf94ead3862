use std::cell::Cell;
use std::time::Duration;

use usb_spec::time::Instant;

/// Which clock a [`Local`](crate::Local) goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The system's monotonic clock: a port reset takes as long as on a desk.
    #[default]
    Real,
    /// A clock that jumps to the next deadline whenever everybody waits. For tests on one thread: while nothing is due, and somebody on
    /// another thread is still thinking, it would run ahead of them.
    Virtual,
}

/// The clock itself.
#[derive(Debug)]
pub(crate) struct Ticker {
    kind: Clock,
    start: std::time::Instant,
    latest: Cell<Instant>,
}

impl Ticker {
    pub(crate) fn new(kind: Clock) -> Self {
        Self {
            kind,
            start: std::time::Instant::now(),
            latest: Cell::new(Instant::START),
        }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Instant {
        if self.kind == Clock::Real {
            self.latest.set(Instant::START + self.start.elapsed());
        }
        self.latest.get()
    }

    /// What time it was when someone last asked: the time of the driver's turn.
    pub(crate) fn latest(&self) -> Instant {
        self.latest.get()
    }

    /// Lets time pass until `until`, or until somebody unparks this thread.
    pub(crate) fn wait(&self, until: Option<Instant>) {
        match (self.kind, until) {
            (_, None) => std::thread::park(),
            (Clock::Virtual, Some(until)) => self.latest.set(self.latest.get().max(until)),
            (Clock::Real, Some(until)) => {
                let left = until - self.now();
                if left > Duration::ZERO {
                    std::thread::park_timeout(left);
                }
            }
        }
    }
}
