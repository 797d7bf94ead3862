//! A controller that is up, for as long as a verb needs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use host::storage::{self, Policy, PolledDisk};
use host::{
    DeviceInfo, Engine, EngineOptions, EnumerationStep, Notice, OperationError, Phase, Place,
    SlotId, keyboard,
};
use local::{Clock, Local, Setup};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::args::Common;
use crate::failure::Failure;
use crate::output::{FailedJson, clean, levels, location};

/// How often Ctrl-C is looked for while nothing happens.
const LOOK: Duration = Duration::from_millis(50);

/// How long a controller may take to come up, enumeration included. Its own deadlines are shorter; this is for what they miss.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A controller, its driver, and what happened while it came up.
pub(crate) struct Session {
    pub(crate) engine: Engine<Local>,
    pub(crate) start: Start,
    begin: Instant,
    interrupted: Arc<AtomicBool>,
    /// The controller was handed back, or that was tried in vain: once is enough, as it may take long.
    finished: bool,
}

/// What happened while the controller came up.
#[derive(Debug, Default)]
pub(crate) struct Start {
    pub(crate) phases: Vec<(Phase, Duration)>,
    /// From the ports' first look to the last device.
    pub(crate) enumeration: Duration,
    pub(crate) forced_handoff: bool,
    pub(crate) failed: Vec<(Place, EnumerationStep, OperationError)>,
}

