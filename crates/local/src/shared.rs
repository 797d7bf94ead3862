use std::cell::RefCell;
use std::rc::Rc;

use memory::Slice;
use usb_model::{Cancelled, Output, Request, Token, UsbDevice, WorkDone};
use usb_spec::Speed;
use usb_spec::time::Instant;

/// A device on a port that somebody outside still has in hand: to type on it, to take its medium out.
///
/// Borrows last for one call, and no call re-enters, so they never meet.
#[derive(Debug)]
pub(crate) struct Shared<D>(Rc<RefCell<D>>);

impl<D> Shared<D> {
    pub(crate) fn new(device: D) -> Self {
        Self(Rc::new(RefCell::new(device)))
    }

    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut D) -> T) -> T {
        f(&mut self.0.borrow_mut())
    }
}

impl<D> Clone for Shared<D> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<S: Slice, D: UsbDevice<S>> UsbDevice<S> for Shared<D> {
    fn speed(&self) -> Speed {
        self.0.borrow().speed()
    }

    fn reset(&mut self) {
        self.with(D::reset);
    }

    fn submit(&mut self, request: Request<S>) {
        self.with(|device| device.submit(request));
    }

    fn cancel(&mut self, token: Token) -> Cancelled<S> {
        self.with(|device| device.cancel(token))
    }

    fn poll(&mut self, now: Instant) -> Option<Output<S>> {
        self.with(|device| device.poll(now))
    }

    fn complete(&mut self, done: WorkDone<S>) {
        self.with(|device| device.complete(done));
    }

    fn suspend(&mut self, suspended: bool) {
        self.with(|device| device.suspend(suspended));
    }

    /// What is shared is no hub.
    fn child(&mut self, _port: u8) -> Option<&mut dyn UsbDevice<S>> {
        None
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.0.borrow().next_deadline()
    }
}
