//! What the engine asks of whoever knows the way to a controller.

use std::fmt;
use std::marker::PhantomData;
use std::task::Waker;

use usb_spec::time::Instant;
use volmem::DmaPool;
use xhci_driver::Hal;
use xhci_hal::Mmio;

use crate::Pool;

/// The way to one controller: a card behind VFIO, a virtual one behind a socket, a model in this process.
///
/// It has one owner, the [`Engine`](crate::Engine), and stays on its thread.
pub trait Backend {
    /// The controller's registers.
    type Mmio: Mmio + Clone;

    /// The controller's registers.
    fn mmio(&self) -> Self::Mmio;

    /// Memory that the controller reaches.
    fn dma(&self) -> DmaPool;

    /// How many interrupt vectors there are, at least 1.
    fn interrupters(&self) -> u16;

    /// What time it is; the clock of everything that the engine does.
    fn now(&self) -> Instant;

    /// Takes the interrupts that have come and, when the controller lives in this process, lets it work. Never waits.
    fn pump(&mut self, now: Instant) -> Pumped;

    /// Waits until an interrupt comes, the [`waker`](Self::waker) is used, or `until` is reached; with `None`, for as long as it takes.
    /// May come back early. A waker that was used since the last wait makes it come back at once.
    fn wait(&mut self, until: Option<Instant>);

    /// Ends a [`wait`](Self::wait), from any thread.
    fn waker(&self) -> Waker;
}

/// What came of a [`pump`](Backend::pump).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pumped {
    /// How many interrupts have come.
    pub interrupts: u32,
    /// When the controller wants to be pumped again even if nobody touches it; never, for one that has a clock of its own.
    pub next_deadline: Option<Instant>,
    /// Something happened, so that it is worth looking again before waiting.
    pub busy: bool,
}

/// The driver's view of a [`Backend`].
pub struct Wires<B>(PhantomData<B>);

impl<B> fmt::Debug for Wires<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wires")
    }
}

impl<B: Backend> Hal for Wires<B> {
    type Mmio = B::Mmio;
    type Dma = Pool;
}
