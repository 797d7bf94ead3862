//! The binary object store: what a device can do as a whole. USB 3.2 §9.6.2.

use alloc::vec::Vec;

use usb_spec::Speed;
use usb_spec::descriptor::{Bos, ContainerId, SuperSpeed, SuperSpeedPlus, Usb2Extension};

use super::blueprint::Blueprint;

/// The id of the only sublink speed.
const SPEED_ID: u32 = 1;

/// 10 Gbit/s on a symmetric SuperSpeedPlus link, received and sent. USB 3.2 table 9-23 (unchecked).
const SUBLINK_SPEEDS: [u32; 2] = [
    SPEED_ID | 3 << 4 | 1 << 14 | 10 << 16,
    SPEED_ID | 3 << 4 | 1 << 7 | 1 << 14 | 10 << 16,
];

/// Speed id 1 with one lane each way is what all functions need. USB 3.2 §9.6.2.5.
const PLUS_FUNCTIONALITY: u16 = 1 | 1 << 8 | 1 << 12;

impl Blueprint {
    /// The USB 2.0 extension (LPM, which a SuperSpeed device must claim), the SuperSpeed capability, and what else there is to say.
    pub(super) fn bos(&self, reply: &mut Vec<u8>) {
        let start = reply.len();
        reply.extend_from_slice(&[0; Bos::LENGTH]);
        reply.extend_from_slice(&Usb2Extension { attributes: 1 << 1 }.emit());
        let super_speed = SuperSpeed {
            attributes: 0,
            // Full, high and 5 Gbit/s.
            speeds: 0b1110,
            lowest_full_function: 1,
            u1_exit_latency_us: 10,
            u2_exit_latency_us: 32,
        };
        reply.extend_from_slice(&super_speed.emit());
        let mut capabilities = 2;
        if let Some(uuid) = self.container {
            reply.extend_from_slice(&ContainerId { uuid }.emit());
            capabilities += 1;
        }
        if self.speed == Speed::SuperPlus {
            let plus = SuperSpeedPlus::emit(0, PLUS_FUNCTIONALITY, &SUBLINK_SPEEDS);
            reply.extend_from_slice(&plus);
            capabilities += 1;
        }
        let total = reply.len().saturating_sub(start);
        let header = Bos {
            total_length: u16::try_from(total).unwrap_or(u16::MAX),
            capabilities,
        };
        for (to, from) in reply.iter_mut().skip(start).zip(header.emit()) {
            *to = from;
        }
    }
}
