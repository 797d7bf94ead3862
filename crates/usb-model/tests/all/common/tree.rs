use std::collections::HashMap;
use std::time::Duration;

use usb_model::device::{Disk, DiskOptions, Hub, HubOptions, Keyboard, KeyboardOptions};
use usb_model::{
    Cancelled, Completion, Downstream, HostView, Output, PortFault, Request, Stage, Status, Token,
    UsbDevice, Work, WorkDone, descend,
};
use usb_spec::class::hub::{LinkState, PortFeature, parse_status};
use usb_spec::class::mass_storage::Cbw;
use usb_spec::class::mass_storage::scsi::Command;
use usb_spec::descriptor::{DeviceQualifier, LanguageId};
use usb_spec::setup::Feature;
use usb_spec::{DescriptorKind, Direction, EndpointAddress, Setup, Speed};

use super::{Bench, RamSlice};

pub(crate) const CHANGES: EndpointAddress = EndpointAddress(0x81);

/// A hub, and a host that reaches through it.
#[derive(Debug)]
pub(crate) struct HubBench {
    pub(crate) bench: Bench<Hub<RamSlice>>,
    pub(crate) held: Vec<(Vec<u8>, Work<RamSlice>)>,
    done: Vec<Completion<RamSlice>>,
    routes: Vec<Vec<u8>>,
    /// What each endpoint's next sequence number is, by route.
    sequences: HashMap<(Vec<u8>, u8), u8>,
    asked: HashMap<Token, (Vec<u8>, u8)>,
    next_token: u64,
}

pub(crate) fn keyboard(speed: Speed) -> Box<dyn UsbDevice<RamSlice>> {
    let options = KeyboardOptions {
        speed,
        ..KeyboardOptions::default()
    };
    Box::new(Keyboard::new(options))
}

pub(crate) fn disk(speed: Speed) -> Box<dyn UsbDevice<RamSlice>> {
    let options = DiskOptions {
        speed,
        ..DiskOptions::default()
    };
    Box::new(Disk::new(options))
}

pub(crate) fn hub(speed: Speed, ports: u8) -> Hub<RamSlice> {
    Hub::new(&HubOptions {
        speed,
        ports,
        ..HubOptions::default()
    })
}

impl HubBench {
    pub(crate) fn of(speed: Speed, ports: u8) -> Self {
        Self::new(hub(speed, ports))
    }

    pub(crate) fn with(options: &HubOptions) -> Self {
        Self::new(Hub::new(options))
    }

    /// Configured.
    pub(crate) fn new(hub: Hub<RamSlice>) -> Self {
        let mut bench = Bench::new(hub);
        let size = u16::from(bench.device.ports() / 8 + 1);
        bench.packet_sizes.insert(CHANGES.0, size);
        bench.configure();
        Self {
            bench,
            held: Vec::new(),
            done: Vec::new(),
            routes: Vec::new(),
            sequences: HashMap::new(),
            asked: HashMap::new(),
            next_token: 1 << 32,
        }
    }

    pub(crate) fn control_in(&mut self, setup: Setup) -> Result<Vec<u8>, Status> {
        self.bench.control_in(setup)
    }

    pub(crate) fn control_out(&mut self, setup: Setup) -> Status {
        self.bench.control_out(setup, &[])
    }

    pub(crate) fn descriptor(&mut self, kind: DescriptorKind, length: u16) -> Vec<u8> {
        let setup = Setup::get_descriptor(kind, 0, LanguageId::NONE, length);
        self.bench.control_in(setup).unwrap()
    }

    pub(crate) fn qualifier_protocol(&mut self) -> Option<u8> {
        let kind = DescriptorKind::DEVICE_QUALIFIER;
        let setup = Setup::get_descriptor(kind, 0, LanguageId::NONE, 10);
        let bytes = self.bench.control_in(setup).ok()?;
        Some(DeviceQualifier::parse(&bytes).unwrap().protocol)
    }

    pub(crate) fn status(&mut self, port: u8) -> (u16, u16) {
        let bytes = self.bench.control_in(Setup::get_port_status(port)).unwrap();
        parse_status(bytes.try_into().unwrap())
    }

    /// What the status change endpoint says now, as far as port 7.
    pub(crate) fn changes(&mut self) -> Option<u8> {
        let size = self.bench.packet_sizes.get(&CHANGES.0).copied().unwrap();
        let (status, bytes) = self.bench.transfer(CHANGES, usize::from(size))?;
        assert_eq!((status, bytes), (Status::Ok, usize::from(size)));
        Some(self.bench.ram.get(0, 1)[0])
    }

