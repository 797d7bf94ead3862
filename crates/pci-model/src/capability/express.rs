use super::Capability;
use crate::Space;

/// PCI Express, of an endpoint. PCIe 3.0 §7.8 (unchecked).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Express {
    /// Version of the capability.
    pub version: u8,
    /// Device Capabilities: among others whether a function can be reset alone.
    pub device: u32,
    /// Link Capabilities: speed, width, power states.
    pub link: u32,
    /// Link Status: the speed and width in use.
    pub link_status: u16,
    /// Device Capabilities 2.
    pub device_2: u32,
}

impl Express {
    /// In Device Capabilities: the function can be reset alone (FLR).
    pub const FUNCTION_RESET: u32 = 1 << 28;
}

impl Capability for Express {
    const ID: u8 = 0x10;

    fn put(&self, space: &mut Space, at: u16) {
        space.put(at + 2, &u16::from(self.version & 0xf).to_le_bytes());
        space.put32(at + 4, self.device);
        // Device Control and Status: everything in control but the reset bit; four errors that 1 clears.
        space.put32(at + 8, 0x0000_2810);
        space.let_write(at + 8, 0x0000_7fff);
        space.let_clear(at + 8, 0x000f_0000);
        space.put32(at + 0x0c, self.link);
        space.put32(at + 0x10, u32::from(self.link_status) << 16);
        space.let_write(at + 0x10, 0x0000_01c3);
        space.put32(at + 0x24, self.device_2);
        space.let_write(at + 0x28, 0x0000_041f);
    }
}
