//! The disk driver against any device: every operation ends, bytes that never came are not reported, and no action leaves the buffer.

use std::time::Duration;

use usb_class::bot::Function;
use usb_class::scsi::{BlockDevice, Outcome, Policy};
use usb_class::transport::{Action, ActionId, Poll, Reply, Status, Step};
use usb_spec::class::mass_storage::scsi::{Inquiry, ReadCapacity10, Sense};
use usb_spec::class::mass_storage::{Cbw, Csw, CswStatus};
use usb_spec::{EndpointAddress, Instant};

use super::Target;
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "disk_device",
    about: "SCSI over Bulk-Only against a device that answers anything",
    longest: 1024,
    run,
};

/// Operations that one input may begin.
const OPERATIONS_MAX: u32 = 8;

/// Blocks that the device claims to have when it tells no lies.
const BLOCKS: u32 = 1000;

/// Blocks that one operation asks for.
const ASKED_MAX: u64 = 64;

/// Actions within which an operation must end. The longest is a start that finds a device not ready, for 30 seconds at ten tries a second.
const ACTIONS_MAX: u32 = 20_000;

const FUNCTION: Function = Function {
    interface: 0,
    bulk_in: EndpointAddress(0x81),
    bulk_out: EndpointAddress(0x02),
};

const STATUSES: [Status; 7] = [
    Status::Ok,
    Status::Stall,
    Status::Error,
    Status::Babble,
    Status::Timeout,
    Status::Cancelled,
    Status::Gone,
];

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let knobs = input.u8();
    let mut policy = Policy::default();
    policy.transport.pre_queue_status = knobs & 1 != 0;
    policy.transport.ignore_residue = knobs & 2 != 0;
    policy.read_block_limits = knobs & 4 != 0;
    policy.tries = knobs >> 3 & 3;
    policy.max_transfer = [1, 4096, 1 << 16, u32::MAX][usize::from(knobs >> 5 & 3)];
    let mut bench = Bench::new(input, policy);
    bench.begin(0);
    for _ in 0..OPERATIONS_MAX {
        bench.operate();
        if bench.input.is_empty() {
            break;
        }
        let what = bench.input.u8();
        bench.begin(what);
    }
}

struct Bench<'i> {
    input: Input<'i>,
    disk: BlockDevice,
    now: Instant,
    /// Actions that have not been replied to.
    open: Vec<Step>,
    /// The last command wrapper.
    last: Option<Cbw>,
    /// Bytes that the operation may touch, and the parts that were moved.
    buffer: u64,
    moved: Vec<(u64, u64)>,
    running: bool,
}

impl<'i> Bench<'i> {
    fn new(input: Input<'i>, policy: Policy) -> Self {
        Self {
            input,
            disk: BlockDevice::new(FUNCTION, 0, policy),
            now: Instant::START,
            open: Vec::new(),
            last: None,
            buffer: 0,
            moved: Vec::new(),
            running: false,
        }
    }

    fn begin(&mut self, what: u8) {
        let (lba, blocks) = (
            u64::from(self.input.u16()),
            u64::from(self.input.u8()) % ASKED_MAX,
        );
        let geometry = self.disk.disk().map(|disk| disk.geometry);
        let begun = match what % 4 {
            0 => self.disk.start(self.now),
            1 => self.disk.read(self.now, lba, blocks),
            2 => self.disk.write(self.now, lba, blocks),
            _ => self.disk.flush(self.now),
        };
        self.moved.clear();
        self.buffer = match (what % 4, geometry) {
            (1 | 2, Some(geometry)) => blocks * u64::from(geometry.block_size),
            _ => 0,
        };
        self.running = begun.is_ok();
        if let Err(error) = begun {
            assert!(!error.to_string().is_empty());
        }
    }

    /// Replies to actions until the operation ends.
    fn operate(&mut self) {
        for _ in 0..ACTIONS_MAX {
            if !self.running {
                return;
            }
            match self.disk.poll_action(self.now) {
                Poll::Act(step) => self.start(step),
                Poll::Waiting => self.reply(),
                Poll::Ready(outcome) => self.ended(&outcome),
            }
        }
        panic!("an operation does not end");
    }

    fn start(&mut self, step: Step) {
        assert!(
            self.open.iter().all(|open| open.id != step.id),
            "a name twice"
        );
        match step.action {
            Action::DataIn { offset, length, .. } | Action::DataOut { offset, length, .. } => {
                assert!(offset + u64::from(length) <= self.buffer, "{step:?}");
            }
            Action::BulkOut { bytes, .. } => {
                self.last = Some(Cbw::parse(&bytes).expect("our own wrapper"));
            }
            Action::Cancel { id } => return self.cancel(id),
            _ => {}
        }
        self.open.push(step);
        assert!(self.open.len() <= 2, "{:?}", self.open);
    }

