//! Trees of hubs: whatever is plugged, pulled, enabled and disabled in whatever order, each device answers when its whole path does.

use std::time::Duration;

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::Config;
use usb_model::{Cancelled, Status, Token, UsbDevice, descend};
use usb_spec::class::hub::{PortFeature, PortStatus, parse_status};
use usb_spec::{Setup, Speed};

use crate::common::RamSlice;
use crate::common::tree::{HubBench, disk, hub, keyboard};

const PORTS: u8 = 3;
const TIERS_MAX: usize = 5;

/// What should be in a socket.
#[derive(Debug)]
struct Node {
    speed: Speed,
    enabled: bool,
    address: u8,
    sockets: Vec<Socket>,
}

#[derive(Debug, Default)]
struct Socket {
    powered: bool,
    node: Option<Node>,
}

impl Node {
    fn new(is_hub: bool, speed: Speed) -> Self {
        Self {
            speed,
            enabled: false,
            address: 0,
            sockets: (0..if is_hub { PORTS } else { 0 })
                .map(|_| Socket::default())
                .collect(),
        }
    }

    /// Nothing behind it can be reached any more.
    fn cut(&mut self) {
        for socket in &mut self.sockets {
            socket.powered = false;
            if let Some(node) = &mut socket.node {
                node.enabled = false;
                node.cut();
            }
        }
    }

    fn socket(&mut self, route: &[u8]) -> Option<&mut Socket> {
        let (first, rest) = route.split_first()?;
        let socket = self.sockets.get_mut(usize::from(*first) - 1)?;
        if rest.is_empty() {
            Some(socket)
        } else {
            socket.node.as_mut()?.socket(rest)
        }
    }

    /// The address of the hub at a route, if it can be reached.
    fn reach(&self, route: &[u8]) -> Option<u8> {
        let Some((first, rest)) = route.split_first() else {
            return self.enabled.then_some(self.address);
        };
        let node = self.sockets.get(usize::from(*first) - 1)?.node.as_ref()?;
        if self.enabled { node.reach(rest) } else { None }
    }

    fn routes(&self, above: &[u8], all: &mut Vec<Vec<u8>>) {
        for (port, socket) in (1..).zip(&self.sockets) {
            let route = [above, &[port]].concat();
            if let Some(node) = &socket.node {
                node.routes(&route, all);
            }
            all.push(route);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Plug(Vec<u8>, u8),
    Pull(Vec<u8>),
    /// Pulled here, plugged in there, with all that is behind it.
    Move(Vec<u8>, Vec<u8>),
    Enable(Vec<u8>),
    Disable(Vec<u8>),
    PowerOff(Vec<u8>),
    /// A disk is asked to read: command, data, in one go.
    Read(Vec<u8>),
    /// The worker does what it has.
    Work,
}

fn route() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(1..=PORTS, 1..=TIERS_MAX)
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (route(), 0_u8..5).prop_map(|(route, kind)| Step::Plug(route, kind)),
        1 => route().prop_map(Step::Pull),
        1 => (route(), route()).prop_map(|(from, to)| Step::Move(from, to)),
        6 => route().prop_map(Step::Enable),
        1 => route().prop_map(Step::Disable),
        1 => route().prop_map(Step::PowerOff),
    ]
}

/// Steps with requests of which some are under way at any time.
fn busy_steps() -> impl Strategy<Value = Step> {
    let near = || proptest::collection::vec(1_u8..=2, 1..=3);
    let kind = prop_oneof![Just(0_u8), Just(3)];
    prop_oneof![
        2 => (near(), kind).prop_map(|(route, kind)| Step::Plug(route, kind)),
        6 => near().prop_map(Step::Enable),
        6 => near().prop_map(Step::Read),
        2 => near().prop_map(Step::Pull),
        1 => near().prop_map(Step::Disable),
        1 => Just(Step::Work),
        1 => steps(),
    ]
}

struct Play {
    bench: HubBench,
    /// Requests that have to be answered, and where they were sent.
    owed: Vec<(Vec<u8>, Token)>,
    root: Node,
    next_address: u8,
}

impl Play {
    fn new() -> Self {
        let mut root = Node::new(true, Speed::High);
        root.enabled = true;
        root.address = 5;
        Self {
            bench: HubBench::of(Speed::High, PORTS),
            owed: Vec::new(),
            root,
            next_address: 5,
        }
    }

