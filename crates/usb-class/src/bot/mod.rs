//! Bulk-Only Transport 1.0: one command block out, data in one direction, one status back, and the way home when that goes wrong.

mod command;
mod policy;
mod recovery;
mod status;

pub use command::{
    Busy, Command, Data, Ending, Fault, Function, LUN_MAX, Moved, ResetKind, SMALL_MAX, Stage,
};
pub use policy::Policy;

use usb_spec::class::mass_storage::Cbw;
use usb_spec::class::mass_storage::scsi::Cdb;
use usb_spec::{Direction, EndpointAddress, Setup};

use crate::transport::{Action, ActionId, ActionIds, CONTROL_OUT_MAX, Poll, Reply, Status, Step};
use recovery::Recovery;
use status::Queued;

/// The transport of one Bulk-Only function: takes one command at a time to its end, whatever the device does.
#[derive(Debug)]
pub struct Bot {
    function: Function,
    policy: Policy,
    ids: ActionIds,
    state: State,
    /// The action whose answer moves the state on.
    pending: Option<ActionId>,
    queued: Queued,
    command: Command,
    tag: u32,
    on_bus: u32,
    status_reads: u8,
    small: [u8; SMALL_MAX as usize],
    small_length: usize,
    /// Set when no reset helped: the next command tries the port again before anything else.
    broken: Option<Fault>,
    gone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    GetMaxLun,
    /// A port reset before the first command since the device became unusable.
    Revive {
        cause: Fault,
    },
    Command,
    Data,
    /// The data stage stalled: the endpoint's halt ends before the status is asked for. Bulk-Only Transport 1.0 §6.7.2, §6.7.3.
    ClearData,
    Status,
    ClearStatus,
    Recovering {
        step: Recovery,
        cause: Fault,
    },
    Ended(Ending),
}

const NO_COMMAND: Command = Command {
    lun: 0,
    cdb: Cdb {
        bytes: [0; 16],
        length: 6,
    },
    data: Data::None,
    status_timeout: None,
};

impl Bot {
    /// The transport of a configured function, at rest.
    #[must_use]
    pub fn new(function: Function, policy: Policy) -> Self {
        Self {
            function,
            policy,
            ids: ActionIds::default(),
            state: State::Idle,
            pending: None,
            queued: Queued::No,
            command: NO_COMMAND,
            tag: 0,
            on_bus: 0,
            status_reads: 0,
            small: [0; SMALL_MAX as usize],
            small_length: 0,
            broken: None,
            gone: false,
        }
    }

    /// The knobs.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The knobs, to turn between commands.
    pub fn policy_mut(&mut self) -> &mut Policy {
        &mut self.policy
    }

    /// What the last [`Data::Small`] brought.
    #[must_use]
    pub fn small(&self) -> &[u8] {
        self.small.get(..self.small_length).unwrap_or(&[])
    }

    /// Begins a command.
    ///
    /// # Errors
    /// [`Busy`] while one is under way.
    pub fn begin(&mut self, command: Command) -> Result<(), Busy> {
        self.begin_in(State::Command)?;
        self.command = command;
        if let Data::Small(length) = &mut self.command.data {
            *length = (*length).min(u32::from(SMALL_MAX));
        }
        self.tag = self.tag.wrapping_add(1);
        self.queued = Queued::No;
        self.on_bus = 0;
        self.status_reads = 0;
        self.small_length = 0;
        Ok(())
    }

    /// Begins to ask for the highest logical unit number. Devices with one unit may stall the request, and some answer it in
    /// stranger ways; whatever is not a number up to [`LUN_MAX`] counts as 0. Bulk-Only Transport 1.0 §3.2.
    ///
    /// # Errors
    /// [`Busy`] while a command is under way.
    pub fn begin_get_max_lun(&mut self) -> Result<(), Busy> {
        self.begin_in(State::GetMaxLun)
    }

    fn begin_in(&mut self, state: State) -> Result<(), Busy> {
        if self.state != State::Idle {
            return Err(Busy);
        }
        self.state = if self.gone {
            State::Ended(Ending::Gone)
        } else {
            state
        };
        if let (Some(cause), State::Command) = (self.broken, self.state) {
            self.state = State::Revive { cause };
        }
        Ok(())
    }

    /// What the transport wants next, or how the command ended. Changes after each begin and each reply.
    pub fn poll_action(&mut self) -> Poll<Ending> {
        if let State::Ended(ending) = self.state {
            self.state = State::Idle;
            return Poll::Ready(ending);
        }
        if self.pending.is_some() {
            return self.status_ahead().map_or(Poll::Waiting, Poll::Act);
        }
        let Some(step) = self.next_step() else {
            return Poll::Waiting;
        };
        // A cancelled action is waited for under its own name.
        if !matches!(step.action, Action::Cancel { .. }) {
            self.pending = Some(step.id);
        }
        Poll::Act(step)
    }

    /// An action for the use of the layer above, under a name that this transport will not use.
    pub(crate) fn foreign_step(&mut self, action: Action) -> Step {
        self.ids.step(action, None)
    }

