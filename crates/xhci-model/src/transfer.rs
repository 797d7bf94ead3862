//! Transfer rings: a doorbell leads to TDs, TDs to requests, completions to events. xHCI 1.2 §4.9, §4.10, §4.11.

mod ending;
pub(crate) mod fetch;
mod report;
pub(crate) mod td;

use alloc::vec::Vec;

use memory::Memory;
use usb_model::{Completion, Request, Stage, Status, Token};
use usb_spec::EndpointAddress;
use xhci_spec::context::EndpointState;
use xhci_spec::state::EndpointInput;
use xhci_spec::trb::CompletionCode;

use crate::context::{Context, HostError};
use crate::endpoint::{Ending, Endpoint};
use crate::engine::Desk;
use crate::slot::Place;
use fetch::{Fetched, Whole, fetch};
use td::{End, Outcome, Resume, Td, Walk};

/// Everything at hand to work on one endpoint.
pub(crate) struct Bench<'a, 'c, M: Memory> {
    pub(crate) cx: &'a mut Context<'c, M>,
    pub(crate) desk: &'a mut Desk<M::Slice>,
    pub(crate) place: Place,
    pub(crate) endpoint: &'a mut Endpoint,
}

/// What serving an endpoint came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// Nothing more before its next doorbell or completion.
    Idle,
    /// The budget ran out.
    Again,
    /// It cannot go on now (no room for an event, a suspended port): to be tried again in the next service.
    Held,
}

impl<M: Memory> Bench<'_, '_, M> {
    /// Fetches TDs and hands them to the device, as many as may be under way. `rung` is whether software rang the doorbell; only that
    /// starts a stopped endpoint. xHCI 1.2 §4.7, §4.8.3.
    pub(crate) fn serve(&mut self, rung: bool, budget: &mut u32) -> Result<Served, HostError> {
        if self.endpoint.ending.is_some() {
            return Ok(Served::Idle);
        }
        match self.endpoint.state {
            EndpointState::Running => {}
            EndpointState::Stopped if rung => {
                let Self {
                    cx,
                    place,
                    endpoint,
                    ..
                } = self;
                endpoint.apply(cx, place, EndpointInput::Doorbell)?;
            }
            EndpointState::Stopped
            | EndpointState::Halted
            | EndpointState::Error
            | EndpointState::Disabled => {
                self.desk.counters.doorbells_ignored += u64::from(rung);
                return Ok(Served::Idle);
            }
        }
        loop {
            if !self.retire()? {
                return Ok(Served::Held);
            }
            if self.endpoint.ending.is_some() || self.endpoint.state != EndpointState::Running {
                return Ok(Served::Idle);
            }
            if self.endpoint.tds.len() >= self.endpoint.depth() || self.is_broken() {
                return Ok(Served::Idle);
            }
            if *budget == 0 {
                return Ok(Served::Again);
            }
            if self.cx.ports.is_suspended(self.place.port) {
                return Ok(Served::Held);
            }
            if !self.fetch_one(budget)? {
                return Ok(Served::Idle);
            }
        }
    }

    /// Whether nothing may be fetched behind the youngest TD.
    fn is_broken(&self) -> bool {
        let youngest = self.endpoint.tds.back().and_then(|td| td.outcome);
        matches!(
            youngest,
            Some(Outcome {
                end: End::Failed(_) | End::Taken,
                ..
            })
        )
    }

    /// Takes one TD from the ring; false if there is none.
    fn fetch_one(&mut self, budget: &mut u32) -> Result<bool, HostError> {
        let (pieces, buffers) = self.desk.take_vectors();
        let (memory, options) = (self.cx.memory, self.cx.options);
        let fetched = fetch(self.endpoint, memory, options, pieces, buffers)?;
        match fetched {
            Fetched::Nothing { pieces, buffers } => {
                self.desk.give_pieces(pieces);
                self.desk.give_buffers(buffers);
                Ok(false)
            }
            Fetched::Broken {
                piece,
                mut pieces,
                buffers,
            } => {
                *budget = budget.saturating_sub(1);
                self.desk.give_buffers(buffers);
                pieces.clear();
                pieces.push(piece);
                let broken = self.new_td(pieces, 0);
                self.endpoint.tds.push_back(Td {
                    outcome: Some(Outcome {
                        end: End::Failed(CompletionCode::TRB_ERROR),
                        bytes: 0,
                    }),
                    resume: Resume::default(),
                    ..broken
                });
                Ok(true)
            }
            Fetched::Td(whole) => {
                let trbs = u32::try_from(whole.pieces.len()).unwrap_or(u32::MAX);
                *budget = budget.saturating_sub(trbs.max(1));
                self.take_td(whole);
                Ok(true)
            }
        }
    }

