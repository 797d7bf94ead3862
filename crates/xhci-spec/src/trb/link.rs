//! The Link TRB (xHCI 1.2 §6.4.4.1): the one TRB that belongs to the ring and not to its users.

use super::{ParseTrbError, ParseTrbErrorKind, Trb, TrbType, layout};
use crate::number::{InterrupterId, Iova};

/// Where the ring goes on; stands on command rings and transfer rings alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Link {
    /// Address of the next TRB, a multiple of 16.
    pub next: Iova,
    /// Whether the cycle state turns over behind it.
    pub toggle_cycle: bool,
    /// Whether the TD goes on behind it.
    pub chain: bool,
    /// Whether passing it makes an event.
    pub ioc: bool,
    /// Where that event goes.
    pub interrupter: InterrupterId,
}

impl Link {
    /// Reads a Link TRB.
    ///
    /// # Errors
    ///
    /// [`ParseTrbErrorKind::UnknownType`] for any other TRB.
    pub fn parse(trb: Trb) -> Result<Self, ParseTrbError> {
        if trb.trb_type() != TrbType::LINK {
            return Err(ParseTrbError {
                kind: ParseTrbErrorKind::UnknownType,
                trb,
            });
        }
        Ok(Self {
            next: trb.read(&layout::LINK_NEXT),
            toggle_cycle: trb.read(&layout::TOGGLE_CYCLE),
            chain: trb.read(&layout::CHAIN),
            ioc: trb.read(&layout::INTERRUPT_ON_COMPLETION),
            interrupter: trb.read(&layout::INTERRUPTER),
        })
    }

    /// Writes it, cycle bit 0; the low four bits of `next` are dropped.
    #[must_use]
    pub fn emit(&self) -> Trb {
        Trb::new(TrbType::LINK)
            .with(&layout::LINK_NEXT, self.next)
            .with(&layout::TOGGLE_CYCLE, self.toggle_cycle)
            .with(&layout::CHAIN, self.chain)
            .with(&layout::INTERRUPT_ON_COMPLETION, self.ioc)
            .with(&layout::INTERRUPTER, self.interrupter)
    }
}
