use std::cell::RefCell;
use std::rc::Rc;

use xhci_model::HostError;
use xhci_spec::number::PortId;
use xhci_spec::registers::Layout;

use super::{Fault, Injury, What};

/// The plan at work: asked at each opportunity, it says whether a fault strikes, and counts. Clones share the plan.
#[derive(Clone, Debug)]
pub struct Injector {
    shared: Rc<RefCell<Shared>>,
}

#[derive(Debug)]
struct Shared {
    faults: Vec<Armed>,
    /// Opportunities only count from here on.
    armed: bool,
    layout: Option<Layout>,
    gone: bool,
    death: Option<HostError>,
    unplug: Vec<PortId>,
    /// The ports whose devices were spoken to at address 0, each time it was another one's turn.
    at_address_zero: Vec<PortId>,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    fault: Fault,
    seen: u32,
    fired: u32,
}

impl Injector {
    /// This plan, armed.
    #[must_use]
    pub fn new(plan: &[Fault]) -> Self {
        let armed = |&fault: &Fault| Armed {
            fault,
            seen: 0,
            fired: 0,
        };
        let shared = Shared {
            faults: plan.iter().map(armed).collect(),
            armed: true,
            layout: None,
            gone: false,
            death: None,
            unplug: Vec::new(),
            at_address_zero: Vec::new(),
        };
        Self {
            shared: Rc::new(RefCell::new(shared)),
        }
    }

    /// Another plan from now on, whose opportunities begin to count now; nothing of the old one is left but a controller that is gone.
    pub fn replace(&self, plan: &[Fault]) {
        let new = Self::new(plan);
        self.shared.borrow_mut().faults = new.shared.take_faults();
    }

    /// Each fault with how often it has fired.
    #[must_use]
    pub fn fired(&self) -> Vec<(Fault, u32)> {
        let shared = self.shared.borrow();
        let fired = |armed: &Armed| (armed.fault, armed.fired);
        shared.faults.iter().map(fired).collect()
    }

    /// Each fault with how many opportunities it had.
    #[must_use]
    pub fn seen(&self) -> Vec<u32> {
        let shared = self.shared.borrow();
        shared.faults.iter().map(|armed| armed.seen).collect()
    }

    /// The faults that have not fired: a run that ends with one proves nothing.
    #[must_use]
    pub fn unfired(&self) -> Vec<Fault> {
        let shared = self.shared.borrow();
        let unfired = shared.faults.iter().filter(|armed| armed.fired == 0);
        unfired.map(|armed| armed.fault).collect()
    }

    /// Whether the controller is gone: nobody answers at its registers.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.shared.borrow().gone
    }

    pub(crate) fn set_layout(&self, layout: Layout) {
        self.shared.borrow_mut().layout = Some(layout);
    }

    pub(super) fn layout(&self) -> Option<Layout> {
        self.shared.borrow().layout
    }

    /// Whether a fault strikes here; every call is one opportunity.
    pub(crate) fn strikes(&self, injury: Injury) -> bool {
        self.strike(injury).is_some()
    }

    /// The fault that strikes here, if any; every call is one opportunity for each that it fits.
    pub(crate) fn strike(&self, injury: Injury) -> Option<What> {
        let mut shared = self.shared.borrow_mut();
        if !shared.armed {
            return None;
        }
        let mut struck = None;
        for armed in &mut shared.faults {
            if struck.is_some() || !armed.fault.what.meets(injury) {
                continue;
            }
            let number = armed.seen;
            armed.seen += 1;
            if number >= armed.fault.after && number - armed.fault.after < armed.fault.times {
                armed.fired += 1;
                struck = Some(armed.fault.what);
            }
        }
        match struck {
            Some(What::Gone) => shared.gone = true,
            Some(What::Death(cause)) => shared.death = Some(cause),
            _ => {}
        }
        struck
    }

    /// Counts a fault that somebody else has brought about.
    pub(crate) fn fire(&self, injury: Injury) {
        let mut shared = self.shared.borrow_mut();
        let meets = |armed: &&mut Armed| armed.fault.what.meets(injury);
        if let Some(armed) = shared.faults.iter_mut().find(meets) {
            armed.fired += 1;
        }
    }

    /// Lets opportunities count, or not.
    pub fn arm(&self, armed: bool) {
        self.shared.borrow_mut().armed = armed;
    }

    /// Whose devices were spoken to at address 0, in order; one that came back after another's turn is there twice.
    #[must_use]
    pub fn visits_at_address_zero(&self) -> Vec<PortId> {
        self.shared.borrow().at_address_zero.clone()
    }

    pub(crate) fn at_address_zero(&self, port: PortId) {
        let mut shared = self.shared.borrow_mut();
        if shared.at_address_zero.last() != Some(&port) {
            shared.at_address_zero.push(port);
        }
    }

    pub(crate) fn unplug(&self, port: PortId) {
        self.shared.borrow_mut().unplug.push(port);
    }

    /// A port whose device is to be pulled out now.
    pub(crate) fn take_unplug(&self) -> Option<PortId> {
        self.shared.borrow_mut().unplug.pop()
    }

    /// What the controller is to die of now.
    pub(crate) fn take_death(&self) -> Option<HostError> {
        self.shared.borrow_mut().death.take()
    }
}

trait TakeFaults {
    fn take_faults(&self) -> Vec<Armed>;
}

impl TakeFaults for Rc<RefCell<Shared>> {
    fn take_faults(&self) -> Vec<Armed> {
        std::mem::take(&mut self.borrow_mut().faults)
    }
}
