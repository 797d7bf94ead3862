//! Time as the cores see it: an argument, never a clock.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

/// One microframe, the beat of high speed and faster: 125 µs. USB 2.0 §5.3.3 (unchecked); xHCI counts service intervals in it.
pub const MICROFRAME: Duration = Duration::from_micros(125);

/// One frame, the beat of low and full speed: 1 ms.
pub const FRAME: Duration = Duration::from_millis(1);

/// A moment on a clock that only moves forward: nanoseconds since some start that the caller chose.
///
/// ```
/// use core::time::Duration;
/// use usb_spec::time::Instant;
///
/// let start = Instant::START;
/// let later = start + Duration::from_millis(50);
/// assert_eq!(later - start, Duration::from_millis(50));
/// assert_eq!(start - later, Duration::ZERO, "differences do not go below zero");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant {
    nanos: u64,
}

impl Instant {
    /// Where every clock begins.
    pub const START: Self = Self { nanos: 0 };

    /// The moment `nanos` nanoseconds after the start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self { nanos }
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.nanos
    }

    /// The earlier of two optional moments; `None` means never.
    #[must_use]
    pub fn earlier(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        }
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// The moment `later`; the far end of the clock is 584 years away and holds what lies beyond it.
    fn add(self, later: Duration) -> Self {
        let nanos = u64::try_from(later.as_nanos()).unwrap_or(u64::MAX);
        Self {
            nanos: self.nanos.saturating_add(nanos),
        }
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// How long after `earlier` this is; zero when it is not after it.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:09} s",
            self.nanos / 1_000_000_000,
            self.nanos % 1_000_000_000
        )
    }
}
