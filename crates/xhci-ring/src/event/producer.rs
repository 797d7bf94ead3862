use memory::{Iova, Memory};
use xhci_spec::trb::{CompletionCode, Event, Trb};

use super::EventRingError;
use super::table::Entry;

/// The controller's end of an event ring: the state machine of xHCI 1.2 §4.9.4, figure 4-12.
///
/// It keeps the segment that it is in and reads the table again at each segment's end, so that a table enlarged at run time
/// (ERSTSZ, §4.9.4.1) takes effect there. An event that does not fit is not taken: the caller keeps it and tries again when ERDP
/// has moved. Nothing is ever written over an event that the driver has not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventProducer {
    table: Iova,
    entries: u16,
    entries_max: u16,
    /// The segment that EREP is in; `None` before the start.
    current: Option<Place>,
    dequeue: Iova,
    cycle: bool,
    fill: Fill,
}

/// What the pointers alone do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// Equal pointers mean an empty ring.
    Room,
    /// The Full Error has taken the last free TRB: equal pointers mean a full ring.
    Full,
    /// ERDP has moved since then, but no event has fitted yet: the Full Error is not repeated.
    Reported,
}

/// Where the next event goes. `entry.trbs > index` always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    number: u16,
    entry: Entry,
    index: u32,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an event that was not written is still the caller's"]
pub enum Pushed {
    /// It is on the ring.
    Written {
        /// Where.
        at: Iova,
    },
    /// It is not: only one TRB was free, and now holds a Host Controller Event with Event Ring Full Error. The controller stops
    /// fetching TRBs; the driver has something to be interrupted for.
    FullReported {
        /// Where the Host Controller Event is.
        at: Iova,
    },
    /// It is not: the ring is full, as was reported before.
    Full,
}

/// What a write of ERDP meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DequeueWrite {
    /// The pointer moved.
    Moved,
    /// The pointer is where it was.
    Unchanged,
    /// The pointer is where it was, on a ring that was full: as a write always advances the pointer (xHCI 1.2 §4.9.4), all events were
    /// consumed and the ring is empty.
    WholeRing,
    /// The pointer is on no segment. The driver is in error; the ring counts as empty, which cannot write over more than it asked for.
    Outside,
}

impl EventProducer {
    /// An event ring that has not been started, of a controller that can use `entries_max` segments (ERST Max, xHCI 1.2 §5.3.4).
    #[must_use]
    pub const fn new(entries_max: u16) -> Self {
        Self {
            table: Iova(0),
            entries: 0,
            entries_max,
            current: None,
            dequeue: Iova(0),
            cycle: true,
            fill: Fill::Room,
        }
    }

    /// Starts the ring at the first segment with cycle state 1: what a write of ERSTBA does (xHCI 1.2 §5.5.2.3.2), given the
    /// other registers as they are then.
    ///
    /// # Errors
    /// [`EventRingError`] when the table is unusable; then the ring is not started.
    pub fn program<M: Memory>(
        &mut self,
        memory: &M,
        table: Iova,
        entries: u16,
        dequeue: Iova,
    ) -> Result<DequeueWrite, EventRingError> {
        *self = Self::new(self.entries_max);
        self.table = table;
        self.set_size(entries);
        self.check_size()?;
        let entry = Entry::read(memory, table, 0)?;
        let place = Place {
            number: 0,
            entry,
            index: 0,
        };
        let write = self.place_dequeue(memory, place, dequeue)?;
        self.current = Some(place);
        Ok(write)
    }

    /// Notes a new number of segments (ERSTSZ); it counts at the next segment's end (xHCI 1.2 §4.9.4.1).
    pub const fn set_size(&mut self, entries: u16) {
        self.entries = entries;
    }

    /// Takes a write of ERDP, without the flag bits. To be called for every write, also of the same value.
    ///
    /// # Errors
    /// [`EventRingError`] when the table had to be read and is unusable; then the pointer is not changed.
    pub fn set_dequeue<M: Memory>(
        &mut self,
        memory: &M,
        dequeue: Iova,
    ) -> Result<DequeueWrite, EventRingError> {
        let place = self.current.ok_or(EventRingError::NoTable)?;
        if dequeue == self.dequeue {
            if self.fill != Fill::Full {
                return Ok(DequeueWrite::Unchanged);
            }
            self.fill = Fill::Room;
            return Ok(DequeueWrite::WholeRing);
        }
        self.place_dequeue(memory, place, dequeue)
    }

    fn place_dequeue<M: Memory>(
        &mut self,
        memory: &M,
        here: Place,
        dequeue: Iova,
    ) -> Result<DequeueWrite, EventRingError> {
        let mut inside = here.entry.index_of(dequeue).is_some();
        for number in (0..self.entries).filter(|number| *number != here.number) {
            if inside {
                break;
            }
            self.check_size()?;
            inside = Entry::read(memory, self.table, number)?
                .index_of(dequeue)
                .is_some();
        }
        if inside {
            self.dequeue = dequeue;
            if self.fill == Fill::Full {
                self.fill = Fill::Reported;
            }
            Ok(DequeueWrite::Moved)
        } else {
            self.dequeue = here.entry.address(here.index);
            self.fill = Fill::Room;
            Ok(DequeueWrite::Outside)
        }
    }

