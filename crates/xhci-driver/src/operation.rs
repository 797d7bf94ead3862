//! Operations on devices that are already there: clear a halt, change an alternate setting, take a device away.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use usb_spec::endpoint::EndpointAddress;
use usb_spec::setup::Setup;
use usb_spec::time::Instant;
use xhci_spec::number::{Dci, SlotId};
use xhci_spec::trb::Command;

use crate::control::{Control, OWN_OPERATION};
use crate::job::{Input, Job, JobId, is_last};
use crate::{
    CommandError, Death, EndpointInfo, EndpointKey, Hal, Notice, Operation, OperationError,
    OperationId, ToLane, TransferError,
};

/// Makes an endpoint usable again; see [`Operation::ClearHalt`](crate::Operation::ClearHalt).
#[derive(Debug)]
pub(crate) struct Clearing {
    pub(crate) id: OperationId,
    key: EndpointKey,
    endpoint: EndpointAddress,
    step: ClearStep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClearStep {
    Flush,
    Configure,
    Device,
    Over,
}

/// Changes an interface's alternate setting.
#[derive(Debug)]
pub(crate) struct Configuring {
    pub(crate) id: OperationId,
    slot: SlotId,
    interface: u8,
    alternate: u8,
    drop: Vec<Dci>,
    left: BTreeSet<Dci>,
    step: ConfigureStep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConfigureStep {
    Flush,
    Configure,
    Device,
    Close,
    Over,
}

/// Takes a device away that is gone.
#[derive(Debug)]
pub(crate) struct Removal {
    slot: SlotId,
    left: BTreeSet<Dci>,
    /// Disable Slot was aborted once.
    tried_again: bool,
    step: RemoveStep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RemoveStep {
    Flush,
    Disable,
    Close,
    Over,
}

impl<H: Hal> Control<H> {
    // ── Clear halt ─────────────────────────────────────────────────────────────────────────────────────────────────────

    pub(crate) fn start_clearing(
        &mut self,
        id: OperationId,
        slot: SlotId,
        endpoint: EndpointAddress,
        now: Instant,
    ) {
        let key = self
            .devices
            .get(&slot)
            .and_then(|device| device.info.key(endpoint))
            .filter(|key| key.dci != Dci::CONTROL);
        let Some(key) = key else {
            // The control endpoint clears itself with the next setup packet.
            let result = if endpoint.is_zero() {
                Ok(())
            } else {
                Err(OperationError::NoSuchThing)
            };
            self.operation_done(id, result);
            return self.device_free(slot, now);
        };
        self.new_job(
            Job::Clear(Clearing {
                id,
                key,
                endpoint,
                step: ClearStep::Flush,
            }),
            Some(slot),
        );
        let error = TransferError::Cancelled;
        self.tell_lanes(
            slot,
            |dci| dci == key.dci,
            |key| ToLane::Flush { key, error },
            now,
        );
    }

    pub(crate) fn clear(&mut self, id: JobId, mut job: Clearing, input: Input<H>, now: Instant) {
        match self.clear_step(id, &mut job, input, now) {
            Ok(()) => {}
            Err(error) => self.cleared(id, &mut job, Err(error), now),
        }
        if job.step != ClearStep::Over {
            self.jobs.insert(id, Job::Clear(job));
        }
    }

