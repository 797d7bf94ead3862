use core::time::Duration;

use crate::command::CommandFaults;

/// What a profile of real hardware may change without changing the capability registers: durations, and answers that the
/// specification leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// How long USBSTS.CNR stays set after power-on. xHCI 1.2 §4.2, §5.4.2.
    pub power_on: Duration,
    /// How long USBCMD.HCRST (or LHCRST) stays set. xHCI 1.2 §5.4.1.
    pub reset: Duration,
    /// How long USBSTS.CNR stays set after HCRST has cleared.
    pub reset_not_ready: Duration,
    /// From R/S = 1 to HCH = 0.
    pub start: Duration,
    /// From R/S = 0 to HCH = 1, if nothing is under way; at most 16 ms are allowed (xHCI 1.2 §5.4.1.1).
    pub stop: Duration,
    /// How long USBSTS.SSS and RSS stay set.
    pub save_restore_time: Duration,
    /// How a save and a restore end.
    pub save_restore: SaveRestore,
    /// When the write of a 64-bit register that does something takes effect.
    pub wide_write: WideWrite,
    /// What the firmware does when it is asked for the controller.
    pub firmware: FirmwareHandoff,
    /// Whether ports that have changes make their events when the controller starts; some hardware does not.
    pub events_at_start: bool,
    /// Commands that go wrong on purpose.
    pub commands: CommandFaults,
    /// From a USB2 device's connect to CCS = 1.
    pub usb2_connect: Duration,
    /// USB2 bus reset. USB 2.0 §7.1.7.5: at least 50 ms from a root port.
    pub usb2_reset: Duration,
    /// Least time between software's PLS = Resume and its PLS = U0. USB 2.0 §7.1.7.7, xHCI 1.2 §4.15.2.1.
    pub usb2_resume: Duration,
    /// From a USB3 device's connect to the start of training.
    pub usb3_detect: Duration,
    /// Training, from Polling to U0.
    pub usb3_training: Duration,
    /// Hot reset, training sequences and all.
    pub usb3_hot_reset: Duration,
    /// Warm reset with the training that follows. USB 3.2 §6.9.3 (unchecked): 80 to 120 ms of signalling.
    pub usb3_warm_reset: Duration,
    /// From Recovery back to U0.
    pub usb3_recovery: Duration,
    /// From PLS = U3 being written to the link being in U3.
    pub suspend: Duration,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            power_on: Duration::from_millis(10),
            reset: Duration::from_millis(1),
            reset_not_ready: Duration::from_millis(1),
            start: Duration::from_micros(125),
            stop: Duration::from_millis(1),
            save_restore_time: Duration::from_millis(1),
            save_restore: SaveRestore::RestoreFails,
            wide_write: WideWrite::BothHalves,
            firmware: FirmwareHandoff::GivesUpAfter(Duration::from_millis(5)),
            events_at_start: true,
            commands: CommandFaults::default(),
            usb2_connect: Duration::from_millis(1),
            usb2_reset: Duration::from_millis(50),
            usb2_resume: Duration::from_millis(20),
            usb3_detect: Duration::from_millis(12),
            usb3_training: Duration::from_millis(10),
            usb3_hot_reset: Duration::from_millis(12),
            usb3_warm_reset: Duration::from_millis(120),
            usb3_recovery: Duration::from_millis(1),
            suspend: Duration::from_millis(3),
        }
    }
}

impl Behaviour {
    /// Everything that hardware needs time for happens at once, for tests of something else. USB2 resume keeps its 20 ms: they
    /// are the driver's.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            power_on: Duration::ZERO,
            reset: Duration::ZERO,
            reset_not_ready: Duration::ZERO,
            start: Duration::ZERO,
            stop: Duration::ZERO,
            save_restore_time: Duration::ZERO,
            firmware: FirmwareHandoff::GivesUpAfter(Duration::ZERO),
            usb2_connect: Duration::ZERO,
            usb2_reset: Duration::ZERO,
            usb3_detect: Duration::ZERO,
            usb3_training: Duration::ZERO,
            usb3_hot_reset: Duration::ZERO,
            usb3_warm_reset: Duration::ZERO,
            usb3_recovery: Duration::ZERO,
            suspend: Duration::ZERO,
            ..Self::default()
        }
    }
}

/// How USBCMD's CSS and CRS end. xHCI 1.2 §4.23.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SaveRestore {
    /// A save succeeds, a restore sets SRE: the state is lost and the driver starts anew.
    RestoreFails,
    /// Both set SRE.
    BothFail,
    /// Neither sets SRE. Honest only while the controller keeps power, as this one does.
    BothSucceed,
}

/// When the write of CRCR, ERSTBA or ERDP takes effect, on a controller with 64-bit addresses, for a driver that writes dwords. xHCI 1.2
/// §5.1 asks for low first, high second. Without AC64 the low half alone decides, whatever is said here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WideWrite {
    /// When both halves were written, in either order, so that no half is acted upon early. A single half waits for its
    /// partner, at most until R/S is set.
    BothHalves,
    /// When the high half is written.
    HighHalf,
    /// When the low half is written, with the high half as it was.
    LowHalf,
}

/// What the firmware that owns the controller at power-on does when the operating system asks for it. xHCI 1.2 §4.22.1, §7.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FirmwareHandoff {
    /// There is no legacy support capability.
    Absent,
    /// The capability is there, but the firmware does not own the controller.
    NotOwner,
    /// The firmware clears its semaphore so long after the request. Linux waits for a second, the specification's bound.
    GivesUpAfter(Duration),
    /// The firmware never answers: the driver has to take the semaphore.
    Never,
}
