//! From TRBs to one request: takes a TD from a transfer ring and judges it. xHCI 1.2 §4.11.

use alloc::vec::Vec;

use memory::{Direction as Access, Fault, Iova, Memory, Slice};
use usb_model::Stage;
use usb_spec::{Direction, EndpointAddress, Request, RequestKind, Setup};
use xhci_ring::link::{ConsumeError, Consumer, LINKS_MAX, TD_TRBS_MAX, Taken};
use xhci_spec::trb::{Data, Transfer, Trb, Trt};

use super::td::{ControlStand, Piece, Resume};
use crate::context::HostError;
use crate::endpoint::Endpoint;
use crate::options::Options;

/// The most bytes that one TRB moves. xHCI 1.2 §6.4.1.1 (unchecked).
const TRB_BYTES_MAX: u32 = 0x1_0000;

/// The most bytes that a TRB itself can hold. xHCI 1.2 §4.11.7.
const IMMEDIATE_MAX: u32 = 8;

/// What the ring holds next.
#[derive(Debug)]
pub(crate) enum Fetched<S> {
    /// Nothing, or a TD that is not whole yet.
    Nothing { pieces: Vec<Piece>, buffers: Vec<S> },
    /// A TD that makes sense.
    Td(Whole<S>),
    /// A TRB that makes none: TRB Error. xHCI 1.2 §4.10.2 (unchecked).
    Broken {
        piece: Piece,
        pieces: Vec<Piece>,
        buffers: Vec<S>,
    },
}

/// A TD as it was read.
#[derive(Debug)]
pub(crate) struct Whole<S> {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) buffers: Vec<S>,
    pub(crate) length: usize,
    /// The ring behind it.
    pub(crate) behind: Consumer,
    /// What must come behind it on a control endpoint.
    pub(crate) stand: ControlStand,
    /// What to ask the device, if anything.
    pub(crate) ask: Option<(Stage, EndpointAddress)>,
}

/// Why reading a TD ended early.
enum Stop {
    Host(HostError),
    Broken(Taken),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Host(fault.into())
    }
}

/// What the first TRB that takes part says the TD is.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Setup([u8; 8], Trt),
    Data { direction_in: bool },
    Status,
    Transfer,
}

struct Reader<'a, M: Memory> {
    memory: &'a M,
    options: &'a Options,
    control: bool,
    address: EndpointAddress,
    stand: ControlStand,
    resume: Resume,
    pieces: Vec<Piece>,
    buffers: Vec<M::Slice>,
    length: usize,
    kind: Option<Kind>,
}

/// Reads the next TD of an endpoint; the endpoint is not changed. `pieces` and `buffers` are empty vectors to use.
pub(crate) fn fetch<M: Memory>(
    endpoint: &Endpoint,
    memory: &M,
    options: &Options,
    pieces: Vec<Piece>,
    buffers: Vec<M::Slice>,
) -> Result<Fetched<M::Slice>, HostError> {
    let mut reader = Reader {
        memory,
        options,
        control: endpoint.is_control(),
        address: endpoint.address,
        stand: endpoint.stand,
        resume: endpoint.resume,
        pieces,
        buffers,
        length: 0,
        kind: None,
    };
    let mut ring = endpoint.ring;
    match reader.read(&mut ring) {
        Ok(true) => Ok(Fetched::Td(reader.into_whole(ring))),
        Ok(false) => Ok(Fetched::Nothing {
            pieces: reader.pieces,
            buffers: reader.buffers,
        }),
        Err(Stop::Broken(taken)) => Ok(Fetched::Broken {
            piece: Piece::broken(taken),
            pieces: reader.pieces,
            buffers: reader.buffers,
        }),
        Err(Stop::Host(error)) => Err(error),
    }
}

