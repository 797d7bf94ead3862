//! What is behind a port: the device, and what it still owes while nobody can reach it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use memory::Slice;
use usb_spec::Speed;
use usb_spec::time::Instant;

use super::port::Effect;
use crate::{
    Cancelled, Completion, Downstream, Output, Request, Status, Token, UsbDevice, WorkDone,
};

/// Room that is reserved from the start, so that no request of a reasonable host allocates.
const REQUESTS_USUAL: usize = 32;

/// How much there may be to say in a row: every endpoint of every device behind a port may have been full of requests.
const SAYINGS_MAX: usize = 1 << 16;

/// A port's device as the host reaches it.
///
/// It stays after the device was pulled out, until all requests have ended.
#[derive(Debug)]
pub(super) struct Branch<S: Slice> {
    child: Option<Box<dyn UsbDevice<S>>>,
    /// The device has been pulled out, but a worker still has its buffers.
    leaving: bool,
    /// Traffic passes.
    pub(super) passing: bool,
    /// Traffic goes through a transaction translator.
    pub(super) split: bool,
    speed: Speed,
    under_way: Vec<UnderWay>,
    outputs: VecDeque<Output<S>>,
    /// Pieces of the device's work that have not been completed.
    works: u32,
    /// The device wants its port resumed.
    pub(super) woke: bool,
}

/// A request that the device has.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    token: Token,
    /// The device was cut off from it; its completion waits for a worker.
    lost: bool,
}

impl<S: Slice> Branch<S> {
    pub(super) fn new() -> Self {
        Self {
            child: None,
            leaving: false,
            passing: false,
            split: false,
            speed: Speed::Full,
            under_way: Vec::with_capacity(REQUESTS_USUAL),
            outputs: VecDeque::new(),
            works: 0,
            woke: false,
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.child.is_none()
    }

    /// Whether there is neither a device nor anything that one has left to say.
    pub(super) fn is_void(&self) -> bool {
        self.child.is_none() && self.outputs.is_empty()
    }

    pub(super) fn put(&mut self, device: Box<dyn UsbDevice<S>>) {
        self.speed = device.speed();
        self.child = Some(device);
    }

    /// Takes the device out once no worker has buffers of it or of what is behind it.
    pub(super) fn pull(&mut self) -> Option<Box<dyn UsbDevice<S>>> {
        self.leaving = self.child.is_some();
        self.take_departed()
    }

    pub(super) fn take_departed(&mut self) -> Option<Box<dyn UsbDevice<S>>> {
        if !self.leaving {
            return None;
        }
        self.drain();
        if self.is_busy() {
            return None;
        }
        self.leaving = false;
        self.woke = false;
        self.under_way.clear();
        let mut device = self.child.take()?;
        if let Some(hub) = device.hub() {
            for _ in 0..SAYINGS_MAX {
                let Some(completion) = hub.remains() else {
                    break;
                };
                self.outputs.push_back(Output::Completion(completion));
            }
            hub.place(0);
        }
        Some(device)
    }

    /// An answer that nobody has fetched.
    pub(super) fn remains(&mut self) -> Option<Completion<S>> {
        self.drain();
        while let Some(output) = self.outputs.pop_front() {
            if let Output::Completion(completion) = output {
                return Some(completion);
            }
        }
        self.downstream()?.remains()
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    pub(super) fn is_busy(&mut self) -> bool {
        let behind = self.downstream().is_some_and(|hub| hub.is_busy());
        self.works > 0 || behind
    }

    pub(super) fn place(&mut self, depth: u8) {
        if let Some(hub) = self.downstream() {
            hub.place(depth);
        }
    }

    /// Lets everything happen behind the device that was due by `now`.
    pub(super) fn tick(&mut self, now: Instant) {
        if let Some(hub) = self.downstream() {
            hub.tick(now);
        }
    }

    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::End => self.end(),
            Effect::Cut => {
                self.end();
                if let Some(hub) = self.downstream() {
                    hub.cut_off();
                }
            }
            Effect::Reset => {
                if let Some(child) = &mut self.child {
                    child.reset();
                }
            }
            Effect::Suspend(suspended) => self.suspend_child(suspended),
        }
    }

    pub(super) fn suspend_child(&mut self, suspended: bool) {
        if let Some(child) = &mut self.child {
            child.suspend(suspended);
        }
    }

