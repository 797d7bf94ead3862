//! What goes wrong in a run. A plan is found by playing the run without its fault and counting the opportunities: one of them is
//! then chosen, and because a run is the same up to its first fault, that opportunity comes.

use std::fmt;
use std::time::Duration;

use testkit::Random;
use testkit::fault::{Answer, EventKind, Fault, Target, What};
use usb_spec::speed::Speed;
use xhci_model::HostError;

use crate::run::{self, Outcome};

/// The kinds of faults that the campaign has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    LostInterrupt,
    LostEvent,
    StuckCommand,
    LostDoorbell,
    TransactionError,
    Stall,
    Babble,
    SlowReset,
    DeadController,
    RemovalInEnumeration,
    RemovalInUse,
}

impl Kind {
    pub(crate) const ALL: [Self; 11] = [
        Self::LostInterrupt,
        Self::LostEvent,
        Self::StuckCommand,
        Self::LostDoorbell,
        Self::TransactionError,
        Self::Stall,
        Self::Babble,
        Self::SlowReset,
        Self::DeadController,
        Self::RemovalInEnumeration,
        Self::RemovalInUse,
    ];
}

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) speed: Speed,
    pub(crate) keyboard: bool,
    /// From power-on until the devices are there.
    pub(crate) arrival: Vec<(Kind, Fault)>,
    /// While they are used.
    pub(crate) usage: Vec<(Kind, Fault)>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "DOORBELL_SEED={}", self.seed)?;
        writeln!(f, "{:?} disk, keyboard: {}", self.speed, self.keyboard)?;
        for (_, fault) in &self.arrival {
            writeln!(f, "on arrival: {fault}")?;
        }
        for (_, fault) in &self.usage {
            writeln!(f, "in use: {fault}")?;
        }
        Ok(())
    }
}

impl Plan {
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.arrival
            .iter()
            .chain(&self.usage)
            .map(|(kind, _)| *kind)
    }

    /// Whether nothing of this keeps the disk from working in the end.
    pub(crate) fn is_survivable(&self) -> bool {
        let mut faults = self.arrival.iter().chain(&self.usage);
        faults.all(|(_, fault)| match fault.what {
            What::Death(_) | What::Gone | What::Unplug(_) => false,
            What::StuckCommand { lets_go } => lets_go,
            What::SlowReset(duration) => duration < Duration::from_secs(10),
            // A device that is silent for long is given up, and rightly.
            What::Device(..) => fault.times <= 3,
            What::LostInterrupt | What::LostEvent(_) | What::LostDoorbell => true,
        })
    }

    /// Whether devices answer wrongly while they are used.
    pub(crate) fn disturbs_devices(&self) -> bool {
        let mut faults = self.usage.iter();
        faults.any(|(_, fault)| matches!(fault.what, What::Device(..)))
    }

    /// Whether a transfer without a time limit may wait for ever because the event of its end was lost.
    pub(crate) fn loses_transfer_events(&self) -> bool {
        let lost = What::LostEvent(EventKind::Transfer);
        let mut faults = self.arrival.iter().chain(&self.usage);
        faults.any(|(_, fault)| fault.what == lost)
    }
}

/// The plan of a seed.
///
/// # Errors
/// When a run without its fault fails, in words.
pub(crate) fn find(seed: u64) -> Result<Plan, String> {
    let mut random = Random::new(seed ^ 0xca3b_a169);
    let mut plan = Plan {
        seed,
        speed: random.pick(&[Speed::Super, Speed::Super, Speed::High, Speed::Full]),
        keyboard: random.once_in(3),
        arrival: Vec::new(),
        usage: Vec::new(),
    };
    let kind = Kind::ALL[usize::try_from(seed % 11).unwrap_or(0)];
    let on_arrival = match kind {
        Kind::SlowReset | Kind::RemovalInEnumeration => true,
        Kind::RemovalInUse => false,
        _ => random.once_in(3),
    };
    if on_arrival {
        if !add(&mut plan, true, kind, &mut random)? {
            return Err(format!("{plan}no opportunity for {kind:?}"));
        }
        if plan.is_survivable() && random.once_in(3) {
            let second = random.pick(&Kind::ALL[..7]);
            // There may be none, as on a controller that failed its self-test.
            let _added = add(&mut plan, false, second, &mut random)?;
        }
        return Ok(plan);
    }
    if add(&mut plan, false, kind, &mut random)? {
        Ok(plan)
    } else {
        Err(format!("{plan}no opportunity for {kind:?}"))
    }
}

