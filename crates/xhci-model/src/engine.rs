//! Command ring, slots and endpoints as the controller sees them.

use core::marker::PhantomData;

use memory::{Memory, Slice};
use usb_model::Output;
use usb_spec::time::Instant;
use xhci_spec::number::{PortId, RouteString};

use crate::context::Context;
use crate::options::Options;
use crate::port::Ports;

/// The machinery behind the doorbells.
pub(crate) struct Engine<S: Slice> {
    slices: PhantomData<S>,
}

impl<S: Slice> Engine<S> {
    pub(crate) fn new(_options: &Options) -> Self {
        Self { slices: PhantomData }
    }
    pub(crate) fn reset(&mut self, _ports: &mut Ports<S>) {}
    pub(crate) fn is_quiet(&self) -> bool {
        true
    }
    pub(crate) fn start(&mut self) {}
    pub(crate) fn stop(&mut self) {}
    pub(crate) fn write_crcr(&mut self, _value: u64) {}
    pub(crate) fn command_ring_running(&self) -> bool {
        false
    }
    pub(crate) fn doorbell(&mut self, _number: u8, _target: u8, _stream: u16) {}
    pub(crate) fn service<M: Memory<Slice = S>>(&mut self, _cx: &mut Context<'_, M>, _budget: &mut u32) -> bool {
        false
    }
    pub(crate) fn output<M: Memory<Slice = S>>(
        &mut self,
        _cx: &mut Context<'_, M>,
        _port: PortId,
        _route: RouteString,
        _output: Output<S>,
    ) {
    }
    pub(crate) fn port_gone<M: Memory<Slice = S>>(&mut self, _cx: &mut Context<'_, M>, _port: PortId) {}
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        None
    }
}
