use std::cell::RefCell;
use std::rc::Rc;

use xhci_driver::Hal;
use xhci_hal::Mmio;
use xhci_hal::middleware::{Faulty, Recorded};
use xhci_model::Controller;

use crate::{EventTap, Injector, Pool, VirtualClock};

/// The controller model of a pair.
pub type Model = Controller<EventTap>;

/// The registers as the driver has them: recorded, disturbed by the plan, answered by the model.
pub type Registers = Rc<Recorded<Faulty<Wire, Injector>>>;

/// From the driver's register accesses to the model, at the time that the clock shows.
#[derive(Clone, Debug)]
pub struct Wire {
    model: Rc<RefCell<Model>>,
    clock: VirtualClock,
}

impl Wire {
    /// A wire to `model`.
    #[must_use]
    pub const fn new(model: Rc<RefCell<Model>>, clock: VirtualClock) -> Self {
        Self { model, clock }
    }
}

impl Mmio for Wire {
    fn read32(&self, at: u32) -> u32 {
        self.model.borrow_mut().mmio_read(at, self.clock.now())
    }

    fn write32(&self, at: u32, value: u32) {
        self.model
            .borrow_mut()
            .mmio_write(at, value, self.clock.now());
    }
}

/// The driver's world in a pair.
#[derive(Clone, Copy, Debug)]
pub struct World;

impl Hal for World {
    type Mmio = Registers;
    type Dma = Pool;
}
