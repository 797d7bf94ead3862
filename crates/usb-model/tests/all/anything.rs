//! Whatever a host does: no panic, and each request is answered, taken back, or waits for something to say.

use std::collections::HashSet;

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::Config;
use usb_model::device::{
    Composite, CompositeOptions, Disk, DiskOptions, Framing, Hub, HubOptions, Keyboard,
    KeyboardOptions, Pattern, Pointer, Serial, SerialOptions, ShortData, Tablet, TabletOptions,
    Zero, ZeroOptions,
};
use usb_model::{Cancelled, Downstream, PortFault, Stage, Token, UsbDevice, WorkError};
use usb_spec::class::mass_storage::Cbw;
use usb_spec::{Direction, EndpointAddress, Setup, Speed};

use crate::common::{Bench, RamSlice};

#[derive(Clone, Debug)]
enum Step {
    Submit {
        endpoint: u8,
        stage: Stage,
        length: usize,
        sequence: u8,
        packet: u16,
    },
    Command(Vec<u8>),
    Control(Setup, usize),
    Run,
    Hold(bool),
    Fail(Option<WorkError>),
    Cancel(usize),
    Reset,
    Configure,
    Suspend(bool),
    Wait(u64),
}

fn stages() -> impl Strategy<Value = Stage> {
    prop_oneof![
        4 => Just(Stage::Transfer),
        1 => any::<[u8; 8]>().prop_map(Stage::Setup),
        1 => Just(Stage::ControlData),
        1 => Just(Stage::ControlStatus),
    ]
}

/// Setups whose numbers are mostly those that mean something.
fn setups() -> impl Strategy<Value = Setup> {
    let kind = prop_oneof![
        Just(0x00u8),
        Just(0x80),
        Just(0x01),
        Just(0x81),
        Just(0x02),
        Just(0x82),
        Just(0x21),
        Just(0xa1),
        Just(0x20),
        Just(0xa0),
        Just(0x23),
        Just(0xa3),
        Just(0x40),
        Just(0xc0),
        any::<u8>()
    ];
    let request = prop_oneof![
        0u8..13,
        Just(48),
        Just(49),
        Just(0x5b),
        Just(0x5c),
        Just(254),
        Just(255),
        any::<u8>()
    ];
    (
        kind,
        request,
        any::<[u8; 2]>(),
        prop_oneof![Just(0u8), Just(0x81), Just(2), any::<u8>()],
        0u8..40,
    )
        .prop_map(|(kind, request, value, index, length)| {
            Setup::from_bytes([
                kind,
                request,
                value[0] & 7,
                value[1] & 7,
                index,
                0,
                length,
                0,
            ])
        })
}

/// CBWs, mostly of operations that the disk knows, with blocks near the medium.
fn commands() -> impl Strategy<Value = Vec<u8>> {
    let operation = prop_oneof![
        Just(0x28u8),
        Just(0x2a),
        Just(0x88),
        Just(0x8a),
        Just(0x08),
        Just(0xaa),
        Just(0x12),
        Just(0x35),
        Just(0x03),
        Just(0x1b),
        any::<u8>()
    ];
    (
        operation,
        any::<[u8; 15]>(),
        any::<bool>(),
        0u32..5000,
        0u8..18,
        28usize..33,
    )
        .prop_map(|(operation, rest, inwards, length, size, cut)| {
            let mut cdb = [0; 16];
            cdb[0] = operation;
            for (to, from) in cdb[1..].iter_mut().zip(rest) {
                *to = from & 3;
            }
            let direction = if inwards {
                Direction::In
            } else {
                Direction::Out
            };
            let cbw = Cbw {
                tag: length,
                data_length: length,
                direction,
                lun: 0,
                cdb,
                cdb_length: size,
            };
            let mut bytes = cbw.to_bytes().to_vec();
            // One CBW in five has the wrong size.
            bytes.resize(if cut > 28 { 31 } else { 30 }, 0);
            bytes
        })
}

