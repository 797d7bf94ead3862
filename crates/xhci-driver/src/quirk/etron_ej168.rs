use super::Quirk;

pub(super) const QUIRK: Quirk = Quirk {
    name: "Etron EJ168, EJ188",
    why: "a soft retry hangs the controller (Linux: NO_SOFT_RETRY)",
    matches: |ids| ids.vendor == 0x1b6f && matches!(ids.device, 0x7023 | 0x7052),
    turn: |policy| policy.soft_retries = 0,
};
