use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use usb_model::{
    Cancelled, Completion, HostView, Output, Request, Stage, Status, Token, UsbDevice, WorkDone,
};
use usb_spec::endpoint::EndpointAddress;
use usb_spec::speed::Speed;
use usb_spec::time::Instant;

use memory::Slice;

use crate::common::memory::Piece;

/// A request as the device saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) address: u8,
    pub(crate) endpoint: EndpointAddress,
    pub(crate) stage: Stage,
    pub(crate) length: usize,
    pub(crate) buffers: usize,
    pub(crate) host: HostView,
}

#[derive(Debug)]
struct State {
    speed: Speed,
    seen: Vec<Seen>,
    waiting: VecDeque<Request<Piece>>,
    outputs: VecDeque<Output<Piece>>,
    /// Control stages are answered at once with this.
    control: Option<Status>,
    /// Requests cannot be taken back: a worker has them.
    busy: bool,
    /// How much of the oldest request had been moved when it is taken back.
    moved: usize,
}

/// A device that does what the test says: everything but control transfers waits until then.
#[derive(Clone, Debug)]
pub(crate) struct Fake(Rc<RefCell<State>>);

impl Fake {
    pub(crate) fn new(speed: Speed) -> Self {
        Self(Rc::new(RefCell::new(State {
            speed,
            seen: Vec::new(),
            waiting: VecDeque::new(),
            outputs: VecDeque::new(),
            control: Some(Status::Ok),
            busy: false,
            moved: 0,
        })))
    }

    pub(crate) fn boxed(&self) -> Box<dyn UsbDevice<Piece>> {
        Box::new(self.clone())
    }

    /// What was asked since the last look.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.borrow_mut().seen)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.0.borrow().waiting.len()
    }

    /// How control stages are answered; `None`: they wait.
    pub(crate) fn control(&self, answer: Option<Status>) {
        self.0.borrow_mut().control = answer;
    }

    pub(crate) fn busy(&self, busy: bool) {
        self.0.borrow_mut().busy = busy;
    }

    pub(crate) fn moved(&self, moved: usize) {
        self.0.borrow_mut().moved = moved;
    }

    /// Answers the oldest request after `bytes` bytes; IN data is 0x5a.
    pub(crate) fn answer(&self, status: Status, bytes: usize) {
        let mut state = self.0.borrow_mut();
        let request = state.waiting.pop_front().expect("nobody asked");
        let completion = finish(request, status, bytes);
        state.outputs.push_back(Output::Completion(completion));
    }

    /// Answers the oldest request with a number of bytes that need not be true.
    pub(crate) fn claim(&self, status: Status, bytes: usize) {
        let mut state = self.0.borrow_mut();
        let request = state.waiting.pop_front().expect("nobody asked");
        state.outputs.push_back(Output::Completion(Completion {
            token: request.token,
            status,
            bytes,
            sequence: 0,
            buffers: request.buffers,
        }));
    }
}

fn finish(request: Request<Piece>, status: Status, bytes: usize) -> Completion<Piece> {
    let mut left = bytes;
    if request.endpoint.direction().is_in() {
        for buffer in &request.buffers {
            let now = left.min(buffer.len());
            buffer.fill(0, now, 0x5a).unwrap();
            left -= now;
        }
    }
    Completion {
        token: request.token,
        status,
        bytes,
        sequence: 0,
        buffers: request.buffers,
    }
}

impl UsbDevice<Piece> for Fake {
    fn speed(&self) -> Speed {
        self.0.borrow().speed
    }

    fn reset(&mut self) {}

    fn submit(&mut self, request: Request<Piece>) {
        let mut state = self.0.borrow_mut();
        state.seen.push(Seen {
            address: request.address,
            endpoint: request.endpoint,
            stage: request.stage,
            length: request.length,
            buffers: request.buffers.len(),
            host: request.host,
        });
        let sum: usize = request.buffers.iter().map(Slice::len).sum();
        assert_eq!(sum, request.length, "length is the sum of the buffers");
        match state.control.filter(|_| request.endpoint.is_zero()) {
            Some(status) => {
                let bytes = if status == Status::Ok {
                    request.length
                } else {
                    0
                };
                let completion = finish(request, status, bytes);
                state.outputs.push_back(Output::Completion(completion));
            }
            None => state.waiting.push_back(request),
        }
    }

    fn cancel(&mut self, token: Token) -> Cancelled<Piece> {
        let mut state = self.0.borrow_mut();
        let Some(at) = state.waiting.iter().position(|r| r.token == token) else {
            return Cancelled::Unknown;
        };
        if state.busy {
            return Cancelled::Busy;
        }
        let bytes = if at == 0 { state.moved } else { 0 };
        let request = state.waiting.remove(at).unwrap();
        Cancelled::Taken(finish(request, Status::Ok, bytes))
    }

    fn poll(&mut self, _: Instant) -> Option<Output<Piece>> {
        self.0.borrow_mut().outputs.pop_front()
    }

    fn complete(&mut self, _: WorkDone<Piece>) {}

    fn suspend(&mut self, _: bool) {}

    fn child(&mut self, _: u8) -> Option<&mut dyn UsbDevice<Piece>> {
        None
    }

    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}
