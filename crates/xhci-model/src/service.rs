//! The work: everything that touches memory or devices. Steps 6 to 11 of the way of a TRB.

use memory::Memory;
use usb_model::Output;
use usb_spec::time::Instant;
use xhci_spec::number::{InterrupterId, PortId};
use xhci_spec::trb::{CompletionCode, Event};

use crate::context::{Context, HostError};
use crate::controller::{Controller, Progress, WorkKey};
use crate::engine::Engine;
use crate::interrupter::Posted;

/// Port status and wrap events go here. xHCI 1.2 §4.17.1 (unchecked).
const PRIMARY: InterrupterId = InterrupterId(0);

impl<M: Memory> Controller<M> {
    /// Does what there is to do. `budget` bounds it: about so many TRBs and answers of devices, at least one.
    pub fn service(&mut self, now: Instant, budget: u32) -> Progress {
        self.advance(now);
        // A reset ends without memory as well: it only takes requests back.
        let may_work = self.life.bus_master || self.life.reset.is_some();
        if self.life.vanished || !may_work {
            return Progress::Idle;
        }
        let mut budget = budget.max(1);
        if let Some(reset) = &mut self.life.reset
            && !reset.told
        {
            reset.told = true;
            self.engine.reset(&mut self.ports);
        }
        let more = self.work_through(&mut budget);
        self.collect_fault();
        self.interrupters.settle(self.now);
        // The last thing under way may have ended, and with it a reset or a stop.
        self.advance(now);
        if more { Progress::More } else { Progress::Idle }
    }

    /// The engine and the devices answer each other until both have nothing more to say or the budget is used up, which this tells.
    fn work_through(&mut self, budget: &mut u32) -> bool {
        let applied =
            self.interrupters
                .apply_notes(&self.memory, self.life.is_active(), &self.options);
        if let Err(error) = applied {
            self.fault.get_or_insert(error);
        }
        self.ports.listen_to_all();
        // Each turn lowers the budget or is the last one.
        while *budget > 0 {
            self.do_chores();
            if let Err(error) = self.report() {
                self.fault.get_or_insert(error);
            }
            if self.fault.is_some() {
                return false;
            }
            let before = *budget;
            let mut more = false;
            if self.life.is_active() {
                let (engine, mut cx) = self.split();
                more = engine.service(&mut cx, budget);
            }
            self.poll_devices(budget);
            if *budget == before {
                if !more {
                    return false;
                }
                *budget -= 1;
            }
        }
        true
    }

    /// Port changes reach transfers and devices.
    fn do_chores(&mut self) {
        while let Some(chores) = self.ports.next_chores() {
            if chores.lost {
                let (engine, mut cx) = self.split();
                engine.port_gone(&mut cx, chores.port);
            }
            self.ports.tell_device(chores);
        }
    }

    /// Events of the controller itself. What does not fit is reported later.
    fn report(&mut self) -> Result<(), HostError> {
        if !self.life.is_active() {
            return Ok(());
        }
        while let Some(port) = self.ports.owes_event() {
            let event = Event::PortStatusChange {
                port: Some(port),
                code: CompletionCode::SUCCESS,
            };
            match self
                .interrupters
                .post(&self.memory, PRIMARY, event, false)?
            {
                Posted::Taken => self.ports.reported(port),
                Posted::Full => return Ok(()),
            }
        }
        // xHCI 1.2 §4.14.2 (unchecked), §6.4.2.8.
        if self.life.microframes.has_wrapped(self.now) {
            let event = Event::MfindexWrap {
                code: CompletionCode::SUCCESS,
            };
            let wanted = self.operational.command.enable_wrap_event();
            if !wanted
                || self
                    .interrupters
                    .post(&self.memory, PRIMARY, event, false)?
                    == Posted::Taken
            {
                self.life.microframes.report(self.now);
            }
        }
        Ok(())
    }

    /// Asks the devices. A halted controller asks only those that may want to wake it and those that are on their way out: the others
    /// hear nothing of a bus that is silent.
    fn poll_devices(&mut self, budget: &mut u32) {
        let all = self.life.is_active() || self.life.reset.is_some();
        let mut last = None;
        while let Some(port) = self.ports.next_talking(last) {
            last = Some(port);
            let leaving = self.ports.is_leaving(port);
            if all || leaving || self.ports.is_asleep(port) {
                self.poll_port(port, budget);
            }
            if *budget == 0 {
                return;
            }
            self.ports.silent(port);
            if leaving && self.ports.is_ready_to_leave(port) {
                self.departed.insert(port.get().into());
            }
        }
    }

    fn poll_port(&mut self, port: PortId, budget: &mut u32) {
        while *budget > 0 {
            let Some((route, output)) = self.ports.poll(port, self.now) else {
                return;
            };
            *budget -= 1;
            match output {
                Output::Work(work) => {
                    let plug = self.ports.plug(port);
                    self.work.push_back((WorkKey { port, route, plug }, work));
                }
                Output::Wake => self.ports.wake(port, self.now),
                Output::Completion(_) => {
                    let (engine, mut cx) = self.split();
                    engine.output(&mut cx, port, route, output);
                }
            }
        }
    }

    /// The engine, and all that it may use.
    fn split(&mut self) -> (&mut Engine<M::Slice>, Context<'_, M>) {
        let operational = &self.operational;
        let context = Context {
            memory: &self.memory,
            interrupters: &mut self.interrupters,
            ports: &mut self.ports,
            options: &self.options,
            dcbaap: operational.contexts.device_context_base_address_array(),
            max_slots_enabled: operational.config.max_slots_enabled(),
            context_size: self.options.context_size(),
            host_error: &mut self.fault,
        };
        (&mut self.engine, context)
    }
}
