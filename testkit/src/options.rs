use std::time::Duration;

use memory::Iova;
use xhci_driver::Policy;
use xhci_model::{FirmwareHandoff, Geometry, Options, WideWrite};

use crate::Random;
use crate::fault::Fault;

/// What a [`Pair`](crate::Pair) is made of.
#[derive(Clone, Debug)]
pub struct PairOptions {
    /// Decides every choice that is left open: order of turns, budgets, how long interrupts and disk work take.
    pub seed: u64,
    /// The controller.
    pub model: Options,
    /// The driver's knobs.
    pub policy: Policy,
    /// How many interrupters the driver may use.
    pub interrupters: u16,
    /// What goes wrong.
    pub plan: Vec<Fault>,
    /// Device addresses and sizes of the memory that there is.
    pub memory: Vec<(Iova, usize)>,
    /// Whether the seed stirs the order of things; without, everything happens at once and in the same order.
    pub jitter: bool,
    /// Looks at all freed memory after each turn, to find the very moment at which somebody writes there. Slow.
    pub suspicious: bool,
    /// Keeps every register access for [`Pair::take_log`](crate::Pair::take_log).
    pub keep_log: bool,
}

impl Default for PairOptions {
    /// The model's and the driver's defaults, one interrupter, no faults, nothing stirred.
    fn default() -> Self {
        Self {
            seed: 0,
            model: Options::default(),
            policy: Policy::default(),
            interrupters: 1,
            plan: Vec::new(),
            memory: Self::MEMORY.to_vec(),
            jitter: false,
            suspicious: std::env::var_os("DOORBELL_SUSPICIOUS").is_some(),
            keep_log: false,
        }
    }
}

impl PairOptions {
    /// Memory below 4 GiB and above, with a hole between, and at addresses that are nobody's but the device's.
    pub const MEMORY: [(Iova, usize); 2] = [
        (Iova(0x7400_0000), 8 << 20),
        (Iova(0x15_2000_0000), 8 << 20),
    ];

    /// A controller, a driver and an order of things that the seed chooses among all that must work.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x0b5e_55ed);
        let mut options = Self {
            seed,
            jitter: true,
            ..Self::default()
        };
        let model = &mut options.model;
        model.contexts_64 = random.once_in(2);
        model.addressing_64 = random.once_in(2);
        model.scratchpad_buffers = random.pick(&[0, 1, 4, 33]);
        model.max_interrupters = random.pick(&[1, 2, 4, 8]);
        model.max_slots = random.pick(&[8, 32, 64, 255]);
        model.event_ring_segments_exponent = random.pick(&[0, 1, 3]);
        model.port_power_control = random.once_in(2);
        model.stopped_short_packet = random.once_in(2);
        model.page_sizes = random.pick(&[1, 1, 2]);
        model.vendor_capability = random.once_in(2);
        model.speed_ids = random.once_in(2);
        let behaviour = &mut model.behaviour;
        behaviour.firmware = random.pick(&[
            FirmwareHandoff::Absent,
            FirmwareHandoff::NotOwner,
            FirmwareHandoff::GivesUpAfter(Duration::from_millis(5)),
            FirmwareHandoff::GivesUpAfter(Duration::from_millis(700)),
            FirmwareHandoff::Never,
        ]);
        behaviour.events_at_start = random.once_in(2);
        behaviour.wide_write = random.pick(&[
            WideWrite::BothHalves,
            WideWrite::HighHalf,
            WideWrite::BothHalves,
        ]);
        model.geometry = Geometry::scattered(random.next(), model);
        options.interrupters = random.pick(&[1, 1, 2, 4]);
        let policy = &mut options.policy;
        policy.segment_trbs = random.pick(&[16, 32, 64, 256]);
        policy.event_segments = random.pick(&[1, 2, 3]);
        policy.moderation = random.pick(&[0, 160, 4000]);
        options
    }
}
