//! Address Device: the one command that talks to the device. xHCI 1.2 §4.6.5.

use alloc::boxed::Box;
use alloc::vec::Vec;

use memory::{Memory, Slice};
use usb_model::{Cancelled, HostView, Request, Stage, Status, Token};
use usb_spec::{Direction, EndpointAddress, Setup, Speed};
use xhci_spec::context::{EndpointContext, EndpointState, SlotContext, SlotState};
use xhci_spec::number::{Dci, Iova, PortId, RouteString, SlotId};
use xhci_spec::state::SlotPhase;
use xhci_spec::trb::CompletionCode;

use super::check::control_is_sound;
use super::rings::After;
use super::{Report, Wait};
use crate::context::{Context, HostError};
use crate::endpoint::{Ending, Endpoint};
use crate::engine::{Desk, Engine};
use crate::port::Ports;
use crate::slot::{Attachment, contexts, speed_of};

/// The highest address a device can have. USB 2.0 §9.4.6.
const ADDRESS_MAX: u8 = 127;

/// The only contexts that Address Device looks at: the slot's and the control endpoint's. xHCI 1.2 §4.6.5.
const ADDRESS_FLAGS: u32 = 0b11;

/// An Address Device command that has passed all checks.
#[derive(Debug)]
pub(crate) struct Addressing {
    slot: SlotId,
    attachment: Attachment,
    output: Iova,
    slot_context: SlotContext,
    endpoint: EndpointContext,
    address: u8,
    status_stage: bool,
    /// The request that the device has.
    token: Option<Token>,
    answer: Option<Status>,
    aborted: bool,
}

impl Addressing {
    pub(super) fn slot(&self) -> SlotId {
        self.slot
    }

    pub(super) fn is_at(&self, port: PortId) -> bool {
        self.attachment.port == port
    }

    /// Notes the device's answer, if it is one to this command.
    pub(super) fn settle(&mut self, token: Token, status: Status) -> bool {
        if self.token != Some(token) {
            return false;
        }
        self.token = None;
        self.answer = Some(status);
        true
    }

    /// Takes the request back from the device; if it was taken, the answer is `status`.
    pub(super) fn take_back<S: Slice>(
        &mut self,
        ports: &mut Ports<S>,
        desk: &mut Desk<S>,
        status: Status,
    ) {
        let Some(token) = self.token else { return };
        let device = ports.device(self.attachment.port, self.attachment.route);
        match device.map(|device| device.cancel(token)) {
            Some(Cancelled::Busy | Cancelled::Unknown) => {}
            Some(Cancelled::Taken(_)) | None => {
                desk.held = desk.held.saturating_sub(1);
                self.settle(token, status);
            }
        }
    }

    /// The controller is being reset.
    pub(super) fn abandon<S: Slice>(self, ports: &mut Ports<S>, desk: &mut Desk<S>) {
        if let Some(token) = self.token {
            let device = ports.device(self.attachment.port, self.attachment.route);
            let cancelled = device.map(|device| device.cancel(token));
            desk.abandon(cancelled, self.attachment.port, token);
        }
    }

    /// Sends a stage of SET_ADDRESS to whoever answers at address 0; false if nobody is there.
    fn send<M: Memory>(&mut self, cx: &mut Context<'_, M>, desk: &mut Desk<M::Slice>) -> bool {
        let Attachment { port, route, speed } = self.attachment;
        let (stage, direction) = if self.status_stage {
            (Stage::ControlStatus, Direction::In)
        } else {
            let setup = Setup::set_address(self.address);
            (Stage::Setup(setup.to_bytes()), Direction::Out)
        };
        if !cx.ports.is_enabled(port) {
            return false;
        }
        let Some(device) = cx.ports.device(port, route) else {
            return false;
        };
        let token = desk.name(self.slot, None);
        device.submit(Request {
            token,
            address: 0,
            endpoint: EndpointAddress::new(0, direction),
            stage,
            buffers: Vec::new(),
            length: 0,
            host: HostView {
                sequence: u8::from(self.status_stage && !speed.is_super()),
                max_packet: self.endpoint.max_packet_size(),
                burst_z: 0,
            },
        });
        desk.held += 1;
        self.token = Some(token);
        true
    }
}