fn steps() -> impl Strategy<Value = Step> {
    let endpoint = prop_oneof![3 => Just(0x81u8), 3 => Just(0x02), 1 => Just(0x00), 1 => Just(0x80), 1 => any::<u8>()];
    let packet = prop_oneof![8 => Just(512u16), 1 => Just(64), 1 => Just(1024), 1 => any::<u16>()];
    let length = prop_oneof![Just(13usize), Just(31), 0usize..6000];
    let failure = prop_oneof![
        Just(None),
        Just(Some(WorkError::Read)),
        Just(Some(WorkError::Write)),
        Just(Some(WorkError::Gone))
    ];
    prop_oneof![
        8 => (endpoint, stages(), length, 0u8..3, packet)
            .prop_map(|(endpoint, stage, length, sequence, packet)| Step::Submit { endpoint, stage, length, sequence, packet }),
        6 => commands().prop_map(Step::Command),
        3 => (setups(), 0usize..40).prop_map(|(setup, length)| Step::Control(setup, length)),
        8 => Just(Step::Run),
        2 => any::<bool>().prop_map(Step::Hold),
        1 => failure.prop_map(Step::Fail),
        2 => (0usize..20).prop_map(Step::Cancel),
        1 => Just(Step::Reset),
        3 => Just(Step::Configure),
        1 => any::<bool>().prop_map(Step::Suspend),
        1 => (0u64..1_000_000_000).prop_map(Step::Wait),
    ]
}

/// A bench that knows which requests are still owed an answer.
struct Play<D> {
    bench: Bench<D>,
    owed: Vec<Token>,
}

impl<D: UsbDevice<RamSlice>> Play<D> {
    fn new(device: D) -> Self {
        let mut bench = Bench::new(device);
        bench.medium = vec![0; 1 << 20];
        Self {
            bench,
            owed: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Submit {
                endpoint,
                stage,
                length,
                sequence,
                packet,
            } => {
                self.bench.sequences.insert(*endpoint, *sequence);
                self.bench.packet_sizes.insert(*endpoint, *packet);
                self.owed.push(
                    self.bench
                        .submit(EndpointAddress(*endpoint), *stage, *length),
                );
            }
            Step::Command(bytes) => {
                self.bench.ram.put(0, bytes);
                self.owed.push(
                    self.bench
                        .submit(EndpointAddress(2), Stage::Transfer, bytes.len()),
                );
            }
            Step::Control(setup, length) => {
                let direction = setup.direction();
                for (direction, stage, length) in [
                    (Direction::Out, Stage::Setup(setup.to_bytes()), 0),
                    (direction, Stage::ControlData, *length),
                    (
                        if direction.is_in() {
                            Direction::Out
                        } else {
                            Direction::In
                        },
                        Stage::ControlStatus,
                        0,
                    ),
                ] {
                    self.owed.push(self.bench.submit(
                        EndpointAddress::new(0, direction),
                        stage,
                        length,
                    ));
                }
            }
            Step::Run => self.bench.run(),
            Step::Hold(true) => self.bench.hold = true,
            Step::Hold(false) => self.bench.release(),
            Step::Fail(error) => self.bench.fail = *error,
            Step::Cancel(at) => self.cancel(*at),
            Step::Reset => {
                self.bench.device.reset();
                self.bench.address = 0;
            }
            Step::Configure => {
                self.bench.device.suspend(false);
                self.bench.configure();
            }
            Step::Suspend(on) => self.bench.device.suspend(*on),
            Step::Wait(nanos) => self.bench.wait(std::time::Duration::from_nanos(*nanos)),
        }
        self.collect();
    }

    fn cancel(&mut self, at: usize) {
        let Some(token) = self.owed.get(at).copied() else {
            return;
        };
        match self.bench.device.cancel(token) {
            Cancelled::Taken(completion) => {
                assert_eq!(completion.token, token);
                self.owed.remove(at);
            }
            Cancelled::Busy => assert!(!self.bench.held.is_empty(), "busy without work under way"),
            Cancelled::Unknown => {}
        }
    }

    fn collect(&mut self) {
        let mut seen = HashSet::new();
        for completion in self.bench.done.drain(..) {
            assert!(seen.insert(completion.token), "answered twice");
            let at = self.owed.iter().position(|owed| *owed == completion.token);
            // The bench itself takes the answers of its own requests.
            if let Some(at) = at {
                self.owed.remove(at);
            }
        }
    }

    fn configure(&mut self, value: u8) {
        self.bench.configuration = value;
        self.bench.configure();
    }

    fn play(mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
        self.end();
    }

    fn end(mut self) {
        self.bench.device.suspend(false);
        self.bench.release();
        self.collect();
        while !self.owed.is_empty() {
            let before = self.owed.len();
            self.cancel(0);
            assert!(
                self.owed.len() < before,
                "neither answered nor pending: {:?}",
                self.owed[0]
            );
        }
    }
}