    /// A route as far as there are hubs for it.
    fn cut_short(&mut self, route: &[u8]) -> Vec<u8> {
        let mut length = route.len();
        while self.root.socket(&route[..length]).is_none() {
            length -= 1;
        }
        route[..length].to_vec()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Plug(route, kind) => {
                let route = self.cut_short(route);
                let (device, node): (Box<dyn UsbDevice<RamSlice>>, Node) = match kind {
                    0..=2 => (
                        Box::new(hub(Speed::High, PORTS)),
                        Node::new(true, Speed::High),
                    ),
                    3 => (disk(Speed::High), Node::new(false, Speed::High)),
                    _ => (keyboard(Speed::Low), Node::new(false, Speed::Low)),
                };
                self.plug(&route, device, node);
            }
            Step::Pull(route) => {
                let route = self.cut_short(route);
                self.pull(&route);
            }
            Step::Move(from, to) => {
                let from = self.cut_short(from);
                if let Some((device, node)) = self.pull(&from) {
                    let to = self.cut_short(to);
                    self.plug(&to, device, node);
                }
            }
            Step::Enable(route) => self.enable(route),
            Step::Read(route) => self.read(route),
            Step::Work => self.bench.finish_work(),
            Step::Disable(route) => {
                if self.feature(route, PortFeature::PORT_ENABLE) {
                    let socket = self.root.socket(route).unwrap();
                    if let Some(node) = socket.node.as_mut().filter(|node| node.enabled) {
                        node.enabled = false;
                        node.cut();
                    }
                }
            }
            Step::PowerOff(route) => {
                if self.feature(route, PortFeature::PORT_POWER) {
                    let socket = self.root.socket(route).unwrap();
                    socket.powered = false;
                    if let Some(node) = &mut socket.node {
                        node.enabled = false;
                        node.cut();
                    }
                }
            }
        }
    }

    fn downstream(&mut self, route: &[u8]) -> &mut dyn usb_model::Downstream<RamSlice> {
        let above = &route[..route.len() - 1];
        let hub = descend(&mut self.bench.bench.device, above).expect("there is a hub");
        hub.hub().expect("it is a hub")
    }

    fn plug(&mut self, route: &[u8], device: Box<dyn UsbDevice<RamSlice>>, node: Node) {
        let port = *route.last().unwrap();
        let attached = self.downstream(route).attach(port, device);
        let socket = self.root.socket(route).unwrap();
        assert_eq!(attached.is_ok(), socket.node.is_none());
        if socket.node.is_none() {
            socket.node = Some(node);
        }
    }

    fn pull(&mut self, route: &[u8]) -> Option<(Box<dyn UsbDevice<RamSlice>>, Node)> {
        let port = *route.last().unwrap();
        let mut device = self.downstream(route).detach(port);
        let there = self.root.socket(route).unwrap().node.is_some();
        if device.is_none() && there {
            // A worker has its buffers; the device stays, but answers nobody.
            let silence = self.bench.ask(route, 0);
            assert!(matches!(
                silence,
                Some(Status::TransactionError | Status::SplitError)
            ));
            self.bench.finish_work();
            device = self.downstream(route).take_departed(port);
        }
        let mut node = self.root.socket(route).unwrap().node.take();
        assert_eq!(device.is_some(), node.is_some());
        if let Some(node) = &mut node {
            node.enabled = false;
            node.cut();
        }
        Some((device?, node?))
    }

    /// The command and its data, to whatever is there.
    fn read(&mut self, route: &[u8]) {
        let route = self.cut_short(route);
        let socket = self.root.socket(&route).unwrap();
        let Some(address) = socket.node.as_ref().map(|node| node.address) else {
            return;
        };
        let tokens = self.bench.submit_disk_read(&route, address);
        self.owed.extend(tokens.map(|token| (route.clone(), token)));
        self.bench.poll();
    }

    /// Every request was answered once, or waits for a device that has nothing to say.
    fn settle(mut self) {
        self.bench.finish_work();
        for (route, token) in std::mem::take(&mut self.owed) {
            if self.bench.answer(token).is_none() {
                let taken = self.bench.cancel(&route, token);
                assert!(
                    matches!(taken, Some(Cancelled::Taken(_))),
                    "{token:?} at {route:?} is lost"
                );
            }
            assert_eq!(self.bench.answer(token), None, "answered twice");
        }
    }

    /// Power, reset, address, configuration.
    fn enable(&mut self, route: &[u8]) {
        let (&port, above) = route.split_last().unwrap();
        if self.root.socket(route).is_none() {
            return;
        }
        let Some(address) = self.root.reach(above) else {
            return;
        };
        for feature in [PortFeature::PORT_POWER, PortFeature::PORT_RESET] {
            let setup = Setup::set_port_feature(feature, port);
            self.bench.control_at(above, address, setup);
            self.bench.wait(Duration::from_millis(10));
        }
        self.next_address = self.next_address % 126 + 1;
        let socket = self.root.socket(route).unwrap();
        socket.powered = true;
        if let Some(node) = &mut socket.node {
            node.cut();
            node.enabled = true;
            node.address = self.next_address;
            let is_disk = node.sockets.is_empty() && node.speed == Speed::High;
            self.bench.configure_child(route, self.next_address);
            if is_disk {
                self.bench.ready_disk(route, self.next_address);
            }
        }
    }

    /// Clears a feature of the port at the end of the route, if its hub can be reached.
    fn feature(&mut self, route: &[u8], feature: PortFeature) -> bool {
        let (&port, above) = route.split_last().unwrap();
        let Some(address) = self
            .root
            .reach(above)
            .filter(|_| self.root.socket(route).is_some())
        else {
            return false;
        };
        self.bench
            .control_at(above, address, Setup::clear_port_feature(feature, port));
        true
    }

    fn check(&mut self) {
        let mut routes = Vec::new();
        self.root.routes(&[], &mut routes);
        for route in routes {
            let (&port, above) = route.split_last().unwrap();
            let reach = self.root.reach(&route);
            let hub = self.root.reach(above);
            let socket = self.root.socket(&route).unwrap();
            let there = descend(&mut self.bench.bench.device, &route).is_some();
            assert_eq!(there, socket.node.is_some(), "{route:?}");
            let low = socket
                .node
                .as_ref()
                .is_some_and(|node| node.speed == Speed::Low);
            let silence = if low {
                Status::SplitError
            } else {
                Status::TransactionError
            };
            let expected = reach.map_or(silence, |_| Status::Ok);
            if let Some(address) = socket.node.as_ref().map(|node| node.address) {
                assert_eq!(self.bench.ask(&route, address), Some(expected), "{route:?}");
            }
            if let Some(address) = hub {
                let bytes = self
                    .bench
                    .control_in_at(above, address, Setup::get_port_status(port));
                let status = PortStatus(parse_status(bytes.try_into().unwrap()).0);
                let socket = self.root.socket(&route).unwrap();
                assert_eq!(status.is_powered(), socket.powered);
                assert_eq!(
                    status.is_connected(),
                    socket.powered && socket.node.is_some()
                );
                assert_eq!(status.is_enabled(), reach.is_some());
            }
        }
    }
}