impl<S: Slice> Engine<S> {
    pub(super) fn address_device<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        slot: SlotId,
        input: Iova,
        block_set_address: bool,
    ) -> Result<Wait, HostError> {
        let control = contexts::read_control(cx, input)?;
        let slot_context = contexts::read_slot(cx, input)?;
        let endpoint = contexts::read_endpoint(cx, input, Dci::CONTROL)?;
        let refuse = Ok(Report::of(CompletionCode::PARAMETER_ERROR, slot));
        let [raw_drops, ..] = control.0;
        if control.add_flags() != ADDRESS_FLAGS || raw_drops != 0 {
            return refuse;
        }
        let Some(attachment) = self.attachment(cx, slot, &slot_context) else {
            return refuse;
        };
        if slot_context.context_entries() != 1 || !control_is_sound(&endpoint, attachment.speed) {
            return refuse;
        }
        let Some(address) = self.choose_address(slot) else {
            return Ok(Report::of(CompletionCode::RESOURCE_ERROR, slot));
        };
        let dequeue = cx.address(endpoint.tr_dequeue_pointer());
        let addressing = Box::new(Addressing {
            slot,
            attachment,
            output: contexts::output_of(cx, slot)?,
            slot_context,
            endpoint: endpoint
                .with_tr_dequeue_pointer(dequeue)
                .with_endpoint_state(EndpointState::Running),
            address: if block_set_address { 0 } else { address },
            status_stage: false,
            token: None,
            answer: None,
            aborted: false,
        });
        if block_set_address {
            return self.finish_addressing(cx, &addressing);
        }
        self.rest_then(cx, After::Address(addressing), Ending::Drop)
    }

    /// Which device the slot context means, if it can be: port and route exist, no other slot stands for it, and the speed is the port's.
    fn attachment<M: Memory<Slice = S>>(
        &self,
        cx: &mut Context<'_, M>,
        id: SlotId,
        context: &SlotContext,
    ) -> Option<Attachment> {
        let port = context.root_hub_port()?;
        let route = context.route_string();
        let speed = speed_of(context.speed())?;
        if port.get() > cx.ports.count() || !cx.interrupters.exists(context.interrupter()) {
            return None;
        }
        let taken = self.slots.iter().any(|(other, slot)| {
            let same = slot
                .attachment
                .is_some_and(|at| at.port == port && at.route == route);
            same && other != id
        });
        let agrees = if route == RouteString::ROOT {
            let at_port = cx.ports.speed(port);
            at_port.is_none_or(|at_port| at_port == context.speed())
        } else {
            let behind_hub = cx.ports.device(port, route).map(|device| device.speed());
            behind_hub.is_none_or(|behind_hub| behind_hub == speed)
        };
        (!taken && agrees).then_some(Attachment { port, route, speed })
    }

    /// The lowest address that no other slot's device has.
    fn choose_address(&self, id: SlotId) -> Option<u8> {
        (1..=ADDRESS_MAX).find(|address| {
            !self
                .slots
                .iter()
                .any(|(other, slot)| other != id && slot.address == *address)
        })
    }

    /// Sends the next stage, or ends the command; gives it back while the device has something.
    pub(super) fn go_on_addressing<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        mut addressing: Box<Addressing>,
        aborted: bool,
    ) -> Result<Result<Wait, Box<Addressing>>, HostError> {
        if aborted && !addressing.aborted {
            addressing.aborted = true;
            addressing.take_back(cx.ports, &mut self.desk, Status::TransactionError);
        }
        if addressing.token.is_some() {
            return Ok(Err(addressing));
        }
        let answer = addressing.answer.take();
        if answer == Some(Status::Ok) && addressing.status_stage {
            return self.finish_addressing(cx, &addressing).map(Ok);
        }
        if addressing.aborted {
            self.desk.counters.commands_aborted += 1;
            let code = CompletionCode::COMMAND_ABORTED;
            return Ok(Ok(Report::of(code, addressing.slot)));
        }
        let go_on = match answer {
            None => true,
            Some(Status::Ok) => {
                addressing.status_stage = true;
                true
            }
            Some(
                Status::Stall | Status::TransactionError | Status::Babble | Status::SplitError,
            ) => false,
        };
        if go_on && addressing.send(cx, &mut self.desk) {
            return Ok(Err(addressing));
        }
        // The slot stays what it was. xHCI 1.2 §4.6.5.
        let code = CompletionCode::USB_TRANSACTION_ERROR;
        Ok(Ok(Report::of(code, addressing.slot)))
    }

    fn finish_addressing<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        addressing: &Addressing,
    ) -> Result<Wait, HostError> {
        let id = addressing.slot;
        let (phase, state) = if addressing.address == 0 {
            (SlotPhase::Default, SlotState::Default)
        } else {
            (SlotPhase::Addressed, SlotState::Addressed)
        };
        let context = addressing
            .slot_context
            .with_usb_device_address(addressing.address)
            .with_slot_state(state);
        let output = addressing.output;
        contexts::write_endpoint(cx, output, Dci::CONTROL, &addressing.endpoint)?;
        contexts::write_slot(cx, output, &context)?;
        let speed: Speed = addressing.attachment.speed;
        if let Some(slot) = self.slots.get_mut(id) {
            slot.phase = phase;
            slot.attachment = Some(addressing.attachment);
            slot.address = addressing.address;
            slot.output = output;
            slot.context = context;
            let endpoint = Endpoint::new(Dci::CONTROL, addressing.endpoint, speed, 0);
            slot.set_endpoint(Dci::CONTROL, Some(endpoint));
        }
        Ok(Report::of(CompletionCode::SUCCESS, id))
    }
}
