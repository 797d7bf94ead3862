//! Endpoint 0: control transfers in three stages. USB 2.0 §8.5.3.

use memory::Slice;
use usb_spec::{Direction, Setup};

use super::device::{Device, DeviceState};
use super::function::Function;
use super::pipe::{Sending, Sequence, completion, lay_out};
use crate::{Request, Stage, Status, buffers};

/// The most bytes that a device takes in a data stage; longer ones are stalled.
pub(super) const CONTROL_OUT_MAX: u16 = 4096;

/// Sending a reply takes one step when host and device agree on the packet size, one more for an empty packet, and ends after one packet
/// when they do not.
const REPLY_STEPS_MAX: usize = 4;

/// Where a control transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// Waiting for a SETUP. Anything else is stalled.
    Idle,
    /// The reply is being sent; so many bytes of it are out. The host may go on to the status stage at any time.
    DataIn { asked: usize, sent: usize },
    /// The host's data is awaited.
    DataOut { setup: Setup },
    /// Everything is done but the host does not know it yet; an address waits until then (USB 2.0 §9.4.6).
    StatusIn { address: Option<u8> },
    /// Protocol stall: everything is stalled until the next SETUP. USB 2.0 §8.4.5 (unchecked), §8.5.3.4.
    Stalled,
}

/// Endpoint 0's own state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Control {
    pub(super) stand: Stand,
    sequence: Sequence,
}

/// How a stage ends: status, bytes.
type StageEnd = (Status, usize);

const STALL: StageEnd = (Status::Stall, 0);

impl Control {
    pub(super) fn new(sequence: Sequence) -> Self {
        Self {
            stand: Stand::Idle,
            sequence,
        }
    }

    pub(super) fn reset(&mut self) {
        self.stand = Stand::Idle;
        self.sequence.next = 0;
    }

    /// The first packet after a SETUP: DATA1 (USB 2.0 §8.5.3), sequence number 0 from super speed on (USB 3.2 §8.12.2, unchecked).
    fn restart_sequence(&mut self) {
        self.sequence.next = if self.sequence.modulus == 2 { 1 } else { 0 };
    }
}

impl<F: Function, S: Slice> Device<F, S> {
    /// Answers one stage. Endpoint 0 of a device in software never has to say NAK.
    pub(super) fn control(&mut self, request: Request<S>) {
        let (status, bytes) = match request.stage {
            Stage::Setup(bytes) => self.setup_stage(Setup::from_bytes(bytes)),
            Stage::ControlData => self.data_stage(&request),
            Stage::ControlStatus => self.status_stage(&request),
            Stage::Transfer => (Status::TransactionError, 0),
        };
        let sequence = self.control.sequence.next;
        let Request { token, buffers, .. } = request;
        self.finished
            .push_back(completion(token, status, bytes, sequence, buffers));
        self.fetch_halts();
    }

    /// A SETUP is always taken, whatever went before. USB 2.0 §8.5.3, §8.5.3.4 for the end of a stall.
    fn setup_stage(&mut self, setup: Setup) -> StageEnd {
        self.control.restart_sequence();
        let mut data = core::mem::take(&mut self.data);
        data.clear();
        self.control.stand = match (setup.length, setup.direction()) {
            (0, Direction::Out) => self.request_out(setup, &[]),
            // A reading request for no bytes has no data stage; it is judged all the same.
            (0, Direction::In) => {
                let known = self.request_in(setup, &mut data);
                if known {
                    Stand::StatusIn { address: None }
                } else {
                    Stand::Stalled
                }
            }
            (asked, Direction::In) => {
                let known = self.request_in(setup, &mut data);
                data.truncate(usize::from(asked));
                if known {
                    Stand::DataIn {
                        asked: usize::from(asked),
                        sent: 0,
                    }
                } else {
                    Stand::Stalled
                }
            }
            (length, Direction::Out) => {
                let wanted = length <= CONTROL_OUT_MAX && self.accepts(setup);
                if wanted {
                    Stand::DataOut { setup }
                } else {
                    Stand::Stalled
                }
            }
        };
        self.data = data;
        (Status::Ok, 0)
    }

    fn data_stage(&mut self, request: &Request<S>) -> StageEnd {
        let (stand, end) = match (self.control.stand, request.endpoint.direction()) {
            (Stand::DataIn { asked, sent }, Direction::In) => self.send_reply(request, asked, sent),
            (Stand::DataOut { setup }, Direction::Out) => self.take_data(request, setup),
            (
                Stand::Idle
                | Stand::DataIn { .. }
                | Stand::DataOut { .. }
                | Stand::StatusIn { .. }
                | Stand::Stalled,
                Direction::In | Direction::Out,
            ) => (Stand::Stalled, STALL),
        };
        self.control.stand = stand;
        end
    }

