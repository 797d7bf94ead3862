use memory::{Direction, Iova, Memory, Slice};
use usb_spec::speed::Speed;
use xhci_model::Options;
use xhci_spec::context::{
    ContextSize, EndpointContext, EndpointState, EndpointType, InputControlContext, SlotContext,
    SlotState,
};
use xhci_spec::number::{Dci, InterrupterId, PortId, RouteString, SlotId, SpeedId};
use xhci_spec::registers::{Crcr, Register};
use xhci_spec::trb::{
    Command, CompletionCode, Data, Event, Link, Transfer, TransferFlags, Trb, Trt,
};

use super::fake::Fake;
use crate::common::{self, Bench, RINGS, TABLES};

pub(crate) const INPUT: Iova = Iova(TABLES.0 + 0xa000);
pub(crate) const BUFFERS: Iova = Iova(RINGS.0 + 0x1_8000);
/// TRBs of a ring, its Link included.
pub(crate) const TRBS: u64 = 64;
/// The USB3 port that devices are put on; ports 1 to 4 are USB2.
pub(crate) const PORT: u8 = 5;

pub(crate) const BULK_OUT: u8 = 2;
pub(crate) const BULK_IN: u8 = 3;
pub(crate) const INTERRUPT_IN: u8 = 5;

pub(crate) fn dci(index: u8) -> Dci {
    Dci::new(index).unwrap()
}

pub(crate) fn slot(number: u8) -> SlotId {
    SlotId::new(number).unwrap()
}

/// A ring as a driver writes it: one segment, a Link at its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    pub(crate) base: Iova,
    pub(crate) index: u64,
    pub(crate) cycle: bool,
}

impl Ring {
    pub(crate) fn new(base: Iova) -> Self {
        Self {
            base,
            index: 0,
            cycle: true,
        }
    }

    pub(crate) fn here(&self) -> Iova {
        self.base.offset(16 * self.index)
    }
}

/// An event of a transfer, as far as tests look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) at: Iova,
    pub(crate) code: CompletionCode,
    pub(crate) residue: u32,
    pub(crate) event_data: bool,
}

/// A driver's hands on the bench.
pub(crate) struct Hands {
    pub(crate) bench: Bench,
    pub(crate) commands: Ring,
    pub(crate) rings: [Ring; 32],
    /// Events that are not of the last command.
    pub(crate) others: Vec<Event>,
    size: ContextSize,
}

impl Hands {
    pub(crate) fn new() -> Self {
        Self::with(common::options())
    }

    pub(crate) fn with(options: Options) -> Self {
        let size = options.context_size();
        let mut bench = Bench::running(options, 2);
        let dcbaa = |slot: u64| {
            (
                TABLES.offset(8 * slot),
                TABLES.offset(0x4000 + 0x800 * slot),
            )
        };
        for number in 1..=8 {
            let (entry, context) = dcbaa(number);
            bench.controller.memory().store64(entry, context.0).unwrap();
        }
        let mut ring = 0;
        let rings = std::array::from_fn(|_| {
            ring += 1;
            Ring::new(RINGS.offset(0x1000 + 0x400 * ring))
        });
        bench.events(0);
        Self {
            bench,
            commands: Ring::new(RINGS),
            rings,
            others: Vec::new(),
            size,
        }
    }

    /// A controller with a super speed device on [`PORT`], ready to be addressed.
    pub(crate) fn with_device(options: Options) -> (Self, Fake) {
        let mut hands = Self::with(options);
        let fake = Fake::new(Speed::Super);
        hands.plug(PORT, &fake);
        (hands, fake)
    }

    pub(crate) fn plug(&mut self, number: u8, fake: &Fake) {
        let now = self.bench.now;
        self.bench
            .controller
            .attach(common::port(number), fake.boxed(), now)
            .unwrap();
        self.bench.pass(common::ms(300));
        self.bench.acknowledge(number);
        self.bench.events(0);
    }

    /// Slot 1 configured with a bulk endpoint each way and an interrupt endpoint.
    pub(crate) fn configured() -> (Self, Fake) {
        Self::configured_with(common::options())
    }

    pub(crate) fn configured_with(options: Options) -> (Self, Fake) {
        let (mut hands, fake) = Self::with_device(options);
        hands.address();
        hands.configure();
        fake.seen();
        (hands, fake)
    }

