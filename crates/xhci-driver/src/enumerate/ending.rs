//! The last steps to a configured device, and what happens when one fails.

use usb_spec::setup::Setup;
use usb_spec::time::Instant;
use xhci_spec::trb::Command;

use super::{Next, Step, malformed};
use crate::control::Control;
use crate::enumerate::Enumeration;
use crate::job::JobId;
use crate::{EnumerationStep, Hal, Notice, OperationError, TransferError};

impl<H: Hal> Control<H> {
    pub(super) fn prepare_configure(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        now: Instant,
    ) -> Next {
        let Some(slot) = job.slot else {
            return Err(malformed());
        };
        job.left = self.close_endpoints(slot, TransferError::Cancelled, now);
        job.step = Step::Closing;
        if job.left.is_empty() {
            self.configure(id, job, now)
        } else {
            Ok(())
        }
    }

    pub(super) fn configure(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) -> Next {
        let Some(slot) = job.slot else {
            return Err(malformed());
        };
        job.step = Step::Configure;
        let input = self
            .describe_configuration(slot, now)
            .map_err(|error| (EnumerationStep::Configure, error))?;
        self.command(
            id,
            Command::ConfigureEndpoint {
                input,
                slot,
                deconfigure: false,
            },
            now,
        );
        Ok(())
    }

    pub(super) fn configuration_value(&mut self, job: &Enumeration<H>) -> u8 {
        self.enumerated(job)
            .and_then(|device| Some(device.info.configuration()?.header().value))
            .unwrap_or(1)
    }

    /// After a reset every interface is on setting 0; those that were not go back to theirs.
    pub(super) fn set_next_interface(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        now: Instant,
    ) -> Next {
        let next = job.settings_done;
        let setting = self.enumerated(job).and_then(|device| {
            device
                .info
                .alternates
                .iter()
                .nth(next)
                .map(|(i, a)| (*i, *a))
        });
        if let Some((interface, alternate)) = setting {
            return self.read(
                id,
                job,
                Step::SetInterface,
                Setup::set_interface(interface, alternate),
                now,
            );
        }
        self.finish_enumeration(id, job, now);
        Ok(())
    }

    pub(super) fn finish_enumeration(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) {
        job.step = Step::Over;
        let Some(slot) = job.slot else { return };
        let buffer = job.buffer.take();
        if let Some(device) = self.devices.get_mut(&slot) {
            device.buffer = buffer;
            device.job = None;
            device.announced = true;
        }
        self.open_endpoints(slot, now);
        match job.again {
            Some(operation) => self.operation_done(operation, Ok(())),
            None => self.notices.push_back(Notice::Attached {
                slot,
                took: now - job.begun,
            }),
        }
        self.start_hub(slot);
        self.job_ended(id, Some(slot), now);
    }

    pub(super) fn abandon(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) {
        self.release_address_zero(id);
        if job.again.is_some() && job.attempt.saturating_add(1) < self.policy.enumeration_attempts {
            // A known device keeps its slot: once more from the port's reset.
            job.attempt += 1;
            job.address_attempt = 0;
            job.settings_done = 0;
            self.want_address_zero(id);
            job.step = Step::Queued;
            return;
        }
        match job.slot {
            Some(slot) if job.again.is_none() => {
                job.step = Step::AbandonFlush;
                let left = self.flush_device(slot, TransferError::Disconnected, now);
                if left.is_empty() {
                    self.disable_abandoned(id, job, now);
                }
            }
            // There was no slot to give back: a reset that failed, an Enable Slot that was aborted.
            None if job.again.is_none() => self.retry(id, job, now),
            _ => self.give_up(id, job, now),
        }
    }

    pub(super) fn disable_abandoned(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) {
        job.step = Step::Abandon;
        if let Some(slot) = job.slot {
            self.command(id, Command::DisableSlot { slot }, now);
        }
    }

    pub(super) fn abandoned(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) -> Next {
        job.step = Step::AbandonClose;
        let closing = job
            .slot
            .is_some_and(|slot| self.close_control(slot, TransferError::Disconnected, now));
        if closing {
            Ok(())
        } else {
            self.try_again(id, job, now)
        }
    }

    pub(super) fn try_again(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) -> Next {
        job.buffer = None;
        if let Some(slot) = job.slot.take() {
            self.forget_slot(slot);
        }
        self.retry(id, job, now);
        Ok(())
    }

    /// Once more from the port's reset, or not.
    fn retry(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) {
        if job.attempt.saturating_add(1) < self.policy.enumeration_attempts {
            job.attempt += 1;
            job.address_attempt = 0;
            job.settings_done = 0;
            self.want_address_zero(id);
            job.step = Step::Queued;
        } else {
            self.give_up(id, job, now);
        }
    }

    pub(super) fn give_up(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) {
        job.step = Step::Over;
        let (step, error) = job
            .failed
            .unwrap_or((EnumerationStep::PortReset, OperationError::ResetFailed));
        let gone = job.attempt == u8::MAX;
        if let Some(operation) = job.again {
            let buffer = job.buffer.take();
            if let Some(device) = self.enumerated(job) {
                device.buffer = buffer.or(device.buffer.take());
                device.job = None;
            }
            // A known device that does not come back is as good as unplugged, and whatever is there now is new.
            if let Some(slot) = job.slot {
                self.remove_device(slot, now);
            }
            self.operation_done(operation, Err(error));
            if !gone {
                self.begin_port_again(job.place, now);
            }
            self.job_ended(id, job.slot, now);
        } else {
            if !gone {
                self.give_place_up(job.place);
                self.notices.push_back(Notice::EnumerationFailed {
                    place: job.place,
                    step,
                    error,
                });
            }
            self.job_ended(id, None, now);
            self.look_for_waiting(job.place, now);
        }
    }
}
