use alloc::collections::VecDeque;
use alloc::vec::Vec;

use memory::Slice;
use usb_spec::Speed;

use super::blueprint::Blueprint;
use super::control::Control;
use super::function::{Function, Job};
use super::pipe::{Pipe, REQUESTS_MAX, Sequence};
use crate::{Completion, Status, Token, WorkId};

/// How many completions are kept room for from the start.
const COMPLETIONS_USUAL: usize = 64;

/// Halts that one answer of a function may ask for: both directions of fifteen endpoints.
const HALTS_MAX: usize = 30;

/// The states of USB 2.0 §9.1.1 from power on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Powered but not reset: it answers nobody. SuperSpeed devices skip this, link training resets them.
    Powered,
    /// Reset; it answers at address 0.
    Default,
    /// It has an address.
    Address(u8),
    /// It has an address and a configuration.
    Configured(u8),
}

impl DeviceState {
    /// The address it answers to, if any.
    #[must_use]
    pub const fn address(self) -> Option<u8> {
        match self {
            Self::Powered => None,
            Self::Default => Some(0),
            Self::Address(address) | Self::Configured(address) => Some(address),
        }
    }
}

/// Features of the device as a whole that the host turns on and off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Features {
    pub(super) remote_wakeup: bool,
    pub(super) u1: bool,
    pub(super) u2: bool,
}

/// A USB device: chapter 9 around a [`Function`].
///
/// Endpoint 0 answers each request as it is submitted; the others as the function has something to say.
#[derive(Debug)]
pub struct Device<F, S> {
    pub(super) function: F,
    pub(super) blueprint: Blueprint,
    pub(super) state: DeviceState,
    /// The value of the current configuration, 0 for none.
    pub(super) configuration: u8,
    pub(super) features: Features,
    pub(super) control: Control,
    /// The bytes of the data stage under way.
    pub(super) data: Vec<u8>,
    /// Interfaces and their alternate settings while configured.
    pub(super) alternates: Vec<(u8, u8)>,
    pub(super) pipes: Vec<Pipe<S>>,
    pub(super) finished: VecDeque<Completion<S>>,
    pub(super) orphans: Vec<Orphan>,
    pub(super) errand: Option<(WorkId, Job)>,
    pub(super) next_work: u64,
    pub(super) suspended: bool,
    pub(super) woke: bool,
}

/// A request that ended while its work was under way: its completion waits, because its buffers may still be touched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orphan {
    pub(super) work: WorkId,
    pub(super) token: Token,
    pub(super) done: usize,
}

impl<F: Function, S: Slice> Device<F, S> {
    /// A device with power, not yet reset.
    #[must_use]
    pub fn with_function(blueprint: Blueprint, function: F) -> Self {
        let state = Self::after_power(blueprint.speed);
        let ep0 = Sequence {
            next: 0,
            modulus: sequence_modulus(blueprint.speed),
        };
        Self {
            function,
            blueprint,
            state,
            configuration: 0,
            features: Features::default(),
            control: Control::new(ep0),
            data: Vec::with_capacity(256),
            alternates: Vec::new(),
            pipes: Vec::new(),
            finished: VecDeque::with_capacity(COMPLETIONS_USUAL),
            orphans: Vec::new(),
            errand: None,
            next_work: 0,
            suspended: false,
            woke: false,
        }
    }

    /// What it is behind chapter 9.
    #[must_use]
    pub fn function(&self) -> &F {
        &self.function
    }

    /// What it is behind chapter 9, to be changed from outside: a key pressed, a medium taken out.
    pub fn function_mut(&mut self) -> &mut F {
        &mut self.function
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> DeviceState {
        self.state
    }

    /// Whether the host has allowed it to wake it.
    #[must_use]
    pub fn may_wake(&self) -> bool {
        self.features.remote_wakeup
    }

    fn after_power(speed: Speed) -> DeviceState {
        if speed.is_super() {
            DeviceState::Default
        } else {
            DeviceState::Powered
        }
    }

    /// Takes on a configuration, or none: endpoints begin anew, requests for those that vanish end unanswered. USB 2.0 §9.1.1.5.
    pub(super) fn configure(&mut self, configuration: u8) {
        self.configuration = configuration;
        self.alternates.clear();
        let settings = self.blueprint.settings(configuration).iter();
        let zeroes = settings.filter(|s| s.alternate == 0);
        self.alternates.extend(zeroes.map(|s| (s.interface, 0)));
        self.features.u1 = false;
        self.features.u2 = false;
        self.rebuild(None);
        self.function.begin(configuration);
        self.fetch_halts();
    }

    /// Makes the endpoints of the current settings: all, or those of one interface. Requests survive if their endpoint does.
    pub(super) fn rebuild(&mut self, interface: Option<u8>) {
        let modulus = sequence_modulus(self.blueprint.speed);
        let affected = |number: u8| interface.is_none_or(|one| one == number);
        let mut old = Vec::new();
        let mut kept = Vec::new();
        for pipe in self.pipes.drain(..) {
            if affected(pipe.interface) {
                old.push(pipe)
            } else {
                kept.push(pipe)
            }
        }
        self.pipes = kept;
        for &(number, alternate) in self
            .alternates
            .iter()
            .filter(|(number, _)| affected(*number))
        {
            let plans = self
                .blueprint
                .setting(self.configuration, number, alternate)
                .map_or(&[][..], |s| &s.endpoints);
            self.pipes
                .extend(plans.iter().map(|plan| Pipe::new(plan, number, modulus)));
        }
        for mut pipe in old {
            self.orphan_working(&mut pipe);
            match self
                .pipes
                .iter_mut()
                .find(|new| new.address == pipe.address)
            {
                Some(new) => new.queue = pipe.queue,
                None => self.unanswered(pipe),
            }
        }
    }

    /// The oldest request ends, but its completion waits for its work.
    fn orphan_working(&mut self, pipe: &mut Pipe<S>) {
        if let Some(working) = pipe.working.take()
            && let Some(head) = pipe.queue.pop_front()
        {
            self.orphans.push(Orphan {
                work: working.id,
                token: head.request.token,
                done: head.done,
            });
        }
    }

    fn unanswered(&mut self, mut pipe: Pipe<S>) {
        for _ in 0..REQUESTS_MAX {
            let Some(completion) = pipe.finish(Status::TransactionError) else {
                break;
            };
            self.finished.push_back(completion);
        }
    }

    pub(super) fn fetch_halts(&mut self) {
        for _ in 0..HALTS_MAX {
            let Some(address) = self.function.take_halt() else {
                break;
            };
            if let Some(pipe) = self.pipes.iter_mut().find(|pipe| pipe.address == address) {
                pipe.halted = true;
            }
        }
    }

    pub(super) fn name_work(&mut self) -> WorkId {
        let id = WorkId(self.next_work);
        self.next_work = self.next_work.wrapping_add(1);
        id
    }
}

/// Data toggles up to high speed (USB 2.0 §8.6), sequence numbers of five bits from super speed on (USB 3.2 §8.6.1, unchecked).
pub(super) fn sequence_modulus(speed: Speed) -> u8 {
    if speed.is_super() { 32 } else { 2 }
}
