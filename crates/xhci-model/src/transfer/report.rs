//! From an ended TD to its events: every TRB is looked at once, in order. xHCI 1.2 §4.10.1.1, §4.11.5.2.

use memory::Memory;
use xhci_spec::number::Iova;
use xhci_spec::state::EndpointInput;
use xhci_spec::trb::{CompletionCode, Event};

use super::Bench;
use super::td::{Cut, End, Outcome, Piece, Resume};
use crate::context::HostError;
use crate::interrupter::Posted;

/// Where an Event Data TRB's length ends: 24 bits. xHCI 1.2 §6.4.2.1.
const EVENT_DATA_LENGTH_MASK: u32 = 0xff_ffff;

impl<M: Memory> Bench<'_, '_, M> {
    /// Writes the events of the oldest TD, which has ended well. False if they found no room; the next call goes on where this one stopped.
    pub(super) fn report(&mut self, outcome: Outcome) -> Result<bool, HostError> {
        let Some(td) = self.endpoint.tds.front() else {
            return Ok(true);
        };
        let pieces = td.pieces.len();
        if outcome.end != End::Short {
            return self.walk(pieces);
        }
        let cut = td.cut(outcome.bytes);
        Ok(self.walk(cut.index)? && self.walk_short(cut, pieces)?)
    }

    /// Reports the TRBs before `end`, which were completed whole.
    pub(super) fn walk(&mut self, end: usize) -> Result<bool, HostError> {
        while let Some((index, piece)) = self.next_piece().filter(|(index, _)| *index < end) {
            let length = self.event_data_length();
            let (event, length) = match piece.event_data() {
                Some(data) => (self.event_data(data, CompletionCode::SUCCESS), 0),
                None => (
                    self.event(&piece, CompletionCode::SUCCESS, 0),
                    length.wrapping_add(piece.length()),
                ),
            };
            if piece.ioc() && !self.post(&piece, event)? {
                return Ok(false);
            }
            self.step(index, length);
        }
        Ok(true)
    }

    /// Reports the TRB in which a packet was short, and what is owed behind it: Event Data TRBs, and the last TRB that asked for an event
    /// (xHCI 1.2 §4.10.1.1; that the second event says Short Packet too, with nothing of its own TRB moved, is unchecked).
    fn walk_short(&mut self, cut: Cut, end: usize) -> Result<bool, HostError> {
        let code = CompletionCode::SHORT_PACKET;
        let last = self.endpoint.tds.front().and_then(|td| td.last_ioc());
        while let Some((index, piece)) = self.next_piece().filter(|(index, _)| *index < end) {
            let mut length = self.event_data_length();
            let (wanted, event) = if index == cut.index {
                length = length.wrapping_add(cut.moved);
                let residue = piece.length().saturating_sub(cut.moved);
                let wanted = piece.ioc() || piece.isp();
                (wanted, self.event(&piece, code, residue))
            } else if let Some(data) = piece.event_data() {
                length = 0;
                (piece.ioc(), self.event_data(data, code))
            } else {
                let event = self.event(&piece, code, piece.length());
                (last == Some(index), event)
            };
            if wanted && !self.post(&piece, event)? {
                return Ok(false);
            }
            self.step(index, length);
        }
        Ok(true)
    }

    /// Ends the oldest TD with an error: the endpoint's context is right before software hears of it. False if the event has no room.
    pub(super) fn halt(&mut self, code: CompletionCode, bytes: usize) -> Result<bool, HostError> {
        let Some((cut, piece)) = self.interrupt(bytes)? else {
            return Ok(false);
        };
        let input = EndpointInput::of_completion(code).unwrap_or(EndpointInput::Halt);
        self.rest_at(cut, &piece, Some(input))?;
        let residue = piece.length().saturating_sub(cut.moved);
        let event = self.event(&piece, code, residue);
        self.post(&piece, event)
    }

