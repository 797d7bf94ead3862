use memory::{Iova, Memory};
use xhci_spec::trb::{Link, Trb};

use super::ConsumeError;
use crate::segment::TRB_BYTES;

/// The most Links in a row that are followed in search of a TRB. One is usual; an empty segment makes it two.
pub const LINKS_MAX: u32 = 16;

/// The most TRBs of one TD that are looked at: as many as fill a segment of 64 KiB.
pub const TD_TRBS_MAX: u32 = 4096;

/// The controller's end of a command or transfer ring: where it stands and its cycle state (xHCI 1.2 §4.9.2).
///
/// It is a value: copy it to look ahead, and keep the copy or drop it. Whatever the memory holds, a call reads at most
/// [`LINKS_MAX`] Links and one TRB more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Consumer {
    dequeue: Iova,
    cycle: bool,
}

/// A TRB and where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Taken {
    /// Its address, which events name.
    pub at: Iova,
    /// The TRB as it stood in memory; taken once, so it cannot change any more.
    pub trb: Trb,
}

impl Taken {
    /// The Link, if it is one. Then it has been passed, and has IOC set: its event is owed.
    #[must_use]
    pub fn link(&self) -> Option<Link> {
        Link::parse(self.trb).ok()
    }
}

/// What lies ahead on the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TdLook {
    /// Nothing.
    Empty,
    /// A TD whose last TRB has not been handed over yet.
    Incomplete {
        /// TRBs so far, Links not counted.
        trbs: u32,
    },
    /// A whole TD.
    Complete {
        /// Its TRBs, Links not counted.
        trbs: u32,
        /// The ring behind it.
        behind: Consumer,
    },
}

impl Consumer {
    /// A consumer that goes on at `dequeue` with this cycle state. The low four bits of the address carry other meanings in
    /// registers and contexts, and are dropped.
    #[must_use]
    pub const fn new(dequeue: Iova, cycle: bool) -> Self {
        Self {
            dequeue: Iova(dequeue.0 & !(TRB_BYTES - 1)),
            cycle,
        }
    }

    /// Where it stands. This can be a Link that has not been handed over yet.
    #[must_use]
    pub const fn dequeue(&self) -> Iova {
        self.dequeue
    }

    /// Its cycle state.
    #[must_use]
    #[doc(alias = "CCS")]
    #[doc(alias = "DCS")]
    pub const fn cycle(&self) -> bool {
        self.cycle
    }

    /// The TRB that [`pop`](Self::pop) would take now, without taking it.
    ///
    /// # Errors
    /// [`ConsumeError`], as `pop`.
    pub fn peek<M: Memory>(&self, memory: &M) -> Result<Option<Taken>, ConsumeError> {
        let mut ahead = *self;
        ahead.pop(memory)
    }

    /// Takes the next TRB that has been handed over, and passes the Links before it; `None` when there is none.
    ///
    /// A Link with Interrupt On Completion is taken like any other TRB ([`Taken::link`]), because an event is owed for it: a Command
    /// Completion Event or a Transfer Event with the Link's address (xHCI 1.2 §6.4.4.1, unchecked). Other Links never come out.
    ///
    /// Links are passed even if nothing follows yet, as hardware does; they belong to the consumer by then.
    ///
    /// # Errors
    /// [`ConsumeError`]; the consumer stands where it stood.
    pub fn pop<M: Memory>(&mut self, memory: &M) -> Result<Option<Taken>, ConsumeError> {
        let mut next = *self;
        for _ in 0..=LINKS_MAX {
            let at = next.dequeue;
            // Control dword first, with acquire order: if its cycle bit is ours, so is the rest.
            let block = memory
                .load_block(at)
                .map_err(|fault| ConsumeError::Unreadable { at, fault })?;
            let trb = Trb(block);
            if trb.cycle() != next.cycle {
                *self = next;
                return Ok(None);
            }
            let Ok(link) = Link::parse(trb) else {
                next.dequeue = at.offset(TRB_BYTES);
                *self = next;
                return Ok(Some(Taken { at, trb }));
            };
            next = Self::new(link.next, next.cycle ^ link.toggle_cycle);
            if link.ioc {
                *self = next;
                return Ok(Some(Taken { at, trb }));
            }
        }
        Err(ConsumeError::TooManyLinks { at: next.dequeue })
    }

    /// Looks whether a whole TD lies ahead: TRBs with the chain bit and one without (xHCI 1.2 §4.11).
    ///
    /// Links inside are passed, whether they carry the chain bit or not: drivers forget it, and the TRBs around a Link say enough.
    ///
    /// # Errors
    /// [`ConsumeError`]; [`TdTooLong`](ConsumeError::TdTooLong) after [`TD_TRBS_MAX`] TRBs without an end.
    pub fn peek_td<M: Memory>(&self, memory: &M) -> Result<TdLook, ConsumeError> {
        let mut ahead = *self;
        let mut trbs = 0;
        let mut links = 0;
        while trbs < TD_TRBS_MAX && links < TD_TRBS_MAX {
            let Some(taken) = ahead.pop(memory)? else {
                return Ok(if trbs == 0 {
                    TdLook::Empty
                } else {
                    TdLook::Incomplete { trbs }
                });
            };
            if taken.link().is_some() {
                links += 1;
                continue;
            }
            trbs += 1;
            if !taken.trb.chain() {
                return Ok(TdLook::Complete {
                    trbs,
                    behind: ahead,
                });
            }
        }
        Err(ConsumeError::TdTooLong { at: self.dequeue })
    }
}
