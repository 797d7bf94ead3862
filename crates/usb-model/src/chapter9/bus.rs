//! The device on the cable: [`UsbDevice`] for every [`Device`].

use alloc::vec::Vec;

use memory::Slice;
use usb_spec::Speed;
use usb_spec::time::Instant;

use super::device::{Device, DeviceState, Features, Orphan};
use super::function::Function;
use super::pipe::{Pending, REQUESTS_MAX, completion};
use crate::{Cancelled, Output, Request, Stage, Status, Token, UsbDevice, Work, WorkDone, buffers};

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
        self.configure(0);
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

impl<F: Function, S: Slice> Device<F, S> {
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
