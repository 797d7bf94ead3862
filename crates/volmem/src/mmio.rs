//! Registers behind a mapped region.
//!
//! `unsafe` stands here because a register access is a volatile one: exactly one instruction of exactly one width.
#![expect(
    unsafe_code,
    reason = "a register access is a volatile one through a pointer"
)]

use alloc::sync::Arc;
use core::ptr::NonNull;

use xhci_hal::Mmio;

use crate::{Region, dma_rmb, dma_wmb};

/// A region as register space.
///
/// Offsets that are not multiples of 4 or lie beyond the region are answered as a bus answers them where nobody lives: reads are
/// `0xffff_ffff`, writes are lost.
#[derive(Clone, Debug)]
pub struct MmioRegion {
    region: Arc<Region>,
}

impl MmioRegion {
    /// Registers in `region`.
    #[must_use]
    pub fn new(region: Arc<Region>) -> Self {
        Self { region }
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.region.len()
    }

    /// Whether it has no registers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.region.is_empty()
    }

    fn register(&self, at: u32) -> Option<NonNull<u32>> {
        let at = at as usize;
        if self.region.len() < 4 || at > self.region.len() - 4 {
            return None;
        }
        // SAFETY: `at + 4` is no more than the region's length, so the result lies within it.
        let register = unsafe { self.region.as_ptr().add(at) }.cast::<u32>();
        register.is_aligned().then_some(register)
    }
}

impl Mmio for MmioRegion {
    fn read32(&self, at: u32) -> u32 {
        let Some(register) = self.register(at) else {
            return u32::MAX;
        };
        // SAFETY: `register` checked bounds and alignment, and the region is valid for reads as long as it lives.
        let value = unsafe { register.read_volatile() };
        // What the register announces (an event, a state) is read from memory after it.
        dma_rmb();
        u32::from_le(value)
    }

    fn write32(&self, at: u32, value: u32) {
        if !self.region.is_writable() {
            return;
        }
        let Some(register) = self.register(at) else {
            return;
        };
        // The device acts on the register and then looks into memory: all that we stored there must be visible before.
        dma_wmb();
        // SAFETY: `register` checked bounds and alignment, the line above that the region may be written.
        unsafe { register.write_volatile(value.to_le()) };
    }
}