    /// A reply that is shorter than asked for ends with a short packet, an empty one if need be; whoever wants more than it asked for is
    /// stalled. USB 2.0 §5.5.3, §8.5.3.2.
    fn send_reply(
        &mut self,
        request: &Request<S>,
        asked: usize,
        mut sent: usize,
    ) -> (Stand, StageEnd) {
        let mut done = 0;
        let size = usize::from(self.blueprint.ep0_max_packet);
        for _ in 0..REPLY_STEPS_MAX {
            let rest = self.data.get(sent..).unwrap_or(&[]);
            if rest.is_empty() && sent >= asked {
                return (Stand::Stalled, (Status::Stall, done));
            }
            let room = request.length.saturating_sub(done);
            let Sending::Packets {
                bytes,
                packets,
                ends,
            } = lay_out(rest.len(), room, size, request.host)
            else {
                return (Stand::DataIn { asked, sent }, (Status::Babble, done));
            };
            if buffers::scatter(&request.buffers, done, rest.get(..bytes).unwrap_or(rest)).is_err()
            {
                return (
                    Stand::DataIn { asked, sent },
                    (Status::TransactionError, done),
                );
            }
            done += bytes;
            sent += bytes;
            self.control.sequence.advance(packets);
            if ends {
                return (Stand::DataIn { asked, sent }, (Status::Ok, done));
            }
        }
        (Stand::Stalled, (Status::Stall, done))
    }

    /// The data stage ends with the last byte announced or with a short packet; more than was announced is stalled. USB 2.0 §8.5.3.
    fn take_data(&mut self, request: &Request<S>, setup: Setup) -> (Stand, StageEnd) {
        let size = usize::from(self.blueprint.ep0_max_packet);
        let host_size = usize::from(request.host.max_packet);
        let packet = request.length.min(host_size);
        if packet > size || (packet == 0 && request.length > 0) {
            return (Stand::DataOut { setup }, (Status::TransactionError, 0));
        }
        // A host with smaller packets sends what the device takes for a short packet: the stage is over after it.
        let length = if host_size == size {
            request.length
        } else {
            packet
        };
        let before = self.data.len();
        let got = before + length;
        if got > usize::from(setup.length) {
            return (Stand::Stalled, STALL);
        }
        self.data.resize(got, 0);
        let into = self.data.get_mut(before..).unwrap_or(&mut []);
        if buffers::gather(&request.buffers, 0, into).is_err() {
            return (Stand::DataOut { setup }, (Status::TransactionError, 0));
        }
        self.control
            .sequence
            .advance(length.div_ceil(size.max(1)).max(1));
        let short = length % size.max(1) != 0 || length == 0;
        if got < usize::from(setup.length) && !short {
            return (Stand::DataOut { setup }, (Status::Ok, length));
        }
        let data = core::mem::take(&mut self.data);
        let stand = self.request_out(setup, &data);
        self.data = data;
        if length < request.length {
            return (Stand::Stalled, (Status::Stall, length));
        }
        (stand, (Status::Ok, length))
    }

    /// The status stage runs against the data stage, or IN without one. A host that has read enough may begin it early. USB 2.0 §8.5.3.1.
    fn status_stage(&mut self, request: &Request<S>) -> StageEnd {
        let stand = core::mem::replace(&mut self.control.stand, Stand::Stalled);
        let right = match (stand, request.endpoint.direction()) {
            (Stand::StatusIn { address }, Direction::In) => {
                if let Some(address) = address {
                    self.move_to(address);
                }
                true
            }
            (Stand::DataIn { .. }, Direction::Out) => true,
            (
                Stand::Idle
                | Stand::DataIn { .. }
                | Stand::DataOut { .. }
                | Stand::StatusIn { .. }
                | Stand::Stalled,
                Direction::In | Direction::Out,
            ) => false,
        };
        if !right || request.length != 0 {
            return STALL;
        }
        self.control.stand = Stand::Idle;
        self.control.sequence.next = 0;
        (Status::Ok, 0)
    }

    /// USB 2.0 §9.4.6: address 0 leads back to the Default state.
    fn move_to(&mut self, address: u8) {
        self.state = if address == 0 {
            DeviceState::Default
        } else {
            DeviceState::Address(address)
        };
    }
}
