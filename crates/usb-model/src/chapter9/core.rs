use alloc::collections::VecDeque;
use alloc::vec::Vec;

use memory::Slice;
use usb_spec::Speed;
use usb_spec::time::Instant;

use super::blueprint::{Blueprint, CONFIGURATION_VALUE};
use super::control::Control;
use super::function::{Function, Job};
use super::pipe::{Pending, Pipe, REQUESTS_MAX, Sequence, completion};
use crate::{
    Cancelled, Completion, Output, Request, Stage, Status, Token, UsbDevice, Work, WorkDone,
    WorkId, buffers,
};

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
    pub(super) features: Features,
    pub(super) control: Control,
    /// The bytes of the data stage under way.
    pub(super) data: Vec<u8>,
    /// Interfaces and their alternate settings while configured.
    pub(super) alternates: Vec<(u8, u8)>,
    pub(super) pipes: Vec<Pipe<S>>,
    pub(super) finished: VecDeque<Completion<S>>,
    orphans: Vec<Orphan>,
    errand: Option<(WorkId, Job)>,
    pub(super) next_work: u64,
    suspended: bool,
    woke: bool,
}

/// A request that ended while its work was under way: its completion waits, because its buffers may still be touched.
#[derive(Clone, Copy, Debug)]
struct Orphan {
    work: WorkId,
    token: Token,
    done: usize,
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

    fn after_power(speed: Speed) -> DeviceState {
        if speed.is_super() {
            DeviceState::Default
        } else {
            DeviceState::Powered
        }
    }

    /// Takes on a configuration, or none: endpoints begin anew, requests for those that vanish end unanswered. USB 2.0 §9.1.1.5.
    pub(super) fn configure(&mut self, configured: bool) {
        self.alternates.clear();
        if configured {
            let zeroes = self.blueprint.settings.iter().filter(|s| s.alternate == 0);
            self.alternates.extend(zeroes.map(|s| (s.interface, 0)));
        }
        self.features.u1 = false;
        self.features.u2 = false;
        self.rebuild(None);
        self.function.begin(configured);
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
                .setting(number, alternate)
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

    /// No answer on the bus.
    fn refuse(&mut self, request: Request<S>) {
        let Request { token, buffers, .. } = request;
        self.finished
            .push_back(completion(token, Status::TransactionError, 0, 0, buffers));
    }

    /// Work for an errand of the function; it has no buffers.
    fn run_errand(&mut self) -> Option<Output<S>> {
        if self.errand.is_some() {
            return None;
        }
        let errand = self.function.take_errand()?;
        let id = self.name_work();
        self.errand = Some((id, errand.job));
        Some(Output::Work(Work {
            id,
            kind: errand.kind,
            offset: 0,
            buffers: Vec::new(),
            length: 0,
        }))
    }

    pub(super) fn name_work(&mut self) -> WorkId {
        let id = WorkId(self.next_work);
        self.next_work = self.next_work.wrapping_add(1);
        id
    }

    fn wake(&mut self, now: Instant) -> Option<Output<S>> {
        if self.woke || !self.features.remote_wakeup || !self.function.wants_wake(now) {
            return None;
        }
        self.woke = true;
        Some(Output::Wake)
    }

    fn complete_orphan(&mut self, done: WorkDone<S>) {
        let Some(at) = self
            .orphans
            .iter()
            .position(|orphan| orphan.work == done.id)
        else {
            return;
        };
        let Orphan {
            token, done: bytes, ..
        } = self.orphans.swap_remove(at);
        self.finished.push_back(completion(
            token,
            Status::TransactionError,
            bytes,
            0,
            done.buffers,
        ));
    }
}

impl<F: Function, S: Slice> UsbDevice<S> for Device<F, S> {
    fn speed(&self) -> Speed {
        self.blueprint.speed
    }

    fn reset(&mut self) {
        self.state = DeviceState::Default;
        self.features = Features::default();
        self.control.reset();
        self.suspended = false;
        self.woke = false;
        self.function.port_reset();
        self.configure(false);
    }

    fn submit(&mut self, request: Request<S>) {
        let fits = buffers::total(&request.buffers) >= request.length;
        if self.state.address() != Some(request.address) || !fits {
            return self.refuse(request);
        }
        if request.endpoint.is_zero() {
            return self.control(request);
        }
        let pipe = self
            .pipes
            .iter_mut()
            .find(|pipe| pipe.address == request.endpoint);
        match pipe {
            Some(pipe) if request.stage == Stage::Transfer && pipe.queue.len() < REQUESTS_MAX => {
                let compare = pipe.queue.is_empty();
                pipe.queue.push_back(Pending {
                    request,
                    done: 0,
                    cut: 0,
                    compare,
                });
            }
            _ => self.refuse(request),
        }
    }

    fn cancel(&mut self, token: Token) -> Cancelled<S> {
        if self.orphans.iter().any(|orphan| orphan.token == token) {
            return Cancelled::Busy;
        }
        for pipe in &mut self.pipes {
            let Some(at) = pipe
                .queue
                .iter()
                .position(|pending| pending.request.token == token)
            else {
                continue;
            };
            if at == 0
                && let Some(working) = &mut pipe.working
            {
                working.cancelled = true;
                return Cancelled::Busy;
            }
            if let Some(Pending { request, done, .. }) = pipe.queue.remove(at) {
                return Cancelled::Taken(completion(
                    token,
                    Status::Ok,
                    done,
                    pipe.sequence.next,
                    request.buffers,
                ));
            }
        }
        Cancelled::Unknown
    }

    fn poll(&mut self, now: Instant) -> Option<Output<S>> {
        if let Some(completion) = self.finished.pop_front() {
            return Some(Output::Completion(completion));
        }
        if let Some(work) = self.run_errand() {
            return Some(work);
        }
        if self.suspended {
            return self.wake(now);
        }
        self.serve(now)
    }

    fn complete(&mut self, done: WorkDone<S>) {
        if let Some((id, job)) = self.errand
            && id == done.id
        {
            self.errand = None;
            self.function.work_done(job, done.result.map(|()| 0));
            self.fetch_halts();
            return;
        }
        let at = self
            .pipes
            .iter()
            .position(|pipe| pipe.working.is_some_and(|working| working.id == done.id));
        match at {
            Some(at) => self.complete_working(at, done),
            None => self.complete_orphan(done),
        }
    }

    fn suspend(&mut self, suspended: bool) {
        self.suspended = suspended;
        self.woke = false;
    }

    fn child(&mut self, _port: u8) -> Option<&mut dyn UsbDevice<S>> {
        None
    }

    fn next_deadline(&self) -> Option<Instant> {
        if self.suspended {
            let armed = self.features.remote_wakeup && !self.woke;
            return if armed {
                self.function.next_wake()
            } else {
                None
            };
        }
        let asked = self.pipes.iter().any(|pipe| !pipe.queue.is_empty());
        if asked {
            self.function.next_deadline()
        } else {
            None
        }
    }
}

/// Data toggles up to high speed (USB 2.0 §8.6), sequence numbers of five bits from super speed on (USB 3.2 §8.6.1, unchecked).
pub(super) fn sequence_modulus(speed: Speed) -> u8 {
    if speed.is_super() { 32 } else { 2 }
}

impl<F: Function, S: Slice> Device<F, S> {
    /// `bConfigurationValue` of the current configuration, 0 for none.
    pub(super) fn configuration_value(&self) -> u8 {
        if matches!(self.state, DeviceState::Configured(_)) {
            CONFIGURATION_VALUE
        } else {
            0
        }
    }
}