    fn clear_step(
        &mut self,
        id: JobId,
        job: &mut Clearing,
        input: Input<H>,
        now: Instant,
    ) -> Result<(), OperationError> {
        match (job.step, input) {
            (ClearStep::Flush, Input::Closed { .. }) => Err(OperationError::NoDevice),
            // Reset Endpoint has cleared the controller's toggle already.
            (
                ClearStep::Flush,
                Input::Flushed {
                    was_halted: true, ..
                },
            ) => self.clear_device(id, job, now),
            (ClearStep::Flush, Input::Flushed { dequeue, cycle, .. }) => {
                job.step = ClearStep::Configure;
                let input = self.describe_again(job.key, dequeue, cycle)?;
                let command = Command::ConfigureEndpoint {
                    input,
                    slot: job.key.slot,
                    deconfigure: false,
                };
                self.command(id, command, now);
                Ok(())
            }
            (ClearStep::Configure, Input::Command(result)) => {
                result?;
                self.clear_device(id, job, now)
            }
            (ClearStep::Device, Input::Transfer(done)) => {
                self.put_buffer(job.key.slot, done.buffer);
                done.status?;
                self.cleared(id, job, Ok(()), now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn clear_device(
        &mut self,
        id: JobId,
        job: &mut Clearing,
        now: Instant,
    ) -> Result<(), OperationError> {
        job.step = ClearStep::Device;
        let setup = Setup::clear_feature_endpoint_halt(job.endpoint);
        let buffer = self.take_buffer(job.key.slot);
        self.control_transfer(id, job.key.slot, setup, buffer, now);
        Ok(())
    }

    fn cleared(
        &mut self,
        id: JobId,
        job: &mut Clearing,
        result: Result<(), OperationError>,
        now: Instant,
    ) {
        job.step = ClearStep::Over;
        let key = job.key;
        // A device that did not answer may still have its old toggle: better no transfer than a wrong byte.
        let message = |key| {
            if result.is_ok() {
                ToLane::Reopen { key }
            } else {
                ToLane::KeepHalted { key }
            }
        };
        self.tell_lanes(key.slot, |dci| dci == key.dci, message, now);
        self.operation_done(job.id, result);
        self.job_ended(id, Some(key.slot), now);
    }

    // ── Alternate settings ─────────────────────────────────────────────────────────────────────────────────────────────

    pub(crate) fn start_configuring(
        &mut self,
        id: OperationId,
        slot: SlotId,
        interface: u8,
        alternate: u8,
        now: Instant,
    ) {
        let new = self.setting_endpoints(slot, interface, Some(alternate));
        let (Some(old), Some(_)) = (self.setting_endpoints(slot, interface, None), new) else {
            self.operation_done(id, Err(OperationError::NoSuchThing));
            return self.device_free(slot, now);
        };
        let drop: Vec<Dci> = old.iter().map(|info| info.dci).collect();
        let chosen = drop.clone();
        let job = Configuring {
            id,
            slot,
            interface,
            alternate,
            drop,
            left: BTreeSet::new(),
            step: ConfigureStep::Flush,
        };
        let job_id = self.new_job(Job::Configure(job), Some(slot));
        let error = TransferError::Cancelled;
        let left = self.tell_lanes(
            slot,
            |dci| chosen.contains(&dci),
            |key| ToLane::Flush { key, error },
            now,
        );
        let go = left.is_empty();
        if let Some(Job::Configure(job)) = self.jobs.get_mut(&job_id) {
            job.left = left;
        }
        if go {
            self.feed(job_id, Input::Go);
        }
    }

    pub(crate) fn reconfigure(
        &mut self,
        id: JobId,
        mut job: Configuring,
        input: Input<H>,
        now: Instant,
    ) {
        if let Err(error) = self.configure_step(id, &mut job, input, now) {
            self.configured(id, &mut job, Err(error), now);
        }
        if job.step != ConfigureStep::Over {
            self.jobs.insert(id, Job::Configure(job));
        }
    }

    fn configure_step(
        &mut self,
        id: JobId,
        job: &mut Configuring,
        input: Input<H>,
        now: Instant,
    ) -> Result<(), OperationError> {
        match (job.step, input) {
            (
                ConfigureStep::Flush,
                input @ (Input::Go | Input::Flushed { .. } | Input::Closed { .. }),
            ) => {
                if !is_last(&mut job.left, &input) {
                    return Ok(());
                }
                let new = self.setting_endpoints(job.slot, job.interface, Some(job.alternate));
                let new = new.ok_or(OperationError::NoSuchThing)?;
                job.step = ConfigureStep::Configure;
                let input = self.describe_endpoints(job.slot, &job.drop, &new)?;
                self.command(
                    id,
                    Command::ConfigureEndpoint {
                        input,
                        slot: job.slot,
                        deconfigure: false,
                    },
                    now,
                );
                Ok(())
            }
            (ConfigureStep::Configure, Input::Command(result)) => {
                result?;
                job.step = ConfigureStep::Device;
                let buffer = self.take_buffer(job.slot);
                let setup = Setup::set_interface(job.interface, job.alternate);
                self.control_transfer(id, job.slot, setup, buffer, now);
                Ok(())
            }
            (ConfigureStep::Device, Input::Transfer(done)) => {
                self.put_buffer(job.slot, done.buffer);
                done.status?;
                job.step = ConfigureStep::Close;
                let drop = job.drop.clone();
                job.left = self.close_some(job.slot, &drop, TransferError::NotOpen, now);
                if job.left.is_empty() {
                    self.configured(id, job, Ok(()), now);
                }
                Ok(())
            }
            (ConfigureStep::Close, input @ Input::Closed { .. }) => {
                if is_last(&mut job.left, &input) {
                    self.configured(id, job, Ok(()), now);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn configured(
        &mut self,
        id: JobId,
        job: &mut Configuring,
        result: Result<(), OperationError>,
        now: Instant,
    ) {
        job.step = ConfigureStep::Over;
        if result.is_ok() {
            if let Ok(device) = self.device_mut(job.slot) {
                match job.alternate {
                    0 => drop(device.info.alternates.remove(&job.interface)),
                    alternate => drop(device.info.alternates.insert(job.interface, alternate)),
                }
            }
            self.open_endpoints(job.slot, now);
        } else if let Ok(device) = self.device_mut(job.slot) {
            // Controller, device and driver may now each believe something else of the endpoints: begin again.
            let reset = Operation::ResetDevice { slot: job.slot };
            device.queue.push_front((OWN_OPERATION, reset));
        }
        self.operation_done(job.id, result);
        self.job_ended(id, Some(job.slot), now);
    }

    /// The endpoints of an interface on a setting; of the one it is on for `None`.
    fn setting_endpoints(
        &self,
        slot: SlotId,
        interface: u8,
        alternate: Option<u8>,
    ) -> Option<Vec<EndpointInfo>> {
        let info = &self.devices.get(&slot)?.info;
        let alternate = alternate
            .or_else(|| info.alternates.get(&interface).copied())
            .unwrap_or(0);
        let setting = info
            .configuration()?
            .interface(interface)?
            .alternate(alternate)?;
        let endpoints = setting.endpoints();
        Some(
            endpoints
                .filter_map(|view| EndpointInfo::from_descriptor(&view, info.speed, &self.policy))
                .collect(),
        )
    }

    // ── Removal ────────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Takes a device away: its transfers come back, its slot is disabled, its memory goes. xHCI 1.2 §4.6.4.
    pub(crate) fn remove_device(&mut self, slot: SlotId, now: Instant) {
        // What hangs on a hub goes with it.
        for child in self.children(slot) {
            self.remove_device(child, now);
        }
        self.stop_hub(slot);
        let Some(device) = self.devices.get_mut(&slot) else {
            return;
        };
        if device.leaving {
            return;
        }
        device.leaving = true;
        let waiting = core::mem::take(&mut device.queue);
        let old_job = device.job.take();
        for (id, _) in waiting {
            self.operation_done(id, Err(OperationError::NoDevice));
        }
        if let Some(old) = old_job {
            self.drop_job(old);
        }
        let id = self.new_job(
            Job::Remove(Removal {
                slot,
                left: BTreeSet::new(),
                tried_again: false,
                step: RemoveStep::Flush,
            }),
            Some(slot),
        );
        let left = self.flush_device(slot, TransferError::Disconnected, now);
        let go = left.is_empty();
        if let Some(Job::Remove(job)) = self.jobs.get_mut(&id) {
            job.left = left;
        }
        if go {
            self.feed(id, Input::Go);
        }
    }

    pub(crate) fn remove(&mut self, id: JobId, mut job: Removal, input: Input<H>, now: Instant) {
        match (job.step, input) {
            (
                RemoveStep::Flush,
                input @ (Input::Go | Input::Flushed { .. } | Input::Closed { .. }),
            ) => {
                let last = is_last(&mut job.left, &input);
                if last {
                    job.step = RemoveStep::Disable;
                    self.command(id, Command::DisableSlot { slot: job.slot }, now);
                }
            }
            (RemoveStep::Disable, Input::Command(Err(CommandError::Aborted))) => {
                self.disable_again(id, job.slot, &mut job.tried_again, now);
            }
            // Refused or not: the controller has no claim to the memory of a slot that it does not have.
            (RemoveStep::Disable, Input::Command(_)) => {
                job.step = RemoveStep::Close;
                let error = TransferError::Disconnected;
                job.left =
                    self.tell_lanes(job.slot, |_| true, |key| ToLane::Close { key, error }, now);
                if job.left.is_empty() {
                    self.removed(id, &mut job, now);
                }
            }
            (RemoveStep::Close, input @ Input::Closed { .. }) => {
                let last = is_last(&mut job.left, &input);
                if last {
                    self.removed(id, &mut job, now);
                }
            }
            _ => {}
        }
        if job.step != RemoveStep::Over {
            self.jobs.insert(id, Job::Remove(job));
        }
    }

    /// Disable Slot was aborted: the slot may still be the controller's, and with it all its memory.
    pub(crate) fn disable_again(
        &mut self,
        id: JobId,
        slot: SlotId,
        tried: &mut bool,
        now: Instant,
    ) {
        if core::mem::replace(tried, true) {
            self.die(Death::AbortFailed, now);
        } else {
            self.command(id, Command::DisableSlot { slot }, now);
        }
    }

    fn removed(&mut self, id: JobId, job: &mut Removal, now: Instant) {
        job.step = RemoveStep::Over;
        let device = self.devices.get_mut(&job.slot);
        let announced = device.as_ref().is_some_and(|device| device.announced);
        let late = device.map(|device| core::mem::take(&mut device.queue));
        for (operation, _) in late.into_iter().flatten() {
            self.operation_done(operation, Err(OperationError::NoDevice));
        }
        let place = self.devices.get(&job.slot).map(|device| device.info.place);
        self.forget_slot(job.slot);
        if announced {
            self.notices.push_back(Notice::Detached { slot: job.slot });
        }
        self.job_ended(id, None, now);
        if let Some(place) = place {
            self.look_for_waiting(place, now);
        }
    }
}
