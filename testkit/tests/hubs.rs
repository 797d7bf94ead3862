//! Hubs: the driver's side and the model's, face to face.

use std::time::Duration;

use testkit::{Hang, Pair, PairOptions, Random};
use usb_model::device::{Hub, HubOptions, Keyboard, KeyboardOptions};
use usb_model::{Downstream, UsbDevice};
use usb_spec::speed::Speed;
use volmem::VolatileSlice;
use xhci_driver::DeviceInfo;
use xhci_spec::number::SlotId;

type Device = Box<dyn UsbDevice<VolatileSlice>>;

fn keyboard(speed: Speed, serial: &str) -> Device {
    let options = KeyboardOptions {
        speed,
        serial: serial.into(),
        ..KeyboardOptions::default()
    };
    Box::new(Keyboard::new(options))
}

fn hub(speed: Speed, multi_tt: bool, children: Vec<(u8, Device)>) -> Hub<VolatileSlice> {
    let mut hub = Hub::new(&HubOptions {
        speed,
        multi_tt,
        ..HubOptions::default()
    });
    for (port, child) in children {
        hub.attach(port, child).expect("a free port");
    }
    hub
}

fn devices(pair: &Pair) -> Vec<DeviceInfo> {
    pair.driver().devices().cloned().collect()
}

fn find(pair: &Pair, route: u32) -> Option<DeviceInfo> {
    let mut devices = pair.driver().devices();
    devices
        .find(|device| device.place.route.get() == route)
        .cloned()
}

fn wait_for(pair: &mut Pair, count: usize) -> Result<(), Hang> {
    pair.wait("devices behind hubs", Duration::from_secs(60), |pair| {
        (pair.driver().devices().count() == count).then_some(())
    })
}

#[test]
fn a_keyboard_behind_a_high_speed_hub_is_reached_through_its_translator() -> Result<(), Hang> {
    let mut pair = Pair::up()?;
    let port = pair.free_port(Speed::High);
    let tree = hub(Speed::High, false, vec![(3, keyboard(Speed::Low, "low"))]);
    pair.plug(port, tree);
    wait_for(&mut pair, 2)?;
    let hub: SlotId = find(&pair, 0).expect("the hub itself").slot;
    let keyboard = find(&pair, 0x3).expect("a device at route 3");
    assert_eq!(keyboard.serial.as_deref(), Some("low"));
    assert_eq!(keyboard.speed, Speed::Low);
    let parent = keyboard.place.parent.expect("it hangs on a hub");
    assert_eq!((parent.hub, parent.port), (hub, 3));
    let translator = keyboard
        .translator
        .expect("low speed behind a high-speed hub");
    assert_eq!((translator.at.hub, translator.multi), (hub, false));
    let info = pair
        .driver()
        .device(hub)
        .and_then(|hub| hub.hub)
        .expect("a hub");
    assert_eq!(info.ports, 4);
    pair.finish().map(drop)
}

#[test]
fn a_hub_with_several_translators_runs_them_all() -> Result<(), Hang> {
    let mut pair = Pair::up()?;
    let port = pair.free_port(Speed::High);
    pair.plug(
        port,
        hub(Speed::High, true, vec![(1, keyboard(Speed::Full, "full"))]),
    );
    wait_for(&mut pair, 2)?;
    let keyboard = find(&pair, 0x1).expect("a device at route 1");
    assert!(
        keyboard
            .translator
            .is_some_and(|translator| translator.multi)
    );
    pair.finish().map(drop)
}

#[test]
fn five_tiers_of_hubs_carry_a_device_on_each() -> Result<(), Hang> {
    let mut pair = Pair::up()?;
    let port = pair.free_port(Speed::High);
    let mut tree = hub(
        Speed::Full,
        false,
        vec![(2, keyboard(Speed::Low, "tier 5"))],
    );
    for tier in (1..5).rev() {
        let keyboard = keyboard(Speed::Full, &format!("tier {tier}"));
        tree = hub(
            Speed::High,
            tier % 2 == 0,
            vec![(1, Box::new(tree)), (2, keyboard)],
        );
    }
    pair.plug(port, tree);
    wait_for(&mut pair, 10)?;
    for (tier, route) in [0x2_u32, 0x21, 0x211, 0x2111, 0x2_1111]
        .into_iter()
        .enumerate()
    {
        let keyboard = find(&pair, route).unwrap_or_else(|| panic!("a device at route {route:x}"));
        assert_eq!(keyboard.serial, Some(format!("tier {}", tier + 1)));
    }
    let deepest = find(&pair, 0x2_1111)
        .and_then(|device| device.translator)
        .expect("a translator");
    let high_speed = find(&pair, 0x111).expect("the last high-speed hub");
    assert_eq!(
        deepest.at.hub, high_speed.slot,
        "a full-speed hub hands on what stands above it"
    );
    pair.finish().map(drop)
}

#[test]
fn a_hub_that_is_pulled_takes_its_tree_with_it() -> Result<(), Hang> {
    let mut pair = Pair::up()?;
    let port = pair.free_port(Speed::High);
    let inner = hub(Speed::High, false, vec![(4, keyboard(Speed::Low, "inner"))]);
    let outer = hub(
        Speed::High,
        false,
        vec![(1, Box::new(inner)), (2, keyboard(Speed::Full, "outer"))],
    );
    pair.plug(port, outer);
    wait_for(&mut pair, 4)?;
    pair.unplug(port);
    wait_for(&mut pair, 0)?;
    assert!(devices(&pair).is_empty());
    pair.finish().map(drop)
}

