//! One run: devices arrive, are used, are looked at again, and the driver leaves.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use block::{MemoryMedium, pattern};
use testkit::fault::{Fault, What};
use testkit::{Disk, Hang, Pair, PairOptions, Random};
use usb_class::hid::KeyboardEvent;
use usb_class::scsi::Policy;
use usb_model::device::{DiskOptions, KeyboardOptions};
use usb_spec::EndpointAddress;
use xhci_driver::{Death, Notice, Operation, StartError};
use xhci_spec::number::{PortId, SlotId};

use crate::plan::{Kind, Plan, unfired};

const DISK_BYTES: usize = 512 << 10;
const TEXT: &str = "ding dong";

/// What a run has counted.
pub(crate) struct Outcome {
    /// Opportunities of the faults on arrival.
    pub(crate) arrival: Vec<u32>,
    /// And of those in use.
    pub(crate) usage: Vec<u32>,
    /// How often each fault has struck, in the order of the plan.
    pub(crate) fired: Vec<u32>,
}

/// Plays a plan.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn run(plan: &Plan) -> Result<Outcome, String> {
    let outcome = play(plan)?;
    match unfired(plan, &outcome) {
        Some(fault) => Err(format!("it never struck: {fault}")),
        None => Ok(outcome),
    }
}

fn faults(list: &[(Kind, Fault)]) -> Vec<Fault> {
    list.iter().map(|(_, fault)| *fault).collect()
}

fn told(hang: Hang) -> String {
    hang.to_string()
}

/// What is on the medium, as far as it is known.
struct Image {
    bytes: Vec<u8>,
    /// Blocks of which a write failed: old or new.
    open: Vec<bool>,
    medium: Rc<RefCell<MemoryMedium>>,
}

fn play(plan: &Plan) -> Result<Outcome, String> {
    let options = PairOptions {
        plan: faults(&plan.arrival),
        ..PairOptions::seeded(plan.seed)
    };
    let pair = match Pair::new(options) {
        Ok(pair) => pair,
        Err(error) => return not_begun(plan, error),
    };
    let mut pair = pair.settled().map_err(told)?;
    let mut random = Random::new(plan.seed ^ 0x5ca1_ab1e);
    let mut bytes = vec![0; DISK_BYTES];
    pattern::fill(plan.seed, 0, &mut bytes);
    let mut image = Image {
        medium: Rc::new(RefCell::new(MemoryMedium::new(bytes.clone()))),
        open: vec![false; DISK_BYTES / 512],
        bytes,
    };
    let disk_options = DiskOptions {
        speed: plan.speed,
        ..DiskOptions::default()
    };
    let (port, _) = pair.plug_disk(disk_options, image.medium.clone());
    let keyboard = plan
        .keyboard
        .then(|| pair.plug_keyboard(KeyboardOptions::default()));
    let slot = pair.attached_or_failed(port).map_err(told)?;
    let keys = match &keyboard {
        Some((port, _)) => pair.attached_or_failed(*port).map_err(told)?,
        None => None,
    };
    let mut fired: Vec<u32> = pair.injector().fired().iter().map(|one| one.1).collect();
    let arrival = pair.opportunities();
    pair.inject(&faults(&plan.usage));
    if let Some(slot) = slot {
        use_disk(&mut pair, slot, &mut image, &mut random)?;
    }
    if let (Some(slot), Some((_, hands))) = (keys, &keyboard)
        && !plan.loses_transfer_events()
    {
        hands.get().type_text(TEXT);
        listen(&mut pair, slot, plan)?;
    }
    fired.extend(pair.injector().fired().iter().map(|one| one.1));
    let usage = pair.opportunities();
    pair.inject(&[]);
    // A self-test that is struck ends the start, and is to.
    let untested = pair.notices().iter().any(|notice| {
        let start = |cause: &Death| matches!(cause, Death::Start(StartError::SelfTest { .. }));
        matches!(notice, Notice::Died { cause } if start(cause))
    });
    if plan.is_survivable() && !untested {
        look_again(&mut pair, port, &image)?;
    }
    image.check()?;
    drop(keyboard);
    pair.finish().map_err(told)?;
    Ok(Outcome {
        arrival,
        usage,
        fired,
    })
}

/// A controller that goes while the driver looks at it for the first time is refused; nothing but that may be a reason.
fn not_begun(plan: &Plan, error: StartError) -> Result<Outcome, String> {
    let goes = |(_, fault): &&(Kind, Fault)| fault.what == What::Gone && fault.times > 0;
    if plan.arrival.iter().find(goes).is_none() {
        return Err(format!("it does not begin: {error}"));
    }
    Ok(Outcome {
        arrival: vec![1],
        usage: Vec::new(),
        fired: vec![1],
    })
}