impl<M: Memory> Reader<'_, M> {
    /// Whether a whole TD was there.
    fn read(&mut self, ring: &mut Consumer) -> Result<bool, Stop> {
        let start = *ring;
        // Links with an event come out of the ring one by one, and may be as many as TRBs.
        for _ in 0..TD_TRBS_MAX + LINKS_MAX {
            let Some(taken) = self.next(ring)? else {
                return Ok(false);
            };
            if let Some(link) = taken.link() {
                self.pieces.push(Piece::link(taken, link));
                if self.pieces.len() == 1 {
                    // A Link between two TDs: its event is a TD of its own.
                    return Ok(true);
                }
                continue;
            }
            let transfer = Transfer::parse(taken.trb).map_err(|_| Stop::Broken(taken))?;
            if !self.admit(&transfer) {
                return Err(Stop::Broken(taken));
            }
            self.take_data(taken, &transfer)?;
            self.pieces.push(Piece::new(taken, transfer));
            if !transfer.chain() {
                return Ok(true);
            }
        }
        Err(endless(&start))
    }

    fn next(&self, ring: &mut Consumer) -> Result<Option<Taken>, Stop> {
        let here = *ring;
        ring.pop(self.memory).map_err(|error| match error {
            ConsumeError::Unreadable { fault, .. } => fault.into(),
            ConsumeError::TooManyLinks { .. } | ConsumeError::TdTooLong { .. } => endless(&here),
        })
    }

    /// Whether the TRB may stand here: §4.11.2 and §6.4.6 for the kinds of endpoints, §4.11.2.2 for control transfers.
    fn admit(&mut self, transfer: &Transfer) -> bool {
        let kind = match *transfer {
            Transfer::NoOp { .. } | Transfer::EventData { .. } => return true,
            Transfer::Normal { .. } => match self.kind {
                Some(Kind::Data { .. } | Kind::Transfer) => return true,
                Some(Kind::Setup(..) | Kind::Status) => return false,
                None if !self.control => Kind::Transfer,
                None => match self.stand {
                    // A data stage goes on that was interrupted in its middle.
                    ControlStand::Data { direction_in } if self.resume.middle => {
                        Kind::Data { direction_in }
                    }
                    _ => return false,
                },
            },
            Transfer::SetupStage {
                setup,
                transfer_type,
                ..
            } => {
                if !setup_is_sound(setup, transfer_type) {
                    return false;
                }
                Kind::Setup(setup, transfer_type)
            }
            Transfer::DataStage { direction_in, .. } => {
                let announced = if direction_in { Trt::IN } else { Trt::OUT };
                let setup = ControlStand::Setup {
                    transfer_type: announced,
                };
                if self.stand != setup {
                    return false;
                }
                Kind::Data { direction_in }
            }
            Transfer::StatusStage { direction_in, .. } => {
                let right = match self.stand {
                    ControlStand::Idle => false,
                    ControlStand::Setup { transfer_type } => {
                        transfer_type == Trt::NO_DATA && direction_in
                    }
                    ControlStand::Data {
                        direction_in: data_in,
                    } => direction_in != data_in,
                };
                if !right {
                    return false;
                }
                Kind::Status
            }
            Transfer::Isoch { .. } => return false,
        };
        let stage = !matches!(kind, Kind::Transfer);
        if self.kind.is_some() || stage != self.control {
            return false;
        }
        self.kind = Some(kind);
        true
    }

    /// Where the bytes of this TD go.
    fn direction(&self) -> Direction {
        match self.kind {
            Some(Kind::Data { direction_in: true }) => Direction::In,
            Some(Kind::Data {
                direction_in: false,
            }) => Direction::Out,
            _ => self.address.direction(),
        }
    }

    /// Turns a TRB's buffer into slices.
    fn take_data(&mut self, taken: Taken, transfer: &Transfer) -> Result<(), Stop> {
        let (Transfer::Normal { data, length, .. } | Transfer::DataStage { data, length, .. }) =
            *transfer
        else {
            return Ok(());
        };
        let direction = self.direction();
        let skip = if self.pieces.is_empty() {
            self.resume.offset
        } else {
            0
        };
        if length > TRB_BYTES_MAX || skip > length {
            return Err(Stop::Broken(taken));
        }
        let start = match data {
            Data::Pointer(at) => self.options.address(at),
            // The bytes to send stand in the TRB itself: a slice of the ring.
            Data::Immediate(_) => {
                if direction.is_in() || length > IMMEDIATE_MAX {
                    return Err(Stop::Broken(taken));
                }
                taken.at
            }
        };
        let access = if direction.is_in() {
            Access::DeviceWrites
        } else {
            Access::DeviceReads
        };
        self.slice(start.offset(u64::from(skip)), length - skip, access)
    }

    fn slice(&mut self, mut at: Iova, length: u32, access: Access) -> Result<(), Stop> {
        let mut left = length as usize;
        // Each turn takes at least a byte, so at most `length` turns.
        while left > 0 {
            let slice = self.memory.slice(at, left, access)?;
            let got = slice.len().min(left);
            if got == 0 {
                return Err(Stop::Host(HostError::System));
            }
            at = at.offset(got as u64);
            left -= got;
            self.length = self.length.saturating_add(got);
            self.buffers.push(slice);
        }
        Ok(())
    }

    fn into_whole(self, behind: Consumer) -> Whole<M::Slice> {
        let endpoint = EndpointAddress::new(self.address.number(), self.direction());
        let (ask, stand) = match self.kind {
            None => (None, self.stand),
            Some(Kind::Setup(bytes, transfer_type)) => (
                Some((Stage::Setup(bytes), endpoint)),
                ControlStand::Setup { transfer_type },
            ),
            Some(Kind::Data { direction_in }) => (
                Some((Stage::ControlData, endpoint)),
                ControlStand::Data { direction_in },
            ),
            Some(Kind::Status) => {
                let data_in = self.stand == ControlStand::Data { direction_in: true };
                let direction = if data_in {
                    Direction::Out
                } else {
                    Direction::In
                };
                let endpoint = EndpointAddress::new(self.address.number(), direction);
                (Some((Stage::ControlStatus, endpoint)), ControlStand::Idle)
            }
            Some(Kind::Transfer) => (Some((Stage::Transfer, endpoint)), self.stand),
        };
        Whole {
            pieces: self.pieces,
            buffers: self.buffers,
            length: self.length,
            behind,
            stand,
            ask,
        }
    }
}

/// The ring leads nowhere: the fault is laid at the place where it was entered.
fn endless(start: &Consumer) -> Stop {
    Stop::Broken(Taken {
        at: start.dequeue(),
        trb: Trb::ZERO.with_cycle(start.cycle()),
    })
}

/// Whether a Setup Stage may be sent: a known Transfer Type, and no SET_ADDRESS, which is the controller's own (xHCI 1.2 §4.6.5).
fn setup_is_sound(bytes: [u8; 8], transfer_type: Trt) -> bool {
    let setup = Setup::from_bytes(bytes);
    let sets_address = setup.request == Request::SET_ADDRESS
        && setup.request_type.kind == RequestKind::Standard
        && setup.direction() == Direction::Out;
    !sets_address && matches!(transfer_type, Trt::NO_DATA | Trt::OUT | Trt::IN)
}
