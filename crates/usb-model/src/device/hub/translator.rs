//! The transaction translators of a high-speed hub, as far as software can see them. USB 2.0 §11.24.2.3, §11.24.2.8 to §11.24.2.11
//! (unchecked).

use alloc::vec::Vec;

use usb_spec::Setup;

/// The state of a translator is the vendor's business; it is that long here.
const STATE_LENGTH: u16 = 8;

/// How often the host has asked something of the translators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TranslatorRequests {
    /// CLEAR_TT_BUFFER.
    pub cleared: u32,
    /// RESET_TT.
    pub reset: u32,
    /// STOP_TT.
    pub stopped: u32,
}

/// The translators: one for all ports, or one for each while the host has chosen that.
#[derive(Debug)]
pub(super) struct Translators {
    /// How many there can be: 0 in a full-speed or SuperSpeed hub, 1, or as many as ports.
    count: u8,
    /// There is one for each port.
    each: bool,
    /// Those that stand still.
    stopped: u16,
    pub(super) requests: TranslatorRequests,
}

impl Translators {
    pub(super) fn new(count: u8) -> Self {
        Self {
            count,
            each: false,
            stopped: 0,
            requests: TranslatorRequests::default(),
        }
    }

    pub(super) fn restart(&mut self) {
        self.each = false;
        self.stopped = 0;
    }

    /// Alternate setting 1 of a hub that has several gives each port its own. USB 2.0 §11.23.1.
    pub(super) fn choose(&mut self, setting: u8) {
        self.each = setting == 1;
        self.stopped = 0;
    }

    pub(super) fn is_running(&self, port: u8) -> bool {
        let number = if self.each { port } else { 1 };
        self.stopped & bit(u16::from(number)) == 0
    }

    /// `wIndex` names the port if each has a translator, and is 1 if there is one for all.
    fn known(&self, index: u16) -> bool {
        let last = if self.each {
            self.count
        } else {
            self.count.min(1)
        };
        (1..=u16::from(last)).contains(&index)
    }

    pub(super) fn clear_buffer(&mut self, index: u16) -> bool {
        let known = self.known(index);
        self.requests.cleared = self.requests.cleared.wrapping_add(u32::from(known));
        known
    }

    pub(super) fn reset(&mut self, index: u16) -> bool {
        let known = self.known(index);
        if known {
            self.requests.reset = self.requests.reset.wrapping_add(1);
            self.stopped &= !bit(index);
        }
        known
    }

    pub(super) fn stop(&mut self, index: u16) -> bool {
        let known = self.known(index);
        if known {
            self.requests.stopped = self.requests.stopped.wrapping_add(1);
            self.stopped |= bit(index);
        }
        known
    }

    pub(super) fn state(&self, setup: Setup, reply: &mut Vec<u8>) -> bool {
        reply.resize(usize::from(setup.length.min(STATE_LENGTH)), 0);
        self.known(setup.index)
    }
}

fn bit(number: u16) -> u16 {
    1_u16.checked_shl(u32::from(number)).unwrap_or(0)
}
