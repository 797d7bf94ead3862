//! How an endpoint comes to rest: what is with the device is taken back, and nothing is said before that is certain.

use memory::Memory;
use usb_model::{Cancelled, Completion, Status};
use xhci_spec::context::EndpointState;
use xhci_spec::state::EndpointInput;

use super::Bench;
use super::td::{End, Outcome, Td};
use crate::context::HostError;
use crate::endpoint::Ending;
use crate::slot::contexts;

impl<M: Memory> Bench<'_, '_, M> {
    /// Takes every request back from the device, the youngest first, so that none begins because its elder left. False if it is not
    /// done: a worker still has buffers, or events found no room. [`advance`](Self::advance) goes on then.
    pub(crate) fn begin(&mut self, ending: Ending) -> Result<bool, HostError> {
        // An endpoint that goes away tells nothing, whatever it was about to tell.
        if self.endpoint.ending.is_none() || ending == Ending::Drop {
            self.endpoint.ending = Some(ending);
        }
        self.cancel(Status::Ok);
        self.finish_ending()
    }

    /// The device was unplugged or reset: what it has ends without an answer.
    pub(crate) fn lose_device(&mut self) -> Result<bool, HostError> {
        self.cancel(Status::TransactionError);
        self.advance()
    }

    /// Takes requests back; those that were taken end with `status`.
    fn cancel(&mut self, status: Status) {
        for index in (0..self.endpoint.tds.len()).rev() {
            let held = self.endpoint.tds.get(index).filter(|td| td.is_held());
            let Some(token) = held.map(|td| td.token) else {
                continue;
            };
            let device = self.cx.ports.device(self.place.port, self.place.route);
            let completion = match device.map(|device| device.cancel(token)) {
                Some(Cancelled::Taken(completion)) => Completion {
                    status,
                    ..completion
                },
                // Its completion comes.
                Some(Cancelled::Busy | Cancelled::Unknown) => continue,
                None => Completion {
                    token,
                    status,
                    bytes: 0,
                    sequence: 0,
                    buffers: alloc::vec::Vec::new(),
                },
            };
            self.settle(completion, true);
        }
    }

    /// Comes to rest if nothing is with the device any more. xHCI 1.2 §4.6.8 to §4.6.11, §4.10.2.
    pub(super) fn finish_ending(&mut self) -> Result<bool, HostError> {
        let Some(ending) = self.endpoint.ending else {
            return Ok(true);
        };
        if self.endpoint.is_busy() {
            return Ok(true);
        }
        if ending == Ending::Drop {
            return Ok(self.rest());
        }
        // Each turn retires a TD or returns.
        while let Some(outcome) = self.endpoint.tds.front().and_then(|td| td.outcome) {
            let Outcome { end, bytes } = outcome;
            match end {
                End::Complete | End::Short => {
                    if !self.report(outcome)? {
                        return Ok(false);
                    }
                    self.drop_oldest();
                }
                End::Failed(code) => return Ok(self.halt(code, bytes)? && self.rest()),
                End::Taken => {
                    let tell = ending == Ending::Stop;
                    return Ok(self.park(bytes, tell)? && self.rest());
                }
            }
        }
        if ending == Ending::Stop {
            let (cx, place) = (&*self.cx, &self.place);
            contexts::write_dequeue(cx, place.output, place.dci, &self.endpoint.ring)?;
            self.endpoint
                .apply(cx, place, EndpointInput::StopEndpoint)?;
        }
        Ok(self.rest())
    }

    /// Forgets what has not begun.
    fn rest(&mut self) -> bool {
        if self.endpoint.ending == Some(Ending::Drop) {
            self.endpoint.ring = self.endpoint.shown_ring();
        }
        while !self.endpoint.tds.is_empty() {
            self.drop_oldest();
        }
        self.endpoint.ending = None;
        true
    }

    /// Whether the endpoint has something under way that a halt of the controller must wait for.
    pub(crate) fn can_pause(&self) -> bool {
        self.endpoint.state == EndpointState::Running
            && self.endpoint.ending.is_none()
            && self.endpoint.tds.iter().any(Td::is_held)
    }
}
