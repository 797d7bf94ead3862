//! Interrupters and their event rings. xHCI 1.2 §4.9.4, §4.17, §5.5.2.

mod register;

use alloc::vec::Vec;
use core::time::Duration;

use memory::{Iova, Memory};
use usb_spec::time::Instant;
use xhci_ring::event::{EventProducer, Pushed};
use xhci_spec::number::InterrupterId;
use xhci_spec::registers::{Erdp, Erstba, Erstsz, Iman, Imod, Register};
use xhci_spec::trb::{CompletionCode, Event};

use crate::bit_set::InterrupterSet;
use crate::context::HostError;
use crate::options::Options;
use crate::wide::Wide;

/// What IMODI and IMODC count in. xHCI 1.2 §5.5.2.2.
const MODERATION_STEP: Duration = Duration::from_nanos(250);

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an event that was held back is still the caller's"]
pub(crate) enum Posted {
    /// It is on the ring, or was meant for a secondary interrupter that the driver has disabled.
    Taken,
    /// The ring is full, which was reported, or the controller is halted. The caller keeps the event and tries again in a later service.
    Full,
}

/// All interrupters.
///
/// Register writes take notes; [`Interrupters::apply_notes`] reads segment tables and [`Interrupters::settle`] decides which
/// interrupter interrupts, both in the controller's service.
#[derive(Debug)]
pub(crate) struct Interrupters {
    all: Vec<Interrupter>,
    /// Something was written or posted since the last [`Interrupters::settle`].
    touched: InterrupterSet,
    /// Moderation holds an interrupt back.
    moderated: InterrupterSet,
    /// IP is set.
    pending: InterrupterSet,
    /// Some IP went from 0 to 1: USBSTS.EINT.
    event_interrupt: bool,
    /// MSI or MSI-X: IP clears itself when the message is sent. xHCI 1.2 §5.5.2.1.
    messages: bool,
    /// HCH = 0: events are written. A halted controller keeps them.
    running: bool,
}

#[derive(Clone, Debug)]
struct Interrupter {
    iman: Iman,
    moderation_interval: u16,
    /// When the moderation counter reaches zero.
    moderated_until: Instant,
    segments: Erstsz,
    table: Wide,
    dequeue: Wide,
    handler_busy: bool,
    ring: EventProducer,
    /// ERSTBA was written.
    start_noted: bool,
    /// ERDP was written.
    dequeue_noted: bool,
    /// The specification's internal flag IPE: an event that may interrupt is on the ring. xHCI 1.2 §4.17.2, figure 4-22 (unchecked).
    owes_interrupt: bool,
}

impl Interrupters {
    pub(crate) fn new(options: &Options) -> Self {
        let one = Interrupter::new(options.event_ring_segments_max());
        Self {
            all: alloc::vec![one; usize::from(options.max_interrupters)],
            touched: InterrupterSet::EMPTY,
            moderated: InterrupterSet::EMPTY,
            pending: InterrupterSet::EMPTY,
            event_interrupt: false,
            messages: true,
            running: false,
        }
    }

    /// As after HCRST; whether messages or pins are used is configuration space's matter and stays.
    pub(crate) fn reset(&mut self, options: &Options) {
        for one in &mut self.all {
            *one = Interrupter::new(options.event_ring_segments_max());
        }
        self.touched.clear();
        self.moderated.clear();
        self.pending.clear();
        self.event_interrupt = false;
        self.running = false;
    }

    pub(crate) fn set_running(&mut self, running: bool) {
        self.running = running;
    }

    /// Whether there is such an interrupter.
    pub(crate) fn exists(&self, id: InterrupterId) -> bool {
        usize::from(id.0) < self.all.len()
    }

