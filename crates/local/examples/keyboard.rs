//! Prints what a keyboard types, with the threaded interface: `cargo run -p doorbell-local --example keyboard`.
#![expect(clippy::print_stdout, reason = "it is there to print")]

use std::error::Error;
use std::time::Duration;

use host::keyboard::{KeyboardEvent, function};
use host::{EngineOptions, Host};
use local::{Local, Setup};

fn main() -> Result<(), Box<dyn Error>> {
    let setup = Setup::default().with_device("keyboard:text=Hello\\, world!\\n".parse()?);
    let host = Host::spawn(EngineOptions::default(), move || Local::new(setup))?;
    host.wait_settled(Duration::from_secs(10))?;
    let devices = host.devices();
    let device = devices
        .iter()
        .find(|device| function(device.info()).is_some());
    let keyboard = device.ok_or("there is no keyboard")?.open_keyboard()?;
    while let Some(event) = keyboard.next_event(Duration::from_millis(500)) {
        match event {
            KeyboardEvent::Key(key) => print!("{}", key.text.map(String::from).unwrap_or_default()),
            KeyboardEvent::Ended(error) => return Err(error.into()),
        }
    }
    Ok(())
}