    pub(crate) fn address(&mut self) {
        assert_eq!(self.command(Command::EnableSlot { slot_type: 0 }), ok(1));
        self.write_address_input(PORT, SpeedId::SUPER, 512);
        assert_eq!(self.command(address_device(false)), ok(1));
    }

    pub(crate) fn configure(&mut self) {
        let added = [BULK_OUT, BULK_IN, INTERRUPT_IN];
        self.write_configure_input(&added, 0);
        assert_eq!(self.command(configure_endpoint()), ok(1));
    }

    // Rings.

    pub(crate) fn store(&self, at: Iova, trb: Trb) {
        self.bench
            .controller
            .memory()
            .store_block(at, trb.0)
            .unwrap();
    }

    fn push(&self, ring: &mut Ring, trb: Trb) -> Iova {
        let at = ring.here();
        self.store(at, trb.with_cycle(ring.cycle));
        ring.index += 1;
        if ring.index == TRBS - 1 {
            let link = Link {
                next: ring.base,
                toggle_cycle: true,
                chain: trb.chain(),
                ioc: false,
                interrupter: InterrupterId(0),
            };
            self.store(ring.here(), link.emit().with_cycle(ring.cycle));
            ring.index = 0;
            ring.cycle = !ring.cycle;
        }
        at
    }

    /// Puts a TRB on the command ring, without the doorbell.
    pub(crate) fn push_command(&mut self, trb: Trb) -> Iova {
        let mut ring = self.commands;
        let at = self.push(&mut ring, trb);
        self.commands = ring;
        at
    }

    pub(crate) fn push_transfer(&mut self, endpoint: u8, trb: Trb) -> Iova {
        let mut ring = self.rings[usize::from(endpoint)];
        let at = self.push(&mut ring, trb);
        self.rings[usize::from(endpoint)] = ring;
        at
    }

    pub(crate) fn doorbell(&mut self, number: u8, target: u8) {
        let base = self.bench.controller.options().geometry.doorbell_offset;
        self.bench
            .write(base + 4 * u32::from(number), target.into());
    }

    /// A bulk or interrupt TD of one buffer that wants an event, and its doorbell.
    pub(crate) fn transfer(&mut self, endpoint: u8, length: u32) -> Iova {
        let at = self.push_transfer(endpoint, normal(BUFFERS, length, ioc()));
        self.doorbell(1, endpoint);
        at
    }

    // Events.

    /// Sends a command and waits for its one event.
    pub(crate) fn command(&mut self, command: Command) -> (CompletionCode, Option<SlotId>) {
        self.raw_command(command.emit())
    }

    pub(crate) fn raw_command(&mut self, trb: Trb) -> (CompletionCode, Option<SlotId>) {
        let at = self.push_command(trb);
        self.doorbell(0, 0);
        let mut answers = self.answers(at);
        assert_eq!(answers.len(), 1, "exactly one event per command");
        answers.remove(0)
    }

    /// Command completion events for the TRB at `at`; all others are kept.
    pub(crate) fn answers(&mut self, at: Iova) -> Vec<(CompletionCode, Option<SlotId>)> {
        let mut answers = Vec::new();
        for event in self.bench.events(0) {
            match event {
                Event::CommandCompletion {
                    trb, code, slot, ..
                } if trb == at => answers.push((code, slot)),
                other => self.others.push(other),
            }
        }
        answers
    }

    /// Transfer events of an endpoint on interrupter 0, since the last look.
    pub(crate) fn told(&mut self, endpoint: u8) -> Vec<Told> {
        let events = self.bench.events(0);
        self.others.extend(events);
        let mut told = Vec::new();
        self.others.retain(|event| match told_of(event, endpoint) {
            Some(one) => {
                told.push(one);
                false
            }
            None => true,
        });
        told
    }

    // Contexts.

    pub(crate) fn read_context(&self, at: Iova) -> [u32; 8] {
        let memory = self.bench.controller.memory();
        std::array::from_fn(|index| memory.load32(at.offset(4 * index as u64)).unwrap())
    }

