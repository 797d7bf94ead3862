use super::Quirk;

pub(super) const QUIRK: Quirk = Quirk {
    name: "Fresco Logic FL1000, revision 4",
    why: "it takes ten times longer to halt (Linux: SLOW_SUSPEND)",
    matches: |ids| ids.vendor == 0x1b73 && ids.device == 0x1000 && ids.revision == 4,
    turn: |policy| policy.halt_timeout *= 10,
};
