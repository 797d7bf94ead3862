//! Numbers and addresses at their edges.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use xhci_spec::number::{Dci, Iova, PortId, RouteString, SlotId, SpeedId};

#[test]
fn zero_is_no_slot_and_no_port() {
    assert_eq!(SlotId::new(0), None);
    assert_eq!(PortId::new(0), None);
    assert_eq!(SlotId::new(255).map(SlotId::get), Some(255));
    assert_eq!(
        size_of::<Option<SlotId>>(),
        1,
        "the raw byte and its meaning are one byte"
    );
}

#[test]
fn an_endpoint_and_its_index_name_each_other() {
    assert_eq!(Dci::from_endpoint(0, false), Some(Dci::CONTROL));
    assert_eq!(Dci::from_endpoint(0, true), Some(Dci::CONTROL));
    assert_eq!(Dci::from_endpoint(16, false), None);
    assert_eq!(Dci::new(0), None);
    assert_eq!(Dci::new(32), None);
    for dci in Dci::all().skip(1) {
        let again = Dci::from_endpoint(dci.endpoint_number(), dci.is_in());
        assert_eq!(again, Some(dci));
        let address = dci.endpoint_number() | u8::from(dci.is_in()) << 7;
        assert_eq!(Dci::from_address(address), dci);
    }
    assert_eq!(Dci::all().count(), 31);
    assert_eq!(Dci::from_address(0x81).get(), 3);
    assert_eq!(Dci::from_address(0x02).get(), 4);
}

#[test]
fn a_range_crosses_a_boundary_only_when_bytes_lie_on_both_sides() {
    let at = Iova(0x1_fff0);
    assert!(!at.crosses(0x10, 0x1_0000), "it ends at the boundary");
    assert!(at.crosses(0x11, 0x1_0000));
    assert!(!at.crosses(0, 0x1_0000));
    assert!(!Iova(0x2_0000).crosses(0x1_0000, 0x1_0000));
    assert!(Iova(0x2_0000).crosses(0x1_0001, 0x1_0000));
    assert!(Iova(u64::MAX).crosses(2, 0x1000));
}

#[test]
fn an_address_beyond_the_end_is_none_or_wraps_as_asked() {
    assert_eq!(Iova(u64::MAX).checked_add(1), None);
    assert_eq!(Iova(u64::MAX).offset(1), Iova(0));
    assert_eq!(Iova(8).checked_add(8), Some(Iova(16)));
    assert!(Iova(0x40).is_aligned(64) && !Iova(0x48).is_aligned(64));
}

#[test]
fn addresses_and_routes_print_as_people_write_them() {
    assert_eq!(Iova(0x1f00).to_string(), "0x1f00");
    assert_eq!(format!("{:x}", Iova(0x1f00)), "1f00");
    let route = RouteString::ROOT.push(2).and_then(|route| route.push(4));
    assert_eq!(route.map(|route| route.to_string()).as_deref(), Some("2.4"));
    assert_eq!(RouteString::ROOT.to_string(), "");
    assert_eq!(SpeedId::HIGH.to_string(), "high");
    assert_eq!(SpeedId(9).to_string(), "speed id 9");
}

#[test]
fn a_route_has_five_tiers_and_fifteen_ports() {
    let mut route = RouteString::ROOT;
    for port in 1..=5 {
        route = route.push(port).expect("there is room");
        assert_eq!(route.depth(), port);
    }
    assert_eq!(route.get(), 0x5_4321);
    assert_eq!(route.push(1), None, "the sixth tier does not exist");
    assert_eq!(route.tier(1), Some(1));
    assert_eq!(route.tier(5), Some(5));
    assert_eq!((route.tier(0), route.tier(6)), (None, None));
    assert_eq!(RouteString::ROOT.push(0), None);
    let wide = RouteString::ROOT.push(20).expect("there is room");
    assert_eq!(wide.tier(1), Some(15));
}

proptest! {
    #[test]
    fn crossing_agrees_with_counting_pages(at in any::<u64>(), len in 1..1u64 << 20, shift in 4..17u32) {
        let boundary = 1u64 << shift;
        let last = u128::from(at) + u128::from(len) - 1;
        let expected = u128::from(at) / u128::from(boundary) != last / u128::from(boundary);
        prop_assert_eq!(Iova(at).crosses(len, boundary), expected);
    }

    #[test]
    fn a_route_never_holds_more_than_twenty_bits(bits in any::<u32>(), port in any::<u8>()) {
        let route = RouteString::new(bits);
        prop_assert!(route.get() < 1 << 20);
        if let Some(longer) = route.push(port) {
            prop_assert_eq!(longer.tier(route.depth() + 1), Some(port.min(15)));
        }
    }
}