    /// Writes an event with the right cycle bit and publishes it, if it fits.
    ///
    /// When one TRB is left (the enqueue pointer, advanced, would equal ERDP), the Event Ring Full Error takes it, once; after that nothing is
    /// written until ERDP has moved far enough for an event. A second Full Error for each single step of ERDP would let a driver that
    /// takes one event at a time see nothing else.
    ///
    /// # Errors
    /// [`EventRingError`]; nothing was written and the ring has not advanced.
    pub fn push<M: Memory>(&mut self, memory: &M, event: Trb) -> Result<Pushed, EventRingError> {
        let here = self.current.ok_or(EventRingError::NoTable)?;
        let at = here.entry.address(here.index);
        if self.fill == Fill::Full {
            return Ok(Pushed::Full);
        }
        let (next, cycle) = self.advanced(memory, here)?;
        let last = next.entry.address(next.index) == self.dequeue;
        if last && self.fill == Fill::Reported {
            return Ok(Pushed::Full);
        }
        let trb = if last { full_error() } else { event };
        // Control dword last, with release order: whoever sees the new cycle bit sees the whole event.
        let block = trb.with_cycle(self.cycle).0;
        memory
            .store_block(at, block)
            .map_err(|fault| EventRingError::Unwritable { at, fault })?;
        self.current = Some(next);
        self.cycle = cycle;
        self.fill = if last { Fill::Full } else { Fill::Room };
        Ok(if last {
            Pushed::FullReported { at }
        } else {
            Pushed::Written { at }
        })
    }

    /// How many events can be pushed before the ring reports itself full; counts no further than `wanted`.
    ///
    /// # Errors
    /// [`EventRingError`] when the table had to be read and is unusable.
    pub fn free<M: Memory>(&self, memory: &M, wanted: u32) -> Result<u32, EventRingError> {
        let mut here = self.current.ok_or(EventRingError::NoTable)?;
        if self.fill == Fill::Full {
            return Ok(0);
        }
        // TRBs from EREP to ERDP, or to EREP again if the ring is empty; the last of them is for the Full Error. Each turn passes at
        // least one TRB, so the number of turns is bounded by `wanted` as well as by the table.
        let mut trbs = 0;
        for _ in 0..=self.entries {
            let end = match here.entry.index_of(self.dequeue) {
                Some(dequeue) if dequeue > here.index || (trbs > 0 && dequeue == here.index) => {
                    dequeue
                }
                _ => here.entry.trbs,
            };
            trbs += end - here.index;
            if end < here.entry.trbs || trbs > wanted {
                break;
            }
            here.index = here.entry.trbs - 1;
            (here, _) = self.advanced(memory, here)?;
        }
        Ok(trbs.saturating_sub(1).min(wanted))
    }

    /// Where the next event goes (EREP), with its cycle bit; `None` before the start.
    #[must_use]
    #[doc(alias = "EREP")]
    pub fn enqueue(&self) -> Option<(Iova, bool)> {
        self.current
            .map(|here| (here.entry.address(here.index), self.cycle))
    }

    /// Whether every event written has been passed by ERDP (xHCI 1.2 §4.17.2: no interrupt is owed then).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fill != Fill::Full && self.enqueue().is_none_or(|(at, _)| at == self.dequeue)
    }

    /// Whether the ring has reported itself full and no event has fitted since.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        !matches!(self.fill, Fill::Room)
    }

    /// The place behind `here` and the cycle state there: figure 4-12's "EREP advancement".
    fn advanced<M: Memory>(
        &self,
        memory: &M,
        here: Place,
    ) -> Result<(Place, bool), EventRingError> {
        if here.index + 1 < here.entry.trbs {
            return Ok((
                Place {
                    index: here.index + 1,
                    ..here
                },
                self.cycle,
            ));
        }
        self.check_size()?;
        // A table that was shortened behind our back ends here as well.
        let number = here
            .number
            .checked_add(1)
            .filter(|number| *number < self.entries)
            .unwrap_or(0);
        let entry = Entry::read(memory, self.table, number)?;
        Ok((
            Place {
                number,
                entry,
                index: 0,
            },
            self.cycle ^ (number == 0),
        ))
    }

    fn check_size(&self) -> Result<(), EventRingError> {
        match self.entries {
            0 => Err(EventRingError::NoTable),
            entries if entries > self.entries_max => Err(EventRingError::TooManySegments {
                entries,
                max: self.entries_max,
            }),
            _ => Ok(()),
        }
    }
}

/// The event that takes the last free TRB (xHCI 1.2 §4.9.4, §6.4.2.6).
fn full_error() -> Trb {
    Event::HostController {
        code: CompletionCode::EVENT_RING_FULL_ERROR,
    }
    .emit()
}
