//! Devices pulled out at every single step of an enumeration, of a read and of a recovery: everything ends, nothing is left, and the
//! next device on the port works.

use std::time::Duration;

use block::{PatternMedium, pattern};
use testkit::fault::{Answer, Fault, Target, What};
use testkit::{Disk, Hang, Pair, PairOptions, shared};
use usb_class::scsi::Policy;
use usb_model::device::DiskOptions;
use usb_spec::speed::Speed;
use xhci_spec::number::PortId;

/// More requests than any of these runs sends to its device.
const STEPS_MAX: u32 = 400;

/// Which run, and whether the fault at the end of its plan came.
fn run(seed: u64, speed: Speed, plan: &[Fault]) -> Result<bool, Hang> {
    let options = PairOptions {
        seed,
        plan: plan.to_vec(),
        jitter: true,
        interrupters: 2,
        ..PairOptions::default()
    };
    let mut pair = Pair::up_with(options)?;
    let options = DiskOptions {
        speed,
        ..DiskOptions::default()
    };
    let medium = shared(PatternMedium::new(1 << 20, seed));
    let (port, _) = pair.plug_disk(options.clone(), medium);
    if let Some(slot) = pair.attached_or_failed(port)? {
        let (mut disk, started) = pair.try_disk(slot, Policy::default())?;
        if started.is_ok() {
            let read = pair.read(&mut disk, 1024, 70_144)?;
            let mut expected = vec![0; 70_144];
            pattern::fill(seed, 1024, &mut expected);
            assert!(read.is_err() || read.as_deref() == Ok(&expected[..]));
        }
    }
    let fired = pair
        .injector()
        .fired()
        .last()
        .is_some_and(|last| last.1 > 0);
    pair.inject(&[]);
    if fired {
        // Sometimes the next one is there before the driver has seen the first one go.
        if seed.is_multiple_of(2) {
            pair.run_for(Duration::from_millis(100))?;
        }
        let medium = shared(PatternMedium::new(1 << 20, seed + 1));
        let (port, _) = pair.plug_disk(options, medium);
        let mut disk = next_disk(&mut pair, port)?;
        let read = pair.read(&mut disk, 512, 4096)?;
        let mut expected = vec![0; 4096];
        pattern::fill(seed + 1, 512, &mut expected);
        assert!(read.as_deref() == Ok(&expected[..]), "the next disk");
    }
    pair.finish()?;
    Ok(fired)
}

/// The disk that was plugged in behind another. The driver may have been about to announce that one, and takes it back at once then.
fn next_disk(pair: &mut Pair, port: PortId) -> Result<Disk, Hang> {
    for _ in 0..2 {
        let slot = pair.attached(port)?;
        let (disk, started) = pair.try_disk(slot, Policy::default())?;
        if started.is_ok() {
            return Ok(disk);
        }
        pair.run_for(Duration::from_millis(10))?;
    }
    Err(pair.hang("the next disk does not work"))
}

/// Pulls the disk out at its first request, at its second, and so on until a run comes to its end before that.
fn at_every_step(speed: Speed, before: &[Fault]) -> u32 {
    for step in 0..STEPS_MAX {
        let mut plan = before.to_vec();
        plan.push(Fault::once(What::Unplug(Target::Any)).after(step));
        let fired = run(u64::from(step), speed, &plan);
        match fired {
            Ok(true) => {}
            Ok(false) => return step,
            Err(hang) => panic!("{speed:?}, step {step}: {hang}"),
        }
    }
    panic!("a run sends more than {STEPS_MAX} requests");
}

#[test]
fn a_disk_pulled_out_at_any_request_leaves_nothing_behind() {
    for speed in [Speed::Super, Speed::High, Speed::Full] {
        let steps = at_every_step(speed, &[]);
        assert!(steps > 40, "{speed:?}: only {steps} requests");
    }
}

#[test]
fn a_disk_pulled_out_at_any_request_of_a_recovery_leaves_nothing_behind() {
    // Whoever is in front takes the request, so a step that the first fault takes is not one of the second.
    let stall = Fault::once(What::Device(Answer::Stall, Target::In)).after(6);
    let silence = Fault::once(What::Device(Answer::None, Target::Out))
        .after(5)
        .times(6);
    for before in [stall, silence] {
        let steps = at_every_step(Speed::High, &[before]);
        assert!(steps > 40, "only {steps} requests");
    }
}
