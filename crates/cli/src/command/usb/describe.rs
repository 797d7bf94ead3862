//! `doorbell usb describe`

use clap::Args;
use serde::Serialize;

use crate::args::{Common, Selection};
use crate::failure::Failure;
use crate::output::{self, DeviceJson, FailedJson, Out};
use crate::session::Session;

/// Shows what a device says of itself, field by field; without DEVICE, what every device says.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  doorbell usb describe disk\n  doorbell usb describe 1209:0002 --json"
)]
pub(crate) struct Describe {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    selection: Selection,
}

#[derive(Debug, Serialize)]
struct DescribeJson {
    devices: Vec<DescribedJson>,
    /// Those that could not be made to work; none when a device was named.
    failed: Vec<FailedJson>,
}

#[derive(Debug, Serialize)]
struct DescribedJson {
    #[serde(flatten)]
    device: DeviceJson,
    /// The bytes of the active configuration's descriptors, as hexadecimal digits.
    configuration_descriptors: String,
    /// The same of the binary device object store; empty for none.
    bos_descriptors: String,
}

impl Describe {
    pub(crate) fn run(self, out: &mut Out) -> Result<(), Failure> {
        let session = Session::start(&self.common, "", |_, _, _| Ok(()))?;
        let all = session.devices();
        let devices = match self.selection.device.as_deref() {
            Some(word) => vec![session.select(Some(word), "device", |_| true)?],
            None => all.clone(),
        };
        let wants_all = self.selection.device.is_none();
        let failed: Vec<_> = session
            .start
            .failed
            .iter()
            .filter(|_| wants_all)
            .map(FailedJson::new)
            .collect();
        for (index, device) in devices.iter().enumerate() {
            if index > 0 {
                out.line("")?;
            }
            for line in output::describe(device) {
                out.line(line)?;
            }
        }
        for failed in &failed {
            out.line(failed.line())?;
        }
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let described = devices.iter().map(|device| DescribedJson {
            device: DeviceJson::new(device, &all),
            configuration_descriptors: hex(&device.configuration),
            bos_descriptors: hex(&device.bos),
        });
        out.object(&DescribeJson {
            devices: described.collect(),
            failed,
        })?;
        let all_work = match wants_all {
            true => session.check_failed(),
            false => Ok(()),
        };
        session.finish()?;
        all_work
    }
}
