//! Suspend and resume of a port with a device on it.

use alloc::collections::BTreeSet;

use usb_spec::time::Instant;
use xhci_spec::number::{Dci, PortId, SlotId};

use crate::control::Control;
use crate::job::{Input, Job, JobId, is_last};
use crate::port::PortEvent;
use crate::{Hal, Notice, OperationError, OperationId, ToLane};

/// Sends a port to U3 or brings it back.
///
/// Before U3 every endpoint of the device is stopped, with its transfers kept (xHCI 1.2 §4.15.1); after it they go on.
#[derive(Debug)]
pub(crate) struct Power {
    pub(crate) id: OperationId,
    port: PortId,
    slot: SlotId,
    resume: bool,
    /// Endpoints still to be stopped.
    left: BTreeSet<Dci>,
}

impl<H: Hal> Control<H> {
    pub(crate) fn start_power(
        &mut self,
        id: OperationId,
        port: PortId,
        resume: bool,
        slot: SlotId,
        now: Instant,
    ) {
        let fits = self.port(port).is_some_and(|port| {
            if resume {
                port.is_suspended()
            } else {
                port.is_enabled()
            }
        });
        if !fits {
            self.operation_done(id, Err(OperationError::PortState));
            return self.device_free(slot, now);
        }
        let job = self.new_job(
            Job::Power(Power {
                id,
                port,
                slot,
                resume,
                left: BTreeSet::new(),
            }),
            Some(slot),
        );
        let left = if resume {
            BTreeSet::new()
        } else {
            self.tell_lanes(slot, |_| true, |key| ToLane::Pause { key }, now)
        };
        let go = left.is_empty();
        if let Some(Job::Power(job)) = self.jobs.get_mut(&job) {
            job.left = left;
        }
        if go {
            self.feed(job, Input::Go);
        }
    }

    pub(crate) fn power(&mut self, id: JobId, mut job: Power, input: Input<H>, now: Instant) {
        let ended = match input {
            input @ (Input::Go | Input::Paused { .. } | Input::Closed { .. }) => {
                if is_last(&mut job.left, &input) {
                    self.move_link(&job, now)
                } else {
                    None
                }
            }
            Input::Port(PortEvent::Suspended) if !job.resume => Some(Ok(())),
            Input::Port(PortEvent::Resumed) if job.resume => Some(Ok(())),
            // It came back before it was away: its device woke it.
            Input::Port(PortEvent::Resumed) => Some(Err(OperationError::PortState)),
            _ => None,
        };
        match ended {
            Some(result) => {
                self.operation_done(job.id, result);
                self.job_ended(id, Some(job.slot), now);
            }
            None => {
                self.jobs.insert(id, Job::Power(job));
            }
        }
    }

    fn move_link(&mut self, job: &Power, now: Instant) -> Option<Result<(), OperationError>> {
        let policy = self.policy.clone();
        let asked = self.port_mut(job.port).map(|(port, registers)| {
            if job.resume {
                port.resume(registers, &policy, now)
            } else {
                port.suspend(registers, &policy, now)
            }
        });
        match asked {
            Some(Ok(())) => None,
            _ => Some(Err(OperationError::ControllerDead)),
        }
    }

    pub(crate) fn tell_power_job(&mut self, slot: Option<SlotId>, event: PortEvent) -> bool {
        let job = slot
            .and_then(|slot| self.devices.get(&slot))
            .and_then(|device| device.job);
        let power = job.filter(|job| matches!(self.jobs.get(job), Some(Job::Power(_))));
        if let Some(job) = power {
            self.feed(job, Input::Port(event));
        }
        power.is_some()
    }

    /// The link is in U0 again: somebody asked for it, or the device woke up.
    pub(crate) fn port_resumed(&mut self, port: PortId, slot: Option<SlotId>) {
        if !self.tell_power_job(slot, PortEvent::Resumed) {
            self.notices.push_back(Notice::RemoteWake { port });
        }
    }
}
