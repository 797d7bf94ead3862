use alloc::vec::Vec;
use core::ops::Range;

use crate::middleware::{ConfigPlan, MmioPlan};
use crate::{ConfigError, Width};

/// What goes wrong with a register access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MmioEffect {
    /// The device is gone: reads get all ones, writes go nowhere.
    Gone,
    /// A read gets this value; the device is not asked.
    ReadsAs(u32),
    /// These bits of a read are as in `value`, whatever the device says.
    Stuck {
        /// Which bits.
        mask: u32,
        /// How they are.
        value: u32,
    },
    /// A write goes nowhere.
    DropsWrite,
    /// These bits are turned over in a write.
    FlipsWrite(u32),
}

/// What goes wrong with an access to configuration space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigEffect {
    /// The function is gone: reads get all ones, writes go nowhere, nothing is an error.
    Gone,
    /// The system refuses reads and writes.
    Refused(ConfigError),
    /// The system refuses writes only (as a locked-down kernel does).
    RefusedWrite(ConfigError),
    /// A read gets this value; the device is not asked.
    ReadsAs(u32),
    /// A write goes nowhere, and nobody says so.
    DropsWrite,
}

/// One thing that goes wrong: what, where, and which of the accesses that it could strike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault<E> {
    effect: E,
    at: Option<Range<u32>>,
    skip: u64,
    times: u64,
    seen: u64,
    fired: u64,
}

impl<E> Fault<E> {
    /// This effect on every access of its kind, everywhere.
    pub const fn new(effect: E) -> Self {
        Self {
            effect,
            at: None,
            skip: 0,
            times: u64::MAX,
            seen: 0,
            fired: 0,
        }
    }

    /// Only at these offsets.
    #[must_use]
    pub fn at(self, offsets: Range<u32>) -> Self {
        Self {
            at: Some(offsets),
            ..self
        }
    }

    /// Only after the first `accesses` that it would have struck.
    #[must_use]
    pub fn after(self, accesses: u64) -> Self {
        Self {
            skip: accesses,
            ..self
        }
    }

    /// Only this often.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    /// How many accesses it has struck. A stuck bit that was so anyway does not count: nobody could have noticed.
    #[must_use]
    pub const fn fired(&self) -> u64 {
        self.fired
    }

    /// Whether the fault strikes an access at `at` of its kind; every call counts as one.
    fn strikes(&mut self, at: u32) -> bool {
        if self
            .at
            .as_ref()
            .is_some_and(|offsets| !offsets.contains(&at))
        {
            return false;
        }
        let number = self.seen;
        self.seen += 1;
        number >= self.skip && number - self.skip < self.times
    }
}

/// A plan made of single faults.
///
/// The first that keeps an access from the device decides alone; those that bend values bend what passes, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults<E> {
    faults: Vec<Fault<E>>,
}

impl<E> Faults<E> {
    /// These faults.
    pub fn new(faults: impl IntoIterator<Item = Fault<E>>) -> Self {
        Self {
            faults: faults.into_iter().collect(),
        }
    }

    /// How often each fault has fired, in their order.
    pub fn fired(&self) -> impl Iterator<Item = u64> {
        self.faults.iter().map(Fault::fired)
    }

    /// Whether every fault has fired at least once: a test of a fault that never came proves nothing.
    #[must_use]
    pub fn all_fired(&self) -> bool {
        self.fired().all(|fired| fired > 0)
    }
}

impl<E: Copy> Faults<E> {
    /// What the first fault that strikes here turns the access into, among those that `answer` knows; it has then fired.
    fn first<A>(&mut self, at: u32, answer: impl Fn(E) -> Option<A>) -> Option<A> {
        for fault in &mut self.faults {
            let Some(answer) = answer(fault.effect) else {
                continue;
            };
            if fault.strikes(at) {
                fault.fired += 1;
                return Some(answer);
            }
        }
        None
    }
}

impl Faults<MmioEffect> {
    /// Lets the faults that strike here bend a value, among those that `bend` knows.
    fn bend(
        &mut self,
        at: u32,
        mut value: u32,
        bend: impl Fn(MmioEffect, u32) -> Option<u32>,
    ) -> u32 {
        for fault in &mut self.faults {
            let Some(bent) = bend(fault.effect, value) else {
                continue;
            };
            if fault.strikes(at) && bent != value {
                fault.fired += 1;
                value = bent;
            }
        }
        value
    }
}

impl MmioPlan for Faults<MmioEffect> {
    fn read(&mut self, at: u32, device: impl FnOnce() -> u32) -> u32 {
        let instead = self.first(at, |effect| match effect {
            MmioEffect::Gone => Some(u32::MAX),
            MmioEffect::ReadsAs(value) => Some(value),
            MmioEffect::Stuck { .. } | MmioEffect::DropsWrite | MmioEffect::FlipsWrite(_) => None,
        });
        if let Some(value) = instead {
            return value;
        }
        self.bend(at, device(), |effect, read| match effect {
            MmioEffect::Stuck { mask, value } => Some(read & !mask | value & mask),
            _ => None,
        })
    }

    fn write(&mut self, at: u32, value: u32, device: impl FnOnce(u32)) {
        let dropped = self.first(at, |effect| match effect {
            MmioEffect::Gone | MmioEffect::DropsWrite => Some(()),
            MmioEffect::ReadsAs(_) | MmioEffect::Stuck { .. } | MmioEffect::FlipsWrite(_) => None,
        });
        if dropped.is_none() {
            device(self.bend(at, value, |effect, written| match effect {
                MmioEffect::FlipsWrite(mask) => Some(written ^ mask),
                _ => None,
            }));
        }
    }
}

impl ConfigPlan for Faults<ConfigEffect> {
    fn read(
        &mut self,
        at: u16,
        width: Width,
        device: impl FnOnce() -> Result<u32, ConfigError>,
    ) -> Result<u32, ConfigError> {
        let instead = self.first(u32::from(at), |effect| match effect {
            ConfigEffect::Gone => Some(Ok(ones(width))),
            ConfigEffect::Refused(error) => Some(Err(error)),
            ConfigEffect::ReadsAs(value) => Some(Ok(value & ones(width))),
            ConfigEffect::RefusedWrite(_) | ConfigEffect::DropsWrite => None,
        });
        instead.unwrap_or_else(device)
    }

    fn write(
        &mut self,
        at: u16,
        _width: Width,
        value: u32,
        device: impl FnOnce(u32) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        let instead = self.first(u32::from(at), |effect| match effect {
            ConfigEffect::Gone | ConfigEffect::DropsWrite => Some(Ok(())),
            ConfigEffect::Refused(error) | ConfigEffect::RefusedWrite(error) => Some(Err(error)),
            ConfigEffect::ReadsAs(_) => None,
        });
        instead.unwrap_or_else(|| device(value))
    }
}

/// All ones, as wide as the access.
const fn ones(width: Width) -> u32 {
    match width {
        Width::Byte => 0xff,
        Width::Word => 0xffff,
        Width::Dword => u32::MAX,
    }
}
