//! The polled interface: one thread that owns the controller, its driver and all that is under way.

mod mailbox;

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::Duration;

use usb_spec::Setup;
use usb_spec::time::Instant;
use xhci_driver::{
    Capabilities, Control, ControlSetup, Death, DeviceInfo, EndpointKey, Lane, Notice, Operation,
    OperationError, OperationId, Policy, TransferDone, TransferId, TransferRequest,
};
use xhci_hal::DmaLimit;
use xhci_spec::number::{InterrupterId, SlotId};

use crate::{Backend, Buffer, Error, Pool, Pumped, Wires};
pub use mailbox::ClientId;
use mailbox::Mailboxes;

/// How often messages between control and lanes go round in one poll. Each answer takes one round, so a few are enough; the rest waits
/// for the next poll.
const ROUNDS_MAX: usize = 64;

/// How long a controller may take to be handed back before it is left as it is.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(15);

/// What an engine is made with.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// The driver's knobs.
    pub policy: Policy,
    /// How many interrupters to use; no more than the controller and the backend have.
    pub interrupters: u16,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            interrupters: 2,
        }
    }
}

/// A transfer to be made.
#[derive(Debug)]
pub struct Submission {
    /// On which endpoint.
    pub endpoint: EndpointKey,
    /// The setup packet, on control endpoints.
    pub setup: Option<Setup>,
    /// The data, or room for it.
    pub buffer: Option<Buffer>,
    /// How many bytes of the buffer.
    pub length: usize,
    /// When to give up.
    pub deadline: Option<Instant>,
}

/// A controller with its driver, to be polled.
///
/// Nothing happens but in [`poll`](Self::poll), [`run_until`](Self::run_until) and [`shutdown`](Self::shutdown). Results wait in the mailbox of the
/// [`ClientId`] that asked for them.
pub struct Engine<B: Backend> {
    backend: B,
    control: Control<Wires<B>>,
    lanes: Vec<Lane<Wires<B>>>,
    pool: Pool,
    mailboxes: Mailboxes,
    notices: VecDeque<Notice>,
    pumped: Pumped,
    death: Option<Death>,
    stopped: bool,
    /// Handing the controller back was tried; once is enough.
    shut_down: bool,
}

impl<B: Backend> fmt::Debug for Engine<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("lanes", &self.lanes.len())
            .field("death", &self.death)
            .finish_non_exhaustive()
    }
}

impl<B: Backend> Engine<B> {
    /// Begins to bring the controller up; the rest of it happens while the engine is polled.
    ///
    /// # Errors
    /// [`Error::Start`] when nothing that makes sense answers at its registers.
    pub fn new(backend: B, options: EngineOptions) -> Result<Self, Error> {
        let now = backend.now();
        let pool = Pool::new(backend.dma());
        let bits = u32::from(options.policy.dma_bits).clamp(1, 64);
        let ignore_ac64 = options.policy.ignore_ac64;
        let mut control = Control::new(
            ControlSetup {
                mmio: backend.mmio(),
                dma: pool.clone(),
                policy: options.policy,
                interrupters: options.interrupters.clamp(1, backend.interrupters().max(1)),
            },
            now,
        )?;
        let wide = control.capabilities().addressing_64 && !ignore_ac64;
        let mask = if wide {
            u64::MAX >> (64 - bits)
        } else {
            u64::from(u32::MAX)
        };
        Ok(Self {
            backend,
            lanes: control.take_lanes(),
            control,
            pool: pool.limited(DmaLimit { mask, boundary: 0 }),
            mailboxes: Mailboxes::default(),
            notices: VecDeque::new(),
            pumped: Pumped::default(),
            death: None,
            stopped: false,
            shut_down: false,
        })
    }

    /// What the controller is.
    pub fn capabilities(&self) -> &Capabilities {
        self.control.capabilities()
    }

    /// The devices that are ready to be used.
    pub fn devices(&self) -> impl Iterator<Item = &DeviceInfo> {
        self.control.devices()
    }

