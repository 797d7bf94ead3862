//! The command ring: one command at a time, one event each. xHCI 1.2 §4.6, §4.9.3.

mod address;
pub(crate) mod bandwidth;
mod check;
mod configure;
mod fault;
mod ring;
mod rings;
mod slots;

use alloc::boxed::Box;

use memory::{Memory, Slice};
use xhci_ring::link::{ConsumeError, Consumer, Taken};
use xhci_spec::number::{InterrupterId, Iova, SlotId};
use xhci_spec::state::SlotInput;
use xhci_spec::state::slot::{next, refusal};
use xhci_spec::trb::{Command, CompletionCode, Event};

pub use fault::{CommandFaults, StuckCommand};
pub(crate) use ring::CommandRing;

use crate::context::{Context, HostError};
use crate::engine::Engine;
use crate::interrupter::Posted;
use address::Addressing;
use ring::{Current, Stopping};
use rings::After;

/// What a command waits for.
#[derive(Debug)]
pub(crate) enum Wait {
    /// Nothing but room for its event.
    Report(Report),
    /// Endpoints that come to rest.
    Rest(After),
    /// The device's answer to SET_ADDRESS.
    Address(Box<Addressing>),
    /// Being aborted, on purpose.
    Stuck { slot: Option<SlotId>, lets_go: bool },
}

/// How a command ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) code: CompletionCode,
    pub(crate) slot: Option<SlotId>,
}

impl Report {
    pub(crate) fn of(code: CompletionCode, slot: SlotId) -> Wait {
        Wait::Report(Self {
            code,
            slot: Some(slot),
        })
    }

    fn plain(code: CompletionCode) -> Wait {
        Wait::Report(Self { code, slot: None })
    }
}

