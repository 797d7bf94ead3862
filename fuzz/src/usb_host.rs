//! A host that does whatever the input says to one emulated device, and keeps account of every request.

use std::collections::BTreeMap;
use std::time::Duration;

use memory::{Direction as Access, Iova, Memory, Slice};
use usb_model::{
    Cancelled, Completion, HostView, Output, Request, Stage, Token, UsbDevice, Work, WorkDone,
    WorkError,
};
use usb_spec::class::mass_storage::Cbw;
use usb_spec::{Direction, EndpointAddress, Instant, Setup};
use volmem::{AddressSpace, VolatileSlice};

use crate::arena::{MAIN, MAIN_LEN};
use crate::input::Input;

/// Requests that may be under way; more would only make the fuzzer slow.
const REQUESTS_MAX: usize = 64;

/// The most outputs that one round of polling may bring: each request ends once, and may have work and a wake-up before.
const OUTPUTS_MAX: usize = 4 * REQUESTS_MAX;

/// The host, its bus and the worker that owns the medium.
pub(crate) struct Host<'s, D> {
    pub(crate) device: D,
    space: &'s AddressSpace,
    medium_len: u64,
    now: Instant,
    address: u8,
    next_token: u64,
    /// Length of each request that has not ended.
    owed: BTreeMap<Token, (EndpointAddress, usize)>,
    /// What the host believes of each endpoint.
    sequences: BTreeMap<u8, u8>,
    held: Vec<Work<VolatileSlice>>,
}

impl<'s, D: UsbDevice<VolatileSlice>> Host<'s, D> {
    /// A host with this device, which has a medium of so many bytes, or none.
    pub(crate) fn new(device: D, medium_len: u64, space: &'s AddressSpace) -> Self {
        Self {
            device,
            space,
            medium_len,
            now: Instant::START,
            address: 0,
            next_token: 0,
            owed: BTreeMap::new(),
            sequences: BTreeMap::new(),
            held: Vec::new(),
        }
    }

    /// One thing that the input wants.
    pub(crate) fn step(&mut self, input: &mut Input<'_>) {
        match input.u8() % 16 {
            0 => self.anything(input),
            1..=3 => self.transfer(input),
            4 | 5 => self.command(input),
            6 | 7 => {
                let setup = Setup::from_bytes(input.u64().to_le_bytes());
                self.control(setup, usize::from(input.u8()));
            }
            8 => self.control(
                [Setup::set_address(input.u8()), Setup::get_status()][input.below(2)],
                2,
            ),
            9 => self.configure(),
            10 => self.work(input),
            11 => self.cancel(input.below(REQUESTS_MAX)),
            12 => {
                self.device.reset();
                self.address = 0;
            }
            13 => self.device.suspend(input.flag()),
            14 => self.now = self.now + Duration::from_millis(u64::from(input.u8()) * 4),
            _ => drop(
                self.sequences
                    .insert(input.pick(&[0x81, 0x02, 0]), input.u8() & 31),
            ),
        }
        self.poll();
    }

    /// Makes the device one that is in use, as most inputs want it.
    pub(crate) fn configure(&mut self) {
        self.device.suspend(false);
        self.control(Setup::set_address(1), 0);
        self.poll();
        self.address = 1;
        self.control(Setup::set_configuration(1), 0);
        self.poll();
        self.sequences.clear();
    }

    fn submit(&mut self, endpoint: EndpointAddress, stage: Stage, at: u16, length: usize) {
        if self.owed.len() >= REQUESTS_MAX {
            return;
        }
        let token = Token(self.next_token);
        self.next_token += 1;
        let offset = usize::from(at) % (MAIN_LEN / 2);
        let length = length.min(MAIN_LEN / 2);
        let piece = |from: usize, len: usize| {
            self.space
                .exact(Iova(MAIN.0 + from as u64), len, Access::DeviceWrites)
                .expect("mapped")
        };
        // Two buffers with a seam, as two TRBs make them.
        let cut = length / 3;
        let buffers = match length {
            0 => Vec::new(),
            1..8 => vec![piece(offset, length)],
            _ => vec![piece(offset, cut), piece(offset + cut, length - cut)],
        };
        self.owed.insert(token, (endpoint, length));
        self.device.submit(Request {
            token,
            address: self.address,
            endpoint,
            stage,
            buffers,
            length,
            host: HostView {
                sequence: self.sequences.get(&endpoint.0).copied().unwrap_or(0),
                max_packet: 1024,
                burst_z: 15,
            },
        });
    }

    /// A request with nothing in common with any protocol.
    fn anything(&mut self, input: &mut Input<'_>) {
        let stage = match input.u8() % 4 {
            0 => Stage::Setup(input.u64().to_le_bytes()),
            1 => Stage::ControlData,
            2 => Stage::ControlStatus,
            _ => Stage::Transfer,
        };
        let (endpoint, address) = (EndpointAddress(input.u8()), self.address);
        self.address = [address, address, address, input.u8()][input.below(4)];
        self.submit(endpoint, stage, input.u16(), usize::from(input.u16()));
        self.address = address;
    }

