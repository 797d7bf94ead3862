//! What the fields of input contexts may hold. xHCI 1.2 §6.2.2.1, §6.2.3.1 to §6.2.3.6.

use usb_spec::{Speed, TransferKind};
use xhci_spec::context::{EndpointContext, EndpointType};
use xhci_spec::number::Dci;
use xhci_spec::trb::CompletionCode;

/// Packets in a burst, less one, at most. USB 3.2 §9.6.7.
const BURST_MAX: u8 = 15;

/// Additional transactions of a high speed periodic endpoint in a microframe, at most. USB 2.0 §9.6.6.
const HIGH_SPEED_BURST_MAX: u8 = 2;

/// Whether the default control endpoint's context makes sense at this speed.
///
/// CErr is not looked at: 0 means no limit, and stock firmware leaves it so.
pub(super) fn control_is_sound(context: &EndpointContext, speed: Speed) -> bool {
    context.endpoint_type() == EndpointType::Control
        && speed
            .allowed_control_packet_sizes()
            .contains(&context.max_packet_size())
        && context.max_burst_z() == 0
        && context.mult_z() == 0
        && context.max_primary_streams() == 0
}

/// Why the context of another endpoint is refused, if it is.
pub(super) fn endpoint_refusal(
    context: &EndpointContext,
    dci: Dci,
    speed: Speed,
) -> Option<CompletionCode> {
    let kind = match context.endpoint_type() {
        EndpointType::BulkIn | EndpointType::BulkOut => TransferKind::Bulk,
        EndpointType::InterruptIn | EndpointType::InterruptOut => TransferKind::Interrupt,
        // Isochronous transfers are not modelled: there is no schedule to put them in.
        EndpointType::IsochIn | EndpointType::IsochOut => {
            return Some(CompletionCode::RESOURCE_ERROR);
        }
        EndpointType::NotValid | EndpointType::Control => {
            return Some(CompletionCode::PARAMETER_ERROR);
        }
    };
    let sound = context.endpoint_type().is_in() == dci.is_in()
        && context.mult_z() == 0
        && context.max_primary_streams() == 0
        && packet_is_sound(context, kind, speed)
        && burst_is_sound(context, kind, speed)
        && (kind == TransferKind::Bulk || period_is_sound(context, speed));
    (!sound).then_some(CompletionCode::PARAMETER_ERROR)
}

fn packet_is_sound(context: &EndpointContext, kind: TransferKind, speed: Speed) -> bool {
    let size = context.max_packet_size();
    if kind == TransferKind::Bulk {
        return speed.allowed_bulk_packet_sizes().contains(&size);
    }
    let largest = speed.largest_packet(kind).unwrap_or(0);
    (1..=largest).contains(&size)
}

fn burst_is_sound(context: &EndpointContext, kind: TransferKind, speed: Speed) -> bool {
    let largest = match (speed, kind) {
        (Speed::Super | Speed::SuperPlus, _) => BURST_MAX,
        (Speed::High, TransferKind::Interrupt) => HIGH_SPEED_BURST_MAX,
        (Speed::Low | Speed::Full | Speed::High, _) => 0,
    };
    context.max_burst_z() <= largest
}

