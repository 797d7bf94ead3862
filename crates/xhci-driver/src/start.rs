//! Bringing a controller up, and handing it back. xHCI 1.2 §4.2, §4.22.1.

use core::time::Duration;

use memory::Slice;
use usb_spec::time::Instant;
use xhci_hal::{Dma, DmaBuffer};
use xhci_ring::link::{Producer, RingKind};
use xhci_spec::extended::{UsbLegCtlSts, UsbLegSup};
use xhci_spec::registers::{
    Config, Dcbaap, DnCtrl, Erdp, Erstba, Erstsz, Iman, Imod, PageSize, PortSc, Register, UsbCmd,
    UsbSts,
};
use xhci_spec::trb::{Command, Trb};

use crate::command::Commands;
use crate::control::{Control, Owner, Parts};
use crate::endpoints::address_array_bytes;
use crate::registers::Registers;
use crate::structures::{dma_limit, lanes, ports, scratchpads};
use crate::{CommandError, Death, Hal, Notice, Phase, Policy, StartError};

/// What a controller's driver is made of.
#[derive(Clone, Debug)]
pub struct ControlSetup<M, D> {
    /// Its registers.
    pub mmio: M,
    /// Memory it can reach.
    pub dma: D,
    /// The knobs; the default fits most controllers, [`quirk`](crate::quirk) turns them for those that are known to need it.
    pub policy: Policy,
    /// How many interrupters to use: one event ring and one lane each. No more are used than the controller has.
    pub interrupters: u16,
}

/// Where the start, or the end, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The controller may not be ready to be touched yet (CNR). `begun` is when the phase began, in every state.
    Waking { begun: Instant },
    /// Firmware was asked to let go.
    Handoff { begun: Instant },
    /// R/S is 0, HCH is awaited.
    Halting { begun: Instant },
    /// HCRST was written; nothing is touched until `until`.
    Settling { begun: Instant, until: Instant },
    /// HCRST and CNR are awaited to become 0.
    Resetting { begun: Instant },
    /// R/S is 1, HCH is awaited to become 0.
    Starting { begun: Instant },
    /// A No Op command is under way.
    SelfTest { begun: Instant },
    /// It runs.
    Running,
    /// It is being halted for good.
    Stopping { since: Instant, resetting: bool },
    /// It is being given up: halted first, then reset.
    Dying {
        cause: Death,
        since: Instant,
        resetting: bool,
    },
    /// It was handed back.
    Stopped,
    /// It was given up.
    Dead,
}

impl Start {
    pub(crate) fn new(now: Instant) -> Self {
        Self::Waking { begun: now }
    }

    pub(crate) fn next_deadline(&self, policy: &Policy, now: Instant) -> Option<Instant> {
        match self {
            Self::Waking { .. }
            | Self::Handoff { .. }
            | Self::Halting { .. }
            | Self::Resetting { .. }
            | Self::Starting { .. }
            | Self::Stopping { .. }
            | Self::Dying { .. } => Some(now + policy.register_poll),
            Self::Settling { until, .. } => Some(*until),
            Self::SelfTest { .. } | Self::Running | Self::Stopped | Self::Dead => None,
        }
    }
}

impl<H: Hal> Control<H> {
    /// Reads what the controller is and allocates what it needs; [`poll`](Self::poll) then brings it up.
    ///
    /// # Errors
    /// [`StartError`] when nothing answers, what answers is no xHCI controller, or memory is lacking. Nothing was written to it.
    pub fn new(setup: ControlSetup<H::Mmio, H::Dma>, now: Instant) -> Result<Self, StartError> {
        let ControlSetup {
            mmio,
            dma,
            policy,
            interrupters,
        } = setup;
        let registers = Registers::new(mmio, &policy)?;
        let limit = dma_limit(registers.capabilities.addressing_64, &policy);
        let memory = |error| StartError::Memory { error };
        let slots = usize::from(registers.capabilities.max_slots) + 1;
        let page = registers
            .operational::<PageSize>()
            .smallest_bytes()
            .unwrap_or(4096) as usize;
        let array = dma
            .alloc(address_array_bytes(slots), 64, limit.within(4096))
            .map_err(memory)?;
        let scratchpads = scratchpads::<H>(&dma, limit, registers.capabilities.scratchpads, page)
            .map_err(memory)?;
        if let Some(table) = scratchpads.first() {
            // Entry 0 of the array is theirs. xHCI 1.2 §4.20, §6.1.
            let stored = array.slice().store64(0, table.iova().0);
            debug_assert!(stored.is_ok(), "the array has an entry 0");
        }
        let bytes = usize::from(policy.segment_trbs) * Trb::SIZE;
        let segment = dma
            .alloc(bytes, 64, limit.within(0x1_0000))
            .map_err(memory)?;
        let ring = Producer::new(RingKind::Command, [segment]);
        let ring = ring.map_err(|_| StartError::Nonsense {
            what: "a policy whose segments hold too few TRBs",
        })?;
        let lanes = lanes::<H>(&registers, &dma, limit, &policy, interrupters)?;
        let ports = ports(&registers);
        let commands = Commands::new(ring);
        let parts = Parts {
            registers,
            policy,
            dma,
            limit,
            commands,
            lanes,
            array,
            scratchpads,
            ports,
        };
        Ok(Self::assemble(parts, now))
    }