#[test]
fn devices_come_and_go_behind_a_hub() -> Result<(), Hang> {
    let mut pair = Pair::up()?;
    let port = pair.free_port(Speed::High);
    pair.plug(port, hub(Speed::High, false, Vec::new()));
    wait_for(&mut pair, 1)?;
    for round in 0..5 {
        let new = keyboard(Speed::Low, &format!("round {round}"));
        pair.at_hub(port, &[], |hub| hub.attach(2, new).expect("a free port"));
        wait_for(&mut pair, 2)?;
        let found = find(&pair, 0x2).and_then(|device| device.serial);
        assert_eq!(found, Some(format!("round {round}")));
        pair.at_hub(port, &[], |hub| drop(hub.detach(2)));
        wait_for(&mut pair, 1)?;
    }
    pair.finish().map(drop)
}

#[test]
fn the_super_speed_half_of_a_hub_is_told_its_tier() -> Result<(), Hang> {
    let mut pair = Pair::up()?;
    let port = pair.free_port(Speed::Super);
    let inner = hub(Speed::Super, false, Vec::new());
    pair.plug(port, hub(Speed::Super, false, vec![(2, Box::new(inner))]));
    wait_for(&mut pair, 2)?;
    let hub = pair.wait(
        "the inner hub to tell of itself",
        Duration::from_secs(10),
        |pair| find(pair, 0x2).and_then(|inner| inner.hub),
    )?;
    let inner = find(&pair, 0x2).expect("the inner hub");
    assert_eq!((inner.speed, inner.translator), (Speed::Super, None));
    assert_eq!(hub.ports, 4);
    pair.finish().map(drop)
}

/// What the test has plugged in: the ways to hubs, and the ways to everything.
#[derive(Debug, Default)]
struct Tree {
    hubs: Vec<Vec<u8>>,
    all: Vec<Vec<u8>>,
    /// The last things done.
    log: Vec<(u64, &'static str, Vec<u8>)>,
}

impl Tree {
    fn routes(&self) -> Vec<u32> {
        let route = |way: &Vec<u8>| {
            let tiers = way.iter().enumerate();
            tiers.fold(0, |route, (tier, port)| {
                route | u32::from(*port) << (4 * tier)
            })
        };
        let mut routes: Vec<u32> = self.all.iter().map(route).collect();
        routes.sort_unstable();
        routes
    }
}

fn known_routes(pair: &Pair) -> Vec<u32> {
    let mut routes: Vec<u32> = pair
        .driver()
        .devices()
        .map(|device| device.place.route.get())
        .collect();
    routes.sort_unstable();
    routes
}

/// One plug or pull at a random port of a random hub.
fn disturb(pair: &mut Pair, port: xhci_spec::number::PortId, tree: &mut Tree, random: &mut Random) {
    let hub_way = tree.hubs[random.index(tree.hubs.len())].clone();
    let socket = random.pick(&[1, 2, 3, 4]);
    let mut way = hub_way.clone();
    way.push(socket);
    let at = pair.now().as_nanos() / 1_000_000;
    if tree.all.contains(&way) {
        tree.log.push((at, "pulled", way.clone()));
        pair.at_hub(port, &hub_way, |hub| drop(hub.detach(socket)));
        tree.all.retain(|other| !other.starts_with(&way));
        tree.hubs.retain(|other| !other.starts_with(&way));
        return;
    }
    if tree.all.len() >= 20 {
        return;
    }
    let is_hub = way.len() < 5 && random.below(2) == 0;
    let device: Device = if is_hub {
        // Below a full-speed hub everything runs at full speed at most, so these stand at the end.
        let speed = if way.len() == 4 {
            Speed::Full
        } else {
            Speed::High
        };
        Box::new(hub(speed, random.below(2) == 0, Vec::new()))
    } else {
        let speed = random.pick(&[Speed::Low, Speed::Full]);
        keyboard(speed, "")
    };
    let attached = pair.at_hub(port, &hub_way, |hub| hub.attach(socket, device).is_ok());
    assert!(attached, "the socket is free");
    tree.log
        .push((at, if is_hub { "hub" } else { "keyboard" }, way.clone()));
    tree.all.push(way.clone());
    if is_hub {
        tree.hubs.push(way);
    }
}

/// `DOORBELL_PLUGS=1000` for the long run.
#[test]
fn a_tree_of_five_tiers_plugged_at_random_is_right_each_time_and_leaves_nothing() -> Result<(), Hang>
{
    let plugs = std::env::var("DOORBELL_PLUGS")
        .ok()
        .and_then(|plugs| plugs.parse().ok())
        .unwrap_or(150);
    let mut random = Random::new(20);
    let mut pair = Pair::up_with(PairOptions::default())?;
    let port = pair.free_port(Speed::High);
    pair.plug(port, hub(Speed::High, true, Vec::new()));
    let mut tree = Tree {
        hubs: vec![Vec::new()],
        all: vec![Vec::new()],
        log: Vec::new(),
    };
    let mut most = 0;
    for _ in 0..plugs {
        tree.log.clear();
        // Several at once, now and then: some of them in the middle of what the others set off.
        for _ in 0..=random.below(3) {
            disturb(&mut pair, port, &mut tree, &mut random);
            pair.run_for(Duration::from_millis(random.below(200)))?;
        }
        let expected = tree.routes();
        most = most.max(expected.len());
        let what = format!("the tree {expected:x?}");
        let right = pair.wait(&what, Duration::from_secs(120), |pair| {
            (known_routes(pair) == expected).then_some(())
        });
        right.inspect_err(|_| {
            eprintln!(
                "the driver knows {:x?}; last disturbed {:?}",
                known_routes(&pair),
                tree.log
            )
        })?;
    }
    assert!(most >= 12, "the tree grew to {most} devices");
    pair.finish().map(drop)
}