    pub(crate) fn set(&mut self, feature: PortFeature, port: u8) {
        let setup = Setup::set_port_feature(feature, port);
        assert_eq!(self.control_out(setup), Status::Ok);
    }

    pub(crate) fn clear(&mut self, feature: PortFeature, port: u8) {
        let setup = Setup::clear_port_feature(feature, port);
        assert_eq!(self.control_out(setup), Status::Ok);
    }

    pub(crate) fn set_link(&mut self, port: u8, link: LinkState) -> Status {
        let feature = PortFeature::PORT_LINK_STATE;
        self.control_out(Setup::set_port_feature_with(feature, port, link.0))
    }

    pub(crate) fn power(&mut self, port: u8) {
        self.set(PortFeature::PORT_POWER, port);
    }

    pub(crate) fn configure_depth(&mut self, depth: u8) {
        assert_eq!(self.control_out(Setup::set_hub_depth(depth)), Status::Ok);
    }

    /// Power, and whatever leads to an enabled port.
    pub(crate) fn enable(&mut self, port: u8) {
        self.power(port);
        self.wait(Duration::from_millis(20));
        if !self.bench.device.speed().is_super() {
            self.set(PortFeature::PORT_RESET, port);
            self.wait(Duration::from_millis(20));
        }
    }

    pub(crate) fn attach(&mut self, port: u8, device: Box<dyn UsbDevice<RamSlice>>) {
        self.bench.device.attach(port, device).unwrap();
    }

    pub(crate) fn detach(&mut self, port: u8) -> Option<Box<dyn UsbDevice<RamSlice>>> {
        self.bench.device.detach(port)
    }

    pub(crate) fn fault(&mut self, port: u8, fault: PortFault) {
        self.bench.device.fault(port, fault);
    }

