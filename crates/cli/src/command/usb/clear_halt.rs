//! `doorbell usb clear-halt`

use clap::Args;
use host::{EndpointAddress, Operation};
use serde::Serialize;

use crate::args::{Common, Selection};
use crate::failure::Failure;
use crate::output::{Out, location};
use crate::session::{Session, short_name};

const EXAMPLES: &str = "\
Examples:
  doorbell usb clear-halt disk
  doorbell usb clear-halt disk --endpoint 0x81";

/// Makes endpoints usable again, halted or not, so that controller and device agree on the next data toggle.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ClearHalt {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    selection: Selection,
    /// The endpoint's address, as 0x81; every endpoint of the device if not given
    #[arg(long, value_parser = address)]
    endpoint: Option<EndpointAddress>,
}

#[derive(Debug, Serialize)]
struct ClearHaltJson {
    location: String,
    port: u8,
    cleared: Vec<String>,
}

impl ClearHalt {
    pub(crate) fn run(self, out: &mut Out) -> Result<(), Failure> {
        let mut session = Session::start(&self.common, "", |_, _, _| Ok(()))?;
        let device = session.select(self.selection.device.as_deref(), "device", |_| true)?;
        let endpoints: Vec<_> = match self.endpoint {
            Some(address) if device.endpoint(address).is_some() => vec![address],
            Some(address) => {
                let has: Vec<_> = device
                    .endpoints
                    .iter()
                    .map(|own| format!("{:#04x}", own.address.0))
                    .collect();
                return Err(Failure::usage(
                    format!("{} has no endpoint {:#04x}", short_name(&device), address.0),
                    format!("it has {}", has.join(", ")),
                ));
            }
            None => device
                .endpoints
                .iter()
                .map(|endpoint| endpoint.address)
                .collect(),
        };
        let client = session.engine.client();
        let mut cleared = Vec::new();
        for endpoint in endpoints {
            session.engine.request(
                client,
                Operation::ClearHalt {
                    slot: device.slot,
                    endpoint,
                },
            );
            let (_, result) = session.run(|engine| engine.poll_operation(client))?;
            result.map_err(|error| session.explain(error.into()))?;
            out.line(format!(
                "{endpoint} of {}: halt cleared in controller and device",
                short_name(&device)
            ))?;
            cleared.push(format!("{:#04x}", endpoint.0));
        }
        out.object(&ClearHaltJson {
            location: location(&device.place),
            port: device.place.port.get(),
            cleared,
        })?;
        session.finish()
    }
}

fn address(text: &str) -> Result<EndpointAddress, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number
        .ok()
        .map(EndpointAddress)
        .filter(|address| !address.is_zero() && address.0 & 0x70 == 0)
        .ok_or_else(|| "give an endpoint's address such as 0x81 (IN) or 0x02 (OUT)".to_owned())
}
