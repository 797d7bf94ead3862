//! One endpoint: its state (xHCI 1.2 §4.8.3), where its ring stands, and the TDs it has taken from there.

use alloc::collections::VecDeque;

use memory::Memory;
use usb_model::{HostView, Stage};
use usb_spec::{Direction, EndpointAddress, Speed};
use xhci_ring::link::Consumer;
use xhci_spec::context::{EndpointContext, EndpointState, EndpointType};
use xhci_spec::number::Dci;
use xhci_spec::state::EndpointInput;
use xhci_spec::state::endpoint::next;

use crate::context::{Context, HostError};
use crate::slot::{Place, contexts};
use crate::transfer::td::{ControlStand, Resume, Td};

/// How many TDs of one endpoint are with the device at a time. Enough that a device never waits for the ring; few enough that a
/// guest cannot make the model hold much.
pub(crate) const TDS_IN_FLIGHT_MAX: usize = 32;

/// Why an endpoint takes its requests back from the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Stop Endpoint. xHCI 1.2 §4.6.9.
    Stop,
    /// The oldest TD has failed: the others have not begun.
    Halt,
    /// R/S = 0: it goes on after the next start. xHCI 1.2 §5.4.1.1.
    Pause,
    /// The endpoint goes away: nobody wants to hear of its TDs.
    Drop,
}

/// An endpoint that has been configured.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) state: EndpointState,
    /// What software said of it.
    pub(crate) context: EndpointContext,
    /// What the host believes; the sequence number lives here.
    pub(crate) host: HostView,
    /// 2 for a data toggle, 32 for a sequence number.
    modulus: u8,
    pub(crate) address: EndpointAddress,
    /// Where TRBs are fetched: ahead of what has been completed.
    pub(crate) ring: Consumer,
    /// How far the TRB at `ring` had come when it was interrupted.
    pub(crate) resume: Resume,
    /// Which stage a control endpoint's ring must hold next.
    pub(crate) stand: ControlStand,
    /// Oldest first.
    pub(crate) tds: VecDeque<Td>,
    pub(crate) ending: Option<Ending>,
    /// Bandwidth that it holds; see [`crate::command::bandwidth`].
    pub(crate) load: u32,
}

impl Endpoint {
    /// An endpoint with this context, running; its ring begins where the context says.
    pub(crate) fn new(dci: Dci, context: EndpointContext, speed: Speed, load: u32) -> Self {
        let direction = if dci.is_in() && dci != Dci::CONTROL {
            Direction::In
        } else {
            Direction::Out
        };
        Self {
            state: EndpointState::Running,
            context: context.with_endpoint_state(EndpointState::Running),
            host: HostView {
                sequence: 0,
                max_packet: context.max_packet_size(),
                burst_z: context.max_burst_z(),
            },
            modulus: if speed.is_super() { 32 } else { 2 },
            address: EndpointAddress::new(dci.endpoint_number(), direction),
            ring: Consumer::new(context.tr_dequeue_pointer(), context.dequeue_cycle()),
            resume: Resume::default(),
            stand: ControlStand::Idle,
            tds: VecDeque::with_capacity(TDS_IN_FLIGHT_MAX),
            ending: None,
            load,
        }
    }

    pub(crate) fn is_control(&self) -> bool {
        self.context.endpoint_type() == EndpointType::Control
    }

    /// How many TDs may be under way: one on a control endpoint, where each stage depends on the one before.
    pub(crate) fn depth(&self) -> usize {
        if self.is_control() {
            1
        } else {
            TDS_IN_FLIGHT_MAX
        }
    }

    /// Moves on by one input of the state machine and writes the state, if the input is legal. xHCI 1.2 §4.8.3.
    pub(crate) fn apply<M: Memory>(
        &mut self,
        cx: &Context<'_, M>,
        place: &Place,
        input: EndpointInput,
    ) -> Result<(), HostError> {
        match next(self.state, input) {
            Some(state) => self.set_state(cx, place, state),
            None => Ok(()),
        }
    }

    fn set_state<M: Memory>(
        &mut self,
        cx: &Context<'_, M>,
        place: &Place,
        state: EndpointState,
    ) -> Result<(), HostError> {
        if state != self.state {
            contexts::write_state(cx, place.output, place.dci, &self.context, state)?;
            self.state = state;
        }
        Ok(())
    }

    /// Puts the ring somewhere and tells software where.
    pub(crate) fn move_ring<M: Memory>(
        &mut self,
        cx: &Context<'_, M>,
        place: &Place,
        ring: Consumer,
        resume: Resume,
    ) -> Result<(), HostError> {
        self.ring = ring;
        self.resume = resume;
        contexts::write_dequeue(cx, place.output, place.dci, &self.ring)
    }

    /// Counts packets that host and device agree to have exchanged.
    pub(crate) fn advance_sequence(&mut self, packets: usize) {
        if self.is_control() {
            return;
        }
        let modulus = usize::from(self.modulus);
        let next = usize::from(self.host.sequence).wrapping_add(packets) % modulus;
        self.host.sequence = u8::try_from(next).unwrap_or(0);
    }

    /// What the host believes about a stage's first packet. A control transfer begins with DATA0, its data and status with DATA1
    /// (USB 2.0 §8.5.3); from super speed on each stage begins with sequence number 0.
    pub(crate) fn view(&self, stage: Stage) -> HostView {
        let sequence = match stage {
            Stage::Transfer => self.host.sequence,
            Stage::ControlData | Stage::ControlStatus => u8::from(self.modulus == 2),
            Stage::Setup(_) => 0,
        };
        HostView {
            sequence,
            ..self.host
        }
    }

    /// Where the ring stands for software: at the oldest TD that has not been completed.
    pub(crate) fn shown_ring(&self) -> Consumer {
        let oldest = self.tds.front().and_then(|td| td.pieces.first());
        oldest.map_or(self.ring, |piece| piece.position())
    }

    /// Whether a device still has a request of this endpoint.
    pub(crate) fn is_busy(&self) -> bool {
        self.tds.iter().any(Td::is_held)
    }
}
