//! `doorbell usb type`

use std::time::Duration;

use clap::Args;
use host::keyboard::{self, KeyboardEvent, PolledKeyboard};
use serde::Serialize;

use crate::args::{Common, Selection};
use crate::failure::Failure;
use crate::output::{Out, location};
use crate::session::Session;

/// What the keyboard types that is there when none was asked for.
const GREETING: &str = "Hello from Doorbell\n";

/// How long after the last key the keyboard counts as done.
const REST: Duration = Duration::from_millis(100);

const EXAMPLES: &str = "\
Examples:
  doorbell usb type
  doorbell usb type --text 'It works.'
  doorbell usb type --device 'keyboard:text=abc\\n,speed=full' --seconds 1";

/// Prints what a keyboard sends, until it has typed all it was given, or for some time.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Type {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    selection: Selection,
    /// Have the keyboard type this
    #[arg(long)]
    text: Option<String>,
    /// Listen for so long, whether anything is typed or not
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,
}

#[derive(Debug, Serialize)]
struct TypeJson {
    location: String,
    port: u8,
    text: String,
    keys: Vec<KeyJson>,
}

#[derive(Debug, Serialize)]
struct KeyJson {
    usage: u8,
    pressed: bool,
    modifiers: u8,
    text: Option<char>,
}

impl Type {
    pub(crate) fn run(self, out: &mut Out) -> Result<(), Failure> {
        let greeting = if self.text.is_some() { "" } else { GREETING };
        let mut session = Session::start(&self.common, greeting, |_, _, _| Ok(()))?;
        let word = self.selection.device.as_deref();
        let fits = |device: &host::DeviceInfo| keyboard::function(device).is_some();
        let device = session.select(word, "keyboard", fits)?;
        if let Some(text) = &self.text {
            let unknown = session
                .engine
                .backend_mut()
                .type_text(&device.place, text)?;
            if unknown > 0 {
                let message =
                    format!("{unknown} characters of the text have no key on a US keyboard");
                return Err(Failure::usage(message, "leave them out"));
            }
        }
        let mut keyboard = PolledKeyboard::new(&mut session.engine, device.slot)?;
        let end = self
            .seconds
            .map(|seconds| session.engine.now() + Duration::from_secs(seconds.into()));
        let mut json = TypeJson {
            location: location(&device.place),
            port: device.place.port.get(),
            text: String::new(),
            keys: Vec::new(),
        };
        loop {
            let event = session.run_for(REST, |engine| keyboard.poll(engine))?;
            match event {
                Some(KeyboardEvent::Key(key)) => {
                    if let Some(text) = key.text {
                        out.text(text.encode_utf8(&mut [0; 4]))?;
                        json.text.push(text);
                    }
                    json.keys.push(KeyJson {
                        usage: key.usage.0,
                        pressed: key.pressed,
                        modifiers: key.modifiers.0,
                        text: key.text,
                    });
                }
                Some(KeyboardEvent::Ended(error)) => {
                    let error = host::Error::Keyboard(error);
                    return Err(session.explain(error));
                }
                None => {}
            }
            let over = match end {
                Some(end) => session.engine.now() >= end,
                None => {
                    event.is_none() && session.engine.backend_mut().has_typed_all(&device.place)
                }
            };
            if over {
                break;
            }
        }
        if !json.text.is_empty() && !json.text.ends_with('\n') {
            out.line("")?;
        }
        keyboard.close(&mut session.engine);
        out.object(&json)?;
        session.finish()
    }
}
