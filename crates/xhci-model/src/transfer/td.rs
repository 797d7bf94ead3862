//! Transfer descriptors: what was read from a ring, and how far it has come. xHCI 1.2 §4.11.

use alloc::vec::Vec;

use memory::Iova;
use usb_model::Token;
use xhci_ring::link::{Consumer, Taken};
use xhci_spec::number::InterrupterId;
use xhci_spec::trb::{CompletionCode, Link, Transfer, Trt, layout};

/// One TRB of a TD, with what is needed to report on it after its memory was reused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) at: Iova,
    /// Its cycle bit, which is the consumer's cycle state there.
    pub(crate) cycle: bool,
    pub(crate) meaning: Meaning,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    Transfer(Transfer),
    /// A Link that wants an event. xHCI 1.2 §6.4.4.1.
    Link(Link),
    /// A TRB that has no place here.
    Broken {
        length: u32,
        interrupter: InterrupterId,
    },
}

impl Piece {
    pub(crate) fn new(taken: Taken, transfer: Transfer) -> Self {
        Self {
            at: taken.at,
            cycle: taken.trb.cycle(),
            meaning: Meaning::Transfer(transfer),
        }
    }

    pub(crate) fn link(taken: Taken, link: Link) -> Self {
        Self {
            at: taken.at,
            cycle: taken.trb.cycle(),
            meaning: Meaning::Link(link),
        }
    }

    pub(crate) fn broken(taken: Taken) -> Self {
        let interrupter = u16::try_from(layout::INTERRUPTER.get(&taken.trb.0)).unwrap_or(0);
        Self {
            at: taken.at,
            cycle: taken.trb.cycle(),
            meaning: Meaning::Broken {
                length: u32::try_from(layout::LENGTH.get(&taken.trb.0)).unwrap_or(0),
                interrupter: InterrupterId(interrupter),
            },
        }
    }

    /// Bytes of its buffer.
    pub(crate) fn length(&self) -> u32 {
        match self.meaning {
            Meaning::Transfer(
                Transfer::Normal { length, .. }
                | Transfer::DataStage { length, .. }
                | Transfer::Isoch { length, .. },
            )
            | Meaning::Broken { length, .. } => length,
            Meaning::Transfer(
                Transfer::SetupStage { .. }
                | Transfer::StatusStage { .. }
                | Transfer::EventData { .. }
                | Transfer::NoOp { .. },
            )
            | Meaning::Link(_) => 0,
        }
    }

    /// Whether it has a length at all, so that a stop within it can state a residue.
    pub(crate) fn has_length(&self) -> bool {
        matches!(
            self.meaning,
            Meaning::Transfer(
                Transfer::Normal { .. } | Transfer::DataStage { .. } | Transfer::Isoch { .. }
            )
        )
    }

    /// Whether the device takes part in it.
    pub(crate) fn is_on_the_bus(&self) -> bool {
        self.has_length()
            || matches!(
                self.meaning,
                Meaning::Transfer(Transfer::SetupStage { .. } | Transfer::StatusStage { .. })
                    | Meaning::Broken { .. }
            )
    }

    pub(crate) fn interrupter(&self) -> InterrupterId {
        match self.meaning {
            Meaning::Transfer(transfer) => transfer.interrupter(),
            Meaning::Link(link) => link.interrupter,
            Meaning::Broken { interrupter, .. } => interrupter,
        }
    }

    pub(crate) fn ioc(&self) -> bool {
        match self.meaning {
            Meaning::Transfer(transfer) => transfer.ioc(),
            Meaning::Link(link) => link.ioc,
            Meaning::Broken { .. } => false,
        }
    }

    pub(crate) fn isp(&self) -> bool {
        match self.meaning {
            Meaning::Transfer(
                Transfer::Normal { flags, .. }
                | Transfer::DataStage { flags, .. }
                | Transfer::Isoch { flags, .. },
            ) => flags.interrupt_on_short_packet,
            Meaning::Transfer(_) | Meaning::Link(_) | Meaning::Broken { .. } => false,
        }
    }

