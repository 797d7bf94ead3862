use usb_spec::Speed;

/// The wires of a socket: the fastest that runs over each of the two kinds.
///
/// It also says which of them a device uses, and at what speed: most use one, a USB 3 hub both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wires {
    pub(crate) usb2: Option<Speed>,
    pub(crate) usb3: Option<Speed>,
}

impl Wires {
    /// A socket of a controller.
    pub(crate) const ROOT: Self = Self {
        usb2: Some(Speed::High),
        usb3: Some(Speed::SuperPlus),
    };

    /// The wires that run at this speed, and no others.
    pub(crate) fn only(speed: Speed) -> Self {
        Self {
            usb2: (!speed.is_super()).then_some(speed),
            usb3: speed.is_super().then_some(speed),
        }
    }

    /// The speed at which a device runs here: the one that was asked for, if there is such a one; otherwise its usual one, or the nearest to
    /// it that there is.
    pub(crate) fn speed(self, asked: Option<Speed>, usual: Speed) -> Option<Speed> {
        let own = |speed: Speed| {
            if speed.is_super() {
                self.usb3
            } else {
                self.usb2
            }
        };
        match asked {
            Some(asked) => own(asked)
                .filter(|fastest| asked <= *fastest)
                .map(|_| asked),
            None => match own(usual) {
                Some(fastest) => Some(usual.min(fastest)),
                None => self.usb2.or(self.usb3),
            },
        }
    }

    /// The fastest.
    pub(crate) fn fastest(self) -> Option<Speed> {
        self.usb3.or(self.usb2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_run_at_any_speed_runs_as_fast_as_it_can() {
        let high = Wires::only(Speed::High);
        assert_eq!(Wires::ROOT.speed(None, Speed::Super), Some(Speed::Super));
        assert_eq!(high.speed(None, Speed::Super), Some(Speed::High));
        assert_eq!(high.speed(None, Speed::Low), Some(Speed::Low));
        let full = Wires::only(Speed::Full);
        assert_eq!(full.speed(None, Speed::High), Some(Speed::Full));
        let super_speed = Wires::only(Speed::Super);
        assert_eq!(super_speed.speed(None, Speed::Low), Some(Speed::Super));
    }

    #[test]
    fn what_must_run_at_a_speed_runs_at_it_or_not_at_all() {
        let high = Wires::only(Speed::High);
        assert_eq!(
            high.speed(Some(Speed::Full), Speed::Super),
            Some(Speed::Full)
        );
        assert_eq!(high.speed(Some(Speed::Super), Speed::Super), None);
        let super_speed = Wires::only(Speed::Super);
        assert_eq!(super_speed.speed(Some(Speed::Low), Speed::Low), None);
        assert_eq!(
            super_speed.speed(Some(Speed::SuperPlus), Speed::Super),
            None
        );
    }
}