/// Adds a fault of this kind at one of the opportunities that the run has; says whether it has any.
fn add(plan: &mut Plan, arrival: bool, kind: Kind, random: &mut Random) -> Result<bool, String> {
    // Some faults have no opportunity in some runs, as a stall of an OUT data stage that there is none of.
    for _ in 0..20 {
        let what = what(kind, random);
        let mut trial = plan.clone();
        let list = if arrival {
            &mut trial.arrival
        } else {
            &mut trial.usage
        };
        list.push((kind, Fault::once(what).times(0)));
        let outcome = run::run(&trial).map_err(|why| format!("{trial}without its last:\n{why}"))?;
        let opportunities = if arrival {
            outcome.arrival.last()
        } else {
            outcome.usage.last()
        };
        let opportunities = opportunities.copied().unwrap_or(0);
        if opportunities == 0 {
            continue;
        }
        let after = random.small(opportunities);
        let times = times(what, random);
        let fault = Fault::once(what).after(after).times(times);
        let list = if arrival {
            &mut plan.arrival
        } else {
            &mut plan.usage
        };
        list.push((kind, fault));
        return Ok(true);
    }
    Ok(false)
}

fn what(kind: Kind, random: &mut Random) -> What {
    let control = [Target::ControlData, Target::ControlStatus];
    let data = [Target::In, Target::Out];
    let any = random.pick(&[
        Target::Any,
        Target::Any,
        Target::Setup,
        control[0],
        control[1],
        data[0],
        data[1],
    ]);
    match kind {
        Kind::LostInterrupt => What::LostInterrupt,
        Kind::LostEvent => What::LostEvent(random.pick(&[
            EventKind::Transfer,
            EventKind::Transfer,
            EventKind::Command,
            EventKind::Port,
        ])),
        Kind::StuckCommand => What::StuckCommand {
            lets_go: !random.once_in(5),
        },
        Kind::LostDoorbell => What::LostDoorbell,
        Kind::TransactionError => What::Device(Answer::None, any),
        Kind::Stall => What::Device(Answer::Stall, any),
        Kind::Babble => What::Device(Answer::Babble, any),
        Kind::SlowReset => What::SlowReset(Duration::from_millis(1 + random.below(12_000))),
        Kind::DeadController => random.pick(&[
            What::Death(HostError::System),
            What::Death(HostError::Controller),
            What::Gone,
        ]),
        Kind::RemovalInEnumeration | Kind::RemovalInUse => What::Unplug(any),
    }
}

fn times(what: What, random: &mut Random) -> u32 {
    match what {
        What::Device(Answer::None, _) => random.pick(&[1, 2, 3, 4, 5, 9, 40]),
        What::Device(..) => random.pick(&[1, 1, 1, 2, 3, 10]),
        What::LostInterrupt => random.pick(&[1, 2, 5]),
        What::LostEvent(_) => random.pick(&[1, 1, 2]),
        _ => 1,
    }
}

/// Whether every fault of a plan struck.
pub(crate) fn unfired(plan: &Plan, outcome: &Outcome) -> Option<Fault> {
    let faults = plan.arrival.iter().chain(&plan.usage);
    let fired = outcome.fired.iter();
    faults
        .zip(fired)
        .find(|((_, fault), fired)| fault.times > 0 && **fired == 0)
        .map(|((_, fault), _)| *fault)
}