/// Reads, writes, clears halts, resets; what fails may fail, but what succeeds must be right.
fn use_disk(
    pair: &mut Pair,
    slot: SlotId,
    image: &mut Image,
    random: &mut Random,
) -> Result<(), String> {
    // It may have gone while the keyboard was waited for.
    if pair.driver().device(slot).is_none() {
        return Ok(());
    }
    let (mut disk, started) = pair.try_disk(slot, Policy::default()).map_err(told)?;
    if started.is_err() {
        return Ok(());
    }
    for _ in 0..8 {
        let blocks = 1 + random.index(160);
        let first = random.index(DISK_BYTES / 512 - blocks);
        match random.below(8) {
            0..4 => read(pair, &mut disk, image, first, blocks)?,
            4..6 => write(pair, &mut disk, image, (first, blocks), random)?,
            6 => {
                let endpoint = random.pick(&[EndpointAddress(0x81), EndpointAddress(2)]);
                let operation = Operation::ClearHalt { slot, endpoint };
                let _may_fail = pair.operate(operation).map_err(told)?;
            }
            _ => {
                let _may_fail = pair
                    .operate(Operation::ResetDevice { slot })
                    .map_err(told)?;
            }
        }
    }
    let _may_fail = pair.flush(&mut disk).map_err(told)?;
    Ok(())
}

fn read(
    pair: &mut Pair,
    disk: &mut Disk,
    image: &Image,
    first: usize,
    blocks: usize,
) -> Result<(), String> {
    let (at, length) = (first * 512, blocks * 512);
    let read = pair.read(disk, at as u64, length).map_err(told)?;
    let (bytes, good) = match &read {
        Ok(bytes) => (&bytes[..], length),
        // As far as it says that it came, it must be right, too.
        Err(failure) => (
            disk.bytes(),
            usize::try_from(failure.bytes).unwrap_or(length),
        ),
    };
    image.compare(first, bytes, good)
}

fn write(
    pair: &mut Pair,
    disk: &mut Disk,
    image: &mut Image,
    (first, blocks): (usize, usize),
    random: &mut Random,
) -> Result<(), String> {
    let mut bytes = vec![0; blocks * 512];
    pattern::fill(random.next(), 0, &mut bytes);
    let written = pair.write(disk, first as u64 * 512, &bytes).map_err(told)?;
    image.write(first, &bytes, written.is_ok());
    Ok(())
}

/// Hears what is typed, or that the keyboard has ended.
fn listen(pair: &mut Pair, slot: SlotId, plan: &Plan) -> Result<(), String> {
    // It may have gone meanwhile.
    let Ok(mut keyboard) = pair.keyboard(slot) else {
        return Ok(());
    };
    let mut heard = Vec::new();
    while heard.len() < TEXT.len() {
        let event = pair.key(&mut keyboard, Duration::from_secs(60));
        match event.map_err(told)? {
            KeyboardEvent::Key(key) => heard.extend(key.text),
            KeyboardEvent::Ended(_) => return Ok(()),
        }
    }
    if plan.disturbs_devices() {
        // Who can neither get a report nor ask for it takes all keys as released, so one that is held counts twice.
        heard.dedup();
    }
    let heard: String = heard.into_iter().collect();
    let right = TEXT.starts_with(&heard) && (heard == TEXT || plan.disturbs_devices());
    if right {
        Ok(())
    } else {
        Err(format!("typed {TEXT:?}, heard {heard:?}"))
    }
}

/// After faults that a disk survives it works: at once, or after it was plugged in again.
fn look_again(pair: &mut Pair, port: PortId, image: &Image) -> Result<(), String> {
    let found = pair.driver().devices().find(|one| one.place.port == port);
    if let Some(slot) = found.map(|device| device.slot) {
        let (mut disk, started) = pair.try_disk(slot, Policy::default()).map_err(told)?;
        if started.is_ok() {
            let read = pair.read(&mut disk, 0, 64 * 512).map_err(told)?;
            if let Ok(bytes) = read {
                return image.compare(0, &bytes, bytes.len());
            }
        }
    }
    // One that has been through a great deal is plugged in anew.
    pair.unplug(port);
    pair.run_for(Duration::from_secs(1)).map_err(told)?;
    let (port, _) = pair.plug_disk(DiskOptions::default(), image.medium.clone());
    let slot = pair.attached(port).map_err(told)?;
    let mut disk = pair.disk(slot).map_err(told)?;
    match pair.read(&mut disk, 0, 64 * 512).map_err(told)? {
        Ok(bytes) => image.compare(0, &bytes, bytes.len()),
        Err(failure) => Err(format!("a new disk does not work: {failure:?}")),
    }
}

impl Image {
    fn write(&mut self, first: usize, bytes: &[u8], done: bool) {
        let range = first * 512..first * 512 + bytes.len();
        if done {
            self.bytes[range].copy_from_slice(bytes);
            return;
        }
        // Each block is old or new; what it is, the medium says, and from now on that counts.
        for (index, new) in bytes.chunks(512).enumerate() {
            let block = first + index;
            let range = block * 512..block * 512 + 512;
            let medium = self.medium.borrow();
            if medium.bytes()[range.clone()] == *new {
                self.bytes[range].copy_from_slice(new);
            } else {
                // Work that was under way may still bring it.
                self.open[block] = true;
            }
        }
    }

    /// Compares what was read, block by block, as far as `good` bytes.
    fn compare(&self, first: usize, bytes: &[u8], good: usize) -> Result<(), String> {
        for (index, block) in bytes[..good].chunks(512).enumerate() {
            let number = first + index;
            let known = &self.bytes[number * 512..number * 512 + block.len()];
            if block != known && !self.open[number] {
                return Err(format!("block {number} was read wrongly"));
            }
        }
        Ok(())
    }

    /// What is on the medium is what was written, and nothing else was touched.
    fn check(&self) -> Result<(), String> {
        self.compare(0, self.medium.borrow().bytes(), DISK_BYTES)
            .map_err(|why| format!("on the medium: {why}"))
    }
}