    /// Tells what became of an action. A reply that nobody waits for changes nothing.
    pub fn reply(&mut self, id: ActionId, reply: Reply<'_>) {
        if self.pending == Some(id) {
            self.pending = None;
        } else if self.queued == Queued::Asked(id) {
            return self.status_came_early(&reply);
        } else {
            return;
        }
        if reply.status == Status::Gone {
            return self.lose();
        }
        match self.state {
            // Nothing is pending in these.
            State::Idle | State::Ended(_) => {}
            State::GetMaxLun => {
                let lun = reply
                    .data
                    .first()
                    .filter(|&&lun| reply.status == Status::Ok && lun <= LUN_MAX);
                self.state = State::Ended(Ending::MaxLun(lun.copied().unwrap_or(0)));
            }
            State::Revive { cause } => {
                if reply.status == Status::Ok {
                    self.broken = None;
                    self.state = State::Command;
                } else {
                    self.state = State::Ended(Ending::Unusable { cause });
                }
            }
            State::Command => self.command_sent(&reply),
            State::Data => self.data_ended(&reply),
            State::ClearData => self.halt_cleared(&reply, Stage::Data),
            State::ClearStatus => self.halt_cleared(&reply, Stage::Status),
            State::Status => self.status_came(reply.status, reply.data),
            State::Recovering { step, cause } => self.recovered(step, cause, reply.status),
        }
    }

    fn next_step(&mut self) -> Option<Step> {
        let Function {
            interface,
            bulk_in,
            bulk_out,
        } = self.function;
        let policy = &self.policy;
        let no_data = [0; CONTROL_OUT_MAX];
        let (action, timeout) = match self.state {
            State::Idle | State::Ended(_) => return None,
            State::GetMaxLun => (
                Action::Control {
                    setup: Setup::get_max_lun(interface),
                    out: no_data,
                },
                policy.control_timeout,
            ),
            State::Revive { .. } => (Action::PortReset, policy.port_reset_timeout),
            State::Command => (
                Action::BulkOut {
                    endpoint: bulk_out,
                    bytes: self.wrapper(),
                },
                policy.command_timeout,
            ),
            State::Data => (self.data_action()?, policy.data_timeout),
            State::ClearData => (
                Action::ClearHalt {
                    endpoint: self.data_endpoint(),
                },
                policy.control_timeout,
            ),
            State::ClearStatus => (
                Action::ClearHalt { endpoint: bulk_in },
                policy.control_timeout,
            ),
            State::Status => (self.status_action(), self.status_timeout()),
            State::Recovering { step, .. } => return self.recovery_step(step),
        };
        Some(self.ids.step(action, Some(timeout)))
    }

    fn wrapper(&self) -> [u8; 31] {
        let Command { lun, cdb, data, .. } = self.command;
        Cbw::new(self.tag, data.length(), data.direction(), lun, cdb).to_bytes()
    }

    fn data_endpoint(&self) -> EndpointAddress {
        match self.command.data.direction() {
            Direction::In => self.function.bulk_in,
            Direction::Out => self.function.bulk_out,
        }
    }

    fn data_action(&self) -> Option<Action> {
        let endpoint = self.data_endpoint();
        match self.command.data {
            Data::None => None,
            Data::Small(length) => Some(Action::BulkIn { endpoint, length }),
            Data::In { offset, length } => Some(Action::DataIn {
                endpoint,
                offset,
                length,
            }),
            Data::Out { offset, length } => Some(Action::DataOut {
                endpoint,
                offset,
                length,
            }),
        }
    }

    fn command_sent(&mut self, reply: &Reply<'_>) {
        // A stalled wrapper means that the device took it for invalid, which only reset recovery ends (§6.6.1).
        match reply.status {
            Status::Ok if reply.bytes >= 31 && self.command.data.length() > 0 => {
                self.state = State::Data
            }
            Status::Ok if reply.bytes >= 31 => self.ask_for_status(),
            Status::Ok => self.recover(Fault::Transfer {
                stage: Stage::Command,
                status: Status::Error,
            }),
            status => self.recover(Fault::Transfer {
                stage: Stage::Command,
                status,
            }),
        }
    }

    fn data_ended(&mut self, reply: &Reply<'_>) {
        if reply.status == Status::Ok && self.queued == Queued::No && self.is_own_status(reply.data)
        {
            // The device skipped the data stage and went straight to its status, without the short packet between them.
            return self.status_came(Status::Ok, reply.data);
        }
        self.on_bus = reply.bytes.min(self.command.data.length());
        if let Data::Small(_) = self.command.data {
            let length = (self.on_bus as usize)
                .min(reply.data.len())
                .min(usize::from(SMALL_MAX));
            for (to, from) in self.small.iter_mut().zip(reply.data.iter().take(length)) {
                *to = *from;
            }
            self.small_length = length;
        }
        match reply.status {
            Status::Ok => self.ask_for_status(),
            Status::Stall => self.state = State::ClearData,
            status => self.recover(Fault::Transfer {
                stage: Stage::Data,
                status,
            }),
        }
    }

    fn halt_cleared(&mut self, reply: &Reply<'_>, stage: Stage) {
        match reply.status {
            Status::Ok => self.ask_for_status(),
            status => self.recover(Fault::Transfer { stage, status }),
        }
    }

    fn end(&mut self, ending: Ending) {
        self.state = State::Ended(ending);
    }
}
