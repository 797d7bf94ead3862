//! What Linux does to a controller's registers, as its own trace has it: everything decodes, no reserved bit is treated wrongly, and our
//! driver's way up passes the same milestones.
//!
//! The traces are of stock kernels on QEMU's `qemu-xhci`, made with mmiotrace.

use testkit::log::{Milestone, broken_rules, describe, milestones, parse_mmiotrace};
use testkit::{Pair, PairOptions, golden_text};
use xhci_hal::middleware::{MmioAccess, Side};
use xhci_spec::registers::{
    CapLength, DbOff, HccParams1, HcsParams1, Layout, Register, RtsOff, decode_offset,
};

const TRACES: [&str; 2] = [
    "xhci-mmiotrace-qemu-xhci-6.12.txt",
    "xhci-mmiotrace-qemu-xhci-7.3.txt",
];

fn trace(name: &str) -> (Layout, Vec<MmioAccess>) {
    let log = parse_mmiotrace(&golden_text(name)).expect("a trace that can be read");
    let read = |at: u32| {
        let mut reads = log.iter().filter(|access| access.side == Side::Read);
        let read = reads.find(|access| access.at == at);
        read.expect("Linux reads every capability register").value
    };
    let layout = Layout::from_capabilities(
        CapLength::from_bits(read(CapLength::OFFSET)),
        HcsParams1::from_bits(read(HcsParams1::OFFSET)),
        HccParams1::from_bits(read(HccParams1::OFFSET)),
        DbOff::from_bits(read(DbOff::OFFSET)),
        RtsOff::from_bits(read(RtsOff::OFFSET)),
    );
    (layout, log)
}

#[test]
fn every_access_of_linux_goes_to_a_register_with_a_name() {
    for name in TRACES {
        let (layout, log) = trace(name);
        assert!(log.len() > 300, "{name}: {} accesses", log.len());
        for access in &log {
            let register = decode_offset(&layout, access.at);
            assert!(register.is_some(), "{name}: {access} names nothing");
            let text = describe(&layout, access);
            assert!(!text.ends_with('?') && !text.contains("CAP?"), "{text}");
        }
    }
}

#[test]
fn linux_breaks_no_rule_about_reserved_bits() {
    for name in TRACES {
        let (layout, log) = trace(name);
        let broken = broken_rules(&layout, &log);
        assert!(broken.is_empty(), "{name}:\n{}", broken.join("\n"));
    }
}

#[test]
fn a_broken_rule_would_be_seen() {
    let (layout, _) = trace(TRACES[0]);
    let command = u32::from(layout.capability_length);
    let log = [
        MmioAccess::read(command, 0x8000_0000),
        MmioAccess::write(command, 1),
        MmioAccess::write(4, 7),
    ];
    let broken = broken_rules(&layout, &log);
    assert_eq!(broken.len(), 2, "{broken:?}");
}

#[test]
fn our_driver_breaks_no_rule_about_reserved_bits_on_the_way_up_and_down() {
    for seed in 0..20 {
        let options = PairOptions {
            keep_log: true,
            ..PairOptions::seeded(seed)
        };
        let mut pair = Pair::up_with(options).expect("it comes up");
        let layout = pair.layout();
        let broken = broken_rules(&layout, &pair.take_log());
        assert!(broken.is_empty(), "seed {seed}:\n{}", broken.join("\n"));
        pair.finish().expect("it goes down");
    }
}

/// What must have happened before what. xHCI 1.2 §4.2, §4.9.4.
const ORDER: &[(Milestone, Milestone)] = &[
    (Milestone::Halt, Milestone::Reset),
    (Milestone::Reset, Milestone::Config),
    (Milestone::Reset, Milestone::Dcbaap),
    (Milestone::Reset, Milestone::Crcr),
    (Milestone::Reset, Milestone::Erstsz),
    // To write the address is to have the table read, so its size comes first.
    (Milestone::Erstsz, Milestone::Erstba),
    (Milestone::Config, Milestone::Run),
    (Milestone::Dcbaap, Milestone::Run),
    (Milestone::Crcr, Milestone::Run),
    (Milestone::Erstba, Milestone::Run),
    (Milestone::Erdp, Milestone::Run),
    (Milestone::Run, Milestone::Command),
];

fn assert_in_order(who: &str, passed: &[Milestone]) {
    let place = |wanted: Milestone| {
        let place = passed.iter().position(|milestone| *milestone == wanted);
        place.unwrap_or_else(|| panic!("{who} never passes {wanted:?}: {passed:?}"))
    };
    for (first, second) in ORDER {
        assert!(
            place(*first) < place(*second),
            "{who}: {second:?} before {first:?} in {passed:?}"
        );
    }
    assert!(passed.contains(&Milestone::Iman), "{who}: no interrupts");
}

#[test]
fn linux_and_our_driver_pass_the_same_milestones_in_an_order_that_the_specification_allows() {
    for name in TRACES {
        let (layout, log) = trace(name);
        assert_in_order(name, &milestones(&layout, &log));
    }
    let options = PairOptions {
        keep_log: true,
        ..PairOptions::default()
    };
    let mut pair = Pair::up_with(options).expect("it comes up");
    let layout = pair.layout();
    assert_in_order("our driver", &milestones(&layout, &pair.take_log()));
}
