//! From the backlog onto the ring.

use usb_spec::endpoint::TransferKind;
use usb_spec::time::Instant;
use xhci_hal::{Dma, DmaBuffer, Mmio};
use xhci_spec::number::Iova;
use xhci_spec::registers::{Doorbell, doorbell_base};
use xhci_spec::trb::Trb;

use super::{Context, Endpoint, Pending, State};
use crate::endpoints::RING_BORDER;
use crate::plan::{self, Plan};
use crate::{Buffer, Hal, TransferError, TransferRequest};

impl<H: Hal> Endpoint<H> {
    /// Puts as much of the backlog on the ring as fits, and rings the doorbell once.
    ///
    /// A control endpoint has one transfer on the ring at a time: when one stalls, those behind it must neither run nor be lost.
    pub(super) fn kick(&mut self, context: &mut Context<'_, H>) {
        let mut pushed = false;
        while self.state == State::Ready && self.flush.is_none() {
            if self.setup.kind == TransferKind::Control && !self.pending.is_empty() {
                break;
            }
            let Some(request) = self.backlog.pop_front() else {
                break;
            };
            match self.push(request, context) {
                Ok(pending) => {
                    *context.earliest =
                        Instant::earlier(*context.earliest, pending.request.deadline);
                    self.pending.push_back(pending);
                    pushed = true;
                }
                Err(request) if self.pending.is_empty() => {
                    context
                        .done
                        .push_back(request.fail(TransferError::NoMemory, 0));
                }
                Err(request) => {
                    self.backlog.push_front(request);
                    break;
                }
            }
        }
        if pushed {
            self.ring_doorbell(context);
        }
    }

    pub(super) fn ring_doorbell(&self, context: &Context<'_, H>) {
        let at = context.doorbells + doorbell_base(self.setup.key.slot.get());
        let doorbell = Doorbell::from_bits(0).with_target(self.setup.key.dci.get());
        context.mmio.write32(at, doorbell.bits());
    }

    /// Writes the transfer onto the ring; gives it back when there is no room and the ring may not grow.
    pub(super) fn push(
        &mut self,
        request: TransferRequest<Buffer<H>>,
        context: &mut Context<'_, H>,
    ) -> Result<Pending<Buffer<H>>, TransferRequest<Buffer<H>>> {
        loop {
            // Where the data cannot be cut by the rules, the rest of the segment is passed over.
            let placed = match self.plan(&request) {
                Some(plan) if !plan.fits_here() => self.setup.ring.pad_to_link().is_ok(),
                _ => true,
            };
            if placed {
                let plan = self.lay_out(&request, context);
                if let Ok(span) = self.setup.ring.push_td(context.scratch) {
                    return Ok(Pending {
                        request,
                        span,
                        plan,
                        short: None,
                        soft_retries: 0,
                        give_up: None,
                    });
                }
            }
            if !self.grow(context) {
                return Err(request);
            }
        }
    }

    pub(super) fn lay_out(
        &self,
        request: &TransferRequest<Buffer<H>>,
        context: &mut Context<'_, H>,
    ) -> Option<Plan> {
        let plan = self.plan(request);
        let trbs = &mut *context.scratch;
        match (&request.setup, plan) {
            (Some(setup), plan) => plan::control(trbs, setup, plan, self.setup.interrupter),
            (None, Some(plan)) => {
                plan::bulk(trbs, plan, self.setup.direction, self.setup.interrupter)
            }
            (None, None) => trbs.clear(),
        }
        plan
    }

    /// How the data is cut if the transfer begins at the ring's enqueue pointer.
    pub(super) fn plan(&self, request: &TransferRequest<Buffer<H>>) -> Option<Plan> {
        let control = request.setup.is_some();
        if control && request.length == 0 {
            return None;
        }
        let per_segment = self.setup.segment_trbs.saturating_sub(1);
        let before_link = self.setup.ring.trbs_before_link();
        // The setup TRB comes first; when it is the last before the Link, the data begins behind that.
        let before_link = match before_link.saturating_sub(u32::from(control)) {
            0 => per_segment,
            some => some,
        };
        Some(Plan {
            at: request.buffer.as_ref().map_or(Iova(0), DmaBuffer::iova),
            length: request.length,
            max_packet: self.setup.max_packet,
            burst_z: self.setup.burst_z,
            before_link,
            per_segment,
        })
    }

    pub(super) fn grow(&mut self, context: &Context<'_, H>) -> bool {
        let segment = self.setup.segment_trbs;
        if self.setup.ring.capacity() >= segment * u32::from(context.policy.segments_max) - 1 {
            return false;
        }
        match context.dma.alloc(
            segment as usize * Trb::SIZE,
            64,
            context.limit.within(RING_BORDER),
        ) {
            Ok(segment) => self.setup.ring.grow(segment).is_ok(),
            Err(_) => false,
        }
    }
}
