//! Reset recovery, in its order. Bulk-Only Transport 1.0 §5.3.4.

use usb_spec::Setup;

use super::status::Queued;
use super::{Bot, Ending, Fault, Function, ResetKind, Stage, State};
use crate::transport::{Action, CONTROL_OUT_MAX, Status, Step};

/// The steps; each that fails leads to [`Recovery::Port`], and that is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// A status that was queued ahead is taken back, so that nothing of the old command is under way.
    TakeBack,
    /// Bulk-Only Mass Storage Reset, which changes neither halts nor toggles. §3.1.
    Class,
    /// Both pipes, IN first, whether they are halted or not.
    ClearIn,
    ClearOut,
    Port,
}

impl Bot {
    /// The exchange is lost: brings the device back to where it takes commands.
    pub(super) fn recover(&mut self, cause: Fault) {
        let step = match self.queued {
            Queued::Asked(_) => Recovery::TakeBack,
            Queued::No | Queued::Came { .. } => Recovery::Class,
        };
        self.state = State::Recovering { step, cause };
    }

    pub(super) fn recovery_step(&mut self, step: Recovery) -> Option<Step> {
        let Function {
            interface,
            bulk_in,
            bulk_out,
        } = self.function;
        let control = self.policy.control_timeout;
        let (action, timeout) = match step {
            Recovery::TakeBack => {
                let Queued::Asked(id) = self.queued else {
                    return None;
                };
                // Waited for under its own name from here on, which also keeps this from being asked for twice.
                self.queued = Queued::No;
                self.pending = Some(id);
                return Some(self.ids.step(Action::Cancel { id }, None));
            }
            Recovery::Class => (
                Action::Control {
                    setup: Setup::bot_reset(interface),
                    out: [0; CONTROL_OUT_MAX],
                },
                control,
            ),
            Recovery::ClearIn => (Action::ClearHalt { endpoint: bulk_in }, control),
            Recovery::ClearOut => (Action::ClearHalt { endpoint: bulk_out }, control),
            Recovery::Port => (Action::PortReset, self.policy.port_reset_timeout),
        };
        Some(self.ids.step(action, Some(timeout)))
    }

    /// One step was answered.
    pub(super) fn recovered(&mut self, step: Recovery, cause: Fault, status: Status) {
        let ok = status == Status::Ok;
        let next = match step {
            // Whatever became of it: it is not under way any more.
            Recovery::TakeBack if self.gone => return self.end(Ending::Gone),
            Recovery::TakeBack => Recovery::Class,
            Recovery::Class if ok => Recovery::ClearIn,
            Recovery::ClearIn if ok => Recovery::ClearOut,
            Recovery::ClearOut if ok => {
                return self.end(Ending::Reset {
                    cause,
                    by: ResetKind::Class,
                });
            }
            Recovery::Class | Recovery::ClearIn | Recovery::ClearOut => Recovery::Port,
            Recovery::Port if ok => {
                return self.end(Ending::Reset {
                    cause,
                    by: ResetKind::Port,
                });
            }
            Recovery::Port => {
                self.broken = Some(cause);
                return self.end(Ending::Unusable { cause });
            }
        };
        self.state = State::Recovering { step: next, cause };
    }

    /// The device is gone, for good. What is under way is waited for all the same.
    pub(super) fn lose(&mut self) {
        self.gone = true;
        match self.queued {
            Queued::Asked(_) => self.recover(Fault::Transfer {
                stage: Stage::Data,
                status: Status::Gone,
            }),
            Queued::No | Queued::Came { .. } => self.end(Ending::Gone),
        }
    }
}
