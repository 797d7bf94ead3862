//! What the measurements share: engines that are up, with something behind them to be measured.
//!
//! A time in seconds says more about a machine than about this code. So everything here is measured as a *ratio* to a peer that does the
//! least that could be done, in the same process and in turns with it; each rig can do both.
//!
//! `docs/performance.md` holds the figures and the commands, and says what they mean.
//!
//! # What this crate does not do
//!
//! It decides nothing about what is measured, and it is no part of a product. Nothing here is fit for timing real controllers.
#![forbid(unsafe_code)]

mod disk;
mod source;

pub use disk::{DISK_BYTES, DiskRig};
pub use source::{PACKET, SourceRig};

use std::time::Duration;

use host::{Engine, EngineOptions, Notice};
use local::{Clock, Local, Setup};

/// How long a model may take to come up before something is wrong with it.
const START_LIMIT: Duration = Duration::from_secs(30);

/// An engine on a model of its own that has come up with these devices, by the real clock.
///
/// # Panics
/// When it does not come up: there is nothing to measure then.
#[must_use]
pub fn engine(setup: Setup) -> Engine<Local> {
    let local = Local::new(setup).expect("a controller");
    let mut engine = Engine::new(local, EngineOptions::default()).expect("an engine");
    settle(&mut engine);
    engine
}

/// Waits until everything that is plugged in has been enumerated.
fn settle(engine: &mut Engine<Local>) {
    let settled = |engine: &mut Engine<Local>| {
        engine
            .poll_notice()
            .filter(|notice| matches!(notice, Notice::Settled | Notice::Died { .. }))
    };
    let end = engine.run_until(Some(START_LIMIT), settled);
    assert_eq!(end, Some(Notice::Settled), "the controller comes up");
}

/// The default controller, by the clock of a desk.
fn setup() -> Setup {
    Setup {
        clock: Clock::Real,
        ..Setup::default()
    }
}
