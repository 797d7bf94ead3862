//! From a port with something behind it to a configured device; and the same way again after a reset.
//!
//! Address 0 belongs to one job at a time (xHCI 1.2 §4.3.4): on a USB2 port everything between the port's reset and the end of Address Device, on a
//! USB3 port Address Device itself. What fails is begun again from the port's reset, a few times.

mod descriptors;
mod ending;

use alloc::collections::BTreeSet;
use core::fmt;

use usb_spec::descriptor;
use usb_spec::descriptor::{DescriptorKind, LanguageId};
use usb_spec::setup::Setup;
use usb_spec::time::Instant;
use xhci_hal::Dma;
use xhci_spec::number::{Dci, SlotId, SpeedId};
use xhci_spec::trb::Command;

use crate::command::Completed;
use crate::context::DeviceContexts;
use crate::control::Control;
use crate::device::{Device, DeviceInfo, speed};
use crate::job::{HubRequest, Input, Job, JobId, is_last};
use crate::port::PortEvent;
use crate::{
    Buffer, CommandError, EnumerationStep, Hal, OperationError, OperationId, Parent, Place,
    TransferError,
};

/// The first buffer for descriptors, in bytes; it grows for configurations that are larger.
pub(crate) const DESCRIPTOR_BYTES: usize = 4096;

/// The longest string descriptor. USB 2.0 §9.6.7.
const STRING_BYTES: u16 = 255;

/// One way to a configured device.
pub(crate) struct Enumeration<H: Hal> {
    pub(crate) place: Place,
    speed: Option<SpeedId>,
    pub(crate) slot: Option<SlotId>,
    /// A reset of a device that is already known, asked for by this operation.
    pub(crate) again: Option<OperationId>,
    pub(crate) begun: Instant,
    attempt: u8,
    address_attempt: u8,
    step: Step,
    /// The descriptor buffer, when no transfer has it.
    buffer: Option<Buffer<H>>,
    descriptor: Option<descriptor::Device>,
    language: LanguageId,
    /// Endpoints still to be flushed or closed.
    left: BTreeSet<Dci>,
    /// How many interfaces are back on their alternate setting.
    settings_done: usize,
    failed: Option<(EnumerationStep, OperationError)>,
    /// Disable Slot was aborted once.
    disable_tried: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Waits for address 0.
    Queued,
    /// Waits until the endpoints of the device to be reset are empty.
    Flushing,
    /// Waits for the port.
    PortReset,
    EnableSlot,
    ResetDevice,
    Address,
    /// The device rests after its address.
    Settling,
    FirstBytes,
    Evaluate,
    DeviceDescriptor,
    ConfigurationHeader,
    Configuration,
    BosHeader,
    Bos,
    Languages,
    Text(Text),
    /// Old endpoints are closed before new ones open (after a reset).
    Closing,
    Configure,
    SetConfiguration,
    SetInterface,
    /// What a failed attempt left under way is stopped, its slot given back, its endpoint forgotten.
    AbandonFlush,
    Abandon,
    AbandonClose,
    /// Nothing is left to do.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    Manufacturer,
    Product,
    Serial,
}

/// What a step leads to.
type Next = Result<(), (EnumerationStep, OperationError)>;

impl<H: Hal> fmt::Debug for Enumeration<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enumeration")
            .field("place", &self.place)
            .field("slot", &self.slot)
            .field("again", &self.again)
            .field("attempt", &self.attempt)
            .field("step", &self.step)
            .field("left", &self.left)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl<H: Hal> Enumeration<H> {
    pub(crate) fn new(
        place: Place,
        slot: Option<SlotId>,
        again: Option<OperationId>,
        now: Instant,
    ) -> Self {
        Self {
            place,
            speed: None,
            slot,
            again,
            begun: now,
            attempt: 0,
            address_attempt: 0,
            step: Step::Queued,
            buffer: None,
            descriptor: None,
            language: LanguageId::NONE,
            left: BTreeSet::new(),
            settings_done: 0,
            failed: None,
            disable_tried: false,
        }
    }
}

impl<H: Hal> Enumeration<H> {
    fn is_abandoned(&self) -> bool {
        matches!(
            self.step,
            Step::AbandonFlush | Step::Abandon | Step::AbandonClose
        )
    }
}

