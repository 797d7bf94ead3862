use memory::{Fault, Iova, Memory};
use xhci_ring::event::EventRingError;
use xhci_spec::context::ContextSize;

use crate::interrupter::Interrupters;
use crate::options::Options;
use crate::port::Ports;

/// What the command and transfer machinery may use while it works.
pub(crate) struct Context<'a, M: Memory> {
    pub(crate) memory: &'a M,
    pub(crate) interrupters: &'a mut Interrupters,
    pub(crate) ports: &'a mut Ports<M::Slice>,
    pub(crate) options: &'a Options,
    /// DCBAAP.
    pub(crate) dcbaap: Iova,
    /// CONFIG.MaxSlotsEn, never more than MaxSlots.
    pub(crate) max_slots_enabled: u8,
    /// HCCPARAMS1.CSZ.
    pub(crate) context_size: ContextSize,
    /// The first serious error; set by [`Context::fail`], taken when the engine returns.
    pub(crate) host_error: &'a mut Option<HostError>,
}

impl<M: Memory> Context<'_, M> {
    /// Notes a serious error; the controller stops when the engine returns. The first one counts.
    pub(crate) fn fail(&mut self, error: impl Into<HostError>) {
        self.host_error.get_or_insert(error.into());
    }

    /// An address as the controller uses it: without AC64 the high half is ignored (xHCI 1.2 §5.3.6).
    pub(crate) fn address(&self, at: Iova) -> Iova {
        self.options.address(at)
    }
}

/// Why a controller stopped by itself. xHCI 1.2 §5.4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostError {
    /// The system did not let the controller use memory: USBSTS.HSE.
    #[doc(alias = "HSE")]
    System,
    /// The controller lost its way, for example for want of a usable event ring: USBSTS.HCE.
    #[doc(alias = "HCE")]
    Controller,
}

impl From<Fault> for HostError {
    fn from(_: Fault) -> Self {
        Self::System
    }
}

impl From<EventRingError> for HostError {
    /// An address that cannot be used is the system's fault, a table that makes no sense the controller's end of wits.
    fn from(error: EventRingError) -> Self {
        match error {
            EventRingError::Table { .. } | EventRingError::Unwritable { .. } => Self::System,
            EventRingError::NoTable
            | EventRingError::TooManySegments { .. }
            | EventRingError::Segment { .. } => Self::Controller,
        }
    }
}
