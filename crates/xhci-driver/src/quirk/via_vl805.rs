use super::Quirk;

pub(super) const QUIRK: Quirk = Quirk {
    name: "VIA VL805",
    why: "it drives 36 address lines (Linux: dma_mask_bits), and its next message waits until IMAN.IP is cleared (Stellux)",
    matches: |ids| ids.vendor == 0x1106 && ids.device == 0x3483,
    turn: |policy| {
        policy.dma_bits = 36;
        policy.clear_interrupt_pending = true;
    },
};
