//! Which bits of each TRB are reserved, against the `xhci` crate, which refuses a TRB in which one is set.

use xhci::ring::trb::{command, event, transfer};
use xhci_spec::trb::{TrbType, reserved_bits};

/// Whether the crate takes these dwords for a TRB of some kind, that is: sees no reserved bit set.
fn the_crate_accepts(raw: [u32; 4]) -> bool {
    let transfer = transfer::Allowed::try_from(raw).is_ok();
    let command = command::Allowed::try_from(raw).is_ok();
    let event = event::Allowed::try_from(raw).is_ok();
    transfer || command || event
}

/// Bits that the crate 0.9.2 takes for fields and we for reserved, and the other way round, and why we keep our view.
const DISAGREEMENTS: &[(TrbType, [u32; 4], &str)] = &[
    (
        TrbType::EVALUATE_CONTEXT,
        [0, 0, 0, 1 << 9],
        "the crate repeats Address Device's list; EDK2 CMD_TRB_EVALUATE_CONTEXT.RsvdZ2 covers bits 9:1",
    ),
    (
        TrbType::NO_OP_COMMAND,
        [0, 0, 0, 0x001f_0000],
        "the crate repeats Enable Slot's list; EDK2 CMD_TRB_NO_OP.RsvdZ4 covers bits 31:16",
    ),
    (
        TrbType::DEVICE_NOTIFICATION,
        [0xffff_fff0, 0xffff_ffff, 0, 0xff00_0000],
        "the crate repeats Host Controller's list; its own getters read these bits",
    ),
    (
        TrbType::MFINDEX_WRAP,
        [0xffff_fff0, 0xffff_ffff, 0, 0xff00_0000],
        "the crate leaves out dwords 0 and 1 and bits 31:24, for which it has no getter",
    ),
];

#[test]
fn reserved_bits_are_those_that_the_crate_refuses() {
    for trb_type in TrbType::NAMED {
        let bare = [0, 0, 0, u32::from(trb_type.0) << 10];
        assert!(the_crate_accepts(bare), "{trb_type}");
        let mut refused = [0u32; 4];
        for bit in 0..128 {
            if (106..112).contains(&bit) {
                continue; // the type itself
            }
            let mut raw = bare;
            raw[bit / 32] |= 1 << (bit % 32);
            if !the_crate_accepts(raw) {
                refused[bit / 32] |= 1 << (bit % 32);
            }
        }
        let expected = DISAGREEMENTS
            .iter()
            .find(|(other, ..)| other == trb_type)
            .map_or([0; 4], |(_, bits, _)| *bits);
        let ours = reserved_bits(*trb_type);
        let found: [u32; 4] = std::array::from_fn(|dword| ours[dword] ^ refused[dword]);
        assert_eq!(
            found, expected,
            "{trb_type}: ours {ours:08x?}, refused {refused:08x?}"
        );
    }
}
