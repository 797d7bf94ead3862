use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use usb_spec::time::Instant;

/// A clock that stands still until somebody moves it. Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock {
    now: Rc<Cell<Instant>>,
}

impl VirtualClock {
    /// A clock at [`Instant::START`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now.get()
    }

    /// Moves it to `then`, unless that has passed.
    pub fn advance_to(&self, then: Instant) {
        self.now.set(self.now.get().max(then));
    }

    /// Moves it by `duration`.
    pub fn advance(&self, duration: Duration) {
        self.advance_to(self.now() + duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clones_show_the_same_time_and_it_never_goes_back() {
        let clock = VirtualClock::new();
        let other = clock.clone();
        clock.advance(Duration::from_millis(3));
        other.advance_to(Instant::from_nanos(5));
        assert_eq!(other.now(), Instant::START + Duration::from_millis(3));
    }
}
