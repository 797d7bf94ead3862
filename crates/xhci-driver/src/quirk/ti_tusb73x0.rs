use super::Quirk;

pub(super) const QUIRK: Quirk = Quirk {
    name: "TI TUSB73x0",
    why: "firmware never answers the ownership request, and an Interval of 7 or more misbehaves (Linux: forced handoff, LIMIT_ENDPOINT_INTERVAL_7)",
    matches: |ids| ids.vendor == 0x104c && ids.device == 0x8241,
    turn: |policy| {
        policy.handoff_force = true;
        policy.interval_max = 6;
    },
};
