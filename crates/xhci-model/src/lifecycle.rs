//! What the controller as a whole is doing: running, halting, resetting, dead. xHCI 1.2 §4.2, §5.4.1, §5.4.2.

use core::time::Duration;

use usb_spec::time::{Instant, MICROFRAME};
use xhci_spec::registers::{FieldValue, MfIndex, Register};

/// Whether the schedule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// HCH = 1.
    Halted,
    /// R/S has been set; runs at that time.
    Starting(Instant),
    /// HCH = 0.
    Running,
    /// R/S has been cleared; halts at that time, or later if something is under way.
    Stopping(Instant),
}

/// A reset that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reset {
    /// No earlier than this it is done.
    pub(crate) until: Instant,
    /// Requests have been taken back from the devices.
    pub(crate) told: bool,
}

/// A save or restore that is under way. xHCI 1.2 §4.23.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SaveRestoreRun {
    pub(crate) until: Instant,
    pub(crate) restore: bool,
}

#[derive(Debug)]
pub(crate) struct Lifecycle {
    pub(crate) run: Run,
    pub(crate) reset: Option<Reset>,
    /// CNR until then.
    pub(crate) not_ready_until: Option<Instant>,
    pub(crate) save_restore: Option<SaveRestoreRun>,
    /// HSE or HCE stopped the controller: only HCRST helps.
    pub(crate) dead: bool,
    /// Reads are all ones.
    pub(crate) vanished: bool,
    pub(crate) bus_master: bool,
    pub(crate) microframes: Microframes,
}

impl Lifecycle {
    pub(crate) fn power_on(now: Instant, not_ready: Duration) -> Self {
        Self {
            run: Run::Halted,
            reset: None,
            not_ready_until: Some(now + not_ready),
            save_restore: None,
            dead: false,
            vanished: false,
            bus_master: true,
            microframes: Microframes::default(),
        }
    }

    /// HCH = 0: the schedule may be worked on, events may be written.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self.run, Run::Running | Run::Stopping(_))
    }

    /// Software may write operational registers and doorbells. xHCI 1.2 §5.4.2 (CNR), §5.4.1 (HCRST).
    pub(crate) fn is_ready(&self) -> bool {
        self.reset.is_none() && self.not_ready_until.is_none()
    }

    /// The earliest time at which something changes by itself. What only waits for others is not in it.
    pub(crate) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let run = match self.run {
            Run::Starting(at) | Run::Stopping(at) => Some(at),
            Run::Halted | Run::Running => None,
        };
        let timers = [
            run,
            self.reset.map(|reset| reset.until),
            self.save_restore.map(|run| run.until),
        ];
        let timers = timers.into_iter().flatten().filter(|at| *at > now);
        timers.chain(self.not_ready_until).min()
    }
}

/// MFINDEX: counts microframes while the controller runs. xHCI 1.2 §4.14.2 (unchecked), §5.5.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Microframes {
    before: u64,
    since: Option<Instant>,
    /// Wraps that an event was made for, or that need none any more.
    wraps_reported: u64,
}

impl Microframes {
    pub(crate) fn start(&mut self, now: Instant) {
        self.since = Some(now);
    }

    pub(crate) fn stop(&mut self, now: Instant) {
        self.before = self.count(now);
        self.since = None;
    }

    pub(crate) fn index(&self, now: Instant) -> MfIndex {
        let index = u16::from_raw(self.count(now) % Self::wrap());
        MfIndex::default().with_microframe_index(index)
    }

    /// Whether the counter has wrapped since the last [`Self::report`].
    pub(crate) fn has_wrapped(&self, now: Instant) -> bool {
        self.count(now) / Self::wrap() > self.wraps_reported
    }

    /// All wraps so far count as reported; several that were missed make one event.
    pub(crate) fn report(&mut self, now: Instant) {
        self.wraps_reported = self.count(now) / Self::wrap();
    }

    /// When the counter wraps next.
    pub(crate) fn next_wrap(&self, now: Instant) -> Option<Instant> {
        let since = self.since?;
        let next = (self.count(now) / Self::wrap() + 1) * Self::wrap();
        let nanos = (next - self.before).saturating_mul(Self::microframe_nanos());
        Some(since + Duration::from_nanos(nanos))
    }

    fn count(&self, now: Instant) -> u64 {
        let running = self.since.map_or(0, |since| {
            u64::try_from((now - since).as_nanos()).unwrap_or(u64::MAX) / Self::microframe_nanos()
        });
        self.before.saturating_add(running)
    }

    fn microframe_nanos() -> u64 {
        u64::from(MICROFRAME.subsec_nanos())
    }

    /// How many values the register's field has.
    fn wrap() -> u64 {
        let field = MfIndex::FIELDS.first();
        field.map_or(1, |field| 1 << field.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_microframe_index_counts_while_running_and_wraps_every_2048_milliseconds() {
        let start = Instant::from_nanos(5);
        let mut microframes = Microframes::default();
        assert_eq!(microframes.index(start).bits(), 0);
        microframes.start(start);
        let later = start + Duration::from_micros(1000);
        assert_eq!(microframes.index(later).bits(), 8);
        let wrap = start + Duration::from_millis(2048);
        assert_eq!(microframes.next_wrap(later), Some(wrap));
        assert!(!microframes.has_wrapped(later));
        assert!(microframes.has_wrapped(wrap));
        assert_eq!(microframes.index(wrap).bits(), 0);
        microframes.report(wrap);
        assert!(!microframes.has_wrapped(wrap));
        microframes.stop(wrap + MICROFRAME * 3);
        let much_later = wrap + Duration::from_secs(60);
        assert_eq!(microframes.index(much_later).bits(), 3);
        assert_eq!(microframes.next_wrap(much_later), None);
    }
}
