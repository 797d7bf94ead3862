//! Reading what a device says of itself.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use memory::Slice;
use usb_spec::descriptor;
use usb_spec::descriptor::{Configuration, DescriptorKind, LanguageId, StringDescriptor};
use usb_spec::setup::Setup;
use usb_spec::time::Instant;
use xhci_hal::{Dma, DmaBuffer};
use xhci_spec::trb::Command;

use super::{DESCRIPTOR_BYTES, Next, STRING_BYTES, Step, Text, malformed};
use crate::control::Control;
use crate::device::Device;
use crate::enumerate::Enumeration;
use crate::job::JobId;
use crate::{Buffer, EnumerationStep, Hal, OperationError, TransferDone, TransferError};

impl<H: Hal> Control<H> {
    /// Begins a control transfer of the driver's own.
    pub(super) fn read(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        step: Step,
        setup: Setup,
        now: Instant,
    ) -> Next {
        job.step = step;
        let slot = job
            .slot
            .ok_or((EnumerationStep::Descriptors, OperationError::NoDevice))?;
        let length = usize::from(setup.length);
        let mut buffer = job.buffer.take().or_else(|| self.take_buffer(slot));
        if buffer.as_ref().is_none_or(|buffer| buffer.len() < length) {
            let bytes = length.next_power_of_two().max(DESCRIPTOR_BYTES);
            let fresh = self.dma.alloc(bytes, 64, self.limit.within(0x1_0000));
            buffer =
                Some(fresh.map_err(|_| (EnumerationStep::Descriptors, OperationError::NoMemory))?);
        }
        self.control_transfer(id, slot, setup, buffer, now);
        Ok(())
    }

    pub(super) fn descriptor_step(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        step: Step,
        done: TransferDone<Buffer<H>>,
        now: Instant,
    ) -> Next {
        let mut bytes = alloc::vec![0; done.bytes];
        if let Some(buffer) = done.buffer {
            // No more bytes can have been moved than the buffer holds.
            let _ = buffer.slice().read(0, &mut bytes);
            job.buffer = Some(buffer);
        }
        let needed = |step| move |error: TransferError| (step, OperationError::from(error));
        let ok = done.status;
        match step {
            Step::FirstBytes => {
                ok.map_err(needed(EnumerationStep::Descriptors))?;
                self.first_bytes(id, job, &bytes, now)
            }
            Step::DeviceDescriptor => {
                ok.map_err(needed(EnumerationStep::Descriptors))?;
                self.device_descriptor(id, job, &bytes, now)
            }
            Step::ConfigurationHeader => {
                ok.map_err(needed(EnumerationStep::Descriptors))?;
                let header = Configuration::parse(&bytes).map_err(|_| malformed())?;
                let whole = header.total_length.max(9);
                self.read(
                    id,
                    job,
                    Step::Configuration,
                    configuration_request(whole),
                    now,
                )
            }
            Step::Configuration => {
                ok.map_err(needed(EnumerationStep::Descriptors))?;
                self.configuration_read(id, job, bytes, now)
            }
            Step::SetConfiguration => {
                ok.map_err(needed(EnumerationStep::Configure))?;
                self.set_next_interface(id, job, now)
            }
            Step::SetInterface => {
                ok.map_err(needed(EnumerationStep::Configure))?;
                job.settings_done += 1;
                self.set_next_interface(id, job, now)
            }
            step => self.optional_step(id, job, step, bytes, ok.is_ok(), now),
        }
    }

