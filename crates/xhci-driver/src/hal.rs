use xhci_hal::{Dma, DmaBuffer, Mmio};

/// The world one controller lives in: its registers, and memory it can reach.
pub trait Hal {
    /// The register space. Clones speak to the same controller.
    type Mmio: Mmio + Clone;
    /// Memory for rings, contexts and data. Clones allocate from the same memory.
    type Dma: Dma + Clone;
}

/// A DMA buffer of this world.
pub type Buffer<H> = <<H as Hal>::Dma as Dma>::Buffer;

/// Shared bytes of this world.
pub type SliceOf<H> = <Buffer<H> as DmaBuffer>::Slice;