    /// The device in a slot.
    pub fn device(&self, slot: SlotId) -> Option<&DeviceInfo> {
        self.control.device(slot)
    }

    /// Memory for data that this controller reaches.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What time it is for everything here.
    pub fn now(&self) -> Instant {
        self.backend.now()
    }

    /// The way to the controller, to unplug a cable for instance.
    pub fn backend_mut(&mut self) -> &mut B {
        &mut self.backend
    }

    /// Ends a wait of this engine, from any thread.
    pub fn waker(&self) -> Waker {
        self.backend.waker()
    }

    /// Why the controller was given up, if it was.
    pub fn death(&self) -> Option<Death> {
        self.death
    }

    /// A mailbox of one's own. It is given back with [`close`](Self::close).
    pub fn client(&mut self) -> ClientId {
        self.mailboxes.open()
    }

    /// Gives a mailbox back; what still comes for it is dropped.
    pub fn close(&mut self, client: ClientId) {
        self.mailboxes.close(client);
    }

    /// Begins a transfer. It always ends in [`poll_done`](Self::poll_done), whatever becomes of it.
    pub fn submit(&mut self, client: ClientId, submission: Submission) -> TransferId {
        let now = self.backend.now();
        let id = TransferId(self.mailboxes.name(client));
        let Submission {
            endpoint,
            setup,
            buffer,
            length,
            deadline,
        } = submission;
        let request = TransferRequest {
            id,
            endpoint,
            setup,
            buffer,
            length,
            deadline,
        };
        match self.lane(endpoint) {
            Some(lane) => lane.submit(request, now),
            None => self.control.submit(request, now),
        }
        id
    }

    /// Takes a transfer back. It ends as cancelled or, if it was faster, as done.
    pub fn cancel(&mut self, endpoint: EndpointKey, id: TransferId) {
        let now = self.backend.now();
        match self.lane(endpoint) {
            Some(lane) => lane.cancel(endpoint, id, now),
            None => self.control.cancel(endpoint, id, now),
        }
    }

    /// A transfer of this client that has ended.
    pub fn poll_done(&mut self, client: ClientId) -> Option<TransferDone<Buffer>> {
        self.mailboxes.take_transfer(client)
    }

    /// Begins an operation. It always ends in [`poll_operation`](Self::poll_operation).
    pub fn request(&mut self, client: ClientId, operation: Operation) -> OperationId {
        let now = self.backend.now();
        let id = OperationId(self.mailboxes.name(client));
        self.control.request(id, operation, now);
        id
    }

    /// Has the controller carry out a No Op command, to see whether it still does. Ends in [`poll_operation`](Self::poll_operation) like an
    /// operation.
    pub fn no_op(&mut self, client: ClientId) -> OperationId {
        let now = self.backend.now();
        let id = OperationId(self.mailboxes.name(client));
        self.control.no_op(id, now);
        id
    }

    /// An operation of this client that has ended.
    pub fn poll_operation(
        &mut self,
        client: ClientId,
    ) -> Option<(OperationId, Result<(), OperationError>)> {
        self.mailboxes.take_operation(client)
    }

    /// Something that happened and belongs to no client.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Lets everything move that can move now. Returns whether anything did: if so, it is worth polling again before waiting.
    pub fn poll(&mut self) -> bool {
        let now = self.backend.now();
        self.pumped = self.backend.pump(now);
        self.control.poll(now);
        let mut active = self.pumped.busy;
        for lane in &mut self.lanes {
            active |= lane.poll(now);
        }
        self.carry_messages(now);
        active | self.collect()
    }

    /// When [`poll`](Self::poll) is needed even if nothing else happens.
    pub fn next_deadline(&self) -> Option<Instant> {
        let lanes = self.lanes.iter().filter_map(Lane::next_deadline).min();
        let driver = Instant::earlier(self.control.next_deadline(self.backend.now()), lanes);
        Instant::earlier(driver, self.pumped.next_deadline)
    }

