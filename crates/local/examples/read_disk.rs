//! Reads a disk with the polled interface, one thread, no channels: `cargo run -p doorbell-local --example read_disk [IMAGE]`.
#![expect(clippy::print_stdout, reason = "it is there to print")]

use std::error::Error;

use host::storage::{self, Policy, PolledDisk};
use host::{Engine, EngineOptions, Notice};
use local::{Local, Setup};

const CHUNK: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let device = match std::env::args().nth(1) {
        Some(image) => format!("disk:{image},ro").parse()?,
        None => "disk:size=16M,pattern".parse()?,
    };
    let local = Local::new(Setup::default().with_device(device))?;
    let mut engine = Engine::new(local, EngineOptions::default())?;
    let settled = |engine: &mut Engine<Local>| {
        engine
            .poll_notice()
            .filter(|notice| matches!(notice, Notice::Settled | Notice::Died { .. }))
    };
    if let Some(Notice::Died { cause }) = engine.run_until(None, settled) {
        return Err(cause.into());
    }

    let slot = engine
        .devices()
        .find(|device| storage::function(device).is_some());
    let slot = slot.map(|device| device.slot).ok_or("there is no disk")?;
    let mut disk = PolledDisk::open(&mut engine, slot, Policy::default())?;
    let size = disk.info().map_or(0, |info| info.geometry.bytes());

    // One buffer goes round: it is given to the disk with each read, and comes back full.
    let mut buffer = engine.pool().allocate(CHUNK)?;
    let mut sum = 0u64;
    for at in (0..size).step_by(CHUNK) {
        let length = CHUNK.min(usize::try_from(size - at)?);
        let now = engine.now();
        disk.begin_read(now, at, buffer, length)
            .map_err(|refused| refused.error)?;
        let done = disk.finish(&mut engine).into_result()?;
        buffer = done.ok_or("the buffer did not come back")?;
        sum = buffer[..length]
            .iter()
            .fold(sum, |sum, byte| sum.wrapping_add(u64::from(*byte)));
    }
    println!("{size} bytes, which sum up to {sum}");

    disk.close(&mut engine);
    engine.shutdown()?;
    Ok(())
}