    /// Writes an event (xHCI 1.2 §4.9.4); `block_interrupt` is BEI (§4.17.5, unchecked). An unknown target counts as interrupter 0, so
    /// that nothing is lost.
    pub(crate) fn post<M: Memory>(
        &mut self,
        memory: &M,
        target: InterrupterId,
        event: Event,
        block_interrupt: bool,
    ) -> Result<Posted, HostError> {
        let id = self.resolve(target);
        let Some(one) = self.all.get_mut(usize::from(id)) else {
            return Err(HostError::Controller);
        };
        if !self.running {
            return Ok(Posted::Full);
        }
        if one.is_disabled(id) {
            return Ok(Posted::Taken);
        }
        let pushed = one.ring.push(memory, event.emit())?;
        let interrupts = match pushed {
            Pushed::Written { .. } => !block_interrupt,
            // Somebody has to tell the driver that the ring is full.
            Pushed::FullReported { .. } => true,
            Pushed::Full => return Ok(Posted::Full),
        };
        one.owes_interrupt |= interrupts;
        self.touched.insert(id);
        Ok(match pushed {
            Pushed::Written { .. } => Posted::Taken,
            Pushed::FullReported { .. } | Pushed::Full => Posted::Full,
        })
    }

    /// Whether `wanted` events fit. If not even one does, the Event Ring Full Error is written, once, so that the driver wakes up.
    pub(crate) fn has_room<M: Memory>(
        &mut self,
        memory: &M,
        target: InterrupterId,
        wanted: u32,
    ) -> Result<bool, HostError> {
        let id = self.resolve(target);
        let Some(one) = self.all.get(usize::from(id)) else {
            return Err(HostError::Controller);
        };
        if !self.running {
            return Ok(false);
        }
        if one.is_disabled(id) {
            return Ok(true);
        }
        let free = one.ring.free(memory, wanted)?;
        if free == 0 && wanted > 0 && !one.ring.is_full() {
            let code = CompletionCode::EVENT_RING_FULL_ERROR;
            let _full = self.post(memory, target, Event::HostController { code }, false)?;
        }
        Ok(free >= wanted)
    }

    /// Reads what ERSTBA and ERDP point to. Rings start only when `running`: until then their tables are the driver's (xHCI 1.2
    /// §4.9.4.1).
    pub(crate) fn apply_notes<M: Memory>(
        &mut self,
        memory: &M,
        running: bool,
        options: &Options,
    ) -> Result<(), HostError> {
        let mut next = self.touched.first();
        while let Some(id) = next {
            if let Some(one) = self.all.get_mut(usize::from(id)) {
                one.apply_notes(memory, id, running, options)?;
            }
            next = self.touched.after(id);
        }
        Ok(())
    }

    /// Decides for each interrupter that was touched or held back whether it interrupts now. xHCI 1.2 §4.17.2.
    pub(crate) fn settle(&mut self, now: Instant) {
        let mut next = self.moderated.first();
        while let Some(id) = next {
            self.settle_one(id, now);
            next = self.moderated.after(id);
        }
        let mut next = self.touched.first();
        while let Some(id) = next {
            self.settle_one(id, now);
            next = self.touched.after(id);
        }
    }

    /// When a held-back interrupt is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let due = self.moderated.iter();
        due.filter_map(|id| Some(self.all.get(usize::from(id))?.moderated_until))
            .min()
    }

    /// The next message to send, which clears IP (xHCI 1.2 §5.5.2.1).
    pub(crate) fn poll(&mut self, now: Instant) -> Option<InterrupterId> {
        if !self.messages {
            return None;
        }
        let mut next = self.pending.first();
        while let Some(id) = next {
            next = self.pending.after(id);
            if let Some(one) = self.all.get_mut(usize::from(id))
                && one.iman.interrupt_enable()
            {
                one.clear_pending(now);
                self.pending.remove(id);
                self.touched.insert(id);
                return Some(InterrupterId(id));
            }
        }
        None
    }

    /// Whether some interrupter asserts the interrupt pin.
    pub(crate) fn level(&self) -> bool {
        let enabled = |id: u16| {
            self.all
                .get(usize::from(id))
                .is_some_and(|one| one.iman.interrupt_enable())
        };
        !self.messages && self.pending.iter().any(enabled)
    }

    pub(crate) fn use_messages(&mut self, messages: bool) {
        self.messages = messages;
    }

    /// Whether some IP was set since the last call.
    pub(crate) fn take_event_interrupt(&mut self) -> bool {
        core::mem::take(&mut self.event_interrupt)
    }

    /// R/S was set: halves that wait for their partner take effect.
    pub(crate) fn settle_halves(&mut self) {
        for (id, one) in (0_u16..).zip(&mut self.all) {
            if one.table.settle() {
                one.start_noted = true;
                self.touched.insert(id);
            }
            if one.dequeue.settle() {
                one.note_dequeue();
                self.touched.insert(id);
            }
        }
    }

    fn resolve(&self, target: InterrupterId) -> u16 {
        if self.exists(target) { target.0 } else { 0 }
    }

    fn settle_one(&mut self, id: u16, now: Instant) {
        let Some(one) = self.all.get_mut(usize::from(id)) else {
            return;
        };
        // Notes that wait for the start keep the interrupter on the list.
        if !one.start_noted && !one.dequeue_noted {
            self.touched.remove(id);
        }
        self.moderated.remove(id);
        if one.ring.is_empty() {
            one.owes_interrupt = false;
        }
        if one.iman.interrupt_pending() || !one.owes_interrupt || one.handler_busy {
            return;
        }
        if now < one.moderated_until {
            self.moderated.insert(id);
            return;
        }
        // IPE stays set until the ring is empty: a driver that leaves an event behind is interrupted again as soon as it
        // clears EHB, so that none is lost.
        one.iman = one.iman.with_interrupt_pending(true);
        one.handler_busy = true;
        self.pending.insert(id);
        self.event_interrupt = true;
    }
}

