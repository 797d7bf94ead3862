use usb_spec::time::Instant;
use xhci_hal::Width;

/// A PCI function, as its configuration space shows it.
///
/// `now` never goes back. Any offset and any value is fair: what lies outside reads as all ones and swallows writes, and an access
/// that is not aligned means the bytes that it covers, from the lowest up.
pub trait Function {
    /// Answers a read; the bits above `width` are zero.
    fn config_read(&mut self, now: Instant, at: u16, width: Width) -> u32;

    /// Takes a write; the bits above `width` are ignored.
    fn config_write(&mut self, now: Instant, at: u16, width: Width, value: u32);
}
