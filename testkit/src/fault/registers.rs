use xhci_hal::middleware::MmioPlan;
use xhci_spec::registers::{RegisterAt, UsbCmd, decode_offset};

use super::{Injector, Injury, What};

impl MmioPlan for Injector {
    fn read(&mut self, _at: u32, device: impl FnOnce() -> u32) -> u32 {
        self.strike(Injury::Access);
        if self.is_gone() { u32::MAX } else { device() }
    }

    fn write(&mut self, at: u32, value: u32, device: impl FnOnce(u32)) {
        self.strike(Injury::Access);
        if self.is_gone() || self.drops(at, value) {
            return;
        }
        device(value);
    }
}

impl Injector {
    /// Whether this write does not arrive.
    fn drops(&self, at: u32, value: u32) -> bool {
        let register = self.layout().and_then(|layout| decode_offset(&layout, at));
        match register {
            Some(RegisterAt::Doorbell(0)) => {
                self.strike(Injury::CommandDoorbell) == Some(What::LostDoorbell)
            }
            Some(RegisterAt::UsbCmd) if UsbCmd::from_bits(value).host_controller_reset() => {
                // The slow reset itself is the model's; here it is seen to begin.
                self.strike(Injury::Reset);
                false
            }
            _ => false,
        }
    }
}