proptest! {
    #![proptest_config(Config::with_cases(128))]

    #[test]
    fn a_tree_keeps_exact_state_whatever_is_plugged_and_pulled(
        steps in proptest::collection::vec(steps(), 1..80),
    ) {
        let mut play = Play::new();
        for step in &steps {
            play.step(step);
        }
        play.check();
    }

    #[test]
    fn every_request_into_a_tree_is_answered_or_can_be_taken_back(
        steps in proptest::collection::vec(busy_steps(), 1..120),
    ) {
        let mut play = Play::new();
        for step in &steps {
            play.step(step);
        }
        play.settle();
    }

    #[test]
    fn nothing_is_owed_by_a_tree_that_was_pulled_apart(
        ports in proptest::collection::vec(1..=PORTS, TIERS_MAX),
        cut in 0..TIERS_MAX,
        power in any::<bool>(),
    ) {
        let mut play = Play::new();
        for tier in 1..=TIERS_MAX {
            let kind = if tier == TIERS_MAX { 3 } else { 0 };
            play.step(&Step::Plug(ports[..tier].to_vec(), kind));
            play.step(&Step::Enable(ports[..tier].to_vec()));
        }
        play.check();
        let address = play.root.reach(&ports).unwrap();
        let read = play.bench.read(&ports, address);
        let back = play.bench.read(&ports, address);
        assert!(matches!(play.bench.cancel(&ports, back), Some(Cancelled::Taken(_))));
        assert_eq!(play.bench.answer(read), None);
        let place = ports[..=cut].to_vec();
        play.step(&if power { Step::PowerOff(place.clone()) } else { Step::Pull(place.clone()) });
        assert_eq!(play.bench.answer(read), Some(Status::TransactionError));
        play.check();
    }
}

#[test]
fn super_speed_hubs_route_through_five_tiers_once_each_knows_its_depth() {
    let mut bench = HubBench::of(Speed::Super, 2);
    bench.configure_depth(0);
    let mut route = Vec::new();
    for depth in 1..=5_u8 {
        route.push(2);
        let device: Box<dyn UsbDevice<RamSlice>> = if depth < 5 {
            Box::new(hub(Speed::Super, 2))
        } else {
            disk(Speed::Super)
        };
        let above = route[..route.len() - 1].to_vec();
        let parent = descend(&mut bench.bench.device, &above).unwrap();
        parent.hub().unwrap().attach(2, device).unwrap();
        let setup = Setup::set_port_feature(PortFeature::PORT_POWER, 2);
        bench.control_at(&above, depth - 1, setup);
        bench.wait(Duration::from_millis(13));
        bench.configure_child(&route, depth);
        if depth < 5 {
            bench.control(&route, depth, Setup::set_hub_depth(depth));
        }
    }
    assert_eq!(bench.ask(&route, 5), Some(Status::Ok));
}