proptest! {
    #![proptest_config(Config::with_cases(256))]

    #[test]
    fn a_disk_survives_any_host(steps in proptest::collection::vec(steps(), 1..80), short in any::<bool>(), speed in 1usize..5) {
        let short_data = if short { ShortData::ShortPacket } else { ShortData::Stall };
        let options = DiskOptions { speed: Speed::ALL[speed], short_data, blocks: 2048, ..DiskOptions::default() };
        let mut play = Play::new(Disk::<RamSlice>::new(options));
        play.bench.configure();
        for step in &steps {
            play.step(step);
        }
        play.end();
    }

    #[test]
    fn a_keyboard_survives_any_host(steps in proptest::collection::vec(steps(), 1..60), speed in 0usize..5, text in ".{0,8}") {
        let options = KeyboardOptions { speed: Speed::ALL[speed], ..KeyboardOptions::default() };
        let mut play = Play::new(Keyboard::<RamSlice>::new(options));
        play.bench.configure();
        play.bench.device.type_text(&text);
        for step in &steps {
            play.step(step);
        }
        play.end();
    }

    #[test]
    fn gadget_zero_survives_any_host(
        steps in proptest::collection::vec(steps(), 1..60), speed in 1usize..5, looped in any::<bool>(), pattern in 0usize..3,
    ) {
        let pattern = [Pattern::Zeroes, Pattern::Mod63, Pattern::Any][pattern];
        let options = ZeroOptions { speed: Speed::ALL[speed], pattern, ..ZeroOptions::default() };
        let mut play = Play::new(Zero::<RamSlice>::new(&options));
        play.configure(if looped { 2 } else { 3 });
        play.play(&steps);
    }

    #[test]
    fn a_serial_port_survives_any_host(steps in proptest::collection::vec(steps(), 1..60), speed in 0usize..5, raw in any::<bool>()) {
        let framing = if raw { Framing::Raw } else { Framing::Ftdi };
        let options = SerialOptions { speed: Speed::ALL[speed], framing, ..SerialOptions::default() };
        let mut play = Play::new(Serial::<RamSlice>::new(&options));
        play.configure(1);
        play.play(&steps);
    }

    #[test]
    fn a_tablet_survives_any_host(steps in proptest::collection::vec(steps(), 1..60), speed in 0usize..5) {
        let options = TabletOptions { speed: Speed::ALL[speed], ..TabletOptions::default() };
        let mut play = Play::new(Tablet::<RamSlice>::new(&options));
        play.configure(1);
        play.bench.device.point(Pointer { x: 1, y: 2, buttons: 3, wheel: 4 });
        play.play(&steps);
    }

    #[test]
    fn a_keyboard_with_a_disk_survives_any_host(steps in proptest::collection::vec(steps(), 1..60), speed in 0usize..5) {
        let disk = DiskOptions { speed: Speed::ALL[speed], blocks: 2048, ..DiskOptions::default() };
        let mut play = Play::new(Composite::<RamSlice>::new(CompositeOptions { disk, ..CompositeOptions::default() }));
        play.configure(1);
        play.bench.device.type_text("xhci");
        play.play(&steps);
    }

    #[test]
    fn a_hub_survives_any_host_and_any_hand(
        steps in proptest::collection::vec((steps(), 0u8..12, 0u8..6), 1..80), speed in 1usize..5, multi_tt in any::<bool>(),
    ) {
        let speed = Speed::ALL[speed];
        let options = HubOptions { speed, multi_tt, ..HubOptions::default() };
        let mut play = Play::new(Hub::<RamSlice>::new(&options));
        play.configure(1);
        for (step, hand, port) in &steps {
            play.step(step);
            let hub = &mut play.bench.device;
            match hand {
                0 => drop(hub.attach(*port, Box::new(Keyboard::new(KeyboardOptions { speed, ..KeyboardOptions::default() })))),
                1 => drop(hub.attach(*port, Box::new(Hub::new(&options)))),
                2 => drop(hub.detach(*port)),
                3 => hub.fault(*port, PortFault::OverCurrent),
                4 => hub.fault(*port, PortFault::OverCurrentEnds),
                5 => hub.fault(*port, PortFault::LinkError),
                6 => hub.fault(*port, PortFault::ConfigError),
                _ => {}
            }
        }
        play.end();
    }
}
