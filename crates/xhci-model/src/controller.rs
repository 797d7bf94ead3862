use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::fmt;

use memory::Memory;
use usb_model::{UsbDevice, Work, WorkDone};
use usb_spec::speed::Speed;
use usb_spec::time::Instant;
use xhci_spec::number::{InterrupterId, PortId, RouteString};
use xhci_spec::registers::{Register, UsbCmd};

use crate::behaviour::SaveRestore;
use crate::bit_set::ByteSet;
use crate::context::HostError;
use crate::engine::Engine;
use crate::extended::Extended;
use crate::interrupter::Interrupters;
use crate::lifecycle::{Lifecycle, Reset, Run, SaveRestoreRun};
use crate::options::Options;
use crate::port::{AttachError, PortFault, Ports};
use crate::registers::{Capabilities, Operational};

/// A strict xHCI 1.2 host controller.
///
/// # Protocol
/// The owner passes register accesses on with [`Self::mmio_read`] and [`Self::mmio_write`], and calls [`Self::service`] after writes,
/// after [`Self::complete_work`], at [`Self::next_deadline`], and again while it answers [`Progress::More`]. After each service it
/// collects what there is to tell: [`Self::poll_interrupt`], [`Self::poll_work`], [`Self::poll_departed`]. `now` never goes back; if it
/// does, the controller's own time stands still.
///
/// ```
/// # use core::time::Duration;
/// # fn example<M: memory::Memory>(memory: M) {
/// use usb_spec::time::Instant;
/// use xhci_model::{Controller, Options, Progress};
///
/// let mut now = Instant::START;
/// let mut controller = Controller::new(Options::default(), memory, now);
/// let capabilities = controller.mmio_read(0, now);
/// assert_eq!(capabilities >> 16, 0x0110, "HCIVERSION");
/// while let Progress::More = controller.service(now, 64) {}
/// if let Some(deadline) = controller.next_deadline() {
///     now = deadline;
///     let _ = controller.service(now, 64);
/// }
/// # }
/// ```
pub struct Controller<M: Memory> {
    pub(crate) options: Options,
    pub(crate) memory: M,
    pub(crate) capabilities: Capabilities,
    pub(crate) operational: Operational,
    pub(crate) life: Lifecycle,
    pub(crate) extended: Extended,
    pub(crate) interrupters: Interrupters,
    pub(crate) ports: Ports<M::Slice>,
    pub(crate) engine: Engine<M::Slice>,
    /// Work that nobody has taken yet.
    pub(crate) work: VecDeque<(WorkKey, Work<M::Slice>)>,
    /// Work that was taken and not yet completed.
    pub(crate) work_out: u32,
    /// Ports whose pulled-out device is ready to be taken.
    pub(crate) departed: ByteSet,
    pub(crate) fault: Option<HostError>,
    pub(crate) now: Instant,
}

impl<M: Memory> fmt::Debug for Controller<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller")
            .field("status", &self.status())
            .field("life", &self.life)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}

/// Whether a call of [`Controller::service`] left anything to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "with More left, service has to be called again"]
pub enum Progress {
    /// Nothing more to do before the next register write, completion or deadline.
    Idle,
    /// The budget ran out: call again.
    More,
}

/// Names the device that a piece of work came from; it goes back with the [`WorkDone`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkKey {
    pub(crate) port: PortId,
    pub(crate) route: RouteString,
    pub(crate) plug: u32,
}

impl WorkKey {
    /// The root port.
    #[must_use]
    pub const fn port(&self) -> PortId {
        self.port
    }

    /// The way from there.
    #[must_use]
    pub const fn route(&self) -> RouteString {
        self.route
    }
}

impl<M: Memory> Controller<M> {
    /// A controller as it is at power-on. Options that cannot be are [mended](Options::mended).
    #[must_use]
    pub fn new(options: Options, memory: M, now: Instant) -> Self {
        let options = options.mended();
        Self {
            capabilities: Capabilities::new(&options),
            operational: Operational::default(),
            life: Lifecycle::power_on(now, options.behaviour.power_on),
            extended: Extended::new(&options),
            interrupters: Interrupters::new(&options),
            ports: Ports::new(&options),
            engine: Engine::new(&options),
            work: VecDeque::with_capacity(64),
            work_out: 0,
            departed: ByteSet::EMPTY,
            fault: None,
            now,
            options,
            memory,
        }
    }

    /// The next message (MSI, MSI-X) to send; sending it clears IP (xHCI 1.2 §5.5.2.1).
    pub fn poll_interrupt(&mut self) -> Option<InterrupterId> {
        if self.life.vanished || !self.operational.command.interrupter_enable() {
            return None;
        }
        self.interrupters.poll(self.now)
    }

    /// Whether the interrupt pin is asserted. Always false while messages are used, see [`Self::set_message_interrupts`].
    #[must_use]
    pub fn interrupt_level(&self) -> bool {
        !self.life.vanished
            && self.operational.command.interrupter_enable()
            && self.interrupters.level()
    }

    /// Whether interrupts are messages, which is so at first, or the level of a pin: what configuration space says.
    pub fn set_message_interrupts(&mut self, messages: bool) {
        self.interrupters.use_messages(messages);
    }