    /// A transfer on one of the device's endpoints, with lengths that protocols use.
    fn transfer(&mut self, input: &mut Input<'_>) {
        let endpoint = EndpointAddress(input.pick(&[0x81, 0x81, 0x02]));
        let length = match input.u8() {
            0..128 => 13,
            128..136 => 0,
            136..144 => 8,
            more => usize::from(more - 144) * 64,
        };
        self.submit(endpoint, Stage::Transfer, input.u16(), length);
    }

    /// A command block wrapper, right in all that a careless fuzzer would get wrong for hours.
    fn command(&mut self, input: &mut Input<'_>) {
        const OPCODES: [u8; 20] = [
            0x00, 0x03, 0x12, 0x25, 0x9e, 0x28, 0x2a, 0x88, 0x8a, 0x2f, 0x1a, 0x5a, 0x35, 0x91,
            0x1e, 0x1b, 0xa0, 0x23, 0x08, 0xff,
        ];
        let mut cdb = [0; 16];
        cdb[0] = input.pick(&OPCODES);
        let given = input.bytes(9);
        cdb[1..=given.len()].copy_from_slice(given);
        let mut wrapper = Cbw {
            tag: input.u32(),
            data_length: u32::from(input.u16()),
            direction: if input.flag() {
                Direction::In
            } else {
                Direction::Out
            },
            lun: 0,
            cdb,
            cdb_length: input.u8().clamp(1, 16),
        }
        .to_bytes();
        // Now and then a byte of it is wrong.
        if let [at, value] = *input.bytes(2)
            && let Some(byte) = wrapper.get_mut(usize::from(at))
        {
            *byte = value;
        }
        let slice = self
            .space
            .exact(MAIN, wrapper.len(), Access::DeviceWrites)
            .expect("mapped");
        slice.write(0, &wrapper).expect("inside");
        let length = wrapper.len() - usize::from(input.below(16) == 15);
        self.submit(EndpointAddress(2), Stage::Transfer, 0, length);
    }

    /// The three stages of a control transfer.
    fn control(&mut self, setup: Setup, length: usize) {
        let direction = setup.direction();
        let status = if direction.is_in() && setup.has_data() {
            Direction::Out
        } else {
            Direction::In
        };
        let ep0 = |direction| EndpointAddress::new(0, direction);
        self.submit(ep0(Direction::Out), Stage::Setup(setup.to_bytes()), 0, 0);
        if setup.has_data() {
            self.submit(ep0(direction), Stage::ControlData, 64, length);
        }
        self.submit(ep0(status), Stage::ControlStatus, 0, 0);
    }

    fn cancel(&mut self, index: usize) {
        let Some(token) = self.owed.keys().nth(index).copied() else {
            return;
        };
        match self.device.cancel(token) {
            Cancelled::Taken(completion) => {
                assert_eq!(completion.token, token);
                self.ended(&completion);
            }
            Cancelled::Busy => assert!(!self.held.is_empty(), "busy without work under way"),
            Cancelled::Unknown => {}
        }
    }

    /// Finishes a piece of work, in any order and with any result.
    fn work(&mut self, input: &mut Input<'_>) {
        if self.held.is_empty() {
            return;
        }
        let work = self.held.remove(input.below(self.held.len()));
        let result = match input.u8() % 8 {
            0 => Err(WorkError::Read),
            1 => Err(WorkError::Gone),
            2 => Err(WorkError::Protected),
            _ => Ok(()),
        };
        self.finish_work(work, result);
    }

    fn finish_work(&mut self, work: Work<VolatileSlice>, result: Result<(), WorkError>) {
        self.device.complete(WorkDone {
            id: work.id,
            buffers: work.buffers,
            result,
        });
    }

    fn poll(&mut self) {
        for _ in 0..OUTPUTS_MAX {
            match self.device.poll(self.now) {
                None => return,
                Some(Output::Wake) => {}
                Some(Output::Completion(completion)) => self.ended(&completion),
                Some(Output::Work(work)) => {
                    let room: usize = work.buffers.iter().map(Slice::len).sum();
                    assert!(work.length <= room, "work beyond its buffers");
                    let end = work.offset.checked_add(work.length as u64);
                    assert!(
                        end.is_some_and(|end| end <= self.medium_len),
                        "work behind the medium: {work:?}"
                    );
                    self.held.push(work);
                }
            }
        }
        panic!("a device that never stops talking");
    }

    fn ended(&mut self, completion: &Completion<VolatileSlice>) {
        let (endpoint, length) = self
            .owed
            .remove(&completion.token)
            .expect("an answer that nobody waits for");
        assert!(
            completion.bytes <= length,
            "{} of {length} bytes",
            completion.bytes
        );
        if completion.status == usb_model::Status::Ok {
            self.sequences.insert(endpoint.0, completion.sequence);
        }
    }

    /// Every request has been answered or can be taken back.
    pub(crate) fn finish(mut self) {
        self.device.suspend(false);
        self.poll();
        for work in std::mem::take(&mut self.held) {
            self.finish_work(work, Ok(()));
            self.poll();
        }
        for _ in 0..2 * REQUESTS_MAX {
            // Work that follows on work is finished too, else its request stays busy.
            if let Some(work) = self.held.pop() {
                self.finish_work(work, Err(WorkError::Gone));
            }
            self.cancel(0);
            self.poll();
        }
        assert!(
            self.owed.is_empty(),
            "neither answered nor pending: {:?}",
            self.owed
        );
    }
}
