//! What goes to the terminal, or into one JSON object.

mod describe;
mod hubs;
mod json;
mod tree;
mod words;

use std::io::{self, Write};

use host::DeviceInfo;
use serde::Serialize;

use crate::failure::Failure;

pub(crate) use describe::describe;
pub(crate) use json::{ControllerJson, DeviceJson, FailedJson, MovedJson, PhaseJson};
pub(crate) use tree::tree;
pub(crate) use words::{bytes, clean, levels, location, millis, rate};

/// The devices for scripts.
pub(crate) fn devices_json(devices: &[DeviceInfo]) -> Vec<DeviceJson> {
    let device = |device| DeviceJson::new(device, devices);
    devices.iter().map(device).collect()
}

/// The standard output: lines for people, or one JSON object at the end.
pub(crate) struct Out {
    to: io::Stdout,
    json: bool,
    /// The object has been written: there is to be one.
    told: bool,
}

impl Out {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            to: io::stdout(),
            json,
            told: false,
        }
    }

    /// Writes a line for people; nothing when a script reads.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) -> Result<(), Failure> {
        if !self.json {
            writeln!(self.to, "{}", line.as_ref())?;
        }
        Ok(())
    }

    /// Writes a piece of text for people without a line's end, at once.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        if !self.json {
            write!(self.to, "{text}")?;
            self.to.flush()?;
        }
        Ok(())
    }

    /// Writes the object for scripts; nothing when a person reads.
    pub(crate) fn object(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        if self.json && !self.told {
            self.told = true;
            let text = serde_json::to_string_pretty(object).map_err(io::Error::from)?;
            writeln!(self.to, "{text}")?;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.to.flush()?)
    }

    /// Says what went wrong: on the error output, and for scripts as an object on the standard output.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        let mut text = format!("error: {}\n", failure.message());
        if let Some(hint) = failure.hint() {
            text.push_str(&format!("hint: {hint}\n"));
        }
        // Nobody is left who could be told that this failed.
        let _unheard = io::stderr().write_all(text.as_bytes());
        let object = serde_json::json!({ "error": {
            "message": failure.message(),
            "hint": failure.hint(),
            "exit_code": failure.number(),
        }});
        let _unheard = self.object(&object);
    }
}
