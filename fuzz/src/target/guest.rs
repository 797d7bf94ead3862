//! The controller model in front of any guest: registers, rings, contexts and memory written at will while it runs. It always comes to
//! rest, hands out no work behind a medium, and lets go of memory when it says so.

use std::time::Duration;

use memory::Iova;
use usb_model::WorkError;
use usb_model::device::{Disk, DiskOptions, Keyboard, KeyboardOptions};
use usb_spec::Speed;
use usb_spec::class::mass_storage::Cbw;
use volmem::VolatileSlice;
use xhci_model::{Behaviour, HostError, Options, PortFault};
use xhci_spec::number::{InterrupterId, PortId, SlotId, SpeedId};
use xhci_spec::registers::{high_half, low_half};
use xhci_spec::trb::{Link, Trb, TrbType};

use super::Target;
use crate::guest::{BASE, BUFFERS, ENDPOINTS, Guest, INPUT, LEN, SLOTS};
use crate::input::Input;

pub(super) const TARGET: Target = Target {
    name: "guest",
    about: "the controller model against any register accesses, rings and memory",
    longest: 1024,
    run,
};

/// Blocks of the disks.
const BLOCKS: u64 = 32;

/// Steps of one input: each may cost the model hundreds of TRBs.
const STEPS_MAX: u32 = 200;

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let how = input.u8();
    let options = Options {
        behaviour: if how & 1 == 0 {
            Behaviour::instant()
        } else {
            Behaviour::default()
        },
        contexts_64: how & 2 != 0,
        addressing_64: how & 4 == 0,
        light_reset: how & 8 != 0,
        ..Options::default()
    };
    let mut guest = Guest::new(options, BLOCKS * 512);
    if how & 16 == 0 {
        guest.start();
    }
    if how & 32 == 0 {
        plug(&mut guest, how >> 6);
        let (port, speed) = PLUGS[usize::from(how >> 6)];
        let slot = SlotId::new(1).expect("1 is a slot");
        guest.enumerate(slot, port_id(port), speed_id(speed));
    }
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        step(&mut guest, &mut input);
    }
    guest.pass(Duration::from_millis(1));
    guest.quiesce();
}

/// Ports and the speeds of the devices that are put on them: three disks and a keyboard.
const PLUGS: [(u8, Speed); 4] = [
    (5, Speed::Super),
    (1, Speed::High),
    (2, Speed::Low),
    (3, Speed::Full),
];

fn port_id(number: u8) -> PortId {
    PortId::new(number.max(1)).expect("not zero")
}

fn speed_id(speed: Speed) -> SpeedId {
    match speed {
        Speed::Full => SpeedId::FULL,
        Speed::Low => SpeedId::LOW,
        Speed::High => SpeedId::HIGH,
        Speed::Super => SpeedId::SUPER,
        Speed::SuperPlus => SpeedId::SUPER_PLUS,
    }
}

fn plug(guest: &mut Guest, which: u8) {
    let (port, speed) = PLUGS[usize::from(which & 3)];
    if speed == Speed::Low {
        let mut keyboard = Keyboard::<VolatileSlice>::new(KeyboardOptions::default());
        keyboard.type_text("ab");
        return guest.plug(port_id(port), Box::new(keyboard));
    }
    let disk = Disk::<VolatileSlice>::new(DiskOptions {
        speed,
        blocks: BLOCKS,
        ..DiskOptions::default()
    });
    guest.plug(port_id(port), Box::new(disk));
}