    /// Ends the oldest TD because software said stop, with a Stopped event if `tell`. False if the event has no room.
    ///
    /// xHCI 1.2 §4.6.9. A short packet ends a TD at once here, so that Stopped - Short Packet has no occasion.
    pub(super) fn park(&mut self, bytes: usize, tell: bool) -> Result<bool, HostError> {
        let Some((cut, piece)) = self.interrupt(bytes)? else {
            return Ok(false);
        };
        let input = tell.then_some(EndpointInput::StopEndpoint);
        self.rest_at(cut, &piece, input)?;
        if !tell {
            return Ok(true);
        }
        let (code, residue) = if piece.has_length() {
            let residue = piece.length().saturating_sub(cut.moved);
            (CompletionCode::STOPPED, residue)
        } else {
            (CompletionCode::STOPPED_LENGTH_INVALID, 0)
        };
        let event = self.event(&piece, code, residue);
        self.post(&piece, event)
    }

    /// Reports what the oldest TD has completed and finds the TRB in which it ends; `None` without room for one event more.
    fn interrupt(&mut self, bytes: usize) -> Result<Option<(Cut, Piece)>, HostError> {
        let Some(cut) = self.endpoint.tds.front().map(|td| td.cut(bytes)) else {
            return Ok(None);
        };
        if !self.walk(cut.index)? {
            return Ok(None);
        }
        let oldest = self.endpoint.tds.front();
        let Some(piece) = oldest.and_then(|td| td.pieces.get(cut.index)).copied() else {
            return Ok(None);
        };
        let memory = self.cx.memory;
        let interrupters = &mut *self.cx.interrupters;
        let room = interrupters.has_room(memory, piece.interrupter(), 1)?;
        Ok(room.then_some((cut, piece)))
    }

    /// Leaves the ring at a TRB that did not end, with the state to go on from there, and writes the context.
    fn rest_at(
        &mut self,
        cut: Cut,
        piece: &Piece,
        input: Option<EndpointInput>,
    ) -> Result<(), HostError> {
        if let Some(td) = self.endpoint.tds.front() {
            let middle = cut.index > 0 || td.resume.middle;
            if !middle {
                self.endpoint.stand = td.stand_before;
            }
            let resume = Resume {
                offset: cut.moved,
                event_data_length: td.walk.event_data_length,
                middle,
            };
            self.endpoint
                .move_ring(self.cx, &self.place, piece.position(), resume)?;
        }
        match input {
            Some(input) => self.endpoint.apply(self.cx, &self.place, input),
            None => Ok(()),
        }
    }

    fn next_piece(&self) -> Option<(usize, Piece)> {
        let td = self.endpoint.tds.front()?;
        let piece = td.pieces.get(td.walk.next)?;
        Some((td.walk.next, *piece))
    }

    fn event_data_length(&self) -> u32 {
        let oldest = self.endpoint.tds.front();
        oldest.map_or(0, |td| td.walk.event_data_length)
    }

    fn step(&mut self, index: usize, event_data_length: u32) {
        if let Some(td) = self.endpoint.tds.front_mut() {
            td.walk.next = index + 1;
            td.walk.event_data_length = event_data_length;
        }
    }

    fn event(&self, piece: &Piece, code: CompletionCode, residue: u32) -> Event {
        Event::Transfer {
            trb: piece.at,
            residue,
            code,
            endpoint: Some(self.place.dci),
            slot: Some(self.place.slot),
            event_data: false,
        }
    }

    /// What an Event Data TRB makes: software's own number, and the bytes since the last one.
    fn event_data(&self, data: u64, code: CompletionCode) -> Event {
        Event::Transfer {
            trb: Iova(data),
            residue: self.event_data_length() & EVENT_DATA_LENGTH_MASK,
            code,
            endpoint: Some(self.place.dci),
            slot: Some(self.place.slot),
            event_data: true,
        }
    }

    fn post(&mut self, piece: &Piece, event: Event) -> Result<bool, HostError> {
        let posted = self.cx.interrupters.post(
            self.cx.memory,
            piece.interrupter(),
            event,
            piece.blocks_interrupt(),
        )?;
        Ok(posted == Posted::Taken)
    }
}