    pub(crate) fn advance_start(&mut self, now: Instant) {
        // Each step may be followed by the next at once; there are fewer than this.
        for _ in 0..12 {
            let before = self.start;
            if let Err(error) = self.step(now) {
                return self.die(Death::Start(error), now);
            }
            if self.start == before {
                return;
            }
        }
    }

    fn step(&mut self, now: Instant) -> Result<(), StartError> {
        match self.start {
            Start::Waking { begun } => self.wake(begun, now),
            Start::Handoff { begun } => self.hand_over(begun, now),
            Start::Halting { begun } => self.halt(begun, now),
            Start::Settling { begun, until } => {
                if now >= until {
                    self.start = Start::Resetting { begun };
                }
                Ok(())
            }
            Start::Resetting { begun } => self.reset(begun, now),
            Start::Starting { begun } => self.starting(begun, now),
            Start::Stopping { since, resetting } => {
                if self.quieten(
                    since,
                    resetting,
                    |since, resetting| Start::Stopping { since, resetting },
                    now,
                ) {
                    self.give_everything_back(now);
                    self.start = Start::Stopped;
                    self.notices.push_back(Notice::Stopped);
                }
                Ok(())
            }
            Start::Dying {
                cause,
                since,
                resetting,
            } => {
                let next = |since, resetting| Start::Dying {
                    cause,
                    since,
                    resetting,
                };
                if self.quieten(since, resetting, next, now) {
                    self.dead(cause, now);
                }
                Ok(())
            }
            Start::SelfTest { .. } | Start::Running | Start::Stopped | Start::Dead => Ok(()),
        }
    }

    fn status(&self) -> Result<UsbSts, StartError> {
        self.registers.status().ok_or(StartError::Gone)
    }

    fn wake(&mut self, begun: Instant, now: Instant) -> Result<(), StartError> {
        if self.status()?.controller_not_ready() {
            return stuck(
                now - begun,
                self.policy.reset_timeout,
                "waking up",
                "USBSTS.CNR",
            );
        }
        if let Some(at) = self.registers.capabilities.legacy_support {
            let support: UsbLegSup = self.registers.read_at(at);
            self.registers.write(at, support.with_os_owned(true));
        }
        self.start = Start::Handoff { begun };
        Ok(())
    }

    fn hand_over(&mut self, begun: Instant, now: Instant) -> Result<(), StartError> {
        // All ones would look like firmware that owns it for ever.
        self.status()?;
        if let Some(at) = self.registers.capabilities.legacy_support {
            let support: UsbLegSup = self.registers.read_at(at);
            if support.firmware_owned() {
                if now - begun < self.policy.handoff_timeout && !self.policy.handoff_force {
                    return Ok(());
                }
                // It had its time (or is known never to answer): the semaphore is taken from it. xHCI 1.2 §4.22.1.
                self.registers
                    .write(at, support.with_firmware_owned(false).with_os_owned(true));
                self.notices.push_back(Notice::ForcedHandoff);
            }
            // Always: firmware exists that says it let go and keeps its SMIs, then freezes the machine.
            let control: UsbLegCtlSts = self.registers.read_at(at);
            self.registers.write(at, control.silence());
        }
        self.phase_ended(Phase::Handoff, now - begun);
        let command: UsbCmd = self.registers.operational();
        if !self.status()?.halted() {
            self.registers
                .set_operational(command.with_run(false).with_interrupter_enable(false));
        }
        self.start = Start::Halting { begun: now };
        Ok(())
    }

    fn halt(&mut self, begun: Instant, now: Instant) -> Result<(), StartError> {
        // One that does not halt is reset all the same: there is nothing else to be done with it.
        if !self.status()?.halted() && now - begun < self.policy.halt_timeout {
            return Ok(());
        }
        self.registers
            .set_operational(UsbCmd::default().with_host_controller_reset(true));
        self.start = Start::Settling {
            begun,
            until: now + self.policy.reset_settle,
        };
        Ok(())
    }

    fn reset(&mut self, begun: Instant, now: Instant) -> Result<(), StartError> {
        let command: UsbCmd = self.registers.operational();
        if command.host_controller_reset() {
            return stuck(
                now - begun,
                self.policy.reset_timeout,
                "its reset",
                "USBCMD.HCRST",
            );
        }
        if self.status()?.controller_not_ready() {
            return stuck(
                now - begun,
                self.policy.reset_timeout,
                "its reset",
                "USBSTS.CNR",
            );
        }
        self.phase_ended(Phase::Reset, now - begun);
        self.program();
        self.start = Start::Starting { begun: now };
        Ok(())
    }