    fn new_td(&mut self, pieces: Vec<td::Piece>, length: usize) -> Td {
        let resume = self.endpoint.resume;
        Td {
            token: self.desk.name(self.place.slot, Some(self.place.dci)),
            pieces,
            resume,
            stand_before: self.endpoint.stand,
            length,
            outcome: None,
            walk: Walk {
                next: 0,
                event_data_length: resume.event_data_length,
            },
        }
    }

    fn take_td(&mut self, whole: Whole<M::Slice>) {
        let mut td = self.new_td(whole.pieces, whole.length);
        self.endpoint.ring = whole.behind;
        self.endpoint.resume = Resume::default();
        self.endpoint.stand = whole.stand;
        self.desk.counters.transfers += 1;
        let done = |end| Some(Outcome { end, bytes: 0 });
        match whole.ask {
            None => {
                td.outcome = done(End::Complete);
                self.desk.give_buffers(whole.buffers);
            }
            Some((stage, address)) => {
                let request = self.request(td.token, stage, address, whole.buffers, whole.length);
                if let Err(buffers) = self.submit(request) {
                    td.outcome = done(End::Failed(CompletionCode::USB_TRANSACTION_ERROR));
                    self.desk.give_buffers(buffers);
                }
            }
        }
        self.endpoint.tds.push_back(td);
    }

    fn request(
        &self,
        token: Token,
        stage: Stage,
        endpoint: EndpointAddress,
        buffers: Vec<M::Slice>,
        length: usize,
    ) -> Request<M::Slice> {
        Request {
            token,
            address: self.place.address,
            endpoint,
            stage,
            buffers,
            length,
            host: self.endpoint.view(stage),
        }
    }

    /// Hands a request to the device, or gives its buffers back if nobody is there to hear it.
    fn submit(&mut self, request: Request<M::Slice>) -> Result<(), Vec<M::Slice>> {
        let Place { port, route, .. } = self.place;
        if !self.cx.ports.is_enabled(port) {
            return Err(request.buffers);
        }
        match self.cx.ports.device(port, route) {
            Some(device) => {
                device.submit(request);
                self.desk.held += 1;
                Ok(())
            }
            None => Err(request.buffers),
        }
    }

    /// Notes what became of a request; false if the endpoint has no such request.
    pub(crate) fn settle(&mut self, completion: Completion<M::Slice>, taken_back: bool) -> bool {
        let Completion {
            token,
            status,
            bytes,
            buffers,
            ..
        } = completion;
        let found = self.endpoint.tds.iter_mut().find(|td| td.token == token);
        let Some(td) = found.filter(|td| td.is_held()) else {
            return false;
        };
        let bytes = bytes.min(td.length);
        let packet = usize::from(self.endpoint.host.max_packet).max(1);
        let end = match status {
            Status::Ok if bytes == td.length && (bytes > 0 || !taken_back) => End::Complete,
            Status::Ok if taken_back => End::Taken,
            // Work that could not be taken back ended in time for its whole packets only.
            Status::Ok if self.endpoint.ending.is_some() && bytes % packet == 0 => End::Taken,
            Status::Ok => End::Short,
            Status::Stall => End::Failed(CompletionCode::STALL_ERROR),
            Status::TransactionError => End::Failed(CompletionCode::USB_TRANSACTION_ERROR),
            Status::Babble => End::Failed(CompletionCode::BABBLE_DETECTED_ERROR),
            Status::SplitError => End::Failed(CompletionCode::SPLIT_TRANSACTION_ERROR),
        };
        let packets = match end {
            End::Complete => bytes.div_ceil(packet).max(1),
            End::Short => bytes / packet + 1,
            End::Failed(_) | End::Taken => bytes / packet,
        };
        td.outcome = Some(Outcome { end, bytes });
        self.endpoint.advance_sequence(packets);
        self.desk.held = self.desk.held.saturating_sub(1);
        self.desk.give_buffers(buffers);
        true
    }

    /// Goes on after something was settled: ended TDs are reported, a failed one halts the endpoint, an ending that waited is finished.
    /// False if events found no room.
    pub(crate) fn advance(&mut self) -> Result<bool, HostError> {
        if self.endpoint.ending.is_some() {
            self.finish_ending()
        } else {
            self.retire()
        }
    }

    /// Reports TDs that have ended, oldest first; false if events found no room.
    fn retire(&mut self) -> Result<bool, HostError> {
        // Each turn retires a TD.
        while let Some(outcome) = self.endpoint.tds.front().and_then(|td| td.outcome) {
            match outcome.end {
                End::Complete | End::Short => {
                    if !self.report(outcome)? {
                        return Ok(false);
                    }
                    self.drop_oldest();
                }
                End::Failed(_) => return self.begin(Ending::Halt),
                End::Taken => break,
            }
        }
        Ok(true)
    }

    fn drop_oldest(&mut self) {
        if let Some(td) = self.endpoint.tds.pop_front() {
            self.desk.give_pieces(td.pieces);
        }
    }
}
