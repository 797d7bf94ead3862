//! Root hub ports: their registers, their state machines on the clock, and the devices on them. xHCI 1.2 §4.15, §4.19, §5.4.8.

mod devices;
mod machine;
mod reaction;
mod register;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use memory::Slice;
use usb_model::UsbDevice;
use usb_spec::time::Instant;
use xhci_spec::extended::Protocol;
use xhci_spec::number::{PortId, RouteString, SpeedId};
use xhci_spec::registers::PortSc;
use xhci_spec::state::PortInput;

use crate::behaviour::Behaviour;
use crate::bit_set::ByteSet;
use crate::options::Options;
use machine::Machine;

/// Why a device cannot be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttachError {
    /// The controller has no such port.
    NoSuchPort,
    /// A device is there, or has been taken away while a worker still has its buffers.
    Occupied,
    /// The port speaks the other protocol.
    WrongProtocol,
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchPort => "the controller has no such port",
            Self::Occupied => "there is still a device on that port; detach it first",
            Self::WrongProtocol => {
                "the port speaks the other protocol: USB2 ports take low, full and high speed, USB3 ports SuperSpeed"
            }
        })
    }
}

impl core::error::Error for AttachError {}

/// What can happen to a port besides a plug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortFault {
    /// An error that retraining cannot heal: a USB3 port becomes Inactive, a USB2 port disabled (babble at the end of a frame).
    LinkError,
    /// The next training ends in compliance mode (USB3).
    Compliance,
    /// The next training fails, which leaves the port Inactive (USB3).
    TrainingFails,
    /// The next training succeeds, but the link cannot be configured (USB3).
    ConfigError,
    /// The next training does not come about: the port reports CAS and waits for a warm reset (USB3). xHCI 1.2 §4.19.8 (unchecked).
    ColdAttach,
    /// Over-current begins; the port loses power. xHCI 1.2 §4.19.4 (unchecked).
    OverCurrent,
    /// Over-current ends.
    OverCurrentEnds,
}

/// All ports.
#[derive(Debug)]
pub(crate) struct Ports<S: Slice> {
    all: Vec<Port<S>>,
    behaviour: Behaviour,
    power_control: bool,
    /// CONFIG.U3E.
    u3_entry_enabled: bool,
    /// Whether port status change events are made: HCH = 0.
    reporting: bool,
    /// Ports with [`Port::pending`].
    timers: ByteSet,
    /// Ports with a device, also a leaving one.
    occupied: ByteSet,
    /// Ports whose devices may have something to say.
    talking: ByteSet,
    /// Ports whose device or transfers have to be told something.
    chores: ByteSet,
    /// Ports that owe a Port Status Change Event.
    events: ByteSet,
    /// A change bit went from 0 to 1: USBSTS.PCD.
    change_detect: bool,
    plugs: u32,
}

/// One port and the device on it.
#[derive(Debug)]
struct Port<S: Slice> {
    protocol: Protocol,
    machine: Machine,
    /// The fields of PORTSC that the machine does not decide.
    stored: PortSc,
    power_management: u32,
    link_info: u32,
    hardware_lpm: u32,
    /// What happens next by itself, and when.
    pending: Option<(Instant, PortInput)>,
    /// How the next training ends, if not well.
    training: Option<PortFault>,
    /// Since when resume is signalled.
    resuming_since: Instant,
    /// USB2: a reset since the connect has found out the speed.
    speed_known: bool,
    /// The device has to be reset.
    reset_due: bool,
    /// The transfers of this port have to be ended.
    lost: bool,
    /// What the device was last told of suspend.
    told_suspended: bool,
    device: Option<Box<dyn UsbDevice<S>>>,
    /// The device has been pulled out, but a worker still has its buffers.
    leaving: bool,
    /// Distinguishes this device from others that were or will be on the port.
    plug: u32,
    /// Pieces of the device's work that have not been completed.
    work: u32,
    /// Devices behind hubs that transfers have reached.
    routes: Vec<RouteString>,
}