impl Interrupter {
    fn new(segments_max: u16) -> Self {
        Self {
            iman: Iman::default(),
            moderation_interval: Imod::INITIAL.interrupt_moderation_interval(),
            moderated_until: Instant::START,
            segments: Erstsz::default(),
            table: Wide::default(),
            dequeue: Wide::default(),
            handler_busy: false,
            ring: EventProducer::new(segments_max),
            start_noted: false,
            dequeue_noted: false,
            owes_interrupt: false,
        }
    }

    /// A secondary interrupter without segments is disabled; the primary one cannot be. xHCI 1.2 §5.5.2.3.1.
    fn is_disabled(&self, id: u16) -> bool {
        id != 0 && self.segments.segment_table_size() == 0
    }

    fn table_address(&self) -> Erstba {
        Erstba::default().after_write(Erstba::from_bits(self.table.bits()))
    }

    /// ERDP has been written: its pointer counts from the next service on, and EHB is write-1-to-clear.
    fn note_dequeue(&mut self) {
        self.dequeue_noted = true;
        if Erdp::from_bits(self.dequeue.bits()).event_handler_busy() {
            self.handler_busy = false;
        }
    }

    fn apply_notes<M: Memory>(
        &mut self,
        memory: &M,
        id: u16,
        running: bool,
        options: &Options,
    ) -> Result<(), HostError> {
        let dequeue: Iova = Erdp::from_bits(self.dequeue.bits()).event_ring_dequeue_pointer();
        if self.start_noted {
            if !running {
                return Ok(());
            }
            self.start_noted = false;
            self.dequeue_noted = false;
            if self.is_disabled(id) {
                self.ring = EventProducer::new(options.event_ring_segments_max());
                return Ok(());
            }
            let table = self.table_address().segment_table_base();
            let size = self.segments.segment_table_size();
            // A dequeue pointer outside of the ring counts as "nothing passed yet"; Linux writes ERDP after ERSTBA.
            let _write = self.ring.program(memory, table, size, dequeue)?;
        } else if core::mem::take(&mut self.dequeue_noted) && self.ring.enqueue().is_some() {
            let _write = self.ring.set_dequeue(memory, dequeue)?;
        }
        Ok(())
    }

    /// IP falls, by software or because the message was sent; that loads the moderation counter. xHCI 1.2 §5.5.2.2.
    fn clear_pending(&mut self, now: Instant) {
        self.iman = self.iman.with_interrupt_pending(false);
        self.moderated_until = now + MODERATION_STEP * u32::from(self.moderation_interval);
    }

    fn imod(&self, now: Instant) -> Imod {
        let left = (self.moderated_until - now).as_nanos() / MODERATION_STEP.as_nanos();
        Imod::default()
            .with_interrupt_moderation_interval(self.moderation_interval)
            .with_interrupt_moderation_counter(u16::try_from(left).unwrap_or(u16::MAX))
    }
}
