use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::fmt;

use memory::Memory;
use usb_model::{UsbDevice, Work, WorkDone};
use usb_spec::speed::Speed;
use usb_spec::time::Instant;
use xhci_spec::number::{InterrupterId, PortId, RouteString};

use crate::behaviour::Behaviour;
use crate::bit_set::ByteSet;
use crate::context::HostError;
use crate::engine::{Counters, Engine};
use crate::extended::Extended;
use crate::interrupter::Interrupters;
use crate::lifecycle::Lifecycle;
use crate::options::Options;
use crate::port::{AttachError, PortFault, Ports};
use crate::registers::{Capabilities, Operational};

/// A USB device as a controller over memory `M` takes it.
pub type Device<M> = Box<dyn UsbDevice<<M as Memory>::Slice>>;

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
        let timers = [
            self.life.next_deadline(self.now),
            self.ports.next_deadline(),
            self.extended.next_deadline(),
            self.working_deadline(),
        ];
        timers.into_iter().flatten().min()
    }

    /// When something needs memory or a device. Not asked while those cannot be used, so that no owner spins.
    fn working_deadline(&self) -> Option<Instant> {
        if !self.life.bus_master {
            return None;
        }
        let active = self.life.is_active();
        let wrap = self.operational.command.enable_wrap_event();
        let everyone = active || self.life.reset.is_some();
        let timers = [
            self.interrupters.next_deadline(),
            self.ports.next_device_deadline(everyone),
            self.engine.next_deadline().filter(|_| active),
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
        device: Device<M>,
        now: Instant,
    ) -> Result<(), AttachError> {
        self.advance(now);
        self.ports.attach(port, device, self.now)?;
        self.advance(now);
        Ok(())
    }

    /// Pulls a device out, whatever it is doing. `None` if there is none, and also while a worker has its buffers: then the device comes out
    /// of [`Self::poll_departed`] after the work was completed.
    pub fn detach(&mut self, port: PortId, now: Instant) -> Option<Device<M>> {
        self.advance(now);
        let device = self.ports.detach(port, self.now);
        self.collect_status();
        device
    }

    /// A device that was pulled out while a worker had its buffers.
    pub fn poll_departed(&mut self) -> Option<(PortId, Device<M>)> {
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

    /// Changes durations and policies from now on; what is under way keeps its time, and the firmware its mind.
    pub fn set_behaviour(&mut self, behaviour: Behaviour) {
        self.ports.set_behaviour(behaviour.clone());
        self.options.behaviour = behaviour;
    }

    /// What the controller has counted since power-on.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.engine.counters()
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

    /// Power goes off and comes back (PCI's function level reset, or a new plug of the card): everything is as in [`Self::new`], and the
    /// devices on the ports lose their state. It ends when no worker has buffers any more; until then CNR stays set.
    pub fn power_cycle(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.life.vanished = false;
        self.life.bus_master = true;
        self.fault = None;
        self.extended = Extended::new(&self.options);
        self.begin_power_cycle();
        self.collect_status();
    }

    /// Whether nothing in here and no worker will touch guest memory by itself.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.engine.is_quiet() && self.work_out == 0 && self.work.is_empty()
    }

    /// The controller is pulled out: reads give all ones from now on, and nothing happens any more.
    pub fn vanish(&mut self) {
        self.life.vanished = true;
    }
}
