use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use memory::Slice;
use usb_model::{Cancelled, Output, Request, Token, UsbDevice, WorkDone};
use usb_spec::speed::Speed;
use usb_spec::time::Instant;

/// A device that the test keeps a hand on while the model has it. It has no children.
#[derive(Debug)]
pub struct SharedDevice<D> {
    inner: Rc<RefCell<D>>,
}

impl<D> Clone for SharedDevice<D> {
    fn clone(&self) -> Self {
        Self {
            inner: Rc::clone(&self.inner),
        }
    }
}

impl<D> SharedDevice<D> {
    /// Shares `device`.
    #[must_use]
    pub fn new(device: D) -> Self {
        Self {
            inner: Rc::new(RefCell::new(device)),
        }
    }

    /// The device, for as long as the model is not at work.
    ///
    /// # Panics
    /// While the model is in the middle of it.
    #[must_use]
    pub fn get(&self) -> RefMut<'_, D> {
        self.inner.borrow_mut()
    }
}

impl<S: Slice, D: UsbDevice<S>> UsbDevice<S> for SharedDevice<D> {
    fn speed(&self) -> Speed {
        self.inner.borrow().speed()
    }
    fn reset(&mut self) {
        self.get().reset();
    }
    fn submit(&mut self, request: Request<S>) {
        self.get().submit(request);
    }
    fn cancel(&mut self, token: Token) -> Cancelled<S> {
        self.get().cancel(token)
    }
    fn poll(&mut self, now: Instant) -> Option<Output<S>> {
        self.get().poll(now)
    }
    fn complete(&mut self, done: WorkDone<S>) {
        self.get().complete(done);
    }
    fn suspend(&mut self, suspended: bool) {
        self.get().suspend(suspended);
    }
    fn child(&mut self, _port: u8) -> Option<&mut dyn UsbDevice<S>> {
        None
    }
    fn next_deadline(&self) -> Option<Instant> {
        self.inner.borrow().next_deadline()
    }
}
