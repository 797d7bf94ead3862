//! `doorbell usb tree`

use clap::Args;
use serde::Serialize;

use crate::args::Common;
use crate::failure::Failure;
use crate::output::{self, DeviceJson, FailedJson, Out};
use crate::session::Session;

/// Shows the devices: names, speeds, power, classes, endpoints.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  doorbell usb tree --device disk:stick.img --device keyboard:speed=full\n  doorbell usb tree --device 'hub(keyboard; hub:speed=high(tablet))'"
)]
pub(crate) struct Tree {
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Serialize)]
struct TreeJson {
    devices: Vec<DeviceJson>,
    failed: Vec<FailedJson>,
}

impl Tree {
    pub(crate) fn run(self, out: &mut Out) -> Result<(), Failure> {
        let session = Session::start(&self.common, "", |_, _, _| Ok(()))?;
        let devices = session.devices();
        for line in output::tree(&devices) {
            out.line(line)?;
        }
        let failed: Vec<_> = session.start.failed.iter().map(FailedJson::new).collect();
        for failed in &failed {
            out.line(failed.line())?;
        }
        let devices = output::devices_json(&devices);
        out.object(&TreeJson { devices, failed })?;
        let all_work = session.check_failed();
        session.finish()?;
        all_work
    }
}
