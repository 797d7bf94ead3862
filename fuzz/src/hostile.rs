//! A device that lies: one that works, and on its way to the host its answers are changed as a script says.

use std::collections::VecDeque;

use memory::Slice;
use usb_model::{
    Cancelled, Completion, Downstream, Output, Request, Status, Token, UsbDevice, WorkDone,
};
use usb_spec::{Instant, Speed};
use volmem::VolatileSlice;

/// What happens to one answer of the device.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lie {
    /// A byte of what it sends is another.
    Byte { at: u8, value: u8 },
    /// It sends no more than so many bytes.
    Short(u8),
    /// It answers like this.
    Status(Status),
}

/// Wraps a device; every answer that carries bytes to the host, or ends a request, takes one entry of the script.
#[derive(Debug)]
pub(crate) struct Hostile {
    inner: Box<dyn UsbDevice<VolatileSlice>>,
    script: VecDeque<Option<Lie>>,
}

impl Hostile {
    pub(crate) fn boxed(
        inner: Box<dyn UsbDevice<VolatileSlice>>,
        script: VecDeque<Option<Lie>>,
    ) -> Box<Self> {
        Box::new(Self { inner, script })
    }

    fn lie(&mut self, completion: &mut Completion<VolatileSlice>) {
        match self.script.pop_front().flatten() {
            None => {}
            Some(Lie::Status(status)) => completion.status = status,
            Some(Lie::Short(bytes)) => completion.bytes = completion.bytes.min(bytes.into()),
            Some(Lie::Byte { at, value }) => {
                let mut at = usize::from(at);
                for buffer in &completion.buffers {
                    if at < buffer.len() {
                        buffer.write(at, &[value]).expect("inside the buffer");
                        break;
                    }
                    at -= buffer.len();
                }
            }
        }
    }
}

impl UsbDevice<VolatileSlice> for Hostile {
    fn speed(&self) -> Speed {
        self.inner.speed()
    }

    fn reset(&mut self) {
        self.inner.reset();
    }

    fn submit(&mut self, request: Request<VolatileSlice>) {
        self.inner.submit(request);
    }

    fn cancel(&mut self, token: Token) -> Cancelled<VolatileSlice> {
        self.inner.cancel(token)
    }

    fn poll(&mut self, now: Instant) -> Option<Output<VolatileSlice>> {
        let mut output = self.inner.poll(now)?;
        if let Output::Completion(completion) = &mut output {
            self.lie(completion);
        }
        Some(output)
    }

    fn complete(&mut self, done: WorkDone<VolatileSlice>) {
        self.inner.complete(done);
    }

    fn suspend(&mut self, suspended: bool) {
        self.inner.suspend(suspended);
    }

    fn child(&mut self, port: u8) -> Option<&mut dyn UsbDevice<VolatileSlice>> {
        self.inner.child(port)
    }

    fn hub(&mut self) -> Option<&mut dyn Downstream<VolatileSlice>> {
        self.inner.hub()
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.inner.next_deadline()
    }
}
