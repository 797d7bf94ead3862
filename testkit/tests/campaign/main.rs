//! A thousand runs, each with a controller, devices, faults and an order of things that its seed chooses: no wrong byte, no hang, no
//! request without an answer, nothing left behind, and each fault has struck.
//!
//! A run that fails prints its seed and its plan. `DOORBELL_SEED=<seed> cargo test -p doorbell-testkit --test campaign` repeats that one
//! run; `DOORBELL_RUNS=<number>` makes more of them, beginning at `DOORBELL_FIRST=<seed>`.

mod plan;
mod run;

use std::collections::BTreeMap;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use plan::{Kind, Plan};

const RUNS: u64 = 1000;

/// How many failures are printed.
const SHOWN: usize = 5;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// The runs of a campaign, or the failure of each that failed, in words.
fn campaign(seeds: &[u64]) -> (Vec<Plan>, Vec<String>) {
    let (mut plans, mut failures) = (Vec::new(), Vec::new());
    for seed in seeds {
        let outcome = catch_unwind(AssertUnwindSafe(|| plan::find(*seed)));
        let planned = match outcome {
            Ok(planned) => planned,
            Err(_) => Err(format!("seed {seed}: the plan's own run panicked")),
        };
        let plan = match planned {
            Ok(plan) => plan,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| run::run(&plan)));
        let why = match outcome {
            Ok(Ok(_)) => None,
            Ok(Err(why)) => Some(why),
            Err(_) => Some("it panicked, see above".to_owned()),
        };
        failures.extend(why.map(|why| format!("{plan}\n{why}")));
        plans.push(plan);
    }
    (plans, failures)
}

#[test]
fn a_thousand_seeded_runs_with_faults_end_as_they_must() {
    let seeds: Vec<u64> = match number("DOORBELL_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first = number("DOORBELL_FIRST").unwrap_or(0);
            (first..first + number("DOORBELL_RUNS").unwrap_or(RUNS)).collect()
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = seeds.len().div_ceil(threads).max(1);
    let outcomes: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = seeds
            .chunks(share)
            .map(|seeds| scope.spawn(|| campaign(seeds)))
            .collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined.map(|outcome| outcome.expect("no panic")).collect()
    });
    let mut failures = Vec::new();
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    for (plans, failed) in outcomes {
        failures.extend(failed);
        for plan in plans {
            for kind in plan.kinds() {
                *kinds.entry(kind).or_default() += 1;
            }
        }
    }
    let count = failures.len();
    failures.truncate(SHOWN);
    let shown = failures.join("\n\n");
    assert!(
        count == 0,
        "{count} of {} runs failed\n{shown}",
        seeds.len()
    );
    if seeds.len() >= 1000 {
        for kind in Kind::ALL {
            let runs = kinds.get(&kind).copied().unwrap_or(0);
            assert!(runs >= 40, "{kind:?} struck in {runs} runs only");
        }
    }
}
