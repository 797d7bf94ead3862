use alloc::vec::Vec;

use memory::Slice;
use usb_model::{Cancelled, Token};
use xhci_spec::number::{Dci, PortId, SlotId};

use crate::transfer::td::Piece;

/// How many vectors of each kind are kept for the next TD.
const VECTORS_MAX: usize = 128;

/// A vector that grew longer than this is not kept: one hostile TD must not cost memory for ever.
const CAPACITY_MAX: usize = 256;

/// Bits of a token that name its owner: 8 for the slot, 5 for the DCI.
const OWNER_BITS: u32 = 13;

/// What the engine has done so far; for tests and for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Doorbells rung.
    pub doorbells: u64,
    /// Doorbells that led to nothing: no such slot or endpoint, or one that is halted.
    pub doorbells_ignored: u64,
    /// TRBs taken from the command ring.
    pub commands: u64,
    /// Commands that were made to get stuck ([`CommandFaults`](crate::CommandFaults)).
    pub commands_stuck: u64,
    /// Commands that were aborted.
    pub commands_aborted: u64,
    /// Command Ring Stopped events that were left out on purpose.
    pub stopped_events_omitted: u64,
    /// TDs taken from transfer rings.
    pub transfers: u64,
}

/// What all endpoints share: vectors to use again, names for requests, and a count of what is out.
#[derive(Debug)]
pub(crate) struct Desk<S> {
    pieces: Vec<Vec<Piece>>,
    buffers: Vec<Vec<S>>,
    /// Never repeats, not even over a reset of the controller.
    serial: u64,
    /// Requests that a device has.
    pub(crate) held: usize,
    /// Requests from before a reset that a device still has.
    abandoned: Vec<(PortId, Token)>,
    pub(crate) counters: Counters,
}

impl<S: Slice> Desk<S> {
    pub(crate) fn new() -> Self {
        Self {
            pieces: Vec::new(),
            buffers: Vec::new(),
            serial: 0,
            held: 0,
            abandoned: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Two empty vectors for a TD.
    pub(crate) fn take_vectors(&mut self) -> (Vec<Piece>, Vec<S>) {
        (
            self.pieces.pop().unwrap_or_default(),
            self.buffers.pop().unwrap_or_default(),
        )
    }

    pub(crate) fn give_pieces(&mut self, pieces: Vec<Piece>) {
        keep(&mut self.pieces, pieces);
    }

    /// Drops the slices now, whoever mapped them is waiting, and keeps the vector.
    pub(crate) fn give_buffers(&mut self, buffers: Vec<S>) {
        keep(&mut self.buffers, buffers);
    }

    /// A new name for a request of an endpoint, or of a command about a slot.
    pub(crate) fn name(&mut self, slot: SlotId, dci: Option<Dci>) -> Token {
        self.serial = self.serial.wrapping_add(1);
        let dci = dci.map_or(0, Dci::get);
        Token(self.serial << OWNER_BITS | u64::from(slot.get()) << 5 | u64::from(dci))
    }

    /// Whose request it is.
    pub(crate) fn owner(token: Token) -> (Option<SlotId>, Option<Dci>) {
        let [low, high, ..] = token.0.to_le_bytes();
        let slot = low >> 5 | high << 3;
        (SlotId::new(slot), Dci::new(low & 0x1f))
    }

    /// Notes what became of a request that was taken back because its owner is being forgotten; `None` if the device is gone.
    pub(crate) fn abandon(&mut self, cancelled: Option<Cancelled<S>>, port: PortId, token: Token) {
        match cancelled {
            Some(Cancelled::Busy | Cancelled::Unknown) => self.abandoned.push((port, token)),
            Some(Cancelled::Taken(completion)) => {
                self.held = self.held.saturating_sub(1);
                self.give_buffers(completion.buffers);
            }
            None => self.held = self.held.saturating_sub(1),
        }
    }

    /// Whether this is the answer to an abandoned request; then it is forgotten.
    pub(crate) fn forget(&mut self, port: PortId, token: Token) -> bool {
        let Some(at) = self
            .abandoned
            .iter()
            .position(|abandoned| *abandoned == (port, token))
        else {
            return false;
        };
        self.abandoned.swap_remove(at);
        self.held = self.held.saturating_sub(1);
        true
    }

    /// Nobody will answer for this port any more.
    pub(crate) fn forget_port(&mut self, port: PortId) {
        let before = self.abandoned.len();
        self.abandoned.retain(|(at, _)| *at != port);
        let gone = before - self.abandoned.len();
        self.held = self.held.saturating_sub(gone);
    }
}

fn keep<T>(kept: &mut Vec<Vec<T>>, mut vector: Vec<T>) {
    vector.clear();
    if kept.len() < VECTORS_MAX && (1..=CAPACITY_MAX).contains(&vector.capacity()) {
        kept.push(vector);
    }
}
