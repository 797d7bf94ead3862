use memory::Memory;
use usb_spec::time::Instant;
use xhci_spec::number::{PortId, RouteString};

use crate::engine::Engine;
use crate::interrupter::Interrupters;
use crate::options::Options;
use crate::port::Ports;

/// A strict xHCI 1.2 host controller.
#[derive(Debug)]
pub struct Controller<M: Memory> {
    options: Options,
    memory: M,
    ports: Ports<M::Slice>,
    interrupters: Interrupters,
}

/// Whether a call of [`Controller::service`] left anything to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// Nothing more to do before the next register write, completion or deadline.
    Idle,
    /// The budget ran out: call again.
    More,
}

/// Names the device that a piece of work came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkKey {
    port: PortId,
    route: RouteString,
    plug: u32,
}

impl<M: Memory> Controller<M> {
    /// A controller as it is at power-on.
    #[must_use]
    pub fn new(options: Options, memory: M, now: Instant) -> Self {
        let options = options.mended();
        let _ = Engine::<M::Slice>::new(&options);
        Self {
            ports: Ports::new(&options, now),
            interrupters: Interrupters::new(&options),
            options,
            memory,
        }
    }
}