/// Interval: xHCI 1.2 §6.2.3.6. A Max ESIT Payload of 0 says nothing, as in stock firmware; one that is more than a service interval can
/// carry is refused (§4.14.2).
fn period_is_sound(context: &EndpointContext, speed: Speed) -> bool {
    let intervals = match speed {
        Speed::Low | Speed::Full => 3..=10,
        Speed::High | Speed::Super | Speed::SuperPlus => 0..=15,
    };
    let burst = u32::from(context.max_burst_z()) + 1;
    let largest = u32::from(context.max_packet_size()) * burst;
    intervals.contains(&context.interval()) && context.max_esit_payload() <= largest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dci(index: u8) -> Dci {
        Dci::new(index).unwrap_or(Dci::CONTROL)
    }

    fn bulk_in(size: u16) -> EndpointContext {
        EndpointContext::default()
            .with_endpoint_type(EndpointType::BulkIn)
            .with_max_packet_size(size)
    }

    fn keyboard() -> EndpointContext {
        EndpointContext::default()
            .with_endpoint_type(EndpointType::InterruptIn)
            .with_max_packet_size(8)
            .with_interval(6)
            .with_max_esit_payload(8)
    }

    #[test]
    fn a_bulk_endpoint_has_the_packet_size_of_its_speed() {
        let refuse = Some(CompletionCode::PARAMETER_ERROR);
        for (speed, size, expected) in [
            (Speed::Super, 1024, None),
            (Speed::Super, 512, refuse),
            (Speed::High, 512, None),
            (Speed::High, 64, refuse),
            (Speed::Full, 64, None),
            (Speed::Full, 63, refuse),
            (Speed::Low, 8, refuse),
        ] {
            assert_eq!(
                endpoint_refusal(&bulk_in(size), dci(3), speed),
                expected,
                "{speed} {size}"
            );
        }
    }

    #[test]
    fn an_endpoint_stands_at_an_index_of_its_direction() {
        let refuse = Some(CompletionCode::PARAMETER_ERROR);
        assert_eq!(
            endpoint_refusal(&bulk_in(1024), dci(4), Speed::Super),
            refuse
        );
        let out = bulk_in(1024).with_endpoint_type(EndpointType::BulkOut);
        assert_eq!(endpoint_refusal(&out, dci(4), Speed::Super), None);
        assert_eq!(endpoint_refusal(&out, dci(3), Speed::Super), refuse);
    }

    #[test]
    fn an_interval_fits_the_speed() {
        let refuse = Some(CompletionCode::PARAMETER_ERROR);
        for (speed, interval, expected) in [
            (Speed::Full, 2, refuse),
            (Speed::Full, 3, None),
            (Speed::Low, 10, None),
            (Speed::Low, 11, refuse),
            (Speed::High, 0, None),
            (Speed::High, 15, None),
            (Speed::High, 16, refuse),
        ] {
            let context = keyboard().with_interval(interval);
            assert_eq!(
                endpoint_refusal(&context, dci(3), speed),
                expected,
                "{speed} {interval}"
            );
        }
    }

    #[test]
    fn more_payload_than_an_interval_carries_is_refused() {
        let refuse = Some(CompletionCode::PARAMETER_ERROR);
        let check = |context| endpoint_refusal(&context, dci(3), Speed::High);
        assert_eq!(check(keyboard().with_max_esit_payload(9)), refuse);
        assert_eq!(
            check(keyboard().with_max_esit_payload(9).with_max_burst_z(1)),
            None
        );
        assert_eq!(check(keyboard().with_max_burst_z(3)), refuse);
        assert_eq!(check(keyboard().with_max_esit_payload(0)), None);
    }

    #[test]
    fn isochronous_endpoints_find_no_resources_and_stream_endpoints_no_meaning() {
        let isoch = keyboard().with_endpoint_type(EndpointType::IsochIn);
        assert_eq!(
            endpoint_refusal(&isoch, dci(3), Speed::High),
            Some(CompletionCode::RESOURCE_ERROR)
        );
        let streams = bulk_in(1024).with_max_primary_streams(1);
        assert_eq!(
            endpoint_refusal(&streams, dci(3), Speed::Super),
            Some(CompletionCode::PARAMETER_ERROR)
        );
    }

    #[test]
    fn the_control_endpoint_has_a_packet_size_of_its_speed() {
        let control = EndpointContext::default().with_endpoint_type(EndpointType::Control);
        for (speed, size, sound) in [
            (Speed::Super, 512, true),
            (Speed::Super, 64, false),
            (Speed::High, 64, true),
            (Speed::Full, 8, true),
            (Speed::Full, 64, true),
            (Speed::Full, 12, false),
            (Speed::Low, 64, false),
        ] {
            let context = control.with_max_packet_size(size);
            assert_eq!(control_is_sound(&context, speed), sound, "{speed} {size}");
        }
    }
}
