use super::Quirk;

pub(super) const QUIRK: Quirk = Quirk {
    name: "ASMedia ASM1142 and later",
    why: "AC64 is set, yet DMA above 4 GiB fails (Linux: NO_64BIT_SUPPORT)",
    matches: |ids| ids.vendor == 0x1b21 && matches!(ids.device, 0x1142 | 0x1242 | 0x2142 | 0x3242),
    turn: |policy| policy.ignore_ac64 = true,
};