impl Session {
    /// Makes the controller that the arguments ask for, and brings it up.
    ///
    /// `text` is what the keyboard types that is there when no device was asked for. `progress` hears of each phase that is over.
    pub(crate) fn start(
        common: &Common,
        text: &str,
        mut progress: impl FnMut(&Engine<Local>, Phase, Duration) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let begin = Instant::now();
        let controller = common.controller()?;
        let devices = common.devices(text)?;
        let setup = Setup {
            controller,
            clock: Clock::Real,
            devices,
        };
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The second one ends the process at once, in case the first is not heard.
            let armed = Arc::clone(&interrupted);
            let registered = signal_hook::flag::register_conditional_shutdown(signal, 130, armed)
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupted)));
            if let Err(error) = registered {
                let message = format!("Ctrl-C cannot be caught: {error}");
                return Err(Failure::Here {
                    message,
                    hint: None,
                });
            }
        }
        let engine = Engine::new(Local::new(setup)?, EngineOptions::default())?;
        let mut session = Self {
            engine,
            start: Start::default(),
            begin,
            interrupted,
            finished: false,
        };
        session.come_up(&mut progress)?;
        Ok(session)
    }

    fn come_up(
        &mut self,
        progress: &mut impl FnMut(&Engine<Local>, Phase, Duration) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let begin = self.engine.now();
        let mut ports_done = begin;
        loop {
            let notice = self.run_for(START_LIMIT, Engine::poll_notice)?;
            match notice {
                None => {
                    let message = "the controller does not come up".to_owned();
                    return Err(Failure::Controller {
                        message,
                        hint: None,
                    });
                }
                Some(Notice::PhaseEnded { phase, took }) => {
                    ports_done = self.engine.now();
                    self.start.phases.push((phase, took));
                    progress(&self.engine, phase, took)?;
                }
                Some(Notice::ForcedHandoff) => self.start.forced_handoff = true,
                Some(Notice::EnumerationFailed { place, step, error }) => {
                    self.start.failed.push((place, step, error));
                }
                Some(Notice::Settled) => {
                    self.start.enumeration = self.engine.now() - ports_done;
                    return Ok(());
                }
                Some(Notice::Died { cause }) => return Err(host::Error::Died(cause).into()),
                Some(_) => {}
            }
        }
    }

    /// Runs the engine until there is something, or Ctrl-C.
    pub(crate) fn run<T>(
        &mut self,
        mut done: impl FnMut(&mut Engine<Local>) -> Option<T>,
    ) -> Result<T, Failure> {
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Failure::interrupted());
            }
            if let Some(result) = self.engine.run_until(Some(LOOK), &mut done) {
                return Ok(result);
            }
            if let Some(cause) = self.engine.death() {
                // What there was to tell has been told in the run above.
                return Err(host::Error::Died(cause).into());
            }
        }
    }

    /// The same, but no longer than `limit`.
    pub(crate) fn run_for<T>(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&mut Engine<Local>) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let end = self.engine.now() + limit;
        self.run(|engine| match done(engine) {
            Some(result) => Some(Some(result)),
            None if engine.now() >= end => Some(None),
            None => None,
        })
    }

    /// The devices, by port.
    pub(crate) fn devices(&self) -> Vec<DeviceInfo> {
        let mut devices: Vec<_> = self.engine.devices().cloned().collect();
        devices.sort_by_key(|device| (device.place.port, levels(&device.place)));
        devices
    }

    /// The device that is meant by a word, or the only one for which `fits`.
    pub(crate) fn select(
        &self,
        word: Option<&str>,
        wanted: &str,
        fits: impl Fn(&DeviceInfo) -> bool,
    ) -> Result<DeviceInfo, Failure> {
        let devices = self.devices();
        let matching: Vec<_> = devices
            .iter()
            .filter(|device| word.map_or_else(|| fits(device), |word| answers_to(device, word)))
            .collect();
        let hint = if devices.is_empty() {
            "plug one in with --device; `doorbell usb tree` shows what is there".to_owned()
        } else {
            let ports: Vec<_> = devices.iter().map(short_name).collect();
            format!("there are {}", ports.join(" and "))
        };
        match (matching[..].first(), matching.len(), word) {
            (Some(device), 1, _) if fits(device) => Ok((*device).clone()),
            (Some(device), 1, _) => Err(Failure::device(
                format!("{} is no {wanted}", short_name(device)),
                hint,
            )),
            (_, 0, Some(word)) => Err(self.in_vain(format!("no device answers to `{word}`"), hint)),
            (_, 0, None) => Err(self.in_vain(format!("there is no {wanted}"), hint)),
            (_, _, word) => {
                let what = word.map_or_else(
                    || wanted.to_owned(),
                    |word| format!("device called `{word}`"),
                );
                Err(Failure::usage(
                    format!("there is more than one {what}"),
                    format!("name one by its place; {hint}"),
                ))
            }
        }
    }

    /// The device that is meant is not there; perhaps it is one of those that could not be made to work.
    fn in_vain(&self, message: String, hint: String) -> Failure {
        let failure = Failure::device(message, hint);
        match &self.start.failed[..] {
            [] => failure,
            [failed] => failure.with_note(&FailedJson::new(failed).line()),
            [failed, others @ ..] => {
                let line = FailedJson::new(failed).line();
                failure.with_note(&format!("{line} (and {} more)", others.len()))
            }
        }
    }

    /// Opens the disk in a slot and waits until it is ready.
    pub(crate) fn open_disk(&mut self, slot: SlotId) -> Result<PolledDisk, Failure> {
        let mut disk = PolledDisk::new(&mut self.engine, slot, Policy::default())?;
        let now = self.engine.now();
        disk.begin_start(now).map_err(host::Error::from)?;
        let done = self.run(|engine| disk.poll(engine))?;
        done.result.map_err(|error| self.explain(error))?;
        Ok(disk)
    }

    /// A device's failure in the light of what is known beside it: that the controller is dead, or why the medium failed.
    pub(crate) fn explain(&mut self, error: host::Error) -> Failure {
        if let Some(cause) = self.engine.death() {
            return host::Error::Died(cause).into();
        }
        let failure = Failure::from(error);
        match self.engine.backend_mut().last_failure() {
            Some(reason) => failure.with_note(&format!("behind it: {reason}")),
            None => failure,
        }
    }

    /// How long the session has lasted, also after its end.
    pub(crate) fn clock(&self) -> impl Fn() -> Duration + use<> {
        let begin = self.begin;
        move || begin.elapsed()
    }

    /// What is to be said at the end when devices were there that could not be made to work.
    pub(crate) fn check_failed(&self) -> Result<(), Failure> {
        match self.start.failed.len() {
            0 => Ok(()),
            1 => Err(Failure::device(
                "a device could not be made to work",
                "see the line above; try another port or cable",
            )),
            count => Err(Failure::device(
                format!("{count} devices could not be made to work"),
                "see the lines above; try other ports or cables",
            )),
        }
    }

    /// Hands the controller back.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.finished = true;
        Ok(self.engine.shutdown()?)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.finished {
            // What went wrong before is what counts.
            let _already_told = self.engine.shutdown();
        }
    }
}

/// Whether a device is meant by this word.
fn answers_to(device: &DeviceInfo, word: &str) -> bool {
    let ids = format!(
        "{:04x}:{:04x}",
        device.descriptor.vendor, device.descriptor.product
    );
    let class = match word {
        "disk" => storage::function(device).is_some(),
        "keyboard" => keyboard::function(device).is_some(),
        "hub" => device.hub.is_some(),
        _ => false,
    };
    let is_place = word
        .chars()
        .all(|sign| sign.is_ascii_digit() || sign == '.');
    let word = word.to_lowercase();
    let named = |name: &Option<String>| {
        name.as_ref()
            .is_some_and(|name| !word.is_empty() && name.to_lowercase().contains(&word))
    };
    class
        || word == location(&device.place)
        || word == ids
        || (!is_place && (named(&device.product) || named(&device.serial)))
}

/// A device in a few words.
pub(crate) fn short_name(device: &DeviceInfo) -> String {
    let name = device
        .product
        .as_deref()
        .map_or_else(|| "a device".to_owned(), clean);
    format!("{name} on port {}", location(&device.place))
}
