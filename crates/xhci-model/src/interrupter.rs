use memory::Memory;
use usb_spec::time::Instant;
use xhci_spec::number::InterrupterId;
use xhci_spec::trb::Event;

use crate::context::HostError;
use crate::options::Options;

#[derive(Debug)]
pub(crate) struct Interrupters {}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an event that was held back is still the caller's"]
pub(crate) enum Posted {
    /// It is on the ring, or was meant for a secondary interrupter that the driver has disabled.
    Taken,
    /// The ring is full, which was reported. The caller keeps the event and tries again in a later service.
    Full,
}

impl Interrupters {
    pub(crate) fn new(_options: &Options) -> Self {
        Self {}
    }
    /// Whether there is such an interrupter.
    pub(crate) fn exists(&self, _id: InterrupterId) -> bool {
        true
    }
    /// Writes an event (xHCI 1.2 §4.9.4); `block_interrupt` is BEI. An unknown target counts as interrupter 0.
    pub(crate) fn post<M: Memory>(
        &mut self,
        _memory: &M,
        _target: InterrupterId,
        _event: Event,
        _block_interrupt: bool,
        _now: Instant,
    ) -> Result<Posted, HostError> {
        Ok(Posted::Taken)
    }
    /// Whether `wanted` events fit. If not even one does, the Event Ring Full Error is reported, so that the driver wakes up.
    pub(crate) fn has_room<M: Memory>(
        &mut self,
        _memory: &M,
        _target: InterrupterId,
        _wanted: u32,
        _now: Instant,
    ) -> Result<bool, HostError> {
        Ok(true)
    }
}