impl<S: Slice> Engine<S> {
    /// Goes on with the command in progress and takes further ones. True if it could go on at once.
    pub(crate) fn serve_commands<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        budget: &mut u32,
    ) -> Result<bool, HostError> {
        // Each turn takes a command or the last one ends it: the budget bounds both.
        loop {
            if let Some(current) = self.commands.current.take() {
                self.commands.current = self.go_on(cx, current)?;
            }
            let busy = self.commands.current.is_some();
            if !self.commands.started && !self.commands.is_about_to_end() {
                self.commands.running = false;
                return Ok(false);
            }
            if busy || !self.commands.running {
                return Ok(false);
            }
            if self.commands.stopping.is_some() {
                self.end_ring(cx)?;
                return Ok(false);
            }
            if !self.commands.rung {
                return Ok(false);
            }
            if *budget == 0 {
                return Ok(true);
            }
            // Nothing is taken whose event could not be written.
            if !cx.interrupters.has_room(cx.memory, PRIMARY, 1)? {
                return Ok(false);
            }
            let Some(taken) = self.take_command(cx)? else {
                self.commands.rung = false;
                return Ok(false);
            };
            *budget = budget.saturating_sub(1);
            self.desk.counters.commands += 1;
            let wait = self.execute(cx, taken)?;
            self.commands.current = Some(Current { at: taken.at, wait });
        }
    }

    fn take_command<M: Memory<Slice = S>>(
        &mut self,
        cx: &Context<'_, M>,
    ) -> Result<Option<Taken>, HostError> {
        self.commands
            .ring
            .pop(cx.memory)
            .map_err(|error| match error {
                ConsumeError::Unreadable { fault, .. } => fault.into(),
                // There is no command that an event could name.
                ConsumeError::TooManyLinks { .. } | ConsumeError::TdTooLong { .. } => {
                    HostError::Controller
                }
            })
    }

    /// Ends the command in progress if it can end; else gives it back.
    fn go_on<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        mut current: Current,
    ) -> Result<Option<Current>, HostError> {
        // A command passes from rest to addressing to its report: few turns.
        for _ in 0..WAITS_MAX {
            let aborted = self.commands.stopping == Some(Stopping::Abort);
            current.wait = match current.wait {
                Wait::Report(report) => {
                    if self.report(cx, current.at, report)? {
                        return Ok(None);
                    }
                    return Ok(Some(current));
                }
                Wait::Rest(after) => match self.after_rest(cx, after)? {
                    Ok(wait) => wait,
                    Err(after) => {
                        // Not even an abort ends it: a worker still has the buffers, and the event would say that it has not.
                        current.wait = Wait::Rest(after);
                        return Ok(Some(current));
                    }
                },
                Wait::Address(addressing) => {
                    match self.go_on_addressing(cx, addressing, aborted)? {
                        Ok(wait) => wait,
                        Err(addressing) => {
                            current.wait = Wait::Address(addressing);
                            return Ok(Some(current));
                        }
                    }
                }
                Wait::Stuck {
                    slot,
                    lets_go: true,
                } if aborted => {
                    self.desk.counters.commands_aborted += 1;
                    Wait::Report(Report {
                        code: CompletionCode::COMMAND_ABORTED,
                        slot,
                    })
                }
                Wait::Stuck { .. } => return Ok(Some(current)),
            };
        }
        Ok(Some(current))
    }

    /// Writes a command's event; false if it found no room.
    fn report<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        trb: Iova,
        report: Report,
    ) -> Result<bool, HostError> {
        let event = Event::CommandCompletion {
            trb,
            parameter: 0,
            code: report.code,
            slot: report.slot,
            virtual_function: 0,
        };
        let posted = cx.interrupters.post(cx.memory, PRIMARY, event, false)?;
        Ok(posted == Posted::Taken)
    }

    /// Stops the ring after CS or CA: the event names the next command. xHCI 1.2 §4.6.1.1, §4.6.1.2.
    fn end_ring<M: Memory<Slice = S>>(&mut self, cx: &mut Context<'_, M>) -> Result<(), HostError> {
        if cx.options.behaviour.commands.omit_stopped_event {
            self.desk.counters.stopped_events_omitted += 1;
        } else {
            let report = Report {
                code: CompletionCode::COMMAND_RING_STOPPED,
                slot: None,
            };
            if !self.report(cx, self.commands.ring.dequeue(), report)? {
                return Ok(());
            }
        }
        self.commands.running = false;
        self.commands.rung = false;
        self.commands.stopping = None;
        Ok(())
    }

    fn execute<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        taken: Taken,
    ) -> Result<Wait, HostError> {
        if taken.link().is_some() {
            return Ok(Report::plain(CompletionCode::SUCCESS));
        }
        let number = self.desk.counters.commands;
        let command = Command::parse(taken.trb);
        let faults = &cx.options.behaviour.commands;
        if faults.catches(taken.trb.trb_type(), number) {
            self.desk.counters.commands_stuck += 1;
            return Ok(Wait::Stuck {
                slot: command.ok().as_ref().and_then(slot_of),
                lets_go: faults.lets_go,
            });
        }
        let Ok(command) = command else {
            return Ok(Report::plain(CompletionCode::TRB_ERROR));
        };
        if let Some(slot) = slot_of(&command)
            && let Some(code) = self.refusal(cx, &command, slot)
        {
            return Ok(Report::of(code, slot));
        }
        self.dispatch(cx, command)
    }

    /// Why a command about a slot is refused before it is looked at any further. xHCI 1.2 §4.5.3, §6.4.5.
    fn refusal<M: Memory<Slice = S>>(
        &self,
        cx: &Context<'_, M>,
        command: &Command,
        slot: SlotId,
    ) -> Option<CompletionCode> {
        if slot.get() > cx.max_slots_enabled {
            return Some(CompletionCode::TRB_ERROR);
        }
        let phase = self.slots.phase(slot);
        let input = SlotInput::of(command)?;
        next(phase, input).is_none().then(|| refusal(phase))
    }

    fn dispatch<M: Memory<Slice = S>>(
        &mut self,
        cx: &mut Context<'_, M>,
        command: Command,
    ) -> Result<Wait, HostError> {
        match command {
            Command::NoOp => Ok(Report::plain(CompletionCode::SUCCESS)),
            Command::EnableSlot { slot_type } => Ok(self.enable_slot(cx, slot_type)),
            Command::DisableSlot { slot } => self.disable_slot(cx, slot),
            Command::AddressDevice {
                input,
                slot,
                block_set_address,
            } => self.address_device(cx, slot, input, block_set_address),
            Command::ConfigureEndpoint {
                input,
                slot,
                deconfigure,
            } => {
                if deconfigure {
                    self.deconfigure(cx, slot)
                } else {
                    self.configure_endpoint(cx, slot, input)
                }
            }
            Command::EvaluateContext { input, slot } => self.evaluate_context(cx, slot, input),
            Command::ResetEndpoint {
                slot,
                endpoint,
                transfer_state_preserve,
            } => self.reset_endpoint(cx, slot, endpoint, transfer_state_preserve),
            Command::StopEndpoint { slot, endpoint, .. } => self.stop_endpoint(cx, slot, endpoint),
            Command::SetTrDequeue {
                slot,
                endpoint,
                dequeue,
                cycle,
                stream,
                ..
            } => {
                let ring = Consumer::new(cx.address(dequeue), cycle);
                self.set_dequeue(cx, slot, endpoint, ring, stream)
            }
            Command::ResetDevice { slot } => self.reset_device(cx, slot),
            Command::GetPortBandwidth {
                bandwidth_context,
                speed,
                hub_slot,
            } => self.get_port_bandwidth(cx, bandwidth_context, speed, hub_slot),
            // The capability registers offer none of these. xHCI 1.2 §4.6.12 to §4.6.18.
            Command::ForceEvent { .. }
            | Command::NegotiateBandwidth { .. }
            | Command::SetLatencyTolerance { .. }
            | Command::ForceHeader { .. }
            | Command::GetExtendedProperty { .. }
            | Command::SetExtendedProperty { .. }
            | Command::Vendor(_) => Ok(Report::plain(CompletionCode::TRB_ERROR)),
        }
    }
}

/// Where command events go. xHCI 1.2 §4.17.1 (unchecked).
const PRIMARY: InterrupterId = InterrupterId(0);

/// How often a command in progress changes what it waits for: rest, setup, status, report, and one to spare.
const WAITS_MAX: u32 = 5;

/// The slot that a command needs enabled.
fn slot_of(command: &Command) -> Option<SlotId> {
    match *command {
        Command::DisableSlot { slot }
        | Command::AddressDevice { slot, .. }
        | Command::ConfigureEndpoint { slot, .. }
        | Command::EvaluateContext { slot, .. }
        | Command::ResetEndpoint { slot, .. }
        | Command::StopEndpoint { slot, .. }
        | Command::SetTrDequeue { slot, .. }
        | Command::ResetDevice { slot } => Some(slot),
        _ => None,
    }
}
