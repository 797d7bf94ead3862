//! Wrappers around registers and configuration space: what is inside does not know, and whoever is outside can tell.

use std::cell::{Cell, RefCell};

use xhci_hal::middleware::{
    ConfigAccess, ConfigEffect, Difference, Fault, Faults, Faulty, MmioAccess, MmioEffect,
    Recorded, Replay, Side, Traced,
};
use xhci_hal::{ConfigError, ConfigSpace, Mmio, Width};

/// Four registers that keep what is written, and count how often they were asked at all.
#[derive(Debug, Default)]
struct Registers {
    values: [Cell<u32>; 4],
    asked: Cell<u32>,
}

impl Mmio for Registers {
    fn read32(&self, at: u32) -> u32 {
        self.asked.set(self.asked.get() + 1);
        self.values[at as usize / 4].get()
    }
    fn write32(&self, at: u32, value: u32) {
        self.asked.set(self.asked.get() + 1);
        self.values[at as usize / 4].set(value);
    }
}

impl ConfigSpace for Registers {
    fn read(&self, at: u16, _: Width) -> Result<u32, ConfigError> {
        let value = self
            .values
            .get(usize::from(at) / 4)
            .ok_or(ConfigError::Range { at })?;
        Ok(value.get())
    }
    fn write(&self, at: u16, _: Width, value: u32) -> Result<(), ConfigError> {
        self.values
            .get(usize::from(at) / 4)
            .ok_or(ConfigError::Range { at })?
            .set(value);
        Ok(())
    }
}

fn faulty(
    faults: impl IntoIterator<Item = Fault<MmioEffect>>,
) -> Faulty<Registers, Faults<MmioEffect>> {
    Faulty::new(Registers::default(), Faults::new(faults))
}

fn fired<T, E>(faulty: &Faulty<T, Faults<E>>) -> Vec<u64> {
    faulty.plan().fired().collect()
}

#[test]
fn an_observer_hears_a_write_before_it_is_done_and_a_read_after_it_was_answered() {
    let registers = Registers::default();
    let heard = RefCell::new(Vec::new());
    let traced = Traced::new(&registers, |access: MmioAccess| {
        heard.borrow_mut().push((access, registers.asked.get()))
    });
    traced.write32(8, 7);
    assert_eq!(traced.read32(8), 7);
    assert_eq!(
        *heard.borrow(),
        [(MmioAccess::write(8, 7), 0), (MmioAccess::read(8, 7), 2)]
    );
}

#[test]
fn an_observer_of_configuration_space_hears_what_came_of_an_access() {
    let heard = RefCell::new(Vec::new());
    let traced = Traced::new(Registers::default(), |access: ConfigAccess| {
        heard.borrow_mut().push(access)
    });
    assert_eq!(traced.write(4, Width::Word, 6), Ok(()));
    assert_eq!(traced.read(4, Width::Word), Ok(6));
    assert_eq!(
        traced.read(64, Width::Byte),
        Err(ConfigError::Range { at: 64 })
    );
    let expected = [
        ConfigAccess {
            side: Side::Write,
            at: 4,
            width: Width::Word,
            value: Ok(6),
        },
        ConfigAccess {
            side: Side::Read,
            at: 4,
            width: Width::Word,
            value: Ok(6),
        },
        ConfigAccess {
            side: Side::Read,
            at: 64,
            width: Width::Byte,
            value: Err(ConfigError::Range { at: 64 }),
        },
    ];
    assert_eq!(*heard.borrow(), expected);
}

#[test]
fn a_recorded_run_replays_to_its_end_and_its_lines_can_be_read_back() {
    let recorded = Recorded::new(Registers::default());
    recorded.write32(0, 3);
    assert_eq!(recorded.read32(0), 3);
    let log = recorded.take();
    assert_eq!(recorded.take(), []);
    let text: Vec<String> = log.iter().map(ToString::to_string).collect();
    assert_eq!(text, ["w 0x0000 0x00000003", "r 0x0000 0x00000003"]);
    let parsed: Vec<MmioAccess> = text.iter().map(|line| line.parse().unwrap()).collect();
    assert_eq!(parsed, log);

    let replay = Replay::new(log);
    replay.write32(0, 3);
    assert_eq!(replay.read32(0), 3);
    assert_eq!(replay.finish(), Ok(()));
}

#[test]
fn a_line_that_is_no_access_is_refused() {
    for line in [
        "",
        "r",
        "r 0x0",
        "x 0x0 0x0",
        "r 0 0",
        "w 0x0 0x1 0x2",
        "w 0x0 0x1_0000_0000_0",
    ] {
        assert!(line.parse::<MmioAccess>().is_err(), "{line:?}");
    }
}

#[test]
fn a_replay_names_the_first_access_that_differs_and_the_device_is_gone_after_it() {
    let log = vec![
        MmioAccess::write(0, 3),
        MmioAccess::read(4, 1),
        MmioAccess::read(8, 2),
    ];
    let replay = Replay::new(log);
    replay.write32(0, 3);
    assert_eq!(replay.read32(8), u32::MAX, "the log reads 4 first");
    assert_eq!(replay.read32(4), u32::MAX, "no way back into the log");
    let difference = replay.finish().unwrap_err();
    assert_eq!(
        (difference.index, difference.expected),
        (1, Some(MmioAccess::read(4, 1)))
    );
    assert_eq!(
        difference.to_string(),
        "access 1: the log has `r 0x0004 0x00000001`, the run `r 0x0008 0xffffffff`"
    );
}

