use super::Capability;
use crate::Space;

/// Message signalled interrupts with 64-bit addresses. PCI 3.0 §6.8.1 (unchecked).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msi {
    /// Vectors that it can send, as a power of two.
    pub vectors_log2: u8,
}

impl Capability for Msi {
    const ID: u8 = 0x05;

    fn put(&self, space: &mut Space, at: u16) {
        const ADDRESS_64: u16 = 0x80;
        let control = ADDRESS_64 | u16::from(self.vectors_log2 & 7) << 1;
        space.put(at + 2, &control.to_le_bytes());
        // Enable, and how many of the vectors; then address, upper address, data.
        space.let_write(at, 0x0071_0000);
        space.let_write(at + 4, 0xffff_fffc);
        space.let_write(at + 8, u32::MAX);
        space.let_write(at + 12, 0xffff);
    }
}

/// Message signalled interrupts with a table in a BAR. PCI 3.0 §6.8.2 (unchecked).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MsiX {
    /// Vectors, less one.
    pub last_vector: u16,
    /// Offset of the table in BAR 0.
    pub table: u32,
    /// Offset of the pending bits in BAR 0.
    pub pending: u32,
}

impl Capability for MsiX {
    const ID: u8 = 0x11;

    fn put(&self, space: &mut Space, at: u16) {
        space.put(at + 2, &(self.last_vector & 0x7ff).to_le_bytes());
        space.put32(at + 4, self.table & !7);
        space.put32(at + 8, self.pending & !7);
        // Enable and function mask.
        space.let_write(at, 0xc000_0000);
    }
}
