//! Bringing controllers up, of every make that the specification allows, and handing them back.

use std::time::Duration;

use testkit::{Pair, PairOptions};
use usb_model::device::KeyboardOptions;
use xhci_driver::{Death, Notice, Phase, Policy, StartError};
use xhci_model::{FirmwareHandoff, Geometry, WideWrite};

fn phases(pair: &Pair) -> Vec<Phase> {
    let ended = |notice: &Notice| match notice {
        Notice::PhaseEnded { phase, .. } => Some(*phase),
        _ => None,
    };
    pair.notices().iter().filter_map(ended).collect()
}

#[test]
fn the_phases_come_in_order_and_shutdown_leaves_a_halted_controller_and_no_memory() {
    let pair = Pair::up().expect("it comes up");
    let expected = [
        Phase::Handoff,
        Phase::Reset,
        Phase::Start,
        Phase::SelfTest,
        Phase::Ports,
    ];
    assert_eq!(phases(&pair), expected);
    assert!(!pair.status().halted());
    pair.finish().expect("nothing is left behind");
}

#[test]
fn every_combination_of_the_main_options_comes_up_with_a_keyboard() {
    for bits in 0..16_u32 {
        for interrupters in [1, 2, 4] {
            let bit = |n: u32| bits >> n & 1 == 1;
            let mut options = PairOptions::default();
            options.model.contexts_64 = bit(0);
            options.model.addressing_64 = bit(1);
            options.model.scratchpad_buffers = if bit(2) { 31 } else { 0 };
            options.model.port_power_control = bit(3);
            options.interrupters = interrupters;
            let mut pair = Pair::up_with(options).expect("it comes up");
            let (port, _) = pair.plug_keyboard(KeyboardOptions::default());
            pair.attached(port).expect("the keyboard is enumerated");
            pair.finish().expect("nothing is left behind");
        }
    }
}

#[test]
fn two_hundred_random_controllers_come_up_with_a_keyboard_and_go_down() {
    for seed in 0..200 {
        let mut pair = Pair::up_with(PairOptions::seeded(seed))
            .unwrap_or_else(|hang| panic!("seed {seed}: {hang}"));
        let (port, _) = pair.plug_keyboard(KeyboardOptions::default());
        pair.attached(port)
            .unwrap_or_else(|hang| panic!("seed {seed}: {hang}"));
        pair.finish()
            .unwrap_or_else(|hang| panic!("seed {seed}: {hang}"));
    }
}

#[test]
fn register_blocks_may_lie_anywhere() {
    for seed in 0..50 {
        let mut options = PairOptions::default();
        options.model.geometry = Geometry::scattered(seed, &options.model);
        let pair = Pair::up_with(options).unwrap_or_else(|hang| panic!("seed {seed}: {hang}"));
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn firmware_that_lets_go_late_is_waited_for_and_one_that_never_does_is_overruled() {
    let up = |firmware| {
        let mut options = PairOptions::default();
        options.model.behaviour.firmware = firmware;
        let pair = Pair::up_with(options).expect("it comes up");
        let forced = pair.notices().contains(&Notice::ForcedHandoff);
        let took = pair.notices().iter().find_map(|notice| match notice {
            Notice::PhaseEnded {
                phase: Phase::Handoff,
                took,
            } => Some(*took),
            _ => None,
        });
        pair.finish().expect("nothing is left behind");
        (forced, took.expect("the handoff ended"))
    };
    let late = Duration::from_millis(900);
    let (forced, took) = up(FirmwareHandoff::GivesUpAfter(late));
    assert!(!forced && took >= late, "{took:?}");
    let (forced, took) = up(FirmwareHandoff::Never);
    assert!(forced && took >= Duration::from_secs(1), "{took:?}");
    for quick in [FirmwareHandoff::Absent, FirmwareHandoff::NotOwner] {
        let (forced, took) = up(quick);
        assert!(!forced && took < Duration::from_millis(20), "{took:?}");
    }
}

#[test]
fn a_controller_that_reads_one_half_of_a_register_at_a_time_comes_up() {
    for wide_write in [
        WideWrite::BothHalves,
        WideWrite::HighHalf,
        WideWrite::LowHalf,
    ] {
        for high_half_first in [false, true] {
            // A driver that writes the half last that this controller does not wait for cannot work, and need not.
            let hopeless = match wide_write {
                WideWrite::BothHalves => false,
                WideWrite::HighHalf => high_half_first,
                WideWrite::LowHalf => !high_half_first,
            };
            if hopeless {
                continue;
            }
            let mut options = PairOptions::default();
            options.model.behaviour.wide_write = wide_write;
            options.policy.high_half_first = high_half_first;
            let pair = Pair::up_with(options).expect("it comes up");
            assert!(!pair.driver().is_dead(), "{:?}", pair.notices());
            pair.finish().expect("nothing is left behind");
        }
    }
}

#[test]
fn a_slow_reset_is_waited_for_and_one_that_never_ends_is_told() {
    let up = |reset| {
        let mut options = PairOptions::default();
        options.model.behaviour.reset = reset;
        Pair::up_with(options).expect("it comes to an end")
    };
    let pair = up(Duration::from_secs(9));
    assert!(phases(&pair).contains(&Phase::Ports));
    pair.finish().expect("nothing is left behind");
    let pair = up(Duration::from_secs(3600));
    let stuck = pair.notices().iter().any(|notice| {
        matches!(
            notice,
            Notice::Died {
                cause: Death::Start(StartError::Stuck { register, .. })
            } if *register == "USBCMD.HCRST"
        )
    });
    assert!(stuck, "{:?}", pair.notices());
    pair.finish().expect("nothing is left behind");
}

#[test]
fn a_controller_that_is_still_waking_up_is_not_touched_before_it_is_ready() {
    let mut options = PairOptions::default();
    options.model.behaviour.power_on = Duration::from_secs(2);
    options.model.behaviour.reset_not_ready = Duration::from_secs(1);
    let pair = Pair::up_with(options).expect("it comes up");
    assert!(pair.now().as_nanos() >= 3_000_000_000);
    pair.finish().expect("nothing is left behind");
}

#[test]
fn small_rings_and_many_event_segments_come_up() {
    for (segment_trbs, event_segments) in [(16, 1), (16, 8), (4096, 1), (32, 5)] {
        let options = PairOptions {
            policy: Policy {
                segment_trbs,
                event_segments,
                ..Policy::default()
            },
            ..PairOptions::default()
        };
        let mut pair = Pair::up_with(options).expect("it comes up");
        let (port, _) = pair.plug_keyboard(KeyboardOptions::default());
        pair.attached(port).expect("the keyboard is enumerated");
        pair.finish().expect("nothing is left behind");
    }
}

#[test]
fn a_shutdown_at_any_moment_of_an_enumeration_comes_to_rest() {
    for milliseconds in (0..320).step_by(3) {
        let mut pair = Pair::up().expect("it comes up");
        pair.plug_keyboard(KeyboardOptions::default());
        let while_it_comes = Duration::from_millis(milliseconds);
        pair.run_for(while_it_comes).expect("time passes");
        pair.finish()
            .unwrap_or_else(|hang| panic!("after {milliseconds} ms: {hang:?}"));
    }
}