    fn write_context(&self, at: Iova, dwords: [u32; 8]) {
        let memory = self.bench.controller.memory();
        for (index, dword) in (0..).zip(dwords) {
            memory.store32(at.offset(4 * index), dword).unwrap();
        }
    }

    pub(crate) fn output(&self, number: u8) -> Iova {
        TABLES.offset(0x4000 + 0x800 * u64::from(number))
    }

    pub(crate) fn slot_context(&self, number: u8) -> SlotContext {
        SlotContext(self.read_context(self.output(number)))
    }

    pub(crate) fn slot_state(&self, number: u8) -> SlotState {
        self.slot_context(number).slot_state().unwrap()
    }

    pub(crate) fn endpoint_context(&self, number: u8, endpoint: u8) -> EndpointContext {
        let offset = self.size.endpoint_offset(dci(endpoint));
        let at = self.output(number).offset(offset.into());
        EndpointContext(self.read_context(at))
    }

    pub(crate) fn state(&self, endpoint: u8) -> EndpointState {
        self.endpoint_context(1, endpoint).endpoint_state().unwrap()
    }

    pub(crate) fn write_control(&self, drop: u32, add: u32) {
        let control = InputControlContext::default().with_add_flags(add);
        let [_, rest @ ..] = control.0;
        let mut dwords = [drop; 8];
        dwords[1..].copy_from_slice(&rest);
        self.write_context(INPUT, dwords);
    }

    pub(crate) fn write_slot(&self, context: SlotContext) {
        let offset = self.size.input_slot_offset();
        self.write_context(INPUT.offset(offset.into()), context.0);
    }

    pub(crate) fn write_endpoint(&self, endpoint: u8, context: EndpointContext) {
        let offset = self.size.input_endpoint_offset(dci(endpoint));
        self.write_context(INPUT.offset(offset.into()), context.0);
    }

    pub(crate) fn write_address_input(&self, port: u8, speed: SpeedId, packet: u16) {
        self.write_control(0, 0b11);
        self.write_slot(slot_input(port, speed));
        self.write_endpoint(1, self.control_context(packet));
    }

    pub(crate) fn control_context(&self, packet: u16) -> EndpointContext {
        let ring = self.rings[1];
        EndpointContext::default()
            .with_endpoint_type(EndpointType::Control)
            .with_max_packet_size(packet)
            .with_error_count(3)
            .with_average_trb_length(8)
            .with_tr_dequeue_pointer(ring.here())
            .with_dequeue_cycle(ring.cycle)
    }

    /// An input context that adds these endpoints of a super speed device, and drops those of `drop`.
    pub(crate) fn write_configure_input(&self, added: &[u8], drop: u32) {
        let add = added.iter().fold(1, |flags, index| flags | 1_u32 << index);
        self.write_control(drop, add);
        let last = added.iter().copied().max().unwrap_or(1);
        let kept = self.slot_context(1).context_entries();
        let entries = if drop == 0 { last.max(kept) } else { 31 };
        let context = slot_input(PORT, SpeedId::SUPER).with_context_entries(entries);
        self.write_slot(context);
        for endpoint in added {
            self.write_endpoint(*endpoint, self.data_context(*endpoint));
        }
    }

    pub(crate) fn data_context(&self, endpoint: u8) -> EndpointContext {
        let ring = self.rings[usize::from(endpoint)];
        let context = EndpointContext::default()
            .with_error_count(3)
            .with_average_trb_length(512)
            .with_tr_dequeue_pointer(ring.here())
            .with_dequeue_cycle(ring.cycle);
        match endpoint {
            INTERRUPT_IN => context
                .with_endpoint_type(EndpointType::InterruptIn)
                .with_max_packet_size(64)
                .with_interval(3)
                .with_max_esit_payload(64),
            _ if endpoint.is_multiple_of(2) => context
                .with_endpoint_type(EndpointType::BulkOut)
                .with_max_packet_size(1024),
            _ => context
                .with_endpoint_type(EndpointType::BulkIn)
                .with_max_packet_size(1024),
        }
    }

    // Memory and registers.

    pub(crate) fn bytes(&self, at: Iova, len: usize) -> Vec<u8> {
        let memory = self.bench.controller.memory();
        let slice = memory.exact(at, len, Direction::DeviceReads).unwrap();
        let mut bytes = vec![0; len];
        slice.read(0, &mut bytes).unwrap();
        bytes
    }