    fn cancel(&mut self, id: ActionId) {
        let at = self.open.iter().position(|open| open.id == id);
        let step = self
            .open
            .remove(at.expect("a cancelled action is under way"));
        self.disk.reply(step.id, Reply::failed(Status::Cancelled));
    }

    /// One of the open actions ends as the input says; with no input left, with a timeout.
    fn reply(&mut self) {
        assert!(!self.open.is_empty(), "nothing to wait for");
        let done = self.input.is_empty();
        let how = self.input.u8();
        let at = usize::from(how >> 7) % self.open.len();
        let step = self.open.remove(at);
        if let Action::Pause { until } = step.action {
            self.now = self.now.max(until);
            return self.disk.reply(step.id, Reply::done());
        }
        if done {
            self.now = self.now + step.timeout.unwrap_or(Duration::from_secs(1));
            return self.disk.reply(step.id, Reply::failed(Status::Timeout));
        }
        match how & 7 {
            0..=3 => self.honest(step),
            4 => self.status(step),
            5 => {
                let data = self.input.bytes(usize::from(how >> 3 & 15) * 3);
                self.tell(step, Reply::data(data));
            }
            _ => {
                let status = self.input.pick(&STATUSES);
                let bytes = self.input.u32();
                if status == Status::Timeout {
                    self.now = self.now + step.timeout.unwrap_or(Duration::from_secs(1));
                }
                self.tell(
                    step,
                    Reply {
                        status,
                        bytes,
                        data: &[],
                    },
                );
            }
        }
    }

    /// What an honest disk would say.
    fn honest(&mut self, step: Step) {
        match step.action {
            Action::BulkOut { .. } => self.tell(step, Reply::moved(31)),
            Action::DataIn { length, .. } | Action::DataOut { length, .. } => {
                self.tell(step, Reply::moved(length));
            }
            Action::BulkIn { length, .. } if length != 13 => {
                let answer = self.parameters();
                let most = usize::try_from(length).unwrap_or(usize::MAX);
                self.tell(step, Reply::data(answer.get(..most).unwrap_or(&answer)));
            }
            Action::BulkIn { .. } => self.csw(step, 0, CswStatus::PASSED),
            Action::Control { .. } => self.tell(step, Reply::data(&[0])),
            _ => self.tell(step, Reply::done()),
        }
    }

    /// A status wrapper with a residue and a result of the input's choice.
    fn status(&mut self, step: Step) {
        let residue = u32::from(self.input.u16());
        let status = CswStatus(self.input.u8() & 3);
        self.csw(step, residue, status);
    }

    fn csw(&mut self, step: Step, residue: u32, status: CswStatus) {
        let csw = Csw {
            tag: self.last.map_or(0, |cbw| cbw.tag),
            residue,
            status,
        };
        self.tell(step, Reply::data(&csw.to_bytes()));
    }

    /// The answer of a small disk to the last command.
    fn parameters(&mut self) -> Vec<u8> {
        match self.last.map_or(0, |cbw| cbw.cdb[0]) {
            0x12 => {
                let mut inquiry = vec![0; 36];
                inquiry[3] = 2;
                inquiry[4] = 31;
                assert!(Inquiry::parse(&inquiry).is_some());
                inquiry
            }
            0x25 => ReadCapacity10 {
                last_lba: BLOCKS - 1,
                block_length: 512,
            }
            .emit()
            .to_vec(),
            0x03 => {
                let mut sense = Sense::NONE.emit();
                sense[2] = self.input.u8() & 15;
                sense[12] = self.input.u8();
                sense.to_vec()
            }
            _ => vec![0; 192],
        }
    }

    fn tell(&mut self, step: Step, reply: Reply<'_>) {
        if let Action::DataIn { offset, length, .. } | Action::DataOut { offset, length, .. } =
            step.action
        {
            let bytes = reply.bytes.min(length);
            self.moved.push((offset, offset + u64::from(bytes)));
        }
        self.disk.reply(step.id, reply);
    }

    fn ended(&mut self, outcome: &Outcome) {
        self.running = false;
        assert!(
            self.open.is_empty(),
            "it ended with {:?} under way",
            self.open
        );
        // The bytes that were moved without a gap from the buffer's beginning.
        self.moved.sort_unstable();
        let whole = self.moved.iter().fold(
            0,
            |end, &(from, to)| {
                if from <= end { end.max(to) } else { end }
            },
        );
        assert!(
            outcome.bytes <= whole,
            "{} of {whole} bytes that came",
            outcome.bytes
        );
        match outcome.result {
            Ok(()) => assert_eq!(outcome.bytes, self.buffer),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        // A name that was used is not waited for any more.
        self.disk.poll_action(self.now);
    }
}
