//! Where the command ring stands, and what CRCR and doorbell 0 do to it. xHCI 1.2 §4.6.1, §5.4.5.

use memory::Slice;
use usb_model::{Completion, Status};
use xhci_ring::link::Consumer;
use xhci_spec::number::{Iova, PortId};
use xhci_spec::registers::{Crcr, Register};

use super::Wait;
use super::address::Addressing;
use crate::engine::Desk;
use crate::port::Ports;

/// Where the command ring stands.
#[derive(Debug)]
pub(crate) struct CommandRing {
    pub(super) ring: Consumer,
    /// Bits of an address that count: fewer without AC64.
    address_mask: u64,
    /// R/S.
    pub(super) started: bool,
    /// CRR. xHCI 1.2 §5.4.5.
    pub(super) running: bool,
    /// There may be commands that were not fetched yet.
    pub(super) rung: bool,
    pub(super) stopping: Option<Stopping>,
    pub(super) current: Option<Current>,
}

/// What software wrote into CRCR. xHCI 1.2 §4.6.1.1, §4.6.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopping {
    /// CS: after the command in progress.
    Stop,
    /// CA: the command in progress is to end now.
    Abort,
}

/// The command in progress.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) at: Iova,
    pub(super) wait: Wait,
}

impl CommandRing {
    pub(crate) fn new(addressing_64: bool) -> Self {
        Self {
            ring: Consumer::new(Iova(0), false),
            address_mask: if addressing_64 {
                u64::MAX
            } else {
                u64::from(u32::MAX)
            },
            started: false,
            running: false,
            rung: false,
            stopping: None,
            current: None,
        }
    }

    /// A write of CRCR: while the ring runs only CS and CA count, otherwise only pointer and cycle state. xHCI 1.2 §5.4.5.
    pub(crate) fn write(&mut self, value: u64) {
        let crcr = Crcr::from_raw(value & self.address_mask);
        if !self.running {
            self.ring = Consumer::new(crcr.command_ring_pointer(), crcr.ring_cycle_state());
        } else if crcr.command_abort() {
            self.stopping = Some(Stopping::Abort);
        } else if crcr.command_stop() {
            self.stopping.get_or_insert(Stopping::Stop);
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running
    }

    /// Doorbell 0. While the ring is being stopped it is ignored: what it would mean then is nowhere said. xHCI 1.2 §4.6.1.
    pub(crate) fn ring_doorbell(&mut self) -> bool {
        if self.stopping.is_some() || !self.started {
            return false;
        }
        self.running = true;
        self.rung = true;
        true
    }

    pub(crate) fn start(&mut self) {
        self.started = true;
    }

    pub(crate) fn stop(&mut self) {
        self.started = false;
    }

    /// Whether the command in progress will end by itself.
    pub(crate) fn is_about_to_end(&self) -> bool {
        let wait = self.current.as_ref().map(|current| &current.wait);
        matches!(wait, Some(Wait::Rest(_) | Wait::Address(_)))
    }

    pub(crate) fn reset<S: Slice>(&mut self, ports: &mut Ports<S>, desk: &mut Desk<S>) {
        if let Some(Wait::Address(addressing)) = self.current.take().map(|current| current.wait) {
            addressing.abandon(ports, desk);
        }
        *self = Self {
            ring: Consumer::new(Iova(0), false),
            started: false,
            running: false,
            rung: false,
            stopping: None,
            current: None,
            ..*self
        };
    }

    fn addressing(&mut self) -> Option<&mut Addressing> {
        match &mut self.current.as_mut()?.wait {
            Wait::Address(addressing) => Some(addressing),
            Wait::Report(_) | Wait::Rest(_) | Wait::Stuck { .. } => None,
        }
    }

    /// Whether the completion belongs to the command in progress; then it was noted.
    pub(crate) fn settle<S: Slice>(
        &mut self,
        completion: &Completion<S>,
        desk: &mut Desk<S>,
    ) -> bool {
        let known = self
            .addressing()
            .is_some_and(|addressing| addressing.settle(completion.token, completion.status));
        if known {
            desk.held = desk.held.saturating_sub(1);
        }
        known
    }

    /// The device of a port is gone or about to be reset.
    pub(crate) fn lose_device<S: Slice>(
        &mut self,
        ports: &mut Ports<S>,
        port: PortId,
        desk: &mut Desk<S>,
    ) {
        if let Some(addressing) = self
            .addressing()
            .filter(|addressing| addressing.is_at(port))
        {
            addressing.take_back(ports, desk, Status::TransactionError);
        }
    }
}
