//! `doorbell up`

use std::time::Duration;

use clap::Args;
use host::{DeviceInfo, storage};
use serde::Serialize;

use crate::args::Common;
use crate::failure::Failure;
use crate::moving::{self, Range};
use crate::output::{
    self, ControllerJson, DeviceJson, FailedJson, MovedJson, Out, PhaseJson, bytes, millis, rate,
};
use crate::session::{Session, short_name};

const EXAMPLES: &str = "\
Examples:
  doorbell up
  doorbell up --device disk:stick.img,ro --device keyboard
  doorbell up --controller model:bios=never,contexts=64,ac64=off
  doorbell up --device 'hub(keyboard; disk:stick.img,ro; hub:speed=high(tablet))'
  doorbell up --device disk:size=1G,pattern,speed=high --json";

/// Brings the controller up phase by phase, shows the devices behind it, reads the whole of the first disk and prints its SHA-256.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Serialize)]
struct UpJson {
    controller: ControllerJson,
    phases: Vec<PhaseJson>,
    forced_handoff: bool,
    devices: Vec<DeviceJson>,
    failed: Vec<FailedJson>,
    disk: Option<DiskJson>,
    total_seconds: f64,
}

#[derive(Debug, Serialize)]
struct DiskJson {
    vendor: String,
    product: String,
    block_bytes: u32,
    write_protected: bool,
    #[serde(flatten)]
    read: MovedJson,
}

impl Up {
    pub(crate) fn run(self, out: &mut Out) -> Result<(), Failure> {
        let mut greeted = false;
        let mut session = Session::start(&self.common, "", |engine, phase, took| {
            if !greeted {
                greeted = true;
                out.line(ControllerJson::new(engine.capabilities()).line())?;
                out.line("")?;
            }
            out.line(phase_line(phase.name(), took, ""))
        })?;
        let devices = session.devices();
        let count = match devices.len() {
            1 => "1 device".to_owned(),
            count => format!("{count} devices"),
        };
        out.line(phase_line("enumeration", session.start.enumeration, &count))?;
        if session.start.forced_handoff {
            out.line("  the firmware did not give the controller up; it was taken")?;
        }
        out.line("")?;
        for line in output::tree(&devices) {
            out.line(line)?;
        }
        let failed: Vec<_> = session.start.failed.iter().map(FailedJson::new).collect();
        for failed in &failed {
            out.line(failed.line())?;
        }
        let disk = match devices
            .iter()
            .find(|device| storage::function(device).is_some())
        {
            Some(device) => Some(read_disk(&mut session, device, out)?),
            None => None,
        };
        let mut json = UpJson {
            controller: ControllerJson::new(session.engine.capabilities()),
            phases: session
                .start
                .phases
                .iter()
                .map(|&(phase, took)| PhaseJson::new(phase, took))
                .collect(),
            forced_handoff: session.start.forced_handoff,
            devices: output::devices_json(&devices),
            failed,
            disk,
            total_seconds: 0.0,
        };
        json.phases
            .push(PhaseJson::enumeration(session.start.enumeration));
        let clock = session.clock();
        let all_work = session.check_failed();
        session.finish()?;
        let total = clock();
        json.total_seconds = total.as_secs_f64();
        out.line("")?;
        out.line(format!(
            "controller halted and handed back; {} in all",
            millis(total)
        ))?;
        out.object(&json)?;
        all_work
    }
}

fn phase_line(name: &str, took: Duration, note: &str) -> String {
    format!("  {name:<12}{:>11}   {note}", millis(took))
        .trim_end()
        .to_owned()
}

fn read_disk(
    session: &mut Session,
    device: &DeviceInfo,
    out: &mut Out,
) -> Result<DiskJson, Failure> {
    let mut disk = session.open_disk(device.slot)?;
    let Some(info) = disk.info().copied() else {
        return Err(host::Error::Disk(storage::DiskError::NotStarted).into());
    };
    let length = info.geometry.bytes();
    out.line("")?;
    out.line(format!(
        "reading all of {}: {} in blocks of {} bytes{}",
        short_name(device),
        bytes(length),
        info.geometry.block_size,
        if info.write_protected {
            ", write-protected"
        } else {
            ""
        }
    ))?;
    let moved = moving::read(session, &mut disk, Range { offset: 0, length }, |_| Ok(()));
    let moved = moved?;
    out.line(format!(
        "  {} in {}, {}",
        bytes(length),
        millis(moved.time),
        rate(length, moved.time)
    ))?;
    out.line(format!("  SHA-256 {}", moved.sha256))?;
    let text = |name: &[u8]| output::clean(&String::from_utf8_lossy(name));
    let json = DiskJson {
        vendor: text(&info.inquiry.vendor),
        product: text(&info.inquiry.product),
        block_bytes: info.geometry.block_size,
        write_protected: info.write_protected,
        read: moved.json(&device.place),
    };
    disk.close(&mut session.engine);
    Ok(json)
}
