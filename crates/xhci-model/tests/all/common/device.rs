use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use usb_model::{Cancelled, Completion, Output, Request, Status, Token, UsbDevice, WorkDone};
use usb_spec::speed::Speed;
use usb_spec::time::Instant;

use super::memory::Piece;

/// What happened to a [`Diary`] device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Reset,
    Suspended,
    Resumed,
    Submitted,
    Completed,
}

/// A device that writes down what happens to it, and says what the test puts into its mouth.
#[derive(Clone, Debug)]
pub(crate) struct Diary {
    speed: Speed,
    pages: Rc<RefCell<Vec<Entry>>>,
    outputs: Rc<RefCell<VecDeque<Output<Piece>>>>,
}

impl Diary {
    pub(crate) fn new(speed: Speed) -> Self {
        Self {
            speed,
            pages: Rc::default(),
            outputs: Rc::default(),
        }
    }

    /// What happened since the last look.
    pub(crate) fn read(&self) -> Vec<Entry> {
        self.pages.take()
    }

    pub(crate) fn say(&self, output: Output<Piece>) {
        self.outputs.borrow_mut().push_back(output);
    }

    pub(crate) fn boxed(&self) -> Box<dyn UsbDevice<Piece>> {
        Box::new(self.clone())
    }

    fn note(&self, entry: Entry) {
        self.pages.borrow_mut().push(entry);
    }
}

impl UsbDevice<Piece> for Diary {
    fn speed(&self) -> Speed {
        self.speed
    }

    fn reset(&mut self) {
        self.note(Entry::Reset);
    }

    fn submit(&mut self, request: Request<Piece>) {
        self.note(Entry::Submitted);
        self.say(Output::Completion(Completion {
            token: request.token,
            status: Status::TransactionError,
            bytes: 0,
            sequence: 0,
            buffers: request.buffers,
        }));
    }

    fn cancel(&mut self, _: Token) -> Cancelled<Piece> {
        Cancelled::Unknown
    }

    fn poll(&mut self, _: Instant) -> Option<Output<Piece>> {
        self.outputs.borrow_mut().pop_front()
    }

    fn complete(&mut self, _: WorkDone<Piece>) {
        self.note(Entry::Completed);
    }

    fn suspend(&mut self, suspended: bool) {
        self.note(if suspended {
            Entry::Suspended
        } else {
            Entry::Resumed
        });
    }

    fn child(&mut self, _: u8) -> Option<&mut dyn UsbDevice<Piece>> {
        None
    }

    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}