impl<H: Hal> Control<H> {
    /// Moves an enumeration on; it is put back among the jobs unless it has ended.
    pub(crate) fn enumerate(
        &mut self,
        id: JobId,
        mut job: alloc::boxed::Box<Enumeration<H>>,
        input: Input<H>,
        now: Instant,
    ) {
        let gone = matches!(input, Input::Port(PortEvent::Gone));
        if gone {
            job.attempt = u8::MAX;
        }
        // A slot that is on its way must be given back first.
        let next = if gone && job.step == Step::EnableSlot {
            Ok(())
        } else if gone && !job.is_abandoned() {
            Err((EnumerationStep::PortReset, OperationError::NoDevice))
        } else {
            self.enumeration_step(id, &mut job, input, now)
        };
        if let Err((step, error)) = next {
            job.failed = Some((step, error));
            self.abandon(id, &mut job, now);
        }
        if job.step != Step::Over {
            self.jobs.insert(id, Job::Enumerate(job));
        }
    }

    pub(super) fn enumeration_step(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        input: Input<H>,
        now: Instant,
    ) -> Next {
        match (job.step, input) {
            (Step::Queued, Input::Go) => self.begin_attempt(id, job, now),
            (Step::Flushing, input @ (Input::Flushed { .. } | Input::Closed { .. })) => {
                if is_last(&mut job.left, &input) {
                    self.reset_port(job, now)
                } else {
                    Ok(())
                }
            }
            (Step::PortReset, Input::Port(PortEvent::Enabled { speed })) => {
                job.speed = Some(speed);
                self.port_enabled(id, job, now)
            }
            (Step::PortReset, Input::Port(PortEvent::ResetFailed)) => {
                Err((EnumerationStep::PortReset, OperationError::ResetFailed))
            }
            (Step::EnableSlot, Input::Command(result)) => self.slot_answered(id, job, result, now),
            (Step::ResetDevice, Input::Command(_)) => {
                // Refused when the slot was in no state to be reset, as after a failed address: addressing decides.
                self.address(id, job, now)
            }
            (Step::Address, Input::Command(result)) => self.address_answered(id, job, result, now),
            (Step::Settling, Input::Timer) => self.addressed(id, job, now),
            (Step::Evaluate, Input::Command(result)) => {
                result.map_err(|error| (EnumerationStep::Descriptors, error.into()))?;
                self.evaluated(id, job, now)
            }
            (Step::Closing, input @ Input::Closed { .. }) => {
                if is_last(&mut job.left, &input) {
                    self.configure(id, job, now)
                } else {
                    Ok(())
                }
            }
            (Step::Configure, Input::Command(result)) => {
                result.map_err(|error| (EnumerationStep::Configure, error.into()))?;
                let value = self.configuration_value(job);
                self.read(
                    id,
                    job,
                    Step::SetConfiguration,
                    Setup::set_configuration(value),
                    now,
                )
            }
            (Step::AbandonFlush, Input::Flushed { .. } | Input::Closed { .. }) => {
                self.disable_abandoned(id, job, now);
                Ok(())
            }
            (Step::Abandon, Input::Command(Err(CommandError::Aborted))) => {
                if let Some(slot) = job.slot {
                    self.disable_again(id, slot, &mut job.disable_tried, now);
                }
                Ok(())
            }
            (Step::Abandon, Input::Command(_)) => self.abandoned(id, job, now),
            (Step::AbandonClose, Input::Closed { .. }) => self.try_again(id, job, now),
            (step, Input::Transfer(done)) => self.descriptor_step(id, job, step, done, now),
            // News that this step does not wait for: a late flush, a resume.
            _ => Ok(()),
        }
    }

    fn slot_answered(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        result: Result<Completed, CommandError>,
        now: Instant,
    ) -> Next {
        let completed = result.map_err(|error| (EnumerationStep::Slot, error.into()))?;
        let slot = self.slot_given(completed.slot)?;
        if job.attempt == u8::MAX {
            // Unplugged meanwhile: it goes straight back.
            job.slot = Some(slot);
            return Err((EnumerationStep::PortReset, OperationError::NoDevice));
        }
        self.slot_enabled(id, job, slot, now)
    }

    fn address_answered(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        result: Result<Completed, CommandError>,
        now: Instant,
    ) -> Next {
        match result {
            Ok(_) => {
                self.sleep(id, now + self.policy.address_recovery);
                job.step = Step::Settling;
                Ok(())
            }
            Err(error) => {
                job.address_attempt += 1;
                if job.address_attempt < self.policy.address_attempts {
                    self.address(id, job, now)
                } else {
                    Err((EnumerationStep::Address, error.into()))
                }
            }
        }
    }