    /// Waits until something may have happened, or until `limit` at the latest.
    pub fn wait(&mut self, limit: Option<Instant>) {
        self.backend
            .wait(Instant::earlier(self.next_deadline(), limit));
    }

    /// Polls and waits until `done` has something, or until `limit` has passed. `done` may use the engine in every way.
    pub fn run_until<T>(
        &mut self,
        limit: Option<Duration>,
        mut done: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let end = limit.map(|limit| self.now() + limit);
        loop {
            if let Some(result) = done(self) {
                return Some(result);
            }
            let active = self.poll();
            if end.is_some_and(|end| self.now() >= end) {
                return done(self);
            }
            if !active {
                self.wait(end);
            }
        }
    }

    /// Hands the controller back, halted. All that is under way ends. Asked again, it tells how it went.
    ///
    /// An engine that is dropped does this, too, so that no memory is freed that the controller may still reach.
    ///
    /// # Errors
    /// [`Error::Died`] when the controller was given up instead, [`Error::TimedOut`] when it would not be halted.
    pub fn shutdown(&mut self) -> Result<(), Error> {
        if !self.shut_down {
            self.shut_down = true;
            self.control.shutdown(self.backend.now());
            self.run_until(Some(SHUTDOWN_LIMIT), |engine| {
                (engine.stopped || engine.death.is_some()).then_some(())
            });
        }
        match (self.stopped, self.death) {
            (true, None) => Ok(()),
            (_, Some(cause)) => Err(Error::Died(cause)),
            (false, None) => Err(Error::TimedOut {
                what: "handing the controller back",
                limit: SHUTDOWN_LIMIT,
            }),
        }
    }

    /// The lane of an endpoint, when it is not the one inside the control.
    fn lane(&mut self, endpoint: EndpointKey) -> Option<&mut Lane<Wires<B>>> {
        let id = self.control.lane_of(endpoint)?;
        self.lanes.iter_mut().find(|lane| lane.interrupter() == id)
    }

    fn carry_messages(&mut self, now: Instant) {
        for _ in 0..ROUNDS_MAX {
            let mut carried = false;
            for lane in &mut self.lanes {
                let interrupter: InterrupterId = lane.interrupter();
                while let Some(message) = lane.poll_control() {
                    self.control.lane_message(interrupter, message, now);
                    carried = true;
                }
            }
            while let Some((interrupter, message)) = self.control.poll_lane_message() {
                let lane = self
                    .lanes
                    .iter_mut()
                    .find(|lane| lane.interrupter() == interrupter);
                if let Some(lane) = lane {
                    lane.control(message, now);
                }
                carried = true;
            }
            if !carried {
                break;
            }
        }
    }

    /// Puts what has ended where it belongs.
    fn collect(&mut self) -> bool {
        let mut any = false;
        while let Some(done) = self.control.poll_done() {
            self.mailboxes.put_transfer(done);
            any = true;
        }
        for lane in &mut self.lanes {
            while let Some(done) = lane.poll_done() {
                self.mailboxes.put_transfer(done);
                any = true;
            }
        }
        while let Some(notice) = self.control.poll_notice() {
            any = true;
            match notice {
                Notice::OperationDone { id, result } => self.mailboxes.put_operation(id, result),
                Notice::Died { cause } => {
                    self.death = Some(cause);
                    self.notices.push_back(notice);
                }
                Notice::Stopped => {
                    self.stopped = true;
                    self.notices.push_back(notice);
                }
                other => self.notices.push_back(other),
            }
        }
        any
    }
}

impl<B: Backend> Drop for Engine<B> {
    fn drop(&mut self) {
        if self.stopped || self.death.is_some() || self.shut_down {
            return;
        }
        // What made this thread panic may make this panic as well: two at once would abort the process.
        let last = AssertUnwindSafe(|| self.shutdown());
        let _nobody_to_tell = catch_unwind(last);
    }
}
