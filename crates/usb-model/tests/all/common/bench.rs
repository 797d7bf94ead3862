use std::collections::HashMap;
use std::time::Duration;

use usb_model::{
    Cancelled, Completion, HostView, Output, Request, Stage, Status, Token, UsbDevice, Work,
    WorkDone, WorkError, WorkKind,
};
use usb_spec::descriptor::LanguageId;
use usb_spec::time::Instant;
use usb_spec::{DescriptorKind, Direction, EndpointAddress, Setup};

use super::{Ram, RamSlice};

const RAM_SIZE: usize = 1 << 20;

/// The size of the buffers that a request is cut into: nothing a device may rely on.
const BUFFER_SIZE: usize = 300;

/// A device, and a host that does everything by hand.
#[derive(Debug)]
pub(crate) struct Bench<D> {
    pub(crate) device: D,
    pub(crate) ram: Ram,
    pub(crate) now: Instant,
    pub(crate) address: u8,
    /// The value of the configuration that [`Self::configure`] chooses.
    pub(crate) configuration: u8,
    pub(crate) medium: Vec<u8>,
    /// What the worker answers instead of doing the work.
    pub(crate) fail: Option<WorkError>,
    /// The worker leaves work lying here instead of doing it.
    pub(crate) hold: bool,
    pub(crate) held: Vec<Work<RamSlice>>,
    pub(crate) flushes: usize,
    pub(crate) wakes: usize,
    pub(crate) sequences: HashMap<u8, u8>,
    pub(crate) packet_sizes: HashMap<u8, u16>,
    pub(crate) done: Vec<Completion<RamSlice>>,
    next_token: u64,
}

impl<D: UsbDevice<RamSlice>> Bench<D> {
    pub(crate) fn new(device: D) -> Self {
        Self {
            device,
            ram: Ram::new(RAM_SIZE),
            now: Instant::START,
            address: 0,
            configuration: 1,
            medium: Vec::new(),
            fail: None,
            hold: false,
            held: Vec::new(),
            flushes: 0,
            wakes: 0,
            sequences: HashMap::new(),
            packet_sizes: HashMap::new(),
            done: Vec::new(),
            next_token: 0,
        }
    }

    /// Buffers of odd sizes over `length` bytes from `start`.
    pub(crate) fn buffers(&self, start: usize, length: usize) -> Vec<RamSlice> {
        let mut buffers = Vec::new();
        let mut at = 0;
        while at < length {
            let piece = BUFFER_SIZE.min(length - at);
            buffers.push(self.ram.slice(start + at, piece));
            at += piece;
        }
        buffers
    }

    pub(crate) fn submit(
        &mut self,
        endpoint: EndpointAddress,
        stage: Stage,
        length: usize,
    ) -> Token {
        self.next_token += 1;
        let token = Token(self.next_token);
        let max_packet = self.packet_sizes.get(&endpoint.0).copied().unwrap_or(64);
        let sequence = self.sequences.get(&endpoint.0).copied().unwrap_or(0);
        let host = HostView {
            sequence,
            max_packet,
            burst_z: 0,
        };
        let buffers = self.buffers(0, length);
        self.device.submit(Request {
            token,
            address: self.address,
            endpoint,
            stage,
            buffers,
            length,
            host,
        });
        token
    }

    /// Everything that the device has to say now.
    pub(crate) fn run(&mut self) {
        for _ in 0..100_000 {
            match self.device.poll(self.now) {
                None => return,
                Some(Output::Completion(completion)) => self.done.push(completion),
                Some(Output::Wake) => self.wakes += 1,
                Some(Output::Work(work)) if self.hold => self.held.push(work),
                Some(Output::Work(work)) => self.work(work),
            }
        }
        panic!("the device does not come to an end");
    }

    pub(crate) fn work(&mut self, work: Work<RamSlice>) {
        let result = match self.fail {
            Some(error) => Err(error),
            None => {
                self.move_bytes(&work);
                Ok(())
            }
        };
        self.device.complete(WorkDone {
            id: work.id,
            buffers: work.buffers,
            result,
        });
    }

    fn move_bytes(&mut self, work: &Work<RamSlice>) {
        use memory::Slice;
        if work.kind == WorkKind::Flush {
            self.flushes += 1;
            return;
        }
        let (mut at, mut left) = (usize::try_from(work.offset).unwrap(), work.length);
        for buffer in &work.buffers {
            let piece = buffer.len().min(left);
            let bytes = &mut self.medium[at..at + piece];
            match work.kind {
                WorkKind::Read => buffer.write(0, bytes).unwrap(),
                WorkKind::Write | WorkKind::Flush => buffer.read(0, bytes).unwrap(),
            }
            at += piece;
            left -= piece;
        }
        assert_eq!(left, 0, "work is longer than its buffers");
    }

