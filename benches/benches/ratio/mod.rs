//! Two things in turns, and how their times compare.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};

/// How long both sides run before anything counts.
const WARM_UP: Duration = Duration::from_millis(500);

/// How many samples criterion takes: its least. A sample is a mean of many rounds already.
const SAMPLES: usize = 10;

/// What criterion measures here: not time but a ratio of times, so that its intervals and its comparison with the last run are about that.
///
/// Criterion runs one benchmark after the other. On a machine with other work, or whose clock changes its speed, the quotient of two such
/// results says nothing; with both sides in every round, whatever slows one slows the other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ratio;

/// A criterion that measures ratios.
pub(crate) type RatioCriterion = Criterion<Ratio>;

impl Measurement for Ratio {
    type Intermediate = ();
    type Value = f64;

    /// Never asked for: a ratio has two times, which [`compare`] takes by itself.
    fn start(&self) {}

    fn end(&self, (): ()) -> f64 {
        0.0
    }

    fn add(&self, one: &f64, other: &f64) -> f64 {
        one + other
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &Times
    }
}

struct Times;

impl ValueFormatter for Times {
    fn scale_values(&self, _typical: f64, _values: &mut [f64]) -> &'static str {
        "times"
    }

    fn scale_throughputs(&self, _: f64, _: &Throughput, _: &mut [f64]) -> &'static str {
        "times"
    }

    fn scale_for_machines(&self, _values: &mut [f64]) -> &'static str {
        "times"
    }
}

/// A criterion with the house's settings and the command line's.
#[must_use]
pub(crate) fn criterion() -> RatioCriterion {
    Criterion::default()
        .with_measurement(Ratio)
        .warm_up_time(WARM_UP)
        .measurement_time(Duration::from_secs(5))
        .sample_size(SAMPLES)
        .configure_from_args()
}

/// Measures `ours` against `peer`, in turns; `quotient` makes the ratio from the two times of a round.
///
/// Criterion gets the median of each sample's rounds: a round in which the machine was taken away from one side says nothing about either. The
/// least, the greatest and the quartiles of all rounds after the warm-up are printed behind its report, so nothing is hidden.
pub(crate) fn compare<R>(
    group: &mut BenchmarkGroup<'_, Ratio>,
    name: &str,
    rig: &mut R,
    (ours, peer): (impl Fn(&mut R), impl Fn(&mut R)),
    quotient: impl Fn(Duration, Duration) -> f64,
) {
    let mut ratios = Vec::new();
    let rig = RefCell::new(rig);
    let mut begun = None;
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|rounds| {
            let rig = &mut **rig.borrow_mut();
            let begun = *begun.get_or_insert_with(Instant::now);
            let first = ratios.len();
            for round in 0..rounds {
                // Whoever comes second finds the caches as the first left them, so they change places.
                let (ours, peer) = if round % 2 == 0 {
                    let ours = time(|| ours(rig));
                    (ours, time(|| peer(rig)))
                } else {
                    let peer = time(|| peer(rig));
                    (time(|| ours(rig)), peer)
                };
                ratios.push(quotient(ours, peer));
            }
            let mut sample = ratios.split_off(first);
            sample.sort_by(f64::total_cmp);
            let median = sample.get(sample.len() / 2).copied().unwrap_or(1.0);
            if begun.elapsed() > WARM_UP {
                ratios.append(&mut sample);
            }
            #[expect(clippy::cast_precision_loss, reason = "a few thousand rounds")]
            let rounds = rounds as f64;
            median * rounds
        });
    });
    report(name, ratios);
}

fn time(what: impl FnOnce()) -> Duration {
    let start = Instant::now();
    what();
    start.elapsed()
}

#[expect(clippy::print_stdout, reason = "a measurement is printed")]
fn report(name: &str, mut ratios: Vec<f64>) {
    ratios.sort_by(f64::total_cmp);
    let (Some(least), Some(greatest)) = (ratios.first(), ratios.last()) else {
        // Left out by the command line.
        return;
    };
    let [lower, median, upper] = [1, 2, 3].map(|quarter| ratios[ratios.len() * quarter / 4]);
    println!(
        "{name}: least {least:.3}, quartiles {lower:.3}, {median:.3} (median), {upper:.3}, greatest {greatest:.3} of {} rounds",
        ratios.len()
    );
}
