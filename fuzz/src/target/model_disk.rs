//! The emulated disk against any host: no panic, no work behind the medium, each request ends once or can be taken back.

use usb_model::device::{BlockSize, Disk, DiskOptions, ShortData};
use usb_spec::Speed;

use super::Target;
use crate::arena::Arena;
use crate::input::Input;
use crate::usb_host::Host;

pub(super) const TARGET: Target = Target {
    name: "model_disk",
    about: "the emulated disk against any requests, commands and work results",
    longest: 512,
    run,
};

/// Blocks of the medium: few, so that inputs reach its end.
const BLOCKS: u64 = 32;

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = input.u8();
    let block_size = if kind & 0x80 == 0 {
        BlockSize::Bytes512
    } else {
        BlockSize::Bytes4096
    };
    let options = DiskOptions {
        speed: Speed::ALL[usize::from(kind & 7) % Speed::ALL.len()],
        blocks: BLOCKS,
        block_size,
        read_only: kind & 8 != 0,
        removable: kind & 16 != 0,
        short_data: if kind & 32 == 0 {
            ShortData::Stall
        } else {
            ShortData::ShortPacket
        },
        ..DiskOptions::default()
    };
    let medium_len = BLOCKS * u64::from(block_size.bytes());
    Arena::with(&[], |arena| {
        let mut host = Host::new(Disk::new(options), medium_len, &arena.space);
        if kind & 64 == 0 {
            host.configure();
        }
        while !input.is_empty() {
            if input.u8() == 0xff {
                host.device.set_medium_present(input.flag());
            }
            host.step(&mut input);
        }
        host.finish();
    });
}
