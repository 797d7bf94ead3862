//! Lists what is plugged in, with the threaded interface: `cargo run -p doorbell-local --example list_devices`.
#![expect(clippy::print_stdout, reason = "it is there to print")]

use std::error::Error;
use std::time::Duration;

use host::{EngineOptions, Host};
use local::{Local, Setup};

fn main() -> Result<(), Box<dyn Error>> {
    let setup = Setup::default()
        .with_device("disk:size=16M,pattern,speed=high".parse()?)
        .with_device("keyboard".parse()?);
    let host = Host::spawn(EngineOptions::default(), move || Local::new(setup))?;
    host.wait_settled(Duration::from_secs(10))?;
    for device in host.devices() {
        let info = device.info();
        let name = device.string(info.descriptor.product_string, Duration::from_secs(1))?;
        println!(
            "port {}: {:04x}:{:04x} {} ({})",
            info.place.port.get(),
            info.descriptor.vendor,
            info.descriptor.product,
            name.as_deref().unwrap_or("without a name"),
            info.speed
        );
    }
    host.shutdown()?;
    Ok(())
}
