//! The end of a run, and what is printed when it is not one.

use std::fmt::Write;
use std::time::Duration;

use xhci_driver::Notice;
use xhci_hal::Mmio;
use xhci_spec::registers::{Layout, Register, UsbSts, port_base};

use super::{Hang, Pair};
use crate::fault::Fault;
use crate::log::describe;

/// What a run that came to its end leaves.
#[derive(Clone, Debug)]
pub struct Report {
    /// Everything the driver said.
    pub notices: Vec<Notice>,
    /// How often each fault of the plan fired.
    pub fired: Vec<(Fault, u32)>,
}

impl Pair {
    /// Shuts the driver down, drops it, and looks whether it left anything behind: a request without an answer, memory that was not freed,
    /// memory that was written after it was freed, a controller that still runs.
    ///
    /// Buffers of the test itself must have been dropped.
    ///
    /// # Errors
    /// [`Hang`] with what is wrong.
    pub fn finish(mut self) -> Result<Report, Hang> {
        self.shut_down()?;
        self.run_for(Duration::from_millis(1))?;
        let mut wrong = self.oddities.clone();
        if !self.out.is_empty() {
            wrong.push(format!("transfers without an answer: {:?}", self.out));
        }
        if !self.operations_out.is_empty() {
            wrong.push(format!(
                "operations without an answer: {:?}",
                self.operations_out
            ));
        }
        if !self.injector.is_gone() && !self.status().halted() {
            wrong.push("the controller is not halted after shutdown".to_owned());
        }
        if !wrong.is_empty() {
            return Err(self.hang(wrong.join("; ")));
        }
        self.done.clear();
        self.leave()
    }

    /// Has the driver hand the controller back.
    ///
    /// # Errors
    /// [`Hang`] if that does not come to an end.
    pub fn shut_down(&mut self) -> Result<(), Hang> {
        self.control.shutdown(self.clock.now());
        self.touched = true;
        self.wait("the driver to stop", Duration::from_secs(30), |pair| {
            pair.notices.contains(&Notice::Stopped).then_some(())
        })
    }

    /// USBSTS, past all middleware.
    #[must_use]
    pub fn status(&self) -> UsbSts {
        let now = self.clock.now();
        let mut model = self.model.borrow_mut();
        let length = model.mmio_read(0, now) & 0xff;
        let status = model.mmio_read(length + UsbSts::OFFSET, now);
        UsbSts::from_bits(status)
    }

    /// Drops the driver, lets the model go on alone for a while, and looks at the memory.
    fn leave(self) -> Result<Report, Hang> {
        let dump = self.dump();
        let Self {
            clock,
            model,
            control,
            lanes,
            pool,
            baseline,
            injector,
            notices,
            registers,
            ..
        } = self;
        drop((control, lanes, registers));
        let mut wrong = Vec::new();
        let usage = pool.inner().usage();
        if usage.live_buffers != baseline.live_buffers {
            wrong.push(format!(
                "{} DMA buffers ({} bytes) were never freed",
                usage.live_buffers - baseline.live_buffers,
                usage.allocated_bytes - baseline.allocated_bytes
            ));
        }
        if !injector.is_gone() {
            for _ in 0..100 {
                clock.advance(Duration::from_millis(10));
                let _ = model.borrow_mut().service(clock.now(), 64);
                if model.borrow_mut().poll_work().is_some() {
                    wrong.push("the model hands out work after its driver has left".to_owned());
                }
            }
        }
        if let Err(trampled) = pool.inner().check_canaries() {
            wrong.push(trampled.to_string());
        }
        if wrong.is_empty() {
            return Ok(Report {
                notices,
                fired: injector.fired(),
            });
        }
        Err(Hang {
            why: wrong.join("; "),
            dump,
        })
    }

    /// An end that is none, with both sides in words.
    pub fn hang(&mut self, why: impl Into<String>) -> Hang {
        Hang {
            why: why.into(),
            dump: self.dump(),
        }
    }

    fn dump(&self) -> String {
        let mut text = String::new();
        let wrote = self.write_dump(&mut text);
        debug_assert!(wrote.is_ok(), "a string takes everything");
        text
    }

    fn write_dump(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "── at {:?}", self.clock.now())?;
        writeln!(text, "driver: {:?}", self.control)?;
        for lane in &self.lanes {
            writeln!(text, "lane: {lane:?}")?;
        }
        writeln!(
            text,
            "without an answer: {:?} {:?}",
            self.out, self.operations_out
        )?;
        for (fault, fired) in self.injector.fired() {
            writeln!(text, "fault: {fault}, fired {fired} times")?;
        }
        writeln!(text, "seen: {:?}", self.injector.seen())?;
        for notice in self.notices.iter().rev().take(30).rev() {
            writeln!(text, "notice: {notice:?}")?;
        }
        writeln!(
            text,
            "next: driver {:?}, model {:?}",
            self.alarm,
            self.model.borrow().next_deadline()
        )?;
        writeln!(
            text,
            "interrupts {:?}, work {}",
            self.interrupts,
            self.work.len()
        )?;
        let layout = self.layout();
        for access in &self.log {
            writeln!(text, "  {}", describe(&layout, access))?;
        }
        writeln!(text, "now: {}", self.status().describe())?;
        let wire = self.registers.inner().inner();
        for port in (1..=layout.max_ports).filter_map(xhci_spec::number::PortId::new) {
            let at = u32::from(layout.capability_length) + port_base(port);
            let access = xhci_hal::middleware::MmioAccess::read(at, wire.read32(at));
            writeln!(text, "now: {}", describe(&layout, &access))?;
        }
        Ok(())
    }

    /// Where the controller has its registers.
    #[must_use]
    pub fn layout(&self) -> Layout {
        super::turn::layout(&self.model, self.clock.now())
    }
}