    /// Hears whether a suspended device wants to wake.
    pub(super) fn listen(&mut self, now: Instant) {
        for _ in 0..SAYINGS_MAX {
            let Some(output) = self.hear(now) else { break };
            self.outputs.push_back(output);
        }
    }

    fn downstream(&mut self) -> Option<&mut dyn Downstream<S>> {
        self.child.as_deref_mut().and_then(UsbDevice::hub)
    }

    /// What the device says, except that it wants to wake, which is the port's business.
    fn hear(&mut self, now: Instant) -> Option<Output<S>> {
        let child = self.child.as_deref_mut()?;
        for _ in 0..SAYINGS_MAX {
            match child.poll(now)? {
                Output::Wake => self.woke = true,
                Output::Work(work) => {
                    self.works = self.works.saturating_add(1);
                    return Some(Output::Work(work));
                }
                Output::Completion(completion) => return Some(self.translate(completion)),
            }
        }
        None
    }

    /// A completion as the host sees it.
    fn translate(&mut self, mut completion: Completion<S>) -> Output<S> {
        let at = self
            .under_way
            .iter()
            .position(|one| one.token == completion.token);
        let lost = at.is_some_and(|at| self.under_way.remove(at).lost);
        if lost || completion.status == Status::TransactionError {
            completion.status = self.no_answer();
        }
        Output::Completion(completion)
    }

    /// What the host sees of silence: a hub that translates says so itself. USB 2.0 §11.17.1 (unchecked).
    fn no_answer(&self) -> Status {
        if self.split {
            Status::SplitError
        } else {
            Status::TransactionError
        }
    }

    /// Ends the requests under way; those whose buffers a worker has end with the work.
    fn end(&mut self) {
        let status = self.no_answer();
        let Some(child) = self.child.as_deref_mut() else {
            return;
        };
        let outputs = &mut self.outputs;
        self.under_way
            .retain_mut(|one| match child.cancel(one.token) {
                Cancelled::Taken(completion) => {
                    let ended = Completion {
                        status,
                        ..completion
                    };
                    outputs.push_back(Output::Completion(ended));
                    false
                }
                Cancelled::Busy => {
                    one.lost = true;
                    true
                }
                // It had ended before; its completion lies in the queue.
                Cancelled::Unknown => true,
            });
    }

    /// Fetches what the device has in its queue before it goes: it has no request any more that could be served.
    fn drain(&mut self) {
        if !self.under_way.is_empty() {
            self.listen(Instant::START);
        }
    }
}

impl<S: Slice> UsbDevice<S> for Branch<S> {
    fn speed(&self) -> Speed {
        self.speed
    }

    /// Only the port resets the device.
    fn reset(&mut self) {}

    fn submit(&mut self, request: Request<S>) {
        match &mut self.child {
            Some(child) if self.passing && !self.leaving => {
                self.under_way.push(UnderWay {
                    token: request.token,
                    lost: false,
                });
                child.submit(request);
            }
            _ => {
                let Request { token, buffers, .. } = request;
                let completion = Completion {
                    token,
                    status: self.no_answer(),
                    bytes: 0,
                    sequence: 0,
                    buffers,
                };
                self.outputs.push_back(Output::Completion(completion));
            }
        }
    }

    fn cancel(&mut self, token: Token) -> Cancelled<S> {
        let at = self.under_way.iter().position(|one| one.token == token);
        let (Some(at), Some(child)) = (at, &mut self.child) else {
            return Cancelled::Unknown;
        };
        let cancelled = child.cancel(token);
        if matches!(cancelled, Cancelled::Taken(_)) {
            self.under_way.remove(at);
        }
        cancelled
    }

    fn poll(&mut self, now: Instant) -> Option<Output<S>> {
        self.outputs.pop_front().or_else(|| self.hear(now))
    }

    fn complete(&mut self, done: WorkDone<S>) {
        self.works = self.works.saturating_sub(1);
        if let Some(child) = &mut self.child {
            child.complete(done);
        }
    }

    /// Only the port suspends the device.
    fn suspend(&mut self, _suspended: bool) {}

    fn child(&mut self, port: u8) -> Option<&mut dyn UsbDevice<S>> {
        self.child.as_deref_mut()?.child(port)
    }

    fn hub(&mut self) -> Option<&mut dyn Downstream<S>> {
        if self.leaving {
            return None;
        }
        self.downstream()
    }

    fn next_deadline(&self) -> Option<Instant> {
        if self.woke {
            return Some(Instant::START);
        }
        self.child.as_deref()?.next_deadline()
    }
}
