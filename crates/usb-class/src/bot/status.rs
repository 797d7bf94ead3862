//! The status stage: how it is asked for, and what its thirteen bytes are believed to say. Bulk-Only Transport 1.0 §5.2, §6.3, §6.5.

use usb_spec::class::mass_storage::{Csw, CswStatus};

use super::{Bot, Ending, Fault, Moved, Stage, State};
use crate::transport::{Action, ActionId, Reply, Status, Step};

/// The length of a command status wrapper.
const LENGTH: usize = Csw::LENGTH;

/// The same, as an endpoint counts.
const CSW_LENGTH: u32 = 13;
const _: () = assert!(CSW_LENGTH as usize == LENGTH, "one wrapper, one length");

/// How often the status may be asked for in one command: once, and once more after a stall or an empty packet.
const READS_MAX: u8 = 2;

/// The status that was asked for while the data was still under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queued {
    No,
    Asked(ActionId),
    Came {
        status: Status,
        bytes: [u8; LENGTH],
        length: usize,
    },
}

impl Bot {
    pub(super) fn status_action(&mut self) -> Action {
        self.status_reads += 1;
        Action::BulkIn {
            endpoint: self.function.bulk_in,
            length: CSW_LENGTH,
        }
    }

    pub(super) fn status_timeout(&self) -> core::time::Duration {
        self.command
            .status_timeout
            .unwrap_or(self.policy.status_timeout)
    }

    /// The status stage's transfer to put behind the data that is under way, once per command, if the policy wants it.
    pub(super) fn status_ahead(&mut self) -> Option<Step> {
        if !self.policy.pre_queue_status || self.state != State::Data || self.status_reads != 0 {
            return None;
        }
        let timeout = self.policy.data_timeout + self.status_timeout();
        let action = self.status_action();
        let step = self.ids.step(action, Some(timeout));
        self.queued = Queued::Asked(step.id);
        Some(step)
    }

    /// The status overtook the end of the data. It is kept until the data ends.
    pub(super) fn status_came_early(&mut self, reply: &Reply<'_>) {
        let mut bytes = [0; LENGTH];
        for (to, from) in bytes.iter_mut().zip(reply.data) {
            *to = *from;
        }
        // One byte more than there is room for stands for all lengths that are too long.
        self.queued = Queued::Came {
            status: reply.status,
            bytes,
            length: reply.data.len().min(LENGTH + 1),
        };
        if let State::Recovering { step, cause } = self.state {
            self.recovered(step, cause, reply.status);
        }
    }

    /// Goes to the status stage, which may have been asked for already.
    pub(super) fn ask_for_status(&mut self) {
        self.state = State::Status;
        match core::mem::replace(&mut self.queued, Queued::No) {
            Queued::No => {}
            Queued::Asked(id) => self.pending = Some(id),
            Queued::Came {
                status: Status::Gone,
                ..
            } => self.lose(),
            Queued::Came {
                status,
                bytes,
                length,
            } if length <= LENGTH => {
                self.status_came(status, bytes.get(..length).unwrap_or(&[]));
            }
            Queued::Came { length, .. } => self.recover(Fault::NoStatus {
                length: u32::try_from(length).unwrap_or(u32::MAX),
            }),
        }
    }

    /// Judges what came in the status stage.
    pub(super) fn status_came(&mut self, status: Status, bytes: &[u8]) {
        let again = self.status_reads < READS_MAX;
        match status {
            // Some devices close their data with an empty packet too many, which lands here.
            Status::Ok if bytes.is_empty() && again => self.state = State::Status,
            Status::Ok => self.judge(bytes),
            Status::Stall if again => self.state = State::ClearStatus,
            // Only a status that was queued behind a failed data stage is taken back without our asking.
            Status::Cancelled if again => self.state = State::Status,
            status => self.recover(Fault::Transfer {
                stage: Stage::Status,
                status,
            }),
        }
    }

    /// Whether these are the thirteen bytes of the status of this very command.
    pub(super) fn is_own_status(&self, bytes: &[u8]) -> bool {
        bytes.len() == LENGTH && Csw::parse(bytes).is_ok_and(|csw| csw.tag == self.tag)
    }

    fn judge(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let Ok(csw) = Csw::parse(bytes) else {
            return self.recover(Fault::NoStatus { length });
        };
        if csw.tag != self.tag {
            return self.recover(Fault::WrongTag {
                expected: self.tag,
                got: csw.tag,
            });
        }
        let moved = self.moved(csw.residue);
        match csw.status {
            CswStatus::PASSED => self.end(Ending::Passed(moved)),
            CswStatus::FAILED => self.end(Ending::Failed(moved)),
            CswStatus::PHASE_ERROR => self.recover(Fault::PhaseError),
            CswStatus(code) => self.recover(Fault::UnknownStatus { code }),
        }
    }

    /// A residue above the length asked for has no meaning (§6.3.2, unchecked); it is taken for the length.
    fn moved(&self, residue: u32) -> Moved {
        let asked = self.command.data.length();
        let processed = if self.policy.ignore_residue {
            asked
        } else {
            asked.saturating_sub(residue)
        };
        Moved {
            transferred: self.on_bus.min(processed),
            on_bus: self.on_bus,
            residue,
        }
    }
}
