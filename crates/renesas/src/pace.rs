use core::time::Duration;

use usb_spec::time::Instant;

use crate::Error;

/// What a job wants after a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// To be polled again.
    Wait(Wait),
    /// Nothing more; it is over.
    Done(Result<T, Error>),
}

/// How to spend the time until the next poll. Polling earlier does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// At once: the chip needs microseconds.
    Spin,
    /// At once, after letting others run.
    Yield,
    /// Sleep until then.
    Until(Instant),
}

/// How long something has been waited for, and how often to look.
///
/// The next look comes after a 64th of the time waited so far: what takes microseconds is seen at once, what takes seconds is
/// looked at a few hundred times, and either is found at most 1.6 % late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    since: Instant,
}

impl Pace {
    /// Waiting begins.
    pub(crate) const fn from(since: Instant) -> Self {
        Self { since }
    }

    /// How long it has been.
    pub(crate) fn waited(self, now: Instant) -> Duration {
        now - self.since
    }

    /// When to look next, or, past `limit`, how long it has been.
    pub(crate) fn wait(self, now: Instant, limit: Duration) -> Result<Wait, Duration> {
        const SHARE: u32 = 64;
        const SPIN: Duration = Duration::from_micros(5);
        const YIELD: Duration = Duration::from_micros(60);
        /// So that whoever watches sees it move.
        const LONGEST: Duration = Duration::from_millis(20);
        let waited = self.waited(now);
        if waited > limit {
            return Err(waited);
        }
        Ok(match waited / SHARE {
            gap if gap < SPIN => Wait::Spin,
            gap if gap < YIELD => Wait::Yield,
            gap => Wait::Until(now + gap.min(LONGEST)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_looked_at_seldom_and_found_soon() {
        for takes_us in [20_u64, 1_000, 60_000, 2_000_000] {
            let start = Instant::START;
            let ready = start + Duration::from_micros(takes_us);
            let (mut now, mut looks) = (start, 0);
            while now < ready {
                looks += 1;
                now = match Pace::from(start).wait(now, Duration::from_secs(10)) {
                    Ok(Wait::Until(then)) => then,
                    Ok(_) => now + Duration::from_micros(1),
                    Err(waited) => panic!("gave up after {waited:?}"),
                };
            }
            assert!(now - ready <= (ready - start) / 60 + Duration::from_micros(1));
            assert!(looks < 5_000, "{looks} looks for {takes_us} µs");
        }
    }

    #[test]
    fn past_the_limit_it_gives_up() {
        let pace = Pace::from(Instant::START);
        let late = Instant::START + Duration::from_millis(11);
        assert_eq!(
            pace.wait(late, Duration::from_millis(10)),
            Err(Duration::from_millis(11))
        );
    }
}