    pub(crate) fn write_crcr(&mut self, value: u64) {
        self.bench.write_op64::<Crcr>(value);
    }

    pub(crate) fn command_ring_runs(&mut self) -> bool {
        Crcr::from_raw(self.bench.read_op::<Crcr>().into()).command_ring_running()
    }
}

fn told_of(event: &Event, wanted: u8) -> Option<Told> {
    match *event {
        Event::Transfer {
            trb,
            residue,
            code,
            endpoint,
            event_data,
            ..
        } if endpoint == Dci::new(wanted) => Some(Told {
            at: trb,
            code,
            residue,
            event_data,
        }),
        _ => None,
    }
}

pub(crate) fn ok(number: u8) -> (CompletionCode, Option<SlotId>) {
    (CompletionCode::SUCCESS, SlotId::new(number))
}

pub(crate) fn told(at: Iova, code: CompletionCode, residue: u32) -> Told {
    Told {
        at,
        code,
        residue,
        event_data: false,
    }
}

pub(crate) fn slot_input(port: u8, speed: SpeedId) -> SlotContext {
    SlotContext::default()
        .with_route_string(RouteString::ROOT)
        .with_speed(speed)
        .with_context_entries(1)
        .with_root_hub_port(PortId::new(port))
}

pub(crate) fn address_device(block_set_address: bool) -> Command {
    Command::AddressDevice {
        input: INPUT,
        slot: slot(1),
        block_set_address,
    }
}

pub(crate) fn configure_endpoint() -> Command {
    Command::ConfigureEndpoint {
        input: INPUT,
        slot: slot(1),
        deconfigure: false,
    }
}

pub(crate) fn evaluate_context() -> Command {
    Command::EvaluateContext {
        input: INPUT,
        slot: slot(1),
    }
}

pub(crate) fn stop_endpoint(endpoint: u8) -> Command {
    Command::StopEndpoint {
        slot: slot(1),
        endpoint: dci(endpoint),
        suspend: false,
    }
}

pub(crate) fn reset_endpoint(endpoint: u8, transfer_state_preserve: bool) -> Command {
    Command::ResetEndpoint {
        slot: slot(1),
        endpoint: dci(endpoint),
        transfer_state_preserve,
    }
}

pub(crate) fn set_dequeue(endpoint: u8, ring: Ring) -> Command {
    Command::SetTrDequeue {
        slot: slot(1),
        endpoint: dci(endpoint),
        dequeue: ring.here(),
        cycle: ring.cycle,
        stream_context_type: Default::default(),
        stream: Default::default(),
    }
}

pub(crate) fn ioc() -> TransferFlags {
    TransferFlags {
        interrupt_on_completion: true,
        ..TransferFlags::default()
    }
}

pub(crate) fn chained() -> TransferFlags {
    TransferFlags {
        chain: true,
        ..TransferFlags::default()
    }
}

pub(crate) fn isp(flags: TransferFlags) -> TransferFlags {
    TransferFlags {
        interrupt_on_short_packet: true,
        ..flags
    }
}

pub(crate) fn normal(at: Iova, length: u32, flags: TransferFlags) -> Trb {
    Transfer::Normal {
        data: Data::Pointer(at),
        length,
        td_size: 0,
        interrupter: InterrupterId(0),
        flags,
    }
    .emit()
}

pub(crate) fn setup(bytes: [u8; 8], transfer_type: Trt) -> Trb {
    Transfer::SetupStage {
        setup: bytes,
        transfer_type,
        ioc: false,
        interrupter: InterrupterId(0),
    }
    .emit()
}

pub(crate) fn data_stage(length: u32, direction_in: bool) -> Trb {
    Transfer::DataStage {
        data: Data::Pointer(BUFFERS),
        length,
        td_size: 0,
        direction_in,
        interrupter: InterrupterId(0),
        flags: TransferFlags::default(),
    }
    .emit()
}

pub(crate) fn status_stage(direction_in: bool) -> Trb {
    Transfer::StatusStage {
        direction_in,
        ioc: true,
        chain: false,
        evaluate_next: false,
        interrupter: InterrupterId(0),
    }
    .emit()
}