    /// Tells the controller where everything is, and lets it run. xHCI 1.2 §4.2.
    fn program(&mut self) {
        let registers = &self.registers;
        registers.set_operational(
            Config::default().with_max_slots_enabled(registers.capabilities.max_slots),
        );
        // Function wake notifications (type 1) tell of devices that want to be woken. xHCI 1.2 §5.4.4.
        registers.set_operational(DnCtrl::default().with_notification_enable(1 << 1));
        registers.set_operational(
            Dcbaap::default().with_device_context_base_address_array(self.array.iova()),
        );
        registers.set_operational(self.commands.crcr());
        for ring in &self.event_rings {
            let interrupter = ring.interrupter;
            // This order: ERSTBA makes the controller read the table. xHCI 1.2 §4.9.4.
            registers.set_interrupter(
                interrupter,
                Erstsz::default().with_segment_table_size(ring.segments),
            );
            registers.set_interrupter(
                interrupter,
                Erdp::default().with_event_ring_dequeue_pointer(ring.dequeue),
            );
            registers.set_interrupter(
                interrupter,
                Erstba::default().with_segment_table_base(ring.table),
            );
            let moderation =
                Imod::default().with_interrupt_moderation_interval(self.policy.moderation);
            registers.set_interrupter(interrupter, moderation);
            registers.set_interrupter(
                interrupter,
                Iman::default()
                    .with_interrupt_pending(true)
                    .with_interrupt_enable(true),
            );
        }
        let command: UsbCmd = registers.operational();
        registers.set_operational(
            command
                .with_run(true)
                .with_interrupter_enable(true)
                .with_host_system_error_enable(true),
        );
    }

    fn starting(&mut self, begun: Instant, now: Instant) -> Result<(), StartError> {
        if self.status()?.halted() {
            return stuck(
                now - begun,
                self.policy.reset_timeout,
                "its start",
                "USBSTS.HCH",
            );
        }
        self.phase_ended(Phase::Start, now - begun);
        self.commands
            .submit(Command::NoOp, Owner::SelfTest, &self.registers, now);
        self.start = Start::SelfTest { begun: now };
        Ok(())
    }

    pub(crate) fn self_test_ended(&mut self, result: Result<(), CommandError>, now: Instant) {
        let Start::SelfTest { begun } = self.start else {
            return;
        };
        if let Err(error) = result {
            let reason = match error {
                CommandError::Refused { .. } => "the controller refused a No Op command",
                CommandError::Aborted => "a No Op command did not come back",
                CommandError::ControllerDead => return,
            };
            return self.die(Death::Start(StartError::SelfTest { reason }), now);
        }
        self.phase_ended(Phase::SelfTest, now - begun);
        self.start = Start::Running;
        self.settle_after = now + self.policy.attach_wait;
        self.power_ports();
        self.look_at_all_ports();
        self.phase_ended(Phase::Ports, Duration::ZERO);
    }

    /// Switches every port's power on, where it can be switched. xHCI 1.2 §4.19.4, §5.4.8.
    fn power_ports(&self) {
        if !self.registers.capabilities.port_power_control {
            return;
        }
        for port in &self.ports {
            let status = self
                .registers
                .port_status(port.id)
                .filter(|status| !status.port_power());
            if let Some(status) = status {
                let powered: PortSc = status.to_neutral().with_port_power(true);
                self.registers.set_port(port.id, powered);
            }
        }
    }

    /// Waits until the controller touches no memory any more; one that does not halt is reset. Says when it is quiet.
    fn quieten(
        &mut self,
        since: Instant,
        resetting: bool,
        next: impl Fn(Instant, bool) -> Start,
        now: Instant,
    ) -> bool {
        let Some(status) = self.registers.status() else {
            return true;
        };
        if resetting {
            let command: UsbCmd = self.registers.operational();
            return !command.host_controller_reset() || now - since >= self.policy.reset_timeout;
        }
        if status.halted() {
            return true;
        }
        if now - since >= self.policy.halt_timeout {
            let reset = UsbCmd::default().with_host_controller_reset(true);
            self.registers.set_operational(reset);
            self.start = next(now, true);
        }
        false
    }

    fn phase_ended(&mut self, phase: Phase, took: Duration) {
        self.notices.push_back(Notice::PhaseEnded { phase, took });
    }
}

fn stuck(
    waited: Duration,
    limit: Duration,
    phase: &'static str,
    register: &'static str,
) -> Result<(), StartError> {
    if waited < limit {
        return Ok(());
    }
    let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    Err(StartError::Stuck {
        phase,
        register,
        limit_ms,
    })
}