    pub(crate) fn release(&mut self) {
        self.hold = false;
        for work in std::mem::take(&mut self.held) {
            self.work(work);
        }
        self.run();
    }

    pub(crate) fn take(&mut self, token: Token) -> Option<Completion<RamSlice>> {
        let at = self.done.iter().position(|done| done.token == token)?;
        let completion = self.done.remove(at);
        Some(completion)
    }

    /// Submits, runs, and takes the answer; `None` while the device says NAK.
    pub(crate) fn transfer(
        &mut self,
        endpoint: EndpointAddress,
        length: usize,
    ) -> Option<(Status, usize)> {
        let token = self.submit(endpoint, Stage::Transfer, length);
        self.run();
        let Some(completion) = self.take(token) else {
            let Cancelled::Taken(completion) = self.device.cancel(token) else {
                panic!("neither answered nor pending")
            };
            self.sequences.insert(endpoint.0, completion.sequence);
            return None;
        };
        self.sequences.insert(endpoint.0, completion.sequence);
        Some((completion.status, completion.bytes))
    }

    pub(crate) fn stage(
        &mut self,
        direction: Direction,
        stage: Stage,
        length: usize,
    ) -> (Status, usize) {
        let token = self.submit(EndpointAddress::new(0, direction), stage, length);
        self.run();
        let completion = self.take(token).expect("endpoint 0 answers at once");
        (completion.status, completion.bytes)
    }

    /// A whole reading control transfer.
    pub(crate) fn control_in(&mut self, setup: Setup) -> Result<Vec<u8>, Status> {
        self.setup(setup);
        let mut bytes = 0;
        if setup.length > 0 {
            let (status, count) =
                self.stage(Direction::In, Stage::ControlData, usize::from(setup.length));
            if status != Status::Ok {
                return Err(status);
            }
            bytes = count;
        }
        let data = self.ram.get(0, bytes);
        let direction = if setup.length > 0 {
            Direction::Out
        } else {
            Direction::In
        };
        match self.stage(direction, Stage::ControlStatus, 0).0 {
            Status::Ok => Ok(data),
            status => Err(status),
        }
    }

    /// A whole writing control transfer.
    pub(crate) fn control_out(&mut self, setup: Setup, data: &[u8]) -> Status {
        self.setup(setup);
        if !data.is_empty() {
            self.ram.put(0, data);
            let (status, _) = self.stage(Direction::Out, Stage::ControlData, data.len());
            if status != Status::Ok {
                return status;
            }
        }
        self.stage(Direction::In, Stage::ControlStatus, 0).0
    }

    pub(crate) fn setup(&mut self, setup: Setup) {
        let (status, _) = self.stage(Direction::Out, Stage::Setup(setup.to_bytes()), 0);
        assert_eq!(status, Status::Ok, "a SETUP is always taken");
    }

    /// Reset, packet sizes as they should be, address 5.
    pub(crate) fn address(&mut self) {
        self.device.reset();
        self.run();
        self.address = 0;
        self.set_ep0(self.device.speed().default_ep0_max_packet_size());
        let head = Setup::get_descriptor(DescriptorKind::DEVICE, 0, LanguageId::NONE, 8);
        let head = self.control_in(head).unwrap();
        let size = self.device.speed().ep0_max_packet_size(head[7]);
        self.set_ep0(size.expect("a size that the speed allows"));
        assert_eq!(self.control_out(Setup::set_address(5), &[]), Status::Ok);
        self.address = 5;
    }

    fn set_ep0(&mut self, size: u16) {
        self.packet_sizes.insert(0x00, size);
        self.packet_sizes.insert(0x80, size);
    }

    pub(crate) fn configure(&mut self) {
        self.address();
        assert_eq!(
            self.control_out(Setup::set_configuration(self.configuration), &[]),
            Status::Ok
        );
        self.sequences.clear();
    }

    pub(crate) fn clear_halt(&mut self, endpoint: EndpointAddress) -> Status {
        self.sequences.insert(endpoint.0, 0);
        self.control_out(Setup::clear_feature_endpoint_halt(endpoint), &[])
    }

    pub(crate) fn is_halted(&mut self, endpoint: EndpointAddress) -> bool {
        self.control_in(Setup::get_endpoint_status(endpoint))
            .unwrap()[0]
            & 1
            != 0
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
    }
}
