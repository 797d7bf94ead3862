use std::collections::VecDeque;

use memory::Slice;
use usb_model::{
    Cancelled, Completion, Downstream, Output, Request, Stage, Status, Token, UsbDevice, WorkDone,
};
use usb_spec::endpoint::{Direction, EndpointAddress};
use usb_spec::setup::Setup;
use usb_spec::speed::Speed;
use usb_spec::time::Instant;
use usb_spec::{Recipient, Request as SetupRequest, RequestKind};
use xhci_spec::number::PortId;

use crate::Injector;
use crate::fault::{Answer, Injury, Target, What};

/// A device whose answers the plan disturbs; it wraps one that knows nothing of it.
///
/// It stays honest: what is answered wrongly never reaches the device behind it, and an endpoint that stalled stalls until the host clears
/// its halt (or, on endpoint 0, until the next setup packet).
#[derive(Debug)]
pub struct FaultyDevice<D, S> {
    inner: D,
    port: PortId,
    injector: Injector,
    answers: VecDeque<Completion<S>>,
    under_way: Vec<(Token, EndpointAddress)>,
    halted: Vec<EndpointAddress>,
}

impl<D, S> FaultyDevice<D, S> {
    /// Disturbs `inner`, which is going to be plugged into `port`.
    #[must_use]
    pub const fn new(inner: D, port: PortId, injector: Injector) -> Self {
        Self {
            inner,
            port,
            injector,
            answers: VecDeque::new(),
            under_way: Vec::new(),
            halted: Vec::new(),
        }
    }

    fn answer(&mut self, request: Request<S>, status: Status) {
        self.answers.push_back(Completion {
            token: request.token,
            status,
            bytes: 0,
            sequence: request.host.sequence,
            buffers: request.buffers,
        });
    }

    /// What a setup packet means for the endpoints that are made to stall.
    fn heard(&mut self, packet: [u8; 8]) {
        self.halted.retain(|endpoint| !endpoint.is_zero());
        let setup = Setup::from_bytes(packet);
        let clears = setup.request == SetupRequest::CLEAR_FEATURE
            && setup.request_type.kind == RequestKind::Standard
            && setup.request_type.recipient == Recipient::ENDPOINT;
        let number = setup.index_low();
        let configures = matches!(
            setup.request,
            SetupRequest::SET_CONFIGURATION | SetupRequest::SET_INTERFACE
        ) && setup.request_type.kind == RequestKind::Standard;
        self.halted
            .retain(|endpoint| !(configures || clears && endpoint.0 == number));
    }
}

fn target<S>(request: &Request<S>) -> Target {
    match (request.stage, request.endpoint.direction()) {
        (Stage::Setup(_), _) => Target::Setup,
        (Stage::ControlData, _) => Target::ControlData,
        (Stage::ControlStatus, _) => Target::ControlStatus,
        (Stage::Transfer, Direction::In) => Target::In,
        (Stage::Transfer, Direction::Out) => Target::Out,
    }
}

/// Endpoint 0 halts as a whole; others by direction.
fn halting(endpoint: EndpointAddress) -> EndpointAddress {
    if endpoint.number() == 0 {
        EndpointAddress(0)
    } else {
        endpoint
    }
}

impl<S: Slice, D: UsbDevice<S>> UsbDevice<S> for FaultyDevice<D, S> {
    fn speed(&self) -> Speed {
        self.inner.speed()
    }

    fn reset(&mut self) {
        self.halted.clear();
        self.inner.reset();
    }

    fn submit(&mut self, request: Request<S>) {
        if let Stage::Setup(packet) = request.stage {
            self.heard(packet);
        }
        if request.address == 0 {
            self.injector.at_address_zero(self.port);
        }
        let endpoint = halting(request.endpoint);
        if self.halted.contains(&endpoint) {
            return self.answer(request, Status::Stall);
        }
        // Answers come in order, so a request behind one that is under way is no opportunity.
        let alone = self.under_way.iter().all(|(_, other)| *other != endpoint);
        let injury = Injury::Request {
            target: target(&request),
            is_in: request.endpoint.direction().is_in(),
        };
        let struck = if alone {
            self.injector.strike(injury)
        } else {
            None
        };
        match struck {
            Some(What::Device(Answer::None, _)) => {
                return self.answer(request, Status::TransactionError);
            }
            Some(What::Device(Answer::Stall, _)) => {
                self.halted.push(endpoint);
                return self.answer(request, Status::Stall);
            }
            Some(What::Device(Answer::Babble, _)) => return self.answer(request, Status::Babble),
            Some(What::Unplug(_)) => self.injector.unplug(self.port),
            _ => {}
        }
        self.under_way.push((request.token, endpoint));
        self.inner.submit(request);
    }

    fn cancel(&mut self, token: Token) -> Cancelled<S> {
        let cancelled = self.inner.cancel(token);
        if matches!(cancelled, Cancelled::Taken(_)) {
            self.under_way.retain(|(other, _)| *other != token);
        }
        cancelled
    }

    fn poll(&mut self, now: Instant) -> Option<Output<S>> {
        if let Some(answer) = self.answers.pop_front() {
            return Some(Output::Completion(answer));
        }
        let output = self.inner.poll(now);
        if let Some(Output::Completion(done)) = &output {
            self.under_way.retain(|(token, _)| *token != done.token);
        }
        output
    }

    fn complete(&mut self, done: WorkDone<S>) {
        self.inner.complete(done);
    }

    fn suspend(&mut self, suspended: bool) {
        self.inner.suspend(suspended);
    }

    fn hub(&mut self) -> Option<&mut dyn Downstream<S>> {
        self.inner.hub()
    }

    fn child(&mut self, port: u8) -> Option<&mut dyn UsbDevice<S>> {
        self.inner.child(port)
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.inner.next_deadline()
    }
}
