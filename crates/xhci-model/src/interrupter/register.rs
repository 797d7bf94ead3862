//! The interrupter register sets. xHCI 1.2 §5.5.2.

use usb_spec::time::Instant;
use xhci_spec::number::InterrupterId;
use xhci_spec::registers::{Erdp, Erstsz, Half, Iman, Imod, Register};

use super::{Interrupter, Interrupters, MODERATION_STEP};
use crate::options::Options;

impl Interrupters {
    pub(crate) fn read_iman(&self, id: InterrupterId) -> u32 {
        self.get(id).map_or(0, |one| one.iman.bits())
    }

    pub(crate) fn write_iman(&mut self, id: InterrupterId, value: u32, now: Instant) {
        let Some(one) = self.touch(id) else { return };
        let was_pending = one.iman.interrupt_pending();
        one.iman = one.iman.after_write(Iman::from_bits(value));
        if was_pending && !one.iman.interrupt_pending() {
            one.clear_pending(now);
            self.pending.remove(id.0);
        }
    }

    pub(crate) fn read_imod(&self, id: InterrupterId, now: Instant) -> u32 {
        self.get(id).map_or(0, |one| one.imod(now).bits())
    }

    pub(crate) fn write_imod(&mut self, id: InterrupterId, value: u32, now: Instant) {
        let Some(one) = self.touch(id) else { return };
        let imod = one.imod(now).after_write(Imod::from_bits(value));
        one.moderation_interval = imod.interrupt_moderation_interval();
        let counter = u32::from(imod.interrupt_moderation_counter());
        one.moderated_until = now + MODERATION_STEP * counter;
    }

    pub(crate) fn read_erstsz(&self, id: InterrupterId) -> u32 {
        self.get(id).map_or(0, |one| one.segments.bits())
    }

    pub(crate) fn write_erstsz(&mut self, id: InterrupterId, value: u32) {
        let Some(one) = self.touch(id) else { return };
        one.segments = one.segments.after_write(Erstsz::from_bits(value));
        one.ring.set_size(one.segments.segment_table_size());
    }

    pub(crate) fn read_erstba(&self, id: InterrupterId, half: Half) -> u32 {
        self.get(id)
            .map_or(0, |one| half.of(one.table_address().bits()))
    }

    pub(crate) fn write_erstba(
        &mut self,
        id: InterrupterId,
        half: Half,
        value: u32,
        options: &Options,
    ) {
        let Some(one) = self.touch(id) else { return };
        one.start_noted |= one.table.write(half, value, options);
    }

    pub(crate) fn read_erdp(&self, id: InterrupterId, half: Half) -> u32 {
        self.get(id).map_or(0, |one| {
            let erdp = Erdp::from_bits(one.dequeue.bits());
            half.of(erdp.with_event_handler_busy(one.handler_busy).bits())
        })
    }

    pub(crate) fn write_erdp(
        &mut self,
        id: InterrupterId,
        half: Half,
        value: u32,
        options: &Options,
    ) {
        let Some(one) = self.touch(id) else { return };
        if one.dequeue.write(half, value, options) {
            one.note_dequeue();
        }
    }

    fn get(&self, id: InterrupterId) -> Option<&Interrupter> {
        self.all.get(usize::from(id.0))
    }

    fn touch(&mut self, id: InterrupterId) -> Option<&mut Interrupter> {
        self.touched.insert(id.0);
        self.all.get_mut(usize::from(id.0))
    }
}
