use super::Quirk;

pub(super) const QUIRK: Quirk = Quirk {
    name: "Intel",
    why: "a register access within 1 ms of HCRST can hang the machine (Linux: INTEL_HOST)",
    matches: |ids| ids.vendor == 0x8086,
    turn: |policy| policy.reset_settle = core::time::Duration::from_millis(1),
};
