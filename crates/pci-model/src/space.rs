use alloc::boxed::Box;
use core::fmt;

use xhci_hal::Width;

/// Bytes of the configuration space of a PCI Express function. PCIe 3.0 §7.2.2 (unchecked).
pub const CONFIG_BYTES: usize = 4096;

/// The bytes of a configuration space, and which bits of them software can write.
///
/// A register that does something when written is not kept here: its function answers for it first.
#[derive(Clone)]
pub struct Space {
    bytes: Box<[u8; CONFIG_BYTES]>,
    writable: Box<[u8; CONFIG_BYTES]>,
    clears: Box<[u8; CONFIG_BYTES]>,
}

impl Space {
    /// All zero, nothing writable.
    #[must_use]
    pub fn new() -> Self {
        let zero = || Box::new([0; CONFIG_BYTES]);
        Self {
            bytes: zero(),
            writable: zero(),
            clears: zero(),
        }
    }

    /// Puts bytes at `at`; what lies beyond the end is dropped.
    pub fn put(&mut self, at: u16, bytes: &[u8]) {
        let places = self.bytes.iter_mut().skip(at.into());
        for (place, byte) in places.zip(bytes) {
            *place = *byte;
        }
    }

    /// Puts a dword at `at`.
    pub fn put32(&mut self, at: u16, value: u32) {
        self.put(at, &value.to_le_bytes());
    }

    /// Lets software write the bits of `mask` in the dword at `at`.
    pub fn let_write(&mut self, at: u16, mask: u32) {
        let places = self.writable.iter_mut().skip(at.into());
        for (place, bits) in places.zip(mask.to_le_bytes()) {
            *place |= bits;
        }
    }

    /// Lets software clear the bits of `mask` in the dword at `at` by writing 1.
    pub fn let_clear(&mut self, at: u16, mask: u32) {
        let places = self.clears.iter_mut().skip(at.into());
        for (place, bits) in places.zip(mask.to_le_bytes()) {
            *place |= bits;
        }
    }

    /// The byte at `at`; all ones beyond the end.
    #[must_use]
    pub fn byte(&self, at: u16) -> u8 {
        self.bytes.get(usize::from(at)).copied().unwrap_or(0xff)
    }

    /// The dword at `at`, as four bytes from there.
    #[must_use]
    pub fn dword(&self, at: u16) -> u32 {
        self.read(at, Width::Dword)
    }

    /// Answers a read.
    #[must_use]
    pub fn read(&self, at: u16, width: Width) -> u32 {
        (0..width.bytes()).fold(0, |value, n| {
            let byte = at.checked_add(n).map_or(0xff, |at| self.byte(at));
            value | u32::from(byte) << (8 * n)
        })
    }

    /// Takes a byte of a write: writable bits take it, bits that 1 clears are cleared, the rest stays.
    pub fn write_byte(&mut self, at: u16, value: u8) {
        let at = usize::from(at);
        let (Some(byte), Some(writable), Some(clears)) = (
            self.bytes.get_mut(at),
            self.writable.get(at),
            self.clears.get(at),
        ) else {
            return;
        };
        *byte = (*byte & !writable) | (value & writable);
        *byte &= !(value & clears);
    }
}

impl Default for Space {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.dword(0);
        write!(f, "Space({:04x}:{:04x})", ids & 0xffff, ids >> 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_tells_its_size_and_a_status_bit_goes_when_one_is_written() {
        let mut space = Space::new();
        space.put32(0x10, 4);
        space.let_write(0x10, 0xffff_e000);
        space.put32(0x04, 0x2010_0000);
        space.let_clear(0x04, 0xf900_0000);
        for (at, byte) in (0x10..).zip([0xff; 4]) {
            space.write_byte(at, byte);
        }
        space.write_byte(0x07, 0xff);
        assert_eq!(space.dword(0x10), 0xffff_e004);
        assert_eq!(space.dword(0x04), 0x0010_0000);
    }

    #[test]
    fn nothing_lies_beyond_the_end() {
        let mut space = Space::new();
        space.write_byte(0x1000, 1);
        assert_eq!(space.read(0xfff, Width::Dword), 0xffff_ff00);
        assert_eq!(space.read(0xffff, Width::Dword), u32::MAX);
    }
}