fn step(guest: &mut Guest, input: &mut Input<'_>) {
    match input.u8() % 20 {
        0 | 1 => {
            let at = guest.register(input.u8(), u32::from(input.u8()) * 4);
            guest.write(at, value(input));
        }
        2 => {
            let at = guest.register(input.u8(), u32::from(input.u16()));
            let _ = guest.controller.mmio_read(at, guest.now);
        }
        3 => {
            let at = guest.register(5, input.u32());
            guest.write(at, input.u32());
        }
        4..=6 => {
            let trb = command(input);
            guest.command(trb);
            guest.doorbell(0, 0);
        }
        7..=9 => {
            let (slot, endpoint) = (input.u8(), input.u8());
            for _ in 0..=input.below(4) {
                let trb = transfer(input);
                guest.transfer(slot, endpoint, trb);
            }
            guest.doorbell(slot % SLOTS + 1, u32::from(endpoint % ENDPOINTS));
        }
        10 => guest.doorbell(input.u8(), u32::from(input.u16())),
        11 | 12 => context(guest, input),
        13 => store(guest, input),
        14 => guest.pass(Duration::from_micros(u64::from(input.u16()) * 4)),
        15 => guest.take_events(),
        16 => wrapper(guest, input),
        17 => work(guest, input),
        18 => port(guest, input),
        _ => rare(guest, input),
    }
    if input.u8() & 3 == 0 {
        guest.serve();
    }
}

/// Values that mean something to a register more often than chance would have it.
fn value(input: &mut Input<'_>) -> u32 {
    match input.u8() % 4 {
        0 => 1 << (input.u8() & 31),
        1 => u32::from(input.u8()),
        2 => low_half(BASE.0).wrapping_add(u32::from(input.u16())),
        _ => input.u32(),
    }
}

fn pointer(input: &mut Input<'_>) -> Iova {
    match input.u8() % 8 {
        0..4 => BUFFERS.offset(u64::from(input.u16()) % 0x3000),
        4 | 5 => INPUT,
        6 => BASE.offset(u64::from(input.u16())),
        _ => Iova(input.u64()),
    }
}

fn command(input: &mut Input<'_>) -> Trb {
    let kind = match input.u8() {
        all @ 0..16 => u32::from(TrbType::ENABLE_SLOT.0) + u32::from(all),
        other => u32::from(other & 63),
    };
    let at = match input.u8() % 4 {
        0 | 1 => INPUT,
        2 => BASE.offset(0x6000 + u64::from(input.u8()) * 16 + 1),
        _ => pointer(input),
    };
    let (slot, endpoint, flags) = (input.u8() & 3, input.u8() & 31, input.u8());
    let control = u32::from(slot) << 24 | u32::from(endpoint) << 16 | kind << 10;
    Trb([
        low_half(at.0),
        high_half(at.0),
        u32::from(input.u8()) << 16,
        control | u32::from(flags & 2) << 8,
    ])
}

fn transfer(input: &mut Input<'_>) -> Trb {
    const KINDS: [TrbType; 8] = [
        TrbType::NORMAL,
        TrbType::NORMAL,
        TrbType::SETUP_STAGE,
        TrbType::DATA_STAGE,
        TrbType::STATUS_STAGE,
        TrbType::EVENT_DATA,
        TrbType::NO_OP,
        TrbType::LINK,
    ];
    let how = input.u8();
    if how == 0xff {
        return Trb(input.dwords());
    }
    let kind = KINDS[usize::from(how & 7)];
    if kind == TrbType::LINK {
        return Link {
            next: Iova(BASE.0 + 0x6000 + u64::from(input.u8()) * 16),
            toggle_cycle: how & 8 != 0,
            chain: how & 16 != 0,
            ioc: how & 32 != 0,
            interrupter: InterrupterId(0),
        }
        .emit();
    }
    let flags = u32::from(input.u8());
    let control = u32::from(kind.0) << 10 | flags << 1 & 0x3fe;
    if kind == TrbType::SETUP_STAGE {
        let [low, high] = input.dwords();
        return Trb([low, high, 8, control | 1 << 6 | (flags & 3) << 16]);
    }
    let at = pointer(input);
    let (length, interrupter) = (u32::from(input.u16()), u32::from(input.u8() >> 5));
    let in_bit = u32::from(how >> 7) << 16;
    Trb([
        low_half(at.0),
        high_half(at.0),
        length | interrupter << 22,
        control | in_bit,
    ])
}

