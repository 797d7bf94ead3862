//! The command ring: submission, completion, deadlines and the abort of a command that does not come back.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use usb_spec::time::Instant;
use xhci_ring::link::{Producer, TdSpan};
use xhci_spec::number::{Iova, SlotId};
use xhci_spec::registers::Crcr;
use xhci_spec::trb::{Command, CompletionCode};

use crate::registers::Registers;
use crate::{Buffer, CommandError, Hal, Policy};

/// How many aborts in a row, without any command completing in between, mean that the controller is dead.
const ABORTS_MAX: u8 = 2;

/// The command ring of one controller. Commands complete in order; the one in front has a deadline.
#[derive(Debug)]
pub(crate) struct Commands<H: Hal, O> {
    ring: Producer<Buffer<H>>,
    running: VecDeque<Running<O>>,
    backlog: VecDeque<(Command, O)>,
    state: State,
    aborts: u8,
}

#[derive(Debug)]
struct Running<O> {
    span: TdSpan,
    /// Who waits for it; `None` for an aborted command that became a No Op.
    owner: Option<O>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// The front command is with the controller since then.
    Running {
        since: Instant,
    },
    /// Command Abort was written then, for the command that was in front; CRR is awaited to become 0.
    Aborting {
        since: Instant,
        front: Option<TdSpan>,
    },
    Dead,
}

/// What a command brought home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completed {
    pub(crate) slot: Option<SlotId>,
}

/// A command that has ended, and who waited for it.
pub(crate) type Ended<O> = (O, Result<Completed, CommandError>);

/// A Command Completion Event as far as the ring cares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandEvent {
    pub(crate) trb: Iova,
    pub(crate) code: CompletionCode,
    pub(crate) slot: Option<SlotId>,
}

/// The controller did not let go of a command even when told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AbortFailed;

impl<H: Hal, O> Commands<H, O> {
    pub(crate) fn new(ring: Producer<Buffer<H>>) -> Self {
        Self {
            ring,
            running: VecDeque::new(),
            backlog: VecDeque::new(),
            state: State::Idle,
            aborts: 0,
        }
    }

    /// What CRCR is to be told before the controller runs.
    pub(crate) fn crcr(&mut self) -> Crcr {
        let (at, cycle) = self.ring.enqueue();
        Crcr::default()
            .with_command_ring_pointer(at)
            .with_ring_cycle_state(cycle)
    }

    pub(crate) fn submit(
        &mut self,
        command: Command,
        owner: O,
        registers: &Registers<H::Mmio>,
        now: Instant,
    ) {
        self.backlog.push_back((command, owner));
        self.fill(registers, now);
    }

    /// Takes a completion event; says who may go on.
    pub(crate) fn completed(
        &mut self,
        event: CommandEvent,
        registers: &Registers<H::Mmio>,
        now: Instant,
        ended: &mut Vec<Ended<O>>,
    ) {
        if event.code == CompletionCode::COMMAND_RING_STOPPED {
            // Its pointer names the dequeue pointer, not a command. CRR has the same news, and always comes.
            return;
        }
        let found = self
            .running
            .iter()
            .position(|running| self.ring.index_in(&running.span, event.trb).is_some());
        let Some(position) = found else { return };
        for index in 0..=position {
            let Some(running) = self.running.pop_front() else {
                break;
            };
            let last = self.ring.address_of(running.span.last());
            // A command's own TRB lies on the ring.
            let _ = last.map(|last| self.ring.retire(last));
            // Commands are carried out in order: for those before the one named, the event was lost.
            let result = if index == position {
                result(&event)
            } else {
                Err(CommandError::Aborted)
            };
            ended.extend(running.owner.map(|owner| (owner, result)));
        }
        if event.code != CompletionCode::COMMAND_ABORTED {
            self.aborts = 0;
        }
        if let State::Running { .. } = self.state {
            self.state = if self.running.is_empty() {
                State::Idle
            } else {
                State::Running { since: now }
            };
        }
        self.fill(registers, now);
    }

