//! Turns of driver, model and world, and the clock between them.

use std::cell::RefCell;
use std::time::Duration;

use usb_spec::time::Instant;
use xhci_driver::{Notice, ToControl};
use xhci_model::Progress;
use xhci_spec::number::InterrupterId;
use xhci_spec::registers::{CapLength, DbOff, HccParams1, HcsParams1, Layout, Register, RtsOff};

use super::{Hang, Pair};
use crate::Model;
use crate::fault::Injury;

/// How many turns may pass without the clock moving: beyond, both sides keep each other busy for nothing.
const TURNS_MAX: u32 = 200_000;

/// How many register accesses are kept for a dump.
const LOG_KEPT: usize = 120;

impl Pair {
    /// Lets both sides work until `over` has something, and gives up when that takes longer than `limit` on their clock.
    ///
    /// # Errors
    /// [`Hang`], naming what was waited for.
    pub fn wait<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut over: impl FnMut(&mut Self) -> Option<T>,
    ) -> Result<T, Hang> {
        let end = self.clock.now() + limit;
        let mut turns = 0;
        loop {
            if let Some(value) = over(self) {
                return Ok(value);
            }
            turns += 1;
            let busy = self.turn();
            if self.suspicious
                && let Err(trampled) = self.pool.inner().check_canaries()
            {
                return Err(self.hang(format!("{what}: {trampled}")));
            }
            if busy {
                if turns > TURNS_MAX {
                    return Err(self.hang(format!("{what}: time stands still")));
                }
                continue;
            }
            turns = 0;
            let next = self.next_deadline();
            match next.filter(|next| *next <= end) {
                Some(next) => self.clock.advance_to(next),
                None => {
                    self.clock.advance_to(end);
                    // Whoever waits for a moment rather than an event is served at the end.
                    return match over(self) {
                        Some(value) => Ok(value),
                        None => Err(self.hang(format!("waited {limit:?} for {what}, in vain"))),
                    };
                }
            }
        }
    }

    /// Lets both sides work for so long.
    ///
    /// # Errors
    /// [`Hang`] if time stands still.
    pub fn run_for(&mut self, duration: Duration) -> Result<(), Hang> {
        let end = self.clock.now() + duration;
        self.wait("time to pass", duration, |pair| {
            (pair.clock.now() >= end).then_some(())
        })
    }

    /// Lets everybody but the driver work for so long, as if its thread had been kept away.
    ///
    /// # Errors
    /// [`Hang`] if time stands still.
    pub fn without_driver(&mut self, duration: Duration) -> Result<(), Hang> {
        let end = self.clock.now() + duration;
        let mut turns = 0;
        while self.clock.now() < end {
            turns += 1;
            if turns > TURNS_MAX {
                return Err(self.hang("without the driver: time stands still"));
            }
            let mut busy = self.world_turn();
            busy |= self.model_turn();
            let next = Instant::earlier(
                self.model.borrow().next_deadline(),
                self.work.iter().map(|(due, ..)| *due).min(),
            );
            if !busy && next.is_none_or(|next| next > self.clock.now()) {
                self.clock.advance_to(next.unwrap_or(end).min(end));
            }
        }
        Ok(())
    }

    /// One turn of everybody. Returns whether there may be more to do now.
    fn turn(&mut self) -> bool {
        let model_first = self.jitter && self.random.once_in(2);
        let mut busy = false;
        if model_first {
            busy |= self.model_turn();
        }
        busy |= self.driver_turn();
        busy |= self.world_turn();
        if !model_first {
            busy |= self.model_turn();
        }
        busy |= self.drain_log();
        busy | self
            .next_deadline()
            .is_some_and(|next| next <= self.clock.now())
    }

    fn drain_log(&mut self) -> bool {
        let news = self.registers.take();
        let busy = !news.is_empty();
        for access in news {
            // To look at the same thing again and again is no news.
            if self.keep_log || self.log.back() != Some(&access) {
                self.log.push_back(access);
            }
        }
        if !self.keep_log && self.log.len() > LOG_KEPT {
            let surplus = self.log.len() - LOG_KEPT;
            self.log.drain(..surplus);
        }
        busy
    }

    fn model_turn(&mut self) -> bool {
        // A controller that is gone reaches no memory and raises no interrupt.
        if self.injector.is_gone() {
            self.work.clear();
            self.interrupts.clear();
            return false;
        }
        let now = self.clock.now();
        if let Some(cause) = self.injector.take_death() {
            self.model.borrow_mut().die(cause);
        }
        let budget = if self.jitter {
            1 + self.random.small(16)
        } else {
            1024
        };
        let progress = self.model.borrow_mut().service(now, budget);
        let mut busy = progress == Progress::More;
        let stuck = self.model.borrow().counters().commands_stuck;
        if stuck > self.stuck {
            self.stuck = stuck;
            self.injector.fire(Injury::Command);
        }
        loop {
            let work = self.model.borrow_mut().poll_work();
            let Some((key, work)) = work else { break };
            let due = now + self.delay(200);
            self.work.push((due, key, work));
            busy = true;
        }
        loop {
            let raised = self.model.borrow_mut().poll_interrupt();
            let Some(raised) = raised else { break };
            busy = true;
            if !self.injector.strikes(Injury::Interrupt) {
                let due = now + self.delay(20);
                self.interrupts.entry(raised).or_insert(due);
            }
        }
        busy
    }

    /// Media and cables.
    fn world_turn(&mut self) -> bool {
        let now = self.clock.now();
        let mut busy = false;
        while let Some(port) = self.injector.take_unplug() {
            busy = true;
            self.unplug(port);
        }
        while let Some(at) = self.work.iter().position(|(due, ..)| *due <= now) {
            busy = true;
            let (_, key, work) = self.work.swap_remove(at);
            let done = self.perform(key, work);
            self.model.borrow_mut().complete_work(key, done);
        }
        // A device that was pulled out while a worker had its buffers; now nobody needs it.
        drop(self.model.borrow_mut().poll_departed());
        busy
    }

    fn driver_turn(&mut self) -> bool {
        let now = self.clock.now();
        let mut busy = std::mem::take(&mut self.touched);
        let first = self.interrupt_due(InterrupterId(0));
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if busy || first || due(self.alarm) {
            self.control.poll(now);
            busy |= first;
            // As a host does: asked once after each poll, then slept until.
            self.alarm = self.control.next_deadline(now);
        }
        for index in 0..self.lanes.len() {
            let number = self.lanes[index].interrupter();
            let interrupted = self.interrupt_due(number);
            if interrupted || due(self.lanes[index].next_deadline()) {
                self.lanes[index].poll(now);
            }
            busy |= interrupted;
        }
        busy | self.carry(now)
    }

    /// Carries messages between lanes and control, and takes what they hand out.
    fn carry(&mut self, now: Instant) -> bool {
        let mut busy = false;
        while let Some((number, message)) = self.control.poll_lane_message() {
            busy = true;
            let mut lanes = self.lanes.iter_mut();
            if let Some(lane) = lanes.find(|lane| lane.interrupter() == number) {
                lane.control(message, now);
            }
        }
        for index in 0..self.lanes.len() {
            let from = self.lanes[index].interrupter();
            let mut messages: Vec<ToControl> = Vec::new();
            messages.extend(std::iter::from_fn(|| self.lanes[index].poll_control()));
            for message in messages {
                self.touched = true;
                self.control.lane_message(from, message, now);
            }
            while let Some(done) = self.lanes[index].poll_done() {
                busy = true;
                self.answered(done);
            }
        }
        while let Some(done) = self.control.poll_done() {
            busy = true;
            self.answered(done);
        }
        while let Some(notice) = self.control.poll_notice() {
            busy = true;
            if let Notice::OperationDone { id, result } = notice {
                if !self.operations_out.remove(&id) {
                    self.oddities.push(format!("{id:?} was answered twice"));
                }
                self.operations.insert(id, result);
            }
            self.notices.push(notice);
        }
        busy | self.touched
    }

    fn answered(&mut self, done: super::Done) {
        if !self.out.remove(&done.id) {
            self.oddities.push(format!("{:?} came back twice", done.id));
        }
        self.done.insert(done.id, done);
    }

    fn interrupt_due(&mut self, number: InterrupterId) -> bool {
        let due = self.interrupts.get(&number);
        let due = due.is_some_and(|due| *due <= self.clock.now());
        if due {
            self.interrupts.remove(&number);
        }
        due
    }

    /// When anybody has something to do next.
    fn next_deadline(&self) -> Option<Instant> {
        let mut next = self.alarm;
        for lane in &self.lanes {
            next = Instant::earlier(next, lane.next_deadline());
        }
        if !self.injector.is_gone() {
            next = Instant::earlier(next, self.model.borrow().next_deadline());
        }
        next = Instant::earlier(next, self.interrupts.values().min().copied());
        Instant::earlier(next, self.work.iter().map(|(due, ..)| *due).min())
    }

    /// Up to so many microseconds, if things are stirred.
    fn delay(&mut self, microseconds: u64) -> Duration {
        if self.jitter {
            Duration::from_nanos(self.random.below(microseconds * 1000))
        } else {
            Duration::ZERO
        }
    }
}

/// Where the model has its registers, by its own word.
pub(super) fn layout(model: &RefCell<Model>, now: Instant) -> Layout {
    let mut model = model.borrow_mut();
    let mut read = |at: u32| model.mmio_read(at, now);
    Layout::from_capabilities(
        CapLength::from_bits(read(CapLength::OFFSET)),
        HcsParams1::from_bits(read(HcsParams1::OFFSET)),
        HccParams1::from_bits(read(HccParams1::OFFSET)),
        DbOff::from_bits(read(DbOff::OFFSET)),
        RtsOff::from_bits(read(RtsOff::OFFSET)),
    )
}
