//! The chip's configuration space against what cards show (lspci of a user, and another emulator's dump of a card).

use core::time::Duration;

use pci_model::profile::renesas_upd72020x::{Chip, Flash, Model, Options, Part};
use pci_model::{Clock, Clocked, Function};
use usb_spec::time::Instant;
use xhci_hal::{ConfigError, ConfigSpace, Width};

fn chip(model: Model) -> Chip {
    Chip::new(
        Options {
            model,
            ..Options::default()
        },
        Instant::START,
    )
}

fn dword(chip: &mut Chip, at: u16) -> u32 {
    chip.config_read(Instant::START, at, Width::Dword)
}

#[test]
fn it_names_itself_as_the_cards_do() {
    let mut chip201 = chip(Model::Upd720201);
    assert_eq!(dword(&mut chip201, 0x00), 0x0014_1912);
    assert_eq!(dword(&mut chip201, 0x08), 0x0c03_3003);
    assert_eq!(dword(&mut chip201, 0x60) & 0xffff, 0x2030);
    let mut chip202 = chip(Model::Upd720202);
    assert_eq!(dword(&mut chip202, 0x00), 0x0015_1912);
    assert_eq!(dword(&mut chip202, 0x08), 0x0c03_3002);
    assert_eq!(chip202.bar_read(Instant::START, 0x04) >> 24, 4, "ports");
}

#[test]
fn bar_0_has_64_bits_and_8_kib() {
    let mut chip = chip(Model::Upd720201);
    chip.config_write(Instant::START, 0x10, Width::Dword, u32::MAX);
    chip.config_write(Instant::START, 0x14, Width::Dword, u32::MAX);
    assert_eq!(dword(&mut chip, 0x10), 0xffff_e004);
    assert_eq!(dword(&mut chip, 0x14), u32::MAX);
}

#[test]
fn its_capabilities_stand_where_cards_have_them() {
    let mut chip = chip(Model::Upd720201);
    assert_ne!(dword(&mut chip, 0x04) & 0x0010_0000, 0, "there is a list");
    let mut at = u16::try_from(dword(&mut chip, 0x34) & 0xff).unwrap();
    let mut found = Vec::new();
    while at != 0 && found.len() < 8 {
        let header = dword(&mut chip, at);
        found.push((at, header & 0xff));
        at = u16::try_from(header >> 8 & 0xff).unwrap();
    }
    assert_eq!(
        found,
        [(0x50, 0x01), (0x70, 0x05), (0x90, 0x11), (0xa0, 0x10)]
    );
    assert_eq!(dword(&mut chip, 0x70) >> 16, 0x0086, "8 vectors, 64 bits");
    assert_eq!(dword(&mut chip, 0x90) >> 16, 7, "8 vectors");
    assert_eq!(
        [dword(&mut chip, 0x94), dword(&mut chip, 0x98)],
        [0x1000, 0x1080]
    );
    assert_eq!(dword(&mut chip, 0xa4), 0x8fc0, "no function reset");
    assert_eq!(dword(&mut chip, 0xac), 0x0007_ec12);
    assert_eq!(dword(&mut chip, 0x100), 0x1501_0001, "errors, then latency");
    assert_eq!(dword(&mut chip, 0x150), 0x0001_0018);
}

#[test]
fn without_firmware_it_cannot_wake_from_d3cold_and_its_power_state_can_be_set() {
    let mut chip = chip(Model::Upd720201);
    assert_eq!(dword(&mut chip, 0x50) >> 16, 0x49c3);
    chip.config_write(Instant::START, 0x54, Width::Word, 0x0003);
    assert_eq!(dword(&mut chip, 0x54), 0x000b);
}

#[test]
fn a_chip_without_rom_starts_with_empty_registers() {
    let mut chip = chip(Model::Upd720201);
    assert_eq!(dword(&mut chip, 0x6c), 0x0020_0000);
    for at in [0xec, 0xf0, 0xf4, 0xf8, 0xfc] {
        assert_eq!(dword(&mut chip, at), 0, "{at:#x}");
    }
    assert_eq!(chip.status(Instant::START).bits(), 0x0801);
    let mut with_rom = Chip::new(
        Options::with_rom(Flash::blank(Part::named("MX25L5121E").unwrap())),
        Instant::START,
    );
    assert_eq!(dword(&mut with_rom, 0xf4), 0x8000_0000);
    assert_eq!(dword(&mut with_rom, 0xec), 0x00c2_2210);
    assert_eq!(dword(&mut with_rom, 0xf0), 0, "also for a known part");
}

#[test]
fn a_clock_per_access_counts_accesses_and_pauses_and_not_slow_accesses() {
    let card = Clocked::new(chip(Model::Upd720201), Clock::PER_LINUX_TURN);
    let mut world = Instant::START;
    for _ in 0..10_000 {
        // Behind a virtual machine an access takes six times as long.
        world = world + Duration::from_micros(84);
        card.tell(world);
        card.read(0xf5, Width::Byte).unwrap();
    }
    assert_eq!(card.now() - Instant::START, Duration::from_millis(142));
    world = world + Duration::from_millis(20);
    card.tell(world);
    assert_eq!(card.now() - Instant::START, Duration::from_millis(162));
}

#[test]
fn a_real_clock_is_the_worlds_and_a_virtual_one_its_own() {
    let real = Clocked::new(chip(Model::Upd720201), Clock::Real);
    real.sleep(Duration::from_secs(1));
    real.tell(Instant::from_nanos(7_000));
    real.read(0, Width::Dword).unwrap();
    assert_eq!(real.now(), Instant::from_nanos(7_000));
    let access = Duration::from_micros(1);
    let own = Clocked::new(chip(Model::Upd720201), Clock::Virtual { access });
    own.tell(Instant::from_nanos(7_000));
    own.sleep(Duration::from_micros(2));
    own.read(0, Width::Dword).unwrap();
    assert_eq!(own.now(), Instant::from_nanos(3_000));
    assert_eq!(
        own.read(0xf6, Width::Dword),
        Err(ConfigError::Range { at: 0xf6 })
    );
}