    pub(super) fn begin_attempt(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        now: Instant,
    ) -> Next {
        if let (Some(slot), Some(_)) = (job.slot, job.again) {
            job.step = Step::Flushing;
            // A hub's reset takes away what hangs on it.
            for child in self.children(slot) {
                self.remove_device(child, now);
            }
            self.stop_hub(slot);
            job.left = self.flush_device(slot, TransferError::Cancelled, now);
            return if job.left.is_empty() {
                self.reset_port(job, now)
            } else {
                Ok(())
            };
        }
        if let Some(parent) = job.place.parent {
            return self.reset_behind_hub(job, parent, job.attempt == 0);
        }
        job.speed = match self.port_mut(job.place.port) {
            Some((port, registers)) if job.attempt == 0 => {
                port.take_as_is(registers).unwrap_or(None)
            }
            _ => None,
        };
        if job.speed.is_some() {
            self.port_enabled(id, job, now)
        } else {
            self.reset_port(job, now)
        }
    }

    pub(super) fn reset_port(&mut self, job: &mut Enumeration<H>, now: Instant) -> Next {
        if let Some(parent) = job.place.parent {
            return self.reset_behind_hub(job, parent, false);
        }
        job.step = Step::PortReset;
        let policy = self.policy.clone();
        let root = self.port_mut(job.place.port);
        match root.map(|(port, registers)| port.reset(registers, &policy, now)) {
            Some(Ok(())) => Ok(()),
            _ => Err((EnumerationStep::PortReset, OperationError::NoDevice)),
        }
    }

    /// The hub resets its port and tells like a root port would.
    fn reset_behind_hub(&mut self, job: &mut Enumeration<H>, parent: Parent, first: bool) -> Next {
        job.step = Step::PortReset;
        let request = HubRequest::Reset {
            port: parent.port,
            first,
        };
        if self.ask_hub(parent.hub, request) {
            Ok(())
        } else {
            Err((EnumerationStep::PortReset, OperationError::NoDevice))
        }
    }

    pub(super) fn port_enabled(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        now: Instant,
    ) -> Next {
        match (job.slot, job.again) {
            (Some(slot), Some(_)) => {
                job.step = Step::ResetDevice;
                self.command(id, Command::ResetDevice { slot }, now);
            }
            _ => {
                job.step = Step::EnableSlot;
                let slot_type = self.port(job.place.port).map_or(0, |port| port.slot_type);
                self.command(id, Command::EnableSlot { slot_type }, now);
            }
        }
        Ok(())
    }

    /// The slot that the controller says it gave: one that it has, and that nobody has yet.
    pub(super) fn slot_given(
        &self,
        slot: Option<SlotId>,
    ) -> Result<SlotId, (EnumerationStep, OperationError)> {
        slot.filter(|slot| slot.get() <= self.registers.capabilities.max_slots)
            .filter(|slot| !self.devices.contains_key(slot))
            .ok_or((EnumerationStep::Slot, OperationError::NoDevice))
    }

    pub(super) fn slot_enabled(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        slot: SlotId,
        now: Instant,
    ) -> Next {
        job.slot = Some(slot);
        let no_memory = |_| (EnumerationStep::Slot, OperationError::NoMemory);
        let protocol = self.registers.capabilities.protocol(job.place.port);
        let speed_id = job.speed.unwrap_or_default();
        let speed =
            speed(protocol, speed_id).ok_or((EnumerationStep::Slot, OperationError::PortState))?;
        let size = self.registers.capabilities.context_size;
        let contexts = DeviceContexts::alloc(&self.dma, size, self.limit).map_err(no_memory)?;
        let limit = self.limit.within(0x1_0000);
        let buffer = self
            .dma
            .alloc(DESCRIPTOR_BYTES, 64, limit)
            .map_err(no_memory)?;
        self.generation += 1;
        self.set_array_entry(slot, contexts.output_at());
        let tt = self.translator(job.place, speed);
        let info = DeviceInfo::unknown(slot, self.generation, job.place, speed, tt);
        self.devices
            .insert(slot, Device::new(info, speed_id, contexts, buffer, id));
        self.address(id, job, now)
    }

    pub(super) fn address(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) -> Next {
        let slot = job
            .slot
            .ok_or((EnumerationStep::Slot, OperationError::NoDevice))?;
        job.step = Step::Address;
        let input = self
            .introduce(slot, now)
            .map_err(|error| (EnumerationStep::Address, error))?;
        self.command(
            id,
            Command::AddressDevice {
                input,
                slot,
                block_set_address: false,
            },
            now,
        );
        Ok(())
    }

    pub(super) fn addressed(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) -> Next {
        self.release_address_zero(id);
        if let Some(slot) = job.slot {
            self.control_opened(slot, now);
        }
        // Eight bytes first: they hold the packet size, and any packet size carries them.
        let setup = Setup::get_descriptor(DescriptorKind::DEVICE, 0, LanguageId::NONE, 8);
        self.read(id, job, Step::FirstBytes, setup, now)
    }
}

fn malformed() -> (EnumerationStep, OperationError) {
    (EnumerationStep::Descriptors, OperationError::NoSuchThing)
}