    /// What is good to have; a device without it still works.
    fn optional_step(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        step: Step,
        bytes: Vec<u8>,
        ok: bool,
        now: Instant,
    ) -> Next {
        match step {
            Step::BosHeader => match descriptor::Bos::parse(&bytes) {
                Ok(bos) if ok => self.read(
                    id,
                    job,
                    Step::Bos,
                    bos_request(bos.total_length.clamp(5, 4096)),
                    now,
                ),
                _ => self.read_languages(id, job, now),
            },
            Step::Bos => {
                if let Some(device) = self.enumerated(job).filter(|_| ok) {
                    device.info.bos = bytes;
                }
                self.read_languages(id, job, now)
            }
            Step::Languages => {
                let languages = StringDescriptor::parse(&bytes).ok().filter(|_| ok);
                match languages.and_then(|languages| languages.languages().next()) {
                    Some(language) => {
                        job.language = language;
                        self.read_text(id, job, Some(Text::Manufacturer), now)
                    }
                    None => self.prepare_configure(id, job, now),
                }
            }
            Step::Text(text) => {
                let string = StringDescriptor::parse(&bytes).ok().filter(|_| ok);
                self.keep_text(job, text, string.map(|string| string.to_string()));
                self.read_text(id, job, text.next(), now)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn first_bytes(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        bytes: &[u8],
        now: Instant,
    ) -> Next {
        let slot = job.slot.ok_or_else(malformed)?;
        let raw = descriptor::Device::parse_max_packet_size_0(bytes).map_err(|_| malformed())?;
        let device = self.devices.get(&slot).ok_or_else(malformed)?;
        let right = device
            .info
            .speed
            .ep0_max_packet_size(raw)
            .ok_or_else(malformed)?;
        if right
            == device
                .contexts
                .endpoint_now(xhci_spec::number::Dci::CONTROL)
                .max_packet_size()
        {
            return self.read_device_descriptor(id, job, now);
        }
        job.step = Step::Evaluate;
        let input = self.describe_packet_size(slot, right, now);
        self.command(id, Command::EvaluateContext { input, slot }, now);
        Ok(())
    }

    pub(super) fn evaluated(&mut self, id: JobId, job: &mut Enumeration<H>, now: Instant) -> Next {
        self.read_device_descriptor(id, job, now)
    }

    pub(super) fn read_device_descriptor(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        now: Instant,
    ) -> Next {
        let setup = Setup::get_descriptor(DescriptorKind::DEVICE, 0, LanguageId::NONE, 18);
        self.read(id, job, Step::DeviceDescriptor, setup, now)
    }

    pub(super) fn device_descriptor(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        bytes: &[u8],
        now: Instant,
    ) -> Next {
        let descriptor = descriptor::Device::parse(bytes).map_err(|_| malformed())?;
        job.descriptor = Some(descriptor);
        let again = job.again.is_some();
        let Some(device) = self.enumerated(job) else {
            return Err(malformed());
        };
        device.info.address = device.contexts.slot_output().usb_device_address();
        if again && device.announced {
            return if device.info.descriptor == descriptor {
                self.prepare_configure(id, job, now)
            } else {
                Err((EnumerationStep::Descriptors, OperationError::Changed))
            };
        }
        device.info.descriptor = descriptor;
        self.read(
            id,
            job,
            Step::ConfigurationHeader,
            configuration_request(9),
            now,
        )
    }

    pub(super) fn configuration_read(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        bytes: Vec<u8>,
        now: Instant,
    ) -> Next {
        Configuration::parse(&bytes).map_err(|_| malformed())?;
        let version = job
            .descriptor
            .map_or(0, |descriptor| descriptor.usb_version.0);
        if let Some(device) = self.enumerated(job) {
            device.info.configuration = bytes;
            device.info.choose_multi_tt();
        }
        // A BOS came with USB 2.0's LPM addendum, which is bcdUSB 2.01. USB 3.2 §9.6.2.
        if version >= 0x0201 {
            self.read(id, job, Step::BosHeader, bos_request(5), now)
        } else {
            self.read_languages(id, job, now)
        }
    }

    pub(super) fn read_languages(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        now: Instant,
    ) -> Next {
        let has_text = job
            .descriptor
            .is_some_and(|d| d.manufacturer_string | d.product_string | d.serial_string != 0);
        if !has_text {
            return self.prepare_configure(id, job, now);
        }
        let setup =
            Setup::get_descriptor(DescriptorKind::STRING, 0, LanguageId::NONE, STRING_BYTES);
        self.read(id, job, Step::Languages, setup, now)
    }

    pub(super) fn read_text(
        &mut self,
        id: JobId,
        job: &mut Enumeration<H>,
        text: Option<Text>,
        now: Instant,
    ) -> Next {
        let mut wanted = text;
        while let (Some(text), Some(descriptor)) = (wanted, job.descriptor) {
            let index = text.index(&descriptor);
            if index != 0 {
                let setup = Setup::get_descriptor(
                    DescriptorKind::STRING,
                    index,
                    job.language,
                    STRING_BYTES,
                );
                return self.read(id, job, Step::Text(text), setup, now);
            }
            wanted = text.next();
        }
        self.prepare_configure(id, job, now)
    }

    pub(super) fn keep_text(&mut self, job: &Enumeration<H>, text: Text, string: Option<String>) {
        if let Some(device) = self.enumerated(job) {
            match text {
                Text::Manufacturer => device.info.manufacturer = string,
                Text::Product => device.info.product = string,
                Text::Serial => device.info.serial = string,
            }
        }
    }

    pub(super) fn enumerated(&mut self, job: &Enumeration<H>) -> Option<&mut Device<H>> {
        self.devices.get_mut(&job.slot?)
    }
}

impl Text {
    fn index(self, descriptor: &descriptor::Device) -> u8 {
        match self {
            Self::Manufacturer => descriptor.manufacturer_string,
            Self::Product => descriptor.product_string,
            Self::Serial => descriptor.serial_string,
        }
    }

    fn next(self) -> Option<Self> {
        match self {
            Self::Manufacturer => Some(Self::Product),
            Self::Product => Some(Self::Serial),
            Self::Serial => None,
        }
    }
}

fn configuration_request(length: u16) -> Setup {
    Setup::get_descriptor(DescriptorKind::CONFIGURATION, 0, LanguageId::NONE, length)
}

fn bos_request(length: u16) -> Setup {
    Setup::get_descriptor(DescriptorKind::BOS, 0, LanguageId::NONE, length)
}