#[test]
fn a_replay_notes_a_wrong_value_a_run_that_is_too_long_and_one_that_is_too_short() {
    let log = || vec![MmioAccess::write(0, 3)];
    let wrong = Replay::new(log());
    wrong.write32(0, 4);
    assert_eq!(
        wrong.finish().unwrap_err().got,
        Some(MmioAccess::write(0, 4))
    );
    let long = Replay::new(log());
    long.write32(0, 3);
    assert_eq!(long.read32(0), u32::MAX);
    assert_eq!(long.finish().unwrap_err().expected, None);
    let short = Replay::new(log());
    assert_eq!(
        short.finish(),
        Err(Difference {
            index: 0,
            expected: Some(MmioAccess::write(0, 3)),
            got: None
        })
    );
}

#[test]
fn two_logs_differ_where_one_of_them_ends() {
    let log = [MmioAccess::read(0, 1), MmioAccess::read(4, 2)];
    assert_eq!(Difference::between(&log, &log), None);
    let difference = Difference::between(&log, &log[..1]).unwrap();
    assert_eq!(
        (difference.index, difference.expected, difference.got),
        (1, Some(log[1]), None)
    );
}

#[test]
fn a_device_that_goes_away_reads_as_all_ones_from_then_on_and_is_not_asked_again() {
    let device = faulty([Fault::new(MmioEffect::Gone).after(2)]);
    device.write32(0, 5);
    assert_eq!(device.read32(0), 5);
    assert_eq!(device.read32(0), u32::MAX);
    device.write32(0, 6);
    assert_eq!(
        (device.inner().values[0].get(), device.inner().asked.get()),
        (5, 2)
    );
    assert_eq!(fired(&device), [2]);
}

#[test]
fn a_value_can_be_put_in_the_place_of_one_read_at_one_offset() {
    let device = faulty([Fault::new(MmioEffect::ReadsAs(9))
        .at(4..8)
        .after(1)
        .times(1)]);
    assert_eq!([0, 4, 4, 4].map(|at| device.read32(at)), [0, 0, 9, 0]);
    assert_eq!(fired(&device), [1]);
}

#[test]
fn a_stuck_bit_fires_only_when_it_was_otherwise() {
    let device = faulty([
        Fault::new(MmioEffect::Stuck {
            mask: 0b11,
            value: 0b01,
        })
        .at(0..4),
        Fault::new(MmioEffect::Stuck {
            mask: 0x80,
            value: 0x80,
        })
        .at(8..12),
    ]);
    device.write32(0, 0b101);
    assert_eq!(device.read32(0), 0b101);
    assert_eq!(fired(&device), [0, 0]);
    device.write32(0, 0b110);
    assert_eq!(device.read32(0), 0b101);
    assert_eq!(fired(&device), [1, 0]);
    assert!(!device.plan().all_fired());
    assert_eq!(device.read32(8), 0x80);
    assert!(device.plan().all_fired());
}

#[test]
fn a_write_can_be_lost_or_bent_and_a_new_plan_can_take_over() {
    let device = faulty([
        Fault::new(MmioEffect::DropsWrite).times(1),
        Fault::new(MmioEffect::FlipsWrite(1)),
    ]);
    device.write32(0, 4);
    assert_eq!(device.read32(0), 0, "lost");
    device.write32(0, 4);
    assert_eq!(device.read32(0), 5, "bent");
    assert_eq!(fired(&device), [1, 1]);
    device.replace(Faults::new([]));
    device.write32(0, 4);
    assert_eq!(device.read32(0), 4, "healed");
}

#[test]
fn configuration_space_can_be_gone_refused_locked_overridden_or_deaf() {
    let space = |fault| Faulty::new(Registers::default(), Faults::new([fault]));
    let gone = space(Fault::new(ConfigEffect::Gone));
    assert_eq!(gone.write(0, Width::Dword, 1), Ok(()));
    assert_eq!(gone.read(0, Width::Byte), Ok(0xff));
    assert_eq!(gone.read(0, Width::Word), Ok(0xffff));
    assert_eq!(
        (gone.read(0, Width::Dword), fired(&gone)),
        (Ok(u32::MAX), vec![4])
    );

    let refused = space(Fault::new(ConfigEffect::Refused(ConfigError::Permission)).at(4..8));
    assert_eq!(refused.read(0, Width::Dword), Ok(0));
    assert_eq!(refused.read(4, Width::Dword), Err(ConfigError::Permission));
    assert_eq!(
        refused.write(4, Width::Dword, 1),
        Err(ConfigError::Permission)
    );

    let locked = space(Fault::new(ConfigEffect::RefusedWrite(
        ConfigError::Lockdown,
    )));
    assert_eq!(locked.read(0, Width::Dword), Ok(0));
    assert_eq!(locked.write(0, Width::Dword, 1), Err(ConfigError::Lockdown));

    let overridden = space(Fault::new(ConfigEffect::ReadsAs(0x1234_5678)).times(1));
    assert_eq!(overridden.read(0, Width::Word), Ok(0x5678));
    assert_eq!(overridden.read(0, Width::Word), Ok(0));

    let deaf = space(Fault::new(ConfigEffect::DropsWrite));
    assert_eq!(deaf.write(0, Width::Dword, 1), Ok(()));
    assert_eq!((deaf.read(0, Width::Dword), fired(&deaf)), (Ok(0), vec![1]));
}
