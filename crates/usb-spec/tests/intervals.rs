//! Service intervals and bandwidth against the table of xHCI 1.2 §6.2.3.6 and §4.14.2.

use usb_spec::descriptor::{
    Endpoint, SuperSpeedEndpointCompanion, SuperSpeedPlusIsochCompanion,
    max_bytes_per_service_interval, service_interval,
};
use usb_spec::{Direction, EndpointAddress, Speed, TransferKind};

fn exponent(kind: TransferKind, speed: Speed, b_interval: u8) -> u8 {
    service_interval(kind, speed, b_interval).exponent()
}

#[test]
fn slow_interrupt_endpoints_are_served_at_least_as_often_as_they_ask() {
    let table = [
        (1, 3),
        (2, 4),
        (3, 4),
        (4, 5),
        (7, 5),
        (8, 6),
        (10, 6),
        (16, 7),
        (24, 7),
        (32, 8),
        (128, 10),
        (255, 10),
    ];
    for speed in [Speed::Low, Speed::Full] {
        for (frames, expected) in table {
            assert_eq!(
                exponent(TransferKind::Interrupt, speed, frames),
                expected,
                "{frames} frames at {speed}"
            );
        }
        for frames in 1..=255u8 {
            let interval = service_interval(TransferKind::Interrupt, speed, frames);
            assert!(interval.microseconds() <= u32::from(frames) * 1000);
            assert!(interval.microseconds() * 2 > u32::from(frames) * 1000);
        }
    }
}

#[test]
fn fast_periodic_endpoints_count_in_powers_of_two() {
    for speed in [Speed::High, Speed::Super, Speed::SuperPlus] {
        for kind in [TransferKind::Interrupt, TransferKind::Isochronous] {
            for field in 1..=16u8 {
                assert_eq!(exponent(kind, speed, field), field - 1);
            }
        }
    }
    assert_eq!(
        service_interval(TransferKind::Interrupt, Speed::High, 7).microseconds(),
        8000
    );
}

#[test]
fn full_speed_isochronous_endpoints_count_in_powers_of_two_of_frames() {
    assert_eq!(exponent(TransferKind::Isochronous, Speed::Full, 1), 3);
    assert_eq!(exponent(TransferKind::Isochronous, Speed::Full, 16), 18);
}

#[test]
fn intervals_out_of_range_are_brought_to_its_ends() {
    for speed in [Speed::High, Speed::Super, Speed::SuperPlus] {
        assert_eq!(exponent(TransferKind::Interrupt, speed, 0), 0);
        assert_eq!(exponent(TransferKind::Interrupt, speed, 17), 15);
        assert_eq!(exponent(TransferKind::Isochronous, speed, 255), 15);
    }
    assert_eq!(exponent(TransferKind::Interrupt, Speed::Low, 0), 3);
    assert_eq!(exponent(TransferKind::Isochronous, Speed::Full, 0), 3);
    assert_eq!(exponent(TransferKind::Isochronous, Speed::Full, 200), 18);
}

#[test]
fn high_speed_bulk_tells_its_nak_rate_and_other_speeds_tell_nothing() {
    for (field, expected) in [(0, 0), (1, 0), (2, 1), (3, 1), (16, 4), (255, 7)] {
        assert_eq!(exponent(TransferKind::Bulk, Speed::High, field), expected);
        assert_eq!(
            exponent(TransferKind::Control, Speed::High, field),
            expected
        );
    }
    for speed in [Speed::Full, Speed::Super, Speed::SuperPlus] {
        assert_eq!(exponent(TransferKind::Bulk, speed, 255), 0);
    }
}

fn endpoint(kind: TransferKind, max_packet_size: u16) -> Endpoint {
    Endpoint::new(
        EndpointAddress::new(1, Direction::In),
        kind,
        max_packet_size,
        1,
    )
}

fn companion(
    max_burst: u8,
    attributes: u8,
    bytes_per_interval: u16,
) -> SuperSpeedEndpointCompanion {
    SuperSpeedEndpointCompanion {
        max_burst,
        attributes,
        bytes_per_interval,
    }
}

fn super_speed_bytes(
    kind: TransferKind,
    packet: u16,
    companion: SuperSpeedEndpointCompanion,
) -> u32 {
    max_bytes_per_service_interval(
        &endpoint(kind, packet),
        Speed::Super,
        Some(&companion),
        None,
    )
}

#[test]
fn an_honest_companion_is_believed() {
    assert_eq!(
        super_speed_bytes(TransferKind::Interrupt, 1024, companion(0, 0, 1024)),
        1024
    );
    assert_eq!(
        super_speed_bytes(TransferKind::Isochronous, 1024, companion(15, 2, 49152)),
        49152
    );
    assert_eq!(
        super_speed_bytes(TransferKind::Isochronous, 1024, companion(3, 0, 3000)),
        3000
    );
}

#[test]
fn a_companion_that_says_less_than_one_packet_is_not_believed() {
    assert_eq!(
        super_speed_bytes(TransferKind::Interrupt, 64, companion(0, 0, 8)),
        64
    );
    assert_eq!(
        super_speed_bytes(TransferKind::Interrupt, 64, companion(0, 0, 0)),
        64
    );
    assert_eq!(
        super_speed_bytes(TransferKind::Isochronous, 1024, companion(3, 1, 0)),
        8192
    );
}

#[test]
fn a_companion_that_says_more_than_its_bursts_carry_is_not_believed() {
    assert_eq!(
        super_speed_bytes(TransferKind::Interrupt, 64, companion(0, 0, 1024)),
        64
    );
    assert_eq!(
        super_speed_bytes(TransferKind::Isochronous, 1024, companion(0, 0, 65535)),
        1024
    );
}

#[test]
fn a_fast_isochronous_endpoint_tells_its_bytes_in_the_second_companion() {
    let (first, second) = (
        companion(15, 0x80, 1),
        SuperSpeedPlusIsochCompanion {
            bytes_per_interval: 98_304,
        },
    );
    let endpoint = endpoint(TransferKind::Isochronous, 1024);
    let with = |first| {
        max_bytes_per_service_interval(&endpoint, Speed::SuperPlus, Some(first), Some(&second))
    };
    assert_eq!(with(&first), 98_304);
    let absurd = SuperSpeedPlusIsochCompanion {
        bytes_per_interval: u32::MAX,
    };
    let bytes =
        max_bytes_per_service_interval(&endpoint, Speed::SuperPlus, Some(&first), Some(&absurd));
    assert_eq!(bytes, 0x00ff_ffff, "no more than a controller can be told");
    assert_eq!(
        with(&companion(15, 0, 4096)),
        4096,
        "without the first companion's bit the second has no say"
    );
}

#[test]
fn without_a_companion_one_packet_is_assumed() {
    assert_eq!(
        max_bytes_per_service_interval(
            &endpoint(TransferKind::Interrupt, 16),
            Speed::Super,
            None,
            None
        ),
        16
    );
}

#[test]
fn sizes_of_endpoint_0_are_known_for_each_speed() {
    for speed in Speed::ALL {
        let size = speed.default_ep0_max_packet_size();
        assert!(speed.allowed_control_packet_sizes().contains(&size));
    }
    assert_eq!(Speed::Full.ep0_max_packet_size(64), Some(64));
    assert_eq!(Speed::Full.ep0_max_packet_size(9), None);
    assert_eq!(Speed::High.ep0_max_packet_size(8), None);
    assert_eq!(Speed::Super.ep0_max_packet_size(9), Some(512));
    assert_eq!(
        Speed::Super.ep0_max_packet_size(255),
        None,
        "an exponent that no number holds"
    );
}
