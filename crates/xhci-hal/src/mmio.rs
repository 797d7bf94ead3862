use alloc::rc::Rc;
use alloc::sync::Arc;

/// The controller's register space (BAR 0).
///
/// Offsets count bytes from the start of the space and are multiples of 4: every access is one aligned dword, because
/// controllers exist that lock up on any other width. A controller that has gone answers `0xffff_ffff`.
///
/// # Ordering
/// [`write32`](Mmio::write32) makes all earlier stores to DMA memory visible to the device before the register changes (on
/// arm64 a `dmb oshst`). [`read32`](Mmio::read32) is answered after all earlier writes have reached the device, as PCI orders it.
pub trait Mmio {
    /// Reads the dword at `at`.
    fn read32(&self, at: u32) -> u32;

    /// Writes the dword at `at`.
    fn write32(&self, at: u32, value: u32);
}

impl<T: Mmio + ?Sized> Mmio for &T {
    fn read32(&self, at: u32) -> u32 {
        (**self).read32(at)
    }
    fn write32(&self, at: u32, value: u32) {
        (**self).write32(at, value);
    }
}

impl<T: Mmio + ?Sized> Mmio for Rc<T> {
    fn read32(&self, at: u32) -> u32 {
        (**self).read32(at)
    }
    fn write32(&self, at: u32, value: u32) {
        (**self).write32(at, value);
    }
}

impl<T: Mmio + ?Sized> Mmio for Arc<T> {
    fn read32(&self, at: u32) -> u32 {
        (**self).read32(at)
    }
    fn write32(&self, at: u32, value: u32) {
        (**self).write32(at, value);
    }
}
