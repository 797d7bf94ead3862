//! Trees that come and go, with a virtual clock.

mod support;

use std::time::Duration;

use host::{DeviceInfo, Engine};
use local::{DeviceSpec, Local, Location};
use support::engine_of;

fn spec(text: &str) -> DeviceSpec {
    text.parse().expect("a device")
}

fn places(engine: &Engine<Local>) -> Vec<String> {
    let place = |device: &DeviceInfo| Location::from(&device.place).to_string();
    let mut places: Vec<_> = engine.devices().map(place).collect();
    places.sort();
    places
}

/// A generator of numbers in no order (xorshift64), always the same ones.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Plugs something in at a random port of a random hub, or pulls out what is there.
fn disturb(local: &mut Local, dice: &mut Dice) {
    let kinds = [
        "hub",
        "hub:speed=high",
        "hub:speed=full",
        "hub(keyboard; disk:size=1M,pattern)",
        "keyboard",
        "tablet",
        "serial",
        "zero",
        "disk:size=1M,pattern",
        "composite:size=1M",
        "zero:speed=super",
        "keyboard:speed=full",
    ];
    let places: Vec<_> = local.locations().collect();
    let inner: Vec<_> = places.iter().filter(|at| at.hub().is_some()).collect();
    if places.len() >= 20 || (dice.below(5) == 0 && !inner.is_empty()) {
        local.detach(*dice.pick(&inner)).expect("it is there");
        return;
    }
    // Most places are no hubs, and some sockets are taken: what is refused changes nothing.
    for _ in 0..10 {
        let hub = dice.pick(&places);
        let port = u8::try_from(1 + dice.below(4)).expect("four ports");
        let what = spec(dice.pick(&kinds));
        if local.attach_behind(hub, port, &what).is_ok() {
            return;
        }
    }
}

/// `DOORBELL_PLUGS=1000` for the long run.
#[test]
fn a_tree_plugged_and_pulled_at_random_is_right_each_time() {
    let plugs = std::env::var("DOORBELL_PLUGS").ok();
    let plugs = plugs.and_then(|plugs| plugs.parse().ok()).unwrap_or(100);
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let mut engine = engine_of(&["hub"], 2);
    let mut most = 0;
    for round in 0..plugs {
        for _ in 0..=dice.below(3) {
            disturb(engine.backend_mut(), &mut dice);
            let time = Duration::from_millis(dice.below(300) as u64);
            engine.run_until::<()>(Some(time), |engine| {
                while engine.poll_notice().is_some() {}
                None
            });
        }
        let mut expected: Vec<_> = engine
            .backend_mut()
            .locations()
            .map(|at| at.to_string())
            .collect();
        expected.sort();
        most = most.max(expected.len());
        let right = |engine: &mut Engine<Local>| {
            while engine.poll_notice().is_some() {}
            (places(engine) == expected).then_some(())
        };
        let found = engine.run_until(Some(Duration::from_secs(60)), right);
        assert!(
            found.is_some(),
            "round {round}: {:?} and not {expected:?}",
            places(&engine)
        );
    }
    assert!(most >= 15, "no more than {most} devices");
    let port = engine.backend_mut().ports().next().expect("the hub");
    engine.backend_mut().detach(port).unwrap();
    let gone = |engine: &mut Engine<Local>| (engine.devices().count() == 0).then_some(());
    let gone = engine.run_until(Some(Duration::from_secs(10)), gone);
    assert!(gone.is_some(), "left: {:?}", places(&engine));
    engine.shutdown().unwrap();
    engine.pool().memory().check_canaries().unwrap();
}