    /// Looks at the deadline of the front command, and at an abort under way.
    ///
    /// # Errors
    /// [`AbortFailed`] when the controller is to be given up.
    pub(crate) fn poll(
        &mut self,
        registers: &Registers<H::Mmio>,
        policy: &Policy,
        now: Instant,
        ended: &mut Vec<Ended<O>>,
    ) -> Result<(), AbortFailed> {
        match self.state {
            State::Running { since } if now - since >= policy.command_timeout => {
                if self.aborts >= ABORTS_MAX {
                    return Err(AbortFailed);
                }
                self.aborts += 1;
                self.abort(registers);
                let front = self.running.front().map(|running| running.span);
                self.state = State::Aborting { since: now, front };
                Ok(())
            }
            State::Aborting { since, front } => {
                if !registers.operational::<Crcr>().command_ring_running() {
                    self.aborted(front, registers, now, ended);
                } else if now - since >= policy.abort_timeout {
                    return Err(AbortFailed);
                }
                Ok(())
            }
            State::Idle | State::Running { .. } | State::Dead => Ok(()),
        }
    }

    pub(crate) fn next_deadline(&self, policy: &Policy, now: Instant) -> Option<Instant> {
        match self.state {
            State::Running { since } => Some(since + policy.command_timeout),
            State::Aborting { .. } => Some(now + policy.register_poll),
            State::Idle | State::Dead => None,
        }
    }

    pub(crate) fn is_aborting(&self) -> bool {
        matches!(self.state, State::Aborting { .. })
    }

    /// The controller is dead: everyone who waits is told.
    pub(crate) fn die(&mut self, ended: &mut Vec<Ended<O>>) {
        self.state = State::Dead;
        let running = self.running.drain(..).filter_map(|running| running.owner);
        let waiting = self.backlog.drain(..).map(|(_, owner)| owner);
        ended.extend(
            running
                .chain(waiting)
                .map(|owner| (owner, Err(CommandError::ControllerDead))),
        );
    }

    fn fill(&mut self, registers: &Registers<H::Mmio>, now: Instant) {
        // While the ring is being stopped, doorbell 0 stays silent. xHCI 1.2 §4.6.1.2.
        if matches!(self.state, State::Aborting { .. } | State::Dead) {
            return;
        }
        let mut pushed = false;
        while let Some((command, owner)) = self.backlog.pop_front() {
            match self.ring.push_td(&[command.emit()]) {
                Ok(span) => {
                    self.running.push_back(Running {
                        span,
                        owner: Some(owner),
                    });
                    pushed = true;
                }
                Err(_) => {
                    self.backlog.push_front((command, owner));
                    break;
                }
            }
        }
        if pushed {
            if self.state == State::Idle {
                self.state = State::Running { since: now };
            }
            registers.ring_command_doorbell();
        }
    }

    /// Tells the controller to let go of the front command. xHCI 1.2 §4.6.1.2.
    ///
    /// All 64 bits are written, with the address of the *next* command and its cycle bit: there are controllers that take the pointer over
    /// although the ring runs, and ones that act only on the high half.
    fn abort(&mut self, registers: &Registers<H::Mmio>) {
        let front = self.running.front().map(|running| running.span);
        let next = front.and_then(|span| self.ring.dequeue_after(&span).ok());
        let (at, cycle) = next.unwrap_or_else(|| self.ring.enqueue());
        registers.set_operational(
            Crcr::default()
                .with_command_ring_pointer(at)
                .with_ring_cycle_state(cycle)
                .with_command_abort(true),
        );
    }

    /// The ring has stopped: the front command becomes a No Op, a fresh No Op behind it asks whether the controller still lives.
    fn aborted(
        &mut self,
        front: Option<TdSpan>,
        registers: &Registers<H::Mmio>,
        now: Instant,
        ended: &mut Vec<Ended<O>>,
    ) {
        // It may have ended after all: then the one in front now is innocent.
        if let Some(front) = self
            .running
            .front_mut()
            .filter(|running| Some(running.span) == front)
        {
            // It is in flight, or it would not be in front.
            let _ = self.ring.make_no_op(&front.span);
            ended.extend(
                front
                    .owner
                    .take()
                    .map(|owner| (owner, Err(CommandError::Aborted))),
            );
        }
        if let Ok(span) = self.ring.push_td(&[Command::NoOp.emit()]) {
            self.running.push_back(Running { span, owner: None });
        }
        self.state = State::Running { since: now };
        registers.ring_command_doorbell();
        self.fill(registers, now);
    }
}

fn result(event: &CommandEvent) -> Result<Completed, CommandError> {
    match event.code {
        CompletionCode::SUCCESS => Ok(Completed { slot: event.slot }),
        CompletionCode::COMMAND_ABORTED => Err(CommandError::Aborted),
        code if code.is_vendor_info() => Ok(Completed { slot: event.slot }),
        code => Err(CommandError::Refused { code }),
    }
}