    /// Lets timers begin, waits, and lets them end.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.poll();
        self.bench.wait(time);
        self.poll();
    }

    /// What a controller does: the hub first, then what transfers have reached, until nobody has anything to say.
    pub(crate) fn poll(&mut self) {
        self.bench.run();
        for route in self.routes.clone() {
            for _ in 0..10_000 {
                let now = self.bench.now;
                let Some(device) = descend(&mut self.bench.device, &route) else {
                    break;
                };
                match device.poll(now) {
                    None => break,
                    Some(Output::Completion(completion)) => {
                        if let Some(key) = self.asked.remove(&completion.token) {
                            self.sequences.insert(key, completion.sequence);
                        }
                        self.done.push(completion);
                    }
                    Some(Output::Work(work)) => self.held.push((route.clone(), work)),
                    Some(Output::Wake) => panic!("ports keep what wakes them"),
                }
            }
        }
    }

    pub(crate) fn submit(
        &mut self,
        route: &[u8],
        address: u8,
        endpoint: EndpointAddress,
        stage: Stage,
        length: usize,
    ) -> Option<Token> {
        self.next_token += 1;
        let token = Token(self.next_token);
        let buffers = self.bench.buffers(0, length);
        let device = descend(&mut self.bench.device, route)?;
        let max_packet = match (endpoint.is_zero(), device.speed()) {
            (true, speed) => speed
                .allowed_control_packet_sizes()
                .last()
                .copied()
                .unwrap(),
            (false, Speed::Low | Speed::Full) => 64,
            (false, Speed::High) => 512,
            (false, Speed::Super | Speed::SuperPlus) => 1024,
        };
        let key = (route.to_vec(), endpoint.0);
        let sequence = self.sequences.get(&key).copied().unwrap_or(0);
        self.asked.insert(token, key);
        let host = HostView {
            sequence,
            max_packet,
            burst_z: 0,
        };
        device.submit(Request {
            token,
            address,
            endpoint,
            stage,
            buffers,
            length,
            host,
        });
        if !self.routes.iter().any(|known| known == route) {
            self.routes.push(route.to_vec());
        }
        Some(token)
    }

    pub(crate) fn answer(&mut self, token: Token) -> Option<Status> {
        self.poll();
        let at = self.done.iter().position(|done| done.token == token)?;
        Some(self.done.swap_remove(at).status)
    }

    pub(crate) fn cancel(&mut self, route: &[u8], token: Token) -> Option<Cancelled<RamSlice>> {
        Some(descend(&mut self.bench.device, route)?.cancel(token))
    }

    /// A SETUP for the device descriptor to a device behind the hub.
    pub(crate) fn request(&mut self, route: &[u8], address: u8) -> Token {
        let kind = DescriptorKind::DEVICE;
        let setup = Setup::get_descriptor(kind, 0, LanguageId::NONE, 8).to_bytes();
        let zero = EndpointAddress::ZERO;
        let token = self.submit(route, address, zero, Stage::Setup(setup), 0);
        token.expect("there is a device")
    }

    /// How that SETUP ends; `None` if there is no device.
    pub(crate) fn ask(&mut self, route: &[u8], address: u8) -> Option<Status> {
        descend(&mut self.bench.device, route)?;
        let token = self.request(route, address);
        Some(self.answer(token).expect("a SETUP is answered at once"))
    }

    /// A reading control transfer; the root hub is at the empty route.
    pub(crate) fn control_in_at(&mut self, route: &[u8], address: u8, setup: Setup) -> Vec<u8> {
        if route.is_empty() {
            return self.bench.control_in(setup).unwrap();
        }
        let zero = EndpointAddress::ZERO;
        let data = EndpointAddress::new(0, Direction::In);
        let length = usize::from(setup.length);
        for (endpoint, stage, length) in [
            (zero, Stage::Setup(setup.to_bytes()), 0),
            (data, Stage::ControlData, length),
            (zero, Stage::ControlStatus, 0),
        ] {
            let token = self.submit(route, address, endpoint, stage, length);
            assert_eq!(self.answer(token.unwrap()), Some(Status::Ok));
        }
        self.bench.ram.get(0, length)
    }

    /// A request without data; the root hub is at the empty route.
    pub(crate) fn control_at(&mut self, route: &[u8], address: u8, setup: Setup) {
        if route.is_empty() {
            assert_eq!(self.control_out(setup), Status::Ok);
        } else {
            self.control(route, address, setup);
        }
    }

    pub(crate) fn control(&mut self, route: &[u8], address: u8, setup: Setup) {
        let bytes = setup.to_bytes();
        let zero = EndpointAddress::ZERO;
        let first = self
            .submit(route, address, zero, Stage::Setup(bytes), 0)
            .unwrap();
        let status = EndpointAddress::new(0, Direction::In);
        let last = self
            .submit(route, address, status, Stage::ControlStatus, 0)
            .unwrap();
        assert_eq!(self.answer(first), Some(Status::Ok));
        assert_eq!(self.answer(last), Some(Status::Ok), "{setup:?}");
    }

    /// Address and configuration for a device that has just been reset.
    pub(crate) fn configure_child(&mut self, route: &[u8], address: u8) {
        self.control(route, 0, Setup::set_address(address));
        self.control(route, address, Setup::set_configuration(1));
        self.sequences.retain(|(known, _), _| known != route);
    }

    pub(crate) fn arm_child(&mut self, route: &[u8], address: u8) {
        let feature = Feature::DEVICE_REMOTE_WAKEUP;
        self.control(route, address, Setup::set_feature(feature));
    }

    /// A read that a disk without a command does not answer.
    pub(crate) fn read(&mut self, route: &[u8], address: u8) -> Token {
        let bulk = EndpointAddress::new(1, Direction::In);
        self.submit(route, address, bulk, Stage::Transfer, 512)
            .unwrap()
    }

    /// Lets a disk tell its unit attention.
    pub(crate) fn ready_disk(&mut self, route: &[u8], address: u8) {
        let cbw = Cbw::new(1, 0, Direction::In, 0, Command::TestUnitReady.emit());
        self.bench.ram.put(0, &cbw.to_bytes());
        for (number, direction, length) in
            [(2, Direction::Out, Cbw::LENGTH), (1, Direction::In, 13)]
        {
            let endpoint = EndpointAddress::new(number, direction);
            let token = self.submit(route, address, endpoint, Stage::Transfer, length);
            assert_eq!(self.answer(token.unwrap()), Some(Status::Ok));
        }
    }

    /// READ(10) of one block and its data, without waiting for anything.
    pub(crate) fn submit_disk_read(&mut self, route: &[u8], address: u8) -> [Token; 2] {
        let read = Command::Read10 {
            lba: 0,
            blocks: 1,
            fua: false,
        };
        let cbw = Cbw::new(1, 512, Direction::In, 0, read.emit());
        self.bench.ram.put(0, &cbw.to_bytes());
        let out = EndpointAddress::new(2, Direction::Out);
        let command = self.submit(route, address, out, Stage::Transfer, Cbw::LENGTH);
        [command.unwrap(), self.read(route, address)]
    }

    pub(crate) fn finish_work(&mut self) {
        for (route, work) in std::mem::take(&mut self.held) {
            let device = descend(&mut self.bench.device, &route).expect("it is waited for");
            device.complete(WorkDone {
                id: work.id,
                buffers: work.buffers,
                result: Ok(()),
            });
        }
        self.poll();
    }
}