/// Changes a few dwords of the input context.
fn context(guest: &mut Guest, input: &mut Input<'_>) {
    let at = INPUT.offset(u64::from(input.u8()) * 4);
    let dword = match input.u8() % 3 {
        0 => u32::from(input.u8()),
        1 => low_half(BASE.0 + 0x6000) + u32::from(input.u8()) * 16 + 1,
        _ => input.u32(),
    };
    guest.store_dwords(at, &[dword]);
}

/// Changes a block anywhere: rings, contexts and tables that the controller is just using.
fn store(guest: &mut Guest, input: &mut Input<'_>) {
    let at = BASE.offset((u64::from(input.u16()) * 16) % LEN as u64);
    guest.store(at, input.dwords());
}

/// A command block wrapper in a buffer, and a transfer that sends it.
fn wrapper(guest: &mut Guest, input: &mut Input<'_>) {
    const OPCODES: [u8; 8] = [0x28, 0x2a, 0x12, 0x03, 0x25, 0x00, 0x88, 0x35];
    let mut cdb = [0; 16];
    cdb[0] = input.pick(&OPCODES);
    cdb[5] = input.u8();
    cdb[8] = input.u8() & 31;
    let wrapper = Cbw {
        tag: 1,
        data_length: u32::from(input.u16()),
        direction: usb_spec::Direction::from_bit7(input.u8()),
        lun: 0,
        cdb,
        cdb_length: 16,
    };
    let bytes = wrapper.to_bytes();
    let dwords: Vec<u32> = bytes
        .chunks(4)
        .map(|chunk| {
            let mut dword = [0; 4];
            dword[..chunk.len()].copy_from_slice(chunk);
            u32::from_le_bytes(dword)
        })
        .collect();
    guest.store_dwords(BUFFERS, &dwords);
    let control = u32::from(TrbType::NORMAL.0) << 10 | 1 << 5;
    let trb = Trb([low_half(BUFFERS.0), high_half(BUFFERS.0), 31, control]);
    guest.transfer(0, 4, trb);
    guest.doorbell(1, 4);
}

fn work(guest: &mut Guest, input: &mut Input<'_>) {
    let index = input.below(guest.held.len());
    let result = match input.u8() % 6 {
        0 => Err(WorkError::Read),
        1 => Err(WorkError::Gone),
        _ => Ok(()),
    };
    guest.finish(index, result);
}

fn port(guest: &mut Guest, input: &mut Input<'_>) {
    const FAULTS: [PortFault; 4] = [
        PortFault::LinkError,
        PortFault::Compliance,
        PortFault::TrainingFails,
        PortFault::ConfigError,
    ];
    let (number, now) = (port_id(input.u8() % 10), guest.now);
    match input.u8() % 4 {
        0 => plug(guest, number.get()),
        1 => drop(guest.controller.detach(number, now)),
        2 => guest
            .controller
            .disturb_port(number, input.pick(&FAULTS), now),
        _ => {
            let register = guest.port(number);
            guest.write(register, value(input));
        }
    }
    while guest.controller.poll_departed().is_some() {}
}

fn rare(guest: &mut Guest, input: &mut Input<'_>) {
    let now = guest.now;
    match input.u8() % 16 {
        0 => guest.start(),
        1 => guest.controller.set_bus_master(input.flag()),
        2 => guest.controller.power_cycle(now),
        3 => guest.controller.die(HostError::System),
        4 => guest.controller.set_message_interrupts(input.flag()),
        5 if input.u8() == 0xff => guest.controller.vanish(),
        6 => {
            // Memory goes away as soon as the controller has let go of it.
            guest.controller.set_bus_master(false);
            guest.quiesce();
            let unmapped = guest.controller.memory_mut().unmap(BASE, LEN as u64);
            assert!(unmapped.is_ok() || guest.controller.memory().mappings().next().is_none());
            guest.controller.set_bus_master(true);
        }
        _ => {
            let slot = SlotId::new(input.u8() % SLOTS + 1).expect("not zero");
            let (port, speed) = PLUGS[input.below(4)];
            guest.enumerate(slot, port_id(port), speed_id(speed));
        }
    }
}
