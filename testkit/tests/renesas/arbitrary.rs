//! The chip under arbitrary accesses, and our loader on a chip with arbitrary faults: nothing panics, nothing hangs.

use std::time::Duration;

use pci_model::Function;
use pci_model::profile::renesas_upd72020x::{
    Chip, Flash, ForcedResult, Options, WrongMagic, parse_options,
};
use proptest::prelude::*;
use renesas::VscdChoice;
use renesas_spec::registers::{MAGIC_ERASE, MAGIC_ROM};
use usb_spec::time::Instant;
use xhci_hal::Width;

use crate::bench::{Bench, block, part, small_image, vscd};

/// Something that happens to the chip.
#[derive(Clone, Debug)]
enum Event {
    Read(u16, Width),
    Write(u16, Width, u32),
    Sleep(u32),
    Bar(u32, u32),
    PowerCycle,
    Suspend,
    BusReset,
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![Just(Width::Byte), Just(Width::Word), Just(Width::Dword)]
}

/// Mostly where the engines are, and mostly values that mean something.
fn event() -> impl Strategy<Value = Event> {
    let at = prop_oneof![4 => 0xf0_u16..0x100, 1 => any::<u16>()];
    let value = prop_oneof![
        3 => 0_u32..0x400,
        1 => Just(MAGIC_ROM),
        1 => Just(MAGIC_ERASE),
        1 => any::<u32>(),
    ];
    prop_oneof![
        6 => (at.clone(), width()).prop_map(|(at, width)| Event::Read(at, width)),
        12 => (at, width(), value).prop_map(|(at, width, value)| Event::Write(at, width, value)),
        2 => (0_u32..5_000_000).prop_map(Event::Sleep),
        1 => (0_u32..0x40, any::<u32>()).prop_map(|(at, value)| Event::Bar(at, value)),
        1 => Just(Event::PowerCycle),
        1 => Just(Event::Suspend),
        1 => Just(Event::BusReset),
    ]
}

fn happen(chip: &mut Chip, now: &mut Instant, event: Event) {
    *now = *now + Duration::from_micros(3);
    match event {
        Event::Read(at, width) => {
            let value = chip.config_read(*now, at, width);
            assert_eq!(u64::from(value) >> (8 * width.bytes()), 0);
        }
        Event::Write(at, width, value) => chip.config_write(*now, at, width, value),
        Event::Sleep(nanos) => *now = *now + Duration::from_nanos(nanos.into()),
        Event::Bar(at, value) => {
            chip.bar_write(*now, at, value);
            chip.bar_read(*now, at);
        }
        Event::PowerCycle => {
            chip.power_off(*now);
            chip.power_on(*now);
        }
        Event::Suspend => chip.sleep_and_wake(*now, *now),
        Event::BusReset => chip.bus_reset(*now),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_chip_takes_any_access_and_stays_a_chip(events in prop::collection::vec(event(), 0..400), aux: bool) {
        let flash = Flash::blank(part("P25Q40H")).holding(0, &block(&small_image(0x2018)));
        let mut options = Options::with_rom(flash);
        options.aux_power = aux;
        let mut chip = Chip::new(options, Instant::START);
        let mut now = Instant::START;
        for event in events {
            happen(&mut chip, &mut now, event);
        }
        // Whatever happened, its time is worked off in a bounded number of steps, and its ids are its own.
        chip.power_off(now);
        chip.power_on(now);
        prop_assert_eq!(chip.config_read(now, 0, Width::Dword), 0x0014_1912);
        now = now + Duration::from_secs(10);
        chip.advance(now);
        prop_assert_eq!(chip.next_deadline(), None);
    }

    #[test]
    fn our_loader_ends_on_any_chip_and_leaves_nothing_open(
        stuck in prop::option::of(0_usize..1100),
        frozen in prop::option::of(0_usize..1100),
        rom_frozen in prop::option::of(0_usize..1100),
        results in prop::option::of(prop_oneof![Just(ForcedResult::Never), (0_u8..8).prop_map(ForcedResult::Code)]),
        flags: [bool; 5],
        dropped in prop::option::of(0_u64..4000),
    ) {
        let flash = Flash::blank(part("P25Q40H")).holding(0, &block(&small_image(0x2018)));
        let mut options = Options::with_rom(flash);
        options.faults.stuck_word = stuck;
        options.faults.frozen_word = frozen;
        options.faults.rom_frozen_word = rom_frozen;
        options.faults.rom_result = results;
        options.faults.download_result = results;
        [options.faults.stale_result, options.faults.reload_never, options.faults.parameter_stuck, options.faults.vscd_required, _] = flags;
        if flags[4] {
            options.faults.wrong_magic = WrongMagic::Error;
        }
        let bench = Bench::new(options);
        let file = small_image(0x2026);
        let _ = bench.load(&file);
        let _ = bench.update(&file, VscdChoice::Given(vscd()));
        if let Some(words) = dropped {
            bench.card.sleep(Duration::from_micros(words));
            bench.card.with(|chip, now| chip.drop_off(now));
            prop_assert!(bench.load(&file).is_err());
        }
        // The first block was never in danger.
        bench.card.with(|chip, _| chip.options_mut().faults = Default::default());
        bench.power_cycle();
        prop_assert!(bench.version().is_some());
        prop_assert_eq!(&bench.rom()[..44], &vscd().emit()[..]);
    }

    #[test]
    fn any_text_is_options_or_an_error_that_says_why(text in "[a-z0-9=,-]{0,40}") {
        if let Err(error) = parse_options(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn options_are_read_from_text() {
    let options =
        parse_options("renesas-upd720201,rom=P25Q40H,block-erase=200ms,aux-power").unwrap();
    let flash = options.rom.unwrap();
    assert_eq!(flash.part().erase_block, Duration::from_millis(200));
    assert!(options.aux_power);
    let error = parse_options("renesas-upd720201,rom=P25Q40X").unwrap_err();
    assert!(error.to_string().contains("P25Q40X"));
}
