//! What USBCMD sets in motion: run, stop, reset, save and restore, and the end by a serious error. xHCI 1.2 §4.2, §5.4.1, §5.4.2.

use memory::Memory;
use usb_spec::time::Instant;
use xhci_spec::registers::{Register, UsbCmd};

use crate::behaviour::SaveRestore;
use crate::context::HostError;
use crate::controller::Controller;
use crate::lifecycle::{Microframes, Reset, Run, SaveRestoreRun};
use crate::registers::Operational;

impl<M: Memory> Controller<M> {
    pub(crate) fn write_command(&mut self, written: UsbCmd) {
        let before = self.operational.command;
        let after = before.after_write(written);
        let run = after.run() && !self.life.dead;
        self.operational.command = allowed(after).with_run(run);
        let light = self.options.light_reset && written.light_host_controller_reset();
        if written.host_controller_reset() || light {
            return self.begin_reset(!written.host_controller_reset());
        }
        match (before.run(), run) {
            (false, true) => self.begin_run(),
            (true, false) => self.begin_stop(),
            (true, true) | (false, false) => {}
        }
        let wanted = written.controller_save_state() || written.controller_restore_state();
        if wanted && self.life.run == Run::Halted && self.life.save_restore.is_none() {
            self.life.save_restore = Some(SaveRestoreRun {
                until: self.now + self.options.behaviour.save_restore_time,
                restore: !written.controller_save_state(),
            });
        }
    }

    fn begin_run(&mut self) {
        // While it still stops, the start waits for the halt.
        if self.life.run == Run::Halted {
            self.life.run = Run::Starting(self.now + self.options.behaviour.start);
        }
        self.interrupters.settle_halves();
        if self.operational.command_ring.settle() {
            self.engine.write_crcr(self.operational.command_ring.bits());
        }
    }

    fn begin_stop(&mut self) {
        match self.life.run {
            Run::Starting(_) => self.life.run = Run::Halted,
            Run::Running => {
                self.life.run = Run::Stopping(self.now + self.options.behaviour.stop);
                self.engine.stop();
            }
            Run::Halted | Run::Stopping(_) => {}
        }
    }

    /// HCRST, or LHCRST, which leaves the ports alone. Registers have their initial values at once; the bit stays set until the time is over
    /// and nothing touches memory any more.
    fn begin_reset(&mut self, light: bool) {
        let command = UsbCmd::default();
        self.operational = Operational {
            command: if light {
                command.with_light_host_controller_reset(true)
            } else {
                command.with_host_controller_reset(true)
            },
            ..Operational::default()
        };
        self.halt_now();
        self.life.dead = false;
        self.life.microframes = Microframes::default();
        self.life.save_restore = None;
        self.life.not_ready_until = None;
        self.interrupters.reset(&self.options);
        if light {
            self.ports.report(false);
            self.ports.set_u3_entry_enabled(false);
        } else {
            self.ports.reset(self.now, false);
        }
        self.life.reset = Some(Reset {
            until: self.now + self.options.behaviour.reset,
            told: false,
        });
    }

    /// As HCRST, but with the sticky bits of the ports, and without USBCMD showing it.
    pub(crate) fn begin_power_cycle(&mut self) {
        self.begin_reset(false);
        self.ports.reset(self.now, true);
        self.operational.command = UsbCmd::default();
    }

    fn halt_now(&mut self) {
        self.life.run = Run::Halted;
        self.life.microframes.stop(self.now);
        self.interrupters.set_running(false);
        self.ports.report(false);
    }

    /// Lets everything happen that is due by `now` and needs neither memory nor devices.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        let now = self.now;
        self.ports.advance(now);
        self.extended.advance(now);
        match self.life.run {
            Run::Starting(at) if at <= now => {
                self.life.run = Run::Running;
                self.life.microframes.start(now);
                self.interrupters.set_running(true);
                self.ports.report(true);
                self.engine.start();
            }
            Run::Stopping(at) if at <= now && self.is_at_rest() => {
                self.halt_now();
                if self.operational.command.run() {
                    self.begin_run();
                }
            }
            Run::Halted | Run::Starting(_) | Run::Running | Run::Stopping(_) => {}
        }
        if let Some(reset) = self.life.reset
            && reset.told
            && reset.until <= now
            && self.is_at_rest()
        {
            self.life.reset = None;
            self.operational.command = UsbCmd::default();
            self.life.not_ready_until = Some(now + self.options.behaviour.reset_not_ready);
        }
        self.life.not_ready_until.take_if(|until| *until <= now);
        if let Some(run) = self.life.save_restore.take_if(|run| run.until <= now) {
            let failed = match self.options.behaviour.save_restore {
                SaveRestore::RestoreFails => run.restore,
                SaveRestore::BothFail => true,
                SaveRestore::BothSucceed => false,
            };
            let status = self.operational.status;
            let error = status.save_restore_error() || failed;
            self.operational.status = status.with_save_restore_error(error);
        }
        self.collect_status();
    }

    /// Brings USBSTS up to date with ports and interrupters.
    pub(crate) fn collect_status(&mut self) {
        let mut status = self.operational.status;
        if self.interrupters.take_event_interrupt() {
            status = status.with_event_interrupt(true);
        }
        if self.ports.take_change_detect() {
            status = status.with_port_change_detect(true);
        }
        self.operational.status = status;
    }

    /// Stops on a serious error: R/S falls, HCH is set (xHCI 1.2 §5.4.2).
    pub(crate) fn collect_fault(&mut self) {
        let Some(error) = self.fault.take() else {
            return;
        };
        if self.life.dead || self.life.reset.is_some() {
            return;
        }
        let status = self.operational.status;
        self.operational.status = match error {
            HostError::System => status.with_host_system_error(true),
            HostError::Controller => status.with_host_controller_error(true),
        };
        self.operational.command = self.operational.command.with_run(false);
        self.life.dead = true;
        self.engine.stop();
        self.halt_now();
    }
}

/// USBCMD without the bits of what is not there: LTC's and VTC's features, Max Exit Latency checks, extended TBC. They read 0. The
/// two resets are not stored here either; [`Controller::begin_reset`] sets the one that runs.
fn allowed(command: UsbCmd) -> UsbCmd {
    command
        .with_host_controller_reset(false)
        .with_light_host_controller_reset(false)
        .with_cem_enable(false)
        .with_extended_tbc_enable(false)
        .with_extended_tbc_status_enable(false)
        .with_trusted_io_enable(false)
}