    pub(crate) fn blocks_interrupt(&self) -> bool {
        match self.meaning {
            Meaning::Transfer(Transfer::Normal { flags, .. } | Transfer::Isoch { flags, .. }) => {
                flags.block_event_interrupt
            }
            Meaning::Transfer(Transfer::EventData {
                block_event_interrupt,
                ..
            }) => block_event_interrupt,
            Meaning::Transfer(_) | Meaning::Link(_) | Meaning::Broken { .. } => false,
        }
    }

    /// Software's own 64 bits of an Event Data TRB.
    pub(crate) fn event_data(&self) -> Option<u64> {
        match self.meaning {
            Meaning::Transfer(Transfer::EventData { data, .. }) => Some(data),
            Meaning::Transfer(_) | Meaning::Link(_) | Meaning::Broken { .. } => None,
        }
    }

    /// A consumer that stands at it.
    pub(crate) fn position(&self) -> Consumer {
        Consumer::new(self.at, self.cycle)
    }
}

/// How far an interrupted TRB had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resume {
    /// Bytes of the TRB that have been moved.
    pub(crate) offset: u32,
    /// Bytes before the TRB that the next Event Data TRB will report. xHCI 1.2 §4.11.5.2.
    pub(crate) event_data_length: u32,
    /// The TRB is not the first of its TD.
    pub(crate) middle: bool,
}

/// Which stage of a control transfer must come next. A new Setup Stage is always right: USB 2.0 §8.5.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControlStand {
    /// A Setup Stage.
    Idle,
    /// What the Setup Stage announced.
    Setup { transfer_type: Trt },
    /// The Status Stage, against the direction of the data.
    Data { direction_in: bool },
}

/// How a TD ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    /// Bytes moved by this TD, not counting what was moved before an interruption.
    pub(crate) bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    /// A packet was short.
    Short,
    Failed(CompletionCode),
    /// It was taken back from the device before it had ended.
    Taken,
}

/// A TD that was taken from the ring.
#[derive(Debug)]
pub(crate) struct Td {
    pub(crate) token: Token,
    pub(crate) pieces: Vec<Piece>,
    /// How far the first piece had come before.
    pub(crate) resume: Resume,
    /// What stood before it on a control endpoint.
    pub(crate) stand_before: ControlStand,
    /// Bytes asked of the device.
    pub(crate) length: usize,
    /// `None` while the device has it.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) walk: Walk,
}

/// How far the events of an ended TD have been written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walk {
    pub(crate) next: usize,
    pub(crate) event_data_length: u32,
}

/// Where in a TD its end lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The piece.
    pub(crate) index: usize,
    /// Bytes of that piece that were moved, now or before.
    pub(crate) moved: u32,
}

impl Td {
    /// Whether a device has it, and may touch its buffers.
    pub(crate) fn is_held(&self) -> bool {
        self.outcome.is_none()
    }

    /// The piece in which `bytes` bytes end: the first that is not full, else the last that takes part.
    pub(crate) fn cut(&self, bytes: usize) -> Cut {
        let mut left = bytes;
        let mut last = Cut { index: 0, moved: 0 };
        for (index, piece) in self.pieces.iter().enumerate() {
            if !piece.is_on_the_bus() {
                continue;
            }
            let before = if index == 0 { self.resume.offset } else { 0 };
            let room = piece.length().saturating_sub(before);
            let now = u32::try_from(left).unwrap_or(u32::MAX).min(room);
            last = Cut {
                index,
                moved: before.saturating_add(now),
            };
            if now < room {
                break;
            }
            left = left.saturating_sub(now as usize);
        }
        last
    }

    /// The last piece that wants an event.
    pub(crate) fn last_ioc(&self) -> Option<usize> {
        self.pieces.iter().rposition(Piece::ioc)
    }
}