impl<S: Slice> Ports<S> {
    /// Ports as they are at power-on: powered (PP = 1 is the default, xHCI 1.2 §5.4.8) and empty.
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            all: options.port_protocols().map(Port::new).collect(),
            behaviour: options.behaviour.clone(),
            power_control: options.port_power_control,
            u3_entry_enabled: false,
            reporting: false,
            timers: ByteSet::EMPTY,
            occupied: ByteSet::EMPTY,
            talking: ByteSet::EMPTY,
            chores: ByteSet::EMPTY,
            events: ByteSet::EMPTY,
            change_detect: false,
            plugs: 0,
        }
    }

    /// How many ports there are.
    pub(crate) fn count(&self) -> u8 {
        u8::try_from(self.all.len()).unwrap_or(u8::MAX)
    }

    /// Whether the port passes transfers on: enabled, neither suspended nor in a reset.
    pub(crate) fn is_enabled(&self, port: PortId) -> bool {
        self.get(port)
            .is_some_and(|port| port.machine.signals().enabled && !port.machine.is_suspended())
    }

    /// Whether the port is suspended or on its way out of it.
    pub(crate) fn is_suspended(&self, port: PortId) -> bool {
        self.get(port)
            .is_some_and(|port| port.machine.is_suspended())
    }

    /// The speed id as PORTSC shows it: of a connected device, on a USB2 port only after a reset has found it out.
    pub(crate) fn speed(&self, port: PortId) -> Option<SpeedId> {
        self.get(port)?.speed()
    }

    /// Lets everything happen that was due by `now`.
    pub(crate) fn advance(&mut self, now: Instant) {
        for number in self.timers.iter() {
            if let Some(port) = port_id(number) {
                self.run_timers(port, now);
            }
        }
    }

    /// When something happens next.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let due = self.timers.iter().filter_map(port_id);
        due.filter_map(|port| Some(self.get(port)?.pending?.0))
            .min()
    }

    /// Whether a change bit was set since the last call.
    pub(crate) fn take_change_detect(&mut self) -> bool {
        core::mem::take(&mut self.change_detect)
    }

    /// The next port that owes an event. It goes on owing it until [`Self::reported`].
    pub(crate) fn owes_event(&self) -> Option<PortId> {
        self.events.first().and_then(port_id)
    }

    pub(crate) fn reported(&mut self, port: PortId) {
        self.events.remove(port.get().into());
    }

    /// The controller runs, or has halted: a halted one makes no events, but ports go on changing. When it starts, each port that has
    /// changes owes one event. xHCI 1.2 §4.19.2 (the halted case unchecked; Linux looks at the ports itself for hardware that
    /// keeps silent).
    pub(crate) fn report(&mut self, reporting: bool) {
        self.reporting = reporting;
        self.events.clear();
        if reporting && self.behaviour.events_at_start {
            for (number, port) in (1_u16..).zip(&self.all) {
                if port.stored.changes() != 0 {
                    self.events.insert(number);
                }
            }
        }
    }

    pub(crate) fn set_behaviour(&mut self, behaviour: Behaviour) {
        self.behaviour = behaviour;
    }

    /// CONFIG.U3E.
    pub(crate) fn set_u3_entry_enabled(&mut self, enabled: bool) {
        self.u3_entry_enabled = enabled;
    }

    fn get(&self, port: PortId) -> Option<&Port<S>> {
        self.all.get(port.index().checked_sub(1)?)
    }

    fn get_mut(&mut self, port: PortId) -> Option<&mut Port<S>> {
        self.all.get_mut(port.index().checked_sub(1)?)
    }

    fn ids(&self) -> impl Iterator<Item = PortId> + use<S> {
        (1..=self.count()).filter_map(PortId::new)
    }
}

impl<S: Slice> Port<S> {
    fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            machine: Machine::powered(protocol),
            stored: PortSc::default(),
            power_management: 0,
            link_info: 0,
            hardware_lpm: 0,
            pending: None,
            training: None,
            resuming_since: Instant::START,
            speed_known: false,
            reset_due: false,
            lost: false,
            told_suspended: false,
            device: None,
            leaving: false,
            plug: 0,
            work: 0,
            routes: Vec::new(),
        }
    }

    /// Whether a device is on the cable.
    fn is_plugged(&self) -> bool {
        self.device.is_some() && !self.leaving
    }

    fn speed(&self) -> Option<SpeedId> {
        let known = self.speed_known || self.protocol == Protocol::Usb3;
        let device = self.device.as_deref().filter(|_| self.is_plugged())?;
        (known && self.machine.signals().connected).then(|| machine::speed_id(device.speed()))
    }
}

fn port_id(number: u16) -> Option<PortId> {
    u8::try_from(number).ok().and_then(PortId::new)
}
