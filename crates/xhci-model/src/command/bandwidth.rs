//! Bandwidth of periodic endpoints: how much each holds, and how much a bus has. xHCI 1.2 §4.14.2, §4.16.

use usb_spec::Speed;
use xhci_spec::context::EndpointContext;

/// Loads count 1/1024 byte in a microframe.
const UNITS: u32 = 1024;

/// What an endpoint holds; bulk and control endpoints take what is left and hold nothing.
pub(crate) fn load(context: &EndpointContext) -> u32 {
    if !context.endpoint_type().is_periodic() {
        return 0;
    }
    let burst = u32::from(context.max_burst_z()) + 1;
    let payload = match context.max_esit_payload() {
        0 => u32::from(context.max_packet_size()) * burst,
        payload => payload,
    };
    payload
        .saturating_mul(UNITS)
        .checked_shr(u32::from(context.interval()))
        .unwrap_or(0)
}

/// What all periodic endpoints on a bus of this speed may hold together: 80 % of a microframe at high speed (USB 2.0 §5.7.4), 90 % else
/// (§5.7.4; for super speed unchecked).
pub(crate) fn budget(speed: Speed) -> u32 {
    let bytes = match speed {
        Speed::Low | Speed::Full => 168,
        Speed::High => 6_000,
        Speed::Super => 56_250,
        Speed::SuperPlus => 112_500,
    };
    bytes * UNITS
}

/// The part that is left, in percent. xHCI 1.2 §6.2.6.
pub(crate) fn percent_left(speed: Speed, held: u32) -> u8 {
    let most = if speed == Speed::High { 80 } else { 90 };
    let budget = u64::from(budget(speed));
    let left = budget.saturating_sub(u64::from(held));
    u8::try_from(left * most / budget.max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xhci_spec::context::EndpointType;

    #[test]
    fn a_longer_interval_halves_the_load() {
        let each = |interval| {
            load(
                &EndpointContext::default()
                    .with_endpoint_type(EndpointType::InterruptIn)
                    .with_max_packet_size(1024)
                    .with_max_burst_z(2)
                    .with_interval(interval),
            )
        };
        assert_eq!(each(0), 3 * 1024 * UNITS);
        assert_eq!(each(1), each(0) / 2);
        assert!(
            2 * each(0) > budget(Speed::High),
            "two of these are too much"
        );
    }

    #[test]
    fn an_idle_bus_has_what_the_specifications_leave_for_periodic_transfers() {
        assert_eq!(percent_left(Speed::High, 0), 80);
        assert_eq!(percent_left(Speed::Super, 0), 90);
        assert_eq!(percent_left(Speed::Super, budget(Speed::Super) / 2), 45);
        assert_eq!(percent_left(Speed::Full, u32::MAX), 0);
    }
}
