//! The hub on its cable and above its devices.

use alloc::boxed::Box;

use memory::Slice;
use usb_spec::Speed;
use usb_spec::time::Instant;

use super::Hub;
use super::branch::Branch;
use super::port::Port;
use crate::{
    AttachError, Cancelled, Completion, Downstream, Output, PortFault, Refused, Request, Token,
    UsbDevice, WorkDone,
};

/// How many effects one request can have on one port.
const EFFECTS_MAX: usize = 16;

impl<S: Slice> UsbDevice<S> for Hub<S> {
    fn speed(&self) -> Speed {
        self.device.speed()
    }

    fn reset(&mut self) {
        self.device.reset();
        self.suspended = false;
        self.wake = false;
        self.settle();
    }

    fn submit(&mut self, request: Request<S>) {
        self.device.submit(request);
        self.settle();
    }

    fn cancel(&mut self, token: Token) -> Cancelled<S> {
        self.device.cancel(token)
    }

    fn poll(&mut self, now: Instant) -> Option<Output<S>> {
        self.tick(now);
        if self.wake && !self.woke {
            self.woke = true;
            return Some(Output::Wake);
        }
        let output = self.device.poll(now);
        if matches!(output, Some(Output::Wake)) {
            self.woke = true;
        }
        output
    }

    fn complete(&mut self, done: WorkDone<S>) {
        self.device.complete(done);
    }

    /// The bus below falls asleep with the hub, except for ports that slept already and go on sleeping. USB 2.0 §11.9.
    fn suspend(&mut self, suspended: bool) {
        self.suspended = suspended;
        self.wake = false;
        self.woke = false;
        self.device.suspend(suspended);
        let ports = &self.device.function().ports;
        for (port, branch) in ports.iter().zip(&mut self.branches) {
            if port.passes() {
                branch.suspend_child(suspended);
            }
        }
        self.settle();
    }

    fn child(&mut self, port: u8) -> Option<&mut dyn UsbDevice<S>> {
        let branch = self.branch(port).filter(|branch| !branch.is_void())?;
        Some(branch)
    }

    fn hub(&mut self) -> Option<&mut dyn Downstream<S>> {
        Some(self)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let waking = (self.wake && !self.woke).then_some(Instant::START);
        let own = Instant::earlier(self.device.next_deadline(), waking);
        let behind = self.branches.iter().filter_map(UsbDevice::next_deadline);
        let ports = self.device.function().port_deadline();
        Instant::earlier(own, Instant::earlier(ports, behind.min()))
    }
}

impl<S: Slice> Downstream<S> for Hub<S> {
    fn ports(&self) -> u8 {
        u8::try_from(self.branches.len()).unwrap_or(u8::MAX)
    }

    fn attach(&mut self, port: u8, mut device: Box<dyn UsbDevice<S>>) -> Result<(), Refused<S>> {
        let (own, speed) = (self.device.speed(), device.speed());
        let depth = self.device.function().depth.saturating_add(1);
        let why = match self.branch(port) {
            None => AttachError::NoSuchPort,
            Some(branch) if !branch.is_free() => AttachError::Occupied,
            Some(_) if own.is_super() != speed.is_super() || speed > own => AttachError::WrongSpeed,
            Some(branch) => {
                if let Some(hub) = device.hub() {
                    hub.place(depth);
                }
                branch.put(device);
                branch.split = own == Speed::High && speed < Speed::High;
                self.with_port(port, |port| port.plug(speed));
                return Ok(());
            }
        };
        Err(Refused { why, device })
    }

    fn detach(&mut self, port: u8) -> Option<Box<dyn UsbDevice<S>>> {
        let branch = self.branch(port)?;
        if branch.is_free() || branch.is_leaving() {
            return None;
        }
        self.with_port(port, Port::unplug);
        self.branch(port)?.pull()
    }

    fn take_departed(&mut self, port: u8) -> Option<Box<dyn UsbDevice<S>>> {
        self.branch(port)?.take_departed()
    }

    fn fault(&mut self, port: u8, fault: PortFault) {
        self.with_port(port, |port| port.fault(fault));
    }

    fn cut_off(&mut self) {
        self.device.function_mut().restart();
        self.settle();
    }

    fn is_busy(&mut self) -> bool {
        self.branches.iter_mut().any(Branch::is_busy)
    }

    fn remains(&mut self) -> Option<Completion<S>> {
        self.branches.iter_mut().find_map(Branch::remains)
    }

    fn tick(&mut self, now: Instant) {
        self.device.function_mut().advance(now);
        self.settle();
        for branch in &mut self.branches {
            branch.tick(now);
        }
        self.listen(now);
    }

    fn place(&mut self, depth: u8) {
        self.device.function_mut().depth = depth;
        for branch in &mut self.branches {
            branch.place(depth.saturating_add(1));
        }
        self.settle();
    }
}

impl<S: Slice> Hub<S> {
    fn branch(&mut self, port: u8) -> Option<&mut Branch<S>> {
        self.branches.get_mut(usize::from(port).checked_sub(1)?)
    }

    fn with_port(&mut self, number: u8, change: impl FnOnce(&mut Port)) {
        if let Some(port) = self.device.function_mut().port(number) {
            change(port);
        }
        self.settle();
    }

    /// Does to the devices what has been done to their ports.
    fn settle(&mut self) {
        let function = self.device.function_mut();
        for (number, branch) in (1..).zip(&mut self.branches) {
            let Some(port) = function.port(number) else {
                break;
            };
            for _ in 0..EFFECTS_MAX {
                let Some(effect) = port.take_effect() else {
                    break;
                };
                branch.apply(effect);
            }
            let passes = port.passes() && !self.suspended;
            branch.passing = passes && function.routes(number, branch.split);
        }
    }

    /// Hears which sleeping devices want to wake: the port resumes the device, and a sleeping hub asks the host whatever it was allowed
    /// itself. USB 2.0 §11.9.
    fn listen(&mut self, now: Instant) {
        let ports = &mut self.device.function_mut().ports;
        for (port, branch) in ports.iter_mut().zip(&mut self.branches) {
            if self.suspended || port.is_suspended() {
                branch.listen(now);
            }
            if core::mem::take(&mut branch.woke) {
                port.child_woke();
                self.wake |= self.suspended;
            }
        }
    }
}