    /// The next piece of work to do. Until it is completed its buffers belong to the worker, and the driver is not told that it
    /// may use them again.
    pub fn poll_work(&mut self) -> Option<(WorkKey, Work<M::Slice>)> {
        if self.life.vanished || !self.life.bus_master {
            return None;
        }
        let work = self.work.pop_front()?;
        self.work_out = self.work_out.saturating_add(1);
        Some(work)
    }

    /// Reports a piece of work; [`Self::service`] does the rest.
    pub fn complete_work(&mut self, key: WorkKey, done: WorkDone<M::Slice>) {
        self.work_out = self.work_out.saturating_sub(1);
        self.ports.complete(key.port, key.route, key.plug, done);
    }

    /// Whether no worker has buffers in guest memory: what taking memory away, or a reset of the function, has to wait for.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.work_out == 0
    }

    /// When [`Self::service`] has something to do without being asked anything; `None` for never.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.life.vanished {
            return None;
        }
        let wrap = self.operational.command.enable_wrap_event();
        let timers = [
            self.life.next_deadline(self.now),
            self.ports.next_deadline(),
            self.extended.next_deadline(),
            self.interrupters.next_deadline(),
            self.ports.next_device_deadline(),
            self.engine
                .next_deadline()
                .filter(|_| self.life.is_active()),
            self.life.microframes.next_wrap(self.now).filter(|_| wrap),
        ];
        timers.into_iter().flatten().min()
    }

    /// Puts a device on a root port.
    ///
    /// # Errors
    /// [`AttachError`]; the device is dropped then.
    pub fn attach(
        &mut self,
        port: PortId,
        device: Box<dyn UsbDevice<M::Slice>>,
        now: Instant,
    ) -> Result<(), AttachError> {
        self.advance(now);
        self.ports.attach(port, device, self.now)?;
        self.advance(now);
        Ok(())
    }

    /// Pulls a device out, whatever it is doing. `None` if there is none, and also while a worker has its buffers: then the device comes out
    /// of [`Self::poll_departed`] after the work was completed.
    pub fn detach(&mut self, port: PortId, now: Instant) -> Option<Box<dyn UsbDevice<M::Slice>>> {
        self.advance(now);
        let device = self.ports.detach(port, self.now);
        self.collect_status();
        device
    }

    /// A device that was pulled out while a worker had its buffers.
    pub fn poll_departed(&mut self) -> Option<(PortId, Box<dyn UsbDevice<M::Slice>>)> {
        let port = u8::try_from(self.departed.first()?).ok()?;
        let port = PortId::new(port)?;
        self.departed.remove(port.get().into());
        Some((port, self.ports.take_departed(port)?))
    }

    /// The device on a port, to type on it and the like.
    pub fn device_mut(&mut self, port: PortId) -> Option<&mut (dyn UsbDevice<M::Slice> + 'static)> {
        self.ports.plugged_mut(port)
    }

    /// The first port without a device that fits this speed.
    #[must_use]
    pub fn free_port(&self, speed: Speed) -> Option<PortId> {
        let mut fitting = self.options.ports_for(speed);
        fitting.find(|port| !self.ports.is_occupied(*port))
    }

    /// Disturbs a port.
    pub fn disturb_port(&mut self, port: PortId, fault: PortFault, now: Instant) {
        self.advance(now);
        self.ports.fault(port, fault, self.now);
        self.collect_status();
    }

    /// The memory that the controller uses.
    #[must_use]
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// The memory that the controller uses, to map and unmap. The owner takes away only what [`Self::is_quiet`] allows.
    pub fn memory_mut(&mut self) -> &mut M {
        &mut self.memory
    }

    /// What the controller is; numbers that could not be have been mended.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How many bytes BAR0 has.
    #[must_use]
    pub fn bar_bytes(&self) -> u32 {
        self.options.geometry.bar_bytes(&self.options)
    }

    /// Whether the controller may use memory (PCI's Bus Master Enable). Without it, no work begins; wait for [`Self::is_quiet`].
    pub fn set_bus_master(&mut self, allowed: bool) {
        self.life.bus_master = allowed;
    }

    /// A serious error: the controller stops until HCRST.
    pub fn die(&mut self, error: HostError) {
        self.fault.get_or_insert(error);
        self.collect_fault();
    }

    /// The controller is pulled out: reads give all ones from now on, and nothing happens any more.
    pub fn vanish(&mut self) {
        self.life.vanished = true;
    }
}

/// Notes that writes of USBCMD take. xHCI 1.2 §5.4.1.
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
        self.life.microframes = Default::default();
        self.life.save_restore = None;
        self.life.not_ready_until = None;
        self.interrupters.reset(&self.options);
        if light {
            self.ports.report(false);
            self.ports.set_u3_entry_enabled(false);
        } else {
            self.ports.reset(self.now);
        }
        self.life.reset = Some(Reset {
            until: self.now + self.options.behaviour.reset,
            told: false,
        });
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
            Run::Stopping(at) if at <= now && self.engine.is_quiet() => {
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
            && self.engine.is_quiet()
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
